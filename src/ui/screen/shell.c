/* While a child has the terminal, the loop only waits for it (app/child.c). How to come
 * back is written there before the child starts: the screen with its footer is gone by
 * then. */
#include "ui/screen/shell.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/words.h"
#include "ui/dialog/dialog.h"
#include "ui/screen/jobs.h"
#include "ui/screen/target.h"

static void shell_ended(struct job *j, int status)
{
    struct ui *ui = j->ui;
    const struct row *r = model_find(&ui->model, j->argv.items[2]); /* exec -it ID */
    char name[80];
    snprintf(name, sizeof(name), "%s", r && r->s->name ? r->s->name : j->argv.items[2]);
    bool none = status == 126 || status == 127;
    job_finish(j, status);
    if (none)
        ui_say(ui, SAY_ERROR,
               "no shell in %s: tried bash and /bin/sh; E asks for a command", name);
}

static struct job *exec_job(struct ui *ui, const struct row *r)
{
    struct job *j = job_new(ui);
    job_arg(j, "exec");
    job_arg(j, "-it");
    job_arg(j, r->s->id);
    if (j)
        j->terminal = true;
    return j;
}

void shell_exec(struct ui *ui)
{
    const struct row *r = target_selected_running(ui, "exec");
    struct job *j = r ? exec_job(ui, r) : NULL;
    if (!j)
        return;
    job_arg(j, "/bin/sh");
    job_arg(j, "-c");
    job_arg(j, SHELL_COMMAND);
    j->way_back = "exit";
    j->done = shell_ended;
    job_start(j, NULL);
}

/* Which container the question was about. */
struct exec_question {
    struct ui *ui;
    char id[MTD_ID_SIZE];
};

static void exec_answer(void *arg, const char *text)
{
    auto_free struct exec_question *q = arg;
    struct ui *ui = q->ui;
    struct mtd_error err = {0};
    const struct row *r = model_find(&ui->model, q->id);
    struct job *j = NULL;
    if (text && *text && (r = target_running(ui, r, "exec")))
        j = exec_job(ui, r);
    if (!j)
        return;
    if (words_split(text, &j->argv, &err) < 0) {
        ui_say(ui, SAY_ERROR, "exec: %s", err.text);
        job_free(j);
        return;
    }
    j->pause = true;
    job_start(j, NULL);
}

void shell_exec_ask(struct ui *ui)
{
    const struct row *r = target_selected_running(ui, "exec");
    struct exec_question *arg = r ? calloc(1, sizeof(*arg)) : NULL;
    if (!arg)
        return;
    arg->ui = ui;
    memcpy(arg->id, r->s->id, sizeof(arg->id));
    struct modal *m = prompt_new(
        &(struct question){.label = "exec, command:", .answer = exec_answer, .arg = arg});
    modal_set_about(m, r);
    ui_push(ui, m);
}

/* A container without a terminal has no key to detach with, and PID 1 ignores the ctrl-c
 * that is passed on to it: there would be no way back. So ctrl-c ends the attach
 * there. */
void shell_attach(struct ui *ui)
{
    const struct row *r = target_selected_running(ui, "attach");
    struct job *j = r ? job_new(ui) : NULL;
    if (!j)
        return;
    job_arg(j, "attach");
    if (!r->s->tty)
        job_arg(j, "--sig-proxy=false");
    job_arg(j, r->s->id);
    j->way_back = r->s->tty ? "ctrl-p ctrl-q" : "ctrl-c";
    j->terminal = true;
    job_start(j, NULL);
}
