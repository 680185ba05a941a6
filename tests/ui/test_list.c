/* What a row says in the room there is, what the line of tabs never leaves out, and when rows
 * need figures. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/draw/format.h"
#include "ui/screen/dispatch.h"
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
    check(&s, 5, "up 1m");
    s.health = (char[]){"unhealthy"};
    check(&s, FORMAT_WIDE, "unhealthy, up 1m");
    check(&s, 15, "unhealthy");
    s.health = (char[]){"healthy"};
    check(&s, FORMAT_WIDE, "up 1m");
    s = (struct mtd_summary){.state = MTD_STATE_EXITED, .exit_code = 137};
    s.finished_at = UIBOX_NOW - 130 * NS_PER_SEC;
    check(&s, 11, "exit 137 2m");
    check(&s, 10, "exit 137");
    s.state = MTD_STATE_RESTARTING;
    s.restart_count = 11;
    check(&s, 15, "restarting (11)");
    check(&s, 14, "restarts");
    s.next_start_at = UIBOX_NOW + 24 * NS_PER_SEC;
    check(&s, 15, "in 24s (11)");
}

/* The unit changes where the next one is told as exactly: two days are told by the hour. */
Test(status, ages)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } CASES[] = {{-5, "0s"},     {59, "59s"},          {60, "1m"},      {3599, "59m"},
                 {3600, "1h"},   {86400, "24h"},       {172799, "47h"}, {172800, "2d"},
                 {259199, "2d"}, {400 * 86400, "400d"}};
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        char text[FORMAT_MAX];
        cr_expect_str_eq(format_age(CASES[i].seconds * NS_PER_SEC, text), CASES[i].text);
    }
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

/* What wants a look does not look like what is well. */
Test(attention, unhealthy_is_seen_in_row_and_header)
{
    struct uibox b;
    struct mtd_list l = {0};
    uibox_make(&b, 24, 80, false);
    l.items = calloc(3, sizeof(*l.items));
    l.items[0] = uibox_summary('1', "well", "web", MTD_STATE_RUNNING);
    l.items[0].health = strdup("healthy");
    l.items[1] = uibox_summary('2', "sickly", "web", MTD_STATE_RUNNING);
    l.items[1].health = strdup("unhealthy");
    l.items[2] = uibox_summary('3', "crasher", "web", MTD_STATE_RESTARTING);
    l.items[2].restart_count = 11;
    l.items[2].next_start_at = UIBOX_NOW + 24 * NS_PER_SEC;
    l.len = 3;
    cr_assert_eq(model_take(&b.ui.model, &l), 0);
    dispatch_sync(&b.ui);
    cr_expect(uibox_shows(&b, "1 unhealthy  1 restarting  2 up"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "● well    up 3h"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "▲ sickly  unhealthy, up 3h"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "↻ crasher in 24s (11)"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "[all web]"), "the image is said once: %s", uibox_text(&b));
    cr_expect_not(uibox_shows(&b, "IMAGE"));
    uibox_done(&b);
}

/* Names of one project differ at their ends. */
Test(names, are_cut_in_the_middle_and_last)
{
    static const char *const NAMES[] = {"shop_backend_worker_for_invoices_1",
                                        "shop_backend_worker_for_invoices_2"};
    struct uibox b;
    struct mtd_list l = {0};
    l.items = calloc(2, sizeof(*l.items));
    for (size_t i = 0; i < 2; i++)
        l.items[i] =
            uibox_summary((char)('1' + i), NAMES[i], i ? "b" : "a", MTD_STATE_RUNNING);
    l.len = 2;
    uibox_make(&b, 24, 80, false);
    cr_assert_eq(model_take(&b.ui.model, &l), 0);
    dispatch_sync(&b.ui);
    cr_expect(uibox_shows(&b, "shop_backend_wo…for_invoices_1 "), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "shop_backend_wo…for_invoices_2 "), "%s", uibox_text(&b));
    uibox_size(&b, 12, 40);
    cr_expect(uibox_shows(&b, "invoices_2 "), "other columns go first: %s",
              uibox_text(&b));
    uibox_done(&b);
}

static struct mtd_summary *row_named(struct uibox *b, const char *name)
{
    for (size_t i = 0; i < b->ui.model.list.len; i++)
        if (strcmp(b->ui.model.list.items[i].name, name) == 0)
            return &b->ui.model.list.items[i];
    cr_assert(false, "%s", name);
    return NULL;
}

/* The column comes with the first port, and all is said of what can be reached. */
Test(list, ports_are_shown_when_there_are_some)
{
    struct uibox b;
    uibox_make(&b, 24, 120, false);
    uibox_fill(&b);
    cr_expect_not(uibox_shows(&b, "PORTS"));
    struct mtd_summary *s = row_named(&b, "api");
    strv_add(&s->ports, "0.0.0.0:8080->80/tcp");
    strv_add(&s->ports, "[::]:8080->80/tcp");
    strv_add(&s->ports, "443/tcp");
    strv_add(&row_named(&b, "db")->ports, "127.0.0.1:5432->5432/tcp");
    strv_add(&row_named(&b, "job")->ports, "0.0.0.0:99->99/tcp");
    cr_expect(uibox_shows(&b, "PORTS"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, " *:8080->80 "), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, " 127.0.0.1:5432->5432 "), "%s", uibox_text(&b));
    cr_expect_not(uibox_shows(&b, "99->99"), "it does not run");
    uibox_size(&b, 24, 80);
    cr_expect(uibox_shows(&b, "PORTS"), "%s", uibox_text(&b));
    uibox_done(&b);
}

static size_t shown(struct uibox *b, const char *filter)
{
    cr_assert_eq(model_filter(&b->ui.model, filter, NULL), 0, "%s", filter);
    return b->ui.model.n_shown;
}

Test(list, is_searched_by_port_address_and_network)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    struct mtd_summary *s = row_named(&b, "api");
    strv_add(&s->ports, "0.0.0.0:8080->80/tcp");
    strv_add(&s->addresses, "front 10.1.0.2/16");
    strv_add(&s->addresses, "front fd00::2/64");
    strv_add(&s->networks, "front");
    strv_add(&row_named(&b, "db")->addresses, "back 10.2.0.2/16");
    strv_add(&row_named(&b, "db")->networks, "back");
    cr_expect_eq(shown(&b, "port:8080"), 1);
    cr_expect_eq(shown(&b, "port:80"), 0, "that is the container's side");
    cr_expect_eq(shown(&b, "ip:10."), 2);
    cr_expect_eq(shown(&b, "ip:10.1."), 1);
    cr_expect_eq(shown(&b, "ip:FD00"), 1);
    cr_expect_eq(shown(&b, "ip:0.1"), 0, "the beginning of it");
    cr_expect_eq(shown(&b, "net:front"), 1);
    cr_expect_eq(shown(&b, "net:fro"), 0, "the whole name");
    cr_expect_eq(shown(&b, "net:back ip:10"), 1);
    uibox_done(&b);
}
