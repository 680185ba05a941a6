/* Figures are differences of counters, so the first reading of a container has none: it
 * shows a dash. Only rows on the screen are read, unless the order depends on all of
 * them. */
#include "ui/model/model.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Growth per second; -1 when a counter is missing or was reset. */
static float rate(uint64_t now, uint64_t before, double seconds, double unit)
{
    if (now == MTD_STAT_NONE || before == MTD_STAT_NONE || now < before || seconds <= 0)
        return -1;
    return (float)((double)(now - before) / seconds / unit);
}

static float gauge(uint64_t v)
{
    return v == MTD_STAT_NONE ? -1 : (float)v;
}

static float throttled(const struct mtd_stats *now, const struct mtd_stats *before)
{
    if (now->periods == MTD_STAT_NONE || before->periods == MTD_STAT_NONE ||
        now->periods <= before->periods ||
        now->throttled_periods < before->throttled_periods)
        return now->periods == MTD_STAT_NONE ? -1 : 0;
    return (float)(100.0 * (double)(now->throttled_periods - before->throttled_periods) /
                   (double)(now->periods - before->periods));
}

static void push(struct track *t)
{
    if (!t->history)
        t->history = calloc(1, sizeof(*t->history));
    struct history *h = t->history;
    if (!h)
        return;
    h->at[h->head] = t->now;
    h->head = (h->head + 1) % MODEL_HISTORY;
    h->len += h->len < MODEL_HISTORY;
}

void track_feed(struct track *t, const struct mtd_stats *s)
{
    const struct mtd_stats *b = &t->last;
    double dt = (double)(s->taken_at - b->taken_at) / 1e9;
    bool first = b->taken_at == 0 || dt <= 0 || s->cpu_ns < b->cpu_ns;
    if (!first && dt < 0.05) /* too close for a figure worth showing */
        return;
    float *v = t->now.value;
    for (int i = 0; i < SERIES_COUNT; i++)
        v[i] = -1;
    v[SERIES_MEMORY] = gauge(s->memory);
    v[SERIES_PIDS] = gauge(s->pids);
    if (!first) {
        v[SERIES_CPU] = rate(s->cpu_ns, b->cpu_ns, dt, 1e7);
        v[SERIES_THROTTLED] = throttled(s, b);
        v[SERIES_BLK_READ] = rate(s->blk_read, b->blk_read, dt, 1);
        v[SERIES_BLK_WRITE] = rate(s->blk_write, b->blk_write, dt, 1);
        v[SERIES_NET_RX] = rate(s->net_rx, b->net_rx, dt, 1);
        v[SERIES_NET_TX] = rate(s->net_tx, b->net_tx, dt, 1);
        v[SERIES_PSI_CPU] = rate(s->psi_cpu_us, b->psi_cpu_us, dt, 1e4);
        v[SERIES_PSI_MEMORY] = rate(s->psi_memory_us, b->psi_memory_us, dt, 1e4);
        v[SERIES_PSI_IO] = rate(s->psi_io_us, b->psi_io_us, dt, 1e4);
        push(t);
    }
    t->last = *s;
}

const struct sample *track_sample(const struct track *t, unsigned i)
{
    const struct history *h = t->history;
    if (!h || i >= h->len)
        return NULL;
    return &h->at[(h->head + MODEL_HISTORY - 1 - i) % MODEL_HISTORY];
}

void model_sample_row(struct model *m, struct mtd_engine *e, const struct row *r)
{
    struct mtd_stats s;
    struct mtd_error err = {0};
    if (!row_is_alive(r))
        return;
    if (kill(r->s->pid, 0) < 0 && errno == ESRCH) {
        m->stale = true;
        return;
    }
    if (mtd_stats(e, r->s, &s, &err) == 0)
        track_feed(r->t, &s);
}

void model_sample(struct model *m, struct mtd_engine *e, size_t first, size_t n)
{
    bool all = m->sort == SORT_CPU || m->sort == SORT_MEMORY || m->sort == SORT_PIDS;
    if (filter_wants_figures(&m->filter)) {
        for (size_t i = 0; i < m->list.len; i++)
            model_sample_row(m, e, &m->rows[i]);
        model_arrange(m);
        return;
    }
    if (all)
        first = 0, n = m->n_shown;
    for (size_t i = first; i < first + n && i < m->n_shown; i++)
        model_sample_row(m, e, m->shown[i]);
    if (all)
        model_arrange(m);
}
