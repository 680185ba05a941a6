/* logindex: lines from any address in both directions, joined, counted, searched, across
 * growth and rotation, in memory that does not depend on the log. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/logindex.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true /* its shadow and quarantine count too */
#else
#define SANITIZED false
#endif

/* ---- a log to read --------------------------------------------------------------------- */

struct expected { /* one line as it ought to be found */
    uint64_t start;
    unsigned stream;
    int64_t time;
    struct buf text;
};

static char dir[64], path[128];
static struct logindex *x;
static struct buf raw; /* of container.log */
static struct expected *lines;
static size_t n_lines;
static size_t open_line[3]; /* index + 1 by stream; 0 = none */
static uint64_t rotated;    /* bytes in rotated files */
static unsigned seconds;

static void setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test_logindex.XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/container.log", dir);
}

static void teardown(void)
{
    logindex_close(x);
    x = NULL;
    for (size_t i = 0; i < n_lines; i++)
        buf_done(&lines[i].text);
    free(lines);
    buf_done(&raw);
    cr_assert_eq(fs_remove_tree_at(AT_FDCWD, dir), 0);
}

TestSuite(logindex, .init = setup, .fini = teardown);

static size_t new_line(unsigned stream, int64_t time)
{
    lines = realloc(lines, (n_lines + 1) * sizeof(*lines));
    lines[n_lines] =
        (struct expected){.start = rotated + raw.len, .stream = stream, .time = time};
    return ++n_lines;
}

static void add(unsigned stream, bool full, const char *text, size_t len)
{
    char head[LOG_HEAD + 1];
    unsigned s = seconds++;
    int64_t time = (1767312000LL + s) * 1000000000LL + 5; /* 2026-01-02T00:00:00Z */
    snprintf(head, sizeof(head), "2026-01-%02uT%02u:%02u:%02u.000000005Z %s %c ",
             2 + s / 86400, s / 3600 % 24, s / 60 % 60, s % 60,
             stream == LOG_STDOUT ? "stdout" : "stderr", full ? 'F' : 'P');
    if (open_line[stream] == 0)
        open_line[stream] = new_line(stream, time);
    buf_add(&lines[open_line[stream] - 1].text, text, len);
    buf_add(&raw, head, LOG_HEAD);
    buf_add(&raw, text, len);
    buf_putc(&raw, '\n');
    if (full)
        open_line[stream] = 0;
}

static void add_line(const char *text)
{
    add(LOG_STDOUT, true, text, strlen(text));
}

static void add_damage(const char *text)
{
    size_t i = new_line(0, 0);
    buf_puts(&lines[i - 1].text, text);
    buf_printf(&raw, "%s\n", text);
}

static void write_log(void)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fs_write_all(fd, raw.data ? raw.data : "", raw.len), 0);
    close(fd);
}

static void open_log(void)
{
    struct mtd_error err = {0};
    write_log();
    cr_assert_eq(logindex_open(&x, path, &err), 0, "%s", err.text);
}

/* Appends what has been added since. */
static void append_from(size_t len)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    cr_assert_eq(fs_write_all(fd, raw.data + len, raw.len - len), 0);
    close(fd);
}

static void rotate(void)
{
    char from[160], to[160];
    for (int i = 8; i >= 0; i--) {
        snprintf(from, sizeof(from), i ? "%s.%d" : "%s", path, i);
        snprintf(to, sizeof(to), "%s.%d", path, i + 1);
        rename(from, to);
    }
    rotated += raw.len;
    raw.len = 0;
    write_log();
}

static void check_line(const struct log_line *line, const struct expected *e)
{
    cr_assert_eq(line->start, e->start, "start %lu, not %lu: %.*s", line->start, e->start,
                 70, raw.data + e->start);
    cr_assert_eq(line->stream, e->stream);
    cr_assert_eq(line->len, e->text.len, "len %lu, not %zu at %lu", line->len,
                 e->text.len, e->start);
    cr_assert_eq(line->time, e->time);
    auto_free char *text = malloc(line->len + 1);
    cr_assert_eq(logindex_text(x, line, 0, text, line->len + 1), (ssize_t)line->len);
    cr_assert_eq(memcmp(text, e->text.data ? e->text.data : "", line->len), 0);
    if (line->len > 3) { /* from the middle */
        cr_assert_eq(logindex_text(x, line, line->len - 3, text, 100), 3);
        cr_assert_eq(memcmp(text, e->text.data + line->len - 3, 3), 0);
    }
}

