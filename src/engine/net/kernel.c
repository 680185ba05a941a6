/* The two sockets by which the host's network is changed. */

#include "engine/net/internal.h"

#include <linux/netlink.h>

void net_kernel_done(struct net_kernel *k)
{
    netlink_close(&k->route);
    netlink_close(&k->nf);
}

struct netlink *net_kept_nf(void)
{
    static struct netlink nf = NETLINK_NONE;
    return nf.fd >= 0 || netlink_open(&nf, NETLINK_NETFILTER) == 0 ? &nf : NULL;
}

int net_kernel_open(struct net_kernel *k, struct mtd_error *err)
{
    int rc = netlink_open(&k->route, NETLINK_ROUTE);
    if (rc == 0)
        rc = netlink_open(&k->nf, NETLINK_NETFILTER);
    if (rc < 0 && net_missing(rc, NET_PART_NF_TABLES, err))
        return rc;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot open a netlink socket") : 0;
}
