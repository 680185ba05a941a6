/* Everything there is to know about an end on one card, which otherwise has to be put
 * together from inspect, logs and dmesg. */
#include "ui/dialog/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/ansi.h"
#include "ui/draw/format.h"
#include "ui/draw/text.h"
#include "ui/model/events_file.h"
#include "ui/model/notes.h"
#include "ui/model/runs.h"

enum { LAST_LINES = 10, LAST_RUNS = 10 };

/* What shells and kernels mean by the usual numbers. */
static const char *meaning(int status)
{
    switch (status) {
    case 0: return "it ended by itself, successfully";
    case 125: return "it could not be started";
    case 126: return "its command could not be run (not executable?)";
    case 127: return "its command was not found";
    default: return "its command ended with an error";
    }
}

static void add_end(const struct mtd_summary *s, int64_t now, struct buf *out)
{
    char limit[FORMAT_MAX];
    if (s->oom_killed) {
        buf_puts(out, "  OOM: the kernel killed it: out of memory");
        if (s->memory_limit > 0)
            buf_printf(out, " (limit %s)", format_size((uint64_t)s->memory_limit, limit));
        buf_puts(out, "\n");
    }
    if (s->exit_signal)
        buf_printf(out, "  Killed by %s (status %d)\n", signal_name(s->exit_signal),
                   s->exit_code);
    else if (s->state == MTD_STATE_EXITED || s->state == MTD_STATE_DEAD ||
             s->state == MTD_STATE_RESTARTING)
        buf_printf(out, "  Status %d: %s%s\n", s->exit_code,
                   s->exit_code > 128 ? "as if killed by " : meaning(s->exit_code),
                   s->exit_code > 128 ? signal_name(s->exit_code - 128) : "");
    if (s->error)
        buf_printf(out, "  %s\n", s->error);
    if (s->state == MTD_STATE_CREATED && !s->error)
        buf_puts(out, "  It was never started\n");
    if (mtd_state_is_live(s->state))
        buf_puts(out, "  Still running\n");
    if (s->state == MTD_STATE_RESTARTING && s->next_start_at > now)
        buf_printf(out, "  Starts again at %s\n", format_time(s->next_start_at, limit));
}

static void add_times(const struct mtd_summary *s, int64_t now, struct buf *out)
{
    char text[FORMAT_MAX], age[FORMAT_MAX];
    if (s->started_at && s->state != MTD_STATE_CREATED)
        buf_printf(out, "  Started  %s\n", format_time(s->started_at, text));
    if (s->finished_at)
        buf_printf(out, "  Ended    %s, %s ago, after %s\n",
                   format_time(s->finished_at, text),
                   format_age(now - s->finished_at, age),
                   format_age(s->finished_at - s->started_at, (char[FORMAT_MAX]){0}));
    if (s->restart_count)
        buf_printf(out, "  Restarted %u times\n", s->restart_count);
}

static void add_log(const struct surroundings *around, const struct mtd_summary *s,
                    struct buf *out)
{
    if (notes_last_lines(around->engine, s->id, LAST_LINES, "  | ", "  ! ", out) == 0)
        buf_puts(out, "  it wrote nothing\n");
}

/* What a probe printed says what is wrong with a container that runs. */
static void add_health(const struct surroundings *around, const struct mtd_summary *s,
                       struct buf *out)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_free struct mtd_health *h = calloc(1, sizeof(*h));
    char age[FORMAT_MAX];
    mtd_record_init(&r);
    if (!s->health || !h || !around->engine ||
        mtd_inspect(around->engine, s->id, &r, NULL) < 0)
        return;
    mtd_health(around->engine, &r, h);
    buf_printf(out, "\n\1Its health checks: %s", s->health);
    buf_printf(out, h->failing_streak ? ", %u failed in a row\n" : "\n",
               h->failing_streak);
    for (unsigned i = h->n; i-- > 0;) {
        const struct mtd_health_result *c = &h->log[i];
        buf_printf(out, "  %s ago  ",
                   format_age(around->now(around->app) - c->start, age));
        buf_printf(out, c->exit_code < 0 ? "took too long" : "status %d", c->exit_code);
        buf_puts(out, "\n");
        for (const char *t = c->output; *t; t += *t == '\n') {
            size_t n = strcspn(t, "\n");
            buf_puts(out, "  | ");
            ansi_plain(t, n, out);
            buf_putc(out, '\n');
            t += n;
        }
    }
}

