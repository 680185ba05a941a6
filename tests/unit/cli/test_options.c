/* options: docker's and mydocker's spellings, each with one meaning. */

#include "cli/options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cli/spec_options.h"
#include "cli/verb.h"

struct values {
    bool tty, stdin_open, detach, timestamps;
    const char *name, *memory;
    struct option_list env, env_files, mounts;
    int number;
};

static int set_number(void *field, const char *value, struct mtd_error *err)
{
    if (strcmp(value, "7") != 0)
        return mtd_fail(err, EINVAL, "\"%s\" is not seven", value);
    *(int *)field = 7;
    return 0;
}

static int set_both(void *field, const char *value, struct mtd_error *err)
{
    (void)value;
    (void)err;
    ((struct values *)field)->tty = ((struct values *)field)->stdin_open = true;
    return 0;
}

static const struct option_row ROWS[] = {
    {"tty", 't', OPTION_FLAG, offsetof(struct values, tty)},
    {"interactive", 'i', OPTION_FLAG, offsetof(struct values, stdin_open)},
    {"detach", 'd', OPTION_FLAG, offsetof(struct values, detach)},
    {"timestamps", 0, OPTION_FLAG, offsetof(struct values, timestamps)},
    {"name", 0, OPTION_TEXT, offsetof(struct values, name)},
    {"memory", 'm', OPTION_TEXT, offsetof(struct values, memory)},
    {"mem", 0, OPTION_TEXT, offsetof(struct values, memory)},
    {"env", 'e', OPTION_LIST, offsetof(struct values, env)},
    {"env-file", 0, OPTION_LIST, offsetof(struct values, env_files)},
    {"mount", 'v', OPTION_LIST, offsetof(struct values, mounts)},
    {"number", 'n', OPTION_VALUE, offsetof(struct values, number), set_number},
    {"ti", 0, OPTION_MARK, 0, set_both},
    {"containerId", 0, OPTION_FIRST},
    {"imageName", 0, OPTION_LAST},
    {"late", 0, OPTION_LATE, offsetof(struct values, number), set_number},
    {"filter", 'f', OPTION_FILTER, offsetof(struct values, mounts)},
    {"host", 'H', OPTION_IGNORE, 0, NULL, "SOCKET", "there is none"},
    {"quiet", 'q', OPTION_IGNORE},
    {"publish", 'p', OPTION_REFUSE, 0, NULL, NULL, "no ports here"},
    OPTION_END,
};

static struct values v;
static struct operands o;
static struct mtd_error err;
static struct option_set set;

static int parse(bool stop, ...)
{
    static char *argv[32];
    int argc = 1;
    va_list args;
    options_done(&set, &v, &o);
    v = (struct values){0};
    err = (struct mtd_error){0};
    set = (struct option_set){{ROWS}, .stop_at_operand = stop};
    argv[0] = "run";
    va_start(args, stop);
    while ((argv[argc] = va_arg(args, char *)))
        argc++;
    va_end(args);
    return options_parse(&set, argc, argv, &v, &o, &err);
}
#define PARSE(...) parse(true, __VA_ARGS__, NULL)
#define PARSE_ALL(...) parse(false, __VA_ARGS__, NULL)

static void forget(void)
{
    options_done(&set, &v, &o);
}
TestSuite(options, .fini = forget);

Test(options, clusters_in_any_order)
{
    static char *const SPELLINGS[] = {"-it", "-ti", "-itd", "-dit", "-tid", "-dti"};
    for (size_t i = 0; i < 6; i++) {
        cr_assert_eq(PARSE(SPELLINGS[i], "busybox"), 0, "%s", err.text);
        cr_expect(v.tty && v.stdin_open, "%s", SPELLINGS[i]);
        cr_expect_eq(v.detach, strchr(SPELLINGS[i], 'd') != NULL, "%s", SPELLINGS[i]);
        cr_expect_eq(v.timestamps, false);
        cr_expect_eq(o.len, 1);
    }
}

