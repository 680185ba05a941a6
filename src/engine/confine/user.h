/* user - resolves "name|uid[:group|gid]" with the container's own passwd and group files.
 * Rule    digits are a number and never looked up as a name; files are opened inside the
 *         root, only if regular, and read up to 1 MiB and 64k lines; no NSS.
 * Process init and exec's child, inside the container's root ("/"), or any with a
 *         root_fd.
 * Errors  -ENOENT = no such user or group, -EINVAL = malformed; err is worded like
 *         docker's ("unable to find user x: no matching entries in passwd file").
 * Source  passwd(5), group(5), moby/sys/user.
 */
#ifndef ENGINE_CONFINE_USER_H
#define ENGINE_CONFINE_USER_H

#include "engine/types.h"

#define USER_MAX_GROUPS 64
struct user {
    uid_t uid;
    gid_t gid;
    gid_t groups[USER_MAX_GROUPS]; /* supplementary, from the group file */
    size_t n_groups;
    char home[256]; /* "/" if passwd does not have the uid */
};
/* spec: NULL or "" = root. *ret is set on success only. */
int user_resolve(int root_fd, const char *spec, struct user *ret, struct mtd_error *err);

/* Adds groups by name or number, as --group-add does. */
int user_add_groups(int root_fd, const struct strv *groups, struct user *u,
                    struct mtd_error *err);

#endif
