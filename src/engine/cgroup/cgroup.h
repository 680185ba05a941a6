/* cgroup - one cgroup per container on v1, hybrid and v2, behind one table of operations.
 * Shape   <mount>/mytop-docker/<id> in every hierarchy that has a controller we use, and in the
 *         v2 tree of a hybrid host too (cgroup.kill, pressure). <mount> is the root of what is
 *         visible, as in docker's cgroupfs driver: the path must not depend on who started the
 *         container, and v2 refuses controllers below a group that holds processes, which the
 *         starter's own group always does. Which controller is where comes from mountinfo,
 *         never from a path's look.
 * Lazy    a v1 cpuset needs CPUs and memory nodes before it takes a process and is wanted by
 *         few: its group is made when a limit asks for it (path set, fd -1 until then).
 * Units   bytes, microseconds, nano CPUs; v2 weights 1..10000.
 * Errors  0 or -errno; err names the file, the value and what the kernel said. A limit whose
 *         controller is missing: -EOPNOTSUPP when the user asked for it.
 * Owner   fds belong to struct cgroup; the module keeps no state.
 * Source  kernel cgroup-v1/ *.rst, cgroup-v2.rst.
 */
#ifndef ENGINE_CGROUP_CGROUP_H
#define ENGINE_CGROUP_CGROUP_H

#include "engine/types.h"

enum cgroup_controller {
    CGROUP_CPU,
    CGROUP_CPUACCT,
    CGROUP_CPUSET,
    CGROUP_MEMORY,
    CGROUP_DEVICES,
    CGROUP_FREEZER,
    CGROUP_BLKIO,
    CGROUP_PIDS,
    CGROUP_CONTROLLERS
};

#define CGROUP_MAX_DIRS 12
struct cgroup_dir {
    unsigned controllers; /* bit set of 1 << enum cgroup_controller */
    bool v2;
    char *path; /* absolute host directory */
    int fd;     /* O_PATH|O_DIRECTORY, -1 = not open or not made */
};
struct cgroup {
    struct cgroup_dir dirs[CGROUP_MAX_DIRS];
    size_t n;
    bool fresh; /* made by cgroup_create: a limit that is not asked for needs no write */
};

/* Where the controllers are on this host: the parent directories ("…/mytop-docker" not yet
 * appended). proc_dir "/proc" or a test's fake one holding self/mountinfo and self/cgroup. */
int cgroup_discover(struct cgroup *ret, const char *proc_dir, struct mtd_error *err);
const char *cgroup_version(const struct cgroup *host); /* "1" "2" "hybrid" */

/* Makes the container's groups under the host's and opens them. An existing group of that id
 * is reused only when empty. Failure removes what was made. */
int cgroup_create(struct cgroup *ret, const struct cgroup *host, const char *id,
                  struct mtd_error *err);
/* Opens groups listed in a record (status.cgroups); groups that are gone are skipped. */
int cgroup_open(struct cgroup *ret, const struct strv *recorded, struct mtd_error *err);
int cgroup_describe(const struct cgroup *c, struct strv *ret); /* for status.cgroups */
/* The ids that have a group, of whatever state directory. 0 or -errno. */
int cgroup_list(const struct cgroup *host, struct strv *ret);
/* Opens what there is of an id's groups; ret->n = 0 when there is nothing. */
int cgroup_open_id(struct cgroup *ret, const struct cgroup *host, const char *id,
                   struct mtd_error *err);

/* All limits, before the first process or on a live container. */
int cgroup_limit(struct cgroup *c, const struct mtd_resources *r, struct mtd_error *err);
/* docker's default device allow-list (v1 devices controller; v2: a BPF program); all = every
 * device (privileged). */
int cgroup_devices(struct cgroup *c, bool all, struct mtd_error *err);
/* fd for clone3 CLONE_INTO_CGROUP, or -1 when that cannot place it (v1) or not fully (a cpuset
 * on v2). Ask when the limits are set. Borrowed. */
int cgroup_clone_fd(const struct cgroup *c);
/* Moves pid into every group that CLONE_INTO_CGROUP did not place it in (all = every group). */
int cgroup_attach(const struct cgroup *c, pid_t pid, bool all, struct mtd_error *err);
/* The same for the calling process, which must have one thread. Moving oneself takes no global
 * lock: no RCU grace period, which costs cgroup_attach up to 15 ms now and then. The cgroup
 * namespace must be unshared after it. */
int cgroup_enter(const struct cgroup *c, bool all, struct mtd_error *err);
/* Waits until it is. -ESRCH = nothing is left in it that could be frozen (v2; on v1 an empty
 * group freezes); an empty one always thaws. */
int cgroup_freeze(const struct cgroup *c, bool frozen, struct mtd_error *err);
bool cgroup_is_frozen(const struct cgroup *c);
/* SIGKILLs every process in it until none is left (cgroup.kill, or freeze + signal + thaw;
 * handles forks). Frozen groups are thawed. */
int cgroup_kill(const struct cgroup *c, struct mtd_error *err);
int cgroup_signal_all(const struct cgroup *c, int sig, struct mtd_error *err);
int cgroup_pids(const struct cgroup *c, pid_t **ret); /* count; malloc'ed, sorted */
uint64_t cgroup_oom_kills(const struct cgroup *c);    /* 0 when not known */
/* Removes the groups (and sub-groups a payload made); retries while dying tasks linger. */
int cgroup_destroy(struct cgroup *c, struct mtd_error *err);
/* Removes the empty "mytop-docker" groups. Nobody needs to: they cost nothing and making them
 * anew slows the next start. For tests and for a clean-up of everything. */
void cgroup_remove_parents(const struct cgroup *host);
void cgroup_done(struct cgroup *c); /* closes and frees, removes nothing */

#endif
