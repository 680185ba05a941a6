#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define G (1ULL << 30)

Test(parse, u64_takes_digits_only)
{
    static const struct {
        const char *text;
        uint64_t max, value;
        int rc;
    } CASES[] = {
        {"0", 10, 0, 0},
        {"10", 10, 10, 0},
        {"007", 10, 7, 0},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, 0},
        {"11", 10, 0, -ERANGE},
        {"18446744073709551616", UINT64_MAX, 0, -ERANGE},
        {"99999999999999999999999999", UINT64_MAX, 0, -ERANGE},
        {"", 10, 0, -EINVAL},
        {" 1", 10, 0, -EINVAL},
        {"1 ", 10, 0, -EINVAL},
        {"+1", 10, 0, -EINVAL},
        {"-1", 10, 0, -EINVAL},
        {"0x1", 10, 0, -EINVAL},
        {"99999999999999999999999999x", UINT64_MAX, 0, -EINVAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        uint64_t v = 77;
        cr_expect_eq(parse_u64(CASES[i].text, CASES[i].max, &v), CASES[i].rc, "%s",
                     CASES[i].text);
        cr_expect_eq(v, CASES[i].rc ? 77 : CASES[i].value, "%s", CASES[i].text);
    }
}

Test(parse, i64_reaches_both_ends)
{
    int64_t v = 0;
    cr_expect_eq(parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v), 0);
    cr_expect_eq(v, INT64_MIN);
    cr_expect_eq(parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v), 0);
    cr_expect_eq(v, INT64_MAX);
    cr_expect_eq(parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v), -ERANGE);
    cr_expect_eq(parse_i64("-2", -1, 5, &v), -ERANGE);
    cr_expect_eq(parse_i64("--1", -9, 9, &v), -EINVAL);
    cr_expect_eq(parse_i64("-", -9, 9, &v), -EINVAL);
    cr_expect_eq(v, INT64_MAX);
}

Test(parse, bool_words)
{
    bool v = false;
    cr_expect(parse_bool("TRUE", &v) == 0 && v);
    cr_expect(parse_bool("no", &v) == 0 && !v);
    cr_expect(parse_bool("1", &v) == 0 && v);
    cr_expect(parse_bool("f", &v) == 0 && !v);
    cr_expect_eq(parse_bool("", &v), -EINVAL);
    cr_expect_eq(parse_bool("on", &v), -EINVAL);
}

