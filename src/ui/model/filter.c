/* A filter is compiled once per change and matched against every row; only pid: and port:
 * ask the kernel: pid: once per filter, port: once per filter for the host's network and
 * once per container that has its own. */
#include "ui/model/filter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/engine.h"

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
    const char *health = s->health ? s->health : "none";
    return strncasecmp(health, t->value, strlen(t->value)) == 0;
}

static bool match_pid(const struct filter_term *t, const struct mtd_summary *s)
{
    char pid[24];
    snprintf(pid, sizeof(pid), "%d", (int)s->pid);
    return (s->pid && strcmp(pid, t->value) == 0) || strstr(t->found, s->id);
}

/* The lists of sockets of a network namespace, and the state of a socket that listens:
 * "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4242 ..." */
static const struct {
    const char *file;
    unsigned state;
} SOCKETS[] = {{"tcp", 10}, {"tcp6", 10}, {"udp", 7}, {"udp6", 7}};

/* Calls found with the inode of each socket on the port, until it returns false. */
static void find_sockets(pid_t pid, unsigned port,
                         bool (*found)(void *arg, unsigned long inode), void *arg)
{
    char path[64], line[512];
    bool more = true;
    for (size_t i = 0; i < ARRAY_SIZE(SOCKETS) && more; i++) {
        snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, SOCKETS[i].file);
        auto_file FILE *f = fopen(path, "re");
        while (more && f && fgets(line, sizeof(line), f)) {
            unsigned local, state;
            unsigned long inode;
            if (sscanf(line,
                       " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu",
                       &local, &state, &inode) == 3 &&
                local == port && state == SOCKETS[i].state)
                more = found(arg, inode);
        }
    }
}

static bool note_any(void *arg, unsigned long inode)
{
    *(bool *)arg = true;
    return false;
}

static bool publishes(const struct mtd_summary *s, unsigned port)
{
    struct mtd_port_line line;
    for (size_t i = 0; i < s->ports.len; i++)
        if (mtd_port_line_read(s->ports.items[i], &line) == 0 && line.host == port)
            return true;
    return false;
}

/* In the host's network every socket is seen; ask_kernel() has found out whose it is. */
static bool match_port(const struct filter_term *t, const struct mtd_summary *s)
{
    uint64_t port;
    bool any = false;
    if (s->pid <= 0 || parse_u64(t->value, 65535, &port) < 0)
        return false;
    if (port && publishes(s, (unsigned)port))
        return true;
    if (s->network == MTD_NET_HOST)
        return strstr(t->found, s->id);
    find_sockets(s->pid, (unsigned)port, note_any, &any);
    return any;
}

/* The beginning of one of its addresses. */
static bool match_ip(const struct filter_term *t, const struct mtd_summary *s)
{
    for (size_t i = 0; i < s->addresses.len; i++) {
        const char *blank = strchr(s->addresses.items[i], ' ');
        if (blank && strncasecmp(blank + 1, t->value, strlen(t->value)) == 0)
            return true;
    }
    return false;
}

static bool match_net(const struct filter_term *t, const struct mtd_summary *s)
{
    return strv_contains(&s->networks, t->value);
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
    {"ip", match_ip, false},       {"net", match_net, false},
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

/* ---- figures ----------------------------------------------------------------------- */

enum figure {
    FIGURE_CPU,
    FIGURE_MEMORY,
    FIGURE_PIDS,
    FIGURE_RESTARTS,
    FIGURE_AGE,
    FIGURE_EXIT
};
static const char *const FIGURES[] = {"cpu", "mem", "pids", "restarts", "age", "exit"};

static int parse_number(enum figure figure, const char *text, struct filter_term *t)
{
    uint64_t bytes;
    int64_t ns;
    size_t n = strlen(text);
    bool percent =
        n > 1 && text[n - 1] == '%' && (figure == FIGURE_CPU || figure == FIGURE_MEMORY);
    if (figure == FIGURE_AGE) {
        int rc = parse_duration_ns(text, &ns);
        t->number = (double)ns;
        return rc;
    }
    if (figure == FIGURE_MEMORY && !percent) {
        int rc = parse_size(text, &bytes);
        t->number = (double)bytes;
        return rc;
    }
    char *end;
    t->number = strtod(text, &end);
    t->of_limit = percent && figure == FIGURE_MEMORY;
    return end != text && strcmp(end, percent ? "%" : "") == 0 ? 0 : -EINVAL;
}

/* '<', '>', '=', and 'l', 'g' for "<=" and ">="; *value is what follows the sign. */
static char comparison(const char *sign, const char **value)
{
    bool or_equal = sign[0] && sign[1] == '=';
    *value = sign + 1 + or_equal;
    if (!or_equal)
        return *sign;
    return *sign == '<' ? 'l' : *sign == '>' ? 'g' : '=';
}

static int figure_named(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(FIGURES); i++)
        if (strlen(FIGURES[i]) == len && strncmp(FIGURES[i], name, len) == 0)
            return (int)i;
    return -1;
}

/* "mem>80%". 1 = it is one, 0 = part of the regular expression, -EINVAL. Nothing behind the
 * sign yet, while it is typed: all match. */
