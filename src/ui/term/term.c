/* Painting is a difference of two canvases. Everything a terminal needs to be told is a
 * string learned once from terminfo (padding cut: no terminal since the VT100 wants it),
 * so that giving the terminal back is one write() of bytes prepared before anything was
 * taken. */
#include "ui/term/term.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "base/cleanup.h"

enum cap {
    CAP_SMCUP,
    CAP_RMCUP,
    CAP_CLEAR,
    CAP_CIVIS,
    CAP_CNORM,
    CAP_SMKX,
    CAP_RMKX,
    CAP_RMAM,
    CAP_SMAM,
    CAP_SGR0,
    CAP_BOLD,
    CAP_DIM,
    CAP_UNDERLINE,
    CAP_REVERSE,
    CAP_CUP,
    CAP_SETAF,
    CAP_SETAB,
    CAP_COUNT
};

#define CAP_MAX 64
#define LOOK_MAX 48
struct term_caps {
    char text[CAP_COUNT][CAP_MAX];
    char look[COLOR_COUNT][LOOK_MAX]; /* the whole sequence that selects a colour */
    bool ansi_cup;                    /* cup is "\033[row;colH" */
};

static const char ANSI_CUP[] = "\033[%i%p1%d;%p2%dH";

static const struct {
    const char *name;  /* in terminfo */
    const char *vt100; /* built in, for every terminal with a cursor */
    const char *xterm; /* built in, for the xterm family; NULL = as vt100 */
} CAPS[CAP_COUNT] = {
    [CAP_SMCUP] = {"smcup", "", "\033[?1049h"},
    [CAP_RMCUP] = {"rmcup", "", "\033[?1049l"},
    [CAP_CLEAR] = {"clear", "\033[H\033[2J", NULL},
    [CAP_CIVIS] = {"civis", "", "\033[?25l"},
    [CAP_CNORM] = {"cnorm", "", "\033[?25h"},
    [CAP_SMKX] = {"smkx", "", "\033[?1h\033="},
    [CAP_RMKX] = {"rmkx", "", "\033[?1l\033>"},
    [CAP_RMAM] = {"rmam", "\033[?7l", NULL},
    [CAP_SMAM] = {"smam", "\033[?7h", NULL},
    [CAP_SGR0] = {"sgr0", "\033[m", NULL},
    [CAP_BOLD] = {"bold", "\033[1m", NULL},
    [CAP_DIM] = {"dim", "", "\033[2m"},
    [CAP_UNDERLINE] = {"smul", "\033[4m", NULL},
    [CAP_REVERSE] = {"rev", "\033[7m", NULL},
    [CAP_CUP] = {"cup", ANSI_CUP, NULL},
    [CAP_SETAF] = {"setaf", "", "\033[3%p1%dm"},
    [CAP_SETAB] = {"setab", "", "\033[4%p1%dm"},
};

static const char XTERM_ON[] = "\033[?2004h";
static const char XTERM_OFF[] = "\033[?1006l\033[?1002l\033[?1000l\033[?2004l";
static const char MOUSE_ON[] = "\033[?1000h\033[?1006h";
static const char MOUSE_OFF[] = "\033[?1006l\033[?1000l";

/* Copies without "$<5/>" padding. */
static void copy_cap(char *out, size_t size, const char *s)
{
    size_t n = 0;
    while (s && *s && n + 1 < size) {
        const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;
        if (end)
            s = end + 1;
        else
            out[n++] = *s++;
    }
    out[n] = '\0';
}

static bool is_family(const char *term, const char *const *names)
{
    for (; *names; names++)
        if (strncmp(term, *names, strlen(*names)) == 0)
            return true;
    return false;
}

static const char *const XTERMS[] = {
    "xterm",   "screen",  "tmux",    "rxvt",  "linux",   "alacritty",
    "foot",    "kitty",   "st-",     "vte",   "konsole", "gnome",
    "wezterm", "ghostty", "contour", "putty", "mintty",  NULL};
static const char *const DUMB[] = {"dumb", "emacs", "unknown", "network", "dialup", NULL};

