/* The view of images, volumes and networks. The list is read again when an event came, or its
 * directory changed; nothing is read while it is hidden. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "ui/catalog/internal.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/text.h"

#define TARGETS_MAX 64
#define TRANSFERS_SHOWN 4

void catalog_reload(struct catalog *c)
{
    const struct surroundings *around = c->view.around;
    mtd_error_clear(&c->problem);
    if (!c->visible)
        return;
    if (around->engine)
        c->kind->load(c, &c->problem);
    around->changed(around->app);
}

/* ---- commands ---------------------------------------------------------------------- */

static void add_words(struct strv *argv, const char *const words[])
{
    for (size_t i = 0; words && words[i]; i++)
        strv_add(argv, words[i]);
}

static void add_targets(struct catalog *c, struct strv *argv)
{
    struct catalog_row *rows[TARGETS_MAX];
    size_t n = catalog_table_targets(&c->table, rows, TARGETS_MAX);
    for (size_t i = 0; i < n; i++)
        strv_add(argv, rows[i]->key);
}

static void ran(void *arg, int status, const char *output)
{
    (void)status, (void)output;
    catalog_reload(arg);
}

static void run_argv(struct catalog *c, const struct strv *argv)
{
    const struct surroundings *around = c->view.around;
    around->run(around->app, &(struct errand){.argv = argv, .done = ran, .arg = c});
}

void catalog_run(struct catalog *c, const char *const words[], bool with_targets)
{
    auto_done(strv_done) struct strv argv = {0};
    add_words(&argv, words);
    if (with_targets)
        add_targets(c, &argv);
    run_argv(c, &argv);
}

void catalog_ask(struct catalog *c, const char *label, const char *initial,
                 void (*answer)(void *arg, const char *text))
{
    const struct surroundings *around = c->view.around;
    around->push(around->app,
                 prompt_new(&(struct question){
                     .label = label, .initial = initial, .answer = answer, .arg = c}));
}

struct showing {
    struct catalog *c;
    char title[96];
};

static void shown(void *arg, int status, const char *output)
{
    struct showing *s = arg;
    const struct surroundings *around = s->c->view.around;
    (void)status;
    around->push(around->app, pager_new(s->title, output));
    free(s);
}

void catalog_show(struct catalog *c, const char *title, const char *const words[])
{
    const struct surroundings *around = c->view.around;
    const struct catalog_row *r = catalog_table_selected(&c->table);
    auto_done(strv_done) struct strv argv = {0};
    struct showing *s = r ? calloc(1, sizeof(*s)) : NULL;
    if (!s)
        return;
    s->c = c;
    snprintf(s->title, sizeof(s->title), "%s %s", title,
             r->text[0] ? r->text[0] : r->key);
    add_words(&argv, words);
    strv_add(&argv, r->key);
    around->capture(around->app, &argv, shown, s);
}

/* What the answer shall do is decided when it is asked: the list may change meanwhile. */
struct pending {
    struct catalog *c;
    size_t n_yes, n_force;
    char *words[];
};

static void answered(void *app, bool force, void *arg)
{
    const struct pending *p = arg;
    auto_done(strv_done) struct strv argv = {0};
    size_t from = force ? p->n_yes : 0, n = force ? p->n_force : p->n_yes;
    (void)app;
    for (size_t i = 0; i < n; i++)
        strv_add(&argv, p->words[from + i]);
    catalog_table_mark_all(&p->c->table, false);
    run_argv(p->c, &argv);
}

/* One block, because a confirmation frees it with free(). */
static struct pending *make_pending(struct catalog *c, const struct strv *yes,
                                    const struct strv *force)
{
    size_t bytes = 0, n = 0;
    const struct strv *lists[] = {yes, force};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->len; i++)
            bytes += strlen(lists[l]->items[i]) + 1;
    n = yes->len + force->len;
    struct pending *p = calloc(1, sizeof(*p) + n * sizeof(char *) + bytes);
    char *text = p ? (char *)&p->words[n] : NULL;
    n = 0;
    for (size_t l = 0; p && l < 2; l++)
        for (size_t i = 0; i < lists[l]->len; i++) {
            p->words[n++] = text;
            text = stpcpy(text, lists[l]->items[i]) + 1;
        }
    if (p) {
        p->c = c;
        p->n_yes = yes->len;
        p->n_force = force->len;
    }
    return p;
}

