/* The few files that are opened by path in a container, where anything may stand in their
 * place: a link to what only the host's root may read, a FIFO that nobody serves. The last
 * component is not followed, nothing is waited for, and what was opened is looked at
 * before it is used. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/sys.h"
#include "engine/host/mount.h"

#define CAREFUL (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static bool is_null(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* One in a file system of its own, which no path leads to. */
static int make_null(int flags)
{
    auto_fd int dir = mount_new("tmpfs", "tmpfs", "mode=755,size=4k", MOUNT_ATTR_NOSUID);
    if (dir < 0)
        return dir;
    if (mknodat(dir, "null", S_IFCHR | 0666, makedev(1, 3)) < 0 ||
        fchmodat(dir, "null", 0666, 0) < 0)
        return -errno;
    int fd = openat(dir, "null", flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int inside_open_null(int flags)
{
    auto_fd int fd = fs_open_in_root(AT_FDCWD, "/dev/null", flags | CAREFUL, 0);
    if (fd < 0 || !is_null(fd))
        return make_null(flags);
    return fcntl(fd, F_SETFL, flags) < 0 ? -errno : take_fd(&fd);
}

/* /proc must be a procfs, and below it no link is followed and no mount crossed: so it is a
 * file of the kernel's, and this process's. */
static int open_own(const char *name, int flags)
{
    char path[64];
    struct statfs fs;
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | CAREFUL),
                           .resolve =
                               RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
    auto_fd int proc = fs_open_in_root(AT_FDCWD, "/proc",
                                       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (proc < 0 || fstatfs(proc, &fs) < 0)
        return proc < 0 ? proc : -errno;
    if (fs.f_type != PROC_SUPER_MAGIC)
        return -ENXIO;
    snprintf(path, sizeof(path), "%d/%s", (int)getpid(), name);
    int fd = sys_openat2(proc, path, &how);
    if (fd < 0 && errno == ENOSYS)
        fd = openat(proc, path, flags | CAREFUL);
    return fd < 0 ? -errno : fd;
}

int inside_write_own(const char *name, const char *text)
{
    auto_fd int fd = open_own(name, O_WRONLY);
    return fd < 0 ? fd : fs_write_all(fd, text, strlen(text));
}

int inside_read_own(const char *name, char *ret, size_t size)
{
    auto_fd int fd = open_own(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);
    if (n < 0)
        return fd < 0 ? fd : -errno;
    ret[n] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    return (int)n;
}
