/* stats_columns - the columns of `stats`, as docker has them.
 * Shape   struct stats_row is the row of a table (table.h) with the fields STATS_FIELDS. A figure that
 *         is not known is "--"; what does not run uses nothing, and that is a figure.
 * Source  docker/cli formatter of stats; 100 % is one CPU.
 */
#ifndef CLI_STATS_COLUMNS_H
#define CLI_STATS_COLUMNS_H

#include "cli/format.h"
#include "engine/engine.h"

struct stats_row {
    const struct mtd_summary *container;
    const struct mtd_stats *now, *before; /* NULL = no figures */
    uint64_t host_memory;                 /* bytes: the limit where there is no other */
    bool no_trunc;
};

extern const struct format_field STATS_FIELDS[];
#define STATS_TABLE                                                               \
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t" \
    "{{.BlockIO}}\t{{.PIDs}}"

#endif
