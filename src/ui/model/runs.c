/* events.log has one line per event. A run begins with start, ends with die; oom comes
 * before the die, and stop or kill after it. */
#include "ui/model/runs.h"

#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "ui/draw/format.h"

/* `stop` and `kill` are noted when they return: after the end they caused. */
#define JUST_AFTER (5 * NS_PER_SEC)

struct runs {
    struct run *at;
    size_t max, n, all;
    bool dying; /* oom was read, its die comes next */
};

static struct run *begin(struct runs *r, int64_t start)
{
    if (r->n == r->max) {
        memmove(r->at, r->at + 1, (r->max - 1) * sizeof(*r->at));
        r->n--;
    }
    r->all++;
    r->at[r->n] = (struct run){.start = start, .exit_code = -1};
    return &r->at[r->n++];
}

static void take(struct runs *r, const struct event_line *e, int64_t time)
{
    struct run *last = r->n ? &r->at[r->n - 1] : NULL;
    if (strcmp(e->action, "start") == 0) {
        begin(r, time);
    } else if (strcmp(e->action, "oom") == 0) {
        r->dying = true;
    } else if (strcmp(e->action, "die") == 0) {
        if (!last || last->end)
            last = begin(r, 0);
        last->end = time;
        last->exit_code = e->exit_code;
        last->oom = r->dying;
        r->dying = false;
    } else if (last && last->end && time - last->end < JUST_AFTER) {
        if (strcmp(e->action, "stop") == 0)
            last->by = "stop";
        else if (strcmp(e->action, "kill") == 0)
            last->by = "kill";
    }
}

size_t runs_find(const struct event_list *events, struct run *ret, size_t max,
                 size_t *ret_n)
{
    struct runs r = {.at = ret, .max = max};
    for (size_t i = 0; i < events->len; i++) {
        int64_t time = 0;
        time_parse(events->items[i].time, 0, &time);
        take(&r, &events->items[i], time);
    }
    *ret_n = r.n;
    return r.all;
}

int run_print(const struct run *r, int64_t now, struct buf *out)
{
    char when[FORMAT_MAX] = "?                  ", took[FORMAT_MAX] = "?";
    if (r->start) {
        format_time(r->start, when);
        format_age((r->end ? r->end : now) - r->start, took);
    }
    if (!r->end)
        return buf_printf(out, "%s  running for %s", when, took);
    buf_printf(out, "%s  ran %s, ", when, took);
    if (r->oom)
        buf_puts(out, "out of memory, ");
    if (r->exit_code > 128)
        buf_printf(out, "%s (%d)", signal_name(r->exit_code - 128), r->exit_code);
    else if (r->exit_code >= 0)
        buf_printf(out, "status %d", r->exit_code);
    else
        buf_puts(out, "exit status unknown");
    return r->by ? buf_printf(out, ", by %s", r->by) : 0;
}