/* Newest first: the question is about what happened last. */
static void add_runs(const struct surroundings *around, const struct mtd_summary *s,
                     struct buf *out)
{
    auto_free char *path = NULL;
    auto_done(event_list_done) struct event_list events = {0};
    struct run runs[LAST_RUNS];
    size_t n, all;
    if (!around->engine ||
        asprintf(&path, "%s/events.log", mtd_root(around->engine)) < 0 ||
        events_file_read(path, s->id, &events) < 0)
        return;
    all = runs_find(&events, runs, LAST_RUNS, &n);
    for (size_t i = n; i-- > 0;) {
        buf_puts(out, "  ");
        run_print(&runs[i], around->now(around->app), out);
        buf_puts(out, "\n");
    }
    if (all > n)
        buf_printf(out, "  and %zu earlier ones\n", all - n);
    else if (all == 0)
        buf_puts(out, s->state == MTD_STATE_CREATED ? "  it never ran\n"
                                                    : "  events.log no longer has any\n");
}

/* "s stops it": what the key does now, under the name that it has now. */
static void add_hint(const struct why *w, enum command cmd, const char *does,
                     struct buf *out)
{
    char name[16];
    const struct binding *b = keys_of(w->keys, ~0u, cmd);
    if (b && b->keys[0] && !(b->acts && w->read_only))
        buf_printf(out, "%s %s, ", key_name(b->keys[0], name), does);
}

static void add_hints(const struct why *w, const struct mtd_summary *s, struct buf *out)
{
    bool active = mtd_state_is_active(s->state);
    buf_puts(out, "\n");
    add_hint(w, CMD_LOGS, "shows the whole log", out);
    add_hint(w, CMD_INSPECT, "the record", out);
    if (s->state != MTD_STATE_BROKEN)
        add_hint(w, CMD_STOP_START,
                 active                          ? "stops it"
                 : s->state == MTD_STATE_CREATED ? "starts it"
                                                 : "starts it again",
                 out);
    buf_puts(out, "Esc closes\n");
}

static int make_text(const struct surroundings *around, const struct why *w,
                     const struct mtd_summary *s, struct buf *out)
{
    int64_t now = around->now(around->app);
    buf_printf(out, "\1%s  (%s)  %s\n", s->name ? s->name : s->id,
               s->image ? s->image : "?", mtd_state_name(s->state));
    add_end(s, now, out);
    add_times(s, now, out);
    if (s->command)
        buf_printf(out, "  Command  %s\n", s->command);
    add_health(around, s, out);
    buf_puts(out, "\n\1Its last lines\n");
    add_log(around, s, out);
    buf_puts(out, "\n\1Its runs\n");
    add_runs(around, s, out);
    add_hints(w, s, out);
    return out->data ? 0 : -ENOMEM;
}

static void make_title(const struct row *r, char *out, size_t size)
{
    const char *name = r->s->name ? r->s->name : r->s->id;
    snprintf(out, size,
             row_is_alive(r)                    ? "how is %s?"
             : r->s->state == MTD_STATE_CREATED ? "why did %s not start?"
                                                : "why did %s end?",
             name);
}

void why_open(const struct surroundings *around, const struct why *w)
{
    auto_done(buf_done) struct buf text = {0}, rows = {0};
    const struct row *r = model_selected(around->model);
    int cols = w->cols;
    char title[80];
    if (!r) {
        surroundings_say(around, SAY_WARNING, "no container is selected");
        return;
    }
    make_title(r, title, sizeof(title));
    if (make_text(around, w, r->s, &text) < 0 ||
        text_wrap(text.data, cols > 12 ? cols - 4 : 8, 11, &rows) < 0)
        return;
    around->push(around->app, pager_card(title, rows.data ? rows.data : "", r));
}
