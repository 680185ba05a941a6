#include "killed.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Those that all architectures have; libc uses no others here. */
static const int CHANGES[] = {
    SYS_write,      SYS_writev,        SYS_pwrite64,
    SYS_mkdirat,    SYS_unlinkat,      SYS_renameat2,
    SYS_linkat,     SYS_symlinkat,     SYS_mknodat,
    SYS_fchmod,     SYS_fchmodat,      SYS_fchown,
    SYS_fchownat,   SYS_ftruncate,     SYS_flock,
    SYS_mount,      SYS_umount2,       SYS_move_mount,
    SYS_open_tree,  SYS_mount_setattr, SYS_fsopen,
    SYS_fsconfig,   SYS_fsmount,       SYS_pivot_root,
    SYS_clone,      SYS_clone3,        SYS_execve,
    SYS_execveat,   SYS_setns,         SYS_unshare,
    SYS_bpf,        SYS_kill,          SYS_pidfd_send_signal,
    SYS_sendmsg,    SYS_sendto,        SYS_connect,
    SYS_bind,       SYS_listen,        SYS_sethostname,
    SYS_setsid,     SYS_fchdir,        SYS_chroot,
    SYS_seccomp,    SYS_capset,        SYS_setresuid,
    SYS_exit_group,
#ifdef SYS_mkdir
    SYS_mkdir,      SYS_rmdir,         SYS_unlink,
    SYS_rename,     SYS_fork,          SYS_vfork,
    SYS_chmod,      SYS_chown,
#endif
};

struct trace {
    pid_t main;
    int wanted;
    struct killed k;
};

/* Files are made by open, too. */
static bool changes(const struct __ptrace_syscall_info *i)
{
    for (size_t k = 0; k < ARRAY_SIZE(CHANGES); k++)
        if ((int)i->entry.nr == CHANGES[k])
            return true;
    return i->entry.nr == SYS_openat && i->entry.args[2] & (O_CREAT | O_TRUNC);
}

static void at_call(struct trace *t, pid_t pid)
{
    struct __ptrace_syscall_info i;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), &i) <= 0 ||
        i.op != PTRACE_SYSCALL_INFO_ENTRY || !changes(&i))
        return;
    if (++t->k.count != t->wanted)
        return;
    t->k.call = (int)i.entry.nr;
    t->k.process = pid != t->main;
    kill(pid, SIGKILL);
}

/* What is the tracer's own has an event, as the stop that a new one begins with. */
static long signal_of(int status)
{
    return status >> 16 || WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
}

static void follow(struct trace *t)
{
    int status;
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0 || (pid == t->main && !WIFSTOPPED(status)))
            break;
        if (!WIFSTOPPED(status))
            continue;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            at_call(t, pid);
        ptrace(PTRACE_SYSCALL, pid, NULL, signal_of(status));
    }
    t->k.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Begins when it is traced. */
static __attribute__((noreturn)) void become(const char *const argv[], int begin)
{
    char go;
    int null = open("/dev/null", O_RDWR);
    if (read(begin, &go, 1) != 1)
        _exit(127);
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    close(null);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* its tracer would be a second one */
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

#define OPTIONS                                                         \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | \
     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

/* It stops in the call that it waits in, which goes on. Seized ones run on when their tracer has
 * ended, whatever they were about to report. */
static bool take(pid_t pid)
{
    int status;
    return ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS) == 0 &&
           ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
           waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
           ptrace(PTRACE_SYSCALL, pid, NULL, 0L) == 0;
}

/* A process of its own, with whose end all is traced no more. */
static __attribute__((noreturn)) void trace(const char *const argv[], pid_t other, int n,
                                            int report)
{
    struct trace t = {.wanted = n, .k = {.call = -1, .status = 127}};
    int begin[2];
    if (pipe2(begin, O_CLOEXEC) < 0)
        _exit(1);
    t.main = fork();
    if (t.main == 0)
        become(argv, begin[0]);
    if (take(t.main) && (other <= 0 || take(other)) && write(begin[1], "", 1) == 1)
        follow(&t);
    (void)!write(report, &t.k, sizeof(t.k));
    _exit(0);
}

struct killed killed_at(const char *const argv[], pid_t other, int n)
{
    struct killed k = {0};
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t tracer = fork();
    if (tracer == 0)
        trace(argv, other, n, ends[1]);
    close(ends[1]);
    cr_assert_eq(read(ends[0], &k, sizeof(k)), (ssize_t)sizeof(k));
    close(ends[0]);
    waitpid(tracer, NULL, 0);
    return k;
}
