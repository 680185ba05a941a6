/* verbs - one value in a verb of printf, as Go's fmt/print.go and fmt/format.go. */

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/template/internal.h"

static int format_mismatch(const struct writer *w, const struct spec *s,
                           const struct value *v);

/* ---- text ---- */

/* Numbers have their zeros already. */
static int format_blank_padded(const struct writer *w, const struct spec *s,
                               const struct buf *text)
{
    struct spec blanks = *s;
    blanks.zero = false;
    return format_padded(w, &blanks, text->data, text->len);
}

/* The bytes of the first runes that the precision lets through. */
static size_t cut(const struct spec *s, const char *text, size_t len)
{
    size_t i = 0;
    if (!s->has_precision)
        return len;
    for (int n = 0; n < s->precision && i < len; n++)
        i += utf8_len(text + i, len - i) ?: 1;
    return i;
}

static int format_hex(const struct writer *w, const struct spec *s, const char *text,
                      size_t len)
{
    auto_done(buf_done) struct buf hex = {0};
    bool upper = *s->verb == 'X';
    int rc = 0;
    if (s->has_precision && (size_t)s->precision < len)
        len = (size_t)s->precision;
    for (size_t i = 0; i < len && rc == 0; i++) {
        if (i > 0 && s->space)
            rc = buf_putc(&hex, ' ');
        if (rc == 0 && s->sharp && (i == 0 || s->space))
            rc = buf_puts(&hex, upper ? "0X" : "0x");
        if (rc == 0)
            rc = buf_printf(&hex, upper ? "%02X" : "%02x", (unsigned char)text[i]);
    }
    return rc < 0 ? rc : format_padded(w, s, hex.data, hex.len);
}

static bool can_backquote(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_len(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        if (n == 0 || (c < ' ' && c != '\t') || c == '`' || c == 0x7f ||
            utf8_rune(text + i, n) == 0xfeff)
            return false;
        i += n;
    }
    return true;
}

static int format_quoted(const struct writer *w, const struct spec *s, const char *text,
                         size_t len)
{
    auto_done(buf_done) struct buf quoted = {0};
    len = cut(s, text, len);
    int rc = 0;
    if (s->sharp && can_backquote(text, len)) {
        rc = buf_putc(&quoted, '`');
        if (rc == 0)
            rc = buf_add(&quoted, text, len);
        if (rc == 0)
            rc = buf_putc(&quoted, '`');
    } else {
        rc = quote_text(&quoted, text, len, '"', s->plus);
    }
    return rc < 0 ? rc : format_padded(w, s, quoted.data, quoted.len);
}

static int format_string(const struct writer *w, const struct spec *s, const char *text,
                         size_t len)
{
    switch (*s->verb) {
    case 'v':
        if (s->sharp)
            return format_quoted(w, &(struct spec){.verb = "q"}, text, len);
        return format_padded(w, s, text, cut(s, text, len));
    case 's': return format_padded(w, s, text, cut(s, text, len));
    case 'q': return format_quoted(w, s, text, len);
    case 'x':
    case 'X': return format_hex(w, s, text, len);
    default: {
        struct value v = value_of_string(text, len);
        return format_mismatch(w, s, &v);
    }
    }
}

/* ---- integers ---- */

static size_t add_digits(char *end, uint64_t n, unsigned base, bool upper)
{
    static const char LOWER[] = "0123456789abcdef", UPPER[] = "0123456789ABCDEF";
    size_t len = 0;
    do {
        *--end = (upper ? UPPER : LOWER)[n % base];
        len++;
        n /= base;
    } while (n);
    return len;
}

/* 0x and the like; zeros = the number begins with a 0 as it is. */
static const char *number_prefix(const struct spec *s, unsigned base, bool zeros)
{
    if (*s->verb == 'O')
        return "0o";
    if (!s->sharp || *s->verb == 'v' || base == 10)
        return "";
    if (base == 8)
        return zeros ? "" : "0";
    return base == 2 ? "0b" : *s->verb == 'X' ? "0X" : "0x";
}

