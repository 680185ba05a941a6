/* The engine searches the logs one after another; hits arrive in that order and become
 * rows under a heading of their container. */
#include "ui/log/grep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "ui/draw/ansi.h"
#include "ui/draw/format.h"
#include "ui/model/scroll.h"

#define EXCERPT 240

struct hit { /* a row: a container's heading, or a line */
    unsigned source;
    unsigned count; /* heading: hits of the container; 0 = this is a line */
    int64_t time;
    char *text;
};

struct loggrep {
    struct logindex_grep *grep;
    struct strv ids, names;
    struct hit *rows;
    size_t n, cap;
    size_t heading; /* row of the present container's; SIZE_MAX = none */
    size_t hits, sources;
    uint64_t total; /* bytes to search */
    bool done, cut;
    struct scroll scroll;
};

static int add_container(struct loggrep *g, struct mtd_engine *e,
                         const struct mtd_summary *s, struct strv *paths)
{
    auto_free char *path = mtd_path(e, s->id, "log");
    struct stat st;
    if (!path)
        return -ENOMEM;
    if (stat(path, &st) == 0)
        g->total += (uint64_t)st.st_size;
    int r = strv_add(&g->ids, s->id);
    if (r == 0)
        r = strv_add(&g->names, s->name ? s->name : s->id);
    return r < 0 ? r : strv_add(paths, path);
}

struct loggrep *loggrep_new(struct mtd_engine *e,
                            const struct mtd_summary *const *containers, size_t n,
                            const char *pattern, struct mtd_error *err)
{
    auto_done(strv_done) struct strv paths = {0};
    struct loggrep *g = calloc(1, sizeof(*g));
    if (!g) {
        mtd_fail_errno(err, ENOMEM, "grep");
        return NULL;
    }
    g->heading = SIZE_MAX;
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        if ((r = add_container(g, e, containers[i], &paths)) < 0)
            mtd_fail_errno(err, -r, "grep");
    if (r == 0)
        r = logindex_grep_new(&g->grep, (const char *const *)paths.items, paths.len,
                              pattern, 0, err);
    if (r < 0) {
        loggrep_free(g);
        return NULL;
    }
    return g;
}

void loggrep_free(struct loggrep *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++)
        free(g->rows[i].text);
    free(g->rows);
    logindex_grep_free(g->grep);
    strv_done(&g->ids);
    strv_done(&g->names);
    free(g);
}

static int add_row(struct loggrep *g, const struct hit *h)
{
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 128;
        struct hit *p = reallocarray(g->rows, cap, sizeof(*p));
        if (!p)
            return -ENOMEM;
        g->rows = p;
        g->cap = cap;
    }
    g->rows[g->n++] = *h;
    return 0;
}

static int add_hit(struct loggrep *g, const struct log_hit *found, const char *text,
                   size_t len)
{
    struct hit h = {.source = (unsigned)found->source, .time = found->line.time};
    if (g->heading == SIZE_MAX || g->rows[g->heading].source != h.source) {
        if (add_row(g, &h) < 0)
            return -ENOMEM;
        g->heading = g->n - 1;
        g->sources++;
    }
    g->rows[g->heading].count++;
    g->hits++;
    h.text = strndup(text, len); /* NULs end it: it is an excerpt */
    if (!h.text || add_row(g, &h) < 0) {
        free(h.text);
        return -ENOMEM;
    }
    return 0;
}

bool loggrep_work(struct loggrep *g, size_t budget)
{
    uint64_t stop = logindex_grep_scanned(g->grep) + budget;
    char text[EXCERPT];
    for (int hits = 0; !g->done && hits < 100 && logindex_grep_scanned(g->grep) < stop;) {
        struct log_hit hit;
        size_t len;
        int r = logindex_grep_next(g->grep, budget, &hit, text, sizeof(text), &len);
        if (r == -EAGAIN)
            break;
        if (r > 0 && add_hit(g, &hit, text, len) < 0)
            r = -ENOMEM;
        hits++;
        if (r > 0 && g->rows[g->heading].count >= LOGGREP_EACH) {
            logindex_grep_skip(g->grep);
            g->cut = true;
        }
        if (g->hits >= LOGGREP_ALL)
            g->cut = true;
        g->done = r <= 0 || g->hits >= LOGGREP_ALL;
    }
    return !g->done;
}

/* ---- on the screen ----------------------------------------------------------------- */

