/* A container's pair. It is made by one message, its far end in the container's namespace with its
 * name and address; the near end is a port of the bridge at once. The near end's name is random:
 * the kernel removes an ended container's pair some time later, and a name that is still in use
 * would be refused. Sent back through the port it came from (hairpin) is what a container sends to
 * itself through a published port while br_netfilter is on; the sysctl is not ours to change. */

#include "engine/net/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define ALIAS_SIZE 256

static void random_name(char ret[IFNAMSIZ])
{
    unsigned char b[5] = {0};
    (void)!getrandom(b, sizeof(b), 0);
    snprintf(ret, IFNAMSIZ, "mtdv%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4]);
}

static void put_pair(struct netlink_request *r, const struct mtd_net *n,
                     const unsigned char *mac, const char *ifname, int ns_fd)
{
    struct ifinfomsg peer = {0};
    size_t info = netlink_nest(r, IFLA_LINKINFO);
    netlink_put_text(r, IFLA_INFO_KIND, "veth");
    size_t data = netlink_nest(r, IFLA_INFO_DATA);
    size_t far = netlink_nest(r, VETH_INFO_PEER);
    link_put_header(r, &peer);
    netlink_put_text(r, IFLA_IFNAME, ifname ? ifname : "eth%d");
    netlink_put(r, IFLA_ADDRESS, mac, LINK_MAC_LEN);
    if (n->mtu)
        netlink_put_u32(r, IFLA_MTU, n->mtu);
    netlink_put_u32(r, IFLA_NET_NS_FD, (uint32_t)ns_fd);
    netlink_nest_end(r, far);
    netlink_nest_end(r, data);
    netlink_nest_end(r, info);
}

/* What it is known by: an address is one container's. */
static void alias_of(const struct mtd_endpoint *e, char ret[ALIAS_SIZE])
{
    snprintf(ret, ALIAS_SIZE, "mytop-docker %.160s %.46s", e->network, e->address);
}

/* By its name, or by its index. */
static void put_port(struct netlink_request *r, const char *name, unsigned index,
                     const struct mtd_net *n, const struct mtd_endpoint *e)
{
    struct ifinfomsg it = {.ifi_index = (int)index};
    char alias[ALIAS_SIZE];
    alias_of(e, alias);
    netlink_message(r, RTM_NEWLINK, 0, &it, sizeof(it));
    if (name)
        netlink_put_text(r, IFLA_IFNAME, name);
    netlink_put(r, IFLA_IFALIAS, alias, strlen(alias));
    size_t info = netlink_nest(r, IFLA_LINKINFO);
    netlink_put_text(r, IFLA_INFO_SLAVE_KIND, "bridge");
    size_t data = netlink_nest(r, IFLA_INFO_SLAVE_DATA);
    netlink_put_u8(r, IFLA_BRPORT_MODE, 1);
    netlink_put_u8(r, IFLA_BRPORT_LEARNING, 0);
    if (n->isolated)
        netlink_put_u8(r, IFLA_BRPORT_ISOLATED, 1);
    netlink_nest_end(r, data);
    netlink_nest_end(r, info);
}

/* The bridge does not learn who is behind the port, it is told: else a neighbour that sends with the
 * address of hardware of another one would get what is that one's. Goes with the interface. */
static int tell_bridge(struct netlink *route, unsigned index,
                       const struct mtd_endpoint *e)
{
    struct netlink_request r;
    unsigned char mac[LINK_MAC_LEN];
    int rc = link_parse_mac(e->mac, mac);
    netlink_request_init(&r);
    link_put_neighbour(&r, index, NULL, mac);
    return rc < 0 ? rc : netlink_send(route, &r, NULL);
}

int net_link_make(struct netlink *route, const struct mtd_net *n, unsigned bridge,
                  const struct mtd_endpoint *e, int ns_fd, unsigned *ret_near,
                  struct mtd_error *err)
{
    struct netlink_request r;
    struct link made = {0};
    struct ifinfomsg near = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    char name[IFNAMSIZ];
    unsigned char hw[LINK_MAC_LEN];
    if (link_parse_mac(e->mac, hw) < 0)
        return mtd_fail(err, EINVAL, "\"%.40s\" is not a hardware address", e->mac);
    random_name(name);
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &near, sizeof(near));
    netlink_put_text(&r, IFLA_IFNAME, name);
    netlink_put_u32(&r, IFLA_MASTER, bridge);
    if (n->mtu)
        netlink_put_u32(&r, IFLA_MTU, n->mtu);
    put_pair(&r, n, hw, e->ifname, ns_fd);
    put_port(&r, name, 0, n, e);
    int rc = netlink_send(route, &r, NULL);
    if (rc == 0)
        rc = link_find(route, name, &made);
    if (rc == 0)
        rc = tell_bridge(route, made.index, e);
    *ret_near = made.index;
    if (rc < 0 && net_missing(rc, NET_PART_VETH, err))
        return rc;
    if (rc == -EXFULL || rc == -EBUSY)
        return mtd_fail(err, -rc, "network %.80s has no room: a bridge has 1023 ports",
                        n->name);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot make an interface on network %.80s",
                                   n->name)
                  : 0;
}

