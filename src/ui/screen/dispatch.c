/* A key goes to the topmost dialog; else the table gives its command, which is offered to the
 * focused view, then to the list, then to the screen (commands.c). */
#include "ui/screen/dispatch.h"

#include <string.h>

#include "ui/dialog/dialog.h"
#include "ui/log/view.h"
#include "ui/screen/bar.h"
#include "ui/screen/commands.h"
#include "ui/view/list.h"

static bool detail_has_focus(const struct ui *ui)
{
    return ui_contexts(ui) & 1u << CONTEXT_DETAIL;
}

static void relayout(struct ui *ui)
{
    enum pane want = !ui->zoom ? PANE_BOTH : ui->focus_detail ? PANE_DETAIL : PANE_LIST;
    ui->layout = layout_compute(ui->rows, ui->cols, (int)ui->model.list.len, want,
                                ui->focus_detail ? PANE_DETAIL : PANE_LIST);
}

/* Two or more marked ones: their logs in one, by time. */
static void merge_logs(struct ui *ui)
{
    const struct mtd_summary *marked[CONFIRM_MAX];
    const struct row *rows[CONFIRM_MAX];
    size_t n = model_marked_shown(&ui->model) > 1
                   ? model_targets(&ui->model, rows, CONFIRM_MAX)
                   : 0;
    for (size_t i = 0; i < n; i++)
        marked[i] = rows[i]->s;
    logview_merge(ui->tabs[TAB_LOGS], marked, n);
}

void dispatch_sync(struct ui *ui)
{
    const struct row *r = model_selected(&ui->model);
    relayout(ui);
    bool visible = !ui->page && ui->layout.pane != PANE_LIST;
    memcpy(ui->shown_id, r ? r->s->id : "", r ? sizeof(ui->shown_id) : 1);
    for (int i = 0; i < TAB_COUNT; i++) {
        struct view *v = ui->tabs[i];
        bool on = visible && i == (int)ui->tab;
        if (on && v->ops->select)
            v->ops->select(v, r ? r->s : NULL);
        if (on && i == TAB_LOGS)
            merge_logs(ui);
        if (v->ops->show)
            v->ops->show(v, on);
    }
    for (int i = PAGE_CONTAINERS + 1; i < PAGE_COUNT; i++)
        ui->pages[i]->ops->show(ui->pages[i], i == (int)ui->page);
}

struct rect dispatch_page(const struct ui *ui)
{
    int header = ui->layout.header.rows;
    int rows = ui->rows - header - ui->layout.footer.rows;
    return (struct rect){header, 0, rows > 0 ? rows : 0, ui->cols};
}

/* ---- mouse ------------------------------------------------------------------------- */

static bool inside(struct rect r, const struct key *k)
{
    return k->row >= r.row && k->row < r.row + r.rows && k->col >= r.col &&
           k->col < r.col + r.cols;
}

static void click_heading(struct ui *ui, const struct key *k)
{
    static const enum sort OF[COLUMN_COUNT] = {
        [COLUMN_STATE] = SORT_STATE,   [COLUMN_NAME] = SORT_NAME,
        [COLUMN_IMAGE] = SORT_IMAGE,   [COLUMN_STATUS] = SORT_TIME,
        [COLUMN_CPU] = SORT_CPU,       [COLUMN_HIST] = SORT_CPU,
        [COLUMN_MEMORY] = SORT_MEMORY, [COLUMN_PIDS] = SORT_PIDS,
    };
    struct list_setup setup = {.columns = ui->config.columns,
                               .now_ns = ui_now(ui),
                               .headings = ui->layout.headings};
    int column = list_column_at(&ui->model, &setup, k->col);
    if (k->button == MOUSE_LEFT && column >= 0)
        model_sort(&ui->model, OF[column]);
}

static void click_list(struct ui *ui, const struct key *k)
{
    if (k->button == MOUSE_WHEEL_UP || k->button == MOUSE_WHEEL_DOWN)
        model_move(&ui->model, k->button == MOUSE_WHEEL_UP ? -3 : 3);
    else if (ui->top + (size_t)(k->row - ui->layout.list.row) < ui->model.n_shown)
        model_select(&ui->model, ui->top + (size_t)(k->row - ui->layout.list.row));
    ui->focus_detail = false;
}

