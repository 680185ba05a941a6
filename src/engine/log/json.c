/* A record as docker's json-file driver writes it, escape by escape: what reads docker's logs
 * reads these. What is no UTF-8 is lost in it, which is why it is never the only copy. */

#include "engine/log/internal.h"

#include <string.h>

#define SOME_TAIL 0xC0u

static char *add(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

#define ADD(out, literal) add(out, literal, sizeof(literal) - 1)

/* The rune at s as Go's utf8.DecodeRune sees it: its bytes, 0 = none, which is one byte. The
 * shortest form only, no surrogates, nothing above U+10FFFF. */
static size_t rune_length(const unsigned char *s, size_t len)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte; of the second */
        size_t n;
    } FORMS[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
        {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
        if (s[0] < FORMS[i].first || s[0] > FORMS[i].last)
            continue;
        size_t n = FORMS[i].n;
        bool good = n <= len && s[1] >= FORMS[i].low && s[1] <= FORMS[i].high;
        for (size_t k = 2; good && k < n; k++)
            good = (s[k] & SOME_TAIL) == 0x80;
        return good ? n : 0;
    }
    return 0;
}

static char *add_ascii(char *out, unsigned char c)
{
    static const char HEX[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        *out++ = '\\';
        *out++ = (char)c;
    } else if (c == '\n' || c == '\r') {
        *out++ = '\\';
        *out++ = c == '\n' ? 'n' : 'r';
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
        out = ADD(out, "\\u00");
        *out++ = HEX[c >> 4];
        *out++ = HEX[c & 0xF];
    } else {
        *out++ = (char)c;
    }
    return out;
}

/* U+2028 and U+2029 end a line in JavaScript. */
static char *add_rune(char *out, const unsigned char *s, size_t n)
{
    if (n == 0)
        return ADD(out, "\\ufffd");
    if (n == 3 && s[0] == 0xE2 && s[1] == 0x80 && (s[2] == 0xA8 || s[2] == 0xA9)) {
        out = ADD(out, "\\u202");
        *out++ = s[2] == 0xA8 ? '8' : '9';
        return out;
    }
    return add(out, (const char *)s, n);
}

static char *add_text(char *out, const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < len;) {
        size_t n = 1;
        if (s[i] < 0x80) {
            out = add_ascii(out, s[i]);
        } else {
            n = rune_length(s + i, len - i);
            out = add_rune(out, s + i, n);
        }
        i += n ? n : 1;
    }
    return out;
}

/* RFC3339Nano: zeros at the end of the fraction are left out, and an empty fraction. */
size_t log_json_time(const char *time, char *out)
{
    size_t n = LOG_TIME_LEN - 1; /* without the Z */
    while (time[n - 1] == '0')
        n--;
    if (time[n - 1] == '.')
        n--;
    memcpy(out, time, n);
    out[n] = 'Z';
    return n + 1;
}

/* ,"attrs":{"key":"value"}, in the order given. */
int log_json_attrs(const struct strv *pairs, struct buf *ret)
{
    int rc = pairs->len ? buf_puts(ret, "\"attrs\":{") : 0;
    for (size_t i = 0; i < pairs->len && rc == 0; i++) {
        const char *key = pairs->items[i], *value = strchr(key, '=');
        size_t key_len = value ? (size_t)(value - key) : strlen(key);
        value = value ? value + 1 : "";
        size_t len = strlen(value);
        rc = buf_reserve(ret, 6 * (key_len + len) + 8);
        if (rc < 0)
            break;
        char *p = ret->data + ret->len;
        p = i ? ADD(p, ",\"") : ADD(p, "\"");
        p = add_text(p, key, key_len);
        p = ADD(p, "\":\"");
        p = add_text(p, value, len);
        p = ADD(p, "\"");
        ret->len = (size_t)(p - ret->data);
    }
    return rc == 0 && pairs->len ? buf_puts(ret, "},") : rc;
}

size_t log_json(const struct log_record *r, const char *attrs, size_t attrs_len,
                char out[LOG_JSON_MAX])
{
    char *p = ADD(out, "{");
    if (r->len || r->full) {
        p = ADD(p, "\"log\":\"");
        p = add_text(p, r->text, r->len);
        if (r->full)
            p = ADD(p, "\\n");
        p = ADD(p, "\",");
    }
    p = r->stream == LOG_STDERR ? ADD(p, "\"stream\":\"stderr\",")
                                : ADD(p, "\"stream\":\"stdout\",");
    p = attrs_len ? add(p, attrs, attrs_len) : p;
    p = ADD(p, "\"time\":\"");
    p += log_json_time(r->time, p);
    p = ADD(p, "\"}\n");
    return (size_t)(p - out);
}
