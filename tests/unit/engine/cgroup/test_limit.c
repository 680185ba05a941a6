#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/cgroup/internal.h"
#include "tempdir.h"

/* A tree of plain files stands for the kernel's: what would have been written is read back. A
 * value lands at the start of its file, so files begin empty. */
static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(cgroup_limit, .init = setup, .fini = teardown);

static void make_file(const char *path, const char *text)
{
    tempdir_put(&tmp, path, text);
}

static void expect_file(const char *path, const char *text)
{
    char is[4096] = "";
    cr_assert_geq(fs_read_small_at(tmp.fd, path, is, sizeof(is)), 0, "%s", path);
    cr_expect_str_eq(is, text, "%s holds \"%s\", not \"%s\"", path, is, text);
}

static const char *const V1_FILES[] = {"cpu.shares",
                                       "cpu.cfs_quota_us",
                                       "memory.limit_in_bytes",
                                       "memory.memsw.limit_in_bytes",
                                       "cpu.cfs_period_us",
                                       "memory.soft_limit_in_bytes",
                                       "memory.swappiness",
                                       "memory.oom_control",
                                       "cpuset.mems",
                                       "blkio.bfq.weight_device",
                                       "blkio.throttle.read_bps_device",
                                       "blkio.throttle.write_bps_device",
                                       "blkio.throttle.read_iops_device",
                                       "blkio.throttle.write_iops_device",
                                       "blkio.weight",
                                       "pids.max",
                                       "cpuset.cpus",
                                       "devices.deny",
                                       "devices.allow"};
static const char *const V2_FILES[] = {
    "cpu.weight", "cpu.max",     "memory.max",  "memory.swap.max", "io.weight",
    "pids.max",   "cpuset.cpus", "cpuset.mems", "memory.low",      "io.max"};

/* One directory that has every controller, as a group just made. */
static void make_group(struct cgroup *ret, bool v2, const char *without)
{
    const char *const *files = v2 ? V2_FILES : V1_FILES;
    size_t n = v2 ? ARRAY_SIZE(V2_FILES) : ARRAY_SIZE(V1_FILES);
    char path[256];
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "cg/mytop-docker/g/%s", files[i]);
        if (!without || strcmp(files[i], without) != 0)
            make_file(path, "");
    }
    make_file("cg/cpuset.cpus", "0-3\n");
    make_file("cg/cpuset.mems", "0\n");
    make_file("cg/mytop-docker/cpuset.cpus", "0-3\n");
    make_file("cg/mytop-docker/cpuset.mems", "0\n");
    snprintf(path, sizeof(path), "%s/cg/mytop-docker/g", tmp.path);
    *ret = (struct cgroup){.n = 1, .fresh = true};
    ret->dirs[0] =
        (struct cgroup_dir){.v2 = v2,
                            .controllers = (1u << CGROUP_CONTROLLERS) - 1,
                            .path = strdup(path),
                            .fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

static const struct mtd_resources EVERYTHING = {.memory = 64 << 20,
                                                .memory_swap = 96 << 20,
                                                .nano_cpus = 500000000,
                                                .cpu_shares = 2048,
                                                .blkio_weight = 300,
                                                .pids = 77,
                                                .cpuset_cpus = "0-1,3"};

#define GROUP "cg/mytop-docker/g/"

Test(cgroup_limit, v1_values)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    make_group(&c, false, NULL);
    cr_assert_eq(cgroup_limit(&c, &EVERYTHING, NULL), 0);
    expect_file(GROUP "memory.limit_in_bytes", "67108864");
    expect_file(GROUP "memory.memsw.limit_in_bytes", "100663296");
    expect_file(GROUP "cpu.cfs_quota_us", "50000");
    expect_file(GROUP "cpu.shares", "2048");
    expect_file(GROUP "blkio.weight", "300");
    expect_file(GROUP "pids.max", "77");
    expect_file(GROUP "cpuset.cpus", "0-1,3");
}

