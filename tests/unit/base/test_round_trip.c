/* What is printed is read as the same: sizes, times, lists. */

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/size.h"
#include "seed.h"

#define TRIES 20000

Test(round_trip, numbers)
{
    struct seed s = seed_of("numbers");
    for (int i = 0; i < TRIES; i++) {
        char text[32];
        uint64_t n = seed_number(&s), max = seed_number(&s), got = 1;
        snprintf(text, sizeof(text), "%" PRIu64, n);
        cr_expect_eq(parse_u64(text, max, &got), n <= max ? 0 : -ERANGE,
                     "%s max %" PRIu64, text, max);
        cr_expect(n > max || got == n, "%s", text);
        int64_t sum = 1;
        snprintf(text, sizeof(text), "%" PRId64, (int64_t)n);
        cr_expect_eq(parse_i64(text, INT64_MIN, INT64_MAX, &sum), 0, "%s", text);
        cr_expect_eq(sum, (int64_t)n);
    }
}

Test(round_trip, exact_sizes)
{
    struct seed s = seed_of("exact_sizes");
    for (int i = 0; i < TRIES; i++) {
        char text[SIZE_TEXT];
        uint64_t n = seed_number(&s) >> 1, got = 1;
        cr_expect_eq(parse_size(size_exact(n, text), &got), 0, "%s", text);
        cr_expect_eq(got, n, "%" PRIu64 " is written %s and read %" PRIu64, n, text, got);
    }
}

/* Units against a slow model. */
Test(round_trip, sizes_with_units)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } UNITS[] = {{"", 0},     {"b", 0},  {"k", 10},  {"K", 10},   {"kb", 10},
                 {"KiB", 10}, {"m", 20}, {"MB", 20}, {"mib", 20}, {"g", 30},
                 {"GiB", 30}, {"t", 40}, {"TB", 40}, {"p", 50}};
    struct seed s = seed_of("sizes_with_units");
    for (int i = 0; i < TRIES; i++) {
        char text[48];
        size_t u = seed_below(&s, sizeof(UNITS) / sizeof(UNITS[0]));
        uint64_t n = seed_number(&s), got = 1;
        unsigned __int128 want = (unsigned __int128)n << UNITS[u].shift;
        snprintf(text, sizeof(text), "%" PRIu64 "%s", n, UNITS[u].unit);
        int rc = parse_size(text, &got);
        cr_expect_eq(rc, want > INT64_MAX ? -ERANGE : 0, "%s", text);
        cr_expect(rc < 0 || got == (uint64_t)want, "%s: %" PRIu64, text, got);
    }
}

Test(round_trip, durations)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } UNITS[] = {{"h", 3600 * NS_PER_SEC}, {"m", 60 * NS_PER_SEC}, {"s", NS_PER_SEC},
                 {"ms", NS_PER_MS},        {"us", 1000},           {"ns", 1}};
    struct seed s = seed_of("durations");
    for (int i = 0; i < TRIES; i++) {
        char text[128] = "";
        int64_t want = 0, got = -1;
        for (size_t u = 0; u < sizeof(UNITS) / sizeof(UNITS[0]); u++) {
            int64_t n = (int64_t)seed_below(&s, 2000);
            if (seed_below(&s, 2) && !(u == 5 && !*text))
                continue;
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%lld%s",
                     (long long)n, UNITS[u].unit);
            want += n * UNITS[u].ns;
        }
        if (!*text)
            continue;
        cr_expect_eq(parse_duration_ns(text, &got), 0, "%s", text);
        cr_expect_eq(got, want, "%s: %lld", text, (long long)got);
    }
}

Test(round_trip, moments)
{
    struct seed s = seed_of("moments");
    for (int i = 0; i < TRIES; i++) {
        char text[TIME_TEXT];
        int64_t at = (int64_t)(seed_number(&s) >> 1) | 1, got = -1; /* 0 is "never" */
        time_format_rfc3339(at, text);
        cr_expect_eq(time_parse(text, 0, &got), 0, "%s", text);
        cr_expect_eq(got, at, "%s: %lld, not %lld", text, (long long)got, (long long)at);
    }
}

/* A list of CPUs is what its members say. */
Test(round_trip, lists_of_cpus)
{
    struct seed s = seed_of("lists_of_cpus");
    for (int i = 0; i < TRIES; i++) {
        char text[256] = "";
        unsigned limit = (unsigned)seed_below(&s, 64) + 1, most = 0, highest = 9999;
        bool reversed = false;
        for (size_t n = seed_below(&s, 5) + 1; n > 0; n--) {
            unsigned a = (unsigned)seed_below(&s, 66), b = (unsigned)seed_below(&s, 66);
            bool range = seed_below(&s, 2);
            snprintf(text + strlen(text), sizeof(text) - strlen(text),
                     range ? "%s%u-%u" : "%s%u", *text ? "," : "", a, b);
            most = a > most ? a : most;
            most = range && b > most ? b : most;
            reversed |= range && b < a;
        }
        int rc = parse_cpu_list(text, limit, &highest);
        cr_expect_eq(rc == 0, !reversed && most < limit, "%s of %u: %d", text, limit, rc);
        cr_expect(rc < 0 || highest == most, "%s: %u", text, highest);
    }
}
