/* Which logs are open: the selected container's, the marked ones' merged, or those a grep
 * goes through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/log/internal.h"
#include "ui/log/view.h"

#define SAME_TIME 100000 /* lines of one time to look through */

static struct logview *of(struct view *view)
{
    return (struct logview *)view;
}

void logview_close_logs(struct logview *v)
{
    logview_stop_finding(v);
    logsave_free(v->save); /* it reads them */
    v->save = NULL;
    for (size_t i = 0; i < v->logs.n; i++) {
        logindex_close(v->logs.index[i]);
        free(v->names[i].name);
        free(v->names[i].dir);
        v->names[i] = (struct logname){.id = ""};
    }
    v->logs.n = 0;
    v->problem[0] = '\0';
    v->pane.logs = NULL;
}

static void add_log(struct logview *v, const struct mtd_summary *s)
{
    struct mtd_error err = {0};
    struct logname *name = &v->names[v->logs.n];
    auto_free char *path = mtd_path(v->view.around->engine, s->id, "log");
    auto_free char *copy = strdup(s->name ? s->name : s->id);
    char *slash = path ? strrchr(path, '/') : NULL;
    auto_free char *dir = slash ? strndup(path, (size_t)(slash - path)) : NULL;
    if (!dir || !copy || v->logs.n == LOG_SOURCES)
        return;
    if (logindex_open(&v->logs.index[v->logs.n], path, &err) < 0) {
        snprintf(v->problem, sizeof(v->problem), "%s", err.text);
        return;
    }
    memcpy(name->id, s->id, sizeof(name->id));
    name->name = take_ptr(&copy);
    name->dir = take_ptr(&dir);
    v->logs.n++;
}

static void open_logs(struct logview *v, const struct mtd_summary *const *s, size_t n)
{
    logview_close_logs(v);
    for (size_t i = 0; i < n && v->view.around->engine; i++)
        add_log(v, s[i]);
    logpane_reset(&v->pane, &v->logs);
    if (v->since)
        logview_since(v, v->since);
}

static void open_selected(struct logview *v)
{
    struct mtd_summary s = {.name = v->selected_name};
    const struct mtd_summary *one = &s;
    memcpy(s.id, v->selected, sizeof(s.id));
    open_logs(v, &one, v->selected[0] ? 1 : 0);
}

void logview_select(struct view *view, const struct mtd_summary *s)
{
    struct logview *v = of(view);
    const char *id = s ? s->id : "";
    bool same = strcmp(id, v->selected) == 0;
    if (!same) {
        snprintf(v->selected, sizeof(v->selected), "%s", id);
        free(v->selected_name);
        v->selected_name = s && s->name ? strdup(s->name) : NULL;
        v->alone = false;
    }
    if (v->merged || (same && (v->logs.n > 0 || !s)))
        return;
    v->since = same ? v->since : 0;
    open_selected(v);
}

/* Whether these are merged already; the order of the list may have changed. */
static bool is_merged(const struct logview *v, const struct mtd_summary *const *s,
                      size_t n)
{
    size_t found = 0;
    if (!v->merged || v->n_asked != n)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            found += strcmp(v->asked[k], s[i]->id) == 0;
    return found == n;
}

static void leave_merge(struct logview *v)
{
    v->merged = false;
    v->since = 0;
    open_selected(v);
}

void logview_merge(struct view *view, const struct mtd_summary *const *s, size_t n)
{
    struct logview *v = of(view);
    size_t most = n < LOG_SOURCES ? n : LOG_SOURCES;
    if (n < 2) {
        if (v->merged)
            leave_merge(v);
        return;
    }
    if (v->alone || is_merged(v, s, most))
        return;
    v->merged = true;
    v->since = 0;
    v->n_asked = most;
    for (size_t i = 0; i < most; i++)
        memcpy(v->asked[i], s[i]->id, sizeof(v->asked[i]));
    open_logs(v, s, most);
    if (n > most)
        surroundings_say(v->view.around, SAY_WARNING, "only the first %d are shown",
                         LOG_SOURCES);
}

/* The source that is the selected container's; ends a merge it is not part of. */
static unsigned selected_source(struct logview *v)
{
    for (unsigned i = 0; i < v->logs.n; i++)
        if (strcmp(v->names[i].id, v->selected) == 0)
            return i;
    if (v->merged) {
        leave_merge(v);
        v->alone = true;
    }
    return 0;
}

/* All lines of one read() of the container's pipe have the same time: finds the right one
 * of them. */
static void find_hit(struct logview *v, struct logindex *x, struct log_line *line)
{
    struct log_line l = *line;
    unsigned nth = v->jump_nth;
    for (int i = 0; i < SAME_TIME && l.time == line->time; i++) {
        if (logindex_query_line(loggrep_query(v->grep), x, &l) == 1 && nth-- == 0) {
            *line = l;
            return;
        }
        if (logindex_at(x, l.next, &l) != 1)
            return;
    }
}

void logview_goto(struct view *view, int64_t time_ns)
{
    struct logview *v = of(view);
    struct logref ref = {.source = selected_source(v)};
    uint64_t at;
    v->grep_shown = false;
    if (v->logs.n == 0)
        return;
    struct logindex *x = v->logs.index[ref.source];
    if (logindex_seek_time(x, time_ns, &at) == 0 && logindex_at(x, at, &ref.line) == 1) {
        if (v->grep)
            find_hit(v, x, &ref.line);
        logpane_show(&v->pane, &ref);
    }
    logview_changed(v);
}

void logview_grep(struct view *view, const struct mtd_summary *const *s, size_t n,
                  const char *pattern)
{
    struct logview *v = of(view);
    struct mtd_error err = {0};
    if (!v->view.around->engine)
        return;
    struct loggrep *g = loggrep_new(v->view.around->engine, s, n, pattern, &err);
    if (!g) {
        surroundings_say(v->view.around, SAY_WARNING, "%s", err.text);
        return;
    }
    loggrep_free(v->grep);
    v->grep = g;
    v->grep_shown = true;
    logview_changed(v);
}
