/* Layers from the back to the front: the page, backgrounds of cells, shapes and text.
 * What a font could get wrong is not left to it: a block glyph rarely fills its cell, and
 * a symbol from a fallback font has another width, so it is centred in its cell. */
#include "ui/draw/svg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/draw/text.h"

enum { CELL_WIDTH = 9, CELL_HEIGHT = 19, BASELINE = 14, FONT_SIZE = 15, MARGIN = 12 };
#define PAGE 0x16181du
#define INK 0xd4d7ddu

struct svg {
    const struct theme *theme;
    struct buf *out;
    int rc; /* the first error; nothing is written after it */
};

/* What a style looks like, resolved. */
struct paint {
    unsigned fg, bg; /* 0xrrggbb */
    bool filled;     /* bg differs from the page */
    uint8_t attrs;
};

static __attribute__((format(printf, 2, 3))) void put(struct svg *s, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (s->rc == 0)
        s->rc = n < (int)sizeof(text) ? buf_add(s->out, text, (size_t)n) : -E2BIG;
}

/* xterm's palette of 256. */
static unsigned palette(unsigned n)
{
    static const unsigned BASIC[16] = {
        0x000000, 0xcd3131, 0x0dbc79, 0xe5e510, 0x2472c8, 0xbc3fbc, 0x11a8cd, 0xe5e5e5,
        0x7f7f7f, 0xf14c4c, 0x23d18b, 0xf5f543, 0x3b8eea, 0xd670d6, 0x29b8db, 0xffffff};
    static const unsigned LEVELS[6] = {0, 95, 135, 175, 215, 255};
    if (n < 16)
        return BASIC[n];
    if (n >= 232)
        return (8 + (n - 232) * 10) * 0x010101u;
    n -= 16;
    return LEVELS[n / 36] << 16 | LEVELS[n / 6 % 6] << 8 | LEVELS[n % 6];
}

static struct paint paint_of(const struct svg *s, struct style st)
{
    const struct look *look = &s->theme->looks[st.color];
    const struct look *page = &s->theme->looks[COLOR_TEXT];
    short fg = look->fg >= 0 ? look->fg : page->fg;
    short bg = look->bg >= 0 ? look->bg : page->bg;
    struct paint p = {.fg = fg >= 0 ? palette((unsigned)fg) : INK,
                      .bg = bg >= 0 ? palette((unsigned)bg) : PAGE,
                      .filled = bg >= 0,
                      .attrs = look->attrs | st.attrs};
    if (p.attrs & ATTR_REVERSE) {
        unsigned swap = p.fg;
        p.fg = p.bg;
        p.bg = swap;
        p.filled = true;
    }
    return p;
}

static bool same_style(struct style a, struct style b)
{
    return a.color == b.color && a.attrs == b.attrs;
}

static int left_of(int col)
{
    return MARGIN + col * CELL_WIDTH;
}

static int top_of(int row)
{
    return MARGIN + row * CELL_HEIGHT;
}

static void rectangle(struct svg *s, int x, int y, int width, int height, unsigned color)
{
    put(s, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%06x\"/>\n", x, y,
        width, height, color);
}

static void draw_backgrounds(struct svg *s, const struct cell *cells, int row, int cols)
{
    for (int col = 0, end; col < cols; col = end) {
        struct paint p = paint_of(s, cells[col].style);
        for (end = col + 1; end < cols; end++)
            if (!same_style(cells[end].style, cells[col].style))
                break;
        if (p.filled)
            rectangle(s, left_of(col), top_of(row), (end - col) * CELL_WIDTH, CELL_HEIGHT,
                      p.bg);
    }
}

static uint32_t code_of(const struct cell *cell)
{
    struct glyph g = {0};
    uint32_t state = 0;
    if (cell->len)
        text_next(cell->text, cell->len, &g, &state);
    return g.code;
}

/* An eighth block: as many eighths of the cell from its bottom. */
static void draw_block(struct svg *s, int row, int col, int eighths, unsigned color)
{
    int height = (CELL_HEIGHT * eighths + 4) / 8;
    rectangle(s, left_of(col), top_of(row) + CELL_HEIGHT - height, CELL_WIDTH, height,
              color);
}

/* Lines of boxes, from the middle of the cell to the sides that the glyph reaches. */
static bool draw_line(struct svg *s, int row, int col, uint32_t code, unsigned color)
{
    enum { LEFT = 1, RIGHT = 2, UP = 4, DOWN = 8 };
    static const struct {
        uint32_t code;
        int sides;
    } LINES[] = {{0x2500, LEFT | RIGHT}, {0x2502, UP | DOWN},  {0x250c, RIGHT | DOWN},
                 {0x2510, LEFT | DOWN},  {0x2514, RIGHT | UP}, {0x2518, LEFT | UP}};
    int sides = 0;
    for (size_t i = 0; i < ARRAY_SIZE(LINES); i++)
        if (LINES[i].code == code)
            sides = LINES[i].sides;
    if (!sides)
        return false;
    int x = left_of(col), y = top_of(row), mid_x = CELL_WIDTH / 2,
        mid_y = CELL_HEIGHT / 2;
    int from_x = sides & LEFT ? 0 : mid_x, to_x = sides & RIGHT ? CELL_WIDTH : mid_x + 1;
    int from_y = sides & UP ? 0 : mid_y, to_y = sides & DOWN ? CELL_HEIGHT : mid_y + 1;
    if (sides & (LEFT | RIGHT))
        rectangle(s, x + from_x, y + mid_y, to_x - from_x, 1, color);
    if (sides & (UP | DOWN))
        rectangle(s, x + mid_x, y + from_y, 1, to_y - from_y, color);
    return true;
}

