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
    enum { UNIT_PERCENT, UNIT_BYTES, UNIT_RATE, UNIT_COUNT } unit;
    const char *name_a, *name_b;
};

static const struct panel PANELS[] = {
    {"CPU", SERIES_CPU, SERIES_CPU, UNIT_PERCENT, "", ""},
    {"Memory", SERIES_MEMORY, SERIES_MEMORY, UNIT_BYTES, "", ""},
    {"Throttled", SERIES_THROTTLED, SERIES_THROTTLED, UNIT_PERCENT, "", ""},
    {"PIDs", SERIES_PIDS, SERIES_PIDS, UNIT_COUNT, "", ""},
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
    else if (p->unit == UNIT_RATE)
        snprintf(out, FORMAT_MAX, "%s/s", format_size((uint64_t)v, text));
    else
        snprintf(out, FORMAT_MAX, "%.0f", (double)v);
}

static float limit_of(const struct panel *p, const struct row *r)
{
    const struct mtd_stats *s = &r->t->last;
    if (p->a == SERIES_CPU && r->s->nano_cpus > 0)
        return (float)r->s->nano_cpus / 1e7f;
    if (p->a == SERIES_MEMORY && s->memory_limit != MTD_STAT_NONE)
        return (float)s->memory_limit;
    if (p->a == SERIES_PIDS && s->pids_limit != MTD_STAT_NONE)
        return (float)s->pids_limit;
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

static void draw_graph(const struct panel *p, const struct row *r, enum series s,
                       struct canvas *c, struct rect box)
{
    float values[MODEL_HISTORY], limit = limit_of(p, r);
    struct graph g = {.values = values, .n = collect(r->t, s, values, MODEL_HISTORY)};
    if (p->unit == UNIT_PERCENT)
        g.max = 100;
    if (limit > 0) {
        g.max = limit;
        g.high = limit * 0.9f;
    }
    for (unsigned i = 0; p->a == SERIES_CPU && limit <= 0 && i < g.n; i++)
        if (values[i] > g.max)
            g.max = values[i];
    graph_draw(&g, c, box);
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
        draw_graph(p, r, p->a, c, area);
        return;
    }
    int half = (area.cols - 1) / 2;
    draw_graph(p, r, p->a, c, (struct rect){area.row, area.col, area.rows, half});
    draw_graph(p, r, p->b, c,
               (struct rect){area.row, area.col + half + 1, area.rows, half});
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
static void slow_because(const struct row *r, struct buf *out)
{
    const struct mtd_stats *s = &r->t->last;
    bool full =
        s->memory_limit != MTD_STAT_NONE && s->memory > s->memory_limit / 100 * 95;
    if (r->s->state == MTD_STATE_PAUSED) {
        buf_puts(out, ", paused: p resumes it");
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

static void draw_panels(struct stats_view *v, const struct row *r, struct canvas *c,
                        struct rect box)
{
    const struct panel *shown[ARRAY_SIZE(PANELS)];
    int n = 0, across = box.cols >= 70 ? 2 : 1;
    for (size_t i = 0; i < ARRAY_SIZE(PANELS); i++)
        if (has_series(r, PANELS[i].a))
            shown[n++] = &PANELS[i];
    int lines = (n + across - 1) / across;
    int height = lines ? box.rows / lines : 0;
    height = height < 3 ? 3 : height > 8 ? 8 : height;
    v->panels = lines;
    v->room = box.rows / height;
    if (v->top > lines - v->room)
        v->top = lines > v->room ? lines - v->room : 0;
    int cols = (box.cols - (across - 1) * 2) / across;
    for (int i = v->top * across; i < n; i++) {
        int row = (i / across - v->top) * height;
        struct rect at = {box.row + row, box.col + i % across * (cols + 2), height - 1,
                          cols};
        if (row + 2 <= box.rows)
            draw_panel(shown[i], r, c, at);
    }
}

static void stats_view_draw(struct view *view, struct canvas *c, struct rect r,
                            bool focused)
{
    struct stats_view *v = (struct stats_view *)view;
    const struct row *row = v->id[0] ? model_find(v->view.around->model, v->id) : NULL;
    auto_done(buf_done) struct buf why = {0};
    if (!row || !row_is_alive(row) || !row->t->last.taken_at) {
        pen_puts(PEN(c, r, 0, 1), STYLE(COLOR_DIM),
                 !row                ? "no container is selected"
                 : row_is_alive(row) ? "the first figures appear in a moment"
                                     : "not running: no figures");
        return;
    }
    struct rect box = {r.row, r.col + 1, r.rows, r.cols - 2};
    slow_because(row, &why);
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
