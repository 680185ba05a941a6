/* A list to choose one of. A letter jumps to the next item that begins with it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/text.h"

struct menu_dialog {
    struct modal modal;
    char title[80];
    struct menu_item *items;
    size_t n, at, top;
    void (*choose)(void *app, size_t index, void *arg);
    void *arg;
};

static int widest(const struct menu_dialog *d)
{
    int width = text_width(d->title, strlen(d->title)) + 4;
    for (size_t i = 0; i < d->n; i++) {
        int w = text_width(d->items[i].label, strlen(d->items[i].label));
        const char *detail = d->items[i].detail;
        if (detail)
            w = (w > 14 ? w : 14) + 2 + text_width(detail, strlen(detail));
        width = w > width ? w : width;
    }
    return width;
}

static void menu_draw(struct modal *m, struct canvas *c, struct rect screen)
{
    struct menu_dialog *d = (struct menu_dialog *)m;
    struct rect box = dialog_box(screen, (int)d->n, widest(d) + 2);
    canvas_box(c, box, STYLE(COLOR_BORDER), d->title);
    struct rect in = box.rows < 3 ? box
                                  : (struct rect){box.row + 1, box.col + 1, box.rows - 2,
                                                  box.cols - 2};
    size_t rows = in.rows > 0 ? (size_t)in.rows : 1;
    if (d->at < d->top)
        d->top = d->at;
    if (d->at >= d->top + rows)
        d->top = d->at - rows + 1;
    for (size_t i = 0; i < rows && d->top + i < d->n; i++) {
        const struct menu_item *item = &d->items[d->top + i];
        bool on = d->top + i == d->at;
        struct rect line = {in.row + (int)i, in.col, 1, in.cols};
        canvas_fill(c, line, STYLE(on ? COLOR_SELECTED : COLOR_TEXT));
        pen_puts(PEN(c, line, 0, 1), STYLE(on ? COLOR_SELECTED : COLOR_TEXT),
                 item->label);
        if (item->detail)
            pen_puts(PEN(c, line, 0, 17), STYLE(on ? COLOR_SELECTED : COLOR_DIM),
                     item->detail);
    }
}

static void jump(struct menu_dialog *d, int key)
{
    for (size_t i = 1; i <= d->n; i++) {
        size_t at = (d->at + i) % d->n;
        const char *label = d->items[at].label;
        if (strncasecmp(label, "SIG", 3) == 0)
            label += 3;
        if (key < 128 && (*label | 32) == (key | 32)) {
            d->at = at;
            return;
        }
    }
}

static void move(struct menu_dialog *d, int delta)
{
    long to = (long)d->at + delta;
    d->at = to < 0 ? 0 : (size_t)to >= d->n ? d->n - 1 : (size_t)to;
}

static enum modal_result menu_key(struct modal *m, const struct key *k)
{
    struct menu_dialog *d = (struct menu_dialog *)m;
    switch (k->key) {
    case KEY_ESC:
    case 'q':
    case KEY_CTRL('c'): return MODAL_CLOSE;
    case KEY_UP:
    case 'k': move(d, -1); break;
    case KEY_DOWN:
    case 'j': move(d, 1); break;
    case KEY_PGUP: move(d, -10); break;
    case KEY_PGDN: move(d, 10); break;
    case KEY_HOME: d->at = 0; break;
    case KEY_END: d->at = d->n - 1; break;
    case KEY_ENTER: {
        void *arg = take_ptr(&d->arg);
        d->choose(m->around->app, d->at, arg);
        free(arg);
        return MODAL_CLOSE;
    }
    default: jump(d, k->key); break;
    }
    return MODAL_STAY;
}

static void menu_free(struct modal *m)
{
    struct menu_dialog *d = (struct menu_dialog *)m;
    for (size_t i = 0; d->items && i < d->n; i++) {
        free((char *)d->items[i].label);
        free((char *)d->items[i].detail);
    }
    free(d->items);
    free(d->arg);
    free(d);
}

static const struct modal_key KEYS[] = {{"Enter", "choose"},
                                        {"Up Down", "move"},
                                        {"a letter", "jumps to it"},
                                        {"Esc", "cancel"},
                                        {NULL, NULL}};

static const struct modal_ops OPS = {
    .draw = menu_draw, .key = menu_key, .free = menu_free, .keys = KEYS};

struct modal *menu_new(const struct menu *menu)
{
    struct menu_dialog *d = calloc(1, sizeof(*d));
    if (d)
        d->items = calloc(menu->n + 1, sizeof(*d->items));
    if (!d || !d->items || menu->n == 0) {
        if (d)
            free(d->items);
        free(d);
        free(menu->arg);
        return NULL;
    }
    d->modal.ops = &OPS;
    d->arg = menu->arg;
    d->choose = menu->choose;
    d->at = menu->at < menu->n ? menu->at : 0;
    snprintf(d->title, sizeof(d->title), "%s", menu->title);
    for (d->n = 0; d->n < menu->n; d->n++) {
        const struct menu_item *i = &menu->items[d->n];
        d->items[d->n] =
            (struct menu_item){strdup(i->label), i->detail ? strdup(i->detail) : NULL};
        if (!d->items[d->n].label) {
            menu_free(&d->modal);
            return NULL;
        }
    }
    return &d->modal;
}
