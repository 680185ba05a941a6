/* Interfaces. A pair is made by one message, its far end in the container's namespace with its
 * name and address; the near end is a port of the bridge at once. The near end's name is random:
 * the kernel removes an ended container's pair some time later, and a name that is still in use
 * would be refused. Sent back through the port it came from (hairpin) is what a container sends to
 * itself through a published port while br_netfilter is on; the sysctl is not ours to change. */

#include "engine/net/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define MAC_LEN 6
#define ALIAS_SIZE 256

struct link {
    unsigned index;
    bool up, bridge;
    const unsigned char *mac; /* wanted; NULL = any */
};

static bool is_bridge(struct netlink_span s)
{
    struct netlink_span info, kind;
    char text[IFNAMSIZ];
    return netlink_find(s, IFLA_LINKINFO, &info) &&
           netlink_find(info, IFLA_INFO_KIND, &kind) &&
           netlink_text(kind, text, sizeof(text)) && strcmp(text, "bridge") == 0;
}

static int note_link(const struct netlink_answer *a, void *arg)
{
    struct link *l = arg;
    struct netlink_span s = a->body, mac;
    struct ifinfomsg info;
    netlink_take_header(&s, &info, sizeof(info));
    if (l->mac && (!netlink_find(s, IFLA_ADDRESS, &mac) || mac.left != MAC_LEN ||
                   memcmp(mac.at, l->mac, MAC_LEN) != 0))
        return 0;
    l->index = (unsigned)info.ifi_index;
    l->up = info.ifi_flags & IFF_UP;
    l->bridge = is_bridge(s);
    return 0;
}

static int find_link(struct netlink *route, const char *name, struct link *ret)
{
    struct netlink_request r;
    struct ifinfomsg any = {0};
    netlink_request_init(&r);
    netlink_message(&r, RTM_GETLINK, 0, &any, sizeof(any));
    netlink_put_text(&r, IFLA_IFNAME, name);
    return netlink_ask(route, &r, note_link, ret);
}

/* ---- the bridge ---- */

static void put_kind(struct netlink_request *r, const char *kind)
{
    size_t info = netlink_nest(r, IFLA_LINKINFO);
    netlink_put_text(r, IFLA_INFO_KIND, kind);
    netlink_nest_end(r, info);
}

/* Its own, or it would have that of whichever port has the lowest. */
static void mac_of_network(const struct mtd_net *n, unsigned char ret[MAC_LEN])
{
    unsigned b[4] = {0};
    (void)sscanf(n->id, "%2x%2x%2x%2x", b, b + 1, b + 2, b + 3);
    const unsigned char mac[MAC_LEN] = {0x02,
                                        0x42,
                                        (unsigned char)b[0],
                                        (unsigned char)b[1],
                                        (unsigned char)b[2],
                                        (unsigned char)b[3]};
    memcpy(ret, mac, MAC_LEN);
}

/* -EEXIST = an interface of that name is not the network's: another kind, or of other hardware. */
static int find_bridge(struct netlink *route, const struct mtd_net *n, struct link *ret)
{
    unsigned char mac[MAC_LEN];
    struct link l = {.mac = mac};
    mac_of_network(n, mac);
    int rc = find_link(route, n->bridge, &l);
    if (rc == 0 && !l.bridge)
        return -EEXIST;
    *ret = l;
    return rc;
}

static int new_bridge(struct netlink *route, const struct mtd_net *n)
{
    struct netlink_request r;
    struct ifinfomsg down = {0};
    unsigned char mac[MAC_LEN];
    mac_of_network(n, mac);
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &down, sizeof(down));
    netlink_put_text(&r, IFLA_IFNAME, n->bridge);
    netlink_put(&r, IFLA_ADDRESS, mac, sizeof(mac));
    if (n->mtu)
        netlink_put_u32(&r, IFLA_MTU, n->mtu);
    put_kind(&r, "bridge");
    int rc = netlink_send(route, &r, NULL);
    return rc == -EEXIST ? 0 : rc; /* another start was faster */
}

