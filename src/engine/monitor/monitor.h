/* monitor - one process per container: its parent and the only writer of its log.
 * Shape   single-threaded, a session of its own, a poll loop. It starts the container (a
 *         table of steps, undone in reverse), serves attach clients, records the end,
 *         cleans up, and restarts or removes the container.
 * Input   fd 3: a connected packet socket (wire/packet.h) of the front end that started
 *         it.
 * Errors  are sent as PACKET_ERROR to all clients; a failed start is in
 *         the record as well.
 * Process our executable, run as "mtd:monitor" with an empty environment.
 */
#ifndef ENGINE_MONITOR_MONITOR_H
#define ENGINE_MONITOR_MONITOR_H

#include <stddef.h>

#include "base/error.h"

#define MONITOR_NAME "mtd:monitor"
/* argv: name, root, run-root, id, host path of the executable, mode. Until PACKET_BEGIN it only
 * waits, under another name in ps; when its front end is gone instead, it exits. */
#define MONITOR_WAITING "mtd:waiting"
#define MONITOR_START "start"
#define MONITOR_ADOPT "adopt" /* the monitor was killed: take over, or record the end */
int monitor_main(int argc, char **argv);

/* The monitor's steps of a start in their order, for the tests, which make each
 * fail, be killed and stop. The fault point of a step is "start.NAME". NULL =
 * there are no more. */
const char *monitor_step_name(size_t i);

/* Starts the process that runs the container's health checks (health/health.h): the
 * monitor does with each run, and any command that finds it missing. It exits if there is
 * one already. argv: name, root, run-root, id */
#define HEALTH_NAME "mtd:health"
int monitor_start_health(const char *root, const char *run_root, const char *id,
                         struct mtd_error *err);

#endif
