/* Each call is made with arguments that the kernel refuses, once it has found the call:
 * any answer but ENOSYS means that the call exists. */

#include "engine/host/kernel.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"

static const struct {
    long number;
    const char *name;
    long arg[4];
} NEEDED[] = {
    {SYS_execveat, "execveat", {-1, 0}},
    {SYS_memfd_create, "memfd_create", {0}},
    {SYS_pidfd_send_signal, "pidfd_send_signal", {-1}},
    {SYS_fsopen, "fsopen", {0}},
    {SYS_fsconfig, "fsconfig", {-1, -1}},
    {SYS_fsmount, "fsmount", {-1}},
    {SYS_open_tree, "open_tree", {-1, 0, -1}},
    {SYS_move_mount, "move_mount", {-1, 0, -1, 0}},
    {SYS_clone3, "clone3", {0}},
    {SYS_pidfd_open, "pidfd_open", {-1, -1}},
    {SYS_statx, "statx", {-1}},
};

/* A kernel of 5.10 has them all, unless a filter hides some. */
static bool is_new_and_unfiltered(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 && uname(&name) == 0 &&
           sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 10));
}

int kernel_check(struct mtd_error *err)
{
    if (is_new_and_unfiltered())
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(NEEDED); i++) {
        const long *a = NEEDED[i].arg;
        if (syscall(NEEDED[i].number, a[0], a[1], a[2], a[3], 0L, 0L) < 0 &&
            errno == ENOSYS)
            return mtd_fail(
                err, ENOSYS,
                "the system call %s is not available, so no container can "
                "run; this needs Linux 5.10 or newer, and no filter that blocks the call",
                NEEDED[i].name);
    }
    return 0;
}
