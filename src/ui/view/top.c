/* The container's processes, read when the tab is shown and with every sample. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/proc.h"
#include "base/sys.h"
#include "ui/draw/format.h"
#include "ui/model/procs.h"
#include "ui/model/scroll.h"
#include "ui/view/tabs.h"

enum top_sort { TOP_PID, TOP_CPU, TOP_MEMORY, TOP_TIME };

struct top_view {
    struct view view;
    struct mtd_summary summary; /* id, pid, state, cgroups: what mtd_pids() looks at */
    bool visible, alive;
    struct procs procs;
    int error;
    enum top_sort sort;
    size_t *order; /* of procs.items, which are by pid; NULL = as they are */
    struct scroll scroll;
    struct proc_info victim; /* the process a signal is being chosen for */
};

static void copy_summary(struct top_view *v, const struct mtd_summary *s)
{
    mtd_summary_done(&v->summary);
    v->summary = (struct mtd_summary){0};
    if (!s)
        return;
    memcpy(v->summary.id, s->id, sizeof(s->id));
    v->summary.name = s->name ? strdup(s->name) : NULL;
    v->summary.state = s->state;
    v->summary.pid = s->pid;
    strv_copy(&v->summary.cgroups, &s->cgroups);
}

static const struct proc_info *proc_at(const struct top_view *v, size_t n)
{
    return &v->procs.items[v->order ? v->order[n] : n];
}

static int by_figure(double a, double b)
{
    return (a < b) - (a > b); /* biggest first */
}

static int compare(const void *pa, const void *pb, void *arg)
{
    const struct top_view *v = arg;
    size_t ia = *(const size_t *)pa, ib = *(const size_t *)pb;
    const struct proc_info *a = &v->procs.items[ia], *b = &v->procs.items[ib];
    int order = v->sort == TOP_CPU      ? by_figure((double)a->cpu, (double)b->cpu)
                : v->sort == TOP_MEMORY ? by_figure((double)a->rss, (double)b->rss)
                : v->sort == TOP_TIME
                    ? by_figure((double)a->cpu_ticks, (double)b->cpu_ticks)
                    : 0;
    return order ? order : (ia > ib) - (ia < ib);
}

/* The cursor stays at the process it was at. */
static void arrange(struct top_view *v, pid_t at)
{
    free(v->order);
    v->order = calloc(v->procs.len + 1, sizeof(*v->order));
    if (!v->order)
        return;
    for (size_t i = 0; i < v->procs.len; i++)
        v->order[i] = i;
    qsort_r(v->order, v->procs.len, sizeof(*v->order), compare, v);
    for (size_t i = 0; i < v->procs.len; i++)
        if (proc_at(v, i)->pid == at)
            v->scroll.at = i;
}

static pid_t pid_at_cursor(const struct top_view *v)
{
    return v->scroll.at < v->procs.len ? proc_at(v, v->scroll.at)->pid : 0;
}

static bool top_view_update(struct view *view)
{
    struct top_view *v = (struct top_view *)view;
    if (!v->visible || !v->alive || !view->around->engine)
        return false;
    pid_t at = pid_at_cursor(v);
    v->error = procs_read(&v->procs, view->around->engine, &v->summary);
    arrange(v, at);
    return true;
}

static bool sort_by(struct top_view *v, enum command cmd)
{
    switch (cmd) {
    case CMD_SORT_CPU: v->sort = TOP_CPU; break;
    case CMD_SORT_MEMORY: v->sort = TOP_MEMORY; break;
    case CMD_SORT_TIME: v->sort = TOP_TIME; break;
    case CMD_SORT_NAME: v->sort = TOP_PID; break;
    default: return false;
    }
    arrange(v, 0);
    v->scroll.at = 0;
    return true;
}

static void top_view_select(struct view *view, const struct mtd_summary *s)
{
    struct top_view *v = (struct top_view *)view;
    bool same = s && strcmp(s->id, v->summary.id) == 0 && s->pid == v->summary.pid &&
                s->state == v->summary.state;
    if (same)
        return;
    copy_summary(v, s);
    v->alive = s && mtd_state_is_live(s->state);
    procs_done(&v->procs);
    arrange(v, 0);
    top_view_update(view);
}

static void top_view_show(struct view *view, bool visible)
{
    struct top_view *v = (struct top_view *)view;
    bool was = v->visible;
    v->visible = visible;
    if (visible && !was)
        top_view_update(view);
}

static void draw_process(const struct proc_info *p, struct pen pen, struct style st,
                         int shift)
{
    char cpu[FORMAT_MAX] = "-", rss[FORMAT_MAX], inner[16] = "?", used[24];
    uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK), centi = p->cpu_ticks * 100 / ticks;
    snprintf(used, sizeof(used), "%llu:%02llu.%02llu", (unsigned long long)(centi / 6000),
             (unsigned long long)(centi / 100 % 60), (unsigned long long)(centi % 100));
    if (p->cpu >= 0)
        format_percent((double)p->cpu, cpu);
    if (p->inner)
        snprintf(inner, sizeof(inner), "%d", (int)p->inner);
    canvas_fill(pen.c, pen.r, st);
    pen_printf(&pen, st, " %7d %7s ", (int)p->pid, inner);
    pen_field(&pen, 8, false, st, p->user);
    pen_printf(&pen, st, " %c %6s %6s %9s  ", p->state, cpu, format_size(p->rss, rss),
               used);
    pen_puts(PEN(pen.c, pen_rest(&pen), 0, -shift), st, p->command);
}

