/* generate FILE: writes the programs of the built-in seccomp policy as a C source.
 * Runs on the machine that builds, for every machine the program is built for, so that a
 * cross build needs nothing else.
 *
 * libseccomp tells the numbers of the names. It could make the programs as well; these
 * are made here because its programs compare with each of 360 numbers, for each ABI. Here
 * neighbours that are treated alike are one range, and ranges are found by halves: a
 * quarter of the instructions (docs/security.md has the figures), which the kernel
 * checks, compiles and tries with every number at each start.
 *
 * What depends on a container's capabilities is left open: these numbers lead to
 * "RET_TRACE | n", which the policy does not use otherwise, and the n-th condition says
 * which capabilities make it RET_ALLOW and what it is without them. So one program serves
 * all sets of capabilities.
 *
 * Only the low half of an argument is compared. All three calls whose arguments matter
 * take an int, so the kernel drops the high half: compared whole, family 2^32 + 38 would
 * be another one than AF_ALG. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

#define MAX_CALLS 1024
#define MAX_INSNS 4096
#define X32_BIT 0x40000000u
#define ARM_PRIVATE 0xf0000u /* numbers of its own from here on */
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct machine {
    const char *macro;
    unsigned bit;     /* in policy_row.machines */
    uint32_t abis[2]; /* the words of libseccomp, which are the kernel's */
} MACHINES[] = {
    {"__x86_64__", POLICY_X86, {SCMP_ARCH_X86_64, SCMP_ARCH_X86}},
    {"__aarch64__", POLICY_ARM, {SCMP_ARCH_AARCH64, SCMP_ARCH_ARM}},
};

/* Names that libseccomp 2.5.4 does not know (0 = on every ABI), or whose number on i386 it
 * replaces by one of its own, because socketcall and ipc are other ways to call them. */
static const struct {
    const char *name;
    uint32_t abi;
    int number;
} NUMBERS[] = {
    {"cachestat", 0, 451},
    {"fchmodat2", 0, 452},
    {"map_shadow_stack", 0, 453},
    {"futex_wake", 0, 454},
    {"futex_wait", 0, 455},
    {"futex_requeue", 0, 456},
    {"statmount", 0, 457},
    {"listmount", 0, 458},
    {"lsm_get_self_attr", 0, 459},
    {"lsm_set_self_attr", 0, 460},
    {"lsm_list_modules", 0, 461},
    {"mseal", 0, 462},
    {"setxattrat", 0, 463},
    {"getxattrat", 0, 464},
    {"listxattrat", 0, 465},
    {"removexattrat", 0, 466},
    {"uretprobe", SCMP_ARCH_X86_64, 335},
    {"socketcall", SCMP_ARCH_X86, 102},
    {"ipc", SCMP_ARCH_X86, 117},
    {"recvmmsg", SCMP_ARCH_X86, 337},
    {"sendmmsg", SCMP_ARCH_X86, 345},
    {"socket", SCMP_ARCH_X86, 359},
    {"socketpair", SCMP_ARCH_X86, 360},
    {"bind", SCMP_ARCH_X86, 361},
    {"connect", SCMP_ARCH_X86, 362},
    {"listen", SCMP_ARCH_X86, 363},
    {"accept4", SCMP_ARCH_X86, 364},
    {"getsockopt", SCMP_ARCH_X86, 365},
    {"setsockopt", SCMP_ARCH_X86, 366},
    {"getsockname", SCMP_ARCH_X86, 367},
    {"getpeername", SCMP_ARCH_X86, 368},
    {"sendto", SCMP_ARCH_X86, 369},
    {"sendmsg", SCMP_ARCH_X86, 370},
    {"recvfrom", SCMP_ARCH_X86, 371},
    {"recvmsg", SCMP_ARCH_X86, 372},
    {"shutdown", SCMP_ARCH_X86, 373},
    {"semget", SCMP_ARCH_X86, 393},
    {"semctl", SCMP_ARCH_X86, 394},
    {"shmget", SCMP_ARCH_X86, 395},
    {"shmctl", SCMP_ARCH_X86, 396},
    {"shmat", SCMP_ARCH_X86, 397},
    {"shmdt", SCMP_ARCH_X86, 398},
    {"msgget", SCMP_ARCH_X86, 399},
    {"msgsnd", SCMP_ARCH_X86, 400},
    {"msgrcv", SCMP_ARCH_X86, 401},
    {"msgctl", SCMP_ARCH_X86, 402},
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "seccomp policy: %s\n", what);
    exit(1);
}

static int number_of(const char *name, uint32_t abi)
{
    for (size_t i = 0; i < COUNT(NUMBERS); i++)
        if (strcmp(NUMBERS[i].name, name) == 0 &&
            (NUMBERS[i].abi == 0 || NUMBERS[i].abi == abi))
            return NUMBERS[i].number;
    return seccomp_syscall_resolve_name_arch(abi, name);
}

/* ---- ranges of numbers ---- */

struct range {
    uint32_t from;         /* up to the next one's */
    enum policy_kind kind; /* ALLOW = verdict says it all */
    uint32_t verdict;
};

