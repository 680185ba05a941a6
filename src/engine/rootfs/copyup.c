/* For tmpcopyup: a tmpfs begins with what its directory holds in the root. Everything is opened by
 * descriptor and no link is followed; what is neither file, directory nor link is left out. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define MAX_DEPTH 64

int rootfs_copy_up_open(int target_fd)
{
    int fd = openat(target_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
    auto_fd int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    auto_fd int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (in < 0 || out < 0)
        return -errno;
    for (off_t left = st->st_size; left > 0;) {
        ssize_t n = sendfile(out, in, NULL, (size_t)left);
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        left -= n;
    }
    return 0;
}

static int copy_link(int from, int to, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
    if (n < 0)
        return -errno;
    target[n] = '\0';
    return symlinkat(target, to, name) < 0 ? -errno : 0;
}

static int copy_dir(int from, int to, int depth);

static int copy_below(int from, int to, const char *name, int depth)
{
    if (mkdirat(to, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    auto_fd int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    auto_fd int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return in < 0 || out < 0 ? -errno : copy_dir(in, out, depth + 1);
}

static int copy_one(int from, int to, const char *name, int depth)
{
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    int rc = S_ISDIR(st.st_mode)   ? copy_below(from, to, name, depth)
             : S_ISREG(st.st_mode) ? copy_file(from, to, name, &st)
             : S_ISLNK(st.st_mode) ? copy_link(from, to, name)
                                   : -ENOTSUP;
    if (rc == -ENOTSUP)
        return 0;
    if (rc == 0 && fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        rc = -errno;
    if (rc == 0 && !S_ISLNK(st.st_mode) && fchmodat(to, name, st.st_mode & 07777, 0) < 0)
        rc = -errno;
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    if (rc == 0)
        (void)!utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
    return rc;
}

static int copy_dir(int from, int to, int depth)
{
    struct fs_dir d;
    const struct dirent64 *e;
    if (depth > MAX_DEPTH)
        return -ELOOP;
    int rc = fs_dir_open(&d, from);
    while (rc == 0 && (e = fs_dir_next(&d)))
        rc = copy_one(from, to, e->d_name, depth);
    if (rc == 0)
        rc = d.error;
    fs_dir_done(&d);
    return rc;
}

int rootfs_copy_up(int from_fd, int to_fd)
{
    auto_fd int to = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return to < 0 ? -errno : copy_dir(from_fd, to, 0);
}
