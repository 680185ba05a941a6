/* macvlan: an interface of the container's own beside the host's, with its own address of hardware, on the
 * host's link. Nothing of it is in the host's namespace, so it is found inside, by its parent, which a
 * container cannot change. Without a parent the network has one that leads nowhere: an end of a
 * pair whose other end is up and has no address. */

#include "engine/net/driver.h"
#include "engine/net/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

static const struct {
    const char *word;
    uint32_t mode;
} MODES[] = {{"bridge", MACVLAN_MODE_BRIDGE},
             {"private", MACVLAN_MODE_PRIVATE},
             {"vepa", MACVLAN_MODE_VEPA},
             {"passthru", MACVLAN_MODE_PASSTHRU}};

static uint32_t mode_of(const struct mtd_net *n)
{
    for (size_t i = 0; n->mode && i < ARRAY_SIZE(MODES); i++)
        if (strcmp(MODES[i].word, n->mode) == 0)
            return MODES[i].mode;
    return 0;
}

/* ---- the parent ---- */

static int find_parent(struct netlink *route, const struct mtd_net *n, struct link *ret)
{
    unsigned char mac[LINK_MAC_LEN];
    struct link l = {.mac = n->owns_parent ? mac : NULL};
    net_bridge_mac(n, mac);
    int rc = link_find(route, n->parent, &l);
    *ret = l;
    return rc == 0 && !l.index ? -EEXIST : rc; /* of that name, but not ours */
}

static int fail_parent(const struct mtd_net *n, int rc, struct mtd_error *err)
{
    if (rc == -EEXIST)
        return mtd_fail(err, EEXIST, "interface %s of the host is not network %.80s's",
                        n->parent, n->name);
    if (rc != -ENODEV)
        return mtd_fail_errno(err, -rc, "cannot use interface %s as a parent", n->parent);
    return strchr(n->parent, '.')
               ? mtd_fail(
                     err, ENODEV,
                     "the host has no interface %s; a VLAN is made with: ip link add "
                     "link DEVICE name %s type vlan id N",
                     n->parent, n->parent)
               : mtd_fail(err, ENODEV, "the host has no interface %s (ip link)",
                          n->parent);
}

static int own_parent(struct mtd_net *n)
{
    n->internal = n->owns_parent = true;
    return asprintf(&n->parent, "mtd-%.8s", n->id) < 0 ? -ENOMEM : 0;
}

static int check_parent(struct netlink *route, const struct mtd_net *n,
                        struct mtd_error *err)
{
    struct link l;
    if (strcmp(n->parent, "lo") == 0)
        return mtd_fail(err, EINVAL,
                        "loopback interface is not a valid macvlan parent link");
    if (strlen(n->parent) >= IFNAMSIZ || !name_is_valid(n->parent))
        return mtd_fail(err, EINVAL, "\"%.60s\" is not a name of an interface",
                        n->parent);
    int rc = find_parent(route, n, &l);
    return rc < 0 ? fail_parent(n, rc, err) : 0;
}

int net_macvlan_name(const struct store *s, struct netlink *route, struct mtd_net *n,
                     const struct mtd_net_list *others, struct mtd_error *err)
{
    (void)s;
    if (!n->mode && !(n->mode = strdup(MODES[0].word)))
        return mtd_fail(err, ENOMEM, "out of memory");
    if (!mode_of(n))
        return mtd_fail(
            err, EINVAL,
            "requested macvlan mode '%.40s' is not valid, 'bridge' mode is the "
            "macvlan driver default",
            n->mode);
    for (size_t i = 0; n->parent && i < others->len; i++)
        if (others->items[i].parent && strcmp(others->items[i].parent, n->parent) == 0)
            return mtd_fail(err, EEXIST,
                            "network %.80s is already using parent interface %.60s",
                            others->items[i].name, n->parent);
    if (n->parent)
        return check_parent(route, n, err);
    return own_parent(n) < 0 ? mtd_fail(err, ENOMEM, "out of memory") : 0;
}

int net_macvlan_find(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                     struct mtd_error *err)
{
    struct link l = {0};
    int rc = find_parent(route, n, &l);
    *ret_index = rc < 0 ? 0 : l.index;
    return rc == -EEXIST ? fail_parent(n, rc, err) : 0;
}

