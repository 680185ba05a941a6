/* The Stats tab: why a container is slow, and that what the kernel does not have is left out. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ui/screen/dispatch.h"
#include "uibox.h"

static struct uibox b;

static void make(void)
{
    uibox_make(&b, 24, 100, false);
    uibox_fill(&b);
    uibox_keys(&b, "2");
}

static void done(void)
{
    uibox_done(&b);
}

TestSuite(stats_view, .init = make, .fini = done);

/* n further seconds of the selected container; each adds `add` to what it had. */
static void feed(int n, const struct mtd_stats *add)
{
    struct track *t = model_selected(&b.ui.model)->t;
    for (int i = 0; i < n; i++) {
        struct mtd_stats s = t->last;
        s.taken_at += NS_PER_SEC;
        s.cpu_ns += add->cpu_ns;
        s.periods += 10 + add->periods;
        s.throttled_periods += add->throttled_periods;
        s.oom_kills += add->oom_kills;
        if (add->psi_io_us || add->psi_memory_us || add->psi_cpu_us) {
            if (s.psi_io_us == MTD_STAT_NONE)
                s.psi_io_us = s.psi_memory_us = s.psi_cpu_us = 0;
            s.psi_io_us += add->psi_io_us;
            s.psi_memory_us += add->psi_memory_us;
            s.psi_cpu_us += add->psi_cpu_us;
        }
        if (add->memory)
            s.memory = add->memory;
        track_feed(t, &s);
    }
}

#define SLOW(text) cr_expect(uibox_shows(&b, "slow because: " text), "%s", uibox_text(&b))

Test(stats_view, throttled)
{
    feed(10, &(struct mtd_stats){.periods = 90, .throttled_periods = 38});
    SLOW("throttled 38 % of the time\n");
    feed(4, &(struct mtd_stats){0}); /* a pause between bursts */
    SLOW("throttled 8 % of the time\n");
    feed(1, &(struct mtd_stats){0});
    cr_expect(!uibox_shows(&b, "slow because"));
}

Test(stats_view, out_of_memory)
{
    feed(1, &(struct mtd_stats){.memory = (512u << 20) - 4096, .oom_kills = 2});
    feed(5, &(struct mtd_stats){0});
    SLOW("at its memory limit, OOM killed 2 times\n");
    cr_expect(uibox_shows(&b, "Memory  512M of 512M"), "%s", uibox_text(&b));
}

Test(stats_view, pressure_where_the_kernel_has_it)
{
    uibox_keys(&b, "Enter +");
    uibox_size(&b, 60, 100);
    cr_expect(!uibox_shows(&b, "Pressure"));
    feed(8, &(struct mtd_stats){
                .psi_io_us = 420000, .psi_memory_us = 150000, .psi_cpu_us = 40000});
    SLOW("waits for I/O 42 %, waits for memory 15 % of the time\n");
    cr_expect(uibox_shows(&b, "Pressure, CPU  4.0%"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "Pressure, memory  15.0%"));
    cr_expect(uibox_shows(&b, "Pressure, I/O  42.0%"));
}

Test(stats_view, paused_and_dead)
{
    uibox_keys(&b, "j");
    SLOW("paused: p resumes it\n");
    uibox_keys(&b, "j j j");
    cr_expect(uibox_shows(&b, "not running: no figures"));
}

Test(stats_view, scale_mean_peak_limit_and_time)
{
    uibox_keys(&b, "Enter +");
    b.ui.model.sample_ns = 2 * NS_PER_SEC;
    cr_expect(uibox_shows(&b, "CPU  39.4% of 50.0%   mean 33.2%  peak 45.0%"), "%s",
              uibox_text(&b));
    cr_expect(uibox_shows(&b, "   50.0% ──"), "the limit is a line");
    cr_expect(uibox_shows(&b, " PIDs  14"), "a number");
    cr_expect(uibox_shows(&b, " ago ──") && uibox_shows(&b, "── now"));
}

/* How it came to its end is what one wants to see. */
Test(stats_view, figures_are_kept_after_death)
{
    struct mtd_list l = {0};
    l.items = calloc(1, sizeof(*l.items));
    l.items[0] = uibox_summary('1', "api", "myapp:3", MTD_STATE_EXITED);
    l.len = 1;
    cr_assert_eq(model_take(&b.ui.model, &l), 0);
    dispatch_sync(&b.ui);
    cr_expect(uibox_shows(&b, "ended 2m ago; its last figures"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "peak 45.0%"));
}
