/* The filter is made by the process that loads it, which is about to become another
 * program: nothing of it stays in a monitor's memory. */

#include "engine/syscalls/syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/syscalls/internal.h"

const char *syscalls_profile(const struct mtd_process *p)
{
    if (p->seccomp)
        return p->seccomp;
    return p->privileged ? MTD_SECCOMP_UNCONFINED : MTD_SECCOMP_BUILTIN;
}

uint64_t syscalls_caps(const struct mtd_process *p)
{
    return p->privileged ? MTD_CAPS_ALL : p->caps;
}

int syscalls_filter_make(struct syscalls_filter *ret, const char *profile,
                         const char *kept, uint64_t caps, struct mtd_error *err)
{
    *ret = (struct syscalls_filter){0};
    if (strcmp(profile, MTD_SECCOMP_UNCONFINED) == 0)
        return 0;
    if (strcmp(profile, MTD_SECCOMP_BUILTIN) == 0)
        return syscalls_builtin(ret, caps, err);
    if (kept && *kept && syscalls_kept(ret, kept, profile, caps) == 0)
        return 0;
    auto_done(syscalls_profile_done) struct profile p = {0};
    int rc = syscalls_profile_read(&p, profile, caps, err);
    return rc < 0 ? rc : syscalls_compile(ret, &p, err);
}

bool syscalls_filter_lets(const struct syscalls_filter *f, int number, uint64_t arg)
{
    struct seccomp_data call = {
        .nr = number, .arch = seccomp_arch_native(), .args = {arg}};
    uint32_t verdict = f->insns ? syscalls_filter_judge(f, &call) : SECCOMP_RET_ALLOW;
    verdict &= SECCOMP_RET_ACTION_FULL;
    return verdict == SECCOMP_RET_ALLOW || verdict == SECCOMP_RET_LOG;
}

bool syscalls_filter_listens(const struct syscalls_filter *f)
{
    return f->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

/* A listener may let it pass, but it is not told of by the process that needs it. */
static bool can_pass(const struct syscalls_filter *f, int number)
{
    struct seccomp_data call = {.nr = number, .arch = seccomp_arch_native()};
    return syscalls_filter_lets(f, number, 0) ||
           (f->insns && (syscalls_filter_judge(f, &call) & SECCOMP_RET_ACTION_FULL) ==
                            SECCOMP_RET_USER_NOTIF);
}

static bool is_json(const char *profile)
{
    return strcmp(profile, MTD_SECCOMP_UNCONFINED) != 0 &&
           strcmp(profile, MTD_SECCOMP_BUILTIN) != 0;
}

/* What comes after the filter is loaded: the command, or the report that there is none; before
 * them, with a listener, its descriptor is handed over and that awaited. */
static int check_needed(const struct syscalls_filter *f, struct mtd_error *err)
{
    static const struct {
        const char *name;
        int number;
        bool listener; /* for its sake alone */
    } NEEDED[] = {{"execve", SYS_execve},
                  {"write", SYS_write},
                  {"exit_group", SYS_exit_group},
                  {"read", SYS_read, true}};
    for (size_t i = 0; i < ARRAY_SIZE(NEEDED); i++)
        if ((!NEEDED[i].listener || syscalls_filter_listens(f)) &&
            !can_pass(f, NEEDED[i].number))
            return syscalls_wrong(
                err, "it forbids %s, without which no command can start", NEEDED[i].name);
    return 0;
}

int syscalls_check(const char *profile, uint64_t caps, bool listener, char **ret_kept,
                   struct mtd_error *err)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    int rc = syscalls_filter_make(&f, profile, NULL, caps, err);
    if (rc == 0 && syscalls_filter_listens(&f) && !listener)
        rc = syscalls_wrong(err, "SCMP_ACT_NOTIFY needs a listener, and there is none");
    if (rc == 0)
        rc = check_needed(&f, err);
    if (rc == 0 && is_json(profile) && syscalls_keep(ret_kept, profile, caps, &f) < 0)
        rc = mtd_fail(err, ENOMEM, "out of memory");
    return rc;
}
