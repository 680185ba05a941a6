/* Escape sequences have one grammar (ECMA-48: ESC [ parameters intermediates final), so
 * one parser serves every terminal and two small tables say what their final bytes
 * mean. */
#include "ui/term/input.h"

#include <string.h>

#include "base/cleanup.h"
#include "ui/draw/text.h"

enum { WAIT = -1, MAX_PARAMS = 4, MAX_SEQUENCE = 64 };

static const struct {
    char final;
    int key;
} LETTERS[] = {
    {'A', KEY_UP},     {'B', KEY_DOWN},   {'C', KEY_RIGHT},   {'D', KEY_LEFT},
    {'H', KEY_HOME},   {'F', KEY_END},    {'Z', KEY_BACKTAB}, {'P', KEY_F1},
    {'Q', KEY_F1 + 1}, {'R', KEY_F1 + 2}, {'S', KEY_F1 + 3},  {'M', KEY_ENTER},
    {'j', '*'},        {'k', '+'},        {'m', '-'},         {'o', '/'},
};

static const int TILDES[] = {
    [1] = KEY_HOME,          [2] = KEY_INSERT,      [3] = KEY_DELETE,   [4] = KEY_END,
    [5] = KEY_PGUP,          [6] = KEY_PGDN,        [7] = KEY_HOME,     [8] = KEY_END,
    [11] = KEY_F1,           [12] = KEY_F1 + 1,     [13] = KEY_F1 + 2,  [14] = KEY_F1 + 3,
    [15] = KEY_F1 + 4,       [17] = KEY_F1 + 5,     [18] = KEY_F1 + 6,  [19] = KEY_F1 + 7,
    [20] = KEY_F1 + 8,       [21] = KEY_F1 + 9,     [23] = KEY_F1 + 10, [24] = KEY_F12,
    [200] = KEY_PASTE_BEGIN, [201] = KEY_PASTE_END,
};

size_t input_feed(struct input *in, const void *data, size_t n)
{
    memmove(in->data, in->data + in->at, in->len - in->at);
    in->len -= in->at;
    in->at = 0;
    if (n > sizeof(in->data) - in->len)
        n = sizeof(in->data) - in->len;
    memcpy(in->data + in->len, data, n);
    in->len += n;
    in->final = false;
    return n;
}

bool input_pending(const struct input *in)
{
    return in->at < in->len;
}

void input_timeout(struct input *in)
{
    in->final = true;
}

void input_drop(struct input *in)
{
    in->len = in->at = 0;
}

static int letter_key(char final)
{
    for (size_t i = 0; i < ARRAY_SIZE(LETTERS); i++)
        if (LETTERS[i].final == final)
            return LETTERS[i].key;
    return KEY_NONE;
}

/* SGR mouse: ESC [ < button ; column ; row M (pressed) or m (released). */
static void decode_mouse(struct input_event *ev, const int *param, char final)
{
    static const enum mouse BUTTONS[] = {MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT};
    int b = param[0];
    bool wheel = b >= 64 && (b & 3) < 2;
    if (final != 'M' || (!wheel && (b & 3) > 2) || b & 32)
        return;
    ev->key = KEY_MOUSE;
    ev->button = wheel ? (b & 1 ? MOUSE_WHEEL_DOWN : MOUSE_WHEEL_UP) : BUTTONS[b & 3];
    ev->col = param[1] > 0 ? param[1] - 1 : 0;
    ev->row = param[2] > 0 ? param[2] - 1 : 0;
}

static void decode_csi(struct input_event *ev, char lead, const int *param, char final)
{
    int modifier = param[1] > 0 ? param[1] - 1 : 0;
    if (lead == '<') {
        decode_mouse(ev, param, final);
        return;
    }
    if (lead)
        return;
    if (final == '~' || final == '^' || final == '@' || final == '$') {
        if (param[0] > 0 && (size_t)param[0] < ARRAY_SIZE(TILDES))
            ev->key = TILDES[param[0]];
    } else if (final != 'M')
        ev->key = letter_key(final);
    if (ev->key && modifier & 2)
        ev->key |= KEY_ALT;
}

/* The linux console's function keys: ESC [ [ A ... E. */
static int parse_console(const unsigned char *s, size_t n, struct input_event *ev)
{
    if (n < 2)
        return WAIT;
    if (s[1] >= 'A' && s[1] <= 'E')
        ev->key = KEY_F1 + s[1] - 'A';
    return 2;
}

