/* input - bytes from a terminal to keys. Pure: no terminal, no time, no allocation.
 * Shape   feed bytes, take keys until none is left. An escape sequence may be split over
 *         any number of feeds; only waiting tells a lone ESC from the beginning of one:
 *         when input_pending() and nothing came for about 50 ms, call input_timeout().
 * Rule    understands xterm, VT, linux console and rxvt encodings whatever TERM says; an
 *         unknown sequence is swallowed whole, so that its tail never acts as keys.
 */
#ifndef UI_TERM_INPUT_H
#define UI_TERM_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/term/keys.h"

struct input_event {
    int key;      /* keys.h */
    int row, col; /* KEY_MOUSE: from 0 */
    enum mouse button;
};

struct input {
    unsigned char data[4096];
    size_t len, at;
    bool final; /* nothing will follow what is there */
};

/* Takes as much as there is room for; returns that. Take keys before feeding the rest. */
size_t input_feed(struct input *in, const void *data, size_t n);
bool input_next(struct input *in, struct input_event *ret);
bool input_pending(const struct input *in); /* an unfinished sequence is waiting */
void input_timeout(struct input *in);       /* it will not be completed */
void input_drop(struct input *in);          /* forget everything */

#endif
