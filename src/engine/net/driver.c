/* The drivers. */

#include "engine/net/driver.h"

static const struct net_driver DRIVERS[] = {
    [MTD_NET_DRIVER_BRIDGE] = {.routed = true,
                               .part = "bridge",
                               .name = net_bridge_name,
                               .find = net_bridge_find,
                               .is_up = net_bridge_is_up,
                               .make = net_bridge_make,
                               .remove = net_bridge_delete,
                               .link = net_link_make,
                               .near = net_link_near,
                               .attach = net_link_attach,
                               .cut = net_link_cut},
    [MTD_NET_DRIVER_MACVLAN] = {.part = "parent",
                                .name = net_macvlan_name,
                                .find = net_macvlan_find,
                                .is_up = net_macvlan_is_up,
                                .make = net_macvlan_make,
                                .remove = net_macvlan_remove,
                                .link = net_macvlan_link,
                                .mac = net_macvlan_mac,
                                .near = net_macvlan_near,
                                .attach = net_macvlan_attach,
                                .cut = net_macvlan_cut},
};

const struct net_driver *net_driver_of(const struct mtd_net *n)
{
    return &DRIVERS[n->driver];
}