Test(options, two_dashes_ti)
{
    cr_assert_eq(PARSE("--ti", "busybox"), 0);
    cr_expect(v.tty && v.stdin_open);
}

Test(options, single_dash_long_names)
{
    cr_assert_eq(PARSE("-name", "web", "-mem", "100m", "busybox"), 0, "%s", err.text);
    cr_expect_str_eq(v.name, "web");
    cr_expect_str_eq(v.memory, "100m");
    cr_assert_eq(PARSE("-name=web", "busybox"), 0);
    cr_expect_str_eq(v.name, "web");
}

Test(options, env_is_not_an_abbreviation_of_env_file)
{
    cr_assert_eq(PARSE("-e", "A=1", "-eB=2", "-e=C=3", "--env=D=4", "--env", "E=5",
                       "--env-file", "f", "-en=6", "img"),
                 0, "%s", err.text);
    static const char *const WANTED[] = {"A=1", "B=2", "C=3", "D=4", "E=5", "n=6"};
    cr_assert_eq(v.env.len, 6);
    for (size_t i = 0; i < 6; i++)
        cr_expect_str_eq(v.env.items[i], WANTED[i]);
    cr_expect_eq(v.env_files.len, 1);
}

Test(options, no_abbreviations)
{
    cr_expect_eq(PARSE("--nam", "x", "img"), -EINVAL);
    cr_expect_str_eq(err.text, "unknown option --nam");
    cr_expect_eq(PARSE("--env-fil=x", "img"), -EINVAL);
    cr_expect_eq(PARSE("--timestamp", "img"), -EINVAL);
}

Test(options, values_may_look_like_options)
{
    cr_assert_eq(PARSE("--name", "-name", "-m", "--", "-e", "-it", "img"), 0, "%s",
                 err.text);
    cr_expect_str_eq(v.name, "-name");
    cr_expect_str_eq(v.memory, "--");
    cr_expect_str_eq(v.env.items[0], "-it");
    cr_expect_eq(v.tty, false);
    cr_expect_eq(o.len, 1);
}

Test(options, an_equals_sign_begins_a_value)
{
    cr_assert_eq(PARSE("-m=1g", "-v=/a:/b", "--name=", "img"), 0);
    cr_expect_str_eq(v.memory, "1g");
    cr_expect_str_eq(v.mounts.items[0], "/a:/b");
    cr_expect_str_eq(v.name, "");
    cr_assert_eq(PARSE("-e", "=x", "img"), 0);
    cr_expect_str_eq(v.env.items[0], "=x");
}

Test(options, flags_take_true_and_false)
{
    cr_assert_eq(PARSE("--tty", "-i=true", "-d=false", "--timestamps=false", "img"), 0);
    cr_expect(v.tty && v.stdin_open && !v.detach && !v.timestamps);
    cr_expect_eq(PARSE("--tty=maybe", "img"), -EINVAL);
    cr_expect_str_eq(err.text, "--tty: \"maybe\" is not true or false");
    cr_expect_eq(PARSE("-d=x", "img"), -EINVAL);
}

Test(options, a_flag_does_not_eat_the_next_word)
{
    cr_assert_eq(PARSE("--tty", "false"), 0);
    cr_expect(v.tty);
    cr_assert_eq(o.len, 1);
    cr_expect_str_eq(o.items[0], "false");
}

Test(options, behind_the_image_nothing_is_ours)
{
    cr_assert_eq(PARSE("-t", "img", "ls", "-i", "--name", "--nonsense", "-d", ""), 0);
    cr_expect(v.tty && !v.stdin_open && !v.detach && !v.name);
    cr_assert_eq(o.len, 7);
    cr_expect_str_eq(o.items[2], "-i");
    cr_expect_str_eq(o.items[6], "");
    cr_expect_null(o.items[7]);
}

