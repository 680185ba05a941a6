/* theme - what each semantic colour looks like.
 * Shape   a look is a foreground, a background (-1 = the terminal's own) and attributes.
 *         The palette is the 256-colour one; term.c maps it down where there are 16, 8 or
 *         none.
 * Rule    a state is never told by colour alone; every scheme works with the shapes only.
 */
#ifndef UI_DRAW_THEME_H
#define UI_DRAW_THEME_H

#include "ui/draw/canvas.h"

struct look {
    short fg, bg; /* 0..255, -1 = default */
    uint8_t attrs;
};

enum scheme {
    SCHEME_DEFAULT,       /* blue / orange: safe for the colour-blind */
    SCHEME_MONOCHROME,    /* attributes only; also NO_COLOR */
    SCHEME_HIGH_CONTRAST, /* white on black, bold */
    SCHEME_COUNT
};
int scheme_parse(const char *name, enum scheme *ret); /* "default"; -EINVAL */

struct theme {
    struct look looks[COLOR_COUNT];
};
void theme_init(struct theme *t, enum scheme s);
/* "running = green bold", "selected = black on 39", "dim = none": -EINVAL. */
int theme_set(struct theme *t, const char *color, const char *look);

#endif
