/* layout - who gets which rectangle. Pure: numbers in, numbers out.
 * Rule    for every size from 1x1 on: nothing negative, nothing outside, nothing
 *         overlaps. What does not fit is a rectangle with 0 rows. What goes first: the
 *         footer's labels, then the detail, the header, the headings; a row of the list
 *         is always there.
 */
#ifndef UI_MODEL_LAYOUT_H
#define UI_MODEL_LAYOUT_H

#include "ui/draw/canvas.h"

enum pane { PANE_BOTH, PANE_LIST, PANE_DETAIL };

struct layout {
    enum pane pane; /* what is shown */
    struct rect header, headings, list, tabs, detail, footer;
    struct rect divider; /* one column between list and detail side by side */
};
#define LAYOUT_WIDE 160 /* from here on list and detail are side by side */
/* n_rows: rows the list would like. want: PANE_BOTH is granted when there is room, else
 * `fallback` decides (PANE_LIST or PANE_DETAIL). */
struct layout layout_compute(int rows, int cols, int n_rows, enum pane want,
                             enum pane fallback);

#endif
