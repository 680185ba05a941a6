/* Drawing goes through put_glyph() alone, which keeps the two promises a terminal needs: a
 * cell never holds half of a wide glyph, and never a byte that text.c did not let through. */
#include "ui/draw/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/draw/text.h"

static const struct cell BLANK = {.text = " ", .len = 1, .width = 1};

int canvas_resize(struct canvas *c, int rows, int cols)
{
    if (rows < 1)
        rows = 1;
    if (cols < 1)
        cols = 1;
    struct cell *cells =
        reallocarray(c->cells, (size_t)rows * (size_t)cols, sizeof(*cells));
    if (!cells)
        return -ENOMEM;
    c->cells = cells;
    c->rows = rows;
    c->cols = cols;
    canvas_clear(c);
    return 0;
}

int canvas_init(struct canvas *c, int rows, int cols)
{
    *c = (struct canvas){0};
    return canvas_resize(c, rows, cols);
}

void canvas_done(struct canvas *c)
{
    free(c->cells);
    c->cells = NULL;
    c->rows = c->cols = 0;
}

void canvas_clear(struct canvas *c)
{
    for (size_t i = 0, n = (size_t)c->rows * (size_t)c->cols; i < n; i++)
        c->cells[i] = BLANK;
    c->cursor_row = c->cursor_col = -1;
}

struct rect canvas_rect(const struct canvas *c)
{
    return (struct rect){0, 0, c->rows, c->cols};
}

static struct rect clip(const struct canvas *c, struct rect r)
{
    int bottom = r.row + r.rows < c->rows ? r.row + r.rows : c->rows;
    int right = r.col + r.cols < c->cols ? r.col + r.cols : c->cols;
    int top = r.row > 0 ? r.row : 0, left = r.col > 0 ? r.col : 0;
    return (struct rect){top, left, bottom > top ? bottom - top : 0,
                         right > left ? right - left : 0};
}

/* Before a cell is overwritten: the other half of a wide glyph there becomes a blank. */
static void part(struct cell *line, int cols, int col)
{
    if (line[col].width == 0 && col > 0) {
        struct style st = line[col - 1].style;
        line[col - 1] = BLANK;
        line[col - 1].style = st;
    }
    if (line[col].width == 2 && col + 1 < cols) {
        struct style st = line[col + 1].style;
        line[col + 1] = BLANK;
        line[col + 1].style = st;
    }
}

static void put_cell(struct canvas *c, struct cell *line, int col, const struct glyph *g,
                     struct style st)
{
    part(line, c->cols, col);
    line[col] = (struct cell){.len = g->len, .width = g->width, .style = st};
    memcpy(line[col].text, g->bytes, g->len);
    if (g->width == 2) {
        part(line, c->cols, col + 1);
        line[col + 1] = (struct cell){.style = st};
    }
}

static void combine(struct cell *line, int col, const struct glyph *g)
{
    if (col > 0 && line[col].width == 0)
        col--;
    struct cell *at = &line[col];
    if (at->len + g->len <= CELL_BYTES) {
        memcpy(at->text + at->len, g->bytes, g->len);
        at->len = (uint8_t)(at->len + g->len);
    }
}

/* One glyph at an absolute position inside the clipped rectangle v; cut wide ones are
 * blanks. Returns the next column. */
static int put_glyph(struct canvas *c, struct rect v, int row, int col, struct style st,
                     struct glyph g, int start)
{
    struct cell *line = c->cells + (size_t)row * (size_t)c->cols;
    int left = v.col, right = v.col + v.cols;
    if (g.width == 0) {
        if (g.len && !c->ascii && col > start && col - 1 >= left && col - 1 < right)
            combine(line, col - 1, &g);
        return col;
    }
    if (c->ascii && g.code > 0x7e)
        g = (struct glyph){.bytes = "?", .len = 1, .width = g.width, .code = '?'};
    bool whole = col >= left && col + g.width <= right;
    if (whole && !(c->ascii && g.width == 2)) {
        put_cell(c, line, col, &g, st);
        return col + g.width;
    }
    struct glyph one = {.bytes = " ", .len = 1, .width = 1, .code = ' '};
    if (whole)
        one.bytes[0] = '?';
    for (int i = 0; i < g.width; i++)
        if (col + i >= left && col + i < right)
            put_cell(c, line, col + i, &one, st);
    return col + g.width;
}

