/* fs_remove - a tree that a container wrote may be hostile in its depth, names and links.
 * Descriptors and stack stay bounded because a directory that is too deep is moved to the
 * top of the tree first. */

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define MAX_DEPTH 32

struct removal {
    int top_fd; /* the tree's first directory: too deep ones are moved here */
    bool moved; /* since the last scan of top_fd */
    int error;  /* the first one, but for entries that were removed by others */
};

static void note(struct removal *r, int error)
{
    if (r->error == 0 && error != -ENOENT)
        r->error = error;
}

/* A mount point is refused (-EXDEV): what is mounted there must not be deleted. openat2
 * sees bind mounts of the same file system, which a comparison of st_dev would not. */
static int open_same_mount(int dir_fd, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
    };
    int fd = sys_openat2(dir_fd, name, &how);
    if (fd >= 0 || errno != ENOSYS)
        return fd >= 0 ? fd : -errno;
    auto_fd int plain = fs_open_dir_at(dir_fd, name);
    struct stat parent, st;
    if (plain < 0)
        return plain;
    if (fstat(dir_fd, &parent) < 0 || fstat(plain, &st) < 0)
        return -errno;
    return parent.st_dev == st.st_dev ? take_fd(&plain) : -EXDEV;
}

static void move_to_top(struct removal *r, int dir_fd, const char *name)
{
    char temp[32];
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) < 0)
        note(r, -errno);
    snprintf(temp, sizeof(temp), ".deep.%016llx", (unsigned long long)random);
    if (renameat(dir_fd, name, r->top_fd, temp) < 0)
        note(r, -errno);
    else
        r->moved = true;
}

static void remove_entry(struct removal *r, int dir_fd, const char *name, int type,
                         int depth);

/* Empties the directory name, which d reads and takes, and removes it when that seems to be
 * all. True when it is gone. */
static bool remove_opened(struct removal *r, int dir_fd, const char *name,
                          struct fs_dir *d, int depth)
{
    const struct dirent64 *e;
    while ((e = fs_dir_next(d))) {
        remove_entry(r, d->fd, e->d_name, e->d_type, depth);
        if (fs_dir_seems_done(d) && !r->moved &&
            unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
            return true;
    }
    if (d->error < 0)
        note(r, d->error);
    return false;
}

static void remove_dir(struct removal *r, int dir_fd, const char *name, int depth)
{
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return;
    if (errno != ENOTEMPTY && errno != EEXIST) {
        note(r, -errno);
        return;
    }
    if (depth >= MAX_DEPTH) {
        move_to_top(r, dir_fd, name);
        return;
    }
    int fd = open_same_mount(dir_fd, name);
    if (fd < 0) {
        note(r, fd);
        return;
    }
    auto_done(fs_dir_done) struct fs_dir d;
    fs_dir_init(&d, fd);
    if (remove_opened(r, dir_fd, name, &d, depth + 1))
        return;
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && r->error == 0)
        note(r, -errno);
}

static void remove_entry(struct removal *r, int dir_fd, const char *name, int type,
                         int depth)
{
    if (type != DT_DIR) {
        if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
            return;
        /* A file system without d_type reports directories as DT_UNKNOWN. */
        if (errno != EISDIR) {
            note(r, -errno);
            return;
        }
    }
    remove_dir(r, dir_fd, name, depth);
}

int fs_remove_dir_at(int dir_fd, const char *name)
{
    int top = open_same_mount(dir_fd, name);
    if (top < 0)
        return top == -ENOENT ? 0 : top;
    auto_done(fs_dir_done) struct fs_dir d;
    fs_dir_init(&d, top);
    struct removal r = {.top_fd = top};
    bool gone;
    while (!(gone = remove_opened(&r, dir_fd, name, &d, 0))) {
        if (r.error < 0 || !r.moved)
            break;
        r.moved = false;
        if (lseek(top, 0, SEEK_SET) < 0)
            return -errno;
    }
    if (r.error < 0 || gone)
        return r.error;
    return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* A path may cross mounts on its way to the tree; the tree may not. */
int fs_remove_tree_at(int dir_fd, const char *path)
{
    if (unlinkat(dir_fd, path, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -errno;
    const char *slash = strrchr(path, '/');
    if (!slash)
        return fs_remove_dir_at(dir_fd, path);
    auto_free char *parent = strndup(path, (size_t)(slash + 1 - path));
    auto_fd int parent_fd =
        parent ? openat(dir_fd, parent, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (!parent)
        return -ENOMEM;
    return parent_fd < 0 ? -errno : fs_remove_dir_at(parent_fd, slash + 1);
}
