/* A container may write any sequence into its log. What is not a complete SGR sequence is
 * left to text.c, which makes it visible and harmless. */
#include "ui/draw/ansi.h"

#include <string.h>

#include "base/cleanup.h"

#define MOST_PARAMS 32

void ansi_init(struct ansi *a, struct style base)
{
    *a = (struct ansi){.base = base, .fg = -1, .bg = -1};
}

static struct style style_of(const struct ansi *a)
{
    struct style st = a->base;
    st.attrs = (uint8_t)(st.attrs | a->attrs);
    if (a->bg >= 0) {
        st.color = (uint8_t)(COLOR_ANSI + a->bg);
        st.attrs ^= ATTR_REVERSE;
    } else if (a->fg >= 0) {
        st.color = (uint8_t)(COLOR_ANSI + a->fg);
    }
    return st;
}

/* ---- colours ----------------------------------------------------------------------- */

static const unsigned char PALETTE[16][3] = {
    {0, 0, 0},       {205, 0, 0},   {0, 205, 0},   {205, 205, 0},
    {0, 0, 238},     {205, 0, 205}, {0, 205, 205}, {229, 229, 229},
    {127, 127, 127}, {255, 0, 0},   {0, 255, 0},   {255, 255, 0},
    {92, 92, 255},   {255, 0, 255}, {0, 255, 255}, {255, 255, 255},
};

static short nearest(int r, int g, int b)
{
    short best = 0;
    int least = 1 << 30;
    for (short i = 0; i < 16; i++) {
        int dr = r - PALETTE[i][0], dg = g - PALETTE[i][1], db = b - PALETTE[i][2];
        int distance = 3 * dr * dr + 4 * dg * dg + 2 * db * db;
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    return best;
}

static short of_256(int n)
{
    static const int LEVEL[6] = {0, 95, 135, 175, 215, 255};
    if (n < 0 || n > 255)
        return -1;
    if (n < 16)
        return (short)n;
    if (n >= 232)
        return nearest(8 + (n - 232) * 10, 8 + (n - 232) * 10, 8 + (n - 232) * 10);
    n -= 16;
    return nearest(LEVEL[n / 36], LEVEL[n / 6 % 6], LEVEL[n % 6]);
}

/* ---- SGR --------------------------------------------------------------------------- */

struct params {
    int value[MOST_PARAMS];
    bool sub[MOST_PARAMS]; /* follows a ':' */
    int n;
};

/* "38;5;n", "38;2;r;g;b", "38:5:n", "38:2::r:g:b" from params[i] on; returns the last one
 * used. */
static int extended_color(const struct params *p, int i, short *ret)
{
    int last = i + 1;
    if (last < p->n && p->sub[last]) {
        while (last + 1 < p->n && p->sub[last + 1])
            last++;
    } else if (last < p->n) {
        last += p->value[last] == 5 ? 1 : p->value[last] == 2 ? 3 : 0;
    }
    if (last >= p->n)
        return p->n - 1;
    if (p->value[i + 1] == 5)
        *ret = of_256(p->value[i + 2 <= last ? i + 2 : last]);
    else if (p->value[i + 1] == 2 && last >= i + 4)
        *ret = nearest(p->value[last - 2] & 255, p->value[last - 1] & 255,
                       p->value[last] & 255);
    return last;
}

static const struct {
    short code;
    unsigned char set, clear;
} ATTRS[] = {
    {1, ATTR_BOLD, 0},       {2, ATTR_DIM, 0},        {4, ATTR_UNDERLINE, 0},
    {7, ATTR_REVERSE, 0},    {21, ATTR_UNDERLINE, 0}, {22, 0, ATTR_BOLD | ATTR_DIM},
    {24, 0, ATTR_UNDERLINE}, {27, 0, ATTR_REVERSE},
};

static void set_attr(struct ansi *a, int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(ATTRS); i++)
        if (ATTRS[i].code == code) {
            a->attrs |= ATTRS[i].set;
            a->attrs = (unsigned char)(a->attrs & ~ATTRS[i].clear);
        }
}

