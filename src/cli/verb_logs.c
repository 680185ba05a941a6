/* verb_logs - logs: each stream to the stream of its name, in the order of the log. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/proc.h"
#include "cli/follow.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/values.h"
#include "cli/verb.h"

#define CHUNK (256 * 1024)
/* After the container's pid 1 has exited, its monitor has this long to record it. */
#define END_WAIT_MS 2000

struct logs_values {
    bool follow, timestamps, details;
    int64_t tail;         /* -1 = all */
    int64_t since, until; /* wall ns; 0 = not given */
};

#define FIELD(f) offsetof(struct logs_values, f)
static const struct option_row LOGS_OPTIONS[] = {
    {"follow", 'f', OPTION_FLAG, FIELD(follow), NULL, NULL,
     "Follow the log until the container exits"},
    {"since", 0, OPTION_LATE, FIELD(since), value_moment, "TIME",
     "Show only what was written since this time "
     "(2026-01-02T15:04:05, a Unix time, or 10m ago)"},
    {"tail", 'n', OPTION_LATE, FIELD(tail), value_tail, "LINES",
     "Show only the last lines"},
    {"timestamps", 't', OPTION_FLAG, FIELD(timestamps), NULL, NULL, "Show timestamps"},
    {"until", 0, OPTION_LATE, FIELD(until), value_moment, "TIME",
     "Show only what was written before this time"},
    {"details", 0, OPTION_FLAG, FIELD(details)},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static void init_logs(void *values)
{
    ((struct logs_values *)values)->tail = -1;
}

/* Output is collected until a record of the other stream comes, to save system calls. */
struct logs {
    struct cli *cli;
    const struct logs_values *v;
    char id[MTD_ID_SIZE];
    int dir_fd;
    struct log_reader reader;
    struct buf out;
    enum log_stream stream; /* whose bytes are in out */
    struct buf details;     /* what stands in front of each line */
    bool open_line[3];      /* by stream: its last record was a part */
    bool terminal[3];
    uint64_t damaged, missed; /* of the reader's counts, what was told */
    bool past_until;
    /* with -f */
    struct run {
        int64_t started_at; /* 0 = not looked yet */
        unsigned restart_count;
        pid_t monitor_pid;
        uint64_t monitor_start;
    } run;
    struct follow follow;   /* its pidfd is that of the pid 1 last seen */
    bool recorded;          /* its end is in the record */
    char looked[TIME_TEXT]; /* what is older belongs to `run`; "" = nothing does */
    char ended[TIME_TEXT];  /* when the next run began; "" = there is none */
};

static int stream_fd(enum log_stream s)
{
    return s == LOG_STDERR ? STDERR_FILENO : STDOUT_FILENO;
}

static int flush_out(struct logs *l)
{
    int rc = l->out.len ? fs_write_all(stream_fd(l->stream), l->out.data, l->out.len) : 0;
    l->out.len = 0;
    return rc;
}

static int add_text(struct logs *l, const struct log_record *r)
{
    size_t len = r->len;
    if (!l->terminal[r->stream])
        return buf_add(&l->out, r->text, len);
    /* The lines of a container with a terminal end in \r\n: that \r is not made
     * visible. */
    bool carriage = r->full && len && r->text[len - 1] == '\r';
    return print_visible(&l->out, r->text, len - carriage, "\t");
}

static int add_record(struct logs *l, const struct log_record *r)
{
    int rc = 0;
    if (r->stream != l->stream || l->out.len > CHUNK)
        rc = flush_out(l);
    l->stream = r->stream;
    if (rc == 0 && l->v->timestamps && !l->open_line[r->stream])
        rc = buf_printf(&l->out, "%.30s ", r->time);
    if (rc == 0 && l->v->details && !l->open_line[r->stream])
        rc = buf_printf(&l->out, "%s ", l->details.data ? l->details.data : "");
    if (rc == 0)
        rc = add_text(l, r);
    if (rc == 0 && r->full)
        rc = buf_putc(&l->out, '\n');
    l->open_line[r->stream] = !r->full;
    return rc;
}

static bool is_wanted(struct logs *l, const struct log_record *r)
{
    if (!l->v->since && !l->v->until)
        return true;
    int64_t when = log_time(r);
    if (l->v->until && when > l->v->until) {
        l->past_until = true;
        return false;
    }
    return !l->v->since || when >= l->v->since;
}

static void tell_losses(struct logs *l)
{
    if (l->reader.damaged > l->damaged)
        report_warning(l->cli, "%llu damaged records in the log were skipped",
                       (unsigned long long)(l->reader.damaged - l->damaged));
    l->damaged = l->reader.damaged;
    if (l->reader.missed > l->missed)
        report_warning(l->cli,
                       "%llu bytes of the log were rotated away before they were read; "
                       "use a larger --log-opt max-size or max-file",
                       (unsigned long long)(l->reader.missed - l->missed));
    else if (l->reader.lost)
        report_warning(
            l->cli, "part of the log was rotated away, deleted or emptied before it was "
                    "read");
    l->missed = l->reader.missed;
    l->reader.lost = false;
}

static void tell_beginning(const struct logs *l)
{
    if (l->reader.base > 0)
        report_warning(l->cli, "the first %llu bytes of the log were rotated away",
                       (unsigned long long)l->reader.base);
}

/* ---- -f: until the run ends ---- */

/* A policy's restarts are in one monitor and counted, and logs -f goes on; what a user starts has
 * a monitor of its own and a count of 0. */
static bool is_another_run(const struct run *was, const struct run *now)
{
    bool monitor =
        was->monitor_pid == now->monitor_pid && was->monitor_start == now->monitor_start;
    return was->started_at && was->started_at != now->started_at &&
           (!monitor || now->restart_count <= was->restart_count);
}

static bool look_at(struct logs *l, const struct mtd_status *st)
{
    const struct run now = {st->started_at, st->restart_count, st->monitor_pid,
                            st->monitor_start};
    l->recorded = st->finished_at >= st->started_at;
    if (is_another_run(&l->run, &now)) {
        time_format_rfc3339(st->started_at, l->ended);
        l->recorded = true;
        return false;
    }
    if (!mtd_state_is_active(st->state))
        return false;
    l->run = now;
    l->follow.pidfd = st->pid ? proc_open(st->pid, st->pid_start) : -1;
    return true;
}

/* Whether the log may still grow. Watches the current pid 1, whose exit may go
 * unrecorded. */
static bool may_grow(struct logs *l)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    if (l->follow.pidfd >= 0)
        close(l->follow.pidfd);
    l->follow.pidfd = -1;
    l->recorded = true;
    time_format_rfc3339(clock_wall_ns(), l->looked);
    bool more =
        mtd_inspect(l->cli->engine, l->id, &r, NULL) == 0 && look_at(l, &r.status);
    (void)fault_point("logs.look");
    return more;
}

