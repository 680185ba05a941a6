/* The dashboard as a whole. What is read when: the list after a file event, figures with the
 * sample timer, the visible tab when its files change; nothing else, so an idle screen costs
 * nothing. */
#include "ui/screen/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "ui/dialog/dialog.h"
#include "ui/log/view.h"
#include "ui/screen/bar.h"
#include "ui/screen/dispatch.h"
#include "ui/screen/jobs.h"
#include "ui/screen/machine.h"
#include "ui/view/list.h"
#include "ui/view/tabs.h"

/* ---- what views may ask ----------------------------------------------------------------- */

static void host_say(void *app, enum say level, const char *text)
{
    ui_say(app, level, "%s", text);
}

static void host_ask(void *app, const char *label, const char *initial,
                     void (*changed)(void *arg, const char *text),
                     void (*answer)(void *arg, const char *text), void *arg)
{
    struct ui *ui = app;
    struct modal *m = prompt_new(label, initial, changed, answer, arg);
    ui_about(m, model_find(&ui->model, ui->shown_id));
    ui_push(ui, m);
}

static void host_copy(void *app, const char *text)
{
    struct ui *ui = app;
    if (ui->platform->copy(ui->app, text, strlen(text)))
        ui_say(ui, SAY_INFO, "copied: %s", text);
    else
        ui_say(ui, SAY_WARNING, "this terminal has no clipboard: %s", text);
}

static void host_changed(void *app)
{
    ui_request(app, REQUEST_WORK);
}

static int64_t host_now(void *app)
{
    return ui_now(app);
}

/* What hides it from the list is dropped. */
static bool unhide(struct ui *ui, const char *id)
{
    if (!model_find(&ui->model, id))
        return false;
    ui->model.running_only = false;
    model_filter(&ui->model, "", NULL);
    ui_say(ui, SAY_INFO, "the filter hid it: all are shown again");
    return model_select_id(&ui->model, id);
}

static void host_jump(void *app, const char *id, int64_t time_ns)
{
    struct ui *ui = app;
    if (!model_select_id(&ui->model, id) && !unhide(ui, id)) {
        ui_say(ui, SAY_WARNING, "%.12s is not in the list (any more)", id);
        return;
    }
    ui->tab = TAB_LOGS;
    ui->focus_detail = ui->zoom = true;
    dispatch_sync(ui);
    logview_goto(ui->tabs[TAB_LOGS], time_ns);
}

static struct job *copy_job(struct ui *ui, const struct strv *argv)
{
    struct job *j = job_new(ui);
    if (j && strv_add_all(&j->argv, argv) < 0) {
        job_free(j);
        return NULL;
    }
    return j;
}

static void host_run(void *app, const struct strv *argv)
{
    job_start(copy_job(app, argv), NULL);
}

/* A quiet job: its end is only told to the one who asked. */
struct capture {
    struct job job; /* first: done() gets the job */
    void (*done)(void *arg, int status, const char *output);
    void *arg;
};

static void captured(struct job *j, int status)
{
    struct capture *c = (struct capture *)j;
    c->done(c->arg, status, j->output.data ? j->output.data : "");
    job_free(j);
}

static void host_capture(void *app, const struct strv *argv,
                         void (*done)(void *arg, int status, const char *output),
                         void *arg)
{
    struct ui *ui = app;
    struct capture *c = calloc(1, sizeof(*c));
    if (!c)
        return;
    c->done = done;
    c->arg = arg;
    c->job.ui = ui;
    c->job.done = captured;
    strv_add_all(&c->job.argv, argv);
    if (ui->platform->start(ui->app, &c->job) < 0)
        captured(&c->job, 125);
}

struct choice {
    void (*chosen)(void *arg, size_t index);
    void *arg;
};

static void chosen(struct ui *ui, size_t index, void *arg)
{
    struct choice *c = arg;
    c->chosen(c->arg, index);
}

static void host_choose(void *app, const char *title, const struct strv *labels,
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
    struct modal *m = menu_new(title, items, labels->len, 0, chosen, c);
    ui_about(m, model_find(&ui->model, ui->shown_id));
    ui_push(ui, m);
}

/* ---- beginning and end -------------------------------------------------------------------- */

static int open_tabs(struct ui *ui)
{
    const struct host *host = &ui->host;
    ui->tabs[TAB_LOGS] = logview_new(host);
    ui->tabs[TAB_STATS] = stats_view_new(host, &ui->model);
    ui->tabs[TAB_TOP] = top_view_new(host);
    ui->tabs[TAB_INSPECT] = inspect_view_new(host);
    ui->tabs[TAB_DIFF] = diff_view_new(host);
    ui->tabs[TAB_EVENTS] = events_view_new(host);
    for (int i = 0; i < TAB_COUNT; i++)
        if (!ui->tabs[i])
            return -ENOMEM;
    return 0;
}

