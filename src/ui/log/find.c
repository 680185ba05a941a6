/* Search, hide, since, save and copy. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/draw/format.h"
#include "ui/log/internal.h"
#include "ui/log/text.h"

#define FIND_BUDGET (4u << 20)
#define FIND_HIDDEN 500 /* hits in hidden lines per piece of work */
#define SAVE_BUDGET (1u << 20)
#define COPY_MAX (64u << 10)

void logview_changed(struct logview *v)
{
    v->view.around->changed(v->view.around->app);
}

/* ---- search ------------------------------------------------------------------------ */

static void place_at(const struct logview *v, const struct logref *ref, bool backward,
                     struct logplace *ret)
{
    logplace_time(&v->logs, ref->line.time, ret);
    ret->at[ref->source] = backward ? ref->line.start : ref->line.next;
}

/* The marked line when it is on the screen, else the screen's edge. */
static void find_place(const struct logview *v, bool backward, struct logplace *ret)
{
    const struct logpane *p = &v->pane;
    if (p->have_current && logpane_on_screen(p, &p->current)) {
        place_at(v, &p->current, backward, ret);
    } else if (p->follow) {
        logplace_end(&v->logs, ret);
    } else {
        *ret = p->top;
    }
}

void logview_stop_finding(struct logview *v)
{
    v->finding = false;
    v->find_more = 0;
}

static void find_from(struct logview *v, bool backward, struct logplace *place)
{
    if (backward)
        logmerge_backward(&v->find, &v->logs, v->match, place, &v->pane.floor);
    else
        logmerge_forward(&v->find, &v->logs, v->match, place);
    v->finding = true;
    v->find_backward = backward;
    logview_changed(v);
}

/* A key that comes before the match it is to go on from waits for that. */
void logview_find_next(struct logview *v, bool backward)
{
    struct logplace place;
    if (v->finding) {
        v->find_more += backward ? -1 : 1;
        return;
    }
    if (!v->match) {
        char key[16];
        surroundings_say(v->view.around, SAY_INFO, "nothing to search for yet: press %s",
                         keys_for(v->view.around->keys, CMD_SEARCH, key));
        return;
    }
    if (v->logs.n == 0)
        return;
    find_place(v, backward, &place);
    find_from(v, backward, &place);
}

/* The keys that waited for this match. */
static void find_more(struct logview *v, const struct logref *ref)
{
    struct logplace place;
    bool backward = v->find_more < 0;
    if (v->find_more == 0)
        return;
    v->find_more += backward ? 1 : -1;
    place_at(v, ref, backward, &place);
    find_from(v, backward, &place);
}

static bool is_hidden(const struct logview *v, const struct logref *ref)
{
    return v->hide &&
           logindex_query_line(v->hide, v->logs.index[ref->source], &ref->line) != 1;
}

bool logview_find_work(struct logview *v)
{
    struct logref ref;
    if (!v->finding)
        return false;
    int r, hidden = 0;
    while ((r = logmerge_next(&v->find, FIND_BUDGET, &ref)) == 1 && is_hidden(v, &ref))
        if (++hidden == FIND_HIDDEN)
            return true;
    if (r == -EAGAIN)
        return true;
    v->finding = false;
    if (r > 0) {
        logpane_show(&v->pane, &ref);
        find_more(v, &ref);
    } else
        v->find_more = 0;
    if (r == 0)
        surroundings_say(v->view.around, SAY_INFO, "\"%s\": no match %s",
                         logindex_query_pattern(v->match),
                         v->find_backward ? "above" : "below");
    else if (r < 0)
        surroundings_say(v->view.around, SAY_ERROR, "search: %s", strerror(-r));
    logview_changed(v);
    return v->finding;
}

static bool check_pattern(struct logview *v, const char *text,
                          struct logindex_query **ret)
{
    struct mtd_error err = {0};
    if (logindex_query_new(ret, text, &err) == 0)
        return true;
    surroundings_say(v->view.around, SAY_WARNING, "%s", err.text);
    return false;
}

static void pattern_changed(void *arg, const char *text)
{
    struct logindex_query *q = NULL;
    if (*text && check_pattern(arg, text, &q))
        logindex_query_free(q);
}

static void search_answer(void *arg, const char *text)
{
    struct logview *v = arg;
    struct logindex_query *q;
    if (!text || (*text && !check_pattern(v, text, &q)))
        return;
    bool backward = v->pane.follow;
    logview_stop_finding(v);
    if (*text) {
        logindex_query_free(v->match);
        v->match = q;
        v->pane.match = q;
        v->pane.have_current = false;
    }
    logview_find_next(v, backward); /* "/" and Enter: the same again */
}

