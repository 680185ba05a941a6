/* print: nothing a container chose reaches a terminal as a control byte. */

#include "cli/print.h"

#include <criterion/criterion.h>
#include <string.h>

static struct buf out;

static const char *visible(const char *text, size_t len, const char *keep)
{
    out.len = 0;
    cr_assert_eq(print_visible(&out, text, len, keep), 0);
    return out.data ? out.data : "";
}
#define VISIBLE(text) visible(text, sizeof(text) - 1, "")

static void forget(void)
{
    buf_done(&out);
}
TestSuite(print, .fini = forget);

Test(print, text_passes)
{
    cr_expect_str_eq(VISIBLE("plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xb3"),
                     "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xb3");
}

Test(print, controls_are_shown)
{
    cr_expect_str_eq(VISIBLE("\033[31m\a\b\r\n\x7f"), "^[[31m^G^H^M^J^?");
    cr_expect_str_eq(visible("a\0b", 3, "\n"), "a^@b");
    cr_expect_str_eq(visible("a\tb\nc\r", 6, "\n\t"), "a\tb\nc^M");
}

Test(print, c1_controls_and_broken_utf8_are_shown)
{
    cr_expect_str_eq(VISIBLE("\xc2\x9b"
                             "31m"),
                     "M-BM-^[31m");
    cr_expect_str_eq(VISIBLE("\xff\xc3(\xed\xa0\x80"), "M-^?M-C(M-mM- M-^@");
    cr_expect_str_eq(VISIBLE("\xc0\xaf"), "M-@M-/");
}

static const char *decimal(uint64_t bytes)
{
    static char text[SIZE_TEXT];
    print_size_decimal(bytes, text);
    return text;
}

static const char *binary(uint64_t bytes)
{
    static char text[SIZE_TEXT];
    print_size_binary(bytes, text);
    return text;
}

Test(print, sizes)
{
    cr_expect_str_eq(decimal(0), "0B");
    cr_expect_str_eq(decimal(999), "999B");
    cr_expect_str_eq(decimal(1000), "1kB");
    cr_expect_str_eq(decimal(4261550), "4.26MB");
    cr_expect_str_eq(decimal(999999), "1MB");
    cr_expect_str_eq(binary(0), "0B");
    cr_expect_str_eq(binary(1023), "1023B");
    cr_expect_str_eq(binary(524288), "512KiB");
    cr_expect_str_eq(binary(24 * 1024ULL * 1024 * 1024 - 480000000), "23.55GiB");
    cr_expect_str_eq(binary(UINT64_MAX), "16EiB");
}

Test(print, quoted)
{
    cr_assert_eq(print_quoted(&out, "a \"b\" \\ \n\t\x01 \xc3\xa4 \xff"), 0);
    cr_expect_str_eq(out.data, "\"a \\\"b\\\" \\\\ \\n\\t\\x01 \xc3\xa4 \\xff\"");
}

Test(print, ellipsis)
{
    cr_assert_eq(print_ellipsis(&out, "12345", 5), 0);
    cr_expect_str_eq(out.data, "12345");
    out.len = 0;
    cr_assert_eq(print_ellipsis(&out, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 3), 0);
    cr_expect_str_eq(out.data, "\xc3\xa4\xc3\xa4\xe2\x80\xa6");
}
