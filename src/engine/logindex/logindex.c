/* The files of a log as one run of addresses.
 *
 * Rotation renames (container.log -> .1 -> .2 ...), so a file is known by its inode
 * and kept open: what has been given an address is found again whatever its name is
 * now. Names are visited from the newest to the oldest; a rotation meanwhile can then
 * only show a file twice, which the inode tells, never hide one. A file without a name
 * is let go, as its disk space is what the rotation was for, unless the whole
 * container is being removed.
 */
#include "engine/logindex/logindex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/log/gz.h"
#include "engine/logindex/internal.h"

#define MOST_NUMBERS (2 * LOG_FILES_MAX)

uint64_t logindex_first(const struct logindex *x)
{
    return x->n > 0 ? x->segments[0].base : 0;
}

uint64_t logindex_end(const struct logindex *x)
{
    return x->n > 0 ? x->segments[x->n - 1].base + x->segments[x->n - 1].size : 0;
}

/* ---- finding the files ------------------------------------------------------------- */

static void name_of(const struct logindex *x, unsigned number, char out[80])
{
    if (number == 0)
        snprintf(out, 80, "%s", x->name);
    else
        snprintf(out, 80, "%s.%u", x->name, number);
}

static int open_file(const struct logindex *x, unsigned number, struct log_segment *ret)
{
    char name[80];
    name_of(x, number, name);
    auto_fd int fd = openat(x->dir_fd, name,
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    struct log_segment s = {
        .device = st.st_dev, .inode = st.st_ino, .size = (uint64_t)st.st_size};
    int rc = number > 0 ? log_gz_open(fd, &s.gz) : 0;
    if (rc < 0)
        return rc;
    if (s.gz) {
        s.size = log_gz_about(s.gz)->size;
        s.origin = log_gz_about(s.gz)->origin;
    }
    s.fd = take_fd(&fd);
    *ret = s;
    return 0;
}

static void close_file(struct log_segment *s)
{
    log_gz_close(s->gz);
    close(s->fd);
}

/* Also if one of them is what the other was compressed to. An open file's inode number is no
 * other's, and b is open before a is looked for. */
static bool same_file(const struct log_segment *a, const struct log_segment *b)
{
    return a->device == b->device &&
           (a->inode == b->inode || (!b->gz && a->origin == b->inode));
}

/* Opens the files that are newer than `known` (NULL = all), newest first; returns how
 * many. */
static size_t open_newer(const struct logindex *x, const struct log_segment *known,
                         struct log_segment *found)
{
    size_t n = 0;
    /* In the middle of a rotation one name is missing, never two. */
    for (unsigned number = 0, missing = 0; n < LOG_FILES_MAX && missing < 2; number++) {
        struct log_segment s;
        if (open_file(x, number, &s) < 0) {
            missing++;
            continue;
        }
        missing = 0;
        if (known && same_file(&s, known)) {
            close_file(&s);
            break;
        }
        if (n > 0 && same_file(&s, &found[n - 1]))
            close_file(&s);
        else
            found[n++] = s;
    }
    return n;
}

static void drop_oldest(struct logindex *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close_file(&x->segments[i]);
    x->n -= n;
    memmove(x->segments, x->segments + n, x->n * sizeof(x->segments[0]));
}

static int add_newer(struct logindex *x, struct log_segment *found, size_t n)
{
    int result = 0;
    if (x->n + n > LOG_FILES_MAX) {
        drop_oldest(x, x->n + n - LOG_FILES_MAX);
        result = LOG_LOST;
    }
    while (n-- > 0) {
        found[n].base = logindex_end(x);
        x->segments[x->n++] = found[n];
        result |= LOG_ROTATED | (found[n].size > 0 ? LOG_GREW : 0);
    }
    return result;
}

/* ---- following them ---------------------------------------------------------------- */

/* Cut off at the front of its life: the old bytes keep their addresses and are gone. */
static int restart_live(struct log_segment *live, uint64_t size)
{
    live->base += live->size;
    live->size = size;
    return LOG_ROTATED | LOG_LOST | (size > 0 ? LOG_GREW : 0);
}

static int measure_live(struct logindex *x)
{
    struct log_segment *live = &x->segments[x->n - 1];
    struct stat st;
    if (live->gz)
        return 0;
    if (fstat(live->fd, &st) < 0)
        return -errno;
    uint64_t size = (uint64_t)st.st_size;
    if (size < live->size)
        return restart_live(live, size);
    bool grew = size > live->size;
    live->size = size;
    return grew ? LOG_GREW : 0;
}

static bool is_nameless(const struct log_segment *s)
{
    struct stat st;
    return fstat(s->fd, &st) == 0 && st.st_nlink == 0;
}

/* The compressed file has the same bytes at the same addresses. */
static bool follow_compressed(const struct logindex *x, struct log_segment *s)
{
    struct log_segment other;
    for (unsigned number = 1, missing = 0; number <= MOST_NUMBERS && missing < 2;
         number++) {
        if (open_file(x, number, &other) < 0) {
            missing++;
            continue;
        }
        missing = 0;
        if (other.gz && same_file(&other, s)) {
            other.base = s->base;
            other.size = s->size;
            close_file(s);
            *s = other;
            return true;
        }
        close_file(&other);
    }
    return false;
}

static int drop_nameless(struct logindex *x)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < x->n; i++) {
        if (!is_nameless(&x->segments[i]) || follow_compressed(x, &x->segments[i]))
            continue;
        if (n == i)
            n++;
    }
    if (n == 0)
        return 0;
    drop_oldest(x, n);
    return LOG_LOST;
}