static void put_address(struct netlink_request *r, unsigned index,
                        const struct net_address *a, unsigned prefix)
{
    struct ifaddrmsg m = {.ifa_family = a->len == 4 ? AF_INET : AF_INET6,
                          .ifa_prefixlen = (unsigned char)prefix,
                          .ifa_index = index,
                          .ifa_flags = a->len == 4 ? 0 : IFA_F_NODAD};
    netlink_message(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
    netlink_put(r, IFA_LOCAL, a->bytes, a->len);
    if (a->len == 16 || prefix == 32) {
        netlink_put(r, IFA_ADDRESS, a->bytes, a->len);
        return;
    }
    struct in_addr broadcast;
    memcpy(&broadcast, a->bytes, sizeof(broadcast));
    broadcast.s_addr |= htonl(prefix ? 0xffffffffu >> prefix : 0xffffffffu);
    netlink_put(r, IFA_ADDRESS, a->bytes, a->len);
    netlink_put(r, IFA_BROADCAST, &broadcast, sizeof(broadcast));
}

static int put_gateway(struct netlink_request *r, unsigned index, const char *gateway,
                       const char *subnet)
{
    struct net_address a;
    struct net_subnet s;
    if (!gateway)
        return 0;
    if (net_address_parse(gateway, &a) < 0 || net_subnet_parse(subnet, &s) < 0)
        return -EINVAL;
    put_address(r, index, &a, s.prefix);
    return 0;
}

static int give_addresses(struct netlink *route, const struct mtd_net *n, unsigned index)
{
    struct netlink_request r;
    netlink_request_init(&r);
    int rc = put_gateway(&r, index, n->gateway, n->subnet);
    if (rc == 0)
        rc = put_gateway(&r, index, n->gateway6, n->subnet6);
    return rc < 0 ? rc : netlink_send(route, &r, NULL);
}

static int bring_up(struct netlink *route, unsigned index)
{
    struct netlink_request r;
    struct ifinfomsg up = {
        .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
    return netlink_send(route, &r, NULL);
}

static void set_sysctl(const char *family, const char *interface, const char *name,
                       const char *value)
{
    char path[128], now[16];
    snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, interface, name);
    if (fs_read_small_at(AT_FDCWD, path, now, sizeof(now)) > 0 && strcmp(now, value) != 0)
        (void)fs_write_at(AT_FDCWD, path, value);
}

static int fail_bridge(const struct mtd_net *n, int rc, struct mtd_error *err)
{
    if (rc == -EEXIST)
        return mtd_fail(
            err, EEXIST,
            "interface %s of the host is not network %.80s's; make the network "
            "anew with another name for it",
            n->bridge, n->name);
    if (net_missing(rc, NET_PART_BRIDGE, err))
        return rc;
    return mtd_fail_errno(err, -rc, "cannot make bridge %s of network %.80s", n->bridge,
                          n->name);
}

int net_bridge_find(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                    struct mtd_error *err)
{
    struct link l = {0};
    int rc = find_bridge(route, n, &l);
    *ret_index = rc < 0 ? 0 : l.index;
    return rc == -EEXIST ? fail_bridge(n, rc, err) : 0;
}

bool net_bridge_is_up(struct netlink *route, const struct mtd_net *n)
{
    struct link l = {0};
    return find_bridge(route, n, &l) == 0 && l.up;
}

/* One that is up is complete: it is brought up last. */
int net_bridge_make(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                    struct mtd_error *err)
{
    struct link l = {0};
    int rc = find_bridge(route, n, &l);
    if (rc == 0 && l.up) {
        *ret_index = l.index;
        return 0;
    }
    if (rc == -EEXIST)
        return fail_bridge(n, rc, err);
    rc = new_bridge(route, n);
    if (rc == 0)
        rc = find_bridge(route, n, &l);
    if (rc == 0)
        rc = give_addresses(route, n, l.index);
    set_sysctl("ipv4", n->bridge, "route_localnet", "1");
    set_sysctl("ipv6", n->bridge, "accept_ra", "0");
    if (rc == 0)
        rc = bring_up(route, l.index);
    if (rc < 0)
        return fail_bridge(n, rc, err);
    *ret_index = l.index;
    return 0;
}

static int delete_link(struct netlink *route, unsigned index)
{
    struct netlink_request r;
    struct ifinfomsg it = {.ifi_index = (int)index};
    netlink_request_init(&r);
    netlink_message(&r, RTM_DELLINK, 0, &it, sizeof(it));
    return netlink_send(route, &r, NULL);
}

void net_bridge_delete(struct netlink *route, const struct mtd_net *n)
{
    unsigned index;
    if (net_bridge_find(route, n, &index, NULL) == 0 && index)
        (void)delete_link(route, index);
}

/* ---- a container's pair ---- */

static int parse_mac(const char *text, unsigned char ret[MAC_LEN])
{
    unsigned b[MAC_LEN];
    int end = 0;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", b, b + 1, b + 2, b + 3, b + 4, b + 5,
               &end) != MAC_LEN ||
        text[end])
        return -EINVAL;
    for (size_t i = 0; i < MAC_LEN; i++)
        ret[i] = (unsigned char)b[i];
    return 0;
}