Test(cgroup_limit, v2_values)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    make_group(&c, true, NULL);
    cr_assert_eq(cgroup_limit(&c, &EVERYTHING, NULL), 0);
    expect_file(GROUP "memory.max", "67108864");
    expect_file(GROUP "memory.swap.max", "33554432");
    expect_file(GROUP "cpu.max", "50000 100000");
    expect_file(GROUP "cpu.weight", "174");
    expect_file(GROUP "io.weight", "2930");
    expect_file(GROUP "pids.max", "77");
    expect_file(GROUP "cpuset.cpus", "0-1,3");
}

Test(cgroup_limit, nothing_asked_for_writes_nothing_into_a_new_group)
{
    static const struct mtd_resources NONE;
    auto_done(cgroup_done) struct cgroup c = {0};
    make_group(&c, false, NULL);
    cr_assert_eq(cgroup_limit(&c, &NONE, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(V1_FILES); i++) {
        char path[128];
        snprintf(path, sizeof(path), GROUP "%s", V1_FILES[i]);
        expect_file(path, "");
    }
}

/* update: what is not limited any more must be taken back. */
Test(cgroup_limit, nothing_asked_for_lifts_the_limits_of_a_living_group)
{
    static const struct mtd_resources NONE;
    auto_done(cgroup_done) struct cgroup v1 = {0}, v2 = {0};
    make_group(&v1, false, NULL);
    make_file("cg/mytop-docker/cpuset.cpus", "0-2\n");
    make_file("cg/mytop-docker/cpuset.mems", "0\n");
    v1.fresh = false;
    cr_assert_eq(cgroup_limit(&v1, &NONE, NULL), 0);
    expect_file(GROUP "memory.limit_in_bytes", "-1");
    expect_file(GROUP "memory.memsw.limit_in_bytes", "-1");
    expect_file(GROUP "cpu.cfs_quota_us", "-1");
    expect_file(GROUP "cpu.shares", "1024");
    expect_file(GROUP "pids.max", "max");
    expect_file(GROUP "cpuset.cpus", "0-2");
    expect_file(GROUP "cpuset.mems", "0");
    expect_file(GROUP "cpu.cfs_period_us", "100000");
    expect_file(GROUP "memory.soft_limit_in_bytes", "-1");
    make_group(&v2, true, NULL);
    v2.fresh = false;
    cr_assert_eq(cgroup_limit(&v2, &NONE, NULL), 0);
    expect_file(GROUP "memory.max", "max");
    expect_file(GROUP "memory.swap.max", "max");
    expect_file(GROUP "cpu.max", "max 100000");
    expect_file(GROUP "cpu.weight", "100");
    expect_file(GROUP "memory.low", "0");
}

Test(cgroup_limit, swap_is_twice_the_memory_unless_said)
{
    struct mtd_resources r = {.memory = 1 << 20};
    auto_done(cgroup_done) struct cgroup v1 = {0}, v2 = {0};
    make_group(&v1, false, NULL);
    cr_assert_eq(cgroup_limit(&v1, &r, NULL), 0);
    expect_file(GROUP "memory.memsw.limit_in_bytes", "2097152");
    make_group(&v2, true, NULL);
    cr_assert_eq(cgroup_limit(&v2, &r, NULL), 0);
    expect_file(GROUP "memory.swap.max", "1048576");
    r.memory_swap = -1;
    make_file(GROUP "memory.swap.max", "");
    cr_assert_eq(cgroup_limit(&v2, &r, NULL), 0);
    expect_file(GROUP "memory.swap.max", "max");
}

Test(cgroup_limit, no_swap_accounting_matters_only_when_asked_for)
{
    struct mtd_resources r = {.memory = 1 << 20};
    struct mtd_error err = {0};
    auto_done(cgroup_done) struct cgroup v1 = {0}, v2 = {0};
    make_group(&v1, false, "memory.memsw.limit_in_bytes");
    cr_expect_eq(cgroup_limit(&v1, &r, NULL), 0);
    r.memory_swap = 4 << 20;
    cr_expect_eq(cgroup_limit(&v1, &r, &err), -EOPNOTSUPP);
    cr_expect_eq(err.about, MTD_ABOUT_SWAP, "%s", err.text);
    cgroup_done(&v1);
    unlinkat(tmp.fd, GROUP "memory.swap.max", 0);
    make_group(&v2, true, "memory.swap.max");
    cr_expect_eq(cgroup_limit(&v2, &r, NULL), -EOPNOTSUPP);
    r.memory_swap = 0;
    cr_expect_eq(cgroup_limit(&v2, &r, NULL), 0);
}

Test(cgroup_limit, shares_map_to_weights_with_the_defaults_on_each_other)
{
    static const struct {
        uint64_t shares;
        const char *weight;
    } MAP[] = {{2, "1"}, {1024, "100"}, {262144, "10000"}, {512, "59"}};
    for (size_t i = 0; i < ARRAY_SIZE(MAP); i++) {
        auto_done(cgroup_done) struct cgroup c = {0};
        struct mtd_resources r = {.cpu_shares = MAP[i].shares};
        make_group(&c, true, NULL);
        cr_assert_eq(cgroup_limit(&c, &r, NULL), 0);
        expect_file(GROUP "cpu.weight", MAP[i].weight);
    }
}

static void expect_refused(struct mtd_resources r, int code, const char *word)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    struct mtd_error err = {0};
    make_group(&c, false, NULL);
    cr_expect_eq(cgroup_limit(&c, &r, &err), code, "%s", word);
    cr_expect(strstr(err.text, word), "\"%s\" does not say \"%s\"", err.text, word);
    expect_file(GROUP "cpuset.cpus", "");
}

