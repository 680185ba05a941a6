/* words - a command line to words and back, as a POSIX shell splits it: blanks and
 * newlines, '...', "..." (backslash before " \ $ ` and newline), \x. Nothing is expanded.
 * Errors  -errno; ret is as it was.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

#define WORDS_OPEN "a quote is never closed, or the text ends in a backslash"

/* A line that a user typed: `#` is an ordinary character. Appends. -EINVAL =
 * WORDS_OPEN. */
int words_split(const char *text, struct strv *ret, struct mtd_error *err);
/* A command of a script: # at the beginning of a word starts a comment. Appends. -EAGAIN
 * = it goes on in the next line, or would: append that and call again. */
int words_split_script(const char *text, struct strv *ret);
int words_join(const struct strv *v, struct buf *ret); /* quoted where needed */

#endif