/* A parent that is down is the host's business. */
bool net_macvlan_is_up(struct netlink *route, const struct mtd_net *n)
{
    struct link l = {0};
    return find_parent(route, n, &l) == 0 && (l.up || !n->owns_parent);
}

static void name_far_end(const struct mtd_net *n, char ret[IFNAMSIZ])
{
    snprintf(ret, IFNAMSIZ, "mtdp-%.8s", n->id);
}

static int new_parent(struct netlink *route, const struct mtd_net *n)
{
    struct netlink_request r;
    struct ifinfomsg down = {0};
    unsigned char mac[LINK_MAC_LEN];
    char far[IFNAMSIZ];
    name_far_end(n, far);
    net_bridge_mac(n, mac);
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &down, sizeof(down));
    netlink_put_text(&r, IFLA_IFNAME, n->parent);
    netlink_put(&r, IFLA_ADDRESS, mac, sizeof(mac));
    if (n->mtu)
        netlink_put_u32(&r, IFLA_MTU, n->mtu);
    size_t info = netlink_nest(&r, IFLA_LINKINFO);
    netlink_put_text(&r, IFLA_INFO_KIND, "veth");
    size_t data = netlink_nest(&r, IFLA_INFO_DATA);
    size_t peer = netlink_nest(&r, VETH_INFO_PEER);
    link_put_header(&r, &down);
    netlink_put_text(&r, IFLA_IFNAME, far);
    netlink_nest_end(&r, peer);
    netlink_nest_end(&r, data);
    netlink_nest_end(&r, info);
    int rc = netlink_send(route, &r, NULL);
    return rc == -EEXIST ? 0 : rc; /* another start was faster */
}

/* One that is up is complete. */
static int bring_up_both(struct netlink *route, const struct mtd_net *n, unsigned index)
{
    struct link far = {0};
    char name[IFNAMSIZ];
    name_far_end(n, name);
    int rc = link_find(route, name, &far);
    if (rc == 0)
        rc = link_bring_up(route, far.index);
    return rc < 0 ? rc : link_bring_up(route, index);
}

int net_macvlan_make(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                     struct mtd_error *err)
{
    struct link l = {0};
    int rc = find_parent(route, n, &l);
    if (rc == -ENODEV && n->owns_parent) {
        rc = new_parent(route, n);
        if (rc < 0 && net_missing(rc, NET_PART_VETH, err))
            return rc;
        if (rc == 0)
            rc = find_parent(route, n, &l);
    }
    if (rc == 0 && n->owns_parent && !l.up)
        rc = bring_up_both(route, n, l.index);
    if (rc < 0)
        return fail_parent(n, rc, err);
    *ret_index = l.index;
    return 0;
}

void net_macvlan_remove(struct netlink *route, const struct mtd_net *n)
{
    struct link l = {0};
    if (n->owns_parent && find_parent(route, n, &l) == 0)
        (void)link_delete(route, l.index);
}

/* ---- a container's interface ---- */

static int note_mac(const struct netlink_answer *a, void *arg)
{
    struct netlink_span s = a->body, mac;
    struct ifinfomsg info;
    netlink_take_header(&s, &info, sizeof(info));
    if (netlink_find(s, IFLA_ADDRESS, &mac) && mac.left == LINK_MAC_LEN)
        memcpy(arg, mac.at, LINK_MAC_LEN);
    return 0;
}

bool net_macvlan_mac(const struct mtd_net *n, char ret[NET_MAC_TEXT])
{
    auto_done(netlink_close) struct netlink route = NETLINK_NONE;
    struct netlink_request r;
    struct ifinfomsg any = {0};
    unsigned char m[LINK_MAC_LEN] = {0};
    if (mode_of(n) != MACVLAN_MODE_PASSTHRU || netlink_open(&route, NETLINK_ROUTE) < 0)
        return false;
    netlink_request_init(&r);
    netlink_message(&r, RTM_GETLINK, 0, &any, sizeof(any));
    netlink_put_text(&r, IFLA_IFNAME, n->parent);
    if (netlink_ask(&route, &r, note_mac, m) < 0)
        return false;
    snprintf(ret, NET_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
             m[4], m[5]);
    return true;
}

