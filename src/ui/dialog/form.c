/* One mechanism for all forms: what is in the fields becomes a command line with every
 * key, so the preview, the error and the command that runs cannot differ. */
#include "ui/dialog/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/words.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/text.h"

enum { LABEL_COLS = 12 };

const char *form_text(const struct form *f, size_t field)
{
    return f->lines[field].text;
}

bool form_ticked(const struct form *f, size_t field)
{
    return f->lines[field].len > 0;
}

void form_set(struct form *f, size_t field, const char *text)
{
    line_set(&f->lines[field], text);
}

static bool is_check(const struct form *f, size_t i)
{
    return f->ops->fields[i].kind == FIELD_CHECK;
}

/* The pen is at the beginning of the field's row. */
static void draw_field(const struct form *f, struct pen p, size_t i)
{
    const struct form_field *field = &f->ops->fields[i];
    bool on = i == f->at;
    pen_puts(&p, STYLE_ATTR(on ? COLOR_KEY : COLOR_TEXT, on ? ATTR_BOLD : 0),
             field->label);
    p.col = p.r.cols > 30 ? LABEL_COLS : p.r.cols / 3;
    if (field->kind == FIELD_CHECK) {
        if (on)
            canvas_cursor(p.c, p.r, p.row, p.col + 1);
        pen_printf(&p, STYLE(on ? COLOR_INPUT : COLOR_TEXT), "[%c]",
                   form_ticked(f, i) ? 'x' : ' ');
        p.col++;
        pen_puts(&p, STYLE(COLOR_DIM), field->hint);
        return;
    }
    line_draw(&f->lines[i], &p, on);
    p.col += on;
    if (f->lines[i].len == 0 && field->hint)
        pen_puts(&p, STYLE(COLOR_DIM), field->hint);
}

/* The candidates for the field under the cursor, in one line. */
static void draw_candidates(const struct form *f, struct pen p)
{
    auto_done(strv_done) struct strv list = {0};
    if (!f->ops->complete || f->ops->complete(f, f->at, &list) < 0)
        return;
    for (size_t i = 0; i < list.len && p.col < p.r.cols; i++)
        if (strcmp(list.items[i], form_text(f, f->at)) != 0) {
            pen_puts(&p, STYLE(COLOR_DIM), list.items[i]);
            p.col += 2;
        }
}

static void draw_preview(const struct form *f, struct pen p)
{
    auto_done(strv_done) struct strv argv = {0};
    auto_done(buf_done) struct buf text = {0};
    struct mtd_error err = {0};
    size_t field = 0;
    if (f->ops->build(f, &argv, &field, &err) < 0) {
        pen_puts(&p, STYLE(COLOR_WARNING), err.text);
        return;
    }
    buf_puts(&text, "= mytop-docker ");
    model_words(f->modal.around->model, &argv, &text);
    for (const char *s = text.data; s && *s && p.row < p.r.rows; p.row++, p.col = 0) {
        size_t n = text_fit(s, strlen(s), p.r.cols);
        pen_text(&p, STYLE(COLOR_INFO), s, n);
        s += n;
    }
}

static void form_draw(struct modal *m, struct canvas *c, struct rect screen)
{
    struct form *f = (struct form *)m;
    int n = (int)f->ops->n_fields, extra = 4 + (f->ops->note != NULL);
    struct rect box = dialog_box(screen, n + extra, 72);
    canvas_box(c, box, STYLE(COLOR_BORDER), f->title);
    struct rect in = box.rows < 4 ? box
                                  : (struct rect){box.row + 1, box.col + 2, box.rows - 2,
                                                  box.cols - 4};
    int rows = in.rows - (in.rows > extra ? extra : 0);
    if (rows < 1)
        rows = 1;
    size_t room = (size_t)rows;
    if (f->at < f->top)
        f->top = f->at;
    if (f->at >= f->top + room)
        f->top = f->at - room + 1;
    int row = 0;
    for (size_t i = f->top; i < f->ops->n_fields && row < rows; i++, row++)
        draw_field(f, pen_at(c, in, row, 0), i);
    if (f->ops->note && row < in.rows)
        pen_puts(PEN(c, in, row++, 0), STYLE(COLOR_DIM), f->ops->note(f));
    draw_candidates(f, pen_at(c, in, row, 0));
    draw_preview(f, pen_at(c, in, row + 1, 0));
}

