/* A filter, once made: loading it, and asking it what it says. */

#include "engine/syscalls/syscalls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

void syscalls_filter_done(struct syscalls_filter *f)
{
    free(f->insns);
    *f = (struct syscalls_filter){0};
}

bool syscalls_supported(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* EINVAL: the kernel knows the call, but no filters, or not the program or the flags.
 * ENOSYS: an engine that runs under a filter itself may be told so. */
int syscalls_filter_load(const struct syscalls_filter *f, struct mtd_error *err)
{
    if (!f->insns)
        return 0;
    struct sock_fprog program = {(unsigned short)f->len, f->insns};
    long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &program);
    if (listener >= 0)
        return (int)listener;
    int code = errno;
    int rc = syscalls_supported()
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
