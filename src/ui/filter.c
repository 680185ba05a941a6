/* A filter is compiled once per change and matched against every row; only pid: and port:
 * ask the kernel, pid: once per filter, port: once per container. */
#include "ui/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

static bool holds(const char *text, const char *part)
{
    return text && strcasestr(text, part);
}

static bool any_holds(const struct strv *v, const char *part)
{
    for (size_t i = 0; i < v->len; i++)
        if (holds(v->items[i], part))
            return true;
    return false;
}

static bool match_name(const struct filter_term *t, const struct mtd_summary *s)
{
    return holds(s->name, t->value);
}

static bool match_id(const struct filter_term *t, const struct mtd_summary *s)
{
    return strncmp(s->id, t->value, strlen(t->value)) == 0;
}

static bool match_image(const struct filter_term *t, const struct mtd_summary *s)
{
    return holds(s->image, t->value) || holds(s->image_id, t->value);
}

static bool match_state(const struct filter_term *t, const struct mtd_summary *s)
{
    return strncasecmp(mtd_state_name(s->state), t->value, strlen(t->value)) == 0;
}

static bool match_mount(const struct filter_term *t, const struct mtd_summary *s)
{
    return any_holds(&s->mounts, t->value);
}

static bool match_label(const struct filter_term *t, const struct mtd_summary *s)
{
    return any_holds(&s->labels, t->value);
}

static bool match_health(const struct filter_term *t, const struct mtd_summary *s)
{
    return holds(s->health, t->value);
}

static bool match_pid(const struct filter_term *t, const struct mtd_summary *s)
{
    char pid[24];
    snprintf(pid, sizeof(pid), "%d", (int)s->pid);
    return (s->pid && strcmp(pid, t->value) == 0) || strstr(t->found, s->id);
}

/* /proc/PID/net/tcp: "  0: 0100007F:1F90 00000000:0000 0A ..."; state 0A listens. */
static bool listens(pid_t pid, const char *file, unsigned port)
{
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, file);
    auto_file FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        unsigned local, state;
        if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2 &&
            local == port && state == 10)
            return true;
    }
    return false;
}

static bool match_port(const struct filter_term *t, const struct mtd_summary *s)
{
    uint64_t port;
    if (s->pid <= 0 || s->network == MTD_NET_HOST ||
        parse_u64(t->value, 65535, &port) < 0)
        return false;
    return listens(s->pid, "tcp", (unsigned)port) ||
           listens(s->pid, "tcp6", (unsigned)port);
}

static const struct {
    const char *name;
    bool (*match)(const struct filter_term *t, const struct mtd_summary *s);
    bool number;
} KEYS[] = {
    {"name", match_name, false},   {"id", match_id, false},
    {"img", match_image, false},   {"image", match_image, false},
    {"state", match_state, false}, {"mnt", match_mount, false},
    {"label", match_label, false}, {"health", match_health, false},
    {"pid", match_pid, true},      {"port", match_port, true},
};

/* 1 = the word is a term, 0 = part of the regular expression, -EINVAL. */
static int parse_term(const char *word, struct filter_term *t, struct mtd_error *err)
{
    *t = (struct filter_term){.negated = word[0] == '!'};
    const char *key = word + t->negated, *colon = strchr(key, ':');
    for (size_t i = 0; colon && i < ARRAY_SIZE(KEYS); i++) {
        size_t n = (size_t)(colon - key);
        if (strlen(KEYS[i].name) != n || strncmp(KEYS[i].name, key, n) != 0)
            continue;
        t->key = (int)i;
        snprintf(t->value, sizeof(t->value), "%s", colon + 1);
        uint64_t number;
        if (KEYS[i].number && colon[1] && parse_u64(colon + 1, INT32_MAX, &number) < 0)
            return mtd_fail(err, EINVAL, "%s: \"%s\" is not a number", KEYS[i].name,
                            colon + 1);
        return 1;
    }
    return 0;
}

static void ask_kernel(struct filter_term *t)
{
    char path[64];
    if (KEYS[t->key].match != match_pid || !t->value[0])
        return;
    snprintf(path, sizeof(path), "/proc/%s/cgroup", t->value);
    if (fs_read_small_at(AT_FDCWD, path, t->found, sizeof(t->found)) < 0)
        t->found[0] = '\0';
}

static int split(const char *text, struct filter *f, struct buf *regex,
                 struct mtd_error *err)
{
    auto_free char *copy = strdup(text);
    f->terms = calloc(FILTER_TERMS, sizeof(*f->terms));
    if (!copy || !f->terms)
        return -ENOMEM;
    char *save = NULL;
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        struct filter_term *t = &f->terms[f->n_terms];
        int rc = f->n_terms < FILTER_TERMS ? parse_term(w, t, err) : 0;
        if (rc < 0)
            return rc;
        if (rc > 0) {
            ask_kernel(t);
            f->n_terms++;
        } else
            rc = buf_printf(regex, "%s%s", regex->len ? " " : "", w);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int filter_set(struct filter *f, const char *text, struct mtd_error *err)
{
    struct filter new = {0};
    auto_done(buf_done) struct buf regex = {0};
    snprintf(new.text, sizeof(new.text), "%s", text);
    int rc = split(new.text, &new, &regex, err);
    if (rc == 0 && regex.len) {
        int bad = regcomp(&new.regex, regex.data, REG_EXTENDED | REG_ICASE | REG_NOSUB);
        new.has_regex = bad == 0;
        if (bad) {
            char why[128];
            regerror(bad, &new.regex, why, sizeof(why));
            rc =
                mtd_fail(err, EINVAL, "filter \"%s\": %s; the last one stays", text, why);
        }
    }
    if (rc < 0) {
        filter_done(&new);
        return rc;
    }
    filter_done(f);
    *f = new;
    return 0;
}

bool filter_match(const struct filter *f, const struct mtd_summary *s)
{
    for (size_t i = 0; i < f->n_terms; i++) {
        const struct filter_term *t = &f->terms[i];
        if (t->value[0] && KEYS[t->key].match(t, s) == t->negated)
            return false;
    }
    if (!f->has_regex)
        return true;
    const char *fields[] = {s->name, s->id, s->image, mtd_state_name(s->state),
                            s->command};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (fields[i] && regexec(&f->regex, fields[i], 0, NULL, 0) == 0)
            return true;
    return false;
}

void filter_done(struct filter *f)
{
    if (f->has_regex)
        regfree(&f->regex);
    free(f->terms);
    *f = (struct filter){0};
}
