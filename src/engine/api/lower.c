/* Layers are directories as overlayfs reads them: a 0:0 device removes a name, and
 * an opaque directory hides those below it. They are read here without mounting
 * anything, because the dashboard asks, too, and must not unshare. Symbolic links
 * are never followed. */

#include "engine/api/lower.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

bool lower_is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

bool lower_is_opaque(int dir_fd)
{
    char value = 0;
    return fgetxattr(dir_fd, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

void lower_done(struct lower *l)
{
    for (size_t i = 0; i < l->len; i++)
        close(l->fds[i]);
    free(l->fds);
    *l = (struct lower){0};
}

int lower_open(struct lower *ret, int layers_fd, const struct strv *layers)
{
    struct lower l = {calloc(layers->len + 1, sizeof(int)), 0};
    int rc = l.fds ? 0 : -ENOMEM;
    for (size_t i = layers->len; rc == 0 && i-- > 0;) {
        int fd = fs_open_dir_at(layers_fd, layers->items[i]);
        if (fd < 0)
            rc = fd;
        else
            l.fds[l.len++] = fd;
    }
    if (rc < 0)
        lower_done(&l);
    else
        *ret = l;
    return rc;
}

/* 1 = goes on with the layer below, 0 = this one is the last, -errno. */
static int enter_layer(int parent_fd, const char *name, struct lower *l)
{
    struct stat st;
    if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 1 : -errno;
    if (!S_ISDIR(st.st_mode))
        return 0;
    int fd = fs_open_dir_at(parent_fd, name);
    if (fd < 0)
        return fd;
    l->fds[l->len++] = fd;
    return !lower_is_opaque(fd);
}

int lower_enter(const struct lower *l, const char *name, struct lower *ret)
{
    auto_done(lower_done) struct lower in = {0};
    if (l->len && !(in.fds = calloc(l->len, sizeof(int))))
        return -ENOMEM;
    int more = 1;
    for (size_t i = 0; i < l->len && more > 0; i++)
        more = enter_layer(l->fds[i], name, &in);
    if (more < 0)
        return more;
    *ret = in;
    in = (struct lower){0};
    return 0;
}

/* The directory of the layer that has the name, or -1. */
static int find_layer(const struct lower *l, const char *name, struct stat *ret)
{
    for (size_t i = 0; i < l->len; i++) {
        struct stat st;
        if (fstatat(l->fds[i], name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (lower_is_whiteout(&st))
            return -1;
        *ret = st;
        return l->fds[i];
    }
    return -1;
}

bool lower_find(const struct lower *l, const char *name, struct stat *ret)
{
    return find_layer(l, name, ret) >= 0;
}

/* Empty when the file has none. */
static size_t read_capability(int dir_fd, const char *name, char *out, size_t size)
{
    char path[64 + NAME_MAX];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
    ssize_t n = lgetxattr(path, "security.capability", out, size);
    return n < 0 ? 0 : (size_t)n;
}

static bool same_capability(int a_fd, int b_fd, const char *name)
{
    char a[64], b[64];
    size_t n = read_capability(a_fd, name, a, sizeof(a));
    return n == read_capability(b_fd, name, b, sizeof(b)) && memcmp(a, b, n) == 0;
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
    if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid ||
        a->st_rdev != b->st_rdev)
        return false;
    return S_ISDIR(a->st_mode) ||
           (a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
            a->st_mtim.tv_nsec == b->st_mtim.tv_nsec);
}

bool lower_differs(const struct lower *l, const char *name, int dir_fd)
{
    struct stat old, now;
    int fd = find_layer(l, name, &old);
    if (fd < 0 || fstatat(dir_fd, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
        return true;
    return !same_stat(&old, &now) || !same_capability(fd, dir_fd, name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds each name whose topmost layer is this one, unless it is a whiteout there. */
static int list_layer(const struct lower *l, size_t i, struct strv *ret)
{
    struct stat st;
    int fd = openat(l->fds[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return -code;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            find_layer(l, e->d_name, &st) != l->fds[i])
            continue;
        if (strv_add(ret, e->d_name) < 0)
            return -ENOMEM;
    }
    return 0;
}

int lower_list(const struct lower *l, struct strv *ret)
{
    auto_done(strv_done) struct strv names = {0};
    int rc = 0;
    for (size_t i = 0; i < l->len && rc == 0; i++)
        rc = list_layer(l, i, &names);
    if (rc < 0)
        return rc;
    if (names.len > 1)
        qsort(names.items, names.len, sizeof(*names.items), compare_names);
    *ret = names;
    names = (struct strv){0};
    return 0;
}
