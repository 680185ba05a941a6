/* write - bytes into what a run makes, up to its bound. */

#include <errno.h>

#include "cli/template/internal.h"

int write_bytes(const struct writer *w, const char *text, size_t len)
{
    if (len == 0)
        return 0;
    return w->out->len > w->max || len > w->max - w->out->len
               ? -E2BIG
               : buf_add(w->out, text, len);
}

int write_blanks(const struct writer *w, uint64_t n)
{
    if (n > w->max)
        return -E2BIG;
    int rc = 0;
    for (; n > 0 && rc == 0; n--)
        rc = write_bytes(w, " ", 1);
    return rc;
}

static size_t count_runes(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; n++)
        i += utf8_len(text + i, len - i) ?: 1;
    return n;
}

int format_padded(const struct writer *w, const struct spec *s, const char *text,
                  size_t len)
{
    size_t runes = s->has_width ? count_runes(text, len) : 0;
    size_t fill = s->has_width && (size_t)s->width > runes ? (size_t)s->width - runes : 0;
    int rc = s->minus ? write_bytes(w, text, len) : 0;
    for (; fill > 0 && rc == 0; fill--)
        rc = write_bytes(w, s->zero && !s->minus ? "0" : " ", 1);
    return rc < 0 || s->minus ? rc : write_bytes(w, text, len);
}
