/* Text to scroll: help, journal, the output of a palette command. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/text.h"

struct pager {
    struct modal modal;
    char title[80];
    char *text;
    const char **lines;
    size_t n, top;
    int shift;
    int rows;               /* lines of the last drawing */
    int widest;             /* line, in columns */
    char needle[64];        /* only lines that hold it; "" = all */
    char card[MTD_ID_SIZE]; /* the container it is about; "" = not a card */
};

static size_t line_len(const char *s)
{
    return strcspn(s, "\n");
}

static void clamp(struct pager *p)
{
    size_t rows = p->rows > 0 ? (size_t)p->rows : 1;
    if (p->top + rows > p->n)
        p->top = p->n > rows ? p->n - rows : 0;
}

static void draw_line(const struct pager *p, size_t at, struct canvas *c,
                      struct rect line)
{
    const char *s = at < p->n ? p->lines[at] : "";
    bool heading = *s == '\1';
    struct style st = STYLE(heading ? COLOR_HEADING : COLOR_TEXT);
    canvas_fill(c, line, st);
    pen_text(PEN(c, line, 0, 1 - p->shift), st, s + heading, line_len(s + heading));
}

static void draw_frame(const struct pager *p, struct canvas *c, struct rect screen)
{
    int last = screen.rows - 1;
    size_t end = p->top + (size_t)p->rows;
    if (!p->card[0] && screen.cols > 50)
        pen_printf(PEN(c, screen, last, 2), STYLE(COLOR_DIM), " Esc closes  / %s ",
                   p->needle[0] ? p->needle : "finds");
    if (p->n > (size_t)p->rows && screen.cols > 24)
        pen_printf(PEN(c, screen, last, screen.cols - 22), STYLE(COLOR_DIM),
                   " %zu-%zu of %zu ", p->top + 1, end < p->n ? end : p->n, p->n);
}

static void pager_draw(struct modal *m, struct canvas *c, struct rect screen)
{
    struct pager *p = (struct pager *)m;
    canvas_box(c, screen, STYLE(COLOR_BORDER), p->title);
    struct rect in = screen.rows < 3 ? screen
                                     : (struct rect){screen.row + 1, screen.col + 1,
                                                     screen.rows - 2, screen.cols - 2};
    bool two = !p->card[0] && p->n > (size_t)in.rows && 2 * (p->widest + 2) <= in.cols;
    p->rows = two ? 2 * in.rows : in.rows;
    clamp(p);
    for (int i = 0; i < p->rows; i++) {
        int half = in.cols / 2, right = i >= in.rows;
        struct rect line = {in.row + i % in.rows, in.col + right * half, 1,
                            two ? half : in.cols};
        draw_line(p, p->top + (size_t)i, c, line);
    }
    draw_frame(p, c, screen);
}

static void scroll(struct pager *p, long delta)
{
    long to = (long)p->top + delta;
    p->top = to < 0 ? 0 : (size_t)to;
    clamp(p);
}

static long delta_of(const struct pager *p, enum command cmd)
{
    switch (cmd) {
    case CMD_UP: return -1;
    case CMD_DOWN: return 1;
    case CMD_PAGE_UP: return -p->rows;
    case CMD_PAGE_DOWN: return p->rows;
    case CMD_HALF_UP: return -p->rows / 2;
    case CMD_HALF_DOWN: return p->rows / 2;
    case CMD_TOP: return -(long)p->n;
    case CMD_BOTTOM: return (long)p->n;
    default: return 0;
    }
}

static bool is_about(enum command cmd)
{
    static const enum command ABOUT[] = {
        CMD_STOP_START, CMD_RESTART, CMD_EXEC,   CMD_EXEC_ASK, CMD_LOGS,     CMD_COMMIT,
        CMD_REMOVE,     CMD_KILL,    CMD_RENAME, CMD_INSPECT,  CMD_PROCESSES};
    for (size_t i = 0; i < ARRAY_SIZE(ABOUT); i++)
        if (ABOUT[i] == cmd)
            return true;
    return false;
}

