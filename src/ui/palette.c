#include "ui/palette.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/actions.h"
#include "ui/columns.h"
#include "ui/dialog.h"
#include "ui/logview.h"

static void open_journal(struct ui *ui, const char *arg)
{
    auto_done(buf_done) struct buf text = {0};
    journal_print(&ui->journal, &text);
    ui_push(ui,
            pager_new("journal: what was done", text.data ? text.data : "", NULL, NULL));
}

static void open_help(struct ui *ui, const char *arg)
{
    ui_push(ui, help_new(&ui->keys));
}

static void quit(struct ui *ui, const char *arg)
{
    ui_request(ui, REQUEST_QUIT);
}

static void filter(struct ui *ui, const char *arg)
{
    struct mtd_error err = {0};
    if (model_filter(&ui->model, arg, &err) < 0)
        ui_say(ui, SAY_WARNING, "%s", err.text);
}

static void sort(struct ui *ui, const char *arg)
{
    enum sort s;
    if (sort_parse(arg, &s) == 0)
        model_sort(&ui->model, s);
    else
        ui_say(ui, SAY_WARNING, "sort: time, name, cpu, memory, pids, state or image");
}

static void columns(struct ui *ui, const char *arg)
{
    unsigned bits;
    if (columns_parse(arg, &bits) == 0)
        ui->config.columns = bits;
    else
        ui_say(ui, SAY_WARNING,
               "columns: state name id image status cpu hist memory pids net "
               "block restarts command");
}

/* All that the list shows: the filter says in which logs. */
static void grep(struct ui *ui, const char *arg)
{
    struct model *m = &ui->model;
    auto_free const struct mtd_summary **all = calloc(m->n_shown + 1, sizeof(*all));
    if (!all || !*arg) {
        ui_say(ui, SAY_WARNING, "grep: what? :grep REGEX");
        return;
    }
    for (size_t i = 0; i < m->n_shown; i++)
        all[i] = m->shown[i]->s;
    ui->tab = TAB_LOGS;
    ui->focus_detail = ui->zoom = true;
    logview_grep(ui->tabs[TAB_LOGS], all, m->n_shown, arg);
}

static const struct {
    const char *name;
    void (*fn)(struct ui *ui, const char *arg);
} OWN[] = {
    {"journal", open_journal}, {"help", open_help}, {"q", quit},          {"quit", quit},
    {"filter", filter},        {"sort", sort},      {"columns", columns}, {"grep", grep},
};

/* Verbs that look and change nothing: allowed with --read-only. */
static bool only_looks(const char *text)
{
    static const char *const VERBS[] = {"ps",   "list",    "inspect", "logs", "images",
                                        "info", "stats",   "top",     "diff", "events",
                                        "port", "version", "history", "help"};
    size_t n = strcspn(text, " ");
    for (size_t i = 0; i < ARRAY_SIZE(VERBS); i++)
        if (strlen(VERBS[i]) == n && strncmp(VERBS[i], text, n) == 0)
            return true;
    return false;
}

void palette_run(struct ui *ui, const char *text)
{
    text += strspn(text, " ");
    size_t n = strcspn(text, " ");
    for (size_t i = 0; i < ARRAY_SIZE(OWN); i++)
        if (strlen(OWN[i].name) == n && strncmp(OWN[i].name, text, n) == 0) {
            OWN[i].fn(ui, text + n + strspn(text + n, " "));
            return;
        }
    if (ui->read_only && !only_looks(text))
        ui_say(ui, SAY_WARNING, "read-only: \"%.*s\" is locked", (int)n, text);
    else if (*text)
        action_line(ui, text);
}

static void answer(void *arg, const char *text)
{
    if (text)
        palette_run(arg, text);
}

void palette_open(struct ui *ui)
{
    ui_push(ui, prompt_new(":", "", NULL, answer, ui));
}
