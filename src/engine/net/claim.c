/* A container's share of the host's network. Addresses and ports come before the clone, so that
 * what is taken is said early and nothing has to be undone but files and elements; interfaces come
 * after it, while init mounts. What a killed process leaves is found by the container's id. */

#include "engine/net/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"

struct kernel {
    struct netlink route, nf;
};
#define KERNEL_NONE                               \
    {                                             \
        .route = NETLINK_NONE, .nf = NETLINK_NONE \
    }

static void kernel_done(struct kernel *k)
{
    netlink_close(&k->route);
    netlink_close(&k->nf);
}

static int kernel_open(struct kernel *k, struct mtd_error *err)
{
    int rc = netlink_open(&k->route, NETLINK_ROUTE);
    if (rc == 0)
        rc = netlink_open(&k->nf, NETLINK_NETFILTER);
    if (rc < 0 && net_missing(rc, NET_PART_NF_TABLES, err))
        return rc;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot open a netlink socket") : 0;
}

/* ---- endpoints ---- */

static int copy(char **ret, const char *text)
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
    if (!subnet)
        return mtd_fail(err, EINVAL, "network %.80s has no IPv6, so no address %.60s",
                        n->name, text);
    if (net_address_parse(text, ret) < 0 || net_subnet_parse(subnet, &s) < 0 ||
        !net_subnet_has(&s, ret))
        return mtd_fail(err, EINVAL,
                        "address %.60s is not in %.60s, the subnet of network %.80s",
                        text, subnet, n->name);
    if (gateway && strcmp(gateway, text) == 0)
        return mtd_fail(err, EADDRINUSE, "address %.60s is the gateway of network %.80s",
                        text, n->name);
    uint64_t index = net_subnet_index(&s, ret);
    if (index == 0 || (s.base.len == 4 && index + 1 == net_subnet_size(&s)))
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
    rc = net_book_take(s, book, &part, &way, want ? &wanted : NULL, r->id, r->name, &got,
                       owner);
    if (rc < 0)
        return fail_address(s, n, want, owner, rc, err);
    net_address_text(&got, text);
    *ret_prefix = whole.prefix;
    return copy(had, text) < 0 ? mtd_fail(err, ENOMEM, "out of memory") : 0;
}

/* Of the address: a neighbour that remembers the address has the right hardware address. */
static int give_mac(struct mtd_endpoint *e, const struct mtd_join *j)
{
    struct net_address a = {0};
    char text[24];
    (void)net_address_parse(e->address, &a);
    snprintf(text, sizeof(text), "02:42:%02x:%02x:%02x:%02x", a.bytes[0], a.bytes[1],
             a.bytes[2], a.bytes[3]);
    return copy(&e->mac, j->mac ? j->mac : text);
}

static int fill_endpoint(struct store *s, struct mtd_record *r, const struct mtd_join *j,
                         const struct mtd_net *n, struct mtd_endpoint *e,
                         struct mtd_error *err)
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
        rc = give_mac(e, j);
    if (rc == 0 && !n->internal)
        rc = copy(&e->gateway, n->gateway);
    if (rc == 0 && !n->internal)
        rc = copy(&e->gateway6, n->gateway6);
    for (size_t i = 0; i < e->names.len && rc == 0; i++) {
        rc = net_name_add(book, e->names.items[i], e->address);
        if (rc == 0 && e->address6)
            rc = net_name_add(book, e->names.items[i], e->address6);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot join network %.80s", n->name) : 0;
}

/* ---- the network itself ---- */

static void mend_locked(struct store *s, struct kernel *k, bool closed);

/* A bridge that is up is in the table, unless that is new. */
static int prepare(struct store *s, struct kernel *k, const struct mtd_net *n,
                   unsigned *ret_bridge, struct mtd_error *err)
{
    bool made, closed;
    net_forwarding_on(s, n, &closed);
    int rc = net_table_make(&k->nf, closed, &made, err);
    if (rc == 0 && made)
        mend_locked(s, k, closed);
    if (rc == 0 && (made || !net_link_index(&k->route, n->bridge)))
        rc = net_table_add(&k->nf, n, err);
    (void)fault_point("network.bridge");
    return rc < 0 ? rc : net_bridge_make(&k->route, n, ret_bridge, err);
}

