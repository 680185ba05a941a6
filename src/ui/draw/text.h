/* text - what untrusted bytes look like on a terminal: decoded, measured, made harmless.
 * Shape   a string becomes a sequence of glyphs; each has its bytes and a width of 0, 1
 *         or 2 columns. Width comes from an embedded Unicode table, never from the
 *         locale: a static program may run where no locale is installed.
 * Rule    no glyph contains a control byte. ESC and the other C0 controls are shown as
 *         "^[", DEL as "^?"; what a person would not see (utf8_is_hidden), surrogates and
 *         invalid bytes as "?". Joiners and variation selectors are dropped: terminals
 *         disagree about their width.
 */
#ifndef UI_DRAW_TEXT_H
#define UI_DRAW_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct glyph {
    char bytes[5]; /* UTF-8, NUL-terminated; "" = nothing to show */
    uint8_t len;   /* of bytes */
    uint8_t width; /* 0 = combines with the glyph before it */
    uint32_t code; /* the code point, for ASCII shapes and tests; '?' when replaced */
};

/* Decodes one glyph of s[0..n), n > 0; returns the bytes used, >= 1. A control character
 * gives '^' and must be asked for again with *state, which starts at 0 and holds its
 * second half between calls (then 0 bytes are used). A tab is one blank: callers that
 * care expand. */
size_t text_next(const char *s, size_t n, struct glyph *ret, uint32_t *state);

/* Columns of s[0..n) as pen_text() draws it. */
int text_width(const char *s, size_t n);

/* Appends the lines of s to ret, broken into rows of at most cols columns; rows after the
 * first are indented. -ENOMEM. */
int text_wrap(const char *s, int cols, int indent, struct buf *ret);

/* Bytes of the longest prefix of s[0..n) that fits into cols columns. */
size_t text_fit(const char *s, size_t n, int cols);

/* Where the end of s[0..n) begins that fits into cols columns: a whole glyph. */
size_t text_fit_end(const char *s, size_t n, int cols);

/* 0, 1 or 2 for a printable code point. */
int text_code_width(uint32_t code);

/* Encodes a code point; returns its length, 1..4. */
int text_encode(uint32_t code, char out[5]);

#endif
