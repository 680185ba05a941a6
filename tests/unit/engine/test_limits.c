/* limits: the edges of every range, and that one wording reaches the user. */

#include "engine/limits.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"

static struct mtd_error err;

static void setup(void)
{
    mtd_error_clear(&err);
}
TestSuite(limits, .init = setup);

static void expect_says(int rc, int code, const char *text)
{
    cr_expect_eq(rc, code, "%s", text);
    cr_expect_str_eq(err.text, text);
    mtd_error_clear(&err);
}

Test(limits, memory_has_a_minimum)
{
    cr_expect_eq(mtd_limit_memory(0, &err), 0);
    cr_expect_eq(mtd_limit_memory(MTD_MEMORY_MIN, &err), 0);
    cr_expect_eq(mtd_limit_memory(INT64_MAX, &err), 0);
    expect_says(mtd_limit_memory(MTD_MEMORY_MIN - 1, &err), -ERANGE,
                "memory limit 524287B is below the minimum of 512KiB");
    expect_says(mtd_limit_memory(1024, &err), -ERANGE,
                "memory limit 1KiB is below the minimum of 512KiB");
    expect_says(mtd_limit_memory(-1, &err), -EINVAL, "the memory limit is negative");
}

Test(limits, cpus_are_the_machines)
{
    int64_t most = mtd_host_cpus() * (int64_t)NS_PER_SEC;
    cr_expect_eq(mtd_limit_cpus(0, &err), 0);
    cr_expect_eq(mtd_limit_cpus(10000000, &err), 0);
    cr_expect_eq(mtd_limit_cpus(most, &err), 0);
    static const int64_t BAD[] = {9999999, 1, -1, INT64_MAX};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        cr_expect_eq(mtd_limit_cpus(BAD[i], NULL), -ERANGE, "%lld", (long long)BAD[i]);
    char text[160];
    snprintf(text, sizeof(text),
             "%u.5 CPUs are out of range: 0.01 to %u.00, this machine has %u CPU%s",
             mtd_host_cpus(), mtd_host_cpus(), mtd_host_cpus(),
             mtd_host_cpus() == 1 ? "" : "s");
    expect_says(mtd_limit_cpus(most + NS_PER_SEC / 2, &err), -ERANGE, text);
}

Test(limits, weights_have_dockers_ranges)
{
    static const uint64_t SHARES[] = {0, 2, 262144}, WEIGHTS[] = {0, 10, 1000};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(mtd_limit_cpu_shares(SHARES[i], &err), 0);
        cr_expect_eq(mtd_limit_blkio_weight(WEIGHTS[i], &err), 0);
    }
    expect_says(mtd_limit_cpu_shares(1, &err), -ERANGE,
                "CPU weight 1 is out of range: 2 to 262144");
    expect_says(mtd_limit_cpu_shares(262145, &err), -ERANGE,
                "CPU weight 262145 is out of range: 2 to 262144");
    expect_says(mtd_limit_blkio_weight(9, &err), -ERANGE,
                "block IO weight 9 is out of range: 10 to 1000");
    expect_says(mtd_limit_blkio_weight(1001, &err), -ERANGE,
                "block IO weight 1001 is out of range: 10 to 1000");
}

Test(limits, pids_may_be_minus_one)
{
    static const int64_t GOOD[] = {-1, 0, 1, INT32_MAX};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(mtd_limit_pids(GOOD[i], &err), 0);
    cr_expect_eq(mtd_limit_pids(-2, NULL), -ERANGE);
    cr_expect_eq(mtd_limit_pids(1LL + INT32_MAX, NULL), -ERANGE);
}

Test(limits, a_cpuset_is_a_list_of_cpus_there_are)
{
    char last[32], over[32], text[160];
    snprintf(last, sizeof(last), "0-%u", mtd_host_cpu_numbers() - 1);
    snprintf(over, sizeof(over), "0-%u", mtd_host_cpu_numbers());
    cr_expect_eq(mtd_limit_cpuset(last, &err), 0);
    snprintf(text, sizeof(text), "\"%s\": this machine has CPUs %s", over, last);
    expect_says(mtd_limit_cpuset(over, &err), -ERANGE, text);
    expect_says(mtd_limit_cpuset("", &err), -EINVAL,
                "\"\" is not a list of CPUs; write 0-1,3");
    expect_says(mtd_limit_cpuset("0-", &err), -EINVAL,
                "\"0-\" is not a list of CPUs; write 0-1,3");
}