/* How many digits are asked for. */
static size_t number_digits(const struct spec *s, bool sign)
{
    if (s->has_precision)
        return (size_t)s->precision;
    bool fills = s->zero && !s->minus && s->has_width && s->width > sign;
    return fills ? (size_t)s->width - sign : 0;
}

static int format_number(const struct writer *w, const struct spec *s, int64_t i,
                         unsigned base)
{
    auto_done(buf_done) struct buf text = {0};
    char room[64];
    bool sign = i < 0 || s->plus || s->space;
    uint64_t n = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    size_t len = add_digits(room + sizeof(room), n, base, *s->verb == 'X');
    size_t digits = number_digits(s, sign);
    if (digits > w->max)
        return -E2BIG;
    if (s->has_precision && digits == 0 && n == 0)
        return format_blank_padded(w, s, &text);
    int rc = sign ? buf_putc(&text, i < 0 ? '-' : s->plus ? '+' : ' ') : 0;
    if (rc == 0)
        rc = buf_puts(&text, number_prefix(s, base, digits > len || n == 0));
    if (rc == 0 && digits > len)
        rc = fill_bytes(&text, '0', digits - len);
    if (rc == 0)
        rc = buf_add(&text, room + sizeof(room) - len, len);
    return rc < 0 ? rc : format_blank_padded(w, s, &text);
}

static int format_rune(const struct writer *w, const struct spec *s, int64_t i)
{
    auto_done(buf_done) struct buf text = {0}, quoted = {0};
    int rc = utf8_put(&text, i);
    if (rc == 0 && *s->verb == 'q')
        rc = quote_text(&quoted, text.data, text.len, '\'', s->plus);
    struct buf *b = *s->verb == 'q' ? &quoted : &text;
    return rc < 0 ? rc : format_padded(w, s, b->data, b->len);
}

/* %U, %#U: U+00E9 'é' */
static int format_unicode(const struct writer *w, const struct spec *s, int64_t i)
{
    auto_done(buf_done) struct buf text = {0};
    int digits = s->has_precision && s->precision > 4 ? s->precision : 4;
    int rc = buf_printf(&text, "U+%0*llX", digits, (unsigned long long)i);
    if (rc == 0 && s->sharp && i >= 0 && i <= 0x10ffff && is_printable((uint32_t)i)) {
        rc = buf_puts(&text, " '");
        if (rc == 0)
            rc = utf8_put(&text, i);
        if (rc == 0)
            rc = buf_putc(&text, '\'');
    }
    return rc < 0 ? rc : format_blank_padded(w, s, &text);
}

static int format_integer(const struct writer *w, const struct spec *s, int64_t i)
{
    switch (*s->verb) {
    case 'v':
    case 'd': return format_number(w, s, i, 10);
    case 'b': return format_number(w, s, i, 2);
    case 'o':
    case 'O': return format_number(w, s, i, 8);
    case 'x':
    case 'X': return format_number(w, s, i, 16);
    case 'c':
    case 'q': return format_rune(w, s, i);
    case 'U': return format_unicode(w, s, i);
    default: {
        struct value v = value_of_int(i);
        return format_mismatch(w, s, &v);
    }
    }
}

/* ---- any value ---- */

static int format_mismatch(const struct writer *w, const struct spec *s,
                           const struct value *v)
{
    struct spec plain = *s;
    plain.verb = "v";
    plain.verb_len = 1;
    plain.sharp = false;
    int rc = write_bytes(w, "%!", 2);
    if (rc == 0)
        rc = write_bytes(w, s->verb, s->verb_len);
    if (rc == 0)
        rc = write_bytes(w, "(", 1);
    if (v->kind == VALUE_NIL || v->kind == VALUE_NONE) {
        plain = (struct spec){.verb = "v", .verb_len = 1};
    } else {
        const char *type = value_type(v);
        if (rc == 0)
            rc = write_bytes(w, type, strlen(type));
        if (rc == 0)
            rc = write_bytes(w, "=", 1);
    }
    if (rc == 0)
        rc = format_value(w, &plain, v);
    return rc < 0 ? rc : write_bytes(w, ")", 1);
}