static size_t common_prefix(const struct strv *v)
{
    size_t n = strlen(v->items[0]);
    for (size_t i = 1; i < v->len; i++)
        for (size_t j = 0; j < n; j++)
            if (v->items[i][j] != v->items[0][j])
                n = j;
    return n;
}

/* true = the text got longer. */
static bool complete(struct form *f)
{
    auto_done(strv_done) struct strv list = {0};
    if (!f->ops->complete || f->ops->complete(f, f->at, &list) < 0 || list.len == 0)
        return false;
    size_t have = strlen(form_text(f, f->at)), n = common_prefix(&list);
    if (have == 0 || n <= have)
        return false;
    list.items[0][n] = '\0';
    form_set(f, f->at, list.items[0]);
    return true;
}

static enum modal_result submit(struct form *f)
{
    auto_done(strv_done) struct strv argv = {0};
    struct mtd_error err = {0};
    size_t field = f->at;
    if (f->ops->build(f, &argv, &field, &err) < 0) {
        f->at = field;
        return MODAL_STAY; /* the form shows the reason */
    }
    f->ops->submit(f, &argv);
    return MODAL_CLOSE;
}

static void move(struct form *f, int delta)
{
    size_t n = f->ops->n_fields;
    f->at = (f->at + n + (size_t)(delta + (int)n)) % n;
}

static enum modal_result form_key(struct modal *m, const struct key *k)
{
    struct form *f = (struct form *)m;
    switch (k->key) {
    case KEY_ESC:
    case KEY_CTRL('c'): return MODAL_CLOSE;
    case KEY_ENTER: return submit(f);
    case KEY_UP:
    case KEY_BACKTAB: move(f, -1); return MODAL_STAY;
    case KEY_DOWN: move(f, 1); return MODAL_STAY;
    case KEY_TAB:
        if (is_check(f, f->at) || !complete(f))
            move(f, 1);
        return MODAL_STAY;
    default: break;
    }
    if (!is_check(f, f->at))
        line_key(&f->lines[f->at], k->key);
    else if (k->key == ' ')
        form_set(f, f->at, form_ticked(f, f->at) ? "" : "x");
    return MODAL_STAY;
}

static enum modal_result form_update(struct modal *m)
{
    struct form *f = (struct form *)m;
    return f->ops->update ? f->ops->update(f) : MODAL_STAY;
}

static void form_free(struct modal *m)
{
    struct form *f = (struct form *)m;
    free(f->lines);
    free(f->arg);
    free(f);
}

static const struct modal_key KEYS[] = {
    {"Enter", "go"},       {"Tab", "complete, next field"},
    {"Up Down", "fields"}, {"Space", "tick"},
    {"Esc", "cancel"},     {NULL, NULL}};

static const struct modal_ops OPS = {.draw = form_draw,
                                     .key = form_key,
                                     .update = form_update,
                                     .free = form_free,
                                     .takes_text = true,
                                     .keys = KEYS};

struct form *form_of(struct modal *m, const struct form_ops *ops)
{
    struct form *f = (struct form *)m;
    return m->ops == &OPS && f->ops == ops ? f : NULL;
}

struct modal *form_new(const struct form_ops *ops, const char *title, void *arg)
{
    struct form *f = calloc(1, sizeof(*f));
    if (f)
        f->lines = calloc(ops->n_fields, sizeof(*f->lines));
    if (!f || !f->lines) {
        free(f);
        free(arg);
        return NULL;
    }
    f->modal.ops = &OPS;
    f->ops = ops;
    f->arg = arg;
    snprintf(f->title, sizeof(f->title), "%s", title);
    return &f->modal;
}
