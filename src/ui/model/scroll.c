/* The cursor is always on the screen; the list moves no further than that needs. */
#include "ui/model/scroll.h"

void scroll_fit(struct scroll *s, size_t n, int rows)
{
    size_t room = rows > 0 ? (size_t)rows : 1;
    s->n = n;
    s->rows = rows > 0 ? rows : 1;
    if (s->at >= n)
        s->at = n ? n - 1 : 0;
    if (s->at < s->top)
        s->top = s->at;
    if (s->at >= s->top + room)
        s->top = s->at - room + 1;
    if (s->top + room > n)
        s->top = n > room ? n - room : 0;
}

static bool move(struct scroll *s, long delta)
{
    long to = (long)s->at + delta;
    s->at = to < 0 ? 0 : (size_t)to;
    scroll_fit(s, s->n, s->rows);
    return true;
}

static bool click(struct scroll *s, const struct key *k)
{
    if (k->button == MOUSE_WHEEL_UP || k->button == MOUSE_WHEEL_DOWN)
        return move(s, k->button == MOUSE_WHEEL_UP ? -3 : 3);
    if (k->button == MOUSE_LEFT && k->row >= 0 && k->row < s->rows)
        return move(s, (long)(s->top + (size_t)k->row) - (long)s->at);
    return false;
}

bool scroll_key(struct scroll *s, const struct key *k)
{
    if (k->key == KEY_MOUSE)
        return click(s, k);
    switch (k->command) {
    case CMD_UP: return move(s, -1);
    case CMD_DOWN: return move(s, 1);
    case CMD_PAGE_UP: return move(s, -s->rows);
    case CMD_PAGE_DOWN: return move(s, s->rows);
    case CMD_HALF_UP: return move(s, -(s->rows + 1) / 2);
    case CMD_HALF_DOWN: return move(s, (s->rows + 1) / 2);
    case CMD_TOP: return move(s, -(long)s->n);
    case CMD_BOTTOM: return move(s, (long)s->n);
    case CMD_LEFT: s->shift -= s->shift >= 8 ? 8 : s->shift; return true;
    case CMD_RIGHT: s->shift += 8; return true;
    default: return false;
    }
}
