/* A container is named by its id in the command line, so that a rename between the key and
 * the action never hits another one; messages and confirmations name it by name. */
#include "ui/screen/actions.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/words.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/format.h"
#include "ui/model/batch.h"
#include "ui/screen/jobs.h"

/* The name when it is one, so that lines in the journal read well. */
static const char *reference(const struct row *r)
{
    return r->s->state != MTD_STATE_BROKEN && r->s->name ? r->s->name : r->s->id;
}

static size_t targets(struct ui *ui, const struct row **ret)
{
    size_t n = model_targets(&ui->model, ret, CONFIRM_MAX);
    if (n == 0)
        ui_say(ui, SAY_WARNING, "no container is selected");
    return n;
}

typedef bool (*row_filter)(const struct row *r);

static bool is_alive(const struct row *r)
{
    return mtd_state_is_active(r->s->state);
}

static bool is_dead(const struct row *r)
{
    return !is_alive(r);
}

static bool is_running(const struct row *r)
{
    return r->s->state == MTD_STATE_RUNNING;
}

static bool is_paused(const struct row *r)
{
    return r->s->state == MTD_STATE_PAUSED;
}

/* One command for those rows the filter takes; false = none. */
static bool run_verb(struct ui *ui, const char *verb, const char *option,
                     const char *busy, const struct row **rows, size_t n, row_filter take)
{
    struct job *j = job_new(ui);
    if (!j)
        return false;
    job_arg(j, verb);
    if (option)
        job_arg(j, option);
    for (size_t i = 0; i < n; i++) {
        if (take && !take(rows[i]))
            continue;
        job_arg(j, reference(rows[i]));
        job_about(j, rows[i]);
    }
    if (j->ids.len == 0) {
        job_free(j);
        return false;
    }
    job_start(j, busy);
    return true;
}

/* ---- what is asked first -------------------------------------------------------------- */

struct plan {
    const char *verb, *option, *busy, *force_option;
    row_filter take;
    char option_text[32];
};

static void collect(const struct ui *ui, const struct subject *s, size_t n,
                    const struct row **rows, size_t *ret_n)
{
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct row *r = model_find(&ui->model, s[i].id);
        if (r)
            rows[(*ret_n)++] = r;
    }
}

struct pending {
    struct plan plan;
    struct subject subjects[CONFIRM_MAX];
    size_t n;
};

static void answer(void *app, bool force, void *arg)
{
    struct ui *ui = app;
    struct pending *p = arg;
    const struct row *rows[CONFIRM_MAX];
    size_t n;
    collect(ui, p->subjects, p->n, rows, &n);
    const char *option = force ? p->plan.force_option : p->plan.option;
    run_verb(ui, p->plan.verb, option, p->plan.busy, rows, n, p->plan.take);
    model_mark_all(&ui->model, false);
}

static void describe(const struct ui *ui, const struct row *r, struct buf *out)
{
    char status[FORMAT_MAX];
    buf_printf(out, "%-16s  %-16s  %s\n", r->s->name ? r->s->name : "?",
               r->s->image ? r->s->image : "?",
               format_status(r->s, ui_now(ui), FORMAT_WIDE, status));
}

static void ask(struct ui *ui, const struct plan *plan, const struct row **rows, size_t n,
                const char *lost, bool force, bool force_only)
{
    auto_done(buf_done) struct buf text = {0};
    char title[96];
    struct pending *p = calloc(1, sizeof(*p));
    auto_free struct confirm *c = calloc(1, sizeof(*c));
    if (!p || !c) {
        free(p);
        return;
    }
    p->plan = *plan;
    if (plan->option_text[0])
        p->plan.option = p->plan.option_text;
    for (size_t i = 0; i < n; i++) {
        describe(ui, rows[i], &text);
        memcpy(p->subjects[i].id, rows[i]->s->id, MTD_ID_SIZE);
        p->subjects[i].state = rows[i]->s->state;
        snprintf(p->subjects[i].name, sizeof(p->subjects[i].name), "%s",
                 rows[i]->s->name ? rows[i]->s->name : rows[i]->s->id);
    }
    p->n = c->n_subjects = n;
    memcpy(c->subjects, p->subjects, sizeof(p->subjects));
    if (lost)
        buf_printf(&text, "\n%s\n", lost);
    if (n == 1)
        snprintf(title, sizeof(title), "%s %s?", plan->verb, rows[0]->s->name);
    else
        snprintf(title, sizeof(title), "%s %zu containers?", plan->verb, n);
    c->title = title;
    c->text = text.data ? text.data : "";
    c->yes = plan->verb;
    c->force = force ? "force" : NULL;
    c->force_only = force_only;
    c->answer = answer;
    c->arg = p;
    ui_push(ui, confirm_new(c));
}

