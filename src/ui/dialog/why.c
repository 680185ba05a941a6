/* Everything there is to know about an end on one card, which otherwise has to be put
 * together from inspect, logs and dmesg. */
#include "ui/dialog/why.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/ansi.h"
#include "ui/draw/format.h"
#include "ui/draw/text.h"
#include "ui/model/events_file.h"
#include "ui/model/runs.h"

enum { LAST_LINES = 10, LINE_BYTES = 500, LAST_RUNS = 10 };

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

static void add_end(const struct mtd_summary *s, struct buf *out)
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
        buf_puts(out, "  It was never started: s starts it\n");
    if (mtd_state_is_live(s->state))
        buf_puts(out, "  Still running\n");
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

/* As the log view shows it: without colours, a progress bar in its last state. */
static void add_text(const char *text, size_t n, struct buf *out)
{
    while (n && text[n - 1] == '\r')
        n--;
    const char *last = memrchr(text, '\r', n);
    size_t from = last ? (size_t)(last + 1 - text) : 0;
    n = n - from > LINE_BYTES ? from + LINE_BYTES : n;
    ansi_plain(text + from, n - from, out);
}

static void add_log(const struct surroundings *around, const struct mtd_summary *s,
                    struct buf *out)
{
    auto_free char *path = around->engine ? mtd_path(around->engine, s->id, "log") : NULL;
    char *slash = path ? strrchr(path, '/') : NULL;
    struct log_reader reader;
    struct log_record rec;
    bool any = false, fresh = true;
    if (!slash)
        return;
    *slash = '\0';
    auto_fd int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || log_reader_open(&reader, dir, false, 0, NULL) < 0)
        return;
    log_reader_tail(&reader, LAST_LINES);
    for (; log_reader_next(&reader, &rec) == 1; fresh = rec.full) {
        if (fresh)
            buf_puts(out, rec.stream == LOG_STDERR ? "  ! " : "  | ");
        add_text(rec.text, rec.len, out);
        if (rec.full)
            buf_putc(out, '\n');
        any = true;
    }
    log_reader_close(&reader);
    if (!any)
        buf_puts(out, "  it wrote nothing\n");
    else if (!fresh)
        buf_putc(out, '\n');
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

static int make_text(const struct surroundings *around, const struct mtd_summary *s,
                     struct buf *out)
{
    buf_printf(out, "\1%s  (%s)  %s\n", s->name ? s->name : s->id,
               s->image ? s->image : "?", mtd_state_name(s->state));
    add_end(s, out);
    add_times(s, around->now(around->app), out);
    if (s->command)
        buf_printf(out, "  Command  %s\n", s->command);
    buf_puts(out, "\n\1Its last lines\n");
    add_log(around, s, out);
    buf_puts(out, "\n\1Its runs\n");
    add_runs(around, s, out);
    return buf_puts(
        out, "\nl shows the whole log, i the record, s starts it again; Esc closes.\n");
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

void why_open(const struct surroundings *around, int cols)
{
    auto_done(buf_done) struct buf text = {0}, rows = {0};
    const struct row *r = model_selected(around->model);
    char title[80];
    if (!r) {
        surroundings_say(around, SAY_WARNING, "no container is selected");
        return;
    }
    make_title(r, title, sizeof(title));
    if (make_text(around, r->s, &text) < 0 ||
        text_wrap(text.data, cols > 12 ? cols - 4 : 8, 11, &rows) < 0)
        return;
    around->push(around->app, pager_card(title, rows.data ? rows.data : "", r));
}
