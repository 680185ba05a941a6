/* Whole screens against tests/ui/NAME.screen, which read as what a person sees. After a wanted
 * change: MTD_UPDATE_SCREENS=1 test_ui --filter 'screens/\*', and read the difference. */
#include <criterion/criterion.h>

#include <string.h>

#include "ui/draw/text.h"
#include "uibox.h"

static const struct {
    int rows, cols;
    bool ascii;
    const char *name;
} SIZES[] = {
    {24, 80, false, "list-80x24"},        {24, 80, true, "list-80x24-ascii"},
    {12, 40, false, "list-40x12"},        {40, 120, false, "list-120x40"},
    {50, 200, false, "list-200x50"},      {1, 1, false, "list-1x1"},
    {1, 1, true, "list-1x1-ascii"},       {2, 10, false, "list-10x2"},
    {12, 40, true, "list-40x12-ascii"},   {40, 120, true, "list-120x40-ascii"},
    {50, 200, true, "list-200x50-ascii"},
};

Test(screens, the_list_at_every_size)
{
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        struct uibox b;
        uibox_make(&b, SIZES[i].rows, SIZES[i].cols, SIZES[i].ascii);
        uibox_fill(&b);
        uibox_golden(&b, SIZES[i].name);
        uibox_done(&b);
    }
}

static void golden_after(const char *keys, int rows, int cols, const char *name)
{
    struct uibox b;
    uibox_make(&b, rows, cols, false);
    uibox_fill(&b);
    uibox_keys(&b, keys);
    uibox_golden(&b, name);
    uibox_done(&b);
}

Test(screens, empty)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_golden(&b, "empty");
    uibox_done(&b);
}

#define ID_298 "000000000000000000000000000000000000000000000000000000000000012a"

Test(screens, many)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill_many(&b, 300);
    tempdir_put(&b.dir, "root/containers/" ID_298 "/container.log", "");
    uibox_keys(&b, "G k k");
    uibox_golden(&b, "many-at-the-end");
    uibox_done(&b);
}

Test(screens, stats)
{
    golden_after("2", 24, 80, "stats-80x24");
    golden_after("2 Enter +", 40, 120, "stats-120x40");
}

Test(screens, inspect)
{
    golden_after("4 Enter j Enter", 24, 80, "inspect");
}

Test(screens, detail_alone_when_small)
{
    golden_after("2 Enter", 12, 40, "stats-40x12");
}

/* Wider than 80 columns nothing may stand in it: there it would be cut off. */
Test(screens, no_line_of_the_help_is_cut_at_80_columns)
{
    struct uibox b;
    uibox_make(&b, 24, 110, true); /* in one column */
    uibox_keys(&b, "?");
    for (int page = 0; page < 8; page++) {
        int row = 0;
        const char *line = uibox_text(&b);
        for (; *line; line += strcspn(line, "\n"), line += *line == '\n', row++)
            if (row > 0 && row < 23)
                cr_expect_eq(strspn(line + 79, " "), 30, "page %d: %.120s", page, line);
        cr_expect_eq(row, 24);
        uibox_keys(&b, "PgDn");
    }
    cr_expect(uibox_shows(&b, ":q quits"), "%s", uibox_text(&b));
    uibox_done(&b);
}

Test(screens, help)
{
    golden_after("?", 24, 80, "help");
}

Test(screens, run_form)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "n");
    uibox_type(&b, "busybox");
    uibox_keys(&b, "Down");
    uibox_type(&b, "sh -c 'echo \"hi\"'");
    uibox_keys(&b, "Down");
    uibox_type(&b, "api");
    uibox_golden(&b, "run-name-taken");
    uibox_type(&b, "2");
    uibox_keys(&b, "Down");
    uibox_type(&b, "A=1 B='x y'");
    uibox_keys(&b, "Down Down");
    uibox_type(&b, "64m");
    uibox_golden(&b, "run");
    uibox_done(&b);
}

