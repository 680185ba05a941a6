/* Nothing of the caller's is passed into the container, of whatever kind it is: a pipe
 * can be opened again in the other direction (/proc/self/fd/0), a file as well, a directory
 * is a way out (openat), input can be faked on a terminal (TIOCSTI), and flags, size and
 * owner would stick to it. Each stream is relayed through a pipe of this session's alone;
 * /dev/null becomes the container's own. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/exec/internal.h"
#include "engine/host/selinux.h"
#include "nsenter/nsenter.h"

static const unsigned NULLS[] = {NSENTER_NULL_IN, NSENTER_NULL_OUT, NSENTER_NULL_ERR};

static bool is_null(int fd)
{
    struct stat st;
    return fd < 0 || fstat(fd, &st) < 0 ||
           (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

/* A pipe has the label of the process that made it, which the container's may not use. */
static int make_pipe(int ends[2], const char *label)
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int rc = selinux_label_fd(ends[0], label);
    if (rc < 0) {
        close(ends[0]);
        close(ends[1]);
    }
    return rc;
}

static int relay_one(struct exec_session *s, int fd, bool input, const char *label,
                     int *ret_inside)
{
    int ends[2];
    int rc = make_pipe(ends, label);
    if (rc < 0)
        return rc;
    int mine = ends[input ? 1 : 0];
    fcntl(mine, F_SETFL, O_NONBLOCK);
    if (!exec_stream_add(s, input, true, input ? fd : mine, input ? mine : fd)) {
        close(ends[0]);
        close(ends[1]);
        return -ENOMEM;
    }
    *ret_inside = ends[input ? 0 : 1];
    return 0;
}

/* If stdout and stderr are one file, they share one pipe, so that they stay in order. */
static bool same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static int place_one(struct exec_session *s, int i, int fd, const char *label,
                     struct exec_stdio *io, struct nsenter_request *q)
{
    if (is_null(fd)) {
        q->flags |= NULLS[i];
        return 0;
    }
    int rc = relay_one(s, fd, i == 0, label, &io->inside[i]);
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
            rc = place_one(s, i, fds[i], q->files, io, q);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot create a pipe") : 0;
}

void exec_stdio_close(struct exec_stdio *io)
{
    for (int i = 0; i < 3; i++)
        if (io->ours[i] >= 0)
            close(take_fd(&io->ours[i]));
}
