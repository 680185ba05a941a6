/* A container's end in a network: its address, which is claimed in the network's book, and the names
 * that lead to it. */

#include "engine/net/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"

int net_copy_text(char **ret, const char *text)
{
    char *new = text ? strdup(text) : NULL;
    if (text && !new)
        return -ENOMEM;
    free(*ret);
    *ret = new;
    return 0;
}

static struct mtd_endpoint *add_endpoint(struct mtd_status *st)
{
    struct mtd_endpoint *more =
        realloc(st->endpoints, (st->n_endpoints + 1) * sizeof(*more));
    if (!more)
        return NULL;
    st->endpoints = more;
    more[st->n_endpoints] = (struct mtd_endpoint){0};
    return &more[st->n_endpoints++];
}

static struct mtd_endpoint *find_endpoint(struct mtd_status *st, const char *network)
{
    for (size_t i = 0; i < st->n_endpoints; i++)
        if (strcmp(st->endpoints[i].network, network) == 0)
            return &st->endpoints[i];
    return NULL;
}

/* docker's: its name, its aliases, its short id and its host name. */
static int name_endpoint(const struct mtd_record *r, const struct mtd_join *j,
                         struct strv *ret)
{
    char short_id[MTD_SHORT_ID_LEN + 1];
    snprintf(short_id, sizeof(short_id), "%s", r->id);
    const char *own[] = {r->name, short_id, r->spec.hostname};
    strv_done(ret);
    int rc = strv_add(ret, own[0]);
    for (size_t i = 0; i < j->aliases.len && rc == 0; i++)
        if (!strv_contains(ret, j->aliases.items[i]))
            rc = strv_add(ret, j->aliases.items[i]);
    for (size_t i = 1; i < ARRAY_SIZE(own) && rc == 0; i++)
        if (own[i] && !strv_contains(ret, own[i]))
            rc = strv_add(ret, own[i]);
    return rc;
}

static int fail_address(struct store *s, const struct mtd_net *n, const char *address,
                        const char *owner, int rc, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    if (rc == -ENOSPC)
        return mtd_fail(err, ENOSPC, "network %.80s has no free address in %.60s",
                        n->name, n->range ? n->range : n->subnet);
    if (rc != -EADDRINUSE)
        return mtd_fail_errno(err, -rc, "cannot take an address of network %.80s",
                              n->name);
    bool known = store_load(s, owner, &r, NULL) == 0;
    return mtd_fail(err, EADDRINUSE, "address %.60s is in use by container %.80s",
                    address ? address : "", known ? r.name : owner);
}

static int parse_wanted(const struct mtd_net *n, const char *text, const char *subnet,
                        const char *gateway, struct net_address *ret,
                        struct mtd_error *err)
{
    struct net_subnet s;
    char plain[NET_TEXT];
    if (!subnet)
        return mtd_fail(err, EINVAL, "network %.80s has no IPv6, so no address %.60s",
                        n->name, text);
    if (net_address_parse(text, ret) < 0 || net_subnet_parse(subnet, &s) < 0 ||
        !net_subnet_has(&s, ret))
        return mtd_fail(err, EINVAL,
                        "address %.60s is not in %.60s, the subnet of network %.80s",
                        text, subnet, n->name);
    net_address_text(ret, plain); /* an address of IPv6 has many spellings */
    if (gateway && strcmp(gateway, plain) == 0)
        return mtd_fail(err, EADDRINUSE, "address %.60s is the gateway of network %.80s",
                        text, n->name);
    bool last = s.base.len == 4 && net_subnet_index(&s, ret) + 1 == net_subnet_size(&s);
    if (last || memcmp(ret->bytes, s.base.bytes, s.base.len) == 0)
        return mtd_fail(err, EINVAL, "address %.60s of network %.80s is no host's", text,
                        n->name);
    return 0;
}

/* One family's address. had: of an earlier run in the same life. */
static int take_address(struct store *s, const struct mtd_record *r, int book,
                        const struct mtd_net *n, bool six, const char *asked, char **had,
                        unsigned *ret_prefix, struct mtd_error *err)
{
    const char *subnet = six ? n->subnet6 : n->subnet;
    const char *gateway = six ? n->gateway6 : n->gateway;
    const char *range = !six && n->range ? n->range : subnet;
    char owner[MTD_ID_SIZE] = "", text[NET_TEXT];
    struct net_address wanted, way, got;
    struct net_subnet whole, part;
    const char *want = asked ? asked : *had;
    int rc = want ? parse_wanted(n, want, subnet, gateway, &wanted, err) : 0;
    if (rc < 0)
        return rc;
    if (net_subnet_parse(subnet, &whole) < 0 || net_subnet_parse(range, &part) < 0 ||
        net_address_parse(gateway, &way) < 0)
        return mtd_fail(err, EINVAL, "the record of network %.80s is broken", n->name);
    rc = net_book_take(s, book, &whole, &part, &way, want ? &wanted : NULL, r->id,
                       r->name, &got, owner);
    if (rc < 0)
        return fail_address(s, n, want, owner, rc, err);
    net_address_text(&got, text);
    *ret_prefix = whole.prefix;
    return net_copy_text(had, text) < 0 ? mtd_fail(err, ENOMEM, "out of memory") : 0;
}

