/* What a key does at once, what it asks about first. A question remembers ids and states:
 * when the answer comes, a name may be another container's. */
#include "ui/screen/actions.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/words.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/format.h"
#include "ui/model/batch.h"
#include "ui/screen/jobs.h"
#include "ui/screen/target.h"

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

/* ---- what is asked first ----------------------------------------------------------- */

struct plan {
    const char *verb, *option, *busy, *force_option;
    row_filter take;  /* rows it makes sense for; NULL = all */
    row_filter asks;  /* rows that lose something by it: asked about first; NULL = none */
    const char *lost; /* what, for the question */
    char option_text[32];
};

/* One command for those the plan takes. */
static void carry_out(struct ui *ui, const struct plan *plan, bool force,
                      const struct targets *t)
{
    const char *option = force ? plan->force_option : plan->option;
    struct job *j = job_new(ui);
    if (!j)
        return;
    job_arg(j, plan->verb);
    if (option)
        job_arg(j, option);
    for (size_t i = 0; i < t->n; i++) {
        if (plan->take && !plan->take(t->rows[i]))
            continue;
        job_arg(j, t->rows[i]->s->id);
        job_about(j, t->rows[i]);
    }
    if (j->ids.len)
        job_start(j, plan->busy);
    else
        job_free(j);
}

struct pending {
    struct plan plan;
    struct subject subjects[CONFIRM_MAX];
    size_t n;
};

static void confirmed(void *app, bool force, void *arg)
{
    struct ui *ui = app;
    struct pending *p = arg;
    struct targets t;
    targets_again(ui, p->subjects, p->n, &t);
    carry_out(ui, &p->plan, force, &t);
    for (size_t i = 0; i < t.n; i++) /* what a filter hides stays marked */
        t.rows[i]->t->marked = false;
}

static struct pending *make_pending(const struct plan *plan, const struct targets *t)
{
    struct pending *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->plan = *plan;
    if (plan->option_text[0])
        p->plan.option = p->plan.option_text;
    for (p->n = 0; p->n < t->n; p->n++) {
        const struct mtd_summary *s = t->rows[p->n]->s;
        struct subject *subject = &p->subjects[p->n];
        memcpy(subject->id, s->id, MTD_ID_SIZE);
        subject->state = s->state;
        snprintf(subject->name, sizeof(subject->name), "%s", s->name ? s->name : s->id);
    }
    return p;
}

static void describe(const struct ui *ui, const struct row *r, struct buf *out)
{
    char status[FORMAT_MAX];
    buf_printf(out, "%-16s  %-16s  %s\n", r->s->name ? r->s->name : "?",
               r->s->image ? r->s->image : "?",
               format_status(r->s, ui_now(ui), FORMAT_WIDE, status));
}

/* lost: what is lost, or what will happen; NULL = nothing to say. must_force: there is no
 * plain "yes". */
static void ask(struct ui *ui, const struct plan *plan, const struct targets *t,
                const char *lost, bool must_force)
{
    auto_done(buf_done) struct buf text = {0};
    char title[96];
    struct pending *p = make_pending(plan, t);
    auto_free struct confirm *c = p ? calloc(1, sizeof(*c)) : NULL;
    if (!c) {
        free(p);
        return;
    }
    for (size_t i = 0; i < t->n; i++)
        describe(ui, t->rows[i], &text);
    if (lost)
        buf_printf(&text, "\n%s\n", lost);
    size_t hidden = model_marked(&ui->model) - model_marked_shown(&ui->model);
    if (hidden)
        buf_printf(&text, "\nNot the %zu marked that the filter hides.\n", hidden);
    if (t->n == 1)
        snprintf(title, sizeof(title), "%s %s?", plan->verb, t->rows[0]->s->name);
    else
        snprintf(title, sizeof(title), "%s %zu containers?", plan->verb, t->n);
    *c = (struct confirm){.title = title,
                          .text = text.data ? text.data : "",
                          .yes = plan->verb,
                          .force = must_force ? "force" : NULL,
                          .n_subjects = p->n,
                          .force_only = must_force,
                          .answer = confirmed,
                          .arg = p};
    memcpy(c->subjects, p->subjects, sizeof(p->subjects));
    ui_push(ui, confirm_new(c));
}

/* One container that loses nothing: at once. Several are listed first. */
static void act(struct ui *ui, const struct plan *plan, const struct targets *t)
{
    struct targets fit = {.n = 0};
    bool loses = false;
    for (size_t i = 0; i < t->n; i++)
        if (!plan->take || plan->take(t->rows[i])) {
            loses |= plan->asks && plan->asks(t->rows[i]);
            fit.rows[fit.n++] = t->rows[i];
        }
    if (fit.n == 1 && t->n == 1 && !loses)
        carry_out(ui, plan, false, &fit);
    else if (fit.n)
        ask(ui, plan, &fit, loses ? plan->lost : NULL, false);
    else
        ui_say(ui, SAY_WARNING, "%s: %s is %s", plan->verb, t->rows[0]->s->name,
               mtd_state_name(t->rows[0]->s->state));
}

