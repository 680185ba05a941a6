/* logindex: every line that matches is found once, in both directions, in a log of any shape. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "logbox.h"

TestSuite(logsearch, .init = logbox_setup, .fini = logbox_teardown);

/* ---- search ---------------------------------------------------------------------------- */

static struct logindex_query *query(const char *pattern)
{
    struct mtd_error err = {0};
    struct logindex_query *q = NULL;
    cr_assert_eq(logindex_query_new(&q, pattern, &err), 0, "%s", err.text);
    return q;
}

static bool expect_match(const struct logindex_query *q, const struct expected *e)
{
    size_t a, b;
    return logindex_query_match(q, e->text.data ? e->text.data : "", e->text.len, 0, &a,
                                &b);
}

static size_t check_search(const char *pattern, bool backward, bool missing)
{
    struct logindex_query *q = query(pattern);
    struct logindex_search s;
    struct log_line line;
    size_t found = 0;
    logindex_search_init(&s, logbox.index, q, backward ? UINT64_MAX : 0, backward);
    s.missing = missing;
    for (size_t k = 0; k < logbox.n_lines; k++) {
        const struct expected *e = &logbox.lines[backward ? logbox.n_lines - 1 - k : k];
        if (expect_match(q, e) == missing)
            continue;
        int r;
        while ((r = logindex_search_next(&s, 1, &line)) == -EAGAIN)
            ;
        cr_assert_eq(r, 1, "%s: %zu found, then %d", pattern, found, r);
        logbox_check(&line, e);
        found++;
    }
    int r;
    while ((r = logindex_search_next(&s, 1, &line)) == -EAGAIN)
        ;
    cr_assert_eq(r, 0);
    logindex_query_free(q);
    return found;
}

static const char *const PATTERNS[] = {"needle",   "needle.*z", "^qu",      "xyz",
                                       "e$",       "no record", "stdout",   "2026",
                                       "zzzzzzzz", "\\cNEEDLE", "end|ab.de"};

Test(logsearch, search_finds_every_line_once_in_both_directions)
{
    logbox_mixture(9, 4u * LOG_BLOCK);
    logbox_open();
    size_t found = 0;
    for (size_t i = 0; i < sizeof(PATTERNS) / sizeof(PATTERNS[0]); i++) {
        size_t n = check_search(PATTERNS[i], false, false);
        cr_assert_eq(check_search(PATTERNS[i], true, false), n);
        cr_assert_eq(check_search(PATTERNS[i], false, true), logbox.n_lines - n);
        cr_assert_eq(check_search(PATTERNS[i], true, true), logbox.n_lines - n);
        found += n;
    }
    cr_assert_gt(found, 100);
}

/* Without P records the bytes are searched, not the lines. */
Test(logsearch, search_of_plain_lines)
{
    char text[100];
    for (unsigned i = 0; i < 6000; i++) {
        snprintf(text, sizeof(text), "line %u of them%s", i,
                 i % 1000 == 7 ? " needle" : "");
        logbox_add(i % 9 ? LOG_STDOUT : LOG_STDERR, true, text, strlen(text));
        if (i % 3000 == 0)
            logbox_damage("no record\nneedle\nno record");
    }
    logbox_open();
    cr_assert_eq(check_search("needle", false, false), 8);
    cr_assert_eq(check_search("needle", true, false), 8);
    cr_assert_eq(check_search("stdout", false, false), 0);
    cr_assert_eq(check_search("stderr F", true, false), 0);
    cr_assert_eq(check_search("F line 77 ", false, false), 0);
    cr_assert_eq(check_search("line 77 ", false, false), 1);
    cr_assert_eq(check_search("^line [0-9]*77 of.*m$", false, false), 60);
    cr_assert_eq(check_search("of them", true, false), 6000);
}

Test(logsearch, search_goes_on_when_the_log_grows_and_rotates)
{
    logbox_line("needle 1");
    logbox_open();
    struct logindex_query *q = query("needle");
    struct logindex_search s;
    struct log_line line;
    logindex_search_init(&s, logbox.index, q, 0, false);
    for (unsigned i = 0; i < 20; i++) {
        cr_assert_eq(logindex_search_next(&s, 1u << 20, &line), 1);
        logbox_check(&line, &logbox.lines[logbox.n_lines - 1]);
        cr_assert_eq(logindex_search_next(&s, 1u << 20, &line), 0);
        if (i % 5 == 4)
            logbox_rotate();
        size_t before = logbox.raw.len;
        logbox_line("hay");
        logbox_line("needle again");
        logbox_append(before);
        logindex_refresh(logbox.index);
        for (size_t k = logbox.n_lines - 2; k < logbox.n_lines - 1; k++)
            cr_assert_eq(logbox.lines[k].text.len, 3);
    }
    logindex_query_free(q);
}

