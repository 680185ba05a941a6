/* Pid 1 with --init: starts the command, forwards signals, reaps orphans, exits with the
 * command's status. It is bound read-only into the container, so the image needs no init,
 * and has the container's privileges only. It needs libc alone: for a dynamic build this
 * file is also built as a program of its own (engine/host/init_program.h). */

#include "engine/inside/inside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(char **argv, const sigset_t *old)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    setpgid(0, 0);
    if (isatty(STDIN_FILENO)) {
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(STDIN_FILENO, getpid());
        signal(SIGTTOU, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, old, NULL);
    execv(argv[1], argv + 2);
    int code = errno;
    dprintf(STDERR_FILENO, "mytop-docker: init: cannot run \"%s\": %s\n", argv[1],
            strerror(code));
    _exit(code == ENOENT ? 127 : 126);
}

/* Reaps all processes that have exited; true = the command is among them, with its
 * status. */
static bool reap(pid_t command, int *ret_status)
{
    int status;
    bool done = false;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (pid == command) {
            *ret_status =
                WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            done = true;
        }
    return done;
}

int inside_reaper_main(int argc, char **argv)
{
    if (argc < 3)
        return 125;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* it is not pid 1 in the host's pids */
    prctl(PR_SET_NAME, "mtd:reaper");
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t command = start(argv, &old);
    if (command < 0)
        return 126;
    for (int status = 0;;) {
        siginfo_t info;
        if (sigwaitinfo(&all, &info) < 0)
            continue;
        if (info.si_signo != SIGCHLD)
            kill(command, info.si_signo);
        else if (reap(command, &status))
            return status;
    }
}
