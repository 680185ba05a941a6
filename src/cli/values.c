/* values - only the form is checked here. Which values are allowed is checked by the
 * engine (mtd_limit_*), because there are other ways to set a limit. */

#include "cli/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "engine/engine.h"

int value_copy(void *field, const char *text, struct mtd_error *err)
{
    char *copy = *text ? strdup(text) : NULL;
    if (!copy && *text)
        return mtd_fail(err, ENOMEM, "out of memory");
    free(*(char **)field);
    *(char **)field = copy;
    return 0;
}

/* A number with too many digits is none: only a limit is out of range. */
static int fail_value(struct mtd_error *err, int rc, const char *text,
                      const char *expected)
{
    return mtd_fail(err, rc == -ERANGE ? EINVAL : -rc, "\"%.60s\" is not %s", text,
                    expected);
}

int value_memory(void *field, const char *text, struct mtd_error *err)
{
    uint64_t bytes;
    int rc = parse_size(text, &bytes);
    if (rc < 0)
        return fail_value(err, rc, text, "a size; write 512k, 100m or 2g");
    rc = mtd_limit_memory((int64_t)bytes, err);
    if (rc == 0)
        *(int64_t *)field = (int64_t)bytes;
    return rc;
}

/* What it must not be less than is known when all options are (mtd_limits_check). */
int value_swap(void *field, const char *text, struct mtd_error *err)
{
    uint64_t bytes = 0;
    bool none = strcmp(text, "-1") == 0;
    int rc = none ? 0 : parse_size(text, &bytes);
    if (rc < 0)
        return fail_value(err, rc, text, "a size or -1; write 512k, 100m or 2g");
    *(int64_t *)field = none ? -1 : (int64_t)bytes;
    return 0;
}

int value_cpus(void *field, const char *text, struct mtd_error *err)
{
    int64_t nano;
    int rc = parse_decimal_nano(text, &nano);
    if (rc < 0)
        return fail_value(err, rc, text, "a number of CPUs; write 1.5");
    rc = mtd_limit_cpus(nano, err);
    if (rc == 0)
        *(int64_t *)field = nano;
    return rc;
}

int value_cpuset(void *field, const char *text, struct mtd_error *err)
{
    int rc = *text ? mtd_limit_cpuset(text, err) : 0;
    return rc < 0 ? rc : value_copy(field, text, err);
}

int value_mems(void *field, const char *text, struct mtd_error *err)
{
    int rc = *text ? mtd_limit_mems(text, err) : 0;
    return rc < 0 ? rc : value_copy(field, text, err);
}

int value_reservation(void *field, const char *text, struct mtd_error *err)
{
    uint64_t bytes;
    int rc = parse_size(text, &bytes);
    if (rc < 0)
        return fail_value(err, rc, text, "a size; write 512k, 100m or 2g");
    rc = mtd_limit_reservation((int64_t)bytes, err);
    if (rc == 0)
        *(int64_t *)field = (int64_t)bytes;
    return rc;
}

static int set_signed(int64_t *field, const char *text, const char *expected,
                      int (*check)(int64_t, struct mtd_error *), struct mtd_error *err)
{
    int64_t value;
    int rc = parse_i64(text, INT64_MIN, INT64_MAX, &value);
    if (rc < 0)
        return fail_value(err, rc, text, expected);
    rc = check(value, err);
    if (rc == 0)
        *field = value;
    return rc;
}

#define MICROSECONDS "a number of microseconds"

int value_period(void *field, const char *text, struct mtd_error *err)
{
    return set_signed(field, text, MICROSECONDS, mtd_limit_cpu_period, err);
}

/* The kernel and docker write "no limit" as -1. */
int value_quota(void *field, const char *text, struct mtd_error *err)
{
    int64_t us = 0;
    int rc = set_signed(&us, text, MICROSECONDS, mtd_limit_cpu_quota, err);
    if (rc == 0)
        *(int64_t *)field = us < 0 ? -1 : us;
    return rc;
}

int value_swappiness(void *field, const char *text, struct mtd_error *err)
{
    struct mtd_resources *r = field;
    int64_t percent = -1;
    int rc = set_signed(&percent, text, "a percentage", mtd_limit_swappiness, err);
    if (rc < 0)
        return rc;
    r->sets_swappiness = percent >= 0;
    r->swappiness = percent >= 0 ? (unsigned)percent : 0;
    return 0;
}

int value_shm(void *field, const char *text, struct mtd_error *err)
{
    uint64_t bytes;
    int rc = parse_size(text, &bytes);
    if (rc < 0)
        return fail_value(err, rc, text, "a size; write 512k, 100m or 2g");
    *(int64_t *)field = (int64_t)bytes;
    return 0;
}

int value_oom_score(void *field, const char *text, struct mtd_error *err)
{
    int64_t score;
    int rc = parse_i64(text, -1000, 1000, &score);
    if (rc < 0)
        return fail_value(err, rc, text, "a number from -1000 to 1000");
    *(int *)field = (int)score;
    return 0;
}