static void set_color(struct ansi *a, int code)
{
    if (code >= 30 && code <= 37)
        a->fg = (short)(code - 30);
    else if (code >= 90 && code <= 97)
        a->fg = (short)(code - 90 + 8);
    else if (code >= 40 && code <= 47)
        a->bg = (short)(code - 40);
    else if (code >= 100 && code <= 107)
        a->bg = (short)(code - 100 + 8);
    else if (code == 39)
        a->fg = -1;
    else if (code == 49)
        a->bg = -1;
}

static void apply(struct ansi *a, const struct params *p)
{
    for (int i = 0; i < p->n; i++) {
        int code = p->value[i];
        if (p->sub[i])
            continue; /* "4:3": a kind of underline */
        if (code == 0) {
            a->fg = a->bg = -1;
            a->attrs = 0;
        } else if (code == 38 || code == 48) {
            i = extended_color(p, i, code == 38 ? &a->fg : &a->bg);
        } else if (code == 4 && i + 1 < p->n && p->sub[i + 1] && p->value[i + 1] == 0) {
            set_attr(a, 24);
        } else {
            set_attr(a, code);
            set_color(a, code);
        }
    }
}

/* Length of the SGR sequence at s[0..n); 0 = there is none. */
static size_t read_sgr(const char *s, size_t n, struct params *ret)
{
    *ret = (struct params){.n = 1};
    if (n < 3 || s[0] != '\033' || s[1] != '[')
        return 0;
    for (size_t i = 2; i < n && i < ANSI_MAX; i++) {
        int *value = &ret->value[ret->n - 1];
        if (s[i] == 'm')
            return i + 1;
        if (s[i] >= '0' && s[i] <= '9') {
            *value = *value < 1000 ? *value * 10 + (s[i] - '0') : *value;
        } else if ((s[i] == ';' || s[i] == ':') && ret->n < MOST_PARAMS) {
            ret->sub[ret->n] = s[i] == ':';
            ret->n++;
        } else {
            return 0;
        }
    }
    return 0;
}

/* ---- glyphs ------------------------------------------------------------------------ */

static const struct glyph BLANK = {.bytes = " ", .len = 1, .width = 1, .code = ' '};

static size_t expand_tab(struct ansi *a, struct glyph *ret)
{
    a->blanks = 7 - a->column % 8;
    *ret = BLANK;
    return 1;
}

size_t ansi_next(struct ansi *a, const char *s, size_t n, struct glyph *ret,
                 struct style *st)
{
    struct params p;
    size_t used = 0;
    *st = style_of(a);
    *ret = (struct glyph){.len = 0};
    if (a->blanks > 0) {
        a->blanks--;
        *ret = BLANK;
    } else if (a->pending) {
        text_next(s, n, ret, &a->pending);
    } else if (n > 0 && *s == '\t') {
        used = expand_tab(a, ret);
    } else if (n > 0 && *s == '\033' && (used = read_sgr(s, n, &p)) > 0) {
        apply(a, &p);
    } else if (n > 0) {
        used = text_next(s, n, ret, &a->pending);
    }
    a->column += ret->width;
    return used;
}

size_t ansi_skip(struct ansi *a, const char *s, size_t n, size_t max)
{
    size_t i = 0;
    if (ansi_pending(a))
        return 0;
    if (max > n)
        max = n;
    while (i < max && s[i] >= 0x20 && s[i] < 0x7f)
        i++;
    if (i > 0 && i < n && (s[i] & 0x80))
        i--; /* a combining mark may follow: it belongs to the glyph before it */
    a->column += (unsigned)i;
    return i;
}

int ansi_plain(const char *s, size_t n, struct buf *ret)
{
    struct ansi a;
    struct glyph g;
    struct style st;
    ansi_init(&a, STYLE(COLOR_TEXT));
    for (size_t at = 0; at < n || ansi_pending(&a);) {
        at += ansi_next(&a, s + at, n - at, &g, &st);
        int rc = buf_add(ret, g.bytes, g.len);
        if (rc < 0)
            return rc;
    }
    return 0;
}
