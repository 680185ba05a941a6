/* Limits that depend on each other have an order: the kernel demands memory <=
 * memory+swap at every moment, not only in the end. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#define MEMORY "memory.limit_in_bytes"
#define MEMSW "memory.memsw.limit_in_bytes"
#define USUAL_PERIOD 100000
#define FREEZE_TIMEOUT (10 * NS_PER_SEC)
#define MAX_DEPTH 32

static int put_i64(const struct cgroup_dir *d, const char *file, int64_t value,
                   struct mtd_error *err)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    return cgroup_put(d, file, text, err);
}

/* -1 = unlimited, for the kernel as well. */
static int64_t memsw_of(const struct mtd_resources *r)
{
    if (r->memory <= 0 || r->memory_swap < 0)
        return -1;
    int64_t twice = r->memory > INT64_MAX / 2 ? -1 : 2 * r->memory;
    return r->memory_swap ? r->memory_swap : twice;
}

/* Without swap accounting there is no file: an error only if the user
 * asked for the limit. */
static int set_memsw(const struct cgroup_dir *d, const struct mtd_resources *r,
                     struct mtd_error *err)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)memsw_of(r));
    int code = fs_write_at(d->fd, MEMSW, text);
    if (code == -ENOENT && r->memory_swap <= 0)
        return 0;
    if (code == -ENOENT)
        return mtd_about(err, MTD_ABOUT_SWAP,
                         mtd_fail(err, EOPNOTSUPP,
                                  "this kernel does not account swap (no %s/" MEMSW
                                  "); boot with swapaccount=1 or leave out its limit",
                                  d->path));
    if (code < 0)
        return mtd_fail_errno(err, -code, "%s/" MEMSW ": cannot write \"%s\"", d->path,
                              text);
    return 0;
}

static int limit_hard(const struct cgroup *c, const struct cgroup_dir *d,
                      const struct mtd_resources *r, struct mtd_error *err)
{
    if (c->fresh && r->memory == 0)
        return 0;
    int64_t memory = r->memory ? r->memory : -1;
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)memory);
    int code = fs_write_at(d->fd, MEMORY, text);
    if (code == -EINVAL) { /* above the current memory+swap: raise that first */
        code = set_memsw(d, r, err);
        return code < 0 ? code : cgroup_put(d, MEMORY, text, err);
    }
    if (code == -EBUSY)
        return mtd_fail(err, EBUSY,
                        "a memory limit of %s bytes is below the memory in use", text);
    if (code < 0)
        return mtd_fail_errno(err, -code, "%s/" MEMORY ": cannot write \"%s\"", d->path,
                              text);
    return set_memsw(d, r, err);
}

/* The other three take effect at any time, in any order. */
static int limit_memory(const struct cgroup *c, const struct cgroup_dir *d,
                        const struct mtd_resources *r, struct mtd_error *err)
{
    int code = limit_hard(c, d, r, err);
    if (code == 0 && (r->memory_reservation || !c->fresh))
        code = put_i64(d, "memory.soft_limit_in_bytes",
                       r->memory_reservation ? r->memory_reservation : -1, err);
    if (code == 0 && r->sets_swappiness)
        code = cgroup_put_u64(d, "memory.swappiness", r->swappiness, err);
    if (code == 0 && r->oom_kill_disable)
        code = cgroup_put(d, "memory.oom_control", "1", err);
    return code;
}

static int limit_cpu(const struct cgroup *c, const struct cgroup_dir *d,
                     const struct mtd_resources *r, struct mtd_error *err)
{
    int code = 0;
    if (r->cpu_shares || !c->fresh)
        code = cgroup_put_u64(d, "cpu.shares", r->cpu_shares ? r->cpu_shares : 1024, err);
    struct cgroup_bandwidth b = cgroup_bandwidth_of(r);
    if (code == 0 && ((b.period && b.period != USUAL_PERIOD) || !c->fresh))
        code = put_i64(d, "cpu.cfs_period_us", b.period ? b.period : USUAL_PERIOD, err);
    if (code == 0 && (b.quota > 0 || !c->fresh))
        code = put_i64(d, "cpu.cfs_quota_us", b.quota, err);
    return code;
}

