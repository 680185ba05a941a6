/* complete - walks over the typed words as the parser would, but forgives: what is being
 * typed is never complete. The last word is then an option, an option's value or an
 * operand, and each of the three has its own source of candidates. */

#include "cli/complete.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define FILES ":files\n"
#define SIGNALS 32 /* the ones with names */
#define CAPABILITIES 64

struct completion {
    struct cli *c;
    const char *typed;  /* the beginning of the last word that candidates must have */
    const char *before; /* what of the last word stays in front: "--restart=" */
    size_t before_len;
    const char *first; /* the verb's first operand; NULL = it is not typed yet */
    struct buf *out;
    int rc;
    bool files;
};

static void offer(struct completion *p, const char *word, const char *description)
{
    if (p->rc < 0 || strncmp(word, p->typed, strlen(p->typed)) != 0)
        return;
    p->rc = buf_printf(p->out, "%.*s%s%s%s\n", (int)p->before_len, p->before, word,
                       description ? "\t" : "", description ? description : "");
}

/* ---- what the engine knows -------------------------------------------------------- */

static struct mtd_engine *engine(struct completion *p)
{
    struct mtd_options o = p->c->options;
    o.read_only = o.as_found = true;
    if (!p->c->engine && geteuid() == 0 && mtd_open(&p->c->engine, &o, NULL) < 0)
        p->c->engine = NULL;
    return p->c->engine;
}

static bool is_startable(enum mtd_state s)
{
    return !mtd_state_is_active(s);
}

static bool is_paused(enum mtd_state s)
{
    return s == MTD_STATE_PAUSED;
}

static bool is_running(enum mtd_state s)
{
    return s == MTD_STATE_RUNNING;
}

static const struct {
    const char *verb;
    bool (*takes)(enum mtd_state s);
} TAKES[] = {
    {"start", is_startable},        {"stop", mtd_state_is_active},
    {"kill", mtd_state_is_live},    {"pause", is_running},
    {"unpause", is_paused},         {"exec", is_running},
    {"attach", mtd_state_is_live},  {"top", mtd_state_is_live},
    {"stats", mtd_state_is_active},
};

static bool is_taken(const struct verb *v, enum mtd_state s)
{
    for (size_t i = 0; i < ARRAY_SIZE(TAKES); i++)
        if (strcmp(TAKES[i].verb, v->name) == 0)
            return TAKES[i].takes(s);
    return true;
}

static void offer_containers(struct completion *p, const struct verb *v)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    if (!engine(p) || mtd_list(p->c->engine, &list, NULL) < 0)
        return;
    for (size_t i = 0; i < list.len; i++) {
        const struct mtd_summary *s = &list.items[i];
        if (s->name && is_taken(v, s->state))
            offer(p, s->name, mtd_state_name(s->state));
    }
}

static void offer_images(struct completion *p, const struct verb *v)
{
    auto_done(mtd_image_list_done) struct mtd_image_list list = {0};
    (void)v;
    if (!engine(p) || mtd_images(p->c->engine, &list, NULL) < 0)
        return;
    for (size_t i = 0; i < list.len; i++)
        for (size_t j = 0; j < list.items[i].names.len; j++)
            offer(p, list.items[i].names.items[j], "image");
}

static void offer_volumes(struct completion *p, const struct verb *v)
{
    auto_done(mtd_volume_list_done) struct mtd_volume_list list = {0};
    bool removes = strcmp(v->name, "volume rm") == 0;
    if (!engine(p) || mtd_volumes(p->c->engine, false, &list, NULL) < 0)
        return;
    for (size_t i = 0; i < list.len; i++)
        if (!removes || list.items[i].used_by.len == 0)
            offer(p, list.items[i].name, "volume");
}

static void offer_network_names(struct completion *p)
{
    auto_done(mtd_net_list_done) struct mtd_net_list list = {0};
    if (!engine(p) || mtd_network_list(p->c->engine, &list, NULL) < 0)
        return;
    offer(p, MTD_NET_DEFAULT, "network");
    for (size_t i = 0; i < list.len; i++)
        if (strcmp(list.items[i].name, MTD_NET_DEFAULT) != 0)
            offer(p, list.items[i].name, "network");
}