Test(options, elsewhere_options_may_follow_operands)
{
    cr_assert_eq(PARSE_ALL("a", "-t", "b", "--name", "n", "-"), 0);
    cr_expect(v.tty);
    cr_expect_str_eq(v.name, "n");
    cr_assert_eq(o.len, 3);
    cr_expect_str_eq(o.items[2], "-");
}

Test(options, two_dashes_end_the_options)
{
    cr_assert_eq(PARSE("-t", "--", "-i", "x"), 0);
    cr_expect(v.tty && !v.stdin_open);
    cr_assert_eq(o.len, 2);
    cr_expect_str_eq(o.items[0], "-i");
    cr_assert_eq(PARSE_ALL("a", "--", "-t"), 0);
    cr_expect_eq(o.len, 2);
    cr_expect_eq(v.tty, false);
}

Test(options, a_missing_value_is_named)
{
    cr_expect_eq(PARSE("--name"), -EINVAL);
    cr_expect_str_eq(err.text, "option --name needs a value");
    cr_expect_eq(PARSE("-itm"), -EINVAL);
    cr_expect_str_eq(err.text, "option -itm needs a value");
}

Test(options, an_unknown_letter_is_named)
{
    cr_expect_eq(PARSE("-itx", "img"), -EINVAL);
    cr_expect_str_eq(err.text, "unknown option -x in -itx");
    cr_expect_eq(PARSE("-x", "img"), -EINVAL);
    cr_expect_str_eq(err.text, "unknown option -x");
}

Test(options, a_bad_value_is_named_with_its_option)
{
    cr_expect_eq(PARSE("-n", "8", "img"), -EINVAL);
    cr_expect_str_eq(err.text, "--number: \"8\" is not seven");
    cr_expect_eq(PARSE("--number=7", "img"), 0);
    cr_expect_eq(v.number, 7);
}

Test(options, refused_ones_say_why)
{
    cr_expect_eq(PARSE("-p", "80:80", "img"), -EOPNOTSUPP);
    cr_expect_str_eq(err.text, "--publish: no ports here");
}

Test(options, operands_given_as_options)
{
    cr_assert_eq(PARSE_ALL("-imageName", "img", "-containerId", "id", "x"), 0);
    cr_assert_eq(o.len, 3);
    cr_expect_str_eq(o.items[0], "id");
    cr_expect_str_eq(o.items[1], "x");
    cr_expect_str_eq(o.items[2], "img");
    cr_assert_eq(PARSE("-containerId", "id", "ls", "-t"), 0);
    cr_expect_str_eq(o.items[0], "id");
    cr_expect_str_eq(o.items[2], "-t");
}

Test(options, help_stops_everything)
{
    cr_assert_eq(PARSE("--help", "--nonsense"), 0);
    cr_expect(o.help);
    cr_assert_eq(PARSE("-h"), 0);
    cr_expect(o.help);
}

Test(options, a_second_parse_starts_afresh)
{
    cr_expect_eq(PARSE("-itx"), -EINVAL);
    cr_assert_eq(PARSE("-d", "img"), 0, "%s", err.text);
    cr_expect(v.detach && !v.tty);
    cr_expect_eq(o.len, 1);
}

Test(options, the_environment_does_not_change_the_order)
{
    setenv("POSIXLY_CORRECT", "1", 1);
    cr_assert_eq(PARSE_ALL("a", "-t"), 0);
    unsetenv("POSIXLY_CORRECT");
    cr_expect(v.tty);
    cr_expect_eq(o.len, 1);
}

/* Of all verbs: no long name twice, no letter twice, and no long name that a user could mean
 * as a cluster of flags with another meaning. */
static bool is_flag(const struct verb *verb, char letter)
{
    for (size_t t = 0; t < OPTION_TABLES && verb->options.tables[t]; t++)
        for (const struct option_row *r = verb->options.tables[t]; !OPTION_IS_END(r); r++)
            if (r->letter == letter && r->kind == OPTION_FLAG)
                return true;
    return false;
}

