/* idmap - the ids of a container with a user namespace of its own, and the host's they are.
 * Shape   a list of ranges in the spec, for users and groups alike; no range = the host's
 *         ids, and no namespace.
 * Errors  -EINVAL = malformed, -ERANGE = outside of what the kernel has; err says what is
 *         wrong and with which range.
 * Source  user_namespaces(7), podman's --userns and --uidmap.
 */
#ifndef ENGINE_IDMAP_H
#define ENGINE_IDMAP_H

#include "engine/types.h"

#define MTD_IDMAP_RANGES 32
#define MTD_IDMAP_SIZE 65536 /* ids of a range that is chosen for a container */

/* What --userns and the setting of that name say: "host", "auto", "auto:size=N", or
 * "FROM:TO:COUNT", which is added to the ranges of s. */
int mtd_userns_parse(const char *text, struct mtd_spec *s, struct mtd_error *err);
/* The ranges together: no id twice on either side, and the container has an id 0. */
int mtd_idmap_check(const struct mtd_spec *s, struct mtd_error *err);

static inline bool mtd_idmap_is_set(const struct mtd_spec *s)
{
    return s->n_idmap > 0;
}
/* false = the id has no counterpart. Without a map every id is its own. */
bool mtd_idmap_to_host(const struct mtd_spec *s, uint32_t inside, uint32_t *ret_host);
bool mtd_idmap_to_inside(const struct mtd_spec *s, uint32_t host, uint32_t *ret_inside);
/* "auto", "private" = with given ranges, "" = the host's. */
const char *mtd_userns_name(const struct mtd_spec *s);

#endif
