/* size: rounded for reading, exact for comparing. */

#include "base/size.h"

#include <criterion/criterion.h>

#include "base/parse.h"

static char text[SIZE_TEXT];

Test(size, decimal_is_dockers)
{
    cr_expect_str_eq(size_decimal(0, text), "0B");
    cr_expect_str_eq(size_decimal(999, text), "999B");
    cr_expect_str_eq(size_decimal(1000, text), "1kB");
    cr_expect_str_eq(size_decimal(4261550, text), "4.26MB");
    cr_expect_str_eq(size_decimal(999999, text), "1MB");
}

Test(size, binary_is_dockers)
{
    cr_expect_str_eq(size_binary(0, text), "0B");
    cr_expect_str_eq(size_binary(1023, text), "1023B");
    cr_expect_str_eq(size_binary(524288, text), "512KiB");
    cr_expect_str_eq(size_binary(24 * 1024ULL * 1024 * 1024 - 480000000, text),
                     "23.55GiB");
    cr_expect_str_eq(size_binary(UINT64_MAX, text), "16EiB");
}

Test(size, short_is_at_most_four_wide)
{
    cr_expect_str_eq(size_short(0, text), "0");
    cr_expect_str_eq(size_short(999, text), "999");
    cr_expect_str_eq(size_short(1000, text), "1.0k");
    cr_expect_str_eq(size_short(10 << 10, text), "10k");
    cr_expect_str_eq(size_short(1023 << 10, text), "1.0M");
    cr_expect_str_eq(size_short(UINT64_MAX, text), "16E");
}

Test(size, exact_rounds_nothing_and_parses_back)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } CASES[] = {{0, "0B"},
                 {1, "1B"},
                 {1024, "1KiB"},
                 {1025, "1025B"},
                 {524287, "524287B"},
                 {512 << 10, "512KiB"},
                 {1536 << 10, "1536KiB"},
                 {3ULL << 60, "3072PiB"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        uint64_t back = 7;
        cr_expect_str_eq(size_exact(CASES[i].bytes, text), CASES[i].text);
        if (CASES[i].bytes < 1ULL << 60)
            cr_expect(parse_size(text, &back) == 0 && back == CASES[i].bytes, "%s", text);
    }
}