static void offer_networks(struct completion *p, const struct verb *v)
{
    (void)v;
    offer_network_names(p);
}

static void offer_verbs(struct completion *p, const struct verb *v)
{
    const struct verb *one;
    (void)v;
    for (size_t i = 0; (one = verb_at(p->c->verbs, i)); i++)
        if (!(one->flags & (VERB_REFUSED | VERB_HIDDEN)) && !strchr(one->name, ' '))
            offer(p, one->name, one->summary);
}

static void offer_words(struct completion *p, const char *words)
{
    auto_free char *copy = strdup(words);
    char *save = NULL;
    for (char *w = copy ? strtok_r(copy, " ", &save) : NULL; w;
         w = strtok_r(NULL, " ", &save))
        offer(p, w, NULL);
}

static void offer_shells(struct completion *p, const struct verb *v)
{
    (void)v;
    offer_words(p, "bash zsh fish");
}

static void offer_files(struct completion *p, const struct verb *v)
{
    (void)v;
    p->files = true;
}

/* ---- values of options ------------------------------------------------------------ */

static void offer_signals(struct completion *p)
{
    for (int sig = 1; sig < SIGNALS; sig++)
        if (!strchr(signal_name(sig), '?'))
            offer(p, signal_name(sig) + strlen("SIG"), NULL);
}

static void offer_capabilities(struct completion *p)
{
    offer(p, "ALL", NULL);
    for (int i = 0; i < CAPABILITIES; i++)
        if (mtd_cap_name(i))
            offer(p, mtd_cap_name(i) + strlen("CAP_"), NULL);
}

static const struct {
    const char *option;
    const char *words;
    void (*offer)(struct completion *p);
} VALUES[] = {
    {"attach", "stdin stdout stderr"},
    {"cap-add", NULL, offer_capabilities},
    {"cap-drop", NULL, offer_capabilities},
    {"format", "json table"},
    {"ipc", "none host private shareable"},
    {"log-level", "debug info warn error fatal"},
    {"log-opt", "max-file= max-size="},
    {"network", "none host", offer_network_names},
    {"pid", "host"},
    {"pull", "always missing never"},
    {"restart", "no on-failure always unless-stopped"},
    {"security-opt", "mask= no-new-privileges systempaths=unconfined unmask="},
    {"signal", NULL, offer_signals},
    {"stop-signal", NULL, offer_signals},
    {"type", "container image volume"},
    {"uts", "host"},
};

/* A path is what FILE, DIR and PATH mean on this side; a volume's source may be one. */
static bool is_path(const struct option_row *row)
{
    const char *m = row->metavar;
    return m && (strncmp(m, "FILE", 4) == 0 || strcmp(m, "DIR") == 0 ||
                 strncmp(m, "SOURCE", 6) == 0);
}

static void offer_values(struct completion *p, const struct option_row *row)
{
    p->files = is_path(row);
    for (size_t i = 0; row->name && i < ARRAY_SIZE(VALUES); i++) {
        if (strcmp(VALUES[i].option, row->name) != 0)
            continue;
        if (VALUES[i].words)
            offer_words(p, VALUES[i].words);
        if (VALUES[i].offer)
            VALUES[i].offer(p);
    }
}

/* ---- options ---------------------------------------------------------------------- */

static bool takes_value(const struct option_row *row)
{
    return row->kind != OPTION_FLAG && row->kind != OPTION_MARK;
}

static const struct option_row *find_row(const struct option_set *set, const char *name,
                                         size_t len, char letter)
{
    for (int t = 0; t < OPTION_TABLES; t++)
        for (const struct option_row *r = set->tables[t]; r && !OPTION_IS_END(r); r++)
            if (letter ? r->letter == letter
                       : r->name && strlen(r->name) == len &&
                             strncmp(r->name, name, len) == 0)
                return r;
    return NULL;
}

/* The option whose value the word after this one is; NULL = none. */
static const struct option_row *wants_next(const struct option_set *set, const char *word)
{
    if (word[0] != '-' || !word[1] || strchr(word, '='))
        return NULL;
    const char *name = word + 1 + (word[1] == '-');
    const struct option_row *row = find_row(set, name, strlen(name), 0);
    if (!row && word[1] != '-') /* a cluster: the last letter may take a value */
        row = find_row(set, NULL, 0, word[strlen(word) - 1]);
    return row && takes_value(row) ? row : NULL;
}

