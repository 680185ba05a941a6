/* graph - a series over time as blocks, to an eighth of a row. The newest value is at the
 * right; values < 0 are gaps.
 */
#ifndef UI_DRAW_GRAPH_H
#define UI_DRAW_GRAPH_H

#include "ui/draw/canvas.h"

struct graph {
    const float *values; /* newest first */
    unsigned n;
    float max;   /* the top of the graph; <= 0: the biggest value */
    float limit; /* a line drawn at this value; <= 0 = none */
    float high;  /* values from here on get the warning colour; <= 0 = none */
};
void graph_draw(const struct graph *g, struct canvas *c, struct rect r);

#endif