/* One container: at once. Several: they are listed first. */
static void act(struct ui *ui, const struct plan *plan, const struct row **rows, size_t n)
{
    const struct row *fit[CONFIRM_MAX];
    size_t n_fit = 0;
    for (size_t i = 0; i < n; i++)
        if (!plan->take || plan->take(rows[i]))
            fit[n_fit++] = rows[i];
    if (n_fit == 1 && n == 1)
        run_verb(ui, plan->verb, plan->option, plan->busy, fit, 1, NULL);
    else if (n_fit)
        ask(ui, plan, fit, n_fit, NULL, false, false);
    else
        ui_say(ui, SAY_WARNING, "%s: %s is %s", plan->verb, rows[0]->s->name,
               mtd_state_name(rows[0]->s->state));
}

void action_stop_start(struct ui *ui)
{
    const struct row *rows[CONFIRM_MAX];
    size_t n = targets(ui, rows);
    static const struct plan STOP = {
        .verb = "stop", .busy = "stopping", .take = is_alive};
    static const struct plan START = {
        .verb = "start", .busy = "starting", .take = is_dead};
    if (n)
        act(ui, is_alive(rows[0]) ? &STOP : &START, rows, n);
}

void action_restart(struct ui *ui)
{
    const struct row *rows[CONFIRM_MAX];
    size_t n = targets(ui, rows);
    static const struct plan PLAN = {.verb = "restart", .busy = "restarting"};
    if (n)
        act(ui, &PLAN, rows, n);
}

void action_pause(struct ui *ui)
{
    const struct row *rows[CONFIRM_MAX];
    size_t n = targets(ui, rows);
    static const struct plan PAUSE = {
        .verb = "pause", .busy = "pausing", .take = is_running};
    static const struct plan GO_ON = {
        .verb = "unpause", .busy = "unpausing", .take = is_paused};
    if (n)
        act(ui, is_paused(rows[0]) ? &GO_ON : &PAUSE, rows, n);
}

void action_remove(struct ui *ui)
{
    const struct row *rows[CONFIRM_MAX];
    size_t n = targets(ui, rows), alive = 0;
    static const struct plan PLAN = {
        .verb = "rm", .busy = "removing", .force_option = "-f"};
    for (size_t i = 0; i < n; i++)
        alive += is_alive(rows[i]);
    if (n)
        ask(ui, &PLAN, rows, n,
            alive ? "It runs: force kills it. Lost: what it wrote, its log."
                  : "Lost: what it wrote outside of volumes, its log.",
            alive > 0, alive > 0);
}

/* ---- signals ---------------------------------------------------------------------------- */

static const struct menu_item SIGNALS[] = {
    {"SIGTERM", "end, please"},
    {"SIGKILL", "end at once, cannot be caught"},
    {"SIGINT", "as ctrl-c"},
    {"SIGHUP", "hang up; often: read the config again"},
    {"SIGQUIT", "end with a core dump"},
    {"SIGUSR1", "user-defined 1"},
    {"SIGUSR2", "user-defined 2"},
    {"SIGWINCH", "window size changed"},
    {"SIGSTOP", "stop the process"},
    {"SIGCONT", "go on"},
    {"SIGABRT", "abort"},
};

/* Whom the menu was opened for: the selection may be another one when a signal is chosen. */
struct victims {
    struct subject subjects[CONFIRM_MAX];
    size_t n;
};

