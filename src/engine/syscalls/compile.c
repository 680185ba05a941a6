/* libseccomp makes the program. Docker's runtime puts a few instructions before it, and so do
 * we: numbers above the highest one that the profile names are answered with ENOSYS. They
 * are of calls that are newer than the profile, which libraries try and then do without; with
 * EPERM they would give up. */

#include "engine/syscalls/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

#define X32_BIT 0x40000000u
#define NOSYS (SECCOMP_RET_ERRNO | ENOSYS)

static void release(scmp_filter_ctx *c)
{
    if (*c)
        seccomp_release(*c);
}

static int failed(struct mtd_error *err, int code, const char *what)
{
    if (code == -ENOMEM)
        return mtd_fail(err, ENOMEM, "out of memory");
    return syscalls_wrong(err, "%.80s: libseccomp refuses it: %s", what, strerror(-code));
}

/* ---- rules ------------------------------------------------------------------------- */

static bool repeats_an_argument(const struct profile_rule *rule)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < rule->n_args; i++) {
        if (seen & 1u << rule->args[i].arg)
            return true;
        seen |= 1u << rule->args[i].arg;
    }
    return false;
}

/* Comparisons of different arguments must all be true; of two for one argument, either:
 * that is what docker's runtime makes of it. A rule that exists already is none too many.*/
static int add_call(scmp_filter_ctx c, const struct profile_rule *rule, int call)
{
    bool each = repeats_an_argument(rule);
    unsigned step = each ? 1 : rule->n_args;
    int rc = 0;
    if (rule->n_args == 0)
        rc = seccomp_rule_add_array(c, rule->action, call, 0, NULL);
    for (unsigned i = 0; i < rule->n_args && rc == 0; i += step) {
        rc = seccomp_rule_add_array(c, rule->action, call, step, &rule->args[i]);
        rc = rc == -EEXIST ? 0 : rc;
    }
    return rc == -EEXIST ? 0 : rc;
}

static int add_rule(scmp_filter_ctx c, const struct profile *p,
                    const struct profile_rule *rule, struct mtd_error *err)
{
    if (rule->action == p->action) /* it says nothing, and libseccomp takes none such */
        return 0;
    for (size_t i = 0; i < rule->names.len; i++) {
        const char *name = rule->names.items[i];
        int call = seccomp_syscall_resolve_name(name);
        int rc = call == __NR_SCMP_ERROR ? 0 : add_call(c, rule, call);
        if (rc < 0)
            return failed(err, rc, name);
    }
    return 0;
}

static int add_rules(scmp_filter_ctx c, const struct profile *p, struct mtd_error *err)
{
    int rc = 0;
    for (unsigned i = 0; i < p->n_arches; i++) {
        rc = seccomp_arch_add(c, p->arches[i]);
        if (rc < 0 && rc != -EEXIST)
            return failed(err, rc, "an architecture that this machine does not run");
    }
    rc = seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: shorter ways */
    if (rc < 0)
        return failed(err, rc, "its optimisation");
    for (size_t i = 0; i < p->n_rules; i++) {
        rc = add_rule(c, p, &p->rules[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- newer calls ------------------------------------------------------------------- */

static uint32_t highest(const struct profile *p, uint32_t arch)
{
    int most = -1;
    for (size_t i = 0; i < p->n_rules; i++)
        for (size_t k = 0; k < p->rules[i].names.len; k++) {
            int n = seccomp_syscall_resolve_name_arch(arch, p->rules[i].names.items[k]);
            most = n > most ? n : most;
        }
    return most < 0 ? UINT32_MAX : (uint32_t)most;
}

static void put(struct syscalls_filter *f, uint16_t code, uint8_t jt, uint8_t jf,
                uint32_t k)
{
    f->insns[f->len++] = (struct sock_filter){code, jt, jf, k};
}

/* Six instructions; x32 has the architecture of x86-64, and numbers of its own. */
static void put_newer(struct syscalls_filter *f, uint32_t arch, uint32_t most)
{
    bool x32 = arch == SCMP_ARCH_X32;
    put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, x32 ? (uint32_t)SCMP_ARCH_X86_64 : arch);
    put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    put(f, BPF_JMP | BPF_JGE | BPF_K, x32 ? 0 : 2, x32 ? 2 : 0,
        arch == SCMP_ARCH_X86_64 || x32 ? X32_BIT : UINT32_MAX);
    put(f, BPF_JMP | BPF_JGT | BPF_K, 0, 1, most);
    put(f, BPF_RET | BPF_K, 0, 0, NOSYS);
    put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
}

static void put_prelude(struct syscalls_filter *f, const struct profile *p)
{
    bool permits = p->action == SCMP_ACT_ALLOW || p->action == SCMP_ACT_LOG;
    if (permits || p->action == SCMP_ACT_ERRNO(ENOSYS) || p->n_rules == 0)
        return;
    put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    put_newer(f, seccomp_arch_native(), highest(p, seccomp_arch_native()));
    for (unsigned i = 0; i < p->n_arches; i++)
        put_newer(f, p->arches[i], highest(p, p->arches[i]));
}

/* ---- the program ------------------------------------------------------------------- */

/* libseccomp 2.5 writes to a descriptor only. */
static int export(scmp_filter_ctx c, struct syscalls_filter *f, size_t room,
                  struct mtd_error *err)
{
    auto_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot keep the seccomp filter in memory");
    int rc = seccomp_export_bpf(c, fd);
    if (rc < 0)
        return failed(err, rc, "its program");
    off_t size = lseek(fd, 0, SEEK_END);
    size_t n = size < 0 ? 0 : (size_t)size / sizeof(*f->insns);
    if (n == 0 || f->len + n > room)
        return syscalls_wrong(err, "it makes %zu instructions; the kernel takes %d",
                              f->len + n, BPF_MAXINSNS);
    if (pread(fd, f->insns + f->len, n * sizeof(*f->insns), 0) != size)
        return mtd_fail(err, EIO, "cannot read the seccomp filter");
    f->len += n;
    return 0;
}

int syscalls_compile(struct syscalls_filter *ret, const struct profile *p,
                     struct mtd_error *err)
{
    auto_done(release) scmp_filter_ctx c = seccomp_init(p->action);
    auto_done(syscalls_filter_done) struct syscalls_filter f = {.flags = p->flags};
    f.insns = calloc(BPF_MAXINSNS, sizeof(*f.insns));
    if (!c || !f.insns)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = add_rules(c, p, err);
    if (rc == 0) {
        put_prelude(&f, p);
        rc = export(c, &f, BPF_MAXINSNS, err);
    }
    if (rc < 0)
        return rc;
    *ret = f;
    f = (struct syscalls_filter){0};
    return 0;
}
