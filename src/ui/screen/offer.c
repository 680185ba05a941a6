/* What the screen offers to the views and dialogs on it: the table of
 * view/surroundings.h. */
#include "ui/screen/offer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/dialog/dialog.h"
#include "ui/log/view.h"
#include "ui/screen/dispatch.h"
#include "ui/screen/jobs.h"

static void offer_say(void *app, enum say level, const char *text)
{
    ui_say(app, level, "%s", text);
}

static void offer_ask(void *app, const struct question *q)
{
    struct ui *ui = app;
    struct modal *m = prompt_new(q);
    modal_set_about(m, model_find(&ui->model, ui->shown_id));
    ui_push(ui, m);
}

static void offer_copy(void *app, const char *text)
{
    struct ui *ui = app;
    if (ui->platform->copy(ui->app, text, strlen(text)))
        ui_say(ui, SAY_INFO, "copied: %s", text);
    else
        ui_say(ui, SAY_WARNING, "this terminal has no clipboard: %s", text);
}

static void offer_changed(void *app)
{
    ui_request(app, REQUEST_WORK);
}

static int64_t offer_now(void *app)
{
    return ui_now(app);
}

/* Removes what hides it from the list. */
static bool unhide(struct ui *ui, const char *id)
{
    if (!model_find(&ui->model, id))
        return false;
    ui->model.running_only = false;
    model_filter(&ui->model, "", NULL);
    ui_say(ui, SAY_INFO, "the filter hid it and has been cleared");
    return model_select_id(&ui->model, id);
}

static void offer_jump(void *app, const char *id, int64_t time_ns)
{
    struct ui *ui = app;
    if (!model_select_id(&ui->model, id) && !unhide(ui, id)) {
        ui_say(ui, SAY_WARNING, "%.12s is no longer in the list", id);
        return;
    }
    ui->tab = TAB_LOGS;
    ui->focus_detail = ui->zoom = true;
    dispatch_sync(ui);
    logview_goto(ui->tabs[TAB_LOGS], time_ns);
}

static void offer_reveal(void *app, const char *id)
{
    struct ui *ui = app;
    if (!model_select_id(&ui->model, id) && !unhide(ui, id)) {
        ui_say(ui, SAY_WARNING, "%.12s is no longer in the list", id);
        return;
    }
    ui->page = PAGE_CONTAINERS;
    ui->focus_detail = ui->zoom = false;
    dispatch_sync(ui);
}

/* ---- commands ---------------------------------------------------------------------- */

struct errand_job {
    struct job job; /* first: done() gets the job */
    bool (*line)(void *arg, const char *line, size_t len);
    void (*done)(void *arg, int status, const char *output);
    void *arg;
    struct errand_job *next; /* of those that can be cancelled */
};

static bool pass_line(struct job *j, const char *line, size_t len)
{
    struct errand_job *ej = (struct errand_job *)j;
    return ej->line(ej->arg, line, len);
}

static struct job *errand_job(struct ui *ui, const struct errand *e,
                              void (*done)(struct job *j, int status))
{
    struct errand_job *ej = calloc(1, sizeof(*ej));
    if (!ej)
        return NULL;
    ej->done = e->done;
    ej->line = e->line;
    if (e->line)
        ej->job.line = pass_line;
    ej->arg = e->arg;
    ej->job.ui = ui;
    ej->job.hidden = e->hidden;
    ej->job.done = done;
    if (strv_add_all(&ej->job.argv, e->argv) < 0 ||
        (e->id && strv_add(&ej->job.ids, e->id) < 0)) {
        job_free(&ej->job);
        return NULL;
    }
    return &ej->job;
}

static void tell(struct job *j, int status)
{
    struct errand_job *ej = (struct errand_job *)j;
    if (ej->done)
        ej->done(ej->arg, status, j->output.data ? j->output.data : "");
}

static void forget(struct ui *ui, struct errand_job *ej)
{
    for (struct errand_job **at = (struct errand_job **)&ui->errands; *at;
         at = &(*at)->next)
        if (*at == ej) {
            *at = ej->next;
            return;
        }
}

static void run_done(struct job *j, int status)
{
    forget(j->ui, (struct errand_job *)j);
    tell(j, status);
    job_finish(j, status);
}

static void offer_run(void *app, const struct errand *e)
{
    struct ui *ui = app;
    struct job *j = errand_job(ui, e, run_done);
    if (j && e->line) {
        ((struct errand_job *)j)->next = ui->errands;
        ui->errands = (struct errand_job *)j;
    }
    job_start(j, e->busy);
}

static bool offer_cancel(void *app, const void *arg)
{
    struct ui *ui = app;
    struct errand_job *ej = ui->errands;
    while (ej && ej->arg != arg)
        ej = ej->next;
    if (!ej)
        return false;
    ej->job.cancelled = true;
    ui->platform->cancel(ui->app, &ej->job);
    return true;
}

static void capture_done(struct job *j, int status)
{
    tell(j, status);
    job_free(j);
}

static void offer_capture(void *app, const struct strv *argv,
                          void (*done)(void *arg, int status, const char *output),
                          void *arg)
{
    struct ui *ui = app;
    struct errand e = {.argv = argv, .done = done, .arg = arg};
    struct job *j = errand_job(ui, &e, capture_done);
    if (j && ui->platform->start(ui->app, j) < 0)
        capture_done(j, 125);
}

/* ---- dialogs ----------------------------------------------------------------------- */

static void offer_push(void *app, struct modal *m)
{
    ui_push(app, m);
}

static struct modal *offer_topmost(void *app)
{
    return ((struct ui *)app)->modal;
}

static struct line_history *offer_history(void *app, const char *label)
{
    return ui_history(app, label);
}

struct choice {
    void (*chosen)(void *arg, size_t index);
    void *arg;
};

static void chosen(void *app, size_t index, void *arg)
{
    struct choice *c = arg;
    c->chosen(c->arg, index);
}

static void offer_choose(void *app, const char *title, const struct strv *labels,
                         void (*fn)(void *arg, size_t index), void *arg)
{
    struct choice *c = malloc(sizeof(*c));
    auto_free struct menu_item *items = calloc(labels->len + 1, sizeof(*items));
    if (!c || !items) {
        free(c);
        return;
    }
    *c = (struct choice){fn, arg};
    for (size_t i = 0; i < labels->len; i++) {
        char *tab = strchr(labels->items[i], '\t');
        if (tab)
            *tab = '\0';
        items[i] = (struct menu_item){labels->items[i], tab ? tab + 1 : NULL};
    }
    struct ui *ui = app;
    struct modal *m = menu_new(&(struct menu){
        .title = title, .items = items, .n = labels->len, .choose = chosen, .arg = c});
    modal_set_about(m, model_find(&ui->model, ui->shown_id));
    ui_push(ui, m);
}

void offer_init(struct ui *ui)
{
    ui->around = (struct surroundings){
        .app = ui,
        .model = &ui->model,
        .keys = &ui->keys,
        .message = &ui->message,
        .say = offer_say,
        .ask = offer_ask,
        .copy = offer_copy,
        .changed = offer_changed,
        .now = offer_now,
        .jump = offer_jump,
        .reveal = offer_reveal,
        .run = offer_run,
        .cancel = offer_cancel,
        .capture = offer_capture,
        .choose = offer_choose,
        .push = offer_push,
        .topmost = offer_topmost,
        .history = offer_history,
    };
}
