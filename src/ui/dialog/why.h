/* why - the card of a container that ended: why, with the last of its log. */
#ifndef UI_DIALOG_WHY_H
#define UI_DIALOG_WHY_H

#include "ui/view/surroundings.h"

/* About the selected container; cols: of the screen, long lines are broken there. */
void why_open(const struct surroundings *s, int cols);

#endif
