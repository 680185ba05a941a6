/* Lines are given out from the outside in: header and footer, then headings, then the
 * rest is split between list and detail. */
#include "ui/model/layout.h"

#include <stdbool.h>

enum {
    ROWS_FOR_BOTH = 16,
    ROWS_FOR_HEADER = 4,
    ROWS_FOR_FOOTER = 3,
    ROWS_FOR_HEADINGS = 2
};

static struct rect take_top(struct rect *r, int n)
{
    struct rect out = {r->row, r->col, n < r->rows ? n : r->rows, r->cols};
    r->row += out.rows;
    r->rows -= out.rows;
    return out;
}

static struct rect take_bottom(struct rect *r, int n)
{
    struct rect out = {r->row + r->rows - n, r->col, n, r->cols};
    r->rows -= n;
    return out;
}

/* The list gets what it needs up to two fifths, and never less than three rows. */
static int list_rows(int avail, int n_rows)
{
    int most = avail * 2 / 5;
    int rows = n_rows < most ? n_rows : most;
    return rows < 3 ? 3 : rows;
}

/* The list at the left, as wide as its figures make use of. */
static void split_sideways(struct layout *l, struct rect left)
{
    enum { MOST = 120 };
    int cols = left.cols / 2 < MOST ? left.cols / 2 : MOST;
    struct rect right = {left.row, left.col + cols + 1, left.rows, left.cols - cols - 1};
    l->divider = (struct rect){left.row, left.col + cols, left.rows, 1};
    left.cols = cols;
    l->headings = take_top(&left, 1);
    l->list = left;
    l->tabs = take_top(&right, 1);
    l->detail = right;
}

struct layout layout_compute(int rows, int cols, int n_rows, enum pane want,
                             enum pane fallback)
{
    struct rect left = {0, 0, rows, cols};
    struct layout l = {.pane = want};
    bool wide = cols >= LAYOUT_WIDE && rows > ROWS_FOR_HEADER;
    if (want == PANE_BOTH && rows < ROWS_FOR_BOTH && !wide)
        l.pane = fallback == PANE_BOTH ? PANE_LIST : fallback;
    l.header = take_top(&left, rows >= ROWS_FOR_HEADER);
    l.footer = take_bottom(&left, rows >= ROWS_FOR_FOOTER);
    if (l.pane == PANE_DETAIL) {
        l.tabs = take_top(&left, rows >= ROWS_FOR_HEADINGS);
        l.detail = left;
        return l;
    }
    if (l.pane == PANE_BOTH && wide) {
        split_sideways(&l, left);
        return l;
    }
    l.headings = take_top(&left, rows >= ROWS_FOR_HEADINGS);
    if (l.pane == PANE_BOTH) {
        l.list = take_top(&left, list_rows(left.rows - 1, n_rows));
        l.tabs = take_top(&left, 1);
        l.detail = left;
    } else
        l.list = left;
    return l;
}
