#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/cgroup/stats.h"
#include "tempdir.h"

static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(stats, .init = setup, .fini = teardown);

static void add_dir(struct cgroup *c, const char *name, bool v2, unsigned controllers)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/tasks", name);
    tempdir_put(&tmp, path, "");
    snprintf(path, sizeof(path), "%s/%s", tmp.path, name);
    c->dirs[c->n++] =
        (struct cgroup_dir){.v2 = v2,
                            .controllers = controllers,
                            .path = strdup(path),
                            .fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

#define ALL ((1u << CGROUP_CONTROLLERS) - 1)

static void read_stats(const struct cgroup *c, pid_t pid, struct mtd_stats *ret)
{
    char proc[128];
    snprintf(proc, sizeof(proc), "%s/proc", tmp.path);
    cr_assert_eq(stats_read_from(proc, c, pid, ret, NULL), 0);
}

#define V1_MEMORY                                                                      \
    "cache 1\ninactive_file 7\nhierarchical_memory_limit 67108864\ntotal_cache 5000\n" \
    "total_inactive_file 1000\n"

Test(stats, v1)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    struct mtd_stats s;
    add_dir(&c, "a", false, ALL);
    tempdir_put(&tmp, "a/cpuacct.usage", "123456789\n");
    tempdir_put(&tmp, "a/cpu.stat",
                "nr_periods 10\nnr_throttled 3\nthrottled_time 5000\n");
    tempdir_put(&tmp, "a/memory.usage_in_bytes", "9000\n");
    tempdir_put(&tmp, "a/memory.stat", V1_MEMORY);
    tempdir_put(&tmp, "a/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    tempdir_put(&tmp, "a/pids.current", "4\n");
    tempdir_put(&tmp, "a/pids.max", "50\n");
    tempdir_put(&tmp, "a/blkio.throttle.io_service_bytes_recursive",
                "8:0 Read 4096\n8:0 Write 100\n8:0 Sync 1\n8:0 Total 4196\n8:16 Read 4\n"
                "8:16 Write 2\nTotal 4202\n");
    read_stats(&c, 0, &s);
    cr_expect_gt(s.taken_at, 0);
    cr_expect_eq(s.cpu_ns, 123456789);
    cr_expect(s.periods == 10 && s.throttled_periods == 3 && s.throttled_ns == 5000);
    cr_expect_eq(s.memory, 8000);
    cr_expect_eq(s.memory_limit, 67108864);
    cr_expect_eq(s.memory_cache, 5000);
    cr_expect_eq(s.oom_kills, 2);
    cr_expect(s.pids == 4 && s.pids_limit == 50);
    cr_expect(s.blk_read == 4100 && s.blk_write == 102);
    cr_expect(s.net_rx == MTD_STAT_NONE && s.psi_cpu_us == MTD_STAT_NONE);
}

Test(stats, v2)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    struct mtd_stats s;
    add_dir(&c, "u", true, ALL);
    tempdir_put(&tmp, "u/cpu.stat",
                "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 10\n"
                "nr_throttled 3\nthrottled_usec 7\n");
    tempdir_put(&tmp, "u/memory.current", "9000\n");
    tempdir_put(&tmp, "u/memory.stat",
                "anon 1\nfile 6000\nactive_file 3\ninactive_file 2000\n");
    tempdir_put(&tmp, "u/memory.max", "max\n");
    tempdir_put(&tmp, "u/memory.events", "low 0\nhigh 0\nmax 4\noom 9\noom_kill 1\n");
    tempdir_put(&tmp, "u/pids.current", "4\n");
    tempdir_put(&tmp, "u/pids.max", "max\n");
    tempdir_put(&tmp, "u/io.stat",
                "8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0 dios=0\n"
                "8:16 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n");
    tempdir_put(&tmp, "u/cpu.pressure",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=11\n"
                "full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n");
    tempdir_put(&tmp, "u/memory.pressure",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=22\n");
    tempdir_put(&tmp, "u/io.pressure",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=33\n");
    read_stats(&c, 0, &s);
    cr_expect_eq(s.cpu_ns, 1500000);
    cr_expect(s.periods == 10 && s.throttled_periods == 3 && s.throttled_ns == 7000);
    cr_expect(s.memory == 7000 && s.memory_cache == 6000);
    cr_expect_eq(s.memory_limit, MTD_STAT_NONE);
    cr_expect_eq(s.oom_kills, 1);
    cr_expect(s.pids == 4 && s.pids_limit == MTD_STAT_NONE);
    cr_expect(s.blk_read == 101 && s.blk_write == 202);
    cr_expect(s.psi_cpu_us == 11 && s.psi_memory_us == 22 && s.psi_io_us == 33);
}

/* A hybrid host: the v2 directory has no controller but knows the CPU time and the pressure;
 * of what v1 does, its files are not believed. */
Test(stats, hybrid_takes_each_figure_from_its_place)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    struct mtd_stats s;
    add_dir(&c, "u", true, 1u << CGROUP_CPUACCT | 1u << CGROUP_FREEZER);
    add_dir(&c, "m", false, 1u << CGROUP_MEMORY);
    tempdir_put(&tmp, "u/cpu.stat", "usage_usec 1500\nnr_periods 10\n");
    tempdir_put(&tmp, "u/memory.current", "1\n");
    tempdir_put(&tmp, "u/cpu.pressure",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=11\n");
    tempdir_put(&tmp, "m/memory.usage_in_bytes", "500\n");
    tempdir_put(
        &tmp, "m/memory.stat",
        "hierarchical_memory_limit 9223372036854771712\ntotal_inactive_file 900\n");
    read_stats(&c, 0, &s);
    cr_expect_eq(s.cpu_ns, 1500000);
    cr_expect_eq(s.periods, MTD_STAT_NONE);
    cr_expect_eq(s.memory, 0, "more cache than usage is nothing, not a huge number");
    cr_expect_eq(s.memory_limit, MTD_STAT_NONE);
    cr_expect_eq(s.psi_cpu_us, 11);
    cr_expect_eq(s.pids, MTD_STAT_NONE);
    cr_expect_eq(s.blk_read, MTD_STAT_NONE);
}

Test(stats, network_is_all_but_the_loopback)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    struct mtd_stats s;
    add_dir(&c, "a", false, ALL);
    tempdir_put(&tmp, "a/pids.current", "4\n");
    tempdir_put(
        &tmp, "proc/7/net/dev",
        "Inter-|   Receive      |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes\n"
        "    lo:    3319      30    0    0    0     0          0  "
        "       0     3319   30\n"
        "  eth0: 100       769    0    0    0     0          0    "
        "     0    40    631  0\n"
        "veth1234:1       2    0    0    0     0          0         0    2    3    0\n");
    read_stats(&c, 7, &s);
    cr_expect(s.net_rx == 101 && s.net_tx == 42);
    read_stats(&c, 8, &s);
    cr_expect_eq(s.net_rx, MTD_STAT_NONE);
}

Test(stats, a_container_without_groups_does_not_run)
{
    struct cgroup c = {0};
    struct mtd_stats s;
    struct mtd_error err = {0};
    cr_expect_eq(stats_read(&c, 0, &s, &err), -ENOENT);
    cr_expect(strstr(err.text, "is not running"));
}
