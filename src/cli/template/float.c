/* float - Go's strconv.FormatFloat, and floats in the verbs of printf. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/template/internal.h"

#define DIGITS_MAX 17 /* enough to tell every double from its neighbours */

/* The least precision of %e that reads back as f, and the exponent. */
static int shortest(double f, int *exponent)
{
    char text[40];
    int precision = 0;
    for (; precision < DIGITS_MAX; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, f);
        if (strtod(text, NULL) == f)
            break;
    }
    *exponent = atoi(strchr(text, 'e') + 1);
    return precision;
}

int float_text(struct buf *out, double f, char verb, int precision)
{
    bool upper = verb == 'E' || verb == 'G';
    char kind = (char)(verb | 0x20);
    if (precision < 0) {
        int exponent;
        precision = shortest(f, &exponent);
        if (kind == 'g')
            kind = exponent < -4 || exponent >= 6 ? 'e' : 'f';
        if (kind == 'f')
            precision = precision > exponent ? precision - exponent : 0;
    }
    if (kind == 'f')
        return buf_printf(out, "%.*f", precision, f);
    if (kind == 'e')
        return buf_printf(out, upper ? "%.*E" : "%.*e", precision, f);
    return buf_printf(out, upper ? "%.*G" : "%.*g", precision, f);
}

/* C's 0x1.8p+0 is Go's 0x1.8p+00, and what C rounds to 0x2.0p+0 is 0x1.0p+01. */
static int hex_text(struct buf *out, double f, bool upper, int precision)
{
    int rc = precision < 0 ? buf_printf(out, upper ? "%A" : "%a", f)
                           : buf_printf(out, upper ? "%.*A" : "%.*a", precision, f);
    if (rc < 0)
        return rc;
    if (strncmp(out->data + (f < 0), upper ? "0X2" : "0x2", 3) == 0) {
        double rounded = strtod(out->data, NULL);
        out->len = 0;
        return hex_text(out, rounded, upper, precision);
    }
    char last = out->data[out->len - 1];
    if (out->data[out->len - 2] != '+' && out->data[out->len - 2] != '-')
        return 0;
    out->data[out->len - 1] = '0';
    return buf_putc(out, last);
}

/* %b: the mantissa as an integer, and the power of two. */
static int binary_text(struct buf *out, double f)
{
    int exponent;
    double mantissa = frexp(f, &exponent);
    if (f == 0)
        exponent = -1021;
    return buf_printf(out, "%lldp%+d", (long long)ldexp(mantissa, 53), exponent - 53);
}

static int add_text(struct buf *out, const struct spec *s, double f)
{
    int precision = s->has_precision ? s->precision : -1;
    switch (*s->verb) {
    case 'v': return float_text(out, f, 'g', precision);
    case 'g':
    case 'G': return float_text(out, f, *s->verb, precision);
    case 'x':
    case 'X': return hex_text(out, f, *s->verb == 'X', precision);
    case 'b': return binary_text(out, f);
    default: return float_text(out, f, *s->verb, s->has_precision ? precision : 6);
    }
}

int format_float(const struct writer *w, const struct spec *s, double f)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = 0;
    if (s->has_precision && (size_t)s->precision > w->max)
        return -E2BIG;
    if (!signbit(f) && (s->plus || s->space))
        rc = buf_putc(&text, s->plus ? '+' : ' ');
    if (rc == 0)
        rc = add_text(&text, s, f);
    /* The sign stands before the zeros. */
    bool sign = text.len && strchr("+- ", text.data[0]);
    if (rc < 0 || !sign || !s->zero || s->minus || !s->has_width)
        return rc < 0 ? rc : format_padded(w, s, text.data, text.len);
    struct spec rest = *s;
    rest.width = s->width > 0 ? s->width - 1 : 0;
    rc = write_bytes(w, text.data, 1);
    return rc < 0 ? rc : format_padded(w, &rest, text.data + 1, text.len - 1);
}
