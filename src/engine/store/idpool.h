/* idpool - which ids of the host a container may get when the range is chosen for it.
 * Shape   the ranges that /etc/subuid and /etc/subgid both give to the user "containers"; if
 *         neither names it, 1879048192 to 2147352575, which no other tool hands out, without
 *         what these files give to others. No id of /etc/passwd or /etc/group is among them.
 * Errors  0 or -errno; err names the file and what to do.
 * Owner   the lists are the caller's; idpool_done() frees them.
 * Source  subuid(5), podman's --userns=auto; systemd's table of ids (UIDS-GIDS).
 */
#ifndef ENGINE_STORE_IDPOOL_H
#define ENGINE_STORE_IDPOOL_H

#include "engine/types.h"

struct id_range {
    uint64_t first, end; /* end is not part of it */
};
struct id_ranges {
    struct id_range *items;
    size_t len, room;
};
struct idpool {
    struct id_ranges free, taken; /* taken: within free, or not */
};
void idpool_done(struct idpool *p);
int id_ranges_add(struct id_ranges *r, uint64_t first, uint64_t count);

/* etc: a directory with passwd, group, subuid and subgid, each of which may be missing. */
int idpool_load(struct idpool *ret, int etc_fd, struct mtd_error *err);
/* The first place for `size` ids at or after `from`, then from the beginning. Sorts the
 * lists. -ENOSPC = there is none. */
int idpool_choose(struct idpool *p, uint64_t from, uint64_t size, uint64_t *ret_first);
/* Where one of several independent users begins, so that they rarely meet: in the first
 * range, at a multiple of MTD_IDMAP_SIZE from its beginning. */
uint64_t idpool_start(const struct idpool *p, uint64_t seed);

#endif