int logindex_refresh(struct logindex *x)
{
    int result = x->n > 0 ? measure_live(x) : 0;
    if (result < 0)
        return result;
    struct log_segment *live = x->n > 0 ? &x->segments[x->n - 1] : NULL;
    struct stat st;
    if (fstatat(x->dir_fd, x->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return result;
    if (live && live->inode == st.st_ino && live->device == st.st_dev)
        return result;
    struct log_segment found[LOG_FILES_MAX];
    size_t n = open_newer(x, live, found);
    if (live && n > 0) /* nothing is added to it any more: this is its last size */
        result |= measure_live(x);
    if (n > 0)
        result |= add_newer(x, found, n);
    result |= drop_nameless(x);
    if (result & LOG_LOST)
        logindex_forget_blocks(x, logindex_first(x));
    return result;
}

static int open_directory(struct logindex *x, const char *path, struct mtd_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (*name == '\0' || strlen(name) >= sizeof(x->name))
        return mtd_fail(err, EINVAL, "\"%s\" is not a log file's name", path);
    snprintf(x->name, sizeof(x->name), "%s", name);
    auto_free char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!dir)
        return mtd_fail_errno(err, ENOMEM, "log");
    x->dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (x->dir_fd < 0)
        return mtd_fail_errno(err, errno, "%s", dir);
    return 0;
}

int logindex_open(struct logindex **ret, const char *path, struct mtd_error *err)
{
    struct logindex *x = calloc(1, sizeof(*x));
    if (!x)
        return mtd_fail_errno(err, ENOMEM, "log");
    x->dir_fd = -1;
    for (size_t i = 0; i < LOG_SLOTS; i++)
        x->slots[i].address = UINT64_MAX;
    int rc = open_directory(x, path, err);
    if (rc == 0 && !(x->scratch = malloc(LOG_SCRATCH)))
        rc = mtd_fail_errno(err, ENOMEM, "log");
    if (rc == 0 && (rc = logindex_refresh(x)) < 0)
        mtd_fail_errno(err, -rc, "%s", path);
    if (rc < 0) {
        logindex_close(x);
        return rc;
    }
    *ret = x;
    return 0;
}

void logindex_close(struct logindex *x)
{
    if (!x)
        return;
    drop_oldest(x, x->n);
    if (x->dir_fd >= 0)
        close(x->dir_fd);
    logindex_forget_blocks(x, UINT64_MAX);
    free(x->scratch);
    free(x->window);
    free(x->joined);
    free(x->checkpoints);
    free(x);
}
