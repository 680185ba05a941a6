/* The built-in policy: the program that is linked in says of every number what a program of
 * libseccomp's says that is made of the same table, for any set of capabilities; and the
 * table is docker's but for what is listed here with its reason. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../../assets/seccomp/policy.c" /* NOLINT: it is the subject */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/syscalls/internal.h"

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define NOSYS (SECCOMP_RET_ERRNO | ENOSYS)
#define DEBIANS "/usr/share/containers/seccomp.json"

/* This machine's ABIs come first. */
static const struct machine {
    unsigned bit;
    uint32_t abis[2];
} MACHINES[] = {{POLICY_X86, {SCMP_ARCH_X86_64, SCMP_ARCH_X86}},
                {POLICY_ARM, {SCMP_ARCH_AARCH64, SCMP_ARCH_ARM}}};
#if defined(__x86_64__)
#define HERE (&MACHINES[0])
#else
#define HERE (&MACHINES[1])
#endif
#define ABIS HERE->abis

static struct syscalls_filter made(const char *profile, uint64_t caps)
{
    struct syscalls_filter f;
    struct mtd_error err = {0};
    cr_assert_eq(syscalls_filter_make(&f, profile, NULL, caps, &err), 0, "%s", err.text);
    return f;
}

static uint32_t judge(const struct syscalls_filter *f, uint32_t abi, int nr, uint64_t arg)
{
    struct seccomp_data call = {.nr = nr, .arch = abi, .args = {arg}};
    return syscalls_filter_judge(f, &call);
}

/* ---- libseccomp's program of the same table ---------------------------------------- */

static void add(scmp_filter_ctx c, uint32_t action, int call, struct scmp_arg_cmp arg)
{
    cr_assert_eq(seccomp_rule_add(c, action, call, 1, arg), 0);
}

static void add_name(scmp_filter_ctx c, const struct policy_row *row, int call,
                     uint64_t caps)
{
    static const uint32_t WHICH[] = POLICY_PERSONALITIES;
    bool held = row->caps == 0 || (row->caps & caps) != 0;
    if (row->kind == POLICY_NOSYS && (row->caps == 0 || !held))
        cr_assert_eq(seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), call, 0), 0);
    else if (row->kind == POLICY_SOCKET) {
        add(c, SCMP_ACT_ALLOW, call, SCMP_A0(SCMP_CMP_LT, 38));
        add(c, SCMP_ACT_ALLOW, call, SCMP_A0(SCMP_CMP_EQ, 39));
        add(c, SCMP_ACT_ALLOW, call, SCMP_A0(SCMP_CMP_GT, 40));
    } else if (row->kind == POLICY_PERSONALITY) {
        for (size_t i = 0; i < ARRAY_SIZE(WHICH); i++)
            add(c, SCMP_ACT_ALLOW, call, SCMP_A0(SCMP_CMP_EQ, WHICH[i]));
    } else if (row->kind == POLICY_CLONE && !held)
        add(c, SCMP_ACT_ALLOW, call, SCMP_A0(SCMP_CMP_MASKED_EQ, POLICY_CLONE_FLAGS, 0));
    else if (held)
        cr_assert_eq(seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 0), 0);
}

static void add_row(scmp_filter_ctx c, const struct policy_row *row, uint64_t caps)
{
    auto_free char *names = strdup(row->names);
    char *rest = names, *name;
    while ((name = strsep(&rest, " "))) {
        int call = seccomp_syscall_resolve_name(name);
        if (call != __NR_SCMP_ERROR)
            add_name(c, row, call, caps);
    }
}

