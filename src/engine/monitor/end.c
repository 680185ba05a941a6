/* The end of a run, in an order that can be interrupted anywhere: all processes have
 * ended and their output is read; the log is closed; the groups are removed; then the
 * record says "exited" and is on disk; only then are the clients told. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/store/events.h"

/* A monitor that takes over an ended container follows one that was killed, which may have said
 * it already. */
static void keep_new(const struct monitor *m, struct event *events, size_t *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (!events_has(m->store.root_fd, m->id, events[i].action,
                        m->record.status.started_at))
            events[kept++] = events[i];
    *n = kept;
}

/* What has happened to the container, in one write. */
static void note_end(struct monitor *m)
{
    struct event events[3];
    size_t n = 0;
    int64_t ns = clock_wall_ns() - m->record.status.started_at;
    char seconds[32];
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(ns > 0 ? ns / NS_PER_SEC : 0));
    if (m->oom_killed)
        events[n++] = event_of(&m->record, "oom");
    events[n] = event_of(&m->record, "die");
    events[n].exit_code = m->exit_code;
    events[n++].attribute = (struct event_attribute){"execDuration", seconds};
    if (m->auto_remove)
        events[n++] = event_of(&m->record, "destroy");
    if (m->found_dead)
        keep_new(m, events, &n);
    if (n > 0)
        events_append_all(m->store.root_fd, events, n);
}

/* The claim is removed last, and only while it is held, so that it cannot be another
 * monitor's. false = something is left for the next command to find. */
static bool remove_run(struct monitor *m)
{
    struct fs_dir all; /* also exec/, in which a killed front end leaves its entry */
    const struct dirent64 *e;
    fs_dir_init(&all, m->run_fd);
    if (lseek(m->run_fd, 0, SEEK_SET) < 0)
        return false;
    while ((e = fs_dir_next(&all)))
        if (strcmp(e->d_name, MONITOR_CLAIM) != 0)
            fs_remove_tree_at(m->run_fd, e->d_name);
    unlinkat(m->run_fd, MONITOR_CLAIM, 0);
    return unlinkat(m->store.run_fd, m->id, AT_REMOVEDIR) == 0;
}

/* A disk that does not sync may have it all the same; the record says so. */
static int save_unsynced(struct monitor *m, int code)
{
    struct mtd_status *st = &m->record.status;
    if (!st->error && asprintf(&st->error,
                               "its end could not be synced to the disk (%s): a power "
                               "loss may take the exit status away",
                               strerror(-code)) < 0)
        st->error = NULL;
    return store_save(&m->store, &m->record, false, NULL);
}

/* How the container ended would be lost forever, so room was reserved for it. */
static int save_end(struct monitor *m)
{
    bool durable = !m->record.spec.auto_remove;
    int rc = store_save(&m->store, &m->record, durable, NULL);
    if ((rc == -ENOSPC || rc == -EDQUOT) && unlinkat(m->dir_fd, MONITOR_RESERVE, 0) == 0)
        rc = store_save(&m->store, &m->record, durable, NULL);
    return rc < 0 && durable ? save_unsynced(m, rc) : rc;
}

static int record_end(struct monitor *m, enum mtd_state state)
{
    struct mtd_status *st = &m->record.status;
    st->state = state;
    st->pid = 0;
    st->pid_start = 0;
    if (state == MTD_STATE_EXITED)
        st->monitor_pid = 0;
    st->exit_code = m->exit_code;
    st->exit_signal = m->exit_signal;
    st->oom_killed = m->oom_killed;
    st->stopped_by_user |= m->stopping && !m->shutdown;
    st->finished_at = clock_wall_ns();
    if (st->finished_at < st->started_at) /* the clock was set back */
        st->finished_at = st->started_at;
    if (m->exit_code < 0 && !st->error)
        st->error =
            strdup("its monitor was killed and the exit status could not be read");
    free(st->health);
    st->health = NULL;
    strv_done(&st->cgroups);
    strv_done(&st->namespaces);
    return save_end(m);
}

