/* net/driver.h - what differs between drivers of networks, one row for each. Everything else is the same
 * for all: records, addresses, names, what is set up inside.
 * index   of the host's interface that the network has: the bridge, or the parent. 0 = not there. */
#ifndef ENGINE_NET_DRIVER_H
#define ENGINE_NET_DRIVER_H

#include "engine/net/internal.h"

#define NET_MAC_TEXT 24
struct net_driver {
    /* The host forwards for it: it is in the table, and ports are published by it. Else it has a part
     * in what the host is connected to: its subnet may be one that the host has a route to. */
    bool routed;
    const char *part; /* what the interface is, for messages */
    /* Fills in the interface of a network that is to be made, or refuses what was asked for. */
    int (*name)(const struct store *s, struct netlink *route, struct mtd_net *n,
                const struct mtd_net_list *others, struct mtd_error *err);
    int (*find)(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                struct mtd_error *err);
    bool (*is_up)(struct netlink *route, const struct mtd_net *n);
    int (*make)(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                struct mtd_error *err);
    void (*remove)(struct netlink *route, const struct mtd_net *n);
    /* A container's interface, in the namespace that is open; and whether it has one. *ret_near: the
     * index of its end in the host, 0 = it has none there. */
    int (*link)(struct netlink *route, const struct mtd_net *n, unsigned index,
                const struct mtd_endpoint *e, int ns_fd, unsigned *ret_near,
                struct mtd_error *err);
    enum net_near (*near)(struct netlink *route, struct netlink *inside, unsigned index,
                          const struct mtd_endpoint *e);
    int (*attach)(struct netlink *route, const struct mtd_endpoint *e,
                  const struct mtd_net *n, unsigned index);
    /* The address of hardware that it must have; false = any. NULL = always any. */
    bool (*mac)(const struct mtd_net *n, char ret[NET_MAC_TEXT]);
    /* 1 = it is gone, whatever the container made of it; 0 = not found. */
    int (*cut)(struct netlink *route, struct netlink *inside, unsigned index,
               const struct mtd_endpoint *e);
};
const struct net_driver *net_driver_of(const struct mtd_net *n);

/* ---- macvlan.c ---- */

int net_macvlan_name(const struct store *s, struct netlink *route, struct mtd_net *n,
                     const struct mtd_net_list *others, struct mtd_error *err);
int net_macvlan_find(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                     struct mtd_error *err);
bool net_macvlan_is_up(struct netlink *route, const struct mtd_net *n);
int net_macvlan_make(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                     struct mtd_error *err);
void net_macvlan_remove(struct netlink *route, const struct mtd_net *n);
/* With passthru it is the parent's. */
bool net_macvlan_mac(const struct mtd_net *n, char ret[NET_MAC_TEXT]);
int net_macvlan_link(struct netlink *route, const struct mtd_net *n, unsigned index,
                     const struct mtd_endpoint *e, int ns_fd, unsigned *ret_near,
                     struct mtd_error *err);
enum net_near net_macvlan_near(struct netlink *route, struct netlink *inside,
                               unsigned index, const struct mtd_endpoint *e);
int net_macvlan_attach(struct netlink *route, const struct mtd_endpoint *e,
                       const struct mtd_net *n, unsigned index);
int net_macvlan_cut(struct netlink *route, struct netlink *inside, unsigned index,
                    const struct mtd_endpoint *e);

#endif