static void check_forward(void)
{
    struct log_line line = {.next = 0};
    for (size_t i = 0; i < n_lines; i++) {
        cr_assert_eq(logindex_at(x, line.next, &line), 1);
        check_line(&line, &lines[i]);
    }
    cr_assert_eq(logindex_at(x, line.next, &line), 0);
}

static void check_backward(void)
{
    struct log_line line = {.start = UINT64_MAX};
    for (size_t i = n_lines; i-- > 0;) {
        cr_assert_eq(logindex_before(x, line.start, &line), 1);
        check_line(&line, &lines[i]);
    }
    cr_assert_eq(logindex_before(x, line.start, &line), 0);
}

/* Lines of all kinds; several blocks of them. */
static void add_mixture(unsigned seed, size_t bytes)
{
    static char text[40000];
    for (size_t end = raw.len + bytes; raw.len < end;) {
        unsigned stream = rand_r(&seed) % 4 ? LOG_STDOUT : LOG_STDERR,
                 kind = rand_r(&seed) % 16;
        size_t len = kind == 0 ? (size_t)rand_r(&seed) % sizeof(text)
                               : (size_t)rand_r(&seed) % 200;
        for (size_t i = 0; i < len; i++)
            text[i] = (char)('a' + rand_r(&seed) % 26);
        if (len > 12 && kind == 3)
            memcpy(text + 4, "needle", 6);
        add(stream, kind > 2, text, len);
        if (kind == 4)
            add_damage("this is no record");
    }
    add(LOG_STDOUT, true, "", 0);
    add(LOG_STDERR, true, "end", 3);
}

/* ---- lines ----------------------------------------------------------------------------- */

Test(logindex, no_log_is_an_empty_one)
{
    struct log_line line;
    cr_assert_eq(logindex_open(&x, path, NULL), 0);
    cr_assert_eq(logindex_end(x), 0);
    cr_assert_eq(logindex_at(x, 0, &line), 0);
    cr_assert_eq(logindex_before(x, UINT64_MAX, &line), 0);
    add_line("first");
    write_log();
    cr_assert_eq(logindex_refresh(x), LOG_GREW | LOG_ROTATED);
    check_forward();
}

Test(logindex, a_directory_that_is_missing_says_so)
{
    struct mtd_error err = {0};
    cr_assert_eq(logindex_open(&x, "/nonexistent/container.log", &err), -ENOENT);
    cr_assert(strstr(err.text, "/nonexistent"));
}

Test(logindex, records_of_a_stream_are_joined)
{
    add(LOG_STDOUT, false, "pass", 4);
    add(LOG_STDERR, true, "between", 7);
    add(LOG_STDOUT, false, "wo", 2);
    add(LOG_STDOUT, true, "rd: ", 4);
    open_log();
    struct log_line line;
    cr_assert_eq(logindex_at(x, 0, &line), 1);
    cr_assert(line.joined);
    cr_assert_not(line.partial);
    check_forward();
    check_backward();
}

Test(logindex, a_line_that_has_not_ended_is_partial)
{
    add_line("done");
    add(LOG_STDOUT, false, "prompt> ", 8);
    open_log();
    struct log_line line;
    cr_assert_eq(logindex_before(x, UINT64_MAX, &line), 1);
    cr_assert(line.partial);
    check_forward();
}

Test(logindex, a_torn_tail_is_not_seen_until_it_is_whole)
{
    add_line("whole");
    size_t whole = raw.len;
    add_line("torn");
    size_t full = raw.len;
    raw.len = whole + 20;
    open_log();
    struct log_line line;
    cr_assert_eq(logindex_at(x, 0, &line), 1);
    cr_assert_eq(logindex_at(x, line.next, &line), 0);
    raw.len = full;
    append_from(whole + 20);
    cr_assert_eq(logindex_refresh(x), LOG_GREW);
    check_forward();
}

Test(logindex, damage_is_one_line_of_no_stream)
{
    add_line("good");
    add_damage("2026-01-02T03:0 half a head\n\nand more of it");
    add_line("good again");
    add_damage("short");
    open_log();
    check_forward();
    check_backward();
}

Test(logindex, many_blocks_of_every_kind_of_line)
{
    add_mixture(1, 6u * LOG_BLOCK);
    open_log();
    check_forward();
    check_backward();
}

