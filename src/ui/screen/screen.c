/* The dashboard as a whole. What is read when: the list after a file event, figures with
 * the sample timer, the visible tab when its files change; nothing else, so an idle
 * screen costs nothing. */
#include "ui/screen/screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "ui/catalog/catalog.h"
#include "ui/log/view.h"
#include "ui/model/news.h"
#include "ui/model/notes.h"
#include "ui/screen/bar.h"
#include "ui/screen/dispatch.h"
#include "ui/screen/machine.h"
#include "ui/screen/offer.h"
#include "ui/view/list.h"
#include "ui/view/tabs.h"

/* ---- beginning and end ------------------------------------------------------------- */

static int open_tabs(struct ui *ui)
{
    const struct surroundings *around = &ui->around;
    ui->tabs[TAB_LOGS] = logview_new(around);
    ui->tabs[TAB_STATS] = stats_view_new(around);
    ui->tabs[TAB_TOP] = top_view_new(around);
    ui->tabs[TAB_INSPECT] = inspect_view_new(around);
    ui->tabs[TAB_DIFF] = diff_view_new(around);
    ui->tabs[TAB_EVENTS] = events_view_new(around);
    ui->pages[PAGE_IMAGES] = images_view_new(around, &ui->run_draft);
    ui->pages[PAGE_VOLUMES] = volumes_view_new(around, &ui->run_draft);
    ui->pages[PAGE_NETWORKS] = networks_view_new(around, &ui->run_draft);
    for (int i = PAGE_CONTAINERS + 1; i < PAGE_COUNT; i++)
        if (!ui->pages[i])
            return -ENOMEM;
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
    ui->model.sample_ns = ui->config.refresh_ns;
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
    offer_init(ui);
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
    for (int i = PAGE_CONTAINERS + 1; i < PAGE_COUNT; i++)
        view_free(ui->pages[i]);
    model_done(&ui->model);
    keys_done(&ui->keys);
    journal_done(&ui->journal);
    strv_done(&ui->run_draft.fields);
    for (size_t i = 0; i < QUESTIONS_MAX; i++)
        line_history_done(&ui->answers[i].history);
    mtd_close(ui->around.engine);
}

/* ---- reading ----------------------------------------------------------------------- */

/* The engine holds the directories open; when there are others at their paths now, the
 * user means those. */
