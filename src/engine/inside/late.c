/* A container that has CAP_SYS_PTRACE in the host's user namespace may trace whatever it sees,
 * dumpable or not, and would have all capabilities of a process that has yet to drop them. So
 * for such a container nothing is cloned before the steps: the joiner takes them, outside of the
 * container's PID namespace, and only when it is what the command will be, filter included, its
 * child appears there, which becomes a session and the command. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/confine/confine.h"
#include "nsenter/nsenter.h"

bool inside_is_late(const struct inside *c)
{
    return c->request && c->request->flags & NSENTER_LATE;
}

uint64_t inside_late_caps(const struct inside *c)
{
    bool filtered = strcmp(c->seccomp, MTD_SECCOMP_UNCONFINED) != 0;
    return filtered && !c->process->no_new_privs ? 1ULL << CAP_SYS_ADMIN : 0;
}

void inside_die_with_front(const struct inside *c)
{
    prctl(PR_SET_PDEATHSIG, c->request->flags & NSENTER_KEEP ? 0 : SIGKILL);
}

/* What inside_appear() does, but for write and exit_group, which every profile allows. */
int inside_check_late(const struct inside *c, const struct syscalls_filter *f,
                      struct mtd_error *err)
{
    static const struct {
        const char *name;
        int number;
        uint64_t arg;
        bool tty; /* only for a terminal */
    } CALLS[] = {
        {"capget", SYS_capget},
        {"capset", SYS_capset},
        {"clone", SYS_clone, CLONE_PARENT},
        {"prctl", SYS_prctl, PR_SET_PDEATHSIG},
        {"setsid", SYS_setsid},
        {"ioctl", SYS_ioctl, STDIN_FILENO, true},
        {"sendmsg", SYS_sendmsg, NSENTER_REPLY_FD, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CALLS); i++)
        if ((c->process->tty || !CALLS[i].tty) &&
            !syscalls_filter_lets(f, CALLS[i].number, CALLS[i].arg))
            return mtd_fail(err, EPERM,
                            "the seccomp profile forbids %s, which exec needs to come "
                            "into a container that may trace processes; allow it, or "
                            "drop CAP_SYS_PTRACE",
                            CALLS[i].name);
    return 0;
}

/* In the container. Its session is its own, as is the terminal that it has as 0 to 2. */
static int begin(struct inside *c, struct mtd_error *err)
{
    inside_die_with_front(c);
    (void)fault_point("exec.appeared");
    int rc = setsid() < 0 ? -errno : 0;
    if (rc == 0 && c->process->tty && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
        rc = -errno;
    if (rc == 0)
        rc = nsenter_reply(NSENTER_REPLY_FD, NSENTER_INSIDE, -1, NULL);
    if (rc == 0 && c->master >= 0)
        rc = nsenter_reply(NSENTER_REPLY_FD, NSENTER_MASTER, c->master, NULL);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot start a session") : 0;
}

/* The parent is the front end's child, and so is the child. What was left for loading the filter
 * goes first. */
int inside_appear(struct inside *c, struct mtd_error *err)
{
    if (!inside_is_late(c))
        return 0;
    uint64_t roots = c->user.uid == 0 ? c->process->caps : 0;
    uint64_t own = c->process->exact ? c->process->sets.permitted : roots;
    int rc = confine_drop_caps(inside_late_caps(c) & ~own, err);
    if (rc < 0)
        return rc;
    long pid = syscall(SYS_clone, CLONE_PARENT, 0, NULL, NULL, 0);
    if (pid == 0)
        return begin(c, err);
    if (pid < 0)
        return mtd_fail_errno(err, errno, "cannot create a process in the container");
    nsenter_reply_child(NSENTER_REPLY_FD, (pid_t)pid);
    _exit(0);
}
