/* A controller is available in a group only if every group above enables it
 * (cgroup.subtree_control). An earlier start has usually done that, and one read of the
 * new group's cgroup.controllers tells. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#define USUAL_PERIOD 100000
#define FREEZE_TIMEOUT (10 * NS_PER_SEC)
#define MAX_DEPTH 32
#define MOVE_TRIES 64
#define MOVED "init" /* podman's name for it */

uint64_t cgroup_v2_swap(const struct mtd_resources *r)
{
    if (r->memory <= 0 || r->memory_swap < 0)
        return UINT64_MAX;
    return (uint64_t)(r->memory_swap ? r->memory_swap - r->memory : r->memory);
}

static int limit_hard(const struct cgroup *c, const struct cgroup_dir *d,
                      const struct mtd_resources *r, struct mtd_error *err)
{
    if (c->fresh && r->memory == 0)
        return 0;
    char swap[24] = "max";
    bool asked = r->memory > 0 && r->memory_swap > 0;
    uint64_t limit = cgroup_v2_swap(r);
    if (limit != UINT64_MAX)
        snprintf(swap, sizeof(swap), "%llu", (unsigned long long)limit);
    int code = r->memory > 0 ? cgroup_put_u64(d, "memory.max", (uint64_t)r->memory, err)
                             : cgroup_put(d, "memory.max", "max", err);
    if (code < 0)
        return code;
    code = fs_write_at(d->fd, "memory.swap.max", swap);
    if (code == 0 || (code == -ENOENT && !asked))
        return 0;
    if (code != -ENOENT)
        return mtd_fail_errno(err, -code, "%s/memory.swap.max: cannot write \"%s\"",
                              d->path, swap);
    return mtd_about(err, MTD_ABOUT_SWAP,
                     mtd_fail(err, EOPNOTSUPP,
                              "this kernel does not account swap (no "
                              "%s/memory.swap.max); leave out its limit",
                              d->path));
}

/* Maps 2..262144 to 1..10000 so that the defaults, 1024 and 100, match; as runc and crun
 * do. */
static int limit_memory(const struct cgroup *c, const struct cgroup_dir *d,
                        const struct mtd_resources *r, struct mtd_error *err)
{
    int code = limit_hard(c, d, r, err);
    if (code == 0 && (r->memory_reservation || !c->fresh))
        code = cgroup_put_u64(d, "memory.low", (uint64_t)r->memory_reservation, err);
    return code;
}