static void top_view_draw(struct view *view, struct canvas *c, struct rect r,
                          bool focused)
{
    struct top_view *v = (struct top_view *)view;
    if (!v->alive || v->error) {
        pen_puts(PEN(c, r, 0, 1), STYLE(COLOR_DIM),
                 v->error ? strerror(-v->error) : "not running: no processes");
        return;
    }
    pen_printf(PEN(c, r, 0, 1), STYLE(COLOR_HEADING), "%7s %7s %-8s S %6s %6s %9s  %s",
               "HOST", "PID", "USER", "CPU%", "RSS", "TIME", "COMMAND");
    scroll_fit(&v->scroll, v->procs.len, r.rows - 1);
    for (int i = 0; i + 1 < r.rows && v->scroll.top + (size_t)i < v->procs.len; i++) {
        size_t at = v->scroll.top + (size_t)i;
        bool on = focused && at == v->scroll.at;
        struct rect line = {r.row + 1 + i, r.col, 1, r.cols};
        draw_process(proc_at(v, at), pen_at(c, line, 0, 0),
                     STYLE(on ? COLOR_SELECTED : COLOR_TEXT), v->scroll.shift);
    }
}

/* ---- a signal to one of them ------------------------------------------------------- */

static const int SIGNALS[] = {SIGTERM, SIGKILL, SIGINT,  SIGHUP, SIGQUIT,
                              SIGUSR1, SIGUSR2, SIGSTOP, SIGCONT};

/* Through a pidfd of exactly the process that was chosen. */
static void chosen(void *arg, size_t index)
{
    struct top_view *v = arg;
    int sig = SIGNALS[index];
    auto_fd int fd = proc_open(v->victim.pid, v->victim.start);
    int rc = fd < 0 ? fd : sys_pidfd_send_signal(fd, sig, NULL, 0) < 0 ? -errno : 0;
    surroundings_say(v->view.around, rc == 0 ? SAY_INFO : SAY_ERROR,
                     "%s to process %d: %s", signal_name(sig), (int)v->victim.pid,
                     rc == 0        ? "sent"
                     : rc == -ESRCH ? "it has already ended"
                                    : strerror(-rc));
}

static void ask_signal(struct top_view *v)
{
    const struct surroundings *around = v->view.around;
    auto_done(strv_done) struct strv items = {0};
    char title[96];
    if (v->scroll.at >= v->procs.len)
        return;
    v->victim = *proc_at(v, v->scroll.at);
    for (size_t i = 0; i < ARRAY_SIZE(SIGNALS); i++)
        strv_add(&items, signal_name(SIGNALS[i]));
    snprintf(title, sizeof(title), "signal process %d (%.40s)", (int)v->victim.pid,
             v->victim.command);
    around->choose(around->app, title, &items, chosen, v);
}

static bool top_view_key(struct view *view, const struct key *k)
{
    struct top_view *v = (struct top_view *)view;
    if (k->command == CMD_SIGNAL) {
        ask_signal(v);
        return true;
    }
    if (sort_by(v, k->command))
        return true;
    if (k->command == CMD_COPY && v->scroll.at < v->procs.len) {
        view->around->copy(view->around->app, proc_at(v, v->scroll.at)->command);
        return true;
    }
    struct key moved = *k;
    moved.row--; /* the headings */
    return scroll_key(&v->scroll, &moved);
}

static void top_view_status(struct view *view, char *out, size_t size)
{
    struct top_view *v = (struct top_view *)view;
    if (v->alive)
        snprintf(out, size, "%zu process%s%s", v->procs.len,
                 v->procs.len == 1 ? "" : "es",
                 v->sort == TOP_CPU      ? ", by CPU"
                 : v->sort == TOP_MEMORY ? ", by memory"
                 : v->sort == TOP_TIME   ? ", by time"
                                         : "");
}

static void top_view_free(struct view *view)
{
    struct top_view *v = (struct top_view *)view;
    mtd_summary_done(&v->summary);
    procs_done(&v->procs);
    free(v->order);
    free(v);
}

static const struct view_ops OPS = {
    .title = "Top",
    .context = CONTEXT_TOP,
    .select = top_view_select,
    .show = top_view_show,
    .update = top_view_update,
    .draw = top_view_draw,
    .key = top_view_key,
    .status = top_view_status,
    .free = top_view_free,
};

struct view *top_view_new(const struct surroundings *around)
{
    struct top_view *v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->view = (struct view){&OPS, around};
    return &v->view;
}
