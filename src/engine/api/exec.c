/* A session is identified by the file that its front end wrote; before a signal is
 * sent, the process is held by a pidfd and its start time compared, because the file
 * may be out of date. */

#include "engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/sys.h"
#include "engine/container/container.h"
#include "engine/exec/exec.h"
#include "engine/inside/inside.h"

#define KILL_WAIT_MS 30000
#define START_WAIT_MS 5000
#define NAMED_MAX 5 /* sessions an error names */

/* It is said to run a moment before its command does. */
static bool is_starting(const struct mtd_record *r)
{
    return mtd_state_is_live(r->status.state) &&
           inside_is_outside(r->status.pid, r->status.monitor_pid);
}

int mtd_exec(struct mtd_engine *e, const char *ref, const struct mtd_exec *x,
             int *ret_status, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int code = container_load(e, ref, &r, NULL, err);
    if (code == 0)
        code = mtd_record_check(&r, err);
    if (code < 0)
        return code;
    if (is_starting(&r))
        container_wait_start(e, r.id, START_WAIT_MS);
    if (is_starting(&r))
        return mtd_fail(err, EBUSY, "container %s is still starting; try again", r.name);
    auto_fd int run = store_open_run(&e->store, r.id, false, NULL);
    const struct exec_notes notes = {e->store.root_fd, run};
    return exec_run(&r, &notes, x, ret_status, err);
}

int mtd_execs(struct mtd_engine *e, const char *id, struct mtd_exec_info **ret,
              struct mtd_error *err)
{
    *ret = NULL;
    auto_fd int run = store_open_run(&e->store, id, false, NULL);
    int n = run < 0 ? run : exec_list(run, ret);
    if (n == -ENOENT) /* the container does not run */
        return 0;
    return n < 0 ? mtd_fail_errno(err, -n, "cannot list the exec sessions") : n;
}

/* ---- signals ----------------------------------------------------------------------- */

static int fail_unknown(const struct mtd_record *r, const char *exec,
                        const struct mtd_exec_info *all, int n, struct mtd_error *err)
{
    auto_done(buf_done) struct buf b = {0};
    for (int i = 0; i < n && i < NAMED_MAX; i++)
        buf_printf(&b, "%s %.*s", i ? "," : "", MTD_SHORT_ID_LEN, all[i].id);
    if (n > NAMED_MAX)
        buf_printf(&b, " and %d more", n - NAMED_MAX);
    return mtd_fail(err, ENOENT, "container %s has no exec session \"%.64s\"; %s%s",
                    r->name, exec, n ? "there are" : "there is none at the moment",
                    b.data ? b.data : "");
}

/* The index of the one session whose id has this prefix. */
static int find_session(const struct mtd_record *r, const char *exec,
                        const struct mtd_exec_info *all, int n, struct mtd_error *err)
{
    size_t len = strlen(exec);
    int found = -1;
    for (int i = 0; all && i < n; i++) {
        if (len == 0 || strncmp(all[i].id, exec, len) != 0)
            continue;
        if (found >= 0)
            return mtd_fail(err, EINVAL,
                            "exec session \"%.64s\" is ambiguous: %.12s (%.40s) and "
                            "%.12s (%.40s) match",
                            exec, all[found].id, all[found].command, all[i].id,
                            all[i].command);
        found = i;
    }
    return found >= 0 ? found : fail_unknown(r, exec, all, n, err);
}

/* The pid may be reused at any time: so the process is first held by a
 * pidfd, then checked. */
static int kill_member(pid_t pid, pid_t session)
{
    auto_fd int pidfd = sys_pidfd_open(pid, 0);
    if (pidfd < 0 || getsid(pid) != session)
        return 0;
    return sys_pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0 ? 1 : 0;
}

/* Kills the command first; its pid remains the session's as long as the session has a
 * process. Processes forked meanwhile are found by another round. */
static int kill_session(const struct mtd_record *r, const struct mtd_exec_info *x,
                        int pidfd, struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    int code = cgroup_open(&c, &r->status.cgroups, err);
    if (code < 0)
        return code;
    for (int found = 1, round = 0; found > 0 && round < 100; round++) {
        auto_free pid_t *pids = NULL;
        int n = cgroup_pids(&c, &pids);
        found = 0;
        for (int i = 0; i < n; i++)
            found += pids[i] != x->pid && kill_member(pids[i], x->pid);
    }
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (poll(&p, 1, KILL_WAIT_MS) > 0)
        return 0;
    return mtd_fail(err, ETIMEDOUT,
                    "the command was killed but has not exited; it is blocked "
                    "in the kernel (state D), see `mytop-docker top`");
}

static int signal_session(const struct mtd_record *r, const struct mtd_exec_info *x,
                          int sig, struct mtd_error *err)
{
    auto_fd int pidfd = proc_open(x->pid, x->pid_start);
    int code = pidfd < 0 ? pidfd : 0;
    if (code == 0 && sys_pidfd_send_signal(pidfd, sig, NULL, 0) < 0)
        code = -errno;
    if (code == -ESRCH)
        return mtd_fail(err, ESRCH, "exec session %.12s has just ended", x->id);
    if (code < 0)
        return mtd_fail_errno(err, -code, "cannot send %s", signal_name(sig));
    return sig == SIGKILL ? kill_session(r, x, pidfd, err) : 0;
}

int mtd_exec_kill(struct mtd_engine *e, const char *ref, const char *exec, int sig,
                  struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_free struct mtd_exec_info *all = NULL;
    mtd_record_init(&r);
    int code = container_load(e, ref, &r, NULL, err);
    if (code < 0)
        return code;
    if (r.status.state ==
        MTD_STATE_PAUSED) /* v1 delivers no signal to a frozen process */
        return mtd_fail(err, EBUSY,
                        "container %s is paused; unpause it before you signal an exec "
                        "session",
                        r.name);
    if (r.status.state != MTD_STATE_RUNNING)
        return mtd_fail(err, EBUSY, "container %s is not running", r.name);
    int n = mtd_execs(e, r.id, &all, err);
    int at = n < 0 ? n : find_session(&r, exec, all, n, err);
    return at < 0 || !all ? at : signal_session(&r, &all[at], sig, err);
}
