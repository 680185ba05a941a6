/* output - rename() onto a path replaces whatever is there, be it a device node, so what is
 * there is looked at first. linkat() cannot replace: an old file is replaced by a rename
 * from a temporary name, which exists for the time between the two calls only. */

#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

#define LINKS_MAX 40 /* the kernel's own limit */
#define TRIES 16

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return "a directory";
    case S_IFCHR: return "a character device";
    case S_IFBLK: return "a block device";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    default: return "a special file";
    }
}

/* The path at the end of a chain of links, where there need not be a file yet; malloc'ed, or NULL
 * with errno set. */
static char *follow(const char *path)
{
    auto_free char *at = strdup(path);
    for (int i = 0; at && i < LINKS_MAX; i++) {
        char target[PATH_MAX];
        ssize_t n = readlink(at, target, sizeof(target) - 1);
        if (n < 0)
            return errno == EINVAL || errno == ENOENT ? take_ptr(&at) : NULL;
        target[n] = '\0';
        const char *slash = strrchr(at, '/');
        int dir_len = slash && target[0] != '/' ? (int)(slash + 1 - at) : 0;
        char *next = NULL;
        if (asprintf(&next, "%.*s%s", dir_len, at, target) < 0)
            return NULL;
        free(at);
        at = next;
    }
    errno = at ? ELOOP : ENOMEM;
    return NULL;
}

/* Sets dir_fd and name from the resolved path. */
static int split(struct output *o, char *path)
{
    char *slash = strrchr(path, '/');
    o->name = strdup(slash ? slash + 1 : path);
    if (!o->name)
        return -ENOMEM;
    if (!*o->name)
        return *path ? -EISDIR : -ENOENT;
    if (slash)
        slash[slash == path ? 1 : 0] = '\0';
    o->dir_fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return o->dir_fd < 0 ? -errno : 0;
}

/* One name for each file, so that the next output to the file finds it; short, because
 * the file's own name may be as long as names can be. */
static void name_temp(struct output *o)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (const char *p = o->name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
    snprintf(o->temp, sizeof(o->temp), ".mytop-%016llx", (unsigned long long)hash);
}

/* A link of /proc/PID/fd leads to a file that its text does not name. */
static bool is_same_file(const struct output *o, const struct stat *st)
{
    struct stat at_name;
    return fstatat(o->dir_fd, o->name, &at_name, AT_SYMLINK_NOFOLLOW) == 0 &&
           at_name.st_dev == st->st_dev && at_name.st_ino == st->st_ino;
}

/* *old: st_nlink 0 = there is no file yet. */
static int find_place(struct output *o, struct stat *old, struct mtd_error *err)
{
    bool exists = stat(o->path, old) == 0;
    if (exists && !S_ISREG(old->st_mode))
        return mtd_fail(err, S_ISDIR(old->st_mode) ? EISDIR : EINVAL,
                        "cannot write to %.120s: it is %s, not a regular file", o->path,
                        kind_of(old->st_mode));
    if (!exists && errno != ENOENT)
        return -errno;
    auto_free char *resolved = follow(o->path);
    int rc = resolved ? split(o, resolved) : -errno;
    if (rc == 0 && exists && !is_same_file(o, old))
        rc = -ELOOP;
    if (!exists)
        old->st_nlink = 0;
    name_temp(o);
    return rc;
}

