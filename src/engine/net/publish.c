/* Which ports a container publishes, and who is in the way. */

#include "engine/net/internal.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/parse.h"

char *net_port_text(const struct mtd_port *p, char ret[NET_PORT_TEXT])
{
    bool six = p->address && strchr(p->address, ':');
    char last[8] = "";
    if (p->host_last)
        snprintf(last, sizeof(last), "-%u", p->host_last);
    snprintf(ret, NET_PORT_TEXT, "%s%.45s%s%s%u%s/%s", six ? "[" : "",
             p->address ? p->address : "", six ? "]" : "", p->address ? ":" : "", p->host,
             last, p->udp ? "udp" : "tcp");
    return ret;
}

int net_check_ports(const struct mtd_port *ports, size_t n, struct mtd_error *err)
{
    char text[NET_PORT_TEXT];
    for (size_t i = 0; i < n; i++)
        if (ports[i].udp && net_port_is_loopback6(&ports[i]))
            return mtd_fail(
                err, EADDRNOTAVAIL,
                "port %s cannot be published: datagrams of ::1 do not leave the "
                "host; use 127.0.0.1 or an address of an interface",
                net_port_text(&ports[i], text));
    return 0;
}

static bool is_published(const struct mtd_status *st, const struct mtd_port *p)
{
    for (size_t i = 0; i < st->n_ports; i++)
        if (st->ports[i].target == p->target && st->ports[i].udp == p->udp)
            return true;
    return false;
}

/* "80/tcp" */
static int add_exposed(struct mtd_status *st, const char *text)
{
    char number[8];
    uint64_t port;
    size_t len = strcspn(text, "/");
    struct mtd_port p = {.udp = strcmp(text + len, "/udp") == 0};
    if (len >= sizeof(number))
        return 0;
    snprintf(number, sizeof(number), "%.*s", (int)len, text);
    if (parse_u64(number, UINT16_MAX, &port) < 0 || port == 0)
        return 0;
    p.target = (unsigned)port;
    return is_published(st, &p) ? 0 : mtd_ports_add(&p, &st->ports, &st->n_ports);
}

static int list_ports(struct mtd_record *r)
{
    struct mtd_status *st = &r->status;
    int rc = 0;
    mtd_ports_done(&st->ports, &st->n_ports);
    for (size_t i = 0; i < r->spec.n_ports && rc == 0; i++)
        rc = mtd_ports_add(&r->spec.ports[i], &st->ports, &st->n_ports);
    for (size_t i = 0; r->spec.publish_all && i < r->spec.exposed.len && rc == 0; i++)
        rc = add_exposed(st, r->spec.exposed.items[i]);
    return rc;
}

/* ---- who has it ---- */

static int fail_taken(struct store *s, struct netlink *nf, const struct mtd_port *p,
                      struct mtd_error *err)
{
    char root[NET_ROOT_SIZE], process[64], text[NET_PORT_TEXT];
    struct net_owner o;
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    net_port_text(p, text);
    net_root_of(s, root);
    bool taken = net_ports_owner(nf, p, &o) == 0;
    if (taken && strcmp(o.root, root) != 0)
        return mtd_fail(
            err, EADDRINUSE,
            "port %s is already published by container %.12s of another state "
            "root; choose another one, or stop that container (if the root is "
            "gone: network reload)",
            text, o.id);
    if (taken)
        return mtd_fail(err, EADDRINUSE,
                        "port %s is already published by container %.80s; choose another "
                        "one, or stop that container",
                        text, store_load(s, o.id, &r, NULL) == 0 ? r.name : o.id);
    net_port_process(p, process, sizeof(process));
    return mtd_fail(err, EADDRINUSE,
                    "port %s of the host is already in use%s%s; choose another one", text,
                    *process ? " by " : "", process);
}

static int fail_hold(struct store *s, struct netlink *nf, const struct mtd_port *p,
                     int rc, struct mtd_error *err)
{
    char text[NET_PORT_TEXT];
    if (rc == -EADDRINUSE && p->host_last)
        return mtd_fail(err, EADDRINUSE, "all ports of %s are in use; choose other ones",
                        net_port_text(p, text));
    if (rc == -EADDRINUSE)
        return fail_taken(s, nf, p, err);
    if (rc == -EADDRNOTAVAIL)
        return mtd_fail(err, EADDRNOTAVAIL,
                        "port %s cannot be published: the host has no such address",
                        net_port_text(p, text));
    return mtd_fail_errno(err, -rc, "port %s cannot be published",
                          net_port_text(p, text));
}

