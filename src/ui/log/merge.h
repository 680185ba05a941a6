/* logmerge - the lines of one or several logs in the order of their times, from any
 * place, in either direction, all of them or those a query lets through.
 * Shape   a place is one address per log. Lines with the same time come in the order of
 *         the sources; a line without a readable time goes with the one before it.
 * Bounds  a step costs at most its budget: -EAGAIN means call again.
 */
#ifndef UI_LOG_MERGE_H
#define UI_LOG_MERGE_H

#include "engine/engine.h"

#define LOG_SOURCES 16 /* logs merged on one screen */

struct logplace {
    uint64_t at[LOG_SOURCES];
};

struct logsources {
    struct logindex *index[LOG_SOURCES];
    size_t n;
};

struct logref {
    unsigned source;
    struct log_line line;
};

struct logmerge {
    const struct logsources *logs;
    const struct logindex_query *query; /* NULL = all lines */
    bool backward;
    struct logplace limit; /* backward: lines before it are not given */
    struct {
        enum { MERGE_ASK, MERGE_HAVE, MERGE_NONE } state;
        uint64_t at; /* end of what has been given */
        struct logindex_search search;
        struct log_line line;
        int64_t time;
    } source[LOG_SOURCES];
};
/* Lines from place on. */
void logmerge_forward(struct logmerge *m, const struct logsources *logs,
                      const struct logindex_query *q, const struct logplace *place);
/* Lines before place, down to limit. */
void logmerge_backward(struct logmerge *m, const struct logsources *logs,
                       const struct logindex_query *q, const struct logplace *place,
                       const struct logplace *limit);
/* 1 = *ret, 0 = no more (now: forward goes on after logmerge_more()), -EAGAIN, -errno. */
int logmerge_next(struct logmerge *m, size_t budget, struct logref *ret);
void logmerge_more(struct logmerge *m); /* the logs have grown */
/* The place between what was given and what comes. */
void logmerge_place(const struct logmerge *m, struct logplace *ret);

void logplace_first(const struct logsources *logs, struct logplace *ret);
void logplace_end(const struct logsources *logs, struct logplace *ret);
int logplace_time(const struct logsources *logs, int64_t wall_ns, struct logplace *ret);

#endif
