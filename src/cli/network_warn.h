/* network_warn - what keeps a container's network from doing what was asked for, said when it starts.
 * Each prints to stderr, and nothing when all is well. */
#ifndef CLI_NETWORK_WARN_H
#define CLI_NETWORK_WARN_H

#include "cli/verb.h"
#include "engine/types.h"

/* Ports that are asked for but lead nowhere: by none of its networks is the host in between. */
void network_warn_ports(struct cli *c, const struct mtd_spec *s);
/* Rules of others that drop what its networks send and get. */
void network_warn_firewalls(struct cli *c, const struct mtd_spec *s);

#endif
