/* Output is read from the log, so this side may be as slow as its terminal likes: it misses
 * nothing, and stalls the container only when it is very far behind (log_is_full). That the log has
 * grown is read only when everything found so far has been written out. A pipe or terminal is written
 * in pieces that poll says will not block, so a stopped pager does not keep signals from being passed
 * on. */

#include "engine/api/relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "engine/host/tty.h"
#include "engine/wire/packet.h"

#define OUT_ROOM 65536
#define STATUS_UNKNOWN 255 /* it ended and nobody saw how; -1 would mean detached */
#define PIECE 4096         /* PIPE_BUF: a pipe that polls writable takes this much */

struct relay {
    const struct relay_target *t;
    const struct mtd_relay *r;
    bool unwritten; /* it ends because its output cannot be written */
    int signals;
    struct console console;
    struct tty_keys keys;
    int in; /* -1 = no more input */
    char input[PACKET_DATA_MAX];
    size_t input_len;
    bool input_pending; /* input waits for room in the socket; len 0 = end of input */
    char output[OUT_ROOM];
    size_t out_start, out_end;
    struct log_record held; /* read, not yet all in output */
    bool holds;
    int out_fd;
    bool whole; /* out_fd takes any amount (a file) */
    bool behind, exited, has_end, detached, lost;
    struct packet_exit end;
    uint64_t file, end_file; /* inodes: the log file it reads, the one the run ends in */
    int unread;              /* -errno: the log cannot be read */
    int64_t asked[2];        /* when the last two SIGINT or SIGTERM came, monotonic ns */
};

/* Everything docker's client passes on: all but what the kernel keeps and our own children. */
void container_relay_signals(sigset_t *set, bool proxy)
{
    static const int KEPT[] = {SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS, SIGILL,
                               SIGFPE,  SIGABRT, SIGTRAP, SIGSYS};
    sigfillset(set);
    for (size_t i = 0; i < ARRAY_SIZE(KEPT); i++)
        sigdelset(set, KEPT[i]);
    if (!proxy) {
        sigdelset(set, SIGTSTP);
        sigdelset(set, SIGCONT);
    }
}

static void send_size(struct relay *s)
{
    struct packet_size size = {0};
    if (s->t->tty && tty_size(s->r->in, &size.rows, &size.cols) == 0)
        packet_send(s->t->socket, PACKET_RESIZE, &size, sizeof(size), MSG_DONTWAIT);
}

static void say_who(const struct relay *s)
{
    uint64_t flags = (s->r->with_stdin ? PACKET_GIVES_INPUT : 0) |
                     (s->r->with_output ? 0 : PACKET_NO_OUTPUT);
    packet_send(s->t->socket, PACKET_LOG, &flags, sizeof(flags), 0);
}

/* The kernel tells the program only of a size that differs from the last. */
static void nudge(struct relay *s)
{
    struct packet_size size = {0};
    if (!s->t->tty || tty_size(s->r->in, &size.rows, &size.cols) < 0)
        return;
    size.rows++;
    packet_send(s->t->socket, PACKET_RESIZE, &size, sizeof(size), MSG_DONTWAIT);
}

/* A signal that is not passed on ends the client, as it would without us. */
static bool take_signal(struct relay *s, int *ret_status)
{
    struct signalfd_siginfo info;
    if (read(s->signals, &info, sizeof(info)) != sizeof(info))
        return false;
    int sig = (int)info.ssi_signo;
    if (sig == SIGWINCH) {
        send_size(s);
    } else if (s->r->sig_proxy) {
        auto_fd int pidfd = s->t->open_process(s->t->arg);
        if (pidfd >= 0)
            sys_pidfd_send_signal(pidfd, sig, NULL, 0);
        *ret_status = MTD_FORCED;
        return proc_is_insisted(s->asked, sig);
    } else if (sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT) {
        *ret_status = 128 + sig;
        return true;
    }
    return false;
}

static void flush_input(struct relay *s)
{
    int r = packet_send(s->t->socket, PACKET_STDIN, s->input, s->input_len, MSG_DONTWAIT);
    if (r == -EAGAIN)
        return;
    s->input_pending = false;
    if (s->input_len == 0)
        s->in = -1;
}

