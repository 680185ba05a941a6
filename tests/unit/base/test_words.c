/* words: as a shell splits them, nothing expanded; a script has comments, a typed line not. */

#include "base/words.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* The words with '|' between them. */
static const char *split(const char *text)
{
    static char joined[512];
    struct strv words = {0};
    int rc = words_split_script(text, &words);
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

Test(words, words)
{
    cr_expect_str_eq(split("run  --rm\tbusybox true \r\n"), "run|--rm|busybox|true");
    cr_expect_str_eq(split(""), "");
    cr_expect_str_eq(split("  \n"), "");
}

Test(words, quotes)
{
    cr_expect_str_eq(split("a 'b c' \"d e\" f' 'g"), "a|b c|d e|f g");
    cr_expect_str_eq(split("'a\\b' \"a\\b\" \"a\\\"b\" \"\\$x\" a\\ b"),
                     "a\\b|a\\b|a\"b|$x|a b");
    cr_expect_str_eq(split("'' \"\" x"), "||x");
    cr_expect_str_eq(split("\"it's\" 'say \"x\"'"), "it's|say \"x\"");
}

Test(words, nothing_is_expanded)
{
    cr_expect_str_eq(split("$HOME `x` * ~ a;b | c > d && e"),
                     "$HOME|`x`|*|~|a;b|||c|>|d|&&|e");
    cr_expect_str_eq(split("--format {{.ID}}"), "--format|{{.ID}}");
}

Test(words, comments)
{
    cr_expect_str_eq(split("# all of it 'not a quote"), "");
    cr_expect_str_eq(split("a # b 'c"), "a");
    cr_expect_str_eq(split("a#b '#' \\# x"), "a#b|#|#|x");
}

Test(words, goes_on_in_the_next_line)
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

Test(words, a_typed_line_is_split_alike_but_for_comments)
{
    static const char *const LINES[] = {"a 'b c' \"d e\"", "a\\ b \"c\\\"d\"",
                                        "\"a\\b\" '\\'",   "'' x",
                                        " \t\r\n",         "a\\\nb"};
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        struct strv typed = {0}, script = {0};
        cr_assert_eq(words_split(LINES[i], &typed, NULL), 0, "%s", LINES[i]);
        cr_assert_eq(words_split_script(LINES[i], &script), 0);
        cr_assert_eq(typed.len, script.len, "%s", LINES[i]);
        for (size_t w = 0; w < typed.len; w++)
            cr_expect_str_eq(typed.items[w], script.items[w]);
        strv_done(&typed);
        strv_done(&script);
    }
    struct strv v = {0};
    cr_assert_eq(words_split("# a", &v, NULL), 0);
    cr_expect_eq(v.len, 2);
    strv_done(&v);
}

Test(words, an_open_quote_or_a_last_backslash_is_refused_and_adds_nothing)
{
    static const char *const OPEN[] = {"a 'b", "a \"b", "a\\", "a \"b\\", "a \\\n"};
    for (size_t i = 0; i < sizeof(OPEN) / sizeof(OPEN[0]); i++) {
        struct strv v = {0};
        struct mtd_error err = {0};
        cr_assert_eq(strv_add(&v, "before"), 0);
        cr_expect_eq(words_split(OPEN[i], &v, &err), -EINVAL, "%s", OPEN[i]);
        cr_expect_str_eq(err.text, WORDS_OPEN);
        cr_expect_eq(words_split_script(OPEN[i], &v), -EAGAIN, "%s", OPEN[i]);
        cr_expect_eq(v.len, 1);
        strv_done(&v);
    }
}

Test(words, joined_words_split_into_the_same)
{
    static char *WORDS[] = {"",     "a b", "it's", "\"",      "\\",
                            "a\nb", "#",   "\t",   "plain-1", "$x`y`"};
    struct strv in = {.items = WORDS, .len = sizeof(WORDS) / sizeof(WORDS[0])}, out = {0};
    struct buf line = {0};
    cr_assert_eq(words_join(&in, &line), 0);
    cr_assert_eq(words_split(line.data, &out, NULL), 0);
    cr_assert_eq(out.len, in.len);
    for (size_t i = 0; i < in.len; i++)
        cr_expect_str_eq(out.items[i], in.items[i]);
    strv_done(&out);
    buf_done(&line);
}

Test(words, quoting_goes_both_ways)
{
    static const char *const CASES[][2] = {
        {"a b  c", "a b c"}, {"'a b' c", "'a b' c"}, {"\"a'b\"", "'a'\\''b'"},
        {"a\\ b", "'a b'"},  {"''", "''"},           {"x'y z'", "'xy z'"},
        {"  ", ""},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct strv v = {0};
        struct buf b = {0};
        cr_assert_eq(words_split(CASES[i][0], &v, NULL), 0);
        words_join(&v, &b);
        cr_expect_str_eq(b.data ? b.data : "", CASES[i][1]);
        strv_done(&v);
        buf_done(&b);
    }
    struct strv v = {0};
    cr_expect_lt(words_split("'open", &v, NULL), 0);
    strv_done(&v);
}
