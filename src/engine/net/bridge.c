/* A network's bridge: made when it is first needed, with the network's gateways as its addresses. */

#include "engine/net/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/parse.h"

/* Its own, or it would have that of whichever port has the lowest. */
void net_bridge_mac(const struct mtd_net *n, unsigned char ret[LINK_MAC_LEN])
{
    unsigned b[4] = {0};
    (void)sscanf(n->id, "%2x%2x%2x%2x", b, b + 1, b + 2, b + 3);
    const unsigned char mac[LINK_MAC_LEN] = {0x02,
                                             0x42,
                                             (unsigned char)b[0],
                                             (unsigned char)b[1],
                                             (unsigned char)b[2],
                                             (unsigned char)b[3]};
    memcpy(ret, mac, LINK_MAC_LEN);
}

/* -EEXIST = an interface of that name is not the network's: another kind, or of other hardware. */
static int find_bridge(struct netlink *route, const struct mtd_net *n, struct link *ret)
{
    unsigned char mac[LINK_MAC_LEN];
    struct link l = {.mac = mac};
    net_bridge_mac(n, mac);
    int rc = link_find(route, n->bridge, &l);
    if (rc == 0 && !l.bridge)
        return -EEXIST;
    *ret = l;
    return rc;
}

static int new_bridge(struct netlink *route, const struct mtd_net *n)
{
    struct netlink_request r;
    struct ifinfomsg down = {0};
    unsigned char mac[LINK_MAC_LEN];
    net_bridge_mac(n, mac);
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &down, sizeof(down));
    netlink_put_text(&r, IFLA_IFNAME, n->bridge);
    netlink_put(&r, IFLA_ADDRESS, mac, sizeof(mac));
    if (n->mtu)
        netlink_put_u32(&r, IFLA_MTU, n->mtu);
    link_put_kind(&r, "bridge");
    int rc = netlink_send(route, &r, NULL);
    return rc == -EEXIST ? 0 : rc; /* another start was faster */
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
    link_put_address(r, index, &a, s.prefix);
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
        rc = link_bring_up(route, l.index);
    if (rc < 0)
        return fail_bridge(n, rc, err);
    *ret_index = l.index;
    return 0;
}

void net_bridge_delete(struct netlink *route, const struct mtd_net *n)
{
    unsigned index;
    if (net_bridge_find(route, n, &index, NULL) == 0 && index)
        (void)link_delete(route, index);
}

#define STANDARD_ROOT "/var/lib/mytop-docker"
#define STANDARD_BRIDGE "mtd0"

int net_bridge_name(const struct store *s, struct netlink *route, struct mtd_net *n,
                    const struct mtd_net_list *others, struct mtd_error *err)
{
    (void)route;
    for (size_t i = 0; n->bridge && i < others->len; i++)
        if (others->items[i].bridge && strcmp(others->items[i].bridge, n->bridge) == 0)
            return mtd_fail(err, EEXIST, "interface %.60s is network %.80s's already",
                            n->bridge, others->items[i].name);
    bool standard =
        strcmp(n->name, MTD_NET_DEFAULT) == 0 && strcmp(s->root, STANDARD_ROOT) == 0;
    if (n->bridge && (strlen(n->bridge) >= IFNAMSIZ || !name_is_valid(n->bridge)))
        return mtd_fail(err, EINVAL, "\"%.60s\" is not a name of an interface",
                        n->bridge);
    if (!n->bridge && (standard ? asprintf(&n->bridge, STANDARD_BRIDGE)
                                : asprintf(&n->bridge, "mtd-%.8s", n->id)) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}