Test(logindex, every_address_leads_to_the_next_line)
{
    add_mixture(2, 3u * LOG_BLOCK);
    open_log();
    unsigned seed = 3;
    for (int i = 0; i < 3000; i++) {
        uint64_t address = (uint64_t)rand_r(&seed) % raw.len;
        size_t k = 0;
        while (k < n_lines && lines[k].start < address)
            k++;
        struct log_line line;
        cr_assert_eq(logindex_at(x, address, &line), k < n_lines);
        if (k < n_lines)
            cr_assert_eq(line.start, lines[k].start);
        cr_assert_eq(logindex_before(x, address, &line), k > 0);
        if (k > 0)
            cr_assert_eq(line.start, lines[k - 1].start);
    }
}

Test(logindex, the_log_grows_meanwhile)
{
    open_log();
    for (unsigned i = 0; i < 40; i++) {
        size_t before = raw.len;
        add_mixture(i, LOG_BLOCK / 7);
        append_from(before);
        cr_assert_eq(logindex_refresh(x), LOG_GREW);
        struct log_line line;
        cr_assert_eq(logindex_before(x, UINT64_MAX, &line), 1);
        check_line(&line, &lines[n_lines - 1]);
    }
    check_forward();
    cr_assert_eq(logindex_refresh(x), 0);
}

/* ---- rotation -------------------------------------------------------------------------- */

Test(logindex, addresses_survive_rotation)
{
    add_mixture(1, LOG_BLOCK);
    open_log();
    for (unsigned i = 2; i < 6; i++) {
        rotate();
        add_mixture(i, LOG_BLOCK / 2);
        write_log();
        cr_assert_eq(logindex_refresh(x), LOG_GREW | LOG_ROTATED);
        check_backward();
    }
    check_forward();
}

Test(logindex, several_rotations_between_two_looks)
{
    add_mixture(1, LOG_BLOCK / 2);
    open_log();
    for (unsigned i = 2; i < 5; i++) {
        size_t before = raw.len;
        add_line("the last one before it rotates");
        append_from(before);
        rotate();
        add_mixture(i, LOG_BLOCK / 2);
        write_log();
    }
    cr_assert_eq(logindex_refresh(x), LOG_GREW | LOG_ROTATED);
    check_forward();
    check_backward();
}

Test(logindex, rotated_files_are_found_at_open)
{
    add_mixture(1, LOG_BLOCK / 2);
    write_log();
    rotate();
    add(LOG_STDOUT, false, "begins in the old file, ", 24);
    write_log();
    rotate();
    add(LOG_STDOUT, true, "ends in the new one", 19);
    open_log();
    check_forward();
}

Test(logindex, what_was_rotated_away_is_lost_and_told)
{
    add_line("old");
    open_log();
    rotate();
    add_line("new");
    write_log();
    char old[160];
    snprintf(old, sizeof(old), "%s.1", path);
    cr_assert_eq(unlink(old), 0);
    cr_assert_eq(logindex_refresh(x), LOG_GREW | LOG_ROTATED | LOG_LOST);
    cr_assert_eq(logindex_first(x), rotated);
    struct log_line line;
    cr_assert_eq(logindex_at(x, 0, &line), 1);
    check_line(&line, &lines[1]);
    cr_assert_eq(logindex_before(x, line.start, &line), 0);
}

Test(logindex, a_truncated_log_starts_again)
{
    add_line("old");
    add_line("older");
    open_log();
    uint64_t end = logindex_end(x);
    cr_assert_eq(truncate(path, 0), 0);
    cr_assert_eq(logindex_refresh(x), LOG_ROTATED | LOG_LOST);
    cr_assert_eq(logindex_first(x), end);
    struct log_line line;
    cr_assert_eq(logindex_at(x, 0, &line), 0);
    cr_assert_eq(logindex_before(x, UINT64_MAX, &line), 0);
}

Test(logindex, a_removed_log_stays_readable)
{
    add_line("still here");
    open_log();
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(logindex_refresh(x), 0);
    check_forward();
}

Test(logindex, what_is_no_file_is_not_opened)
{
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(logindex_open(&x, path, NULL), 0);
    cr_assert_eq(logindex_end(x), 0);
}

/* ---- time, counting, numbers ----------------------------------------------------------- */