struct near_end {
    unsigned bridge, index; /* bridge 0: a port of none */
    char alias[ALIAS_SIZE];
};

static int note_near_end(const struct netlink_answer *a, void *arg)
{
    struct near_end *w = arg;
    struct netlink_span s = a->body, value;
    struct ifinfomsg info;
    char alias[ALIAS_SIZE];
    netlink_take_header(&s, &info, sizeof(info));
    unsigned master = netlink_find(s, IFLA_MASTER, &value) ? netlink_u32(value) : 0;
    if (master == w->bridge && netlink_find(s, IFLA_IFALIAS, &value) &&
        netlink_text(value, alias, sizeof(alias)) && strcmp(alias, w->alias) == 0)
        w->index = (unsigned)info.ifi_index;
    return 0;
}

static unsigned find_near(struct netlink *route, unsigned bridge,
                          const struct mtd_endpoint *e)
{
    struct netlink_request r;
    struct ifinfomsg any = {0};
    struct near_end w = {.bridge = bridge};
    int rc = -EINTR;
    alias_of(e, w.alias);
    for (int i = 0; i < 10 && rc == -EINTR; i++) {
        netlink_request_init(&r);
        netlink_message(&r, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
        if (bridge)
            netlink_put_u32(&r, IFLA_MASTER, bridge);
        rc = netlink_ask(route, &r, note_near_end, &w);
    }
    return w.index;
}

int net_link_cut(struct netlink *route, struct netlink *inside, unsigned bridge,
                 const struct mtd_endpoint *e)
{
    (void)inside;
    unsigned index = find_near(route, bridge, e);
    return index && link_delete(route, index) == 0;
}

enum net_near net_link_near(struct netlink *route, struct netlink *inside,
                            unsigned bridge, const struct mtd_endpoint *e)
{
    (void)inside;
    if (bridge && find_near(route, bridge, e))
        return NET_NEAR_ATTACHED;
    return find_near(route, 0, e) ? NET_NEAR_LOOSE : NET_NEAR_GONE;
}

int net_link_attach(struct netlink *route, const struct mtd_endpoint *e,
                    const struct mtd_net *n, unsigned bridge)
{
    struct netlink_request r;
    unsigned index = find_near(route, 0, e);
    struct ifinfomsg it = {
        .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    if (!index)
        return -ENODEV;
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, 0, &it, sizeof(it));
    netlink_put_u32(&r, IFLA_MASTER, bridge);
    put_port(&r, NULL, index, n, e);
    int rc = netlink_send(route, &r, NULL);
    if (rc == 0)
        rc = tell_bridge(route, index, e);
    link_wait(route, index);
    link_wait(route, bridge);
    return rc;
}
