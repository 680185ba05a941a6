/* The loop. It wakes up for input, file events, children and one sample timer; drawing
 * happens once per turn, before it sleeps, and only when something changed and the
 * terminal has taken the frame before. Nothing changed: not a byte is written. */
#include "ui/app/app.h"

#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/app/internal.h"

/* While a key is held down the list scrolls, and figures are not read. */
enum { SCROLLED_MS = 60 };

/* ---- time -------------------------------------------------------------------------- */

static void on_sample(uv_timer_t *t);

/* Fast while figures are visible or the state directory cannot be read; slow while only
 * ages change. The second reading follows soon, because CPU figures need two. */
static void set_sample_timer(struct app *a)
{
    int64_t refresh = a->ui.config.refresh_ns / NS_PER_MS;
    bool busy = ui_wants_samples(&a->ui) || a->ui.model.problem[0];
    int64_t ms = a->samples < 2 && refresh > 700 ? 700 : busy ? refresh : 30000;
    if (a->script && !busy && a->samples)
        uv_timer_stop(&a->sample);
    else if ((int64_t)uv_timer_get_repeat(&a->sample) != ms ||
             !uv_is_active((uv_handle_t *)&a->sample))
        uv_timer_start(&a->sample, on_sample, (uint64_t)ms, (uint64_t)ms);
}

static void on_sample(uv_timer_t *t)
{
    struct app *a = t->data;
    if (a->away)
        return;
    if (a->ui.model.problem[0])
        ui_refresh(&a->ui);
    ui_sample(&a->ui);
    a->samples++;
    a->dirty = true;
}

/* Twice: rows that were off the screen need two readings for a CPU figure. */
static void sample_soon(struct app *a, uint64_t ms)
{
    a->samples = 0;
    uv_timer_start(&a->sample, on_sample, ms, 700);
}

static void on_idle(uv_idle_t *h)
{
    struct app *a = h->data;
    if (!ui_work(&a->ui))
        uv_idle_stop(h);
    a->dirty = true;
}

static int64_t platform_wall_ns(void *app)
{
    struct app *a = app;
    return a->script ? a->script->clock_ns : clock_wall_ns();
}

static int64_t platform_mono_ns(void *app)
{
    return clock_mono_ns();
}

static bool platform_copy(void *app, const char *text, size_t n)
{
    struct app *a = app;
    a->dirty = true;
    return !a->term || term_copy(a->term, text, n);
}

static void on_step(uv_timer_t *t)
{
    struct app *a = t->data;
    replay_run(a->script, &a->ui, &a->canvas, clock_mono_ns());
    a->dirty = true;
    if (a->script->ended)
        app_quit(a, a->script->status);
}

static void platform_request(void *app, enum request r)
{
    struct app *a = app;
    a->dirty = true;
    switch (r) {
    case REQUEST_QUIT: app_quit(a, 0); break;
    case REQUEST_REDRAW:
        if (a->term)
            term_forget(a->term);
        break;
    case REQUEST_SUSPEND: app_suspend(a); break;
    case REQUEST_MOUSE:
        if (a->term)
            term_set_mouse(a->term, a->ui.mouse);
        break;
    case REQUEST_REFRESH: app_read_list_soon(a); break;
    case REQUEST_SAMPLE: sample_soon(a, 1); break;
    case REQUEST_WORK:
        if (!uv_is_active((uv_handle_t *)&a->idle))
            uv_idle_start(&a->idle, on_idle);
        break;
    }
}

static const struct platform PLATFORM = {.wall_ns = platform_wall_ns,
                                         .mono_ns = platform_mono_ns,
                                         .start = app_start,
                                         .cancel = app_cancel,
                                         .copy = platform_copy,
                                         .request = platform_request};

/* Something may still be queued: the previous frame, or text for the clipboard. */
static bool has_taken_all(struct app *a)
{
    if (a->term->out.len)
        app_flush(a); /* from here on the loop hears when it takes more */
    return a->term->out.len == 0;
}

/* Once per turn of the loop, before it sleeps. */
static void on_before_sleep(uv_prepare_t *p)
{
    struct app *a = p->data;
    if (!a->dirty)
        return;
    app_watch_root(a);
    app_watch_files(a);
    set_sample_timer(a);
    /* Drawn when the terminal is back, or has taken what it was sent before. */
    if (a->away || (a->term && !has_taken_all(a)))
        return;
    a->dirty = false;
    ui_draw(&a->ui, &a->canvas);
    if (ui_rows_came(&a->ui) && a->samples)
        sample_soon(a, SCROLLED_MS);
    if (!a->term)
        return;
    term_paint(a->term, &a->canvas);
    if (a->term->out.len) {
        a->painted_at = clock_mono_ns();
        a->painted_bytes = a->term->out.len;
        app_flush(a);
    }
}

static void on_signal(uv_signal_t *s, int sig)
{
    struct app *a = s->data;
    bool typed = sig == SIGINT || sig == SIGQUIT;
    if (sig == SIGTSTP || sig == SIGCONT) {
        app_stop_or_continue(a, sig);
        return;
    }
    if (sig == SIGWINCH && !a->away && a->term)
        app_fit_to_terminal(a);
    else if (sig != SIGWINCH &&
             !(a->away && typed)) /* those are for the process that has the terminal */
        app_quit(a, 128 + sig);
}

/* ---- beginning and end ------------------------------------------------------------- */

static void init_handles(struct app *a)
{
    static const int SIGNALS[] = {SIGWINCH, SIGINT,  SIGTERM, SIGHUP,
                                  SIGQUIT,  SIGTSTP, SIGCONT};
    uv_timer_t *timers[] = {&a->sample, &a->escape, &a->list_delay, &a->file_delay,
                            &a->step};
    for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
        uv_timer_init(a->loop, timers[i]);
        timers[i]->data = a;
    }
    uv_prepare_init(a->loop, &a->before_sleep);
    uv_idle_init(a->loop, &a->idle);
    a->before_sleep.data = a->idle.data = a;
    uv_prepare_start(&a->before_sleep, on_before_sleep);
    for (size_t i = 0; i < ARRAY_SIZE(SIGNALS); i++) {
        uv_signal_init(a->loop, &a->signals[i]);
        a->signals[i].data = a;
        uv_signal_start(&a->signals[i], on_signal, SIGNALS[i]);
    }
    app_watch_init(a);
}

static void close_handle(uv_handle_t *h, void *arg)
{
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

/* Actions that are still running are not interrupted. A shell on the terminal gets
 * SIGHUP. */
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
    app_free_children(a);
    app_watch_done(a);
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
        app_tty_init(a);
        app_take_terminal(a);
    } else {
        canvas_init(&a->canvas, a->script->rows, a->script->cols);
        ui_resize(&a->ui, a->script->rows, a->script->cols);
        uv_timer_start(&a->step, on_step, 0, 10);
    }
    sample_soon(a, 1);
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
