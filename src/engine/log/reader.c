/* A reader must find the file that follows its own while the writer renames them all.
 * Files only ever move up by one name, so the name of the reader's file, which is found
 * by its inode number, tells the successor's; provided it is the same before and after
 * the successor is opened. */

#include "engine/log/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/log/gz.h"

#define READER_SIZE ((size_t)64 << 10)
#define SWITCH_TRIES 20
#define MOVES_MEANWHILE 16
#define SWITCH_PAUSE (NS_PER_MS / 10)

static void let_go(struct log_reader *r)
{
    log_gz_close(r->gz);
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    r->gz = NULL;
}

/* A file that was exchanged for a compressed one before it was held has no name any more. */
static int open_named(const struct log_reader *r, const char *name, struct stat *st)
{
    for (int tries = 0;; tries++) {
        auto_fd int fd =
            openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
            return -errno;
        if (r->holds)
            log_hold(fd);
        if (fstat(fd, st) < 0)
            return -errno;
        if (!S_ISREG(st->st_mode))
            return -EINVAL;
        if (!r->holds || st->st_nlink > 0 || tries == SWITCH_TRIES)
            return take_fd(&fd);
    }
}

int log_reader_switch(struct log_reader *r, unsigned index, uint64_t offset)
{
    char name[LOG_NAME_SIZE];
    struct stat st;
    struct log_gz *gz = NULL;
    auto_fd int fd = open_named(r, log_name(index, name), &st);
    int rc = fd < 0 ? fd : index > 0 ? log_gz_open(fd, &gz) : 0;
    if (rc < 0)
        return rc;
    let_go(r);
    r->fd = take_fd(&fd);
    r->gz = gz;
    r->ino = st.st_ino;
    r->offset = offset;
    r->start = r->len = 0;
    r->skipping = r->nuls = false;
    return 0;
}

int64_t log_reader_size(const struct log_reader *r)
{
    struct stat st;
    if (r->gz)
        return (int64_t)log_gz_about(r->gz)->size;
    return fstat(r->fd, &st) < 0 ? -errno : st.st_size;
}

