/* One loop relays replies from inside, signals and bytes for a whole session. Nothing in
 * it blocks but poll(), and that has a time limit wherever the container could otherwise
 * make it wait for ever: until the command runs, and once it has ended. */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "engine/exec/internal.h"
#include "nsenter/nsenter.h"

#define DRAIN_NS (2 * NS_PER_SEC) /* docker's */

/* ---- replies and signals ----------------------------------------------------------- */

static int start_terminal(struct exec_session *s, int master)
{
    s->master = master;
    int rc = s->report_fd < 0 ? exec_keeper_start(s) : 0;
    if (rc < 0)
        return rc;
    if (!exec_stream_add(s, false, false, master, s->out) ||
        (s->in >= 0 && !exec_stream_add(s, true, false, s->in, master)))
        return -ENOMEM;
    if (s->in >= 0)
        tty_raw(&s->console, s->in); /* -ENOTTY: input from a file or a pipe */
    return 0;
}

/* The command runs, even if the list of sessions could not be written. */
static void begin(struct exec_session *s)
{
    fault_point("exec.list");
    int run_dir = s->notes.run_dir;
    if (run_dir >= 0 && exec_list_add(run_dir, s->pid, s->args, s->id) < 0)
        s->id[0] = '\0';
    exec_note_start(s);
    exec_report_running(s);
}

/* What it has written is passed on, however slow the caller is; a process that it left
 * behind may add to that for as long as docker gives it. */
static void note_end(struct exec_session *s, int status)
{
    s->ended = true;
    s->wait_status = status;
    s->drain_until = clock_mono_ns() + DRAIN_NS;
    for (size_t i = 0; i < s->n_streams; i++)
        exec_stream_owe(s->streams[i]);
}

/* The command is reaped only after all replies: its terminal may still be in one. So is a joiner
 * that was to become it, or to make it, and has not (NSENTER_LATE). */
static void reap(struct exec_session *s)
{
    int status;
    bool alone = s->pid == s->start;
    if (s->joiner > 0 && (!alone || s->reply_fd < 0) &&
        waitpid(s->joiner, &status, WNOHANG) == s->joiner) {
        s->joiner = 0;
        if (alone)
            note_end(s, status);
    }
    if (s->pid > 0 && !s->ended && s->reply_fd < 0 &&
        waitpid(s->pid, &status, WNOHANG) == s->pid)
        note_end(s, status);
}

/* Which process is the command's is told by the joiner, which made it, and by the process
 * itself: either may be killed or stopped before it has. The joiner's word counts, because the
 * other is a process of the container's by then. */
static void take_process(struct exec_session *s, const struct nsenter_reply *reply)
{
    if (reply->kind == NSENTER_CHILD && reply->sender == s->start) {
        s->pid = reply->pid;
        s->told = true;
    } else if (reply->kind == NSENTER_INSIDE && !s->told) {
        s->pid = reply->pid;
    }
}

/* From before the execve that takes the death signal away. With a terminal it has a keeper. */
static int keep_labelled(struct exec_session *s, bool runs)
{
    bool wanted = s->labelled && !s->tty && s->report_fd < 0 && s->keeper_fd < 0;
    return wanted && s->pid > 0 && (s->told || runs) ? exec_keeper_start(s) : 0;
}

static int take_reply(struct exec_session *s, struct mtd_error *err)
{
    struct nsenter_reply reply;
    int rc = nsenter_receive(s->reply_fd, &reply);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read the reply of the command's process");
    take_process(s, &reply);
    if ((rc = keep_labelled(s, reply.kind == NSENTER_EOF)) < 0)
        return mtd_fail_errno(err, -rc,
                              "cannot create the process that ends the command "
                              "with its front end");
    if (reply.kind == NSENTER_ERROR && s->failure.code == 0)
        s->failure = reply.error;
    if (reply.kind == NSENTER_MASTER && (!s->tty || s->master >= 0))
        close(reply.fd); /* there is one terminal at most */
    else if (reply.kind == NSENTER_MASTER && (rc = start_terminal(s, reply.fd)) < 0)
        return mtd_fail_errno(err, -rc, "cannot relay the terminal");
    if (reply.kind == NSENTER_EOF) {
        close(take_fd(&s->reply_fd));
        if (s->pid > 0 && s->failure.code == 0)
            begin(s);
        reap(s);
    }
    return 0;
}

static void resize(struct exec_session *s)
{
    unsigned short rows, cols;
    if (s->master >= 0 && s->terminal >= 0 && tty_size(s->terminal, &rows, &cols) == 0)
        tty_resize(s->master, rows, cols);
}

