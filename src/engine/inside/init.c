/* A table of steps from clone3 to execve. The groups carry their limits before this process is
 * made; it moves itself in, because moving another process takes a global lock and with it an
 * RCU grace period (up to 15 ms) that moving oneself does not. "Go" is the monitor's word that
 * it is there to record what comes; without it nothing runs. Until execve succeeds nothing of the container's has run, so a
 * step that fails just reports and exits: the namespaces and all mounts die with it. */

#include "engine/inside/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/proc.h"
#include "base/sys.h"
#include "engine/confine/confine.h"
#include "engine/host/mount.h"
#include "engine/host/tty.h"
#include "engine/wire/sync.h"

enum { FD_SYNC = 3, FD_STDIO = 4, FD_FIRST_FREE = 7 };

struct context {
    const struct init *in;
    const struct mtd_process *process;
    int sync_fd; /* FD_SYNC once it stands there */
    int root_fd;
    struct user user;
    struct strv env;
    char program[4096];
};

/* The descriptors the monitor had are not init's business: keep four, at known numbers. The
 * kept ones are moved high first, so that no dup3 overwrites one still to be moved. */
static int keep_descriptors(struct context *c, struct mtd_error *err)
{
    const int kept[4] = {c->in->sync_fd, c->in->stdio[0], c->in->stdio[1],
                         c->in->stdio[2]};
    int high[4];
    for (int i = 0; i < 4; i++) {
        high[i] = kept[i] < 0 ? -1 : fcntl(kept[i], F_DUPFD_CLOEXEC, 64);
        if (kept[i] >= 0 && high[i] < 0)
            return mtd_fail_errno(err, errno, "cannot keep a file descriptor");
    }
    c->sync_fd = high[0];
    for (int i = 0; i < 4; i++) {
        close(FD_SYNC + i);
        if (high[i] >= 0 && dup3(high[i], FD_SYNC + i, O_CLOEXEC) < 0)
            return mtd_fail_errno(err, errno, "cannot move a file descriptor");
    }
    c->sync_fd = FD_SYNC;
    if (sys_close_range(FD_FIRST_FREE, ~0U, 0) < 0)
        return mtd_fail_errno(err, errno, "cannot close the monitor's descriptors");
    return 0;
}

static int join_cgroups(struct context *c, struct mtd_error *err)
{
    return cgroup_enter(c->in->cgroup, !c->in->placed, err);
}

static int build_rootfs(struct context *c, struct mtd_error *err)
{
    return rootfs_build(&c->in->rootfs, &c->root_fd, err);
}

static int raise_loopback(struct context *c, struct mtd_error *err)
{
    if (c->in->rootfs.record->spec.network == MTD_NET_HOST)
        return 0;
    auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
        return mtd_fail_errno(err, errno, "cannot bring up the loopback interface");
    return 0;
}

static int wait_for_go(struct context *c, struct mtd_error *err)
{
    (void)c;
    int r = sync_wait_go(FD_SYNC);
    return r < 0 ? mtd_fail(err, -r, "the monitor has exited") : 0;
}

static int enter_cgroup_namespace(struct context *c, struct mtd_error *err)
{
    char groups[ROOTFS_CGROUPS_MAX];
    int r = rootfs_list_cgroups(groups, sizeof(groups), err);
    if (r < 0)
        return r;
    if (c->in->unshare_cgroup && unshare(CLONE_NEWCGROUP) < 0)
        return mtd_fail_errno(err, errno, "cannot create a cgroup namespace");
    return rootfs_mount_cgroup(c->root_fd, groups, c->in->rootfs.record->id, err);
}

static int set_hostname(struct context *c, struct mtd_error *err)
{
    const char *name = c->in->rootfs.record->spec.hostname;
    if (name && sethostname(name, strlen(name)) < 0)
        return mtd_fail_errno(err, errno, "cannot set the hostname %s", name);
    return 0;
}

static int enter_rootfs(struct context *c, struct mtd_error *err)
{
    int r = rootfs_enter(&c->in->rootfs, c->root_fd, err);
    if (r == 0)
        close(take_fd(&c->root_fd));
    return r;
}

static int find_user(struct context *c, struct mtd_error *err)
{
    auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = user_resolve(root, c->process->user, &c->user, err);
    if (r == 0 && strv_copy(&c->env, &c->process->env) < 0)
        r = mtd_fail(err, ENOMEM, "out of memory");
    if (r < 0 || strv_env_get(&c->env, "HOME"))
        return r;
    char home[sizeof(c->user.home) + 8];
    snprintf(home, sizeof(home), "HOME=%s", c->user.home);
    return strv_add(&c->env, home) < 0 ? mtd_fail(err, ENOMEM, "out of memory") : 0;
}

/* docker shows the terminal as /dev/console too. */
static int bind_console(int slave, struct mtd_error *err)
{
    auto_fd int target =
        open("/dev/console", O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_RDONLY, 0600);
    auto_fd int bind = mount_bind(slave, "", 0);
    int r = target < 0 ? -errno : bind < 0 ? bind : mount_move(bind, target);
    return r < 0 ? mtd_fail_errno(err, -r, "cannot bind the terminal to /dev/console")
                 : 0;
}

static int open_terminal(struct context *c, struct mtd_error *err)
{
    auto_fd int slave = -1;
    auto_fd int master = tty_open_pty("/dev/pts/ptmx", &slave);
    if (master < 0)
        return mtd_fail_errno(err, -master, "cannot open a terminal in /dev/pts");
    tty_resize(master, c->in->rows, c->in->cols);
    (void)!fchown(slave, c->user.uid, (gid_t)-1);
    int r = bind_console(slave, err);
    if (r == 0 && (r = sync_send_tty(FD_SYNC, master)) < 0)
        return mtd_fail_errno(err, -r, "cannot hand over the terminal");
    if (r == 0 && (r = tty_login(take_fd(&slave))) < 0)
        return mtd_fail_errno(err, -r, "cannot set the controlling terminal");
    return r;
}

