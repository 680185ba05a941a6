/* script: words as a shell splits them, nothing expanded. */

#include "cli/script.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* The words with '|' between them. */
static const char *split(const char *text)
{
    static char joined[512];
    struct strv words = {0};
    int rc = script_split(text, &words);
    if (rc < 0)
        return rc == -EAGAIN ? "more" : "error";
    joined[0] = '\0';
    for (size_t i = 0; i < words.len; i++) {
        strcat(joined, i ? "|" : "");
        strcat(joined, words.items[i]);
    }
    strv_done(&words);
    return joined;
}

Test(script, words)
{
    cr_expect_str_eq(split("run  --rm\tbusybox true \r\n"), "run|--rm|busybox|true");
    cr_expect_str_eq(split(""), "");
    cr_expect_str_eq(split("  \n"), "");
}

Test(script, quotes)
{
    cr_expect_str_eq(split("a 'b c' \"d e\" f' 'g"), "a|b c|d e|f g");
    cr_expect_str_eq(split("'a\\b' \"a\\b\" \"a\\\"b\" \"\\$x\" a\\ b"),
                     "a\\b|a\\b|a\"b|$x|a b");
    cr_expect_str_eq(split("'' \"\" x"), "||x");
    cr_expect_str_eq(split("\"it's\" 'say \"x\"'"), "it's|say \"x\"");
}

Test(script, nothing_is_expanded)
{
    cr_expect_str_eq(split("$HOME `x` * ~ a;b | c > d && e"),
                     "$HOME|`x`|*|~|a;b|||c|>|d|&&|e");
    cr_expect_str_eq(split("--format {{.ID}}"), "--format|{{.ID}}");
}

Test(script, comments)
{
    cr_expect_str_eq(split("# all of it 'not a quote"), "");
    cr_expect_str_eq(split("a # b 'c"), "a");
    cr_expect_str_eq(split("a#b '#' \\# x"), "a#b|#|#|x");
}

Test(script, goes_on_in_the_next_line)
{
    cr_expect_str_eq(split("a 'b\n"), "more");
    cr_expect_str_eq(split("a 'b\nc' d"), "a|b\nc|d");
    cr_expect_str_eq(split("a \"b\n"), "more");
    cr_expect_str_eq(split("a \\\n"), "more");
    cr_expect_str_eq(split("a \\\n b\n"), "a|b");
    cr_expect_str_eq(split("a\\\nb"), "ab");
    cr_expect_str_eq(split("\"a\\\nb\""), "ab");
    cr_expect_str_eq(split("a\\"), "more");
    cr_expect_str_eq(split("\"a\\"), "more");
}
