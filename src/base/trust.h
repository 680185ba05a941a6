/* trust - whether anybody but root and the caller could change what a path leads to.
 * Rule    a directory is trusted when root or the caller's effective user owns it and
 *         neither its group nor everybody may write to it. On the way to it a sticky
 *         directory like /tmp will do: nobody can replace what others own there. Links on
 *         the way count as directories do: who owns one decides where it leads.
 * Errors  0; -EPERM = not trusted, err names the directory that is not, and why; -errno
 *         of lstat(2). A path that is not there yet is trusted as far as it is there.
 * Source  path_resolution(7), openssh's StrictModes.
 */
#ifndef BASE_TRUST_H
#define BASE_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

/* path is absolute. Ask before opening it: once trusted, nobody else can change where it
 * leads. *ret_mode is that of what it leads to, 0 = it is not there. */
int trust_path(const char *path, mode_t *ret_mode, struct mtd_error *err);
/* The rule for one file or directory, named in err; the first about its owner alone. */
int trust_owner(const struct stat *st, const char *name, struct mtd_error *err);
int trust_entry(const struct stat *st, const char *name, struct mtd_error *err);

#endif
