/* runs - a container's starts and ends, put together from its events: its restart
 * history.
 * Shape   oldest first; an end is credited to `stop`, `kill` or `oom` when that event is
 *         next to it.
 */
#ifndef UI_MODEL_RUNS_H
#define UI_MODEL_RUNS_H

#include "base/buf.h"
#include "ui/model/events_file.h"

struct run {
    int64_t start, end; /* wall ns; start 0 = its event is gone, end 0 = none yet */
    int exit_code;      /* -1 = not known */
    bool oom;
    const char *by; /* "stop", "kill"; NULL = by itself */
};
/* The last max runs; returns how many there are in all. *ret_n = how many were given. */
size_t runs_find(const struct event_list *events, struct run *ret, size_t max,
                 size_t *ret_n);
/* "2026-01-02 03:04:05  ran 1s, status 3" */
int run_print(const struct run *r, int64_t now, struct buf *out);

#endif