Test(parse, sizes_are_powers_of_1024)
{
    static const struct {
        const char *text;
        uint64_t value;
        int rc;
    } CASES[] = {
        {"100", 100, 0},
        {"100b", 100, 0},
        {"10k", 10240, 0},
        {"1.5m", 3 << 19, 0},
        {"2g", 2 * G, 0},
        {"10MB", 10 << 20, 0},
        {"1GiB", G, 0},
        {"0.5k", 512, 0},
        {"4t", 4096 * G, 0},
        {"1p", 1024 * 1024 * G, 0},
        {"0", 0, 0},
        {"", 0, -EINVAL},
        {"k", 0, -EINVAL},
        {"1x", 0, -EINVAL},
        {"1ki", 0, -EINVAL},
        {"1kbb", 0, -EINVAL},
        {"-1", 0, -EINVAL},
        {"1 k", 0, -EINVAL},
        {"1.", 0, -EINVAL},
        {"8192p", 0, -ERANGE},
        {"99999999999999999999", 0, -ERANGE},
        {"99999999999999999999x", 0, -EINVAL},
        {"nan", 0, -EINVAL},
        {"1e3", 0, -EINVAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        uint64_t v = 77;
        cr_expect_eq(parse_size(CASES[i].text, &v), CASES[i].rc, "%s", CASES[i].text);
        cr_expect_eq(v, CASES[i].rc ? 77 : CASES[i].value, "%s", CASES[i].text);
    }
}

Test(parse, decimals_are_exact)
{
    static const struct {
        const char *text;
        int64_t value;
        int rc;
    } CASES[] = {
        {"0.5", 500000000, 0},
        {"1", 1000000000, 0},
        {".25", 250000000, 0},
        {"1.000000001", 1000000001, 0},
        {"0.1", 100000000, 0},
        {"1.0000000010", 1000000001, 0},
        {"0.0000000001", 0, -EINVAL},
        {"", 0, -EINVAL},
        {".", 0, -EINVAL},
        {"1,5", 0, -EINVAL},
        {"-1", 0, -EINVAL},
        {"1e1", 0, -EINVAL},
        {"9223372036854775807", 0, -ERANGE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        int64_t v = 77;
        cr_expect_eq(parse_decimal_nano(CASES[i].text, &v), CASES[i].rc, "%s",
                     CASES[i].text);
        cr_expect_eq(v, CASES[i].rc ? 77 : CASES[i].value, "%s", CASES[i].text);
    }
}

Test(parse, durations_are_gos)
{
    static const struct {
        const char *text;
        int64_t value;
        int rc;
    } CASES[] = {
        {"300ms", 300000000, 0},
        {"1.5h", 5400000000000, 0},
        {"1m30s", 90000000000, 0},
        {"0", 0, 0},
        {"0s", 0, 0},
        {"2us", 2000, 0},
        {"2\xc2\xb5s", 2000, 0},
        {"1h1m1s1ms1us1ns", 3661001001001, 0},
        {"10", 0, -EINVAL},
        {"", 0, -EINVAL},
        {"s", 0, -EINVAL},
        {"1d", 0, -EINVAL},
        {"1h 1m", 0, -EINVAL},
        {"-1s", 0, -EINVAL},
        {"9999999999h", 0, -ERANGE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        int64_t v = 77;
        cr_expect_eq(parse_duration_ns(CASES[i].text, &v), CASES[i].rc, "%s",
                     CASES[i].text);
        cr_expect_eq(v, CASES[i].rc ? 77 : CASES[i].value, "%s", CASES[i].text);
    }
}

Test(parse, signals_by_number_and_name)
{
    static const struct {
        const char *text;
        int value, rc;
    } CASES[] = {
        {"9", 9, 0},
        {"KILL", 9, 0},
        {"SIGKILL", 9, 0},
        {"sigterm", 15, 0},
        {"usr1", 10, 0},
        {"RTMIN", 34, 0},
        {"RTMIN+3", 37, 0},
        {"SIGRTMAX-1", 63, 0},
        {"64", 64, 0},
        {"IOT", 6, 0},
        {"poll", 29, 0},
        {"0", 0, -ERANGE},
        {"65", 0, -ERANGE},
        {"-9", 0, -EINVAL},
        {"", 0, -EINVAL},
        {"SIG", 0, -EINVAL},
        {"FOO", 0, -EINVAL},
        {"RTMIN+31", 0, -ERANGE},
        {"RTMIN-1", 0, -EINVAL},
        {"RTMAX+1", 0, -EINVAL},
        {"9 ", 0, -EINVAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        int v = 77;
        cr_expect_eq(parse_signal(CASES[i].text, &v), CASES[i].rc, "%s", CASES[i].text);
        cr_expect_eq(v, CASES[i].rc ? 77 : CASES[i].value, "%s", CASES[i].text);
    }
}

Test(parse, every_signal_has_a_name_that_parses)
{
    for (int sig = 1; sig <= 64; sig++) {
        int back = 0;
        if (sig == 32 || sig == 33) /* the C library's own */
            cr_expect_str_eq(signal_name(sig), "SIG?");
        else
            cr_expect(parse_signal(signal_name(sig), &back) == 0 && back == sig, "%d",
                      sig);
    }
    cr_expect_str_eq(signal_name(0), "SIG?");
    cr_expect_str_eq(signal_name(-5), "SIG?");
    cr_expect_str_eq(signal_name(1000), "SIG?");
}

Test(parse, names_are_dockers)
{
    char name[257];
    memset(name, 'a', sizeof(name));
    name[255] = '\0';
    cr_expect(name_is_valid(name));
    name[255] = 'a';
    name[256] = '\0';
    cr_expect_not(name_is_valid(name));
    static const char *const GOOD[] = {"a", "web-1", "A.b_c", "0", "9-"};
    static const char *const BAD[] = {"",   "-a",  ".a",       "_a",  "a/b", "a b", "..",
                                      "/a", "a\n", "\xc3\xa9", "a:b", "a@b", "a[",  "a`"};
    for (size_t i = 0; i < ARRAY_SIZE(GOOD); i++)
        cr_expect(name_is_valid(GOOD[i]), "%s", GOOD[i]);
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        cr_expect_not(name_is_valid(BAD[i]), "%s", BAD[i]);
}

Test(parse, hex_has_exactly_its_length)
{
    cr_expect(hex_is_valid("00ff", 4));
    cr_expect_not(hex_is_valid("00ff", 3));
    cr_expect_not(hex_is_valid("00ff", 5));
    cr_expect_not(hex_is_valid("00FF", 4));
    cr_expect_not(hex_is_valid("00fg", 4));
}

Test(parse, cpu_lists)
{
    unsigned highest = 77;
    cr_expect_eq(parse_cpu_list("0-2,5", 6, &highest), 0);
    cr_expect_eq(highest, 5);
    cr_expect_eq(parse_cpu_list("7,1", 0, &highest), 0);
    cr_expect_eq(highest, 7);
    cr_expect_eq(parse_cpu_list("0", 1, NULL), 0);
    cr_expect_eq(parse_cpu_list("2", 2, &highest), -ERANGE);
    cr_expect_eq(parse_cpu_list("0-4", 4, &highest), -ERANGE);
    cr_expect_eq(highest, 7);
    static const char *const BAD[] = {"",   ",",   "1,", ",1",  "1-",
                                      "-1", "2-1", "a",  "1 2", "1--2"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        cr_expect_eq(parse_cpu_list(BAD[i], 8, &highest), -EINVAL, "%s", BAD[i]);
}