Test(cgroup_limit, impossible_values_are_refused_with_the_reason)
{
    expect_refused((struct mtd_resources){.cpuset_cpus = "0-9"}, -EINVAL,
                   "available: 0-3");
    expect_refused((struct mtd_resources){.cpuset_cpus = "0-"}, -EINVAL, "0-");
    expect_refused((struct mtd_resources){.cpuset_cpus = "x"}, -EINVAL, "not a list");
    expect_refused((struct mtd_resources){.nano_cpus = 99999000000000}, -ERANGE, "0.01");
    expect_refused((struct mtd_resources){.nano_cpus = 1}, -ERANGE, "0.01");
    expect_refused((struct mtd_resources){.cpu_shares = 1}, -ERANGE, "262144");
    expect_refused((struct mtd_resources){.blkio_weight = 5}, -ERANGE, "1000");
    expect_refused((struct mtd_resources){.memory_swap = 5}, -EINVAL,
                   "needs a memory limit");
    expect_refused((struct mtd_resources){.memory = 1 << 20, .memory_swap = 5}, -EINVAL,
                   "less than");
}

Test(cgroup_limit, a_limit_without_its_controller_is_refused)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    struct mtd_error err = {0};
    struct mtd_resources r = {.pids = 5};
    make_group(&c, false, NULL);
    c.dirs[0].controllers &= ~(1u << CGROUP_PIDS);
    cr_expect_eq(cgroup_limit(&c, &r, &err), -EOPNOTSUPP);
    cr_expect_eq(err.about, MTD_ABOUT_PIDS, "%s", err.text);
    r.pids = 0;
    cr_expect_eq(cgroup_limit(&c, &r, NULL), 0);
}

Test(cgroup_limit, v2_weight_goes_to_bfq_when_that_is_there)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    struct mtd_resources r = {.blkio_weight = 300};
    make_group(&c, true, NULL);
    make_file(GROUP "io.bfq.weight", "");
    cr_assert_eq(cgroup_limit(&c, &r, NULL), 0);
    expect_file(GROUP "io.bfq.weight", "300");
    expect_file(GROUP "io.weight", "");
}

Test(cgroup_limit, v1_devices_are_denied_before_some_are_allowed)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    char text[512] = "";
    make_group(&c, false, NULL);
    cr_assert_eq(cgroup_devices(&c, &(struct mtd_spec){0}, NULL), 0);
    expect_file(GROUP "devices.deny", "a");
    cr_assert_geq(fs_read_small_at(tmp.fd, GROUP "devices.allow", text, sizeof(text)), 0);
    static const char *const RULES[] = {"c *:* m",   "b *:* m",   "c 1:3 rwm",
                                        "c 1:9 rwm", "c 5:2 rwm", "c 136:* rwm"};
    for (size_t i = 0; i < ARRAY_SIZE(RULES); i++)
        cr_expect(strstr(text, RULES[i]), "%s is not in %s", RULES[i], text);
}

/* ---- the rest of docker's limits: the conversions of runc and crun ---- */

