/* Whole code points only: the cursor is never inside one. */
#include "ui/model/line.h"

#include <stdio.h>
#include <string.h>

#include "ui/draw/text.h"
#include "ui/term/keys.h"

void line_set(struct line *l, const char *text)
{
    l->len = l->at = 0;
    l->text[0] = '\0';
    line_insert(l, text, strlen(text));
}

/* Control bytes and damage are left out: what is shown is what is in the line. */
void line_insert(struct line *l, const char *s, size_t n)
{
    uint32_t state = 0;
    for (size_t i = 0; i < n;) {
        struct glyph g;
        size_t used = text_next(s + i, n - i, &g, &state);
        bool control = state != 0;
        state = 0;
        i += used;
        if (control || g.len == 0 || (g.code == '?' && s[i - used] != '?') ||
            l->len + g.len >= sizeof(l->text))
            continue;
        memmove(l->text + l->at + g.len, l->text + l->at, l->len - l->at + 1);
        memcpy(l->text + l->at, g.bytes, g.len);
        l->at += g.len;
        l->len += g.len;
    }
}

static size_t back(const struct line *l, size_t at)
{
    while (at > 0 && ((unsigned char)l->text[--at] & 0xc0) == 0x80)
        ;
    return at;
}

static size_t forth(const struct line *l, size_t at)
{
    if (at < l->len)
        at++;
    while (at < l->len && ((unsigned char)l->text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static void erase(struct line *l, size_t from, size_t to)
{
    memmove(l->text + from, l->text + to, l->len - to + 1);
    l->len -= to - from;
    l->at = from;
}

static size_t word_start(const struct line *l)
{
    size_t at = l->at;
    while (at > 0 && l->text[at - 1] == ' ')
        at--;
    while (at > 0 && l->text[at - 1] != ' ')
        at--;
    return at;
}

bool line_key(struct line *l, int key)
{
    char text[5];
    switch (key) {
    case KEY_LEFT:
    case KEY_CTRL('b'): l->at = back(l, l->at); return true;
    case KEY_RIGHT:
    case KEY_CTRL('f'): l->at = forth(l, l->at); return true;
    case KEY_HOME:
    case KEY_CTRL('a'): l->at = 0; return true;
    case KEY_END:
    case KEY_CTRL('e'): l->at = l->len; return true;
    case KEY_BACKSPACE: erase(l, back(l, l->at), l->at); return true;
    case KEY_DELETE:
    case KEY_CTRL('d'): erase(l, l->at, forth(l, l->at)); return true;
    case KEY_CTRL('u'): erase(l, 0, l->at); return true;
    case KEY_CTRL('k'): erase(l, l->at, l->len); return true;
    case KEY_CTRL('w'): erase(l, word_start(l), l->at); return true;
    default: break;
    }
    if (key < 32 || key == KEY_BACKSPACE || key >= KEY_FIRST)
        return false;
    line_insert(l, text, (size_t)text_encode((uint32_t)key, text));
    return true;
}

void line_draw(const struct line *l, const struct pen *p, bool focused)
{
    struct rect box = pen_rest(p);
    struct style st =
        focused ? STYLE(COLOR_INPUT) : STYLE_ATTR(COLOR_TEXT, ATTR_UNDERLINE);
    canvas_fill(p->c, box, st);
    int before = text_width(l->text, l->at);
    int shift = before >= box.cols ? before - box.cols + 1 : 0;
    pen_text(PEN(p->c, box, 0, -shift), st, l->text, l->len);
    if (focused)
        canvas_cursor(p->c, box, 0, before - shift);
}
