/* The steps that turn a process of the engine's into one of the container's. The table in
 * steps.c has their order and its reasons. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/confine/confine.h"
#include "engine/host/label.h"
#include "nsenter/nsenter.h"

/* Until execve the process has the host's memory and descriptors, so no other process may
 * look into it (ptrace, /proc). Exec's child has inherited this from the joiner, which
 * had to hide before it joined. */
int inside_hide(struct inside *c, struct mtd_error *err)
{
    (void)c;
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return mtd_fail_errno(err, errno, "cannot make the process undumpable");
    return 0;
}

/* Before 5.8 there was one file for all security modules; SELinux has it still. */
static int open_label(int proc_fd, const char *label)
{
    static const char *const FILES[] = {"thread-self/attr/apparmor/exec",
                                        "thread-self/attr/exec"};
    int fd = -ENOENT;
    for (size_t i = label_is_profile(label) ? 0 : 1;
         fd == -ENOENT && i < ARRAY_SIZE(FILES); i++) {
        fd = openat(proc_fd, FILES[i], O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        fd = fd < 0 ? -errno : fd;
    }
    return fd;
}

/* Its session keyring is the command's as well. A policy may forbid that alone, and then it
 * is of the engine's label, which the command cannot use. */
static void label_keyring(int proc_fd, const char *label)
{
    auto_fd int fd = label_is_profile(label)
                         ? -1
                         : openat(proc_fd, "thread-self/attr/keycreate",
                                  O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        (void)fs_write_all(fd, label, strlen(label));
}

/* The label of the next execve, which is the command's. It is written while nothing of the
 * container's has been asked: through the host's /proc, checked to be one. */
int inside_label(struct inside *c, struct mtd_error *err)
{
    struct statfs fs;
    if (!*c->label)
        return 0;
    auto_fd int proc =
        c->proc_fd >= 0 ? c->proc_fd : open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    c->proc_fd = -1;
    int rc = proc < 0 || fstatfs(proc, &fs) < 0 ? -errno : 0;
    if (rc == 0 && fs.f_type != PROC_SUPER_MAGIC)
        rc = -EPERM;
    auto_fd int fd = rc < 0 ? rc : open_label(proc, c->label);
    rc = fd < 0 ? fd : fs_write_all(fd, c->label, strlen(c->label));
    if (rc < 0)
        return mtd_fail_errno(
            err, -rc, "cannot set the %s (%s)",
            label_is_profile(c->label) ? "AppArmor profile" : "SELinux label", c->label);
    label_keyring(proc, c->label);
    return 0;
}

int inside_session(struct inside *c, struct mtd_error *err)
{
    if (inside_is_late(c))
        return 0; /* the command's process does */
    return setsid() < 0 ? mtd_fail_errno(err, errno, "cannot start a session") : 0;
}

/* Otherwise the session keyring would be that of the user who runs the engine.
 * ENOSYS, EPERM: the kernel has no keyrings, or the engine itself runs in a container
 * that may not use them. */
int inside_keyring(struct inside *c, struct mtd_error *err)
{
    if (c->init && c->init->bundle && !c->init->bundle->new_keyring)
        return 0;
    long rc = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
    if (rc < 0 && errno != ENOSYS && errno != EPERM)
        return mtd_fail_errno(err, errno, "cannot leave the session keyring");
    return 0;
}

/* Also sets HOME, from passwd, unless the environment has it. */
int inside_user(struct inside *c, struct mtd_error *err)
{
    char home[sizeof(c->user.home) + 8];
    const int root = AT_FDCWD; /* no step has left it yet */
    int rc = user_resolve(root, c->process->user, &c->user, err);
    if (rc == 0 && c->process->exact)
        c->user.n_groups = 0; /* those of the bundle alone */
    if (rc == 0)
        rc = user_add_groups(root, &c->process->group_add, &c->user, err);
    if (rc < 0)
        return rc;
    snprintf(home, sizeof(home), "HOME=%s", c->user.home);
    if (strv_copy(&c->env, &c->process->env) < 0 ||
        (!strv_env_get(&c->env, "HOME") && strv_add(&c->env, home) < 0))
        return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}

int inside_limits(struct inside *c, struct mtd_error *err)
{
    return confine_rlimits(c->process->rlimits, c->process->n_rlimits, err);
}

static bool has_score(const char *text)
{
    char now[16];
    return inside_read_own("oom_score_adj", now, sizeof(now)) > 0 &&
           strcmp(now, text) == 0;
}

/* 0 is what both have already (base/inherit.h), and what is not in the container's PID namespace
 * has been given its score outside, as a bundle's init before it mounted anything. In a user namespace the file is not theirs, and
 * the score was set before. */
int inside_oom_score(struct inside *c, struct mtd_error *err)
{
    char text[16];
    bool early = inside_is_late(c) || c->ops->process == INSIDE_BUNDLE;
    int score = early ? 0 : c->process->oom_score_adj;
    snprintf(text, sizeof(text), "%d", score);
    int rc = score ? inside_write_own("oom_score_adj", text) : 0;
    return rc < 0 && !has_score(text)
               ? mtd_fail_errno(err, -rc, "cannot set the OOM score to %s", text)
               : 0;
}

int inside_umask(struct inside *c, struct mtd_error *err)
{
    (void)err;
    umask(c->process->sets_umask ? c->process->umask : 022);
    return 0;
}

int inside_personality(struct inside *c, struct mtd_error *err)
{
    if (c->process->sets_personality && personality(c->process->personality) < 0)
        return mtd_fail_errno(err, errno, "cannot set the personality");
    return 0;
}

/* After the joiner's, a command has those CPUs that its group leaves it. */
static int run_on(const struct nsenter_request *q, struct mtd_error *err)
{
    const char *cpus = *q->cpus ? q->cpus : *q->cpus_first ? SCHEDULE_ALL_CPUS : "";
    int rc = *cpus ? schedule_run_on(cpus) : 0;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot run on the CPUs %s", cpus) : 0;
}

/* Of a bundle, and of its exec. A real-time policy needs CAP_SYS_NICE. */
int inside_scheduling(struct inside *c, struct mtd_error *err)
{
    const char *what;
    const struct schedule *s = c->request        ? &c->request->schedule
                               : c->init->bundle ? &c->init->bundle->tree.bundle->schedule
                                                 : NULL;
    int rc = s ? schedule_apply(s, &what) : 0;
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot set the %s", what);
    return c->request ? run_on(c->request, err) : 0;
}

/* Like docker, creates a container's working directory if missing, but not exec's. */
int inside_directory(struct inside *c, struct mtd_error *err)
{
    return confine_chdir(c->process->cwd, c->ops->process != INSIDE_EXEC, err);
}

int inside_identity(struct inside *c, struct mtd_error *err)
{
    const struct mtd_process *p = c->process;
    if (p->exact)
        return confine_identity_exact(&c->user, p->caps, &p->sets, inside_late_caps(c),
                                      err);
    return confine_identity(&c->user, p->privileged ? MTD_CAPS_ALL : p->caps,
                            inside_late_caps(c), err);
}

int inside_privileges(struct inside *c, struct mtd_error *err)
{
    return c->process->no_new_privs ? confine_no_new_privs(err) : 0;
}
