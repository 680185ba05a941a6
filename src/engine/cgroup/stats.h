/* stats - one container's figures out of its cgroups and /proc/<pid>/net/dev.
 * Units, missing figures: see struct mtd_stats.
 * Process any; a handful of preads on kept-open files would be faster but pins cgroups, so
 *         files are opened by directory fd per sample.
 */
#ifndef ENGINE_CGROUP_STATS_H
#define ENGINE_CGROUP_STATS_H

#include "engine/cgroup/cgroup.h"

/* pid: the container's pid 1 for network figures; 0 = leave them out. */
int stats_read(const struct cgroup *c, pid_t pid, struct mtd_stats *ret,
               struct mtd_error *err);
/* The same with another /proc, for tests. */
int stats_read_from(const char *proc_dir, const struct cgroup *c, pid_t pid,
                    struct mtd_stats *ret, struct mtd_error *err);

#endif
