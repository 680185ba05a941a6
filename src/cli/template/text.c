/* text - the functions that make strings: Go's print family and escapes, and
 * docker's split, join, upper and the like. */

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/template/internal.h"

/* Strings are bounded like the rest of what a run makes. */
static struct writer writer_of(const struct call *c, struct buf *out)
{
    return (struct writer){out, TEMPLATE_STRING_MAX, c->run->arena};
}

static int finish(const struct call *c, struct buf *b, int rc, struct value *ret)
{
    if (rc == 0)
        return run_string(c->run, c->node->at, b, ret);
    buf_done(b);
    if (rc == -E2BIG)
        return call_fail(c, "the result is larger than %d MB", TEMPLATE_STRING_MAX >> 20);
    return run_result(c->run, c->node->at, rc);
}

FUNCTION(print)
{
    struct buf b = {0};
    struct writer w = writer_of(c, &b);
    return finish(c, &b, write_spaced(&w, c->args, c->len, false), ret);
}

FUNCTION(println)
{
    struct buf b = {0};
    struct writer w = writer_of(c, &b);
    int rc = write_spaced(&w, c->args, c->len, true);
    if (rc == 0)
        rc = write_bytes(&w, "\n", 1);
    return finish(c, &b, rc, ret);
}

FUNCTION(printf)
{
    struct buf b = {0};
    struct writer w = writer_of(c, &b);
    return finish(c, &b, write_printf(&w, c->args, c->len), ret);
}

FUNCTION(json)
{
    struct buf b = {0};
    struct writer w = writer_of(c, &b);
    return finish(c, &b, write_json(&w, &c->args[0]), ret);
}

/* ---- escapes ---- */

typedef int (*escape_fn)(const struct writer *w, const char *text, size_t len);

/* Each character of the arguments, printed, through fn. */
static int escape(const struct call *c, escape_fn fn, struct value *ret)
{
    auto_done(buf_done) struct buf plain = {0};
    struct buf b = {0};
    struct writer in = writer_of(c, &plain), w = writer_of(c, &b);
    for (size_t i = 0; i < c->len; i++)
        if (c->args[i].kind == VALUE_NIL)
            c->args[i] = value_of_string("<no value>", 10);
    int rc = write_spaced(&in, c->args, c->len, false);
    for (size_t i = 0; i < plain.len && rc == 0;) {
        size_t n = utf8_len(plain.data + i, plain.len - i);
        rc = fn(&w, plain.data + i, n ? n : 1);
        i += n ? n : 1;
    }
    return finish(c, &b, rc, ret);
}

static int escape_html(const struct writer *w, const char *text, size_t len)
{
    const char *as = NULL;
    switch (*text) {
    case '"': as = "&#34;"; break;
    case '\'': as = "&#39;"; break;
    case '&': as = "&amp;"; break;
    case '<': as = "&lt;"; break;
    case '>': as = "&gt;"; break;
    case '\0': as = "\xef\xbf\xbd"; break;
    default: break;
    }
    return as ? write_bytes(w, as, strlen(as)) : write_bytes(w, text, len);
}

FUNCTION(html)
{
    return escape(c, escape_html, ret);
}

static int escape_js(const struct writer *w, const char *text, size_t len)
{
    char as[16];
    unsigned char byte = (unsigned char)*text;
    if (strchr("\\'\"", *text) && *text)
        snprintf(as, sizeof(as), "\\%c", *text);
    else if (byte < ' ' || strchr("<>&=", *text))
        snprintf(as, sizeof(as), "\\u%04X", byte);
    else if (byte >= 0x80 && !is_printable(utf8_rune(text, len)))
        snprintf(as, sizeof(as), "\\u%04X", utf8_rune(text, len));
    else
        return write_bytes(w, text, len);
    return write_bytes(w, as, strlen(as));
}

FUNCTION(js)
{
    return escape(c, escape_js, ret);
}

