/* monitor - one per container: its parent, its log's only writer, its undertaker.
 * Shape   single-threaded, own session, poll loop. Starts (a step table, undone in reverse),
 *         serves attach clients, records the end, cleans up, restarts or removes.
 * Handed  fd 3: a connected packet socket of the front end that started it.
 * Process the executable re-run as "mtd:monitor" with an empty environment.
 */
#ifndef ENGINE_MONITOR_H
#define ENGINE_MONITOR_H

#define MONITOR_NAME "mtd:monitor"
/* argv: name, root, run-root, id, rows, cols, host path of the executable, mode */
#define MONITOR_START "start"
#define MONITOR_ADOPT "adopt" /* its monitor died: go on, or record the end */
int monitor_main(int argc, char **argv);

#endif