static void draw_heading(const struct loggrep *g, const struct hit *h, struct pen p,
                         struct style st)
{
    char count[FORMAT_MAX];
    p.col = 1;
    pen_puts(&p, st, g->names.items[h->source]);
    p.col += 2;
    pen_printf(&p, STYLE(COLOR_DIM), "%s%s", format_count(h->count, count),
               h->count >= LOGGREP_EACH ? " and more"
               : h->count == 1          ? " line"
                                        : " lines");
}

static void draw_text(const struct loggrep *g, const char *text, struct pen p,
                      struct style base)
{
    struct ansi a;
    size_t n = strlen(text), start = SIZE_MAX, end = 0;
    while (n > 0 && text[n - 1] == '\r')
        n--;
    const char *last = memrchr(text, '\r', n); /* a progress bar's last state */
    size_t at = last ? (size_t)(last + 1 - text) : 0;
    ansi_init(&a, base);
    logindex_query_match(logindex_grep_query(g->grep), text, n, 0, &start, &end);
    while ((at < n || ansi_pending(&a)) && p.col < p.r.cols) {
        struct glyph glyph;
        struct style st;
        bool match = at >= start && at < end;
        at += ansi_next(&a, text + at, n - at, &glyph, &st);
        pen_text(&p, match ? STYLE(COLOR_MATCH) : st, glyph.bytes, glyph.len);
    }
}

static void draw_row(const struct loggrep *g, size_t n, struct pen p, bool on)
{
    const struct hit *h = &g->rows[n];
    char when[FORMAT_MAX];
    if (on)
        canvas_fill(p.c, p.r, STYLE(COLOR_SELECTED));
    if (h->count > 0) {
        draw_heading(g, h, p, STYLE(on ? COLOR_SELECTED : COLOR_HEADING));
        return;
    }
    pen_puts(&p, STYLE(COLOR_KEY), on ? canvas_shape(p.c, SHAPE_CURSOR) : " ");
    if (p.r.cols >= 60) {
        p.col++;
        pen_puts(&p, STYLE(on ? COLOR_SELECTED : COLOR_DIM), format_time(h->time, when));
        p.col++;
    }
    draw_text(g, h->text, pen_at(p.c, pen_rest(&p), 0, -g->scroll.shift),
              STYLE(on ? COLOR_SELECTED : COLOR_TEXT));
}

void loggrep_draw(struct loggrep *g, struct canvas *c, struct rect r, bool focused)
{
    scroll_fit(&g->scroll, g->n, r.rows);
    if (g->n == 0)
        pen_printf(PEN(c, r, 0, 1), STYLE(COLOR_DIM),
                   g->done ? "\"%s\" is in no log" : "searching",
                   logindex_query_pattern(logindex_grep_query(g->grep)));
    for (int i = 0; i < r.rows && g->scroll.top + (size_t)i < g->n; i++) {
        size_t n = g->scroll.top + (size_t)i;
        struct rect line = {r.row + i, r.col, 1, r.cols};
        draw_row(g, n, pen_at(c, line, 0, 0), n == g->scroll.at);
    }
}

bool loggrep_key(struct loggrep *g, const struct key *k)
{
    return scroll_key(&g->scroll, k);
}

void loggrep_status(const struct loggrep *g, char *out, size_t size)
{
    char hits[FORMAT_MAX];
    uint64_t scanned = logindex_grep_scanned(g->grep);
    int n = snprintf(out, size, "grep %.40s: %s in %zu",
                     logindex_query_pattern(logindex_grep_query(g->grep)),
                     format_count(g->hits, hits), g->sources);
    if (n < 0 || (size_t)n >= size)
        return;
    if (!g->done && g->total > 0)
        snprintf(out + n, size - (size_t)n, ", %u%%",
                 (unsigned)(scanned < g->total ? scanned * 100 / g->total : 99));
    else if (g->cut)
        snprintf(out + n, size - (size_t)n, ", more not shown");
}

const struct logindex_query *loggrep_query(const struct loggrep *g)
{
    return logindex_grep_query(g->grep);
}

bool loggrep_chosen(const struct loggrep *g, struct loggrep_hit *ret)
{
    size_t at = g->scroll.at;
    if (at < g->n && g->rows[at].count > 0)
        at++; /* a heading: its first line */
    if (at >= g->n)
        return false;
    const struct hit *h = &g->rows[at];
    *ret = (struct loggrep_hit){
        .id = g->ids.items[h->source], .text = h->text, .time = h->time};
    while (at-- > 0 && g->rows[at].count == 0 && g->rows[at].time == h->time)
        ret->nth++;
    return true;
}