static void load_config(struct ui *ui, const char *path)
{
    config_init(&ui->config);
    if (path)
        config_load(&ui->config, &ui->keys, path);
    ui->ascii |= ui->config.ascii;
    ui->mouse = ui->config.mouse;
    ui->model.sort = ui->config.sort;
    if (ui->config.wrong > 1)
        ui_say(ui, SAY_WARNING, "%s (and %u more wrong lines)", ui->config.problem.text,
               ui->config.wrong - 1);
    else if (ui->config.wrong)
        ui_say(ui, SAY_WARNING, "%s", ui->config.problem.text);
}

int ui_init(struct ui *ui, const struct ui_setup *setup)
{
    *ui = (struct ui){.options = setup->options,
                      .platform = setup->platform,
                      .app = setup->app,
                      .ascii = setup->ascii,
                      .read_only = setup->read_only,
                      .scripted = setup->scripted,
                      .host_cpu = -1};
    ui->host = (struct host){
        .app = ui,
        .say = host_say,
        .ask = host_ask,
        .copy = host_copy,
        .changed = host_changed,
        .now = host_now,
        .jump = host_jump,
        .run = host_run,
        .capture = host_capture,
        .choose = host_choose,
    };
    model_init(&ui->model);
    int rc = keys_init(&ui->keys);
    if (rc == 0) {
        load_config(ui, setup->config);
        rc = open_tabs(ui);
    }
    return rc;
}

void ui_done(struct ui *ui)
{
    while (ui->modal)
        ui_close(ui, ui->modal);
    for (int i = 0; i < TAB_COUNT; i++)
        view_free(ui->tabs[i]);
    model_done(&ui->model);
    keys_done(&ui->keys);
    journal_done(&ui->journal);
    strv_done(&ui->run_draft);
    for (size_t i = 0; i < QUESTIONS_MAX; i++)
        line_history_done(&ui->questions[i].history);
    mtd_close(ui->engine);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* The engine holds the directories open; when others stand at their paths now, those are the
 * ones a user means. */
static int look_at_root(struct ui *ui, struct stat ret[2], struct mtd_error *err)
{
    static const char *const NAMES[] = {"", "/containers"};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        auto_free char *path = NULL;
        if (asprintf(&path, "%s%s", mtd_root(ui->engine), NAMES[i]) < 0)
            return -ENOMEM;
        ret[i] = (struct stat){0};
        bool there = stat(path, &ret[i]) == 0;
        if (!there && errno == ENOENT && i > 0 && ui->root_ino[i] == 0)
            continue;
        int why = !there ? errno : S_ISDIR(ret[i].st_mode) ? 0 : ENOTDIR;
        if (why) /* the reason first: the header may be too short for the path */
            return mtd_fail(err, why, "state directory: %s: %s", strerror(why), path);
    }
    return 0;
}

static bool root_changed(const struct ui *ui, const struct stat now[2])
{
    for (size_t i = 0; i < 2; i++)
        if (now[i].st_dev != ui->root_dev[i] || now[i].st_ino != ui->root_ino[i])
            return true;
    return false;
}

static int open_engine(struct ui *ui, struct mtd_error *err)
{
    struct mtd_options o = *ui->options;
    struct mtd_engine *fresh = NULL;
    struct stat st[2];
    o.read_only = ui->read_only;
    /* Not created again when somebody took it away. */
    int rc = ui->engine ? look_at_root(ui, st, err) : 0;
    if (rc < 0 || (ui->engine && !root_changed(ui, st)))
        return rc;
    rc = mtd_open(&fresh, &o, err);
    if (rc < 0)
        return rc;
    mtd_close(ui->engine);
    ui->engine = ui->host.engine = fresh;
    ui->reopened = true;
    if (look_at_root(ui, st, NULL) == 0)
        for (size_t i = 0; i < 2; i++) {
            ui->root_dev[i] = st[i].st_dev;
            ui->root_ino[i] = st[i].st_ino;
        }
    if (!ui->hostname[0])
        machine_read(ui);
    return 0;
}

static bool is_over(struct ui *ui, struct modal *m)
{
    if (m->about[0] && !model_find(&ui->model, m->about)) {
        ui_say(ui, SAY_WARNING, "not done: %s vanished meanwhile", m->about_name);
        return true;
    }
    return m->ops->update && m->ops->update(m) == MODAL_CLOSE;
}

