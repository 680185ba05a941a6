/* After these steps nothing that the command does can give its privileges back.
 * The order inside confine_identity() is the kernel's: dropping from the bounding
 * set needs CAP_SETPCAP, changing groups needs CAP_SETGID, and both are lost when
 * the uid changes. */

#include "engine/confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "engine/confine/userns.h"
#include "engine/limits.h"

static rlim_t limit_value(uint64_t value)
{
    return value == UINT64_MAX ? RLIM_INFINITY : value;
}

int confine_rlimits(const struct mtd_rlimit *r, size_t n, struct mtd_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int resource = mtd_limit_rlimit(&r[i], err);
        if (resource < 0)
            return resource;
        struct rlimit limit = {limit_value(r[i].soft), limit_value(r[i].hard)};
        if (setrlimit((unsigned)resource, &limit) == 0)
            continue;
        return errno == EPERM ? mtd_fail(err, EPERM,
                                         "ulimit %s: above this machine's hard "
                                         "limit, and CAP_SYS_RESOURCE is missing",
                                         r[i].name)
                              : mtd_fail_errno(err, errno, "ulimit %s", r[i].name);
    }
    return 0;
}

/* EINVAL ends the loop: the kernel has no capability of this number or above. */
static int drop_bounding(uint64_t caps)
{
    for (unsigned cap = 0; cap < 64; cap++) {
        if (caps >> cap & 1)
            continue;
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return errno == EINVAL ? 0 : -errno;
    }
    return 0;
}

/* Never more than we have: an engine that itself runs in a container may have fewer. */
static int set_caps(const struct mtd_capsets *sets, uint64_t later)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &head, data) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        data[i].inheritable =
            data[i].permitted & (uint32_t)(sets->inheritable >> (32 * i));
        data[i].permitted &= (uint32_t)((sets->permitted | later) >> (32 * i));
        data[i].effective = data[i].permitted & (uint32_t)(sets->effective >> (32 * i));
    }
    return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* What is not permitted and inheritable cannot be ambient, and is left out. */
static void raise_ambient(uint64_t caps)
{
    for (unsigned cap = 0; cap < 64; cap++)
        if (caps >> cap & 1)
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

static int drop_ambient(void)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return -errno; /* EINVAL: a kernel without ambient capabilities */
    return 0;
}

/* Where nobody may set groups, those of the caller stay: there is no other way. */
static int set_groups(const struct user *u)
{
    if (setgroups(u->n_groups, u->groups) == 0)
        return 0;
    int rc = -errno;
    return u->n_groups == 0 && confine_groups_denied() ? 0 : rc;
}

static int set_ids(const struct user *u)
{
    int rc = set_groups(u);
    if (rc == 0 &&
        (setresgid(u->gid, u->gid, u->gid) < 0 || setresuid(u->uid, u->uid, u->uid) < 0))
        rc = -errno;
    return rc;
}

int confine_use_caps(uint64_t later, struct mtd_error *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    int rc = (int)syscall(SYS_capget, &head, data);
    for (int i = 0; i < 2 && rc == 0; i++)
        data[i].effective |= data[i].permitted & (uint32_t)(later >> (32 * i));
    if (rc < 0 || syscall(SYS_capset, &head, data) < 0)
        return mtd_fail_errno(err, errno, "cannot use capabilities");
    return 0;
}

int confine_drop_caps(uint64_t caps, struct mtd_error *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    int rc = (int)syscall(SYS_capget, &head, data);
    for (int i = 0; i < 2 && rc == 0; i++) {
        data[i].permitted &= ~(uint32_t)(caps >> (32 * i));
        data[i].effective &= data[i].permitted;
    }
    if (rc < 0 || syscall(SYS_capset, &head, data) < 0)
        return mtd_fail_errno(err, errno, "cannot drop capabilities");
    return 0;
}

/* What stays permitted for later is not in the bounding set, nor inheritable or ambient, so
 * execve takes it, of root as of any other user. */
static int become(const struct user *u, uint64_t caps, const struct mtd_capsets *sets,
                  uint64_t later, struct mtd_error *err)
{
    int rc = drop_ambient();
    bool keeps = later || (u->uid && sets->permitted);
    if (rc == 0 && keeps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        rc = -errno;
    if (rc == 0)
        rc = drop_bounding(caps);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot drop capabilities");
    rc = set_ids(u);
    if (rc == -EINVAL) /* the kernel's word for an id without a counterpart */
        return mtd_fail(err, EINVAL,
                        "cannot switch to user %u:%u: it, or one of its groups, is not "
                        "among the ids that the container has",
                        u->uid, u->gid);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot switch to user %u:%u", u->uid, u->gid);
    rc = set_caps(sets, later);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot set capabilities");
    raise_ambient(sets->ambient);
    /* The change of user has made it what fs.suid_dumpable says. */
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return mtd_fail_errno(err, errno, "cannot make the process undumpable");
    return 0;
}

int confine_identity(const struct user *u, uint64_t caps, uint64_t later,
                     struct mtd_error *err)
{
    uint64_t roots = u->uid == 0 ? caps : 0;
    const struct mtd_capsets sets = {.effective = roots, .permitted = roots};
    return become(u, caps, &sets, later, err);
}

int confine_identity_exact(const struct user *u, uint64_t caps,
                           const struct mtd_capsets *sets, uint64_t later,
                           struct mtd_error *err)
{
    return become(u, caps, sets, later, err);
}

int confine_no_new_privs(struct mtd_error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return mtd_fail_errno(err, errno, "cannot set no_new_privs");
    return 0;
}

int confine_close(unsigned first)
{
    if (sys_close_range(first, ~0u, SYS_CLOSE_CLOEXEC) == 0)
        return 0;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    for (rlim_t fd = first; fd < limit.rlim_cur; fd++)
        fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

/* Ignored signals and the mask survive execve; handlers do not. The mask is set by the
 * raw call because libc keeps two signals for itself. */
int confine_signals(uint64_t ignored)
{
    static const struct sigaction reset = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig < NSIG; sig++)
        if (ignored >> (sig - 1) & 1)
            sigaction(sig, &reset, NULL);
    static const uint64_t none = 0;
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)) < 0)
        return -errno;
    return 0;
}
