/* ansi - a log's bytes as glyphs with colours. Only SGR ("ESC [ ... m") is obeyed: it
 * changes the style. Everything else a terminal would act on is shown as text by text.h's
 * rules ("^[[2J"); no glyph ever holds a control byte. Tabs become blanks up to the next
 * multiple of 8 columns.
 * Shape   colours are mapped to the 16 of the palette; there is one colour per cell, so a
 *         background is shown as that colour reversed. Blinking and hiding are not done.
 */
#ifndef UI_DRAW_ANSI_H
#define UI_DRAW_ANSI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "ui/draw/canvas.h"
#include "ui/draw/text.h"

/* A longer sequence is not SGR. ansi_next() needs that many bytes, unless the text ends
 * before. */
#define ANSI_MAX 64

struct ansi {
    struct style base; /* what reset goes back to */
    short fg, bg;      /* 0..15, -1 = default */
    unsigned char attrs;
    unsigned blanks; /* of a tab, not given yet */
    unsigned column;
    uint32_t pending; /* text_next()'s state */
};
void ansi_init(struct ansi *a, struct style base);

/* The next glyph of s[0..n) and its style; returns the bytes used. A glyph of length 0
 * has nothing to show. While ansi_pending(), a glyph comes without using bytes and n may
 * be 0. */
size_t ansi_next(struct ansi *a, const char *s, size_t n, struct glyph *ret,
                 struct style *st);
static inline bool ansi_pending(const struct ansi *a)
{
    return a->blanks || a->pending;
}

/* Passes over plain ASCII text, at most max bytes = columns of it; returns how many. */
size_t ansi_skip(struct ansi *a, const char *s, size_t n, size_t max);

/* Appends the text without its colours, with no control byte in it. */
int ansi_plain(const char *s, size_t n, struct buf *ret);

#endif
