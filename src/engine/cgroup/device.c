/* docker's default device list, as a table for v1 and as a BPF_PROG_TYPE_CGROUP_DEVICE
 * program, which returns 1 for "allowed", for v2. The program is written as instructions,
 * because this build has no compiler for BPF; each rule is a block that falls through to
 * the next if it does not match. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define ANY (-1)

/* mknod of any device is harmless without the right to open it. 5:1 is the console, 5:2
 * the multiplexer of the container's own devpts, 136 its terminals. */
static const struct mtd_device_rule DEFAULTS[] = {
    {'c', ANY, ANY, "m"}, {'b', ANY, ANY, "m"},   {'c', 1, 3, "rwm"},
    {'c', 1, 5, "rwm"},   {'c', 1, 7, "rwm"},     {'c', 1, 8, "rwm"},
    {'c', 1, 9, "rwm"},   {'c', 5, 0, "rwm"},     {'c', 5, 1, "rwm"},
    {'c', 5, 2, "rwm"},   {'c', 136, ANY, "rwm"},
};

#define RULE_INSNS 8
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
static size_t emit_rule(struct bpf_insn *out, const struct mtd_device_rule *rule)
{
    size_t n = 0;
    int type = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    size_t jumps[4], n_jumps = 0;
    if (rule->type != 'a') {
        jumps[n_jumps++] = n;
        out[n++] = with_constant(BPF_JMP | BPF_JNE | BPF_K, R2, type, 0);
    }
    /* Any bit asked for that the rule does not give; none that it takes. */
    int bits = access_bits(rule->access);
    if (rule->deny)
        out[n++] = with_constant(BPF_JMP | BPF_JSET | BPF_K, R3, bits, 1);
    jumps[n_jumps++] = n;
    out[n++] = rule->deny ? with_constant(BPF_JMP | BPF_JA, 0, 0, 0)
                          : with_constant(BPF_JMP | BPF_JSET | BPF_K, R3, ~bits & 7, 0);
    if (rule->major != ANY) {
        jumps[n_jumps++] = n;
        out[n++] = with_constant(BPF_JMP | BPF_JNE | BPF_K, R4, rule->major, 0);
    }
    if (rule->minor != ANY) {
        jumps[n_jumps++] = n;
        out[n++] = with_constant(BPF_JMP | BPF_JNE | BPF_K, R5, rule->minor, 0);
    }
    out[n++] = with_constant(BPF_ALU64 | BPF_MOV | BPF_K, R0, !rule->deny, 0);
    out[n++] = with_constant(BPF_JMP | BPF_EXIT, 0, 0, 0);
    for (size_t i = 0; i < n_jumps; i++)
        out[jumps[i]].off = (__s16)(n - jumps[i] - 1);
    return n;
}

static size_t emit_program(struct bpf_insn *out, bool all,
                           const struct cgroup_rules *rules)
{
    size_t n = 0;
    out[n++] = load_word(R2, R1, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    out[n++] = with_constant(BPF_ALU64 | BPF_AND | BPF_K, R2, 0xffff, 0);
    out[n++] = load_word(R3, R1, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    out[n++] = with_constant(BPF_ALU64 | BPF_RSH | BPF_K, R3, 16, 0);
    out[n++] = load_word(R4, R1, offsetof(struct bpf_cgroup_dev_ctx, major));
    out[n++] = load_word(R5, R1, offsetof(struct bpf_cgroup_dev_ctx, minor));
    for (size_t i = rules->n; i-- > 0 && !all;) /* the last that matches decides */
        n += emit_rule(out + n, &rules->items[i]);
    out[n++] = with_constant(BPF_ALU64 | BPF_MOV | BPF_K, R0, all, 0);
    out[n++] = with_constant(BPF_JMP | BPF_EXIT, 0, 0, 0);
    return n;
}

/* The group keeps the program alive. Without flags, attaching again replaces it. */
int cgroup_bpf_devices(int dir_fd, bool all, const struct cgroup_rules *rules)
{
    auto_free struct bpf_insn *program =
        calloc(8 + rules->n * RULE_INSNS, sizeof(*program));
    if (!program)
        return -ENOMEM;
    union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE};
    load.insns = (__u64)(uintptr_t)program;
    load.insn_cnt = (__u32)emit_program(program, all, rules);
    load.license = (__u64)(uintptr_t) "GPL";
    auto_fd int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
    if (fd < 0)
        return -errno;
    union bpf_attr attach = {.attach_type = BPF_CGROUP_DEVICE};
    attach.target_fd = (__u32)dir_fd;
    attach.attach_bpf_fd = (__u32)fd;
    return syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) < 0 ? -errno : 0;
}

