/* The program is pid 1 of a namespace of its own: the kernel kills what it has started
 * when it ends. It ends with its parent by the death signal, and begins only when it has
 * heard that the parent was still there after that was set. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/inherit.h"
#include "base/sys.h"
#include "engine/tool/internal.h"

struct plan {
    const struct tool_run *how;
    const char *path;
    char *const *argv, *const *envp;
    const int *fds;
    int word; /* "go" from the parent, an error to it */
};

/* Its own /proc is a convenience: where none may be mounted it sees the host's. */
static int own_mounts(void)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        errno = 0;
    return 0;
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int place_streams(const struct plan *p)
{
    int high[4] = {-1, -1, -1, -1}; /* above what they become */
    for (int i = 0; i < 4; i++)
        if ((high[i] = fcntl(i < 3 ? p->fds[i] : p->word, F_DUPFD_CLOEXEC, 10)) < 0)
            return -errno;
    for (int i = 0; i < 3; i++)
        if (dup2(high[i], i) < 0)
            return -errno;
    if (dup3(high[3], 3, O_CLOEXEC) < 0)
        return -errno;
    sys_close_range(4, ~0U, 0);
    return 3;
}

/* Whoever said "go" may be dead since, and before the death signal was asked for. Its number tells
 * nothing in a pid namespace of one's own, but its end of the socket is closed before that signal is
 * sent. */
static bool is_orphan(int word)
{
    char more;
    return recv(word, &more, 1, MSG_DONTWAIT) == 0;
}

static _Noreturn void run_child(const struct plan *p)
{
    char go;
    int word = p->word;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (recv(word, &go, 1, 0) != 1 || is_orphan(word))
        _exit(127);
    setsid();
    reset_signals();
    inherit_reset();
    umask(022);
    struct mtd_error err = {0};
    int rc = own_mounts();
    if (rc == 0 && p->how->inside)
        rc = p->how->inside(p->how->arg, &err);
    if (rc == 0 && (rc = place_streams(p)) == 3) {
        word = 3;
        rc = chdir("/") < 0 ? -errno : 0;
    }
    if (rc == 0) {
        execve(p->path, p->argv, p->envp);
        rc = -errno;
    }
    if (err.code == 0)
        mtd_fail_errno(&err, -rc, "cannot start %s", p->path);
    send(word, &err, sizeof(err), MSG_NOSIGNAL);
    _exit(127);
}

int tool_spawn(const struct tool_run *how, const char *path, char *const argv[],
               char *const envp[], const int fds[3], struct tool_child *ret,
               struct mtd_error *err)
{
    struct mtd_error failure;
    int pair[2] = {-1, -1}, pidfd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return mtd_fail_errno(err, errno, "cannot start %s", path);
    auto_fd int ours = pair[0];
    auto_fd int its = pair[1];
    struct plan p = {how, path, argv, envp, fds, its};
    struct clone_args args = {.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD,
                              .pidfd = (uint64_t)(uintptr_t)&pidfd,
                              .exit_signal = SIGCHLD};
    pid_t pid = sys_clone3(&args, sizeof(args));
    if (pid == 0) {
        close(ours);
        run_child(&p);
    }
    if (pid < 0)
        return mtd_fail_errno(err, errno, "cannot start %s", path);
    close(take_fd(&its));
    send(ours, "g", 1, MSG_NOSIGNAL);
    if (recv(ours, &failure, sizeof(failure), 0) == sizeof(failure)) {
        waitpid(pid, NULL, 0);
        close(pidfd);
        return mtd_fail(err, failure.code, "%s", failure.text);
    }
    *ret = (struct tool_child){pid, pidfd};
    return 0;
}