/* Rows without help are other spellings; the help of the program itself is no table. */
static void offer_options(struct completion *p, const struct option_set *set)
{
    char word[64];
    for (int t = 0; t < OPTION_TABLES; t++)
        for (const struct option_row *r = set->tables[t]; r && !OPTION_IS_END(r); r++) {
            if (!r->name || r->kind == OPTION_REFUSE ||
                (!r->help && set->tables[0] != p->c->globals))
                continue;
            snprintf(word, sizeof(word), "--%s", r->name);
            offer(p, word, r->help);
        }
}

/* "--restart=al": what follows the sign is the value. False = it is not of this form. */
static bool offer_joined(struct completion *p, const struct option_set *set)
{
    const char *word = p->typed, *sign = strchr(word, '=');
    if (strncmp(word, "--", 2) != 0 || !sign)
        return false;
    const struct option_row *row = find_row(set, word + 2, (size_t)(sign - word) - 2, 0);
    p->before = word;
    p->before_len = (size_t)(sign - word) + 1;
    p->typed = sign + 1;
    if (row)
        offer_values(p, row);
    return true;
}

/* ---- operands --------------------------------------------------------------------- */

static const struct {
    const char *word; /* in a verb's usage line */
    void (*offer)(struct completion *p, const struct verb *v);
} OPERANDS[] = {
    {"CONTAINER", offer_containers}, {"IMAGE", offer_images},     {"FILE", offer_files},
    {"VOLUME", offer_volumes},       {"NETWORK", offer_networks}, {"SHELL", offer_shells},
    {"VERB", offer_verbs},
};

/* The word of the usage line for the at-th operand; what repeats is the last one. */
static const char *usage_word(const struct verb *v, size_t at, size_t *ret_len)
{
    const char *word = v->operands, *last = word;
    for (size_t i = 0; *word; i++) {
        last = word;
        if (i == at)
            break;
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    last += strspn(last, "[");
    *ret_len = strcspn(last, " ");
    return last;
}

/* ---- cp --------------------------------------------------------------------------- */

/* docker's rule: what begins with "/" or "." is a path of the host's, whatever colons are in it. */
static const char *path_inside(const char *word)
{
    const char *colon = word[0] == '/' || word[0] == '.' ? NULL : strchr(word, ':');
    return colon ? colon + 1 : NULL;
}

/* A name with a line's end or a tab in it cannot be told. */
static bool can_be_told(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 0x7f)
            return false;
    return true;
}

static void offer_names_inside(struct completion *p, const char *path)
{
    auto_done(strv_done) struct strv names = {0};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    auto_free char *container = strndup(p->typed, (size_t)(path - p->typed) - 1);
    auto_free char *dir = strndup(path, (size_t)(name - path));
    if (!container || !dir || !engine(p) ||
        mtd_names(p->c->engine, container, dir, &names, NULL) < 0)
        return;
    p->before = p->typed;
    p->before_len = (size_t)(name - p->typed);
    p->typed = name;
    for (size_t i = 0; i < names.len; i++)
        if (can_be_told(names.items[i]))
            offer(p, names.items[i], NULL);
}

static void offer_container_places(struct completion *p)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    char place[128];
    if (!engine(p) || mtd_list(p->c->engine, &list, NULL) < 0)
        return;
    for (size_t i = 0; i < list.len; i++) {
        const struct mtd_summary *s = &list.items[i];
        snprintf(place, sizeof(place), "%s:", s->name ? s->name : "");
        if (s->name)
            offer(p, place, mtd_state_name(s->state));
    }
}

/* One end is in a container, the other one is not. */
static void offer_places(struct completion *p)
{
    const char *path = path_inside(p->typed);
    bool both = !p->first, inside = p->first && !path_inside(p->first);
    if (path && (both || inside))
        offer_names_inside(p, path);
    else if (both || inside)
        offer_container_places(p);
    p->files = !path && !inside;
}

