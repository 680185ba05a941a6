/* Text goes through put_glyph() alone, which keeps the two promises a terminal needs: a
 * cell never holds half of a wide glyph, and never a byte that text.c did not let
 * through. */
#include "ui/draw/canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* One text on its way into the cells. */
struct stroke {
    struct canvas *c;
    struct rect view;    /* absolute, and inside the canvas */
    int row, col, start; /* absolute; start: where the text began */
    struct style st;
};

/* The next glyph; a wide one that is cut becomes blanks. */
static void put_glyph(struct stroke *s, struct glyph g)
{
    struct cell *line = s->c->cells + (size_t)s->row * (size_t)s->c->cols;
    int left = s->view.col, right = s->view.col + s->view.cols, col = s->col;
    if (g.width == 0) {
        if (g.len && !s->c->ascii && col > s->start && col - 1 >= left && col - 1 < right)
            combine(line, col - 1, &g);
        return;
    }
    s->col += g.width;
    if (s->c->ascii && g.code > 0x7e)
        g = (struct glyph){.bytes = "?", .len = 1, .width = g.width, .code = '?'};
    bool whole = col >= left && col + g.width <= right;
    if (whole && !(s->c->ascii && g.width == 2)) {
        put_cell(s->c, line, col, &g, s->st);
        return;
    }
    struct glyph one = {.bytes = " ", .len = 1, .width = 1, .code = ' '};
    if (whole)
        one.bytes[0] = '?';
    for (int i = 0; i < g.width; i++)
        if (col + i >= left && col + i < right)
            put_cell(s->c, line, col + i, &one, s->st);
}

void pen_text(struct pen *p, struct style st, const char *text, size_t n)
{
    struct stroke s = {.c = p->c,
                       .view = clip(p->c, p->r),
                       .row = p->r.row + p->row,
                       .col = p->r.col + p->col,
                       .start = p->r.col + p->col,
                       .st = st};
    bool visible =
        s.row >= s.view.row && s.row < s.view.row + s.view.rows && s.view.cols > 0;
    uint32_t state = 0;
    for (size_t i = 0; i < n || state;) {
        struct glyph g;
        i += text_next(text + i, n - i, &g, &state);
        if (visible)
            put_glyph(&s, g);
        else
            s.col += g.width;
    }
    p->col = s.col - p->r.col;
}

void pen_puts(struct pen *p, struct style st, const char *s)
{
    pen_text(p, st, s, strlen(s));
}

void pen_printf(struct pen *p, struct style st, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    pen_puts(p, st, text);
}

void pen_shape(struct pen *p, struct style st, unsigned shape)
{
    pen_puts(p, st, canvas_shape(p->c, shape));
}

void pen_field(struct pen *p, int cols, bool right, struct style st, const char *s)
{
    if (cols <= 0)
        return;
    struct rect v = {p->r.row + p->row, p->r.col + p->col, 1, cols};
    struct rect whole = clip(p->c, p->r);
    p->col += cols;
    if (v.row < whole.row || v.row >= whole.row + whole.rows)
        return;
    if (v.col + v.cols > whole.col + whole.cols)
        v.cols = whole.col + whole.cols - v.col;
    canvas_fill(p->c, v, st);
    size_t n = strlen(s);
    int width = text_width(s, n);
    if (width <= cols) {
        pen_text(PEN(p->c, v, 0, right ? cols - width : 0), st, s, n);
        return;
    }
    pen_text(PEN(p->c, v, 0, 0), st, s, text_fit(s, n, cols - 1));
    pen_shape(PEN(p->c, v, 0, cols - 1), st, SHAPE_ELLIPSIS);
}

void pen_name(struct pen *p, int cols, struct style st, const char *s)
{
    size_t n = strlen(s);
    if (text_width(s, n) <= cols || cols < 5) {
        pen_field(p, cols, false, st, s);
        return;
    }
    int head = cols / 2, end = p->col + cols;
    size_t tail = text_fit_end(s, n, cols - head - 1);
    canvas_fill(p->c, (struct rect){p->r.row + p->row, p->r.col + p->col, 1, cols}, st);
    pen_text(p, st, s, text_fit(s, n, head));
    pen_shape(p, st, SHAPE_ELLIPSIS);
    pen_puts(p, st, s + tail);
    p->col = end;
}

void pen_hline(struct pen *p, int n, struct style st)
{
    for (int i = 0; i < n; i++)
        pen_shape(p, st, SHAPE_HLINE);
}

void pen_restyle(struct pen *p, int n, struct style st)
{
    struct canvas *c = p->c;
    struct rect cells = {p->r.row + p->row, p->r.col + p->col, 1, n};
    struct rect v = clip(c, p->r), w = clip(c, cells);
    p->col += n;
    if (w.rows == 0 || w.row < v.row || w.row >= v.row + v.rows)
        return;
    for (int i = w.col; i < w.col + w.cols; i++)
        if (i >= v.col && i < v.col + v.cols)
            c->cells[(size_t)w.row * (size_t)c->cols + (size_t)i].style = st;
}

struct rect pen_rest(const struct pen *p)
{
    return (struct rect){p->r.row + p->row, p->r.col + p->col, 1, p->r.cols - p->col};
}

void canvas_fill(struct canvas *c, struct rect r, struct style st)
{
    struct rect v = clip(c, r);
    const struct glyph blank = {.bytes = " ", .len = 1, .width = 1, .code = ' '};
    for (int row = v.row; row < v.row + v.rows; row++)
        for (int col = v.col; col < v.col + v.cols; col++)
            put_cell(c, c->cells + (size_t)row * (size_t)c->cols, col, &blank, st);
}

void canvas_box(struct canvas *c, struct rect r, struct style st, const char *title)
{
    int right = r.cols - 1, bottom = r.rows - 1;
    canvas_fill(c, r, STYLE(COLOR_TEXT));
    for (int row = 1; row < bottom; row++) {
        pen_shape(PEN(c, r, row, 0), st, SHAPE_VLINE);
        pen_shape(PEN(c, r, row, right), st, SHAPE_VLINE);
    }
    pen_hline(PEN(c, r, 0, 1), r.cols - 2, st);
    pen_hline(PEN(c, r, bottom, 1), r.cols - 2, st);
    pen_shape(PEN(c, r, 0, 0), st, SHAPE_TOP_LEFT);
    pen_shape(PEN(c, r, 0, right), st, SHAPE_TOP_RIGHT);
    pen_shape(PEN(c, r, bottom, 0), st, SHAPE_BOTTOM_LEFT);
    pen_shape(PEN(c, r, bottom, right), st, SHAPE_BOTTOM_RIGHT);
    if (title && r.cols > 4) {
        struct rect inside = {r.row, r.col + 2, 1, r.cols - 4};
        pen_printf(PEN(c, inside, 0, 0), STYLE_ATTR(COLOR_HEADING, ATTR_BOLD), " %s ",
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
