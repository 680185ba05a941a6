/* What the host can reach already: a subnet of ours must not hide it. */

#include "engine/net/internal.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct search {
    const struct net_subnet *wanted;
    unsigned but;
    int found;
};

static int compare(const struct netlink_answer *a, void *arg)
{
    struct search *s = arg;
    struct netlink_span at = a->body, value, out;
    struct net_subnet route = {0};
    struct rtmsg r;
    netlink_take_header(&at, &r, sizeof(r));
    unsigned len = r.rtm_family == AF_INET ? 4 : 16;
    if (r.rtm_dst_len == 0 || r.rtm_type == RTN_MULTICAST || r.rtm_dst_len > 8 * len ||
        !netlink_find(at, RTA_DST, &value) || value.left != len)
        return 0; /* the default route hides nothing */
    if (s->but && netlink_find(at, RTA_OIF, &out) && netlink_u32(out) == s->but)
        return 0;
    route.base.len = (unsigned char)len;
    route.prefix = r.rtm_dst_len;
    memcpy(route.base.bytes, value.at, len);
    s->found |= net_subnets_overlap(s->wanted, &route);
    return 0;
}

int net_is_routed(struct netlink *route, const struct net_subnet *s, unsigned but)
{
    struct netlink_request r;
    struct search search = {.wanted = s, .but = but};
    struct rtmsg all = {.rtm_family = s->base.len == 4 ? AF_INET : AF_INET6};
    int rc = -EINTR;
    for (int i = 0; i < 10 && rc == -EINTR; i++) {
        netlink_request_init(&r);
        netlink_message(&r, RTM_GETROUTE, NLM_F_DUMP, &all, sizeof(all));
        rc = netlink_ask(route, &r, compare, &search);
    }
    return rc < 0 ? rc : search.found;
}
