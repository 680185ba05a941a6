/* What is set up by a socket of the container's namespace: addresses and routes. */

#include "engine/net/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

/* Neighbours are no routers: the routes are given here. What a user sets comes later. */
static void believe_nobody(void)
{
    static const char *const FILES[] = {
        "/proc/sys/net/ipv6/conf/default/accept_ra",
        "/proc/sys/net/ipv6/conf/default/accept_redirects",
        "/proc/sys/net/ipv4/conf/default/accept_redirects",
        "/proc/sys/net/ipv4/conf/all/accept_redirects",
    };
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++)
        (void)fs_write_at(AT_FDCWD, FILES[i], "0");
}

int net_open_inside(int ns_fd, int protocol, struct netlink *ret)
{
    auto_fd int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(ns_fd, CLONE_NEWNET) < 0)
        return -errno;
    int rc = netlink_open(ret, protocol);
    believe_nobody();
    if (setns(own, CLONE_NEWNET) < 0) /* it would go on in the container's */
        _exit(125);
    return rc;
}

static void put_route(struct netlink_request *r, unsigned index, const char *gateway)
{
    struct net_address a;
    if (!gateway || net_address_parse(gateway, &a) < 0)
        return;
    struct rtmsg m = {.rtm_family = a.len == 4 ? AF_INET : AF_INET6,
                      .rtm_table = RT_TABLE_MAIN,
                      .rtm_protocol = RTPROT_BOOT,
                      .rtm_scope = RT_SCOPE_UNIVERSE,
                      .rtm_type = RTN_UNICAST};
    netlink_message(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
    netlink_put(r, RTA_GATEWAY, a.bytes, a.len);
    netlink_put_u32(r, RTA_OIF, index);
}

int net_link_way_out(struct netlink *inside, const struct mtd_endpoint *e,
                     struct mtd_error *err)
{
    struct netlink_request r;
    unsigned index;
    int rc = link_find_mac(inside, e->mac, &index);
    netlink_request_init(&r);
    if (rc == 0) {
        put_route(&r, index, e->gateway);
        put_route(&r, index, e->gateway6);
        rc = netlink_send(inside, &r, NULL);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc,
                                   "cannot lead the default route to network "
                                   "%.80s",
                                   e->network)
                  : 0;
}

static void put_own_address(struct netlink_request *r, unsigned index, const char *text,
                            unsigned prefix)
{
    struct net_address a;
    if (text && net_address_parse(text, &a) == 0)
        link_put_address(r, index, &a, prefix);
}

static void put_gateway(struct netlink_request *r, unsigned index,
                        const struct mtd_net *n, const char *text)
{
    struct net_address a;
    unsigned char mac[LINK_MAC_LEN];
    net_bridge_mac(n, mac);
    if (text && net_address_parse(text, &a) == 0)
        link_put_neighbour(r, index, &a, mac);
}

static int bring_up_past_the_dying(struct netlink *inside, unsigned index)
{
    struct netlink_request r;
    struct ifinfomsg up = {
        .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
    return link_send_past_the_dying(inside, &r, -EADDRINUSE);
}

int net_link_set_up(struct netlink *inside, const struct mtd_net *n,
                    const struct mtd_endpoint *e, bool way_out, struct mtd_error *err)
{
    struct netlink_request r;
    struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    unsigned index = 0;
    int rc = link_find_mac(inside, e->mac, &index);
    up.ifi_index = (int)index;
    if (rc == 0 &&
        e->direct) /* its address of hardware may be that of one that has ended */
        rc = bring_up_past_the_dying(inside, index);
    if (rc == 0) {
        netlink_request_init(&r);
        put_own_address(&r, index, e->address, e->prefix);
        put_own_address(&r, index, e->address6, e->prefix6);
        for (size_t i = 0; i < e->link_locals.len; i++)
            put_own_address(&r, index, e->link_locals.items[i],
                            strchr(e->link_locals.items[i], ':') ? 64 : 16);
        netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
        if (!e->direct) { /* else it is another machine */
            put_gateway(&r, index, n, n->gateway);
            put_gateway(&r, index, n, n->gateway6);
        }
        if (way_out) {
            put_route(&r, index, e->gateway);
            put_route(&r, index, e->gateway6);
        }
        rc = netlink_send(inside, &r, NULL);
    }
    return rc < 0
               ? mtd_fail_errno(err, -rc, "cannot set up the interface on network %.80s",
                                e->network)
               : 0;
}

int net_link_drop(struct netlink *inside, const char *mac, struct mtd_error *err)
{
    unsigned index;
    int rc = link_find_mac(inside, mac, &index);
    if (rc == -ENODEV)
        return 0;
    if (rc == 0)
        rc = link_delete(inside, index);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot remove the interface") : 0;
}
