/* Only drawing knows the size of the rectangle, so what depends on it (how far a line is
 * wrapped, how much is read) is arranged here first. */
#include <stdio.h>

#include "base/clock.h"
#include "ui/draw/format.h"
#include "ui/log/pane.h"
#include "ui/log/text.h"

#define DRAW_STEPS 4
#define DRAW_BUDGET (1u << 20)

static bool is_current(const struct logpane *p, const struct logref *ref)
{
    return p->have_current && p->current.source == ref->source &&
           p->current.line.start == ref->line.start;
}

static void draw_time(const struct logpane *p, struct pen *pen, int64_t time)
{
    char text[FORMAT_MAX];
    if (time == 0 || logpane_time_columns(p, pen->r.cols) == 0)
        return;
    format_time(time, text);
    struct style st = STYLE(COLOR_DIM);
    if (p->times == LOGTIMES_SHORT)
        pen_puts(pen, st, text + 11);
    else
        pen_printf(pen, st, "%s.%03d", text, (int)(time / NS_PER_MS % 1000));
}

static void draw_prefix(const struct logpane *p, struct pen pen, const struct logref *ref)
{
    static const char *const STREAM[] = {"?", " ", "!"};
    if (p->logs->n > 1) {
        char letter[2] = {(char)('A' + ref->source), '\0'};
        pen_puts(&pen, STYLE_ATTR(COLOR_LANE + ref->source % 8, ATTR_BOLD), letter);
    }
    if (is_current(p, ref))
        pen_shape(&pen, STYLE(COLOR_KEY), SHAPE_CURSOR);
    else
        pen_puts(&pen, STYLE(COLOR_STDERR), STREAM[ref->line.stream % 3]);
    draw_time(p, &pen, ref->line.time);
}

static int draw_row(struct logpane *p, struct canvas *c, struct rect r, unsigned skip,
                    const struct logref *ref)
{
    struct logtext t;
    int prefix = logpane_prefix(p, r.cols);
    struct rect text = {r.row, r.col + prefix, r.rows, r.cols - prefix};
    struct logtext_layout l = {
        .wrap = p->wrap, .skip = skip, .shift = p->shift, .match = p->match};
    enum color color = ref->line.stream == LOG_STDOUT ? COLOR_TEXT : COLOR_STDERR;
    if (skip == 0)
        draw_prefix(p, pen_at(c, r, 0, 0), ref);
    logtext_open(&t, p->logs->index[ref->source], &ref->line, p->buf, STYLE(color));
    return logtext_draw(&t, c, text, &l);
}

static void fit(struct logpane *p, struct rect r)
{
    bool narrower = p->cols != r.cols && p->wrap, higher = p->rows != r.rows && p->follow;
    bool first = p->rows <= 0;
    p->rows = r.rows;
    p->cols = r.cols;
    if (narrower || higher || first)
        logpane_arrange(p);
}

void logpane_draw(struct logpane *p, struct canvas *c, struct rect r, bool focused)
{
    if (!p->logs || p->logs->n == 0 || r.rows < 1 || r.cols < 1)
        return;
    fit(p, r);
    for (int i = 0; i < DRAW_STEPS && logpane_work(p, DRAW_BUDGET); i++)
        ;
    unsigned skip = p->skip;
    if (p->follow)
        skip =
            p->shown.height > (unsigned)r.rows ? p->shown.height - (unsigned)r.rows : 0;
    int row = 0;
    for (size_t i = 0; i < p->shown.n && row < r.rows; i++) {
        struct rect line = {r.row + row, r.col, r.rows - row, r.cols};
        if (skip >= p->shown.items[i].height) {
            skip -= p->shown.items[i].height;
            continue;
        }
        row += draw_row(p, c, line, skip, &p->shown.items[i].ref);
        skip = 0;
    }
}
