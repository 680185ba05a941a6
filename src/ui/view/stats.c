/* The figures of one container over time. Everything comes from the model's samples: this
 * view reads nothing itself. A figure the kernel does not have is left out, not shown as
 * 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "ui/draw/format.h"
#include "ui/draw/graph.h"
#include "ui/view/tabs.h"

struct stats_view {
    struct view view;
    char id[MTD_ID_SIZE];
    int top; /* first panel shown */
    int panels, room;
};

/* One graph: a title, one or two series, the limit. */
struct panel {
    const char *title;
    enum series a, b; /* b = a: one series only */
    enum { UNIT_PERCENT, UNIT_BYTES, UNIT_RATE } unit;
    const char *name_a, *name_b;
};

static const struct panel PANELS[] = {
    {"CPU", SERIES_CPU, SERIES_CPU, UNIT_PERCENT, "", ""},
    {"Memory", SERIES_MEMORY, SERIES_MEMORY, UNIT_BYTES, "", ""},
    {"Throttled", SERIES_THROTTLED, SERIES_THROTTLED, UNIT_PERCENT, "", ""},
    {"Block I/O", SERIES_BLK_READ, SERIES_BLK_WRITE, UNIT_RATE, "read", "write"},
    {"Network", SERIES_NET_RX, SERIES_NET_TX, UNIT_RATE, "in", "out"},
    {"Pressure, CPU", SERIES_PSI_CPU, SERIES_PSI_CPU, UNIT_PERCENT, "", ""},
    {"Pressure, memory", SERIES_PSI_MEMORY, SERIES_PSI_MEMORY, UNIT_PERCENT, "", ""},
    {"Pressure, I/O", SERIES_PSI_IO, SERIES_PSI_IO, UNIT_PERCENT, "", ""},
};

static void value_text(const struct panel *p, float v, char out[FORMAT_MAX])
{
    char text[FORMAT_MAX];
    if (v < 0)
        snprintf(out, FORMAT_MAX, "-");
    else if (p->unit == UNIT_PERCENT)
        snprintf(out, FORMAT_MAX, "%s%%", format_percent((double)v, text));
    else if (p->unit == UNIT_BYTES)
        format_size((uint64_t)v, out);
    else
        snprintf(out, FORMAT_MAX, "%s/s", format_size((uint64_t)v, text));
}

static float limit_of(const struct panel *p, const struct row *r)
{
    const struct mtd_stats *s = &r->t->last;
    if (p->a == SERIES_CPU && r->s->nano_cpus > 0)
        return (float)r->s->nano_cpus / 1e7f;
    if (p->a == SERIES_MEMORY && s->memory_limit != MTD_STAT_NONE)
        return (float)s->memory_limit;
    return -1;
}

static unsigned collect(const struct track *t, enum series s, float *out, unsigned max)
{
    unsigned n = 0;
    const struct sample *sample;
    while (n < max && (sample = track_sample(t, n)))
        out[n++] = sample->value[s];
    return n;
}

static bool has_series(const struct row *r, enum series s)
{
    return r->t->last.taken_at &&
           (r->t->now.value[s] >= 0 || track_sample(r->t, 0) == NULL);
}

/* The top of the graph, and the limit as a line in it. */
static struct graph make_graph(const struct panel *p, const struct row *r,
                               const float *values, unsigned n)
{
    float limit = limit_of(p, r);
    struct graph g = {.values = values, .n = n};
    if (p->unit == UNIT_PERCENT)
        g.max = 100;
    if (limit > 0) {
        g.max = g.limit = limit;
        g.high = limit * 0.9f;
    }
    for (unsigned i = 0; i < n; i++)
        if (values[i] > g.max)
            g.max = values[i];
    return g;
}

enum { AXIS = 8 }; /* columns of the scale */

static void draw_graph(const struct panel *p, const struct row *r, enum series s,
                       struct canvas *c, struct rect box)
{
    float values[MODEL_HISTORY];
    char top[FORMAT_MAX];
    struct graph g = make_graph(p, r, values, collect(r->t, s, values, MODEL_HISTORY));
    if (box.cols > 4 * AXIS && g.max > 0) {
        value_text(p, g.max, top);
        pen_field(PEN(c, box, 0, 0), AXIS - 1, true, STYLE(COLOR_DIM), top);
        if (box.rows > 1)
            pen_field(PEN(c, box, box.rows - 1, 0), AXIS - 1, true, STYLE(COLOR_DIM),
                      "0");
        box.col += AXIS;
        box.cols -= AXIS;
    }
    graph_draw(&g, c, box);
}

/* "mean 36.1%  peak 45.0%" of what is remembered. */
static void draw_summary(const struct panel *p, const struct row *r, struct pen *pen)
{
    float values[MODEL_HISTORY], sum = 0, peak = -1;
    char mean_text[FORMAT_MAX], peak_text[FORMAT_MAX];
    unsigned n = collect(r->t, p->a, values, MODEL_HISTORY), known = 0;
    for (unsigned i = 0; i < n; i++)
        if (values[i] >= 0) {
            sum += values[i];
            known++;
            peak = values[i] > peak ? values[i] : peak;
        }
    if (known == 0)
        return;
    value_text(p, sum / (float)known, mean_text);
    value_text(p, peak, peak_text);
    pen->col += 3;
    pen_printf(pen, STYLE(COLOR_DIM), "mean %s  peak %s", mean_text, peak_text);
}