/* Never on another container that has taken its place in the list. */
static enum modal_result act(struct pager *p)
{
    const struct row *r = model_selected(p->modal.around->model);
    if (r && strcmp(r->s->id, p->card) == 0)
        return MODAL_PASS;
    surroundings_say(p->modal.around, SAY_WARNING,
                     "not done: the container no longer exists");
    return MODAL_CLOSE;
}

static void choose_lines(struct pager *p)
{
    p->n = 0;
    for (const char *s = p->text; *s; s += *s == '\n') {
        size_t n = line_len(s);
        char line[256];
        snprintf(line, sizeof(line), "%.*s", (int)n, s);
        if (!p->needle[0] || (*s != '\1' && strcasestr(line, p->needle)))
            p->lines[p->n++] = s;
        s += n;
    }
    p->top = 0;
}

static void needle_changed(void *arg, const char *text)
{
    struct pager *p = arg;
    snprintf(p->needle, sizeof(p->needle), "%s", text);
    choose_lines(p);
}

static void needle_answer(void *arg, const char *text)
{
    needle_changed(arg, text ? text : "");
}

static void ask_needle(struct pager *p)
{
    const struct surroundings *around = p->modal.around;
    around->push(around->app, prompt_new(&(struct question){.label = "find:",
                                                            .initial = p->needle,
                                                            .changed = needle_changed,
                                                            .answer = needle_answer,
                                                            .arg = p}));
}

static enum modal_result pager_key(struct modal *m, const struct key *k)
{
    struct pager *p = (struct pager *)m;
    bool wheel = k->key == KEY_MOUSE && k->button >= MOUSE_WHEEL_UP;
    if (k->key == '/' && !p->card[0]) {
        ask_needle(p);
        return MODAL_STAY;
    }
    if (k->key == KEY_ESC || k->command == CMD_QUIT || k->command == CMD_HELP ||
        k->command == CMD_INTERRUPT)
        return MODAL_CLOSE;
    if (p->card[0] && is_about(k->command))
        return act(p);
    if (k->command == CMD_LEFT || k->command == CMD_RIGHT)
        p->shift += k->command == CMD_RIGHT ? 8 : p->shift >= 8 ? -8 : 0;
    else if (k->key == ' ')
        scroll(p, p->rows);
    else if (wheel)
        scroll(p, k->button == MOUSE_WHEEL_UP ? -3 : 3);
    else
        scroll(p, delta_of(p, k->command));
    return MODAL_STAY;
}

static void pager_free(struct modal *m)
{
    struct pager *p = (struct pager *)m;
    free(p->lines);
    free(p->text);
    free(p);
}

static const struct modal_ops OPS = {
    .draw = pager_draw, .key = pager_key, .free = pager_free};

static int split(struct pager *p)
{
    size_t n = 1;
    for (const char *s = p->text; *s; s++)
        n += *s == '\n';
    p->lines = calloc(n, sizeof(*p->lines));
    if (!p->lines)
        return -ENOMEM;
    choose_lines(p);
    for (size_t i = 0; i < p->n; i++) {
        int width = text_width(p->lines[i], line_len(p->lines[i]));
        p->widest = width > p->widest ? width : p->widest;
    }
    return 0;
}

struct modal *pager_new(const char *title, const char *text)
{
    struct pager *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->modal.ops = &OPS;
    snprintf(p->title, sizeof(p->title), "%s", title);
    p->text = strdup(text);
    if (!p->text || split(p) < 0) {
        pager_free(&p->modal);
        return NULL;
    }
    return &p->modal;
}

struct modal *pager_card(const char *title, const char *text, const struct row *r)
{
    struct modal *m = pager_new(title, text);
    if (m)
        memcpy(((struct pager *)m)->card, r->s->id, sizeof(r->s->id));
    return m;
}