/* What came after the last look may be the next run's. */
static bool is_of_run(struct logs *l, const struct log_record *r)
{
    if (!l->looked[0])
        return true;
    if (!l->ended[0] && memcmp(r->time, l->looked, LOG_TIME_LEN) > 0)
        (void)may_grow(l);
    return !l->ended[0] || memcmp(r->time, l->ended, LOG_TIME_LEN) < 0;
}

/* Prints everything the log has now. */
static int drain(struct logs *l)
{
    struct log_record r;
    int rc;
    while ((rc = log_reader_next(&l->reader, &r)) > 0 && !l->past_until &&
           is_of_run(l, &r)) {
        if (is_wanted(l, &r))
            rc = add_record(l, &r);
        if (rc < 0)
            break;
    }
    if (rc >= 0)
        rc = flush_out(l);
    tell_losses(l);
    return rc < 0 ? rc : 0;
}

/* What is written from now on comes after --until. */
static bool is_over(const struct logs *l, int64_t now)
{
    return l->v->until && now > l->v->until;
}

/* No longer than until the time that --until gives. */
static int wait_for_more(struct logs *l, int timeout_ms)
{
    if (!l->v->until)
        return follow_wait(&l->follow, timeout_ms);
    int64_t left = (l->v->until - clock_wall_ns()) / NS_PER_MS + 1;
    int most = left <= 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
    return follow_wait(&l->follow,
                       timeout_ms >= 0 && timeout_ms < most ? timeout_ms : most);
}

/* The state is read first, then the log to its end: what was written before the exit was
 * recorded is never missed. */
static int follow_log(struct logs *l)
{
    bool waited = false;
    for (;;) {
        int64_t now = clock_wall_ns();
        bool more = may_grow(l);
        int rc = drain(l);
        if (rc < 0 || l->past_until || is_over(l, now))
            return rc;
        if (l->ended[0] || (!more && (l->recorded || waited)))
            return 0;
        /* pid 1 has exited, but that is not recorded yet: its pidfd would stay
         * readable. */
        bool dying = more && l->follow.pidfd < 0;
        (void)fault_point("logs.wait");
        rc = wait_for_more(l, more && !dying ? -1 : END_WAIT_MS);
        if (rc < 0)
            return rc == -EPIPE ? 0 : rc;
        waited = !more && rc == 0;
    }
}

