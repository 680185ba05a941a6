/* The decoder accepts exactly the well-formed UTF-8 of Unicode table 3-7; an ill-formed
 * byte becomes one '?' and decoding continues with the next byte, so damage never hides
 * what follows it. */
#include "ui/draw/text.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

enum { BAD = 0xffffffff };

int text_encode(uint32_t code, char out[5])
{
    static const struct {
        uint32_t below;
        uint8_t lead, len;
    } FORM[] = {{0x80, 0, 1}, {0x800, 0xc0, 2}, {0x10000, 0xe0, 3}, {0x110000, 0xf0, 4}};
    size_t f = 0;
    while (f < ARRAY_SIZE(FORM) - 1 && code >= FORM[f].below)
        f++;
    int len = FORM[f].len;
    for (int i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(FORM[f].lead | code);
    out[len] = '\0';
    return len;
}

/* Bytes of the sequence that a lead byte begins; 0 = not a lead byte. */
static size_t sequence_length(unsigned char lead)
{
    static const struct {
        unsigned char first, last, len;
    } LEADS[] = {{0x00, 0x7f, 1}, {0xc2, 0xdf, 2}, {0xe0, 0xef, 3}, {0xf0, 0xf4, 4}};
    for (size_t i = 0; i < ARRAY_SIZE(LEADS); i++)
        if (lead >= LEADS[i].first && lead <= LEADS[i].last)
            return LEADS[i].len;
    return 0;
}

static bool is_well_formed(uint32_t c, size_t len)
{
    static const uint32_t SHORTEST[] = {0, 0, 0x80, 0x800, 0x10000};
    return c >= SHORTEST[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static size_t decode(const unsigned char *s, size_t n, uint32_t *code)
{
    size_t len = sequence_length(s[0]);
    *code = (uint32_t)BAD;
    if (len == 0 || len > n)
        return 1;
    uint32_t c = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 1;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (!is_well_formed(c, len))
        return 1;
    *code = c;
    return len;
}

/* Shown as "?". */
static bool is_hostile(uint32_t c)
{
    return c == (uint32_t)BAD || utf8_is_hidden(c) || (c & 0xfffe) == 0xfffe;
}

static void set_glyph(struct glyph *g, uint32_t code, int width)
{
    g->code = code;
    g->len = (uint8_t)text_encode(code, g->bytes);
    g->width = (uint8_t)width;
}

size_t text_next(const char *s, size_t n, struct glyph *ret, uint32_t *state)
{
    if (*state) {
        set_glyph(ret, *state, 1);
        *state = 0;
        return 0;
    }
    uint32_t code;
    size_t used = decode((const unsigned char *)s, n, &code);
    if (code == '\t')
        set_glyph(ret, ' ', 1);
    else if (code < 0x20 || code == 0x7f) {
        *state = code ^ 0x40;
        set_glyph(ret, '^', 1);
    } else if (utf8_is_shaper(code)) /* its width differs between terminals */
        *ret = (struct glyph){.code = code};
    else if (is_hostile(code))
        set_glyph(ret, '?', 1);
    else
        set_glyph(ret, code, text_code_width(code));
    return used;
}

/* Walks whole glyphs until cols is exceeded; the columns walked go to *ret_width. */
static size_t walk(const char *s, size_t n, int cols, int *ret_width)
{
    size_t at = 0;
    uint32_t state = 0;
    int width = 0;
    while (at < n) {
        struct glyph g;
        size_t used = text_next(s + at, n - at, &g, &state);
        int step = g.width;
        if (state) { /* either both halves of "^[" or none */
            text_next(s + at, 0, &g, &state);
            step += g.width;
        }
        if (width + step > cols)
            break;
        width += step;
        at += used;
    }
    *ret_width = width;
    return at;
}

int text_width(const char *s, size_t n)
{
    int width;
    walk(s, n, 1 << 30, &width);
    return width;
}

size_t text_fit(const char *s, size_t n, int cols)
{
    int width;
    return walk(s, n, cols, &width);
}

size_t text_fit_end(const char *s, size_t n, int cols)
{
    size_t at = 0;
    int width = text_width(s, n);
    while (at < n && width > cols) {
        size_t next = at + text_fit(s + at, n - at, 0); /* what combines */
        int step = 1;
        while (next == at) /* one glyph, of 1 or 2 columns */
            next = at + text_fit(s + at, n - at, step++);
        at = next;
        width = text_width(s + at, n - at);
    }
    return at + text_fit(s + at, n - at, 0);
}

static int wrap_line(const char *s, size_t n, int cols, int indent, struct buf *ret)
{
    for (size_t at = 0, fit; at < n; at += fit) {
        int rc = at ? buf_printf(ret, "\n%*s", indent, "") : 0;
        fit = text_fit(s + at, n - at, at ? cols - indent : cols);
        fit = fit ? fit : 1;
        if (rc < 0 || (rc = buf_add(ret, s + at, fit)) < 0)
            return rc;
    }
    return 0;
}

int text_wrap(const char *s, int cols, int indent, struct buf *ret)
{
    for (int rc; *s;) {
        size_t n = strcspn(s, "\n");
        if ((rc = wrap_line(s, n, cols, indent < cols / 2 ? indent : 0, ret)) < 0 ||
            (rc = buf_putc(ret, '\n')) < 0)
            return rc;
        s += n + (s[n] == '\n');
    }
    return 0;
}
