/* Front end side of exec: asks, starts, judges. The loop is in exec_relay.c.
 *
 * Which of the caller's descriptors go inside: nameless pipes only. Through any other one the
 * container gets more than a stream: a terminal can be typed on (TIOCSTI), a directory is a
 * way out (openat), a file opened for reading can be opened again for writing
 * (/proc/self/fd/0). All of these are relayed through pipes of ours; /dev/null becomes the
 * container's own. */

#include "engine/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/exec_part.h"
#include "engine/self.h"
#include "nsenter/nsenter.h"

#define PIPEFS_MAGIC 0x50495045

static const unsigned NULLS[] = {NSENTER_NULL_IN, NSENTER_NULL_OUT, NSENTER_NULL_ERR};

static int check_state(const struct mtd_record *r, struct mtd_error *err)
{
    const char *name = r->name ? r->name : r->id;
    switch (r->status.state) {
    case MTD_STATE_RUNNING: return 0;
    case MTD_STATE_PAUSED:
        return mtd_fail(err, EBUSY,
                        "container %s is paused, unpause the container before exec",
                        name);
    case MTD_STATE_RESTARTING:
        return mtd_fail(err, EBUSY,
                        "container %s is restarting, wait until the container is "
                        "running",
                        name);
    default: return mtd_fail(err, EBUSY, "container %s is not running", name);
    }
}

/* ---- streams ---------------------------------------------------------------------------- */

enum kind { KIND_NULL, KIND_PIPE, KIND_RELAY };

static enum kind judge(int fd)
{
    struct stat st;
    struct statfs fs;
    if (fd < 0 || fstat(fd, &st) < 0)
        return KIND_NULL;
    if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
        return KIND_NULL;
    bool pipe =
        S_ISFIFO(st.st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
    return pipe ? KIND_PIPE : KIND_RELAY;
}

/* inside[i]: what becomes descriptor i of the command; ours: to be closed once it has it. */
struct stdio {
    int inside[3];
    int ours[3];
};

static int relay_one(struct exec_session *s, int fd, bool input, int *ret_inside)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int mine = ends[input ? 1 : 0];
    fcntl(mine, F_SETFL, O_NONBLOCK);
    struct exec_stream *st =
        input ? exec_stream_add(s, fd, mine) : exec_stream_add(s, mine, fd);
    if (!st) {
        close(ends[0]);
        close(ends[1]);
        return -ENOMEM;
    }
    st->input = input;
    st->own_to = input;
    st->own_from = !input;
    *ret_inside = ends[input ? 0 : 1];
    return 0;
}

/* stdout and stderr on one terminal: through one pipe, so that they stay in order. */
static bool same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino && S_ISCHR(x.st_mode);
}

static int place_one(struct exec_session *s, int i, int fd, struct stdio *io,
                     struct nsenter_request *q)
{
    enum kind kind = judge(fd);
    if (kind == KIND_NULL)
        q->flags |= NULLS[i];
    if (kind == KIND_PIPE)
        io->inside[i] = fd;
    if (kind != KIND_RELAY)
        return 0;
    int r = relay_one(s, fd, i == 0, &io->inside[i]);
    io->ours[i] = io->inside[i];
    return r;
}

static int place_stdio(struct exec_session *s, const struct mtd_exec *x, struct stdio *io,
                       struct nsenter_request *q, struct mtd_error *err)
{
    if (x->tty)
        return 0;
    int r = 0;
    const int fds[3] = {x->detach || !x->with_stdin ? -1 : x->in, x->detach ? -1 : x->out,
                        x->detach ? -1 : x->err};
    for (int i = 0; i < 3 && r == 0; i++) {
        if (i == 2 && io->ours[1] >= 0 && same_file(fds[1], fds[2]))
            io->inside[2] = io->inside[1];
        else
            r = place_one(s, i, fds[i], io, q);
    }
    return r < 0 ? mtd_fail_errno(err, -r, "cannot make a pipe") : 0;
}

static void close_ours(struct stdio *io)
{
    for (int i = 0; i < 3; i++)
        if (io->ours[i] >= 0)
            close(take_fd(&io->ours[i]));
}

/* ---- the request ------------------------------------------------------------------------ */

static int fill_env(struct strv *env, const struct mtd_record *r,
                    const struct mtd_exec *x)
{
    int e = strv_copy(env, &r->spec.process.env);
    if (e == 0 && x->tty && !strv_env_get(env, "TERM"))
        e = strv_add(env, "TERM=xterm");
    for (size_t i = 0; i < x->env.len && e == 0; i++)
        e = strv_env_set(env, x->env.items[i]);
    return e;
}

