/* Each layer is entered directory by directory without following links: nothing in it, written
 * from somebody's tar, can lead out. A link on the way to the file is resolved by its text alone,
 * as a path of the image. */

#include "engine/archive/lower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/archive/internal.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define XATTRS (64u << 10)
#define LINKS_MAX 40 /* as the kernel */

struct lower {
    const char *path; /* of the file, for errors */
    int layer_fd;
    const int *below;
    size_t n;
};

static bool is_opaque(int fd)
{
    char value;
    return fgetxattr(fd, ARCHIVE_OPAQUE_XATTR, &value, 1) == 1 && value == 'y';
}

/* The entry at path in one layer, to be read if it is a file or a directory. -ENOENT = look below; -ENOTDIR =
 * nor is it there. */
static int find_in(int layer_fd, const char *path)
{
    bool hidden = false;
    auto_fd int dir = openat(layer_fd, ".", DIR_FLAGS);
    for (;;) {
        char name[NAME_MAX + 1];
        struct stat st;
        size_t len = strcspn(path, "/");
        bool last = path[len] == '\0';
        if (dir < 0 || len > NAME_MAX)
            return -ENOTDIR;
        hidden = hidden || is_opaque(dir);
        memcpy(name, path, len);
        name[len] = '\0';
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return hidden || errno != ENOENT ? -ENOTDIR : -ENOENT;
        if (archive_file_is_whiteout(st.st_mode, st.st_rdev))
            return -ENOTDIR;
        int kind = S_ISDIR(st.st_mode)   ? O_DIRECTORY
                   : S_ISREG(st.st_mode) ? O_NONBLOCK
                                         : O_PATH;
        int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind);
        if (last)
            return fd < 0 ? -errno : fd;
        close(dir);
        dir = fd;
        if (!S_ISDIR(st.st_mode))
            return -ENOTDIR;
        path += len + 1;
    }
}

/* The same in the layers below. */
static int find_below(const struct lower *l, const char *path)
{
    int fd = -ENOENT;
    for (size_t i = 0; i < l->n && fd == -ENOENT; i++)
        fd = find_in(l->below[i], path);
    return fd == -ENOTDIR ? -ENOENT : fd;
}

static int find_seen(const struct lower *l, const char *path)
{
    int fd = find_in(l->layer_fd, path);
    return fd == -ENOENT ? find_below(l, path) : fd;
}

struct walk {
    char done[PATH_MAX], rest[PATH_MAX]; /* no link is in the first */
    int links;
};

/* The link at path, if it is one, comes before the rest. 1 = it was one. */
static int expand(const struct lower *l, struct walk *w, const char *path)
{
    char text[PATH_MAX], whole[PATH_MAX];
    struct stat st;
    auto_fd int fd = find_seen(l, path);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISLNK(st.st_mode))
        return fd < 0 ? fd : 0;
    ssize_t n = readlinkat(fd, "", text, sizeof(text) - 1);
    if (n < 0 || ++w->links > LINKS_MAX)
        return n < 0 ? -errno : -ELOOP;
    text[n] = '\0';
    if (snprintf(whole, sizeof(whole), "%s/%s", text, w->rest) >= (int)sizeof(whole))
        return -ENAMETOOLONG;
    if (text[0] == '/')
        w->done[0] = '\0';
    snprintf(w->rest, sizeof(w->rest), "%s", whole);
    return 1;
}

/* ".." of the root is the root. */
static void step_up(struct walk *w)
{
    char *slash = strrchr(w->done, '/');
    *(slash ? slash : w->done) = '\0';
}

static int step(const struct lower *l, struct walk *w)
{
    char path[PATH_MAX];
    size_t len = strcspn(w->rest, "/");
    bool last = w->rest[len + strspn(w->rest + len, "/")] == '\0';
    int n = snprintf(path, sizeof(path), "%s%s%.*s", w->done, w->done[0] ? "/" : "",
                     (int)len, w->rest);
    bool up = len == 2 && strncmp(w->rest, "..", 2) == 0;
    bool stay = len == 0 || (len == 1 && w->rest[0] == '.');
    memmove(w->rest, w->rest + len, strlen(w->rest + len) + 1);
    memmove(w->rest, w->rest + strspn(w->rest, "/"),
            strlen(w->rest + strspn(w->rest, "/")) + 1);
    if (n >= (int)sizeof(path))
        return -ENAMETOOLONG;
    if (up)
        step_up(w);
    int rc = up || stay || last ? 0 : expand(l, w, path);
    if (rc == 0 && !up && !stay)
        snprintf(w->done, sizeof(w->done), "%s", path);
    return rc < 0 ? rc : 0;
}

/* The path of the same file through directories only; the file itself may be anything. */
static int resolve(const struct lower *l, struct walk *w)
{
    int rc = 0;
    if (snprintf(w->rest, sizeof(w->rest), "%s", l->path) >= (int)sizeof(w->rest))
        return -ENAMETOOLONG;
    while (rc == 0 && w->rest[0])
        rc = step(l, w);
    return rc == 0 && !w->done[0] ? -ENOENT : rc;
}

static int copy_xattrs(int from, int to)
{
    auto_free char *names = malloc(XATTRS), *value = malloc(XATTRS);
    ssize_t len = names && value ? flistxattr(from, names, XATTRS) : -1;
    if (len < 0)
        return !names || !value ? -ENOMEM : errno == EOPNOTSUPP ? 0 : -errno;
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        if (strncmp(name, "trusted.overlay.", 16) == 0)
            continue;
        ssize_t n = fgetxattr(from, name, value, XATTRS);
        if (n < 0 || fsetxattr(to, name, value, (size_t)n, 0) < 0)
            return -errno;
    }
    return 0;
}

