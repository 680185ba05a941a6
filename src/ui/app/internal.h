/* internal - what the files of the loop share: app.c (its turns, beginning and end),
 * child.c (children), watch.c (files), tty.c (the terminal).
 */
#ifndef UI_APP_INTERNAL_H
#define UI_APP_INTERNAL_H

#include <uv.h>

#include "ui/screen/replay.h"
#include "ui/screen/screen.h"
#include "ui/term/guard.h"
#include "ui/term/term.h"

enum { WATCHES = 8 };

struct watch {
    uv_fs_event_t event;
    char *path; /* NULL = not in use */
    bool active;
};

struct child; /* a process and the job it is for */

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
    uv_signal_t signals[7];
    struct watch root, containers, files[WATCHES];
    bool settling;        /* the list is read once more after the last event */
    bool dirty, away;     /* away: another process has the terminal */
    unsigned samples;     /* taken so far */
    int64_t painted_at;   /* mono ns */
    size_t painted_bytes; /* by that frame */
    struct child *paused; /* its process has ended; waiting for Enter on the terminal */
    void (*resumed)(struct app *a);
    int status;
    struct child *children;
};

static inline void app_quit(struct app *a, int status)
{
    a->status = status;
    uv_stop(a->loop);
}

/* The platform's cancel(). */
void app_cancel(void *app, struct job *j);
/* The platform's start(): job done() is called from the loop, never from inside. */
int app_start(void *app, struct job *j);
void app_free_children(struct app *a); /* after their handles were closed */

void app_watch_init(struct app *a);
void app_watch_done(struct app *a);
void app_watch_root(struct app *a);
void app_watch_files(struct app *a); /* what the visible tab wants */
void app_read_list_soon(struct app *a);

void app_tty_init(struct app *a);
void app_take_terminal(struct app *a); /* also after another process had it */
void app_give_terminal(struct app *a);
/* Asks for Enter, and calls resumed() once it was typed. */
void app_pause(struct app *a, void (*resumed)(struct app *a));
void app_suspend(struct app *a);
void app_stop_or_continue(struct app *a, int sig); /* SIGTSTP or SIGCONT came */
void app_flush(struct app *a);
void app_fit_to_terminal(struct app *a);

#endif
