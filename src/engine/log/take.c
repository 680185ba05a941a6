/* A batch goes from the container's pipe through the spool into the log, and one that a
 * killed writer left in the spool goes the rest of this way: the same records, so that
 * the log does not show where the writer was killed. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fault.h"
#include "engine/log/internal.h"

/* What follows a mark that was made while the disk was full may be the record about the
 * gap: it is truncated and made again. */
static void find_written(struct log_writer *w, const struct log_mark *m)
{
    bool same = m->ino == w->ino && m->size <= w->size;
    if (!same)
        log_open_present(w, true);
    w->skip = same ? w->size - m->size : 0;
    if (m->lost && w->skip && ftruncate(w->fd, (off_t)m->size) == 0) {
        w->size = m->size;
        w->skip = 0;
    }
}

static void complete(struct log_writer *w, const struct log_batch *b)
{
    const struct log_mark *m = &b->mark;
    memcpy(w->partial, m->partial, sizeof(w->partial));
    w->lost = m->lost;
    w->lost_why = m->lost_why;
    if (b->len > 0 && m->done <= b->len) {
        w->taken = w->done = m->done;
        find_written(w, m);
        log_write(w, b->stream, b->data + m->done, b->len - m->done, b->wall_ns);
        w->skip = 0;
    }
    if (b->begun)
        log_spool_empty(w, true);
}

/* If there is a batch, completing it also repairs the end of the log. */
int log_resume(struct log_writer *ret, int dir_fd, int run_fd, uint64_t max_size,
               unsigned max_file, struct mtd_error *err)
{
    struct log_writer w = {.fd = -1,
                           .dir_fd = dir_fd,
                           .spool_dir = run_fd,
                           .max_size = max_size,
                           .max_file = max_file ? max_file : 1};
    struct log_batch left = {0};
    log_spool_find(&w, &left);
    int rc = log_open_present(&w, left.len == 0);
    if (rc < 0)
        mtd_fail_errno(err, -rc, "cannot open the container's log");
    else
        rc = log_open_rest(&w, err);
    if (rc < 0) {
        log_spool_close(&w);
        return rc;
    }
    if (w.spool)
        complete(&w, &left);
    *ret = w;
    return 0;
}

/* A terminal cannot be spliced, and the run directory's file system may be full. */
static ssize_t take_directly(struct log_writer *w, enum log_stream stream, int fd,
                             int64_t wall_ns)
{
    static char data[LOG_SPOOL_MAX];
    ssize_t n = read(fd, data, sizeof(data));
    if (n < 0)
        return -errno;
    if (n > 0)
        log_write(w, stream, data, (size_t)n, wall_ns);
    return n;
}

/* Asked by poll, since what a read found would have to go somewhere. 0 = no process has the other
 * end, and nothing is left; -EAGAIN; 1 = there is something now. */
static int peek(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 0) < 0)
        return -errno;
    return p.revents & POLLIN ? 1 : p.revents ? 0 : -EAGAIN;
}

/* One that a killed writer left and that could not be opened then has its batch still. */
static void make_spool(struct log_writer *w)
{
    struct log_batch left = {0};
    log_spool_make(w, &left);
    if (w->spool && left.begun)
        complete(w, &left);
}

ssize_t log_take(struct log_writer *w, enum log_stream stream, int fd, int64_t wall_ns)
{
    int ready = 0;
    if (w->spool_dir < 0 || ioctl(fd, FIONREAD, &ready) < 0)
        return take_directly(w, stream, fd, wall_ns);
    if (!w->spool && ready == 0 && (ready = peek(fd)) <= 0)
        return ready;
    if (!w->spool)
        make_spool(w);
    if (!w->spool)
        return take_directly(w, stream, fd, wall_ns);
    int pages = log_spool_pages(w, (size_t)ready);
    if (pages < 0)
        return take_directly(w, stream, fd, wall_ns);
    const char *data;
    log_spool_begin(w, stream, wall_ns);
    ssize_t n = log_spool_move(w, fd, pages, &data);
    fault_point("log.taken");
    if (n > 0)
        log_write(w, stream, data, (size_t)n, wall_ns);
    log_spool_empty(w, n > 0 && !pages);
    bool unfit = n == -EINVAL || n == -ENOSPC || n == -EDQUOT || n == -EIO ||
                 n == -EFBIG || n == -ENOMEM;
    return unfit ? take_directly(w, stream, fd, wall_ns) : n;
}