/* Times come last: all else changes them. */
static int copy_attributes(int from, int to)
{
    struct stat st;
    if (fstat(from, &st) < 0)
        return -errno;
    if ((geteuid() == 0 && fchown(to, st.st_uid, st.st_gid) < 0) ||
        fchmod(to, st.st_mode & 07777) < 0)
        return -errno;
    int rc = copy_xattrs(from, to);
    const struct timespec times[2] = {st.st_mtim, st.st_mtim};
    return rc == 0 && futimens(to, times) < 0 ? -errno : rc;
}

static int copy_data(int from, int to, uint64_t size)
{
    uint64_t left = size;
    while (left > 0) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, left, 0);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        left -= (uint64_t)n;
    }
    return 0;
}

/* The directory's time is its tar's, or the one it had below. */
static void keep_time(int dir_fd, const struct stat *before)
{
    const struct timespec times[2] = {before->st_mtim, before->st_mtim};
    (void)futimens(dir_fd, times);
}

/* The directories above the file, as they are below. Returns the last. */
static int make_parents(const struct lower *l)
{
    char path[PATH_MAX];
    auto_fd int dir = openat(l->layer_fd, ".", DIR_FLAGS);
    for (const char *end = strchr(l->path, '/'); dir >= 0 && end;
         end = strchr(end + 1, '/')) {
        struct stat before;
        size_t len = (size_t)(end - l->path);
        memcpy(path, l->path, len);
        path[len] = '\0';
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        int rc = fstat(dir, &before);
        bool made = rc == 0 && mkdirat(dir, name, 0700) == 0;
        auto_fd int fd = openat(dir, name, DIR_FLAGS);
        if (fd < 0)
            return -errno;
        if (made) {
            auto_fd int from = find_below(l, path);
            rc = from < 0 ? from : copy_attributes(from, fd);
            keep_time(dir, &before);
        }
        if (rc < 0)
            return rc;
        close(dir);
        dir = take_fd(&fd);
    }
    return dir < 0 ? -errno : take_fd(&dir);
}

static int copy_up(const struct lower *l, int found, const struct stat *st)
{
    struct stat before;
    const char *slash = strrchr(l->path, '/'), *name = slash ? slash + 1 : l->path;
    auto_fd int dir = make_parents(l);
    if (dir < 0)
        return dir;
    if (fstat(dir, &before) < 0)
        return -errno;
    auto_fd int to =
        openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = to < 0 ? -errno : copy_data(found, to, (uint64_t)st->st_size);
    if (rc == 0)
        rc = copy_attributes(found, to);
    keep_time(dir, &before);
    return rc;
}

/* Makes the file of the layer, if it is not there. */
static int bring(const struct lower *l, uint64_t *bytes, const char **ret_reason)
{
    struct stat st;
    auto_fd int own = find_in(l->layer_fd, l->path);
    if (own != -ENOENT)
        return own < 0 ? own : 0;
    auto_fd int found = find_below(l, l->path);
    if (found < 0)
        return found;
    if (fstat(found, &st) < 0 || !S_ISREG(st.st_mode)) {
        *ret_reason = S_ISDIR(st.st_mode) ? "it is a directory" : "it is no regular file";
        return -EBADMSG;
    }
    *bytes += (uint64_t)st.st_size;
    return copy_up(l, found, &st);
}

static int open_parent(int layer_fd, const char *path, const char **ret_name)
{
    char dir[PATH_MAX] = "";
    const char *slash = strrchr(path, '/');
    *ret_name = slash ? slash + 1 : path;
    if (slash)
        memcpy(dir, path, (size_t)(slash - path)); /* "" is the rest */
    auto_fd int at = archive_path_open(layer_fd, dir);
    return at < 0 ? at : openat(at, ".", DIR_FLAGS);
}

static int link_both(const struct lower *l, const char *name)
{
    struct stat before;
    const char *to, *from;
    auto_fd int dir = open_parent(l->layer_fd, name, &to);
    auto_fd int source = open_parent(l->layer_fd, l->path, &from);
    if (dir < 0 || source < 0 || fstat(dir, &before) < 0)
        return dir < 0 ? dir : source < 0 ? source : -errno;
    int rc = linkat(source, from, dir, to, 0) < 0 && errno != EEXIST ? -errno : 0;
    keep_time(dir, &before);
    return rc;
}

int archive_lower_link(int layer_fd, const int *lower_fds, size_t n, const char *name,
                       const char *target, uint64_t *bytes, struct mtd_error *err)
{
    struct lower l = {target, layer_fd, lower_fds, n};
    struct walk walk = {.links = 0};
    const char *reason = NULL;
    int rc = resolve(&l, &walk);
    l.path = walk.done;
    if (rc == 0)
        rc = bring(&l, bytes, &reason);
    if (rc == 0)
        rc = link_both(&l, name);
    if (rc == 0)
        return 0;
    if (rc == -ENOENT || rc == -ENOTDIR)
        reason = "no such file in this layer, nor in those below";
    if (rc == -ELOOP)
        reason = "its directory is a link that leads in a circle";
    if (reason)
        rc = mtd_fail(err, EBADMSG, "hard link to \"%.80s\": %s", target, reason);
    else
        mtd_fail_errno(err, -rc, "hard link to \"%.80s\"", target);
    mtd_context(err, "\"%.80s\"", name);
    return rc;
}
