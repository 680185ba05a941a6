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
#include "base/utf8.h"

size_t print_width(const char *text, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len; width++) {
        size_t n = utf8_len(text + i, len - i);
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

static int add_rune_number(struct buf *out, uint32_t rune)
{
    return buf_printf(out, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
}

/* A character beyond ASCII; C1 controls byte by byte, as cat -v. */
static int add_wide(struct buf *out, const char *text, size_t n)
{
    uint32_t rune = utf8_rune(text, n);
    bool style = rune == 0xfe0e || rune == 0xfe0f; /* how an emoji is drawn, no more */
    if (style || (!utf8_is_hidden(rune) && !utf8_is_shaper(rune)))
        return buf_add(out, text, n);
    if (rune > 0x9f)
        return add_rune_number(out, rune);
    int rc = add_caret(out, (unsigned char)text[0]);
    return rc < 0 ? rc : add_caret(out, (unsigned char)text[1]);
}

int print_visible(struct buf *out, const char *text, size_t len, const char *keep)
{
    int rc = 0;
    for (size_t i = 0; i < len && rc == 0;) {
        size_t n = utf8_len(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        bool control = c < 0x20 || c == 0x7f;
        if (n == 0 || (control && (c == 0 || !strchr(keep, c))))
            rc = add_caret(out, c);
        else if (n == 1)
            rc = buf_putc(out, (char)c);
        else
            rc = add_wide(out, text + i, n);
        i += n ? n : 1;
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
        size_t n = utf8_len(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            rc = buf_printf(out, "\\%c", c);
        else if (n == 0 || c < 0x20 || c == 0x7f)
            rc = add_quoted_control(out, c);
        else if (n > 1 && utf8_is_hidden(utf8_rune(text + i, n)))
            rc = add_rune_number(out, utf8_rune(text + i, n));
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
        size_t step = utf8_len(text + i, len - i);
        i += step ? step : 1;
    }
    int rc = buf_add(out, text, i);
    return rc < 0 ? rc : buf_puts(out, "\xe2\x80\xa6");
}
