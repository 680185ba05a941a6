/* syscalls - which system calls a container may make: a seccomp filter.
 * Shape   a profile is a text: "builtin" is this program's policy (assets/seccomp),
 *         "unconfined" none, anything else JSON in docker's form or OCI's. It stands in the
 *         record, so a start, a restart and an exec need no file. A filter is made of it
 *         for the capabilities that the container has, by whoever is about to load it.
 * Made    builtin: at build time, but for the capabilities; 0.1 ms to load. JSON: by
 *         libseccomp, 18 ms for a profile like docker's, once: what it made is kept in the
 *         record as text, and made again only for another kernel.
 * Errors  0 or -errno; err says what is wrong with the profile, or why the kernel cannot do
 *         it, and is about MTD_ABOUT_SECCOMP.
 * Limits  MTD_SECCOMP_MAX_BYTES, SYSCALLS_MAX_RULES, SYSCALLS_MAX_NAMES; 4096 instructions are the kernel's.
 * Owner   syscalls_filter_done frees.
 * Source  seccomp(2); docker's profile documentation; OCI runtime-spec config-linux.md
 *         "Seccomp". Names that libseccomp does not know are ignored, as there.
 */
#ifndef ENGINE_SYSCALLS_SYSCALLS_H
#define ENGINE_SYSCALLS_SYSCALLS_H

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "engine/types.h"

#define SYSCALLS_MAX_RULES 1024u
#define SYSCALLS_MAX_NAMES 8192u

struct syscalls_filter {
    struct sock_filter *insns; /* NULL = unconfined */
    size_t len;
    unsigned flags; /* SECCOMP_FILTER_FLAG_* */
};
void syscalls_filter_done(struct syscalls_filter *f);

/* The profile of a container: what was asked for; else none if it is privileged, else the
 * built-in one. */
const char *syscalls_profile(const struct mtd_process *p);
/* Its capabilities, which a filter is made for; also for a command that is given more. */
uint64_t syscalls_caps(const struct mtd_process *p);

/* kept: as syscalls_check() has returned it; NULL or "" = there is nothing. */
int syscalls_filter_make(struct syscalls_filter *ret, const char *profile,
                         const char *kept, uint64_t caps, struct mtd_error *err);

bool syscalls_supported(void); /* by the kernel */
/* Some call is answered by a listener (seccomp_unotify(2)): loading makes its descriptor. */
bool syscalls_filter_listens(const struct syscalls_filter *f);
/* For this thread and all it becomes, for good. Needs no_new_privs or CAP_SYS_ADMIN. 0, or of one
 * that listens the descriptor, which is close-on-exec. */
int syscalls_filter_load(const struct syscalls_filter *f, struct mtd_error *err);

/* What the filter says of a call, SECCOMP_RET_*: for tests, and the check below. */
uint32_t syscalls_filter_judge(const struct syscalls_filter *f,
                               const struct seccomp_data *call);

/* Whether the call passes, on this machine's own ABI; arg is the first argument. */
bool syscalls_filter_lets(const struct syscalls_filter *f, int number, uint64_t arg);

/* Whether a command can start under the profile. listener: there is one, for SCMP_ACT_NOTIFY.
 * *ret_kept, which is freed before: what is made of JSON, for the caller to keep; as it was if
 * nothing need be kept. */
int syscalls_check(const char *profile, uint64_t caps, bool listener, char **ret_kept,
                   struct mtd_error *err);

/* Was it made, whole, of this profile for these capabilities on this kernel? By a checksum, which is
 * against mistakes alone. */
bool syscalls_kept_is_for(const char *kept, const char *profile, uint64_t caps);

#endif
