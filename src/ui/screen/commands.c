/* One function per command. What changes a container is in actions.c, what hands the terminal
 * over in shell.c and tmux.c; this is what only changes the screen, and the table of both. */
#include "ui/screen/commands.h"

#include "base/cleanup.h"
#include "ui/dialog/dialog.h"
#include "ui/dialog/forms.h"
#include "ui/dialog/why.h"
#include "ui/draw/text.h"
#include "ui/screen/actions.h"
#include "ui/screen/palette.h"
#include "ui/screen/shell.h"
#include "ui/screen/tmux.h"

/* ---- the list ---------------------------------------------------------------------- */

static void filter_changed(void *arg, const char *text)
{
    struct ui *ui = arg;
    struct mtd_error err = {0};
    ui->message.text[0] = '\0';
    ui->model.now_ns = ui_now(ui);
    if (model_filter(&ui->model, text, &err) < 0)
        ui_say(ui, SAY_WARNING, "%s", err.text);
}

static void filter_answer(void *arg, const char *text)
{
    struct ui *ui = arg;
    filter_changed(ui, text ? text : "");
    if (filter_wants_figures(&ui->model.filter)) /* of what was off the screen too */
        ui_request(ui, REQUEST_SAMPLE);
}

static void ask_filter(struct ui *ui)
{
    ui_push(ui, prompt_new(&(struct question){.label = "filter:",
                                              .initial = ui->model.filter.text,
                                              .changed = filter_changed,
                                              .answer = filter_answer,
                                              .arg = ui}));
}

static void chosen_sort(void *app, size_t index, void *arg)
{
    struct ui *ui = app;
    model_sort(&ui->model, (enum sort)index);
}

static void ask_sort(struct ui *ui)
{
    struct menu_item items[SORT_COUNT];
    for (int i = 0; i < SORT_COUNT; i++)
        items[i] =
            (struct menu_item){sort_name((enum sort)i),
                               i == (int)ui->model.sort ? "now; again: reversed" : NULL};
    ui_push(ui, menu_new(&(struct menu){.title = "sort by",
                                        .items = items,
                                        .n = SORT_COUNT,
                                        .at = ui->model.sort,
                                        .choose = chosen_sort}));
}

static bool list_move(struct ui *ui, enum command cmd)
{
    struct model *m = &ui->model;
    int page = ui->layout.list.rows > 1 ? ui->layout.list.rows - 1 : 1;
    switch (cmd) {
    case CMD_UP: model_move(m, -1); return true;
    case CMD_DOWN: model_move(m, 1); return true;
    case CMD_PAGE_UP: model_move(m, -page); return true;
    case CMD_PAGE_DOWN: model_move(m, page); return true;
    case CMD_HALF_UP: model_move(m, -(page + 1) / 2); return true;
    case CMD_HALF_DOWN: model_move(m, (page + 1) / 2); return true;
    case CMD_TOP: model_select(m, 0); return true;
    case CMD_BOTTOM: model_select(m, m->n_shown); return true;
    default: return false;
    }
}

static bool list_sort(struct ui *ui, enum command cmd)
{
    switch (cmd) {
    case CMD_SORT_MENU: ask_sort(ui); return true;
    case CMD_SORT_CPU: model_sort(&ui->model, SORT_CPU); break;
    case CMD_SORT_MEMORY: model_sort(&ui->model, SORT_MEMORY); break;
    case CMD_SORT_TIME: model_sort(&ui->model, SORT_TIME); break;
    case CMD_SORT_NAME: model_sort(&ui->model, SORT_NAME); break;
    case CMD_SORT_REVERSE: model_sort(&ui->model, ui->model.sort); break;
    default: return false;
    }
    ui_request(ui, REQUEST_SAMPLE); /* the order may depend on rows not on the screen */
    return true;
}

static void mark(struct ui *ui)
{
    const struct row *r = model_selected(&ui->model);
    if (r)
        r->t->marked = !r->t->marked;
    model_move(&ui->model, 1);
}

bool command_of_list(struct ui *ui, enum command cmd)
{
    if (list_move(ui, cmd) || list_sort(ui, cmd))
        return true;
    switch (cmd) {
    case CMD_RUN: form_run(&ui->around, &ui->run_draft); return true;
    case CMD_FILTER: ask_filter(ui); return true;
    case CMD_SHOW_ALL:
        ui->model.running_only = !ui->model.running_only;
        model_arrange(&ui->model);
        return true;
    case CMD_MARK: mark(ui); return true;
    case CMD_UNMARK: model_mark_all(&ui->model, false); return true;
    case CMD_MARK_ALL: model_mark_all(&ui->model, true); return true;
    default: return false;
    }
}

/* ---- panes ------------------------------------------------------------------------- */

void command_open_tab(struct ui *ui, enum tab tab)
{
    ui->tab = tab;
    if (ui->layout.pane == PANE_LIST)
        ui->focus_detail = true;
}

static void cmd_why(struct ui *ui)
{
    why_open(
        &ui->around,
        &(struct why){.keys = &ui->keys, .cols = ui->cols, .read_only = ui->read_only});
}

static void cmd_open(struct ui *ui)
{
    const struct row *r = model_selected(&ui->model);
    if (r && !row_is_alive(r) && !ui->focus_detail)
        cmd_why(ui);
    else if (r)
        ui->focus_detail = true;
}

static void cmd_views(struct ui *ui)
{
    ui->page = (ui->page + 1) % PAGE_COUNT;
}

static void cmd_back(struct ui *ui)
{
    if (ui->page)
        ui->page = PAGE_CONTAINERS;
    else if (ui->focus_detail || ui->zoom)
        ui->focus_detail = ui->zoom = false;
    else if (ui->model.filter.text[0])
        model_filter(&ui->model, "", NULL);
    else if (model_marked(&ui->model))
        model_mark_all(&ui->model, false);
}

