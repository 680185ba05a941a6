/* What gets into a cell, and that nothing else does. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/draw/canvas.h"
#include "ui/draw/text.h"

static const struct style PLAIN = {0};

static char *screen(const struct canvas *c)
{
    struct buf b = {0};
    cr_assert_eq(canvas_dump(c, &b), 0);
    return buf_take(&b);
}

static void expect_screen(const struct canvas *c, const char *want)
{
    auto_free char *got = screen(c);
    cr_expect_str_eq(got, want);
}

/* Wide glyphs and their right halves stand in pairs; no cell holds a control byte. */
static void check_cells(const struct canvas *c)
{
    for (int i = 0; i < c->rows * c->cols; i++) {
        const struct cell *cell = &c->cells[i];
        bool right = i % c->cols > 0 && cell[-1].width == 2;
        cr_assert_eq(cell->width == 0, right, "cell %d: half a glyph", i);
        cr_assert(cell->width != 2 || i % c->cols + 1 < c->cols, "cell %d: cut", i);
        cr_assert_eq(cell->len == 0, cell->width == 0);
        for (int j = 0; j < cell->len; j++)
            cr_assert((unsigned char)cell->text[j] >= 0x20 && cell->text[j] != 0x7f);
    }
}

Test(text, widths)
{
    static const struct {
        const char *text;
        int width;
    } CASES[] = {
        {"", 0},
        {"abc", 3},
        {"\xc3\xa9", 1},
        {"e\xcc\x81", 1},
        {"\xe6\xbc\xa2", 2},
        {"\xf0\x9f\x98\x80", 2},
        {"\x1b[31m", 6},
        {"\x7f", 2},
        {"\xff", 1},
        {"\xc3", 1},
        {"\xe6\xbc", 2},
        {"\xc0\x80", 2},
        {"\xed\xa0\x80", 3},
        {"\xc2\x9b", 1},
        {"\xe2\x80\xae", 1},
        {"\xe2\x80\x8d", 0},
        {"\xef\xbf\xbf", 1},
        {"\t", 1},
        {"\xea\xb0\x80", 2},
        {"\xef\xbc\xa1", 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        cr_expect_eq(text_width(CASES[i].text, strlen(CASES[i].text)), CASES[i].width,
                     "%zu", i);
    cr_expect_eq(text_width("a\0b", 3), 4, "NUL is ^@");
}

Test(text, fits_whole_glyphs)
{
    cr_expect_eq(text_fit("abc", 3, 2), 2);
    cr_expect_eq(text_fit("a\xe6\xbc\xa2z", 5, 2), 1);
    cr_expect_eq(text_fit("a\xe6\xbc\xa2z", 5, 3), 4);
    cr_expect_eq(text_fit("\x1b"
                          "a",
                          2, 1),
                 0, "both halves of ^[ or none");
    cr_expect_eq(text_fit("e\xcc\x81x", 4, 1), 3, "a combining mark stays with its base");
}

Test(canvas, clips_on_every_side)
{
    struct canvas c;
    canvas_init(&c, 2, 6);
    struct rect r = {0, 1, 1, 4};
    struct pen p = {.c = &c, .r = r, .col = -2};
    pen_puts(&p, PLAIN, "abcdefgh");
    cr_expect_eq(p.col, 6);
    pen_puts(PEN(&c, r, 1, 0), PLAIN, "outside");
    pen_puts(PEN(&c, r, -1, 0), PLAIN, "outside");
    expect_screen(&c, " cdef\n\n");
    pen_puts(PEN(&c, canvas_rect(&c), 1, 4), PLAIN, "xyz");
    expect_screen(&c, " cdef\n    xy\n");
    canvas_done(&c);
}

Test(canvas, no_half_glyphs)
{
    struct canvas c;
    canvas_init(&c, 1, 6);
    struct rect all = canvas_rect(&c);
    pen_puts(PEN(&c, all, 0, 0), PLAIN, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2");
    check_cells(&c);
    pen_puts(PEN(&c, all, 0, 1), PLAIN, "x");
    expect_screen(&c, " x\xe5\xad\x97\xe6\xbc\xa2\n");
    check_cells(&c);
    pen_puts(PEN(&c, all, 0, 2), PLAIN, "y");
    expect_screen(&c, " xy \xe6\xbc\xa2\n");
    pen_puts(PEN(&c, all, 0, 5), PLAIN, "\xe6\xbc\xa2"); /* cut at the edge */
    expect_screen(&c, " xy\n");
    check_cells(&c);
    pen_puts(PEN(&c, all, 0, -1), PLAIN, "\xe6\xbc\xa2z"); /* and at the left one */
    check_cells(&c);
    canvas_done(&c);
}

Test(canvas, combining_marks_share_their_cell)
{
    struct canvas c;
    canvas_init(&c, 1, 8);
    struct pen p = {.c = &c, .r = canvas_rect(&c)};
    pen_puts(&p, PLAIN, "e\xcc\x81x");
    cr_expect_eq(p.col, 2);
    expect_screen(&c, "e\xcc\x81x\n");
    char many[64] = "a";
    for (int i = 0; i < 20; i++)
        strcat(many, "\xcc\x81");
    pen_puts(PEN(&c, canvas_rect(&c), 0, 0), PLAIN, many);
    check_cells(&c);
    pen_puts(PEN(&c, canvas_rect(&c), 0, 3), PLAIN,
             "\xcc\x81"
             "b"); /* no base: dropped */
    check_cells(&c);
    canvas_done(&c);
}

Test(canvas, random_bytes_never_break_a_cell)
{
    struct canvas c;
    canvas_init(&c, 3, 17);
    unsigned seed = 4242;
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1103515245 + 12345;
            bytes[i] = (char)(seed >> 16);
        }
        c.ascii = round & 1;
        struct rect r = {(round % 5) - 1, (round % 11) - 3, 1 + round % 3, round % 19};
        pen_text(PEN(&c, r, round % 3 - 1, round % 23 - 5), PLAIN, bytes, sizeof(bytes));
        pen_field(PEN(&c, r, 0, round % 7 - 3), round % 13, round & 2, PLAIN,
                  "\xe6\xbc\xa2 ok");
    }
    check_cells(&c);
    canvas_done(&c);
}

Test(canvas, ascii_shows_a_question_mark_a_column)
{
    struct canvas c;
    canvas_init(&c, 1, 10);
    c.ascii = true;
    pen_puts(PEN(&c, canvas_rect(&c), 0, 0), PLAIN,
             "\xc3\xa9\xe6\xbc\xa2x"
             "e\xcc\x81");
    expect_screen(&c, "???xe\n");
    canvas_done(&c);
}

Test(canvas, a_field_is_padded_or_cut)
{
    struct canvas c;
    canvas_init(&c, 1, 12);
    struct rect all = canvas_rect(&c);
    pen_field(PEN(&c, all, 0, 0), 5, false, PLAIN, "abcdefgh");
    pen_field(PEN(&c, all, 0, 6), 4, true, PLAIN, "42");
    expect_screen(&c, "abcd\xe2\x80\xa6   42\n");
    pen_field(PEN(&c, all, 0, 0), 4, false, PLAIN, "a\xe6\xbc\xa2\xe6\xbc\xa2");
    check_cells(&c);
    canvas_done(&c);
}

Test(canvas, the_cursor_is_hidden_outside)
{
    struct canvas c;
    canvas_init(&c, 4, 10);
    canvas_cursor(&c, (struct rect){1, 1, 2, 3}, 1, 2);
    cr_expect(c.cursor_row == 2 && c.cursor_col == 3);
    canvas_cursor(&c, (struct rect){1, 1, 2, 3}, 1, 3);
    cr_expect_eq(c.cursor_row, -1);
    canvas_done(&c);
}

Test(text, wrap)
{
    static const struct {
        const char *text, *rows;
        int cols, indent;
    } CASES[] = {
        {"abcdef\ngh\n", "abcd\nef\ngh\n", 4, 0},
        {"abcdef", "abcd\n ef\n", 4, 1},
        {"abcdefgh", "abcd\nefgh\n", 4, 3}, /* no room to indent */
        {"\n\na\n", "\n\na\n", 4, 2},
        {"\xe6\xbc\xa2\xe5\xad\x97x", "\xe6\xbc\xa2\n\xe5\xad\x97x\n", 3, 0},
        {"\xe6\xbc\xa2", "\xe6\n\xbc\n\xa2\n", 1, 0}, /* narrower than a glyph */
        {"", "", 4, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct buf b = {0};
        cr_assert_eq(text_wrap(CASES[i].text, CASES[i].cols, CASES[i].indent, &b), 0);
        cr_expect_str_eq(b.data ? b.data : "", CASES[i].rows, "%s", CASES[i].text);
        buf_done(&b);
    }
}
