/* The view itself: which logs are open, and which of its parts a key or a piece of work
 * belongs to. */
#include "ui/log/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "ui/draw/ansi.h"
#include "ui/draw/format.h"
#include "ui/log/internal.h"

#define WORK_BUDGET (2u << 20)
#define SHIFT 8
#define WHEEL 3

static struct logview *of(struct view *view)
{
    return (struct logview *)view;
}

bool logview_shows_grep(const struct view *view)
{
    return ((const struct logview *)view)->grep_shown;
}

/* ---- the screen's calls ------------------------------------------------------------ */

static void logview_show(struct view *view, bool visible)
{
    struct logview *v = of(view);
    if (visible && !v->visible)
        logpane_update(&v->pane);
    v->visible = visible;
}

static bool logview_update(struct view *view)
{
    struct logview *v = of(view);
    if (!v->visible || !logpane_update(&v->pane))
        return false;
    if (!v->pane.follow)
        logview_changed(v); /* the new lines are counted */
    return true;
}

static const char *logview_watch(struct view *view, size_t i)
{
    struct logview *v = of(view);
    return v->visible && i < v->logs.n ? v->names[i].dir : NULL;
}

static bool logview_work(struct view *view)
{
    struct logview *v = of(view);
    if (!v->visible)
        return false;
    if (v->save && logview_save_work(v))
        return true;
    if (v->grep_shown)
        return loggrep_work(v->grep, WORK_BUDGET);
    bool finding = logview_find_work(v);
    return logpane_work(&v->pane, WORK_BUDGET) || finding;
}

static void draw_legend(const struct logview *v, struct canvas *c, struct rect r)
{
    struct pen p = {.c = c, .r = r};
    canvas_fill(c, r, STYLE(COLOR_TEXT));
    for (size_t i = 0; i < v->logs.n && p.col < r.cols; i++, p.col += 2) {
        char letter[2] = {(char)('A' + i), '\0'};
        pen_puts(&p, STYLE_ATTR(COLOR_LANE + i % 8, ATTR_BOLD), letter);
        p.col++;
        pen_puts(&p, STYLE(COLOR_DIM), v->names[i].name);
    }
}

static void logview_draw(struct view *view, struct canvas *c, struct rect r, bool focused)
{
    struct logview *v = of(view);
    if (v->grep_shown) {
        loggrep_draw(v->grep, c, r, focused);
        return;
    }
    if (v->logs.n == 0) {
        pen_puts(PEN(c, r, 0, 1), STYLE(COLOR_DIM),
                 v->problem[0]    ? v->problem
                 : v->selected[0] ? "no log"
                                  : "no container is selected");
        return;
    }
    if (v->merged && r.rows > 3) {
        draw_legend(v, c, (struct rect){r.row, r.col, 1, r.cols});
        r.row++;
        r.rows--;
    }
    logpane_draw(&v->pane, c, r, focused);
    if (v->pane.shown.n == 0 && !v->finding)
        pen_puts(PEN(c, r, 0, 1), STYLE(COLOR_DIM),
                 v->hide ? "no line matches so far" : "nothing was written");
}

