/* An image's config under a user's options, both random, against a model that is slow and plain.
 * Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"
#include "seed.h"
#include "tarfile.h"

static struct state s;
static struct seed r;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(image_config, .init = set_up, .fini = tear_down, .timeout = 60);

#define WORDS 6
#define KEYS 5 /* of variables, of labels and of volumes */

/* What one side says; -1 = nothing. Variables, labels and volumes by their number. */
struct side {
    int entry, cmd, dir, user, signal;
    int env[KEYS], label[KEYS], volume[KEYS];
};
static const char *const KEY_NAMES[KEYS] = {"PATH", "A", "AB", "HOSTNAME", "A_B"};

static int maybe(uint64_t n)
{
    return seed_below(&r, 2) ? -1 : (int)seed_below(&r, n);
}

static struct side pick_side(void)
{
    static const uint64_t SIGNALS = 3;
    struct side e = {maybe(WORDS),   maybe(WORDS), maybe(WORDS), maybe(WORDS),
                     maybe(SIGNALS), {0},          {0},          {0}};
    for (size_t i = 0; i < KEYS; i++) {
        e.env[i] = maybe(WORDS);
        e.label[i] = maybe(WORDS);
        e.volume[i] = maybe(1);
    }
    return e;
}

static char texts[40][64];
static const char *words[80];
static size_t n_texts, n_words;

static void say(const char *option, const char *form, ...)
    __attribute__((format(printf, 2, 3)));
static void say(const char *option, const char *form, ...)
{
    va_list list;
    cr_assert(n_texts < ARRAY_SIZE(texts) && n_words + 2 < ARRAY_SIZE(words));
    va_start(list, form);
    vsnprintf(texts[n_texts], sizeof(texts[0]), form, list);
    va_end(list);
    if (option)
        words[n_words++] = option;
    words[n_words++] = texts[n_texts++];
}

static void begin(const char *verb)
{
    n_texts = n_words = 0;
    memset(words, 0, sizeof(words));
    words[n_words++] = verb;
}

static const char *signal_text(int n)
{
    static const char *const SIGNALS[] = {"SIGINT", "SIGHUP", "SIGQUIT"};
    return SIGNALS[n];
}

static void make_image(const struct side *e, const char *tar)
{
    begin("import");
    if (e->entry >= 0)
        say("-c", "ENTRYPOINT [\"/e%d\", \"i\"]", e->entry);
    if (e->cmd >= 0)
        say("-c", "CMD [\"i%d\", \"j\"]", e->cmd);
    if (e->dir >= 0)
        say("-c", "WORKDIR /i%d", e->dir);
    if (e->user >= 0)
        say("-c", "USER i%d", e->user);
    if (e->signal >= 0)
        say("-c", "STOPSIGNAL %s", signal_text(e->signal));
    for (size_t i = 0; i < KEYS; i++) {
        if (e->env[i] >= 0)
            say("-c", "ENV %s=i%d", KEY_NAMES[i], e->env[i]);
        if (e->label[i] >= 0)
            say("-c", "LABEL %s=i%d", KEY_NAMES[i], e->label[i]);
        if (e->volume[i] >= 0)
            say("-c", "VOLUME /v%zu", i);
    }
    say(NULL, "%s", tar);
    say(NULL, "img");
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, words);
    cr_assert_eq(o.status, 0, "%s", o.err);
}

static struct outcome make_container(const struct side *e)
{
    begin("create");
    say("--name", "c");
    if (e->entry >= 0)
        say("--entrypoint", e->entry ? "/u%d" : "", e->entry); /* "" = none */
    if (e->dir >= 0)
        say("-w", "/u%d", e->dir);
    if (e->user >= 0)
        say("-u", "u%d", e->user);
    if (e->signal >= 0)
        say("--stop-signal", "%s", signal_text(e->signal));
    for (size_t i = 0; i < KEYS; i++) {
        if (e->env[i] >= 0)
            say("-e", "%s=u%d", KEY_NAMES[i], e->env[i]);
        if (e->label[i] >= 0)
            say("-l", "%s=u%d", KEY_NAMES[i], e->label[i]);
        if (e->volume[i] >= 0)
            say("-v", "named:/v%zu", i);
    }
    say(NULL, "img");
    if (e->cmd >= 0) {
        say(NULL, "u%d", e->cmd);
        say(NULL, "x");
    }
    return state_run_input(&s, NULL, 0, words);
}

static json_t *as_json(const char *template)
{
    auto_free char *text = field(&s, "c", template);
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    cr_assert(json, "%s: %s", template, text);
    return json;
}

static void expect_texts(const char *template, const char *const want[], size_t n)
{
    json_t *is = as_json(template);
    cr_expect_eq(json_array_size(is), n, "%s: %zu", template, json_array_size(is));
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(is, i));
        cr_expect(text && strcmp(text, want[i]) == 0, "%s: %s, not %s", template, text,
                  want[i]);
    }
    json_decref(is);
}

static bool has_command(const struct side *i, const struct side *u)
{
    return u->entry > 0 || u->cmd >= 0 ||
           (u->entry < 0 && (i->entry >= 0 || i->cmd >= 0));
}

