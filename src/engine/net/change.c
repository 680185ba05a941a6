/* What changes of a container's networks while it lives. A change is noted before it is begun and until
 * the record is written: what a killed process has left half done is found by that, and put right
 * after the record, which is the only judge of what was done and what was not. */

#include "engine/net/driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"

/* ---- the note: <run-root>/net/.changing/<id>, the hardware addresses of new interfaces ---- */

#define CHANGES STORE_NETWORKS "/.changing"
#define NOTE_MAX 1024

static int open_note(struct store *s, const char *id, int flags)
{
    char path[sizeof(CHANGES "/") + MTD_ID_SIZE];
    snprintf(path, sizeof(path), CHANGES "/%.64s", id);
    int fd = openat(s->run_fd, path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? -errno : fd;
}

int net_change_begin(struct store *s, const char *id)
{
    (void)mkdirat(s->run_fd, STORE_NETWORKS, 0700);
    (void)mkdirat(s->run_fd, CHANGES, 0700);
    auto_fd int fd = open_note(s, id, O_WRONLY | O_CREAT);
    return fd < 0 ? fd : 0;
}

bool net_change_is_noted(struct store *s, const char *id)
{
    auto_fd int fd = open_note(s, id, O_RDONLY);
    return fd >= 0;
}

void net_change_end(struct store *s, const char *id)
{
    char path[sizeof(CHANGES "/") + MTD_ID_SIZE];
    snprintf(path, sizeof(path), CHANGES "/%.64s", id);
    unlinkat(s->run_fd, path, 0);
    unlinkat(s->run_fd, CHANGES, AT_REMOVEDIR);
}

void net_change_drop(struct store *s, const char *id)
{
    if (!net_change_is_noted(s, id))
        return;
    net_forget(s, id);
    net_change_end(s, id);
}

int net_changes(struct store *s, char ret[64][MTD_ID_SIZE])
{
    int n = 0;
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_init(&dir, fs_open_dir_at(s->run_fd, CHANGES));
    for (const struct dirent64 *d; dir.fd >= 0 && n < 64 && (d = fs_dir_next(&dir));)
        if (hex_is_valid(d->d_name, MTD_ID_LEN))
            memcpy(ret[n++], d->d_name, MTD_ID_SIZE);
    return n;
}

static void note_mac(struct store *s, const char *id, const char *mac)
{
    auto_fd int fd = open_note(s, id, O_WRONLY | O_APPEND);
    if (fd >= 0 && dprintf(fd, "%s\n", mac) < 0)
        return;
}

/* ---- what the record says is made so ---- */

static bool has_mac(const struct mtd_status *st, const char *mac)
{
    for (size_t i = 0; i < st->n_endpoints; i++)
        if (strcmp(st->endpoints[i].mac, mac) == 0)
            return true;
    return false;
}

static void drop_strange_links(struct store *s, const struct mtd_record *r,
                               struct netlink *inside)
{
    char text[NOTE_MAX] = "", *rest = text;
    auto_fd int fd = open_note(s, r->id, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    for (char *mac; (mac = strsep(&rest, "\n"));)
        if (*mac && !has_mac(&r->status, mac))
            (void)net_link_drop(inside, mac, NULL);
}

struct strangers {
    const struct mtd_record *r;
    const char *network;
};

static void drop_stranger(int book, const char *address, const char *id, void *arg)
{
    const struct strangers *w = arg;
    const struct mtd_status *st = &w->r->status;
    if (strcmp(id, w->r->id) != 0)
        return;
    for (size_t i = 0; i < st->n_endpoints; i++) {
        const struct mtd_endpoint *e = &st->endpoints[i];
        if (strcmp(e->network, w->network) == 0 &&
            (strcmp(e->address, address) == 0 ||
             (e->address6 && strcmp(e->address6, address) == 0)))
            return;
    }
    net_names_drop_address(book, address);
    net_book_give(book, address, id);
}

static void drop_strange_addresses(struct store *s, const struct mtd_record *r)
{
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_init(&dir, fs_open_dir_at(s->run_fd, STORE_NETWORKS));
    for (const struct dirent64 *d; dir.fd >= 0 && (d = fs_dir_next(&dir));) {
        struct strangers w = {.r = r, .network = d->d_name};
        auto_fd int book = fs_open_dir_at(dir.fd, d->d_name);
        if (book >= 0 && net_book_lock(book) == 0)
            net_book_each(book, drop_stranger, &w);
    }
}

/* The bridge may have been deleted and made again. */
static void settle_link(struct store *s, struct net_kernel *k, struct netlink *inside,
                        const struct mtd_endpoint *e, int ns_fd, bool out)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    unsigned index;
    if (net_load(s, e->network, &n, NULL) < 0)
        return;
    const struct net_driver *d = net_driver_of(&n);
    if (d->make(&k->route, &n, &index, NULL) < 0)
        return;
    switch (d->near(&k->route, inside, index, e)) {
    case NET_NEAR_ATTACHED: break;
    case NET_NEAR_LOOSE: (void)d->attach(&k->route, e, &n, index); break;
    case NET_NEAR_GONE: (void)net_connect_one(s, k, inside, e, ns_fd, out, NULL); return;
    }
    if (out)
        (void)net_link_way_out(inside, e, NULL);
}

static void settle_links(struct store *s, const struct mtd_record *r, int ns_fd,
                         struct net_kernel *k)
{
    auto_done(netlink_close) struct netlink inside = NETLINK_NONE;
    const struct mtd_status *st = &r->status;
    if (net_open_inside(ns_fd, NETLINK_ROUTE, &inside) < 0)
        return;
    drop_strange_links(s, r, &inside);
    for (size_t i = 0; i < st->n_endpoints; i++) {
        const struct mtd_endpoint *e = &st->endpoints[i];
        settle_link(s, k, &inside, e, ns_fd, net_is_way_out(st, i));
    }
}

static void settle_names(struct store *s, const struct mtd_record *r)
{
    drop_strange_addresses(s, r);
    for (size_t i = 0; i < r->status.n_endpoints; i++)
        net_endpoint_restore(s, r, &r->status.endpoints[i]);
}

void net_settle(struct store *s, const struct mtd_record *r, int ns_fd)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    const struct mtd_status *st = &r->status;
    settle_names(s, r);
    if (!net_is_here(st) || net_kernel_open(&k, NULL) < 0)
        return;
    if (ns_fd >= 0)
        settle_links(s, r, ns_fd, &k);
    net_ports_forget(&k.nf, r->id);
    net_ports_restore(s, &k.nf, r);
    (void)net_write_note(s, r);
}