static int parse_figure(const char *word, struct filter_term *t, struct mtd_error *err)
{
    size_t n = strcspn(word, "<>=");
    int figure = word[n] ? figure_named(word, n) : -1;
    const char *value;
    if (figure < 0)
        return 0;
    t->key = figure;
    t->compare = comparison(word + n, &value);
    snprintf(t->value, sizeof(t->value), "%s", value);
    if (*value && parse_number((enum figure)figure, value, t) < 0)
        return mtd_fail(err, EINVAL, "%s: \"%s\" is not a number%s", FIGURES[figure],
                        value, figure == FIGURE_AGE ? " with a unit, as 5m" : "");
    return 1;
}

static double figure_of(const struct filter_term *t, const struct mtd_summary *s,
                        const struct filter_figures *f)
{
    switch ((enum figure)t->key) {
    case FIGURE_CPU: return f->cpu;
    case FIGURE_MEMORY:
        if (!t->of_limit || f->memory < 0)
            return f->memory;
        return s->memory_limit > 0 ? f->memory * 100 / (double)s->memory_limit : -1;
    case FIGURE_PIDS: return f->pids;
    case FIGURE_RESTARTS: return s->restart_count;
    case FIGURE_AGE: return f->now_ns ? (double)(f->now_ns - s->created_at) : -1;
    case FIGURE_EXIT: return s->state == MTD_STATE_EXITED ? s->exit_code : -1;
    }
    return -1;
}

static bool match_figure(const struct filter_term *t, const struct mtd_summary *s,
                         const struct filter_figures *f)
{
    double v = figure_of(t, s, f);
    if (v < 0)
        return false;
    switch (t->compare) {
    case '<': return v < t->number;
    case '>': return v > t->number;
    case 'l': return v <= t->number;
    case 'g': return v >= t->number;
    default: return v >= t->number && v <= t->number;
    }
}

bool filter_wants_figures(const struct filter *f)
{
    for (size_t i = 0; i < f->n_terms; i++)
        if (f->terms[i].compare && f->terms[i].key <= FIGURE_PIDS)
            return true;
    return false;
}

/* ---- terms ------------------------------------------------------------------------- */

static void add_cgroup(struct filter_term *t, const char *pid)
{
    char path[300];
    size_t n = strlen(t->found);
    snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
    if (fs_read_small_at(AT_FDCWD, path, t->found + n, sizeof(t->found) - n) < 0)
        t->found[n] = '\0';
}

struct owners {
    unsigned long inode[16];
    size_t n;
};

static bool note_inode(void *arg, unsigned long inode)
{
    struct owners *o = arg;
    o->inode[o->n++] = inode;
    return o->n < ARRAY_SIZE(o->inode);
}

static bool has_one(const struct owners *o, const char *pid)
{
    char path[300], link[64];
    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    auto_dir DIR *d = opendir(path);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        ssize_t len = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
        unsigned long inode;
        link[len > 0 ? len : 0] = '\0';
        if (sscanf(link, "socket:[%lu]", &inode) != 1)
            continue;
        for (size_t i = 0; i < o->n; i++)
            if (o->inode[i] == inode)
                return true;
    }
    return false;
}

/* The processes that hold a socket of the host's network on the port: all of /proc is
 * searched, but only when there is such a socket. */
static void ask_who_listens(struct filter_term *t)
{
    struct owners o = {0};
    uint64_t port;
    if (parse_u64(t->value, 65535, &port) == 0)
        find_sockets(getpid(), (unsigned)port, note_inode, &o);
    auto_dir DIR *d = o.n ? opendir("/proc") : NULL;
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && has_one(&o, e->d_name))
            add_cgroup(t, e->d_name);
}

static void ask_kernel(struct filter_term *t)
{
    if (t->compare)
        return;
    if (KEYS[t->key].match == match_pid && t->value[0])
        add_cgroup(t, t->value);
    else if (KEYS[t->key].match == match_port && t->value[0])
        ask_who_listens(t);
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
        if (rc == 0 && f->n_terms < FILTER_TERMS)
            rc = parse_figure(w + t->negated, t, err);
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
        int bad = regcomp(&new.regex, regex.data, REG_EXTENDED | REG_ICASE);
        new.has_regex = bad == 0;
        if (bad) {
            char why[128];
            regerror(bad, &new.regex, why, sizeof(why));
            rc = mtd_fail(err, EINVAL, "filter \"%s\": %s; the previous one stays", text,
                          why);
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

bool filter_match(const struct filter *f, const struct mtd_summary *s,
                  const struct filter_figures *figures)
{
    for (size_t i = 0; i < f->n_terms; i++) {
        const struct filter_term *t = &f->terms[i];
        if (!t->value[0])
            continue;
        bool holds = t->compare ? match_figure(t, s, figures) : KEYS[t->key].match(t, s);
        if (holds == t->negated)
            return false;
    }
    if (!f->has_regex)
        return true;
    const char *fields[] = {s->name, s->image, mtd_state_name(s->state), s->command};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (fields[i] && regexec(&f->regex, fields[i], 0, NULL, 0) == 0)
            return true;
    /* Three hexadecimal digits are somewhere in one id of seventy. */
    regmatch_t at;
    return regexec(&f->regex, s->id, 1, &at, 0) == 0 && at.rm_so == 0;
}

void filter_done(struct filter *f)
{
    if (f->has_regex)
        regfree(&f->regex);
    free(f->terms);
    *f = (struct filter){0};
}
