/* The end of a run, in the order that can be interrupted anywhere: everything is dead and
 * drained; the log is closed; the groups go; then the record says exited and is on disk; only
 * then do the clients hear it. */

#include "engine/monitor_part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "engine/events.h"

static void note(struct monitor *m, const char *action, int exit_code)
{
    struct event e = {.type = "container",
                      .action = action,
                      .id = m->id,
                      .name = m->record.name,
                      .image = m->record.spec.image,
                      .exit_code = exit_code};
    events_append(m->store.root_fd, &e);
}

static void remove_run(struct monitor *m)
{
    static const char *const FILES[] = {"attach", "stdin", "stdout", "stderr", "monitor"};
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++)
        unlinkat(m->run_fd, FILES[i], 0);
    unlinkat(m->store.run_fd, m->id, AT_REMOVEDIR);
}

/* Somebody may have renamed it or changed its policy since the start: read it anew. */
static int reload(struct monitor *m)
{
    m->lock_fd = store_lock(&m->store, m->id, NULL);
    if (m->lock_fd < 0)
        return m->lock_fd;
    mtd_record_init(&m->record);
    return store_load(&m->store, m->id, &m->record, NULL);
}

static void unlock(struct monitor *m)
{
    mtd_record_done(&m->record);
    if (m->lock_fd >= 0)
        close(take_fd(&m->lock_fd));
}

static int record_exit(struct monitor *m)
{
    struct mtd_status *st = &m->record.status;
    st->state = MTD_STATE_EXITED;
    st->pid = st->monitor_pid = 0;
    st->pid_start = st->monitor_start = 0;
    st->exit_code = m->exit_code;
    st->exit_signal = m->exit_signal;
    st->oom_killed = m->oom_killed;
    st->stopped_by_user = m->stopping;
    st->finished_at = clock_wall_ns();
    strv_done(&st->cgroups);
    return store_save(&m->store, &m->record, !m->record.spec.auto_remove, NULL);
}

int monitor_finish(struct monitor *m)
{
    m->oom_killed = cgroup_oom_kills(&m->cgroup) > 0;
    logfile_close(&m->log);
    monitor_release(m);
    int r = reload(m);
    if (r == 0) {
        (void)fault_point("finish.record");
        if (m->oom_killed)
            note(m, "oom", -1);
        note(m, "die", m->exit_code);
        r = record_exit(m);
    }
    (void)fault_point("finish.run");
    remove_run(m);
    if (m->auto_remove && m->lock_fd >= 0) {
        note(m, "destroy", -1);
        store_remove(&m->store, m->id, NULL);
    }
    unlock(m);
    struct packet_exit end = {.code = m->exit_code,
                              .signal = m->exit_signal,
                              .oom = m->oom_killed,
                              .log_size = m->log.size};
    client_send_all(m, PACKET_EXIT, &end, sizeof(end));
    return r;
}

/* The start failed and its steps are undone; the record keeps the reason. */
void monitor_undo_start(struct monitor *m, const struct mtd_error *err)
{
    logfile_close(&m->log);
    if (m->run_fd >= 0 && m->claim_fd >= 0 && err->code != EBUSY)
        remove_run(m);
    if (m->auto_remove) {
        store_remove(&m->store, m->id, NULL);
    } else if (m->record.name) {
        free(m->record.status.error);
        m->record.status.error = strdup(err->text);
        store_save(&m->store, &m->record, false, NULL);
    }
    unlock(m);
    client_send_all(m, PACKET_ERROR, err, sizeof(*err));
}
