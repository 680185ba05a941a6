/* What a container wrote is its upper directory: a 0:0 device there is a deletion, an
 * entry that a layer has too is a change if it differs, the rest is new. A directory also
 * changes with what is in it. As in docker, the time of a directory says nothing, and
 * what the engine made to mount on is not shown. */

#include "engine/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/api/internal.h"
#include "engine/api/lower.h"
#include "engine/api/own.h"

#define DEPTH_MAX \
    256 /* as cp, commit and export; a descriptor each, and one for each layer */

struct walk {
    struct strv own; /* what the engine made itself, without the leading "/" */
    struct mtd_change *items;
    size_t len, cap;
};

/* One directory of the upper side, and the image's of that path. */
struct place {
    int fd;
    const struct lower *lower;
    const char *path; /* "" or "/a/b" */
    unsigned depth;
};

static int add(struct walk *w, char kind, const char *path, uint64_t size)
{
    if (w->len == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 64;
        struct mtd_change *items = reallocarray(w->items, cap, sizeof(*items));
        if (!items)
            return -ENOMEM;
        w->items = items;
        w->cap = cap;
    }
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    w->items[w->len++] = (struct mtd_change){.kind = kind, .path = copy, .size = size};
    return 0;
}

static int walk_dir(struct walk *w, const struct place *p);

/* A directory that replaces a removed one: what the old one had and this
 * has not, is deleted. */
static int add_hidden(struct walk *w, const struct place *p)
{
    auto_done(strv_done) struct strv names = {0};
    int rc = lower_is_opaque(p->fd) ? lower_list(p->lower, &names) : 0;
    for (size_t i = 0; i < names.len && rc == 0; i++) {
        auto_free char *path = NULL;
        if (faccessat(p->fd, names.items[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        if (asprintf(&path, "%s/%s", p->path, names.items[i]) < 0)
            return -ENOMEM;
        rc = add(w, 'D', path, 0);
    }
    return rc;
}

static int visit_inside(struct walk *w, const struct place *p, const char *name,
                        const char *path)
{
    auto_done(lower_done) struct lower inside = {0};
    auto_fd int fd = fs_open_dir_at(p->fd, name);
    if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
        return 0; /* just removed or replaced */
    if (fd < 0 || p->depth >= DEPTH_MAX)
        return fd < 0 ? fd : -E2BIG;
    int rc = lower_enter(p->lower, name, &inside);
    struct place child = {fd, &inside, path, p->depth + 1};
    if (rc == 0)
        rc = add_hidden(w, &child);
    return rc < 0 ? rc : walk_dir(w, &child);
}

static int visit(struct walk *w, const struct place *p, const char *name,
                 const char *path)
{
    struct stat st, old;
    if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno; /* the container runs: files come and go */
    bool known = lower_find(p->lower, name, &old);
    if (lower_is_whiteout(&st))
        return known ? add(w, 'D', path, 0) : 0;
    size_t before = w->len;
    bool directory = S_ISDIR(st.st_mode);
    int rc = directory ? visit_inside(w, p, name, path) : 0;
    if (rc < 0)
        return rc;
    if (known && w->len == before && !lower_differs(p->lower, name, p->fd))
        return 0;
    return add(w, known ? 'C' : 'A', path, directory ? 0 : (uint64_t)st.st_size);
}

static int walk_dir(struct walk *w, const struct place *p)
{
    int fd = openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    int rc = d ? 0 : -errno;
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *de; d && rc == 0 && (de = readdir(d));) {
        auto_free char *path = NULL;
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        if (asprintf(&path, "%s/%s", p->path, de->d_name) < 0)
            return -ENOMEM;
        if (!strv_contains(&w->own, path + 1))
            rc = visit(w, p, de->d_name, path);
    }
    return rc;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct mtd_change *)a)->path,
                  ((const struct mtd_change *)b)->path);
}

void mtd_changes_free(struct mtd_change *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(c[i].path);
    free(c);
}

static int walk_upper(struct walk *w, int upper_fd, int layers_fd,
                      const struct strv *layers)
{
    auto_done(lower_done) struct lower root = {0};
    int rc = lower_open(&root, layers_fd, layers);
    if (rc == 0)
        rc = container_own_paths(upper_fd, &root, &w->own);
    struct place top = {upper_fd, &root, "", 0};
    return rc < 0 ? rc : walk_dir(w, &top);
}

int mtd_diff(struct mtd_engine *e, const char *ref, struct mtd_change **ret,
             size_t *ret_n, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int code = container_load(e, ref, &r, NULL, err);
    if (code < 0)
        return code;
    auto_free char *upper = container_dir(e, r.id, "upper");
    auto_fd int layers = fs_open_dir_at(e->store.root_fd, "images/layers");
    struct walk w = {0};
    auto_fd int fd =
        upper ? open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0)
        code = errno == ENOENT ? 0 : -errno; /* never started: nothing written */
    else
        code = walk_upper(&w, fd, layers, &r.spec.layers);
    strv_done(&w.own);
    if (code < 0) {
        mtd_changes_free(w.items, w.len);
        if (code == -E2BIG)
            return mtd_fail(err, E2BIG, "%s has directories more than %d deep", r.name,
                            DEPTH_MAX);
        return mtd_fail_errno(err, -code, "cannot read what %s wrote", r.name);
    }
    if (w.len > 1)
        qsort(w.items, w.len, sizeof(*w.items), compare);
    *ret = w.items;
    *ret_n = w.len;
    return 0;
}
