/* One more process, by the joiner that `exec` of run's containers has (nsenter.h). Its streams are
 * the caller's as they are: whoever runs an OCI runtime owns them. The command is this process's
 * child until it ends, and then the caller's. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/ns.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/host/apparmor.h"
#include "engine/host/self.h"
#include "engine/syscalls/syscalls.h"
#include "nsenter/nsenter.h"

#define FAILED 255
#define MAX_FDS 64

struct session {
    const struct runtime_exec *x;
    struct container c;
    struct bundle bundle; /* the container's, with the process to be run */
    uint64_t seccomp_caps;
    bool userns; /* it has one of its own */
    bool traced; /* the container may trace what it sees */
    char label[APPARMOR_NAME_MAX + 8];
    int console_fd, reply_fd;
    int listener; /* for the seccomp listener, as long as it has not been sent; -1 = none */
    enum runtime_status status;
    pid_t joiner, pid;
};

/* ---- which process ---- */

static int read_process(struct session *s, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = fs_read_path(s->x->process, BUNDLE_MAX_BYTES, &text);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read the process in %s", s->x->process);
    return bundle_parse_process(&s->bundle, text.data ? text.data : "", text.len, err);
}

static int set_text(char **to, const char *from, struct mtd_error *err)
{
    if (!from)
        return 0;
    free(*to);
    *to = strdup(from);
    return *to ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

/* "UID[:GID]", in numbers, as with runc. */
static int set_user(struct mtd_process *p, const char *user, struct mtd_error *err)
{
    uint64_t uid, gid = 0;
    char text[16];
    size_t n = user ? strcspn(user, ":") : 0;
    if (!user)
        return 0;
    if (n >= sizeof(text))
        return mtd_fail(err, EINVAL, "user \"%.40s\" is not UID[:GID]", user);
    memcpy(text, user, n);
    text[n] = '\0';
    if (parse_u64(text, UINT32_MAX - 1, &uid) < 0 ||
        (user[n] && parse_u64(user + n + 1, UINT32_MAX - 1, &gid) < 0))
        return mtd_fail(err, EINVAL, "user \"%.40s\" is not UID[:GID]", user);
    char *both = NULL;
    if (asprintf(&both, "%llu:%llu", (unsigned long long)uid, (unsigned long long)gid) <
        0)
        return mtd_fail(err, ENOMEM, "out of memory");
    free(p->user);
    p->user = both;
    return 0;
}

static int add_caps(struct mtd_process *p, const struct strv *caps, struct mtd_error *err)
{
    uint64_t more = 0, one;
    for (size_t i = 0; i < caps->len; i++) {
        int rc = mtd_cap_parse(caps->items[i], &one, err);
        if (rc < 0)
            return rc;
        more |= one;
    }
    p->caps |= more;
    p->sets.effective |= more;
    p->sets.permitted |= more;
    return 0;
}

/* The container's own, changed by what was given. */
static int make_process(struct session *s, struct mtd_error *err)
{
    const struct runtime_exec *x = s->x;
    struct mtd_process *p = &s->bundle.process;
    if (x->args.len == 0)
        return mtd_fail(err, EINVAL, "process args cannot be empty");
    strv_done(&p->args);
    int rc = strv_copy(&p->args, &x->args);
    for (size_t i = 0; i < x->env.len && rc == 0; i++)
        rc = strv_env_set(&p->env, x->env.items[i]);
    if (rc == 0)
        rc = strv_add_all(&p->group_add, &x->groups);
    if (rc < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    p->tty = x->tty;
    p->no_new_privs |= x->no_new_privs;
    rc = set_text(&p->cwd, x->cwd, err);
    if (rc == 0)
        rc = set_text(&p->apparmor, x->apparmor, err);
    if (rc == 0)
        rc = set_user(p, x->user, err);
    return rc == 0 ? add_caps(p, &x->caps, err) : rc;
}

static int choose_process(struct session *s, struct mtd_error *err)
{
    int rc = runtime_config(&s->c, &s->bundle, err);
    if (rc < 0)
        return rc;
    s->seccomp_caps = s->bundle.process.caps;
    s->traced = s->bundle.process.sets.permitted >> CAP_SYS_PTRACE & 1 ||
                s->bundle.process.caps >> CAP_SYS_PTRACE & 1;
    strv_done(&s->bundle.warnings); /* said when it was created */
    rc = s->x->process ? read_process(s, err) : make_process(s, err);
    if (rc == 0 && s->x->process && s->x->tty)
        s->bundle.process.tty = true;
    if (rc == 0 && s->bundle.process.tty && !s->x->console_socket)
        rc = mtd_fail(err, EINVAL,
                      "cannot allocate tty if runc will detach without "
                      "setting console socket");
    return rc == 0 ? runtime_label(&s->bundle.process, s->label, err) : rc;
}

/* ---- the request ---- */

static uint32_t flags_of(const struct session *s)
{
    const struct mtd_process *p = &s->bundle.process;
    bool all = p->sets.effective == p->caps && p->caps >> CAP_SYS_ADMIN & 1;
    return NSENTER_EXACT | (p->tty ? NSENTER_TTY : 0) |
           (s->x->detach ? NSENTER_KEEP : 0) |
           (p->no_new_privs ? NSENTER_NO_NEW_PRIVS : 0) |
           (p->sets_personality ? NSENTER_PERSONALITY : 0) |
           (s->userns ? NSENTER_USERNS : 0) | (s->traced && !all ? NSENTER_LATE : 0);
}

static int seal(const struct session *s, struct mtd_error *err)
{
    const struct mtd_process *p = &s->bundle.process;
    struct nsenter_rlimit limits[NSENTER_MAX_RLIMITS];
    struct nsenter_request q = {.pid = s->c.record.pid,
                                .pid_start = s->c.record.pid_start,
                                .flags = flags_of(s),
                                .caps = p->caps,
                                .sets = {p->sets.effective, p->sets.permitted,
                                         p->sets.inheritable, p->sets.ambient},
                                .umask = p->umask,
                                .preserve = s->x->preserve,
                                .personality = p->personality,
                                .schedule = s->bundle.schedule,
                                .cpus_first = s->bundle.cpus_first,
                                .cpus = s->bundle.cpus,
                                .rows = (unsigned short)s->bundle.rows,
                                .cols = (unsigned short)s->bundle.cols,
                                .oom_score_adj = p->oom_score_adj,
                                .cwd = p->cwd,
                                .user = p->user,
                                .seccomp = p->seccomp,
                                .seccomp_made = p->seccomp_made,
                                .seccomp_caps = s->seccomp_caps,
                                .label = (char *)s->label,
                                .groups = p->group_add,
                                .cgroups = s->c.record.cgroups,
                                .namespaces = s->c.record.namespaces,
                                .args = p->args,
                                .env = p->env,
                                .rlimits = limits,
                                .n_rlimits = p->n_rlimits};
    if (p->n_rlimits > NSENTER_MAX_RLIMITS)
        return mtd_fail(err, E2BIG, "too many rlimits");
    for (size_t i = 0; i < p->n_rlimits; i++) {
        memcpy(limits[i].name, p->rlimits[i].name, sizeof(limits[i].name));
        limits[i].soft = p->rlimits[i].soft;
        limits[i].hard = p->rlimits[i].hard;
    }
    int fd = nsenter_seal(&q);
    return fd < 0 ? mtd_fail_errno(err, -fd, "cannot send the exec request") : fd;
}

static int start_joiner(struct session *s, struct mtd_error *err)
{
    static char name[] = NSENTER_NAME;
    static char *const argv[] = {name, NULL};
    auto_fd int self = self_open(err);
    auto_fd int request = self < 0 ? self : seal(s, err);
    auto_fd int inside = -1;
    if (request < 0)
        return request;
    int rc = nsenter_socket(&s->reply_fd, &inside);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot send the exec request");
    int fds[5 + MAX_FDS] = {0, 1, 2, request, inside};
    for (unsigned i = 0; i < s->x->preserve; i++)
        fds[5 + i] = 3 + (int)i;
    rc = (int)self_spawn_fds(self, argv, fds, 5 + (int)s->x->preserve, NULL, err);
    if (rc > 0)
        s->joiner = rc;
    return rc < 0 ? rc : 0;
}

/* ---- until it runs, and its end ---- */

/* Where the joiner takes the steps itself it asks before the command's process is made. */
static int take_listener(struct session *s, const struct nsenter_reply *r,
                         struct mtd_error *err)
{
    if (s->listener >= 0)
        return mtd_fail(err, EBADMSG, "the joiner has two seccomp listeners");
    s->listener = runtime_take_listener(r->sender, r->number, err);
    return s->listener < 0 ? s->listener : 0;
}

static int send_listener(struct session *s, struct mtd_error *err)
{
    if (s->listener < 0 || s->pid <= 0 || s->pid == s->joiner)
        return 0;
    int rc = runtime_send_listener(&s->c.record, &s->bundle, s->pid, s->status,
                                   s->listener, err);
    close(take_fd(&s->listener));
    runtime_limit_wait(s->reply_fd);
    return rc;
}

static int hand_listener(struct session *s, const struct nsenter_reply *r,
                         struct mtd_error *err)
{
    int rc = take_listener(s, r, err);
    if (rc == 0)
        rc = send_listener(s, err);
    if (rc == 0 && (rc = nsenter_taken(s->reply_fd)) < 0)
        mtd_fail_errno(err, -rc, "cannot answer the joiner");
    return rc;
}

static int follow(struct session *s, struct mtd_error *err)
{
    for (;;) {
        struct nsenter_reply r;
        int rc = nsenter_receive(s->reply_fd, &r);
        if (rc == -EAGAIN)
            return runtime_listener_hangs(&s->bundle, err);
        if (rc < 0)
            return mtd_fail_errno(err, -rc, "cannot hear the joiner");
        auto_fd int passed = r.fd;
        rc = 0;
        switch (r.kind) {
        case NSENTER_EOF:
            return s->pid > 0 ? 0
                              : mtd_fail(err, ECHILD,
                                         "the process that joins the "
                                         "container ended unexpectedly");
        case NSENTER_INSIDE: s->pid = r.sender; break;
        case NSENTER_CHILD: s->pid = r.pid; break;
        case NSENTER_MASTER: rc = runtime_console_send(s->console_fd, passed, err); break;
        case NSENTER_LISTENER: rc = hand_listener(s, &r, err); break;
        case NSENTER_ERROR: *err = r.error; return -(r.error.code ? r.error.code : EIO);
        }
        if (rc == 0)
            rc = send_listener(s, err);
        if (rc < 0)
            return rc;
    }
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return FAILED;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* By what it is in: a bundle may name the caller's. */
static bool has_userns(const struct session *s)
{
    char own[NS_ID_SIZE];
    auto_fd int dir = ns_open(0);
    if (dir < 0 || ns_id(dir, "user", own) < 0)
        return false;
    return s->bundle.namespaces[BUNDLE_NS_USER].listed &&
           !strv_contains(&s->c.record.namespaces, own);
}

static int run(const struct runtime *r, struct session *s, struct mtd_error *err)
{
    int rc = choose_process(s, err);
    if (rc == 0)
        rc = runtime_warn(r, &s->bundle, err);
    if (rc == 0)
        rc = runtime_check_preserved(s->x->preserve, err);
    if (rc == 0 && s->bundle.process.tty)
        rc = s->console_fd = runtime_console_connect(s->x->console_socket, err);
    s->userns = has_userns(s);
    if (rc >= 0 && s->userns)
        runtime_give_streams(&s->bundle);
    if (rc >= 0)
        rc = runtime_enter_unit(r, &s->c.record, err);
    if (rc >= 0)
        rc = start_joiner(s, err);
    if (rc >= 0)
        rc = follow(s, err);
    if (rc == 0 && s->x->pid_file)
        rc = runtime_write_pid(s->x->pid_file, s->pid, err);
    if (rc < 0 && s->pid > 0)
        kill(s->pid, SIGKILL);
    return rc;
}

int runtime_exec(const struct runtime *r, const struct runtime_exec *x, int *ret_status,
                 struct mtd_error *err)
{
    struct session s = {.x = x, .console_fd = -1, .reply_fd = -1, .listener = -1};
    int rc = runtime_open(r, x->id, &s.c, err);
    enum runtime_status now = rc < 0 ? RUNTIME_STOPPED : runtime_observe(&s.c);
    if (rc == 0 && (now == RUNTIME_STOPPED || now == RUNTIME_CREATING))
        rc = mtd_fail(err, ESRCH, "cannot exec in a stopped container");
    if (rc == 0 && now == RUNTIME_PAUSED)
        rc = mtd_fail(err, EBUSY, "cannot exec in a paused container");
    if (rc == 0 && x->preserve > MAX_FDS)
        rc = mtd_fail(err, EINVAL, "at most %d descriptors can be preserved", MAX_FDS);
    s.status = now;
    if (rc == 0)
        rc = run(r, &s, err);
    if (s.joiner > 0 && s.joiner != s.pid)
        waitpid(s.joiner, NULL, 0);
    *ret_status = rc < 0 ? FAILED : 0;
    if (rc < 0 && s.pid > 0)
        waitpid(s.pid, NULL, 0);
    else if (rc == 0 && !x->detach)
        *ret_status = wait_for(s.pid);
    cleanup_fd(&s.console_fd);
    cleanup_fd(&s.reply_fd);
    cleanup_fd(&s.listener);
    bundle_done(&s.bundle);
    runtime_close(&s.c);
    return rc;
}
