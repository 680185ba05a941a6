/* print - labels, log lines and image names are not trusted, and escape sequences in
 * them could make a terminal do things: what a verb prints to one goes through
 * print_visible. */

#include "cli/print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static const struct sequence {
    unsigned char first_low, first_high, second_low, second_high, len;
} SEQUENCES[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool fits(const struct sequence *q, const unsigned char *s, size_t len)
{
    if (s[0] < q->first_low || s[0] > q->first_high || len < q->len ||
        s[1] < q->second_low || s[1] > q->second_high)
        return false;
    for (size_t i = 2; i < q->len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return false;
    return true;
}

size_t print_utf8_len(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(SEQUENCES); i++)
        if (fits(&SEQUENCES[i], s, len))
            return SEQUENCES[i].len;
    return 0;
}

size_t print_width(const char *text, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len; width++) {
        size_t n = print_utf8_len(text + i, len - i);
        i += n ? n : 1;
    }
    return width;
}

/* One byte as cat -v shows it. */
static int add_caret(struct buf *out, unsigned char c)
{
    char text[5] = "", *p = text;
    if (c >= 0x80) {
        *p++ = 'M';
        *p++ = '-';
        c &= 0x7f;
    }
    if (c < 0x20 || c == 0x7f) {
        *p++ = '^';
        c ^= 0x40;
    }
    *p++ = (char)c;
    return buf_add(out, text, (size_t)(p - text));
}

/* U+0080..U+009F: terminals may interpret them like ESC sequences. */
static bool is_c1(const char *text, size_t n)
{
    return n == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;
}

int print_visible(struct buf *out, const char *text, size_t len, const char *keep)
{
    int rc = 0;
    for (size_t i = 0; i < len && rc == 0;) {
        size_t n = print_utf8_len(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        bool control = c < 0x20 || c == 0x7f;
        if (n == 0 || (control && (c == 0 || !strchr(keep, c)))) {
            rc = add_caret(out, c);
            n = 1;
        } else if (is_c1(text + i, n)) {
            rc = add_caret(out, c);
            if (rc == 0)
                rc = add_caret(out, (unsigned char)text[i + 1]);
        } else {
            rc = buf_add(out, text + i, n);
        }
        i += n;
    }
    return rc;
}

int print_fd(int fd, const char *text, size_t len)
{
    if (!isatty(fd))
        return fs_write_all(fd, text, len);
    auto_done(buf_done) struct buf visible = {0};
    int rc = print_visible(&visible, text, len, "\n\t");
    return rc < 0 || visible.len == 0 ? rc : fs_write_all(fd, visible.data, visible.len);
}

int print_out(const struct buf *b, struct mtd_error *err)
{
    int rc = b->len ? print_fd(STDOUT_FILENO, b->data, b->len) : 0;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write to stdout") : 0;
}

int print_line(const char *text, struct mtd_error *err)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = buf_printf(&b, "%s\n", text);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write to stdout")
                  : print_out(&b, err);
}

static int add_quoted_control(struct buf *out, unsigned char c)
{
    static const char LETTERS[] = "abtnvfr"; /* from \a = 7 on */
    if (c >= 7 && c <= 13)
        return buf_printf(out, "\\%c", LETTERS[c - 7]);
    return buf_printf(out, "\\x%02x", c);
}

int print_quoted(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    int rc = buf_putc(out, '"');
    for (size_t i = 0; i < len && rc == 0;) {
        size_t n = print_utf8_len(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            rc = buf_printf(out, "\\%c", c);
        else if (n == 0 || c < 0x20 || c == 0x7f)
            rc = add_quoted_control(out, c);
        else if (is_c1(text + i, n))
            rc = buf_printf(out, "\\u00%02x", (unsigned char)text[i + 1]);
        else
            rc = buf_add(out, text + i, n);
        i += n ? n : 1;
    }
    return rc < 0 ? rc : buf_putc(out, '"');
}

int print_ellipsis(struct buf *out, const char *text, size_t width)
{
    size_t len = strlen(text), i = 0;
    if (print_width(text, len) <= width)
        return buf_puts(out, text);
    for (size_t n = 1; n < width; n++) {
        size_t step = print_utf8_len(text + i, len - i);
        i += step ? step : 1;
    }
    int rc = buf_add(out, text, i);
    return rc < 0 ? rc : buf_puts(out, "\xe2\x80\xa6");
}