static int look_at_root(struct ui *ui, struct stat ret[2], struct mtd_error *err)
{
    static const char *const NAMES[] = {"", "/containers"};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        auto_free char *path = NULL;
        if (asprintf(&path, "%s%s", mtd_root(ui->around.engine), NAMES[i]) < 0)
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
    /* Not created again when it was removed. */
    int rc = ui->around.engine ? look_at_root(ui, st, err) : 0;
    if (rc < 0 || (ui->around.engine && !root_changed(ui, st)))
        return rc;
    rc = mtd_open(&fresh, &o, err);
    if (rc < 0)
        return rc;
    mtd_close(ui->around.engine);
    ui->around.engine = fresh;
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
        ui_say(ui, SAY_WARNING, "not done: %s no longer exists", m->about_name);
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

/* Not over an error that is still to be read. */
static void tell_news(struct ui *ui)
{
    char text[300], key[16] = "";
    const struct binding *why = keys_of(&ui->keys, ~0u, CMD_WHY);
    unsigned n = news_read(&ui->model, text, sizeof(text));
    if (n == 0 || (ui->message.text[0] && ui->message.level == SAY_ERROR))
        return;
    if (why && why->keys[0])
        key_name(why->keys[0], key);
    if (n > 1)
        ui_say(ui, SAY_WARNING, "%s; and %u more", text, n - 1);
    else
        ui_say(ui, SAY_WARNING, "%s%s%s%s", text, key[0] ? "  (" : "", key,
               key[0] ? " on its row says why)" : "");
}

void ui_refresh(struct ui *ui)
{
    struct mtd_error err = {0};
    if (ui->frozen)
        return;
    ui->model.now_ns = ui_now(ui);
    if (open_engine(ui, &err) < 0)
        snprintf(ui->model.problem, sizeof(ui->model.problem), "%s", err.text);
    else if (model_refresh(&ui->model, ui->around.engine) == 0)
        tell_news(ui);
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
        lacking |= (row_is_alive(r) && r->t->last.taken_at < old) || notes_is_missing(r);
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
    ui->model.now_ns = ui_now(ui);
    if (!ui->around.engine || ui->frozen)
        return;
    size_t rows = ui->layout.list.rows > 0 ? (size_t)ui->layout.list.rows : 0;
    bool seen = r && ui->model.cursor >= ui->top && ui->model.cursor < ui->top + rows;
    model_sample(&ui->model, ui->around.engine, ui->top, rows);
    if (r && !seen)
        model_sample_row(&ui->model, ui->around.engine, r);
    notes_read(&ui->model, ui->around.engine, ui->top, rows);
    if (ui->model.stale)
        ui_request(ui, REQUEST_REFRESH);
    if (ui->page && ui_view(ui)->ops->sample)
        ui_view(ui)->ops->sample(ui_view(ui));
    if (!ui->page && ui->tab != TAB_LOGS && ui->tab != TAB_EVENTS && v->ops->update)
        v->ops->update(v);
}

/* ---- events ------------------------------------------------------------------------ */

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
    struct view *v = ui_view(ui);
    if (!ui->frozen && v->ops->update)
        v->ops->update(v);
}

bool ui_work(struct ui *ui)
{
    struct view *v = ui_view(ui);
    return v->ops->work && v->ops->work(v);
}

const char *ui_watch(struct ui *ui, size_t i)
{
    struct view *v = ui_view(ui);
    bool shown = ui->page || ui->layout.pane != PANE_LIST;
    return shown && v->ops->watch ? v->ops->watch(v, i) : NULL;
}

/* ---- looking ----------------------------------------------------------------------- */

/* 1x1: the state of the selected container. */
static void draw_list(struct ui *ui, struct canvas *c)
{
    struct list_setup setup = {.keys = &ui->keys,
                               .columns = ui->config.columns,
                               .now_ns = ui_now(ui),
                               .focused =
                                   !ui->focus_detail || ui->layout.pane == PANE_LIST,
                               .headings = ui->layout.headings,
                               .rows = ui->layout.list};
    list_draw(&ui->model, &setup, c, &ui->top);
}

static void draw_modals(struct ui *ui, struct modal *m, struct canvas *c)
{
    if (!m)
        return;
    draw_modals(ui, m->below, c);
    m->ops->draw(m, c, canvas_rect(c));
}

static void draw_panes(struct ui *ui, struct canvas *c)
{
    struct layout *l = &ui->layout;
    if (l->list.rows)
        draw_list(ui, c);
    if (l->tabs.rows)
        bar_tabs(ui, c, l->tabs);
    for (int row = 0; row < l->divider.rows; row++)
        pen_shape(PEN(c, l->divider, row, 0), STYLE(COLOR_BORDER), SHAPE_VLINE);
    struct view *v = ui->tabs[ui->tab];
    if (l->detail.rows)
        v->ops->draw(v, c, l->detail, ui->focus_detail);
}

void ui_draw(struct ui *ui, struct canvas *c)
{
    struct layout *l = &ui->layout;
    c->ascii = ui->ascii;
    canvas_clear(c);
    if (l->header.rows)
        bar_header(ui, c, l->header);
    if (ui->page)
        ui_view(ui)->ops->draw(ui_view(ui), c, dispatch_page(ui), true);
    else
        draw_panes(ui, c);
    if (l->footer.rows)
        bar_footer(ui, c, l->footer);
    draw_modals(ui, ui->modal, c);
}
