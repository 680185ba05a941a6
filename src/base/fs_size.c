/* fs_size - without a table of inodes, so that memory does not grow with the number of files, and
 * by descriptors, so that nobody leads it out of the tree. A container may nest directories as
 * deep as it likes, and what is in them counts: those too deep for a descriptor each are walked
 * after the others, from the top again (not before Linux 5.6, where a path could be led astray). */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/strv.h"
#include "base/sys.h"

#define DEEPEST 200 /* a descriptor each */
#define PIECE 4000  /* of a path that the kernel takes at once */

struct size {
    dev_t device;
    uint64_t sum;
    struct buf path;   /* of the directory that is walked, below the top */
    struct strv later; /* paths */
};

/* Each of a file's n links counts 1/n of it. */
static uint64_t share_of(const struct stat *st)
{
    bool counts = S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
    return counts ? (uint64_t)st->st_size / (st->st_nlink ? st->st_nlink : 1) : 0;
}

static void walk(struct size *w, int fd, int depth);

static void walk_inner(struct size *w, int dir_fd, const char *name, int depth)
{
    size_t len = w->path.len;
    if (buf_printf(&w->path, "%s%s", len ? "/" : "", name) < 0)
        return;
    if (depth < DEEPEST)
        walk(w, fs_open_dir_at(dir_fd, name), depth);
    else
        (void)strv_add(&w->later, w->path.data);
    w->path.len = len;
    w->path.data[len] = '\0';
}

/* Takes fd. */
static void walk(struct size *w, int fd, int depth)
{
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_init(&dir, fd < 0 ? -1 : fd);
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));) {
        struct stat st;
        if (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
            continue;
        if (!S_ISDIR(st.st_mode))
            w->sum += share_of(&st);
        else if (st.st_dev == w->device)
            walk_inner(w, fd, d->d_name, depth + 1);
    }
}

/* The end of the first piece of a path, and what comes after it. */
static char *cut(char *path)
{
    char *end = strlen(path) > PIECE ? memrchr(path, '/', PIECE) : NULL;
    if (!end)
        return NULL;
    *end = '\0';
    return end + 1;
}

static int open_deep(int top_fd, char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int fd = -1;
    for (char *rest; path; path = rest) {
        rest = cut(path);
        auto_fd int above = fd;
        fd = sys_openat2(above < 0 ? top_fd : above, path, &how);
        if (fd < 0)
            return -errno;
    }
    return fd;
}

static void walk_later(struct size *w, int top_fd)
{
    while (w->later.len > 0) {
        auto_free char *path = w->later.items[--w->later.len];
        w->later.items[w->later.len] = NULL;
        w->path.len = 0;
        if (buf_puts(&w->path, path) == 0)
            walk(w, open_deep(top_fd, path), 0);
    }
}

uint64_t fs_size_at(int dir_fd, const char *name)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return share_of(&st);
    auto_fd int top = fs_open_dir_at(dir_fd, name);
    struct size w = {.device = st.st_dev};
    if (top >= 0) {
        walk(&w, fs_open_dir_at(top, "."), 0);
        walk_later(&w, top);
    }
    buf_done(&w.path);
    strv_done(&w.later);
    return w.sum;
}
