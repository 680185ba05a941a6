/* bar - the single lines: header, tabs, footer. */
#ifndef UI_SCREEN_BAR_H
#define UI_SCREEN_BAR_H

#include "ui/screen/state.h"

void bar_header(const struct ui *ui, struct canvas *c, struct rect r);
void bar_tabs(const struct ui *ui, struct canvas *c, struct rect r);
void bar_footer(const struct ui *ui, struct canvas *c, struct rect r);
/* The tab at a column of the tab line, -1 = none. */
int bar_tab_at(const struct ui *ui, int col);

#endif