Test(logindex, seek_by_time)
{
    add_mixture(5, 2u * LOG_BLOCK);
    open_log();
    uint64_t at;
    for (size_t i = 0; i < n_lines; i += 97) {
        if (lines[i].stream == 0)
            continue;
        cr_assert_eq(logindex_seek_time(x, lines[i].time, &at), 0);
        cr_assert_eq(at, lines[i].start);
        cr_assert_eq(logindex_seek_time(x, lines[i].time - 1000, &at), 0);
        cr_assert_eq(at, lines[i].start);
    }
    cr_assert_eq(logindex_seek_time(x, 0, &at), 0);
    cr_assert_eq(at, 0);
    cr_assert_eq(logindex_seek_time(x, INT64_MAX, &at), 0);
    cr_assert_eq(at, logindex_end(x));
}

Test(logindex, tail)
{
    add_mixture(6, 2u * LOG_BLOCK);
    open_log();
    uint64_t at;
    for (size_t n = 1; n < n_lines; n = n * 2 + 1) {
        cr_assert_eq(logindex_tail(x, n, &at), 0);
        cr_assert_eq(at, lines[n_lines - n].start);
    }
    cr_assert_eq(logindex_tail(x, 0, &at), 0);
    cr_assert_eq(at, logindex_end(x));
    cr_assert_eq(logindex_tail(x, UINT64_MAX, &at), 0);
    cr_assert_eq(at, 0);
}

Test(logindex, lines_are_counted_as_they_come)
{
    add_mixture(7, 2u * LOG_BLOCK);
    open_log();
    struct log_counter c = {0};
    while (logindex_count(x, &c, 1) == -EAGAIN)
        ;
    cr_assert_eq(c.lines, n_lines);
    for (unsigned i = 0; i < 10; i++) {
        size_t before = raw.len;
        add_mixture(i, 1000);
        append_from(before);
        logindex_refresh(x);
        cr_assert_eq(logindex_count(x, &c, 1u << 20), 0);
        cr_assert_eq(c.lines, n_lines);
    }
}

Test(logindex, numbers_and_lines)
{
    add_mixture(8, 5u * LOG_BLOCK);
    open_log();
    struct log_line line;
    cr_assert_eq(logindex_numbered(x, 0, &line), 0);
    while (logindex_number_lines(x, LOG_BLOCK) == -EAGAIN)
        ;
    cr_assert_eq(logindex_lines(x), n_lines);
    for (uint64_t i = 0; i < n_lines; i += 41) {
        uint64_t number;
        cr_assert_eq(logindex_numbered(x, i, &line), 1);
        cr_assert_eq(line.start, lines[i].start);
        cr_assert_eq(logindex_number_of(x, line.start, &number), 1);
        cr_assert_eq(number, i);
    }
    cr_assert_eq(logindex_numbered(x, n_lines, &line), 0);
}

/* ---- search ---------------------------------------------------------------------------- */

static struct log_query *query(const char *pattern)
{
    struct mtd_error err = {0};
    struct log_query *q = NULL;
    cr_assert_eq(log_query_new(&q, pattern, &err), 0, "%s", err.text);
    return q;
}

static bool expect_match(const struct log_query *q, const struct expected *e)
{
    size_t a, b;
    return log_query_match(q, e->text.data ? e->text.data : "", e->text.len, 0, &a, &b);
}

static size_t check_search(const char *pattern, bool backward, bool missing)
{
    struct log_query *q = query(pattern);
    struct log_search s;
    struct log_line line;
    size_t found = 0;
    log_search_init(&s, x, q, backward ? UINT64_MAX : 0, backward);
    s.missing = missing;
    for (size_t k = 0; k < n_lines; k++) {
        const struct expected *e = &lines[backward ? n_lines - 1 - k : k];
        if (expect_match(q, e) == missing)
            continue;
        int r;
        while ((r = log_search_next(&s, 1, &line)) == -EAGAIN)
            ;
        cr_assert_eq(r, 1, "%s: %zu found, then %d", pattern, found, r);
        check_line(&line, e);
        found++;
    }
    int r;
    while ((r = log_search_next(&s, 1, &line)) == -EAGAIN)
        ;
    cr_assert_eq(r, 0);
    log_query_free(q);
    return found;
}

static const char *const PATTERNS[] = {"needle",   "needle.*z", "^qu",      "xyz",
                                       "e$",       "no record", "stdout",   "2026",
                                       "zzzzzzzz", "\\cNEEDLE", "end|ab.de"};

