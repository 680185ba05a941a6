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
#include "base/ns.h"
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

/* Where namespaces are found: the directories of this process and of the target in /proc,
 * and what the child joins (-1 = not that one). */
struct places {
    int own, target;
    int rest[N_CHILD];
};

static bool is_joined(const struct nsenter_request *r, size_t i)
{
    return NAMESPACES[i].flag != CLONE_NEWUSER || (r->flags & NSENTER_USERNS);
}

static void close_places(const struct places *p)
{
    cleanup_fd(&p->own);
    cleanup_fd(&p->target);
    for (size_t i = 0; i < N_CHILD; i++)
        cleanup_fd(&p->rest[i]);
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

/* The group of the container's first process, if it is below dir, the container's: "x/y". The host's
 * /proc, and this cgroup namespace, show it as its path from the hierarchy's root. */
static bool find_below(pid_t pid, const char *dir, char *text, size_t size,
                       const char **ret)
{
    char path[48];
    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    if (fs_read_small_at(AT_FDCWD, path, text, size) < 0)
        return false;
    char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (!line)
        return false;
    line = strchr(line, '/');
    for (const char *at = dir; line && (at = strchr(at, '/')); at++) {
        size_t len = strlen(at);
        if (strncmp(line, at, len) == 0 && line[len] == '/') {
            line[strcspn(line, "\n")] = '\0';
            *ret = line + len + 1;
            return true;
        }
    }
    return false;
}

/* A v2 group that passes controllers on takes no process. Who made it so from inside (an engine in a
 * privileged container) has moved the first process to a group below; there is room for another. */
static int open_v2(pid_t pid, const char *dir)
{
    char passed[512], text[8192];
    const char *below;
    auto_fd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    if (fs_read_small_at(fd, "cgroup.subtree_control", passed, sizeof(passed)) <= 0 ||
        passed[0] == '\n' || !find_below(pid, dir, text, sizeof(text), &below))
        return take_fd(&fd);
    int inner = fs_open_in_root(fd, below, O_PATH | O_DIRECTORY, 0);
    return inner < 0 ? take_fd(&fd) : inner;
}

/* v1 hierarchies at once; of a v2 directory *ret_v2 is opened, for clone3 to place the
 * child in. A group that does not exist was never needed (they are created lazily), or
 * was removed with the container, and then joining the namespaces fails. */
static int enter_cgroups(const struct nsenter_request *r, int *ret_v2,
                         struct mtd_error *err)
{
    const struct strv *cgroups = &r->cgroups;
    for (size_t i = 0; i < cgroups->len; i++) {
        const char *text = cgroups->items[i], *dir = strchr(text, ':');
        if (!dir || dir[1] != '/')
            return mtd_fail(err, EBADMSG, "cgroup %s: not of the form controllers:/dir",
                            text);
        dir++;
        int rc;
        if (strncmp(text, V2_PREFIX, strlen(V2_PREFIX)) == 0 && *ret_v2 < 0) {
            *ret_v2 = open_v2(r->pid, dir);
            rc = *ret_v2 < 0 ? *ret_v2 : 0;
        } else {
            rc = write_self(dir, "tasks");
        }
        if (rc < 0 && rc != -ENOENT)
            return mtd_fail_errno(err, -rc, "cannot join the cgroup %s", dir);
    }
    return 0;
}

/* An ordinary user may not join what the host's root owns, not even to stay there: what a container
 * has of its caller's is such. */
static bool is_there(const struct places *p, size_t i)
{
    char own[NS_ID_SIZE], theirs[NS_ID_SIZE];
    const char *kind = NAMESPACES[i].name;
    return ns_id(p->own, kind, own) == 0 && ns_id(p->target, kind, theirs) == 0 &&
           strcmp(own, theirs) == 0;
}

/* What is opened is of whoever has the pid then, so its start time is compared afterwards,
 * by both ways of joining. */
static int open_places(const struct nsenter_request *r, struct places *p)
{
    p->own = ns_open(0);
    p->target = ns_open(r->pid);
    if (p->own < 0 || p->target < 0)
        return p->own < 0 ? p->own : -ESRCH;
    for (size_t i = 0; i < N_CHILD; i++) {
        if (!is_joined(r, N_PARENT + i) ||
            (r->flags & NSENTER_EXACT && is_there(p, N_PARENT + i)))
            continue;
        p->rest[i] =
            openat(p->target, NAMESPACES[N_PARENT + i].name, O_RDONLY | O_CLOEXEC);
        if (p->rest[i] < 0)
            return proc_is(r->pid, r->pid_start) ? -errno : -ESRCH;
    }
    return 0;
}

static int join_one_by_one(const struct nsenter_request *r, const struct places *p)
{
    int fds[N_PARENT], rc = 0;
    memset(fds, -1, sizeof(fds));
    for (size_t i = 0; i < N_PARENT && rc == 0; i++) {
        fds[i] = openat(p->target, NAMESPACES[i].name, O_RDONLY | O_CLOEXEC);
        rc = fds[i] < 0 ? -errno : 0;
    }
    if (!proc_is(r->pid, r->pid_start))
        rc = -ESRCH;
    for (size_t i = 0; i < N_PARENT; i++) {
        if (rc == 0 && setns(fds[i], NAMESPACES[i].flag) < 0)
            rc = errno == EPERM && is_there(p, i) ? 0 : -errno;
        cleanup_fd(&fds[i]);
    }
    return rc;
}

static int join_at_once(const struct nsenter_request *r)
{
    int flags = 0;
    for (size_t i = 0; i < N_PARENT; i++)
        flags |= NAMESPACES[i].flag;
    auto_fd int pidfd = proc_open(r->pid, r->pid_start);
    if (pidfd < 0)
        return pidfd;
    return setns(pidfd, flags) < 0 ? -errno : 0;
}

/* What this process is in now, or its child will be, or, of the kinds that neither joins,
 * what the target is in. */
static int present_id(const struct places *p, const char *kind, char ret[NS_ID_SIZE])
{
    size_t i = 0;
    while (i < ARRAY_SIZE(NAMESPACES) && strcmp(NAMESPACES[i].name, kind) != 0)
        i++;
    if (i < N_PARENT)
        return ns_id(p->own,
                     NAMESPACES[i].flag == CLONE_NEWPID ? "pid_for_children" : kind, ret);
    if (i < ARRAY_SIZE(NAMESPACES) && p->rest[i - N_PARENT] >= 0)
        return ns_id_of(p->rest[i - N_PARENT], kind, ret);
    return ns_id(p->target, kind, ret);
}

/* After joining, because only then is it certain what was joined. */
static int compare(const struct nsenter_request *r, const struct places *p,
                   struct mtd_error *err)
{
    char id[NS_ID_SIZE], kind[NS_ID_SIZE];
    for (size_t i = 0; i < r->namespaces.len; i++) {
        const char *wanted = r->namespaces.items[i];
        snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(wanted, ":"), wanted);
        int rc = present_id(p, kind, id);
        if (rc < 0)
            return proc_is(r->pid, r->pid_start) ? rc : -ESRCH;
        if (strcmp(id, wanted) != 0)
            return mtd_fail(err, EXDEV,
                            "the container's first process has left the %s namespace it "
                            "was started in, and a command would run where it went; "
                            "restart the container",
                            kind);
    }
    return 0;
}