int net_macvlan_link(struct netlink *route, const struct mtd_net *n, unsigned index,
                     const struct mtd_endpoint *e, int ns_fd, unsigned *ret_near,
                     struct mtd_error *err)
{
    struct netlink_request r;
    struct ifinfomsg any = {0};
    unsigned char mac[LINK_MAC_LEN];
    *ret_near = 0;
    if (link_parse_mac(e->mac, mac) < 0)
        return mtd_fail(err, EINVAL, "\"%.40s\" is not a hardware address", e->mac);
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
    netlink_put_text(&r, IFLA_IFNAME, e->ifname ? e->ifname : "eth%d");
    netlink_put(&r, IFLA_ADDRESS, mac, sizeof(mac));
    netlink_put_u32(&r, IFLA_LINK, index);
    netlink_put_u32(&r, IFLA_NET_NS_FD, (uint32_t)ns_fd);
    if (n->mtu)
        netlink_put_u32(&r, IFLA_MTU, n->mtu);
    size_t info = netlink_nest(&r, IFLA_LINKINFO);
    netlink_put_text(&r, IFLA_INFO_KIND, "macvlan");
    size_t data = netlink_nest(&r, IFLA_INFO_DATA);
    netlink_put_u32(&r, IFLA_MACVLAN_MODE, mode_of(n));
    netlink_nest_end(&r, data);
    netlink_nest_end(&r, info);
    int rc = link_send_past_the_dying(route, &r, -EINVAL);
    if (rc < 0 && net_missing(rc, NET_PART_MACVLAN, err))
        return rc;
    if (rc == -EINVAL)
        return mtd_fail(
            err, EBUSY,
            "cannot make an interface on %s, the parent of network %.80s: one "
            "in mode passthru must be the only one there",
            n->parent, n->name);
    return rc < 0
               ? mtd_fail_errno(err, -rc,
                                "cannot make an interface on %s, the parent of network "
                                "%.80s",
                                n->parent, n->name)
               : 0;
}

/* What a container makes itself on an interface of its own has a parent of its namespace; on this one it
 * has the same parent, and goes with it. */
#define FOUND_MAX 16
struct search {
    unsigned parent;
    size_t n;
    unsigned found[FOUND_MAX];
};

static int note_child(const struct netlink_answer *a, void *arg)
{
    struct search *w = arg;
    struct netlink_span s = a->body, value;
    struct ifinfomsg info;
    netlink_take_header(&s, &info, sizeof(info));
    if (link_is_kind(s, "macvlan") && netlink_find(s, IFLA_LINK_NETNSID, &value) &&
        netlink_find(s, IFLA_LINK, &value) && netlink_u32(value) == w->parent &&
        w->n < FOUND_MAX)
        w->found[w->n++] = (unsigned)info.ifi_index;
    return 0;
}

static void find_children(struct netlink *inside, struct search *w)
{
    struct netlink_request r;
    struct ifinfomsg any = {0};
    int rc = -EINTR;
    for (int i = 0; i < 10 && rc == -EINTR; i++) {
        w->n = 0;
        netlink_request_init(&r);
        netlink_message(&r, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
        rc = netlink_ask(inside, &r, note_child, w);
    }
}

enum net_near net_macvlan_near(struct netlink *route, struct netlink *inside,
                               unsigned index, const struct mtd_endpoint *e)
{
    struct search w = {.parent = index};
    (void)route, (void)e;
    if (index)
        find_children(inside, &w);
    return w.n ? NET_NEAR_ATTACHED : NET_NEAR_GONE;
}

int net_macvlan_attach(struct netlink *route, const struct mtd_endpoint *e,
                       const struct mtd_net *n, unsigned index)
{
    (void)route, (void)e, (void)n, (void)index; /* it is never loose */
    return -ENODEV;
}

int net_macvlan_cut(struct netlink *route, struct netlink *inside, unsigned index,
                    const struct mtd_endpoint *e)
{
    struct search w = {.parent = index};
    bool all = true;
    (void)route, (void)e;
    find_children(inside, &w);
    for (size_t i = 0; i < w.n; i++)
        all &= link_delete(inside, w.found[i]) == 0;
    return w.n && all;
}
