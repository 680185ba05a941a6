/* What is before a line's text: scrolling counts its rows as drawing does, so both ask
 * here. */
#include "ui/log/pane.h"

enum { NARROW = 40 }; /* with fewer columns the times are left out */

int logpane_time_columns(const struct logpane *p, int cols)
{
    static const int COLUMNS[] = {
        [LOGTIMES_SHORT] = 9, [LOGTIMES_FULL] = 24, [LOGTIMES_NONE] = 0};
    return cols < NARROW ? 0 : COLUMNS[p->times];
}

/* The mark ('>' the current line, '!' stderr, '?' damage) takes a column, and before it
 * the container's letter when there are several. */
int logpane_prefix(const struct logpane *p, int cols)
{
    return (p->logs && p->logs->n > 1 ? 2 : 1) + logpane_time_columns(p, cols);
}
