/* verb_stats - stats: the resource usage of containers. The CPU share needs two samples,
 * so the first screen appears with the second, as docker's does. 100 % is one CPU. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/stats_columns.h"
#include "cli/table.h"
#include "cli/verb.h"

#define INTERVAL_MS 1000

struct stats_values {
    bool all, no_stream, no_trunc;
    const char *format;
    struct table table;
};

#define FIELD(f) offsetof(struct stats_values, f)
static const struct option_row STATS_OPTIONS[] = {
    {"all", 'a', OPTION_FLAG, FIELD(all), NULL, NULL,
     "Show all containers, not only running ones"},
    {"format", 0, OPTION_TEXT, FIELD(format), NULL, "FORMAT",
     "table, json, or a template such as '{{.Name}} {{.CPUPerc}}'"},
    {"no-stream", 0, OPTION_FLAG, FIELD(no_stream), NULL, NULL,
     "Print one sample and exit"},
    {"no-trunc", 0, OPTION_FLAG, FIELD(no_trunc), NULL, NULL, "Do not shorten IDs"},
    OPTION_END,
};

struct sample {
    char id[MTD_ID_SIZE];
    struct mtd_stats stats;
};
struct samples {
    struct sample *items;
    size_t len;
};

/* ---- sampling ---- */

struct stats_view {
    struct cli *cli;
    struct stats_values *v;
    const struct strv *ids; /* the containers asked for; empty = by state */
    uint64_t host_memory;
    struct samples before;
};

static bool is_asked(const struct stats_view *s, const struct mtd_summary *c)
{
    if (s->ids->len)
        return strv_contains(s->ids, c->id);
    return s->v->all || mtd_state_is_active(c->state);
}

/* Samples are sorted by the id, with which they begin. */
static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static const struct mtd_stats *find_sample(const struct samples *s, const char *id)
{
    const struct sample *found =
        s->len ? bsearch(id, s->items, s->len, sizeof(*s->items), compare_ids) : NULL;
    return found ? &found->stats : NULL;
}

/* A container may exit between the list and its sample: then it has no figures. */
static int take_samples(const struct stats_view *s, const struct mtd_list *list,
                        struct samples *ret)
{
    *ret = (struct samples){calloc(list->len + 1, sizeof(*ret->items)), 0};
    if (!ret->items)
        return -ENOMEM;
    for (size_t i = 0; i < list->len; i++) {
        struct sample *one = &ret->items[ret->len];
        const struct mtd_summary *c = &list->items[i];
        if (!c->pid || !is_asked(s, c) ||
            mtd_stats(s->cli->engine, c, &one->stats, NULL) < 0)
            continue;
        memcpy(one->id, c->id, sizeof(one->id));
        ret->len++;
    }
    qsort(ret->items, ret->len, sizeof(*ret->items), compare_ids);
    return 0;
}

/* Returns the number of containers shown. */
static int show_round(struct stats_view *s, const struct mtd_list *list,
                      const struct samples *now, struct mtd_error *err)
{
    static const char HOME[] = "\033[H\033[J";
    int shown = 0;
    for (size_t i = 0; i < list->len; i++) {
        const struct mtd_summary *c = &list->items[i];
        struct stats_row row = {c, find_sample(now, c->id),
                                find_sample(&s->before, c->id), s->host_memory,
                                s->v->no_trunc};
        if (!is_asked(s, c))
            continue;
        int rc = table_add(&s->v->table, &row, err);
        if (rc < 0)
            return rc;
        shown++;
    }
    if (!s->v->no_stream && isatty(STDOUT_FILENO) && write(STDOUT_FILENO, HOME, 6) < 0)
        return mtd_fail_errno(err, errno, "cannot write to stdout");
    int rc = table_print(&s->v->table, err);
    return rc < 0 ? rc : shown;
}

static int run_round(struct stats_view *s, const struct mtd_list *list, bool show,
                     struct mtd_error *err)
{
    struct samples now = {0};
    int rc = 0;
    if (take_samples(s, list, &now) < 0)
        rc = mtd_fail(err, ENOMEM, "out of memory");
    if (rc == 0 && show)
        rc = show_round(s, list, &now, err);
    free(s->before.items);
    s->before = now;
    return rc;
}

/* Sleeps, but returns when stdout has no reader any more. */
static bool sleep_reading(int64_t ms)
{
    struct pollfd fd = {.fd = STDOUT_FILENO, .events = 0};
    return poll(&fd, 1, (int)ms) <= 0;
}

/* As long as the first round took the second will, and both are in the interval: a thousand
 * containers take no longer than one. */
static int64_t rest_of_interval(int64_t begin)
{
    int64_t round = (clock_mono_ns() - begin) / NS_PER_MS;
    return round < INTERVAL_MS / 4 ? INTERVAL_MS - 2 * round : INTERVAL_MS / 2;
}

static int show_once(struct stats_view *s, const struct mtd_list *list,
                     struct mtd_error *err)
{
    int64_t begin = clock_mono_ns();
    int rc = run_round(s, list, false, err);
    if (rc == 0 && sleep_reading(rest_of_interval(begin)))
        rc = run_round(s, list, true, err);
    return rc;
}

static int stream(struct stats_view *s, struct mtd_list *list, struct mtd_error *err)
{
    int rc = run_round(s, list, false, err);
    while (rc >= 0 && sleep_reading(INTERVAL_MS)) {
        mtd_list_done(list);
        rc = mtd_list(s->cli->engine, list, err);
        if (rc == 0)
            rc = run_round(s, list, true, err);
        if (rc == 0 && s->ids->len)
            break;
    }
    return rc;
}

static int run_rounds(struct stats_view *s, struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    int rc = mtd_list(s->cli->engine, &list, err);
    if (rc < 0)
        return rc;
    return s->v->no_stream ? show_once(s, &list, err) : stream(s, &list, err);
}

static int resolve_all(struct cli *c, const struct operands *o, struct strv *ret,
                       struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    int rc = 0;
    for (size_t i = 0; i < o->len && rc == 0; i++) {
        rc = mtd_resolve(c->engine, o->items[i], id, err);
        if (rc == 0)
            rc = strv_add(ret, id);
    }
    return rc == -ENOMEM ? mtd_fail(err, ENOMEM, "out of memory") : rc;
}

static int run_stats(struct cli *c, void *values, const struct operands *o)
{
    struct stats_values *v = values;
    struct mtd_error err = {0};
    struct mtd_info info = {0};
    auto_done(strv_done) struct strv ids = {0};
    struct stats_view s = {.cli = c, .v = v, .ids = &ids};
    int rc = table_init(&v->table, v->format, STATS_FIELDS, STATS_TABLE, &err);
    if (rc == 0)
        rc = resolve_all(c, o, &ids, &err);
    if (rc == 0)
        rc = mtd_host_info(c->engine, &info, &err);
    s.host_memory = info.memory;
    if (rc == 0)
        rc = run_rounds(&s, &err);
    free(s.before.items);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static void done_stats(void *values)
{
    table_done(&((struct stats_values *)values)->table);
}

const struct verb VERBS_STATS[] = {
    {.name = "stats",
     .operands = "[CONTAINER...]",
     .summary = "Show CPU, memory, network and disk usage",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {{STATS_OPTIONS}},
     .values_size = sizeof(struct stats_values),
     .max = VERB_MANY,
     .run = run_stats,
     .done = done_stats},
    VERB_END,
};