int canvas_text(struct canvas *c, struct rect r, int row, int col, struct style st,
                const char *s, size_t n)
{
    struct rect v = clip(c, r);
    int at = r.col + col, start = at, line = r.row + row;
    bool visible = line >= v.row && line < v.row + v.rows && v.cols > 0;
    uint32_t state = 0;
    for (size_t i = 0; i < n || state;) {
        struct glyph g;
        i += text_next(s + i, n - i, &g, &state);
        if (visible)
            at = put_glyph(c, v, line, at, st, g, start);
        else
            at += g.width;
    }
    return at - r.col;
}

int canvas_puts(struct canvas *c, struct rect r, int row, int col, struct style st,
                const char *s)
{
    return canvas_text(c, r, row, col, st, s, strlen(s));
}

int canvas_printf(struct canvas *c, struct rect r, int row, int col, struct style st,
                  const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return canvas_puts(c, r, row, col, st, text);
}

int canvas_field(struct canvas *c, struct rect r, int row, int col, int cols, bool right,
                 struct style st, const char *s)
{
    if (cols <= 0)
        return col;
    struct rect v = {r.row + row, r.col + col, 1, cols};
    struct rect whole = clip(c, r);
    if (v.row < whole.row || v.row >= whole.row + whole.rows)
        return col + cols;
    if (v.col + v.cols > whole.col + whole.cols)
        v.cols = whole.col + whole.cols - v.col;
    canvas_fill(c, v, st);
    size_t n = strlen(s);
    int width = text_width(s, n);
    if (width <= cols) {
        canvas_text(c, v, 0, right ? cols - width : 0, st, s, n);
        return col + cols;
    }
    canvas_text(c, v, 0, 0, st, s, text_fit(s, n, cols - 1));
    canvas_puts(c, v, 0, cols - 1, st, canvas_shape(c, SHAPE_ELLIPSIS));
    return col + cols;
}

void canvas_fill(struct canvas *c, struct rect r, struct style st)
{
    struct rect v = clip(c, r);
    const struct glyph blank = {.bytes = " ", .len = 1, .width = 1, .code = ' '};
    for (int row = v.row; row < v.row + v.rows; row++)
        for (int col = v.col; col < v.col + v.cols; col++)
            put_cell(c, c->cells + (size_t)row * (size_t)c->cols, col, &blank, st);
}

void canvas_restyle(struct canvas *c, struct rect r, int row, int col, int n,
                    struct style st)
{
    struct rect part_of = {r.row + row, r.col + col, 1, n};
    struct rect v = clip(c, r), w = clip(c, part_of);
    if (w.rows == 0 || w.row < v.row || w.row >= v.row + v.rows)
        return;
    for (int i = w.col; i < w.col + w.cols; i++)
        if (i >= v.col && i < v.col + v.cols)
            c->cells[(size_t)w.row * (size_t)c->cols + (size_t)i].style = st;
}

void canvas_hline(struct canvas *c, struct rect r, int row, int col, int n,
                  struct style st)
{
    for (int i = 0; i < n; i++)
        canvas_puts(c, r, row, col + i, st, canvas_shape(c, SHAPE_HLINE));
}

void canvas_box(struct canvas *c, struct rect r, struct style st, const char *title)
{
    canvas_fill(c, r, STYLE(COLOR_TEXT));
    for (int row = 1; row < r.rows - 1; row++) {
        canvas_puts(c, r, row, 0, st, canvas_shape(c, SHAPE_VLINE));
        canvas_puts(c, r, row, r.cols - 1, st, canvas_shape(c, SHAPE_VLINE));
    }
    canvas_hline(c, r, 0, 1, r.cols - 2, st);
    canvas_hline(c, r, r.rows - 1, 1, r.cols - 2, st);
    canvas_puts(c, r, 0, 0, st, canvas_shape(c, SHAPE_TOP_LEFT));
    canvas_puts(c, r, 0, r.cols - 1, st, canvas_shape(c, SHAPE_TOP_RIGHT));
    canvas_puts(c, r, r.rows - 1, 0, st, canvas_shape(c, SHAPE_BOTTOM_LEFT));
    canvas_puts(c, r, r.rows - 1, r.cols - 1, st, canvas_shape(c, SHAPE_BOTTOM_RIGHT));
    if (title && r.cols > 4) {
        struct rect inside = {r.row, r.col + 2, 1, r.cols - 4};
        canvas_printf(c, inside, 0, 0, STYLE_ATTR(COLOR_HEADING, ATTR_BOLD), " %s ",
                      title);
    }
}

void canvas_cursor(struct canvas *c, struct rect r, int row, int col)
{
    struct rect v = clip(c, r);
    row += r.row;
    col += r.col;
    bool inside =
        row >= v.row && row < v.row + v.rows && col >= v.col && col < v.col + v.cols;
    c->cursor_row = inside ? row : -1;
    c->cursor_col = inside ? col : -1;
}
