/* One loop relays replies from inside, signals and bytes for a whole session. Nothing in
 * it blocks but poll(): our own ends are non-blocking, and to the caller's ends no more
 * is written than a pipe or a terminal with room is sure to take. */

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

#define SAFE_WRITE 4096u /* PIPE_BUF: pipe(7), POLLOUT */

/* A reader that has gone is no error: the command learns of it by its own SIGPIPE, as
 * without us. Behind a terminal it cannot, and would block once nobody drains it. */
static void lose_output(struct exec_session *s, int code)
{
    if (code != EPIPE)
        s->unwritten = code;
    else if (s->tty)
        s->interrupted = SIGPIPE;
}

static void write_some(struct exec_session *s, struct exec_stream *st)
{
    size_t len = !st->own_to && st->len > SAFE_WRITE ? SAFE_WRITE : st->len;
    ssize_t n = write(st->to, st->data + st->at, len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) { /* let the writer know */
        if (!st->input)
            lose_output(s, errno);
        exec_stream_close_to(st);
        exec_stream_close_from(st);
        return;
    }
    st->at += (size_t)n;
    st->len -= (size_t)n;
    if (st->len == 0 && st->from < 0)
        exec_stream_close_to(st);
}

/* The matcher of the detach keys may hold some input back; at its end they are passed
 * on. */
static void filter_keys(struct exec_session *s, struct exec_stream *st, const char *in,
                        size_t n)
{
    if (n == 0) {
        memcpy(st->data, s->keys.seq, s->keys.matched);
        st->len = s->keys.matched;
        s->keys.matched = 0;
    } else if (tty_keys_feed(&s->keys, in, n, st->data, &st->len)) {
        s->detached = true;
    }
}

static void read_some(struct exec_session *s, struct exec_stream *st)
{
    char typed[sizeof(st->data) - TTY_KEYS_MAX];
    bool keys = s->tty && st->input;
    ssize_t n =
        read(st->from, keys ? typed : st->data, keys ? sizeof(typed) : sizeof(st->data));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    st->at = 0;
    st->len = n > 0 ? (size_t)n : 0;
    if (keys)
        filter_keys(s, st, typed, st->len);
    if (n <= 0) /* EIO: no process has the pty open any more */
        exec_stream_close_from(st);
    if (st->len > 0 && (st->own_to || s->detached))
        write_some(s, st);
    if (n <= 0 && st->len == 0)
        exec_stream_close_to(st);
}

/* ---- replies and signals ----------------------------------------------------------- */

static int start_terminal(struct exec_session *s, int master)
{
    s->master = master;
    int rc = s->report_fd < 0 ? exec_keeper_start(s) : 0;
    if (rc < 0)
        return rc;
    struct exec_stream *out = exec_stream_add(s, master, s->out);
    struct exec_stream *in = out && s->in >= 0 ? exec_stream_add(s, s->in, master) : NULL;
    if (!out || (!in && s->in >= 0))
        return -ENOMEM;
    if (in) {
        in->input = true;
        tty_raw(&s->console, s->in); /* -ENOTTY: input from a file or a pipe */
    }
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

/* The command is reaped only after all replies: its terminal may still be in one. */
static void reap(struct exec_session *s)
{
    int status;
    if (s->joiner > 0 && waitpid(s->joiner, &status, WNOHANG) == s->joiner)
        s->joiner = 0;
    if (s->pid > 0 && !s->ended && s->reply_fd < 0 &&
        waitpid(s->pid, &status, WNOHANG) == s->pid) {
        s->ended = true;
        s->wait_status = status;
    }
}

/* The first reply of the command's process says by its sender which process that is. */
static int take_reply(struct exec_session *s, struct mtd_error *err)
{
    struct nsenter_reply reply;
    int rc = nsenter_receive(s->reply_fd, &reply);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read the reply of the command's process");
    if (reply.kind == NSENTER_INSIDE)
        s->pid = reply.pid;
    if (reply.kind == NSENTER_ERROR && s->failure.code == 0)
        s->failure = reply.error;
    if (reply.kind == NSENTER_MASTER && (rc = start_terminal(s, reply.fd)) < 0)
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
 * signal ends the session. */
static void forward(struct exec_session *s, int sig)
{
    if (!s->keep_signals && s->pid > 0 && !s->ended && s->reply_fd < 0)
        kill(s->pid, sig);
    else
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

static bool is_pending(const struct exec_session *s)
{
    for (size_t i = 0; i < s->n_streams; i++)
        if (!s->streams[i]->input && s->streams[i]->len > 0)
            return true;
    return false;
}

static bool is_over(const struct exec_session *s)
{
    if (s->interrupted || s->detached || (s->tty && s->unwritten))
        return true;
    if (s->reply_fd >= 0 || s->joiner > 0)
        return false;
    return s->failure.code || s->pid == 0;
}

enum { POLL_REPLY, POLL_SIGNAL, POLL_STREAMS, POLL_MAX = POLL_STREAMS + 3 };

static void fill(const struct exec_session *s, struct pollfd *p)
{
    p[POLL_REPLY] = (struct pollfd){.fd = s->reply_fd, .events = POLLIN};
    p[POLL_SIGNAL] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
    for (size_t i = 0; i < s->n_streams; i++) {
        const struct exec_stream *st = s->streams[i];
        bool idle = st->input && s->ended;
        struct pollfd *at = &p[POLL_STREAMS + i];
        at->fd = idle ? -1 : st->len > 0 ? st->to : st->from;
        at->events = st->len > 0 ? POLLOUT : POLLIN;
    }
}

static void pump(struct exec_session *s, const struct pollfd *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct exec_stream *st = s->streams[i];
        if (!p[i].revents)
            continue;
        if (st->len > 0)
            write_some(s, st);
        else
            read_some(s, st);
    }
}

/* The timeout for poll: 0 = only what is ready, -1 = none. */
static int time_left(const struct exec_session *s, bool last)
{
    if (last || s->ended || s->deadline == 0)
        return last ? 0 : -1;
    int64_t ms = (s->deadline - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
    return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

/* After the command's end only what is ready is read: a process that it left in the
 * container may hold the other end forever. Replies are read before signals: the sender
 * of a signal may know before we do that the command runs. */
int exec_relay(struct exec_session *s, struct mtd_error *err)
{
    while (!is_over(s)) {
        struct pollfd p[POLL_MAX];
        size_t n = s->n_streams;
        fill(s, p);
        bool last = s->ended && s->joiner == 0 && s->reply_fd < 0 && !is_pending(s);
        int rc = poll(p, POLL_STREAMS + n, time_left(s, last));
        if (rc < 0 && errno != EINTR)
            return mtd_fail_errno(err, errno, "cannot wait for the command");
        s->late = !s->ended && s->deadline && clock_mono_ns() >= s->deadline;
        if (s->late || (rc == 0 && last))
            break;
        pump(s, p + POLL_STREAMS, n);
        if (p[POLL_REPLY].revents && (rc = take_reply(s, err)) < 0)
            return rc;
        if (p[POLL_SIGNAL].revents && !p[POLL_REPLY].revents)
            take_signal(s);
    }
    return 0;
}
