/* The events of one container, newest first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ui/draw/format.h"
#include "ui/model/events_file.h"
#include "ui/model/scroll.h"
#include "ui/view/tabs.h"

struct events_view {
    struct view view;
    char id[MTD_ID_SIZE];
    bool visible;
    char *path;
    struct event_list events;
    struct scroll scroll;
    int error;
};

static bool events_view_update(struct view *view)
{
    struct events_view *v = (struct events_view *)view;
    if (!v->visible || !v->id[0] || !v->path)
        return false;
    v->error = events_file_read(v->path, v->id, &v->events);
    return true;
}

static void events_view_select(struct view *view, const struct mtd_summary *s)
{
    struct events_view *v = (struct events_view *)view;
    const struct surroundings *around = view->around;
    const char *id = s ? s->id : "";
    if (!v->path && around->engine &&
        asprintf(&v->path, "%s/events.log", mtd_root(around->engine)) < 0)
        v->path = NULL;
    if (strcmp(id, v->id) == 0)
        return;
    snprintf(v->id, sizeof(v->id), "%s", id);
    event_list_done(&v->events);
    v->scroll = (struct scroll){0};
    events_view_update(view);
}

static void events_view_show(struct view *view, bool visible)
{
    struct events_view *v = (struct events_view *)view;
    v->visible = visible;
    if (visible)
        events_view_update(view);
}

static const char *events_view_watch(struct view *view, size_t i)
{
    struct events_view *v = (struct events_view *)view;
    return v->visible && i == 0 ? v->path : NULL;
}

static const struct event_line *event_at(const struct events_view *v, size_t n)
{
    return &v->events.items[v->events.len - 1 - n];
}

static enum color color_of(const struct event_line *e)
{
    bool bad = strcmp(e->action, "oom") == 0 || strcmp(e->action, "kill") == 0 ||
               (strcmp(e->action, "die") == 0 && e->exit_code > 0);
    return bad                               ? COLOR_FAILED
           : strcmp(e->action, "start") == 0 ? COLOR_RUNNING
                                             : COLOR_TEXT;
}

static void draw_event(const struct events_view *v, size_t n, struct pen p, bool on)
{
    const struct event_line *e = event_at(v, n);
    struct style st = STYLE(on ? COLOR_SELECTED : color_of(e));
    char when[FORMAT_MAX], age[FORMAT_MAX];
    int64_t ns = 0;
    const struct surroundings *around = v->view.around;
    time_parse(e->time, 0, &ns);
    canvas_fill(p.c, p.r, st);
    p.col = 1;
    pen_printf(&p, st, "%s  %5s ago  %-10s ", format_time(ns, when),
               format_age(around->now(around->app) - ns, age), e->action);
    if (e->exit_code >= 0)
        pen_printf(&p, st, "status %d ", e->exit_code);
    pen_puts(PEN(p.c, pen_rest(&p), 0, -v->scroll.shift), st, e->detail);
}

static void events_view_draw(struct view *view, struct canvas *c, struct rect r,
                             bool focused)
{
    struct events_view *v = (struct events_view *)view;
    if (v->events.len == 0)
        pen_puts(PEN(c, r, 0, 1), STYLE(COLOR_DIM),
                 v->error   ? strerror(-v->error)
                 : v->id[0] ? "no events yet"
                            : "no container is selected");
    scroll_fit(&v->scroll, v->events.len, r.rows);
    for (int i = 0; i < r.rows && v->scroll.top + (size_t)i < v->events.len; i++) {
        size_t n = v->scroll.top + (size_t)i;
        struct rect line = {r.row + i, r.col, 1, r.cols};
        draw_event(v, n, pen_at(c, line, 0, 0), focused && n == v->scroll.at);
    }
}

static bool events_view_key(struct view *view, const struct key *k)
{
    struct events_view *v = (struct events_view *)view;
    if (k->command == CMD_COPY && v->scroll.at < v->events.len) {
        char text[256];
        const struct event_line *e = event_at(v, v->scroll.at);
        snprintf(text, sizeof(text), "%s %s %s", e->time, e->action, e->detail);
        view->around->copy(view->around->app, text);
        return true;
    }
    return scroll_key(&v->scroll, k);
}

static void events_view_status(struct view *view, char *out, size_t size)
{
    struct events_view *v = (struct events_view *)view;
    snprintf(out, size, "%zu events", v->events.len);
}

static void events_view_free(struct view *view)
{
    struct events_view *v = (struct events_view *)view;
    event_list_done(&v->events);
    free(v->path);
    free(v);
}

static const struct view_ops OPS = {
    .title = "Events",
    .context = CONTEXT_EVENTS,
    .select = events_view_select,
    .show = events_view_show,
    .update = events_view_update,
    .watch = events_view_watch,
    .draw = events_view_draw,
    .key = events_view_key,
    .status = events_view_status,
    .free = events_view_free,
};

struct view *events_view_new(const struct surroundings *around)
{
    struct events_view *v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->view = (struct view){&OPS, around};
    return &v->view;
}
