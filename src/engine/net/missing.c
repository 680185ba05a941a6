/* A host that cannot have networks is told so in one line that names what it lacks. */

#include "engine/net/internal.h"

#include <errno.h>

static const struct {
    const char *lacks, *modules;
} PARTS[] = {
    [NET_PART_BRIDGE] = {"no bridges", "bridge"},
    [NET_PART_VETH] = {"no veth interfaces", "veth"},
    [NET_PART_MACVLAN] = {"no macvlan interfaces", "macvlan"},
    [NET_PART_NF_TABLES] = {"no nf_tables, or not all of it",
                            "nf_tables nft_nat nft_masq nft_fib_inet"},
};

int net_missing(int rc, enum net_part part, struct mtd_error *err)
{
    if (rc == -EPERM || rc == -EACCES)
        return mtd_fail(
            err, -rc,
            "this process may not make networks: CAP_NET_ADMIN is missing; only "
            "the network host needs none");
    if (rc == -EOPNOTSUPP || rc == -EPROTONOSUPPORT || rc == -EAFNOSUPPORT ||
        (rc == -ENOENT && part == NET_PART_NF_TABLES))
        mtd_fail(err, -rc, "this kernel has %s (modprobe %s)", PARTS[part].lacks,
                 PARTS[part].modules);
    else
        return 0;
    return mtd_about(err, MTD_ABOUT_NETWORK, rc);
}
