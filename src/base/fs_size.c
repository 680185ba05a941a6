/* fs_size - without a table of inodes, so that memory does not grow with the number of files, and
 * by descriptors, so that nobody leads it out of the tree. */

#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define DEEPEST 200 /* a descriptor each */

/* Each of a file's n links counts 1/n of it. */
static uint64_t share_of(const struct stat *st)
{
    bool counts = S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
    return counts ? (uint64_t)st->st_size / (st->st_nlink ? st->st_nlink : 1) : 0;
}

static uint64_t size_of(int dir_fd, const char *name, dev_t *device, int depth)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return share_of(&st);
    if (depth == 0)
        *device = st.st_dev;
    int fd = st.st_dev == *device && depth < DEEPEST ? fs_open_dir_at(dir_fd, name) : -1;
    if (fd < 0)
        return 0;
    auto_done(fs_dir_done) struct fs_dir dir;
    uint64_t sum = 0;
    fs_dir_init(&dir, fd);
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));)
        sum += size_of(fd, d->d_name, device, depth + 1);
    return sum;
}

uint64_t fs_size_at(int dir_fd, const char *name)
{
    dev_t device = 0;
    return size_of(dir_fd, name, &device, 0);
}
