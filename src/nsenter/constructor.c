/* constructor - runs before main() in every process of this executable, and acts only in
 * the one that exec_run() started. It is a constructor because setns into a mount
 * namespace needs a process with one thread, before main() has opened or read anything.
 * It trusts nothing but the sealed memfd; even the environment must be empty. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/proc.h"
#include "nsenter/nsenter.h"

/* Empty, or MTD_FAULT alone in builds with fault points. */
static bool is_bare(char **envp)
{
    return envp && (!envp[0] || (envp[0] == fault_variable() && !envp[1]));
}

static bool started_by_engine(int argc, char **argv, char **envp)
{
    struct stat st;
    return argc == 1 && strcmp(argv[0], NSENTER_NAME) == 0 && is_bare(envp) &&
           fstat(NSENTER_REPLY_FD, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* From here to the command's execve no process in the container may inspect this one: it
 * holds descriptors of the host. And it must not be left in a frozen cgroup when the
 * front end dies. */
static void hide(void)
{
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    proc_set_name(NSENTER_NAME);
    fcntl(NSENTER_REPLY_FD, F_SETFD, FD_CLOEXEC);
}

__attribute__((constructor)) static void enter(int argc, char **argv, char **envp)
{
    static struct nsenter_request request;
    struct mtd_error err = {0};
    if (!started_by_engine(argc, argv, envp) ||
        nsenter_unseal(NSENTER_REQUEST_FD, &request) < 0)
        return;
    hide();
    close(NSENTER_REQUEST_FD);
    request.ignored = proc_ignored_signals(); /* while /proc is the host's */
    request.proc_fd =
        *request.label ? open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    pid_t child = nsenter_join(&request, false, &err);
    if (child < 0)
        nsenter_reply(NSENTER_REPLY_FD, NSENTER_ERROR, -1, &err);
    else if (child > 0 && fault_point("exec.made") == 0)
        nsenter_reply_child(NSENTER_REPLY_FD, child);
    if (child != 0)
        _exit(child < 0 ? 125 : 0);
    nsenter_set_joined(&request);
}