static bool is_alnum(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

static int escape_query(const struct writer *w, const char *text, size_t len)
{
    int rc = 0;
    for (size_t i = 0; i < len && rc == 0; i++) {
        char as[4];
        bool plain = is_alnum(text[i]) || (text[i] && strchr("-_.~", text[i]));
        if (plain || text[i] == ' ')
            rc = write_bytes(w, plain ? &text[i] : "+", 1);
        else
            rc = write_bytes(
                w, as,
                (size_t)snprintf(as, sizeof(as), "%%%02X", (unsigned char)text[i]));
    }
    return rc;
}

FUNCTION(urlquery)
{
    return escape(c, escape_query, ret);
}

/* ---- docker's ---- */

/* The parts of text, and how many they are; items may be NULL. */
static size_t split_text(const char *text, size_t len, const struct value *by,
                         struct value *items)
{
    size_t n = 0, step = by->string.len;
    for (size_t from = 0; step ? from <= len : from < len; n++) {
        const char *end =
            step ? memmem(text + from, len - from, by->string.text, step) : NULL;
        size_t part = end ? (size_t)(end - text) - from : len - from;
        if (step == 0) /* into characters */
            part = utf8_len(text + from, len - from) ?: 1;
        if (items)
            items[n] = value_of_string(text + from, part);
        from += part + (end || !step ? step : 1);
    }
    return n;
}

FUNCTION(split)
{
    const struct value *s = &c->args[0], *by = &c->args[1];
    size_t n = split_text(s->string.text, s->string.len, by, NULL);
    struct value *items = run_alloc(c->run, c->node->at, (n + 1) * sizeof(*items));
    if (!items)
        return -EINVAL;
    split_text(s->string.text, s->string.len, by, items);
    *ret = (struct value){.kind = VALUE_LIST, .list = {.items = items, .len = n}};
    return 0;
}

FUNCTION(join)
{
    struct buf b = {0};
    struct writer w = writer_of(c, &b);
    const struct value *list = &c->args[0], *by = &c->args[1];
    int rc = 0;
    for (size_t i = 0; i < value_len(list) && rc == 0; i++) {
        struct value item = value_item(list, i);
        if (i > 0)
            rc = write_bytes(&w, by->string.text, by->string.len);
        if (rc == 0)
            rc = write_bytes(&w, item.string.text, item.string.len);
    }
    return finish(c, &b, rc, ret);
}

/* Latin-1, Greek and Cyrillic besides ASCII; other letters stay what they are. All have
 * as many bytes in either case. */
static uint32_t to_case(uint32_t rune, bool upper)
{
    static const struct {
        uint32_t low, high, less; /* small letters, and how far the capitals are below */
    } RANGES[] = {{'a', 'z', 32},      {0xe0, 0xf6, 32},   {0xf8, 0xfe, 32},
                  {0x3b1, 0x3c1, 32},  {0x3c3, 0x3cb, 32}, {0x430, 0x44f, 32},
                  {0x450, 0x45f, 0x50}};
    for (size_t i = 0; i < ARRAY_SIZE(RANGES); i++) {
        uint32_t less = upper ? 0 : RANGES[i].less;
        if (rune >= RANGES[i].low - less && rune <= RANGES[i].high - less)
            return upper ? rune - RANGES[i].less : rune + less;
    }
    return rune;
}

static bool is_of_word(const char *p)
{
    return is_alnum(*p) || *p == '_' || (unsigned char)*p >= 0x80;
}

static int change(const struct call *c, bool upper, bool first_only, struct value *ret)
{
    const char *text = c->args[0].string.text;
    size_t len = c->args[0].string.len;
    struct buf b = {0};
    int rc = 0;
    for (size_t i = 0; i < len && rc == 0;) {
        size_t n = utf8_len(text + i, len - i);
        bool inside = first_only && i > 0 && is_of_word(text + i - 1);
        rc = inside || n == 0 ? buf_add(&b, text + i, n ? n : 1)
                              : utf8_put(&b, to_case(utf8_rune(text + i, n), upper));
        i += n ? n : 1;
    }
    return finish(c, &b, rc, ret);
}

FUNCTION(upper)
{
    return change(c, true, false, ret);
}

FUNCTION(lower)
{
    return change(c, false, false, ret);
}

FUNCTION(title)
{
    return change(c, true, true, ret);
}

FUNCTION(pad)
{
    struct buf b = {0};
    struct writer w = writer_of(c, &b);
    const struct value *s = &c->args[0];
    if (s->string.len == 0) {
        *ret = *s;
        return 0;
    }
    if (c->args[1].integer < 0 || c->args[2].integer < 0)
        return call_fail(c, "negative width");
    int rc = write_fill(&w, ' ', (uint64_t)c->args[1].integer);
    if (rc == 0)
        rc = write_bytes(&w, s->string.text, s->string.len);
    if (rc == 0)
        rc = write_fill(&w, ' ', (uint64_t)c->args[2].integer);
    return finish(c, &b, rc, ret);
}

FUNCTION(truncate)
{
    const struct value *s = &c->args[0];
    int64_t max = c->args[1].integer;
    if (max < 0)
        return call_fail(c, "negative length");
    *ret = value_of_string(s->string.text,
                           s->string.len < (uint64_t)max ? s->string.len : (size_t)max);
    return 0;
}
