/* Of the caller's descriptors only nameless pipes are passed into the container. Any
 * other kind gives it more than a stream: input can be faked on a terminal (TIOCSTI), a
 * directory is a way out (openat), a file opened for reading can be reopened for
 * writing (/proc/self/fd/0). These are relayed through pipes of ours; /dev/null becomes
 * the container's own. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/exec/internal.h"
#include "nsenter/nsenter.h"

#define PIPEFS_MAGIC 0x50495045

static const unsigned NULLS[] = {NSENTER_NULL_IN, NSENTER_NULL_OUT, NSENTER_NULL_ERR};

enum kind { KIND_NULL, KIND_PIPE, KIND_RELAY };

static enum kind judge(int fd)
{
    struct stat st;
    struct statfs fs;
    if (fd < 0 || fstat(fd, &st) < 0)
        return KIND_NULL;
    if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
        return KIND_NULL;
    bool pipe =
        S_ISFIFO(st.st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
    return pipe ? KIND_PIPE : KIND_RELAY;
}

static int relay_one(struct exec_session *s, int fd, bool input, int *ret_inside)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int mine = ends[input ? 1 : 0];
    fcntl(mine, F_SETFL, O_NONBLOCK);
    struct exec_stream *st =
        input ? exec_stream_add(s, fd, mine) : exec_stream_add(s, mine, fd);
    if (!st) {
        close(ends[0]);
        close(ends[1]);
        return -ENOMEM;
    }
    st->input = input;
    st->own_to = input;
    st->own_from = !input;
    *ret_inside = ends[input ? 0 : 1];
    return 0;
}

/* If stdout and stderr are one terminal they share one pipe, so that they stay in
 * order. */
static bool same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino && S_ISCHR(x.st_mode);
}

static int place_one(struct exec_session *s, int i, int fd, struct exec_stdio *io,
                     struct nsenter_request *q)
{
    enum kind kind = judge(fd);
    if (kind == KIND_NULL)
        q->flags |= NULLS[i];
    if (kind == KIND_PIPE)
        io->inside[i] = fd;
    if (kind != KIND_RELAY)
        return 0;
    int rc = relay_one(s, fd, i == 0, &io->inside[i]);
    io->ours[i] = io->inside[i];
    return rc;
}

int exec_stdio_place(struct exec_session *s, const struct mtd_exec *x,
                     struct exec_stdio *io, struct nsenter_request *q,
                     struct mtd_error *err)
{
    if (x->tty)
        return 0;
    int rc = 0;
    const int fds[3] = {x->detach || !x->with_stdin ? -1 : x->in, x->detach ? -1 : x->out,
                        x->detach ? -1 : x->err};
    for (int i = 0; i < 3 && rc == 0; i++) {
        if (i == 2 && io->ours[1] >= 0 && same_file(fds[1], fds[2]))
            io->inside[2] = io->inside[1];
        else
            rc = place_one(s, i, fds[i], io, q);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot create a pipe") : 0;
}

void exec_stdio_close(struct exec_stdio *io)
{
    for (int i = 0; i < 3; i++)
        if (io->ours[i] >= 0)
            close(take_fd(&io->ours[i]));
}

struct exec_stream *exec_stream_add(struct exec_session *s, int from, int to)
{
    struct exec_stream *stream = malloc(sizeof(*stream));
    if (!stream)
        return NULL;
    *stream = (struct exec_stream){.from = from, .to = to};
    s->streams[s->n_streams++] = stream;
    return stream;
}

void exec_stream_close_from(struct exec_stream *st)
{
    if (st->from >= 0 && st->own_from)
        close(st->from);
    st->from = -1;
}

void exec_stream_close_to(struct exec_stream *st)
{
    if (st->to >= 0 && st->own_to)
        close(st->to);
    st->to = -1;
    st->len = 0;
}

void exec_streams_done(struct exec_session *s)
{
    for (size_t i = 0; i < s->n_streams; i++) {
        exec_stream_close_from(s->streams[i]);
        exec_stream_close_to(s->streams[i]);
        free(s->streams[i]);
    }
    s->n_streams = 0;
}
