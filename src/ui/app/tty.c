/* The terminal in the loop: keys in, frames out, and handing it to a child and taking it
 * back. */
#include "ui/app/internal.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

enum { ESC_DELAY_MS = 40 };

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
            app_quit(a, 128 + SIGHUP);
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

void app_flush(struct app *a)
{
    int rc = term_flush(a->term);
    if (rc < 0)
        app_quit(a, 128 + SIGHUP);
    else
        poll_tty(a);
}

static void on_tty(uv_poll_t *p, int status, int events)
{
    struct app *a = p->data;
    if (status < 0 || events & UV_DISCONNECT) {
        app_quit(a, 128 + SIGHUP);
        return;
    }
    if (events & UV_READABLE)
        read_keys(a);
    if (events & UV_WRITABLE && !a->away) {
        app_flush(a);
        a->dirty = true;
    }
}

void app_fit_to_terminal(struct app *a)
{
    int rows, cols;
    if (term_size(a->term->fd, &rows, &cols) < 0)
        rows = 24, cols = 80;
    if (canvas_resize(&a->canvas, rows, cols) == 0)
        ui_resize(&a->ui, rows, cols);
    term_forget(a->term);
    a->dirty = true;
}

/* Also after a child had it: everything is drawn again, what was typed is dropped. */
void app_take_terminal(struct app *a)
{
    if (!a->term)
        return;
    a->away = false;
    a->guard->handover = 0;
    input_drop(&a->input);
    tcflush(a->term->fd, TCIFLUSH);
    a->guard->entered = 1;
    term_enter(a->term, a->ui.mouse);
    app_fit_to_terminal(a);
    poll_tty(a);
}

void app_suspend(struct app *a)
{
    if (!a->term || a->away)
        return;
    app_give_terminal(a);
    /* The guard stops too and the shell takes over; SIGCONT resumes here. */
    raise(SIGSTOP);
    app_take_terminal(a);
}

/* By `kill -TSTP` as by the key; after SIGSTOP, which nobody can handle, the guard has given
 * the terminal back and it is taken again. While a child has the terminal, the child's group
 * stops as a whole. */
void app_stop_or_continue(struct app *a, int sig)
{
    if (sig == SIGTSTP && a->away)
        raise(SIGSTOP);
    else if (sig == SIGTSTP)
        app_suspend(a);
    else if (a->term && !a->away && !a->guard->entered)
        app_take_terminal(a);
}

void app_give_terminal(struct app *a)
{
    if (!a->term || a->away)
        return;
    uv_poll_stop(&a->tty);
    a->away = true;
    term_restore(a->term);
    a->guard->entered = 0;
}

/* The line settings are the shell's: what comes is a whole line, or the end. */
static void on_enter(uv_poll_t *p, int status, int events)
{
    struct app *a = p->data;
    char line[256];
    ssize_t n = read(a->term->fd, line, sizeof(line));
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(events & UV_DISCONNECT))
        return;
    uv_poll_stop(p);
    a->resumed(a);
}

void app_pause(struct app *a, void (*resumed)(struct app *a))
{
    static const char TEXT[] = "\n[Enter returns to the dashboard]";
    if (write(STDOUT_FILENO, TEXT, sizeof(TEXT) - 1) < 0)
        app_quit(a, 128 + SIGHUP);
    a->resumed = resumed;
    uv_poll_start(&a->tty, UV_READABLE | UV_DISCONNECT, on_enter);
}

void app_tty_init(struct app *a)
{
    uv_poll_init(a->loop, &a->tty, a->term->fd);
    a->tty.data = a;
}