static void draw_panel(const struct panel *p, const struct row *r, struct canvas *c,
                       struct rect box)
{
    char a[FORMAT_MAX], b[FORMAT_MAX], max[FORMAT_MAX];
    const float *now = r->t->now.value;
    float limit = limit_of(p, r);
    value_text(p, now[p->a], a);
    value_text(p, now[p->b], b);
    struct pen pen = {.c = c, .r = box};
    pen_puts(&pen, STYLE(COLOR_HEADING), p->title);
    pen.col += 2;
    if (p->a != p->b)
        pen_printf(&pen, STYLE(COLOR_TEXT), "%s %s  %s %s", p->name_a, a, p->name_b, b);
    else
        pen_puts(&pen, STYLE(COLOR_TEXT), a);
    if (limit > 0) {
        value_text(p, limit, max);
        pen.col++;
        pen_printf(&pen, STYLE(COLOR_LIMIT), "of %s", max);
    }
    struct rect area = {box.row + 1, box.col, box.rows - 1, box.cols};
    if (p->a == p->b) {
        draw_summary(p, r, &pen);
        draw_graph(p, r, p->a, c, area);
        return;
    }
    int half = (area.cols - 1) / 2;
    draw_graph(p, r, p->a, c, (struct rect){area.row, area.col, area.rows, half});
    draw_graph(p, r, p->b, c,
               (struct rect){area.row, area.col + half + 1, area.rows, half});
}

/* One value is one column, the newest at the right. */
static void draw_time_axis(const struct model *m, struct canvas *c, struct rect r)
{
    char age[FORMAT_MAX];
    int values = r.cols - AXIS < MODEL_HISTORY ? r.cols - AXIS : MODEL_HISTORY;
    if (r.cols <= 4 * AXIS || m->sample_ns <= 0)
        return;
    format_age(values * m->sample_ns, age);
    struct pen p = {.c = c, .r = r, .col = r.cols - values};
    pen_hline(&p, values, STYLE(COLOR_BORDER));
    pen_printf(PEN(c, r, 0, r.cols - values), STYLE(COLOR_DIM), "%s ago ", age);
    pen_puts(PEN(c, r, 0, r.cols - 4), STYLE(COLOR_DIM), " now");
}

/* Over the last samples: a cause that comes and goes between samples still counts. -1 =
 * not known. */
static double mean(const struct track *t, enum series s)
{
    enum { SAMPLES = 5 };
    double sum = 0;
    int n = 0;
    const struct sample *sample;
    for (unsigned i = 0; i < SAMPLES && (sample = track_sample(t, i)); i++)
        if (sample->value[s] >= 0) {
            sum += (double)sample->value[s];
            n++;
        }
    return n ? sum / n : -1;
}

/* Shares of the time that slow a container down, and the share from which on they are
 * mentioned. */
static const struct {
    enum series series;
    double from;
    const char *text;
} CAUSES[] = {
    {SERIES_THROTTLED, 1, "throttled"},
    {SERIES_PSI_CPU, 30, "waits for a processor"},
    {SERIES_PSI_IO, 10, "waits for I/O"},
    {SERIES_PSI_MEMORY, 10, "waits for memory"},
};

/* One plain sentence, when there is a reason to be slow. */
static void slow_because(const struct row *r, const struct keys *keys, struct buf *out)
{
    char key[16];
    const struct mtd_stats *s = &r->t->last;
    bool full =
        s->memory_limit != MTD_STAT_NONE && s->memory > s->memory_limit / 100 * 95;
    if (r->s->state == MTD_STATE_PAUSED) {
        buf_printf(out, ", paused: %s resumes it", keys_for(keys, CMD_PAUSE, key));
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(CAUSES); i++) {
        double share = mean(r->t, CAUSES[i].series);
        if (share >= CAUSES[i].from)
            buf_printf(out, ", %s %.0f %%", CAUSES[i].text, share);
    }
    if (out->len)
        buf_puts(out, " of the time");
    if (full)
        buf_puts(out, ", at its memory limit");
    if (s->oom_kills != MTD_STAT_NONE && s->oom_kills > 0)
        buf_printf(out, ", OOM killed %llu times", (unsigned long long)s->oom_kills);
}

/* Nothing happened in all the time that is remembered: a graph of it would only take room. */
static bool is_idle(const struct panel *p, const struct row *r)
{
    const struct sample *sample;
    unsigned n = 0;
    if (p->a == SERIES_CPU || p->a == SERIES_MEMORY)
        return false;
    for (; (sample = track_sample(r->t, n)); n++)
        if (sample->value[p->a] > 0 || sample->value[p->b] > 0)
            return false;
    return n > 0;
}

