/* guard - what a test leaves that was killed, as by its time limit: its processes, groups, mounts and
 * directories go all the same.
 * Shape   a process beside the test's, which waits for its end. It is no child of the test's, holds none
 *         of its descriptors, and enters none of its namespaces: what it ends it ends by signals, and
 *         never by the program under test.
 * Sweep   if the guard is killed as well, the next one finds its file, which nobody has locked any more.
 */
#ifndef TEST_GUARD_H
#define TEST_GUARD_H

/* Once per process; later calls do nothing. */
void guard_start(void);
/* A directory of the test's. Before guard_start() it is only remembered. */
void guard_add(const char *dir);
void guard_drop(const char *dir);
/* Calls it for every directory that this process has added and not dropped. */
void guard_each(void (*what)(const char *dir));

#endif