/* socketcall first: else libseccomp allows it along with socket. */
static struct syscalls_filter reference(const struct machine *m, uint64_t caps)
{
    struct syscalls_filter f = {.insns = calloc(BPF_MAXINSNS, sizeof(*f.insns))};
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    for (size_t i = 0; i < ARRAY_SIZE(m->abis); i++)
        if (m->abis[i] != seccomp_arch_native())
            cr_assert_eq(seccomp_arch_add(c, m->abis[i]), 0);
    if (m != HERE)
        cr_assert_eq(seccomp_arch_remove(c, seccomp_arch_native()), 0);
    cr_assert_eq(seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
    for (size_t i = 0; i < POLICY_ROWS; i++)
        if (POLICY[i].kind == POLICY_NOSYS)
            add_row(c, &POLICY[i], caps);
    for (size_t i = 0; i < POLICY_ROWS; i++)
        if (POLICY[i].kind != POLICY_NOSYS && POLICY[i].machines & m->bit)
            add_row(c, &POLICY[i], caps);
    int fd = memfd_create("reference", 0);
    cr_assert_eq(seccomp_export_bpf(c, fd), 0);
    ssize_t n = pread(fd, f.insns, BPF_MAXINSNS * sizeof(*f.insns), 0);
    f.len = (size_t)n / sizeof(*f.insns);
    close(fd);
    seccomp_release(c);
    return f;
}

/* Numbers up to the last one of libseccomp 2.5.4. The arguments are what the policy tells
 * apart: families, personalities, flags of clone. */
static const uint64_t ARGS[] = {0,
                                1,
                                8,
                                37,
                                38,
                                39,
                                40,
                                41,
                                45,
                                0x20000,
                                0x20001,
                                0x20008,
                                0xffffffff,
                                0x7e020000,
                                CLONE_NEWNS,
                                CLONE_NEWCGROUP,
                                CLONE_NEWUTS,
                                CLONE_NEWIPC,
                                CLONE_NEWUSER,
                                CLONE_NEWPID,
                                CLONE_NEWNET,
                                CLONE_VM | CLONE_VFORK | 17};

static void expect_same_of(const struct machine *m, const struct syscalls_filter *ours,
                           uint64_t caps)
{
    auto_done(syscalls_filter_done) struct syscalls_filter theirs = reference(m, caps);
    for (size_t a = 0; a < ARRAY_SIZE(m->abis); a++)
        for (int nr = 0; nr <= 450; nr++)
            for (size_t i = 0; i < ARRAY_SIZE(ARGS); i++) {
                if (m->abis[a] == SCMP_ARCH_X86_64 && nr == 335)
                    continue; /* uretprobe: newer than its place */
                uint32_t want = judge(&theirs, m->abis[a], nr, ARGS[i]);
                uint32_t got = judge(ours, m->abis[a], nr, ARGS[i]);
                cr_expect_eq(got, want, "caps %llx, abi %x, call %d (0x%llx): %x, not %x",
                             (unsigned long long)caps, m->abis[a], nr,
                             (unsigned long long)ARGS[i], got, want);
            }
}

static void expect_same(uint64_t caps)
{
    auto_done(syscalls_filter_done) struct syscalls_filter ours = made("builtin", caps);
    expect_same_of(HERE, &ours, caps);
}

Test(builtin, is_what_libseccomp_makes_of_the_table)
{
    expect_same(MTD_CAPS_DEFAULT);
    expect_same(MTD_CAPS_ALL);
    expect_same(0);
}

Test(builtin, each_capability_opens_its_calls, .timeout = 60)
{
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
        expect_same(1ULL << cap);
}

#ifdef __x86_64__
/* The generated source again, as another machine's compiler reads it. */
#define SYSCALLS_BUILTIN ARM64_BUILTIN
#define SYSCALLS_N_BUILTIN ARM64_N_BUILTIN
#define SYSCALLS_CONDITIONS ARM64_CONDITIONS
#define SYSCALLS_N_CONDITIONS ARM64_N_CONDITIONS
#pragma push_macro("__x86_64__")
#undef __x86_64__
#define __aarch64__ 1
#include MTD_SECCOMP_SOURCE /* NOLINT: it is the subject */
#undef __aarch64__
#pragma pop_macro("__x86_64__")

static void expect_same_on_arm64(uint64_t caps)
{
    struct syscalls_filter f = {calloc(ARM64_N_BUILTIN, sizeof(*f.insns)),
                                ARM64_N_BUILTIN, 0};
    for (size_t i = 0; i < f.len; i++) {
        f.insns[i] = ARM64_BUILTIN[i];
        uint32_t k = f.insns[i].k;
        if (f.insns[i].code != (BPF_RET | BPF_K) ||
            (k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE)
            continue;
        const struct syscalls_condition *c = &ARM64_CONDITIONS[k & SECCOMP_RET_DATA];
        f.insns[i].k = c->caps & caps ? SECCOMP_RET_ALLOW : c->without;
    }
    expect_same_of(&MACHINES[1], &f, caps);
    uint32_t private = judge(&f, SCMP_ARCH_ARM, 0xf0002, 0); /* cacheflush */
    cr_expect_eq(private, SECCOMP_RET_ALLOW);
    syscalls_filter_done(&f);
}

Test(builtin, the_program_for_arm64_is_made_here_too)
{
    expect_same_on_arm64(MTD_CAPS_DEFAULT);
    expect_same_on_arm64(MTD_CAPS_ALL);
    expect_same_on_arm64(0);
}
#endif

Test(builtin, a_capability_opens_nothing_else)
{
    static const struct {
        int cap, call;
    } OPENS[] = {
        {CAP_SYS_PTRACE, SYS_kcmp},
        {CAP_SYS_CHROOT, SYS_chroot},
        {CAP_SYSLOG, SYS_syslog},
        {CAP_SYS_ADMIN, SYS_syslog},
        {CAP_BPF, SYS_bpf},
        {CAP_SYS_ADMIN, SYS_bpf},
        {CAP_SYS_ADMIN, SYS_mount},
        {CAP_SYS_ADMIN, SYS_unshare},
        {CAP_SYS_NICE, SYS_mbind},
        {CAP_DAC_READ_SEARCH, SYS_open_by_handle_at},
        {CAP_SYS_MODULE, SYS_init_module},
    };
    for (size_t i = 0; i < ARRAY_SIZE(OPENS); i++)
        for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
            auto_done(syscalls_filter_done) struct syscalls_filter f =
                made("builtin", 1ULL << cap);
            bool want = false;
            for (size_t k = 0; k < ARRAY_SIZE(OPENS); k++)
                want = want || (OPENS[k].call == OPENS[i].call && OPENS[k].cap == cap);
            cr_expect_eq(judge(&f, ABIS[0], OPENS[i].call, 0),
                         want ? SECCOMP_RET_ALLOW : REFUSED, "call %d with %s",
                         OPENS[i].call, mtd_cap_name(cap));
        }
}

/* ---- what that does not cover ------------------------------------------------------ */

Test(builtin, calls_newer_than_libseccomp_have_their_numbers)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f =
        made("builtin", MTD_CAPS_DEFAULT);
    for (size_t a = 0; a < ARRAY_SIZE(ABIS); a++) {
        for (int nr = 451; nr <= 466; nr++) /* cachestat .. removexattrat */
            cr_expect_eq(judge(&f, ABIS[a], nr, 0),
                         nr >= 459 && nr <= 461 ? REFUSED : SECCOMP_RET_ALLOW, "%d", nr);
        for (int nr = 467; nr < 1000; nr++)
            cr_expect_eq(judge(&f, ABIS[a], nr, 0), NOSYS, "%d", nr);
    }
}

