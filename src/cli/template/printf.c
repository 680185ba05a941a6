/* printf - a format string and its arguments, as fmt's doPrintf. */

#include <errno.h>
#include <stdio.h>

#include "cli/template/internal.h"

#define NUMBER_MAX 1000000 /* Go's for widths, precisions and indexes */

struct printer {
    const struct writer *w;
    const char *at, *end;
    const struct value *args;
    size_t len, next;
    bool reordered, good_index, has_number; /* of the verb being read */
};

static int write_text(const struct writer *w, const char *text)
{
    return write_bytes(w, text, strlen(text));
}

static bool is_digit(const struct printer *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

/* false = there is no number here. */
static bool read_number(struct printer *p, int *ret)
{
    bool any = false;
    int n = 0;
    for (; is_digit(p); p->at++, any = true) {
        if (n > NUMBER_MAX) {
            p->at = p->end; /* "crazy long number most likely" */
            return false;
        }
        n = n * 10 + (*p->at - '0');
    }
    *ret = n;
    return any;
}

static bool take_char(struct printer *p, char c)
{
    bool is = p->at < p->end && *p->at == c;
    p->at += is;
    return is;
}

/* [3] */
static void read_index(struct printer *p)
{
    if (p->at == p->end || *p->at != '[')
        return;
    p->reordered = true;
    const char *close = memchr(p->at, ']', (size_t)(p->end - p->at));
    if (!close) {
        p->good_index = false;
        p->at++;
        return;
    }
    struct printer inside = *p;
    int n = 0;
    inside.at = p->at + 1;
    inside.end = close;
    bool number = read_number(&inside, &n) && inside.at == close;
    p->at = close + 1;
    p->has_number = true;
    if (number && n >= 1 && (size_t)n <= p->len)
        p->next = (size_t)n - 1;
    else
        p->good_index = false;
}

static void read_flags(struct printer *p, struct spec *s)
{
    for (; p->at < p->end; p->at++)
        switch (*p->at) {
        case '#': s->sharp = true; break;
        case '0': s->zero = true; break;
        case '+': s->plus = true; break;
        case '-': s->minus = true; break;
        case ' ': s->space = true; break;
        default: return;
        }
}

/* "*": the number is the next argument. */
static bool read_star(struct printer *p, int *ret)
{
    p->has_number = false;
    if (p->next >= p->len)
        return false;
    const struct value *v = &p->args[p->next++];
    if (v->kind != VALUE_INT || v->integer > NUMBER_MAX || v->integer < -NUMBER_MAX)
        return false;
    *ret = (int)v->integer;
    return true;
}

static int read_width(struct printer *p, struct spec *s)
{
    read_index(p);
    if (take_char(p, '*')) {
        s->has_width = read_star(p, &s->width);
        if (!s->has_width)
            return write_text(p->w, "%!(BADWIDTH)");
        if (s->width < 0) {
            s->width = -s->width;
            s->minus = true;
            s->zero = false;
        }
        return 0;
    }
    s->has_width = read_number(p, &s->width);
    if (p->has_number && s->has_width)
        p->good_index = false; /* %[3]2d */
    return 0;
}

static int read_precision(struct printer *p, struct spec *s)
{
    if (p->at + 1 > p->end || !take_char(p, '.'))
        return 0;
    if (p->has_number)
        p->good_index = false; /* %[3].2d */
    p->has_number = false;
    read_index(p);
    if (take_char(p, '*')) {
        s->has_precision = read_star(p, &s->precision) && s->precision >= 0;
        return s->has_precision ? 0 : write_text(p->w, "%!(BADPREC)");
    }
    if (!read_number(p, &s->precision))
        s->precision = 0;
    s->has_precision = true;
    return 0;
}

static int write_bad(struct printer *p, const char *verb, size_t len, const char *why)
{
    int rc = write_text(p->w, "%!");
    if (rc == 0)
        rc = write_bytes(p->w, verb, len);
    return rc < 0 ? rc : write_text(p->w, why);
}

/* The verb's character, not all of which are one byte. */
static int print_verb(struct printer *p, struct spec *s)
{
    if (p->at >= p->end)
        return write_text(p->w, "%!(NOVERB)");
    const char *verb = p->at;
    size_t len = utf8_len(verb, (size_t)(p->end - verb)) ?: 1;
    p->at += len;
    s->verb = verb;
    s->verb_len = len;
    s->plus = s->plus && *verb != 'v';
    if (*verb == '%')
        return write_text(p->w, "%");
    if (!p->good_index)
        return write_bad(p, verb, len, "(BADINDEX)");
    if (p->next >= p->len)
        return write_bad(p, verb, len, "(MISSING)");
    return format_value(p->w, s, &p->args[p->next++]);
}

static int print_directive(struct printer *p)
{
    struct spec s = {0};
    p->good_index = true;
    p->has_number = false;
    read_flags(p, &s);
    int rc = read_width(p, &s);
    if (rc == 0)
        rc = read_precision(p, &s);
    if (rc == 0 && !p->has_number)
        read_index(p);
    return rc < 0 ? rc : print_verb(p, &s);
}

/* %!(EXTRA string=a, int=1) */
static int print_extra(const struct printer *p)
{
    int rc = write_text(p->w, "%!(EXTRA ");
    for (size_t i = p->next; i < p->len && rc == 0; i++) {
        bool nil = p->args[i].kind == VALUE_NIL;
        if (i > p->next)
            rc = write_text(p->w, ", ");
        if (rc == 0 && !nil)
            rc = write_text(p->w, value_type(&p->args[i]));
        if (rc == 0 && !nil)
            rc = write_text(p->w, "=");
        if (rc == 0)
            rc = write_value(p->w, &p->args[i]);
    }
    return rc < 0 ? rc : write_text(p->w, ")");
}

int write_printf(const struct writer *w, const struct value *args, size_t len)
{
    struct printer p = {.w = w, .args = args + 1, .len = len - 1};
    int rc = 0;
    p.at = args[0].string.text;
    p.end = p.at + args[0].string.len;
    while (p.at < p.end && rc == 0) {
        const char *percent = memchr(p.at, '%', (size_t)(p.end - p.at));
        const char *stop = percent ? percent : p.end;
        rc = write_bytes(w, p.at, (size_t)(stop - p.at));
        p.at = stop + (percent != NULL);
        if (rc == 0 && percent)
            rc = print_directive(&p);
    }
    return rc == 0 && !p.reordered && p.next < p.len ? print_extra(&p) : rc;
}
