/* The steps of `create`, undone in reverse when one fails. What is made outside of the process has
 * its name in the state before it is made, so that a killed one leaves nothing that a deletion does
 * not find. When it ends, init is its caller's. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/ns.h"
#include "base/sys.h"
#include "engine/host/self.h"
#include "engine/inside/inside.h"
#include "engine/syscalls/syscalls.h"
#include "engine/wire/sync.h"

/* What may be refused for the sake of this machine, before anything is made. */
static int prepare(struct runtime_creation *c, struct mtd_error *err)
{
    struct mtd_process *p = &c->bundle.process;
    int rc = runtime_label(p, c->label, err);
    if (rc == 0)
        rc = runtime_find_filter(c->runtime, p, err);
    if (rc == 0)
        rc = runtime_check_listener(&c->bundle, err);
    if (rc == 0)
        rc = runtime_open_namespaces(&c->bundle, c->namespaces, err);
    if (rc == 0)
        rc = runtime_open_userns(c, err);
    if (rc == 0)
        rc = runtime_find_groups(c, err);
    if (rc == 0 && c->asked->console_socket)
        rc = c->console_fd = runtime_console_connect(c->asked->console_socket, err);
    if (rc < 0)
        return rc;
    if (p->seccomp_made && !(c->record.seccomp_made = strdup(p->seccomp_made)))
        return mtd_fail(err, ENOMEM, "out of memory");
    c->rest = runtime_state_rest(&c->record);
    return c->rest ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static void forget(struct runtime_creation *c)
{
    for (int i = 0; i < BUNDLE_NS_COUNT; i++)
        cleanup_fd(&c->namespaces[i]);
    cleanup_fd(&c->console_fd);
    c->console_fd = -1;
    memset(c->namespaces, -1, sizeof(c->namespaces));
}

/* ---- its directory ---- */

static int claim(struct runtime_creation *c, struct mtd_error *err)
{
    c->root_fd = runtime_open_root(c->runtime, true, err);
    if (c->root_fd < 0)
        return c->root_fd;
    if (mkdirat(c->root_fd, c->asked->id, 0700) < 0)
        return errno == EEXIST
                   ? mtd_fail(err, EEXIST, "container with given ID already exists")
                   : mtd_fail_errno(err, errno, "cannot make the container's directory");
    c->dir_fd = fs_open_dir_at(c->root_fd, c->asked->id);
    if (c->dir_fd < 0 || flock(c->dir_fd, LOCK_EX | LOCK_NB) < 0)
        return mtd_fail_errno(err, errno, "cannot open the container's directory");
    int rc = fs_make_whole_at(c->dir_fd, RUNTIME_CONFIG, c->text.data, c->text.len, 0600,
                              false);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot keep the container's configuration");
    return runtime_save(c->dir_fd, &c->record, err);
}

/* The state goes last, as in a deletion, so that whoever is killed here is finished by one. */
static void disclaim(struct runtime_creation *c)
{
    if (c->dir_fd < 0)
        return;
    if (c->record.hooked)
        runtime_poststop(c->runtime, &c->record, &c->bundle);
    fs_remove_tree_at(c->root_fd, c->asked->id);
    cleanup_fd(&c->dir_fd);
    c->dir_fd = -1;
}

static int open_gate(struct runtime_creation *c, struct mtd_error *err)
{
    return c->gate_fd = runtime_listen(c->dir_fd, err);
}

static void close_gate(struct runtime_creation *c)
{
    cleanup_fd(&c->gate_fd);
    c->gate_fd = -1;
}

/* ---- its groups ---- */

static int make_them(struct runtime_creation *c, struct mtd_error *err)
{
    int rc = cgroup_create_at(&c->cgroup, &c->host, c->record.cgroup, err);
    return rc < 0 ? rc : runtime_limit_groups(c, err);
}

static void drop_groups(struct runtime_creation *c)
{
    if (c->cgroup.n == 0)
        return;
    cgroup_kill(&c->cgroup, NULL);
    cgroup_destroy(&c->cgroup, NULL);
}

/* An ordinary user may have been given none: then there are none, as long as no limit is asked
 * for. */
static int make_groups(struct runtime_creation *c, struct mtd_error *err)
{
    struct mtd_error why = {0};
    if (c->record.unit)
        return 0; /* a unit has its first process when it is made */
    int rc = c->record.cgroup ? make_them(c, &why) : 0;
    bool denied = rc == -EACCES || rc == -EPERM || rc == -EROFS;
    if (rc < 0 && (!denied || runtime_is_hosts() || runtime_asks_limits(&c->bundle)))
        return *err = why, rc;
    if (rc < 0) {
        drop_groups(c);
        cgroup_done(&c->cgroup);
        strv_done(&c->record.cgroups);
        free(take_ptr(&c->record.cgroup));
    }
    return 0;
}

/* ---- init ---- */

static uint64_t new_namespaces(const struct bundle *b)
{
    static const enum bundle_ns BY_CLONE[] = {
        BUNDLE_NS_PID, BUNDLE_NS_NETWORK, BUNDLE_NS_IPC, BUNDLE_NS_UTS, BUNDLE_NS_MOUNT};
    uint64_t flags = 0;
    for (size_t i = 0; i < ARRAY_SIZE(BY_CLONE); i++)
        if (bundle_is_new(b, BY_CLONE[i]))
            flags |= (uint64_t)BUNDLE_NAMESPACES[BY_CLONE[i]].flag;
    return flags;
}

static pid_t clone_once(struct runtime_creation *c, int group)
{
    struct clone_args args = {.flags = new_namespaces(&c->bundle) | CLONE_PIDFD,
                              .pidfd = (uint64_t)(uintptr_t)&c->pidfd,
                              .exit_signal = SIGCHLD};
    if (group >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)group;
    }
    return sys_clone3(&args, sizeof(args));
}