void catalog_confirm(struct catalog *c, const struct catalog_question *q)
{
    const struct surroundings *around = c->view.around;
    auto_done(strv_done) struct strv yes = {0}, force = {0};
    add_words(&yes, q->yes);
    add_words(&force, q->force);
    if (q->with_targets && q->yes)
        add_targets(c, &yes);
    if (q->with_targets && q->force)
        add_targets(c, &force);
    struct confirm confirm = {.title = q->title,
                              .text = q->text,
                              .yes = q->yes ? q->yes_label : q->force_label,
                              .force = q->force ? q->force_label : NULL,
                              .force_only = !q->yes,
                              .answer = answered,
                              .arg = make_pending(c, &yes, &force)};
    if (confirm.arg)
        around->push(around->app, confirm_new(&confirm));
}

/* ---- filter and sort ---------------------------------------------------------------- */

static void filter_changed(void *arg, const char *text)
{
    struct catalog *c = arg;
    const struct surroundings *around = c->view.around;
    struct mtd_error err = {0};
    around->say(around->app, SAY_INFO, "");
    if (catalog_table_filter(&c->table, text, &err) < 0)
        around->say(around->app, SAY_WARNING, err.text);
}

static void filter_answer(void *arg, const char *text)
{
    filter_changed(arg, text ? text : "");
}

static void chosen_sort(void *arg, size_t index)
{
    catalog_table_sort(&((struct catalog *)arg)->table, index);
}

static void ask_sort(struct catalog *c)
{
    const struct surroundings *around = c->view.around;
    auto_done(strv_done) struct strv items = {0};
    for (size_t i = 0; i < c->kind->n_columns; i++)
        strv_add(&items, c->kind->columns[i].title);
    around->choose(around->app, "sort by", &items, chosen_sort, c);
}

static bool arrange(struct catalog *c, enum command cmd)
{
    const struct surroundings *around = c->view.around;
    switch (cmd) {
    case CMD_FILTER:
        around->push(around->app,
                     prompt_new(&(struct question){.label = "filter:",
                                                   .initial = c->table.filter,
                                                   .changed = filter_changed,
                                                   .answer = filter_answer,
                                                   .arg = c}));
        return true;
    case CMD_SORT_MENU: ask_sort(c); return true;
    case CMD_SORT_NAME: catalog_table_sort(&c->table, 0); return true;
    case CMD_SORT_CPU:
    case CMD_SORT_MEMORY: catalog_table_sort(&c->table, c->kind->sort_size); return true;
    case CMD_SORT_TIME: catalog_table_sort(&c->table, c->kind->sort_age); return true;
    case CMD_SORT_REVERSE: catalog_table_sort(&c->table, c->table.sort); return true;
    case CMD_BACK:
        if (!c->table.filter[0])
            return false;
        catalog_table_filter(&c->table, "", NULL);
        return true;
    default: return false;
    }
}

static void cancel(struct catalog *c)
{
    const struct surroundings *around = c->view.around;
    if (!transfer_cancel(c))
        around->say(around->app, SAY_INFO, "nothing is under way");
}

/* ---- the view ----------------------------------------------------------------------- */

bool catalog_view_key(struct view *v, const struct key *k)
{
    struct catalog *c = (struct catalog *)v;
    struct key moved = *k;
    const struct catalog_row *r = catalog_table_selected(&c->table);
    moved.row -= 1; /* below the line of the views */
    if (catalog_table_key(&c->table, &moved) || arrange(c, k->command))
        return true;
    if (k->command == CMD_CANCEL) {
        cancel(c);
        return true;
    }
    if (k->command == CMD_COPY && r) {
        v->around->copy(v->around->app, r->key);
        return true;
    }
    return c->kind->command(c, k->command);
}

static void describe_sizes(const struct catalog *c, char *out, size_t out_size)
{
    uint64_t size = 0, unused = 0;
    char all[SIZE_TEXT], free_text[SIZE_TEXT];
    for (size_t i = 0; i < c->table.len; i++) {
        size += c->table.rows[i].size;
        unused += c->table.rows[i].used ? 0 : c->table.rows[i].size;
    }
    snprintf(out, out_size, "%zu %s, %s, unused %s", c->table.n_shown,
             c->table.n_shown == 1 ? c->kind->one : c->kind->many,
             size_decimal(size, all), size_decimal(unused, free_text));
}

