/* HEALTHCHECK [--interval= --timeout= --start-period= --start-interval= --retries=] CMD ... or
 * NONE. What is not said is the default, and not what the base image says. */

#include "engine/image/internal.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "engine/image/dockerfile_words.h"

#define BLANKS " \t\r\n"
#define SHORTEST 1000000 /* ns; docker's */
#define TIME(m) offsetof(struct mtd_healthcheck, m)

static const struct option {
    const char *name;
    size_t offset; /* of a time */
    bool is_count;
} OPTIONS[] = {
    {"--interval", TIME(interval)},         {"--timeout", TIME(timeout)},
    {"--start-period", TIME(start_period)}, {"--start-interval", TIME(start_interval)},
    {"--retries", TIME(retries), true},
};

static int set_time(const char *value, int64_t *ret, struct mtd_error *err)
{
    if (parse_duration_ns(value, ret) < 0)
        return mtd_fail(err, EINVAL, "\"%.40s\" is not a time; write 30s or 1m30s",
                        value);
    return *ret == 0 || *ret >= SHORTEST
               ? 0
               : mtd_fail(err, EINVAL, "%.40s is less than 1ms", value);
}

static int set_count(const char *value, unsigned *ret, struct mtd_error *err)
{
    uint64_t n;
    if (parse_u64(value, INT_MAX, &n) < 0)
        return mtd_fail(err, EINVAL, "\"%.40s\" is not a number of retries", value);
    *ret = (unsigned)n;
    return 0;
}

/* seen: those that came before. */
static int set_option(const char *text, struct mtd_healthcheck *h, unsigned *seen,
                      struct mtd_error *err)
{
    size_t n = strcspn(text, "=");
    for (size_t i = 0; i < ARRAY_SIZE(OPTIONS); i++) {
        const struct option *o = &OPTIONS[i];
        if (strlen(o->name) != n || strncmp(o->name, text, n) != 0)
            continue;
        if (!text[n] || !text[n + 1])
            return mtd_fail(err, EINVAL, "%s needs a value: %s=...", o->name, o->name);
        if (*seen & 1u << i)
            return mtd_fail(err, EINVAL, "%s is there twice", o->name);
        *seen |= 1u << i;
        char *field = (char *)h + o->offset;
        int rc = o->is_count ? set_count(text + n + 1, (unsigned *)(void *)field, err)
                             : set_time(text + n + 1, (int64_t *)(void *)field, err);
        if (rc < 0)
            mtd_context(err, "%s", o->name);
        return rc;
    }
    return mtd_fail(err, EINVAL,
                    "no option %.40s; there are interval, timeout, start-period, "
                    "start-interval and retries",
                    text);
}

/* *s: behind the options. Quotes around a value go. */
static int take_options(const char **s, struct mtd_healthcheck *h, struct mtd_error *err)
{
    unsigned seen = 0;
    int rc = 0;
    while (rc == 0 && strncmp(*s, "--", 2) == 0) {
        size_t n = strcspn(*s, BLANKS);
        const char *reason;
        auto_free char *word = strndup(*s, n), *text = NULL;
        rc = word ? dockerfile_words_expand(word, NULL, &text, &reason) : -ENOMEM;
        *s += n + strspn(*s + n, BLANKS);
        if (rc == -EINVAL)
            return mtd_fail(err, EINVAL, "%.60s: %s", word, reason);
        if (rc < 0)
            return mtd_fail(err, ENOMEM, "out of memory");
        rc = set_option(text, h, &seen, err);
    }
    return rc;
}

/* ["CMD", ...] or ["CMD-SHELL", "..."]. */
static int set_command(const char *s, struct strv *ret, struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    int rc = dockerfile_words_json(s, &args);
    if (rc == -EINVAL)
        return mtd_fail(err, EINVAL, "%.100s: a JSON list here is one of strings", s);
    if (rc == 0 && s[0])
        rc = strv_add(&args, s) < 0 ? -ENOMEM : 0;
    if (rc >= 0 && args.len == 0)
        return mtd_fail(err, EINVAL, "no command behind CMD");
    if (rc < 0 || strv_add(ret, rc == 1 ? "CMD" : "CMD-SHELL") < 0 ||
        strv_add_all(ret, &args) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}

static int set_check(const char *s, struct mtd_healthcheck *h, struct mtd_error *err)
{
    int rc = take_options(&s, h, err);
    if (rc < 0)
        return rc;
    size_t n = strcspn(s, BLANKS);
    const char *rest = s + n + strspn(s + n, BLANKS);
    if (n == 3 && strncasecmp(s, "CMD", n) == 0)
        return set_command(rest, &h->test, err);
    if (n != 4 || strncasecmp(s, "NONE", n) != 0)
        return mtd_fail(err, EINVAL, "\"%.*s\" is not CMD or NONE", n > 40 ? 40 : (int)n,
                        s);
    if (rest[0])
        return mtd_fail(err, EINVAL, "NONE takes no arguments");
    strv_done(&h->test);
    *h = (struct mtd_healthcheck){0};
    return strv_add(&h->test, "NONE") < 0 ? mtd_fail(err, ENOMEM, "out of memory") : 0;
}

int image_parse_healthcheck(const char *s, struct mtd_healthcheck *ret,
                            struct mtd_error *err)
{
    struct mtd_healthcheck h = {0};
    int rc = set_check(s, &h, err);
    if (rc < 0) {
        strv_done(&h.test);
        return rc;
    }
    strv_done(&ret->test);
    *ret = h;
    return 0;
}
