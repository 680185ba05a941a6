/* A container whose network does not do what was asked for starts all the same, as docker's; why it is not
 * reached would be hard to find out. */

#include "cli/network_warn.h"

#include "base/cleanup.h"
#include "cli/report.h"
#include "engine/engine.h"

static bool is_all_direct(struct cli *c, const struct mtd_spec *s)
{
    bool all = s->n_joins > 0;
    for (size_t i = 0; i < s->n_joins && all; i++) {
        auto_done(mtd_net_done) struct mtd_net n = {0};
        all = mtd_network_inspect(c->engine, s->joins[i].network, &n, NULL) == 0 &&
              n.driver != MTD_NET_DRIVER_BRIDGE;
    }
    return all;
}

void network_warn_ports(struct cli *c, const struct mtd_spec *s)
{
    if ((s->n_ports || s->publish_all) && is_all_direct(c, s))
        report_warning(c,
                       "published ports are discarded: network %s is reached at its own "
                       "addresses",
                       s->joins[0].network);
}

static void warn_of_firewall(const char *network, const char *text, void *arg)
{
    report_warning(arg, "network %s: %s", network, text);
}

void network_warn_firewalls(struct cli *c, const struct mtd_spec *s)
{
    for (size_t i = 0; i < s->n_joins && s->network == MTD_NET_BRIDGE; i++)
        mtd_network_obstacles(c->engine, s->joins[i].network, warn_of_firewall, c);
}
