/* Nothing is lost without one of these; Enter cancels unless another choice was
 * selected. */
#include <stdlib.h>
#include <string.h>

#include "ui/dialog/dialog.h"
#include "ui/draw/text.h"

struct confirmation {
    struct modal modal;
    struct confirm c;
    char *title, *text;
    int choice; /* 0 = cancel */
};

struct rect dialog_box(struct rect screen, int rows, int cols)
{
    rows += 2;
    cols += 4;
    if (rows > screen.rows)
        rows = screen.rows;
    if (cols > screen.cols)
        cols = screen.cols;
    return (struct rect){screen.row + (screen.rows - rows) / 2,
                         screen.col + (screen.cols - cols) / 2, rows, cols};
}

static int count_lines(const char *s, int *ret_width)
{
    int lines = 0, width = 0;
    while (*s) {
        size_t n = strcspn(s, "\n");
        int w = text_width(s, n);
        width = w > width ? w : width;
        lines++;
        s += n + (s[n] == '\n');
    }
    *ret_width = width;
    return lines;
}

static int choices(const struct confirmation *d, const char *labels[3])
{
    int n = 0;
    labels[n++] = "cancel";
    if (!d->c.force_only)
        labels[n++] = d->c.yes;
    if (d->c.force)
        labels[n++] = d->c.force;
    return n;
}

static void confirm_draw(struct modal *m, struct canvas *c, struct rect screen)
{
    struct confirmation *d = (struct confirmation *)m;
    const char *labels[3];
    int width, lines = count_lines(d->text, &width), n = choices(d, labels);
    int title = text_width(d->title, strlen(d->title)) + 4;
    width = width > title ? width : title;
    struct rect box = dialog_box(screen, lines + 2, width > 44 ? width : 44);
    canvas_box(c, box, STYLE(COLOR_WARNING), d->title);
    bool tiny = box.rows < 4;
    struct rect in =
        tiny ? box : (struct rect){box.row + 1, box.col + 2, box.rows - 2, box.cols - 4};
    const char *s = d->text;
    for (int row = 0; *s && row < in.rows - 1; row++) {
        size_t len = strcspn(s, "\n");
        pen_text(PEN(c, in, row, 0), STYLE(COLOR_TEXT), s, len);
        s += len + (s[len] == '\n');
    }
    struct rect last = {in.row + in.rows - 1, in.col, 1, in.cols};
    canvas_fill(c, last, STYLE(COLOR_TEXT));
    struct pen p = {.c = c, .r = last};
    for (int i = 0; i < n; i++, p.col += 2) {
        struct style st =
            i == d->choice ? STYLE_ATTR(COLOR_SELECTED, ATTR_BOLD) : STYLE(COLOR_TEXT);
        const char *key = i == 0 ? "Esc" : i == 1 && !d->c.force_only ? "y" : "f";
        pen_printf(&p, st, " %s %s ", key, labels[i]);
    }
}

static enum modal_result act(struct confirmation *d, bool force)
{
    struct confirm c = d->c;
    d->c.arg = NULL;
    c.answer(d->modal.around->app, force, c.arg);
    free(c.arg);
    return MODAL_CLOSE;
}

static enum modal_result confirm_key(struct modal *m, const struct key *k)
{
    struct confirmation *d = (struct confirmation *)m;
    const char *labels[3];
    int n = choices(d, labels), key_of = k->key;
    if (key_of == KEY_LEFT || key_of == KEY_BACKTAB)
        d->choice = (d->choice + n - 1) % n;
    else if (key_of == KEY_RIGHT || key_of == KEY_TAB)
        d->choice = (d->choice + 1) % n;
    else if (key_of == KEY_ENTER && d->choice > 0)
        return act(d, d->c.force && d->choice == n - 1);
    else if (key_of == KEY_ENTER || key_of == KEY_ESC || key_of == 'n' || key_of == 'q' ||
             key_of == KEY_CTRL('c'))
        return MODAL_CLOSE;
    else if (key_of == 'y' && !d->c.force_only)
        return act(d, false);
    else if (key_of == 'f' && d->c.force)
        return act(d, true);
    return MODAL_STAY;
}

static enum modal_result confirm_update(struct modal *m)
{
    struct confirmation *d = (struct confirmation *)m;
    for (size_t i = 0; i < d->c.n_subjects; i++) {
        const struct subject *s = &d->c.subjects[i];
        const struct row *r = model_find(m->around->model, s->id);
        if (r && r->s->state == s->state)
            continue;
        surroundings_say(m->around, SAY_WARNING, "not done: %s %s%s", s->name,
                         r ? "is now " : "no longer exists",
                         r ? mtd_state_name(r->s->state) : "");
        return MODAL_CLOSE;
    }
    return MODAL_STAY;
}

static void confirm_free(struct modal *m)
{
    struct confirmation *d = (struct confirmation *)m;
    free(d->c.arg);
    free(d->title);
    free(d->text);
    free(d);
}

static const struct modal_ops OPS = {.draw = confirm_draw,
                                     .key = confirm_key,
                                     .update = confirm_update,
                                     .free = confirm_free};

struct modal *confirm_new(const struct confirm *c)
{
    struct confirmation *d = calloc(1, sizeof(*d));
    if (!d) {
        free(c->arg);
        return NULL;
    }
    d->modal.ops = &OPS;
    d->c = *c;
    d->title = strdup(c->title);
    d->text = strdup(c->text);
    if (!d->title || !d->text) {
        confirm_free(&d->modal);
        return NULL;
    }
    return &d->modal;
}