static __attribute__((noreturn)) void become_init(const struct runtime_creation *c,
                                                  int sync_fd, bool placed)
{
    const struct bundle *b = &c->bundle;
    close(c->sync_fd); /* the other end: it hears of the end of `create` by it */
    struct inside_bundle bundle = {
        .tree = {.bundle = b,
                 .dir = c->record.bundle,
                 .root = c->record.rootfs,
                 .groups = c->record.unit ? &c->unit_groups : &c->record.cgroups,
                 .trees = c->trees,
                 .no_pivot = c->asked->no_pivot},
        .n_trees = c->trees ? (int)b->n_mounts + 1 : 0,
        .gate = c->gate_fd,
        .state = c->rest,
        .moved = c->record.unit != NULL,
        .announce = b->hooks[BUNDLE_PRESTART].len || b->hooks[BUNDLE_CREATE_RUNTIME].len,
        .crossed = c->namespaces[BUNDLE_NS_USER] >= 0,
        .new_keyring = !c->asked->no_new_keyring};
    memcpy(bundle.namespaces, c->namespaces, sizeof(bundle.namespaces));
    struct inside_init init = {.bundle = &bundle,
                               .sync_fd = sync_fd,
                               .stdio = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO},
                               .rows = (unsigned short)b->rows,
                               .cols = (unsigned short)b->cols,
                               .cgroup = &c->cgroup,
                               .label = c->label,
                               .placed = placed};
    inside_init(&init);
}

static int clone_here(struct runtime_creation *c, int init_end, struct mtd_error *err)
{
    struct runtime_aside aside;
    int rc = runtime_step_aside(&c->bundle, c->namespaces, &aside, err);
    if (rc < 0)
        return rc;
    int group = cgroup_clone_fd(&c->cgroup);
    c->record.pid = clone_once(c, group);
    if (c->record.pid < 0 && group >= 0) {
        group = -1;
        c->record.pid = clone_once(c, -1);
    }
    int failed = c->record.pid < 0 ? errno : 0;
    if (c->record.pid == 0)
        become_init(c, init_end, group >= 0 || c->record.unit);
    rc = runtime_step_back(&aside, err);
    if (failed) {
        c->record.pid = 0;
        return mtd_fail_errno(err, failed, "cannot create the container's namespaces");
    }
    return rc;
}

static int clone_init(struct runtime_creation *c, struct mtd_error *err)
{
    auto_fd int init_end = -1;
    int rc = sync_pair(&c->sync_fd, &init_end);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot create the socket pair to init");
    if (c->namespaces[BUNDLE_NS_USER] >= 0)
        rc = runtime_clone_across(c, take_fd(&init_end), new_namespaces(&c->bundle),
                                  become_init, err);
    else
        rc = clone_here(c, init_end, err);
    if (rc == 0 && (rc = proc_start_time(c->record.pid, false, &c->record.pid_start)) < 0)
        mtd_fail_errno(err, -rc, "cannot find the container's first process");
    return rc;
}

static void kill_init(struct runtime_creation *c)
{
    siginfo_t info;
    if (c->record.pid > 0 && c->pidfd >= 0) {
        sys_pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
        cgroup_kill(&c->cgroup, NULL);
        sys_waitid_pidfd(c->pidfd, &info, WEXITED);
    }
    cleanup_fd(&c->pidfd);
    cleanup_fd(&c->sync_fd);
    c->pidfd = c->sync_fd = -1;
}

static int init_died(const struct runtime_creation *c, struct mtd_error *err)
{
    if (cgroup_oom_kills(&c->cgroup) > 0)
        return mtd_fail(err, ENOMEM,
                        "container init was OOM-killed (memory limit too "
                        "low?)");
    return mtd_fail(err, ECHILD, "the container's first process died unexpectedly");
}

