/* A writer can be killed between the container's pipe and the log, and what read() has
 * returned would be lost with it. So output goes through a file: splice() moves it there in the
 * kernel, where a kill waits until pipe and file agree. The file must also tell how much was
 * moved, because the return value may never be seen:
 * - Whole pages, which the pipe was known to hold, always go to the same pages of the file (new
 *   ones would cost three times as much). Each begins with a guard, 16 random bytes, before;
 *   splice() writes a page completely or not at all.
 * - Less than a page is appended to the file, which is truncated afterwards.
 * The page in front says how much of the batch is in the log. The next writer makes the same
 * records again, with the same time, finds how many bytes of them are there, and writes the
 * rest. A mark becomes valid with the store of one word, so a kill leaves none half written. */

#include "engine/log/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

#define PAGE ((size_t)4096)
#define PAGES (LOG_SPOOL_MAX / PAGE)
#define GUARD 16
#define MAGIC 0x316c6f6f7073676cu /* "lgspool1" */

struct log_spool {
    uint64_t magic; /* stored last when the file is made */
    unsigned char guard[GUARD];
    uint32_t stream;          /* of the batch; set while there is none */
    _Atomic uint32_t pages;   /* requested; 0 = the batch, if any, is in tail */
    _Atomic uint32_t present; /* index of the valid mark */
    int64_t wall_ns;
    struct log_mark marks[2];
    char data[PAGES][PAGE] __attribute__((aligned(4096)));
    char tail[PAGE]; /* in the file only while it is not empty */
};
#define FILE_SIZE offsetof(struct log_spool, tail)
_Static_assert(sizeof(struct log_spool) == PAGE * (PAGES + 2), "the data begin a page");

void log_mark(struct log_writer *w)
{
    struct log_spool *s = w->spool;
    if (!s)
        return;
    uint32_t next = !s->present;
    s->marks[next] = (struct log_mark){.done = w->done,
                                       .ino = w->ino,
                                       .size = w->size,
                                       .lost = w->lost,
                                       .lost_why = w->lost_why};
    memcpy(s->marks[next].partial, w->partial, sizeof(w->partial));
    atomic_store_explicit(&s->present, next, memory_order_release);
}

/* A page of a hole is allocated when it is touched, and if the disk is full then, that is
 * a SIGBUS. A file system without fallocate (EOPNOTSUPP) cannot prevent it. */
static int make_room(int fd, off_t at, off_t len)
{
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, at, len) == 0 || errno == EOPNOTSUPP)
        return 0;
    return -errno;
}

static int make_spool(struct log_spool *s, int fd, bool is_sized)
{
    if (!is_sized && ftruncate(fd, FILE_SIZE) < 0)
        return -errno;
    if (getrandom(s->guard, sizeof(s->guard), 0) != (ssize_t)sizeof(s->guard))
        return -EIO;
    s->pages = s->present = 0;
    atomic_thread_fence(memory_order_release);
    s->magic = MAGIC;
    return 0;
}

/* What a killed writer left. */
static struct log_batch find_batch(const struct log_spool *s, uint64_t size)
{
    struct log_batch b = {.data = s->tail,
                          .len = size - FILE_SIZE,
                          .stream = s->stream == LOG_STDERR ? LOG_STDERR : LOG_STDOUT,
                          .wall_ns = s->wall_ns,
                          .mark = s->marks[s->present]};
    b.begun = s->pages || b.len > 0;
    if (s->pages == 0)
        return b;
    size_t n = 0;
    while (n < s->pages && n < PAGES && memcmp(s->data[n], s->guard, GUARD) != 0)
        n++;
    b.data = s->data[0];
    b.len = n * PAGE;
    return b;
}

static int map_spool(struct log_writer *w, int fd, struct log_batch *ret)
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
    /* One page is touched: do not read ahead 16 pages of zeros. */
    madvise(s, sizeof(*s), MADV_RANDOM);
    bool made = s->magic == MAGIC && s->present <= 1 && st.st_size >= (off_t)FILE_SIZE &&
                st.st_size <= (off_t)sizeof(*s);
    int rc = made ? 0 : make_spool(s, fd, st.st_size <= (off_t)FILE_SIZE);
    if (rc < 0) {
        munmap(s, sizeof(*s));
        return rc;
    }
    if (made)
        *ret = find_batch(s, (uint64_t)st.st_size);
    w->spool = s;
    w->spool_fd = fd;
    return 0;
}

static void open_spool(struct log_writer *w, int flags, struct log_batch *ret)
{
    auto_fd int fd =
        openat(w->spool_dir, LOG_SPOOL, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd >= 0 && map_spool(w, fd, ret) == 0)
        take_fd(&fd);
}

void log_spool_find(struct log_writer *w, struct log_batch *ret)
{
    if (w->spool_dir >= 0)
        open_spool(w, 0, ret);
}

void log_spool_make(struct log_writer *w, struct log_batch *ret)
{
    open_spool(w, O_CREAT, ret);
}

void log_spool_close(struct log_writer *w)
{
    if (!w->spool)
        return;
    munmap(w->spool, sizeof(*w->spool));
    close(w->spool_fd);
    w->spool = NULL;
}

/* Allocates the pages that a burst needs; they are kept until it is over. */
static bool begin_burst(struct log_writer *w)
{
    if (!w->burst && make_room(w->spool_fd, PAGE, PAGES * PAGE) < 0)
        return false;
    w->burst = true;
    return true;
}

int log_spool_pages(struct log_writer *w, size_t ready)
{
    size_t pages = ready / PAGE < PAGES ? ready / PAGE : PAGES;
    return pages && !begin_burst(w) ? -ENOSPC : (int)pages;
}

/* After a burst the pages become holes again, which cost nothing. */
void log_spool_idle(struct log_writer *w)
{
    if (w->spool && w->burst)
        (void)!fallocate(w->spool_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE,
                         PAGES * PAGE);
    w->burst = false;
}

void log_spool_empty(struct log_writer *w, bool tail)
{
    fault_point("log.empty");
    atomic_store_explicit(&w->spool->pages, 0, memory_order_release);
    if (tail)
        (void)!ftruncate(w->spool_fd, FILE_SIZE);
}

void log_spool_begin(struct log_writer *w, enum log_stream stream, int64_t wall_ns)
{
    w->spool->stream = (uint32_t)stream;
    w->spool->wall_ns = wall_ns;
    w->taken = w->done = 0;
    log_mark(w);
}

ssize_t log_spool_move(struct log_writer *w, int fd, int pages, const char **ret_data)
{
    struct log_spool *s = w->spool;
    loff_t at = pages ? (loff_t)offsetof(struct log_spool, data) : (loff_t)FILE_SIZE;
    for (int i = 0; i < pages; i++)
        memcpy(s->data[i], s->guard, GUARD);
    if (pages)
        atomic_store_explicit(&s->pages, (uint32_t)pages, memory_order_release);
    fault_point("log.take");
    *ret_data = pages ? s->data[0] : s->tail;
    ssize_t n = splice(fd, NULL, w->spool_fd, &at, pages ? (size_t)pages * PAGE : PAGE,
                       SPLICE_F_NONBLOCK);
    return n < 0 ? -errno : n;
}