/* An item of a list or map: nil is nil in every verb. */
static int format_item(const struct writer *w, const struct spec *s,
                       const struct value *v)
{
    return v->kind == VALUE_NIL ? write_bytes(w, "<nil>", 5) : format_value(w, s, v);
}

static int open_list(const struct writer *w, bool syntax, const struct value *v)
{
    if (!syntax)
        return v->kind == VALUE_MAP ? write_bytes(w, "map[", 4) : write_bytes(w, "[", 1);
    const char *type = value_type(v);
    int rc = write_bytes(w, type, strlen(type));
    return rc < 0 ? rc : write_bytes(w, "{", 1);
}

static int format_list(const struct writer *w, const struct spec *s,
                       const struct value *v)
{
    bool syntax = s->sharp && *s->verb == 'v';
    int rc = open_list(w, syntax, v);
    for (size_t i = 0; i < v->list.len && rc == 0; i++) {
        struct value item = value_item(v, i);
        if (i > 0)
            rc = write_bytes(w, ", " + !syntax, 1 + syntax);
        if (rc == 0)
            rc = format_item(w, s, &item);
    }
    return rc < 0 ? rc : write_bytes(w, syntax ? "}" : "]", 1);
}

static int format_map(const struct writer *w, const struct spec *s, const struct value *v)
{
    bool syntax = s->sharp && *s->verb == 'v';
    size_t n = json_object_size(v->map);
    const char **keys = value_keys(w->arena, v->map);
    int rc = keys ? open_list(w, syntax, v) : -E2BIG;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct value item = value_of_json(json_object_get(v->map, keys[i]));
        if (i > 0)
            rc = write_bytes(w, ", " + !syntax, 1 + syntax);
        if (rc == 0)
            rc = format_string(w, s, keys[i], strlen(keys[i]));
        if (rc == 0)
            rc = write_bytes(w, ":", 1);
        if (rc == 0)
            rc = format_item(w, s, &item);
    }
    return rc < 0 ? rc : write_bytes(w, syntax ? "}" : "]", 1);
}

static int format_bool(const struct writer *w, const struct spec *s,
                       const struct value *v)
{
    const char *text = v->boolean ? "true" : "false";
    return *s->verb == 't' || *s->verb == 'v' ? format_padded(w, s, text, strlen(text))
                                              : format_mismatch(w, s, v);
}

int format_value(const struct writer *w, const struct spec *s, const struct value *v)
{
    bool nil = v->kind == VALUE_NIL || v->kind == VALUE_NONE;
    if (nil)
        return *s->verb == 'v' || *s->verb == 'T' ? format_padded(w, s, "<nil>", 5)
                                                  : format_mismatch(w, s, v);
    if (*s->verb == 'T') {
        const char *type = value_type(v);
        return format_padded(w, s, type, cut(s, type, strlen(type)));
    }
    if (*s->verb == 'p')
        return format_mismatch(w, s, v);
    switch (v->kind) {
    case VALUE_BOOL: return format_bool(w, s, v);
    case VALUE_INT: return format_integer(w, s, v->integer);
    case VALUE_FLOAT:
        return strchr("vgGxXbeEfF", *s->verb) ? format_float(w, s, v->real)
                                              : format_mismatch(w, s, v);
    case VALUE_STRING: return format_string(w, s, v->string.text, v->string.len);
    case VALUE_LIST: return format_list(w, s, v);
    default: return format_map(w, s, v);
    }
}

int write_value(const struct writer *w, const struct value *v)
{
    return format_value(w, &(struct spec){.verb = "v", .verb_len = 1}, v);
}

int write_spaced(const struct writer *w, const struct value *args, size_t len, bool all)
{
    int rc = 0;
    for (size_t i = 0; i < len && rc == 0; i++) {
        bool text =
            i == 0 || args[i].kind == VALUE_STRING || args[i - 1].kind == VALUE_STRING;
        if (i > 0 && (all || !text))
            rc = write_bytes(w, " ", 1);
        if (rc == 0)
            rc = write_value(w, &args[i]);
    }
    return rc;
}