void action_stop_start(struct ui *ui)
{
    struct targets t;
    static const struct plan STOP = {
        .verb = "stop",
        .busy = "stopping",
        .take = is_alive,
        .asks = is_alive,
        .lost = "It gets its stop signal, and is killed if it does not end in time."};
    static const struct plan START = {
        .verb = "start", .busy = "starting", .take = is_dead};
    if (targets_find(ui, &t))
        act(ui, is_alive(t.rows[0]) ? &STOP : &START, &t);
}

void action_restart(struct ui *ui)
{
    struct targets t;
    static const struct plan PLAN = {.verb = "restart",
                                     .busy = "restarting",
                                     .asks = is_alive,
                                     .lost =
                                         "It is stopped first: what it is doing ends."};
    if (targets_find(ui, &t))
        act(ui, &PLAN, &t);
}

void action_pause(struct ui *ui)
{
    struct targets t;
    static const struct plan PAUSE = {
        .verb = "pause", .busy = "pausing", .take = is_running};
    static const struct plan UNPAUSE = {
        .verb = "unpause", .busy = "unpausing", .take = is_paused};
    if (targets_find(ui, &t))
        act(ui, is_paused(t.rows[0]) ? &UNPAUSE : &PAUSE, &t);
}

void action_remove(struct ui *ui)
{
    struct targets t;
    bool alive = false;
    static const struct plan PLAN = {
        .verb = "rm", .busy = "removing", .force_option = "-f"};
    if (!targets_find(ui, &t))
        return;
    for (size_t i = 0; i < t.n; i++)
        alive |= is_alive(t.rows[i]);
    ask(ui, &PLAN, &t,
        alive ? "It is running; force kills it. Files and log are lost."
              : "Files outside volumes and the log are lost.",
        alive);
}

/* ---- signals ----------------------------------------------------------------------- */

static const struct menu_item SIGNALS[] = {
    {"SIGTERM", "ask it to end"},
    {"SIGKILL", "end at once; cannot be caught"},
    {"SIGINT", "like ctrl-c"},
    {"SIGHUP", "hang up; often: reload the configuration"},
    {"SIGQUIT", "end with a core dump"},
    {"SIGUSR1", "user-defined 1"},
    {"SIGUSR2", "user-defined 2"},
    {"SIGWINCH", "window size changed"},
    {"SIGSTOP", "stop the process"},
    {"SIGCONT", "continue"},
    {"SIGABRT", "abort"},
};

/* Which containers the menu was opened for: the selection may have changed when a signal
 * is chosen. */
struct victims {
    struct subject subjects[CONFIRM_MAX];
    size_t n;
};

static void choose_signal(void *app, size_t index, void *arg)
{
    struct ui *ui = app;
    const struct victims *v = arg;
    struct targets t, fit = {.n = 0};
    targets_again(ui, v->subjects, v->n, &t);
    for (size_t i = 0; i < t.n; i++)
        if (row_is_alive(t.rows[i]))
            fit.rows[fit.n++] = t.rows[i];
    struct plan plan = {.verb = "kill", .busy = "killing"};
    char lost[96];
    snprintf(plan.option_text, sizeof(plan.option_text), "--signal=%s",
             SIGNALS[index].label);
    snprintf(lost, sizeof(lost), "Its first process gets %s.", SIGNALS[index].label);
    if (fit.n)
        ask(ui, &plan, &fit, lost, false);
    else
        ui_say(ui, SAY_WARNING, "kill: it is no longer running");
}

void action_kill(struct ui *ui)
{
    struct targets t;
    struct victims *v = targets_find(ui, &t) ? calloc(1, sizeof(*v)) : NULL;
    if (!v)
        return;
    for (size_t i = 0; i < t.n; i++)
        if (row_is_alive(t.rows[i]))
            memcpy(v->subjects[v->n++].id, t.rows[i]->s->id, MTD_ID_SIZE);
    if (v->n) {
        char title[96];
        if (t.n == 1)
            snprintf(title, sizeof(title), "kill %.60s: which signal?",
                     t.rows[0]->s->name);
        else
            snprintf(title, sizeof(title), "kill %zu containers: which signal?", v->n);
        struct modal *m = menu_new(&(struct menu){.title = title,
                                                  .items = SIGNALS,
                                                  .n = ARRAY_SIZE(SIGNALS),
                                                  .choose = choose_signal,
                                                  .arg = v});
        modal_set_about(m, t.n == 1 ? t.rows[0] : NULL);
        ui_push(ui, m);
        return;
    }
    free(v);
    ui_say(ui, SAY_WARNING, "kill: %s is %s", t.rows[0]->s->name,
           mtd_state_name(t.rows[0]->s->state));
}

/* ---- the palette ------------------------------------------------------------------- */

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
