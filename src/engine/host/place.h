/* place - the control groups of a process that outlives the one which starts it.
 * Shape   a group of the v2 tree in which it is born (CLONE_INTO_CGROUP), and "tasks"
 *         files of v1 groups, each of which it joins by writing "0". Both are free of the
 *         kernel-wide lock, and the wait for a grace period, that moving a process takes.
 *         cgroup_leave() (cgroup/cgroup.h) fills it in.
 * Errors  -errno; place_fork() those of fork(2).
 * Owner   the struct owns its descriptors; place_done() closes them.
 * Source  clone3(2), kernel cgroup-v1/cgroups.rst.
 */
#ifndef ENGINE_HOST_PLACE_H
#define ENGINE_HOST_PLACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PLACE_MAX 16
struct group_place {
    int into; /* -1 = where its starter is */
    int join[PLACE_MAX];
    size_t n;
};
#define PLACE_HERE \
    {              \
        .into = -1 \
    }

/* fork() into the v2 group. flags: 0 or CLONE_VFORK, for a child that only executes. */
pid_t place_fork(const struct group_place *p, uint64_t flags);
/* The rest, in the child, which has one thread. System calls alone: safe after vfork(). */
int place_join(const struct group_place *p);
void place_done(struct group_place *p);

#endif
