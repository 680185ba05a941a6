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
int confine_rlimit_check(const char *name); /* -EINVAL = no such rlimit */
/* Bounding set, setgroups, setgid, setuid, permitted/effective (uid 0: caps; others: none),
 * inheritable = ambient = empty, no_new_privs when asked. */
int confine_identity(const struct user *u, uint64_t caps, bool no_new_privs,
                     struct mtd_error *err);
/* Looks the program up in PATH of env inside the root, as execvp would: *ret_path is static.
 * -ENOENT not found ("executable file not found in $PATH"), -EACCES. */
int confine_find_program(const char *file, const struct strv *env, char *ret_path,
                         size_t size, struct mtd_error *err);
/* chdir, and a check that getcwd() is inside the root (starts with "/"). make = create it. */
int confine_chdir(const char *cwd, bool make, struct mtd_error *err);
/* umask 022, all signals to default, mask emptied, dumpable left as is, fds >= 3 close-on-exec. */
int confine_clean(void);

#endif