Test(limits, a_ulimit_has_a_known_name_and_soft_is_not_above_hard)
{
    struct mtd_rlimit r = {.name = "nofile", .soft = 5, .hard = 5};
    cr_expect_eq(mtd_limit_rlimit(&r, &err), RLIMIT_NOFILE);
    r = (struct mtd_rlimit){.name = "cpu", .soft = 0, .hard = UINT64_MAX};
    cr_expect_eq(mtd_limit_rlimit(&r, &err), RLIMIT_CPU);
    r = (struct mtd_rlimit){.name = "nofile", .soft = 6, .hard = 5};
    expect_says(mtd_limit_rlimit(&r, &err), -EINVAL,
                "ulimit nofile: the soft limit is above the hard one");
    r = (struct mtd_rlimit){.name = "NOFILE"};
    expect_says(mtd_limit_rlimit(&r, &err), -EINVAL, "ulimit NOFILE: no such limit");
    r = (struct mtd_rlimit){.name = ""};
    expect_says(mtd_limit_rlimit(&r, &err), -EINVAL, "ulimit : no such limit");
}

Test(limits, swap_needs_memory_and_is_not_less)
{
    struct mtd_resources r = {.memory_swap = 1 << 20};
    expect_says(mtd_limits_check(&r, &err), -EINVAL,
                "a limit of memory plus swap needs a memory limit as well");
    r.memory = (1 << 20) + 1;
    expect_says(mtd_limits_check(&r, &err), -EINVAL,
                "the limit of memory plus swap, 1MiB, is less than that of "
                "memory, 1048577B");
    r.memory = 1 << 20;
    cr_expect_eq(mtd_limits_check(&r, &err), 0);
    r = (struct mtd_resources){.memory_swap = -1};
    cr_expect_eq(mtd_limits_check(&r, &err), 0);
    r.memory_swap = -2;
    cr_expect_eq(mtd_limits_check(&r, NULL), -EINVAL);
}

Test(limits, each_of_them_is_checked)
{
    static const struct mtd_resources BAD[] = {{.memory = 1},     {.nano_cpus = 1},
                                               {.cpu_shares = 1}, {.blkio_weight = 1},
                                               {.pids = -2},      {.memory_swap = 1}};
    static const struct mtd_resources NONE;
    cr_expect_eq(mtd_limits_check(&NONE, NULL), 0);
    static const int ABOUT[] = {MTD_ABOUT_MEMORY,     MTD_ABOUT_CPUS,
                                MTD_ABOUT_CPU_SHARES, MTD_ABOUT_BLKIO_WEIGHT,
                                MTD_ABOUT_PIDS,       MTD_ABOUT_SWAP};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        cr_expect_lt(mtd_limits_check(&BAD[i], &err), 0, "%zu", i);
        cr_expect_eq(err.about, ABOUT[i], "%zu", i);
        mtd_error_clear(&err);
    }
}

/* The command line refuses these itself; an image's config comes here. */
Test(limits, a_health_check_waits_a_millisecond)
{
    static const struct mtd_healthcheck BAD[] = {{.interval = 1},
                                                 {.timeout = 999999},
                                                 {.start_period = -1},
                                                 {.start_interval = 1}};
    static const struct mtd_healthcheck GOOD[] = {
        {.interval = 0}, {.interval = 1000000, .timeout = 1000000}};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        cr_expect_eq(mtd_limit_health(&BAD[i], &err), -EINVAL, "%zu", i);
        cr_expect(strstr(err.text, "in Healthcheck cannot be less than 1ms"), "%s",
                  err.text);
        mtd_error_clear(&err);
    }
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
        cr_expect_eq(mtd_limit_health(&GOOD[i], &err), 0);
}