static void read_input(struct relay *s)
{
    char raw[PACKET_DATA_MAX - TTY_KEYS_MAX];
    ssize_t n = read(s->in, raw, sizeof(raw));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        s->input_len = 0;
        s->input_pending = !s->t->tty;
        if (s->t->tty)
            s->in = -1; /* the terminal is gone; the container's stays */
    } else if (s->t->tty) {
        s->detached = tty_keys_feed(&s->keys, raw, (size_t)n, s->input, &s->input_len);
        s->input_pending = s->input_len > 0;
    } else {
        memcpy(s->input, raw, (size_t)n);
        s->input_len = (size_t)n;
        s->input_pending = true;
    }
    if (s->input_pending)
        flush_input(s);
}

static bool is_file(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)) &&
           !isatty(fd);
}

/* Moves as much of the held record as fits into the output of its stream; true = all of it. */
static bool append(struct relay *s)
{
    struct log_record *rec = &s->held;
    int fd = rec->stream == LOG_STDERR ? s->r->err : s->r->out;
    if (s->out_end > 0 && fd != s->out_fd)
        return false;
    if (fd != s->out_fd) {
        s->out_fd = fd;
        s->whole = is_file(fd);
    }
    size_t room = OUT_ROOM - s->out_end;
    size_t len = rec->len < room ? rec->len : room;
    memcpy(s->output + s->out_end, rec->text, len);
    s->out_end += len;
    rec->text += len;
    rec->len -= len;
    if (rec->len > 0 || (rec->full && s->out_end == OUT_ROOM))
        return false;
    if (rec->full)
        s->output[s->out_end++] = '\n';
    return true;
}

/* The monitor's last word names the log's end: past it there is nothing to look for. */
static bool all_read(const struct relay *s)
{
    const struct log_reader *r = s->t->reader;
    return s->has_end && r->start == r->len && r->ino == s->end_file &&
           r->offset == s->end.log_size;
}

/* The monitor may be waiting for that: it lets no more files pile up than it must. */
static void tell_moved_on(struct relay *s)
{
    if (s->t->reader->ino == s->file)
        return;
    s->file = s->t->reader->ino;
    if (!s->exited)
        packet_send(s->t->socket, PACKET_LOG, &(uint64_t){0}, sizeof(uint64_t),
                    MSG_DONTWAIT);
}

/* The next record to show: 1, 0 = none now, -errno. */
static int read_record(struct relay *s)
{
    if (all_read(s))
        return 0;
    int code = log_reader_next(s->t->reader, &s->held);
    tell_moved_on(s);
    return code;
}

/* Gathers records of one stream until the buffer is full or the log is read. */
static void gather(struct relay *s)
{
    s->out_start = s->out_end = 0;
    for (;;) {
        int code = s->holds ? 1 : read_record(s);
        if (code <= 0) {
            s->behind = false;
            s->unread = code;
            return;
        }
        s->holds = true;
        if (!append(s))
            return;
        s->holds = false;
    }
}

/* 0; -EPIPE = the reader of our output is gone; -errno. */
static int flush_output(struct relay *s)
{
    size_t len = s->out_end - s->out_start;
    if (!s->whole && len > PIECE)
        len = PIECE;
    ssize_t n = write(s->out_fd, s->output + s->out_start, len);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    s->out_start += (size_t)n;
    if (s->out_start == s->out_end)
        s->out_start = s->out_end = 0;
    return 0;
}

static void read_packet(struct relay *s)
{
    static char room[PACKET_MAX];
    const void *data = NULL;
    size_t len = 0;
    int type = packet_recv(s->t->socket, room, MSG_DONTWAIT, &data, &len);
    if (type == -EAGAIN)
        return;
    if (type == PACKET_LOG) {
        s->behind = true;
        return;
    }
    if (type == PACKET_READY)
        return;
    s->exited = s->behind = true;
    s->has_end = type == PACKET_EXIT;
    s->end_file = log_reader_newest(s->t->reader);
    if (s->has_end)
        memcpy(&s->end, data, sizeof(s->end));
    else
        s->lost = true; /* the monitor is gone without a word */
}

static bool output_pending(const struct relay *s)
{
    return s->out_end > s->out_start;
}

static void advance_output(struct relay *s)
{
    if (!s->r->with_output)
        s->behind = false;
    else if (!output_pending(s) && s->behind)
        gather(s);
}

