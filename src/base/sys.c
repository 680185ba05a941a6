/* sys - thin, so that callers see the kernel's errno; what older kernels lack is made up
 * for only where said. */

#include "base/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

pid_t sys_clone3(struct clone_args *args, size_t size)
{
    return (pid_t)syscall(SYS_clone3, args, size);
}

int sys_openat2(int dir_fd, const char *path, struct open_how *how)
{
    return (int)syscall(SYS_openat2, dir_fd, path, how, sizeof(*how));
}

int sys_pidfd_open(pid_t pid, unsigned flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

int sys_pidfd_getfd(int pidfd, int fd)
{
    return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

int sys_pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned flags)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, info, flags);
}

/* For kernels before 5.9, and before 5.11 with CLOSE_RANGE_CLOEXEC: what is open is
 * listed. System calls only, for a child of vfork() may be here. */
static void close_listed(const char *entries, long size, int list, unsigned first,
                         unsigned last, unsigned flags)
{
    for (long at = 0; at < size;) {
        const struct dirent64 *entry = (const void *)(entries + at);
        char *end;
        unsigned long fd = strtoul(entry->d_name, &end, 10);
        at += entry->d_reclen;
        if (end == entry->d_name || fd < first || fd > last || fd == (unsigned long)list)
            continue;
        if (flags & SYS_CLOSE_CLOEXEC)
            fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        else
            close((int)fd);
    }
}

static int close_by_list(unsigned first, unsigned last, unsigned flags)
{
    char entries[1024] __attribute__((aligned(8)));
    int list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (list < 0)
        return -1;
    long n;
    while ((n = syscall(SYS_getdents64, list, entries, sizeof(entries))) > 0)
        close_listed(entries, n, list, first, last, flags);
    close(list);
    return n < 0 ? -1 : 0;
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    int rc = (int)syscall(SYS_close_range, first, last, flags);
    if (rc < 0 && (errno == ENOSYS || errno == EINVAL))
        rc = close_by_list(first, last, flags);
    return rc;
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int sys_execveat(int fd, const char *path, char *const argv[], char *const envp[],
                 int flags)
{
    return (int)syscall(SYS_execveat, fd, path, argv, envp, flags);
}

int sys_waitid_pidfd(int pidfd, siginfo_t *info, int options)
{
    return waitid((idtype_t)P_PIDFD, (id_t)pidfd, info, options);
}
