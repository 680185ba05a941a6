/* policy - which system calls a container may make, as a table: what generate.c makes
 * programs of, and what tests/unit/engine/syscalls/test_builtin.c compares with the
 * profile of Debian's containers-common.
 * Shape   every name stands in one row. What is in none is refused with EPERM; numbers
 *         above the highest known one with ENOSYS, as on a kernel that is older than the
 *         call, because libraries try new calls and fall back on that answer alone.
 * Source  the default profile of docker in effect in May 2026 (moby/profiles).
 */
#ifndef SECCOMP_POLICY_H
#define SECCOMP_POLICY_H

#include <stdint.h>

enum policy_kind {
    POLICY_ALLOW,
    POLICY_SOCKET,      /* but for the families of POLICY_FAMILIES */
    POLICY_CLONE,       /* without the flags that make namespaces */
    POLICY_PERSONALITY, /* with the values of POLICY_PERSONALITIES alone */
    POLICY_NOSYS,       /* refused with ENOSYS */
};

/* Rows for one family of machines; each has its 32-bit calls too. */
enum policy_machine { POLICY_X86 = 1, POLICY_ARM = 2, POLICY_ANY = 3 };

struct policy_row {
    enum policy_kind kind;
    unsigned machines;
    /* 0 = always; else what kind says is for a container with none of these capabilities,
     * and one with any of them may. ALLOW: without them it may not. */
    uint64_t caps;
    const char *names; /* separated by single spaces */
};

extern const struct policy_row POLICY[];
extern const unsigned POLICY_ROWS;

/* AF_ALG, AF_VSOCK */
#define POLICY_FAMILIES \
    {                   \
        38, 40          \
    }
/* PER_LINUX, PER_LINUX32, UNAME26, UNAME26 | PER_LINUX32, "which is it?" */
#define POLICY_PERSONALITIES               \
    {                                      \
        0, 8, 0x20000, 0x20008, 0xffffffff \
    }
/* CLONE_NEW: NS CGROUP UTS IPC USER PID NET. NEWTIME is no flag of clone. */
#define POLICY_CLONE_FLAGS 0x7e020000u

#endif