Test(builtin, the_high_half_of_an_argument_changes_nothing)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f =
        made("builtin", MTD_CAPS_DEFAULT);
    cr_expect_eq(judge(&f, ABIS[0], SYS_socket, 0x100000000 | 38), REFUSED);
    cr_expect_eq(judge(&f, ABIS[0], SYS_socket, 0x100000000 | 40), REFUSED);
    cr_expect_eq(judge(&f, ABIS[0], SYS_socket, 2), SECCOMP_RET_ALLOW);
    cr_expect_eq(judge(&f, ABIS[0], SYS_clone, 0x100000000 | CLONE_NEWUSER), REFUSED);
    cr_expect_eq(judge(&f, ABIS[0], SYS_personality, 0x100000000 | ADDR_NO_RANDOMIZE),
                 REFUSED);
}

Test(builtin, foreign_abis_may_call_nothing)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f =
        made("builtin", MTD_CAPS_ALL);
    for (int nr = 0; nr < 500; nr++) {
        cr_expect_eq(judge(&f, SCMP_ARCH_S390X, nr, 0), REFUSED);
#ifdef __x86_64__
        cr_expect_eq(judge(&f, ABIS[0], nr | 0x40000000, 0), REFUSED);
#endif
    }
    cr_expect_eq(judge(&f, ABIS[0], -1, 0) & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
}

