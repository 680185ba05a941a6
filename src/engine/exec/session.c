/* The front end's side of a session: signals are blocked first, so that none is lost
 * between the start and the loop; at the end whatever was started is ended and
 * reaped, on every path. */

#include "engine/exec/internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/sys.h"
#include "engine/host/self.h"
#include "engine/idmap.h"
#include "nsenter/nsenter.h"

#define END_WAIT_MS 1000

/* Never passed on: faults of our own, and the signals of job control. The command
 * leads a session of its own, where the kernel ignores SIGTSTP: if it were passed on,
 * ctrl-z would do nothing. */
static const int OURS[] = {SIGSEGV, SIGBUS,  SIGILL,  SIGFPE,  SIGABRT, SIGTRAP, SIGSYS,
                           SIGXFSZ, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGKILL, SIGSTOP};

struct signals {
    sigset_t mask;
    struct sigaction child;
};

/* All other signals are read from a signalfd, those too that are ignored, as in docker: a script's
 * background job ignores SIGINT and SIGQUIT. Only nohup stays nohup. */
static int hold_signals(struct signals *saved)
{
    static const struct sigaction normal = {.sa_handler = SIG_DFL};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(OURS); i++)
        sigdelset(&set, OURS[i]);
    struct sigaction hup;
    if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler == SIG_IGN)
        sigdelset(&set, SIGHUP);
    sigaction(SIGCHLD, &normal, &saved->child); /* ignored, it would reap our children */
    sigprocmask(SIG_BLOCK, &set, &saved->mask);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* A pending SIGPIPE is discarded: it was handled by closing the stream. */
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
                 const struct exec_stdio *io, struct mtd_error *err)
{
    static char name[] = NSENTER_NAME;
    static char *const argv[] = {name, NULL};
    auto_fd int self = self_open_like(s->record->status.monitor_pid, err);
    if (self < 0)
        return self;
    auto_fd int request = nsenter_seal(q);
    if (request == -E2BIG)
        return mtd_fail(err, E2BIG, "arguments and environment are longer than %u bytes",
                        NSENTER_MAX);
    auto_fd int inside = -1;
    int rc = request < 0 ? request : nsenter_socket(&s->reply_fd, &inside);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot send the exec request");
    const int fds[] = {io->inside[0], io->inside[1], io->inside[2], request, inside};
    pid_t pid = self_spawn_fds(self, argv, fds, ARRAY_SIZE(fds), NULL, err);
    if (pid < 0)
        return pid;
    s->joiner = s->start = pid;
    return 0;
}

/* A frozen process does not die before it is thawed, so the wait has a limit. */
static void end_process(const struct exec_session *s, pid_t pid)
{
    auto_fd int pidfd = sys_pidfd_open(pid, 0);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    kill(pid, SIGKILL);
    if (!s->interrupted)
        poll(&end, 1, END_WAIT_MS);
    waitpid(pid, NULL, WNOHANG);
}

/* Ends what was started and has neither ended nor been detached from. */
static void finish(struct exec_session *s, bool let_live)
{
    fault_point("exec.end");
    tty_restore(&s->console);
    exec_keeper_done(s, let_live);
    if (s->late && s->pid > 0 && !s->ended)
        kill(-s->pid, SIGKILL); /* the group of a session leader: its children as well */
    const pid_t left[] = {s->joiner, let_live || s->ended ? 0 : s->pid};
    for (size_t i = 0; i < ARRAY_SIZE(left); i++)
        if (left[i] > 0 && waitpid(left[i], NULL, WNOHANG) == 0)
            end_process(s, left[i]);
    exec_streams_done(s);
    if (s->id[0] && !let_live)
        exec_list_remove(s->notes.run_dir, s->id);
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
    if (s->late)
        return mtd_fail(err, ETIMEDOUT, "the command took too long and was killed");
    if (s->stuck && !s->failure.code)
        return mtd_fail(err, ETIME,
                        "the command did not begin within %d s and was killed; a process "
                        "of the container may have stopped it (SIGSTOP)",
                        EXEC_BEGIN_S);
    if (s->failure.code)
        return judge_failure(s, ret_status, err);
    if (s->unwritten)
        return mtd_fail_errno(err, s->unwritten, "cannot write the output");
    if (s->interrupted)
        *ret_status = 128 + s->interrupted;
    else if (s->detached)
        *ret_status = MTD_DETACHED;
    else if (s->ended)
        *ret_status = exec_status(s->wait_status);
    else
        return mtd_fail(err, EIO,
                        "the process that joins the container ended unexpectedly");
    return 0;
}