static void put_attributes(struct svg *s, struct paint p)
{
    put(s, " fill=\"#%06x\"", p.fg);
    if (p.attrs & ATTR_BOLD)
        put(s, " font-weight=\"bold\"");
    if (p.attrs & ATTR_DIM)
        put(s, " opacity=\"0.6\"");
    if (p.attrs & ATTR_UNDERLINE)
        put(s, " text-decoration=\"underline\"");
}

static void put_escaped(struct svg *s, const struct cell *cell)
{
    switch (cell->text[0]) {
    case '<': put(s, "&lt;"); break;
    case '>': put(s, "&gt;"); break;
    case '&': put(s, "&amp;"); break;
    default: put(s, "%.*s", cell->len, cell->text);
    }
}

static void draw_symbol(struct svg *s, const struct cell *cell, int row, int col)
{
    int half = CELL_WIDTH * (cell->width ? cell->width : 1);
    put(s, "<text x=\"%d.%d\" y=\"%d\" text-anchor=\"middle\"", left_of(col) + half / 2,
        half % 2 * 5, top_of(row) + BASELINE);
    put_attributes(s, paint_of(s, cell->style));
    put(s, ">");
    put_escaped(s, cell);
    put(s, "</text>\n");
}

static bool is_ascii(const struct cell *cell)
{
    return cell->len == 1 && (unsigned char)cell->text[0] < 0x80;
}

static bool is_blank(const struct cell *cell)
{
    return cell->len == 1 && cell->text[0] == ' ';
}

static bool continues(const struct cell *cells, int at, int cols, struct style style)
{
    return at < cols && is_ascii(&cells[at]) && !is_blank(&cells[at]) &&
           same_style(cells[at].style, style);
}

/* Where the run of text that begins at col ends: ASCII of one style with single blanks
 * inside, because more of them would collapse to one. col = none begins there. */
static int run_end(const struct cell *cells, int col, int cols)
{
    struct style style = cells[col].style;
    int end = col;
    while (continues(cells, end, cols, style)) {
        end++;
        if (end < cols && is_blank(&cells[end]) && continues(cells, end + 1, cols, style))
            end++;
    }
    return end;
}

static void draw_run(struct svg *s, const struct cell *cells, int row, int col, int end)
{
    put(s, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\"",
        left_of(col), top_of(row) + BASELINE, (end - col) * CELL_WIDTH);
    put_attributes(s, paint_of(s, cells[col].style));
    put(s, ">");
    for (; col < end; col++)
        put_escaped(s, &cells[col]);
    put(s, "</text>\n");
}

static void draw_row(struct svg *s, const struct cell *cells, int row, int cols)
{
    for (int col = 0; col < cols;) {
        uint32_t code = code_of(&cells[col]);
        unsigned color = paint_of(s, cells[col].style).fg;
        int end = run_end(cells, col, cols);
        if (end > col) {
            draw_run(s, cells, row, col, end);
            col = end;
            continue;
        }
        if (code >= 0x2581 && code <= 0x2588)
            draw_block(s, row, col, (int)(code - 0x2580), color);
        else if (cells[col].len && !is_blank(&cells[col]) &&
                 !draw_line(s, row, col, code, color))
            draw_symbol(s, &cells[col], row, col);
        col++;
    }
}

static void draw_page(struct svg *s, const struct canvas *c)
{
    int width = c->cols * CELL_WIDTH + 2 * MARGIN;
    int height = c->rows * CELL_HEIGHT + 2 * MARGIN;
    put(s,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\"\n",
        width, height, width, height);
    put(s,
        "    font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" "
        "font-size=\"%d\">\n",
        FONT_SIZE);
    put(s, "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#%06x\"/>\n", width, height,
        paint_of(s, STYLE(COLOR_TEXT)).bg);
}

int canvas_dump_svg(const struct canvas *c, const struct theme *t, struct buf *ret)
{
    struct svg s = {.theme = t, .out = ret};
    draw_page(&s, c);
    put(&s, "<g shape-rendering=\"crispEdges\">\n");
    for (int row = 0; row < c->rows; row++)
        draw_backgrounds(&s, c->cells + (size_t)row * (size_t)c->cols, row, c->cols);
    for (int row = 0; row < c->rows; row++)
        draw_row(&s, c->cells + (size_t)row * (size_t)c->cols, row, c->cols);
    put(&s, "</g>\n</svg>\n");
    return s.rc;
}
