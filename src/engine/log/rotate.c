/* A rotation moves every file up by one name and adds a new one; then the oldest beyond
 * max_file are dropped, except for those that a reader holds and all newer ones, which it
 * has still to read. A reader holds its file by a lock, which the kernel releases when
 * the reader is killed. */

#include "engine/log/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/log/gz.h"

#define NEW_NAME LOG_NAME ".new"
#define DROPPED_NAME LOG_NAME ".dropped"
/* How much is kept beyond max_file for readers that are behind. The second limit bounds
 * the renames of a rotation when files are small. */
#define SURPLUS_BYTES ((uint64_t)1 << 30)
#define SURPLUS_FILES 100
#define SURPLUS_OF_A_TEST 3 /* files */

static int open_file(int dir_fd, unsigned index)
{
    char name[LOG_NAME_SIZE];
    int fd = openat(dir_fd, log_name(index, name),
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

bool log_is_held(int dir_fd, unsigned index)
{
    struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    auto_fd int fd = open_file(dir_fd, index);
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &first) == 0 && first.l_type != F_UNLCK;
}

bool log_is_awaited(int dir_fd)
{
    for (unsigned i = log_oldest(dir_fd); i > 0; i--)
        if (log_is_held(dir_fd, i))
            return true;
    return false;
}

int log_reader_hold(struct log_reader *r, uint64_t *ret_size)
{
    struct stat st;
    r->holds = true;
    if (r->fd < 0)
        return 0;
    log_hold(r->fd);
    if (fstat(r->fd, &st) < 0)
        return -errno;
    if (ret_size)
        *ret_size = (uint64_t)st.st_size;
    return st.st_nlink == 0 ? -ESTALE : 0;
}

void log_hold(int fd)
{
    struct flock first = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
    while (fcntl(fd, F_OFD_SETLKW, &first) < 0 && errno == EINTR)
        ;
}

/* ---- how much was dropped ---- */

uint64_t log_dropped(int dir_fd)
{
    char text[32];
    uint64_t bytes = 0;
    if (fs_read_small_at(dir_fd, DROPPED_NAME, text, sizeof(text)) < 0 ||
        parse_u64(text, UINT64_MAX, &bytes) < 0)
        return 0;
    return bytes;
}

/* Written in place with a fixed width: a kill leaves the old number or the new one. */
static void add_dropped(int dir_fd, uint64_t bytes)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%020" PRIu64 "\n", log_dropped(dir_fd) + bytes);
    auto_fd int fd = openat(dir_fd, DROPPED_NAME,
                            O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOG_MODE);
    if (fd >= 0)
        (void)!pwrite(fd, text, (size_t)n, 0);
}

/* ---- the surplus ---- */

static uint64_t size_of(int dir_fd, unsigned index)
{
    char name[LOG_NAME_SIZE];
    struct stat st;
    bool there = fstatat(dir_fd, log_name(index, name), &st, AT_SYMLINK_NOFOLLOW) == 0;
    return there ? (uint64_t)st.st_size : 0;
}

uint64_t log_size_at(int dir_fd, unsigned index)
{
    char name[LOG_NAME_SIZE];
    struct log_gz_piece piece;
    bool packed = index > 0 && log_gz_is_at(dir_fd, log_name(index, name), &piece);
    return packed ? piece.size : size_of(dir_fd, index);
}

static void drop(const struct log_writer *w, unsigned index)
{
    char name[LOG_NAME_SIZE];
    uint64_t size = log_size_at(w->dir_fd, index);
    if (unlinkat(w->dir_fd, log_name(index, name), 0) == 0)
        add_dropped(w->dir_fd, size);
}

void log_trim(struct log_writer *w)
{
    w->surplus = 0;
    w->surplus_files = 0;
    if (!w->max_size)
        return;
    unsigned i = log_oldest(w->dir_fd);
    for (; i >= w->max_file && !log_is_held(w->dir_fd, i); i--)
        drop(w, i);
    for (; i >= w->max_file; i--) {
        w->surplus += size_of(w->dir_fd, i);
        w->surplus_files++;
    }
}

void log_clear(struct log_writer *w)
{
    unsigned i = log_oldest(w->dir_fd);
    while (i > 0 && !log_is_held(w->dir_fd, i))
        drop(w, i--);
    if (i == 0)
        drop(w, 0);
}

bool log_is_read(int dir_fd)
{
    return log_is_held(dir_fd, 0) || log_is_awaited(dir_fd);
}

bool log_is_full(const struct log_writer *w)
{
    if (w->surplus_files == 0)
        return false;
    unsigned files = fault_point("log.surplus") < 0 ? SURPLUS_OF_A_TEST : SURPLUS_FILES;
    return w->surplus >= SURPLUS_BYTES || w->surplus_files >= files;
}

/* ---- rotation ---- */

void log_take_file(struct log_writer *w, int fd, const struct stat *st)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = fd;
    w->ino = st->st_ino;
    w->size = (uint64_t)st->st_size;
}

/* The number up to which files must move. */
static unsigned first_free(const struct log_writer *w)
{
    char name[LOG_NAME_SIZE];
    unsigned i = 1;
    while (faccessat(w->dir_fd, log_name(i, name), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        i++;
    return i;
}

/* After a failure the old file stays in use: a log that is too long is
 * better than none. */
int log_rotate(struct log_writer *w)
{
    char from[LOG_NAME_SIZE], to[LOG_NAME_SIZE];
    struct stat st;
    auto_fd int fd = openat(w->dir_fd, NEW_NAME, LOG_OPEN_FLAGS | O_TRUNC, LOG_MODE);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    for (unsigned i = first_free(w); i > 0; i--) {
        fault_point("log.rotate");
        if (renameat(w->dir_fd, log_name(i - 1, from), w->dir_fd, log_name(i, to)) < 0 &&
            errno != ENOENT)
            return -errno;
    }
    fault_point("log.rotated");
    if (renameat(w->dir_fd, NEW_NAME, w->dir_fd, LOG_NAME) < 0)
        return -errno;
    log_take_file(w, take_fd(&fd), &st);
    log_trim(w);
    w->unpacked = true;
    return 0;
}
