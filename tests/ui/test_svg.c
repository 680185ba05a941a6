/* What the picture of a canvas holds; docs/dashboard.svg (test_picture.c) is a whole one. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/cleanup.h"
#include "ui/draw/svg.h"

static struct canvas canvas;
static struct buf picture;

static void make(void)
{
    cr_assert_eq(canvas_init(&canvas, 3, 12), 0);
}

static void done(void)
{
    canvas_done(&canvas);
    buf_done(&picture);
}

TestSuite(svg, .init = make, .fini = done);

static const char *drawn(enum scheme scheme)
{
    struct theme theme;
    theme_init(&theme, scheme);
    picture.len = 0;
    cr_assert_eq(canvas_dump_svg(&canvas, &theme, &picture), 0);
    return picture.data;
}

static void puts_at(int row, int col, struct style st, const char *text)
{
    pen_puts(PEN(&canvas, canvas_rect(&canvas), row, col), st, text);
}

static void expect(enum scheme scheme, const char *part)
{
    cr_expect(strstr(drawn(scheme), part), "%s is not in\n%s", part, picture.data);
}

Test(svg, text_is_escaped)
{
    puts_at(0, 0, STYLE(COLOR_TEXT), "a<b>&c");
    expect(SCHEME_DEFAULT, ">a&lt;b&gt;&amp;c</text>");
    cr_expect_null(strstr(picture.data, "<b>"));
}

/* Two blanks would collapse, so they end a run; one is a part of it. */
Test(svg, a_run_is_as_wide_as_its_cells)
{
    puts_at(1, 1, STYLE(COLOR_TEXT), "one two  x");
    expect(SCHEME_DEFAULT, "x=\"21\" y=\"45\" textLength=\"63\"");
    expect(SCHEME_DEFAULT, ">one two</text>");
    expect(SCHEME_DEFAULT, "x=\"102\" y=\"45\" textLength=\"9\"");
}

Test(svg, a_style_ends_a_run)
{
    puts_at(0, 0, STYLE(COLOR_TEXT), "ab");
    puts_at(0, 2, STYLE(COLOR_KEY), "cd");
    expect(SCHEME_DEFAULT, ">ab</text>");
    expect(SCHEME_DEFAULT, "fill=\"#ffaf00\" font-weight=\"bold\">cd</text>");
}

Test(svg, attributes)
{
    puts_at(0, 0, STYLE_ATTR(COLOR_TEXT, ATTR_DIM | ATTR_UNDERLINE), "ab");
    puts_at(1, 0, STYLE(COLOR_SELECTED), "ab");
    expect(SCHEME_DEFAULT, "opacity=\"0.6\" text-decoration=\"underline\">ab");
    expect(SCHEME_DEFAULT, "<rect x=\"12\" y=\"31\" width=\"18\" height=\"19\" "
                           "fill=\"#005f87\"/>");
    /* Reversed without colours: the page's own, exchanged. */
    expect(SCHEME_MONOCHROME, "<rect x=\"12\" y=\"31\" width=\"18\" height=\"19\" "
                              "fill=\"#d4d7dd\"/>");
    expect(SCHEME_MONOCHROME, "fill=\"#16181d\">ab</text>");
}

/* No font decides how much of a cell a block or a line fills. */
Test(svg, blocks_and_lines_are_shapes)
{
    puts_at(0, 0, STYLE(COLOR_TEXT), "█▁─┘");
    expect(SCHEME_DEFAULT, "<rect x=\"12\" y=\"12\" width=\"9\" height=\"19\"");
    expect(SCHEME_DEFAULT, "<rect x=\"21\" y=\"29\" width=\"9\" height=\"2\"");
    expect(SCHEME_DEFAULT, "<rect x=\"30\" y=\"21\" width=\"9\" height=\"1\"");
    expect(SCHEME_DEFAULT, "<rect x=\"39\" y=\"21\" width=\"5\" height=\"1\"");
    expect(SCHEME_DEFAULT, "<rect x=\"43\" y=\"12\" width=\"1\" height=\"10\"");
    cr_expect_null(strstr(picture.data, "<text"));
}

Test(svg, symbols_are_centred_in_their_cells)
{
    puts_at(0, 0, STYLE(COLOR_TEXT), "●漢");
    expect(SCHEME_DEFAULT, "<text x=\"16.5\" y=\"26\" text-anchor=\"middle\"");
    expect(SCHEME_DEFAULT, "<text x=\"30.0\" y=\"26\" text-anchor=\"middle\"");
}