/* Parameters and intermediates from s[i] on; returns where the final byte is, or n. */
static size_t parse_params(const unsigned char *s, size_t n, size_t i, int *param)
{
    size_t count = 0;
    for (; i < n && s[i] >= 0x20 && s[i] < 0x40 && i < MAX_SEQUENCE; i++) {
        bool digit = s[i] >= '0' && s[i] <= '9';
        count += s[i] == ';';
        if (digit && count < MAX_PARAMS && param[count] < 100000)
            param[count] = param[count] * 10 + s[i] - '0';
    }
    return i;
}

/* s points after "ESC [". Returns bytes used or WAIT. */
static int parse_csi(const unsigned char *s, size_t n, struct input_event *ev)
{
    int param[MAX_PARAMS] = {0};
    if (n && s[0] == '[')
        return parse_console(s, n, ev);
    bool has_lead = n && s[0] >= '<' && s[0] <= '?';
    size_t i = parse_params(s, n, has_lead, param);
    if (i >= n)
        return WAIT;
    if (s[i] == 'M' && i == 0) /* X10 mouse: three bytes follow */
        return n < 4 ? WAIT : 4;
    if (s[i] == '$' || (s[i] >= 0x40 && s[i] < 0x7f))
        decode_csi(ev, has_lead ? (char)s[0] : '\0', param, (char)s[i]);
    return (int)i + 1;
}

/* OSC, DCS, APC, PM: swallowed up to BEL or ESC \. */
static int skip_string(const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\a' || s[i] == '\\' || s[i] < 0x07)
            return (int)i + 1;
    return n > 2048 ? (int)n : WAIT;
}

static int parse_utf8(const unsigned char *s, size_t n, struct input_event *ev)
{
    size_t need = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    struct glyph g;
    uint32_t state = 0;
    if (s[0] < 0x20 || s[0] == 0x7f) {
        ev->key = s[0] == '\n' ? KEY_ENTER : s[0] == '\b' ? KEY_BACKSPACE : s[0];
        return 1;
    }
    if (n < need && s[0] >= 0xc2 && s[0] < 0xf5)
        return WAIT;
    int used = (int)text_next((const char *)s, n, &g, &state);
    bool bad = g.code == '?' && s[0] != '?';
    ev->key = bad || g.len == 0 ? KEY_NONE : (int)g.code;
    return used;
}

static int parse_escape(const unsigned char *s, size_t n, struct input_event *ev)
{
    if (n == 1)
        return WAIT;
    int used;
    switch (s[1]) {
    case '[': used = parse_csi(s + 2, n - 2, ev); return used < 0 ? WAIT : used + 2;
    case 'O':
        if (n < 3)
            return WAIT;
        ev->key = letter_key((char)s[2]);
        return 3;
    case ']':
    case 'P':
    case '_':
    case '^':
    case 'X': used = skip_string(s + 2, n - 2); return used < 0 ? WAIT : used + 2;
    case 27: /* ESC ESC: the first one is a key of its own */ ev->key = KEY_ESC; return 1;
    default:
        used = parse_utf8(s + 1, n - 1, ev);
        if (used < 0)
            return WAIT;
        if (ev->key)
            ev->key |= KEY_ALT;
        return used + 1;
    }
}

/* Nothing more comes: a lone ESC, ESC with one key (alt), or the head of something that
 * was never finished. */
static int give_up(const unsigned char *s, size_t n, struct input_event *ev)
{
    *ev = (struct input_event){0};
    if (s[0] == 27 && n == 1)
        ev->key = KEY_ESC;
    else if (s[0] == 27 && n == 2)
        ev->key = KEY_ALT | s[1];
    return (int)n;
}

bool input_next(struct input *in, struct input_event *ret)
{
    while (in->at < in->len) {
        const unsigned char *s = in->data + in->at;
        size_t n = in->len - in->at;
        struct input_event ev = {0};
        int used = s[0] == 27 ? parse_escape(s, n, &ev) : parse_utf8(s, n, &ev);
        if (used == WAIT && !in->final && n < sizeof(in->data))
            return false;
        if (used == WAIT)
            used = give_up(s, n, &ev);
        in->at += (size_t)used;
        if (ev.key) {
            *ret = ev;
            return true;
        }
    }
    return false;
}
