/* spec_network - networks and ports as they are typed.
 * Errors  -EINVAL or -ENOMEM, err says what is wrong with which text, without the option.
 * Owner   what is added belongs to the lists.
 * Source  docker run's --network and --publish; podman's NAME:ip=... */
#ifndef CLI_SPEC_NETWORK_H
#define CLI_SPEC_NETWORK_H

#include "engine/types.h"

/* "NAME", "name=NAME,ip=ADDRESS,alias=A", "NAME:ip=ADDRESS": adds one. */
int network_parse_join(const char *text, struct mtd_join **joins, size_t *n,
                       struct mtd_error *err);
int network_check_alias(const char *name, struct mtd_error *err);

#endif
