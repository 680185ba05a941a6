/* docker's default device list, as a table for v1 and as a BPF_PROG_TYPE_CGROUP_DEVICE
 * program, which returns 1 for "allowed", for v2. The program is written as instructions,
 * because this build has no compiler for BPF; each rule is a block that falls through to
 * the next if it does not match. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ANY (-1)

/* mknod of any device is harmless without the right to open it. 5:1 is the console, 5:2
 * the multiplexer of the container's own devpts, 136 its terminals. */
const struct cgroup_device_rule cgroup_device_rules[] = {
    {'c', ANY, ANY, "m"}, {'b', ANY, ANY, "m"},   {'c', 1, 3, "rwm"},
    {'c', 1, 5, "rwm"},   {'c', 1, 7, "rwm"},     {'c', 1, 8, "rwm"},
    {'c', 1, 9, "rwm"},   {'c', 5, 0, "rwm"},     {'c', 5, 1, "rwm"},
    {'c', 5, 2, "rwm"},   {'c', 136, ANY, "rwm"},
};
const size_t cgroup_n_device_rules = ARRAY_SIZE(cgroup_device_rules);

#define MAX_RULES ARRAY_SIZE(cgroup_device_rules)
#define RULE_INSNS 7
enum reg { R0, R1, R2, R3, R4, R5, R6 };

static struct bpf_insn load_word(int to, int from, size_t offset)
{
    return (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
                             .dst_reg = (__u8)to & 0xf,
                             .src_reg = (__u8)from & 0xf,
                             .off = (__s16)offset};
}

static struct bpf_insn with_constant(int code, int reg, int value, int skip)
{
    return (struct bpf_insn){
        .code = (__u8)code, .dst_reg = (__u8)reg & 0xf, .imm = value, .off = (__s16)skip};
}

static int access_bits(const char *access)
{
    int bits = 0;
    for (const char *a = access; *a; a++)
        bits |= *a == 'm'   ? BPF_DEVCG_ACC_MKNOD
                : *a == 'r' ? BPF_DEVCG_ACC_READ
                            : BPF_DEVCG_ACC_WRITE;
    return bits;
}

/* R2 = type, R3 = requested access, R4 = major, R5 = minor. */
static size_t emit_rule(struct bpf_insn *out, const struct cgroup_device_rule *rule)
{
    size_t n = 0;
    int type = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    size_t jumps[4], n_jumps = 0;
    jumps[n_jumps++] = n;
    out[n++] = with_constant(BPF_JMP | BPF_JNE | BPF_K, R2, type, 0);
    jumps[n_jumps++] = n; /* any requested bit that the rule does not allow */
    out[n++] =
        with_constant(BPF_JMP | BPF_JSET | BPF_K, R3, ~access_bits(rule->access) & 7, 0);
    if (rule->major != ANY) {
        jumps[n_jumps++] = n;
        out[n++] = with_constant(BPF_JMP | BPF_JNE | BPF_K, R4, rule->major, 0);
    }
    if (rule->minor != ANY) {
        jumps[n_jumps++] = n;
        out[n++] = with_constant(BPF_JMP | BPF_JNE | BPF_K, R5, rule->minor, 0);
    }
    out[n++] = with_constant(BPF_ALU64 | BPF_MOV | BPF_K, R0, 1, 0);
    out[n++] = with_constant(BPF_JMP | BPF_EXIT, 0, 0, 0);
    for (size_t i = 0; i < n_jumps; i++)
        out[jumps[i]].off = (__s16)(n - jumps[i] - 1);
    return n;
}

static size_t emit_program(struct bpf_insn *out, bool all)
{
    size_t n = 0;
    out[n++] = load_word(R2, R1, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    out[n++] = with_constant(BPF_ALU64 | BPF_AND | BPF_K, R2, 0xffff, 0);
    out[n++] = load_word(R3, R1, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    out[n++] = with_constant(BPF_ALU64 | BPF_RSH | BPF_K, R3, 16, 0);
    out[n++] = load_word(R4, R1, offsetof(struct bpf_cgroup_dev_ctx, major));
    out[n++] = load_word(R5, R1, offsetof(struct bpf_cgroup_dev_ctx, minor));
    for (size_t i = 0; i < MAX_RULES && !all; i++)
        n += emit_rule(out + n, &cgroup_device_rules[i]);
    out[n++] = with_constant(BPF_ALU64 | BPF_MOV | BPF_K, R0, all, 0);
    out[n++] = with_constant(BPF_JMP | BPF_EXIT, 0, 0, 0);
    return n;
}

/* The group keeps the program alive. Without flags, attaching again replaces it. */
int cgroup_bpf_devices(int dir_fd, bool all)
{
    struct bpf_insn program[8 + MAX_RULES * RULE_INSNS];
    union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE};
    load.insns = (__u64)(uintptr_t)program;
    load.insn_cnt = (__u32)emit_program(program, all);
    load.license = (__u64)(uintptr_t) "GPL";
    auto_fd int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
    if (fd < 0)
        return -errno;
    union bpf_attr attach = {.attach_type = BPF_CGROUP_DEVICE};
    attach.target_fd = (__u32)dir_fd;
    attach.attach_bpf_fd = (__u32)fd;
    return syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) < 0 ? -errno : 0;
}

int cgroup_devices(struct cgroup *c, bool all, struct mtd_error *err)
{
    struct cgroup_dir *d = cgroup_dir_of(c, CGROUP_DEVICES);
    if (!d || d->fd < 0)
        return all ? 0
                   : mtd_fail(err, EOPNOTSUPP,
                              "this host has no way to restrict devices");
    return cgroup_ops_of(d)->devices(c, d, all, err);
}
