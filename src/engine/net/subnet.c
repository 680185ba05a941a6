/* The subnets and gateways of a network that is to be made: what was asked for is checked, what was
 * not is chosen. */

#include "engine/net/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const POOL[] = {
    "172.17.0.0/16",    "172.18.0.0/16",    "172.19.0.0/16",    "172.20.0.0/16",
    "172.21.0.0/16",    "172.22.0.0/16",    "172.23.0.0/16",    "172.24.0.0/16",
    "172.25.0.0/16",    "172.26.0.0/16",    "172.27.0.0/16",    "172.28.0.0/16",
    "172.29.0.0/16",    "172.30.0.0/16",    "172.31.0.0/16",    "192.168.0.0/20",
    "192.168.16.0/20",  "192.168.32.0/20",  "192.168.48.0/20",  "192.168.64.0/20",
    "192.168.80.0/20",  "192.168.96.0/20",  "192.168.112.0/20", "192.168.128.0/20",
    "192.168.144.0/20", "192.168.160.0/20", "192.168.176.0/20", "192.168.192.0/20",
    "192.168.208.0/20", "192.168.224.0/20", "192.168.240.0/20"};
#define SMALL_POOL 256 /* then 10.89.N.0/24 */

/* route NULL = it may be one that the host is connected to. */
static bool is_free(const struct net_subnet *s, const struct mtd_net_list *l,
                    struct netlink *route, const char **ret_other)
{
    struct net_subnet other;
    for (size_t i = 0; i < l->len; i++) {
        const char *texts[] = {l->items[i].subnet, l->items[i].subnet6};
        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            if (texts[k] && net_subnet_parse(texts[k], &other) == 0 &&
                net_subnets_overlap(s, &other)) {
                *ret_other = l->items[i].name;
                return false;
            }
    }
    *ret_other = NULL;
    return !route || net_is_routed(route, s, 0) == 0;
}

static int choose_subnet(const struct mtd_net_list *l, struct netlink *route, char **ret)
{
    struct net_subnet s;
    char text[NET_TEXT];
    const char *other;
    for (size_t i = 0; i < ARRAY_SIZE(POOL) + SMALL_POOL; i++) {
        snprintf(text, sizeof(text), "10.89.%zu.0/24", i - ARRAY_SIZE(POOL));
        const char *next = i < ARRAY_SIZE(POOL) ? POOL[i] : text;
        if (net_subnet_parse(next, &s) == 0 && is_free(&s, l, route, &other)) {
            *ret = strdup(next);
            return *ret ? 0 : -ENOMEM;
        }
    }
    return -ENOSPC;
}

/* fd00::/8 with a random global id, as RFC 4193 wants it. */
static int choose_subnet6(char **ret, char id[MTD_ID_SIZE])
{
    return asprintf(ret, "fd%.2s:%.4s:%.4s:%.4s::/64", id + 20, id + 22, id + 26,
                    id + 30) < 0
               ? -ENOMEM
               : 0;
}

static int check_subnet(const char *text, unsigned char len, const struct mtd_net_list *l,
                        struct netlink *route, struct net_subnet *ret,
                        struct mtd_error *err)
{
    const char *other;
    int rc = net_subnet_parse(text, ret);
    if (rc == -EDOM)
        return mtd_fail(err, EINVAL, "subnet %.60s: bits of hosts are set in it", text);
    if (rc < 0 || ret->base.len != len || ret->prefix > 8u * len - 2)
        return mtd_fail(err, EINVAL,
                        "\"%.60s\" is not a subnet; write it as 172.30.0.0/16", text);
    if (is_free(ret, l, route, &other))
        return 0;
    return other ? mtd_fail(err, EADDRINUSE, "subnet %.60s overlaps with network %.80s",
                            text, other)
                 : mtd_fail(err, EADDRINUSE,
                            "subnet %.60s overlaps with a route of the host (ip route)",
                            text);
}

static int fill_gateway(char **gateway, const struct net_subnet *s, struct mtd_error *err)
{
    char text[NET_TEXT];
    struct net_address a = net_subnet_at(s, 1);
    if (*gateway && (net_address_parse(*gateway, &a) < 0 || !net_subnet_has(s, &a)))
        return mtd_fail(err, EINVAL, "gateway %.60s is not an address of the subnet",
                        *gateway);
    net_address_text(&a, text);
    free(*gateway);
    *gateway = strdup(text);
    return *gateway ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static int check_range(const struct mtd_net *n, const struct net_subnet *s,
                       struct mtd_error *err)
{
    struct net_subnet range;
    if (!n->range || (net_subnet_parse(n->range, &range) == 0 &&
                      net_subnet_has(s, &range.base) && range.prefix >= s->prefix))
        return 0;
    return mtd_fail(err, EINVAL, "range %.60s is not a part of subnet %.60s", n->range,
                    n->subnet);
}

int net_plan_subnets(struct mtd_net *n, bool six, const struct mtd_net_list *l,
                     struct netlink *route, struct mtd_error *err)
{
    struct net_subnet s;
    bool routed = net_driver_of(n)->routed;
    int rc = n->subnet ? 0 : choose_subnet(l, route, &n->subnet);
    if (rc == 0 && six && !n->subnet6)
        rc = choose_subnet6(&n->subnet6, n->id);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot find a subnet that is not in use");
    rc = check_subnet(n->subnet, 4, l, routed ? route : NULL, &s, err);
    if (rc == 0)
        rc = fill_gateway(&n->gateway, &s, err);
    if (rc == 0)
        rc = check_range(n, &s, err);
    if (rc < 0 || !n->subnet6)
        return rc;
    rc = check_subnet(n->subnet6, 16, l, routed ? route : NULL, &s, err);
    return rc < 0 ? rc : fill_gateway(&n->gateway6, &s, err);
}
