/* health - docker's health check: a process beside the monitor that runs a command in the
 * container again and again.
 * Shape   one per run of a container, "mtd:health" (monitor.h says how it is started). Sleeps on
 *         the container's pidfd with the interval as the time-out; each check is exec in a child
 *         of its own. Ends with the container. The monitor keeps no timer for it.
 * Files   <run-root>/<id>/health/lock: the byte whose number is the container's pid is locked by
 *         the process as long as it lives, so there is one for each run and a new run does not
 *         wait for the old one's. results: struct mtd_health and whose it is.
 *         The status alone goes to the record, when it changes, under the container's lock.
 * Source  moby daemon/health.go
 */
#ifndef ENGINE_HEALTH_HEALTH_H
#define ENGINE_HEALTH_HEALTH_H

#include "engine/store/store.h"
#include "engine/types.h"

int health_main(int argc, char **argv);

/* Is a process there that checks the run of this pid? */
bool health_is_watched(struct store *s, const char *id, pid_t pid);
/* The results of that run; all zero when there are none. */
void health_read(struct store *s, const char *id, pid_t pid, uint64_t pid_start,
                 struct mtd_health *ret);

/* A result's consequences, docker's rules: *status (a word of the table in health.c) changes,
 * the streak grows unless the container is within its start period and never was healthy. */
enum health_status { HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };
const char *health_status_name(enum health_status s);
enum health_status health_judge(struct mtd_health *h, enum health_status now,
                                const struct mtd_health_result *result, unsigned retries,
                                bool in_start_period);

#endif