static int follow_terminal(struct exec_session *s, const struct mtd_exec *x,
                           struct nsenter_request *q, struct mtd_error *err)
{
    q->rows = 24;
    q->cols = 80;
    if (!x->tty)
        return 0;
    if (tty_keys_parse(&s->keys, x->detach_keys) < 0)
        return mtd_fail(err, EINVAL,
                        "detach keys \"%s\": letters or ctrl-x, separated by "
                        "commas",
                        x->detach_keys);
    const int fds[] = {x->out, x->in};
    for (size_t i = 0; i < ARRAY_SIZE(fds) && s->terminal < 0; i++)
        if (fds[i] >= 0 && tty_size(fds[i], &q->rows, &q->cols) == 0)
            s->terminal = fds[i];
    return 0;
}

/* In a user namespace nobody else may open /dev/stdout, or give it to a user. */
static void give_to_root_inside(const struct exec_stdio *io, const struct mtd_spec *spec)
{
    uint32_t root;
    if (!mtd_idmap_is_set(spec) || !mtd_idmap_to_host(spec, 0, &root))
        return;
    for (int i = 0; i < 3; i++)
        if (io->ours[i] >= 0)
            (void)!fchown(io->ours[i], root, root);
}

static int run_session(struct exec_session *s, const struct mtd_record *r,
                       const struct mtd_exec *x, struct mtd_error *err)
{
    struct exec_stdio io = {{-1, -1, -1}, {-1, -1, -1}};
    auto_done(exec_request_done) struct nsenter_request q = {0};
    int rc = exec_request_fill(&q, r, x, err);
    s->labelled = rc == 0 && *q.label;
    if (rc == 0)
        rc = follow_terminal(s, x, &q, err);
    if (rc == 0)
        rc = exec_stdio_place(s, x, &io, &q, err);
    if (rc == 0)
        give_to_root_inside(&io, &r->spec);
    if (rc == 0)
        rc = start(s, &q, &io, err);
    exec_stdio_close(&io);
    return rc < 0 ? rc : exec_relay(s, err);
}

int exec_session_run(struct exec_session *s, const struct mtd_record *r,
                     const struct mtd_exec *x, int *ret_status, struct mtd_error *err)
{
    struct signals saved;
    s->reply_fd = s->master = s->terminal = s->keeper_fd = s->console.fd = -1;
    s->tty = x->tty;
    s->keep_signals = x->keep_signals;
    s->deadline = x->timeout_ns > 0 ? clock_mono_ns() + x->timeout_ns : 0;
    s->args = &x->args;
    s->record = r;
    s->in = x->with_stdin && !x->detach ? x->in : -1;
    s->out = x->out;
    s->begin_by = clock_mono_ns() + EXEC_BEGIN_S * NS_PER_SEC;
    s->signal_fd = hold_signals(&saved);
    int rc = s->signal_fd < 0
                 ? mtd_fail_errno(err, -s->signal_fd, "cannot create a signalfd")
                 : run_session(s, r, x, err);
    finish(s, rc == 0 && s->detached);
    if (s->ended)
        exec_note_end(s, exec_status(s->wait_status));
    release_signals(&saved);
    return rc < 0 ? rc : judge_end(s, ret_status, err);
}
