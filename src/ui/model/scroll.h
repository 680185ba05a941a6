/* scroll - a position in a list of lines: the line under the cursor, the first line
 * shown, columns shifted to the right.
 */
#ifndef UI_MODEL_SCROLL_H
#define UI_MODEL_SCROLL_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/term/keys.h"

struct scroll {
    size_t at, top, n;
    int rows; /* of the last drawing */
    int shift;
};
/* true = the key moved it (or would have). */
bool scroll_key(struct scroll *s, const struct key *k);
/* Before drawing: takes the number of lines and rows, adjusts at and top to them. */
void scroll_fit(struct scroll *s, size_t n, int rows);

#endif
