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
