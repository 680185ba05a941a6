/* The runtime's verbs that begin a process: create, run, exec. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/sys.h"
#include "cli/oci_verb.h"

struct create_values {
    const char *bundle, *pid_file, *console_socket, *pidfd_socket, *preserve;
    bool no_pivot, no_keyring, no_subreaper, detach, keep;
};
#define CREATE_ROWS                                                                   \
    {"bundle",                                                                        \
     'b',                                                                             \
     OPTION_TEXT,                                                                     \
     offsetof(struct create_values, bundle),                                          \
     NULL,                                                                            \
     "DIR",                                                                           \
     "The bundle (default here)"},                                                    \
        {"pid-file",                                                                  \
         0,                                                                           \
         OPTION_TEXT,                                                                 \
         offsetof(struct create_values, pid_file),                                    \
         NULL,                                                                        \
         "FILE",                                                                      \
         "Where to write the pid of the first process"},                              \
        {"console-socket",                                                            \
         0,                                                                           \
         OPTION_TEXT,                                                                 \
         offsetof(struct create_values, console_socket),                              \
         NULL,                                                                        \
         "SOCKET",                                                                    \
         "Who gets the master of the terminal"},                                      \
        {"preserve-fds",                                                              \
         0,                                                                           \
         OPTION_TEXT,                                                                 \
         offsetof(struct create_values, preserve),                                    \
         NULL,                                                                        \
         "N",                                                                         \
         "Descriptors from 3 on that the container gets"},                            \
        {"no-pivot",                                                                  \
         0,                                                                           \
         OPTION_FLAG,                                                                 \
         offsetof(struct create_values, no_pivot),                                    \
         NULL,                                                                        \
         NULL,                                                                        \
         "The host's root is in memory and cannot be pivoted away from"},             \
        {"no-new-keyring",                                                            \
         0,                                                                           \
         OPTION_FLAG,                                                                 \
         offsetof(struct create_values, no_keyring),                                  \
         NULL,                                                                        \
         NULL,                                                                        \
         "Keep the caller's session keyring"},                                        \
    {                                                                                 \
        "pidfd-socket", 0, OPTION_TEXT, offsetof(struct create_values, pidfd_socket), \
            NULL, "SOCKET", "Refused"                                                 \
    }

static const struct option_row CREATE[] = {CREATE_ROWS, OPTION_END};
static const struct option_row RUN[] = {
    CREATE_ROWS,
    {"detach", 'd', OPTION_FLAG, offsetof(struct create_values, detach), NULL, NULL,
     "Do not wait for it"},
    {"keep", 0, OPTION_FLAG, offsetof(struct create_values, keep), NULL, NULL,
     "Do not delete it when it has ended"},
    {"no-subreaper", 0, OPTION_FLAG, offsetof(struct create_values, no_subreaper), NULL,
     NULL, "Accepted: nothing is reaped for others"},
    OPTION_END,
};

static int count_preserved(const char *text, unsigned *ret, struct mtd_error *err)
{
    uint64_t n = 0;
    if (text && parse_u64(text, 256, &n) < 0)
        return mtd_fail(err, EINVAL, "invalid value \"%.40s\" for preserve-fds", text);
    *ret = (unsigned)n;
    return 0;
}

/* Other services hand descriptors over by these two, as systemd does. */
static unsigned count_listened(void)
{
    const char *n = getenv("LISTEN_FDS");
    uint64_t fds = 0;
    return n && parse_u64(n, 256, &fds) == 0 ? (unsigned)fds : 0;
}

static int fill_create(struct oci *c, const struct create_values *v, const char *id,
                       struct runtime_create *ret, struct mtd_error *err)
{
    *ret = (struct runtime_create){.id = id,
                                   .bundle = v->bundle,
                                   .pid_file = v->pid_file,
                                   .console_socket = v->console_socket,
                                   .no_pivot = v->no_pivot,
                                   .no_new_keyring = v->no_keyring};
    if (v->pidfd_socket)
        return mtd_fail(err, EOPNOTSUPP, "--pidfd-socket is not supported");
    int rc = count_preserved(v->preserve, &ret->preserve, err);
    if (rc == 0)
        ret->preserve += count_listened();
    return rc < 0 ? rc : runtime_protect(c->argv, err);
}

static int run_create(struct oci *c, void *values, const struct operands *o,
                      struct mtd_error *err)
{
    struct runtime_create asked;
    int rc = fill_create(c, values, o->items[0], &asked, err);
    return rc < 0 ? rc : runtime_create(&c->runtime, &asked, NULL, err);
}

/* Signals for this process are meant for the container. */
static int await(struct oci *c, const char *id, int pidfd)
{
    sigset_t all;
    siginfo_t info = {0};
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (;;) {
        int sig = sigwaitinfo(&all, NULL);
        if (sig == SIGCHLD && sys_waitid_pidfd(pidfd, &info, WEXITED | WNOHANG) == 0 &&
            info.si_pid)
            break;
        if (sig > 0 && sig != SIGCHLD && sig != SIGURG)
            runtime_kill(&c->runtime, id, sig, false, NULL);
    }
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static int run_run(struct oci *c, void *values, const struct operands *o,
                   struct mtd_error *err)
{
    const struct create_values *v = values;
    const char *id = o->items[0];
    struct runtime_create asked;
    auto_fd int pidfd = -1;
    sigset_t child;
    int rc = fill_create(c, v, id, &asked, err);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL); /* it may end before it is waited for */
    if (rc == 0)
        rc = runtime_create(&c->runtime, &asked, &pidfd, err);
    if (rc < 0)
        return rc;
    rc = runtime_start(&c->runtime, id, err);
    if (rc == 0 && !v->detach)
        c->status = await(c, id, pidfd);
    if ((rc < 0 || !v->detach) && !v->keep)
        runtime_delete(&c->runtime, id, true, NULL);
    return rc;
}

