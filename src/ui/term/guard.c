/* All signals are blocked in the parent and read with sigwaitinfo(), also those that
 * would kill it: all it does with them is to pass them on. */
#include "ui/term/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/proc.h"
#include "base/sys.h"

pid_t guard_fork(struct guard **ret)
{
    struct guard *g =
        mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (g == MAP_FAILED)
        return -errno;
    *ret = g;
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    pid_t parent = getpid(), pid = fork();
    if (pid > 0)
        return pid;
    int saved = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (pid < 0)
        return -saved;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* the parent died before the line above */
        raise(SIGTERM);
    return 0;
}

static void give_back(struct guard *g, struct terminal *t)
{
    t->entered = g->entered;
    term_restore(t);
    g->entered = 0;
}

/* A shell started by `exec` ends when its front end gets SIGHUP. */
void guard_hang_up(struct guard *g)
{
    pid_t pid = g->handover;
    if (pid <= 0 || kill(pid, SIGHUP) < 0)
        return;
    int fd = sys_pidfd_open(pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (fd >= 0) {
        poll(&p, 1, 2000);
        close(fd);
    }
}

static int ended(struct guard *g, struct terminal *t, int status)
{
    if (!WIFSIGNALED(status)) {
        if (g->entered)
            give_back(g, t);
        return WEXITSTATUS(status);
    }
    guard_hang_up(g);
    give_back(g, t);
    fprintf(stderr,
            "mytop-docker: the dashboard was ended by %s; the terminal is restored\n",
            signal_name(WTERMSIG(status)));
    return 128 + WTERMSIG(status);
}

int guard_watch(pid_t child, struct guard *g, struct terminal *t)
{
    proc_set_name("mtd:guard");
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        int status;
        pid_t got = waitpid(child, &status, WNOHANG | WUNTRACED);
        if (got < 0 && errno == ECHILD)
            return 125;
        if (got == child && WIFSTOPPED(status)) {
            give_back(g, t);
            raise(SIGSTOP); /* so that the shell notices; `fg` continues both */
            kill(child, SIGCONT);
            continue;
        }
        if (got == child)
            return ended(g, t, status);
        siginfo_t info;
        int sig = sigwaitinfo(&all, &info);
        bool hand_on = sig > 0 && sig != SIGCHLD && sig != SIGWINCH && sig != SIGCONT;
        /* The terminal's own signals (SI_KERNEL) went to the whole foreground group. */
        if (hand_on && (info.si_code != SI_KERNEL || sig == SIGHUP))
            kill(child, sig);
    }
}
