/* utf8 - text from outside, one sequence at a time. */

#include "base/utf8.h"

#include <string.h>

#include "base/cleanup.h"

size_t utf8_len(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    if (len == 0 || s[0] < 0x80)
        return len > 0;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool above = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || above ? 0 : n;
}

uint32_t utf8_rune(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = utf8_len(text, len);
    if (n < 2)
        return n ? s[0] : 0xfffd;
    uint32_t rune = s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        rune = rune << 6 | (s[i] & 0x3fu);
    return rune;
}

int utf8_put(struct buf *out, int64_t rune)
{
    char text[4];
    if (rune < 0 || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
        rune = 0xfffd;
    if (rune < 0x80)
        return buf_putc(out, (char)rune);
    int more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
    text[0] = (char)((0xff80 >> more & 0xff) | (int)(rune >> 6 * more));
    for (int i = 1; i <= more; i++)
        text[i] = (char)(0x80 | (int)(rune >> 6 * (more - i) & 0x3f));
    return buf_add(out, text, (size_t)more + 1);
}

struct range {
    uint32_t first, last;
};

static bool is_within(const struct range *table, size_t n, uint32_t rune)
{
    for (size_t i = 0; i < n; i++)
        if (rune >= table[i].first && rune <= table[i].last)
            return true;
    return false;
}

bool utf8_is_hidden(uint32_t rune)
{
    static const struct range HIDDEN[] = {
        {0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},     {0x180e, 0x180e},
        {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    return rune >= 0x80 && is_within(HIDDEN, ARRAY_SIZE(HIDDEN), rune);
}

bool utf8_is_shaper(uint32_t rune)
{
    static const struct range SHAPERS[] = {
        {0x200c, 0x200d}, {0xfe00, 0xfe0f}, {0xe0100, 0xe01ef}};
    return rune >= 0x200c && is_within(SHAPERS, ARRAY_SIZE(SHAPERS), rune);
}

bool utf8_is_valid(const char *text)
{
    size_t left = strlen(text), n = 1;
    for (; left > 0 && n > 0; text += n, left -= n)
        n = utf8_len(text, left);
    return n > 0;
}
