/* A line of input in the footer: the screen above stays to be looked at while typing. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/dialog.h"

struct prompt {
    struct modal modal;
    char label[64];
    struct line line;
    void (*changed)(void *arg, const char *text);
    void (*answer)(void *arg, const char *text);
    void *arg;
};

static void draw(struct modal *m, struct canvas *c, struct rect screen)
{
    struct prompt *p = (struct prompt *)m;
    struct rect r = {screen.row + screen.rows - 1, screen.col, 1, screen.cols};
    canvas_fill(c, r, STYLE(COLOR_TEXT));
    int col = canvas_puts(c, r, 0, 1, STYLE(COLOR_KEY), p->label);
    if (col > r.cols / 2)
        col = r.cols / 2;
    line_draw(&p->line, c, r, 0, col, r.cols - col, true);
}

static enum modal_result key(struct modal *m, const struct key *k)
{
    struct prompt *p = (struct prompt *)m;
    if (k->key == KEY_ENTER || k->key == KEY_ESC || k->key == KEY_CTRL('c')) {
        struct prompt copy = *p; /* answer may open the next dialog */
        p->answer = NULL;
        copy.answer(copy.arg, k->key == KEY_ENTER ? copy.line.text : NULL);
        return MODAL_CLOSE;
    }
    if (line_key(&p->line, k->key) && p->changed)
        p->changed(p->arg, p->line.text);
    return MODAL_STAY;
}

/* Nobody waits for ever: not even when the screen closes. */
static void free_prompt(struct modal *m)
{
    struct prompt *p = (struct prompt *)m;
    if (p->answer)
        p->answer(p->arg, NULL);
    free(m);
}

static const struct modal_ops OPS = {
    .draw = draw, .key = key, .free = free_prompt, .takes_text = true, .in_footer = true};

struct modal *prompt_new(const char *label, const char *initial,
                         void (*changed)(void *arg, const char *text),
                         void (*answer)(void *arg, const char *text), void *arg)
{
    struct prompt *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->modal.ops = &OPS;
    snprintf(p->label, sizeof(p->label), "%s ", label);
    line_set(&p->line, initial ? initial : "");
    p->changed = changed;
    p->answer = answer;
    p->arg = arg;
    return &p->modal;
}
