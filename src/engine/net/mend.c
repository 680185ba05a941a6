/* A table that another program has flushed is made again from what is known without it: the bridges
 * that are there and the records of the containers that live. */

#include "engine/net/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

static void mend_container(struct store *s, struct net_kernel *k, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    size_t at;
    mtd_record_init(&r);
    if (net_is_live(s, id) && store_load(s, id, &r, NULL) == 0 && r.status.n_endpoints)
        (void)net_ports_add(&k->nf, id, &r.status.endpoints[0], r.status.ports,
                            r.status.n_ports, &at);
}

/* The table has just been made: it is empty. */
void net_mend_table(struct store *s, struct net_kernel *k)
{
    auto_done(mtd_net_list_done) struct mtd_net_list nets = {0};
    auto_done(mtd_list_done) struct mtd_list all = {0};
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
    auto_done(net_kernel_done) struct net_kernel k = NET_KERNEL_NONE;
    bool made;
    auto_fd int books = fs_open_dir_at(s->run_fd, STORE_NETWORKS);
    if (books < 0 || flock(books, LOCK_EX) < 0 || net_kernel_open(&k, NULL) < 0)
        return;
    bool closed = net_is_closed(s);
    if (net_table_make(&k.nf, closed, &made, NULL) == 0 && made)
        net_mend_table(s, &k);
}
