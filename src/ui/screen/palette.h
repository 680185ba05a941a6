/* palette - the ":" line: any batch command line, and a few words of the screen's own. */
#ifndef UI_SCREEN_PALETTE_H
#define UI_SCREEN_PALETTE_H

#include "ui/screen/state.h"

void palette_open(struct ui *ui);

#endif