ssize_t log_reader_pread(const struct log_reader *r, void *out, size_t size,
                         uint64_t offset)
{
    if (r->gz)
        return log_gz_pread(r->gz, out, size, offset);
    ssize_t n;
    do {
        n = pread(r->fd, out, size, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* It, or what it was compressed to: while it is open its inode number is no other file's. */
static bool is_mine(const struct log_reader *r, const char *name, const struct stat *st)
{
    struct log_gz_piece piece;
    return st->st_ino == r->ino ||
           (!r->gz && log_gz_is_at(r->dir_fd, name, &piece) && piece.origin == r->ino);
}

/* The number in the name that the reader's file has now; -ENOENT = none. Looks from
 * the newest to the oldest, the direction in which files move, so that one being
 * renamed is not missed. */
static int log_reader_index(const struct log_reader *r)
{
    char name[LOG_NAME_SIZE];
    struct stat st;
    /* more than exist: the oldest may be renamed meanwhile */
    unsigned last = log_oldest(r->dir_fd) + MOVES_MEANWHILE;
    for (unsigned i = 0; i <= last; i++)
        if (fstatat(r->dir_fd, log_name(i, name), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            is_mine(r, name, &st))
            return (int)i;
    return -ENOENT;
}

/* After a rotation meanwhile, a file would have been counted twice or not
 * at all: tries again. */
void log_reader_locate(struct log_reader *r)
{
    uint64_t dropped = log_dropped(r->dir_fd), before;
    int index;
    do {
        before = dropped;
        index = log_reader_index(r);
        r->base = before;
        for (unsigned i = log_oldest(r->dir_fd); index >= 0 && i > (unsigned)index; i--)
            r->base += log_size_at(r->dir_fd, i);
        dropped = log_dropped(r->dir_fd);
    } while (dropped != before || index != log_reader_index(r));
}

static int open_highest(struct log_reader *r)
{
    int rc = -ENOENT;
    for (int i = (int)log_oldest(r->dir_fd); i >= 0 && rc == -ENOENT; i--)
        rc = log_reader_switch(r, (unsigned)i, 0);
    return rc;
}

/* All may have moved up between the search and the open: then there is an older one than
 * the file that was opened. */
static int open_oldest(struct log_reader *r)
{
    int rc = open_highest(r);
    for (int tries = 0; tries < SWITCH_TRIES && rc == 0; tries++) {
        int index = log_reader_index(r);
        if (index >= 0 && log_oldest(r->dir_fd) <= (unsigned)index)
            break;
        rc = open_highest(r);
    }
    if (rc == 0)
        log_reader_locate(r);
    return rc;
}

int log_reader_open(struct log_reader *ret, int dir_fd, bool oldest, uint64_t offset,
                    struct mtd_error *err)
{
    struct log_reader r = {
        .dir_fd = dir_fd, .fd = -1, .cap = READER_SIZE, .offset = offset};
    r.buf = malloc(r.cap);
    if (!r.buf)
        return mtd_fail_errno(err, ENOMEM, "cannot read the container's log");
    int rc = oldest ? open_oldest(&r) : log_reader_switch(&r, 0, offset);
    if (rc < 0 && rc != -ENOENT) {
        free(r.buf);
        return mtd_fail_errno(err, -rc, "cannot read the container's log");
    }
    *ret = r; /* no log yet: it may come */
    return 0;
}

static int64_t in_ns(int64_t seconds, int64_t nanos)
{
    return seconds * NS_PER_SEC + nanos;
}

/* The reader's file was dropped. The rotation that dropped it had made its new file
 * before; so if a file was born after that, there was one more rotation, which
 * dropped an unread file. */
static bool missed_files(const struct log_reader *r)
{
    char name[LOG_NAME_SIZE];
    struct log_gz_piece packed;
    struct stat mine;
    struct statx other;
    if (fstat(r->fd, &mine) < 0)
        return true;
    for (unsigned i = 0; i <= log_oldest(r->dir_fd); i++) {
        if (statx(r->dir_fd, log_name(i, name), AT_SYMLINK_NOFOLLOW, STATX_BTIME,
                  &other) < 0)
            continue;
        if (i > 0 && log_gz_is_at(r->dir_fd, name, &packed))
            continue; /* born when it was compressed */
        if (!(other.stx_mask & STATX_BTIME) ||
            in_ns(other.stx_btime.tv_sec, other.stx_btime.tv_nsec) >
                in_ns(mine.st_ctim.tv_sec, mine.st_ctim.tv_nsec))
            return true;
    }
    return false;
}

/* Where the reader's file ends, as an offset in the whole log. */
static uint64_t end_place(const struct log_reader *r)
{
    int64_t size = log_reader_size(r);
    return r->base + (size >= 0 ? (uint64_t)size : r->offset);
}

/* The reader's file was dropped: continues with the oldest. */
static int restart_at_oldest(struct log_reader *r)
{
    bool missed = missed_files(r);
    uint64_t read = end_place(r);
    int rc = open_oldest(r);
    if (rc < 0)
        return rc;
    r->lost |= missed;
    r->missed += missed && r->base > read ? r->base - read : 0;
    return 0;
}

static bool is_deleted(const struct log_reader *r)
{
    struct stat st;
    return fstat(r->fd, &st) == 0 && st.st_nlink == 0;
}

/* 1 = switched, 0 = the writer is in the middle of a rotation. patient = a file that is
 * missing may still appear. */
static int try_successor(struct log_reader *r, bool patient)
{
    int index = log_reader_index(r);
    if (index == 0 || (index < 0 && patient && !is_deleted(r)))
        return 0;
    if (index < 0) {
        int rc = restart_at_oldest(r);
        return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
    }
    struct log_reader next = *r;
    int rc = -ENOENT;
    for (int i = index - 1; i >= 0 && rc == -ENOENT; i--) {
        next.fd = -1;
        next.gz = NULL;
        rc = log_reader_switch(&next, (unsigned)i, 0);
        if (patient)
            break;
    }
    if (rc == 0 && log_reader_index(r) != index) {
        let_go(&next);
        return 0;
    }
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    next.base = end_place(r);
    let_go(r);
    *r = next;
    return 1;
}

/* At the end of a file that has been rotated. If its successor is still missing after
 * half of the tries, it was deleted, or the writer died during the rotation. */
static int next_file(struct log_reader *r)
{
    int rc = 0;
    struct stat dir;
    if (fstat(r->dir_fd, &dir) == 0 && dir.st_nlink == 0)
        return 0; /* the container was removed: nothing follows */
    for (int tries = 0; tries < SWITCH_TRIES && rc == 0; tries++) {
        if (tries > 0)
            nanosleep(&(struct timespec){.tv_nsec = SWITCH_PAUSE}, NULL);
        rc = try_successor(r, tries < SWITCH_TRIES / 2);
    }
    return rc;
}

/* 1 = bytes were added, 0 = end of the file. */
static int fill(struct log_reader *r)
{
    if (r->start > 0) {
        r->len -= r->start;
        memmove(r->buf, r->buf + r->start, r->len);
        r->start = 0;
    }
    if (r->len == r->cap) { /* no record is that long */
        r->damaged += !r->skipping;
        r->skipping = true;
        r->len = 0;
    }
    ssize_t n = log_reader_pread(r, r->buf + r->len, r->cap - r->len, r->offset);
    if (n < 0)
        return (int)n;
    r->len += (size_t)n;
    r->offset += (uint64_t)n;
    return n > 0;
}

/* A fragment is read again next time: the writer may truncate it meanwhile. */
static void give_back(struct log_reader *r)
{
    r->offset -= r->len - r->start;
    r->len = r->start = 0;
}

bool log_reader_is_present(const struct log_reader *r)
{
    struct stat st;
    return fstatat(r->dir_fd, LOG_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_ino == r->ino;
}

uint64_t log_reader_newest(const struct log_reader *r)
{
    struct stat st;
    bool there = fstatat(r->dir_fd, LOG_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0;
    return there ? st.st_ino : r->ino;
}

/* 1 = continue reading, 0 = nothing more now. */
static int at_end(struct log_reader *r)
{
    bool fragment = r->len > r->start;
    give_back(r);
    int64_t size = log_reader_size(r);
    if (size < 0)
        return (int)size;
    if ((uint64_t)size < r->offset) { /* truncated by another program */
        r->offset = 0;
        r->lost = true;
        r->skipping = false;
        return 1;
    }
    if (log_reader_is_present(r))
        return 0;
    /* It was rotated and grows no more, but may have grown since it was read. */
    int rc = fill(r);
    if (rc == 1 && (!fragment || memchr(r->buf, '\n', r->len)))
        return 1;
    give_back(r);
    rc = rc < 0 ? rc : next_file(r);
    r->damaged += rc == 1 && fragment && !r->skipping;
    return rc;
}

/* 1 = *ret is set, 0 = the buffer has no whole line. */
static int take_line(struct log_reader *r, struct log_record *ret)
{
    while (r->start < r->len) {
        char *line = r->buf + r->start;
        size_t rest = r->len - r->start;
        if (*line == '\0' && !r->skipping) { /* what a power loss leaves */
            size_t nuls = 0;
            while (nuls < rest && line[nuls] == '\0')
                nuls++;
            r->start += nuls;
            r->damaged += !r->nuls;
            r->nuls = true;
            continue;
        }
        char *end = memchr(line, '\n', rest);
        if (!end)
            return 0;
        r->start += (size_t)(end - line) + 1;
        bool tail = r->skipping;
        r->skipping = r->nuls = false;
        if (tail)
            continue;
        if (log_parse(line, (size_t)(end - line), ret) == 0)
            return 1;
        r->damaged++;
    }
    return 0;
}

int log_reader_next(struct log_reader *r, struct log_record *ret)
{
    for (;;) {
        if (r->fd < 0) {
            /* there was no log so far; what has come since may already be rotated */
            int rc = r->offset ? log_reader_switch(r, 0, r->offset) : open_oldest(r);
            if (rc < 0)
                return rc == -ENOENT ? 0 : rc;
        }
        if (take_line(r, ret))
            return 1;
        int rc = fill(r);
        if (rc == 0)
            rc = at_end(r);
        if (rc <= 0)
            return rc;
    }
}

void log_reader_close(struct log_reader *r)
{
    let_go(r);
    free(r->buf);
    r->buf = NULL;
}