static int use_builtin(struct terminal *t, const char *term)
{
    if (!*term || is_family(term, DUMB))
        return -EOPNOTSUPP;
    bool xterm = is_family(term, XTERMS);
    for (int i = 0; i < CAP_COUNT; i++) {
        const char *s = xterm && CAPS[i].xterm ? CAPS[i].xterm : CAPS[i].vt100;
        copy_cap(t->caps->text[i], CAP_MAX, s);
    }
    t->colors = xterm ? 8 : 0;
    if (xterm && strstr(term, "256color")) {
        t->colors = 256;
        copy_cap(t->caps->text[CAP_SETAF], CAP_MAX, "\033[38;5;%p1%dm");
        copy_cap(t->caps->text[CAP_SETAB], CAP_MAX, "\033[48;5;%p1%dm");
    }
    t->xterm_like = xterm && strncmp(term, "linux", 5) != 0;
    t->notice = xterm ? "no terminfo entry for $TERM: using a built-in xterm description"
                      : "unknown terminal $TERM: using a built-in vt100 description";
    return 0;
}

static int use_terminfo(struct terminal *t, const char *term)
{
    int ok = 0;
    if (setupterm(term, t->fd, &ok) != OK || ok != 1)
        return -ENOENT;
    for (int i = 0; i < CAP_COUNT; i++) {
        char *s = tigetstr(CAPS[i].name);
        copy_cap(t->caps->text[i], CAP_MAX, s == (char *)-1 ? NULL : s);
    }
    if (!t->caps->text[CAP_CUP][0])
        return -EOPNOTSUPP;
    if (!t->caps->text[CAP_CLEAR][0])
        copy_cap(t->caps->text[CAP_CLEAR], CAP_MAX, CAPS[CAP_CLEAR].vt100);
    int colors = tigetnum("colors");
    t->colors = colors >= 256 ? 256 : colors >= 16 ? 16 : colors >= 8 ? 8 : 0;
    const char *mouse = tigetstr("kmous");
    t->xterm_like = mouse && mouse != (char *)-1 && strncmp(mouse, "\033[", 2) == 0;
    return 0;
}

/* The nearest of the 8 (16) basic colours for one of the 256. */
static int reduce(int color, int colors)
{
    static const unsigned char LEVEL[6] = {0, 95, 135, 175, 215, 255};
    if (color < 0 || color < colors)
        return color;
    if (color < 16)
        return color - 8;
    int r, g, b;
    if (color >= 232)
        r = g = b = 8 + (color - 232) * 10;
    else {
        color -= 16;
        r = LEVEL[color / 36], g = LEVEL[color / 6 % 6], b = LEVEL[color % 6];
    }
    int max = r > g ? r : g;
    max = b > max ? b : max;
    if (max < 80)
        return 0;
    int base = (r * 2 > max) | (g * 2 > max) << 1 | (b * 2 > max) << 2;
    if (r == g && g == b && max < 160)
        return colors >= 16 ? 8 : 7;
    return colors >= 16 && max > 200 ? base + 8 : base;
}

static void add_attrs(const struct terminal *t, char *out, size_t size, int attrs)
{
    static const enum cap CAP_OF[] = {CAP_BOLD, CAP_DIM, CAP_UNDERLINE, CAP_REVERSE};
    for (size_t i = 0; i < ARRAY_SIZE(CAP_OF); i++)
        if (attrs & 1 << i) {
            size_t n = strlen(out);
            snprintf(out + n, size - n, "%s", t->caps->text[CAP_OF[i]]);
        }
}

static void add_color(const struct terminal *t, char *out, enum cap cap, int color)
{
    const char *s = t->caps->text[cap];
    color = reduce(color, t->colors);
    if (color < 0 || !t->colors || !*s)
        return;
    size_t n = strlen(out);
    copy_cap(out + n, LOOK_MAX - n, tiparm(s, color));
}

static void prepare_looks(struct terminal *t)
{
    for (int i = 0; i < COLOR_COUNT; i++) {
        const struct look *look = &t->theme.looks[i];
        char *out = t->caps->look[i];
        snprintf(out, LOOK_MAX, "%s", t->caps->text[CAP_SGR0]);
        add_attrs(t, out, LOOK_MAX, look->attrs);
        add_color(t, out, CAP_SETAF, look->fg);
        add_color(t, out, CAP_SETAB, look->bg);
        bool lost = (look->bg >= 0 && !t->colors);
        if (lost)
            add_attrs(t, out, LOOK_MAX, ATTR_REVERSE);
    }
}

