/* A table that another program has flushed is made again from what is known without it: the bridges
 * that are there and the records of the containers that live. */

#include "engine/net/driver.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

void net_ports_restore(struct store *s, struct netlink *nf, const struct mtd_record *r)
{
    const struct mtd_status *st = &r->status;
    struct net_owner own;
    size_t at;
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    if (!e || !st->n_ports)
        return;
    net_owner_init(s, r->id, &own);
    if (net_ports_add(nf, &own, e, st->ports, st->n_ports, &at) == -EEXIST) {
        net_ports_forget(nf, r->id); /* some of them were there */
        (void)net_ports_add(nf, &own, e, st->ports, st->n_ports, &at);
    }
    net_flows_drop(nf, e, st->ports, st->n_ports, true);
}

static void mend_container(struct store *s, struct net_kernel *k, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    if (net_is_live(s, id) && store_load(s, id, &r, NULL) == 0 && net_is_here(&r.status))
        net_ports_restore(s, &k->nf, &r);
}

/* Nothing of this root is in the table, or not all of it: another root may have made it. */
void net_mend_table(struct store *s, struct net_kernel *k)
{
    auto_done(mtd_net_list_done) struct mtd_net_list nets = {0};
    auto_done(mtd_list_done) struct mtd_list all = {0};
    char root[NET_ROOT_SIZE];
    unsigned index;
    (void)net_list(s, &nets, NULL);
    for (size_t i = 0; i < nets.len; i++)
        if (net_driver_of(&nets.items[i])->routed &&
            net_bridge_find(&k->route, &nets.items[i], &index, NULL) == 0 && index)
            (void)net_table_add(&k->nf, &nets.items[i], NULL);
    (void)store_list(s, &all, NULL);
    for (size_t i = 0; i < all.len; i++)
        if (all.items[i].ports.len && mtd_state_is_active(all.items[i].state))
            mend_container(s, k, all.items[i].id);
    net_root_of(s, root);
    net_table_add_root(&k->nf, root);
}

int net_mend(struct store *s, enum net_depth how, struct mtd_error *err)
{
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    char root[NET_ROOT_SIZE];
    bool made;
    auto_fd int books = fs_open_dir_at(s->run_fd, STORE_NETWORKS);
    if (books < 0 || !net_host_is_noted(s))
        return 0; /* no container has had a network since the boot, or not here */
    if (flock(books, LOCK_EX) < 0)
        return mtd_fail_errno(err, errno, "cannot lock the networks");
    int rc = net_kernel_open(&k, err);
    net_root_of(s, root);
    if (rc == 0)
        rc = net_table_make(&k.nf, root, net_is_closed(s), how, &made, err);
    if (rc == 0 && made)
        net_mend_table(s, &k);
    return rc;
}

/* ---- the monitors' watch ----
 *
 * The kernel tells what has been deleted in messages that it packs together, of which the first is
 * looked at here: a table goes rule by rule. A port that somebody publishes wakes nobody. */

#define TYPE_AT \
    4 /* of struct nlmsghdr: subsystem and message, a byte each in the host's order */

static int filter(int fd)
{
#if __BYTE_ORDER == __LITTLE_ENDIAN
    const unsigned at = TYPE_AT;
#else
    const unsigned at = TYPE_AT + 1;
#endif
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NFT_MSG_DELTABLE, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NFT_MSG_DELCHAIN, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NFT_MSG_DELRULE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 64), /* what is read of it is thrown away */
    };
    struct sock_fprog all = {.len = ARRAY_SIZE(code), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all)) < 0 ? -errno
                                                                               : 0;
}

int net_watch(void)
{
    static const int GROUP = NFNLGRP_NFTABLES;
    struct sockaddr_nl any = {.nl_family = AF_NETLINK};
    auto_fd int fd =
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    if (fd < 0)
        return -errno;
    int rc = filter(fd);
    if (rc == 0 &&
        (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
         setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &GROUP, sizeof(GROUP)) < 0))
        rc = -errno;
    return rc < 0 ? rc : take_fd(&fd);
}
