/* A container survives its monitor, because it has its own pipes open in both directions.
 * The pipes have names, the pid its start time, and the groups are in the record: enough
 * for another monitor to take over. A terminal cannot be recovered: its master was closed
 * with the monitor, and the kernel has sent the container a hangup. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/sys.h"
#include "engine/inside/inside.h"

#define LOST_INIT_MS 5000
#define LOST_INIT_LOOK_MS 20

static void set_status(struct monitor *m, int status)
{
    m->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    m->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void monitor_take_status(struct monitor *m)
{
    siginfo_t info = {0};
    int status = 0;
    m->exit_code = -1;
    m->exit_signal = 0;
    if (m->pidfd < 0)
        return;
    if (sys_waitid_pidfd(m->pidfd, &info, WEXITED) == 0) {
        bool exited = info.si_code == CLD_EXITED;
        m->exit_signal = exited ? 0 : info.si_status;
        m->exit_code = exited ? info.si_status : 128 + info.si_status;
    } else if (proc_ended_status(m->pid, m->pidfd, &status) == 0) {
        set_status(m, status);
    }
}

/* The process in the record, zombie or not; -1 = its number is another
 * process's, or free. */
static int open_process(const struct mtd_status *st)
{
    uint64_t start = 0;
    auto_fd int fd = sys_pidfd_open(st->pid, 0);
    if (fd < 0 || proc_start_time(st->pid, false, &start) < 0 || start != st->pid_start)
        return -1;
    return take_fd(&fd);
}

/* We have the lock that its monitor would hold, so that is gone, and init exits as soon
 * as it notices, unless it was just about to exec. The wait is limited: a command may
 * give itself init's name. */
void monitor_await_lost_init(const struct mtd_status *st)
{
    struct pollfd end = {.fd = open_process(st), .events = POLLIN};
    if (end.fd < 0)
        return;
    for (int ms = 0; ms < LOST_INIT_MS && inside_is_init(st->pid);
         ms += LOST_INIT_LOOK_MS)
        if (poll(&end, 1, LOST_INIT_LOOK_MS) > 0)
            break;
    close(end.fd);
}

static int open_pipe(const struct monitor *m, const char *name, int flags)
{
    return openat(m->run_fd, name, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
}

static int take_over(struct monitor *m, struct mtd_error *err)
{
    struct mtd_status *st = &m->record.status;
    int rc = cgroup_open(&m->cgroup, &st->cgroups, err);
    if (rc < 0)
        return rc;
    monitor_await_lost_init(st);
    m->pid = st->pid;
    m->pidfd = open_process(st);
    m->alive = proc_is(st->pid, st->pid_start);
    m->found_dead = !m->alive;
    m->restarts = st->restart_count;
    m->stopping = st->stopped_by_user;
    m->up_since = clock_mono_ns();
    m->out = open_pipe(m, "stdout", O_RDONLY);
    m->err = open_pipe(m, "stderr", O_RDONLY);
    m->in = open_pipe(m, "stdin", O_WRONLY);
    if (m->pidfd < 0)
        return 0; /* it has ended, which remains to be recorded */
    monitor_take_over_network(m);
    st->monitor_pid = getpid();
    if (proc_start_time(st->monitor_pid, false, &st->monitor_start) < 0)
        st->monitor_start = 0;
    return store_save(&m->store, &m->record, false, err);
}

int monitor_adopt(struct monitor *m, struct mtd_error *err)
{
    enum mtd_state said = m->record.status.state;
    int rc = monitor_claim(m, err);
    if (rc == 0)
        rc = monitor_open_log(m, err);
    if (rc == 0 && (m->listen_fd = packet_listen(m->run_fd, err)) < 0)
        rc = m->listen_fd;
    if (rc == 0 && said != MTD_STATE_RESTARTING)
        return take_over(m, err);
    if (rc == 0)
        monitor_drop_left_groups(m); /* a restart may have been interrupted */
    return rc;
}
