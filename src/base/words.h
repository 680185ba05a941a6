/* words - a command line as a person types it, to words and back. Quoting as in a shell
 * ('..', "..", \), no expansion, no comments.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

int words_split(const char *text, struct strv *ret, struct mtd_error *err); /* appends */
int words_join(const struct strv *v, struct buf *ret); /* quoted where needed */

#endif