static void mouse(struct ui *ui, const struct key *k)
{
    const struct layout *l = &ui->layout;
    struct view *v = ui->tabs[ui->tab];
    if (inside(l->headings, k))
        click_heading(ui, k);
    else if (inside(l->list, k))
        click_list(ui, k);
    else if (inside(l->tabs, k) && bar_tab_at(ui, k->col - l->tabs.col) >= 0)
        command_open_tab(ui, (enum tab)bar_tab_at(ui, k->col - l->tabs.col));
    else if (inside(l->detail, k)) {
        struct key moved = *k;
        moved.row -= l->detail.row;
        moved.col -= l->detail.col;
        ui->focus_detail |= k->button == MOUSE_LEFT;
        if (v->ops->key)
            v->ops->key(v, &moved);
    }
}

/* ---- keys -------------------------------------------------------------------------- */

static void page_key(struct ui *ui, const struct key *k)
{
    struct view *v = ui_view(ui);
    struct rect r = dispatch_page(ui);
    struct key moved = *k;
    moved.row -= r.row;
    moved.col -= r.col;
    if (k->key == KEY_MOUSE && !inside(r, k))
        return;
    if (!v->ops->key(v, &moved) && k->command != CMD_NONE)
        command_of_screen(ui, k->command);
}

static void plain_key(struct ui *ui, const struct key *k)
{
    if (ui->page) {
        page_key(ui, k);
        return;
    }
    struct view *v = ui->tabs[ui->tab];
    bool detail = detail_has_focus(ui);
    if (k->key == KEY_MOUSE)
        mouse(ui, k);
    else if (detail && v->ops->key && v->ops->key(v, k))
        return;
    else if (k->command == CMD_NONE || (!detail && command_of_list(ui, k->command)))
        return;
    else
        command_of_screen(ui, k->command);
}

/* Fingers that read a log as in less must not touch the container. */
static bool only_reads(const struct ui *ui)
{
    return ui_contexts(ui) & 1u << CONTEXT_LOG_FULL;
}

static void bound_key(struct ui *ui, const struct key *k, const struct binding *b)
{
    char key[16];
    if (b && b->acts && only_reads(ui))
        ui_say(ui, SAY_WARNING,
               "\"%s\" is locked while the log fills the screen: %s goes back first",
               b->name, keys_for(&ui->keys, CMD_BACK, key));
    else if (b && b->acts && ui->read_only)
        ui_say(ui, SAY_WARNING, "read-only: \"%s\" is locked", b->name);
    else if (b && b->acts && ui->frozen)
        ui_say(ui, SAY_WARNING,
               "frozen: what is shown may be out of date; press %s first",
               keys_for(&ui->keys, CMD_FREEZE, key));
    else
        plain_key(ui, k);
}

/* false = the key goes to what is below. */
static bool modal_key(struct ui *ui, const struct key *k)
{
    struct modal *m = ui->modal;
    enum modal_result r = m->ops->key(m, k);
    if (r != MODAL_STAY)
        ui_close(ui, m);
    return r != MODAL_PASS;
}

/* Pasted text never acts: it goes to a line that takes text, with blanks instead of what
 * would end the line, and nowhere else. */
static bool is_lost_paste(struct ui *ui, struct input_event *ev)
{
    if (ev->key == KEY_PASTE_BEGIN || ev->key == KEY_PASTE_END) {
        ui->pasting = ev->key == KEY_PASTE_BEGIN;
        return true;
    }
    if (!ui->pasting)
        return false;
    if (ev->key == KEY_ENTER || ev->key == KEY_TAB)
        ev->key = ' ';
    return !ui->modal || !ui->modal->ops->takes_text || ev->key < ' ' ||
           ev->key >= KEY_FIRST;
}

void dispatch_key(struct ui *ui, const struct input_event *event)
{
    struct input_event typed = *event, *ev = &typed;
    if (is_lost_paste(ui, ev))
        return;
    struct key k = {.key = ev->key, .row = ev->row, .col = ev->col, .button = ev->button};
    unsigned contexts = ui_contexts(ui);
    const struct binding *b = keys_find(&ui->keys, contexts, ev->key);
    k.command = b ? b->command : CMD_NONE;
    if (!ui->modal || !ui->modal->ops->in_footer)
        ui->message.text[0] = '\0';
    if (!ui->modal || !modal_key(ui, &k))
        bound_key(ui, &k, b);
    dispatch_sync(ui);
}