/* ---- elements ---- */

/* Datagrams are led on by rules alone, which do not change families. */
static int check_family(const struct mtd_port *p, const struct mtd_endpoint *e,
                        struct mtd_error *err)
{
    char text[NET_PORT_TEXT];
    if (!p->udp || !p->address || !strchr(p->address, ':') || e->address6)
        return 0;
    return mtd_fail(err, EAFNOSUPPORT,
                    "port %s cannot be published: network %.80s has no IPv6",
                    net_port_text(p, text), e->network);
}

static int hold_all(struct store *s, struct netlink *nf, struct mtd_record *r,
                    struct net_held *h, struct mtd_error *err)
{
    struct mtd_status *st = &r->status;
    for (size_t i = 0; i < st->n_ports; i++) {
        const struct mtd_endpoint *e = mtd_port_endpoint(st);
        int rc = check_family(&st->ports[i], e, err);
        if (rc < 0)
            return rc;
        rc = net_port_take(s, nf, &st->ports[i], e, h);
        if (rc < 0)
            return fail_hold(s, nf, &st->ports[i], rc, err);
    }
    return 0;
}

/* The port is bound to, so an element that is there is of a container that lost its monitor, or
 * of nobody any more. */
static int add_elements(struct store *s, struct netlink *nf, const char *id,
                        const struct mtd_endpoint *e, const struct mtd_port *ports,
                        size_t n, struct mtd_error *err)
{
    char text[NET_PORT_TEXT];
    struct net_owner own, owner;
    size_t at = 0;
    net_owner_init(s, id, &own);
    int rc = net_ports_add(nf, &own, e, ports, n, &at);
    for (size_t i = 0; i < n && rc == -EEXIST; i++) {
        if (net_ports_owner(nf, &ports[at], &owner) == 0 && strcmp(owner.id, id) != 0 &&
            net_owner_is_live(s, &owner))
            return fail_taken(s, nf, &ports[at], err);
        net_ports_forget(nf, owner.id);
        rc = net_ports_add(nf, &own, e, ports, n, &at);
    }
    if (rc == -EEXIST)
        return mtd_fail(err, EADDRINUSE, "port %s is given more than once",
                        net_port_text(&ports[at], text));
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot publish ports") : 0;
}

int net_claim_ports(struct store *s, struct netlink *nf, struct mtd_record *r,
                    struct net_held *held, struct mtd_error *err)
{
    struct mtd_status *st = &r->status;
    if (list_ports(r) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    if (!e) /* it is reached at its own addresses, or not at all */
        mtd_ports_done(&st->ports, &st->n_ports);
    if (!st->n_ports)
        return 0;
    int rc = hold_all(s, nf, r, held, err);
    (void)fault_point("network.ports");
    if (rc == 0)
        rc = add_elements(s, nf, r->id, e, st->ports, st->n_ports, err);
    if (rc <
        0) { /* none of them is ours, but those of the run before may still be there */
        net_ports_forget(nf, r->id);
        mtd_ports_done(&st->ports, &st->n_ports);
    }
    return rc;
}

int net_check_port(struct store *s, const struct mtd_port *p, struct mtd_error *err)
{
    auto_done(netlink_close) struct netlink nf = NETLINK_NONE;
    if (!p->host)
        return 0;
    bool asked = netlink_open(&nf, NETLINK_NETFILTER) == 0;
    int rc = net_port_try(s, asked ? &nf : NULL, p);
    return rc < 0 ? fail_hold(s, &nf, p, rc, err) : 0;
}

/* ---- of a live container ---- */

/* One that its monitor holds, and will go on to hold. */
static bool is_held(const struct mtd_port *p, const struct mtd_port *had, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p->host && had[i].host == p->host && had[i].udp == p->udp)
            return true;
    return false;
}

