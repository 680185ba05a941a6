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

Test(print, what_nobody_would_see_is_shown)
{
    static const struct {
        const char *text, *shown;
    } CASES[] = {
        {"a\xd8\x9c", "a\\u061c"}, /* Arabic letter mark */
        {"\xe2\x80\xae"
         "gpj.exe",
         "\\u202egpj.exe"}, /* right-to-left override */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"},
        {"a\xe2\x80\xa8"
         "b\xe2\x80\xa9",
         "a\\u2028b\\u2029"},
        {"we\xe2\x80\x8b"
         "b",
         "we\\u200bb"}, /* zero-width space */
        {"we\xe2\x80\x8d"
         "b",
         "we\\u200db"}, /* zero-width joiner */
        {"\xef\xbb\xbfx", "\\ufeffx"},
        {"\xc2\xadx", "\\u00adx"},           /* soft hyphen */
        {"\xf3\xa0\x81\x81", "\\U000e0041"}, /* a tag character */
        {"\xf3\xa0\x84\x80", "\\U000e0100"}, /* a variation selector */
        {"\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4\xef\xb8\x8f"}, /* an emoji's style */
        {"\xe2\x80\x8f\xe2\x80\xaf", "\\u200f\xe2\x80\xaf"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        cr_expect_str_eq(visible(CASES[i].text, strlen(CASES[i].text), ""),
                         CASES[i].shown);
    out.len = 0;
    cr_assert_eq(print_quoted(&out, "a\xe2\x80\xae\xf3\xa0\x81\x81"), 0);
    cr_expect_str_eq(out.data, "\"a\\u202e\\U000e0041\"");
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