static int claim_network(struct store *s, struct kernel *k, struct mtd_record *r,
                         const struct mtd_join *j, struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    unsigned bridge;
    int rc = net_load(s, j->network, &n, err);
    if (rc == 0)
        rc = prepare(s, k, &n, &bridge, err);
    if (rc < 0)
        return rc;
    struct mtd_endpoint *e = find_endpoint(&r->status, n.name);
    if (!e)
        e = add_endpoint(&r->status);
    if (!e || copy(&e->network, n.name) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return fill_endpoint(s, r, j, &n, e, err);
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

/* ---- the note ---- */

static int write_note(struct store *s, const struct mtd_record *r)
{
    auto_done(buf_done) struct buf b = {0};
    bool out = false;
    int rc = 0;
    for (size_t i = 0; i < r->status.n_endpoints && rc == 0; i++) {
        out |= r->status.endpoints[i].gateway != NULL;
        rc = buf_printf(&b, "network %s\n", r->status.endpoints[i].network);
    }
    for (size_t i = 0; i < r->spec.dns.len && rc == 0; i++)
        rc = buf_printf(&b, "dns %s\n", r->spec.dns.items[i]);
    if (rc == 0 && !out)
        rc = buf_puts(&b, "inside\n");
    auto_fd int run = rc < 0 ? rc : store_open_run(s, r->id, false, NULL);
    return run < 0 ? run : fs_replace_at(run, NET_NOTE, b.data, b.len, 0600, false);
}

/* ---- all of it ---- */

static int claim(struct store *s, struct kernel *k, struct mtd_record *r,
                 struct net_held *held, struct mtd_error *err)
{
    int rc = kernel_open(k, err);
    for (size_t i = 0; i < r->spec.n_joins && rc == 0; i++)
        rc = claim_network(s, k, r, &r->spec.joins[i], err);
    if (rc < 0)
        return rc;
    rc = write_note(s, r);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot note the container's networks");
    return held->n ? 0 : net_claim_ports(s, &k->nf, r, held, err);
}

int net_claim(struct store *s, struct mtd_record *r, struct net_held *held,
              struct mtd_error *err)
{
    auto_done(kernel_done) struct kernel k = KERNEL_NONE;
    if (r->spec.network != MTD_NET_BRIDGE)
        return 0;
    int rc = claim(s, &k, r, held, err);
    if (rc < 0) {
        net_release(s, r, held);
        net_held_done(held);
    }
    return rc;
}

static int connect_one(struct store *s, struct kernel *k, struct netlink *inside,
                       const struct mtd_endpoint *e, int ns_fd, bool way_out,
                       struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    unsigned bridge;
    int rc = net_load(s, e->network, &n, err);
    if (rc == 0)
        rc = net_bridge_make(&k->route, &n, &bridge, err);
    if (rc == 0)
        rc = net_link_make(&k->route, &n, bridge, e->mac, ns_fd, err);
    (void)fault_point("network.link");
    return rc < 0 ? rc : net_link_set_up(inside, e, way_out, err);
}

static bool is_way_out(const struct mtd_status *st, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (st->endpoints[k].gateway)
            return false;
    return st->endpoints[i].gateway != NULL;
}

int net_connect(struct store *s, const struct mtd_record *r, int ns_fd, size_t from,
                struct mtd_error *err)
{
    auto_done(kernel_done) struct kernel k = KERNEL_NONE;
    auto_done(netlink_close) struct netlink inside = NETLINK_NONE;
    const struct mtd_status *st = &r->status;
    if (from >= st->n_endpoints)
        return 0;
    int rc = netlink_open(&k.route, NETLINK_ROUTE);
    if (rc == 0)
        rc = net_open_inside(ns_fd, NETLINK_ROUTE, &inside);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot enter the container's network");
    for (size_t i = from; i < st->n_endpoints && rc == 0; i++)
        rc =
            connect_one(s, &k, &inside, &st->endpoints[i], ns_fd, is_way_out(st, i), err);
    return rc;
}

/* ---- the end ---- */

static void give_back(struct store *s, const char *id, const struct mtd_endpoint *e)
{
    auto_fd int book = net_book_open(s, e->network, false);
    const char *addresses[] = {e->address, e->address6};
    for (size_t a = 0; a < ARRAY_SIZE(addresses) && book >= 0; a++) {
        if (!addresses[a] || !net_book_has(book, addresses[a], id))
            continue;
        for (size_t i = 0; i < e->names.len; i++)
            net_name_drop(book, e->names.items[i], addresses[a]);
        net_book_give(book, addresses[a], id);
    }
}

/* Whoever does not hold the ports must not remove by number what may be another's. */
static void drop_ports(struct mtd_record *r, const struct net_held *held)
{
    auto_done(netlink_close) struct netlink nf = NETLINK_NONE;
    struct mtd_status *st = &r->status;
    if (!st->n_ports || !st->n_endpoints || netlink_open(&nf, NETLINK_NETFILTER) < 0)
        return;
    if (held->n)
        (void)net_ports_remove(&nf, &st->endpoints[0], st->ports, st->n_ports);
    else
        net_ports_forget(&nf, r->id);
}

void net_release(struct store *s, struct mtd_record *r, const struct net_held *held)
{
    struct mtd_status *st = &r->status;
    drop_ports(r, held);
    (void)fault_point("network.release");
    for (size_t i = 0; i < st->n_endpoints; i++)
        give_back(s, r->id, &st->endpoints[i]);
    mtd_endpoints_done(&st->endpoints, &st->n_endpoints);
    mtd_ports_done(&st->ports, &st->n_ports);
}

static void forget_entry(int book, const char *address, const char *id, void *arg)
{
    if (strcmp(id, arg) != 0)
        return;
    net_names_drop_address(book, address);
    unlinkat(book, address, 0);
}

void net_forget(struct store *s, const char *id)
{
    auto_done(netlink_close) struct netlink nf = NETLINK_NONE;
    char wanted[MTD_ID_SIZE];
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_init(&dir, fs_open_dir_at(s->run_fd, STORE_NETWORKS));
    if (dir.fd < 0)
        return; /* no container here has had a network since the boot */
    snprintf(wanted, sizeof(wanted), "%s", id);
    if (netlink_open(&nf, NETLINK_NETFILTER) == 0)
        net_ports_forget(&nf, id);
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));) {
        auto_fd int book = fs_open_dir_at(dir.fd, d->d_name);
        if (book >= 0)
            net_book_each(book, forget_entry, wanted);
    }
}

