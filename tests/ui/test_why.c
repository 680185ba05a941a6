/* "Why did it die": the runs put together from events, and the card. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/model/runs.h"
#include "ui/screen/dispatch.h"
#include "uibox.h"

static struct event_list list_of(struct event_line *items, size_t n)
{
    return (struct event_list){.items = items, .len = n};
}

#define EVENT(second, what, code)                                                   \
    {                                                                               \
        .time = "2026-01-02T03:00:" second ".5Z", .action = what, .exit_code = code \
    }

static void expect_run(const struct run *r, const char *want)
{
    auto_done(buf_done) struct buf b = {0};
    setenv("TZ", "UTC", 1);
    run_print(r, UIBOX_NOW, &b);
    cr_expect_str_eq(b.data, want);
}

Test(runs, starts_and_ends_make_runs)
{
    struct event_line items[] = {
        EVENT("00", "create", -1), EVENT("01", "start", -1), EVENT("03", "die", 3),
        EVENT("04", "start", -1),  EVENT("05", "exec", -1),  EVENT("09", "oom", -1),
        EVENT("09", "die", 137),   EVENT("20", "start", -1), EVENT("30", "die", 143),
        EVENT("31", "stop", -1),   EVENT("40", "start", -1), EVENT("41", "die", 137),
        EVENT("41", "kill", -1),   EVENT("50", "start", -1)};
    struct event_list l = list_of(items, ARRAY_SIZE(items));
    struct run runs[10];
    size_t n;
    cr_assert_eq(runs_find(&l, runs, 10, &n), 5);
    cr_assert_eq(n, 5);
    expect_run(&runs[0], "2026-01-02 03:00:01  ran 2s, status 3");
    expect_run(&runs[1], "2026-01-02 03:00:04  ran 5s, out of memory, SIGKILL (137)");
    expect_run(&runs[2], "2026-01-02 03:00:20  ran 10s, SIGTERM (143), by stop");
    expect_run(&runs[3], "2026-01-02 03:00:40  ran 1s, SIGKILL (137), by kill");
    expect_run(&runs[4], "2026-01-02 03:00:50  running for 3m");
    cr_expect_eq(runs_find(&l, runs, 2, &n), 5, "the last two of five");
    cr_assert_eq(n, 2);
    expect_run(&runs[0], "2026-01-02 03:00:40  ran 1s, SIGKILL (137), by kill");
}

Test(runs, what_is_missing_is_said)
{
    struct event_line items[] = {EVENT("03", "die", -1), EVENT("59", "stop", -1)};
    struct event_list l = list_of(items, ARRAY_SIZE(items));
    struct run runs[2];
    size_t n;
    cr_assert_eq(runs_find(&l, runs, 2, &n), 1);
    expect_run(&runs[0],
               "?                    ran ?, exit status unknown"); /* not by stop */
    l.len = 0;
    cr_expect_eq(runs_find(&l, runs, 2, &n), 0);
    cr_expect_eq(n, 0);
}

static void give_error(struct uibox *b)
{
    struct mtd_list l = {0};
    l.items = calloc(2, sizeof(*l.items));
    l.items[0] = uibox_summary('1', "nofile", "busybox", MTD_STATE_CREATED);
    l.items[0].error =
        strdup("exec: \"nosuchprogram\": executable file not found in $PATH");
    l.items[1] = uibox_summary('2', "well", "busybox", MTD_STATE_RUNNING);
    l.len = 2;
    cr_assert_eq(model_take(&b->ui.model, &l), 0);
    dispatch_sync(&b->ui);
}

/* Nothing is cut at the edge, and what never ran has neither start nor runs. */
Test(why, a_failed_start_on_a_narrow_screen)
{
    struct uibox b;
    uibox_make(&b, 24, 40, false);
    give_error(&b);
    uibox_keys(&b, "j !");
    cr_expect(uibox_shows(&b, "why did nofile not start?"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "$PATH"));
    cr_expect(uibox_shows(&b, "it never ran"));
    cr_expect(!uibox_shows(&b, "Started"));
    uibox_keys(&b, "Esc k !");
    cr_expect(uibox_shows(&b, "how is well?"));
    uibox_done(&b);
}

Test(why, the_keys_work_on_the_card)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "j j j j Enter");
    cr_assert(uibox_shows(&b, "why did job end?"));
    uibox_keys(&b, "l");
    cr_expect(uibox_shows(&b, "eating"));
    cr_expect(!uibox_shows(&b, "why did job end?"));
    uibox_keys(&b, "Esc Enter s");
    cr_expect_str_eq(b.started, "mytop-docker --batch start @job\n");
    b.started[0] = '\0';
    uibox_keys(&b, "Enter");
    cr_assert(uibox_shows(&b, "why did job end?"));
    model_move(&b.ui.model, 1); /* as when it vanishes */
    uibox_keys(&b, "s");
    cr_expect_str_eq(b.started, "");
    cr_expect(uibox_shows(&b, "the container no longer exists"));
    b.ui.read_only = true;
    uibox_keys(&b, "Enter s");
    cr_expect(uibox_shows(&b, "read-only"));
    cr_expect_str_eq(b.started, "");
    uibox_done(&b);
}