static void choose_signal(void *app, size_t index, void *arg)
{
    struct ui *ui = app;
    const struct victims *v = arg;
    const struct row *rows[CONFIRM_MAX], *fit[CONFIRM_MAX];
    size_t n, n_fit = 0;
    collect(ui, v->subjects, v->n, rows, &n);
    for (size_t i = 0; i < n; i++)
        if (row_is_alive(rows[i]))
            fit[n_fit++] = rows[i];
    struct plan plan = {.verb = "kill", .busy = "killing"};
    char lost[96];
    snprintf(plan.option_text, sizeof(plan.option_text), "--signal=%s",
             SIGNALS[index].label);
    snprintf(lost, sizeof(lost), "Its first process gets %s.", SIGNALS[index].label);
    if (n_fit)
        ask(ui, &plan, fit, n_fit, lost, false, false);
    else
        ui_say(ui, SAY_WARNING, "kill: it does not run any more");
}

void action_kill(struct ui *ui)
{
    const struct row *rows[CONFIRM_MAX];
    size_t n = targets(ui, rows);
    struct victims *v = n ? calloc(1, sizeof(*v)) : NULL;
    for (size_t i = 0; v && i < n; i++)
        if (row_is_alive(rows[i]))
            memcpy(v->subjects[v->n++].id, rows[i]->s->id, MTD_ID_SIZE);
    if (v && v->n) {
        struct modal *m = menu_new(&(struct menu){.title = "kill: which signal?",
                                                  .items = SIGNALS,
                                                  .n = ARRAY_SIZE(SIGNALS),
                                                  .choose = choose_signal,
                                                  .arg = v});
        modal_set_about(m, n == 1 ? rows[0] : NULL);
        ui_push(ui, m);
        return;
    }
    free(v);
    if (n)
        ui_say(ui, SAY_WARNING, "kill: %s is %s", rows[0]->s->name,
               mtd_state_name(rows[0]->s->state));
}

/* ---- the terminal handed over ------------------------------------------------------------ */

/* bash where there is one, else sh; told apart inside, where PATH and files are. */
static const char SHELL[] = "command -v bash >/dev/null 2>&1 && exec bash || exec sh";

static const struct row *running(struct ui *ui, const struct row *r, const char *verb)
{
    if (!r)
        ui_say(ui, SAY_WARNING, "%s: there is no container", verb);
    else if (r->s->state != MTD_STATE_RUNNING)
        ui_say(ui, SAY_WARNING, "%s: %s is %s%s", verb, r->s->name,
               mtd_state_name(r->s->state),
               r->s->state == MTD_STATE_PAUSED ? "; p lets it go on" : "; s starts it");
    else
        return r;
    return NULL;
}

static const struct row *running_one(struct ui *ui, const char *verb)
{
    return running(ui, model_selected(&ui->model), verb);
}

static void shell_ended(struct job *j, int status)
{
    struct ui *ui = j->ui;
    char name[MTD_ID_SIZE];
    snprintf(name, sizeof(name), "%s", j->argv.len > 2 ? j->argv.items[2] : "?");
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
    job_arg(j, reference(r));
    if (j)
        j->terminal = true;
    return j;
}

void action_exec(struct ui *ui)
{
    const struct row *r = running_one(ui, "exec");
    struct job *j = r ? exec_job(ui, r) : NULL;
    if (!j)
        return;
    job_arg(j, "/bin/sh");
    job_arg(j, "-c");
    job_arg(j, SHELL);
    j->way_back = "exit";
    j->done = shell_ended;
    job_start(j, NULL);
}

/* Whom the question was about. */
struct exec_ask {
    struct ui *ui;
    char id[MTD_ID_SIZE];
};