Test(builtin, is_small)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = made("builtin", 0);
    cr_expect_lt(f.len, 320, "%zu instructions", f.len);
}

/* ---- beside podman's profile ------------------------------------------------------- */

/* Names that Debian 12's profile (containers-common 0.50) treats otherwise, for a
 * container with the default capabilities. What only its libseccomp does not know is no
 * difference. */
static const struct {
    const char *names, *why;
} DIFFERENT[] = {
    {"clone3 fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree setns "
     "umount umount2 unshare",
     "podman lets a container make user namespaces, for builds and nested engines"},
    {"keyctl", "podman relies on a session keyring alone; the user's can be reached"},
    {"get_mempolicy mbind set_mempolicy pidfd_getfd",
     "podman relies on what the kernel checks; docker asks for the capability"},
    {"pivot_root reboot syslog", "the same: reboot would end the container only"},
    {"futex_waitv io_pgetevents vmsplice", "docker allows them; podman's is of 2022"},
    {"uretprobe", "docker allows it; Debian 13's profile of podman does not know it yet"},
};

static bool is_different(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(DIFFERENT); i++) {
        auto_free char *names = strdup(DIFFERENT[i].names);
        char *rest = names, *one;
        while ((one = strsep(&rest, " ")))
            if (strcmp(one, name) == 0)
                return true;
    }
    return false;
}

/* Only whether it is let through: the errno differs for nearly all that is refused. */
static bool lets(const struct syscalls_filter *f, int nr, uint64_t arg)
{
    return judge(f, ABIS[0], nr, arg) == SECCOMP_RET_ALLOW;
}

Test(builtin, differs_from_podmans_profile_only_where_it_says_so)
{
    auto_done(buf_done) struct buf text = {0};
    if (fs_read_at(AT_FDCWD, DEBIANS, 1 << 20, &text) < 0)
        cr_skip(DEBIANS " is missing (the package golang-github-containers-common)");
    cr_assert_eq(buf_putc(&text, '\0'), 0);
    auto_done(syscalls_filter_done) struct syscalls_filter ours =
        made("builtin", MTD_CAPS_DEFAULT);
    auto_done(syscalls_filter_done) struct syscalls_filter theirs =
        made(text.data, MTD_CAPS_DEFAULT);
    for (int nr = 0; nr <= 450; nr++) {
        auto_free char *name = seccomp_syscall_resolve_num_arch(ABIS[0], nr);
        if (name)
            cr_expect_eq(lets(&ours, nr, 1) != lets(&theirs, nr, 1), is_different(name),
                         "%s: ours %d, podman's %d", name, lets(&ours, nr, 1),
                         lets(&theirs, nr, 1));
    }
    cr_expect(!lets(&ours, SYS_clone, CLONE_NEWUSER)); /* as unshare */
    cr_expect(lets(&theirs, SYS_clone, CLONE_NEWUSER));
    cr_expect(!lets(&ours, SYS_socket, 38)); /* docker's since May 2026 */
    cr_expect(lets(&theirs, SYS_socket, 38));
    cr_expect(!lets(&ours, SYS_socket, 40)); /* docker's */
    cr_expect(lets(&theirs, SYS_socket, 40));
    for (uint64_t family = 0; family < 38; family++)
        cr_expect(lets(&ours, SYS_socket, family));
}
