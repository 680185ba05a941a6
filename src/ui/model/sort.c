/* Order is total (ties keep the list's own order, newest first), so rows never change
 * places without a reason. */
#include "ui/model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_number(double a, double b)
{
    return (a < b) - (a > b); /* biggest first */
}

static int by_text(const char *a, const char *b)
{
    return strcasecmp(a ? a : "", b ? b : "");
}

/* What runs is before what ended, however new that is. */
static int by_time(const struct row *a, const struct row *b)
{
    bool runs = mtd_state_is_active(a->s->state);
    if (runs != mtd_state_is_active(b->s->state))
        return runs ? -1 : 1;
    int64_t x = a->s->created_at, y = b->s->created_at;
    return (x < y) - (x > y);
}

static int by_name(const struct row *a, const struct row *b)
{
    return by_text(a->s->name, b->s->name);
}

static double figure(const struct row *r, enum series s)
{
    return row_is_alive(r) && r->t->last.taken_at ? (double)r->t->now.value[s] : -2;
}

static int by_cpu(const struct row *a, const struct row *b)
{
    return by_number(figure(a, SERIES_CPU), figure(b, SERIES_CPU));
}

static int by_memory(const struct row *a, const struct row *b)
{
    return by_number(figure(a, SERIES_MEMORY), figure(b, SERIES_MEMORY));
}

static int by_pids(const struct row *a, const struct row *b)
{
    return by_number(figure(a, SERIES_PIDS), figure(b, SERIES_PIDS));
}

/* What needs attention first. */
static int by_state(const struct row *a, const struct row *b)
{
    return (int)group_of(a->s) - (int)group_of(b->s);
}

static int by_image(const struct row *a, const struct row *b)
{
    return by_text(a->s->image, b->s->image);
}

static const struct {
    const char *name;
    int (*compare)(const struct row *a, const struct row *b);
} SORTS[SORT_COUNT] = {
    [SORT_TIME] = {"time", by_time},    [SORT_NAME] = {"name", by_name},
    [SORT_CPU] = {"cpu", by_cpu},       [SORT_MEMORY] = {"memory", by_memory},
    [SORT_PIDS] = {"pids", by_pids},    [SORT_STATE] = {"state", by_state},
    [SORT_IMAGE] = {"image", by_image},
};

const char *sort_name(enum sort s)
{
    return SORTS[s].name;
}

int sort_parse(const char *name, enum sort *ret)
{
    for (int i = 0; i < SORT_COUNT; i++)
        if (strcmp(SORTS[i].name, name) == 0) {
            *ret = (enum sort)i;
            return 0;
        }
    return -EINVAL;
}

static int compare(const void *pa, const void *pb, void *arg)
{
    const struct row *a = *(struct row *const *)pa, *b = *(struct row *const *)pb;
    const struct model *m = arg;
    int order = SORTS[m->sort].compare(a, b);
    if (order)
        return m->reverse ? -order : order;
    return (a > b) - (a < b);
}

static bool passes(const struct model *m, const struct row *r)
{
    if (m->running_only && !mtd_state_is_active(r->s->state))
        return false;
    struct filter_figures f = {.cpu = figure(r, SERIES_CPU),
                               .memory = figure(r, SERIES_MEMORY),
                               .pids = figure(r, SERIES_PIDS),
                               .now_ns = m->now_ns};
    return filter_match(&m->filter, r->s, &f);
}

void model_arrange(struct model *m)
{
    size_t was = m->cursor;
    m->n_shown = 0;
    memset(m->count, 0, sizeof(m->count));
    memset(m->groups, 0, sizeof(m->groups));
    for (size_t i = 0; i < m->list.len; i++) {
        m->count[m->rows[i].s->state]++;
        m->groups[group_of(m->rows[i].s)]++;
        if (passes(m, &m->rows[i]))
            m->shown[m->n_shown++] = &m->rows[i];
    }
    if (m->n_shown > 1)
        qsort_r(m->shown, m->n_shown, sizeof(struct row *), compare, m);
    if (m->wanted[0] && model_select_id(m, m->wanted))
        m->wanted[0] = '\0';
    else if (m->at_top) {
        model_select(m, 0);
        m->at_top = true; /* its figures may not be known yet */
    } else if (!m->selected[0] || !model_select_id(m, m->selected))
        model_select(m, was);
}

void model_sort(struct model *m, enum sort s)
{
    m->reverse = s == m->sort && !m->reverse;
    m->sort = s;
    m->at_top = true;
    model_arrange(m);
}
