/* Entries are read straight from the kernel: opendir asks four things more about the descriptor
 * and allocates 32 kB. */

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void fs_dir_init(struct fs_dir *d, int fd)
{
    d->fd = fd;
    d->error = d->len = d->at = 0;
}

int fs_dir_open(struct fs_dir *d, int dir_fd)
{
    fs_dir_init(d, openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return d->fd < 0 ? -errno : 0;
}

void fs_dir_done(struct fs_dir *d)
{
    int saved = errno;
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
    errno = saved;
}

static bool read_batch(struct fs_dir *d)
{
    ssize_t n = d->fd < 0 ? 0 : getdents64(d->fd, d->batch, sizeof(d->batch));
    if (n < 0)
        d->error = -errno;
    d->at = 0;
    d->len = n > 0 ? (int)n : 0;
    return n > 0;
}

const struct dirent64 *fs_dir_next(struct fs_dir *d)
{
    while (d->at < d->len || read_batch(d)) {
        const struct dirent64 *e = (const void *)(d->batch + d->at);
        d->at += e->d_reclen;
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            return e;
    }
    return NULL;
}

bool fs_dir_seems_done(const struct fs_dir *d)
{
    return d->at >= d->len && d->len <= (int)(sizeof(d->batch) - sizeof(struct dirent64));
}
