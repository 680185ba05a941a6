/* Ending a container: the monitor is told that it is on purpose, pid 1 is
 * signalled through a pidfd that is known to be it, and the call returns when the
 * monitor has recorded the end. No lock is held while waiting, because the monitor
 * needs it to record. */

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/parse.h"
#include "base/sys.h"
#include "engine/api/internal.h"
#include "engine/store/events.h"

#define STOP_TIMEOUT_S 10
#define KILL_WAIT_MS 30000
#define RECORD_WAIT_MS 20

/* The process that is signalled, held so that its pid cannot become another's. */
struct victim {
    int pidfd, monitor; /* monitor -1 = there is none */
    struct cgroup cgroup;
};

static void victim_done(struct victim *v)
{
    if (v->pidfd >= 0)
        close(v->pidfd);
    if (v->monitor >= 0)
        close(v->monitor);
    cgroup_done(&v->cgroup);
}

static int victim_open(struct mtd_engine *e, const struct mtd_record *r, struct victim *v,
                       enum packet_type why, struct mtd_error *err)
{
    v->monitor = container_connect(e, r->id, NULL);
    v->pidfd = proc_open(r->status.pid, r->status.pid_start);
    int code = cgroup_open(&v->cgroup, &r->status.cgroups, err);
    if (code < 0)
        return code;
    if (v->monitor >= 0)
        packet_send(v->monitor, why, NULL, 0, 0);
    fault_point("stop.told");
    return 0;
}

/* When the monitor says so, the record is written; without a monitor,
 * waits for the process. */
static int wait_gone(const struct victim *v, int64_t timeout_ms)
{
    struct packet_exit end;
    if (v->monitor >= 0) {
        int r = container_wait_exit(v->monitor, timeout_ms, &end);
        if (r != 0)
            return r > 0 ? 0 : r;
    }
    if (v->pidfd < 0)
        return 0;
    struct pollfd p = {.fd = v->pidfd, .events = POLLIN};
    int n = poll(&p, 1, timeout_ms > 3600000 ? 3600000 : (int)timeout_ms);
    return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

/* Called before the signal, so that the event of the end does not come first. */
static void note_kill(struct mtd_engine *e, const struct mtd_record *r, int sig)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", sig);
    events_note_with(e->store.root_fd, r, "kill", "signal", number);
}

static int send_signal(const struct victim *v, int sig, bool thaw, struct mtd_error *err)
{
    fault_point("stop.signal");
    if (v->pidfd >= 0 && sys_pidfd_send_signal(v->pidfd, sig, NULL, 0) < 0 &&
        errno != ESRCH)
        return mtd_fail_errno(err, errno, "cannot send %s", signal_name(sig));
    return thaw ? cgroup_freeze(&v->cgroup, false, err) : 0;
}

/* Either the container has not ended, or its monitor does not respond. */
static int fail_to_end(const struct victim *v, struct mtd_error *err)
{
    struct pollfd p = {.fd = v->pidfd, .events = POLLIN};
    bool ended = v->pidfd < 0 || poll(&p, 1, 0) > 0;
    if (ended && v->monitor >= 0)
        return container_fail_unresponsive(
            v->monitor, "it was killed, but its exit was not recorded", err);
    return mtd_fail(err, ETIMEDOUT,
                    "it was killed but has not exited; a process in it is "
                    "blocked in the kernel (state D), see `mytop-docker top`");
}

static int kill_all(const struct victim *v, struct mtd_error *err)
{
    int r = cgroup_kill(&v->cgroup, err);
    fault_point("stop.kill");
    if (r == 0 && wait_gone(v, KILL_WAIT_MS) == -ETIMEDOUT)
        r = fail_to_end(v, err);
    return r;
}

struct manner {
    int sig;            /* 0 = as configured */
    int64_t timeout_s;  /* -1 = none, -2 = as configured */
    int64_t at_most_ms; /* -1 = however long that is */
    bool by_user;       /* or the host goes down */
};

/* In ms; -1 = none. */
static int64_t timeout_of(const struct mtd_record *r, const struct manner *how)
{
    int64_t t = how->timeout_s == -2 ? r->spec.stop_timeout : how->timeout_s;
    int64_t ms = t < 0 ? -1 : t > INT64_MAX / 1000000000 ? -1 : t * 1000;
    bool cut = how->at_most_ms >= 0 && (ms < 0 || ms > how->at_most_ms);
    return cut ? how->at_most_ms : ms;
}

/* Loads the record. If the user stops the container and a policy would restart it, the
 * stop is on disk before the first signal: if the monitor is killed in between, the next
 * one reads it. The lock is released, because the monitor needs it to record the end. */
