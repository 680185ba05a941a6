/* Which published ports the monitor leads on, because no rule of the kernel's can. */

#include "engine/net/internal.h"

#include <string.h>

bool net_port_is_loopback6(const struct mtd_port *p)
{
    struct net_address a; /* its bytes need not be aligned */
    return p->address && net_address_parse(p->address, &a) == 0 && a.len == 16 &&
           memcmp(a.bytes, &in6addr_loopback, 16) == 0;
}

bool net_port_is_relayed(const struct mtd_port *p, const struct mtd_endpoint *e)
{
    bool six = p->address && strchr(p->address, ':');
    return six && !p->udp && (!e->address6 || net_port_is_loopback6(p));
}

const char *net_relayed_to(const struct mtd_endpoint *e)
{
    return e->address ? e->address : e->address6;
}
