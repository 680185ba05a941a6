/* The filter is made by the process that loads it, which is about to become another
 * program: nothing of it stays in a monitor's memory. */

#include "engine/syscalls/syscalls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/syscalls/internal.h"

void syscalls_filter_done(struct syscalls_filter *f)
{
    free(f->insns);
    *f = (struct syscalls_filter){0};
}

int syscalls_wrong(struct mtd_error *err, const char *fmt, ...)
{
    char text[180];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return mtd_about(err, MTD_ABOUT_SECCOMP,
                     mtd_fail(err, EINVAL, "seccomp profile: %s", text));
}

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

int syscalls_filter_make(struct syscalls_filter *ret, const char *profile, uint64_t caps,
                         struct mtd_error *err)
{
    *ret = (struct syscalls_filter){0};
    if (strcmp(profile, MTD_SECCOMP_UNCONFINED) == 0)
        return 0;
    if (strcmp(profile, MTD_SECCOMP_BUILTIN) == 0)
        return syscalls_builtin(ret, caps, err);
    auto_done(syscalls_profile_done) struct profile p = {0};
    int rc = syscalls_profile_read(&p, profile, caps, err);
    return rc < 0 ? rc : syscalls_compile(ret, &p, err);
}

/* EINVAL: the kernel knows the call, but no filters, or not the program or the flags.
 * ENOSYS: an engine that runs under a filter itself may be told so. */
int syscalls_filter_load(const struct syscalls_filter *f, struct mtd_error *err)
{
    if (!f->insns)
        return 0;
    struct sock_fprog program = {(unsigned short)f->len, f->insns};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &program) == 0)
        return 0;
    int code = errno;
    bool has_filters = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
                               &(uint32_t){SECCOMP_RET_ERRNO}) == 0;
    int rc = has_filters
                 ? mtd_fail_errno(err, code, "cannot load the seccomp filter")
                 : mtd_fail(err, code,
                            "cannot confine system calls: this kernel has no seccomp "
                            "filters; only an unconfined container can run");
    return mtd_about(err, MTD_ABOUT_SECCOMP, rc);
}

/* ---- asking a filter --------------------------------------------------------------- */

static bool jumps(uint16_t code, uint32_t a, uint32_t k)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ: return a == k;
    case BPF_JGE: return a >= k;
    case BPF_JGT: return a > k;
    default: return a & k;
    }
}

/* The instructions that filters are made of, by libseccomp and by us. Jumps lead forward
 * only, so it ends. */
uint32_t syscalls_filter_judge(const struct syscalls_filter *f,
                               const struct seccomp_data *call)
{
    uint32_t a = 0;
    for (size_t at = 0; at < f->len; at++) {
        const struct sock_filter *i = &f->insns[at];
        if (i->code == (BPF_RET | BPF_K))
            return i->k;
        if (i->code == (BPF_LD | BPF_W | BPF_ABS) && i->k <= sizeof(*call) - sizeof(a))
            memcpy(&a, (const char *)call + i->k, sizeof(a));
        else if (i->code == (BPF_ALU | BPF_AND | BPF_K))
            a &= i->k;
        else if (i->code == (BPF_JMP | BPF_JA))
            at += i->k;
        else if (BPF_CLASS(i->code) == BPF_JMP)
            at += jumps(i->code, a, i->k) ? i->jt : i->jf;
        else
            break;
    }
    return SECCOMP_RET_KILL_PROCESS;
}

/* What comes after the filter is loaded: the command, or the report that there is none. */
int syscalls_check(const char *profile, uint64_t caps, struct mtd_error *err)
{
    static const struct {
        const char *name;
        int number;
    } NEEDED[] = {
        {"execve", SYS_execve}, {"write", SYS_write}, {"exit_group", SYS_exit_group}};
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    int rc = syscalls_filter_make(&f, profile, caps, err);
    for (size_t i = 0; i < ARRAY_SIZE(NEEDED) && rc == 0 && f.insns; i++) {
        struct seccomp_data call = {.nr = NEEDED[i].number,
                                    .arch = seccomp_arch_native()};
        uint32_t verdict = syscalls_filter_judge(&f, &call) & SECCOMP_RET_ACTION_FULL;
        if (verdict != SECCOMP_RET_ALLOW && verdict != SECCOMP_RET_LOG)
            rc = syscalls_wrong(err, "it forbids %s, without which no command can start",
                                NEEDED[i].name);
    }
    return rc;
}
