/* confine - the last steps before the command: what takes a process's privileges away.
 * Shape   one function per step; the table in inside/steps.c has their order.
 * Process init and exec's child, single-threaded, inside the container's root.
 * Errors  0 or -errno, err says what failed; the caller must not continue after a
 *         failure.
 * Source  capabilities(7), credentials(7), prctl(2), execve(2).
 */
#ifndef ENGINE_CONFINE_CONFINE_H
#define ENGINE_CONFINE_CONFINE_H

#include "engine/confine/user.h"
#include "engine/types.h"

/* Sets each limit. -EPERM = above the hard limit, and CAP_SYS_RESOURCE is missing. */
int confine_rlimits(const struct mtd_rlimit *r, size_t n, struct mtd_error *err);
/* Becomes the user. caps is the bounding set and, for uid 0, the permitted and effective
 * set; other uids have none. The inheritable and ambient sets are empty. */
/* later: capabilities that stay permitted, but not effective, until execve takes them. */
int confine_identity(const struct user *u, uint64_t caps, uint64_t later,
                     struct mtd_error *err);
/* The same with each set as given, for any user; caps is the bounding set. Never more than this
 * process has. */
int confine_identity_exact(const struct user *u, uint64_t caps,
                           const struct mtd_capsets *sets, uint64_t later,
                           struct mtd_error *err);
/* Makes those effective. */
int confine_use_caps(uint64_t later, struct mtd_error *err);
/* Takes these away from the permitted and the effective set. */
int confine_drop_caps(uint64_t caps, struct mtd_error *err);
int confine_no_new_privs(struct mtd_error *err); /* irrevocable */
/* Looks the program up in env's PATH inside the root, as execvp does, and writes
 * its path to ret_path (size bytes). -ENOENT = not found, -EACCES = not executable
 * or a directory. */
int confine_find_program(const char *file, const struct strv *env, char *ret_path,
                         size_t size, struct mtd_error *err);
/* Changes to cwd (NULL or "" = "/"), which is created if missing and make is set. -EXDEV
 * = it is outside the root. */
int confine_chdir(const char *cwd, bool make, struct mtd_error *err);
/* Both 0 or -errno, without a sentence. Sets the signals of `ignored` (proc_ignored_signals) to their default and unblocks all. */
int confine_signals(uint64_t ignored);
int confine_close(unsigned first); /* makes descriptors from `first` on close-on-exec */

#endif
