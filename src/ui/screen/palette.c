/* The words of the ":" line. They are to the screen what keys are to dispatch.c: they
 * switch tabs, sort, run actions, quit. All others are batch commands. */
#include "ui/screen/palette.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/dialog/dialog.h"
#include "ui/log/view.h"
#include "ui/model/batch.h"
#include "ui/model/columns.h"
#include "ui/screen/actions.h"

static void word_journal(struct ui *ui, const char *arg)
{
    auto_done(buf_done) struct buf text = {0};
    journal_print(&ui->journal, &text);
    ui_push(ui, pager_new("journal: what was done", text.data ? text.data : ""));
}

static void word_help(struct ui *ui, const char *arg)
{
    ui_push(ui, help_new(&ui->keys, ui_contexts(ui)));
}

static void word_quit(struct ui *ui, const char *arg)
{
    ui_request(ui, REQUEST_QUIT);
}

static void word_filter(struct ui *ui, const char *arg)
{
    struct mtd_error err = {0};
    if (model_filter(&ui->model, arg, &err) < 0)
        ui_say(ui, SAY_WARNING, "%s", err.text);
}

static void word_sort(struct ui *ui, const char *arg)
{
    enum sort s;
    if (sort_parse(arg, &s) == 0)
        model_sort(&ui->model, s);
    else
        ui_say(ui, SAY_WARNING, "sort: time, name, cpu, memory, pids, state or image");
}

static void word_columns(struct ui *ui, const char *arg)
{
    unsigned bits;
    if (columns_parse(arg, &bits) == 0)
        ui->config.columns = bits;
    else
        ui_say(ui, SAY_WARNING,
               "columns: state name id image status cpu hist memory pids net "
               "block restarts command");
}

/* In all logs, also those of stopped containers and of those the filter hides: where the
 * text is, is the question. */
static void word_grep(struct ui *ui, const char *arg)
{
    struct model *m = &ui->model;
    auto_free const struct mtd_summary **all = calloc(m->list.len + 1, sizeof(*all));
    if (!all || !*arg) {
        ui_say(ui, SAY_WARNING, "grep: what? :grep REGEX");
        return;
    }
    for (size_t i = 0; i < m->list.len; i++)
        all[i] = m->rows[i].s;
    ui->tab = TAB_LOGS;
    ui->focus_detail = ui->zoom = true;
    logview_grep(ui->tabs[TAB_LOGS], all, m->list.len, arg);
}

static const struct {
    const char *name;
    void (*fn)(struct ui *ui, const char *arg);
} WORDS[] = {
    {"journal", word_journal}, {"help", word_help},     {"q", word_quit},
    {"quit", word_quit},       {"filter", word_filter}, {"sort", word_sort},
    {"columns", word_columns}, {"grep", word_grep},
};

static void run(struct ui *ui, const char *text)
{
    text += strspn(text, " ");
    size_t n = strcspn(text, " ");
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        if (strlen(WORDS[i].name) == n && strncmp(WORDS[i].name, text, n) == 0) {
            WORDS[i].fn(ui, text + n + strspn(text + n, " "));
            return;
        }
    if (ui->read_only && !batch_only_looks(text))
        ui_say(ui, SAY_WARNING, "read-only: \"%.*s\" is locked", (int)n, text);
    else if (*text)
        action_line(ui, text);
}

static void answer(void *arg, const char *text)
{
    if (text)
        run(arg, text);
}

/* ---- completion -------------------------------------------------------------------- */

static void offer(struct strv *ret, const char *word, const char *typed)
{
    if (word && strncmp(word, typed, strlen(typed)) == 0)
        strv_add(ret, word);
}

static void offer_commands(const char *typed, struct strv *ret)
{
    const struct batch_verb *v;
    for (size_t i = 0; (v = batch_verb_at(i)); i++)
        offer(ret, v->name, typed);
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        if (strlen(WORDS[i].name) > 1)
            offer(ret, WORDS[i].name, typed);
}

static void offer_containers(const struct model *m, const char *typed, struct strv *ret)
{
    for (size_t i = 0; i < m->list.len; i++)
        offer(ret, m->rows[i].s->name, typed);
}

static void offer_images(struct mtd_engine *e, const char *typed, struct strv *ret)
{
    auto_done(mtd_image_list_done) struct mtd_image_list list = {0};
    if (!e || mtd_images(e, &list, NULL) < 0)
        return;
    for (size_t i = 0; i < list.len; i++)
        for (size_t j = 0; j < list.items[i].names.len; j++)
            offer(ret, list.items[i].names.items[j], typed);
}

static void offer_sorts(const char *typed, struct strv *ret)
{
    for (int i = 0; i < SORT_COUNT; i++)
        offer(ret, sort_name((enum sort)i), typed);
}

/* A verb of two words is one candidate until its first word is complete. */
static void complete(void *arg, const char *text, struct strv *ret)
{
    struct ui *ui = arg;
    text += strspn(text, " ");
    const char *blank = strrchr(text, ' '), *typed = blank ? blank + 1 : text;
    const struct batch_verb *v = batch_verb_of(text);
    enum operand operand = v ? v->operand : OPERAND_NONE;
    if (!blank)
        offer_commands(typed, ret);
    else if (strncmp(text, "sort ", 5) == 0)
        offer_sorts(typed, ret);
    if (!blank)
        return;
    if (operand == OPERAND_CONTAINER || operand == OPERAND_EITHER)
        offer_containers(&ui->model, typed, ret);
    if (operand == OPERAND_IMAGE || operand == OPERAND_EITHER)
        offer_images(ui->around.engine, typed, ret);
}

void palette_open(struct ui *ui)
{
    struct modal *m =
        prompt_new(&(struct question){.label = ":", .answer = answer, .arg = ui});
    prompt_completes(m, complete);
    ui_push(ui, m);
}
