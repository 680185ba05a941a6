/* monitor - one per container: its parent, its log's only writer, its undertaker.
 * Shape   single-threaded, own session, poll loop. Starts (a step table, undone in reverse),
 *         serves attach clients, records the end, cleans up, restarts or removes.
 * Handed  fd 3: a connected packet socket of the front end that started it.
 * Process the executable re-run as "mtd:monitor" with an empty environment.
 */
#ifndef ENGINE_MONITOR_MONITOR_H
#define ENGINE_MONITOR_MONITOR_H

#include <stddef.h>

#include "base/error.h"

#define MONITOR_NAME "mtd:monitor"
/* argv: name, root, run-root, id, rows, cols, host path of the executable, mode */
#define MONITOR_START "start"
#define MONITOR_ADOPT "adopt" /* its monitor died: go on, or record the end */
int monitor_main(int argc, char **argv);

/* The monitor's steps of a start in their order, for the tests, which fail, kill and stop each.
 * A step's fault point is "start.NAME". NULL = there are no more. */
const char *monitor_step_name(size_t i);

/* The process that runs the container's health checks (health/health.h), started by the monitor
 * with the run and by anybody who sees that it is missing. It ends by itself when there is one
 * already. argv: name, root, run-root, id */
#define HEALTH_NAME "mtd:health"
int monitor_start_health(const char *root, const char *run_root, const char *id,
                         struct mtd_error *err);

#endif
