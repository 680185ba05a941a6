/* limits - which resource limits may be asked for: one rule for each, with one wording.
 * Shape   one function for each value, for callers that have only that (an option, a
 *         field of a form); mtd_limits_check() for all of them together.
 * Units   those of struct mtd_resources; 0 = no limit, which is always allowed.
 * Errors  -EINVAL = makes no sense, -ERANGE = too small or too large; err says which
 *         limit is refused and what is allowed. mtd_limits_check() sets err->about.
 * Source  docker's ranges; its memory minimum of 6 MiB is runc's need, ours is what a
 *         static program needs to get as far as its exec.
 */
#ifndef ENGINE_LIMITS_H
#define ENGINE_LIMITS_H

#include "engine/types.h"

#define MTD_MEMORY_MIN (512 * 1024)
#define MTD_NANO_CPUS_MIN 10000000 /* 0.01: the kernel's shortest quota, 1 ms in 100 */
#define MTD_CPU_SHARES_MIN 2
#define MTD_CPU_SHARES_MAX 262144
#define MTD_BLKIO_WEIGHT_MIN 10
#define MTD_BLKIO_WEIGHT_MAX 1000
#define MTD_CPU_PERIOD_MIN 1000 /* microseconds: 1 ms to 1 s, the kernel's range */
#define MTD_CPU_PERIOD_MAX 1000000
#define MTD_CPU_QUOTA_MIN 1000
#define MTD_SWAPPINESS_MAX 100

int mtd_limit_memory(int64_t bytes, struct mtd_error *err);
int mtd_limit_cpus(int64_t nano_cpus, struct mtd_error *err);
int mtd_limit_cpu_shares(uint64_t shares, struct mtd_error *err);
int mtd_limit_blkio_weight(uint64_t weight, struct mtd_error *err);
int mtd_limit_reservation(int64_t bytes, struct mtd_error *err);
int mtd_limit_swappiness(int64_t percent, struct mtd_error *err); /* -1 = the host's */
int mtd_limit_cpu_period(int64_t us, struct mtd_error *err);
int mtd_limit_cpu_quota(int64_t us, struct mtd_error *err); /* negative = no limit */
int mtd_limit_pids(int64_t pids, struct mtd_error *err); /* -1 = no limit, as well as 0 */
/* Each time of it is the default, or a millisecond at least. */
int mtd_limit_health(const struct mtd_healthcheck *h, struct mtd_error *err);
/* list: "0-2,5", of CPUs that the machine has. A control group may be allowed fewer; only
 * setting the limit tells. */
int mtd_limit_cpuset(const char *list, struct mtd_error *err);
int mtd_limit_mems(const char *list, struct mtd_error *err); /* memory nodes, the same */

/* A ulimit: its name is known and soft is not above hard. Returns its RLIMIT_* number. */
int mtd_limit_rlimit(const struct mtd_rlimit *r, struct mtd_error *err);

/* "/dev/NAME:VALUE" taken apart: path has room for size bytes and may be NULL. Weights are
 * 10..1000, rates what parse_size takes (bytes) or whole numbers (operations). */
int mtd_limit_blkio(enum mtd_blkio kind, const char *text, char *path, size_t size,
                    uint64_t *ret, struct mtd_error *err);

/* All of r but the lists of CPUs and nodes, and what depends on two of them: memory and swap
 * together are not less than memory alone, a reservation is not more, and CPUs are given
 * either as a number or as quota and period. */
int mtd_limits_check(const struct mtd_resources *r, struct mtd_error *err);

unsigned mtd_host_cpus(void); /* CPUs online */
/* All CPU numbers are below this; some may be offline. */
unsigned mtd_host_cpu_numbers(void);

#endif