/* ---- networks ---- */

int net_join(struct store *s, struct mtd_record *r, const struct mtd_join *j, int ns_fd,
             struct net_held *held, struct mtd_error *err)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    struct mtd_status *st = &r->status;
    size_t had = st->n_endpoints, from = mtd_port_way(st, MTD_NO_ENDPOINT);
    int rc = net_check_here(r, err);
    if (rc == 0)
        rc = net_kernel_open(&k, err);
    if (rc == 0)
        rc = net_claim_network(s, &k, r, j, err);
    if (rc == 0)
        note_mac(s, r->id, r->status.endpoints[had].mac);
    (void)fault_point("network.joined");
    if (rc == 0)
        rc = net_connect(s, r, ns_fd, had, err);
    size_t to = mtd_port_way(st, MTD_NO_ENDPOINT);
    if (rc == 0 && from == had)
        rc = to < st->n_endpoints ? net_claim_ports(s, &k.nf, r, held, err) : 0;
    else if (rc == 0 && from != to && st->n_ports)
        rc = net_move_ports(s, &k.nf, r, from, to, err);
    if (rc == 0)
        (void)net_write_note(s, r);
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

/* Of those that are left. */
static int lead_out(struct netlink *inside, const struct mtd_status *st,
                    struct mtd_error *err)
{
    for (size_t i = 0; i < st->n_endpoints; i++)
        if (net_is_way_out(st, i))
            return net_link_way_out(inside, &st->endpoints[i], err);
    return 0;
}

/* What is inside may have been changed by the container; the near end it does not reach. */
static int cut(struct store *s, struct net_kernel *k, struct netlink *inside,
               const struct mtd_endpoint *e, struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    unsigned index = 0;
    if (net_load(s, e->network, &n, NULL) == 0)
        (void)net_driver_of(&n)->find(&k->route, &n, &index, NULL);
    if (index && net_driver_of(&n)->cut(&k->route, inside, index, e) > 0)
        return 0;
    return net_link_drop(inside, e->mac, err);
}

int net_leave(struct store *s, struct mtd_record *r, size_t i, int ns_fd,
              struct mtd_error *err)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    auto_done(netlink_close) struct netlink inside = NETLINK_NONE;
    struct mtd_status *st = &r->status;
    bool out = net_is_way_out(st, i);
    int rc = net_check_here(r, err);
    if (rc == 0 && ns_fd >= 0)
        rc = net_open_inside(ns_fd, NETLINK_ROUTE, &inside);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot enter the container's network");
    rc = net_kernel_open(&k, err);
    size_t from = mtd_port_way(st, MTD_NO_ENDPOINT), to = mtd_port_way(st, i);
    if (rc == 0 && from != to && st->n_ports)
        rc = net_move_ports(s, &k.nf, r, from, to, err);
    (void)fault_point("network.leave");
    if (rc == 0 && ns_fd >= 0)
        rc = cut(s, &k, &inside, &st->endpoints[i], err);
    if (rc < 0)
        return rc;
    (void)fault_point("network.left");
    net_endpoint_give_back(s, r->id, &st->endpoints[i]);
    remove_endpoint(st, i);
    if (!mtd_port_endpoint(st))
        mtd_ports_done(&st->ports, &st->n_ports);
    if (out && ns_fd >= 0)
        rc = lead_out(&inside, st, err);
    (void)net_write_note(s, r);
    return rc;
}

static int rename_in(int book, const struct mtd_endpoint *e, const struct mtd_record *r,
                     const char *old)
{
    const char *addresses[] = {e->address, e->address6};
    int rc = 0;
    for (size_t a = 0; a < ARRAY_SIZE(addresses) && rc == 0; a++)
        if (addresses[a] && net_book_has(book, addresses[a], r->id)) {
            net_name_drop(book, old, addresses[a]);
            (void)fault_point("network.rename");
            rc = net_name_add(book, r->name, addresses[a]);
            if (rc == 0)
                rc = net_book_name(book, addresses[a], r->id, r->name);
        }
    return rc;
}

int net_plan_rename(struct mtd_record *r, const char *name)
{
    int rc = 0;
    for (size_t i = 0; i < r->status.n_endpoints && rc == 0; i++)
        if (r->status.endpoints[i].names.len)
            rc = net_copy_text(&r->status.endpoints[i].names.items[0], name);
    return rc;
}

int net_rename(struct store *s, const struct mtd_record *r, const char *old,
               struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < r->status.n_endpoints && rc == 0; i++) {
        auto_fd int book = net_book_open(s, r->status.endpoints[i].network, false);
        rc = book < 0 ? 0 : net_book_lock(book);
        if (book >= 0 && rc == 0)
            rc = rename_in(book, &r->status.endpoints[i], r, old);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc,
                                   "cannot change the container's name in its "
                                   "networks")
                  : 0;
}
