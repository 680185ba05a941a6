/* cgroup - one cgroup per container on v1, hybrid and v2, behind one table of operations.
 * Shape   <mount>/mytop-docker/<id> in every hierarchy that is mounted, also one whose
 *         controllers we do not use: where a container has no group of its own, a cgroup
 *         namespace shows it the host's. <mount> is the root of what is visible, as in
 *         docker's cgroupfs driver: the path must not depend on who started the
 *         container, and v2 allows no controllers below a group that holds processes,
 *         which the starter's own group always does. Which hierarchy has which controller
 *         is read from mountinfo, never guessed from a path.
 * Hybrid  the v2 tree freezes and counts CPU time as well as v1 does, and kills at once:
 *         there it does all three, and v1's freezer and cpuacct are only a place to be.
 * Ours    <mount>/mytop-docker/monitors is for our own processes that outlive the command
 *         which started them, in each hierarchy where that one was in somebody's group.
 * Units   bytes, microseconds, nano CPUs; v2 weights 1..10000.
 * Errors  0 or -errno; err names the file, the value and the kernel's reason. -EOPNOTSUPP
 *         = a limit was asked for whose controller is missing.
 * Owner   paths and fds belong to struct cgroup, cgroup_done() frees them; no state is
 *         kept.
 * Source  kernel cgroup-v1/ *.rst, cgroup-v2.rst.
 */
#ifndef ENGINE_CGROUP_CGROUP_H
#define ENGINE_CGROUP_CGROUP_H

#include "engine/grant.h"
#include "engine/host/place.h"
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

#define CGROUP_MAX_DIRS 24
struct cgroup_dir {
    unsigned
        controllers; /* bit set of 1 << enum cgroup_controller: what it is used for */
    bool v2;
    char *names; /* v1: of the hierarchy, "cpu,cpuacct" or "name=systemd"; v2: NULL */
    char *path;  /* absolute host directory */
    int fd;      /* O_PATH|O_DIRECTORY, -1 = not open or not made */
    int entry;   /* see cgroup_open_entries(); 0 = not open */
};
struct cgroup {
    struct cgroup_dir dirs[CGROUP_MAX_DIRS];
    size_t n;
    bool fresh; /* made by cgroup_create: limits that are not asked for need no write */
};

/* The hierarchies of this host: the mount points, without "/mytop-docker". proc_dir:
 * "/proc", or a test's fake one that holds self/mountinfo. -E2BIG = more than
 * CGROUP_MAX_DIRS. */
int cgroup_discover(struct cgroup *ret, const char *proc_dir, struct mtd_error *err);
const char *cgroup_version(const struct cgroup *host); /* "1" "2" "hybrid" */

/* Where a process of ours goes that outlives this one: out of every group that a service
 * manager or a login may kill or limit, the v1 cpuset's excepted. proc_dir as above. *ret
 * is PLACE_HERE when there is nothing to leave. */
int cgroup_leave(struct group_place *ret, const char *proc_dir, struct mtd_error *err);

/* Makes the container's groups below the host's and opens them. An empty group that is
 * left of that id is replaced; -EBUSY = it has processes. Failure removes what was
 * made. */
int cgroup_create(struct cgroup *ret, const struct cgroup *host, const char *id,
                  struct mtd_error *err);
/* The same at a path that the caller has chosen, below the root of each hierarchy: "a/b". Groups
 * above it are made when missing, and stay. -EINVAL = it would be outside. */
int cgroup_create_at(struct cgroup *ret, const struct cgroup *host, const char *path,
                     struct mtd_error *err);
/* Of groups that somebody else has made there, and removes: -ENOENT = there is none. */
int cgroup_adopt_at(struct cgroup *ret, const struct cgroup *host, const char *path,
                    struct mtd_error *err);
/* The groups of one build, "<mount>/mytop-docker/builds/NAME", made anew, with these limits. Those
 * above are made if they are not there, with the devices that a container has by default: all builds
 * share them, and none removes them. -ENOENT, -ENODEV = somebody else removed one meanwhile, as
 * anybody may while it is empty. */
#define CGROUP_BUILDS_PIDS 4096 /* processes and threads of all builds together */
int cgroup_open_build(struct cgroup *ret, const struct cgroup *host, const char *name,
                      const struct mtd_resources *limits, struct mtd_error *err);
/* Removes them, and those that killed builds have left. */
void cgroup_drop_build(const char *name);
/* Lets everybody read the groups, and pass those above: the root of a user namespace is somebody else to them. */
int cgroup_let_read(const struct cgroup *c, struct mtd_error *err);
/* Opens the groups listed in a record (status.cgroups); one that is gone has fd -1. */
int cgroup_open(struct cgroup *ret, const struct strv *recorded, struct mtd_error *err);
int cgroup_describe(const struct cgroup *c, struct strv *ret); /* for status.cgroups */
/* The same of groups that are not there yet. */
int cgroup_describe_at(const struct cgroup *host, const char *path, struct strv *ret);
/* Adds the ids that have a group, whatever state directory they belong to. 0 or
 * -errno. */
