/* dispatch - from a key to what happens: dialog, view, list, or one of the commands.
 */
#ifndef UI_SCREEN_DISPATCH_H
#define UI_SCREEN_DISPATCH_H

#include "ui/screen/state.h"
#include "ui/term/input.h"

void dispatch_key(struct ui *ui, const struct input_event *ev);
/* The selection or what is visible changed: tells the tab on the screen. */
void dispatch_sync(struct ui *ui);

/* What a page fills: all between header and footer. */
struct rect dispatch_page(const struct ui *ui);

#endif
