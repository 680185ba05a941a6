/* The loop. It wakes up for input, file events, children and one sample timer; drawing happens
 * once per turn, before it sleeps, and only when something changed and the terminal has taken
 * the frame before. Nothing changed = not a byte. */
#include "ui/app.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/jobs.h"

enum {
    WATCHES = 8,
    FILE_DELAY_MS = 40,
    LIST_DELAY_MS = 20,
    ESC_DELAY_MS = 40,
    GRACE_MS = 200
};

struct watch {
    uv_fs_event_t event;
    char *path; /* NULL = not in use */
    bool active;
};

struct app {
    uv_loop_t *loop;
    struct ui ui;
    struct terminal *term;
    struct guard *guard;
    struct replay *script;
    struct canvas canvas;
    struct input input;
    uv_poll_t tty;
    uv_timer_t sample, escape, list_delay, file_delay, step;
    uv_prepare_t before_sleep;
    uv_idle_t idle;
    uv_signal_t signals[6];
    struct watch root, containers, files[WATCHES];
    bool dirty, away, sampled_once; /* away: somebody else has the terminal */
    int status;
    struct child *children;
};

/* ---- children ----------------------------------------------------------------------------- */

struct child {
    struct child *next;
    struct job *job;
    struct app *app;
    uv_process_t process;
    uv_pipe_t pipes[2];
    uv_timer_t grace;
    char chunk[4096];
    int open, status; /* handles not closed yet */
    bool exited, told;
    int ended_pipes;
};

static void take_terminal(struct app *a);

