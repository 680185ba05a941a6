/* values - setters for option tables (options.h): they parse a value and set its field.
 * Shape   the type of the field is in the comment of each.
 * Units   bytes, nanoseconds, 1e-9 CPUs, seconds for timeouts, as in engine/types.h.
 * Owner   char * fields own a copy; the old value is freed.
 * Errors  -EINVAL, -ERANGE or -ENOMEM; err holds the reason without the option's name,
 *         and the field is unchanged.
 */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include "engine/types.h"

/* char *; "" = NULL, as if it had not been given: scripts pass "$VARIABLE". The same
 * goes for value_restart, value_signal, value_moment, value_tail and the two lists. */
int value_copy(void *field, const char *text, struct mtd_error *err);
int value_memory(void *field, const char *text, struct mtd_error *err); /* int64_t */
int value_swap(void *field, const char *text, struct mtd_error *err);   /* int64_t, -1 */
int value_cpus(void *field, const char *text, struct mtd_error *err);   /* int64_t nano */
int value_cpuset(void *field, const char *text, struct mtd_error *err); /* char * */
int value_mems(void *field, const char *text, struct mtd_error *err);   /* char * */
int value_reservation(void *field, const char *text, struct mtd_error *err); /* int64_t */
int value_period(void *field, const char *text, struct mtd_error *err); /* int64_t us */
int value_quota(void *field, const char *text, struct mtd_error *err);  /* int64_t us */
int value_swappiness(void *field, const char *text,
                     struct mtd_error *err); /* struct mtd_resources */
int value_shm(void *field, const char *text, struct mtd_error *err);       /* int64_t */
int value_oom_score(void *field, const char *text, struct mtd_error *err); /* int */
int value_shares(void *field, const char *text, struct mtd_error *err);    /* uint64_t */
int value_weight(void *field, const char *text, struct mtd_error *err);    /* uint64_t */
int value_pids(void *field, const char *text, struct mtd_error *err);   /* int64_t, -1 */
int value_signal(void *field, const char *text, struct mtd_error *err); /* int */
/* A char *: the signal as it is typed. */
int value_signal_text(void *field, const char *text, struct mtd_error *err);
/* The member of a struct mtd_spec. */
int value_stop_timeout(void *field, const char *text, struct mtd_error *err);
/* int64_t seconds; -1 = wait forever */
int value_timeout(void *field, const char *text, struct mtd_error *err);
int value_duration(void *field, const char *text, struct mtd_error *err); /* int64_t ns */
int value_count(void *field, const char *text, struct mtd_error *err);    /* unsigned */
/* int64_t lines; -1 = all */
int value_tail(void *field, const char *text, struct mtd_error *err);
/* int64_t ns of the wall clock */
int value_moment(void *field, const char *text, struct mtd_error *err);

/* A restart policy; max = how many times, 0 = no limit. */
struct value_restart {
    bool set;
    enum mtd_restart policy;
    unsigned max;
};
int value_restart(void *field, const char *text, struct mtd_error *err);

#endif