Test(screens, confirmations)
{
    golden_after("d", 24, 80, "rm-running");
    golden_after("Space j Space d", 24, 80, "rm-marked");
    golden_after("K j Enter", 24, 80, "kill-confirm");
    golden_after("c", 24, 80, "commit");
    golden_after("d", 8, 30, "rm-small");
}

Test(screens, why)
{
    golden_after("j j j j Enter", 24, 80, "why");
}

Test(screens, sort_menu)
{
    golden_after("o", 24, 80, "sort");
}

Test(screens, filter_line)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "/");
    uibox_type(&b, "state:exited");
    uibox_golden(&b, "filter");
    uibox_done(&b);
}

/* Drawing at any size with anything open neither crashes nor leaves a half glyph; term.c and
 * the canvas tests rely on the rest. */
Test(screens, resize_storm)
{
    static const char *const OPEN[] = {"",  "2", "3", "4", "5", "6",
                                       "?", "n", "d", "o", "K", "c",
                                       "R", ":", "/", "!", "l", "2 Enter +"};
    for (size_t i = 0; i < sizeof(OPEN) / sizeof(OPEN[0]); i++) {
        struct uibox b;
        unsigned seed = 7;
        uibox_make(&b, 24, 80, i % 2);
        uibox_fill(&b);
        uibox_keys(&b, OPEN[i]);
        for (int round = 0; round < 150; round++) {
            seed = seed * 1103515245 + 12345;
            int rows = 1 + (int)(seed >> 16) % 60, cols = 1 + (int)(seed >> 8) % 250;
            if (round % 5 == 0)
                rows = 1 + round % 7, cols = 1 + round % 11;
            uibox_size(&b, rows, cols);
            cr_assert_not_null(uibox_text(&b));
            for (int at = 0; at < rows * cols; at++) {
                const struct cell *cell = &b.canvas.cells[at];
                bool right = at % cols > 0 && cell[-1].width == 2;
                cr_assert_eq(cell->width == 0, right);
                for (int j = 0; j < cell->len; j++)
                    cr_assert((unsigned char)cell->text[j] >= 0x20 &&
                              cell->text[j] != 0x7f);
            }
        }
        uibox_done(&b);
    }
}

/* However long the state of the view is, it is seen; a click finds the tab that is drawn. */
Test(screens, tab_line)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "l");
    for (int cols = 200; cols >= 12; cols--) {
        uibox_size(&b, 24, cols);
        cr_expect(uibox_shows(&b, "following"), "%d columns", cols);
        const char *line = strchr(uibox_text(&b), '\n') + 1;
        const char *six = memmem(line, strcspn(line, "\n"), "[6", 2);
        struct input_event click = {.key = KEY_MOUSE, .row = 1, .button = MOUSE_LEFT};
        click.col = six ? text_width(line, (size_t)(six - line)) + 1 : 0;
        ui_key(&b.ui, &click);
        cr_expect_eq(b.ui.tab, six ? TAB_EVENTS : TAB_LOGS, "%d columns", cols);
        uibox_keys(&b, "l");
    }
    uibox_done(&b);
}

/* The keys of what one looks at are what one asks for. */
Test(screens, the_help_begins_with_the_view_and_is_searched)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "l ?");
    cr_expect(strstr(uibox_text(&b), "Full-screen log") < strstr(uibox_text(&b), "Logs"),
              "%s", uibox_text(&b));
    cr_expect_not(uibox_shows(&b, "run a new container"));
    uibox_keys(&b, "/");
    uibox_type(&b, "commit");
    uibox_keys(&b, "Enter");
    cr_expect(uibox_shows(&b, "make an image of it") || uibox_shows(&b, "commit"));
    cr_expect_not(uibox_shows(&b, "half a page"), "%s", uibox_text(&b));
    uibox_keys(&b, "Esc");
    cr_expect_null(b.ui.modal);
    uibox_done(&b);
    uibox_make(&b, 24, 120, false);
    uibox_keys(&b, "?");
    cr_expect(uibox_shows(&b, "1-44 of"), "two columns: %s", uibox_text(&b));
    uibox_done(&b);
}