enum { AT_SOCKET, AT_SIGNALS, AT_INPUT, AT_OUTPUT, AT_COUNT };

static int wait_for_work(const struct relay *s, struct pollfd p[AT_COUNT])
{
    bool pending = output_pending(s);
    p[AT_SOCKET] = (struct pollfd){
        .fd = s->exited ? -1 : s->t->socket,
        .events = (short)((pending ? 0 : POLLIN) | (s->input_pending ? POLLOUT : 0))};
    p[AT_SIGNALS] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    p[AT_INPUT] = (struct pollfd){.fd = s->input_pending || s->exited ? -1 : s->in,
                                  .events = POLLIN};
    p[AT_OUTPUT] = (struct pollfd){.fd = pending ? s->out_fd : -1, .events = POLLOUT};
    bool busy = s->behind && !pending;
    return poll(p, AT_COUNT, busy ? 0 : -1) < 0 && errno != EINTR ? -errno : 0;
}

/* 1 = the client ends with *ret_status, 0 = go on. */
static int work(struct relay *s, const struct pollfd p[AT_COUNT], int *ret_status)
{
    if (p[AT_SIGNALS].revents && take_signal(s, ret_status))
        return 1;
    int rc = p[AT_OUTPUT].revents ? flush_output(s) : 0;
    if (rc == -EPIPE) {
        *ret_status = MTD_UNREAD;
        return 1;
    }
    if (rc < 0) {
        s->unwritten = true;
        *ret_status = MTD_UNREAD;
        return rc;
    }
    if (p[AT_SOCKET].revents & POLLOUT)
        flush_input(s);
    if (p[AT_SOCKET].revents & ~POLLOUT)
        read_packet(s);
    if (p[AT_INPUT].revents)
        read_input(s);
    if (!s->detached || s->input_pending)
        return 0;
    *ret_status = MTD_DETACHED;
    return 1;
}

/* One turn: 1 = over, 0 = go on, -errno. */
static int turn(struct relay *s, int *ret_status)
{
    struct pollfd p[AT_COUNT] = {{0}};
    if (!output_pending(s))
        advance_output(s);
    if (s->unread < 0)
        return s->unread;
    if (s->exited && !s->behind && !output_pending(s)) {
        *ret_status = s->end.code < 0 ? STATUS_UNKNOWN : s->end.code;
        return s->lost ? -EPIPE : 1;
    }
    int r = wait_for_work(s, p);
    return r < 0 ? r : work(s, p, ret_status);
}

int container_relay(const struct relay_target *t, const struct mtd_relay *r,
                    int *ret_status, struct mtd_error *err)
{
    static struct relay s;
    s = (struct relay){.t = t,
                       .r = r,
                       .console = {.fd = -1},
                       .in = r->with_stdin ? r->in : -1,
                       .out_fd = -1,
                       .file = t->reader->ino,
                       .behind = true};
    int code = tty_keys_parse(&s.keys, r->detach_keys);
    if (code < 0)
        return mtd_fail(err, EINVAL,
                        "invalid detach keys \"%s\"; use a-z or ctrl-X, "
                        "separated by commas",
                        r->detach_keys);
    sigset_t mask, old;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, pipe;
    container_relay_signals(&mask, r->sig_proxy);
    sigprocmask(SIG_BLOCK, &mask, &old);
    sigaction(SIGPIPE, &ignore, &pipe); /* write() says it, too */
    s.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (t->tty && r->with_stdin)
        tty_raw(&s.console, r->in);
    say_who(&s); /* first of all, so that no input is before it */
    if (t->redraw)
        nudge(&s);
    send_size(&s);
    do
        code = s.signals < 0 ? -errno : turn(&s, ret_status);
    while (code == 0);
    tty_restore(&s.console);
    sigaction(SIGPIPE, &pipe, NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (s.signals >= 0)
        close(s.signals);
    if (code == -EPIPE)
        return mtd_fail(err, EPIPE,
                        "the container's monitor is gone; see `mytop-docker ps` "
                        "and `mytop-docker logs`");
    return code < 0 ? mtd_fail_errno(err, -code,
                                     s.unwritten    ? "cannot write the output"
                                     : s.unread < 0 ? "cannot read the container's log"
                                                    : "the relay failed")
                    : 0;
}