static int load_to_end(struct mtd_engine *e, const char *ref, bool by_user,
                       struct mtd_record *r, struct mtd_error *err)
{
    auto_fd int lock = -1;
    int code = container_load(e, ref, r, &lock, err);
    enum mtd_state seen = r->status.state;
    bool owned = mtd_state_is_active(seen);
    if (code < 0 || !by_user || !owned || r->spec.restart == MTD_RESTART_NO ||
        r->status.stopped_by_user)
        return code;
    r->status.stopped_by_user = true;
    if (seen == MTD_STATE_PAUSED)
        r->status.state = MTD_STATE_RUNNING; /* paused is observed, never written */
    code = store_save(&e->store, r, false, err);
    r->status.state = seen;
    return code;
}

static int stop(struct mtd_engine *e, const char *ref, const struct manner *how,
                struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int code = load_to_end(e, ref, how->by_user, &r, err);
    if (code < 0)
        return code;
    bool restarting = r.status.state == MTD_STATE_RESTARTING;
    if (!mtd_state_is_active(r.status.state))
        return 0;
    auto_done(victim_done) struct victim v = {.pidfd = -1, .monitor = -1};
    code = victim_open(e, &r, &v, how->by_user ? PACKET_STOPPING : PACKET_SHUTDOWN, err);
    if (code == 0 && !restarting) {
        int sig = how->sig ? how->sig : mtd_stop_signal(&r.spec);
        note_kill(e, &r, sig);
        code = send_signal(&v, sig, r.status.state == MTD_STATE_PAUSED, err);
    }
    if (code == 0)
        code = wait_gone(&v, timeout_of(&r, how));
    if (code == -ETIMEDOUT) {
        note_kill(e, &r, SIGKILL);
        code = kill_all(&v, err);
    }
    if (code == 0)
        events_note(e->store.root_fd, &r, "stop");
    return code;
}

int mtd_stop(struct mtd_engine *e, const char *ref, int64_t timeout_s,
             struct mtd_error *err)
{
    return mtd_stop_by(e, ref, 0, timeout_s, err);
}

int mtd_stop_by(struct mtd_engine *e, const char *ref, int sig, int64_t timeout_s,
                struct mtd_error *err)
{
    struct manner how = {
        .sig = sig, .timeout_s = timeout_s, .at_most_ms = -1, .by_user = true};
    return stop(e, ref, &how, err);
}

int mtd_shutdown(struct mtd_engine *e, const char *ref, int64_t at_most_ms,
                 struct mtd_error *err)
{
    struct manner how = {.timeout_s = -2, .at_most_ms = at_most_ms};
    return stop(e, ref, &how, err);
}

int mtd_kill(struct mtd_engine *e, const char *ref, int sig, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int code = load_to_end(e, ref, true, &r, err);
    if (code < 0)
        return code;
    if (r.status.state == MTD_STATE_RESTARTING)
        /* no process to signal; it will not be restarted */
        return mtd_stop(e, r.id, 0, err);
    if (!mtd_state_is_live(r.status.state))
        return mtd_fail(err, EBUSY, "cannot kill container %s: it is not running", ref);
    auto_done(victim_done) struct victim v = {.pidfd = -1, .monitor = -1};
    code = victim_open(e, &r, &v, PACKET_STOPPING, err);
    if (code < 0)
        return code;
    note_kill(e, &r, sig);
    code =
        send_signal(&v, sig, sig == SIGKILL && r.status.state == MTD_STATE_PAUSED, err);
    return code == 0 && sig == SIGKILL ? kill_all(&v, err) : code;
}

int mtd_restart(struct mtd_engine *e, const char *ref, int64_t timeout_s,
                struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    struct mtd_start again = {0};
    mtd_record_init(&r);
    int code = container_load(e, ref, &r, NULL, err);
    if (code == 0)
        code = mtd_stop(e, r.id, timeout_s, err);
    if (code == 0)
        code = mtd_start(e, r.id, &again, NULL, err);
    if (code == 0)
        events_note(e->store.root_fd, &r, "restart");
    return code;
}

int mtd_pause(struct mtd_engine *e, const char *ref, bool pause, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = -1;
    int code = container_load(e, ref, &r, &lock, err);
    if (code < 0)
        return code;
    enum mtd_state s = r.status.state;
    if (!mtd_state_is_live(s))
        return mtd_fail(err, EBUSY, "container %s is not running", ref);
    if ((s == MTD_STATE_PAUSED) == pause)
        return mtd_fail(
            err, EBUSY,
            pause ? "container %s is already paused" : "container %s is not paused", ref);
    auto_done(cgroup_done) struct cgroup c = {0};
    code = cgroup_open(&c, &r.status.cgroups, err);
    if (code == 0)
        code = cgroup_freeze(&c, pause, err);
    if (code == -ESRCH) {
        mtd_error_clear(err);
        return mtd_fail(err, EBUSY, "container %s is not running", ref);
    }
    if (code == 0)
        events_note(e->store.root_fd, &r, pause ? "pause" : "unpause");
    return code;
}