/* The command is our child and not reaped, so its number cannot be another
 * process's. Before it runs, after it has ended, and if signals are not passed on, a
 * signal ends the session; so does one sent three times to a command that ignores it. */
static void forward(struct exec_session *s, int sig)
{
    bool passed = !s->keep_signals && s->pid > 0 && !s->ended && s->reply_fd < 0;
    if (passed)
        kill(s->pid, sig);
    if (!passed || proc_is_insisted(s->asked, sig))
        s->interrupted = sig;
}

static void take_signal(struct exec_session *s)
{
    struct signalfd_siginfo info;
    if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    switch (info.ssi_signo) {
    case SIGCHLD: reap(s); break;
    case SIGWINCH: resize(s); break;
    case SIGPIPE: break; /* write() has returned EPIPE */
    default: forward(s, (int)info.ssi_signo);
    }
}

/* ---- the loop ---------------------------------------------------------------------- */

/* Nothing more is expected of it. */
static bool is_done(const struct exec_session *s, const struct exec_stream *st,
                    int64_t now)
{
    if (!s->ended)
        return false;
    return st->input || (st->from < 0 && st->len == 0) ||
           (st->owed == 0 && st->len == 0 && now >= s->drain_until);
}

static bool is_over(const struct exec_session *s, int64_t now)
{
    if (s->interrupted || s->detached || (s->tty && s->unwritten))
        return true;
    if (s->reply_fd >= 0 || s->joiner > 0)
        return false;
    bool done = s->ended;
    for (size_t i = 0; i < s->n_streams && done; i++)
        done = is_done(s, s->streams[i], now);
    return done || s->failure.code || s->pid == 0;
}

enum { POLL_REPLY, POLL_SIGNAL, POLL_STREAMS, POLL_MAX = POLL_STREAMS + 3 };

static void fill(const struct exec_session *s, struct pollfd *p, size_t n, int64_t now)
{
    p[POLL_REPLY] = (struct pollfd){.fd = s->reply_fd, .events = POLLIN};
    p[POLL_SIGNAL] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
    for (size_t i = 0; i < n; i++) {
        struct pollfd *at = &p[POLL_STREAMS + i];
        at->revents = 0;
        at->fd = is_done(s, s->streams[i], now)
                     ? -1
                     : exec_stream_waits_for(s->streams[i], &at->events);
    }
}

static void pump(struct exec_session *s, const struct pollfd *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i].revents)
            exec_stream_turn(s, s->streams[i]);
}

/* When the session is not waited for any longer; monotonic ns, 0 = never. */
static int64_t next_limit(const struct exec_session *s, int64_t now)
{
    if (s->ended)
        return now < s->drain_until ? s->drain_until : 0;
    int64_t begin = s->reply_fd >= 0 || s->joiner > 0 ? s->begin_by : 0;
    return begin && (!s->deadline || begin < s->deadline) ? begin : s->deadline;
}

/* The timeout for poll; -1 = none. */
static int time_left(const struct exec_session *s, int64_t now)
{
    int64_t limit = next_limit(s, now);
    int64_t ms = (limit - now + NS_PER_MS - 1) / NS_PER_MS;
    return !limit ? -1 : ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

static bool is_late(struct exec_session *s, int64_t now)
{
    bool runs = s->reply_fd < 0 && s->joiner == 0;
    s->stuck = !runs && now >= s->begin_by;
    s->late = !s->ended && s->deadline && now >= s->deadline;
    return s->stuck || s->late;
}

/* Replies are read before signals, and nothing is passed on before the last of them: who
 * sends a signal because of what the command has written means the command. */
int exec_relay(struct exec_session *s, struct mtd_error *err)
{
    int64_t now = clock_mono_ns();
    for (; !is_over(s, now) && !is_late(s, now); now = clock_mono_ns()) {
        struct pollfd p[POLL_MAX];
        size_t n = s->reply_fd >= 0 ? 0 : s->n_streams;
        fill(s, p, n, now);
        int rc = poll(p, POLL_STREAMS + n, time_left(s, now));
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc < 0)
            return mtd_fail_errno(err, errno, "cannot wait for the command");
        pump(s, p + POLL_STREAMS, n);
        if (p[POLL_REPLY].revents && (rc = take_reply(s, err)) < 0)
            return rc;
        if (p[POLL_SIGNAL].revents && !p[POLL_REPLY].revents)
            take_signal(s);
    }
    return 0;
}
