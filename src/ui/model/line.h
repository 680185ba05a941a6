/* line - one line of text being typed: cursor, editing keys, horizontal scrolling.
 * Keys    arrows, Home/ctrl-a, End/ctrl-e, Backspace, Del/ctrl-d, ctrl-u (to the
 *         beginning), ctrl-k (to the end), ctrl-w (a word). Pasted text arrives as plain
 *         keys.
 */
#ifndef UI_MODEL_LINE_H
#define UI_MODEL_LINE_H

#include "ui/draw/canvas.h"

#define LINE_MAX_BYTES 1024
struct line {
    char text[LINE_MAX_BYTES]; /* UTF-8, always terminated and well-formed */
    size_t len, at;            /* at: the cursor, a byte offset */
};
void line_set(struct line *l, const char *text); /* cursor at the end */
bool line_key(struct line *l, int key);          /* true = the key was used */
void line_insert(struct line *l, const char *s, size_t n);
/* Draws into what is right of the pen, scrolled so that the cursor is seen. */
void line_draw(const struct line *l, const struct pen *p, bool focused);

#endif
