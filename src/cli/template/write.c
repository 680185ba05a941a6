/* write - appends bytes to what a run makes. All output goes through here, so that its
 * limit is checked in one place. */

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

int fill_bytes(struct buf *b, char c, size_t n)
{
    int rc = buf_reserve(b, n);
    if (rc < 0)
        return rc;
    memset(b->data + b->len, c, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

int write_fill(const struct writer *w, char c, uint64_t n)
{
    return w->out->len > w->max || n > w->max - w->out->len ? -E2BIG
                                                            : fill_bytes(w->out, c, n);
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
    size_t rest = s->has_width && (size_t)s->width > runes ? (size_t)s->width - runes : 0;
    int rc = s->minus ? write_bytes(w, text, len) : 0;
    if (rc == 0)
        rc = write_fill(w, s->zero && !s->minus ? '0' : ' ', rest);
    return rc < 0 || s->minus ? rc : write_bytes(w, text, len);
}