static void child_closed(uv_handle_t *h)
{
    struct child *c = h->data;
    if (--c->open > 0)
        return;
    for (struct child **at = &c->app->children; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    free(c);
}

static void tell(struct child *c)
{
    struct app *a = c->app;
    struct job *j = c->job;
    if (c->told)
        return;
    c->told = true;
    c->job = NULL;
    if (j->terminal)
        take_terminal(a);
    j->done(j, c->status);
    a->dirty = true;
    uv_close((uv_handle_t *)&c->process, child_closed);
    uv_close((uv_handle_t *)&c->grace, child_closed);
    for (int i = 0; i < 2 && !uv_is_closing((uv_handle_t *)&c->pipes[i]); i++)
        uv_close((uv_handle_t *)&c->pipes[i], child_closed);
}

static void on_grace(uv_timer_t *t)
{
    tell(t->data);
}

static void on_child_exit(uv_process_t *p, int64_t status, int sig)
{
    struct child *c = p->data;
    c->exited = true;
    c->status = sig ? 128 + sig : (int)status;
    if (c->ended_pipes == 2)
        tell(c);
    else /* somebody it left behind may hold its output open: that is not waited for */
        uv_timer_start(&c->grace, on_grace, GRACE_MS, 0);
}

static void on_room(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    struct child *c = h->data;
    *ret = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void on_output(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct child *c = s->data;
    if (n > 0 && c->job && c->job->output.len < 8u << 20)
        buf_add(&c->job->output, b->base, (size_t)n);
    if (n >= 0)
        return;
    uv_read_stop(s);
    if (++c->ended_pipes == 2 && c->exited)
        tell(c);
}

/* NULL-terminated argv of our own executable with the same roots; items are borrowed. */
static char **make_argv(const struct app *a, const struct job *j)
{
    const struct mtd_options *o = a->ui.options;
    const char *const head[] = {"mytop-docker", "--root",    o->root,
                                "--run-root",   o->run_root, "--batch"};
    char **argv = calloc(j->argv.len + ARRAY_SIZE(head) + 1, sizeof(char *));
    size_t n = 0;
    for (size_t i = 0; argv && !j->external && i < ARRAY_SIZE(head); i++) {
        bool option = i == 1 || i == 3;
        if (option && !head[i + 1])
            i++;
        else
            argv[n++] = (char *)head[i];
    }
    for (size_t i = 0; argv && i < j->argv.len; i++)
        argv[n++] = j->argv.items[i];
    return argv;
}

static void give_terminal(struct app *a)
{
    if (!a->term || a->away)
        return;
    uv_poll_stop(&a->tty);
    a->away = true;
    term_restore(a->term);
    a->guard->entered = 0;
}

static int spawn(struct child *c, char **argv)
{
    struct job *j = c->job;
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    for (int i = 0; i < 3 && j->terminal; i++)
        stdio[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = i};
    for (int i = 0; i < 2 && !j->terminal; i++)
        stdio[i + 1] = (uv_stdio_container_t){.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                                              .data.stream = (uv_stream_t *)&c->pipes[i]};
    uv_process_options_t o = {
        .file = j->external ? argv[0] : "/proc/self/exe",
        .args = argv,
        .stdio = stdio,
        .stdio_count = 3,
        .exit_cb = on_child_exit,
        /* An own session: ctrl-c and a lost terminal are the screen's, not the action's. */
        .flags = j->terminal ? 0 : UV_PROCESS_DETACHED};
    return uv_spawn(c->app->loop, &c->process, &o);
}

static int start(void *app, struct job *j)
{
    struct app *a = app;
    if (j->terminal && (!a->term || a->away))
        return -ENOTTY;
    auto_free char **argv = make_argv(a, j);
    struct child *c = calloc(1, sizeof(*c));
    if (!c || !argv) {
        free(c);
        return -ENOMEM;
    }
    *c = (struct child){.job = j,
                        .app = a,
                        .open = 4,
                        .ended_pipes = j->terminal ? 2 : 0,
                        .next = a->children};
    a->children = c;
    uv_pipe_init(a->loop, &c->pipes[0], 0);
    uv_pipe_init(a->loop, &c->pipes[1], 0);
    uv_timer_init(a->loop, &c->grace);
    c->process.data = c->grace.data = c->pipes[0].data = c->pipes[1].data = c;
    if (j->terminal)
        give_terminal(a);
    int rc = spawn(c, argv);
    if (rc < 0) { /* told by the loop, as every end: job_start() is still at work */
        buf_printf(&j->output, "cannot start a process: %s", uv_strerror(rc));
        c->status = 125;
        uv_timer_start(&c->grace, on_grace, 0, 0);
        return 0;
    }
    if (j->terminal && a->guard)
        a->guard->handover = c->process.pid;
    for (int i = 0; i < 2 && !j->terminal; i++)
        uv_read_start((uv_stream_t *)&c->pipes[i], on_room, on_output);
    return 0;
}

/* ---- watching files ----------------------------------------------------------------------- */

static void on_list_delay(uv_timer_t *t)
{
    struct app *a = t->data;
    ui_refresh(&a->ui);
    a->dirty = true;
}

static void read_list_soon(struct app *a)
{
    if (!uv_is_active((uv_handle_t *)&a->list_delay))
        uv_timer_start(&a->list_delay, on_list_delay, LIST_DELAY_MS, 0);
}

static void on_list_event(uv_fs_event_t *e, const char *name, int events, int status)
{
    read_list_soon(e->data);
}

/* A file that is written all the time gives one event per write: the watch rests until the
 * delay is over, and the view looks again then anyway. */
static void on_file_event(uv_fs_event_t *e, const char *name, int events, int status)
{
    struct app *a = e->data;
    for (int i = 0; i < WATCHES; i++)
        if (a->files[i].active) {
            uv_fs_event_stop(&a->files[i].event);
            a->files[i].active = false;
        }
    uv_timer_again(&a->file_delay);
}

static void set_watch(struct watch *w, const char *path, uv_fs_event_cb fn)
{
    bool same = path && w->path && strcmp(path, w->path) == 0;
    if (same && w->active)
        return;
    if (w->active)
        uv_fs_event_stop(&w->event);
    w->active = false;
    if (!same) {
        free(w->path);
        w->path = path ? strdup(path) : NULL;
    }
    if (w->path)
        w->active = uv_fs_event_start(&w->event, fn, w->path, 0) == 0;
}

static void watch_files(struct app *a)
{
    if (uv_is_active((uv_handle_t *)&a->file_delay))
        return;
    for (size_t i = 0, end = 0; i < WATCHES; i++) {
        const char *path = end ? NULL : ui_watch(&a->ui, i);
        end |= !path;
        set_watch(&a->files[i], path, on_file_event);
    }
}

static void on_file_delay(uv_timer_t *t)
{
    struct app *a = t->data;
    uv_timer_stop(t);
    watch_files(a);
    ui_changed(&a->ui);
    a->dirty = true;
}

static void watch_root(struct app *a)
{
    auto_free char *containers = NULL;
    if (!a->ui.engine ||
        asprintf(&containers, "%s/containers", mtd_root(a->ui.engine)) < 0)
        return;
    if (a->ui.reopened) /* another directory of the same name */
        set_watch(&a->root, NULL, NULL), set_watch(&a->containers, NULL, NULL);
    a->ui.reopened = false;
    set_watch(&a->root, mtd_root(a->ui.engine), on_list_event);
    set_watch(&a->containers, containers, on_list_event);
}

/* ---- time --------------------------------------------------------------------------------- */

static void on_sample(uv_timer_t *t);

/* Fast while figures are to be seen, slow while only ages grow older, fast as well while the
 * state directory cannot be read. The second reading follows soon: it gives the first CPU
 * figures. */
static void set_sample_timer(struct app *a)
{
    int64_t refresh = a->ui.config.refresh_ns / NS_PER_MS;
    bool busy = ui_wants_samples(&a->ui) || a->ui.model.problem[0];
    int64_t ms = !busy ? 30000 : a->sampled_once || refresh < 700 ? refresh : 700;
    if (a->script && !busy)
        uv_timer_stop(&a->sample);
    else if ((int64_t)uv_timer_get_repeat(&a->sample) != ms ||
             !uv_is_active((uv_handle_t *)&a->sample))
        uv_timer_start(&a->sample, on_sample, (uint64_t)ms, (uint64_t)ms);
}

static void on_sample(uv_timer_t *t)
{
    struct app *a = t->data;
    if (a->ui.model.problem[0])
        ui_refresh(&a->ui);
    ui_sample(&a->ui);
    a->sampled_once = true;
    a->dirty = true;
}

static void on_idle(uv_idle_t *h)
{
    struct app *a = h->data;
    if (!ui_work(&a->ui))
        uv_idle_stop(h);
    a->dirty = true;
}

static int64_t wall_ns(void *app)
{
    struct app *a = app;
    return a->script ? a->script->clock_ns : clock_wall_ns();
}

static int64_t mono_ns(void *app)
{
    return clock_mono_ns();
}

/* ---- the terminal ------------------------------------------------------------------------- */

static void quit(struct app *a, int status)
{
    a->status = status;
    uv_stop(a->loop);
}

static void on_escape(uv_timer_t *t);

static void dispatch_input(struct app *a)
{
    struct input_event ev;
    while (!a->away && input_next(&a->input, &ev)) {
        ui_key(&a->ui, &ev);
        a->dirty = true;
    }
    if (input_pending(&a->input))
        uv_timer_start(&a->escape, on_escape, ESC_DELAY_MS, 0);
    else
        uv_timer_stop(&a->escape);
}

static void on_escape(uv_timer_t *t)
{
    struct app *a = t->data;
    input_timeout(&a->input);
    dispatch_input(a);
}

/* One byte at a time: what is typed ahead of a shell that a key opens is the shell's. */
static void read_keys(struct app *a)
{
    for (int i = 0; i < 4096 && !a->away; i++) {
        char byte;
        ssize_t n = read(a->term->fd, &byte, 1);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            quit(a, 128 + SIGHUP);
            return;
        }
        input_feed(&a->input, &byte, 1);
        dispatch_input(a);
    }
}

static void on_tty(uv_poll_t *p, int status, int events);

static void poll_tty(struct app *a)
{
    int writing = a->term->out.len ? UV_WRITABLE : 0;
    uv_poll_start(&a->tty, UV_READABLE | UV_DISCONNECT | writing, on_tty);
}

static void flush(struct app *a)
{
    int rc = term_flush(a->term);
    if (rc < 0)
        quit(a, 128 + SIGHUP);
    else
        poll_tty(a);
}

static void on_tty(uv_poll_t *p, int status, int events)
{
    struct app *a = p->data;
    if (status < 0 || events & UV_DISCONNECT) {
        quit(a, 128 + SIGHUP);
        return;
    }
    if (events & UV_READABLE)
        read_keys(a);
    if (events & UV_WRITABLE && !a->away) {
        flush(a);
        a->dirty = true;
    }
}

static void fit_to_terminal(struct app *a)
{
    int rows, cols;
    if (term_size(a->term->fd, &rows, &cols) < 0)
        rows = 24, cols = 80;
    if (canvas_resize(&a->canvas, rows, cols) == 0)
        ui_resize(&a->ui, rows, cols);
    term_forget(a->term);
    a->dirty = true;
}

/* Also after somebody else had it: everything is drawn again, what was typed is dropped. */
static void take_terminal(struct app *a)
{
    if (!a->term)
        return;
    a->away = false;
    a->guard->handover = 0;
    input_drop(&a->input);
    tcflush(a->term->fd, TCIFLUSH);
    a->guard->entered = 1;
    term_enter(a->term, a->ui.mouse);
    fit_to_terminal(a);
    poll_tty(a);
}

static void suspend(struct app *a)
{
    if (!a->term || a->away)
        return;
    give_terminal(a);
    raise(SIGSTOP); /* the guard stops too, the shell takes over; SIGCONT goes on here */
    take_terminal(a);
}

static void copy(void *app, const char *text, size_t n)
{
    struct app *a = app;
    if (a->term)
        term_copy(a->term, text, n);
    a->dirty = true;
}

static void on_step(uv_timer_t *t)
{
    struct app *a = t->data;
    replay_run(a->script, &a->ui, &a->canvas, clock_mono_ns());
    a->dirty = true;
    if (a->script->ended)
        quit(a, a->script->status);
}

static void request(void *app, enum request r)
{
    struct app *a = app;
    a->dirty = true;
    switch (r) {
    case REQUEST_QUIT: quit(a, 0); break;
    case REQUEST_REDRAW:
        if (a->term)
            term_forget(a->term);
        break;
    case REQUEST_SUSPEND: suspend(a); break;
    case REQUEST_MOUSE:
        if (a->term)
            term_set_mouse(a->term, a->ui.mouse);
        break;
    case REQUEST_REFRESH: read_list_soon(a); break;
    case REQUEST_SAMPLE: uv_timer_start(&a->sample, on_sample, 1, 700); break;
    case REQUEST_WORK:
        if (!uv_is_active((uv_handle_t *)&a->idle))
            uv_idle_start(&a->idle, on_idle);
        break;
    }
}

static const struct platform PLATFORM = {wall_ns, mono_ns, start, copy, request};

/* Once per turn of the loop, before it sleeps. */
static void on_before_sleep(uv_prepare_t *p)
{
    struct app *a = p->data;
    if (!a->dirty)
        return;
    watch_root(a);
    watch_files(a);
    set_sample_timer(a);
    if (a->away || (a->term && a->term->out.len && a->term->out_done < a->term->out.len))
        return; /* drawn when the terminal is back, or has taken the frame before */
    a->dirty = false;
    ui_draw(&a->ui, &a->canvas);
    if (!a->term)
        return;
    term_paint(a->term, &a->canvas);
    if (a->term->out.len)
        flush(a);
}

static void on_signal(uv_signal_t *s, int sig)
{
    struct app *a = s->data;
    bool typed = sig == SIGINT || sig == SIGQUIT;
    if (sig == SIGWINCH && !a->away && a->term)
        fit_to_terminal(a);
    else if (sig != SIGWINCH &&
             !(a->away && typed)) /* those are for who has the terminal */
        quit(a, 128 + sig);
}

/* ---- beginning and end -------------------------------------------------------------------- */

static void init_handles(struct app *a)
{
    static const int SIGNALS[] = {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    uv_timer_t *timers[] = {&a->sample, &a->escape, &a->list_delay, &a->file_delay,
                            &a->step};
    for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
        uv_timer_init(a->loop, timers[i]);
        timers[i]->data = a;
    }
    uv_timer_start(&a->file_delay, on_file_delay, FILE_DELAY_MS, FILE_DELAY_MS);
    uv_timer_stop(&a->file_delay);
    uv_prepare_init(a->loop, &a->before_sleep);
    uv_idle_init(a->loop, &a->idle);
    a->before_sleep.data = a->idle.data = a;
    uv_prepare_start(&a->before_sleep, on_before_sleep);
    for (size_t i = 0; i < ARRAY_SIZE(SIGNALS); i++) {
        uv_signal_init(a->loop, &a->signals[i]);
        a->signals[i].data = a;
        uv_signal_start(&a->signals[i], on_signal, SIGNALS[i]);
    }
    struct watch *watches[] = {&a->root, &a->containers};
    for (size_t i = 0; i < ARRAY_SIZE(watches) + WATCHES; i++) {
        struct watch *w = i < 2 ? watches[i] : &a->files[i - 2];
        uv_fs_event_init(a->loop, &w->event);
        w->event.data = a;
    }
}

static void close_handle(uv_handle_t *h, void *arg)
{
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

static void free_children(struct app *a)
{
    while (a->children) {
        struct child *c = a->children;
        a->children = c->next;
        job_free(c->job);
        free(c);
    }
}

/* Actions that still run are left to themselves: they are finished, not broken off. A shell
 * on the terminal is hung up. */
static void done(struct app *a)
{
    if (a->guard && a->away)
        guard_hang_up(a->guard);
    if (a->term)
        term_restore(a->term);
    if (a->guard)
        a->guard->entered = a->guard->handover = 0;
    uv_walk(a->loop, close_handle, NULL);
    uv_run(a->loop, UV_RUN_NOWAIT);
    free_children(a);
    free(a->root.path);
    free(a->containers.path);
    for (int i = 0; i < WATCHES; i++)
        free(a->files[i].path);
    ui_done(&a->ui);
    canvas_done(&a->canvas);
    free(a);
}

static void begin(struct app *a)
{
    ui_refresh(&a->ui);
    if (a->term) {
        if (a->term->notice && !a->ui.message.text[0])
            ui_say(&a->ui, SAY_WARNING, "%s", a->term->notice);
        uv_poll_init(a->loop, &a->tty, a->term->fd);
        a->tty.data = a;
        take_terminal(a);
    } else {
        canvas_init(&a->canvas, a->script->rows, a->script->cols);
        ui_resize(&a->ui, a->script->rows, a->script->cols);
        uv_timer_start(&a->step, on_step, 0, 10);
    }
    uv_timer_start(&a->sample, on_sample, 1, 700);
}

int app_run(const struct app_setup *setup)
{
    struct app *a = calloc(1, sizeof(*a));
    struct ui_setup ui = *setup->ui;
    if (!a)
        return 125;
    a->loop = uv_default_loop();
    a->term = setup->term;
    a->guard = setup->guard;
    a->script = setup->script;
    a->dirty = true;
    ui.platform = &PLATFORM;
    ui.app = a;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    init_handles(a);
    int status = 125;
    if (ui_init(&a->ui, &ui) == 0) {
        if (a->term)
            term_set_theme(a->term, &a->ui.config.theme);
        begin(a);
        uv_run(a->loop, UV_RUN_DEFAULT);
        status = a->status;
    }
    done(a);
    return status;
}
