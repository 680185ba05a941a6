/* A list of any length on a screen of any height: what is true after any keys. */

#include <criterion/criterion.h>
#include <string.h>

#include "seed.h"
#include "ui/model/scroll.h"

/* The cursor is on a row, the row is on the screen, and no line is empty while rows are hidden. */
static void check(const struct scroll *s, size_t n, int rows)
{
    size_t room = rows > 0 ? (size_t)rows : 1;
    cr_assert(n == 0 ? s->at == 0 : s->at < n, "cursor %zu of %zu", s->at, n);
    cr_assert(s->at >= s->top && s->at < s->top + room, "cursor %zu, from %zu, %d rows",
              s->at, s->top, rows);
    cr_assert(s->top == 0 || s->top + room <= n, "%zu rows of %zu from %zu", room, n,
              s->top);
}

/* Where the cursor must be: the sum of the moves, kept within the list. */
static size_t moved(size_t at, long by, size_t n)
{
    long to = (long)at + by;
    return to < 0 || n == 0 ? 0 : (size_t)to >= n ? n - 1 : (size_t)to;
}

static const struct {
    int command;
    long by_rows, by_lines; /* halves of a screen, lines */
} MOVES[] = {
    {CMD_UP, 0, -1},       {CMD_DOWN, 0, 1},      {CMD_PAGE_UP, -2, 0},
    {CMD_PAGE_DOWN, 2, 0}, {CMD_TOP, 0, -100000}, {CMD_BOTTOM, 0, 100000},
};

Test(scroll, every_state_is_one_of_the_rules)
{
    struct seed r = seed_of("every_state_is_one_of_the_rules");
    for (int round = 0; round < 200; round++) {
        struct scroll s = {0};
        size_t n = seed_below(&r, 60);
        int rows = (int)seed_below(&r, 25);
        scroll_fit(&s, n, rows);
        for (int i = 0; i < 100; i++) {
            size_t m = seed_below(&r, 6);
            struct key k = {.command = (enum command)MOVES[m].command};
            size_t before = s.at;
            long by = MOVES[m].by_lines + MOVES[m].by_rows * (rows > 0 ? rows : 1) / 2;
            cr_expect(scroll_key(&s, &k));
            cr_assert_eq(s.at, moved(before, by, n), "key %d from %zu of %zu", k.command,
                         before, n);
            check(&s, n, rows);
            if (seed_below(&r, 8) == 0) { /* the list or the screen changes under it */
                n = seed_below(&r, 60);
                rows = (int)seed_below(&r, 25);
                before = s.at;
                scroll_fit(&s, n, rows);
                cr_assert_eq(s.at, moved(before, 0, n), "shrunk to %zu at %zu", n,
                             before);
                check(&s, n, rows);
            }
        }
    }
}

/* The end is shown, and rows go: the end is still shown, and the last row is the cursor's. */
Test(scroll, a_list_that_shrinks_while_its_end_is_shown)
{
    struct scroll s = {0};
    struct key end = {.command = CMD_BOTTOM};
    scroll_fit(&s, 100, 10);
    scroll_key(&s, &end);
    cr_expect(s.at == 99 && s.top == 90);
    for (size_t n = 99; n > 0; n--) {
        scroll_fit(&s, n, 10);
        cr_expect_eq(s.at, n - 1);
        cr_expect_eq(s.top, n > 10 ? n - 10 : 0, "%zu rows from %zu", n, s.top);
    }
    scroll_fit(&s, 0, 10);
    cr_expect(s.at == 0 && s.top == 0);
}

static bool click(struct scroll *s, int button, int row)
{
    struct key k = {.key = KEY_MOUSE, .button = button, .row = row};
    return scroll_key(s, &k);
}

Test(scroll, the_mouse)
{
    struct scroll s = {0};
    scroll_fit(&s, 100, 10);
    cr_expect(click(&s, MOUSE_LEFT, 9));
    cr_expect_eq(s.at, 9);
    cr_expect_not(click(&s, MOUSE_LEFT, 10), "below the list");
    cr_expect_not(click(&s, MOUSE_LEFT, -1), "above it");
    cr_expect_eq(s.at, 9);
    cr_expect(click(&s, MOUSE_WHEEL_DOWN, 0));
    cr_expect_eq(s.at, 12);
    cr_expect(click(&s, MOUSE_WHEEL_UP, 0));
    cr_expect_eq(s.at, 9);
    scroll_fit(&s, 5, 10);
    cr_expect(click(&s, MOUSE_LEFT, 7), "an empty line");
    cr_expect_eq(s.at, 4, "the last row");
}
