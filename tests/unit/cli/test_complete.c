/* What may come next on a command line, without an engine. */

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/complete.h"
#include "cli/verb.h"

static const struct option_row GLOBALS[] = {
    {"root", 0, OPTION_TEXT, offsetof(struct mtd_options, root)},
    {"batch", 0, OPTION_FLAG, 0},
    OPTION_END,
};

/* typed: words with one blank between them; a blank at the end begins a new one. */
static char *complete(const char *typed)
{
    char *words[16], text[256];
    size_t n = 0;
    snprintf(text, sizeof(text), "%s", typed);
    for (char *at = text, *word; (word = strsep(&at, " "));)
        words[n++] = word;
    struct cli c = {.verbs = VERBS, .globals = GLOBALS};
    c.options.root = c.options.run_root = "/nonexistent";
    struct buf out = {0};
    cr_assert_eq(complete_words(&c, words, n, &out), 0);
    mtd_close(c.engine);
    return out.data ? out.data : strdup("");
}

static bool has_line(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strncmp(at, word, len) == 0 && (at[len] == '\t' || at[len] == '\n'))
            return true;
    return false;
}

static void expect(const char *typed, const char *words, const char *absent)
{
    auto_free char *got = complete(typed);
    auto_free char *copy = strdup(words), *not = strdup(absent);
    char *at = copy;
    for (char *word; (word = strsep(&at, " "));)
        cr_expect(!*word || has_line(got, word), "\"%s\" lacks %s: %s", typed, word, got);
    at = not ;
    for (char *word; (word = strsep(&at, " "));)
        cr_expect(!*word || !has_line(got, word), "\"%s\" gives %s", typed, word);
}

Test(complete, verbs)
{
    expect("", "run ps pull container system", "__complete search");
    expect("ru", "run", "ps rm");
    expect("system ", "df prune check", "run");
    expect("container ", "prune ls rm run inspect", "df images pull rmi");
    expect("image ", "ls rm inspect prune pull build", "ps run images rmi");
    expect("builder ", "build prune", "run ps");
    expect("help st", "start stop stats", "run");
    expect("nosuch ", "", "run ps");
}

Test(complete, every_option_that_the_help_shows)
{
    const struct verb *v;
    for (size_t i = 0; (v = verb_at(VERBS, i)); i++) {
        if (v->flags & (VERB_REFUSED | VERB_HIDDEN))
            continue;
        char typed[64], option[64];
        snprintf(typed, sizeof(typed), "%s --", v->name);
        auto_free char *got = complete(typed);
        for (int t = 0; t < OPTION_TABLES; t++)
            for (const struct option_row *r = v->options.tables[t];
                 r && !OPTION_IS_END(r); r++) {
                snprintf(option, sizeof(option), "--%s", r->name ? r->name : "");
                if (r->name)
                    cr_expect_eq(has_line(got, option),
                                 r->help && r->kind != OPTION_REFUSE, "%s %s", v->name,
                                 option);
            }
    }
}

Test(complete, values_of_options)
{
    expect("run --restart ", "no always unless-stopped on-failure", "--rm");
    expect("run --restart=al", "--restart=always", "always --restart=no");
    expect("kill -s T", "TERM TTIN", "KILL --signal");
    expect("kill -s KILL ", "", "KILL TERM");
    expect("run --cap-add=NET_R", "--cap-add=NET_RAW", "--cap-add=ALL");
    expect("run -itv ", ":files", "no");
    expect("run --env-file ", ":files", "");
    expect("run --name ", "", ":files --rm");
    expect("run --log-opt max-s", "max-size=", "max-file=");
}

Test(complete, operands)
{
    expect("import ", ":files", "");
    expect("import x ", "", ":files");
    expect("run busybox ", ":files", "--rm");
    expect("run busybox --r", ":files", "--rm");
    expect("run -- --r", "", "--rm");
    expect("completion ", "bash zsh fish", ":files");
    expect("ps ", "", ":files run");
}

Test(complete, options_of_the_program)
{
    expect("--", "--root --batch", "--rm");
    expect("--root /tmp ru", "run", "");
    expect("--root=/tmp ru", "run", "");
    expect("--batch ru", "run", "");
    expect("--root ", "", "run");
}