static void random_name(char ret[IFNAMSIZ])
{
    unsigned char b[5] = {0};
    (void)!getrandom(b, sizeof(b), 0);
    snprintf(ret, IFNAMSIZ, "mtdv%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4]);
}

static void put_pair(struct netlink_request *r, const struct mtd_net *n,
                     const unsigned char *mac, int ns_fd)
{
    struct ifinfomsg peer = {0};
    size_t info = netlink_nest(r, IFLA_LINKINFO);
    netlink_put_text(r, IFLA_INFO_KIND, "veth");
    size_t data = netlink_nest(r, IFLA_INFO_DATA);
    size_t far = netlink_nest(r, VETH_INFO_PEER);
    /* The peer's fixed header stands in front of its attributes, without one of its own. */
    if (!r->full && r->len + sizeof(peer) <= sizeof(r->data)) {
        memcpy(r->data + r->len, &peer, sizeof(peer));
        r->len += sizeof(peer);
    }
    netlink_put_text(r, IFLA_IFNAME, "eth%d");
    netlink_put(r, IFLA_ADDRESS, mac, MAC_LEN);
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
    if (n->isolated)
        netlink_put_u8(r, IFLA_BRPORT_ISOLATED, 1);
    netlink_nest_end(r, data);
    netlink_nest_end(r, info);
}

int net_link_make(struct netlink *route, const struct mtd_net *n, unsigned bridge,
                  const struct mtd_endpoint *e, int ns_fd, struct mtd_error *err)
{
    struct netlink_request r;
    struct ifinfomsg near = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    char name[IFNAMSIZ];
    unsigned char hw[MAC_LEN];
    if (parse_mac(e->mac, hw) < 0)
        return mtd_fail(err, EINVAL, "\"%.40s\" is not a hardware address", e->mac);
    random_name(name);
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &near, sizeof(near));
    netlink_put_text(&r, IFLA_IFNAME, name);
    netlink_put_u32(&r, IFLA_MASTER, bridge);
    if (n->mtu)
        netlink_put_u32(&r, IFLA_MTU, n->mtu);
    put_pair(&r, n, hw, ns_fd);
    put_port(&r, name, 0, n, e);
    int rc = netlink_send(route, &r, NULL);
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

int net_link_cut(struct netlink *route, unsigned bridge, const struct mtd_endpoint *e)
{
    unsigned index = find_near(route, bridge, e);
    return index && delete_link(route, index) == 0;
}

enum net_near net_link_near(struct netlink *route, unsigned bridge,
                            const struct mtd_endpoint *e)
{
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
    return netlink_send(route, &r, NULL);
}

/* ---- inside ---- */

int net_open_inside(int ns_fd, int protocol, struct netlink *ret)
{
    auto_fd int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(ns_fd, CLONE_NEWNET) < 0)
        return -errno;
    int rc = netlink_open(ret, protocol);
    if (setns(own, CLONE_NEWNET) < 0) /* it would go on in the container's */
        _exit(125);
    return rc;
}

static int find_mac(struct netlink *inside, const char *text, unsigned *ret)
{
    struct netlink_request r;
    struct ifinfomsg any = {0};
    unsigned char mac[MAC_LEN];
    struct link l = {.mac = mac};
    int rc = parse_mac(text, mac);
    for (int i = 0; rc == 0 && i < 10; i++) {
        netlink_request_init(&r);
        netlink_message(&r, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
        rc = netlink_ask(inside, &r, note_link, &l);
        if (rc != -EINTR)
            break;
        rc = 0;
    }
    *ret = l.index;
    return rc == 0 && l.index == 0 ? -ENODEV : rc;
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
    int rc = find_mac(inside, e->mac, &index);
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
        put_address(r, index, &a, prefix);
}

int net_link_set_up(struct netlink *inside, const struct mtd_endpoint *e, bool way_out,
                    struct mtd_error *err)
{
    struct netlink_request r;
    struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    unsigned index;
    int rc = find_mac(inside, e->mac, &index);
    if (rc == 0) {
        up.ifi_index = (int)index;
        netlink_request_init(&r);
        put_own_address(&r, index, e->address, e->prefix);
        put_own_address(&r, index, e->address6, e->prefix6);
        netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
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
    int rc = find_mac(inside, mac, &index);
    if (rc == -ENODEV)
        return 0;
    if (rc == 0)
        rc = delete_link(inside, index);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot remove the interface") : 0;
}