static const struct mtd_resources MORE = {.memory_reservation = 32 << 20,
                                          .sets_swappiness = true,
                                          .oom_kill_disable = true,
                                          .cpu_period = 50000,
                                          .cpu_quota = 20000,
                                          .cpuset_mems = "0"};

Test(cgroup_limit, v1_reservation_bandwidth_and_nodes)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    make_group(&c, false, NULL);
    cr_assert_eq(cgroup_limit(&c, &MORE, NULL), 0);
    expect_file(GROUP "memory.soft_limit_in_bytes", "33554432");
    expect_file(GROUP "memory.swappiness", "0");
    expect_file(GROUP "memory.oom_control", "1");
    expect_file(GROUP "memory.limit_in_bytes", "");
    expect_file(GROUP "cpu.cfs_period_us", "50000");
    expect_file(GROUP "cpu.cfs_quota_us", "20000");
    expect_file(GROUP "cpuset.mems", "0");
}

/* v2 has neither a swappiness nor a switch for the OOM killer. */
Test(cgroup_limit, v2_reservation_bandwidth_and_nodes)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    make_group(&c, true, NULL);
    cr_assert_eq(cgroup_limit(&c, &MORE, NULL), 0);
    expect_file(GROUP "memory.low", "33554432");
    expect_file(GROUP "memory.max", "");
    expect_file(GROUP "cpu.max", "20000 50000");
    expect_file(GROUP "cpuset.mems", "0");
}

/* Nothing is rounded away that the kernel can keep: a period is 100,000 microseconds. */
Test(cgroup_limit, a_part_of_a_cpu)
{
    static const struct {
        int64_t nano;
        const char *quota;
    } ROWS[] = {{125000000, "12500"},   {10000000, "1000"},   {1000000000, "100000"},
                {1125000000, "112500"}, {333330000, "33333"}, {333339999, "33333"},
                {1999990000, "199999"}};
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
        struct mtd_resources r = {.nano_cpus = ROWS[i].nano};
        struct cgroup_bandwidth b = cgroup_bandwidth_of(&r);
        char quota[24];
        snprintf(quota, sizeof(quota), "%lld", (long long)b.quota);
        cr_expect_str_eq(quota, ROWS[i].quota, "%lld", (long long)ROWS[i].nano);
        cr_expect_eq(b.period, 100000, "%lld", (long long)ROWS[i].nano);
    }
}

Test(cgroup_limit, a_period_alone_has_no_quota)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    struct mtd_resources r = {.cpu_period = 50000, .cpu_quota = -1};
    make_group(&c, true, NULL);
    cr_assert_eq(cgroup_limit(&c, &r, NULL), 0);
    expect_file(GROUP "cpu.max", "max 50000");
}

/* Any block device of this machine, with its numbers; a test without one is skipped. */
static void find_device(char path[64], char numbers[32])
{
    struct dirent *e;
    struct stat st;
    DIR *dev = opendir("/dev");
    path[0] = '\0';
    while (dev && !path[0] && (e = readdir(dev)))
        if (strlen(e->d_name) < 40 && fstatat(dirfd(dev), e->d_name, &st, 0) == 0 &&
            S_ISBLK(st.st_mode)) {
            snprintf(path, 64, "/dev/%s", e->d_name);
            snprintf(numbers, 32, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
        }
    if (dev)
        closedir(dev);
    if (!path[0])
        cr_skip("needs a block device");
}

static void expect_device(bool v2, enum mtd_blkio kind, const char *file, const char *key)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    auto_done(mtd_resources_done) struct mtd_resources r = {0};
    char path[64], numbers[32], text[128], full[256];
    find_device(path, numbers);
    snprintf(text, sizeof(text), "%s:500", path);
    strv_add(&r.blkio[kind], text);
    make_group(&c, v2, NULL);
    struct mtd_error err = {0};
    cr_assert_eq(cgroup_limit(&c, &r, &err), 0, "%s", err.text);
    snprintf(full, sizeof(full), GROUP "%s", file);
    snprintf(text, sizeof(text), "%s %s", numbers, key);
    expect_file(full, text);
}