static void cmd_next_pane(struct ui *ui)
{
    ui->focus_detail = !ui->focus_detail;
}

static void cmd_next_tab(struct ui *ui)
{
    command_open_tab(ui, (ui->tab + 1) % TAB_COUNT);
}

static void cmd_previous_tab(struct ui *ui)
{
    command_open_tab(ui, (ui->tab + TAB_COUNT - 1) % TAB_COUNT);
}

static void cmd_zoom(struct ui *ui)
{
    ui->zoom = !ui->zoom;
}

static void cmd_logs(struct ui *ui)
{
    ui->tab = TAB_LOGS;
    ui->focus_detail = ui->zoom = true;
}

static void cmd_inspect(struct ui *ui)
{
    ui->tab = TAB_INSPECT;
    ui->focus_detail = true;
}

static void cmd_processes(struct ui *ui)
{
    ui->tab = TAB_TOP;
    ui->focus_detail = true;
}

/* ---- dialogs ----------------------------------------------------------------------- */

static void cmd_commit(struct ui *ui)
{
    form_commit(&ui->around);
}

static void cmd_rename(struct ui *ui)
{
    form_rename(&ui->around);
}

/* ---- the screen -------------------------------------------------------------------- */

static void cmd_help(struct ui *ui)
{
    ui_push(ui, help_new(&ui->keys, ui_contexts(ui)));
}

static void cmd_copy(struct ui *ui)
{
    const struct row *r = model_selected(&ui->model);
    if (r)
        ui->around.copy(ui, r->s->id);
}

static void cmd_message(struct ui *ui)
{
    auto_done(buf_done) struct buf rows = {0};
    const char *text = ui->last_message.text;
    if (text_wrap(text[0] ? text : "there was none yet", ui->cols > 12 ? ui->cols - 4 : 8,
                  0, &rows) == 0)
        ui_push(ui, pager_new("the last message", rows.data ? rows.data : ""));
}

static void cmd_freeze(struct ui *ui)
{
    ui->frozen = !ui->frozen;
    if (!ui->frozen)
        ui_request(ui, REQUEST_REFRESH);
}

static void cmd_mouse(struct ui *ui)
{
    ui->mouse = !ui->mouse;
    ui_request(ui, REQUEST_MOUSE);
    char key[16];
    if (ui->mouse)
        ui_say(ui, SAY_INFO, "the mouse works here; %s gives it back to the terminal",
               keys_for(&ui->keys, CMD_MOUSE, key));
    else
        ui_say(ui, SAY_INFO, "the mouse is left to the terminal: text can be selected");
}

static void cmd_redraw(struct ui *ui)
{
    ui_request(ui, REQUEST_REDRAW);
    ui_request(ui, REQUEST_REFRESH);
}

static void cmd_suspend(struct ui *ui)
{
    ui_request(ui, REQUEST_SUSPEND);
}

static void quit_answer(void *app, bool force, void *arg)
{
    ui_request(app, REQUEST_QUIT);
}

static void cmd_interrupt(struct ui *ui)
{
    struct confirm c = {.title = "quit?",
                        .text = "Containers keep running.\n",
                        .yes = "quit",
                        .answer = quit_answer};
    ui_push(ui, confirm_new(&c));
}

/* As in less and htop: it closes what fills the screen, not the program. */
static void cmd_quit(struct ui *ui)
{
    if (ui->page || ui->layout.pane == PANE_DETAIL)
        cmd_back(ui);
    else
        ui_request(ui, REQUEST_QUIT);
}

static const struct {
    enum command command;
    void (*fn)(struct ui *ui);
} COMMANDS[] = {
    {CMD_STOP_START, action_stop_start},
    {CMD_RESTART, action_restart},
    {CMD_PAUSE, action_pause},
    {CMD_KILL, action_kill},
    {CMD_REMOVE, action_remove},
    {CMD_COMMIT, cmd_commit},
    {CMD_RENAME, cmd_rename},
    {CMD_EXEC, shell_exec},
    {CMD_EXEC_ASK, shell_exec_ask},
    {CMD_EXEC_SPLIT, tmux_exec},
    {CMD_ATTACH, shell_attach},
    {CMD_WHY, cmd_why},
    {CMD_OPEN, cmd_open},
    {CMD_BACK, cmd_back},
    {CMD_NEXT_PANE, cmd_next_pane},
    {CMD_NEXT_TAB, cmd_next_tab},
    {CMD_PREVIOUS_TAB, cmd_previous_tab},
    {CMD_ZOOM, cmd_zoom},
    {CMD_LOGS, cmd_logs},
    {CMD_INSPECT, cmd_inspect},
    {CMD_PROCESSES, cmd_processes},
    {CMD_VIEWS, cmd_views},
    {CMD_PALETTE, palette_open},
    {CMD_HELP, cmd_help},
    {CMD_COPY, cmd_copy},
    {CMD_MESSAGE, cmd_message},
    {CMD_FREEZE, cmd_freeze},
    {CMD_MOUSE, cmd_mouse},
    {CMD_REDRAW, cmd_redraw},
    {CMD_SUSPEND, cmd_suspend},
    {CMD_INTERRUPT, cmd_interrupt},
    {CMD_QUIT, cmd_quit},
};

bool command_of_screen(struct ui *ui, enum command cmd)
{
    if (cmd >= CMD_TAB_1 && cmd <= CMD_TAB_9) {
        if (cmd - CMD_TAB_1 < TAB_COUNT)
            command_open_tab(ui, (enum tab)(cmd - CMD_TAB_1));
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++)
        if (COMMANDS[i].command == cmd) {
            COMMANDS[i].fn(ui);
            return true;
        }
    return false;
}