static int set_number(uint64_t *field, const char *text,
                      int (*check)(uint64_t, struct mtd_error *), struct mtd_error *err)
{
    uint64_t value;
    int rc = parse_u64(text, UINT64_MAX, &value);
    if (rc < 0)
        return fail_value(err, rc, text, "a whole number");
    rc = check(value, err);
    if (rc == 0)
        *field = value;
    return rc;
}

int value_shares(void *field, const char *text, struct mtd_error *err)
{
    return set_number(field, text, mtd_limit_cpu_shares, err);
}

int value_weight(void *field, const char *text, struct mtd_error *err)
{
    return set_number(field, text, mtd_limit_blkio_weight, err);
}

int value_pids(void *field, const char *text, struct mtd_error *err)
{
    int64_t value;
    int rc = parse_i64(text, INT64_MIN, INT64_MAX, &value);
    if (rc < 0)
        return fail_value(err, rc, text, "a number of processes (-1 = no limit)");
    rc = mtd_limit_pids(value, err);
    if (rc == 0)
        *(int64_t *)field = value;
    return rc;
}

int value_signal(void *field, const char *text, struct mtd_error *err)
{
    int rc = *text ? parse_signal(text, field) : 0;
    return rc < 0 ? fail_value(err, rc, text, "a signal; write TERM, SIGTERM or 15") : 0;
}

int value_signal_text(void *field, const char *text, struct mtd_error *err)
{
    int sig;
    int rc = value_signal(&sig, text, err);
    return rc < 0 ? rc : value_copy(field, text, err);
}

int value_stop_timeout(void *field, const char *text, struct mtd_error *err)
{
    struct mtd_spec *s = field;
    s->sets_stop_timeout = true;
    return value_timeout(&s->stop_timeout, text, err);
}

int value_timeout(void *field, const char *text, struct mtd_error *err)
{
    int rc = parse_i64(text, -1, INT32_MAX, field);
    return rc < 0 ? fail_value(err, rc, text, "a number of seconds (-1 = wait forever)")
                  : 0;
}

int value_duration(void *field, const char *text, struct mtd_error *err)
{
    int64_t ns;
    int rc = parse_duration_ns(text, &ns);
    if (rc < 0)
        return fail_value(err, rc, text, "a duration; write 500ms, 30s or 1m30s");
    if (ns != 0 && ns < NS_PER_MS)
        return mtd_fail(err, ERANGE, "\"%.60s\" is less than 1ms", text);
    *(int64_t *)field = ns;
    return 0;
}

int value_count(void *field, const char *text, struct mtd_error *err)
{
    uint64_t value;
    int rc = parse_u64(text, 1000000, &value);
    if (rc < 0)
        return fail_value(err, rc, text, "a non-negative number");
    *(unsigned *)field = (unsigned)value;
    return 0;
}

/* As docker: what is no number is all, as "all" is. */
int value_tail(void *field, const char *text, struct mtd_error *err)
{
    int64_t lines = -1;
    (void)err;
    (void)parse_i64(text, INT64_MIN, INT64_MAX, &lines);
    *(int64_t *)field = lines < 0 ? -1 : lines;
    return 0;
}

int value_moment(void *field, const char *text, struct mtd_error *err)
{
    int rc = *text ? time_parse(text, clock_wall_ns(), field) : 0;
    if (rc == -ERANGE) { /* beyond 1677 or 2262: before or after all there is */
        bool is_date = strchr(text, '-') || strspn(text, "0123456789.") == strlen(text);
        *(int64_t *)field = is_date ? INT64_MAX : 1;
        rc = 0;
    }
    if (rc == 0 && *text && *(int64_t *)field == 0)
        *(int64_t *)field = 1; /* 1970 is a time; 0 is none */
    return rc < 0
               ? fail_value(err, rc, text,
                            "a time; write 2026-01-02T15:04:05, a Unix time, or 10m for "
                            "ten minutes ago")
               : 0;
}

int value_restart(void *field, const char *text, struct mtd_error *err)
{
    static const char *const NAMES[] = {
        [MTD_RESTART_NO] = "no",
        [MTD_RESTART_ON_FAILURE] = "on-failure",
        [MTD_RESTART_ALWAYS] = "always",
        [MTD_RESTART_UNLESS_STOPPED] = "unless-stopped",
    };
    struct value_restart r = {.set = true};
    size_t len = strcspn(text, ":");
    size_t i = 0;
    if (!*text)
        return *(struct value_restart *)field = (struct value_restart){0}, 0;
    while (i < ARRAY_SIZE(NAMES) &&
           (strlen(NAMES[i]) != len || strncmp(NAMES[i], text, len) != 0))
        i++;
    if (i == ARRAY_SIZE(NAMES))
        return fail_value(
            err, -EINVAL, text,
            "a restart policy: no, on-failure[:TIMES], always, unless-stopped");
    r.policy = (enum mtd_restart)i;
    if (text[len] && r.policy != MTD_RESTART_ON_FAILURE)
        return mtd_fail(err, EINVAL, "\"%.60s\": only on-failure takes a number", text);
    if (text[len] && value_count(&r.max, text + len + 1, NULL) < 0)
        return fail_value(err, -EINVAL, text, "on-failure with a non-negative number");
    *(struct value_restart *)field = r;
    return 0;
}
