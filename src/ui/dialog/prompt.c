/* A line of input in the footer: the screen above stays visible while typing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/dialog/dialog.h"
#include "ui/model/line.h"

struct prompt {
    struct modal modal;
    char label[64];
    struct line line;
    struct question q; /* its texts are no longer valid */
    void (*complete)(void *arg, const char *text, struct strv *ret); /* may be NULL */
    struct line_recall recall;
    struct strv candidates; /* the words that are possible, when there are several */
};

/* ---- what is seen ------------------------------------------------------------------ */

/* A message ("bad pattern") or the candidates, in the line above: the footer is in
 * use. */
static void draw_above(const struct prompt *p, struct canvas *c, struct rect screen)
{
    const struct message *said = p->modal.around->message;
    struct rect r = {screen.row + screen.rows - 2, screen.col, 1, screen.cols};
    if (screen.rows < 2 || (p->candidates.len == 0 && !said->text[0]))
        return;
    canvas_fill(c, r, STYLE(COLOR_TEXT));
    if (p->candidates.len == 0) {
        pen_field(PEN(c, r, 0, 1), r.cols - 1, false,
                  STYLE(said->level == SAY_INFO ? COLOR_INFO : COLOR_WARNING),
                  said->text);
        return;
    }
    struct pen pen = {.c = c, .r = r, .col = 1};
    for (size_t i = 0; i < p->candidates.len && pen.col < r.cols; i++, pen.col += 2)
        pen_puts(&pen, STYLE(COLOR_DIM), p->candidates.items[i]);
}

static void prompt_draw(struct modal *m, struct canvas *c, struct rect screen)
{
    struct prompt *p = (struct prompt *)m;
    struct rect r = {screen.row + screen.rows - 1, screen.col, 1, screen.cols};
    canvas_fill(c, r, STYLE(COLOR_TEXT));
    struct pen pen = {.c = c, .r = r, .col = 1};
    pen_puts(&pen, STYLE(COLOR_KEY), p->label);
    if (pen.col > r.cols / 2)
        pen.col = r.cols / 2;
    line_draw(&p->line, &pen, true);
    draw_above(p, c, screen);
}

/* ---- keys -------------------------------------------------------------------------- */

static size_t common_prefix(const struct strv *v)
{
    size_t n = strlen(v->items[0]);
    for (size_t i = 1; i < v->len; i++)
        for (size_t j = 0; j < n; j++)
            if (v->items[i][j] != v->items[0][j])
                n = j;
    return n;
}

/* The word that ends at the cursor becomes what all candidates begin with. */
static void complete(struct prompt *p)
{
    struct strv *v = &p->candidates;
    struct line *l = &p->line;
    strv_done(v);
    if (!p->complete || l->at != l->len)
        return;
    p->complete(p->q.arg, l->text, v);
    const char *blank = strrchr(l->text, ' ');
    size_t have = strlen(blank ? blank + 1 : l->text);
    if (v->len == 0)
        return;
    size_t n = common_prefix(v);
    if (n > have)
        line_insert(l, v->items[0] + have, n - have);
    if (v->len == 1) {
        line_insert(l, " ", 1);
        strv_done(v);
    }
}

static struct line_history *history_of(const struct prompt *p)
{
    const struct surroundings *around = p->modal.around;
    return around->history(around->app, p->label);
}

static bool recall(struct prompt *p, int key)
{
    struct line_history *h = history_of(p);
    bool older = key == KEY_UP || key == KEY_CTRL('p');
    if (!older && key != KEY_DOWN && key != KEY_CTRL('n'))
        return false;
    return h && line_recall(h, &p->recall, &p->line, older);
}

static enum modal_result end(struct prompt *p, bool answered)
{
    struct prompt copy = *p; /* answer may open the next dialog */
    struct line_history *h = history_of(p);
    if (h && answered)
        line_history_add(h, p->line.text);
    p->q.answer = NULL;
    copy.q.answer(copy.q.arg, answered ? copy.line.text : NULL);
    return MODAL_CLOSE;
}

static enum modal_result prompt_key(struct modal *m, const struct key *k)
{
    struct prompt *p = (struct prompt *)m;
    if (k->key == KEY_ENTER || k->key == KEY_ESC || k->key == KEY_CTRL('c'))
        return end(p, k->key == KEY_ENTER);
    if (k->key == KEY_TAB)
        complete(p);
    else
        strv_done(&p->candidates);
    bool recalled = recall(p, k->key), used = recalled || line_key(&p->line, k->key);
    if (used && !recalled)
        p->recall.back = 0;
    if (used)
        /* The message was about the line before this key. */
        m->around->say(m->around->app, SAY_INFO, "");
    if (used && p->q.changed)
        p->q.changed(p->q.arg, p->line.text);
    return MODAL_STAY;
}

/* Every question is answered, also when the screen closes. */
static void prompt_free(struct modal *m)
{
    struct prompt *p = (struct prompt *)m;
    if (p->q.answer)
        p->q.answer(p->q.arg, NULL);
    strv_done(&p->candidates);
    free(m);
}

static const struct modal_ops OPS = {.draw = prompt_draw,
                                     .key = prompt_key,
                                     .free = prompt_free,
                                     .takes_text = true,
                                     .in_footer = true};

struct modal *prompt_new(const struct question *q)
{
    struct prompt *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->modal.ops = &OPS;
    snprintf(p->label, sizeof(p->label), "%s ", q->label);
    line_set(&p->line, q->initial ? q->initial : "");
    p->q = *q;
    return &p->modal;
}

void prompt_completes(struct modal *m,
                      void (*fn)(void *arg, const char *text, struct strv *ret))
{
    if (m)
        ((struct prompt *)m)->complete = fn;
}
