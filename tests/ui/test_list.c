/* What a row says in the room there is, what the line of tabs never leaves out, and when rows
 * need figures. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/draw/format.h"
#include "uibox.h"

static const char *status(const struct mtd_summary *s, int cols)
{
    static char text[FORMAT_MAX];
    return format_status(s, UIBOX_NOW, cols, text);
}

static void check(const struct mtd_summary *s, int cols, const char *want)
{
    cr_expect_str_eq(status(s, cols), want, "%d columns: %s", cols, status(s, cols));
}

Test(status, shorter_words_instead_of_cut_ones)
{
    struct mtd_summary s = {.state = MTD_STATE_RUNNING};
    s.started_at = UIBOX_NOW - 70 * NS_PER_SEC;
    check(&s, FORMAT_WIDE, "Up About a minute");
    check(&s, 16, "Up 1m");
    s.health = (char[]){"unhealthy"};
    check(&s, FORMAT_WIDE, "Up About a minute (unhealthy)");
    check(&s, 20, "Up 1m (unhealthy)");
    check(&s, 10, "unhealthy");
    s.health = (char[]){"healthy"};
    check(&s, 10, "Up 1m");
    s = (struct mtd_summary){.state = MTD_STATE_EXITED, .exit_code = 137};
    s.finished_at = UIBOX_NOW - 130 * NS_PER_SEC;
    check(&s, 15, "Exited (137) 2m");
    check(&s, 14, "Exited (137)");
    check(&s, 10, "Exited 137");
    s.state = MTD_STATE_RESTARTING;
    check(&s, 16, "Restarting (137)");
    check(&s, 11, "Restart 137");
}

/* Who is looked at, and whether it stands still, is said in every width. */
Test(tabs, the_right_end_stays)
{
    static const char *const KEYS[] = {"l", "l k", "l k & 2 Enter"};
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
        for (int cols = 40; cols <= 130; cols++) {
            struct uibox b;
            uibox_make(&b, 24, cols, false);
            uibox_fill(&b);
            uibox_keys(&b, KEYS[i]);
            cr_assert(uibox_shows(&b, i ? " paused" : " following"), "%zu: %d columns", i,
                      cols);
            cr_assert(cols < 60 || uibox_shows(&b, " api "), "%zu: %d columns", i, cols);
            cr_assert(uibox_shows(&b, "[1 Logs]"));
            cr_assert(cols < 80 || i == 2 || uibox_shows(&b, "4 Inspect"));
            uibox_done(&b);
        }
}

Test(figures, rows_that_come_into_sight_want_some)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill_many(&b, 100);
    uibox_text(&b);
    cr_expect(ui_rows_came(&b.ui));
    cr_expect_not(ui_rows_came(&b.ui), "once");
    uibox_keys(&b, "j");
    uibox_text(&b);
    cr_expect_not(ui_rows_came(&b.ui), "the same rows");
    uibox_keys(&b, "PgDn PgDn");
    uibox_text(&b);
    cr_expect(ui_rows_came(&b.ui));
    for (size_t i = 0; i < b.ui.model.list.len; i++)
        b.ui.model.rows[i].t->last.taken_at = 1000 * NS_PER_SEC; /* the clock stands */
    uibox_keys(&b, "G");
    uibox_text(&b);
    cr_expect_not(ui_rows_came(&b.ui), "their figures are recent");
    uibox_done(&b);
}