void logview_ask_search(struct logview *v)
{
    const struct surroundings *around = v->view.around;
    around->ask(around->app, &(struct question){.label = "search:",
                                                .changed = pattern_changed,
                                                .answer = search_answer,
                                                .arg = v});
}

/* ---- hide -------------------------------------------------------------------------- */

static void hide_answer(void *arg, const char *text)
{
    struct logview *v = arg;
    struct logindex_query *q = NULL;
    if (!text || (*text && !check_pattern(v, text, &q)))
        return;
    logview_stop_finding(v);
    logindex_query_free(v->hide);
    v->hide = q;
    v->pane.hide = q;
    logpane_arrange(&v->pane);
    logview_changed(v);
}

void logview_ask_hide(struct logview *v)
{
    const struct surroundings *around = v->view.around;
    const char *now = v->hide ? logindex_query_pattern(v->hide) : NULL;
    around->ask(around->app, &(struct question){.label = "only lines with:",
                                                .initial = now,
                                                .changed = pattern_changed,
                                                .answer = hide_answer,
                                                .arg = v});
}

/* ---- since ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int64_t seconds;
} SINCE[] = {{"", 0},      {"1m", 60},    {"5m", 300},   {"15m", 900},
             {"1h", 3600}, {"6h", 21600}, {"24h", 86400}};

const char *logview_since_name(unsigned preset)
{
    return SINCE[preset < ARRAY_SIZE(SINCE) ? preset : 0].name;
}

void logview_since(struct logview *v, unsigned preset)
{
    const struct surroundings *around = v->view.around;
    if (v->logs.n == 0 || preset >= ARRAY_SIZE(SINCE))
        return;
    v->since = preset;
    if (preset == 0)
        logplace_first(&v->logs, &v->pane.floor);
    else
        logplace_time(&v->logs,
                      around->now(around->app) - SINCE[preset].seconds * NS_PER_SEC,
                      &v->pane.floor);
    if (v->pane.follow)
        logpane_follow(&v->pane);
    else
        logpane_goto(&v->pane, &v->pane.floor);
    logview_changed(v);
}

/* ---- save and copy ----------------------------------------------------------------- */

static void save_answer(void *arg, const char *text)
{
    struct logview *v = arg;
    struct mtd_error err = {0};
    const char *names[LOG_SOURCES];
    if (!text || !*text || v->logs.n == 0)
        return;
    for (size_t i = 0; i < v->logs.n; i++)
        names[i] = v->names[i].name;
    struct logsave_spec spec = {.path = text,
                                .logs = &v->logs,
                                .names = names,
                                .from = &v->pane.floor,
                                .hide = v->hide ? logindex_query_pattern(v->hide) : NULL,
                                .times = v->pane.times != LOGTIMES_NONE};
    logsave_free(v->save);
    v->save = NULL;
    if (logsave_new(&v->save, &spec, &err) < 0)
        surroundings_say(v->view.around, SAY_ERROR, "%s", err.text);
    logview_changed(v);
}

void logview_ask_save(struct logview *v)
{
    const struct surroundings *around = v->view.around;
    char name[200];
    if (v->logs.n == 0)
        return;
    snprintf(name, sizeof(name), "%.190s.log",
             v->merged ? "containers" : v->names[0].name);
    around->ask(
        around->app,
        &(struct question){
            .label = "save to:", .initial = name, .answer = save_answer, .arg = v});
}

bool logview_save_work(struct logview *v)
{
    struct mtd_error err = {0};
    char count[FORMAT_MAX];
    if (!v->save)
        return false;
    int r = logsave_work(v->save, SAVE_BUDGET, &err);
    if (r == -EAGAIN)
        return true;
    if (r < 0)
        surroundings_say(v->view.around, SAY_ERROR, "%s", err.text);
    else
        surroundings_say(v->view.around, SAY_INFO, "saved %s lines to %s",
                         format_count(logsave_lines(v->save), count),
                         logsave_path(v->save));
    logsave_free(v->save);
    v->save = NULL;
    return false;
}

void logview_copy(struct logview *v)
{
    struct logpane *p = &v->pane;
    const struct surroundings *around = v->view.around;
    const struct logref *ref = p->have_current   ? &p->current
                               : p->shown.n == 0 ? NULL
                               : p->follow       ? &p->shown.items[p->shown.n - 1].ref
                                                 : &p->shown.items[0].ref;
    auto_done(buf_done) struct buf text = {0};
    struct logtext t;
    if (!ref || v->logs.n == 0)
        return;
    logtext_open(&t, v->logs.index[ref->source], &ref->line, p->buf, STYLE(COLOR_TEXT));
    if (logtext_plain(&t, COPY_MAX, &text) == 0 && text.data)
        around->copy(around->app, text.data);
}
