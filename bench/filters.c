/* filters: what the built-in seccomp policy costs, beside programs that libseccomp makes of
 * the same table: instructions, making, loading, and three system calls under it. Times are
 * of the processor. Prints a markdown table. bench/filters builds and runs it. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/syscalls/syscalls.h"
#include "policy.h"

#define LOADS 400
#define CALLS 200000

static double processor_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void load(const struct syscalls_filter *f)
{
    struct sock_fprog p = {(unsigned short)f->len, f->insns};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &p) < 0)
        _exit(1);
}

static double each_ns(long number, long arg)
{
    double from = processor_us();
    for (int i = 0; i < CALLS; i++)
        syscall(number, arg, 0, 0);
    return (processor_us() - from) * 1e3 / CALLS;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Each load is the first of a process; the last process makes the calls as well. */
static void measure(const char *name, const char *made, const struct syscalls_filter *f)
{
    double *t = mmap(NULL, (LOADS + 3) * sizeof(*t), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < LOADS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            double from = processor_us();
            load(f);
            t[i] = processor_us() - from;
            if (i == LOADS - 1) {
                t[LOADS] = each_ns(SYS_getppid, 0);
                t[LOADS + 1] = each_ns(SYS_personality, 0xffffffff);
                t[LOADS + 2] = each_ns(SYS_keyctl, -1);
            }
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    qsort(t, LOADS, sizeof(*t), by_value);
    printf("| %s | %zu | %s | %.2f ms | %.0f ns | %.0f ns | %.0f ns |\n", name, f->len,
           made, t[LOADS / 2] / 1e3, t[LOADS], t[LOADS + 1], t[LOADS + 2]);
    munmap(t, (LOADS + 3) * sizeof(*t));
}

/* ---- libseccomp's ---- */

static void add(scmp_filter_ctx c, const struct policy_row *row, int call)
{
    static const uint32_t WHICH[] = POLICY_PERSONALITIES;
    bool held = row->caps == 0 || row->caps & MTD_CAPS_DEFAULT;
    if (row->kind == POLICY_NOSYS)
        seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), call, 0);
    else if (row->kind == POLICY_CLONE)
        seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 1,
                         SCMP_A0(SCMP_CMP_MASKED_EQ, POLICY_CLONE_FLAGS, 0));
    else if (row->kind == POLICY_SOCKET) {
        seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_LT, 38));
        seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_EQ, 39));
        seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_GT, 40));
    } else if (row->kind == POLICY_PERSONALITY) {
        for (size_t i = 0; i < sizeof(WHICH) / sizeof(WHICH[0]); i++)
            seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_EQ, WHICH[i]));
    } else if (held)
        seccomp_rule_add(c, SCMP_ACT_ALLOW, call, 0);
}

static void add_all(scmp_filter_ctx c)
{
    for (unsigned i = 0; i < POLICY_ROWS; i++) {
        char *names = strdup(POLICY[i].names), *rest = names, *name;
        while ((name = strsep(&rest, " "))) {
            int call = seccomp_syscall_resolve_name(name);
            if (call != __NR_SCMP_ERROR)
                add(c, &POLICY[i], call);
        }
        free(names);
    }
}

static void measure_libseccomp(const char *name, bool tree, bool x32)
{
    struct syscalls_filter f = {.insns = malloc(BPF_MAXINSNS * sizeof(*f.insns))};
    char made[32];
    double from = processor_us();
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    seccomp_arch_add(c, SCMP_ARCH_X86);
    if (x32)
        seccomp_arch_add(c, SCMP_ARCH_X32);
    seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, tree ? 2 : 1);
    add_all(c);
    int fd = memfd_create("filter", 0);
    if (seccomp_export_bpf(c, fd) < 0)
        exit(1);
    f.len =
        (size_t)pread(fd, f.insns, BPF_MAXINSNS * sizeof(*f.insns), 0) / sizeof(*f.insns);
    snprintf(made, sizeof(made), "%.1f ms", (processor_us() - from) / 1e3);
    measure(name, made, &f);
    close(fd);
    seccomp_release(c);
    syscalls_filter_done(&f);
}

int main(void)
{
    static struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct syscalls_filter builtin;
    struct syscalls_filter all = {&allow, 1, 0};
    if (syscalls_filter_make(&builtin, MTD_SECCOMP_BUILTIN, NULL, MTD_CAPS_DEFAULT,
                             NULL) < 0)
        return 1;
    setvbuf(stdout, NULL, _IONBF, 0);
    puts("| filter | instructions | made in | loaded in | `getppid` | `personality` | "
         "`keyctl`, refused |\n|---|---:|---:|---:|---:|---:|---:|");
    measure("one that allows everything", "–", &all);
    measure("the built-in one", "built in", &builtin);
    measure_libseccomp("libseccomp's of the same table, as a tree", true, false);
    measure_libseccomp("the same with x32 and as a list, as docker's runtime makes it",
                       false, true);
    return 0;
}