Test(logsearch, a_match_across_records_is_found)
{
    logbox_add(LOG_STDOUT, false, "split nee", 9);
    logbox_add(LOG_STDERR, true, "nothing", 7);
    logbox_add(LOG_STDOUT, true, "dle here", 8);
    logbox_open();
    cr_assert_eq(check_search("split needle here", false, false), 1);
}

/* "ERROR" in red with a bold R, and a line whose colour ends with it. */
Test(logsearch, colours_do_not_hide_a_match)
{
    static const char *const LINES[] = {
        "plain ERROR",          "\033[31mE\033[1mRR\033[0;31mOR\033[0m: disk",
        "nothing here",         "\033[32mok\033[0m",
        "half \033[31mERR",     "OR\033[2JERROR",
        "ER\033[38;2;1;2;3mROR"};
    for (int i = 0; i < 700; i++) /* more than a block of each */
        for (size_t k = 0; k < ARRAY_SIZE(LINES); k++)
            logbox_add(LOG_STDOUT, true, LINES[k], strlen(LINES[k]));
    logbox_open();
    static const struct {
        const char *pattern;
        size_t each;
    } CASES[] = {{"ERROR", 4},  {"^ERROR", 2},   {"ok$", 1},
                 {"R: d", 1},   {"\\cerror", 4}, {"31", 0},
                 {"^E.*k$", 1}, {"\\[2J", 1},    {"half E+R", 1}};
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        const char *p = CASES[i].pattern;
        cr_expect_eq(check_search(p, false, false), 700 * CASES[i].each, "%s", p);
        cr_expect_eq(check_search(p, true, false), 700 * CASES[i].each, "%s", p);
        cr_expect_eq(check_search(p, false, true),
                     700 * (ARRAY_SIZE(LINES) - CASES[i].each), "not %s", p);
    }
}

Test(logsearch, a_bad_pattern_says_why)
{
    struct mtd_error err = {0};
    struct logindex_query *q;
    cr_assert_eq(logindex_query_new(&q, "[", &err), -EINVAL);
    cr_assert(strstr(err.text, "\"[\""), "%s", err.text);
    err.code = 0;
    cr_assert_eq(logindex_query_new(&q, "", &err), -EINVAL);
    cr_assert_eq(logindex_query_new(&q, "\\c", &err), -EINVAL);
    cr_assert_eq(logindex_query_new(&q, "a{5", &err), -EINVAL);
}

static void check_match(const char *pattern, const char *text, int start, int end)
{
    struct logindex_query *q = query(pattern);
    size_t a = 0, b = 0;
    bool found = logindex_query_match(q, text, strlen(text), 0, &a, &b);
    cr_assert_eq(found, start >= 0, "%s in %s", pattern, text);
    if (found)
        cr_assert(a == (size_t)start && b == (size_t)end, "%s in %s", pattern, text);
    logindex_query_free(q);
}

/* The literal that is looked for first must not hide a match. */
Test(logsearch, patterns_match_as_the_library_says)
{
    check_match("ab*c", "xx ac", 3, 5);
    check_match("xab?y", "xay", 0, 3);
    check_match("abc+", "abccc", 0, 5);
    check_match("ab{0,2}c", "ac", 0, 2);
    check_match("(abc)?d", "d", 0, 1);
    check_match("(abc)*def", "def", 0, 3);
    check_match("abc|def", "def", 0, 3);
    check_match("a[xyz]c", "ayc", 0, 3);
    check_match("[]a]b", "]b", 0, 2);
    check_match("[[:digit:]]+ms", "took 15ms", 5, 9);
    check_match("a\\.b", "a.b", 0, 3);
    check_match("a\\.b", "axb", -1, 0);
    check_match("\\bword\\b", "a word.", 2, 6);
    check_match("\\cHeLLo", "say hello", 4, 9);
    check_match("\\cx[0-9]HELLO", "X1hello", 0, 7);
    check_match("HELLO", "hello", -1, 0);
    check_match("1.5", "1x5", 0, 3);
    check_match("path/to", "a path/to b", 2, 9);
    check_match("^$", "", 0, 0);
    check_match("^$", "\033[0m", 4, 4);
    check_match("ab", "x\033[1ma\033[0mb", 5, 11);
    check_match("^x", "\033[1mx\033[0m", 4, 5);
    check_match("x$", "\033[1mx\033[0m", 4, 5);
    check_match("a[^ ]*z", "a\033[1my\033[0mz ", 0, 11);
    check_match("1m", "x\033[1my", -1, 0);
    check_match("2J", "x\033[2Jy", 3, 5);
    check_match("\033", "x\033[3", 1, 2); /* torn: it is text */
}

