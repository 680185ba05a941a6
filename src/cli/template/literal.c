/* literal - numbers, strings and characters written in a template: Go's syntax. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/template/internal.h"

static int parse_integer(const char *text, int64_t *ret)
{
    bool minus = *text == '-';
    text += *text == '-' || *text == '+';
    int second = text[0] == '0' ? text[1] | 0x20 : 0;
    int base = second == 'x' ? 16 : second == 'o' ? 8 : second == 'b' ? 2 : 0;
    text += base ? 2 : 0;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, base ? base : *text == '0' ? 8 : 10);
    if (end == text || *end)
        return -EINVAL;
    if (errno == ERANGE || n > (unsigned long long)INT64_MAX + minus)
        return -ERANGE;
    *ret = minus ? (int64_t)(0 - n) : (int64_t)n;
    return 0;
}

static int parse_float(const char *text, double *ret)
{
    char *end;
    *ret = strtod(text, &end);
    bool fits = *ret - *ret == 0; /* not infinite */
    return end == text || *end || !fits ? -EINVAL : 0;
}

/* Each between two digits, or behind the letter of a base. */
static bool has_good_underscores(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '_' && (i == 0 || !isalnum((unsigned char)text[i - 1]) ||
                               i + 1 == len || !isxdigit((unsigned char)text[i + 1])))
            return false;
    return true;
}

/* A number is a float when it is written as one. */
int lex_number(struct lexer *x, const struct token *t, struct value *ret)
{
    const char *source = x->t->text + t->at;
    char text[128];
    size_t len = 0;
    for (size_t i = 0; i < t->len && len < sizeof(text) - 1; i++)
        if (source[i] != '_')
            text[len++] = source[i];
    text[len] = '\0';
    bool hex = strpbrk(text, "xX") != NULL;
    bool real = strpbrk(text, hex ? ".pP" : ".eE") != NULL;
    ret->kind = real ? VALUE_FLOAT : VALUE_INT;
    int rc = real ? parse_float(text, &ret->real) : parse_integer(text, &ret->integer);
    if (t->len >= sizeof(text) || !has_good_underscores(source, t->len))
        rc = -EINVAL;
    const char *why = rc == -ERANGE ? "integer overflow" : "bad number syntax";
    return rc == 0 ? 0
                   : template_fail(x->t, t->at, x->err, "%s: \"%.*s\"", why,
                                   (int)(t->len < 40 ? t->len : 40), source);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* n digits at p; -1 = there are not that many. */
static int64_t read_digits(const char *p, const char *end, int n, int base)
{
    int64_t value = 0;
    for (int i = 0; i < n; i++) {
        int digit = p + i < end ? hex_digit(p[i]) : -1;
        if (digit < 0 || digit >= base)
            return -1;
        value = value * base + digit;
    }
    return value;
}

/* \x41 \101 \u00e9 \U0001F600; returns the bytes used, 0 = no such escape. */
static size_t unescape_number(const char *p, const char *end, char quote, struct buf *out,
                              int *rc)
{
    bool octal = *p >= '0' && *p <= '7', byte = octal || *p == 'x';
    int n = octal ? 3 : *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    int64_t value = n ? read_digits(p + !octal, end, n, octal ? 8 : 16) : -1;
    bool is_surrogate = value >= 0xd800 && value < 0xe000;
    if (value < 0 || value > (byte ? 255 : 0x10ffff) || is_surrogate)
        return 0;
    /* In a character constant \xff is a number, not a byte. */
    *rc = byte && quote == '"' ? buf_putc(out, (char)value) : utf8_put(out, value);
    return (size_t)n + !octal;
}

/* What is behind a backslash. */
static size_t unescape(const char *p, const char *end, char quote, struct buf *out,
                       int *rc)
{
    static const char SIMPLE[] = "abfnrtv\\", MEANS[] = "\a\b\f\n\r\t\v\\";
    const char *simple = *p ? strchr(SIMPLE, *p) : NULL;
    if (!simple && *p != quote)
        return unescape_number(p, end, quote, out, rc);
    *rc = buf_putc(out, simple ? MEANS[simple - SIMPLE] : quote);
    return 1;
}

/* As it is, without carriage returns. */
static int unquote_raw(const char *p, const char *end, struct buf *out)
{
    int rc = 0;
    for (; p < end && rc == 0; p++)
        rc = *p == '\r' ? 0 : buf_putc(out, *p);
    return rc;
}

static int unquote(struct lexer *x, const char *p, const char *end, char quote,
                   struct buf *out)
{
    int rc = 0;
    while (p < end && rc == 0) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        rc = buf_add(out, p, (size_t)((slash ? slash : end) - p));
        if (rc < 0 || !slash)
            break;
        size_t used = unescape(slash + 1, end, quote, out, &rc);
        if (used == 0)
            return template_fail(x->t, (size_t)(slash - x->t->text), x->err,
                                 "unknown escape sequence \"\\%.1s\"", slash + 1);
        p = slash + 1 + used;
    }
    return rc;
}

int lex_unquote(struct lexer *x, const struct token *t, struct buf *out)
{
    const char *p = x->t->text + t->at + 1, *end = p + t->len - 2;
    if (t->kind == TOKEN_RAW)
        return unquote_raw(p, end, out);
    int rc = unquote(x, p, end, t->kind == TOKEN_CHAR ? '\'' : '"', out);
    bool one = out->len > 0 && utf8_len(out->data, out->len) == out->len;
    if (rc == 0 && t->kind == TOKEN_CHAR && !one)
        return template_fail(x->t, t->at, x->err, "malformed character constant");
    return rc;
}
