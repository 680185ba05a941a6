/* Each value is a column of blocks from the bottom up; only the topmost is a partial
 * one. */
#include "ui/draw/graph.h"

static float top_of(const struct graph *g, int cols)
{
    float max = g->max;
    for (unsigned i = 0; g->max <= 0 && i < g->n && (int)i < cols; i++)
        if (g->values[i] > max)
            max = g->values[i];
    return max > 0 ? max : 1;
}

/* share: of the height, 0..1. */
static void draw_column(const struct graph *g, struct pen p, float value, float share)
{
    int eighths = (int)(share * (float)(p.r.rows * 8) + 0.5f);
    if (eighths == 0 && value > 0)
        eighths = 1;
    bool high = g->high > 0 && value >= g->high;
    struct style st = STYLE(high ? COLOR_GRAPH_HIGH : COLOR_GRAPH);
    for (int row = p.r.rows - 1; row >= 0 && eighths > 0; row--, eighths -= 8)
        pen_shape(PEN(p.c, p.r, row, p.col), st,
                  SHAPE_BLOCK + (unsigned)(eighths < 8 ? eighths : 8));
}

void graph_draw(const struct graph *g, struct canvas *c, struct rect r)
{
    float max = top_of(g, r.cols);
    if (r.rows < 1 || r.cols < 1)
        return;
    if (g->limit > 0 && g->limit <= max) {
        int row = r.rows - 1 - (int)(g->limit / max * (float)r.rows - 0.01f);
        if (row >= 0)
            pen_hline(PEN(c, r, row, 0), r.cols, STYLE(COLOR_LIMIT));
    }
    for (int i = 0; i < r.cols && (unsigned)i < g->n; i++) {
        float value = g->values[i] < max ? g->values[i] : max;
        if (value >= 0)
            draw_column(g, pen_at(c, r, 0, r.cols - 1 - i), value, value / max);
    }
}
