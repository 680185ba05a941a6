/* utf8 - sequences of RFC 3629, and which characters a person would not see.
 * Rule    no overlong forms, no surrogates, nothing above U+10FFFF.
 * Source  Unicode 15, chapter 23.2 "Layout Controls" and 23.9 "Tag Characters".
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

size_t utf8_len(const char *text, size_t len);    /* of the valid sequence; 0 = not one */
uint32_t utf8_rune(const char *text, size_t len); /* U+FFFD = not a valid sequence */
bool utf8_is_valid(const char *text);             /* all of it */
int utf8_put(struct buf *out, int64_t rune);      /* -ENOMEM */

/* C1 controls, marks of direction, separators of lines, invisible and tag characters:
 * what would move the cursor, reorder a line, or make two names look alike. Not those
 * that shape their neighbours (utf8_is_shaper). */
bool utf8_is_hidden(uint32_t rune);
/* Zero-width joiners and variation selectors, which emoji and several scripts need. */
bool utf8_is_shaper(uint32_t rune);

#endif