static int hear(struct runtime_creation *c, int wanted, struct mtd_error *err)
{
    struct mtd_error said = {0};
    int fd = -1, what = sync_recv(c->sync_fd, &said, &fd);
    if (what == SYNC_ERROR)
        return *err = said, -(said.code ? said.code : EIO);
    if (what == wanted)
        return 1;
    if (what != SYNC_TTY)
        return init_died(c, err);
    auto_fd int master = fd;
    return c->console_fd >= 0 ? runtime_console_send(c->console_fd, master, err) : 0;
}

static int run_hooks(struct runtime_creation *c, struct mtd_error *err)
{
    const struct bundle_hook_state s = {(int)c->record.pid, "creating", c->rest};
    if (!c->bundle.hooks[BUNDLE_PRESTART].len &&
        !c->bundle.hooks[BUNDLE_CREATE_RUNTIME].len)
        return 0;
    int rc = hear(c, SYNC_MOUNTED, err);
    if (rc > 0 && c->bundle.hooks[BUNDLE_POSTSTOP].len) {
        c->record.hooked = true;
        rc = runtime_save(c->dir_fd, &c->record, err) < 0 ? -err->code : rc;
    }
    if (rc > 0)
        rc = bundle_run_hooks(&c->bundle, BUNDLE_PRESTART, &s, err);
    return rc < 0 ? rc : bundle_run_hooks(&c->bundle, BUNDLE_CREATE_RUNTIME, &s, err);
}

static int publish(struct runtime_creation *c, struct mtd_error *err)
{
    c->record.hooked = true;
    return runtime_save(c->dir_fd, &c->record, err);
}

/* Up to the gate. Its namespaces are all its own by then; who may not look into it cannot compare
 * them later. */
static int release(struct runtime_creation *c, struct mtd_error *err)
{
    (void)sync_go(c->sync_fd); /* if it fails, init may have left an error for us */
    int rc = 0;
    while (rc == 0)
        rc = hear(c, SYNC_EXEC, err);
    if (rc < 0)
        return rc;
    if (ns_ids(c->record.pid, "", &c->record.namespaces) < 0)
        strv_done(&c->record.namespaces);
    c->record.creating = false;
    return publish(c, err);
}

static int announce(struct runtime_creation *c, struct mtd_error *err)
{
    return c->asked->pid_file ? runtime_write_pid(c->asked->pid_file, c->record.pid, err)
                              : 0;
}

static const struct {
    const char *name;
    int (*run)(struct runtime_creation *c, struct mtd_error *err);
    void (*undo)(struct runtime_creation *c);
} CREATE[] = {
    {"config", runtime_read_config, NULL},
    {"prepare", prepare, forget},
    {"trees", runtime_open_trees, runtime_close_trees},
    {"claim", claim, disclaim},
    {"gate", open_gate, close_gate},
    {"cgroup", make_groups, drop_groups},
    {"clone", clone_init, kill_init},
    {"unit", runtime_start_unit, runtime_drop_unit},
    {"runtimehooks", run_hooks, NULL},
    {"publish", publish, NULL},
    {"release", release, NULL},
    {"announce", announce, NULL},
};

static int run_steps(struct runtime_creation *c, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(CREATE); i++) {
        int rc = fault_step("oci", CREATE[i].name);
        if (rc < 0)
            mtd_fail_errno(err, -rc, "oci.%s", CREATE[i].name);
        else
            rc = CREATE[i].run(c, err);
        if (rc >= 0)
            continue;
        for (size_t k = i + 1; k-- > 0;)
            if (CREATE[k].undo)
                CREATE[k].undo(c);
        return rc;
    }
    return 0;
}

static void creation_done(struct runtime_creation *c)
{
    const int fds[] = {c->root_fd, c->dir_fd, c->gate_fd, c->sync_fd, c->pidfd};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        cleanup_fd(&fds[i]);
    forget(c);
    runtime_close_trees(c);
    bundle_done(&c->bundle);
    buf_done(&c->text);
    runtime_record_done(&c->record);
    cgroup_done(&c->host);
    cgroup_done(&c->cgroup);
    systemd_close(&c->systemd);
    strv_done(&c->unit_groups);
    free(c->rest);
}

int runtime_protect(char *const argv[], struct mtd_error *err)
{
    return self_protect(argv, err);
}

int runtime_create(const struct runtime *r, const struct runtime_create *asked,
                   int *ret_pidfd, struct mtd_error *err)
{
    struct runtime_creation c = {.runtime = r,
                                 .asked = asked,
                                 .root_fd = -1,
                                 .dir_fd = -1,
                                 .gate_fd = -1,
                                 .sync_fd = -1,
                                 .console_fd = -1,
                                 .pidfd = -1};
    memset(c.namespaces, -1, sizeof(c.namespaces));
    int rc = run_steps(&c, err);
    if (rc == 0 && ret_pidfd)
        *ret_pidfd = take_fd(&c.pidfd);
    creation_done(&c);
    return rc;
}
