/* The CPU share needs two samples: without the one before it is not known. */

#include "cli/stats_columns.h"

#include "base/size.h"
#include "cli/ps.h"

static const struct stats_row *row_of(const void *row)
{
    return row;
}

static int add_missing(struct buf *out)
{
    return buf_puts(out, "--");
}

/* What does not run uses nothing, and that is a figure. */
static bool is_idle(const struct stats_row *r)
{
    return !r->now && !mtd_state_is_active(r->container->state);
}

static int get_id(const void *row, struct buf *out)
{
    return ps_short_id(row_of(row)->container->id, row_of(row)->no_trunc, out);
}

static int get_name(const void *row, struct buf *out)
{
    return buf_puts(out, row_of(row)->container->name);
}

static int get_cpu(const void *row, struct buf *out)
{
    const struct mtd_stats *now = row_of(row)->now, *before = row_of(row)->before;
    if (is_idle(row))
        return buf_puts(out, "0.00%");
    if (!now || !before || now->cpu_ns == MTD_STAT_NONE ||
        before->cpu_ns == MTD_STAT_NONE || now->taken_at <= before->taken_at ||
        now->cpu_ns < before->cpu_ns)
        return add_missing(out);
    double used = (double)(now->cpu_ns - before->cpu_ns);
    return buf_printf(out, "%.2f%%",
                      used / (double)(now->taken_at - before->taken_at) * 100);
}

static uint64_t memory_limit(const struct stats_row *r)
{
    return r->now->memory_limit == MTD_STAT_NONE || r->now->memory_limit > r->host_memory
               ? r->host_memory
               : r->now->memory_limit;
}

static int get_memory(const void *row, struct buf *out)
{
    const struct stats_row *r = row;
    char used[SIZE_TEXT], limit[SIZE_TEXT];
    if (is_idle(r))
        return buf_puts(out, "0B / 0B");
    if (!r->now || r->now->memory == MTD_STAT_NONE)
        return buf_puts(out, "-- / --");
    size_binary(r->now->memory, used);
    size_binary(memory_limit(r), limit);
    return buf_printf(out, "%s / %s", used, limit);
}

static int get_memory_percent(const void *row, struct buf *out)
{
    const struct stats_row *r = row;
    if (is_idle(r))
        return buf_puts(out, "0.00%");
    if (!r->now || r->now->memory == MTD_STAT_NONE || memory_limit(r) == 0)
        return add_missing(out);
    return buf_printf(out, "%.2f%%",
                      (double)r->now->memory / (double)memory_limit(r) * 100);
}

static int add_pair(uint64_t a, uint64_t b, struct buf *out)
{
    char left[SIZE_TEXT] = "--", right[SIZE_TEXT] = "--";
    if (a != MTD_STAT_NONE)
        size_decimal(a, left);
    if (b != MTD_STAT_NONE)
        size_decimal(b, right);
    return buf_printf(out, "%s / %s", left, right);
}

static int get_net(const void *row, struct buf *out)
{
    const struct mtd_stats *now = row_of(row)->now;
    if (is_idle(row))
        return add_pair(0, 0, out);
    return add_pair(now ? now->net_rx : MTD_STAT_NONE, now ? now->net_tx : MTD_STAT_NONE,
                    out);
}

static int get_block(const void *row, struct buf *out)
{
    const struct mtd_stats *now = row_of(row)->now;
    if (is_idle(row))
        return add_pair(0, 0, out);
    return add_pair(now ? now->blk_read : MTD_STAT_NONE,
                    now ? now->blk_write : MTD_STAT_NONE, out);
}

static int get_pids(const void *row, struct buf *out)
{
    const struct mtd_stats *now = row_of(row)->now;
    if (is_idle(row))
        return buf_puts(out, "0");
    if (!now || now->pids == MTD_STAT_NONE)
        return add_missing(out);
    return buf_printf(out, "%llu", (unsigned long long)now->pids);
}

const struct format_field STATS_FIELDS[] = {
    {"Container", "CONTAINER", get_name},
    {"ID", "CONTAINER ID", get_id},
    {"Name", "NAME", get_name},
    {"CPUPerc", "CPU %", get_cpu},
    {"MemUsage", "MEM USAGE / LIMIT", get_memory},
    {"MemPerc", "MEM %", get_memory_percent},
    {"NetIO", "NET I/O", get_net},
    {"BlockIO", "BLOCK I/O", get_block},
    {"PIDs", "PIDS", get_pids},
    FORMAT_FIELDS_END,
};
