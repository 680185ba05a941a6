/* A start is a table of steps, START; if one fails, it and those before it are
 * undone in reverse. The groups have their limits before init exists, so that it
 * never runs without; the record is published before "go", so that nothing of the
 * container runs unrecorded. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/ns.h"
#include "base/sys.h"
#include "engine/confine/userns.h"
#include "engine/idmap.h"
#include "engine/inside/inside.h"
#include "engine/monitor/monitor.h"
#include "engine/rootfs/hostfiles.h"
#include "engine/store/events.h"
#include "engine/wire/sync.h"

#define RESERVE_MORE 16384 /* by how much a record may grow during a run */

static int lose_claim(struct monitor *m)
{
    close(take_fd(&m->claim_fd));
    alive_leave(&m->alive_entry); /* what there is belongs to the other one */
    return -EALREADY;
}

/* The holder of this lock is the container's monitor. The kernel releases it however the
 * process ends, and others can test it without taking it (F_OFD_GETLK). */
int monitor_claim(struct monitor *m, struct mtd_error *err)
{
    if (m->claim_fd >= 0)
        return 0; /* a restart */
    /* No room for it: the count of run directories makes the others look. */
    (void)alive_enter(&m->store, &m->alive_entry, NULL);
    (void)fault_point("claim.entered");
    m->run_fd = store_open_run(&m->store, m->id, true, err);
    if (m->run_fd < 0)
        return m->run_fd;
    m->claim_fd =
        openat(m->run_fd, MONITOR_CLAIM, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (m->claim_fd < 0)
        return mtd_fail_errno(err, errno, "cannot create the monitor's lock file");
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(m->claim_fd, F_OFD_SETLK, &whole) < 0)
        return mtd_fail(err, EALREADY, "another monitor already runs this container"),
               lose_claim(m);
    return 0;
}

