/* buf - a growable byte buffer.
 * Shape   data is always NUL-terminated one byte past len (when data is not NULL).
 * Errors  -ENOMEM; the buffer is unchanged then.
 * Owner   buf_done frees; buf_take moves the bytes out (caller frees).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len, cap;
};

void buf_done(struct buf *b);
int buf_reserve(struct buf *b, size_t more);
int buf_add(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *buf_take(struct buf *b); /* never NULL unless out of memory; "" when empty */

#endif
