/* Inside: from the constructor's clone to the command. The steps and their order are init's,
 * without the mounts. All host descriptors but the pipes that were asked for are gone by
 * then; the reply socket closes itself with execve, which is how the front end learns that
 * the command runs. */

#include "engine/exec/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/confine/confine.h"
#include "engine/host/tty.h"
#include "nsenter/nsenter.h"

#define PIPEFS_MAGIC 0x50495045 /* linux/magic.h has it from 5.x headers on */

struct context {
    const struct nsenter_request *request;
    struct user user;
    struct strv env;
    char program[4096];
};

static int say_inside(struct context *c, struct mtd_error *err)
{
    int r = nsenter_reply(NSENTER_REPLY_FD, NSENTER_INSIDE, -1, NULL);
    return r < 0 ? mtd_fail_errno(err, -r, "the front end has exited") : 0;
}

/* The session keyring would otherwise be the one of whoever runs the engine. */
static int leave_session(struct context *c, struct mtd_error *err)
{
    if (setsid() < 0)
        return mtd_fail_errno(err, errno, "cannot start a session");
    long r = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
    if (r < 0 && errno != ENOSYS && errno != EPERM)
        return mtd_fail_errno(err, errno, "cannot leave the session keyring");
    return 0;
}

static int find_user(struct context *c, struct mtd_error *err)
{
    char home[sizeof(c->user.home) + 8];
    auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = user_resolve(root, c->request->user, &c->user, err);
    if (r < 0)
        return r;
    snprintf(home, sizeof(home), "HOME=%s", c->user.home);
    if (strv_copy(&c->env, &c->request->env) < 0 ||
        (!strv_env_get(&c->env, "HOME") && strv_add(&c->env, home) < 0))
        return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}

/* The size is set before anybody can read it. */
static int open_terminal(struct context *c, struct mtd_error *err)
{
    auto_fd int slave = -1;
    auto_fd int master = tty_open_pty("/dev/pts/ptmx", &slave);
    if (master < 0)
        return mtd_fail_errno(err, -master, "cannot open a terminal in /dev/pts");
    tty_resize(master, c->request->rows, c->request->cols);
    if (fchown(slave, c->user.uid, (gid_t)-1) < 0)
        return mtd_fail_errno(err, errno, "cannot give the terminal to user %u",
                              c->user.uid);
    int r = nsenter_reply(NSENTER_REPLY_FD, NSENTER_MASTER, master, NULL);
    if (r < 0)
        return mtd_fail_errno(err, -r, "cannot hand over the terminal");
    r = tty_login(take_fd(&slave));
    return r < 0 ? mtd_fail_errno(err, -r, "cannot set the controlling terminal") : 0;
}

static int open_null(int fd, struct mtd_error *err)
{
    auto_fd int null = open("/dev/null", (fd ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    if (null < 0 || dup2(null, fd) < 0)
        return mtd_fail_errno(err, errno, "cannot open the container's /dev/null");
    return 0;
}

/* /dev/stdout can be opened by the command's user: pipes get its uid, as in docker. Only
 * nameless ones, since a fifo in a directory is somebody's file. */
static void own_pipe(int fd, uid_t uid)
{
    struct statfs fs;
    if (uid != 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC)
        (void)!fchown(fd, uid, (gid_t)-1);
}

static int place_stdio(struct context *c, struct mtd_error *err)
{
    static const unsigned NULLS[] = {NSENTER_NULL_IN, NSENTER_NULL_OUT, NSENTER_NULL_ERR};
    if (c->request->flags & NSENTER_TTY)
        return open_terminal(c, err);
    for (int fd = 0; fd < 3; fd++) {
        if (!(c->request->flags & NULLS[fd])) {
            own_pipe(fd, c->user.uid);
            continue;
        }
        int r = open_null(fd, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_limits(struct context *c, struct mtd_error *err)
{
    for (size_t i = 0; i < c->request->n_rlimits; i++) {
        const struct nsenter_rlimit *from = &c->request->rlimits[i];
        struct mtd_rlimit limit = {.soft = from->soft, .hard = from->hard};
        memcpy(limit.name, from->name, sizeof(limit.name));
        int r = confine_rlimits(&limit, 1, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int change_directory(struct context *c, struct mtd_error *err)
{
    umask(022);
    return confine_chdir(c->request->cwd, false, err);
}

static int take_identity(struct context *c, struct mtd_error *err)
{
    bool no_new_privs = c->request->flags & NSENTER_NO_NEW_PRIVS;
    return confine_identity(&c->user, c->request->caps, no_new_privs, err);
}

/* After the change of user, which clears it. A front end that was gone by then is noticed by
 * its end of the socket. */
static int follow_front_end(struct context *c, struct mtd_error *err)
{
    struct pollfd front = {.fd = NSENTER_REPLY_FD};
    bool keep = c->request->flags & NSENTER_KEEP;
    prctl(PR_SET_PDEATHSIG, keep ? 0 : SIGKILL);
    if (poll(&front, 1, 0) != 0)
        return mtd_fail(err, ECANCELED, "the front end has exited");
    return 0;
}

static int find_program(struct context *c, struct mtd_error *err)
{
    return confine_find_program(c->request->args.items[0], &c->env, c->program,
                                sizeof(c->program), err);
}

static const struct {
    enum mtd_stage stage;
    const char *fault;
    int (*run)(struct context *c, struct mtd_error *err);
} STEPS[] = {
    {MTD_STAGE_CLONE, "exec.inside", say_inside},
    {MTD_STAGE_STDIO, "exec.session", leave_session},
    {MTD_STAGE_USER, "exec.user", find_user},
    {MTD_STAGE_STDIO, "exec.stdio", place_stdio},
    {MTD_STAGE_LIMITS, "exec.limits", set_limits},
    {MTD_STAGE_CWD, "exec.cwd", change_directory},
    {MTD_STAGE_CAPS, "exec.identity", take_identity},
    {MTD_STAGE_EXEC, "exec.program", find_program},
    {MTD_STAGE_CLONE, "exec.follow", follow_front_end},
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
            err->stage = (int)STEPS[i].stage;
            return r;
        }
    }
    return 0;
}

static void run_command(struct context *c, struct mtd_error *err)
{
    confine_clean();
    execve(c->program, c->request->args.items, c->env.items);
    err->stage = MTD_STAGE_EXEC;
    mtd_fail_errno(err, errno, "exec: \"%s\"", c->request->args.items[0]);
}

int exec_child_main(int argc, char **argv)
{
    struct context c = {.request = nsenter_joined()};
    struct mtd_error err = {0};
    if (!c.request) {
        fprintf(stderr,
                "mytop-docker: %s is a name for internal processes; it "
                "cannot be run directly\n",
                NSENTER_NAME);
        return 125;
    }
    if (run_steps(&c, &err) == 0)
        run_command(&c, &err);
    nsenter_reply(NSENTER_REPLY_FD, NSENTER_ERROR, -1, &err);
    _exit(125);
}