/* Of the address: a neighbour that remembers the address has the right hardware address. */
static int give_mac(struct mtd_endpoint *e, const struct mtd_join *j,
                    const struct mtd_net *n)
{
    const struct net_driver *d = net_driver_of(n);
    struct net_address a = {0};
    char text[NET_MAC_TEXT];
    if (d->mac && d->mac(n, text))
        return net_copy_text(&e->mac, text);
    (void)net_address_parse(e->address, &a);
    snprintf(text, sizeof(text), "02:42:%02x:%02x:%02x:%02x", a.bytes[0], a.bytes[1],
             a.bytes[2], a.bytes[3]);
    return net_copy_text(&e->mac, j->mac ? j->mac : text);
}

static int copy_details(struct mtd_endpoint *e, const struct mtd_join *j,
                        const struct mtd_net *n)
{
    e->direct = !net_driver_of(n)->routed;
    e->gw_priority = j->gw_priority;
    strv_done(&e->link_locals);
    int rc = strv_copy(&e->link_locals, &j->link_locals);
    return rc < 0 ? rc : net_copy_text(&e->ifname, j->ifname);
}

/* had: it has had the address before, and maybe other names. */
static int name_address(int book, const struct mtd_record *r, const struct strv *names,
                        const char *address, bool had)
{
    int rc = had ? net_book_name(book, address, r->id, r->name) : 0;
    if (had)
        net_names_drop_address(book, address);
    for (size_t i = 0; i < names->len && rc == 0; i++)
        rc = net_name_add(book, names->items[i], address);
    return rc;
}

/* An address that is no longer the container's has no name of it: it has ended meanwhile. */
static int add_names(int book, const struct mtd_record *r, const struct mtd_endpoint *e,
                     bool had)
{
    const char *addresses[] = {e->address, e->address6};
    int rc = net_book_lock(book);
    if (rc < 0)
        return rc;
    for (size_t a = 0; a < ARRAY_SIZE(addresses) && rc == 0; a++)
        if (addresses[a] && net_book_has(book, addresses[a], r->id))
            rc = name_address(book, r, &e->names, addresses[a], had);
    net_book_unlock(book);
    return rc;
}

static int fill(struct store *s, struct mtd_record *r, const struct mtd_join *j,
                const struct mtd_net *n, struct mtd_endpoint *e, struct mtd_error *err)
{
    auto_fd int book = net_book_open(s, n->name, true);
    if (book < 0)
        return mtd_fail_errno(err, -book, "cannot open the addresses of network %.80s",
                              n->name);
    int rc = take_address(s, r, book, n, false, j->address, &e->address, &e->prefix, err);
    if (rc == 0 && (n->subnet6 || j->address6))
        rc = take_address(s, r, book, n, true, j->address6, &e->address6, &e->prefix6,
                          err);
    if (rc < 0)
        return rc;
    (void)fault_point("network.address");
    rc = name_endpoint(r, j, &e->names);
    if (rc == 0)
        rc = give_mac(e, j, n);
    if (rc == 0)
        rc = copy_details(e, j, n);
    if (rc == 0 && !n->internal)
        rc = net_copy_text(&e->gateway, n->gateway);
    if (rc == 0 && !n->internal)
        rc = net_copy_text(&e->gateway6, n->gateway6);
    if (rc == 0)
        rc = add_names(book, r, e, false);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot join network %.80s", n->name) : 0;
}

int net_endpoint_fill(struct store *s, struct mtd_record *r, const struct mtd_join *j,
                      const struct mtd_net *n, struct mtd_error *err)
{
    struct mtd_endpoint *e = find_endpoint(&r->status, n->name);
    if (!e)
        e = add_endpoint(&r->status);
    if (!e || net_copy_text(&e->network, n->name) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return fill(s, r, j, n, e, err);
}

int net_check_join(struct store *s, const struct mtd_join *j, struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    struct net_address a;
    int rc = net_load(s, j->network, &n, err);
    if (rc == 0 && j->address)
        rc = parse_wanted(&n, j->address, n.subnet, n.gateway, &a, err);
    if (rc == 0 && j->address6)
        rc = parse_wanted(&n, j->address6, n.subnet6, n.gateway6, &a, err);
    return rc;
}

void net_endpoint_restore(struct store *s, const struct mtd_record *r,
                          const struct mtd_endpoint *e)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    struct net_subnet whole;
    struct net_address at, got;
    char owner[MTD_ID_SIZE];
    const char *addresses[] = {e->address, e->address6};
    auto_fd int book = net_book_open(s, e->network, true);
    if (book < 0 || net_load(s, e->network, &n, NULL) < 0)
        return;
    const char *subnets[] = {n.subnet, n.subnet6};
    for (size_t a = 0; a < ARRAY_SIZE(addresses); a++)
        if (addresses[a] && subnets[a] && net_address_parse(addresses[a], &at) == 0 &&
            net_subnet_parse(subnets[a], &whole) == 0)
            (void)net_book_take(s, book, &whole, &whole, &at, &at, r->id, r->name, &got,
                                owner);
    (void)fault_point("network.restore");
    (void)add_names(book, r, e, true);
}

void net_endpoint_give_back(struct store *s, const char *id, const struct mtd_endpoint *e)
{
    auto_fd int book = net_book_open(s, e->network, false);
    const char *addresses[] = {e->address, e->address6};
    if (book < 0 || net_book_lock(book) < 0)
        return;
    for (size_t a = 0; a < ARRAY_SIZE(addresses); a++) {
        if (!addresses[a] || !net_book_has(book, addresses[a], id))
            continue;
        for (size_t i = 0; i < e->names.len; i++)
            net_name_drop(book, e->names.items[i], addresses[a]);
        net_book_give(book, addresses[a], id);
    }
}