struct growing {
    struct mtd_device_rule *items;
    size_t n;
};

static int add_rule(struct growing *g, const struct mtd_device_rule *rule,
                    struct mtd_error *err)
{
    struct mtd_device_rule *all = reallocarray(g->items, g->n + 1, sizeof(*all));
    if (!all)
        return mtd_fail(err, ENOMEM, "out of memory");
    g->items = all;
    g->items[g->n++] = *rule;
    return 0;
}

static int add_device(const char *target, const struct stat *st, const char *access,
                      void *arg, struct mtd_error *err)
{
    struct mtd_device_rule rule = {.type = S_ISBLK(st->st_mode) ? 'b' : 'c',
                                   .major = (int)major(st->st_rdev),
                                   .minor = (int)minor(st->st_rdev)};
    (void)target;
    snprintf(rule.access, sizeof(rule.access), "%s", access);
    return add_rule(arg, &rule, err);
}

static int collect(struct growing *g, const struct mtd_spec *s, struct mtd_error *err)
{
    int code = 0;
    for (size_t i = 0; i < ARRAY_SIZE(DEFAULTS) && code == 0; i++)
        code = add_rule(g, &DEFAULTS[i], err);
    for (size_t i = 0; i < s->devices.len && code == 0; i++)
        code = mtd_device_each(s->devices.items[i], add_device, g, err);
    for (size_t i = 0; i < s->device_rules.len && code == 0; i++) {
        struct mtd_device_rule rule;
        code = mtd_device_rule_parse(s->device_rules.items[i], &rule, err);
        if (code == 0)
            code = add_rule(g, &rule, err);
    }
    return code;
}

bool cgroup_has_default_devices(const struct cgroup_dir *d)
{
    char text[4096];
    size_t lines = 1;
    int n = fs_read_small_at(d->fd, "devices.list", text, sizeof(text));
    for (int i = 0; i < n; i++)
        lines += text[i] == '\n';
    return n > 0 && text[0] != 'a' && lines == ARRAY_SIZE(DEFAULTS);
}

static int set_rules(struct cgroup *c, bool all, const struct growing *g,
                     struct mtd_error *err)
{
    struct cgroup_dir *d = cgroup_dir_of(c, CGROUP_DEVICES);
    if (!d || d->fd < 0)
        return all ? 0
                   : mtd_fail(err, EOPNOTSUPP,
                              "this host has no way to restrict devices");
    return cgroup_ops_of(d)->devices(c, d, all, &(struct cgroup_rules){g->items, g->n},
                                     err);
}

int cgroup_devices(struct cgroup *c, const struct mtd_spec *s, struct mtd_error *err)
{
    struct growing g = {0};
    int code = collect(&g, s, err);
    if (code == 0)
        code = set_rules(c, s->process.privileged, &g, err);
    free(g.items);
    return code;
}

/* What comes before a rule about all of them has no effect. */
int cgroup_device_rules(struct cgroup *c, const struct mtd_device_rule *rules, size_t n,
                        struct mtd_error *err)
{
    struct growing g = {0};
    size_t from = n;
    while (from > 0 && rules[from - 1].type != 'a')
        from--;
    bool all = from > 0 && !rules[from - 1].deny;
    bool only = all && from == n;
    int code = all && !only ? add_rule(&g, &rules[from - 1], err) : 0;
    for (size_t i = from; i < n && code == 0; i++)
        code = add_rule(&g, &rules[i], err);
    for (size_t i = 0; i < ARRAY_SIZE(DEFAULTS) && code == 0; i++)
        code = add_rule(&g, &DEFAULTS[i], err);
    if (code == 0)
        code = set_rules(c, only, &g, err);
    free(g.items);
    return code;
}
