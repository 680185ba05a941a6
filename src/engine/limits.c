/* create, update, the dashboard's forms and the control groups ask the same functions, so
 * that a limit which one of them accepts is not refused, or worded differently, by the
 * next. */

#include "engine/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/size.h"

static unsigned count_cpus(int name)
{
    long n = sysconf(name);
    return n > 0 ? (unsigned)n : 1;
}

unsigned mtd_host_cpus(void)
{
    return count_cpus(_SC_NPROCESSORS_ONLN);
}

unsigned mtd_host_cpu_numbers(void)
{
    return count_cpus(_SC_NPROCESSORS_CONF);
}

int mtd_limit_memory(int64_t bytes, struct mtd_error *err)
{
    char asked[SIZE_TEXT], least[SIZE_TEXT];
    if (bytes == 0 || bytes >= MTD_MEMORY_MIN)
        return 0;
    if (bytes < 0)
        return mtd_fail(err, EINVAL, "the memory limit is negative");
    return mtd_fail(err, ERANGE, "memory limit %s is below the minimum of %s",
                    size_exact((uint64_t)bytes, asked),
                    size_exact(MTD_MEMORY_MIN, least));
}

int mtd_limit_cpus(int64_t nano_cpus, struct mtd_error *err)
{
    if (nano_cpus == 0)
        return 0;
    unsigned cpus = mtd_host_cpus();
    if (nano_cpus >= MTD_NANO_CPUS_MIN && nano_cpus <= cpus * (int64_t)NS_PER_SEC)
        return 0;
    return mtd_fail(
        err, ERANGE,
        "%.9g CPUs are out of range: 0.01 to %u.00, this machine has %u CPU%s",
        (double)nano_cpus / 1e9, cpus, cpus, cpus == 1 ? "" : "s");
}

static int check_range(const char *what, uint64_t value, unsigned min, unsigned max,
                       struct mtd_error *err)
{
    if (value == 0 || (value >= min && value <= max))
        return 0;
    return mtd_fail(err, ERANGE, "%s %llu is out of range: %u to %u", what,
                    (unsigned long long)value, min, max);
}

int mtd_limit_cpu_shares(uint64_t shares, struct mtd_error *err)
{
    return check_range("CPU weight", shares, MTD_CPU_SHARES_MIN, MTD_CPU_SHARES_MAX, err);
}

int mtd_limit_blkio_weight(uint64_t weight, struct mtd_error *err)
{
    return check_range("block IO weight", weight, MTD_BLKIO_WEIGHT_MIN,
                       MTD_BLKIO_WEIGHT_MAX, err);
}

int mtd_limit_pids(int64_t pids, struct mtd_error *err)
{
    if (pids >= -1 && pids <= INT32_MAX)
        return 0;
    return mtd_fail(err, ERANGE,
                    "%lld is out of range for a number of processes: 1 to %d, or -1 for "
                    "no limit",
                    (long long)pids, INT32_MAX);
}

#define HEALTH_MIN 1000000

/* docker's words, and its bound: an image that asks for less would keep the host starting
 * processes. */
int mtd_limit_health(const struct mtd_healthcheck *h, struct mtd_error *err)
{
    const struct {
        int64_t value;
        const char *name;
    } TIMES[] = {{h->interval, "Interval"},
                 {h->timeout, "Timeout"},
                 {h->start_period, "StartPeriod"},
                 {h->start_interval, "StartInterval"}};
    for (size_t i = 0; i < ARRAY_SIZE(TIMES); i++)
        if (TIMES[i].value != 0 && TIMES[i].value < HEALTH_MIN)
            return mtd_fail(err, EINVAL, "%s in Healthcheck cannot be less than 1ms",
                            TIMES[i].name);
    return 0;
}

int mtd_limit_cpuset(const char *list, struct mtd_error *err)
{
    unsigned cpus = mtd_host_cpu_numbers();
    int rc = parse_cpu_list(list, cpus, NULL);
    if (rc == -ERANGE)
        return mtd_fail(err, ERANGE, "\"%.60s\": this machine has CPUs 0-%u", list,
                        cpus - 1);
    return rc < 0 ? mtd_fail(err, EINVAL, "\"%.60s\" is not a list of CPUs; write 0-1,3",
                             list)
                  : 0;
}