void ui_update_modals(struct ui *ui)
{
    for (struct modal *m = ui->modal, *below; m; m = below) {
        below = m->below;
        if (is_over(ui, m))
            ui_close(ui, m);
    }
}

void ui_refresh(struct ui *ui)
{
    struct mtd_error err = {0};
    if (ui->frozen)
        return;
    if (open_engine(ui, &err) < 0)
        snprintf(ui->model.problem, sizeof(ui->model.problem), "%s", err.text);
    else
        model_refresh(&ui->model, ui->engine);
    ui_update_modals(ui);
    dispatch_sync(ui);
}

bool ui_wants_samples(const struct ui *ui)
{
    const unsigned *n = ui->model.count;
    return !ui->frozen && (n[MTD_STATE_RUNNING] || n[MTD_STATE_PAUSED]);
}

/* Independent of the order: rows that change places have not come. */
bool ui_rows_came(struct ui *ui)
{
    const struct model *m = &ui->model;
    int64_t old = ui->platform->mono_ns(ui->app) - 3 * ui->config.refresh_ns;
    size_t end = ui->top + (size_t)(ui->layout.list.rows > 0 ? ui->layout.list.rows : 0);
    uint64_t seen = 0;
    bool lacking = false;
    for (size_t i = ui->top; i < end && i < m->n_shown; i++) {
        const struct row *r = m->shown[i];
        seen += (uintptr_t)r->t * UINT64_C(0x9e3779b97f4a7c15); /* stays with the id */
        lacking |= row_is_alive(r) && r->t->last.taken_at < old;
    }
    bool came = seen != ui->rows_seen && lacking;
    ui->rows_seen = seen;
    return came && !ui->frozen;
}

void ui_sample(struct ui *ui)
{
    struct view *v = ui->tabs[ui->tab];
    const struct row *r = model_selected(&ui->model);
    machine_sample(ui);
    if (!ui->engine || ui->frozen)
        return;
    size_t rows = ui->layout.list.rows > 0 ? (size_t)ui->layout.list.rows : 0;
    bool seen = r && ui->model.cursor >= ui->top && ui->model.cursor < ui->top + rows;
    model_sample(&ui->model, ui->engine, ui->top, rows);
    if (r && !seen)
        model_sample_row(&ui->model, ui->engine, r);
    if (ui->model.stale)
        ui_request(ui, REQUEST_REFRESH);
    if (ui->tab != TAB_LOGS && ui->tab != TAB_EVENTS && v->ops->update)
        v->ops->update(v);
}

/* ---- events ------------------------------------------------------------------------------- */

void ui_resize(struct ui *ui, int rows, int cols)
{
    ui->rows = rows;
    ui->cols = cols;
    dispatch_sync(ui);
}

void ui_key(struct ui *ui, const struct input_event *ev)
{
    dispatch_key(ui, ev);
}

void ui_changed(struct ui *ui)
{
    struct view *v = ui->tabs[ui->tab];
    if (!ui->frozen && v->ops->update)
        v->ops->update(v);
}

bool ui_work(struct ui *ui)
{
    struct view *v = ui->tabs[ui->tab];
    return v->ops->work && v->ops->work(v);
}

const char *ui_watch(struct ui *ui, size_t i)
{
    struct view *v = ui->tabs[ui->tab];
    return ui->layout.pane != PANE_LIST && v->ops->watch ? v->ops->watch(v, i) : NULL;
}

/* ---- looking ------------------------------------------------------------------------------ */

/* 1x1: the state of the selected container. */
static void draw_list(struct ui *ui, struct canvas *c)
{
    struct list_style style = {ui->config.columns, ui_now(ui),
                               !ui->focus_detail || ui->layout.pane == PANE_LIST};
    list_draw(&ui->model, c, ui->layout.headings, ui->layout.list, &style, &ui->top);
}

static void draw_modals(struct ui *ui, struct modal *m, struct canvas *c)
{
    if (!m)
        return;
    draw_modals(ui, m->below, c);
    m->ops->draw(m, c, canvas_rect(c));
}

void ui_draw(struct ui *ui, struct canvas *c)
{
    struct layout *l = &ui->layout;
    c->ascii = ui->ascii;
    canvas_clear(c);
    if (l->header.rows)
        bar_header(ui, c, l->header);
    if (l->list.rows)
        draw_list(ui, c);
    if (l->tabs.rows)
        bar_tabs(ui, c, l->tabs);
    struct view *v = ui->tabs[ui->tab];
    if (l->detail.rows)
        v->ops->draw(v, c, l->detail, ui->focus_detail);
    if (l->footer.rows)
        bar_footer(ui, c, l->footer);
    draw_modals(ui, ui->modal, c);
}
