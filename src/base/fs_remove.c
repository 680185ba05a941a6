/* Removing a tree a container wrote: its depth, names and links are hostile. Descriptors and
 * stack stay bounded because a directory found too deep is first moved to the top of the
 * tree. */

#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define MAX_DEPTH 48

struct removal {
    int top_fd;   /* the tree's first directory: too deep ones are moved here */
    bool moved;   /* since the last scan of top_fd */
    int error;    /* the first that is not "somebody else was faster" */
};

static void note(struct removal *r, int error)
{
    if (r->error == 0 && error != -ENOENT)
        r->error = error;
}

/* A mount point is refused (-EXDEV): what is mounted there is not ours to delete. openat2
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

static void remove_entry(struct removal *r, int dir_fd, const char *name, int type, int depth);

static void remove_entries(struct removal *r, int dir_fd, int depth)
{
    int copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    auto_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        note(r, -errno);
        if (copy >= 0)
            close(copy);
        return;
    }
    rewinddir(dir); /* the position is shared with dir_fd */
    const struct dirent *e;
    while ((e = readdir(dir)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_entry(r, dir_fd, e->d_name, e->d_type, depth);
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
    auto_fd int fd = open_same_mount(dir_fd, name);
    if (fd < 0) {
        note(r, fd);
        return;
    }
    remove_entries(r, fd, depth + 1);
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && r->error == 0)
        note(r, -errno);
}

static void remove_entry(struct removal *r, int dir_fd, const char *name, int type, int depth)
{
    if (type != DT_DIR) {
        if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
            return;
        if (errno != EISDIR) { /* file systems without d_type give directories as unknown */
            note(r, -errno);
            return;
        }
    }
    remove_dir(r, dir_fd, name, depth);
}

int fs_remove_tree_at(int dir_fd, const char *name)
{
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -errno;
    auto_fd int top_fd = open_same_mount(dir_fd, name);
    if (top_fd < 0)
        return top_fd == -ENOENT ? 0 : top_fd;
    struct removal r = {.top_fd = top_fd};
    do {
        r.moved = false;
        remove_entries(&r, top_fd, 0);
    } while (r.moved && r.error == 0);
    if (r.error < 0)
        return r.error;
    return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}
