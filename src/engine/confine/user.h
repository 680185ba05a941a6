/* user - "name|uid[:group|gid]" to numbers, from the container's own passwd and group.
 * Rule    digits are numbers and never fall back to names; files are opened inside the root,
 *         regular only, at most 1 MiB and 64k lines; no NSS.
 * Process init and exec's child, inside the container's root ("/"), or with any root_fd.
 * Errors  -ENOENT no such user / group, -EINVAL malformed, err = docker's words
 *         ("unable to find user x: no matching entries in passwd file").
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
    char home[256]; /* "/" when passwd does not know the uid */
};
int user_resolve(int root_fd, const char *spec, struct user *ret, struct mtd_error *err);

#endif