/* Without -i: the container's own /dev/null, so that no descriptor of the host comes along. */
static int open_null(struct mtd_error *err)
{
    auto_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (fd != FD_STDIO && dup3(fd, FD_STDIO, O_CLOEXEC) < 0))
        return mtd_fail_errno(err, errno, "cannot open the container's /dev/null");
    if (fd == FD_STDIO) /* the number was free */
        take_fd(&fd);
    return 0;
}

/* The command's user must be able to open /dev/stdout: pipes get its uid, as in docker. */
static int place_stdio(struct context *c, struct mtd_error *err)
{
    int r = 0;
    if (c->process->tty)
        return open_terminal(c, err);
    setsid();
    if (!c->process->open_stdin && (r = open_null(err)) < 0)
        return r;
    for (int i = 0; i < 3; i++) {
        struct stat st;
        if (fstat(FD_STDIO + i, &st) == 0 && S_ISFIFO(st.st_mode))
            (void)!fchown(FD_STDIO + i, c->user.uid, (gid_t)-1);
        if (dup2(FD_STDIO + i, i) < 0)
            return mtd_fail_errno(err, errno, "cannot move file descriptor %d", i);
    }
    return 0;
}

static int join_keyring(struct context *c, struct mtd_error *err)
{
    (void)c, (void)err;
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
    return 0;
}

static int set_limits(struct context *c, struct mtd_error *err)
{
    return confine_rlimits(c->process->rlimits, c->process->n_rlimits, err);
}

static int change_directory(struct context *c, struct mtd_error *err)
{
    return confine_chdir(c->process->cwd, true, err);
}

static int take_identity(struct context *c, struct mtd_error *err)
{
    const struct mtd_process *p = c->process;
    uint64_t caps = p->privileged ? MTD_CAPS_ALL : p->caps;
    return confine_identity(&c->user, caps, p->no_new_privs, err);
}

static int find_program(struct context *c, struct mtd_error *err)
{
    if (c->process->args.len == 0)
        return mtd_fail(err, EINVAL,
                        "no command; name one, or use an image that has one");
    return confine_find_program(c->process->args.items[0], &c->env, c->program,
                                sizeof(c->program), err);
}

static const struct {
    enum mtd_stage stage;
    const char *fault;
    int (*run)(struct context *c, struct mtd_error *err);
} STEPS[] = {
    {MTD_STAGE_CGROUP, "init.join", join_cgroups},
    {MTD_STAGE_STDIO, "init.descriptors", keep_descriptors},
    {MTD_STAGE_ROOTFS, "init.rootfs", build_rootfs},
    {MTD_STAGE_NETWORK, "init.network", raise_loopback},
    {MTD_STAGE_CLONE, "init.go", wait_for_go},
    {MTD_STAGE_CGROUP, "init.cgroup", enter_cgroup_namespace},
    {MTD_STAGE_HOSTNAME, "init.hostname", set_hostname},
    {MTD_STAGE_PIVOT, "init.pivot", enter_rootfs},
    {MTD_STAGE_USER, "init.user", find_user},
    {MTD_STAGE_STDIO, "init.stdio", place_stdio},
    {MTD_STAGE_CAPS, "init.keyring", join_keyring},
    {MTD_STAGE_LIMITS, "init.limits", set_limits},
    {MTD_STAGE_CWD, "init.cwd", change_directory},
    {MTD_STAGE_CAPS, "init.identity", take_identity},
    {MTD_STAGE_EXEC, "init.program", find_program},
};

static int run_steps(struct context *c, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
        int r = fault_point(STEPS[i].fault);
        if (r < 0)
            mtd_fail_errno(err, -r, "%s", STEPS[i].fault);
        else
            r = STEPS[i].run(c, err);
        if (r < 0) {
            if (err->stage == MTD_STAGE_NONE)
                err->stage = (int)STEPS[i].stage;
            return r;
        }
    }
    return 0;
}

/* Behind --init the program is our reaper; it gets the path already looked up. */
static int exec_command(struct context *c, struct mtd_error *err)
{
    struct strv argv = {0};
    bool reaper = c->process->init;
    int r = reaper ? strv_add(&argv, INIT_REAPER_NAME) : 0;
    if (r == 0 && reaper)
        r = strv_add(&argv, c->program);
    if (r == 0)
        r = strv_add_all(&argv, &c->process->args);
    if (r < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    confine_clean();
    if (sync_send_exec(FD_SYNC) < 0)
        return -EPIPE;
    execve(reaper ? INIT_REAPER_NAME : c->program, argv.items, c->env.items);
    err->stage = MTD_STAGE_EXEC;
    return mtd_fail_errno(err, errno, "cannot run \"%s\"", c->process->args.items[0]);
}

void init_run(const struct init *i)
{
    struct context c = {.in = i,
                        .process = &i->rootfs.record->spec.process,
                        .sync_fd = i->sync_fd,
                        .root_fd = -1};
    struct mtd_error err = {0};
    prctl(PR_SET_DUMPABLE, 0);
    proc_set_name("mtd:init");
    if (run_steps(&c, &err) == 0)
        exec_command(&c, &err);
    sync_send_error(c.sync_fd, &err);
    _exit(125);
}
