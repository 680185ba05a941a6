/* Between the container's pipe and the log a writer can be killed. What read() has returned
 * would be lost with it, so output goes by way of a file: splice() moves it there inside the
 * kernel, where a kill waits until pipe and file agree. How much it moved must be told by the
 * file too, for its return value may never be seen:
 * - Whole pages, which the pipe was known to hold, go to the same pages of the file again and
 *   again (new ones would cost three times as much). Each page began with a guard, 16 random
 *   bytes; splice() writes a page whole or not at all.
 * - Less than a page is put at the end of the file, which is cut off again afterwards.
 * A page in front of them says how far the batch is in the log. The next writer makes the same
 * records again, stamp and all, finds how many bytes of them are there, and writes the rest.
 * What is stored does not count before one last word is: a kill has no half of it. */

#include "engine/log/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

#define PAGE ((size_t)4096)
#define PAGES 16
#define GUARD 16
#define MAGIC 0x316c6f6f7073676cu /* "lgspool1" */

struct mark {
    uint64_t done; /* of the batch, in the log */
    uint64_t ino,
        size; /* the log then; more in it is the begin of the batch's next records */
    uint64_t lost;
    int32_t lost_why;
    bool partial[3];
};

struct log_spool {
    uint64_t magic; /* stored last when the file is made */
    unsigned char guard[GUARD];
    uint32_t stream;          /* of the batch; set while there is none */
    _Atomic uint32_t pages;   /* asked for; 0 = the batch, if any, is in tail */
    _Atomic uint32_t present; /* the mark that holds */
    int64_t wall_ns;
    struct mark marks[2];
    char data[PAGES][PAGE] __attribute__((aligned(4096)));
    char tail[PAGE]; /* in the file only while it holds something */
};
#define FILE_SIZE offsetof(struct log_spool, tail)
_Static_assert(sizeof(struct log_spool) == PAGE * (PAGES + 2), "the data begin a page");

struct batch {
    const char *data;
    uint64_t len;
};

void log_mark(struct log_writer *w)
{
    struct log_spool *s = w->spool;
    if (!s)
        return;
    uint32_t next = !s->present;
    s->marks[next] = (struct mark){.done = w->done,
                                   .ino = w->ino,
                                   .size = w->size,
                                   .lost = w->lost,
                                   .lost_why = w->lost_why};
    memcpy(s->marks[next].partial, w->partial, sizeof(w->partial));
    atomic_store_explicit(&s->present, next, memory_order_release);
}

/* A page that is not there is made when it is touched, and when the disk is full then, that is
 * a SIGBUS. Where it cannot be asked for (EOPNOTSUPP) there is no such promise. */
static int make_room(int fd, off_t at, off_t len)
{
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, at, len) == 0 || errno == EOPNOTSUPP)
        return 0;
    return -errno;
}

static int make_spool(struct log_spool *s, int fd)
{
    if (ftruncate(fd, FILE_SIZE) < 0)
        return -errno;
    if (getrandom(s->guard, sizeof(s->guard), 0) != (ssize_t)sizeof(s->guard))
        return -EIO;
    s->pages = s->present = 0;
    atomic_thread_fence(memory_order_release);
    s->magic = MAGIC;
    return 0;
}

/* What a killed writer left. */
static struct batch find_batch(const struct log_spool *s, uint64_t size)
{
    size_t n = 0;
    if (s->pages == 0)
        return (struct batch){s->tail, size - FILE_SIZE};
    while (n < s->pages && n < PAGES && memcmp(s->data[n], s->guard, GUARD) != 0)
        n++;
    return (struct batch){s->data[0], n * PAGE};
}

static int map_spool(struct log_writer *w, int fd, struct batch *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0 ||
        (st.st_size < (off_t)FILE_SIZE && ftruncate(fd, FILE_SIZE) < 0))
        return -errno;
    int room = make_room(fd, 0, PAGE);
    if (room < 0)
        return room;
    struct log_spool *s =
        mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s == MAP_FAILED)
        return -errno;
    madvise(s, sizeof(*s),
            MADV_RANDOM); /* one page is touched: do not read 16 of zeros */
    bool made = s->magic == MAGIC && s->present <= 1 && st.st_size >= (off_t)FILE_SIZE &&
                st.st_size <= (off_t)sizeof(*s);
    int code = made ? 0 : make_spool(s, fd);
    if (code < 0) {
        munmap(s, sizeof(*s));
        return code;
    }
    if (made)
        *ret = find_batch(s, (uint64_t)st.st_size);
    w->spool = s;
    w->spool_fd = fd;
    return 0;
}

static void open_spool(struct log_writer *w, int run_fd, struct batch *ret)
{
    auto_fd int fd =
        openat(run_fd, LOG_SPOOL, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && map_spool(w, fd, ret) == 0)
        take_fd(&fd);
}

void log_spool_close(struct log_writer *w)
{
    if (!w->spool)
        return;
    munmap(w->spool, sizeof(*w->spool));
    close(w->spool_fd);
    w->spool = NULL;
}