static bool is_cluster(const struct verb *verb, const char *name)
{
    for (const char *c = name; *c; c++)
        if (!is_flag(verb, *c) || strchr(c + 1, *c))
            return false; /* nobody types a flag twice: -all */
    return true;
}

static void check_row(const struct verb *verb, const struct option_row *row)
{
    size_t names = 0, letters = 0;
    for (size_t t = 0; t < OPTION_TABLES && verb->options.tables[t]; t++)
        for (const struct option_row *r = verb->options.tables[t]; !OPTION_IS_END(r);
             r++) {
            names += row->name && r->name && strcmp(r->name, row->name) == 0;
            letters += row->letter && r->letter == row->letter;
        }
    cr_expect_leq(names, 1, "%s --%s", verb->name, row->name);
    cr_expect_leq(letters, 1, "%s -%c", verb->name, row->letter);
    if (row->name && is_cluster(verb, row->name))
        cr_expect(strcmp(row->name, "it") == 0 || strcmp(row->name, "ti") == 0, "%s -%s",
                  verb->name, row->name);
}

Test(options, tables_are_unambiguous)
{
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(VERBS, i)); i++)
        for (size_t t = 0; t < OPTION_TABLES && verb->options.tables[t]; t++)
            for (const struct option_row *r = verb->options.tables[t]; !OPTION_IS_END(r);
                 r++)
                check_row(verb, r);
}

Test(options, verbs_and_their_other_names)
{
    static const struct {
        char *words[3];
        const char *name;
        int n;
    } CASES[] = {
        {{"run", "x"}, "run", 1},
        {{"list"}, "ps", 1},
        {{"container", "ls"}, "ps", 2},
        {{"container", "stop"}, "stop", 2},
        {{"image", "ls"}, "images", 2},
        {{"image", "tag"}, "tag", 2},
        {{"container", "prune"}, "container prune", 2},
        {{"system", "df"}, "system df", 2},
        {{"container", "commit"}, "commit", 2},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        int words = 0, argc = 0;
        while (CASES[i].words[argc])
            argc++;
        const struct verb *verb = verb_find(VERBS, argc, (char **)CASES[i].words, &words);
        cr_assert(verb, "%s", CASES[i].words[0]);
        cr_expect_str_eq(verb->name, CASES[i].name);
        cr_expect_eq(words, CASES[i].n);
    }
    int words;
    cr_expect_null(verb_find(VERBS, 1, (char *[]){"container"}, &words));
    cr_expect_null(verb_find(VERBS, 2, (char *[]){"image", "stop"}, &words));
    cr_expect_null(verb_find(VERBS, 1, (char *[]){"frobnicate"}, &words));
}

Test(options, ignored_ones_take_their_value_and_are_noted_once)
{
    cr_assert_eq(PARSE("-H", "a", "--host=b", "-q", "x"), 0, "%s", err.text);
    cr_expect_eq(o.len, 1);
    cr_expect_str_eq(o.items[0], "x");
    cr_assert_eq(o.n_notes, 1, "--quiet has nothing to say");
    cr_expect_str_eq(o.notes[0]->name, "host");
    cr_expect_eq(o.given, 3);
}

Test(options, an_empty_filter_is_none)
{
    cr_assert_eq(PARSE("--filter=", "-f", "a=b", "-f", "", "x"), 0, "%s", err.text);
    cr_assert_eq(v.mounts.len, 1);
    cr_expect_str_eq(v.mounts.items[0], "a=b");
    cr_expect_eq(o.given, 3, "empty values are given");
}

Test(options, whose_value_was_wrong)
{
    cr_expect_lt(PARSE("--late", "9"), 0);
    cr_expect(o.late);
    cr_expect_lt(PARSE("--number", "9"), 0);
    cr_expect_not(o.late);
    cr_expect_lt(PARSE("--nosuch"), 0);
    cr_expect_not(o.late);
}
