/* join - whatever fails here fails before a process of the container can see this one:
 * only the child enters the pid namespace, and it is not dumpable. */

#include "nsenter/nsenter.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/inherit.h"
#include "base/proc.h"
#include "base/sys.h"

#define V2_PREFIX "unified:"

/* Mount last: the others are opened under the host's /proc. The last two are left to the
 * child: who clones into a cgroup needs the host's rights in it. */
static const struct {
    const char *name;
    int flag;
} NAMESPACES[] = {
    {"pid", CLONE_NEWPID},   {"uts", CLONE_NEWUTS}, {"ipc", CLONE_NEWIPC},
    {"net", CLONE_NEWNET},   {"mnt", CLONE_NEWNS},  {"cgroup", CLONE_NEWCGROUP},
    {"user", CLONE_NEWUSER},
};
enum { N_PARENT = 5, N_CHILD = 2 };

/* What the child joins: a descriptor for each, or the pidfd and -1. */
struct rest {
    int fd[N_CHILD];
    int flags; /* of fd[0] */
};

static bool is_joined(const struct nsenter_request *r, size_t i)
{
    return NAMESPACES[i].flag != CLONE_NEWUSER || (r->flags & NSENTER_USERNS);
}

/* Writing one's own id: "tasks" of v1 moves this thread alone, which is the whole
 * process, and spares the kernel-wide lock (and its RCU grace period) that
 * cgroup.procs takes. */
static int write_self(const char *dir, const char *file)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    return write(fd, "0", 1) < 0 ? -errno : 0;
}

/* v1 hierarchies at once; of a v2 directory *ret_v2 is opened, for clone3 to place the
 * child in. A group that does not exist was never needed (they are created lazily), or
 * was removed with the container, and then joining the namespaces fails. */
static int enter_cgroups(const struct strv *cgroups, int *ret_v2, struct mtd_error *err)
{
    for (size_t i = 0; i < cgroups->len; i++) {
        const char *text = cgroups->items[i], *dir = strchr(text, ':');
        if (!dir || dir[1] != '/')
            return mtd_fail(err, EBADMSG, "cgroup %s: not of the form controllers:/dir",
                            text);
        dir++;
        int rc;
        if (strncmp(text, V2_PREFIX, strlen(V2_PREFIX)) == 0 && *ret_v2 < 0) {
            *ret_v2 = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
            rc = *ret_v2 < 0 ? -errno : 0;
        } else {
            rc = write_self(dir, "tasks");
        }
        if (rc < 0 && rc != -ENOENT)
            return mtd_fail_errno(err, -rc, "cannot join the cgroup %s", dir);
    }
    return 0;
}

static int open_namespaces(const struct nsenter_request *r,
                           int fds[ARRAY_SIZE(NAMESPACES)])
{
    for (size_t i = 0; i < ARRAY_SIZE(NAMESPACES); i++) {
        char path[64];
        if (!is_joined(r, i))
            continue;
        snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)r->pid, NAMESPACES[i].name);
        fds[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (fds[i] < 0)
            return -errno;
    }
    return 0;
}

static int set_each(const int fds[ARRAY_SIZE(NAMESPACES)])
{
    for (size_t i = 0; i < N_PARENT; i++)
        if (setns(fds[i], NAMESPACES[i].flag) < 0)
            return -errno;
    return 0;
}

/* The descriptors are of whoever had the pid when they were opened, so its start time is
 * compared after that. What stays open is close-on-exec. */