Test(logindex, search_finds_every_line_once_in_both_directions)
{
    add_mixture(9, 4u * LOG_BLOCK);
    open_log();
    size_t found = 0;
    for (size_t i = 0; i < sizeof(PATTERNS) / sizeof(PATTERNS[0]); i++) {
        size_t n = check_search(PATTERNS[i], false, false);
        cr_assert_eq(check_search(PATTERNS[i], true, false), n);
        cr_assert_eq(check_search(PATTERNS[i], false, true), n_lines - n);
        cr_assert_eq(check_search(PATTERNS[i], true, true), n_lines - n);
        found += n;
    }
    cr_assert_gt(found, 100);
}

/* Without P records the bytes are searched, not the lines. */
Test(logindex, search_of_plain_lines)
{
    char text[100];
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "line %u of them%s", i,
                 i % 1000 == 7 ? " needle" : "");
        add(i % 9 ? LOG_STDOUT : LOG_STDERR, true, text, strlen(text));
        if (i % 3000 == 0)
            add_damage("no record\nneedle\nno record");
    }
    open_log();
    cr_assert_eq(check_search("needle", false, false), 27);
    cr_assert_eq(check_search("needle", true, false), 27);
    cr_assert_eq(check_search("stdout", false, false), 0);
    cr_assert_eq(check_search("stderr F", true, false), 0);
    cr_assert_eq(check_search("F line 77 ", false, false), 0);
    cr_assert_eq(check_search("line 77 ", false, false), 1);
    cr_assert_eq(check_search("^line [0-9]*77 of.*m$", false, false), 200);
    cr_assert_eq(check_search("of them", true, false), 20000);
}

Test(logindex, search_goes_on_when_the_log_grows_and_rotates)
{
    add_line("needle 1");
    open_log();
    struct log_query *q = query("needle");
    struct log_search s;
    struct log_line line;
    log_search_init(&s, x, q, 0, false);
    for (unsigned i = 0; i < 20; i++) {
        cr_assert_eq(log_search_next(&s, 1u << 20, &line), 1);
        check_line(&line, &lines[n_lines - 1]);
        cr_assert_eq(log_search_next(&s, 1u << 20, &line), 0);
        if (i % 5 == 4)
            rotate();
        size_t before = raw.len;
        add_line("hay");
        add_line("needle again");
        append_from(before);
        logindex_refresh(x);
        for (size_t k = n_lines - 2; k < n_lines - 1; k++)
            cr_assert_eq(lines[k].text.len, 3);
    }
    log_query_free(q);
}

Test(logindex, a_match_across_records_is_found)
{
    add(LOG_STDOUT, false, "split nee", 9);
    add(LOG_STDERR, true, "nothing", 7);
    add(LOG_STDOUT, true, "dle here", 8);
    open_log();
    cr_assert_eq(check_search("split needle here", false, false), 1);
}

Test(logindex, a_bad_pattern_says_why)
{
    struct mtd_error err = {0};
    struct log_query *q;
    cr_assert_eq(log_query_new(&q, "[", &err), -EINVAL);
    cr_assert(strstr(err.text, "\"[\""), "%s", err.text);
    err.code = 0;
    cr_assert_eq(log_query_new(&q, "", &err), -EINVAL);
    cr_assert_eq(log_query_new(&q, "\\c", &err), -EINVAL);
    cr_assert_eq(log_query_new(&q, "a{5", &err), -EINVAL);
}

static void check_match(const char *pattern, const char *text, int start, int end)
{
    struct log_query *q = query(pattern);
    size_t a = 0, b = 0;
    bool found = log_query_match(q, text, strlen(text), 0, &a, &b);
    cr_assert_eq(found, start >= 0, "%s in %s", pattern, text);
    if (found)
        cr_assert(a == (size_t)start && b == (size_t)end, "%s in %s", pattern, text);
    log_query_free(q);
}

/* The literal that is looked for first must not hide a match. */
Test(logindex, patterns_match_as_the_library_says)
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
}

Test(logindex, every_position_and_length_of_a_literal)
{
    char hay[200], word[40];
    for (size_t len = 1; len < 36; len++) {
        for (size_t i = 0; i < len; i++)
            word[i] = (char)(i % 3 ? 'e' : 'A' + (int)(i % 26));
        word[len] = '\0';
        struct log_query *q = query(word);
        for (size_t at = 0; at + len <= sizeof(hay); at++) {
            size_t a, b;
            memset(hay, 'e', sizeof(hay));
            memcpy(hay + at, word, len);
            cr_assert(log_query_match(q, hay, sizeof(hay), 0, &a, &b));
            cr_assert_eq(a, at);
            cr_assert_eq(b, at + len);
            cr_assert_not(log_query_match(q, hay, at + len - 1, 0, &a, &b));
        }
        log_query_free(q);
    }
}

