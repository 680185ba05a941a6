/* docs/dashboard.svg, the picture of the README: what the program draws of this made state.
 * After a wanted change: MTD_UPDATE_SCREENS=1 test_ui --filter 'picture/\*', and look at it. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/draw/svg.h"
#include "ui/screen/dispatch.h"
#include "uibox.h"

#define MINUTES (60 * NS_PER_SEC)
#define MIB (1ULL << 20)

static const struct made {
    const char *name, *image, *command;
    enum mtd_state state;
    int64_t age, exit_code;
    bool oom;
    int64_t memory_limit;
    unsigned cpu, swing; /* percent of one core; how far it moves */
    uint64_t memory, pids, rx, tx;
} MADE[] = {
    {"web", "nginx:1.25", "nginx", MTD_STATE_RUNNING, 190, 0, false, 256 * MIB, 9, 6,
     41 * MIB, 5, 1900000, 8300000},
    {"api", "shop:3", "./server --port 8080", MTD_STATE_RUNNING, 190, 0, false, 512 * MIB,
     62, 40, 318 * MIB, 14, 640000, 1200000},
    {"worker", "shop:3", "./worker mail", MTD_STATE_RUNNING, 187, 0, false, 256 * MIB, 28,
     22, 120 * MIB, 6, 91000, 73000},
    {"db", "postgres", "postgres -D /data", MTD_STATE_RUNNING, 2980, 0, false, 2048 * MIB,
     17, 9, 1090 * MIB, 21, 260000, 410000},
    {"cache", "redis:7", "redis-server", MTD_STATE_PAUSED, 2980, 0, false, 0, 0, 0,
     64 * MIB, 5, 0, 0},
    {"mailer", "mailer:2", "./mailer", MTD_STATE_RESTARTING, 4, 1, false, 0, 0, 0, 0, 0,
     0, 0},
    {"report", "reports:1", "./report --month 12", MTD_STATE_EXITED, 12, 137, true,
     128 * MIB, 0, 0, 0, 0, 0, 0},
    {"migrate", "shop:3", "./migrate up", MTD_STATE_EXITED, 191, 0, false, 0, 0, 0, 0, 0,
     0, 0},
};

static void add(struct mtd_list *l, const struct made *m)
{
    struct mtd_summary *s = &l->items[l->len];
    *s = uibox_summary((char)('1' + l->len), m->name, m->image, m->state);
    s->command = strdup(m->command);
    s->started_at = UIBOX_NOW - m->age * MINUTES;
    s->created_at = s->started_at - (int64_t)l->len * NS_PER_SEC;
    s->finished_at = s->pid ? 0 : s->started_at + 20 * NS_PER_SEC;
    s->exit_code = (int)m->exit_code;
    s->oom_killed = m->oom;
    s->memory_limit = m->memory_limit;
    s->nano_cpus = m->cpu > 50 ? 900000000 : 0;
    l->len++;
}

/* Two minutes of figures, in waves of different lengths. */
static void feed(struct track *t, const struct made *m)
{
    static const int WAVE[] = {0, 4, 7, 9, 10, 9, 7, 4, 0, -4, -7, -9, -10, -9, -7, -4};
    struct mtd_stats s = {.taken_at = NS_PER_SEC,
                          .memory_limit =
                              m->memory_limit ? (uint64_t)m->memory_limit : MTD_STAT_NONE,
                          .pids_limit = MTD_STAT_NONE,
                          .psi_cpu_us = MTD_STAT_NONE,
                          .psi_memory_us = MTD_STAT_NONE,
                          .psi_io_us = MTD_STAT_NONE};
    for (unsigned i = 0; i < 120; i++) {
        int wave = WAVE[i / 2 % 16] * 6 + WAVE[i * 5 % 16] * 4;
        int cpu = (int)m->cpu + (int)m->swing * wave / 100;
        s.taken_at += NS_PER_SEC;
        s.cpu_ns += (uint64_t)cpu * (NS_PER_SEC / 100);
        s.memory = m->memory - (119 - i) % 37 * m->memory / 90;
        s.pids = m->pids - (119 - i) / 9 % 4 * m->pids / 8;
        s.periods += 10;
        s.throttled_periods += cpu > 76 ? (unsigned)(cpu - 72) / 3 : 0;
        s.blk_read += m->pids * (uint64_t)(12 + WAVE[i * 3 % 16]) * 1024;
        s.blk_write += m->pids * (uint64_t)(11 + WAVE[i % 16]) * 3072;
        s.net_rx += m->rx / 120 * (uint64_t)(100 + wave) / 100;
        s.net_tx += m->tx / 120 * (uint64_t)(100 + wave) / 100;
        track_feed(t, &s);
    }
}

static void fill(struct uibox *b)
{
    struct mtd_list l = {.items = calloc(ARRAY_SIZE(MADE), sizeof(*l.items))};
    for (size_t i = 0; i < ARRAY_SIZE(MADE); i++)
        add(&l, &MADE[i]);
    cr_assert_eq(model_take(&b->ui.model, &l), 0);
    for (size_t i = 0; i < b->ui.model.list.len; i++)
        for (size_t k = 0; k < ARRAY_SIZE(MADE); k++)
            if (MADE[k].memory && !strcmp(b->ui.model.rows[i].s->name, MADE[k].name))
                feed(b->ui.model.rows[i].t, &MADE[k]);
    b->ui.host_cpu = 31;
    b->ui.host_memory_used = 6900 * MIB;
    dispatch_sync(&b->ui);
}

Test(picture, dashboard)
{
    struct uibox b;
    uibox_make(&b, 30, 100, false);
    fill(&b);
    uibox_keys(&b, "P g 2");
    uibox_golden_svg(&b, "dashboard");
    uibox_done(&b);
}