/* The views in the order in which a key goes through them. */
static const char *const VIEWS[] = {"Containers", "Images", "Volumes", "Networks"};

static void draw_line(const struct catalog *c, struct canvas *canvas, struct rect r)
{
    char text[320], right[512];
    struct pen p = pen_at(canvas, r, 0, 2);
    (c->kind->describe ? c->kind->describe : describe_sizes)(c, text, sizeof(text));
    snprintf(right, sizeof(right), " %s%s%s ", text,
             c->table.filter[0] ? ", filter " : "", c->table.filter);
    pen_hline(PEN(canvas, r, 0, 0), r.cols, STYLE(COLOR_BORDER));
    for (size_t i = 0; i < ARRAY_SIZE(VIEWS); i++) {
        bool on = strcmp(VIEWS[i], c->kind->ops.title) == 0;
        pen_printf(&p, on ? STYLE_ATTR(COLOR_HEADING, ATTR_BOLD) : STYLE(COLOR_DIM),
                   on ? "[%s]" : " %s ", VIEWS[i]);
        p.col++;
    }
    int at = r.cols - text_width(right, strlen(right));
    if (at >= p.col)
        pen_puts(PEN(canvas, r, 0, at), STYLE(COLOR_HEADING), right);
}

void catalog_view_draw(struct view *v, struct canvas *c, struct rect r, bool focused)
{
    struct catalog *it = (struct catalog *)v;
    size_t n = transfer_count(it);
    int below = n < TRANSFERS_SHOWN ? (int)n : TRANSFERS_SHOWN;
    (void)focused;
    if (below > r.rows / 2)
        below = r.rows / 2;
    draw_line(it, c, (struct rect){r.row, r.col, r.rows > 0, r.cols});
    struct rect list = {r.row + 1, r.col, r.rows - 1 - below, r.cols};
    catalog_table_draw(&it->table, c, list);
    if (it->table.n_shown == 0)
        pen_puts(PEN(c, list, 1, 2), STYLE(COLOR_DIM),
                 it->problem.code      ? it->problem.text
                 : it->table.filter[0] ? "the filter hides all of them"
                                       : it->kind->empty);
    transfer_draw(it, c, (struct rect){r.row + r.rows - below, r.col, below, r.cols});
}

bool catalog_view_update(struct view *v)
{
    catalog_reload((struct catalog *)v);
    return true;
}

void catalog_view_show(struct view *v, bool visible)
{
    struct catalog *c = (struct catalog *)v;
    bool came = visible && !c->visible;
    c->visible = visible;
    if (came)
        catalog_reload(c);
}

const char *catalog_view_watch(struct view *v, size_t i)
{
    struct catalog *c = (struct catalog *)v;
    const char *const names[] = {"events.log", c->kind->watched};
    if (!c->visible || i >= ARRAY_SIZE(names) || !v->around->engine)
        return NULL;
    if (!c->watched[i] &&
        asprintf(&c->watched[i], "%s/%s", mtd_root(v->around->engine), names[i]) < 0)
        c->watched[i] = NULL;
    return c->watched[i];
}

void catalog_view_free(struct view *v)
{
    struct catalog *c = (struct catalog *)v;
    while (c->transfers) {
        struct transfer *t = c->transfers;
        c->transfers = t->next;
        free(t);
    }
    catalog_table_done(&c->table);
    free(c->watched[0]);
    free(c->watched[1]);
    (c->kind->free_extra ? c->kind->free_extra : free)(c->extra);
    free(c);
}

void catalog_become(struct catalog *c, const struct catalog_kind *kind, const char *at)
{
    catalog_table_done(&c->table);
    catalog_table_init(&c->table, kind->columns, kind->n_columns);
    snprintf(c->table.at, sizeof(c->table.at), "%s", at);
    c->kind = kind;
    c->view.ops = &kind->ops;
    catalog_reload(c);
}

struct view *catalog_new(const struct catalog_kind *kind,
                         const struct surroundings *around, struct run_draft *draft)
{
    struct catalog *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->view = (struct view){&kind->ops, around};
    c->kind = kind;
    c->draft = draft;
    catalog_table_init(&c->table, kind->columns, kind->n_columns);
    return &c->view;
}
