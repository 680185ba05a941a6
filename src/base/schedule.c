/* glibc has no sched_setattr before 2.41. */

#include "base/schedule.h"

#include <errno.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define BITS (CHAR_BIT * sizeof(unsigned long))

/* The kernel's, of its first version. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

int schedule_apply(const struct schedule *s, const char **ret_what)
{
    const struct attributes a = {sizeof(a),   s->policy,  s->flags,    s->nice,
                                 s->priority, s->runtime, s->deadline, s->period};
    *ret_what = "I/O priority";
    if (s->sets_io && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, s->io) < 0)
        return -errno;
    *ret_what = "scheduler";
    return s->sets_policy && syscall(SYS_sched_setattr, 0, &a, 0) < 0 ? -errno : 0;
}

/* A list that parse_cpu_list has accepted. */
static void set_bits(unsigned long *mask, const char *cpus)
{
    while (*cpus) {
        char *end;
        unsigned long first = strtoul(cpus, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (; first <= last; first++)
            mask[first / BITS] |= 1UL << (first % BITS);
        cpus = *end == ',' ? end + 1 : end + strlen(end);
    }
}

int schedule_run_on(const char *cpus)
{
    unsigned long mask[SCHEDULE_CPUS_MAX / BITS] = {0};
    unsigned highest;
    if (parse_cpu_list(cpus, SCHEDULE_CPUS_MAX, &highest) < 0)
        return -EINVAL;
    set_bits(mask, cpus);
    return syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask) < 0 ? -errno : 0;
}
