/* userns - a user namespace with given ranges of ids, which a process can then join and mounts
 * can be mapped by.
 * Shape   a namespace needs a process to be made, and its map another one that has the rights
 *         outside: a short-lived child is the first, the caller the second.
 * Errors  0 or -errno; err says what the kernel refuses.
 * Process the monitor, single-threaded; confine_userns_join() init and exec's joiner.
 * Source  user_namespaces(7): a map is written once, by a process with CAP_SETUID and
 *         CAP_SETGID in the parent namespace.
 */
#ifndef ENGINE_CONFINE_USERNS_H
#define ENGINE_CONFINE_USERNS_H

#include "engine/types.h"

/* Ranges of users and of groups. */
struct userns_map {
    const struct mtd_idrange *uids, *gids;
    size_t n_uids, n_gids;
};
/* Returns a descriptor of the namespace, close-on-exec, the caller's. ret_network: NULL, or a
 * network namespace that belongs to it is made as well. */
int confine_userns_make(const struct userns_map *m, int *ret_network,
                        struct mtd_error *err);
int confine_userns_open(const struct mtd_spec *s, int *ret_network,
                        struct mtd_error *err); /* the same of a record's ranges */
/* Is this process's user namespace one in which nobody may set groups? By the host's /proc. */
bool confine_groups_denied(void);
/* Before the next: takes what p asks for and only the host's root can give, hard limits above the
 * present ones and the OOM score. The steps of a start set both in their turn. */
void confine_userns_prepare(const struct mtd_process *p);
/* Becomes the namespace's user and group 0, with all of its capabilities and none of the
 * host's, in new namespaces of these CLONE_NEW* flags that belong to it. Further groups go, where
 * that is allowed. */
int confine_userns_join(int fd, int flags, struct mtd_error *err);

#endif