/* The pages a burst needs; they stay until it is over. */
static bool begin_burst(struct log_writer *w)
{
    if (!w->burst && make_room(w->spool_fd, PAGE, PAGES * PAGE) < 0)
        return false;
    w->burst = true;
    return true;
}

/* Its pages, after a burst: holes cost nothing. */
void log_spool_idle(struct log_writer *w)
{
    if (w->spool && w->burst)
        (void)!fallocate(w->spool_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE,
                         PAGES * PAGE);
    w->burst = false;
}

static void empty_spool(struct log_writer *w, bool tail)
{
    fault_point("log.empty");
    atomic_store_explicit(&w->spool->pages, 0, memory_order_release);
    if (tail)
        (void)!ftruncate(w->spool_fd, FILE_SIZE);
}

/* What lies behind a mark made while the disk was full may be the text that tells of the gap:
 * it goes, and is made again. */
static void find_written(struct log_writer *w, const struct mark *m)
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

static void complete(struct log_writer *w, const struct batch *b)
{
    struct log_spool *s = w->spool;
    struct mark m = s->marks[s->present];
    memcpy(w->partial, m.partial, sizeof(w->partial));
    w->lost = m.lost;
    w->lost_why = m.lost_why;
    if (b->len > 0 && m.done <= b->len) {
        w->taken = w->done = m.done;
        find_written(w, &m);
        log_write(w, s->stream == LOG_STDERR ? LOG_STDERR : LOG_STDOUT, b->data + m.done,
                  b->len - m.done, s->wall_ns);
        w->skip = 0;
    }
    if (b->len > 0 || s->pages)
        empty_spool(w, true);
}

/* The tail of the log is repaired by completing it when a batch is under way. */
int log_resume(struct log_writer *ret, int dir_fd, int run_fd, uint64_t max_size,
               unsigned max_file, struct mtd_error *err)
{
    struct log_writer w = {.fd = -1,
                           .dir_fd = dir_fd,
                           .max_size = max_size,
                           .max_file = max_file ? max_file : 1};
    struct batch left = {0};
    open_spool(&w, run_fd, &left);
    int code = log_open_present(&w, left.len == 0);
    if (code < 0)
        mtd_fail_errno(err, -code, "cannot open the container's log");
    else
        code = log_open_rest(&w, err);
    if (code < 0) {
        log_spool_close(&w);
        return code;
    }
    if (w.spool)
        complete(&w, &left);
    *ret = w;
    return 0;
}

/* A terminal cannot be spliced, and the run directory's disk may be full as well. */
static ssize_t take_directly(struct log_writer *w, enum log_stream stream, int fd,
                             int64_t wall_ns)
{
    static char data[PAGES * PAGE];
    ssize_t n = read(fd, data, sizeof(data));
    if (n < 0)
        return -errno;
    if (n > 0)
        log_write(w, stream, data, (size_t)n, wall_ns);
    return n;
}

static ssize_t move_pages(struct log_writer *w, int fd, size_t pages)
{
    struct log_spool *s = w->spool;
    loff_t at = offsetof(struct log_spool, data);
    for (size_t i = 0; i < pages; i++)
        memcpy(s->data[i], s->guard, GUARD);
    atomic_store_explicit(&s->pages, (uint32_t)pages, memory_order_release);
    fault_point("log.take");
    return splice(fd, NULL, w->spool_fd, &at, pages * PAGE, SPLICE_F_NONBLOCK);
}

static ssize_t move_tail(struct log_writer *w, int fd)
{
    loff_t at = FILE_SIZE;
    fault_point("log.take");
    return splice(fd, NULL, w->spool_fd, &at, PAGE, SPLICE_F_NONBLOCK);
}

ssize_t log_take(struct log_writer *w, enum log_stream stream, int fd, int64_t wall_ns)
{
    struct log_spool *s = w->spool;
    int ready = 0;
    if (!s || ioctl(fd, FIONREAD, &ready) < 0)
        return take_directly(w, stream, fd, wall_ns);
    size_t pages = (size_t)ready / PAGE < PAGES ? (size_t)ready / PAGE : PAGES;
    if (pages && !begin_burst(w))
        return take_directly(w, stream, fd, wall_ns);
    s->stream = (uint32_t)stream;
    s->wall_ns = wall_ns;
    w->taken = w->done = 0;
    log_mark(w);
    ssize_t n = pages ? move_pages(w, fd, pages) : move_tail(w, fd);
    int code = errno;
    fault_point("log.taken");
    if (n > 0)
        log_write(w, stream, pages ? s->data[0] : s->tail, (size_t)n, wall_ns);
    empty_spool(w, n > 0 && !pages);
    bool unfit = code == EINVAL || code == ENOSPC || code == EDQUOT || code == EIO ||
                 code == EFBIG || code == ENOMEM;
    if (n < 0 && unfit)
        return take_directly(w, stream, fd, wall_ns);
    return n < 0 ? -code : n;
}