bool monitor_is_claimed(const struct monitor *m)
{
    char path[MTD_ID_SIZE + sizeof("/monitor")];
    snprintf(path, sizeof(path), "%s/monitor", m->id);
    auto_fd int fd = openat(m->store.run_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

/* Made once. A start does not fail because it cannot be made. */
static void keep_reserve(struct monitor *m)
{
    struct stat st;
    if (m->auto_remove || fstatat(m->dir_fd, "config.json", &st, 0) < 0)
        return;
    auto_fd int fd =
        openat(m->dir_fd, MONITOR_RESERVE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && fallocate(fd, 0, 0, st.st_size + RESERVE_MORE) < 0)
        unlinkat(m->dir_fd, MONITOR_RESERVE, 0);
}

static int write_hostfiles(struct monitor *m, struct mtd_error *err)
{
    keep_reserve(m);
    return hostfiles_write(m->dir_fd, &m->record, err);
}

/* We hold the claim and the container does not run, so processes left in its groups (for
 * example frozen ones, after an interrupted end) belong to no run. */
void monitor_drop_left_groups(struct monitor *m)
{
    auto_done(cgroup_done) struct cgroup left = {0};
    if ((m->host.n == 0 && cgroup_discover(&m->host, "/proc", NULL) < 0) ||
        cgroup_open_id(&left, &m->host, m->id, NULL) < 0 || left.n == 0)
        return;
    cgroup_kill(&left, NULL);
    cgroup_destroy(&left, NULL);
}

static int make_groups(struct monitor *m, struct mtd_error *err)
{
    int rc = cgroup_create(&m->cgroup, &m->host, m->id, err);
    if (rc != -EBUSY)
        return rc;
    monitor_drop_left_groups(m);
    mtd_error_clear(err);
    return cgroup_create(&m->cgroup, &m->host, m->id, err);
}

static int make_cgroup(struct monitor *m, struct mtd_error *err)
{
    const struct mtd_spec *s = &m->record.spec;
    int rc = m->host.n ? 0 : cgroup_discover(&m->host, "/proc", err);
    if (rc == 0)
        rc = make_groups(m, err);
    if (rc == 0 && mtd_idmap_is_set(s))
        rc = cgroup_let_read(&m->cgroup, err);
    if (rc == 0)
        rc = cgroup_limit(&m->cgroup, &s->resources, err);
    if (rc == 0)
        rc = cgroup_devices(&m->cgroup, s, err);
    return rc;
}

static void drop_cgroup(struct monitor *m)
{
    if (m->cgroup.n == 0)
        return;
    cgroup_kill(&m->cgroup, NULL);
    cgroup_destroy(&m->cgroup, NULL);
    cgroup_done(&m->cgroup);
    m->cgroup = (struct cgroup){0};
}

static int open_userns(struct monitor *m, struct mtd_error *err)
{
    if (!mtd_idmap_is_set(&m->record.spec))
        return 0;
    bool network = m->record.spec.network == MTD_NET_BRIDGE;
    int fd = confine_userns_open(&m->record.spec, network ? &m->net_ns : NULL, err);
    if (fd >= 0)
        m->userns_fd = fd;
    return fd < 0 ? fd : 0;
}

static void close_userns(struct monitor *m)
{
    monitor_close(&m->userns_fd);
    monitor_close(&m->net_ns);
}

/* With ids of its own a bridge's far end needs the namespace before init could make it. */
static bool has_own_network(const struct mtd_spec *s)
{
    bool early = s->network == MTD_NET_BRIDGE && mtd_idmap_is_set(s);
    return s->network != MTD_NET_HOST && s->network != MTD_NET_CONTAINER && !early;
}

/* Namespaces that a container's root may do as it likes in. */
static uint64_t own_namespaces(const struct mtd_spec *s)
{
    return (s->uts_host ? 0 : CLONE_NEWUTS) |
           (s->ipc == MTD_IPC_HOST || s->ipc_from ? 0 : CLONE_NEWIPC) |
           (has_own_network(s) ? CLONE_NEWNET : 0);
}

/* With a user namespace init makes those itself, once it is in there, so that they belong to
 * it; until then it is the host's root, who alone may mount the layers. */
static int choose_label(struct monitor *m, struct mtd_error *err)
{
    char label[LABEL_SIZE];
    int rc = label_prepare(&m->record.spec, label, err);
    if (rc < 0)
        return rc;
    free(m->label);
    m->label = strdup(label);
    return m->label ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static void drop_label(struct monitor *m)
{
    free(m->label);
    m->label = NULL;
}

static uint64_t namespaces(const struct monitor *m)
{
    const struct mtd_spec *s = &m->record.spec;
    return CLONE_NEWNS | (s->pid_host || s->pid_from ? 0 : CLONE_NEWPID) |
           (mtd_idmap_is_set(s) ? 0 : own_namespaces(s));
}

/* The root of a cgroup namespace is the groups that its creator was in, so the clone may
 * create it only if that places it in all of its groups. */
static bool all_v2(const struct cgroup *c)
{
    return c->n == 1 && c->dirs[0].v2;
}

static bool makes_cgroup_namespace(const struct monitor *m)
{
    return all_v2(&m->cgroup) && !mtd_idmap_is_set(&m->record.spec);
}

static pid_t clone_init(struct monitor *m, int group)
{
    struct clone_args args = {
        .flags = namespaces(m) | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&m->pidfd,
        .exit_signal = SIGCHLD,
    };
    if (group >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)group;
    }
    if (group >= 0 && makes_cgroup_namespace(m))
        args.flags |= CLONE_NEWCGROUP;
    return sys_clone3(&args, sizeof(args));
}

static void run_init(const struct monitor *m, int sync_fd, bool placed)
{
    struct inside_init init = {
        .rootfs = {.record = &m->record,
                   .dir = m->dir,
                   .images_dir = m->images,
                   .volumes_dir = m->volumes,
                   .init_path = m->record.spec.process.init ? m->exe : NULL,
                   .file_systems = m->file_systems,
                   .label = label_of_files(&m->record.spec),
                   .userns_fd = m->userns_fd},
        .sync_fd = sync_fd,
        .stdio = {m->child[0], m->child[1], m->child[2]},
        .rows = m->rows,
        .cols = m->cols,
        .cgroup = &m->cgroup,
        .share = m->share,
        .label = m->label,
        .placed = placed,
        .unshare_cgroup = !placed || !makes_cgroup_namespace(m),
        .userns_flags = (int)(CLONE_NEWNS | own_namespaces(&m->record.spec)),
    };
    inside_init(&init);
}

static int clone_container(struct monitor *m, struct mtd_error *err)
{
    auto_fd int init_end = -1;
    int rc = sync_pair(&m->sync_fd, &init_end);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot create the socket pair to init");
    auto_fd int back = -1, home = -1;
    rc = monitor_enter_pids(m, &back);
    if (rc == 0)
        rc = monitor_enter_network(m, &home);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot join the other container's namespaces");
    int group = cgroup_clone_fd(&m->cgroup);
    m->pid = clone_init(m, group);
    if (m->pid < 0 && group >= 0) {
        group = -1;
        m->pid = clone_init(m, -1);
    }
    int failed = m->pid < 0 ? errno : 0;
    m->cgroup_cloned = group >= 0 && makes_cgroup_namespace(m);
    if (m->pid != 0) {
        rc = monitor_leave_pids(&back);
        int left = monitor_leave_network(&home);
        rc = rc < 0 ? rc : left;
    }
    errno = failed;
    if (m->pid < 0) {
        m->pid = 0;
        return mtd_fail_errno(err, errno,
                              "cannot create the container's namespaces (mount pid "
                              "uts ipc net); does this kernel support them all?");
    }
    if (m->pid == 0)
        run_init(m, init_end, group >= 0);
    for (int i = 0; i < 3; i++)
        monitor_close(&m->child[i]);
    monitor_close(&m->userns_fd);
    monitor_close_shared(m);
    monitor_close_volumes(m);
    return rc < 0
               ? mtd_fail_errno(err, -rc, "cannot leave the other container's namespaces")
               : 0;
}

static void kill_init(struct monitor *m)
{
    if (m->pid > 0) {
        siginfo_t info;
        sys_pidfd_send_signal(m->pidfd, SIGKILL, NULL, 0);
        cgroup_kill(&m->cgroup, NULL); /* it may be frozen */
        sys_waitid_pidfd(m->pidfd, &info, WEXITED);
    }
    m->pid = 0;
    monitor_close(&m->pidfd);
    monitor_close(&m->sync_fd);
}

/* Kinds that init makes or joins itself, some time after its clone. */
static const char *made_by_init(const struct monitor *m)
{
    if (mtd_idmap_is_set(&m->record.spec))
        return "user mnt uts ipc net cgroup";
    if (m->record.spec.ipc_from)
        return "mnt ipc cgroup"; /* it visits the other container's mounts */
    return m->cgroup_cloned ? "" : "cgroup";
}

/* EACCES: init has died, or this engine may not look into it, running itself in a container
 * without CAP_SYS_PTRACE; then exec has nothing to compare with. */
static int note_namespaces(const struct monitor *m, struct strv *ret)
{
    strv_done(ret);
    int rc = ns_ids(m->pid, made_by_init(m), ret);
    if (rc == -EACCES)
        strv_done(ret);
    return rc == -EACCES ? 0 : rc;
}

/* Before "go": a process that finds the container without a monitor must be able to
 * identify it. Init is making mounts meanwhile, so this costs no time. */
static int publish(struct monitor *m, struct mtd_error *err)
{
    struct mtd_status *st = &m->record.status;
    st->state = MTD_STATE_RUNNING;
    st->pid = m->pid;
    st->monitor_pid = getpid();
    st->exit_code = st->exit_signal = 0;
    st->oom_killed = st->stopped_by_user = false;
    st->restart_count = m->restarts;
    st->started_at = clock_wall_ns();
    st->next_start_at = 0;
    m->up_since = clock_mono_ns();
    free(st->error);
    st->error = NULL;
    free(st->health);
    st->health = m->health ? strdup("starting") : NULL;
    strv_done(&st->cgroups);
    int rc = proc_boot_id(st->boot_id);
    if (rc == 0)
        rc = proc_start_time(m->pid, false, &st->pid_start);
    if (rc == 0)
        rc = proc_start_time(st->monitor_pid, false, &st->monitor_start);
    if (rc == 0)
        rc = cgroup_describe(&m->cgroup, &st->cgroups);
    if (rc == 0)
        rc = note_namespaces(m, &st->namespaces);
    if (rc < 0)
        return mtd_fail_errno(
            err, -rc,
            "cannot look up the running container's processes and control groups");
    return store_save(&m->store, &m->record, false, err);
}

static const struct {
    const char *name;
    enum mtd_stage stage;
    int (*run)(struct monitor *m, struct mtd_error *err);
    void (*undo)(struct monitor *m);
} START[] = {
    {"claim", MTD_STAGE_CLAIM, monitor_claim, NULL},
    {"network", MTD_STAGE_NETWORK, monitor_claim_network, monitor_drop_network},
    {"hostfiles", MTD_STAGE_STDIO, write_hostfiles, NULL},
    {"log", MTD_STAGE_STDIO, monitor_open_log, NULL},
    {"stdio", MTD_STAGE_STDIO, monitor_open_stdio, monitor_close_stdio},
    {"cgroup", MTD_STAGE_CGROUP, make_cgroup, drop_cgroup},
    {"label", MTD_STAGE_CAPS, choose_label, drop_label},
    {"share", MTD_STAGE_CLONE, monitor_open_shared, monitor_close_shared},
    {"userns", MTD_STAGE_CLONE, open_userns, close_userns},
    {"volumes", MTD_STAGE_MOUNT, monitor_open_volumes, monitor_close_volumes},
    {"clone", MTD_STAGE_CLONE, clone_container, kill_init},
    {"links", MTD_STAGE_NETWORK, monitor_make_links, monitor_close_network},
    {"publish", MTD_STAGE_PUBLISH, publish, NULL},
    {"exec", MTD_STAGE_CLONE, monitor_release_init, NULL},
};

static void undo(struct monitor *m, size_t from)
{
    for (size_t i = from; i-- > 0;)
        if (START[i].undo)
            START[i].undo(m);
}

/* What a step finds wrong with a dead init (its namespaces are gone) is no reason: what init said
 * before it died is. */
static void ask_init(struct monitor *m, struct mtd_error *err)
{
    struct mtd_error said = {0};
    struct pollfd p = {.fd = m->sync_fd, .events = POLLIN};
    int fd = -1;
    if (m->sync_fd >= 0 && poll(&p, 1, 0) > 0 &&
        sync_recv(m->sync_fd, &said, &fd) == SYNC_ERROR)
        *err = said;
    cleanup_fd(&fd);
}

int monitor_start(struct monitor *m, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(START); i++) {
        int rc = fault_step("start", START[i].name);
        if (rc < 0)
            mtd_fail_errno(err, -rc, "start.%s", START[i].name);
        else
            rc = START[i].run(m, err);
        if (rc < 0) {
            ask_init(m, err);
            if (err->stage == MTD_STAGE_NONE)
                err->stage = (int)START[i].stage;
            undo(m, i + 1);
            return rc;
        }
    }
    return 0;
}

const char *monitor_step_name(size_t i)
{
    return i < ARRAY_SIZE(START) ? START[i].name : NULL;
}

void monitor_release(struct monitor *m)
{
    m->pid = 0;
    monitor_close(&m->pidfd);
    monitor_close_network(m);
    monitor_close_stdio(m);
    drop_cgroup(m);
}