/* For a container without a monitor, or whose monitor has no room for another
 * client. After the process has ended, and between two runs, it may take a moment
 * until the record says so. */
static void wait_process(const struct mtd_status *st)
{
    auto_fd int pidfd = proc_open(st->pid, st->pid_start);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0 || poll(&p, 1, 0) != 0)
        poll(NULL, 0, RECORD_WAIT_MS);
    else
        poll(&p, 1, -1);
}

int mtd_wait(struct mtd_engine *e, const char *ref, int *ret_exit_code,
             struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    int code = store_resolve(&e->store, ref, id, err);
    if (code < 0)
        return code;
    for (;;) {
        auto_done(mtd_record_done) struct mtd_record r;
        mtd_record_init(&r);
        struct packet_exit end;
        auto_fd int monitor = container_connect(e, id, NULL);
        code = container_load(e, id, &r, NULL, err);
        if (code < 0)
            return code;
        if (!mtd_state_is_active(r.status.state)) {
            *ret_exit_code = r.status.exit_code;
            return 0;
        }
        if (monitor >= 0 && container_wait_exit(monitor, -1, &end) == 1) {
            *ret_exit_code = end.code;
            return 0;
        }
        if (monitor < 0 ||
            container_has_monitor(e, id)) /* else it gets a new one first */
            wait_process(&r.status);
    }
}

/* The lock is taken only when the container does not run: its monitor
 * needs the lock to end. */
static int lock_still(struct mtd_engine *e, const char *ref, bool force,
                      struct mtd_record *r, int *ret_lock, struct mtd_error *err)
{
    for (;;) {
        int code = container_load(e, ref, r, ret_lock, err);
        if (code < 0)
            return code;
        enum mtd_state s = r->status.state;
        if (!mtd_state_is_active(s))
            return 0;
        close(take_fd(ret_lock));
        if (!force)
            return mtd_about(
                err, MTD_ABOUT_FORCE,
                mtd_fail(err, EBUSY,
                         "cannot remove container %s: it is %s; stop it first", r->name,
                         mtd_state_name(s)));
        code = s == MTD_STATE_RESTARTING ? mtd_stop(e, r->id, 0, err)
                                         : mtd_kill(e, r->id, SIGKILL, err);
        mtd_record_done(r);
        mtd_record_init(r);
        if (code < 0 && code != -EBUSY && code != -ENOENT)
            return code;
        mtd_error_clear(err);
    }
}

static int remove_broken(struct mtd_engine *e, const char *ref, struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    int code = store_resolve(&e->store, ref, id, err);
    if (code < 0)
        return code;
    auto_fd int lock = store_lock(&e->store, id, err);
    return lock < 0 ? lock : store_remove(&e->store, id, err);
}

/* Volumes go first, and a note makes the next command go on when this process is killed: else
 * some would be gone of a container that stays, or stay without one. */
static int remove_with_volumes(struct mtd_engine *e, const struct mtd_record *r,
                               struct mtd_error *err)
{
    auto_fd int shared = -1, note = -1;
    int code = store_shares_volumes(&r->spec)
                   ? store_hold_volumes(&e->store, true, &shared, err)
                   : 0;
    if (code == 0)
        code = store_making_begin(&e->store, r, STORE_NOTE_REMOVE, &note, err);
    if (code < 0)
        return code;
    fault_point("rm.noted"); /* for kills only */
    store_remove_volumes(&e->store, r);
    code = store_remove(&e->store, r->id, err);
    if (note >= 0)
        store_making_end(&e->store, r->id);
    return code;
}

int mtd_remove(struct mtd_engine *e, const char *ref, bool force, bool volumes,
               struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = -1;
    char id[MTD_ID_SIZE];
    int code = store_resolve(&e->store, ref, id, err);
    if (code == -ENOENT)
        container_making_end(e, ref); /* its failed start has removed it */
    if (code < 0)
        return code;
    code = lock_still(e, id, force, &r, &lock, err);
    if (code == -ENOENT) {
        mtd_error_clear(err); /* --rm removed it when it was stopped */
        return 0;
    }
    if (code == -EINVAL) {
        mtd_error_clear(err);
        return remove_broken(e, id, err);
    }
    if (code < 0)
        return code;
    if (faccessat(e->store.run_fd, id, F_OK, 0) == 0)
        container_clear_run(e, id); /* of an interrupted start */
    code = volumes ? remove_with_volumes(e, &r, err) : store_remove(&e->store, r.id, err);
    if (code == 0)
        container_making_end(e, id);
    if (code == 0)
        events_note(e->store.root_fd, &r, "destroy");
    return code;
}