/* NULL = all that the group above has. */
static int put_list(const struct cgroup *c, const struct cgroup_dir *d, const char *file,
                    const char *list, struct mtd_error *err)
{
    char all[4096];
    if (c->fresh && !list)
        return 0;
    if (list)
        return cgroup_put(d, file, list, err);
    auto_fd int parent = openat(d->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int n = parent < 0 ? -errno : fs_read_small_at(parent, file, all, sizeof(all));
    if (n < 0)
        return mtd_fail_errno(err, -n, "cannot read %s above %s", file, d->path);
    return cgroup_put(d, file, all, err);
}

static int limit_cpuset(const struct cgroup *c, const struct cgroup_dir *d,
                        const struct mtd_resources *r, struct mtd_error *err)
{
    int code = put_list(c, d, "cpuset.cpus", r->cpuset_cpus, err);
    return code < 0 ? code : put_list(c, d, "cpuset.mems", r->cpuset_mems, err);
}

/* The first file is CFQ's, gone since Linux 5.0; the second exists if the kernel has
 * BFQ. */
static int limit_weight(const struct cgroup *c, const struct cgroup_dir *d,
                        const struct mtd_resources *r, struct mtd_error *err)
{
    static const struct {
        const char *file;
        uint64_t usual;
    } FILES[] = {{"blkio.weight", 500}, {"blkio.bfq.weight", 100}};
    if (c->fresh && r->blkio_weight == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++)
        if (faccessat(d->fd, FILES[i].file, F_OK, 0) == 0)
            return cgroup_put_u64(d, FILES[i].file,
                                  r->blkio_weight ? r->blkio_weight : FILES[i].usual,
                                  err);
    return r->blkio_weight == 0
               ? 0
               : mtd_about(
                     err, MTD_ABOUT_BLKIO_WEIGHT,
                     mtd_fail(
                         err, EOPNOTSUPP,
                         "this kernel has no block device weights (no %s/blkio.bfq.weight); leave it out",
                         d->path));
}

static int limit_weight_devices(const struct cgroup_dir *d, const struct mtd_resources *r,
                                struct mtd_error *err)
{
    static const char *const FILES[] = {"blkio.weight_device", "blkio.bfq.weight_device"};
    if (r->blkio[MTD_BLKIO_WEIGHT].len == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++)
        if (faccessat(d->fd, FILES[i], F_OK, 0) == 0)
            return cgroup_put_devices(d, FILES[i], "", MTD_BLKIO_WEIGHT, r, NULL, err);
    return mtd_fail(err, EOPNOTSUPP,
                    "this kernel has no weights for one block device (no "
                    "%s/blkio.bfq.weight_device); leave them out",
                    d->path);
}

static int limit_blkio(const struct cgroup *c, const struct cgroup_dir *d,
                       const struct mtd_resources *r, struct mtd_error *err)
{
    static const struct {
        enum mtd_blkio kind;
        const char *file;
    } RATES[] = {{MTD_BLKIO_READ_BPS, "blkio.throttle.read_bps_device"},
                 {MTD_BLKIO_WRITE_BPS, "blkio.throttle.write_bps_device"},
                 {MTD_BLKIO_READ_IOPS, "blkio.throttle.read_iops_device"},
                 {MTD_BLKIO_WRITE_IOPS, "blkio.throttle.write_iops_device"}};
    int code = limit_weight(c, d, r, err);
    if (code == 0)
        code = limit_weight_devices(d, r, err);
    for (size_t i = 0; i < ARRAY_SIZE(RATES) && code == 0; i++)
        code = cgroup_put_devices(d, RATES[i].file, "", RATES[i].kind, r, NULL, err);
    return code;
}

static int limit_pids(const struct cgroup *c, const struct cgroup_dir *d,
                      const struct mtd_resources *r, struct mtd_error *err)
{
    if (r->pids > 0)
        return cgroup_put_u64(d, "pids.max", (uint64_t)r->pids, err);
    return c->fresh ? 0 : cgroup_put(d, "pids.max", "max", err);
}

/* A new v1 group allows what its parent does. */
static int set_devices(const struct cgroup *c, const struct cgroup_dir *d, bool all,
                       const struct cgroup_rules *rules, struct mtd_error *err)
{
    if (all)
        return c->fresh ? 0 : cgroup_put(d, "devices.allow", "a", err);
    int code = 0;
    auto_fd int allow = openat(d->fd, "devices.allow", O_WRONLY | O_CLOEXEC);
    auto_fd int deny = openat(d->fd, "devices.deny", O_WRONLY | O_CLOEXEC);
    if (allow < 0 || deny < 0)
        code = mtd_fail_errno(err, errno, "cannot open %s/devices.allow", d->path);
    else if (write(deny, "a", 1) < 0)
        code = mtd_fail_errno(err, errno, "%s/devices.deny: cannot write \"a\"", d->path);
    for (size_t i = 0; i < rules->n && code == 0; i++) {
        const struct mtd_device_rule *rule = &rules->items[i];
        char text[48], major[12] = "*", minor[12] = "*";
        if (rule->major >= 0)
            snprintf(major, sizeof(major), "%d", rule->major);
        if (rule->minor >= 0)
            snprintf(minor, sizeof(minor), "%d", rule->minor);
        int n = snprintf(text, sizeof(text), "%c %s:%s %s", rule->type, major, minor,
                         rule->access);
        if (write(rule->deny ? deny : allow, text, (size_t)n) < 0)
            code = mtd_fail_errno(err, errno, "%s/devices.%s: cannot write \"%s\"",
                                  d->path, rule->deny ? "deny" : "allow", text);
    }
    return code;
}

static bool state_is(const struct cgroup_dir *d, const char *wanted)
{
    char state[32];
    return fs_read_small_at(d->fd, "freezer.state", state, sizeof(state)) >= 0 &&
           strcmp(state, wanted) == 0;
}

/* A task that forks while the group freezes can be missed, which leaves it in FREEZING;
 * writing FROZEN again makes the kernel visit every task again. */
static int freeze(const struct cgroup_dir *d, bool frozen)
{
    const char *wanted = frozen ? "FROZEN" : "THAWED";
    int64_t deadline = clock_mono_ns() + FREEZE_TIMEOUT;
    for (long wait = 50000; clock_mono_ns() < deadline;
         wait = wait < 5000000 ? wait * 2 : wait) {
        int code = fs_write_at(d->fd, "freezer.state", wanted);
        if (code < 0)
            return code;
        if (state_is(d, wanted))
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = wait}, NULL);
    }
    if (frozen)
        fs_write_at(d->fd, "freezer.state", "THAWED");
    return -ETIMEDOUT;
}

