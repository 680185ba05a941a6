/* The kernel decides at a flow's first packet where it leads, and UDP knows no end: a client that goes on
 * sending would reach the container that has gone, or none. So flows to a port are forgotten when the
 * port is published, and when it is not any more. */

#include "engine/net/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define TUPLE_MAX 256

struct flow {
    unsigned char family;
    size_t len;
    unsigned char tuple[TUPLE_MAX]; /* what is inside of CTA_TUPLE_ORIG, as it came */
};

struct flows {
    const struct mtd_port *ports;
    size_t n_ports;
    struct flow *items;
    size_t n;
};

static bool is_published(const struct flows *f, unsigned port)
{
    for (size_t i = 0; i < f->n_ports; i++)
        if (f->ports[i].udp && f->ports[i].host == port)
            return true;
    return false;
}

static int take_flow(const struct netlink_answer *a, void *arg)
{
    struct flows *f = arg;
    struct netlink_span s = a->body, tuple, proto, value;
    struct nfgenmsg h;
    uint16_t port = 0;
    netlink_take_header(&s, &h, sizeof(h));
    if (!netlink_find(s, CTA_TUPLE_ORIG, &tuple) || tuple.left > TUPLE_MAX ||
        !netlink_find(tuple, CTA_TUPLE_PROTO, &proto) ||
        !netlink_find(proto, CTA_PROTO_NUM, &value) || value.left != 1 ||
        *value.at != IPPROTO_UDP || !netlink_find(proto, CTA_PROTO_DST_PORT, &value) ||
        value.left != sizeof(port))
        return 0;
    memcpy(&port, value.at, sizeof(port));
    if (!is_published(f, ntohs(port)))
        return 0;
    struct flow *more = realloc(f->items, (f->n + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    f->items = more;
    more[f->n] = (struct flow){.family = h.nfgen_family, .len = tuple.left};
    memcpy(more[f->n++].tuple, tuple.at, tuple.left);
    return 0;
}

static void message(struct netlink_request *r, int type, int flags, unsigned char family)
{
    struct nfgenmsg h = {.nfgen_family = family, .version = NFNETLINK_V0};
    netlink_message(r, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), (uint16_t)flags, &h,
                    sizeof(h));
}

static void forget_flow(struct netlink *nf, const struct flow *f)
{
    struct netlink_request r;
    netlink_request_init(&r);
    message(&r, IPCTNL_MSG_CT_DELETE, 0, f->family);
    netlink_put(&r, CTA_TUPLE_ORIG | NLA_F_NESTED, f->tuple, f->len);
    (void)netlink_send(nf, &r, NULL);
}

void net_flows_forget(struct netlink *nf, const struct mtd_port *ports, size_t n)
{
    static const unsigned char FAMILIES[] = {AF_INET, AF_INET6};
    struct flows f = {.ports = ports, .n_ports = n};
    struct netlink_request r;
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= ports[i].udp;
    for (size_t i = 0; any && i < ARRAY_SIZE(FAMILIES); i++) {
        netlink_request_init(&r);
        message(&r, IPCTNL_MSG_CT_GET, NLM_F_DUMP, FAMILIES[i]);
        (void)netlink_ask(nf, &r, take_flow, &f);
    }
    for (size_t i = 0; i < f.n; i++)
        forget_flow(nf, &f.items[i]);
    free(f.items);
}
