/* quote - Go's strconv.Quote. */

#include "cli/template/internal.h"

/* Beyond ASCII: blanks, marks of direction and what is private or no character at all. */
bool is_printable(uint32_t rune)
{
    static const uint32_t NOT[][2] = {
        {0x0, 0x1f},      {0x7f, 0xa0},     {0xad, 0xad},       {0x61c, 0x61c},
        {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200f},   {0x2028, 0x202f},
        {0x205f, 0x206f}, {0x3000, 0x3000}, {0xd800, 0xf8ff},   {0xfeff, 0xfeff},
        {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof(NOT) / sizeof(NOT[0]); i++)
        if (rune >= NOT[i][0] && rune <= NOT[i][1])
            return false;
    return true;
}

static int add_rune(struct buf *out, const char *text, size_t n, char quote, bool ascii)
{
    static const char NAMED[] = "\a\b\f\n\r\t\v\\", LETTERS[] = "abfnrtv\\";
    unsigned char c = (unsigned char)*text;
    const char *named = c ? strchr(NAMED, c) : NULL;
    if (named || *text == quote)
        return buf_printf(out, "\\%c", named ? LETTERS[named - NAMED] : quote);
    uint32_t rune = n ? utf8_rune(text, n) : 0xfffd;
    if (n == 0 || (rune < 0x80 && !is_printable(rune)))
        return buf_printf(out, "\\x%02x", c);
    if (is_printable(rune) && !(ascii && rune >= 0x80))
        return buf_add(out, text, n);
    return buf_printf(out, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
}

int quote_text(struct buf *out, const char *text, size_t len, char quote, bool ascii)
{
    int rc = buf_putc(out, quote);
    for (size_t i = 0; i < len && rc == 0;) {
        size_t n = utf8_len(text + i, len - i);
        rc = add_rune(out, text + i, n, quote, ascii);
        i += n ? n : 1;
    }
    return rc < 0 ? rc : buf_putc(out, quote);
}