Test(cgroup_limit, v1_limits_of_one_device)
{
    expect_device(false, MTD_BLKIO_WEIGHT, "blkio.bfq.weight_device", "500");
    expect_device(false, MTD_BLKIO_READ_BPS, "blkio.throttle.read_bps_device", "500");
    expect_device(false, MTD_BLKIO_WRITE_BPS, "blkio.throttle.write_bps_device", "500");
    expect_device(false, MTD_BLKIO_READ_IOPS, "blkio.throttle.read_iops_device", "500");
    expect_device(false, MTD_BLKIO_WRITE_IOPS, "blkio.throttle.write_iops_device", "500");
}

Test(cgroup_limit, v2_limits_of_one_device)
{
    static const char *const KEYS[] = {[MTD_BLKIO_READ_BPS] = "rbps=500",
                                       [MTD_BLKIO_WRITE_BPS] = "wbps=500",
                                       [MTD_BLKIO_READ_IOPS] = "riops=500",
                                       [MTD_BLKIO_WRITE_IOPS] = "wiops=500"};
    for (unsigned kind = MTD_BLKIO_READ_BPS; kind < MTD_BLKIO_COUNT; kind++) {
        make_file(GROUP "io.max", "");
        expect_device(true, (enum mtd_blkio)kind, "io.max", KEYS[kind]);
    }
    expect_device(true, MTD_BLKIO_WEIGHT, "io.weight", "4950");
}

Test(cgroup_limit, impossible_values_of_the_rest_are_refused)
{
    struct mtd_resources r = {.cpuset_mems = "7"};
    expect_refused(r, -EINVAL, "requested memory nodes are not available: requested 7");
    expect_refused((struct mtd_resources){.cpu_quota = 999}, -ERANGE,
                   "1000 microseconds");
    expect_refused((struct mtd_resources){.cpu_period = 1000001}, -ERANGE, "1000000");
    expect_refused((struct mtd_resources){.nano_cpus = 500000000, .cpu_quota = 5000},
                   -EINVAL, "conflicting");
    expect_refused(
        (struct mtd_resources){.memory = 1 << 20, .memory_reservation = 2 << 20}, -EINVAL,
        "more than the memory limit");
}

Test(cgroup_limit, v1_devices_that_were_asked_for_follow_the_default_ones)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    auto_done(mtd_spec_done) struct mtd_spec s = {0};
    char text[1024] = "";
    strv_add(&s.devices, "/dev/null:/dev/n:r");
    strv_add(&s.device_rules, "c 189:* rw");
    strv_add(&s.device_rules, "a *:7 m");
    make_group(&c, false, NULL);
    cr_assert_eq(cgroup_devices(&c, &s, NULL), 0);
    cr_assert_geq(fs_read_small_at(tmp.fd, GROUP "devices.allow", text, sizeof(text)), 0);
    cr_expect(strstr(text, "c 136:* rwmc 1:3 rc 189:* rwa *:7 m"), "%s", text);
}

/* ---- files by name: unified ---- */

Test(cgroup_limit, a_file_by_name_is_written_whatever_it_is)
{
    auto_done(cgroup_done) struct cgroup g = {0};
    make_group(&g, true, NULL);
    make_file("cg/mytop-docker/g/misc.newer", "");
    const struct cgroup_file f = {.file2 = "misc.newer", .value2 = "a 1"};
    cr_expect_eq(cgroup_set_file(&g, &f, NULL), 0);
    expect_file("cg/mytop-docker/g/misc.newer", "a 1");
}

Test(cgroup_limit, a_file_by_name_of_a_controller_that_is_not_there_is_an_error)
{
    auto_done(cgroup_done) struct cgroup two = {0};
    auto_done(cgroup_done) struct cgroup one = {0};
    struct mtd_error err = {0};
    const struct cgroup_file f = {.file2 = "rdma.max", .value2 = "1"};
    make_group(&two, true, NULL);
    cr_expect_eq(cgroup_set_file(&two, &f, &err), -EOPNOTSUPP);
    cr_expect_not_null(strstr(err.text, "no rdma.max"), "%s", err.text);
    make_group(&one, false, NULL);
    make_file("cg/mytop-docker/g/rdma.max", "");
    cr_expect_eq(cgroup_set_file(&one, &f, NULL), -EOPNOTSUPP, "unified is v2's");
}
