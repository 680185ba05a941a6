/* error - the text is built in place, in a fixed size: reporting an error allocates
 * nothing and cannot fail. */

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A hostile name in the text must not add lines or control a terminal. */
static void strip_controls(char *text)
{
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = *p == '\n' || *p == '\t' ? ' ' : '?';
}

/* A cut in the middle of a UTF-8 sequence would leave bytes no terminal can show. */
static void trim_partial_utf8(char *text, size_t size)
{
    size_t len = strlen(text);
    if (len + 1 < size)
        return;
    size_t start = len;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xc0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (len - start < need)
        text[start - 1] = '\0';
}

static void finish_text(struct mtd_error *err)
{
    trim_partial_utf8(err->text, sizeof(err->text));
    strip_controls(err->text);
}

__attribute__((format(printf, 4, 0))) static int fail_with(struct mtd_error *err,
                                                           int code, const char *reason,
                                                           const char *fmt, va_list ap)
{
    if (code <= 0)
        code = code < 0 ? -code : EIO;
    if (!err || err->code)
        return -code;
    err->code = code;
    int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
    if (n < 0)
        err->text[n = 0] = '\0';
    if (reason && (size_t)n < sizeof(err->text))
        snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", reason);
    finish_text(err);
    return -code;
}

int mtd_fail(struct mtd_error *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = fail_with(err, code, NULL, fmt, ap);
    va_end(ap);
    return rc;
}

int mtd_fail_errno(struct mtd_error *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = fail_with(err, code, strerror(code < 0 ? -code : code), fmt, ap);
    va_end(ap);
    return rc;
}

void mtd_context(struct mtd_error *err, const char *fmt, ...)
{
    if (!err || !err->code)
        return;
    char text[sizeof(err->text)];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n < sizeof(text))
        snprintf(text + n, sizeof(text) - (size_t)n, ": %s", err->text);
    memcpy(err->text, text, sizeof(text));
    finish_text(err);
}

int mtd_about(struct mtd_error *err, int about, int rc)
{
    if (err && err->code && !err->about)
        err->about = about;
    return rc;
}

void mtd_error_clear(struct mtd_error *err)
{
    if (err)
        *err = (struct mtd_error){0};
}
