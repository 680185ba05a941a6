/* The kernel decides at a flow's first packet where it leads, and UDP knows no end: a client that goes on
 * sending would reach the container that has gone, or none. So flows to a port are forgotten when the
 * port is published, and when it is not any more. The kernel has no index of them by port: it goes through
 * its whole table, which takes milliseconds also where that is empty, as it is one for all namespaces. */

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

struct search {
    const struct net_flows *wanted;
    bool strays;
    struct flow *items;
    size_t n;
};

static bool is_address(struct netlink_span tuple, bool source, const char *text)
{
    struct netlink_span ip, value;
    struct net_address a;
    int four = source ? CTA_IP_V4_SRC : CTA_IP_V4_DST;
    int six = source ? CTA_IP_V6_SRC : CTA_IP_V6_DST;
    return text && net_address_parse(text, &a) == 0 &&
           netlink_find(tuple, CTA_TUPLE_IP, &ip) &&
           netlink_find(ip, (uint16_t)(a.len == 4 ? four : six), &value) &&
           value.left == a.len && memcmp(value.at, a.bytes, a.len) == 0;
}

static bool is_any(const char *address)
{
    return !address || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static bool is_to_port(const struct net_flows *f, struct netlink_span tuple)
{
    struct netlink_span proto, value;
    uint16_t port = 0;
    if (!netlink_find(tuple, CTA_TUPLE_PROTO, &proto) ||
        !netlink_find(proto, CTA_PROTO_NUM, &value) || value.left != 1 ||
        *value.at != IPPROTO_UDP || !netlink_find(proto, CTA_PROTO_DST_PORT, &value) ||
        value.left != sizeof(port))
        return false;
    memcpy(&port, value.at, sizeof(port));
    for (size_t i = 0; i < f->n; i++)
        if (f->ports[i].host == ntohs(port) &&
            (is_any(f->ports[i].address) ||
             is_address(tuple, false, f->ports[i].address)))
            return true;
    return false;
}

/* What answers comes from there. */
static bool leads_there(const struct net_flows *f, struct netlink_span flow)
{
    struct netlink_span reply;
    return netlink_find(flow, CTA_TUPLE_REPLY, &reply) &&
           (is_address(reply, true, f->address) || is_address(reply, true, f->address6));
}

static int take_flow(const struct netlink_answer *a, void *arg)
{
    struct search *f = arg;
    struct netlink_span s = a->body, tuple;
    struct nfgenmsg h;
    netlink_take_header(&s, &h, sizeof(h));
    if (!netlink_find(s, CTA_TUPLE_ORIG, &tuple) || tuple.left > TUPLE_MAX ||
        !is_to_port(f->wanted, tuple) || leads_there(f->wanted, s) == f->strays)
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

/* Both families in one walk. */
static void forget(struct netlink *nf, const struct net_flows *wanted, bool strays)
{
    struct search f = {.wanted = wanted, .strays = strays};
    struct netlink_request r;
    netlink_request_init(&r);
    message(&r, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
    (void)netlink_ask(nf, &r, take_flow, &f);
    for (size_t i = 0; i < f.n; i++)
        forget_flow(nf, &f.items[i]);
    free(f.items);
}

static int add_port(struct net_flows *f, const struct mtd_port *p)
{
    struct mtd_port *more = realloc(f->ports, (f->n + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    f->ports = more;
    more[f->n] = (struct mtd_port){.host = p->host, .udp = true};
    return net_copy_text(&more[f->n++].address, p->address);
}

static void note(struct net_flows *f, const struct mtd_endpoint *e,
                 const struct mtd_port *ports, size_t n)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        if (ports[i].udp)
            rc = add_port(f, &ports[i]);
    if (rc == 0 && f->n)
        rc = net_copy_text(&f->address, e->address);
    if (rc == 0 && f->n)
        rc = net_copy_text(&f->address6, e->address6);
    if (rc < 0)
        net_flows_done(f);
}

void net_flows_done(struct net_flows *f)
{
    mtd_ports_done(&f->ports, &f->n);
    free(f->address);
    free(f->address6);
    *f = (struct net_flows){0};
}

void net_flows_note(struct net_flows *f, const struct mtd_status *st)
{
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    net_flows_done(f);
    if (e)
        note(f, e, st->ports, st->n_ports);
}

void net_flows_forget(struct net_flows *f, bool strays)
{
    auto_done(netlink_close) struct netlink own = NETLINK_NONE;
    struct netlink *nf = NULL;
    if (f->n && !strays)
        nf = net_kept_nf();
    else if (f->n && netlink_open(&own, NETLINK_NETFILTER) == 0)
        nf = &own;
    if (nf)
        forget(nf, f, strays);
    net_flows_done(f);
}

void net_flows_drop(struct netlink *nf, const struct mtd_endpoint *e,
                    const struct mtd_port *ports, size_t n, bool strays)
{
    auto_done(net_flows_done) struct net_flows f = {0};
    note(&f, e, ports, n);
    if (f.n)
        forget(nf, &f, strays);
}