/* EINVAL, EBADF: setns does not take a pidfd (before Linux 5.8); ENOSYS: no pidfd_open.
 * Nothing has been joined. */
static int join_namespaces(const struct nsenter_request *r, int one_by_one,
                           struct places *p, struct mtd_error *err)
{
    int rc = open_places(r, p);
    if (rc == 0)
        rc = one_by_one ? -ENOSYS : join_at_once(r);
    if (rc == -ENOSYS || rc == -EINVAL || rc == -EBADF || rc == -EPERM)
        rc = join_one_by_one(r, p);
    if (rc == 0)
        rc = compare(r, p, err);
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
static int enter_child(const struct nsenter_request *r, const struct places *p,
                       struct mtd_error *err)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int rc = 0;
    for (size_t i = 0; i < N_CHILD && rc == 0; i++)
        if (p->rest[i] >= 0 && setns(p->rest[i], NAMESPACES[N_PARENT + i].flag) < 0)
            rc = -errno;
    if (rc == 0 && (r->flags & NSENTER_USERNS)) {
        rc = become_root();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot join the container's %s namespace",
                                   r->flags & NSENTER_USERNS ? "user" : "cgroup")
                  : 0;
}

/* Into the v2 group by writing, for which the host's rights are there until the last step. */
static int stay(const struct nsenter_request *r, const struct places *p, int v2,
                struct mtd_error *err)
{
    auto_fd int fd = v2 < 0 ? -1 : openat(v2, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (v2 >= 0 && (fd < 0 || write(fd, "0", 1) < 0))
        return mtd_fail_errno(err, errno, "cannot join the container's control group");
    return enter_child(r, p, err);
}

int nsenter_join(const struct nsenter_request *r, int one_by_one, struct mtd_error *err)
{
    auto_fd int v2 = -1;
    struct places p = {-1, -1, {-1, -1}};
    bool first = r->cpus_first && *r->cpus_first;
    int rc = first ? schedule_run_on(r->cpus_first) : 0;
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot run on the CPUs %s", r->cpus_first);
    if (r->flags & NSENTER_USERNS)
        take_from_host(r);
    else if (r->flags & NSENTER_LATE && r->oom_score_adj)
        inherit_set_oom_score(r->oom_score_adj);
    rc = enter_cgroups(r, &v2, err);
    if (rc == 0)
        rc = join_namespaces(r, one_by_one, &p, err);
    if (rc < 0) {
        close_places(&p);
        return rc;
    }
    if (r->flags & NSENTER_LATE) {
        rc = stay(r, &p, v2, err);
        close_places(&p);
        return rc;
    }
    pid_t pid = v2 >= 0 && has_cpuset(v2) ? -EOPNOTSUPP : clone_inside(v2);
    if (pid < 0 && (v2 >= 0 || pid == -ENOSYS))
        pid = clone_old(v2);
    if (pid < 0)
        rc = mtd_fail_errno(err, -pid, "cannot create a process in the container");
    else
        rc = pid > 0 ? (int)pid : enter_child(r, &p, err);
    close_places(&p);
    return rc;
}
