/* What the kernel has and what is recorded, side by side; and both of them made the same again. */

#include "engine/net/driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define TEXT_MAX 256

struct report {
    struct store *s;
    const char *network;
    net_fault_fn *fn;
    void *arg;
    bool used; /* a container that lives has an address there, and is here */
};

/* ---- one container ---- */

static void verify_ports(struct net_kernel *k, const struct mtd_record *r,
                         const struct report *w)
{
    const struct mtd_status *st = &r->status;
    auto_done(net_published_done) struct net_published all = {0};
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    char port[NET_PORT_TEXT], text[TEXT_MAX];
    size_t wanted = 0;
    net_published_list(&k->nf, &all);
    for (size_t i = 0; i < st->n_ports; i++) {
        net_port_text(&st->ports[i], port);
        snprintf(text, sizeof(text), "its port %s is not published", port);
        if (e && !net_published_has(&all, r->id, e, &st->ports[i], &wanted))
            w->fn(NET_FAULT_CONTAINER, r->id, port, text, w->arg);
    }
    if (net_published_count(&all, r->id) > wanted)
        w->fn(NET_FAULT_CONTAINER, r->id, "ports",
              "ports are published for it that its record does not have", w->arg);
}

static void verify_endpoint(struct net_kernel *k, struct netlink *inside,
                            const struct mtd_record *r, const struct mtd_endpoint *e,
                            const struct report *w)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    char text[TEXT_MAX];
    auto_fd int book = net_book_open(w->s, e->network, false);
    if (net_load(w->s, e->network, &n, NULL) < 0)
        return;
    const struct net_driver *d = net_driver_of(&n);
    unsigned index;
    (void)d->find(&k->route, &n, &index, NULL);
    enum net_near near = d->near(&k->route, inside, index, e);
    snprintf(text, sizeof(text), "its interface on network %.80s is %s %.20s", e->network,
             near == NET_NEAR_GONE ? "gone" : "not connected to bridge",
             near == NET_NEAR_GONE ? "" : n.bridge);
    if (near != NET_NEAR_ATTACHED)
        w->fn(NET_FAULT_CONTAINER, r->id, e->network, text, w->arg);
    snprintf(text, sizeof(text), "its address %.60s is not claimed in network %.80s",
             e->address, e->network);
    if (book < 0 || !net_book_has(book, e->address, r->id))
        w->fn(NET_FAULT_CONTAINER, r->id, e->address, text, w->arg);
}

void net_verify_one(struct store *s, const struct mtd_record *r, net_fault_fn *fn,
                    void *arg)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    auto_done(netlink_close) struct netlink inside = NETLINK_NONE;
    const struct report w = {.s = s, .fn = fn, .arg = arg};
    char text[TEXT_MAX];
    char path[48];
    if (!r->status.n_endpoints)
        return;
    if (!net_is_here(&r->status)) {
        snprintf(
            text, sizeof(text),
            "its networks are in another network namespace, net:[%llu], and can only "
            "be checked there (process %d is in it)",
            (unsigned long long)r->status.host_network, (int)r->status.monitor_pid);
        fn(NET_FAULT_ELSEWHERE, r->id, "networks", text, arg);
        return;
    }
    if (net_kernel_open(&k, NULL) < 0)
        return;
    verify_ports(&k, r, &w);
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)r->status.pid);
    auto_fd int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || net_open_inside(ns, NETLINK_ROUTE, &inside) < 0)
        return; /* it has just ended */
    for (size_t i = 0; i < r->status.n_endpoints; i++)
        verify_endpoint(&k, &inside, r, &r->status.endpoints[i], &w);
}

/* ---- the host ---- */

static void verify_entry(int book, const char *address, const char *id, void *arg)
{
    struct report *w = arg;
    char text[TEXT_MAX];
    (void)book;
    if (net_is_live(w->s, id)) {
        w->used |= net_is_live_here(w->s, id);
        return;
    }
    snprintf(text, sizeof(text), "does not run, but has address %.60s of network %.80s",
             address, w->network);
    if (w->fn)
        w->fn(NET_FAULT_STRAY, id, address, text, w->arg);
}

static bool is_used(struct report *w, const struct mtd_net *n)
{
    auto_fd int book = net_book_open(w->s, n->name, false);
    w->network = n->name;
    w->used = false;
    if (book >= 0)
        net_book_each(book, verify_entry, w);
    return w->used;
}

static void verify_network(struct net_kernel *k, struct report *w,
                           const struct mtd_net *n)
{
    char text[TEXT_MAX];
    if (!is_used(w, n))
        return;
    const struct net_driver *d = net_driver_of(n);
    snprintf(text, sizeof(text), "%s %s of network %.80s is gone, or down", d->part,
             n->bridge ? n->bridge : n->parent, n->name);
    if (!d->is_up(&k->route, n)) {
        w->fn(NET_FAULT_HOST, "", n->name, text, w->arg);
        return;
    }
    snprintf(text, sizeof(text), "network %.80s is not in the table inet " NET_TABLE,
             n->name);
    if (d->routed && !net_table_has(&k->nf, n))
        w->fn(NET_FAULT_HOST, "", n->bridge, text, w->arg);
}

static void verify_owner(const char *id, void *arg)
{
    struct report *w = arg;
    if (!net_is_live(w->s, id))
        w->fn(NET_FAULT_STRAY, id, "ports", "does not run, but publishes ports", w->arg);
}

void net_verify(struct store *s, net_fault_fn *fn, void *arg)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    auto_done(mtd_net_list_done) struct mtd_net_list nets = {0};
    auto_done(net_published_done) struct net_published all = {0};
    struct report w = {.s = s, .fn = fn, .arg = arg};
    char root[NET_ROOT_SIZE];
    auto_fd int books = fs_open_dir_at(s->run_fd, STORE_NETWORKS);
    if (books < 0 || net_kernel_open(&k, NULL) < 0)
        return; /* no container has had a network since the boot */
    net_root_of(s, root);
    if (net_host_is_noted(s) && !net_table_is_whole(&k.nf, root, net_is_closed(s)))
        fn(NET_FAULT_HOST, "", "table",
           "the table inet " NET_TABLE " is gone, or not whole", arg);
    (void)net_list(s, &nets, NULL);
    for (size_t i = 0; i < nets.len; i++)
        verify_network(&k, &w, &nets.items[i]);
    net_published_list(&k.nf, &all);
    net_published_owners(&all, root, verify_owner, &w);
}

int net_restore(struct store *s, struct mtd_error *err)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    auto_done(mtd_net_list_done) struct mtd_net_list nets = {0};
    struct report w = {.s = s};
    unsigned index;
    int rc = net_kernel_open(&k, err);
    if (rc == 0)
        rc = net_list(s, &nets, err);
    for (size_t i = 0; i < nets.len && rc == 0; i++)
        if (is_used(&w, &nets.items[i]))
            rc = net_driver_of(&nets.items[i])
                     ->make(&k.route, &nets.items[i], &index, err);
    return rc < 0 ? rc : net_mend(s, NET_ANEW, err);
}
