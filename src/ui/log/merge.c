/* One line of each log is held, and the one with the earliest time (backward: the latest)
 * is given. Few logs are merged, so comparing all of them is cheaper than a heap. */
#include "ui/log/merge.h"

#include <errno.h>

#define TIME_LOOK_BACK 16 /* damaged lines in a row */

static void begin(struct logmerge *m, const struct logplace *place)
{
    for (size_t i = 0; i < m->logs->n; i++) {
        m->source[i].at = place->at[i];
        if (m->query)
            logindex_search_init(&m->source[i].search, m->logs->index[i], m->query,
                                 place->at[i], m->backward);
    }
}

void logmerge_forward(struct logmerge *m, const struct logsources *logs,
                      const struct logindex_query *q, const struct logplace *place)
{
    *m = (struct logmerge){.logs = logs, .query = q};
    begin(m, place);
}

void logmerge_backward(struct logmerge *m, const struct logsources *logs,
                       const struct logindex_query *q, const struct logplace *place,
                       const struct logplace *limit)
{
    *m = (struct logmerge){.logs = logs, .query = q, .backward = true, .limit = *limit};
    begin(m, place);
}

static int64_t time_of(struct logindex *x, const struct log_line *line)
{
    struct log_line l = *line;
    for (int i = 0; l.time == 0 && i < TIME_LOOK_BACK; i++)
        if (logindex_before(x, l.start, &l) <= 0)
            break;
    return l.time;
}

static int find_line(struct logmerge *m, size_t i, size_t budget, struct log_line *ret)
{
    struct logindex *x = m->logs->index[i];
    if (m->query)
        return logindex_search_next(&m->source[i].search, budget, ret);
    return m->backward ? logindex_before(x, m->source[i].at, ret)
                       : logindex_at(x, m->source[i].at, ret);
}

/* Asks source i for its next line, if it is not known yet. */
static int ask(struct logmerge *m, size_t i, size_t budget)
{
    struct log_line line;
    if (m->source[i].state != MERGE_ASK)
        return 0;
    if (m->backward && m->source[i].at <= m->limit.at[i]) {
        m->source[i].state = MERGE_NONE;
        return 0;
    }
    int r = find_line(m, i, budget, &line);
    bool beyond = r == -EAGAIN && m->backward && m->source[i].search.at <= m->limit.at[i];
    if (r == -EAGAIN && !beyond)
        return r;
    if (r > 0 && !(m->backward && line.start < m->limit.at[i])) {
        m->source[i].state = MERGE_HAVE;
        m->source[i].line = line;
        m->source[i].time = m->logs->n > 1 ? time_of(m->logs->index[i], &line) : 0;
    } else {
        m->source[i].state = MERGE_NONE;
    }
    return r < 0 && !beyond ? r : 0;
}

static bool comes_first(const struct logmerge *m, size_t a, size_t b)
{
    int64_t x = m->source[a].time, y = m->source[b].time;
    if (x == y)
        return m->backward ? a > b : a < b;
    return m->backward ? x > y : x < y;
}

int logmerge_next(struct logmerge *m, size_t budget, struct logref *ret)
{
    size_t best = LOG_SOURCES, n = m->logs->n;
    for (size_t i = 0; i < n; i++) {
        int r = ask(m, i, budget);
        if (r < 0)
            return r;
        if (m->source[i].state == MERGE_HAVE &&
            (best == LOG_SOURCES || comes_first(m, i, best)))
            best = i;
    }
    if (best == LOG_SOURCES)
        return 0;
    *ret = (struct logref){.source = (unsigned)best, .line = m->source[best].line};
    m->source[best].at = m->backward ? ret->line.start : ret->line.next;
    m->source[best].state = MERGE_ASK;
    return 1;
}

void logmerge_more(struct logmerge *m)
{
    for (size_t i = 0; i < m->logs->n; i++)
        if (m->source[i].state == MERGE_NONE)
            m->source[i].state = MERGE_ASK;
}

void logmerge_place(const struct logmerge *m, struct logplace *ret)
{
    for (size_t i = 0; i < m->logs->n; i++)
        ret->at[i] = m->source[i].at;
}

void logplace_first(const struct logsources *logs, struct logplace *ret)
{
    for (size_t i = 0; i < logs->n; i++)
        ret->at[i] = logindex_first(logs->index[i]);
}

void logplace_end(const struct logsources *logs, struct logplace *ret)
{
    for (size_t i = 0; i < logs->n; i++)
        if (logindex_tail(logs->index[i], 0, &ret->at[i]) < 0)
            ret->at[i] = logindex_end(logs->index[i]);
}

int logplace_time(const struct logsources *logs, int64_t wall_ns, struct logplace *ret)
{
    int result = 0;
    for (size_t i = 0; i < logs->n; i++) {
        int r = logindex_seek_time(logs->index[i], wall_ns, &ret->at[i]);
        if (r < 0 && result == 0)
            result = r;
    }
    return result;
}
