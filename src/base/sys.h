/* sys - system calls for which glibc has no wrapper, or only newer versions have one.
 * Errors  >= 0, or -1 with errno set, as a wrapper of glibc would.
 * Source  the man pages and include/uapi.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

pid_t sys_clone3(struct clone_args *args, size_t size);
int sys_openat2(int dir_fd, const char *path, struct open_how *how);
int sys_pidfd_open(pid_t pid, unsigned flags);
/* That process's descriptor, as one of ours; Linux 5.6. Who may trace it may. */
int sys_pidfd_getfd(int pidfd, int fd);
int sys_pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned flags);
/* flags: 0 or SYS_CLOSE_CLOEXEC. Where the kernel lacks the call (before 5.9) or the flag
 * (before 5.11), the descriptors in /proc/self/fd are closed. Safe after vfork(). */
#define SYS_CLOSE_CLOEXEC 4U
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_execveat(int fd, const char *path, char *const argv[], char *const envp[],
                 int flags);
int sys_waitid_pidfd(int pidfd, siginfo_t *info, int options);

#endif