static void expect_command(const struct side *i, const struct side *u)
{
    char e[16], c[16];
    const char *entry[] = {e, "i"}, *cmd[] = {c, u->cmd >= 0 ? "x" : "j"};
    bool image_cmd = u->cmd < 0 && u->entry < 0 && i->cmd >= 0;
    snprintf(e, sizeof(e), u->entry >= 0 ? "/u%d" : "/e%d",
             u->entry >= 0 ? u->entry : i->entry);
    snprintf(c, sizeof(c), u->cmd >= 0 ? "u%d" : "i%d", u->cmd >= 0 ? u->cmd : i->cmd);
    expect_texts("{{json .Config.Entrypoint}}", entry,
                 u->entry > 0                    ? 1
                 : u->entry == 0 || i->entry < 0 ? 0
                                                 : 2);
    expect_texts("{{json .Config.Cmd}}", cmd, u->cmd >= 0 || image_cmd ? 2 : 0);
}

/* The user's, else the image's, else what a start gives; each once. */
static void expect_env(const struct side *i, const struct side *u)
{
    json_t *is = as_json("{{json .Config.Env}}");
    size_t n = 0;
    for (size_t k = 0; k < KEYS; k++) {
        int value = u->env[k] >= 0 ? u->env[k] : i->env[k];
        char want[32];
        size_t found = 0, len = strlen(KEY_NAMES[k]), all = json_array_size(is);
        bool given = k == 0; /* inspect leaves the host name out, as docker's does */
        snprintf(want, sizeof(want), "%s=%c%d", KEY_NAMES[k], u->env[k] >= 0 ? 'u' : 'i',
                 value);
        for (size_t j = 0; j < all; j++) {
            const char *text = json_string_value(json_array_get(is, j));
            if (strncmp(text, KEY_NAMES[k], len) != 0 || text[len] != '=')
                continue;
            found++;
            cr_expect(value < 0 || strcmp(text, want) == 0, "%s, not %s", text, want);
        }
        cr_expect_eq(found, value >= 0 || given, "%s: %zu times", KEY_NAMES[k], found);
        n += found;
    }
    cr_expect_eq(json_array_size(is), n);
    json_decref(is);
}

static void expect_labels(const struct side *i, const struct side *u)
{
    json_t *is = as_json("{{json .Config.Labels}}");
    size_t n = 0;
    for (size_t k = 0; k < KEYS; k++) {
        int value = u->label[k] >= 0 ? u->label[k] : i->label[k];
        const char *text = json_string_value(json_object_get(is, KEY_NAMES[k]));
        char want[32];
        snprintf(want, sizeof(want), "%c%d", u->label[k] >= 0 ? 'u' : 'i', value);
        cr_expect(value < 0 ? !text : text && strcmp(text, want) == 0, "%s: %s, not %s",
                  KEY_NAMES[k], text, want);
        n += value >= 0;
    }
    cr_expect_eq(json_object_size(is), n);
    json_decref(is);
}

/* Where the user mounts something, the image's volume is not made. */
static void expect_volumes(const struct side *i, const struct side *u)
{
    json_t *is = as_json("{{json .Mounts}}");
    size_t n = 0;
    for (size_t k = 0; k < KEYS; k++)
        n += u->volume[k] >= 0 || i->volume[k] >= 0;
    cr_expect_eq(json_array_size(is), n, "%zu mounts, not %zu", json_array_size(is), n);
    for (size_t j = 0; j < json_array_size(is); j++) {
        const json_t *m = json_array_get(is, j);
        const char *where = json_string_value(json_object_get(m, "Destination"));
        const char *name = json_string_value(json_object_get(m, "Name"));
        cr_assert(where && strncmp(where, "/v", 2) == 0 && where[2] < '0' + KEYS);
        cr_expect_eq(u->volume[where[2] - '0'] >= 0, name && strcmp(name, "named") == 0,
                     "%s is %s", where, name);
    }
    json_decref(is);
}

static void expect_word(const char *template, const char *before, int i, int u)
{
    char want[32] = "";
    if (i >= 0 || u >= 0)
        snprintf(want, sizeof(want), "%s%c%d", before, u >= 0 ? 'u' : 'i',
                 u >= 0 ? u : i);
    expect_field(&s, "c", template, want);
}

Test(image_config, under_a_users_options)
{
    const struct tar_item items[] = {{"a", S_IFREG | 0644, "a"}, {0}};
    char path[96];
    struct tarfile t;
    r = seed_of("under_a_users_options");
    tarfile_make(&t, items, "", "");
    snprintf(path, sizeof(path), "%s/tar", s.dir.path);
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(write(fd, t.data, t.len), (ssize_t)t.len);
    tarfile_done(&t);
    for (int round = 0; round < 16; round++) {
        struct side i = pick_side(), u = pick_side();
        if (round < 8) { /* who gives a command has each form at least once */
            u.entry = round & 1 ? 1 : -1;
            u.cmd = round & 2 ? 2 : -1;
            i.cmd = round & 4 ? 3 : -1;
        }
        make_image(&i, path);
        auto_done(outcome_done) struct outcome o = make_container(&u);
        cr_assert_eq(o.status == 0, has_command(&i, &u), "%s", o.err);
        if (o.status != 0)
            continue;
        expect_command(&i, &u);
        expect_env(&i, &u);
        expect_labels(&i, &u);
        expect_volumes(&i, &u);
        expect_word("{{.Config.WorkingDir}}", "/", i.dir, u.dir);
        expect_word("{{.Config.User}}", "", i.user, u.user);
        expect_field(&s, "c", "{{.Config.StopSignal}}",
                     u.signal >= 0   ? signal_text(u.signal)
                     : i.signal >= 0 ? signal_text(i.signal)
                                     : "");
        free(ASK(&s, "rm", "-v", "c"));
    }
}
