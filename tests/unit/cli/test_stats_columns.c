/* stats_columns: each figure in its own column, and what is not known said so. */

#include "cli/stats_columns.h"

#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ALL                                                                     \
    "{{.Container}} {{.ID}} {{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} " \
    "{{.NetIO}} {{.BlockIO}} {{.PIDs}}"

static struct mtd_summary container = {
    .id = "0123456789abcdef0123456789abcdef0123456789abcdef"
          "0123456789abcdef",
    .name = "web",
    .state = MTD_STATE_RUNNING,
    .pid = 7};

/* No two are the same, and none is what another one becomes by a mix-up of units. */
static struct mtd_stats some(void)
{
    return (struct mtd_stats){.taken_at = 4 * NS_PER_SEC,
                              .cpu_ns = 3 * NS_PER_SEC,
                              .memory = 3u << 20,
                              .memory_limit = 12u << 20,
                              .net_rx = 1000,
                              .net_tx = 2000,
                              .blk_read = 5000,
                              .blk_write = 7000,
                              .pids = 9};
}

static void expect(const struct stats_row *row, const char *template, const char *want)
{
    auto_done(buf_done) struct buf out = {0};
    struct mtd_error err = {0};
    struct format f;
    cr_assert_eq(format_compile(&f, template, STATS_FIELDS, STATS_TABLE, &err), 0, "%s",
                 err.text);
    cr_assert_eq(format_row(&f, row, &out, &err), 0, "%s", err.text);
    format_done(&f);
    cr_expect_str_eq(out.data, want);
}

Test(stats_columns, each_figure_is_in_its_column)
{
    struct mtd_stats now = some(), before = some();
    before.taken_at = 2 * NS_PER_SEC;
    before.cpu_ns = 2 * NS_PER_SEC;
    struct stats_row row = {&container, &now, &before, 1ull << 30, false};
    expect(&row, ALL,
           "web 0123456789ab web 50.00% 3MiB / 12MiB 25.00% 1kB / 2kB 5kB / 7kB 9");
    row.no_trunc = true;
    expect(&row, "{{.ID}}", container.id);
}

/* What the machine has is the limit where there is none, or a larger one. */
Test(stats_columns, the_machine_is_a_limit)
{
    static const uint64_t LIMITS[] = {MTD_STAT_NONE, 1ull << 40};
    for (size_t i = 0; i < ARRAY_SIZE(LIMITS); i++) {
        struct mtd_stats now = some();
        now.memory_limit = LIMITS[i];
        struct stats_row row = {&container, &now, NULL, 6u << 20, false};
        expect(&row, "{{.MemUsage}} {{.MemPerc}}", "3MiB / 6MiB 50.00%");
    }
}

Test(stats_columns, what_is_not_known_is_no_figure)
{
    struct mtd_stats now = some(), before = some();
    struct stats_row row = {&container, &now, NULL, 1u << 30, false};
    expect(&row, "{{.CPUPerc}}", "--");
    row.before = &before; /* no time has passed */
    expect(&row, "{{.CPUPerc}}", "--");
    before.taken_at = 1;
    before.cpu_ns = now.cpu_ns + 1; /* another run's */
    expect(&row, "{{.CPUPerc}}", "--");
    now.net_tx = now.blk_read = now.pids = now.memory = MTD_STAT_NONE;
    expect(&row, "{{.NetIO}}, {{.BlockIO}}, {{.PIDs}}, {{.MemUsage}}, {{.MemPerc}}",
           "1kB / --, -- / 7kB, --, -- / --, --");
    row.now = NULL; /* it runs, but could not be looked at */
    expect(&row, "{{.CPUPerc}} {{.NetIO}} {{.PIDs}}", "-- -- / -- --");
    container.state = MTD_STATE_EXITED;
    expect(&row,
           "{{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDs}}",
           "0.00% 0B / 0B 0.00% 0B / 0B 0B / 0B 0");
}
