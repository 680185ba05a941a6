/* syscalls/internal.h - the room's own parts.
 * Shape   builtin.c finishes the program that assets/seccomp/generate.c made; profile.c
 *         reads JSON into a struct profile, where what is for other machines, kernels and
 *         capabilities is left out, words.c knows its words; compile.c makes a filter of it,
 *         kept.c writes that down and reads it.
 * Errors  as in syscalls.h.
 */
#ifndef ENGINE_SYSCALLS_INTERNAL_H
#define ENGINE_SYSCALLS_INTERNAL_H

#include <seccomp.h>

#include "engine/syscalls/syscalls.h"

/* SECCOMP_RET_TRACE | n in the program is SECCOMP_RET_ALLOW for a container with any of
 * the capabilities of condition n, else what `without` says. */
struct syscalls_condition {
    uint64_t caps;
    uint32_t without;
};
extern const struct syscalls_condition SYSCALLS_CONDITIONS[];
extern const size_t SYSCALLS_N_CONDITIONS;
extern const struct sock_filter SYSCALLS_BUILTIN[];
extern const size_t SYSCALLS_N_BUILTIN; /* 0 = none for this machine */

int syscalls_builtin(struct syscalls_filter *ret, uint64_t caps, struct mtd_error *err);

#define PROFILE_MAX_ARCHES 16
#define PROFILE_ARGS 6

struct profile_rule {
    uint32_t action; /* SCMP_ACT_* with its errno */
    struct strv names;
    struct scmp_arg_cmp args[PROFILE_ARGS];
    unsigned n_args;
};

struct profile {
    uint32_t action;                     /* for what no rule is about */
    unsigned flags;                      /* SECCOMP_FILTER_FLAG_* */
    uint32_t arches[PROFILE_MAX_ARCHES]; /* besides this machine's own */
    unsigned n_arches;
    struct profile_rule *rules;
    size_t n_rules;
};
void syscalls_profile_done(struct profile *p);
/* *ret is empty on failure. */
int syscalls_profile_read(struct profile *ret, const char *text, uint64_t caps,
                          struct mtd_error *err);

/* SCMP_ACT_*, whose errno is to be added; SCMP_CMP_*; SCMP_ARCH_*; SECCOMP_FILTER_FLAG_*.
 * -EINVAL. */
enum profile_words { PROFILE_ACTIONS, PROFILE_OPERATORS, PROFILE_ARCHES, PROFILE_FLAGS };
int syscalls_find_word(enum profile_words words, const char *name, uint32_t *ret);

/* Both 0 or -errno, without a sentence. -ESTALE = made for something else. */
int syscalls_keep(char **ret, const char *profile, uint64_t caps,
                  const struct syscalls_filter *f);
int syscalls_kept(struct syscalls_filter *ret, const char *kept, const char *profile,
                  uint64_t caps);

int syscalls_compile(struct syscalls_filter *ret, const struct profile *p,
                     struct mtd_error *err);

/* One line about the profile: -EINVAL. */
int syscalls_wrong(struct mtd_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