/* A cpuset takes no process before it, and the groups above it, have CPUs and memory
 * nodes. */
static int fill_from_above(int fd, const char *file, int depth)
{
    char text[4096];
    int n = fs_read_small_at(fd, file, text, sizeof(text));
    if (n != 0 || depth == MAX_DEPTH)
        return n < 0 ? n : 0;
    auto_fd int parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int code = parent < 0 ? -errno : fill_from_above(parent, file, depth + 1);
    n = code < 0 ? code : fs_read_small_at(parent, file, text, sizeof(text));
    return n < 0 ? n : fs_write_at(fd, file, text);
}

/* The first time on a host: with clone_children every group made below afterwards begins with
 * its parent's, so that a start need not write them. */
static int fill_cpuset(const struct cgroup_dir *d, struct mtd_error *err)
{
    static const char *const FILES[] = {"cpuset.cpus", "cpuset.mems"};
    auto_fd int parent = openat(d->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
        int code = fill_from_above(d->fd, FILES[i], 0);
        if (code < 0)
            return mtd_fail_errno(err, -code, "%s/%s: cannot copy the parent's value",
                                  d->path, FILES[i]);
    }
    if (parent >= 0)
        fs_write_at(parent, "cgroup.clone_children", "1");
    return 0;
}

const struct cgroup_ops cgroup_v1 = {
    .limit =
        {
            [CGROUP_CPU] = limit_cpu,
            [CGROUP_CPUSET] = limit_cpuset,
            [CGROUP_MEMORY] = limit_memory,
            [CGROUP_BLKIO] = limit_blkio,
            [CGROUP_PIDS] = limit_pids,
        },
    .devices = set_devices,
    .freeze = freeze,
    .frozen_file = "freezer.state",
    .frozen_line = "FROZEN\n",
    .freeze_file = "freezer.state",
    .freeze_on = "FROZEN",
    .freeze_off = "THAWED",
    .fill = fill_cpuset,
    .oom_file = "memory.oom_control",
    .used_file = "memory.usage_in_bytes",
    .self = "tasks",
};