static const struct {
    const char *name;
    int resource;
} RLIMITS[] = {
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

int mtd_limit_rlimit(const struct mtd_rlimit *r, struct mtd_error *err)
{
    size_t i = 0;
    while (i < ARRAY_SIZE(RLIMITS) && strcmp(RLIMITS[i].name, r->name) != 0)
        i++;
    if (i == ARRAY_SIZE(RLIMITS))
        return mtd_fail(err, EINVAL, "ulimit %s: no such limit", r->name);
    if (r->soft > r->hard)
        return mtd_fail(err, EINVAL, "ulimit %s: the soft limit is above the hard one",
                        r->name);
    return RLIMITS[i].resource;
}

#define MAX_NODES 1024 /* the kernel's MAX_NUMNODES */

int mtd_limit_mems(const char *list, struct mtd_error *err)
{
    return parse_cpu_list(list, MAX_NODES, NULL) < 0
               ? mtd_fail(err, EINVAL,
                          "\"%.60s\" is not a list of memory nodes; write 0-1,3", list)
               : 0;
}

int mtd_limit_reservation(int64_t bytes, struct mtd_error *err)
{
    char asked[SIZE_TEXT], least[SIZE_TEXT];
    if (bytes == 0 || bytes >= MTD_MEMORY_MIN)
        return 0;
    return mtd_fail(err, ERANGE, "memory reservation %s is below the minimum of %s",
                    size_exact(bytes < 0 ? 0 : (uint64_t)bytes, asked),
                    size_exact(MTD_MEMORY_MIN, least));
}

int mtd_limit_swappiness(int64_t percent, struct mtd_error *err)
{
    if (percent >= -1 && percent <= MTD_SWAPPINESS_MAX)
        return 0;
    return mtd_fail(err, ERANGE,
                    "swappiness %lld is out of range: 0 to %d, or -1 for the host's",
                    (long long)percent, MTD_SWAPPINESS_MAX);
}

int mtd_limit_cpu_period(int64_t us, struct mtd_error *err)
{
    if (us == 0 || (us >= MTD_CPU_PERIOD_MIN && us <= MTD_CPU_PERIOD_MAX))
        return 0;
    return mtd_fail(err, ERANGE, "CPU period %lld is out of range: %d to %d microseconds",
                    (long long)us, MTD_CPU_PERIOD_MIN, MTD_CPU_PERIOD_MAX);
}

int mtd_limit_cpu_quota(int64_t us, struct mtd_error *err)
{
    if (us <= 0 || us >= MTD_CPU_QUOTA_MIN)
        return 0;
    return mtd_fail(err, ERANGE, "CPU quota %lld is below the minimum of %d microseconds",
                    (long long)us, MTD_CPU_QUOTA_MIN);
}

static int parse_blkio_value(enum mtd_blkio kind, const char *text, uint64_t *ret)
{
    bool bytes = kind == MTD_BLKIO_READ_BPS || kind == MTD_BLKIO_WRITE_BPS;
    int rc = bytes ? parse_size(text, ret) : parse_u64(text, UINT32_MAX, ret);
    if (rc == 0 && kind == MTD_BLKIO_WEIGHT &&
        (*ret < MTD_BLKIO_WEIGHT_MIN || *ret > MTD_BLKIO_WEIGHT_MAX))
        rc = -ERANGE;
    return rc == 0 && *ret == 0 ? -ERANGE : rc;
}

int mtd_limit_blkio(enum mtd_blkio kind, const char *text, char *path, size_t size,
                    uint64_t *ret, struct mtd_error *err)
{
    static const char *const VALUES[] = {
        [MTD_BLKIO_WEIGHT] = "WEIGHT, 10 to 1000",
        [MTD_BLKIO_READ_BPS] = "BYTES a second, such as 10m",
        [MTD_BLKIO_WRITE_BPS] = "BYTES a second, such as 10m",
        [MTD_BLKIO_READ_IOPS] = "OPERATIONS a second",
        [MTD_BLKIO_WRITE_IOPS] = "OPERATIONS a second",
    };
    const char *colon = strrchr(text, ':');
    uint64_t value;
    if (!colon || strncmp(text, "/dev/", 5) != 0 ||
        parse_blkio_value(kind, colon + 1, &value) < 0)
        return mtd_fail(err, EINVAL, "\"%.80s\" is not /dev/NAME:%s", text, VALUES[kind]);
    if (path && (size_t)snprintf(path, size, "%.*s", (int)(colon - text), text) >= size)
        return mtd_fail(err, ENAMETOOLONG, "\"%.80s\": the path is too long", text);
    *ret = value;
    return 0;
}

static int check_reservation(const struct mtd_resources *r, struct mtd_error *err)
{
    char asked[SIZE_TEXT], most[SIZE_TEXT];
    int rc = mtd_limit_reservation(r->memory_reservation, err);
    if (rc < 0 || r->memory == 0 || r->memory_reservation <= r->memory)
        return rc;
    return mtd_fail(err, EINVAL,
                    "the memory reservation, %s, is more than the memory limit, %s",
                    size_exact((uint64_t)r->memory_reservation, asked),
                    size_exact((uint64_t)r->memory, most));
}

/* A number of CPUs is a quota in a period of 100 ms. */
static int check_bandwidth(const struct mtd_resources *r, struct mtd_error *err)
{
    int rc =
        mtd_about(err, MTD_ABOUT_CPU_PERIOD, mtd_limit_cpu_period(r->cpu_period, err));
    if (rc == 0)
        rc = mtd_about(err, MTD_ABOUT_CPU_QUOTA, mtd_limit_cpu_quota(r->cpu_quota, err));
    if (rc < 0 || !r->nano_cpus || (!r->cpu_period && !r->cpu_quota))
        return rc;
    return mtd_about(err, r->cpu_period ? MTD_ABOUT_CPU_PERIOD : MTD_ABOUT_CPU_QUOTA,
                     mtd_fail(err, EINVAL,
                              "conflicting options: a number of CPUs and a CPU %s",
                              r->cpu_period ? "period" : "quota"));
}

static int check_blkio_devices(const struct mtd_resources *r, struct mtd_error *err)
{
    uint64_t value;
    for (unsigned kind = 0; kind < MTD_BLKIO_COUNT; kind++)
        for (size_t i = 0; i < r->blkio[kind].len; i++) {
            int rc = mtd_limit_blkio((enum mtd_blkio)kind, r->blkio[kind].items[i], NULL,
                                     0, &value, err);
            if (rc < 0)
                return rc;
        }
    return 0;
}

static int check_swap(int64_t memory, int64_t both, struct mtd_error *err)
{
    char asked[SIZE_TEXT], least[SIZE_TEXT];
    if (both == 0 || both == -1 || (memory && both >= memory))
        return 0;
    if (both < 0)
        return mtd_fail(err, EINVAL, "the limit of memory plus swap is negative");
    if (memory == 0)
        return mtd_fail(err, EINVAL,
                        "a limit of memory plus swap needs a memory limit as well");
    return mtd_fail(err, EINVAL,
                    "the limit of memory plus swap, %s, is less than that of "
                    "memory, %s",
                    size_exact((uint64_t)both, asked),
                    size_exact((uint64_t)memory, least));
}

int mtd_limits_check(const struct mtd_resources *r, struct mtd_error *err)
{
    int rc = mtd_about(err, MTD_ABOUT_MEMORY, mtd_limit_memory(r->memory, err));
    if (rc == 0)
        rc = mtd_about(err, MTD_ABOUT_SWAP, check_swap(r->memory, r->memory_swap, err));
    if (rc == 0)
        rc = mtd_about(err, MTD_ABOUT_CPUS, mtd_limit_cpus(r->nano_cpus, err));
    if (rc == 0)
        rc = mtd_about(err, MTD_ABOUT_CPU_SHARES,
                       mtd_limit_cpu_shares(r->cpu_shares, err));
    if (rc == 0)
        rc = mtd_about(err, MTD_ABOUT_BLKIO_WEIGHT,
                       mtd_limit_blkio_weight(r->blkio_weight, err));
    if (rc == 0)
        rc = mtd_about(err, MTD_ABOUT_RESERVATION, check_reservation(r, err));
    if (rc == 0 && r->sets_swappiness)
        rc = mtd_about(err, MTD_ABOUT_SWAPPINESS,
                       mtd_limit_swappiness(r->swappiness, err));
    if (rc == 0)
        rc = check_bandwidth(r, err);
    if (rc == 0)
        rc = mtd_about(err, MTD_ABOUT_BLKIO_DEVICE, check_blkio_devices(r, err));
    return rc < 0 ? rc : mtd_about(err, MTD_ABOUT_PIDS, mtd_limit_pids(r->pids, err));
}
