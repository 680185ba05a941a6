/* self - running this very executable again without giving anyone a handle to it.
 * Shape   the file is opened through a detached read-only bind mount (open_tree +
 *         mount_setattr); kernels without that (< 5.12) get a sealed memfd copy. So no process
 *         started this way has a /proc/PID/exe that can be opened for writing (CVE-2019-5736).
 * Owner   fds are the caller's, close-on-exec.
 */
#ifndef ENGINE_HOST_SELF_H
#define ENGINE_HOST_SELF_H

#include <sys/types.h>

#include "base/error.h"

int self_open(struct mtd_error *err); /* fd for execveat(fd, "", .., AT_EMPTY_PATH) */

/* vfork-like spawn: argv, empty environment, fd `pass` becomes 3, 0-2 as given by stdio (NULL
 * = /dev/null). Returns the pid. */
pid_t self_spawn(int self_fd, char *const argv[], int pass, const int stdio[3],
                 struct mtd_error *err);

/* The same with any few descriptors: fds[i] becomes i (-1 = /dev/null), at most 8; all others
 * are closed. The signal mask is the caller's. */
pid_t self_spawn_fds(int self_fd, char *const argv[], const int *fds, int n,
                     struct mtd_error *err);

#endif
