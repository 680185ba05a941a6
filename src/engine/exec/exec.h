/* exec - runs one more command in a running container.
 * Shape   exec_run() encodes the request, runs our executable again (see nsenter.h), gets
 *         the pid or an error, relays streams or the terminal, and waits. What happens in
 *         the container before the command is inside/inside.h's.
 * Errors  0 or -errno, err says why: -EBUSY = the container is not running,
 *         -ETIMEDOUT. A command that could not be run is no error: the status is 126
 *         or 127, and err says why.
 * Owner   everything passed in is borrowed; the caller frees the list of exec_list().
 * Process the front end, single-threaded; the command is its own child, so its status is
 *         exact. With detach it is the child of a process that stays.
 * Source  docker exec; setns(2), clone3(2).
 */
#ifndef ENGINE_EXEC_EXEC_H
#define ENGINE_EXEC_EXEC_H

#include "engine/types.h"

/* Where a session is recorded; borrowed, -1 = nowhere. */
struct exec_notes {
    int root_fd; /* <root>: exec_create, exec_start and exec_die in its events */
    int run_dir; /* the container's run directory, where it is listed while it runs */
};
/* r: with status.state observed. *ret_status as in mtd_exec(). */
int exec_run(const struct mtd_record *r, const struct exec_notes *notes,
             const struct mtd_exec *x, int *ret_status, struct mtd_error *err);

/* As mtd_execs(); count or -errno. Also removes the entries of sessions
 * that have ended. */
int exec_list(int run_dir, struct mtd_exec_info **ret);

#endif