static void tell_exit(struct monitor *m, bool restarting)
{
    struct packet_exit end = {.code = m->exit_code,
                              .signal = m->exit_signal,
                              .oom = m->oom_killed,
                              .restarting = restarting,
                              .log_size = m->log.size};
    monitor_client_send_all(m, PACKET_EXIT, &end, sizeof(end));
}

/* The clients are told that a --rm container has ended when it is in the trash;
 * deleting its files may take long (ext4 without a journal discards the blocks of
 * each file at once). */
static void clean_up(struct monitor *m)
{
    (void)fault_point("finish.run");
    bool clean = remove_run(m);
    bool retired = false;
    if (m->auto_remove && m->lock_fd >= 0) {
        auto_fd int shared = -1;
        if (store_shares_volumes(&m->record.spec))
            (void)store_hold_volumes(&m->store, true, &shared, NULL);
        store_remove_volumes(&m->store, &m->record);
        retired = store_retire(&m->store, m->id, &m->record, NULL) == 0;
    }
    tell_exit(m, false);
    if (retired)
        store_delete(&m->store, m->id, NULL);
    if (clean) /* last: killed before this, we must be missed */
        alive_end(&m->alive_entry);
    monitor_forget_flows(m);
    monitor_unlock(m);
    monitor_pack_rest(m);
}

bool monitor_finish(struct monitor *m)
{
    m->oom_killed = cgroup_oom_kills(&m->cgroup) > 0;
    log_close(&m->log);
    (void)fault_point("finish.release");
    monitor_release(m);
    bool again = false;
    if (monitor_reload(m) == 0) {
        again = monitor_wants_restart(m);
        if (again)
            monitor_plan_restart(m);
        (void)fault_point("finish.record");
        note_end(m);
        store_note_volumes(&m->store, &m->record, "unmount");
        if (!again)
            monitor_drop_network(m);
        if (!m->auto_remove) /* else the record is deleted the next moment */
            record_end(m, again ? MTD_STATE_RESTARTING : MTD_STATE_EXITED);
    }
    if (m->record.id[0] == '\0')
        net_forget(&m->store, m->id); /* nobody knows any more what it had */
    if (!again) {
        clean_up(m);
        return false;
    }
    monitor_unlock(m);
    tell_exit(m, true);
    return true;
}

void monitor_end_restarting(struct monitor *m)
{
    struct mtd_status *st = &m->record.status;
    monitor_drop_network(m);
    if (m->record.name) {
        st->state = MTD_STATE_EXITED;
        st->monitor_pid = 0;
        st->stopped_by_user |= !m->shutdown;
        m->exit_code = st->exit_code;
        save_end(m);
    }
    clean_up(m);
}

/* The start failed and its steps are undone; the record keeps the reason. */
void monitor_undo_start(struct monitor *m, const struct mtd_error *err)
{
    struct mtd_status *st = &m->record.status;
    log_close(&m->log);
    if (m->lock_fd < 0 && m->claim_fd >= 0) /* given back for the wait */
        monitor_reload(m);
    bool another = m->claim_fd < 0 && monitor_is_claimed(m); /* it is under way */
    bool clean = m->claim_fd >= 0 && remove_run(m);
    if (m->auto_remove && !another) {
        auto_fd int shared = -1;
        if (store_shares_volumes(&m->record.spec))
            (void)store_hold_volumes(&m->store, true, &shared, NULL);
        store_remove_volumes(&m->store, &m->record);
        store_remove(&m->store, m->id, NULL);
    } else if (m->record.name && m->claim_fd >= 0) {
        bool missing = err->stage == MTD_STAGE_EXEC && err->code == ENOENT;
        st->state = st->finished_at || m->restarts ? MTD_STATE_EXITED : MTD_STATE_CREATED;
        st->pid = st->monitor_pid = 0;
        st->exit_code = err->stage != MTD_STAGE_EXEC ? 128 : missing ? 127 : 126;
        strv_done(&st->cgroups);
        strv_done(&st->namespaces);
        free(st->health);
        st->health = NULL;
        free(st->error);
        st->error = strdup(err->text);
        store_save(&m->store, &m->record, false, NULL);
    }
    if (clean)
        alive_leave(&m->alive_entry);
    monitor_unlock(m);
    monitor_client_send_all(m, PACKET_ERROR, err, sizeof(*err));
}