static int fill_limits(struct nsenter_request *q, const struct mtd_process *p)
{
    if (p->n_rlimits == 0)
        return 0;
    q->rlimits = calloc(p->n_rlimits, sizeof(*q->rlimits));
    if (!q->rlimits)
        return -ENOMEM;
    for (q->n_rlimits = 0; q->n_rlimits < p->n_rlimits; q->n_rlimits++) {
        const struct mtd_rlimit *from = &p->rlimits[q->n_rlimits];
        struct nsenter_rlimit *to = &q->rlimits[q->n_rlimits];
        memcpy(to->name, from->name, sizeof(to->name));
        to->soft = from->soft;
        to->hard = from->hard;
    }
    return 0;
}

/* A terminal's session is ended by its keeper, so that it can be detached from. */
static uint32_t flags_of(const struct mtd_record *r, const struct mtd_exec *x)
{
    return (x->tty ? NSENTER_TTY : 0) | (x->tty || x->detach ? NSENTER_KEEP : 0) |
           (r->spec.process.no_new_privs ? NSENTER_NO_NEW_PRIVS : 0);
}

static const char *first(const char *a, const char *b)
{
    return a && *a ? a : b;
}

/* cwd, user, cgroups and args are borrowed. */
static int fill_request(struct nsenter_request *q, const struct mtd_record *r,
                        const struct mtd_exec *x, struct mtd_error *err)
{
    const struct mtd_process *p = &r->spec.process;
    if (x->args.len == 0)
        return mtd_fail(err, EINVAL, "exec needs a command");
    q->pid = r->status.pid;
    q->pid_start = r->status.pid_start;
    q->flags |= flags_of(r, x);
    q->caps = x->privileged || p->privileged ? MTD_CAPS_ALL : p->caps;
    q->cwd = (char *)first(x->cwd, p->cwd);
    q->user = (char *)first(x->user, p->user);
    q->cgroups = r->status.cgroups;
    q->args = x->args;
    if (fill_limits(q, p) < 0 || fill_env(&q->env, r, x) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}

static void free_request(struct nsenter_request *q)
{
    free(q->rlimits);
    strv_done(&q->env);
}

/* ---- start and end ---------------------------------------------------------------------- */

/* Held back while a session lasts and read from a signalfd. One that is ignored (nohup, a job
 * in the background) stays ignored. */
static const int SIGNALS[] = {SIGHUP,  SIGINT,   SIGQUIT, SIGTERM, SIGUSR1,
                              SIGUSR2, SIGWINCH, SIGPIPE, SIGCHLD};

struct signals {
    sigset_t mask;
    struct sigaction child;
};

static int hold_signals(struct signals *saved)
{
    static const struct sigaction normal = {.sa_handler = SIG_DFL};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(SIGNALS); i++) {
        struct sigaction now;
        sigaction(SIGNALS[i], NULL, &now);
        if (now.sa_handler != SIG_IGN || SIGNALS[i] == SIGCHLD)
            sigaddset(&set, SIGNALS[i]);
    }
    sigaction(SIGCHLD, &normal, &saved->child); /* ignored, it would reap our children */
    sigprocmask(SIG_BLOCK, &set, &saved->mask);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* A SIGPIPE still waiting was answered by closing the stream. */
static void release_signals(const struct signals *saved)
{
    static const struct timespec now = {0};
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (!sigismember(&saved->mask, SIGPIPE))
        sigtimedwait(&pipe, NULL, &now);
    sigaction(SIGCHLD, &saved->child, NULL);
    sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

static int start(struct exec_session *s, const struct nsenter_request *q,
                 const struct stdio *io, struct mtd_error *err)
{
    static char name[] = NSENTER_NAME;
    static char *const argv[] = {name, NULL};
    auto_fd int self = self_open(err);
    if (self < 0)
        return self;
    auto_fd int request = nsenter_seal(q);
    if (request == -E2BIG)
        return mtd_fail(err, E2BIG, "arguments and environment are longer than %u bytes",
                        NSENTER_MAX);
    auto_fd int inside = -1;
    int r = request < 0 ? request : nsenter_socket(&s->reply_fd, &inside);
    if (r < 0)
        return mtd_fail_errno(err, -r, "cannot pass the request on");
    const int fds[] = {io->inside[0], io->inside[1], io->inside[2], request, inside};
    pid_t pid = self_spawn_fds(self, argv, fds, ARRAY_SIZE(fds), err);
    if (pid < 0)
        return pid;
    s->joiner = pid;
    return 0;
}

/* What was started and neither ended nor may live on goes with us. */
static void finish(struct exec_session *s, bool let_live)
{
    console_restore(&s->console);
    exec_keeper_done(s, let_live);
    const pid_t left[] = {s->joiner, let_live || s->ended ? 0 : s->pid};
    for (size_t i = 0; i < ARRAY_SIZE(left); i++)
        if (left[i] > 0 && waitpid(left[i], NULL, WNOHANG) == 0) {
            kill(left[i], SIGKILL);
            waitpid(left[i], NULL, s->interrupted ? WNOHANG : 0);
        }
    for (size_t i = 0; i < s->n_streams; i++) {
        struct exec_stream *st = s->streams[i];
        if (st->own_from && st->from >= 0)
            close(st->from);
        if (st->own_to && st->to >= 0)
            close(st->to);
        free(st);
    }
    if (s->id[0] && !let_live)
        exec_list_remove(s->run_dir, s->id);
    const int fds[] = {s->master, s->reply_fd, s->signal_fd};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* An error from outside the container is exec's own; one from inside is the command's. */
static int judge_failure(const struct exec_session *s, int *ret_status,
                         struct mtd_error *err)
{
    const struct mtd_error *f = &s->failure;
    bool missing =
        f->code == ENOENT && (f->stage == MTD_STAGE_EXEC || f->stage == MTD_STAGE_CWD);
    if (err && err->code == 0)
        *err = *f;
    *ret_status = missing ? 127 : 126;
    return s->pid > 0 ? 0 : -f->code;
}

static int judge_end(const struct exec_session *s, int *ret_status, struct mtd_error *err)
{
    if (s->failure.code)
        return judge_failure(s, ret_status, err);
    if (s->interrupted)
        *ret_status = 128 + s->interrupted;
    else if (s->detached)
        *ret_status = MTD_DETACHED;
    else if (s->ended)
        *ret_status = WIFSIGNALED(s->wait_status) ? 128 + WTERMSIG(s->wait_status)
                                                  : WEXITSTATUS(s->wait_status);
    else
        return mtd_fail(err, EIO, "the process that joins the container died");
    return 0;
}

static int follow_terminal(struct exec_session *s, const struct mtd_exec *x,
                           struct nsenter_request *q, struct mtd_error *err)
{
    q->rows = 24;
    q->cols = 80;
    if (!x->tty)
        return 0;
    if (console_keys_parse(&s->keys, x->detach_keys) < 0)
        return mtd_fail(err, EINVAL,
                        "detach keys \"%s\": letters or ctrl-x, separated by "
                        "commas",
                        x->detach_keys);
    const int fds[] = {x->out, x->in};
    for (size_t i = 0; i < ARRAY_SIZE(fds) && s->terminal < 0; i++)
        if (fds[i] >= 0 && console_size(fds[i], &q->rows, &q->cols) == 0)
            s->terminal = fds[i];
    return 0;
}

static int run_session(struct exec_session *s, const struct mtd_record *r,
                       const struct mtd_exec *x, struct mtd_error *err)
{
    struct stdio io = {{-1, -1, -1}, {-1, -1, -1}};
    auto_done(free_request) struct nsenter_request q = {0};
    int e = fill_request(&q, r, x, err);
    if (e == 0)
        e = follow_terminal(s, x, &q, err);
    if (e == 0)
        e = place_stdio(s, x, &io, &q, err);
    if (e == 0)
        e = start(s, &q, &io, err);
    close_ours(&io);
    return e < 0 ? e : exec_relay(s, err);
}

int exec_session_run(struct exec_session *s, const struct mtd_record *r,
                     const struct mtd_exec *x, int *ret_status, struct mtd_error *err)
{
    struct signals saved;
    s->reply_fd = s->master = s->terminal = s->keeper_fd = s->console.fd = -1;
    s->tty = x->tty;
    s->args = &x->args;
    s->in = x->with_stdin && !x->detach ? x->in : -1;
    s->out = x->out;
    s->signal_fd = hold_signals(&saved);
    int e = s->signal_fd < 0
                ? mtd_fail_errno(err, -s->signal_fd, "cannot make a signalfd")
                : run_session(s, r, x, err);
    finish(s, e == 0 && s->detached);
    release_signals(&saved);
    return e < 0 ? e : judge_end(s, ret_status, err);
}

int exec_run(const struct mtd_record *r, int run_dir, const struct mtd_exec *x,
             int *ret_status, struct mtd_error *err)
{
    struct exec_session s = {.report_fd = -1, .run_dir = run_dir};
    int e = check_state(r, err);
    if (e < 0)
        return e;
    return x->detach ? exec_detached(r, run_dir, x, ret_status, err)
                     : exec_session_run(&s, r, x, ret_status, err);
}
