/* Children. A job's end is its process's end and the end of its output, whichever is
 * later; a grandchild that keeps the output open is not waited for. */
#include "ui/app/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ui/screen/jobs.h"

enum { GRACE_MS = 200 };

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

static void tell(struct child *c);

static void end_pause(struct app *a)
{
    if (a->paused)
        tell(a->paused);
}

static void tell(struct child *c)
{
    struct app *a = c->app;
    struct job *j = c->job;
    if (c->told)
        return;
    if (j->terminal && j->pause && !c->app->paused && c->exited) {
        a->paused = c;
        app_pause(a, end_pause);
        return;
    }
    a->paused = NULL;
    c->told = true;
    c->job = NULL;
    if (j->terminal)
        app_take_terminal(a);
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
    else /* a process it left behind may keep its output open */
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
    if (n > 0 && c->job)
        job_output(c->job, b->base, (size_t)n);
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
        /* A session of its own: ctrl-c and the loss of the terminal concern the screen,
         * not the action. */
        .flags = j->terminal ? 0 : UV_PROCESS_DETACHED};
    return uv_spawn(c->app->loop, &c->process, &o);
}

int app_start(void *app, struct job *j)
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
        app_give_terminal(a);
    if (j->terminal && j->way_back)
        dprintf(STDOUT_FILENO, "[%s returns to the dashboard]\n", j->way_back);
    int rc = spawn(c, argv);
    /* The loop reports it, as it does every end: job_start() is still on the stack. */
    if (rc < 0) {
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

void app_cancel(void *app, struct job *j)
{
    struct app *a = app;
    for (struct child *c = a->children; c; c = c->next)
        if (c->job == j && !c->exited)
            uv_process_kill(&c->process, SIGINT);
}

void app_free_children(struct app *a)
{
    while (a->children) {
        struct child *c = a->children;
        a->children = c->next;
        job_free(c->job);
        free(c);
    }
}