static void prepare_restore(struct terminal *t)
{
    char(*cap)[CAP_MAX] = t->caps->text;
    bool no_screen = !cap[CAP_RMCUP][0];
    int n = snprintf(t->restore, sizeof(t->restore), "%s%s%s%s%s%s%s", cap[CAP_SGR0],
                     t->xterm_like ? XTERM_OFF : "", cap[CAP_SMAM], cap[CAP_RMKX],
                     no_screen ? cap[CAP_CLEAR] : "", cap[CAP_CNORM], cap[CAP_RMCUP]);
    t->restore_len = n > 0 && (size_t)n < sizeof(t->restore) ? (size_t)n : 0;
}

static bool is_utf8_environment(void)
{
    static const char *const NAMES[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        const char *v = getenv(NAMES[i]);
        if (v && *v)
            return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
    }
    return false;
}

int term_prepare(struct terminal *t, int fd, const char *term, const struct theme *theme)
{
    *t = (struct terminal){.fd = fd, .utf8 = is_utf8_environment(), .row = -1};
    t->theme = *theme;
    if (!isatty(fd))
        return -ENOTTY;
    t->caps = calloc(1, sizeof(*t->caps));
    if (!t->caps)
        return -ENOMEM;
    int rc = use_terminfo(t, term ? term : "");
    if (rc == -ENOENT)
        rc = use_builtin(t, term ? term : "");
    if (rc < 0)
        return rc;
    t->caps->ansi_cup = strcmp(t->caps->text[CAP_CUP], ANSI_CUP) == 0;
    t->have_saved = tcgetattr(fd, &t->saved) == 0;
    prepare_looks(t);
    prepare_restore(t);
    return 0;
}

void term_set_theme(struct terminal *t, const struct theme *theme)
{
    t->theme = *theme;
    prepare_looks(t);
}

void term_done(struct terminal *t)
{
    canvas_done(&t->shown);
    buf_done(&t->out);
    free(t->caps);
    t->caps = NULL;
    if (cur_term)
        del_curterm(cur_term);
}

static void queue(struct terminal *t, const char *s)
{
    buf_puts(&t->out, s);
}

int term_enter(struct terminal *t, bool mouse)
{
    struct termios raw = t->saved;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST | ONLCR;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (t->have_saved && tcsetattr(t->fd, TCSADRAIN, &raw) < 0)
        return -errno;
    t->entered = true;
    queue(t, t->caps->text[CAP_SMCUP]);
    queue(t, t->caps->text[CAP_SMKX]);
    queue(t, t->caps->text[CAP_RMAM]);
    if (t->xterm_like)
        queue(t, XTERM_ON);
    if (mouse)
        term_set_mouse(t, true);
    term_forget(t);
    return 0;
}

/* What was queued is dropped: a half-written frame must not follow the restoring
 * bytes. */