/* 2..262144 to 1..10000 with 1024 on 100, both defaults; the map of runc and crun. */
uint64_t cgroup_v2_weight(uint64_t shares)
{
    if (shares <= 2)
        return 1;
    if (shares >= 262144)
        return 10000;
    double l = log2((double)shares);
    return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

static int limit_cpu(const struct cgroup *c, const struct cgroup_dir *d,
                     const struct mtd_resources *r, struct mtd_error *err)
{
    int code = 0;
    if (r->cpu_shares || !c->fresh)
        code = cgroup_put_u64(d, "cpu.weight",
                              r->cpu_shares ? cgroup_v2_weight(r->cpu_shares) : 100, err);
    struct cgroup_bandwidth b = cgroup_bandwidth_of(r);
    if (code == 0 && (b.quota > 0 || b.period || !c->fresh)) {
        char quota[24] = "max", text[64];
        if (b.quota > 0)
            snprintf(quota, sizeof(quota), "%lld", (long long)b.quota);
        snprintf(text, sizeof(text), "%s %lld", quota,
                 (long long)(b.period ? b.period : USUAL_PERIOD));
        code = cgroup_put(d, "cpu.max", text, err);
    }
    return code;
}

static int limit_cpuset(const struct cgroup *c, const struct cgroup_dir *d,
                        const struct mtd_resources *r, struct mtd_error *err)
{
    int code = 0;
    if (r->cpuset_cpus || !c->fresh)
        code = cgroup_put(d, "cpuset.cpus", r->cpuset_cpus ? r->cpuset_cpus : "\n", err);
    if (code == 0 && (r->cpuset_mems || !c->fresh))
        code = cgroup_put(d, "cpuset.mems", r->cpuset_mems ? r->cpuset_mems : "\n", err);
    return code;
}

/* BFQ takes docker's 10..1000 as they are; iocost's weights are 1..10000. */
static uint64_t iocost_weight(uint64_t weight)
{
    return 1 + (weight - 10) * 9999 / 990;
}

static int limit_weight(const struct cgroup *c, const struct cgroup_dir *d,
                        const struct mtd_resources *r, struct mtd_error *err)
{
    if (c->fresh && r->blkio_weight == 0)
        return 0;
    if (faccessat(d->fd, "io.bfq.weight", F_OK, 0) == 0)
        return cgroup_put_u64(d, "io.bfq.weight", r->blkio_weight ? r->blkio_weight : 100,
                              err);
    if (faccessat(d->fd, "io.weight", F_OK, 0) == 0)
        return cgroup_put_u64(
            d, "io.weight", r->blkio_weight ? iocost_weight(r->blkio_weight) : 100, err);
    return r->blkio_weight == 0
               ? 0
               : mtd_about(
                     err, MTD_ABOUT_BLKIO_WEIGHT,
                     mtd_fail(
                         err, EOPNOTSUPP,
                         "this kernel has no block device weights (no %s/io.weight); leave it out",
                         d->path));
}

static int limit_weight_devices(const struct cgroup_dir *d, const struct mtd_resources *r,
                                struct mtd_error *err)
{
    if (r->blkio[MTD_BLKIO_WEIGHT].len == 0)
        return 0;
    if (faccessat(d->fd, "io.bfq.weight", F_OK, 0) == 0)
        return cgroup_put_devices(d, "io.bfq.weight", "", MTD_BLKIO_WEIGHT, r, NULL, err);
    if (faccessat(d->fd, "io.weight", F_OK, 0) == 0)
        return cgroup_put_devices(d, "io.weight", "", MTD_BLKIO_WEIGHT, r, iocost_weight,
                                  err);
    return mtd_fail(err, EOPNOTSUPP,
                    "this kernel has no block device weights (no %s/io.weight); leave "
                    "them out",
                    d->path);
}

static int limit_io(const struct cgroup *c, const struct cgroup_dir *d,
                    const struct mtd_resources *r, struct mtd_error *err)
{
    static const struct {
        enum mtd_blkio kind;
        const char *key;
    } RATES[] = {{MTD_BLKIO_READ_BPS, "rbps="},
                 {MTD_BLKIO_WRITE_BPS, "wbps="},
                 {MTD_BLKIO_READ_IOPS, "riops="},
                 {MTD_BLKIO_WRITE_IOPS, "wiops="}};
    int code = limit_weight(c, d, r, err);
    if (code == 0)
        code = limit_weight_devices(d, r, err);
    for (size_t i = 0; i < ARRAY_SIZE(RATES) && code == 0; i++)
        code = cgroup_put_devices(d, "io.max", RATES[i].key, RATES[i].kind, r, NULL, err);
    return code;
}

static int limit_pids(const struct cgroup *c, const struct cgroup_dir *d,
                      const struct mtd_resources *r, struct mtd_error *err)
{
    if (r->pids > 0)
        return cgroup_put_u64(d, "pids.max", (uint64_t)r->pids, err);
    return c->fresh ? 0 : cgroup_put(d, "pids.max", "max", err);
}

static int set_devices(const struct cgroup *c, const struct cgroup_dir *d, bool all,
                       const struct cgroup_rules *rules, struct mtd_error *err)
{
    if (all && c->fresh)
        return 0;
    int code = cgroup_bpf_devices(d->fd, all, rules);
    if (code < 0)
        return mtd_fail_errno(err, -code, "cannot attach the device list to %s", d->path);
    return 0;
}

/* The group's processes are gone, or the group is: it was killed meanwhile. */
static bool is_deserted(const char *events, ssize_t n)
{
    return n < 0 || strstr(events, "populated 0");
}

/* The kernel reports changes at most every 10 ms, and not the last one of a group that is
 * removed meanwhile. */
#define LOOK_AGAIN_MS 20

/* cgroup.events raises POLLPRI for any change since it was last read, so each poll comes
 * after a read. */
static int freeze(const struct cgroup_dir *d, bool frozen)
{
    char text[256];
    int64_t deadline = clock_mono_ns() + FREEZE_TIMEOUT;
    auto_fd int events = openat(d->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    if (events < 0)
        return -errno;
    int code = fs_write_at(d->fd, "cgroup.freeze", frozen ? "1" : "0");
    while (code == 0) {
        ssize_t n = pread(events, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        if (strstr(text, frozen ? "frozen 1" : "frozen 0"))
            return 0;
        int64_t left = deadline - clock_mono_ns();
        if (is_deserted(text, n))
            code = -ESRCH;
        else if (left <= 0)
            code = -ETIMEDOUT;
        else
            poll(&(struct pollfd){.fd = events, .events = POLLPRI}, 1, LOOK_AGAIN_MS);
    }
    if (frozen)
        fs_write_at(d->fd, "cgroup.freeze", "0");
    return code;
}

/* Moves those of a list into a group: how many, or -errno. 0 = of another PID namespace. */
static int move_listed(int from, int to)
{
    char line[32];
    int moved = 0, rc = 0;
    auto_fd int fd = openat(from, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    auto_file FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
    if (!f)
        return -errno;
    (void)take_fd(&fd);
    while (rc == 0 && fgets(line, sizeof(line), f)) {
        rc = line[0] == '0' ? -EBUSY : fs_write_at(to, "cgroup.procs", line);
        moved += rc == 0;
        rc = rc == -ESRCH ? 0 : rc;
    }
    return rc < 0 ? rc : moved;
}

/* A group that passes controllers on may hold no process, unless it is the host's root. What looks
 * like that root in a container holds the container's: they go into a group below, as podman moves
 * them; what limits them stays above. */
static int move_out_of_the_way(int fd)
{
    if (faccessat(fd, "../cgroup.controllers", F_OK, 0) == 0)
        return -EBUSY; /* it is somebody's, and no root */
    if (mkdirat(fd, MOVED, 0755) < 0 && errno != EEXIST)
        return -errno;
    auto_fd int below = openat(fd, MOVED, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int moved = below < 0 ? -errno : 1;
    for (int tries = 0; tries < MOVE_TRIES && moved > 0; tries++)
        moved = move_listed(fd, below);
    return moved;
}

/* Enables all at once or, if that fails because the kernel refuses one of them, one by
 * one; but not if the group holds processes (EBUSY): with cpu or pids alone it could
 * become a threaded one. */
static void pass_on(int fd, unsigned wanted)
{
    char text[128] = "";
    size_t len = 0;
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        if (wanted & CGROUP_BIT(i))
            len += (size_t)snprintf(text + len, sizeof(text) - len, "+%s ",
                                    cgroup_v2_names[i]);
    int code = len ? fs_write_at(fd, "cgroup.subtree_control", text) : 0;
    if (code == -EBUSY && move_out_of_the_way(fd) == 0)
        code = fs_write_at(fd, "cgroup.subtree_control", text);
    for (int i = 0; i < CGROUP_CONTROLLERS && code < 0 && code != -EBUSY; i++) {
        char one[24];
        snprintf(one, sizeof(one), "+%s", cgroup_v2_names[i] ? cgroup_v2_names[i] : "");
        if (wanted & CGROUP_BIT(i))
            fs_write_at(fd, "cgroup.subtree_control", one);
    }
}

/* Those of wanted that the group lacks; what needs no controller is never lacking. */
static unsigned missing(int fd, unsigned wanted)
{
    char list[512];
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        if (!cgroup_v2_names[i])
            wanted &= ~CGROUP_BIT(i);
    if (wanted == 0)
        return 0;
    if (fs_read_small_at(fd, "cgroup.controllers", list, sizeof(list)) < 0)
        list[0] = '\0';
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        if (wanted & CGROUP_BIT(i) && cgroup_has_word(list, cgroup_v2_names[i]))
            wanted &= ~CGROUP_BIT(i);
    return wanted;
}

/* From the top down: a group can pass on what it has been given. Outside of the hierarchy there
 * is no such file. */
static int pass_down(int fd, unsigned wanted, int depth)
{
    unsigned lacks = missing(fd, wanted);
    if (lacks == 0 || depth == MAX_DEPTH ||
        faccessat(fd, "cgroup.controllers", F_OK, 0) < 0)
        return 0;
    auto_fd int parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return -errno;
    int code = pass_down(parent, lacks, depth + 1);
    pass_on(parent, lacks & ~missing(parent, lacks));
    return code;
}

static int prepare(struct cgroup_dir *d, struct mtd_error *err)
{
    int code = pass_down(d->fd, d->controllers, 0);
    if (code < 0)
        return mtd_fail_errno(err, -code, "cannot open the control groups above %s",
                              d->path);
    d->controllers &= ~missing(d->fd, d->controllers);
    return 0;
}

const struct cgroup_ops cgroup_v2 = {
    .limit =
        {
            [CGROUP_CPU] = limit_cpu,
            [CGROUP_CPUSET] = limit_cpuset,
            [CGROUP_MEMORY] = limit_memory,
            [CGROUP_BLKIO] = limit_io,
            [CGROUP_PIDS] = limit_pids,
        },
    .devices = set_devices,
    .freeze = freeze,
    .frozen_file = "cgroup.events",
    .frozen_line = "frozen 1\n",
    .freeze_file = "cgroup.freeze",
    .freeze_on = "1",
    .freeze_off = "0",
    .prepare = prepare,
    .oom_file = "memory.events",
    .used_file = "memory.current",
    .self = "cgroup.procs",
};
