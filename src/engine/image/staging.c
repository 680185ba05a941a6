/* Layers appear and disappear by rename, through images/tmp. A process holds flock on
 * what it has there, so what is not locked was left by a process that was killed. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define PATH_ROOM 128

static void tmp_path(const char *name, char out[PATH_ROOM])
{
    snprintf(out, PATH_ROOM, "images/tmp/%s", name);
}

static void layer_path(const char *chain, char out[PATH_ROOM])
{
    snprintf(out, PATH_ROOM, "images/layers/%s", chain);
}

bool image_disk_has_layer(const struct image_store *s, const char *chain)
{
    char path[PATH_ROOM];
    layer_path(chain, path);
    return faccessat(s->root_fd, path, F_OK, 0) == 0;
}

int image_disk_retire_layer(const struct image_store *s, const char *chain,
                            struct strv *ret_tmp)
{
    char from[PATH_ROOM], to[PATH_ROOM], name[IMAGE_TMP_NAME];
    image_disk_tmp_name(name, "gone");
    layer_path(chain, from);
    tmp_path(name, to);
    int rc = strv_add(ret_tmp, name);
    if (rc == 0 && renameat(s->root_fd, from, s->root_fd, to) < 0 && errno != ENOENT)
        rc = -errno;
    return rc;
}

static void remove_tmp(const struct image_store *s, const char *name)
{
    auto_fd int tmp = fs_open_dir_at(s->root_fd, "images/tmp");
    if (tmp >= 0)
        fs_remove_tree_at(tmp, name);
}

void image_disk_drop_tmp(const struct image_store *s, const struct strv *tmp)
{
    for (size_t i = 0; i < tmp->len; i++)
        remove_tmp(s, tmp->items[i]);
}

static int staging_failed(const struct image_store *s, int code, struct mtd_error *err)
{
    return mtd_fail_errno(err, code, "cannot create a directory in %s/images/tmp",
                          s->root);
}

int image_staging_open(const struct image_store *s, struct image_staging *ret,
                       struct mtd_error *err)
{
    struct image_staging g = {.store = s, .fd = -1};
    char path[PATH_ROOM];
    image_disk_tmp_name(g.name, "layer");
    tmp_path(g.name, path);
    if (mkdirat(s->root_fd, path, 0700) < 0)
        return staging_failed(s, errno, err);
    g.fd = fs_open_dir_at(s->root_fd, path);
    if (g.fd < 0 || flock(g.fd, LOCK_EX | LOCK_NB) < 0 || fchmod(g.fd, 0755) < 0) {
        int rc = g.fd < 0 ? g.fd : -errno;
        image_staging_done(&g);
        return staging_failed(s, -rc, err);
    }
    *ret = g;
    return 0;
}

void image_staging_done(struct image_staging *g)
{
    if (g->name[0])
        remove_tmp(g->store, g->name);
    if (g->fd >= 0)
        close(g->fd);
    *g = (struct image_staging){.fd = -1};
}

int image_staging_publish(struct image_staging *g, const char *chain, bool *ret_new,
                          struct mtd_error *err)
{
    char from[PATH_ROOM], to[PATH_ROOM];
    tmp_path(g->name, from);
    layer_path(chain, to);
    int root = g->store->root_fd;
    *ret_new = renameat2(root, from, root, to, RENAME_NOREPLACE) == 0;
    if (!*ret_new && errno != EEXIST)
        return mtd_fail_errno(err, errno, "cannot create %s/%s", g->store->root, to);
    if (*ret_new)
        g->name[0] = '\0';
    return 0;
}

int image_staging_named(const struct image_store *s, const char *kind,
                        char name[IMAGE_TMP_NAME], struct mtd_error *err)
{
    char path[PATH_ROOM];
    image_disk_tmp_name(name, kind);
    tmp_path(name, path);
    auto_fd int fd = openat(s->root_fd, path,
                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return staging_failed(s, errno, err);
    return take_fd(&fd);
}

int image_staging_mark(const struct image_store *s, char name[IMAGE_TMP_NAME],
                       struct mtd_error *err)
{
    return image_staging_named(s, "publish", name, err);
}

int image_staging_file(const struct image_store *s, struct mtd_error *err)
{
    int fd = openat(s->root_fd, "images/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || errno != EOPNOTSUPP)
        return fd < 0 ? staging_failed(s, errno, err) : fd;
    char path[PATH_ROOM], name[IMAGE_TMP_NAME];
    image_disk_tmp_name(name, "file");
    tmp_path(name, path);
    fd = openat(s->root_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return staging_failed(s, errno, err);
    unlinkat(s->root_fd, path, 0);
    return fd;
}
