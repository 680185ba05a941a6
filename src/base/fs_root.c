/* fs_root - paths below a container's root. The container may change its tree at any
 * moment, so the kernel resolves them: openat2 never leaves the root, whatever links and
 * ".." say. */

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/sys.h"

#define MAX_LINKS 40
/* EAGAIN: a rename raced with "..". Bounded, because a container may cause that on
 * purpose all the time. */
#define MAX_RACES 128

/* Copies the next component to out; returns its length, 0 at the end, -errno. */
static int next_component(const char **path, char out[NAME_MAX + 1])
{
    for (;;) {
        const char *s = *path + strspn(*path, "/");
        size_t n = strcspn(s, "/");
        if (n > NAME_MAX)
            return -ENAMETOOLONG;
        *path = s + n;
        if (n == 1 && s[0] == '.')
            continue;
        memcpy(out, s, n);
        out[n] = '\0';
        return (int)n;
    }
}

/* For kernels before 5.6: one component at a time; links and ".." are refused. */
static int walk_without_links(int root_fd, const char *path, int flags, mode_t mode)
{
    char name[NAME_MAX + 1], next[NAME_MAX + 1];
    auto_fd int dir = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    int n = next_component(&path, name);
    if (n <= 0)
        return n < 0 ? n : openat(dir, ".", flags | O_CLOEXEC);
    for (;;) {
        if (strcmp(name, "..") == 0)
            return -EXDEV;
        n = next_component(&path, next);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        close(dir);
        dir = fd;
        memcpy(name, next, sizeof(name));
    }
    auto_fd int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISLNK(st.st_mode) && !(flags & O_NOFOLLOW))
        return -ELOOP; /* O_PATH|O_NOFOLLOW opens the link itself */
    return take_fd(&fd);
}

int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
    bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = creates ? mode & 07777 : 0,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    if (path[0] == '\0')
        return -ENOENT;
    int fd = -1;
    for (int tries = 0; tries < MAX_RACES; tries++) {
        fd = sys_openat2(root_fd, path, &how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    if (fd >= 0)
        return fd;
    if (errno == ENOSYS)
        return walk_without_links(root_fd, path, flags, mode);
    return -errno;
}

static int open_dir_in_root(int root_fd, const char *path)
{
    return fs_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
}

/* Makes directories below a root. */
struct maker {
    int root_fd;
    mode_t mode;
    int links; /* how many more links are followed */
};

static int mkdir_in_root(struct maker *m, const char *path);

/* name is a dangling link in dir_fd: its target is created, inside the root, as it would
 * be by a process in the container. */
static int make_link_target(struct maker *m, int dir_fd, const char *name,
                            const char *parent_path)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(dir_fd, name, target, sizeof(target));
    if (n < 0)
        return errno == EINVAL ? -ENOTDIR : -errno;
    if (n == 0 || n >= (ssize_t)sizeof(target))
        return -ENAMETOOLONG;
    if (--m->links < 0)
        return -ELOOP;
    target[n] = '\0';
    auto_done(buf_done) struct buf full = {0};
    int rc = buf_printf(&full, "%s/%s", target[0] == '/' ? "" : parent_path, target);
    return rc < 0 ? rc : mkdir_in_root(m, full.data);
}

/* The mode is set apart: the caller's umask is not the container's. By descriptor, because a
 * container that shares the directory may have put a link to the host's files in its place. */
static int make_dir(int parent_fd, const char *name, mode_t mode)
{
    if (mkdirat(parent_fd, name, mode) < 0)
        return errno == EEXIST ? 0 : -errno;
    (void)fault_point("fs.made");
    auto_fd int fd =
        openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 || fchmod(fd, mode) < 0 ? -errno : 0;
}

/* Creates and opens prefix, whose last component is name and whose parent is open. */
static int make_component(struct maker *m, int parent_fd, const char *parent_path,
                          const char *name, const char *prefix)
{
    int fd = open_dir_in_root(m->root_fd, prefix);
    if (fd != -ENOENT)
        return fd;
    int rc = make_dir(parent_fd, name, m->mode);
    if (rc < 0)
        return rc;
    fd = open_dir_in_root(m->root_fd, prefix);
    if (fd != -ENOENT)
        return fd;
    return make_link_target(m, parent_fd, name, parent_path);
}

static int mkdir_in_root(struct maker *m, const char *path)
{
    auto_done(buf_done) struct buf prefix = {0};
    auto_done(buf_done) struct buf parent = {0};
    char name[NAME_MAX + 1];
    auto_fd int dir = open_dir_in_root(m->root_fd, "/");
    int rc = buf_puts(&parent, "/");
    while (dir >= 0 && rc == 0) {
        int n = next_component(&path, name);
        if (n <= 0)
            return n < 0 ? n : take_fd(&dir);
        prefix.len = 0;
        rc = buf_printf(&prefix, "%s/%s", parent.len > 1 ? parent.data : "", name);
        if (rc < 0)
            break;
        int next = make_component(m, dir, parent.data, name, prefix.data);
        if (next < 0)
            return next;
        close(dir);
        dir = next;
        parent.len = 0;
        rc = buf_puts(&parent, prefix.data);
    }
    return rc < 0 ? rc : dir;
}

int fs_mkdir_in_root(int root_fd, const char *path, mode_t mode)
{
    int fd = open_dir_in_root(root_fd, path);
    if (fd != -ENOENT)
        return fd;
    struct maker m = {.root_fd = root_fd, .mode = mode, .links = MAX_LINKS};
    return mkdir_in_root(&m, path);
}
