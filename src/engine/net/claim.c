/* A container's share of the host's network. Addresses and ports come before the clone, so that
 * what is taken is said early and nothing has to be undone but files and elements; interfaces come
 * after it, while init mounts. What a killed process leaves is found by the container's id. */

#include "engine/net/driver.h"
#include "engine/net/link.h"

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

/* ---- the network itself ---- */

/* A bridge that is up is in the table, unless that is new. */
static int prepare_host(struct store *s, struct net_kernel *k, const struct mtd_net *n,
                        unsigned *ret_bridge, struct mtd_error *err)
{
    char root[NET_ROOT_SIZE];
    bool made, closed;
    net_host_note(s);
    net_forwarding_on(s, n, &closed);
    net_root_of(s, root);
    int rc = net_table_make(&k->nf, root, closed, NET_QUICK, &made, err);
    if (rc == 0 && made)
        net_mend_table(s, k);
    if (rc == 0)
        rc = net_bridge_find(&k->route, n, ret_bridge, err);
    if (rc == 0 && (made || !*ret_bridge))
        rc = net_table_add(&k->nf, n, err);
    (void)fault_point("network.bridge");
    return rc;
}

static int prepare(struct store *s, struct net_kernel *k, const struct mtd_net *n,
                   struct mtd_error *err)
{
    const struct net_driver *d = net_driver_of(n);
    unsigned index = 0;
    int rc = d->routed ? prepare_host(s, k, n, &index, err) : 0;
    return rc < 0 ? rc : d->make(&k->route, n, &index, err);
}

int net_claim_network(struct store *s, struct net_kernel *k, struct mtd_record *r,
                      const struct mtd_join *j, struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    auto_fd int lock = -1; /* until the address is taken: then it is in use */
    int rc = net_load_locked(s, j->network, &n, &lock, err);
    if (rc == 0)
        rc = prepare(s, k, &n, err);
    if (rc < 0)
        return rc;
    return net_endpoint_fill(s, r, j, &n, err);
}

/* ---- the note ---- */

int net_write_note(struct store *s, const struct mtd_record *r)
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
    return run < 0 ? run
                   : fs_replace_by_at(run, NET_NOTE ".new", NET_NOTE, b.data, b.len,
                                      false, false);
}

/* ---- all of it ---- */

static int claim(struct store *s, struct net_kernel *k, struct mtd_record *r,
                 struct net_held *held, struct mtd_error *err)
{
    int rc = net_kernel_open(k, err);
    for (size_t i = 0; i < r->spec.n_joins && rc == 0; i++)
        rc = net_claim_network(s, k, r, &r->spec.joins[i], err);
    if (rc < 0)
        return rc;
    rc = net_write_note(s, r);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot note the container's networks");
    return held->n ? 0 : net_claim_ports(s, &k->nf, r, held, err);
}

int net_claim(struct store *s, struct mtd_record *r, struct net_held *held,
              struct mtd_error *err)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    if (r->spec.network != MTD_NET_BRIDGE)
        return 0;
    r->status.host_network = net_host();
    int rc = claim(s, &k, r, held, err);
    if (rc < 0) {
        net_release(s, r, held);
        net_held_done(held);
    }
    return rc;
}

int net_connect_one(struct store *s, struct net_kernel *k, struct netlink *inside,
                    const struct mtd_endpoint *e, int ns_fd, bool way_out,
                    struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    unsigned index, near = 0;
    int rc = net_load(s, e->network, &n, err);
    if (rc == 0)
        rc = net_driver_of(&n)->make(&k->route, &n, &index, err);
    if (rc == 0)
        rc = net_driver_of(&n)->link(&k->route, &n, index, e, ns_fd, &near, err);
    (void)fault_point("network.link");
    if (rc == 0)
        rc = net_link_set_up(inside, &n, e, way_out, err);
    if (rc == 0 && near) {
        link_wait(&k->route, near);
        link_wait(&k->route, index);
    }
    return rc;
}

bool net_is_way_out(const struct mtd_status *st, size_t i)
{
    return mtd_way_out(st, MTD_NO_ENDPOINT) == i;
}

int net_connect(struct store *s, const struct mtd_record *r, int ns_fd, size_t from,
                struct mtd_error *err)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
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
        rc = net_connect_one(s, &k, &inside, &st->endpoints[i], ns_fd,
                             net_is_way_out(st, i), err);
    return rc;
}

/* ---- the end ---- */

/* Whoever does not hold the ports must not remove by number what may be another's. */
static void drop_ports(struct mtd_record *r, const struct net_held *held)
{
    struct mtd_status *st = &r->status;
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    struct netlink *nf = st->n_ports && e ? net_kept_nf() : NULL;
    if (nf && held->n)
        (void)net_ports_remove(nf, e, st->ports, st->n_ports);
    else if (nf)
        net_ports_forget(nf, r->id);
}

void net_release(struct store *s, struct mtd_record *r, const struct net_held *held)
{
    struct mtd_status *st = &r->status;
    drop_ports(r, held);
    (void)fault_point("network.release");
    for (size_t i = 0; i < st->n_endpoints; i++)
        net_endpoint_give_back(s, r->id, &st->endpoints[i]);
    mtd_endpoints_done(&st->endpoints, &st->n_endpoints);
    mtd_ports_done(&st->ports, &st->n_ports);
}

static void forget_entry(int book, const char *address, const char *id, void *arg)
{
    if (strcmp(id, arg) != 0)
        return;
    (void)fault_point("network.forget");
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
        if (book >= 0 && net_book_lock(book) == 0)
            net_book_each(book, forget_entry, wanted);
    }
}
