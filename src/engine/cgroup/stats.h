/* stats - a container's figures, from its cgroups and /proc/<pid>/net/dev.
 * Shape   one sample per call. Files are opened for each: keeping them open would be
 *         faster, but would pin the cgroups of a container that has ended.
 * Units   and missing figures: see struct mtd_stats.
 * Errors  -ENOENT = the container has no cgroups, so it is not running.
 * Process any.
 * Source  kernel cgroup-v1/ *.rst, cgroup-v2.rst, psi.rst; docker's memory usage.
 */
#ifndef ENGINE_CGROUP_STATS_H
#define ENGINE_CGROUP_STATS_H

#include "engine/cgroup/cgroup.h"

/* pid: the container's pid 1, for the network's figures; 0 = leave them out. */
int stats_read(const struct cgroup *c, pid_t pid, struct mtd_stats *ret,
               struct mtd_error *err);
/* The same with another /proc, for tests. */
int stats_read_from(const char *proc_dir, const struct cgroup *c, pid_t pid,
                    struct mtd_stats *ret, struct mtd_error *err);

#endif