void term_restore(struct terminal *t)
{
    if (t->out.len)
        t->out.len = t->out_done = 0;
    for (size_t done = 0; t->entered && done < t->restore_len;) {
        struct pollfd p = {.fd = t->fd, .events = POLLOUT};
        if (poll(&p, 1, 300) != 1 || !(p.revents & POLLOUT))
            break;
        ssize_t n = write(t->fd, t->restore + done, t->restore_len - done);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    if (t->have_saved && t->entered)
        tcsetattr(t->fd, TCSANOW, &t->saved);
    t->entered = t->mouse = false;
}

void term_forget(struct terminal *t)
{
    canvas_done(&t->shown);
    t->row = t->col = -1;
    t->style.color = COLOR_COUNT;
}

void term_set_mouse(struct terminal *t, bool on)
{
    if (t->xterm_like && on != t->mouse)
        queue(t, on ? MOUSE_ON : MOUSE_OFF);
    t->mouse = on && t->xterm_like;
}

static void move_to(struct terminal *t, int row, int col)
{
    if (t->row == row && t->col == col)
        return;
    if (t->caps->ansi_cup)
        buf_printf(&t->out, "\033[%d;%dH", row + 1, col + 1);
    else {
        char text[CAP_MAX];
        copy_cap(text, sizeof(text), tiparm(t->caps->text[CAP_CUP], row, col));
        queue(t, text);
    }
    t->row = row;
    t->col = col;
}

static void select_style(struct terminal *t, struct style st)
{
    if (memcmp(&st, &t->style, sizeof(st)) == 0)
        return;
    queue(t, t->caps->look[st.color < COLOR_COUNT ? st.color : COLOR_TEXT]);
    char attrs[CAP_MAX] = "";
    add_attrs(t, attrs, sizeof(attrs), st.attrs);
    queue(t, attrs);
    t->style = st;
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void paint_cell(struct terminal *t, const struct cell *cell, int row, int col)
{
    move_to(t, row, col);
    select_style(t, cell->style);
    buf_add(&t->out, cell->text, cell->len);
    t->col += cell->width;
}

/* A short run of unchanged cells is cheaper to write again than to jump over. */
enum { JUMP = 4 };

static bool can_bridge(const struct terminal *t, const struct cell *now, int row, int col)
{
    if (t->row != row || t->col > col || col - t->col > JUMP)
        return false;
    for (int i = t->col; i < col; i++)
        if (memcmp(&now[i].style, &t->style, sizeof(t->style)) != 0)
            return false;
    return true;
}

static void paint_row(struct terminal *t, const struct canvas *c, int row)
{
    const struct cell *now = c->cells + (size_t)row * (size_t)c->cols;
    struct cell *old = t->shown.cells + (size_t)row * (size_t)c->cols;
    for (int col = 0; col < c->cols; col++) {
        if (same_cell(&now[col], &old[col]))
            continue;
        if (now[col].width == 0 && col > 0)
            col--;
        for (int i = t->col; can_bridge(t, now, row, col) && i < col; i = t->col)
            paint_cell(t, &now[i], row, i);
        paint_cell(t, &now[col], row, col);
        if (now[col].width == 2)
            col++;
    }
    /* Automatic margins are off, or late as xenl says: after the last column the position
     * of the cursor is unknown. */
    if (t->col >= c->cols)
        t->row = t->col = -1;
    memcpy(old, now, (size_t)c->cols * sizeof(*old));
}

static void place_cursor(struct terminal *t, const struct canvas *c)
{
    bool on = c->cursor_row >= 0;
    if (on)
        move_to(t, c->cursor_row, c->cursor_col);
    if (on != t->cursor_on)
        queue(t, t->caps->text[on ? CAP_CNORM : CAP_CIVIS]);
    t->cursor_on = on;
}

int term_paint(struct terminal *t, const struct canvas *c)
{
    size_t before = t->out.len;
    bool all = t->shown.rows != c->rows || t->shown.cols != c->cols;
    if (all) {
        if (canvas_resize(&t->shown, c->rows, c->cols) < 0)
            return -ENOMEM;
        t->style.color = COLOR_COUNT;
        select_style(t, STYLE(COLOR_TEXT));
        queue(t, t->caps->text[CAP_CLEAR]);
        queue(t, t->caps->text[CAP_CIVIS]);
        t->cursor_on = false;
        t->row = t->col = -1;
        /* Not every terminal clears to the background that is selected. */
        if (t->theme.looks[COLOR_TEXT].bg >= 0)
            memset(t->shown.cells, 0,
                   sizeof(struct cell) * (size_t)c->rows * (size_t)c->cols);
    }
    for (int row = 0; row < c->rows; row++)
        paint_row(t, c, row);
    place_cursor(t, c);
    return (int)(t->out.len - before);
}

int term_flush(struct terminal *t)
{
    while (t->out_done < t->out.len) {
        ssize_t n = write(t->fd, t->out.data + t->out_done, t->out.len - t->out_done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0)
            return -errno;
        t->out_done += (size_t)n;
    }
    t->out.len = t->out_done = 0;
    return 1;
}

bool term_copy(struct terminal *t, const char *text, size_t n)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+/";
    if (!t->xterm_like)
        return false;
    queue(t, "\033]52;c;");
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = 0;
        for (size_t j = 0; j < 3; j++)
            v = v << 8 | (i + j < n ? (unsigned char)text[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            buf_putc(&t->out, i + j <= n ? DIGITS[v >> (18 - 6 * j) & 63] : '=');
    }
    queue(t, "\a");
    return true;
}

int term_size(int fd, int *rows, int *cols)
{
    struct winsize w;
    if (ioctl(fd, TIOCGWINSZ, &w) < 0)
        return -errno;
    if (w.ws_row == 0 || w.ws_col == 0)
        return -ENOTTY;
    *rows = w.ws_row;
    *cols = w.ws_col;
    return 0;
}
