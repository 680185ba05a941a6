/* A transfer is a front end with --progress json: each line of its output that is one step
 * moves the bar, the others are its result. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/words.h"
#include "ui/catalog/internal.h"

static void copy_text(char *out, size_t size, const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    if (text)
        snprintf(out, size, "%s", text);
}

static uint64_t number(const json_t *o, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(o, key));
    return n > 0 ? (uint64_t)n : 0;
}

/* true = it was a step. */
static bool take_line(void *arg, const char *line, size_t len)
{
    struct transfer *t = arg;
    json_t *o = len && line[0] == '{' ? json_loadb(line, len, 0, NULL) : NULL;
    bool is_step = o && json_object_get(o, "what") && json_object_get(o, "done");
    if (is_step) {
        copy_text(t->id, sizeof(t->id), o, "id");
        copy_text(t->what, sizeof(t->what), o, "what");
        t->done = number(o, "done");
        t->total = number(o, "total");
        t->rate = number(o, "rate");
        t->owner->view.around->changed(t->owner->view.around->app);
    }
    json_decref(o);
    return is_step;
}

static void ended(void *arg, int status, const char *output)
{
    struct transfer *t = arg;
    struct catalog *c = t->owner;
    (void)status, (void)output;
    for (struct transfer **at = &c->transfers; *at; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            break;
        }
    free(t);
    c->view.ops->update(&c->view);
}

void transfer_start(struct catalog *c, const struct strv *argv)
{
    const struct surroundings *around = c->view.around;
    struct transfer *t = calloc(1, sizeof(*t));
    auto_done(strv_done) struct strv all = {0};
    auto_done(buf_done) struct buf title = {0};
    if (!t || argv->len == 0 || words_join(argv, &title) < 0 ||
        strv_add(&all, argv->items[0]) < 0 || strv_add(&all, "--progress=json") < 0) {
        free(t);
        return;
    }
    for (size_t i = 1; i < argv->len; i++)
        strv_add(&all, argv->items[i]);
    snprintf(t->title, sizeof(t->title), "%s", title.data);
    t->owner = c;
    t->next = c->transfers;
    c->transfers = t;
    around->run(
        around->app,
        &(struct errand){
            .argv = &all, .hidden = 1, .line = take_line, .done = ended, .arg = t});
}

bool transfer_cancel(struct catalog *c)
{
    const struct surroundings *around = c->view.around;
    return c->transfers && around->cancel(around->app, c->transfers);
}

size_t transfer_count(const struct catalog *c)
{
    size_t n = 0;
    for (const struct transfer *t = c->transfers; t; t = t->next)
        n++;
    return n;
}

/* cancel: what to press for it; "" = it is not the one begun last. */
static void draw_one(const struct transfer *t, const char *cancel, struct canvas *c,
                     struct rect r)
{
    char done[SIZE_TEXT], total[SIZE_TEXT], rate[SIZE_TEXT], figures[4 * SIZE_TEXT] = "";
    struct pen p = pen_at(c, r, 0, 1);
    int n = 0;
    if (t->what[0])
        n = snprintf(figures, sizeof(figures), "%s", size_decimal(t->done, done));
    if (t->total)
        n += snprintf(figures + n, sizeof(figures) - (size_t)n, "/%s",
                      size_decimal(t->total, total));
    if (t->rate)
        snprintf(figures + n, sizeof(figures) - (size_t)n, "  %s/s",
                 size_decimal(t->rate, rate));
    canvas_fill(c, r, STYLE(COLOR_BUSY));
    pen_puts(&p, STYLE(COLOR_KEY), cancel);
    p.col += *cancel ? 1 : 0;
    pen_field(&p, r.cols / 3, false, STYLE(COLOR_BUSY), t->title);
    p.col++;
    pen_printf(&p, STYLE(COLOR_BUSY), "%.20s %s  ", t->what[0] ? t->what : "starting",
               figures);
    int room = r.cols - p.col - 2 < 30 ? r.cols - p.col - 2 : 30;
    double part = t->total ? (double)t->done / (double)t->total : 0;
    int full = part > 1 ? room : (int)(part * room);
    for (int i = 0; t->total && i < room; i++, p.col++)
        pen_puts(PEN(c, r, 0, p.col), STYLE(COLOR_GRAPH),
                 i < full    ? "="
                 : i == full ? ">"
                             : ".");
}

void transfer_draw(const struct catalog *c, struct canvas *canvas, struct rect r)
{
    const struct transfer *t = c->transfers;
    char key[16], hint[32];
    snprintf(hint, sizeof(hint), "%s cancels",
             keys_for(c->view.around->keys, CMD_CANCEL, key));
    for (int i = 0; i < r.rows && t; i++, t = t->next)
        draw_one(t, i ? "" : hint, canvas, (struct rect){r.row + i, r.col, 1, r.cols});
}