static int join_one_by_one(const struct nsenter_request *r, struct rest *ret)
{
    int fds[ARRAY_SIZE(NAMESPACES)];
    memset(fds, -1, sizeof(fds));
    int rc = open_namespaces(r, fds);
    if (rc == 0 && !proc_is(r->pid, r->pid_start))
        rc = -ESRCH;
    if (rc == 0)
        rc = set_each(fds);
    for (size_t i = 0; i < (rc < 0 ? ARRAY_SIZE(NAMESPACES) : N_PARENT); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (rc == 0)
        *ret = (struct rest){{fds[N_PARENT], fds[N_PARENT + 1]}, CLONE_NEWCGROUP};
    return rc;
}

static int join_at_once(const struct nsenter_request *r, struct rest *ret)
{
    int flags = 0;
    for (size_t i = 0; i < N_PARENT; i++)
        flags |= NAMESPACES[i].flag;
    int pidfd = proc_open(r->pid, r->pid_start);
    if (pidfd < 0)
        return pidfd;
    if (setns(pidfd, flags) < 0) {
        int error = errno;
        close(pidfd);
        return -error;
    }
    flags = CLONE_NEWCGROUP | (r->flags & NSENTER_USERNS ? CLONE_NEWUSER : 0);
    *ret = (struct rest){{pidfd, -1}, flags};
    return 0;
}

/* EINVAL, EBADF: setns does not take a pidfd (before Linux 5.8); ENOSYS: no pidfd_open.
 * Nothing has been joined. */
static int join_namespaces(const struct nsenter_request *r, int one_by_one,
                           struct rest *ret, struct mtd_error *err)
{
    int rc = one_by_one ? -ENOSYS : join_at_once(r, ret);
    if (rc == -ENOSYS || rc == -EINVAL || rc == -EBADF)
        rc = join_one_by_one(r, ret);
    if (rc == -ESRCH)
        return mtd_fail(err, ESRCH, "the container is no longer running");
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot join the container's namespaces")
                  : 0;
}

/* exit_signal 0: a CLONE_PARENT child signals what its sibling, this process, would. */
static pid_t clone_inside(int v2)
{
    struct clone_args args = {.flags = CLONE_PARENT};
    if (v2 >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)v2;
    }
    pid_t pid = sys_clone3(&args, sizeof(args));
    return pid < 0 ? -errno : pid;
}

/* A kernel without clone3, or a v2 group that takes no process that way (threaded): the
 * group is joined by writing, which is possible by descriptor from any mount
 * namespace. */
static pid_t clone_old(int v2)
{
    if (v2 >= 0) {
        auto_fd int fd = openat(v2, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) < 0)
            return -errno;
    }
    long pid = syscall(SYS_clone, CLONE_PARENT, 0, NULL, NULL, 0);
    return pid < 0 ? -errno : (pid_t)pid;
}

/* See cgroup_clone_fd: before Linux 6.4 clone3 would leave it on its parent's CPUs. */
static bool has_cpuset(int v2)
{
    char cpus[4096];
    return fs_read_small_at(v2, "cpuset.cpus", cpus, sizeof(cpus)) > 0;
}

/* Before that it has no id that the user namespace knows. */
static int become_root(void)
{
    return setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0
               ? -errno
               : 0;
}

/* What the command gets and the container's root may not give: limits as pid 1 has them, and its
 * score. */
static void take_from_host(const struct nsenter_request *r)
{
    struct rlimit theirs;
    for (int i = 0; i < RLIM_NLIMITS; i++)
        if (prlimit(r->pid, (unsigned)i, NULL, &theirs) == 0)
            inherit_raise_limit(i, theirs.rlim_max == RLIM_INFINITY ? UINT64_MAX
                                                                    : theirs.rlim_max);
    if (r->oom_score_adj)
        inherit_set_oom_score(r->oom_score_adj);
}

/* The death signal comes first: from here on a process of the container may stop this
 * one, and it must not stay when the front end dies. The kernel takes it back with a change
 * of user. */
static int enter_child(const struct nsenter_request *r, const struct rest *rest,
                       struct mtd_error *err)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int rc = setns(rest->fd[0], rest->flags) < 0 ? -errno : 0;
    if (rc == 0 && rest->fd[1] >= 0 && setns(rest->fd[1], CLONE_NEWUSER) < 0)
        rc = -errno;
    close(rest->fd[0]);
    if (rest->fd[1] >= 0)
        close(rest->fd[1]);
    if (rc == 0 && (r->flags & NSENTER_USERNS)) {
        rc = become_root();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot join the container's %s namespace",
                                   r->flags & NSENTER_USERNS ? "user" : "cgroup")
                  : 0;
}

int nsenter_join(const struct nsenter_request *r, int one_by_one, struct mtd_error *err)
{
    auto_fd int v2 = -1;
    struct rest rest = {{-1, -1}, 0};
    if (r->flags & NSENTER_USERNS)
        take_from_host(r);
    int rc = enter_cgroups(&r->cgroups, &v2, err);
    if (rc == 0)
        rc = join_namespaces(r, one_by_one, &rest, err);
    if (rc < 0)
        return rc;
    pid_t pid = v2 >= 0 && has_cpuset(v2) ? -EOPNOTSUPP : clone_inside(v2);
    if (pid < 0 && (v2 >= 0 || pid == -ENOSYS))
        pid = clone_old(v2);
    if (pid < 0)
        return mtd_fail_errno(err, -pid, "cannot create a process in the container");
    return pid > 0 ? (int)pid : enter_child(r, &rest, err);
}