static void offer_operands(struct completion *p, const struct verb *v, size_t at)
{
    size_t len;
    if (strcmp(v->name, "cp") == 0 && at < v->max) {
        offer_places(p);
        return;
    }
    const char *word = usage_word(v, at, &len);
    for (size_t i = 0; i < ARRAY_SIZE(OPERANDS) && at < v->max; i++) {
        const char *here = memmem(word, len, OPERANDS[i].word, strlen(OPERANDS[i].word));
        if (here)
            OPERANDS[i].offer(p, v);
    }
    p->files |= v->options.stop_at_operand && at > 0;
}

/* ---- the walk --------------------------------------------------------------------- */

/* words[0..n) are the verb's own, the last of them is completed. */
static void complete_verb(struct completion *p, const struct verb *v, char **words,
                          size_t n)
{
    const struct option_set *set = &v->options;
    const struct option_row *value = NULL;
    size_t operands = 0;
    bool only_operands = false;
    for (size_t i = 0; i + 1 < n; i++) {
        if (value)
            value = NULL;
        else if (!only_operands && strcmp(words[i], "--") == 0)
            only_operands = true;
        else if (only_operands || words[i][0] != '-' || !words[i][1]) {
            p->first = p->first ? p->first : words[i];
            only_operands |= operands++ == 0 && set->stop_at_operand;
        } else
            value = wants_next(set, words[i]);
    }
    if (value)
        offer_values(p, value);
    else if (only_operands || p->typed[0] != '-')
        offer_operands(p, v, operands);
    else if (!offer_joined(p, set))
        offer_options(p, set);
}

/* The first word of verbs, or the second of those that have two. */
static void complete_name(struct completion *p, const char *object)
{
    const struct verb *v;
    const char *word;
    if (!object)
        offer_verbs(p, NULL);
    for (size_t i = 0; object && (v = verb_at(p->c->verbs, i)); i++)
        if ((word = verb_behind(p->c->verbs, object, v)))
            offer(p, word, v->summary);
}

static void offer_objects(struct completion *p)
{
    const char *object;
    for (size_t i = 0; (object = verb_object_at(i)); i++)
        offer(p, object, "Verbs of two words");
}

static void set_root(struct completion *p, const char *name, const char *value)
{
    if (strcmp(name, "root") == 0)
        p->c->options.root = value;
    else if (strcmp(name, "run-root") == 0)
        p->c->options.run_root = value;
}

/* Skips the program's own options; the roots among them are taken over. *ret_value is the
 * option whose value is being typed. */
static size_t skip_globals(struct completion *p, char **words, size_t n,
                           const struct option_row **ret_value)
{
    const struct option_set set = {{p->c->globals}};
    size_t i = 0;
    for (; i + 1 < n && words[i][0] == '-'; i++) {
        const char *sign = strchr(words[i], '=');
        const struct option_row *row = wants_next(&set, words[i]);
        if (row && i + 2 == n) {
            *ret_value = row;
            return i + 1;
        }
        if (row && row->name)
            set_root(p, row->name, words[++i]);
        else if (sign && strncmp(words[i], "--root=", 7) == 0)
            set_root(p, "root", sign + 1);
        else if (sign && strncmp(words[i], "--run-root=", 11) == 0)
            set_root(p, "run-root", sign + 1);
    }
    return i;
}

static void complete_from(struct completion *p, char **words, size_t n)
{
    int of_verb = 0;
    const struct verb *v =
        n > 1 ? verb_find(p->c->verbs, (int)n - 1, words, &of_verb) : NULL;
    if (v && !(v->flags & VERB_REFUSED))
        complete_verb(p, v, words + of_verb, n - (size_t)of_verb);
    else if (n == 1 && p->typed[0] == '-')
        offer_options(p, &(struct option_set){{p->c->globals}});
    else if (n == 1)
        complete_name(p, NULL), offer_objects(p);
    else if (n == 2 && verb_is_object(words[0]))
        complete_name(p, words[0]);
}

int complete_words(struct cli *c, char **words, size_t n, struct buf *ret)
{
    if (n == 0)
        return 0;
    struct completion p = {.c = c, .typed = words[n - 1], .before = "", .out = ret};
    const struct option_row *value = NULL;
    size_t skipped = skip_globals(&p, words, n, &value);
    if (value)
        offer_values(&p, value);
    else
        complete_from(&p, words + skipped, n - skipped);
    if (p.rc == 0 && p.files)
        p.rc = buf_puts(ret, FILES);
    return p.rc;
}