Test(logsearch, every_position_and_length_of_a_literal)
{
    char hay[200], word[40];
    for (size_t len = 1; len < 36; len++) {
        for (size_t i = 0; i < len; i++)
            word[i] = (char)(i % 3 ? 'e' : 'A' + (int)(i % 26));
        word[len] = '\0';
        struct logindex_query *q = query(word);
        for (size_t at = 0; at + len <= sizeof(hay); at++) {
            size_t a, b;
            memset(hay, 'e', sizeof(hay));
            memcpy(hay + at, word, len);
            cr_assert(logindex_query_match(q, hay, sizeof(hay), 0, &a, &b));
            cr_assert_eq(a, at);
            cr_assert_eq(b, at + len);
            cr_assert_not(logindex_query_match(q, hay, at + len - 1, 0, &a, &b));
        }
        logindex_query_free(q);
    }
}

Test(logsearch, grep_names_the_source_and_goes_on_after_a_missing_one)
{
    logbox_line("one needle");
    logbox_line("hay");
    logbox_line("two needle");
    logbox_write();
    const char *paths[] = {logbox.path, "/nonexistent/container.log", logbox.path};
    struct logindex_grep *g;
    struct log_hit hit;
    char text[64];
    size_t len, found = 0;
    cr_assert_eq(logindex_grep_new(&g, paths, 3, "needle", 0, NULL), 0);
    for (int r; (r = logindex_grep_next(g, 1, &hit, text, sizeof(text), &len)) != 0;
         found += r > 0) {
        if (r == -EAGAIN)
            continue;
        cr_assert_eq(hit.source, found < 2 ? 0 : 2);
        cr_assert_str_eq(text, found % 2 ? "two needle" : "one needle");
        cr_assert_eq(len, 10);
    }
    cr_assert_eq(found, 4);
    logindex_grep_free(g);
    cr_assert_eq(logindex_grep_new(&g, paths, 3, "needle", logbox.lines[1].time, NULL),
                 0);
    cr_assert_eq(logindex_grep_next(g, 1u << 20, &hit, NULL, 0, NULL), 1);
    cr_assert_eq(hit.line.start, logbox.lines[2].start);
    logindex_grep_free(g);
}

/* ---- output in chunks ------------------------------------------------------------------ */

/* As a busy program writes it: lines of some 80 bytes, cut where 4 kB are full. */
static void add_chunks(unsigned lines)
{
    size_t used = 0;
    for (unsigned i = 0; i < lines; i++) {
        char text[120];
        int n = snprintf(text, sizeof(text), "line %u of many needle-%u, and%*s the rest",
                         i, i % 100, (int)(i % 40), "");
        unsigned stream = i % 97 == 13 ? LOG_STDERR : LOG_STDOUT;
        size_t len = (size_t)n, first = 4096 - used;
        if (stream == LOG_STDERR || len < first) {
            logbox_add(stream, true, text, len);
            used += stream == LOG_STDERR ? 0 : len;
            continue;
        }
        logbox_add(stream, false, text, first);
        if (i % 7 == 3)
            logbox_add(LOG_STDERR, true, "between needle-5, the halves", 28);
        if (i % 11 == 5 && first + 2 < len) { /* in three */
            logbox_add(stream, false, text + first, 1);
            first++;
        }
        logbox_add(stream, true, text + first, len - first);
        used = len - first;
    }
}

Test(logsearch, output_that_came_in_chunks)
{
    static const char *const FIND[] = {"needle-5,", "needle-77",   "^line 1[0-9]*7 ",
                                       "rest$",     "many",        "halves",
                                       "of.*, and", "no such",     "^ne",
                                       "needle-9",  "\\cNEEDLE-3", "^e rest$"};
    add_chunks(5000);
    logbox_damage("not a record P needle-5,");
    add_chunks(100);
    logbox_open();
    for (size_t i = 0; i < ARRAY_SIZE(FIND); i++) {
        size_t n = check_search(FIND[i], false, false);
        cr_assert_eq(check_search(FIND[i], true, false), n, "%s", FIND[i]);
    }
    cr_assert_gt(check_search("needle-5,", false, false), 50);
    cr_assert_eq(check_search("^e rest$", false, false), 0, "half a line is no line");
}

static long reads_so_far(void)
{
    char line[100];
    long n = -1;
    FILE *f = fopen("/proc/self/io", "re");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "syscr: %ld", &n);
    if (f)
        fclose(f);
    return n;
}

/* Not line by line: that is twenty times slower. */
Test(logsearch, chunks_do_not_make_it_read_every_line)
{
    add_chunks(10000);
    logbox_open();
    long before = reads_so_far();
    if (before < 0)
        cr_skip_test("this kernel counts no reads (/proc/self/io)");
    check_search("no such", false, false);
    check_search("no such", true, false);
    long reads = reads_so_far() - before;
    cr_expect_lt(reads, 1000, "%ld reads for 10000 lines", reads);
}
