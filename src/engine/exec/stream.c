/* Bytes in one direction, without ever blocking: our own ends are non-blocking, and to
 * the caller's no more is written than a pipe or a terminal with room is sure to take.
 * What goes from pipe to pipe is spliced: it costs no copy, and neither pipe's flags or
 * size are touched. Input is copied, so that no page of a file of the host's ever stands
 * in a pipe of the container's. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/exec/internal.h"

#define PIPE_USUAL 65536
#define PIPE_LARGE (1 << 20) /* the most that is allowed without a capability */

/* A pipe that polls writable takes PIPE_BUF bytes, see pipe(7); a file takes all. */
static size_t piece_of(int fd, bool own)
{
    struct stat st;
    return own || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) ? SIZE_MAX : PIPE_BUF;
}

static bool is_pipe(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

struct exec_stream *exec_stream_add(struct exec_session *s, bool input, bool own,
                                    int from, int to)
{
    struct exec_stream *st = malloc(sizeof(*st));
    if (!st)
        return NULL;
    st->from = from;
    st->to = to;
    st->input = input;
    st->own_from = own && !input;
    st->own_to = own && input;
    st->spliced = !input && is_pipe(from) && is_pipe(to);
    st->full = st->large = false;
    st->piece = piece_of(to, st->own_to);
    st->owed = st->at = st->len = 0;
    s->streams[s->n_streams++] = st;
    return st;
}

static void close_from(struct exec_stream *st)
{
    if (st->from >= 0 && st->own_from)
        close(st->from);
    st->from = -1;
    st->full = false;
}

static void close_to(struct exec_stream *st)
{
    if (st->to >= 0 && st->own_to)
        close(st->to);
    st->to = -1;
    st->len = 0;
}

void exec_streams_done(struct exec_session *s)
{
    for (size_t i = 0; i < s->n_streams; i++) {
        close_from(s->streams[i]);
        close_to(s->streams[i]);
        free(s->streams[i]);
    }
    s->n_streams = 0;
}

/* A pipe of ours that was seen full at once grows: then three processes need not take
 * turns for every 64 kB. Refused when the user has too many large ones. */
static void enlarge(struct exec_stream *st, int own, size_t moved)
{
    if (st->large || moved < PIPE_USUAL)
        return;
    st->large = true;
    (void)fcntl(own, F_SETPIPE_SZ, PIPE_LARGE);
}

static void pass(struct exec_stream *st, size_t n)
{
    st->owed -= n < st->owed ? n : st->owed;
}

void exec_stream_owe(struct exec_stream *st)
{
    int left = 0;
    if (st->input)
        return;
    if (st->from >= 0 && ioctl(st->from, FIONREAD, &left) < 0)
        left = 0;
    st->owed = st->len + (size_t)left;
}

/* A reader that has gone is no error: the command learns of it by its own SIGPIPE, as
 * without us. Behind a terminal it cannot, and would block once nobody drains it. */
static void lose(struct exec_session *s, struct exec_stream *st, int code)
{
    if (!st->input && code != EPIPE)
        s->unwritten = code;
    else if (!st->input && s->tty)
        s->interrupted = SIGPIPE;
    st->owed = 0;
    close_to(st);
    close_from(st); /* lets the writer know */
}

static void write_some(struct exec_session *s, struct exec_stream *st)
{
    ssize_t n =
        write(st->to, st->data + st->at, st->len < st->piece ? st->len : st->piece);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        lose(s, st, errno);
        return;
    }
    st->at += (size_t)n;
    st->len -= (size_t)n;
    pass(st, (size_t)n);
    if (st->len == 0 && st->from < 0)
        close_to(st);
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
    char typed[sizeof(st->data) / 4];
    bool keys = s->tty && st->input;
    ssize_t n =
        read(st->from, keys ? typed : st->data, keys ? sizeof(typed) : sizeof(st->data));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    st->at = 0;
    st->len = n > 0 ? (size_t)n : 0;
    if (keys)
        filter_keys(s, st, typed, st->len);
    else if (st->own_from || st->own_to)
        enlarge(st, st->own_to ? st->to : st->from, st->len);
    if (n <= 0) /* EIO: no process has the pty open any more */
        close_from(st);
    if (st->len > 0 && (st->own_to || s->detached))
        write_some(s, st);
    if (n <= 0 && st->len == 0)
        close_to(st);
}

/* EAGAIN: ours is empty, or the caller's is full; only the latter is worth waiting for,
 * and poll() says at once if it was the former. */
static void splice_some(struct exec_session *s, struct exec_stream *st)
{
    ssize_t n = splice(st->from, NULL, st->to, NULL, PIPE_LARGE, SPLICE_F_NONBLOCK);
    st->full = n < 0 && errno == EAGAIN && !st->full;
    if (n > 0) {
        enlarge(st, st->from, (size_t)n);
        pass(st, (size_t)n);
    } else if (n == 0) {
        close_from(st);
        close_to(st);
    } else if (errno != EAGAIN && errno != EINTR) {
        lose(s, st, errno);
    }
}

int exec_stream_waits_for(const struct exec_stream *st, short *ret_events)
{
    bool writes = st->len > 0 || st->full;
    *ret_events = writes ? POLLOUT : POLLIN;
    return writes ? st->to : st->from;
}

void exec_stream_turn(struct exec_session *s, struct exec_stream *st)
{
    if (st->spliced)
        splice_some(s, st);
    else if (st->len > 0)
        write_some(s, st);
    else
        read_some(s, st);
}
