/* exec - a further command in a running container.
 * Shape   exec_run (front end): encodes the request, re-runs our executable (see nsenter.h),
 *         gets the pid or an error, relays streams or the terminal, waits. What runs in
 *         the container before the command is inside/inside.h's.
 * Process front end; the command is its direct child, so its status is exact.
 */
#ifndef ENGINE_EXEC_EXEC_H
#define ENGINE_EXEC_EXEC_H

#include "engine/types.h"

/* Where a session is noted; borrowed, -1 = nowhere. */
struct exec_notes {
    int root_fd; /* <root>: exec_create, exec_start and exec_die in its events */
    int run_dir; /* the container's run directory: it is listed there while it lives */
};
/* r: with status.state observed. */
int exec_run(const struct mtd_record *r, const struct exec_notes *notes,
             const struct mtd_exec *x, int *ret_status, struct mtd_error *err);

/* As mtd_execs. Forgets dead ones. */
int exec_list(int run_dir, struct mtd_exec_info **ret);

#endif
