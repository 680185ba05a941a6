/* why - the card of a container that ended: why, with the last of its log. */
#ifndef UI_DIALOG_WHY_H
#define UI_DIALOG_WHY_H

#include "ui/term/keys.h"
#include "ui/view/surroundings.h"

struct why {
    const struct keys *keys; /* for the last line: what they do here */
    int cols;                /* of the screen: long lines are broken there */
    bool read_only;
};
/* About the selected container. */
void why_open(const struct surroundings *s, const struct why *w);

#endif