int cgroup_list(const struct cgroup *host, struct strv *ret);
/* Opens those groups of an id that exist; ret->n = 0 = none does. */
int cgroup_open_id(struct cgroup *ret, const struct cgroup *host, const char *id,
                   struct mtd_error *err);

/* The same of a path that a caller has chosen. */
int cgroup_open_at(struct cgroup *ret, const struct cgroup *host, const char *path,
                   struct mtd_error *err);

/* All limits, before the first process or on a live container. */
int cgroup_limit(struct cgroup *c, const struct mtd_resources *r, struct mtd_error *err);
/* What v2's files get, for others that are to set the same. */
uint64_t cgroup_v2_weight(uint64_t shares); /* cpu.weight */
/* memory.swap.max; UINT64_MAX = "max" */
uint64_t cgroup_v2_swap(const struct mtd_resources *r);
/* The bandwidth asked for, in microseconds: quota -1 = no limit, period 0 = the kernel's. */
struct cgroup_bandwidth {
    int64_t quota, period;
};
struct cgroup_bandwidth cgroup_bandwidth_of(const struct mtd_resources *r);
/* Allows docker's default devices and those of the spec only (v1: devices controller; v2: a
 * BPF program); every device for a privileged container. */
int cgroup_devices(struct cgroup *c, const struct mtd_spec *s, struct mtd_error *err);
/* Rules in their order, the last that matches decides, and docker's default devices after them.
 * What no rule is about is not allowed. */
int cgroup_device_rules(struct cgroup *c, const struct mtd_device_rule *rules, size_t n,
                        struct mtd_error *err);
/* A value for a file of v1's controller, or of the v2 group; -EOPNOTSUPP = neither is there. */
struct cgroup_file {
    const char *controller, *file, *value, *file2,
        *value2; /* NULL = not in that version */
};
int cgroup_set_file(const struct cgroup *c, const struct cgroup_file *f,
                    struct mtd_error *err);
/* The fd for clone3's CLONE_INTO_CGROUP, borrowed; -1 = that cannot place the child (v1),
 * or not completely (a cpuset on v2). Call it after the limits are set. */
int cgroup_clone_fd(const struct cgroup *c);
/* Moves pid into the v1 groups, where CLONE_INTO_CGROUP cannot place it; all = into the
 * v2 group as well. */
int cgroup_attach(const struct cgroup *c, pid_t pid, bool all, struct mtd_error *err);
/* The same for the calling process, which must have one thread. A process that moves
 * itself takes no global lock and waits for no RCU grace period, which costs
 * cgroup_attach() up to 15 ms now and then. The cgroup namespace must be unshared after
 * it. The files written to stay open, for the caller to close with all others. */
int cgroup_enter(const struct cgroup *c, bool all, struct mtd_error *err);
/* For a cgroup_enter() by a process that will not have the rights any more: what it writes to is
 * opened now, and the kernel asks who has opened it (since Linux 5.16). */
int cgroup_open_entries(struct cgroup *c, struct mtd_error *err);
/* The v2 group, if there is one, belongs to that user and group of the host, who may make groups
 * below it. */
int cgroup_delegate(const struct cgroup *c, uint32_t uid, uint32_t gid,
                    struct mtd_error *err);
/* Returns when the group is frozen or thawed, after at most 10 s (-ETIMEDOUT).
 * -ESRCH = it has no process left to freeze (v2; on v1 an empty group freezes); an
 * empty one always thaws. */
int cgroup_freeze(const struct cgroup *c, bool frozen, struct mtd_error *err);
bool cgroup_is_frozen(const struct cgroup *c);
/* The same of groups in a record. It opens one file: a list asks this of each container. */
bool cgroup_recorded_is_frozen(const struct strv *recorded);
/* Kills all processes, forks included, until none is left (cgroup.kill, or freeze +
 * signal + thaw); after 10 s -ETIMEDOUT. A frozen group is thawed. */
int cgroup_kill(const struct cgroup *c, struct mtd_error *err);
int cgroup_signal_all(const struct cgroup *c, int sig, struct mtd_error *err);
int cgroup_pids(const struct cgroup *c, pid_t **ret); /* count; malloc'ed, sorted */
/* Of whatever freezer, without waiting: what has been sent SIGKILL is to die of it. */
void cgroup_thaw(const struct cgroup *c);
/* Whether there is a process in the groups or below them: 1, 0, or -errno without a sentence. */
int cgroup_is_used(const struct cgroup *c);
uint64_t cgroup_oom_kills(const struct cgroup *c);   /* 0 when not known */
uint64_t cgroup_memory_used(const struct cgroup *c); /* bytes, as the limit counts */
/* Removes the groups and the groups that the container has made in them; retries for up
 * to 5 s while dying tasks linger. */
int cgroup_destroy(struct cgroup *c, struct mtd_error *err);
/* Removes the "mytop-docker" groups, the monitors' with them, if they are empty. Only tests do: the groups cost
 * nothing, and making them again would slow down the next start. */
void cgroup_remove_parents(const struct cgroup *host);
void cgroup_done(struct cgroup *c); /* closes and frees, removes nothing */

#endif