static struct range calls[MAX_CALLS], ranges[2 * MAX_CALLS];
static size_t n_calls, n_ranges;

static uint32_t condition(const struct policy_row *row)
{
    return SECCOMP_RET_TRACE | (uint32_t)(row - POLICY);
}

static void add_call(const struct policy_row *row, uint32_t number)
{
    uint32_t verdict = row->caps                   ? condition(row)
                       : row->kind == POLICY_NOSYS ? UNKNOWN
                                                   : SECCOMP_RET_ALLOW;
    enum policy_kind kind = row->kind == POLICY_NOSYS ? POLICY_ALLOW : row->kind;
    if (n_calls == MAX_CALLS)
        fail("too many calls");
    calls[n_calls++] = (struct range){number, kind, verdict};
}

static void add_row(const struct policy_row *row, uint32_t abi)
{
    char name[64];
    for (const char *at = row->names; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (len >= sizeof(name))
            fail("a name is too long");
        memcpy(name, at, len);
        name[len] = '\0';
        at += len;
        int number = number_of(name, abi);
        if (number >= 0)
            add_call(row, (uint32_t)number);
    }
}

static int by_number(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* One that begins where the last does replaces it. */
static void add_range(uint32_t from, enum policy_kind kind, uint32_t verdict)
{
    if (n_ranges && ranges[n_ranges - 1].from == from)
        n_ranges--;
    const struct range *last = n_ranges ? &ranges[n_ranges - 1] : NULL;
    if (!last || last->kind != kind || last->verdict != verdict)
        ranges[n_ranges++] = (struct range){from, kind, verdict};
}

static void make_ranges(const struct machine *m, uint32_t abi)
{
    n_calls = n_ranges = 0;
    for (size_t i = 0; i < POLICY_ROWS; i++)
        if (POLICY[i].machines & m->bit)
            add_row(&POLICY[i], abi);
    qsort(calls, n_calls, sizeof(calls[0]), by_number);
    add_range(0, POLICY_ALLOW, REFUSED);
    for (size_t i = 0; i < n_calls; i++) {
        uint32_t from = calls[i].from;
        int is_last =
            i + 1 == n_calls || (from < ARM_PRIVATE && calls[i + 1].from >= ARM_PRIVATE);
        if (!is_last && calls[i + 1].from == from)
            fail("a number stands in two rows");
        add_range(from, calls[i].kind, calls[i].verdict);
        add_range(from + 1, POLICY_ALLOW, is_last ? UNKNOWN : REFUSED);
    }
    if (abi == SCMP_ARCH_X86_64)
        add_range(X32_BIT, POLICY_ALLOW, REFUSED);
}

/* ---- the program ---- */

static struct sock_filter out[MAX_INSNS];
static size_t n_out;

static size_t put(uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
    if (n_out == MAX_INSNS)
        fail("too many instructions");
    out[n_out] = (struct sock_filter){code, jt, jf, k};
    return n_out++;
}

static void put_return(uint32_t verdict)
{
    put(BPF_RET | BPF_K, 0, 0, verdict);
}

/* What ranges lead to, once each, behind an ABI's comparisons; and who jumps to it. */
static struct range leaves[64];
static struct jump {
    uint8_t *field;
    size_t at, leaf;
} leaf_jumps[2 * MAX_CALLS];
static struct {
    size_t at;
    enum policy_kind to;
} routine_jumps[64];
static size_t n_leaves, n_leaf_jumps, n_routine_jumps;

static void jump_to_leaf(size_t at, uint8_t *field, const struct range *r)
{
    size_t i = 0;
    while (i < n_leaves && (leaves[i].kind != r->kind || leaves[i].verdict != r->verdict))
        i++;
    if (i == COUNT(leaves))
        fail("too many verdicts");
    if (i == n_leaves)
        leaves[n_leaves++] = *r;
    leaf_jumps[n_leaf_jumps++] = (struct jump){field, at, i};
}

static uint8_t distance(size_t from, size_t to)
{
    if (to - from - 1 > UINT8_MAX)
        fail("a jump is too long");
    return (uint8_t)(to - from - 1);
}

/* Two ranges at least. The half with the smaller numbers follows its comparison. */
static void put_ranges(size_t from, size_t to)
{
    size_t middle = from + (to - from) / 2;
    size_t at = put(BPF_JMP | BPF_JGE | BPF_K, 0, 0, ranges[middle].from);
    if (middle - from == 1)
        jump_to_leaf(at, &out[at].jf, &ranges[from]);
    else
        put_ranges(from, middle);
    if (to - middle == 1)
        jump_to_leaf(at, &out[at].jt, &ranges[middle]);
    else {
        out[at].jt = distance(at, n_out);
        put_ranges(middle, to);
    }
}

static void put_leaves(void)
{
    for (size_t i = 0; i < n_leaves; i++) {
        for (size_t j = 0; j < n_leaf_jumps; j++)
            if (leaf_jumps[j].leaf == i)
                *leaf_jumps[j].field = distance(leaf_jumps[j].at, n_out);
        if (leaves[i].kind == POLICY_ALLOW) {
            put_return(leaves[i].verdict);
            continue;
        }
        if (n_routine_jumps == COUNT(routine_jumps))
            fail("too many jumps");
        routine_jumps[n_routine_jumps].to = leaves[i].kind;
        routine_jumps[n_routine_jumps++].at = put(BPF_JMP | BPF_JA, 0, 0, 0);
    }
}

static void put_abi(const struct machine *m, uint32_t abi)
{
    n_leaves = n_leaf_jumps = 0;
    make_ranges(m, abi);
    put(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    put_ranges(0, n_ranges);
    put_leaves();
}

static void put_argument(unsigned i)
{
    unsigned at = (unsigned)offsetof(struct seccomp_data, args) + i * 8;
    put(BPF_LD | BPF_W | BPF_ABS, 0, 0, at); /* both machines are little endian */
}

/* Compares with each value; one of them = found, else other. */
static void put_values(const uint32_t *values, size_t n, uint32_t found, uint32_t other)
{
    put_argument(0);
    for (size_t i = 0; i < n; i++)
        put(BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(n - i), 0, values[i]);
    put_return(other);
    put_return(found);
}

static void put_routine(enum policy_kind kind)
{
    static const uint32_t FAMILIES[] = POLICY_FAMILIES, WHICH[] = POLICY_PERSONALITIES;
    if (kind == POLICY_SOCKET)
        put_values(FAMILIES, COUNT(FAMILIES), REFUSED, SECCOMP_RET_ALLOW);
    else if (kind == POLICY_PERSONALITY)
        put_values(WHICH, COUNT(WHICH), SECCOMP_RET_ALLOW, REFUSED);
    else {
        size_t row = 0;
        while (POLICY[row].kind != POLICY_CLONE)
            row++;
        put_argument(0);
        put(BPF_JMP | BPF_JSET | BPF_K, 1, 0, POLICY_CLONE_FLAGS);
        put_return(SECCOMP_RET_ALLOW);
        put_return(condition(&POLICY[row]));
    }
}

static void put_routines(void)
{
    static const enum policy_kind ROUTINES[] = {POLICY_SOCKET, POLICY_PERSONALITY,
                                                POLICY_CLONE};
    for (size_t i = 0; i < COUNT(ROUTINES); i++) {
        for (size_t j = 0; j < n_routine_jumps; j++)
            if (routine_jumps[j].to == ROUTINES[i])
                out[routine_jumps[j].at].k = (uint32_t)(n_out - routine_jumps[j].at - 1);
        put_routine(ROUTINES[i]);
    }
}

/* Which ABI, then its numbers; an ABI that is not here may call nothing. */
static void make_program(const struct machine *m)
{
    size_t block[COUNT(m->abis)];
    n_out = n_routine_jumps = 0;
    put(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    for (size_t i = 0; i < COUNT(m->abis); i++) {
        put(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, m->abis[i]);
        block[i] = put(BPF_JMP | BPF_JA, 0, 0, 0);
    }
    put_return(REFUSED);
    for (size_t i = 0; i < COUNT(m->abis); i++) {
        out[block[i]].k = (uint32_t)(n_out - block[i] - 1);
        put_abi(m, m->abis[i]);
    }
    put_routines();
}

static void print_conditions(void)
{
    puts("const struct syscalls_condition SYSCALLS_CONDITIONS[] = {");
    for (size_t i = 0; i < POLICY_ROWS; i++)
        printf("    {0x%llxu, 0x%xu},\n", (unsigned long long)POLICY[i].caps,
               POLICY[i].kind == POLICY_NOSYS ? UNKNOWN : REFUSED);
    puts("};\nconst size_t SYSCALLS_N_CONDITIONS =");
    puts("    sizeof(SYSCALLS_CONDITIONS) / sizeof(SYSCALLS_CONDITIONS[0]);");
}

static void print_programs(void)
{
    for (size_t i = 0; i < COUNT(MACHINES); i++) {
        make_program(&MACHINES[i]);
        printf("\n#%s defined(%s)\n", i ? "elif" : "if", MACHINES[i].macro);
        printf("const struct sock_filter SYSCALLS_BUILTIN[] = {\n");
        for (size_t k = 0; k < n_out; k++)
            printf("    {0x%x, %u, %u, 0x%xu},\n", out[k].code, out[k].jt, out[k].jf,
                   out[k].k);
        printf("};\nconst size_t SYSCALLS_N_BUILTIN = %zu;\n", n_out);
    }
    puts("#else\nconst struct sock_filter SYSCALLS_BUILTIN[1] = {{0}};");
    puts("const size_t SYSCALLS_N_BUILTIN = 0;\n#endif");
}

int main(int argc, char **argv)
{
    if (argc != 2 || !freopen(argv[1], "w", stdout))
        fail("cannot write the source");
    puts("/* Made by assets/seccomp/generate.c; not to be edited. */");
    puts("#include \"engine/syscalls/internal.h\"\n");
    print_conditions();
    print_programs();
    if (ferror(stdout) || fclose(stdout) != 0)
        fail("cannot write the source");
    return 0;
}
