/* What a container wrote is its upper directory: a 0:0 device there is a deletion, an entry
 * that a layer has too is a change, the rest is new. */

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
#include "engine/container/internal.h"

#define DEPTH_MAX 512

struct walk {
    const struct mtd_record *record;
    int layers_fd;
    struct mtd_change *items;
    size_t len, cap;
};

static bool is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* Topmost layer first: what it says about the path counts. */
static bool in_layers(const struct walk *w, const char *path)
{
    const struct strv *layers = &w->record->spec.layers;
    for (size_t i = layers->len; i-- > 0;) {
        char full[8192];
        struct stat st;
        if (snprintf(full, sizeof(full), "%s%s", layers->items[i], path) >=
            (int)sizeof(full))
            return false;
        if (fstatat(w->layers_fd, full, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return !is_whiteout(&st);
    }
    return false;
}

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

static int walk_dir(struct walk *w, int dir_fd, const char *path, unsigned depth);

static int visit(struct walk *w, int dir_fd, const char *name, const char *path,
                 unsigned depth)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno; /* it runs: things come and go */
    if (is_whiteout(&st))
        return add(w, 'D', path, 0);
    bool directory = S_ISDIR(st.st_mode);
    int r = add(w, in_layers(w, path) ? 'C' : 'A', path,
                directory ? 0 : (uint64_t)st.st_size);
    if (r < 0 || !directory || depth >= DEPTH_MAX)
        return r;
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? 0 : walk_dir(w, fd, path, depth + 1);
}

/* Takes dir_fd. */
static int walk_dir(struct walk *w, int dir_fd, const char *path, unsigned depth)
{
    auto_dir DIR *d = fdopendir(dir_fd);
    if (!d) {
        close(dir_fd);
        return -ENOMEM;
    }
    for (struct dirent *de; (de = readdir(d));) {
        auto_free char *child = NULL;
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        if (asprintf(&child, "%s/%s", path, de->d_name) < 0)
            return -ENOMEM;
        int r = visit(w, dirfd(d), de->d_name, child, depth);
        if (r < 0)
            return r;
    }
    return 0;
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

int mtd_diff(struct mtd_engine *e, const char *ref, struct mtd_change **ret,
             size_t *ret_n, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int code = container_load(e, ref, &r, NULL, err);
    if (code < 0)
        return code;
    auto_free char *upper = container_dir(e, r.id, "upper");
    auto_fd int layers =
        openat(e->store.root_fd, "images/layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct walk w = {.record = &r, .layers_fd = layers};
    int fd = upper ? open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0 && errno == ENOENT)
        code = 0; /* never started: nothing written */
    else
        code = fd < 0 ? -errno : walk_dir(&w, fd, "", 0);
    if (code < 0) {
        mtd_changes_free(w.items, w.len);
        return mtd_fail_errno(err, -code, "cannot read what %s wrote", r.name);
    }
    if (w.len > 1)
        qsort(w.items, w.len, sizeof(*w.items), compare);
    *ret = w.items;
    *ret_n = w.len;
    return 0;
}
