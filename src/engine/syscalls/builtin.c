/* The built-in policy, for a container with certain capabilities: the program is there, and
 * what it leaves open is filled in. */

#include "engine/syscalls/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static uint32_t decide(uint32_t verdict, uint64_t caps)
{
    size_t n = verdict & SECCOMP_RET_DATA;
    if ((verdict & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE ||
        n >= SYSCALLS_N_CONDITIONS)
        return verdict;
    const struct syscalls_condition *c = &SYSCALLS_CONDITIONS[n];
    return c->caps & caps ? SECCOMP_RET_ALLOW : c->without;
}

int syscalls_builtin(struct syscalls_filter *ret, uint64_t caps, struct mtd_error *err)
{
    if (SYSCALLS_N_BUILTIN == 0)
        return mtd_about(err, MTD_ABOUT_SECCOMP,
                         mtd_fail(err, EOPNOTSUPP,
                                  "there is no built-in seccomp policy for this machine; "
                                  "give a profile, or run it unconfined"));
    struct sock_filter *insns = malloc(SYSCALLS_N_BUILTIN * sizeof(*insns));
    if (!insns)
        return mtd_fail(err, ENOMEM, "out of memory");
    memcpy(insns, SYSCALLS_BUILTIN, SYSCALLS_N_BUILTIN * sizeof(*insns));
    for (size_t i = 0; i < SYSCALLS_N_BUILTIN; i++)
        if (insns[i].code == (BPF_RET | BPF_K))
            insns[i].k = decide(insns[i].k, caps);
    *ret = (struct syscalls_filter){insns, SYSCALLS_N_BUILTIN,
                                    SECCOMP_FILTER_FLAG_SPEC_ALLOW};
    return 0;
}
