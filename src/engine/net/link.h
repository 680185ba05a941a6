/* net/link.h - what bridge.c, veth.c and inside.c share about interfaces. */
#ifndef ENGINE_NET_LINK_H
#define ENGINE_NET_LINK_H

#include <net/if.h>

#include "engine/net/internal.h"

#define LINK_MAC_LEN 6

struct link {
    unsigned index;
    bool up, bridge;
    bool works;               /* packets go through */
    const unsigned char *mac; /* wanted; NULL = any */
};
/* The one of that name; its fields are filled in when it has the wanted address of hardware. */
int link_find(struct netlink *route, const char *name, struct link *ret);
/* By the address of hardware alone; -ENODEV. */
int link_find_mac(struct netlink *route, const char *mac, unsigned *ret);
int link_parse_mac(const char *text, unsigned char ret[LINK_MAC_LEN]); /* -EINVAL */
void link_put_kind(struct netlink_request *r, const char *kind);
void link_put_address(struct netlink_request *r, unsigned index,
                      const struct net_address *a, unsigned prefix);
/* It is at that address of hardware, whatever anybody else says. a NULL: to the bridge of a port. */
void link_put_neighbour(struct netlink_request *r, unsigned index,
                        const struct net_address *a,
                        const unsigned char mac[LINK_MAC_LEN]);
/* A peer's fixed header, which stands in front of its attributes without one of its own. */
struct ifinfomsg;
void link_put_header(struct netlink_request *r, const struct ifinfomsg *header);
bool link_is_kind(struct netlink_span s, const char *wanted);
/* One message, again for three seconds while the answer is busy: the kernel removes the interfaces of a
 * container that has ended a little later than its processes, and until then a macvlan has no room
 * beside one in passthru, nor one with the same address of hardware. */
int link_send_past_the_dying(struct netlink *n, struct netlink_request *r, int busy);
/* Until it works, for a tenth of a second at most. The kernel lets packets through a little after both
 * ends are up, by work put off; since 6.8 it does that work when it is asked for the interface. Without,
 * a container's first packets, or the answers to them, are lost now and then. */
void link_wait(struct netlink *route, unsigned index);
int link_bring_up(struct netlink *route, unsigned index);
int link_delete(struct netlink *route, unsigned index);

#endif