/* ---- exec ---- */

struct exec_values {
    const char *process, *pid_file, *console_socket, *cwd, *user, *preserve, *apparmor,
        *label, *cgroup, *pidfd_socket;
    struct option_list env, caps, groups;
    bool detach, tty, no_new_privs, ignore_paused;
};
#define TEXT(name, letter, field, metavar, help)                                       \
    {                                                                                  \
        name, letter, OPTION_TEXT, offsetof(struct exec_values, field), NULL, metavar, \
            help                                                                       \
    }
#define FLAG(name, letter, field, help)                                                  \
    {                                                                                    \
        name, letter, OPTION_FLAG, offsetof(struct exec_values, field), NULL, NULL, help \
    }
#define LIST(name, letter, field, metavar, help)                                       \
    {                                                                                  \
        name, letter, OPTION_LIST, offsetof(struct exec_values, field), NULL, metavar, \
            help                                                                       \
    }
static const struct option_row EXEC[] = {
    TEXT("process", 'p', process, "FILE", "The JSON of the process"),
    TEXT("pid-file", 0, pid_file, "FILE", "Where to write its pid"),
    TEXT("console-socket", 0, console_socket, "SOCKET",
         "Who gets the master of the terminal"),
    TEXT("cwd", 0, cwd, "DIR", "Working directory"),
    TEXT("user", 'u', user, "UID[:GID]", "Who it runs as"),
    TEXT("preserve-fds", 0, preserve, "N", "Descriptors from 3 on that it gets"),
    TEXT("apparmor", 0, apparmor, "NAME", "Profile"),
    TEXT("process-label", 0, label, "LABEL", "Refused: labels of SELinux"),
    TEXT("cgroup", 0, cgroup, "PATH", "Refused"),
    TEXT("pidfd-socket", 0, pidfd_socket, "SOCKET", "Refused"),
    LIST("env", 'e', env, "NAME=VALUE", "Environment"),
    LIST("cap", 'c', caps, "NAME", "Further capability"),
    LIST("additional-gids", 'g', groups, "GID", "Further group"),
    FLAG("detach", 'd', detach, "Do not wait for it"),
    FLAG("tty", 't', tty, "With a terminal"),
    FLAG("no-new-privs", 0, no_new_privs, "Without new privileges"),
    FLAG("ignore-paused", 0, ignore_paused, "Accepted"),
    OPTION_END,
};

static int take_list(struct strv *to, const struct option_list *from)
{
    int rc = 0;
    for (size_t i = 0; i < from->len && rc == 0; i++)
        rc = strv_add(to, from->items[i]);
    return rc;
}

static int fill_exec(const struct exec_values *v, const struct operands *o,
                     struct runtime_exec *x, struct mtd_error *err)
{
    *x = (struct runtime_exec){.id = o->items[0],
                               .process = v->process,
                               .cwd = v->cwd,
                               .user = v->user,
                               .tty = v->tty,
                               .no_new_privs = v->no_new_privs,
                               .apparmor = v->apparmor,
                               .pid_file = v->pid_file,
                               .console_socket = v->console_socket,
                               .detach = v->detach};
    if (v->label && *v->label)
        return mtd_fail(err, EOPNOTSUPP, "labels of SELinux are not supported");
    if ((v->cgroup && *v->cgroup) || v->pidfd_socket)
        return mtd_fail(err, EOPNOTSUPP, "--%s is not supported",
                        v->pidfd_socket ? "pidfd-socket" : "cgroup");
    int rc = take_list(&x->env, &v->env);
    for (size_t i = 1; i < o->len && rc == 0; i++)
        rc = strv_add(&x->args, o->items[i]);
    if (rc == 0)
        rc = take_list(&x->caps, &v->caps);
    if (rc == 0)
        rc = take_list(&x->groups, &v->groups);
    return rc < 0 ? mtd_fail(err, ENOMEM, "out of memory")
                  : count_preserved(v->preserve, &x->preserve, err);
}

static int run_exec(struct oci *c, void *values, const struct operands *o,
                    struct mtd_error *err)
{
    struct runtime_exec x;
    int rc = fill_exec(values, o, &x, err);
    if (rc == 0)
        rc = runtime_exec(&c->runtime, &x, &c->status, err);
    strv_done(&x.args);
    strv_done(&x.env);
    strv_done(&x.caps);
    strv_done(&x.groups);
    return rc;
}

const struct oci_verb OCI_VERBS_EXEC[] = {
    {"create",
     "ID",
     "Make a container of a bundle",
     {{CREATE}},
     sizeof(struct create_values),
     1,
     1,
     0,
     run_create},
    {"run",
     "ID",
     "Create, start, wait and delete",
     {{RUN}},
     sizeof(struct create_values),
     1,
     1,
     0,
     run_run},
    {"exec",
     "ID [COMMAND [ARG...]]",
     "Run a process in a container",
     {{EXEC}, .stop_at_operand = true},
     sizeof(struct exec_values),
     1,
     (size_t)-1,
     255,
     run_exec},
    {.name = NULL},
};
