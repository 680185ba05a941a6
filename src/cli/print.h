/* print - writing to stdout and stderr.
 * Rule    text from a container or an image never reaches a terminal with anything in it
 *         that a person would not see: on a terminal control bytes are shown as by cat -v
 *         (^[, ^M, M-^[), marks of direction and zero-width characters by their number
 *         (\\u202e). A pipe or a file gets the bytes unchanged.
 * Errors  -ENOMEM, or -errno of write(2).
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends text with control bytes, hidden characters and what is not UTF-8 made visible.
 * `keep` names control bytes that may pass ("\n\t"). */
int print_visible(struct buf *out, const char *text, size_t len, const char *keep);

/* All of b to fd 1 or 2; visible when that is a terminal. */
int print_fd(int fd, const char *text, size_t len);
/* To stdout; err says that it could not be written, and why. */
int print_out(const struct buf *b, struct mtd_error *err);
int print_line(const char *text, struct mtd_error *err); /* text and a newline */

/* Go's strconv.Quote. */
int print_quoted(struct buf *out, const char *text);
/* At most `width` characters; a cut text ends in "…". */
int print_ellipsis(struct buf *out, const char *text, size_t width);
/* Characters (UTF-8 sequences; an invalid byte counts one). */
size_t print_width(const char *text, size_t len);

#endif
