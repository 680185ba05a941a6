/* Which of a container's networks is its way out, and by which its ports are published. */
#include "engine/port/port.h"

size_t mtd_way_out(const struct mtd_status *st, size_t but)
{
    size_t best = st->n_endpoints;
    for (size_t i = 0; i < st->n_endpoints; i++)
        if (i != but && st->endpoints[i].gateway &&
            (best == st->n_endpoints ||
             st->endpoints[i].gw_priority > st->endpoints[best].gw_priority))
            best = i;
    return best;
}

/* Answers take the way out: by another network the host would not take them for answers. */
size_t mtd_port_way(const struct mtd_status *st, size_t but)
{
    size_t out = mtd_way_out(st, but);
    if (out < st->n_endpoints && !st->endpoints[out].direct)
        return out;
    for (size_t i = 0; i < st->n_endpoints; i++)
        if (i != but && !st->endpoints[i].direct)
            return i;
    return st->n_endpoints;
}

const struct mtd_endpoint *mtd_port_endpoint(const struct mtd_status *st)
{
    size_t i = mtd_port_way(st, MTD_NO_ENDPOINT);
    return i < st->n_endpoints ? &st->endpoints[i] : NULL;
}