static void draw_idle(const struct row *r, struct pen *p)
{
    const char *before = "   idle: ";
    for (size_t i = 0; i < ARRAY_SIZE(PANELS); i++)
        if (has_series(r, PANELS[i].a) && is_idle(&PANELS[i], r)) {
            pen_printf(p, STYLE(COLOR_DIM), "%s%s", before, PANELS[i].title);
            before = "; ";
        }
}

static void draw_panels(struct stats_view *v, const struct row *r, struct canvas *c,
                        struct rect box)
{
    const struct panel *shown[ARRAY_SIZE(PANELS)];
    int n = 0;
    if (box.rows > 6) {
        box.rows--;
        draw_time_axis(v->view.around->model, c,
                       (struct rect){box.row + box.rows, box.col, 1, box.cols});
    }
    for (size_t i = 0; i < ARRAY_SIZE(PANELS); i++)
        if (has_series(r, PANELS[i].a) && !is_idle(&PANELS[i], r))
            shown[n++] = &PANELS[i];
    int height = n ? box.rows / n : 0;
    height = height < 4 ? 4 : height > 8 ? 8 : height;
    v->panels = n;
    v->room = box.rows / height > 0 ? box.rows / height : 1;
    if (v->top > n - v->room)
        v->top = n > v->room ? n - v->room : 0;
    for (int i = v->top; i < n; i++) {
        int row = (i - v->top) * height;
        struct rect at = {box.row + row, box.col, height - 1, box.cols};
        if (row + 2 <= box.rows) {
            at.rows = at.rows < box.rows - row ? at.rows : box.rows - row;
            draw_panel(shown[i], r, c, at);
        }
    }
}

/* What is a number and no course. */
static void draw_numbers(const struct row *r, struct pen *p, int64_t now)
{
    const struct mtd_stats *s = &r->t->last;
    char age[FORMAT_MAX];
    if (!row_is_alive(r))
        pen_printf(p, STYLE(COLOR_WARNING), "ended %s ago; its last figures   ",
                   format_age(now - r->s->finished_at, age));
    if (s->pids != MTD_STAT_NONE) {
        pen_printf(p, STYLE(COLOR_HEADING), "PIDs");
        pen_printf(p, STYLE(COLOR_TEXT), "  %llu", (unsigned long long)s->pids);
    }
    if (s->pids_limit != MTD_STAT_NONE)
        pen_printf(p, STYLE(COLOR_LIMIT), " of %llu", (unsigned long long)s->pids_limit);
    draw_idle(r, p);
}

static void stats_view_draw(struct view *view, struct canvas *c, struct rect r,
                            bool focused)
{
    struct stats_view *v = (struct stats_view *)view;
    const struct row *row = v->id[0] ? model_find(v->view.around->model, v->id) : NULL;
    auto_done(buf_done) struct buf why = {0};
    if (!row || !row->t->last.taken_at ||
        (!row_is_alive(row) && !track_sample(row->t, 0))) {
        pen_puts(PEN(c, r, 0, 1), STYLE(COLOR_DIM),
                 !row                ? "no container is selected"
                 : row_is_alive(row) ? "the first figures appear in a moment"
                                     : "not running: no figures");
        return;
    }
    struct rect box = {r.row, r.col + 1, r.rows, r.cols - 2};
    const struct surroundings *around = view->around;
    draw_numbers(row, PEN(c, box, 0, 0), around->now(around->app));
    box.row++;
    box.rows--;
    if (row_is_alive(row))
        slow_because(row, around->keys, &why);
    if (why.len) {
        struct pen p = {.c = c, .r = box};
        pen_puts(&p, STYLE(COLOR_WARNING), "slow because: ");
        pen_field(&p, box.cols - p.col, false, STYLE(COLOR_WARNING), why.data + 2);
        box.row++;
        box.rows--;
    }
    draw_panels(v, row, c, box);
}

static void stats_view_select(struct view *view, const struct mtd_summary *s)
{
    struct stats_view *v = (struct stats_view *)view;
    snprintf(v->id, sizeof(v->id), "%s", s ? s->id : "");
}

static bool stats_view_key(struct view *view, const struct key *k)
{
    struct stats_view *v = (struct stats_view *)view;
    int step = k->command == CMD_DOWN || k->command == CMD_PAGE_DOWN ? 1
               : k->command == CMD_UP || k->command == CMD_PAGE_UP   ? -1
                                                                     : 0;
    if (k->key == KEY_MOUSE)
        step = k->button == MOUSE_WHEEL_DOWN ? 1 : k->button == MOUSE_WHEEL_UP ? -1 : 0;
    int to = v->top + step;
    if (to >= 0 && (step < 0 || to <= v->panels - v->room))
        v->top = to;
    return step != 0;
}

static void stats_view_free(struct view *view)
{
    free(view);
}

static const struct view_ops OPS = {
    .title = "Stats",
    .context = CONTEXT_STATS,
    .select = stats_view_select,
    .draw = stats_view_draw,
    .key = stats_view_key,
    .free = stats_view_free,
};

struct view *stats_view_new(const struct surroundings *around)
{
    struct stats_view *v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->view = (struct view){&OPS, around};
    return &v->view;
}