/* As in the query of an address: what is no letter, digit or -_.~ by its number. */
static int add_escaped(struct buf *out, const char *text, size_t len)
{
    int rc = 0;
    for (size_t i = 0; i < len && rc == 0; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((isascii(c) && isalnum(c)) || (c && strchr("-_.~", c)))
            rc = buf_putc(out, (char)c);
        else
            rc = c == ' ' ? buf_putc(out, '+') : buf_printf(out, "%%%02X", c);
    }
    return rc;
}

/* In front of each line, as docker writes them. */
static void set_details(struct logs *l, const struct mtd_record *r)
{
    auto_done(strv_done) struct strv all = {0};
    if (!l->v->details || mtd_log_details(&r->spec, r->id, r->name, &all, NULL) < 0)
        return;
    for (size_t i = 0; i < all.len; i++) {
        const char *key = all.items[i], *value = strchr(key, '=');
        (void)buf_puts(&l->details, i ? "," : "");
        (void)add_escaped(&l->details, key, (size_t)(value - key));
        (void)buf_putc(&l->details, '=');
        (void)add_escaped(&l->details, value + 1, strlen(value + 1));
    }
}

/* A record that cannot be read is no reason to hide the log. */
static bool is_kept(struct logs *l)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    if (mtd_inspect(l->cli->engine, l->id, &r, NULL) < 0)
        return true;
    set_details(l, &r);
    return r.spec.log_driver != MTD_LOG_NONE;
}

static int open_log(struct logs *l, const char *ref, struct mtd_error *err)
{
    int rc = mtd_resolve(l->cli->engine, ref, l->id, err);
    if (rc < 0)
        return rc;
    if (!is_kept(l))
        return mtd_fail(err, EOPNOTSUPP,
                        "%.80s has the log driver none: its output is not kept; "
                        "`attach` shows it",
                        ref);
    auto_free char *dir = mtd_path(l->cli->engine, l->id, "dir");
    l->dir_fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (l->dir_fd < 0)
        return mtd_fail_errno(err, dir ? errno : ENOMEM, "cannot open the log of %.80s",
                              ref);
    rc = log_reader_open(&l->reader, l->dir_fd, true, 0, err);
    if (rc == 0 && l->v->tail < 0 && !l->v->since)
        tell_beginning(l);
    if (rc < 0 || l->v->tail < 0)
        return rc;
    rc = log_reader_tail(&l->reader, (uint64_t)l->v->tail);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot read the log of %.80s", ref) : 0;
}

static int show(struct logs *l, struct mtd_error *err)
{
    auto_free char *dir = mtd_path(l->cli->engine, l->id, "dir");
    int rc = 0;
    if (l->v->follow)
        rc = dir ? follow_open(&l->follow, dir) : -ENOMEM;
    if (rc == 0)
        rc = l->v->follow ? follow_log(l) : drain(l);
    follow_close(&l->follow);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot show the log") : 0;
}

static int run_logs(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    struct logs l = {
        .cli = c,
        .v = values,
        .dir_fd = -1,
        .reader = {.fd = -1},
        .follow = {.inotify = -1, .pidfd = -1},
        .stream = LOG_STDOUT,
        .terminal = {
            [LOG_STDOUT] = isatty(STDOUT_FILENO), [LOG_STDERR] = isatty(STDERR_FILENO)}};
    int rc = open_log(&l, o->items[0], &err);
    if (rc == 0)
        rc = show(&l, &err);
    log_reader_close(&l.reader);
    if (l.dir_fd >= 0)
        close(l.dir_fd);
    buf_done(&l.out);
    buf_done(&l.details);
    if (rc < 0)
        return report_error(c, STATUS_FAILED, &err);
    return l.missed ? STATUS_FAILED : 0;
}

const struct verb VERBS_LOGS[] = {
    {.name = "logs",
     .operands = "CONTAINER",
     .summary = "Show the output of a container",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {{LOGS_OPTIONS}},
     .values_size = sizeof(struct logs_values),
     .min = 1,
     .max = 1,
     .init = init_logs,
     .run = run_logs},
    VERB_END,
};
