/* schedule - how the kernel is asked to schedule a process, its input and output, and where it may run.
 * Shape   a struct without pointers, which travels in a request; a process applies it to itself, and
 *         what it executes keeps it.
 * Errors  -errno, without a sentence; what failed is named.
 * Process any, single-threaded.
 * Source  sched_setattr(2), ioprio_set(2), sched_setaffinity(2).
 */
#ifndef BASE_SCHEDULE_H
#define BASE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_CPUS_MAX 8192u /* more than any kernel is built for */

struct schedule {
    bool sets_policy, sets_io;
    uint32_t policy; /* SCHED_* */
    int32_t nice;
    uint32_t priority;
    uint64_t flags, runtime, deadline, period; /* of SCHED_DEADLINE: ns */
    int32_t io;                                /* as ioprio_set takes it */
};
/* *ret_what: "scheduler", "I/O priority". */
int schedule_apply(const struct schedule *s, const char **ret_what);
#define SCHEDULE_ALL_CPUS "0-8191" /* that there are */
/* cpus: "0-3,7"; -EINVAL = it is no such list. */
int schedule_run_on(const char *cpus);

#endif
