/* A finished bar is never drawn again: it scrolls away like any other line, so that there may
 * be more bars than the terminal has lines. */

#include "cli/progress_bars.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "cli/print.h"

#define ID_WIDTH 12
#define ID_MAX 40
#define WHAT_WIDTH 11
#define BAR_MIN 10
#define BAR_MAX 40

struct progress_bar *progress_bars_find(struct progress_bars *b, const char *id,
                                        const char *what)
{
    for (size_t i = 0; i < b->len; i++)
        if (strcmp(b->items[i].id, id) == 0 && strcmp(b->items[i].what, what) == 0)
            return &b->items[i];
    if (b->len == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 8;
        struct progress_bar *items = reallocarray(b->items, cap, sizeof(*items));
        if (!items)
            return NULL;
        b->items = items;
        b->cap = cap;
    }
    struct progress_bar bar = {.id = strdup(id), .what = strdup(what)};
    if (!bar.id || !bar.what) {
        free(bar.id);
        free(bar.what);
        return NULL;
    }
    b->items[b->len] = bar;
    return &b->items[b->len++];
}

static void drop_bar(struct progress_bars *b, size_t i)
{
    free(b->items[i].id);
    free(b->items[i].what);
    memmove(&b->items[i], &b->items[i + 1], (b->len - i - 1) * sizeof(*b->items));
    b->len--;
}

static int add_padded(struct buf *out, const char *text, size_t min, size_t max)
{
    auto_done(buf_done) struct buf seen = {0};
    size_t before = out->len;
    int rc = print_visible(&seen, text, strlen(text), "");
    if (rc == 0)
        rc = print_ellipsis(out, seen.data ? seen.data : "", max);
    size_t width = print_width(out->data + before, out->len - before);
    return rc < 0 || width >= min ? rc : buf_printf(out, "%*s", (int)(min - width), "");
}

/* "[====>     ]"; nothing when there is no room or no total. */
static int add_gauge(struct buf *out, const struct progress_bar *bar, size_t room)
{
    char text[BAR_MAX + 1];
    size_t width = room < BAR_MAX + 2 ? room : BAR_MAX + 2;
    if (bar->total == 0 || width < BAR_MIN + 2)
        return 0;
    width -= 2;
    double part = bar->done < bar->total ? (double)bar->done / (double)bar->total : 1;
    size_t full = (size_t)(part * (double)width);
    memset(text, ' ', width);
    memset(text, '=', full);
    if (full < width)
        text[full] = '>';
    return buf_printf(out, " [%.*s]", (int)width, text);
}

static void figures(const struct progress_bar *bar, char *out, size_t size)
{
    char done[SIZE_TEXT], total[SIZE_TEXT], rate[SIZE_TEXT];
    int n = snprintf(out, size, " %s", size_decimal(bar->done, done));
    if (bar->total && !(bar->finished && bar->done == bar->total))
        n += snprintf(out + n, size - (size_t)n, "/%s", size_decimal(bar->total, total));
    if (bar->rate)
        snprintf(out + n, size - (size_t)n, "  %s/s", size_decimal(bar->rate, rate));
}

int progress_bar_line(const struct progress_bar *bar, unsigned cols, struct buf *out)
{
    char right[4 * SIZE_TEXT];
    auto_done(buf_done) struct buf line = {0};
    figures(bar, right, sizeof(right));
    int rc = add_padded(&line, bar->id, ID_WIDTH, ID_MAX);
    if (rc == 0)
        rc = buf_putc(&line, ' ');
    if (rc == 0)
        rc = add_padded(&line, bar->what, WHAT_WIDTH, ID_MAX);
    size_t used = rc < 0 ? 0 : print_width(line.data, line.len) + strlen(right) + 1;
    if (rc == 0 && !bar->finished && used < cols)
        rc = add_gauge(&line, bar, cols - used);
    if (rc == 0)
        rc = buf_puts(&line, right);
    return rc < 0 ? rc : print_ellipsis(out, line.data, cols);
}

static int draw_line(const struct progress_bar *bar, unsigned cols, struct buf *out)
{
    int rc = progress_bar_line(bar, cols > 1 ? cols - 1 : 1, out);
    return rc < 0 ? rc : buf_puts(out, "\x1b[K\n"); /* what stood there is erased */
}

static size_t first_finished(const struct progress_bars *b)
{
    size_t i = 0;
    while (i < b->len && !b->items[i].finished)
        i++;
    return i;
}

int progress_bars_draw(struct progress_bars *b, unsigned rows, unsigned cols,
                       struct buf *out)
{
    int rc = b->drawn ? buf_printf(out, "\x1b[%zuA", b->drawn) : 0;
    b->drawn = 0;
    for (size_t i; rc == 0 && (i = first_finished(b)) < b->len; drop_bar(b, i))
        rc = draw_line(&b->items[i], cols, out);
    for (size_t i = 0; rc == 0 && i < b->len && b->drawn + 1 < rows; i++, b->drawn++)
        rc = draw_line(&b->items[i], cols, out);
    return rc < 0 ? rc : buf_puts(out, "\x1b[J");
}

void progress_bars_done(struct progress_bars *b)
{
    while (b->len)
        drop_bar(b, b->len - 1);
    free(b->items);
    *b = (struct progress_bars){0};
}
