/* values - setters of option tables (options.h): text to field, refused with the reason.
 * Units   the fields' (types.h): bytes, nanoseconds, 1e-9 CPUs, seconds where it says so.
 * Owner   char * fields own a copy; the old value is freed.
 * Errors  -EINVAL / -ERANGE, err holds the reason without the option's name.
 */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include "engine/types.h"

int value_copy(void *field, const char *text, struct mtd_error *err);   /* char * */
int value_memory(void *field, const char *text, struct mtd_error *err); /* int64_t */
int value_swap(void *field, const char *text, struct mtd_error *err);   /* int64_t, -1 */
int value_cpus(void *field, const char *text, struct mtd_error *err);   /* int64_t nano */
int value_cpuset(void *field, const char *text, struct mtd_error *err); /* char * */
int value_shares(void *field, const char *text, struct mtd_error *err); /* uint64_t */
int value_weight(void *field, const char *text, struct mtd_error *err); /* uint64_t */
int value_pids(void *field, const char *text, struct mtd_error *err);   /* int64_t, -1 */
int value_signal(void *field, const char *text, struct mtd_error *err); /* int */
int value_timeout(void *field, const char *text,
                  struct mtd_error *err); /* int64_t s, -1 */
int value_duration(void *field, const char *text, struct mtd_error *err); /* int64_t ns */
int value_count(void *field, const char *text, struct mtd_error *err);    /* unsigned */
int value_tail(void *field, const char *text,
               struct mtd_error *err); /* int64_t, all = -1 */
int value_moment(void *field, const char *text,
                 struct mtd_error *err); /* int64_t wall ns */

struct value_restart {
    bool set;
    enum mtd_restart policy;
    unsigned max;
};
int value_restart(void *field, const char *text, struct mtd_error *err);

#endif
