/* join PID COMMAND [ARG...] - the least a process of its own costs that runs a command in a
 * container: it joins PID's namespaces, forks, executes and waits. bench/run compares exec
 * to it. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALL                                                                    \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | \
     CLONE_NEWCGROUP)

static void die(const char *what)
{
    fprintf(stderr, "join: %s: %s\n", what, strerror(errno));
    _exit(125);
}

int main(int argc, char **argv)
{
    int status;
    if (argc < 3) {
        fprintf(stderr, "usage: join PID COMMAND [ARG...]\n");
        return 125;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
    if (pidfd < 0 || setns(pidfd, ALL) < 0)
        die("setns");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        die(argv[2]);
    }
    if (waitpid(pid, &status, 0) < 0)
        die("wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