static void append(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void append(char *out, size_t size, const char *fmt, ...)
{
    size_t n = strlen(out);
    va_list args;
    va_start(args, fmt);
    vsnprintf(out + n, size - n, fmt, args);
    va_end(args);
}

static unsigned percent_found(const struct logview *v)
{
    uint64_t scanned = 0, total = 1;
    for (size_t i = 0; i < v->logs.n; i++) {
        scanned += v->find.source[i].search.scanned;
        total += logindex_end(v->logs.index[i]) - logindex_first(v->logs.index[i]);
    }
    return scanned < total ? (unsigned)(scanned * 100 / total) : 99;
}

static void logview_status(struct view *view, char *out, size_t size)
{
    struct logview *v = of(view);
    char count[FORMAT_MAX];
    uint64_t fresh = logpane_fresh(&v->pane);
    out[0] = '\0';
    if (v->grep_shown)
        loggrep_status(v->grep, out, size);
    if (v->grep_shown || v->logs.n == 0)
        return;
    if (v->save)
        append(out, size, "saving, ");
    if (v->finding)
        append(out, size, "searching %u%%, ", percent_found(v));
    if (v->hide)
        append(out, size, "&%.30s, ", logindex_query_pattern(v->hide));
    if (v->since)
        append(out, size, "since %s, ", logview_since_name(v->since));
    append(out, size, v->pane.follow ? "following" : "paused");
    if (fresh > 0)
        append(out, size, ", %s new", format_count(fresh, count));
}

/* ---- keys -------------------------------------------------------------------------- */

static void copy_text(struct logview *v, const char *text)
{
    auto_done(buf_done) struct buf plain = {0};
    ansi_plain(text, strlen(text), &plain);
    if (plain.data)
        v->view.around->copy(v->view.around->app, plain.data);
}

static bool grep_key(struct logview *v, const struct key *k)
{
    const struct surroundings *around = v->view.around;
    struct loggrep_hit hit;
    switch (k->command) {
    case CMD_BACK:
        loggrep_free(v->grep);
        v->grep = NULL;
        v->grep_shown = false;
        return true;
    case CMD_OPEN:
        if (loggrep_chosen(v->grep, &hit)) {
            v->jump_nth = hit.nth;
            around->jump(around->app, hit.id, hit.time);
        }
        return true;
    case CMD_COPY:
        if (loggrep_chosen(v->grep, &hit))
            copy_text(v, hit.text);
        return true;
    default: return loggrep_key(v->grep, k);
    }
}

static bool mouse(struct logview *v, const struct key *k)
{
    int row = k->row - (v->merged && v->pane.rows > 2 ? 1 : 0);
    const struct logref *ref;
    switch (k->button) {
    case MOUSE_WHEEL_UP: logpane_scroll(&v->pane, -WHEEL); return true;
    case MOUSE_WHEEL_DOWN: logpane_scroll(&v->pane, WHEEL); return true;
    case MOUSE_LEFT:
        ref = row >= 0 ? logpane_at(&v->pane, row) : NULL;
        if (ref)
            logpane_show(&v->pane, ref);
        return true;
    default: return false;
    }
}

static bool back(struct logview *v)
{
    if (v->finding) {
        logview_stop_finding(v);
        return true;
    }
    if (v->grep) { /* the line came from there */
        v->grep_shown = true;
        return true;
    }
    return false;
}

static void go_top(struct logview *v)
{
    logpane_goto(&v->pane, &v->pane.floor);
}

static bool move(struct logview *v, enum command cmd)
{
    struct logpane *p = &v->pane;
    long page = p->rows > 1 ? p->rows - 1 : 1;
    switch (cmd) {
    case CMD_UP: logpane_scroll(p, -1); return true;
    case CMD_DOWN: logpane_scroll(p, 1); return true;
    case CMD_PAGE_UP: logpane_scroll(p, -page); return true;
    case CMD_PAGE_DOWN: logpane_scroll(p, page); return true;
    case CMD_HALF_UP: logpane_scroll(p, -(page + 1) / 2); return true;
    case CMD_HALF_DOWN: logpane_scroll(p, (page + 1) / 2); return true;
    case CMD_TOP: go_top(v); return true;
    case CMD_BOTTOM: logpane_follow(p); return true;
    case CMD_LEFT: p->shift = p->shift > SHIFT ? p->shift - SHIFT : 0; return true;
    case CMD_RIGHT: p->shift += p->wrap ? 0 : SHIFT; return true;
    default: return false;
    }
}

static bool command(struct logview *v, enum command cmd)
{
    struct logpane *p = &v->pane;
    switch (cmd) {
    case CMD_BACK: return back(v);
    case CMD_FOLLOW:
        if (p->follow)
            logpane_pause(p);
        else
            logpane_follow(p);
        return true;
    case CMD_WRAP:
        p->wrap = !p->wrap;
        p->shift = 0;
        logpane_arrange(p);
        return true;
    case CMD_TIMESTAMPS:
        p->times = (p->times + 1) % LOGTIMES_COUNT;
        logpane_arrange(p);
        return true;
    case CMD_SEARCH: logview_ask_search(v); return true;
    case CMD_SEARCH_NEXT: logview_find_next(v, false); return true;
    case CMD_SEARCH_PREVIOUS: logview_find_next(v, true); return true;
    case CMD_HIDE: logview_ask_hide(v); return true;
    case CMD_SAVE: logview_ask_save(v); return true;
    case CMD_COPY: logview_copy(v); return true;
    default: return false;
    }
}

static bool logview_key(struct view *view, const struct key *k)
{
    struct logview *v = of(view);
    bool used;
    if (v->grep_shown)
        return grep_key(v, k);
    if (v->logs.n == 0)
        return false;
    if (k->key == KEY_MOUSE)
        used = mouse(v, k);
    else if (k->command >= CMD_SINCE_0 && k->command <= CMD_SINCE_6) {
        logview_since(v, (unsigned)(k->command - CMD_SINCE_0));
        used = true;
    } else
        used = move(v, k->command) || command(v, k->command);
    if (used)
        logview_changed(v);
    return used;
}

static void logview_free(struct view *view)
{
    struct logview *v = of(view);
    logview_close_logs(v);
    free(v->selected_name);
    loggrep_free(v->grep);
    logindex_query_free(v->match);
    logindex_query_free(v->hide);
    logpane_done(&v->pane);
    free(v);
}

static const struct view_ops OPS = {
    .title = "Logs",
    .context = CONTEXT_LOG,
    .select = logview_select,
    .show = logview_show,
    .update = logview_update,
    .watch = logview_watch,
    .work = logview_work,
    .draw = logview_draw,
    .key = logview_key,
    .status = logview_status,
    .free = logview_free,
};

struct view *logview_new(const struct surroundings *around)
{
    struct logview *v = calloc(1, sizeof(*v));
    if (!v || logpane_init(&v->pane) < 0) {
        free(v);
        return NULL;
    }
    v->view = (struct view){&OPS, around};
    return &v->view;
}
