/* The namespaces of other containers that this one joins. They are opened while a pidfd
 * shows that their owner is the process its record names. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/sys.h"
#include "engine/monitor/internal.h"

static int open_of(pid_t pid, const char *what)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int not_running(const char *what, const struct mtd_record *donor,
                       struct mtd_error *err)
{
    return mtd_fail(err, ESRCH,
                    "cannot join %s namespace of a non running container: %.12s (%.64s)",
                    what, donor->id, donor->name);
}

static int load_donor(struct monitor *m, const char *what, const char *id,
                      struct mtd_record *ret, struct mtd_error *err)
{
    char boot_id[BOOT_ID_LEN + 1];
    int rc = store_load(&m->store, id, ret, err);
    mtd_context(rc < 0 ? err : NULL, "cannot join its %s namespace", what);
    if (rc < 0)
        return rc;
    if (!mtd_state_is_live(ret->status.state) || proc_boot_id(boot_id) < 0 ||
        strcmp(boot_id, ret->status.boot_id) != 0)
        return not_running(what, ret, err);
    return 0;
}

/* Opens these of /proc/PID of the container's pid 1. */
static int open_all(struct monitor *m, const char *what, const char *id,
                    const char *const names[], int *const fds[], struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record donor;
    mtd_record_init(&donor);
    int rc = load_donor(m, what, id, &donor, err);
    if (rc < 0)
        return rc;
    auto_fd int pidfd = proc_open(donor.status.pid, donor.status.pid_start);
    for (size_t i = 0; pidfd >= 0 && rc == 0 && names[i]; i++) {
        *fds[i] = open_of(donor.status.pid, names[i]);
        rc = *fds[i] < 0 ? *fds[i] : 0;
    }
    if (pidfd < 0 || sys_pidfd_send_signal(pidfd, 0, NULL, 0) < 0)
        return not_running(what, &donor, err);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot open the %s namespace of %.12s",
                                   what, donor.id)
                  : 0;
}

int monitor_open_shared(struct monitor *m, struct mtd_error *err)
{
    const struct mtd_spec *s = &m->record.spec;
    struct inside_share *in = &m->share;
    int rc = 0;
    if (s->pid_from)
        rc = open_all(m, "PID", s->pid_from, (const char *const[]){"ns/pid", NULL},
                      (int *const[]){&m->pid_ns}, err);
    if (rc == 0 && s->ipc_from)
        rc = open_all(m, "IPC", s->ipc_from,
                      (const char *const[]){"ns/ipc", "ns/mnt", "root", NULL},
                      (int *const[]){&in->ipc, &in->mounts, &in->root}, err);
    if (rc == 0 && s->network == MTD_NET_CONTAINER)
        rc =
            open_all(m, "network", s->network_from, (const char *const[]){"ns/net", NULL},
                     (int *const[]){&m->net_ns}, err);
    return rc;
}

void monitor_close_shared(struct monitor *m)
{
    int *const fds[] = {&m->pid_ns, &m->share.ipc, &m->share.mounts, &m->share.root};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (*fds[i] >= 0)
            close(take_fd(fds[i]));
}

int monitor_enter_pids(struct monitor *m, int *ret_back)
{
    *ret_back = -1;
    if (m->pid_ns < 0)
        return 0;
    auto_fd int own = open_of(getpid(), "ns/pid");
    if (own < 0 || setns(m->pid_ns, CLONE_NEWPID) < 0)
        return own < 0 ? own : -errno;
    *ret_back = take_fd(&own);
    return 0;
}

int monitor_leave_pids(int *back)
{
    int rc = *back >= 0 && setns(*back, CLONE_NEWPID) < 0 ? -errno : 0;
    cleanup_fd(back);
    *back = -1;
    return rc;
}
