#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define SEC NS_PER_SEC

Test(clock, formats_nanoseconds)
{
    char out[TIME_TEXT];
    time_format_rfc3339(1767323045 * SEC + 678901234, out);
    cr_expect_str_eq(out, "2026-01-02T03:04:05.678901234Z");
    time_format_rfc3339(0, out);
    cr_expect_str_eq(out, "0001-01-01T00:00:00Z");
    time_format_rfc3339(-1, out);
    cr_expect_str_eq(out, "1969-12-31T23:59:59.999999999Z");
    time_format_rfc3339(951782400 * SEC, out);
    cr_expect_str_eq(out, "2000-02-29T00:00:00.000000000Z");
}

Test(clock, calendar_agrees_with_the_c_library)
{
    for (int64_t t = -86400LL * 365 * 250; t < 86400LL * 365 * 280;
         t += 86400LL * 13 + 3671) {
        char ours[TIME_TEXT], theirs[64];
        struct tm tm;
        time_t seconds = t;
        if (t == 0)
            continue;
        gmtime_r(&seconds, &tm);
        strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
        time_format_rfc3339(t * SEC, ours);
        cr_assert_str_eq(ours, theirs);
        int64_t back = 1;
        cr_assert_eq(time_parse(ours, 0, &back), 0, "%s", ours);
        cr_assert_eq(back, t * SEC, "%s", ours);
    }
}

Test(clock, parses_what_since_and_until_take)
{
    static const struct {
        const char *text;
        int64_t value;
    } CASES[] = {
        {"2026-01-02T03:04:05.678901234Z", 1767323045 * SEC + 678901234},
        {"2026-01-02T03:04:05.5+02:00", 1767315845 * SEC + 500000000},
        {"2026-01-02T03:04:05-0130", 1767328445 * SEC},
        {"2026-01-02T03:04:05", 1767323045 * SEC},
        {"2026-01-02T03:04", 1767323040 * SEC},
        {"2026-01-02T03", 1767322800 * SEC},
        {"2026-01-02", 1767312000 * SEC},
        {"2026-01-02T03:04:05.1234567899Z", 1767323045 * SEC + 123456789},
        {"1136073600", 1136073600 * SEC},
        {"1136073600.000000001", 1136073600 * SEC + 1},
        {"1136073600.5", 1136073600 * SEC + 500000000},
        {"10m", 5000 * SEC - 600 * SEC},
        {"-10m", 5000 * SEC + 600 * SEC},
        {"1h30m", 5000 * SEC - 5400 * SEC},
        {"0", 0},
    };
    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        int64_t v = 77;
        cr_expect_eq(time_parse(CASES[i].text, 5000 * SEC, &v), 0, "%s", CASES[i].text);
        cr_expect_eq(v, CASES[i].value, "%s", CASES[i].text);
    }
}

/* TZ's own form, so that the rules do not depend on what the host has installed. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

Test(clock, without_a_zone_a_time_is_local)
{
    static const struct {
        const char *zone, *text;
        int64_t seconds;
    } CASES[] = {
        {BERLIN, "2026-01-02T03:04:05", 1767319445},
        {BERLIN, "2026-07-02T03:04:05", 1782954245}, /* summer time there */
        {BERLIN, "2026-01-02", 1767308400},
        {BERLIN, "2026-01-02T03:04:05Z", 1767323045},
        {BERLIN, "1970-01-01T00:59:59", -1},
        {"NST3:30", "2026-01-02T03:04:05", 1767335645},
        {"NST3:30", "2026-01-02T03:04:05+01:00", 1767319445},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        int64_t v = 77;
        setenv("TZ", CASES[i].zone, 1);
        cr_expect_eq(time_parse(CASES[i].text, 0, &v), 0, "%s", CASES[i].text);
        cr_expect_eq(v, CASES[i].seconds * SEC, "%s: %lld", CASES[i].text,
                     (long long)(v / SEC));
    }
}

Test(clock, formats_in_the_local_zone)
{
    static const struct {
        const char *zone;
        int64_t ns;
        const char *created, *rfc3339, *nanoseconds;
    } CASES[] = {
        {"UTC", 1767323045 * SEC + 678, "2026-01-02 03:04:05 +0000 UTC",
         "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000678Z"},
        {BERLIN, 1782954245 * SEC, "2026-07-02 03:04:05 +0200 CEST",
         "2026-07-02T03:04:05+02:00", "2026-07-02T03:04:05.000000000+02:00"},
        {"NST3:30", -1, "1969-12-31 20:29:59 -0330 NST", "1969-12-31T20:29:59-03:30",
         "1969-12-31T20:29:59.999999999-03:30"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        char out[TIME_TEXT];
        setenv("TZ", CASES[i].zone, 1);
        tzset(); /* localtime_r() need not look */
        time_format_created(CASES[i].ns, out);
        cr_expect_str_eq(out, CASES[i].created);
        time_format_local(CASES[i].ns, false, out);
        cr_expect_str_eq(out, CASES[i].rfc3339);
        time_format_local(CASES[i].ns, true, out);
        cr_expect_str_eq(out, CASES[i].nanoseconds);
    }
}

Test(clock, refuses_other_texts)
{
    static const char *const BAD[] = {
        "",
        "x",
        "2026",
        "2026-13-01",
        "2026-02-29",
        "2026-00-01",
        "2026-01-02T",
        "2026-01-02T24:00",
        "2026-01-02T03:60",
        "2026-01-02 03:04",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05+2",
        "1136073600.",
        "12 34",
        "2026-01-02T03:04:05Zx",
        "2026-1-2",
    };
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        int64_t v = 77;
        int rc = time_parse(BAD[i], 0, &v);
        if (strcmp(BAD[i], "2026") == 0) /* a Unix time, as docker reads it */
            cr_expect_eq(rc, 0);
        else
            cr_expect(rc == -EINVAL && v == 77, "%s", BAD[i]);
    }
    int64_t v = 77;
    cr_expect_eq(time_parse("9999-01-01", 0, &v), -ERANGE);
    cr_expect_eq(time_parse("99999999999999999999", 0, &v), -ERANGE);
    cr_expect_eq(v, 77);
}

Test(clock, speaks_dockers_words)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } CASES[] = {
        {-5, "Less than a second"}, {0, "Less than a second"}, {1, "1 second"},
        {59, "59 seconds"},         {60, "About a minute"},    {119, "About a minute"},
        {120, "2 minutes"},         {3599, "59 minutes"},      {3600, "About an hour"},
        {5399, "About an hour"},    {5400, "2 hours"},         {47 * 3600, "47 hours"},
        {48 * 3600, "2 days"},      {13 * 86400, "13 days"},   {14 * 86400, "2 weeks"},
        {59 * 86400, "8 weeks"},    {60 * 86400, "2 months"},  {729 * 86400, "24 months"},
        {730 * 86400, "2 years"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        char out[TIME_TEXT];
        time_human_duration(CASES[i].seconds * SEC, out);
        cr_expect_str_eq(out, CASES[i].text);
    }
    char out[TIME_TEXT];
    time_human_duration(INT64_MAX, out);
    cr_expect_str_eq(out, "292 years");
    time_human_duration(INT64_MIN, out);
    cr_expect_str_eq(out, "Less than a second");
}

Test(clock, monotonic_time_does_not_go_back)
{
    int64_t a = clock_mono_ns(), b = clock_mono_ns();
    cr_expect(b >= a && a > 0);
    cr_expect(clock_boot_ns() >= a);
    cr_expect(clock_wall_ns() > 1600000000 * SEC);
}