static void exec_answer(void *arg, const char *text)
{
    auto_free struct exec_ask *ask_of = arg;
    struct ui *ui = ask_of->ui;
    struct mtd_error err = {0};
    const struct row *r = model_find(&ui->model, ask_of->id);
    struct job *j = NULL;
    if (text && *text && (r = running(ui, r, "exec")))
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

void action_exec_ask(struct ui *ui)
{
    const struct row *r = running_one(ui, "exec");
    struct exec_ask *arg = r ? calloc(1, sizeof(*arg)) : NULL;
    if (!arg)
        return;
    arg->ui = ui;
    memcpy(arg->id, r->s->id, sizeof(arg->id));
    struct modal *m = prompt_new(
        &(struct question){.label = "exec, command:", .answer = exec_answer, .arg = arg});
    modal_set_about(m, r);
    ui_push(ui, m);
}

/* ---- a pane of tmux ------------------------------------------------------------------------ */

/* What cannot be run must be read before the pane closes. */
static const char IN_PANE[] =
    "name=$1; shift; \"$@\"; s=$?\n"
    "case $s in 126|127) echo \"no shell in $name: tried bash and /bin/sh\" ;; esac\n"
    "case $s in 125|126|127) echo 'Enter closes'; read -r line ;; esac\n";

/* tmux runs the pane's command as who started its server: $TMUX is SOCKET,PID,SESSION. */
static bool tmux_is_root(const char *tmux)
{
    struct stat st;
    auto_free char *path = strndup(tmux, strcspn(tmux, ","));
    return !path || stat(path, &st) < 0 || st.st_uid == 0;
}

static void split_ended(struct job *j, int status)
{
    struct ui *ui = j->ui;
    job_finish(j, status);
    if (status == 0)
        ui_say(ui, SAY_INFO, "a shell is open in a pane of tmux; exit closes it");
}

static struct job *split_job(struct ui *ui, const struct row *r, const char *tmux)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct job *j = n > 0 ? job_new(ui) : NULL;
    if (!j)
        return NULL;
    self[n] = '\0';
    const char *const argv[] = {"tmux",
                                "split-window",
                                "sh",
                                "-c",
                                IN_PANE,
                                "mytop-docker",
                                reference(r),
                                tmux_is_root(tmux) ? NULL : "sudo",
                                self,
                                "--root",
                                mtd_root(ui->around.engine),
                                "--run-root",
                                mtd_run_root(ui->around.engine),
                                "--batch",
                                "exec",
                                "-it",
                                reference(r),
                                "/bin/sh",
                                "-c",
                                SHELL};
    for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
        if (argv[i])
            job_arg(j, argv[i]);
    j->external = true;
    j->done = split_ended;
    return j;
}

void action_exec_split(struct ui *ui)
{
    const struct row *r = running_one(ui, "exec");
    const char *tmux = getenv("TMUX");
    if (r && (!tmux || !*tmux))
        ui_say(
            ui, SAY_WARNING, "exec in a split: no tmux around it%s; e opens a shell here",
            getenv("SUDO_USER") ? ", or sudo hides it: sudo --preserve-env=TMUX,TMUX_PANE"
                                : "");
    else if (r)
        job_start(split_job(ui, r, tmux), NULL);
}

/* Without a terminal there is no key to detach with, and PID 1 ignores the ctrl-c that is passed
 * on to it: nobody would ever come back. So there ctrl-c ends the attach. */
void action_attach(struct ui *ui)
{
    const struct row *r = running_one(ui, "attach");
    struct job *j = r ? job_new(ui) : NULL;
    if (!j)
        return;
    job_arg(j, "attach");
    if (!r->s->tty)
        job_arg(j, "--sig-proxy=false");
    job_arg(j, reference(r));
    j->way_back = r->s->tty ? "ctrl-p ctrl-q" : "ctrl-c";
    j->terminal = true;
    job_start(j, NULL);
}

/* ---- the palette -------------------------------------------------------------------------- */

void action_line(struct ui *ui, const char *text)
{
    struct mtd_error err = {0};
    struct job *j = job_new(ui);
    if (!j)
        return;
    if (words_split(text, &j->argv, &err) < 0 || j->argv.len == 0) {
        if (err.code)
            ui_say(ui, SAY_ERROR, "%s", err.text);
        job_free(j);
        return;
    }
    j->terminal = batch_wants_terminal(&j->argv);
    j->pause = j->terminal;
    j->show = !j->terminal;
    job_start(j, NULL);
}
