/* health - docker's health check: a process next to the monitor that runs a command in
 * the container at an interval.
 * Shape   one per run of a container, "mtd:health" (monitor.h says how it is started).
 *         It waits for the container's pidfd with the interval as the timeout; each
 *         check is an exec in a child of its own. It exits with the container. The
 *         monitor needs no timer for it.
 * Files   <run-root>/<id>/health/lock: the process locks the byte whose offset is
 *         the container's pid, so there is one for each run, and a new run does not
 *         wait for the old one's. results: struct mtd_health, with the run it is of.
 *         Only the status is in the record, which is written when it changes, under
 *         the container's lock.
 * Units   those of struct mtd_health: wall ns.
 * Errors  none that a caller could react to; a check that cannot be run is a failed one.
 * Source  moby daemon/health.go
 */
#ifndef ENGINE_HEALTH_HEALTH_H
#define ENGINE_HEALTH_HEALTH_H

#include "engine/store/store.h"
#include "engine/types.h"

/* argv: name, root, run-root, id (monitor.h starts it). Returns an exit status. */
int health_main(int argc, char **argv);

/* Is there a process that checks the run with this pid? */
bool health_is_watched(struct store *s, const char *id, pid_t pid);
/* The results of that run; all zero if there are none. */
void health_read(struct store *s, const char *id, pid_t pid, uint64_t pid_start,
                 struct mtd_health *ret);

/* How long to wait for the next check, ns. starting: it is within its start period and was never
 * healthy. */
int64_t health_interval(const struct mtd_spec *s, bool starting);

#endif