int net_publish(struct store *s, struct mtd_record *r, const struct mtd_port *ports,
                size_t n, const struct mtd_port *had, size_t n_had, struct net_held *held,
                struct mtd_error *err)
{
    auto_done(netlink_close) struct netlink nf = NETLINK_NONE;
    struct mtd_status *st = &r->status;
    size_t first = st->n_ports;
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    if (!e)
        return mtd_fail(err, EINVAL,
                        "container %.80s is on no network that ports could "
                        "be published of",
                        r->name);
    int rc = net_check_here(r, err);
    if (rc == 0)
        rc = netlink_open(&nf, NETLINK_NETFILTER);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = mtd_ports_add(&ports[i], &st->ports, &st->n_ports);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot publish ports");
    for (size_t i = first; i < st->n_ports; i++) {
        rc = check_family(&st->ports[i], e, err);
        if (rc < 0)
            return rc;
        rc = net_port_take(s, &nf, &st->ports[i], e, held);
        if (rc < 0 && !(rc == -EADDRINUSE && is_held(&st->ports[i], had, n_had) &&
                        net_ports_owner(&nf, &st->ports[i], &(struct net_owner){0}) < 0))
            return fail_hold(s, &nf, &st->ports[i], rc, err);
    }
    (void)fault_point("publish.held");
    rc = add_elements(s, &nf, r->id, e, st->ports + first, n, err);
    if (rc == 0)
        net_flows_drop(&nf, e, st->ports + first, n, true);
    return rc;
}

int net_move_ports(struct store *s, struct netlink *nf, struct mtd_record *r, size_t from,
                   size_t to, struct mtd_error *err)
{
    struct mtd_status *st = &r->status;
    struct net_owner own;
    size_t at;
    net_owner_init(s, r->id, &own);
    (void)net_ports_remove(nf, &st->endpoints[from], st->ports, st->n_ports);
    net_flows_drop(nf, &st->endpoints[from], st->ports, st->n_ports, false);
    if (to >= st->n_endpoints)
        return 0;
    int rc = net_ports_add(nf, &own, &st->endpoints[to], st->ports, st->n_ports, &at);
    if (rc == 0) {
        net_flows_drop(nf, &st->endpoints[to], st->ports, st->n_ports, true);
        return 0;
    }
    (void)net_ports_add(nf, &own, &st->endpoints[from], st->ports, st->n_ports, &at);
    return mtd_fail_errno(err, -rc,
                          "cannot publish the ports of container %.80s on %.80s", r->name,
                          st->endpoints[to].network);
}

/* A port of all addresses is listed under the first of each family, and named so. */
static bool has_address(const struct mtd_port *a, const char *address)
{
    if (!a->address)
        return !address || strcmp(address, "0.0.0.0") == 0;
    return !address || strcmp(a->address, address) == 0;
}

bool net_port_matches(const struct mtd_port *a, const struct mtd_port *b)
{
    unsigned last = b->host_last ? b->host_last : b->host;
    return has_address(a, b->address) &&
           (!b->host || (a->host >= b->host && a->host <= last)) && a->udp == b->udp &&
           (!b->target || a->target == b->target);
}

static int unpublish_one(struct mtd_record *r, struct netlink *nf, size_t i)
{
    struct mtd_status *st = &r->status;
    struct mtd_port gone = st->ports[i];
    int rc = net_ports_remove(nf, mtd_port_endpoint(st), &gone, 1);
    if (rc < 0)
        return rc;
    net_flows_drop(nf, mtd_port_endpoint(st), &gone, 1, false);
    free(gone.address);
    memmove(st->ports + i, st->ports + i + 1, (--st->n_ports - i) * sizeof(gone));
    return 0;
}

int net_unpublish(struct mtd_record *r, const struct mtd_port *ports, size_t n,
                  struct mtd_error *err)
{
    auto_done(netlink_close) struct netlink nf = NETLINK_NONE;
    char text[NET_PORT_TEXT];
    int rc = net_check_here(r, err);
    if (rc == 0)
        rc = netlink_open(&nf, NETLINK_NETFILTER);
    for (size_t k = 0; k < n && rc == 0; k++) {
        size_t found = 0;
        for (size_t i = r->status.n_ports; rc == 0 && i-- > 0;)
            if (net_port_matches(&r->status.ports[i], &ports[k])) {
                rc = unpublish_one(r, &nf, i);
                found++;
            }
        if (rc == 0 && !found)
            return mtd_fail(err, ENOENT, "container %.80s does not publish port %s",
                            r->name, net_port_text(&ports[k], text));
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot end publishing") : 0;
}