Test(logindex, grep_names_the_source_and_goes_on_after_a_missing_one)
{
    add_line("one needle");
    add_line("hay");
    add_line("two needle");
    write_log();
    const char *paths[] = {path, "/nonexistent/container.log", path};
    struct log_grep *g;
    struct log_hit hit;
    char text[64];
    size_t len, found = 0;
    cr_assert_eq(log_grep_new(&g, paths, 3, "needle", 0, NULL), 0);
    for (int r; (r = log_grep_next(g, 1, &hit, text, sizeof(text), &len)) != 0;
         found += r > 0) {
        if (r == -EAGAIN)
            continue;
        cr_assert_eq(hit.source, found < 2 ? 0 : 2);
        cr_assert_str_eq(text, found % 2 ? "two needle" : "one needle");
        cr_assert_eq(len, 10);
    }
    cr_assert_eq(found, 4);
    log_grep_free(g);
    cr_assert_eq(log_grep_new(&g, paths, 3, "needle", lines[1].time, NULL), 0);
    cr_assert_eq(log_grep_next(g, 1u << 20, &hit, NULL, 0, NULL), 1);
    cr_assert_eq(hit.line.start, lines[2].start);
    log_grep_free(g);
}

/* ---- bounds ---------------------------------------------------------------------------- */

static long resident_kib(void)
{
    long size, resident = 0;
    auto_file FILE *f = fopen("/proc/self/statm", "re");
    cr_assert(f && fscanf(f, "%ld %ld", &size, &resident) == 2);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A sparse file: the holes are NULs, so this costs no disk. */
static void make_endless(uint64_t bytes, bool records)
{
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char head[] = "\n2026-01-02T03:04:05.678901234Z stdout P ";
    for (uint64_t at = 0; at < bytes && records; at += LOG_TEXT_MAX)
        cr_assert_gt(pwrite(fd, head + !at, sizeof(head) - 1 - !at, (off_t)at), 0);
    cr_assert_eq(pwrite(fd, "\n", 1, (off_t)bytes), 1);
}

static uint64_t read_endless(uint64_t *ret_lines)
{
    struct log_line line = {.next = 0};
    char text[4096];
    uint64_t total = 0;
    *ret_lines = 0;
    while (logindex_at(x, line.next, &line) == 1) {
        cr_assert_leq(line.len, LOG_LINE_MAX);
        cr_assert_geq(logindex_text(x, &line, line.len / 2, text, sizeof(text)), 0);
        total += line.len;
        ++*ret_lines;
        cr_assert_leq(*ret_lines, 2000);
    }
    return total;
}

static void check_endless(bool records)
{
    const uint64_t bytes = 100u << 20;
    make_endless(bytes, records);
    cr_assert_eq(logindex_open(&x, path, NULL), 0);
    long before = resident_kib(), grown;
    uint64_t n, total = read_endless(&n);
    cr_assert_gt(n, 0);
    if (records)
        cr_assert_gt(total, bytes - bytes / 100);
    struct log_query *q = query("not there");
    struct log_search s;
    struct log_line line;
    log_search_init(&s, x, q, 0, false);
    while (log_search_next(&s, 1u << 20, &line) == -EAGAIN)
        ;
    log_search_init(&s, x, q, UINT64_MAX, true);
    while (log_search_next(&s, 1u << 20, &line) == -EAGAIN)
        ;
    log_query_free(q);
    grown = resident_kib() - before;
    cr_assert_lt(grown, SANITIZED ? 65536 : 2048);
}

Test(logindex, a_hundred_megabytes_without_a_newline)
{
    check_endless(true);
}

Test(logindex, a_hundred_megabytes_that_are_no_record)
{
    check_endless(false);
}

Test(logindex, offsets_beyond_four_gigabytes)
{
    const uint64_t gap = 5ull << 30;
    add_line("at the end");
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(pwrite(fd, "\n", 1, (off_t)gap), 1);
    cr_assert_eq(pwrite(fd, raw.data, raw.len, (off_t)gap + 1), (ssize_t)raw.len);
    cr_assert_eq(logindex_open(&x, path, NULL), 0);
    struct log_line line;
    lines[0].start = gap + 1;
    cr_assert_eq(logindex_before(x, UINT64_MAX, &line), 1);
    check_line(&line, &lines[0]);
    cr_assert_eq(logindex_at(x, gap - 5, &line), 1);
    check_line(&line, &lines[0]);
}
