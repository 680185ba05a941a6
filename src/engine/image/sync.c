/* What a power loss must not undo is forced to the disk before anything names it. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define FEW 64

static int sync_tree(int dir_fd, unsigned depth);

static int sync_entry(int dir_fd, const struct dirent64 *d, unsigned depth)
{
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
        return 0;
    if (d->d_type != DT_DIR && d->d_type != DT_REG)
        return 0;
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    auto_fd int fd = openat(dir_fd, d->d_name, flags);
    if (fd < 0)
        return -errno;
    if (d->d_type == DT_DIR)
        return sync_tree(fd, depth + 1);
    return fsync(fd) < 0 ? -errno : 0;
}

static int sync_tree(int dir_fd, unsigned depth)
{
    auto_done(fs_dir_done) struct fs_dir dir;
    int rc = depth > ARCHIVE_MAX_DEPTH + 1 ? -ELOOP : fs_dir_open(&dir, dir_fd);
    if (rc < 0) {
        fs_dir_init(&dir, -1);
        return rc;
    }
    for (const struct dirent64 *d; rc == 0 && (d = fs_dir_next(&dir));)
        rc = sync_entry(dir_fd, d, depth);
    return rc == 0 && fsync(dir_fd) < 0 ? -errno : rc;
}

static int sync_staged(const struct image_staged *g)
{
    int fds[] = {g->blob_fd, g->recipe_fd}, rc = sync_tree(g->dir.fd, 0);
    for (size_t i = 0; i < ARRAY_SIZE(fds) && rc == 0; i++)
        if (fds[i] >= 0 && fsync(fds[i]) < 0)
            rc = -errno;
    return rc;
}

/* syncfs tells of what failed since its descriptor was opened, so the first one's is taken. */
int image_sync_parts(const struct image_part *parts, size_t n)
{
    const struct image_staged *first = NULL;
    uint64_t files = 0;
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        const struct image_staged *g = parts[i].layer ? parts[i].layer->staged : NULL;
        if (g && (!first || g->order < first->order))
            first = g;
        files += g ? g->entries + 2 : 0; /* the blob and the recipe */
    }
    if (files > FEW)
        return syncfs(first->dir.fd) < 0 ? -errno : 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        if (parts[i].layer && parts[i].layer->staged)
            rc = sync_staged(parts[i].layer->staged);
    return rc;
}

int image_sync_names(const struct image_store *s, struct mtd_error *err)
{
    auto_fd int fd =
        openat(s->root_fd, "images/refs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return mtd_fail_errno(err, errno, "cannot write %s/images/refs", s->root);
    return 0;
}