/* ---- a table that was flushed ---- */

static void mend_container(struct store *s, struct kernel *k, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    size_t at;
    mtd_record_init(&r);
    if (net_is_live(s, id) && store_load(s, id, &r, NULL) == 0 && r.status.n_endpoints)
        (void)net_ports_add(&k->nf, id, &r.status.endpoints[0], r.status.ports,
                            r.status.n_ports, &at);
}

/* The table has just been made: it is empty. */
static void mend_locked(struct store *s, struct kernel *k, bool closed)
{
    auto_done(mtd_net_list_done) struct mtd_net_list nets = {0};
    auto_done(mtd_list_done) struct mtd_list all = {0};
    (void)closed;
    (void)net_list(s, &nets, NULL);
    for (size_t i = 0; i < nets.len; i++)
        if (net_link_index(&k->route, nets.items[i].bridge))
            (void)net_table_add(&k->nf, &nets.items[i], NULL);
    (void)store_list(s, &all, NULL);
    for (size_t i = 0; i < all.len; i++)
        if (all.items[i].ports.len && mtd_state_is_active(all.items[i].state))
            mend_container(s, k, all.items[i].id);
}

void net_mend(struct store *s)
{
    auto_done(kernel_done) struct kernel k = KERNEL_NONE;
    bool made;
    auto_fd int books = fs_open_dir_at(s->run_fd, STORE_NETWORKS);
    if (books < 0 || flock(books, LOCK_EX) < 0 || kernel_open(&k, NULL) < 0)
        return;
    bool closed = faccessat(s->run_fd, STORE_NETWORKS "/closed", F_OK, 0) == 0;
    if (net_table_make(&k.nf, closed, &made, NULL) == 0 && made)
        mend_locked(s, &k, closed);
}