/* Removes the temporary file of a killed process: its lock is gone. -EBUSY = alive. */
static int drop_stale(const struct output *o)
{
    auto_fd int fd =
        openat(o->dir_fd, o->temp, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return unlinkat(o->dir_fd, o->temp, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* For file systems without O_TMPFILE. */
static int open_named(struct output *o, mode_t mode)
{
    for (int i = 0; i < TRIES; i++) {
        int rc = drop_stale(o);
        if (rc < 0)
            return rc;
        auto_fd int fd =
            openat(o->dir_fd, o->temp,
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        struct stat st;
        if (fd < 0 && errno != EEXIST)
            return -errno;
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
            st.st_nlink > 0) {
            o->has_temp = true;
            return take_fd(&fd);
        }
    }
    return -EBUSY;
}

static int open_file(struct output *o, mode_t mode, const struct stat *old)
{
    (void)drop_stale(o);
    o->fd = openat(o->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    if (o->fd >= 0) /* for when it has a temporary name */
        (void)flock(o->fd, LOCK_EX | LOCK_NB);
    else
        o->fd = errno == EOPNOTSUPP || errno == EISDIR ? open_named(o, mode) : -errno;
    if (o->fd < 0)
        return o->fd;
    if (old->st_nlink == 0)
        return 0;
    /* The owner may be one that this file system cannot store, or that is not ours to
     * give; the mode is the last, because a change of owner clears bits of it. */
    (void)!fchown(o->fd, old->st_uid, old->st_gid);
    return fchmod(o->fd, old->st_mode & 07777) < 0 ? -errno : 0;
}

static int fail(const struct output *o, int rc, struct mtd_error *err)
{
    return rc == 0 ? 0 : mtd_fail_errno(err, -rc, "cannot write %.120s", o->path);
}

int output_open(struct output *o, const char *path, mode_t mode, enum output_flags flags,
                struct mtd_error *err)
{
    struct stat old;
    *o = (struct output){
        .fd = -1, .dir_fd = -1, .path = strdup(path), .is_new = flags & OUTPUT_NEW};
    int rc = o->path ? 0 : -ENOMEM;
    if (rc == 0 && o->is_new && lstat(path, &old) == 0)
        rc = -EEXIST;
    if (rc == 0)
        rc = find_place(o, &old, err);
    if (rc == 0)
        rc = open_file(o, mode, &old);
    if (rc == 0)
        rc = fault_point("output.opened");
    rc = fail(o, rc, err);
    if (rc < 0)
        output_done(o);
    return rc;
}

static int link_as(const struct output *o, const char *name)
{
    char self[32];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
    return linkat(AT_FDCWD, self, o->dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* The temporary name may be another process's, for the same file: only for a moment. */
static int link_temp(struct output *o)
{
    int rc = -EBUSY;
    for (int i = 0; i < TRIES && rc == -EBUSY; i++) {
        if (i > 0)
            usleep(1000);
        rc = link_as(o, o->temp);
        if (rc == -EEXIST && (rc = drop_stale(o)) == 0)
            rc = -EBUSY;
    }
    o->has_temp = rc == 0;
    return rc;
}

static int rename_new(struct output *o)
{
    if (renameat2(o->dir_fd, o->temp, o->dir_fd, o->name, RENAME_NOREPLACE) == 0) {
        o->has_temp = false;
        return 0;
    }
    if (errno != EINVAL)
        return -errno;
    /* This file system has no such rename; the temporary name goes with output_done(). */
    return linkat(o->dir_fd, o->temp, o->dir_fd, o->name, 0) < 0 ? -errno : 0;
}

static int rename_named(struct output *o)
{
    if (o->is_new)
        return rename_new(o);
    if (renameat(o->dir_fd, o->temp, o->dir_fd, o->name) < 0)
        return -errno;
    o->has_temp = false;
    return 0;
}

int output_commit(struct output *o, bool durable, struct mtd_error *err)
{
    int rc = durable && fsync(o->fd) < 0 ? -errno : 0;
    bool is_named = o->has_temp;
    if (rc == 0 && !is_named)
        rc = link_as(o, o->name);
    if (rc == -EEXIST && !is_named && !o->is_new)
        is_named = (rc = link_temp(o)) == 0;
    if (rc == 0)
        rc = fault_point("output.linked");
    if (rc == 0 && is_named)
        rc = rename_named(o);
    /* close() is where a network or quota-bound file system may report a lost write. */
    if (close(take_fd(&o->fd)) < 0 && rc == 0)
        rc = -errno;
    return fail(o, rc, err);
}

void output_done(struct output *o)
{
    int saved = errno;
    if (o->has_temp)
        unlinkat(o->dir_fd, o->temp, 0);
    if (o->fd >= 0)
        close(o->fd);
    if (o->dir_fd >= 0)
        close(o->dir_fd);
    free(o->path);
    free(o->name);
    *o = (struct output){.fd = -1, .dir_fd = -1};
    errno = saved;
}
