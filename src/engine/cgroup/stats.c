/* Which file has which figure depends on the version of the hierarchy: one table for each
 * says so, in the order in which the files are read, because memory.stat corrects what
 * memory.current says. A file that the kernel lacks leaves its figures at
 * MTD_STAT_NONE. */

#include "engine/cgroup/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#define FILE_MAX 8192
#define V1_NO_LIMIT \
    ((uint64_t)1 << 62) /* v1 expresses "none" as the highest page count */

typedef void (*source_fn)(char *text, struct mtd_stats *s);

/* The number after "key " or "key=" at the start of a line or a word. */
static bool find_number(const char *text, const char *key, uint64_t *ret)
{
    size_t len = strlen(key);
    for (const char *p = text; (p = strstr(p, key)); p += len) {
        bool starts = p == text || p[-1] == '\n' || p[-1] == ' ';
        if (starts && (p[len] == ' ' || p[len] == '=')) {
            *ret = strtoull(p + len + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

static uint64_t number_or_none(const char *text)
{
    return *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : MTD_STAT_NONE;
}

static void scale(uint64_t *value, uint64_t by)
{
    if (*value != MTD_STAT_NONE)
        *value *= by;
}

static void take_cpuacct(char *text, struct mtd_stats *s)
{
    s->cpu_ns = number_or_none(text);
}

static void take_cpu_v1(char *text, struct mtd_stats *s)
{
    find_number(text, "nr_periods", &s->periods);
    find_number(text, "nr_throttled", &s->throttled_periods);
    find_number(text, "throttled_time", &s->throttled_ns);
}

static void take_cpu_v2(char *text, struct mtd_stats *s)
{
    if (find_number(text, "usage_usec", &s->cpu_ns))
        scale(&s->cpu_ns, 1000);
}

static void take_throttling_v2(char *text, struct mtd_stats *s)
{
    find_number(text, "nr_periods", &s->periods);
    find_number(text, "nr_throttled", &s->throttled_periods);
    if (find_number(text, "throttled_usec", &s->throttled_ns))
        scale(&s->throttled_ns, 1000);
}

static void take_memory_usage(char *text, struct mtd_stats *s)
{
    s->memory = number_or_none(text);
}

/* The inactive page cache is not counted, as docker does it. */
static void subtract_inactive(const char *text, const char *key, struct mtd_stats *s)
{
    uint64_t inactive = 0;
    if (s->memory != MTD_STAT_NONE && find_number(text, key, &inactive))
        s->memory -= inactive < s->memory ? inactive : s->memory;
}

static void take_memory_stat_v1(char *text, struct mtd_stats *s)
{
    subtract_inactive(text, "total_inactive_file", s);
    find_number(text, "total_cache", &s->memory_cache);
    if (find_number(text, "hierarchical_memory_limit", &s->memory_limit) &&
        s->memory_limit >= V1_NO_LIMIT)
        s->memory_limit = MTD_STAT_NONE;
}

static void take_memory_stat_v2(char *text, struct mtd_stats *s)
{
    subtract_inactive(text, "inactive_file", s);
    find_number(text, "file", &s->memory_cache);
}

static void take_memory_max(char *text, struct mtd_stats *s)
{
    s->memory_limit = number_or_none(text);
}

static void take_oom(char *text, struct mtd_stats *s)
{
    find_number(text, "oom_kill", &s->oom_kills);
}

static void take_pids(char *text, struct mtd_stats *s)
{
    s->pids = number_or_none(text);
}

static void take_pids_max(char *text, struct mtd_stats *s)
{
    s->pids_limit = number_or_none(text);
}

/* "8:0 Read 4096" per device and kind, or "8:0 rbytes=4096 wbytes=0 ..." per device. */
static void sum_bytes(const char *text, const char *key, uint64_t *sum)
{
    uint64_t n;
    *sum = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        char line[256];
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(p, "\n"), p);
        if (find_number(line, key, &n))
            *sum += n;
    }
}

static void take_blkio(char *text, struct mtd_stats *s)
{
    sum_bytes(text, "Read", &s->blk_read);
    sum_bytes(text, "Write", &s->blk_write);
}

static void take_io(char *text, struct mtd_stats *s)
{
    sum_bytes(text, "rbytes", &s->blk_read);
    sum_bytes(text, "wbytes", &s->blk_write);
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=123" is the first line. */
static void take_psi_cpu(char *text, struct mtd_stats *s)
{
    find_number(text, "total", &s->psi_cpu_us);
}

static void take_psi_memory(char *text, struct mtd_stats *s)
{
    find_number(text, "total", &s->psi_memory_us);
}

static void take_psi_io(char *text, struct mtd_stats *s)
{
    find_number(text, "total", &s->psi_io_us);
}

#define ALWAYS CGROUP_CONTROLLERS /* needs no controller */
struct source {
    int controller;
    const char *file;
    source_fn take;
};

static const struct source V1[] = {
    {CGROUP_CPUACCT, "cpuacct.usage", take_cpuacct},
    {CGROUP_CPU, "cpu.stat", take_cpu_v1},
    {CGROUP_MEMORY, "memory.usage_in_bytes", take_memory_usage},
    {CGROUP_MEMORY, "memory.stat", take_memory_stat_v1},
    {CGROUP_MEMORY, "memory.oom_control", take_oom},
    {CGROUP_PIDS, "pids.current", take_pids},
    {CGROUP_PIDS, "pids.max", take_pids_max},
    {CGROUP_BLKIO, "blkio.throttle.io_service_bytes_recursive", take_blkio},
};

static const struct source V2[] = {
    {CGROUP_CPUACCT, "cpu.stat", take_cpu_v2},
    {CGROUP_CPU, "cpu.stat", take_throttling_v2},
    {CGROUP_MEMORY, "memory.current", take_memory_usage},
    {CGROUP_MEMORY, "memory.stat", take_memory_stat_v2},
    {CGROUP_MEMORY, "memory.max", take_memory_max},
    {CGROUP_MEMORY, "memory.events", take_oom},
    {CGROUP_PIDS, "pids.current", take_pids},
    {CGROUP_PIDS, "pids.max", take_pids_max},
    {CGROUP_BLKIO, "io.stat", take_io},
    {ALWAYS, "cpu.pressure", take_psi_cpu},
    {ALWAYS, "memory.pressure", take_psi_memory},
    {ALWAYS, "io.pressure", take_psi_io},
};

static int read_dir(const struct cgroup_dir *d, struct mtd_stats *s)
{
    const struct source *table = d->v2 ? V2 : V1;
    size_t n = d->v2 ? ARRAY_SIZE(V2) : ARRAY_SIZE(V1);
    int found = 0;
    for (size_t i = 0; i < n; i++) {
        char text[FILE_MAX];
        bool has =
            table[i].controller == ALWAYS || d->controllers & 1u << table[i].controller;
        if (!has || fs_read_small_at(d->fd, table[i].file, text, sizeof(text)) < 0)
            continue;
        table[i].take(text, s);
        found++;
    }
    return found;
}

/* "  eth0: RXBYTES and 7 more TXBYTES ..."; the two lines of titles have no colon. */
static void take_interfaces(const char *text, struct mtd_stats *s)
{
    s->net_rx = s->net_tx = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        char name[32];
        unsigned long long rx, tx;
        if (sscanf(p, " %31[^:\n]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &rx,
                   &tx) == 3 &&
            strcmp(name, "lo") != 0) {
            s->net_rx += rx;
            s->net_tx += tx;
        }
    }
}

static void read_network(const char *proc_dir, pid_t pid, struct mtd_stats *s)
{
    auto_done(buf_done) struct buf b = {0};
    char path[64];
    auto_fd int proc = pid > 0 ? open(proc_dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    snprintf(path, sizeof(path), "%d/net/dev", (int)pid);
    if (proc >= 0 && fs_read_at(proc, path, 1u << 20, &b) == 0 && b.data)
        take_interfaces(b.data, s);
}

int stats_read_from(const char *proc_dir, const struct cgroup *c, pid_t pid,
                    struct mtd_stats *ret, struct mtd_error *err)
{
    struct mtd_stats s;
    int found = 0;
    memset(&s, 0xff, sizeof(s)); /* every figure MTD_STAT_NONE */
    s.taken_at = clock_mono_ns();
    for (size_t i = 0; i < c->n; i++)
        if (c->dirs[i].fd >= 0)
            found += read_dir(&c->dirs[i], &s);
    if (found == 0)
        return mtd_fail(err, ENOENT,
                        "the container has no control groups: it is not running");
    read_network(proc_dir, pid, &s);
    *ret = s;
    return 0;
}

int stats_read(const struct cgroup *c, pid_t pid, struct mtd_stats *ret,
               struct mtd_error *err)
{
    return stats_read_from("/proc", c, pid, ret, err);
}
