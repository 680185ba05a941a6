/* confine - the last steps before the command: limits, capabilities, user, in that order.
 * Process init and exec's child, single-threaded, inside the container's root.
 * Errors  0 or -errno, err says which; the caller must not go on after a failure.
 */
#ifndef ENGINE_CONFINE_CONFINE_H
#define ENGINE_CONFINE_CONFINE_H

#include "engine/confine/user.h"
#include "engine/types.h"

/* setrlimit for each; a soft/hard value above the hard limit without CAP_SYS_RESOURCE is an
 * error. */
int confine_rlimits(const struct mtd_rlimit *r, size_t n, struct mtd_error *err);
/* Bounding set, setgroups, setgid, setuid, permitted/effective (uid 0: caps; others: none),
 * inheritable = ambient = empty. */
int confine_identity(const struct user *u, uint64_t caps, struct mtd_error *err);
int confine_no_new_privs(struct mtd_error *err); /* for good: execve adds no privilege */
/* Looks the program up in PATH of env inside the root, as execvp would: *ret_path is static.
 * -ENOENT not found ("executable file not found in $PATH"), -EACCES. */
int confine_find_program(const char *file, const struct strv *env, char *ret_path,
                         size_t size, struct mtd_error *err);
/* chdir, and a check that getcwd() is inside the root (starts with "/"). make = create it. */
int confine_chdir(const char *cwd, bool make, struct mtd_error *err);
int confine_signals(void); /* all to their default, the mask emptied */
int confine_close(void);   /* descriptors from 3 on are closed by execve */

#endif
