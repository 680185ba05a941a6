/* self - runs this executable again without a handle through which it could be
 * overwritten.
 * Shape   the file is opened through a detached read-only bind mount (open_tree +
 *         mount_setattr); on kernels without that (< 5.12) it is copied into a sealed
 *         memfd. So no process started this way has a /proc/PID/exe that can be opened
 *         for writing.
 * Errors  -errno; err names the program that could not be started. A failed exec is
 *         reported here, too, and its process already reaped.
 * Owner   fds are the caller's, close-on-exec; the caller reaps what it spawned.
 * Source  CVE-2019-5736; execveat(2), memfd_create(2), mount_setattr(2).
 */
#ifndef ENGINE_HOST_SELF_H
#define ENGINE_HOST_SELF_H

#include <sys/types.h>

#include "base/error.h"
#include "engine/host/place.h"

int self_open(struct mtd_error *err); /* fd for execveat(fd, "", .., AT_EMPTY_PATH) */
/* The same, and cheaper while pid is a process of this executable that was started so.
 * Which process it is does not matter: what it runs is checked. 0 = none is known. */
int self_open_like(pid_t pid, struct mtd_error *err);

/* Becomes this executable again, opened so, with the same arguments and environment; returns at
 * once if it is already. For a process whose own file a container may get to see. */
int self_protect(char *const argv[], struct mtd_error *err);

/* Runs argv with an empty environment. fd `pass` becomes 3 (-1 = none), 0 to 2 are
 * stdio's (NULL = /dev/null). at: where it goes, NULL = where we are. Returns the pid once the exec has succeeded. */
pid_t self_spawn(int self_fd, char *const argv[], int pass, const int stdio[3],
                 const struct group_place *at, struct mtd_error *err);

/* The same with n descriptors, at most 72: fds[i] becomes i (-1 = /dev/null). All others
 * are closed. The signal mask is inherited, here and above. */
pid_t self_spawn_fds(int self_fd, char *const argv[], const int *fds, int n,
                     const struct group_place *at, struct mtd_error *err);

#endif
