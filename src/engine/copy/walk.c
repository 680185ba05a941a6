/* A container may change its tree at any moment: each file is first held by an O_PATH
 * descriptor, then looked at, and opened through that. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/strv.h"
#include "engine/copy/internal.h"

struct known_link {
    dev_t dev;
    ino_t ino;
    char path[];
};

static int compare_links(const void *a, const void *b)
{
    const struct known_link *x = a, *y = b;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return x->dev == y->dev ? 0 : x->dev < y->dev ? -1 : 1;
}

/* *ret = the path the file had before, which it keeps being known by. */
static int find_link(struct copy *c, const struct stat *st, const char **ret)
{
    struct known_link *l = malloc(sizeof(*l) + c->path.len + 1);
    if (!l)
        return -ENOMEM;
    l->dev = st->st_dev;
    l->ino = st->st_ino;
    memcpy(l->path, c->path.data, c->path.len + 1);
    struct known_link **slot = tsearch(l, &c->links, compare_links);
    *ret = slot && *slot != l ? (*slot)->path : NULL;
    if (!slot || *slot != l)
        free(l);
    return slot ? 0 : -ENOMEM;
}

int copy_open_data(struct copy *c, const struct copy_node *n, struct mtd_error *err)
{
    char proc[64];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", n->fd);
    int fd = openat(n->fd, proc, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? copy_failed(c, errno, "cannot read", err) : fd;
}

static int walk_dir(struct copy *c, const struct copy_node *n, int dir, unsigned depth,
                    struct mtd_error *err)
{
    if (depth >= COPY_DEPTH)
        return copy_failed(c, ELOOP, "more than 256 directories deep", err);
    if (c->to && n->st.st_dev == c->top.st_dev && n->st.st_ino == c->top.st_ino)
        return copy_failed(c, EINVAL, "cannot copy a directory into itself", err);
    int inner = -1;
    int rc = c->sink->enter(c, n, dir, &inner, err);
    auto_fd int owned = inner;
    if (rc == 0 && !copy_is_kernel(n->fd))
        rc = copy_walk_inside(c, n->fd, inner, depth + 1, err);
    return rc < 0 ? rc : c->sink->leave(c, n, inner, err);
}

static int walk_node(struct copy *c, const struct copy_node *n, int dir, unsigned depth,
                     struct mtd_error *err)
{
    const char *first = NULL;
    if (S_ISDIR(n->st.st_mode))
        return walk_dir(c, n, dir, depth, err);
    int rc = n->st.st_nlink > 1 ? find_link(c, &n->st, &first) : 0;
    return rc < 0 ? copy_failed(c, -rc, "cannot copy", err)
                  : c->sink->put(c, n, dir, first, err);
}

/* Appends to c->path; the caller cuts it again. */
static int go_to(struct copy *c, const char *name)
{
    return c->path.len == 0 || strcmp(c->path.data, "/") == 0
               ? buf_puts(&c->path, name)
               : buf_printf(&c->path, "/%s", name);
}

int copy_walk(struct copy *c, int fd, const struct stat *st, const char *name, int dir,
              struct mtd_error *err)
{
    const struct copy_node n = {fd, *st, name};
    int rc = go_to(c, name);
    return rc < 0 ? copy_failed(c, -rc, "cannot copy", err)
                  : walk_node(c, &n, dir, 0, err);
}

static int walk_child(struct copy *c, int fd, const char *name, int dir, unsigned depth,
                      struct mtd_error *err)
{
    struct copy_node n = {.name = name};
    auto_fd int child = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (child < 0 && errno == ENOENT)
        return 0; /* just removed */
    if (child < 0 || fstat(child, &n.st) < 0)
        return copy_failed(c, errno, "cannot open", err);
    if (S_ISSOCK(n.st.st_mode))
        return 0; /* useless without the process that has bound it */
    n.fd = child;
    return walk_node(c, &n, dir, depth, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names first: what is made meanwhile is not the copy's. */
static int list(int path_fd, struct strv *ret)
{
    struct fs_dir d;
    int rc = fs_dir_open(&d, path_fd);
    const struct dirent64 *e;
    while (rc == 0 && (e = fs_dir_next(&d)))
        rc = strv_add(ret, e->d_name);
    if (rc == 0)
        rc = d.error;
    fs_dir_done(&d);
    if (ret->len > 1)
        qsort(ret->items, ret->len, sizeof(*ret->items), compare_names);
    return rc;
}

int copy_walk_inside(struct copy *c, int fd, int dir, unsigned depth,
                     struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0};
    int rc = list(fd, &names);
    if (rc < 0)
        return copy_failed(c, -rc, "cannot list the directory", err);
    size_t len = c->path.len;
    for (size_t i = 0; i < names.len && rc == 0; i++) {
        rc = go_to(c, names.items[i]);
        if (rc < 0)
            return copy_failed(c, -rc, "cannot copy", err);
        rc = walk_child(c, fd, names.items[i], dir, depth, err);
        c->path.len = len;
        c->path.data[len] = '\0';
    }
    return rc;
}