/* ---- changes of a live container ---- */

int net_join(struct store *s, struct mtd_record *r, const struct mtd_join *j, int ns_fd,
             struct mtd_error *err)
{
    auto_done(kernel_done) struct kernel k = KERNEL_NONE;
    size_t had = r->status.n_endpoints;
    int rc = kernel_open(&k, err);
    if (rc == 0)
        rc = claim_network(s, &k, r, j, err);
    (void)fault_point("network.joined");
    if (rc == 0)
        rc = net_connect(s, r, ns_fd, had, err);
    if (rc == 0)
        (void)write_note(s, r);
    if (rc < 0 && r->status.n_endpoints > had)
        give_back(s, r->id, &r->status.endpoints[had]);
    return rc;
}

static void remove_endpoint(struct mtd_status *st, size_t i)
{
    struct mtd_endpoint *gone = malloc(sizeof(*gone));
    size_t one = 1;
    if (!gone)
        return;
    *gone = st->endpoints[i];
    memmove(st->endpoints + i, st->endpoints + i + 1,
            (--st->n_endpoints - i) * sizeof(*gone));
    mtd_endpoints_done(&gone, &one);
}

int net_leave(struct store *s, struct mtd_record *r, size_t i, int ns_fd,
              struct mtd_error *err)
{
    auto_done(netlink_close) struct netlink inside = NETLINK_NONE, nf = NETLINK_NONE;
    struct mtd_status *st = &r->status;
    int rc = net_open_inside(ns_fd, NETLINK_ROUTE, &inside);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot enter the container's network");
    if (i == 0 && st->n_ports && netlink_open(&nf, NETLINK_NETFILTER) == 0)
        (void)net_ports_remove(&nf, &st->endpoints[0], st->ports, st->n_ports);
    (void)fault_point("network.leave");
    rc = net_link_drop(&inside, st->endpoints[i].mac, err);
    if (rc < 0)
        return rc;
    give_back(s, r->id, &st->endpoints[i]);
    remove_endpoint(st, i);
    if (i == 0)
        mtd_ports_done(&st->ports, &st->n_ports);
    (void)write_note(s, r);
    return 0;
}

static int rename_in(int book, struct mtd_endpoint *e, const struct mtd_record *r,
                     const char *old)
{
    const char *addresses[] = {e->address, e->address6};
    int rc = 0;
    for (size_t a = 0; a < ARRAY_SIZE(addresses) && rc == 0; a++)
        if (addresses[a]) {
            net_name_drop(book, old, addresses[a]);
            rc = net_name_add(book, r->name, addresses[a]);
            if (rc == 0)
                rc = net_book_name(book, addresses[a], r->id, r->name);
        }
    return rc;
}

int net_rename(struct store *s, struct mtd_record *r, const char *old,
               struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < r->status.n_endpoints && rc == 0; i++) {
        struct mtd_endpoint *e = &r->status.endpoints[i];
        auto_fd int book = net_book_open(s, e->network, false);
        if (e->names.len)
            rc = copy(&e->names.items[0], r->name);
        if (rc == 0 && book >= 0)
            rc = rename_in(book, e, r, old);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc,
                                   "cannot change the container's name in its "
                                   "networks")
                  : 0;
}
