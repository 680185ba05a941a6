/* Where a log is read from, by time and by lines, against a model that counts. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "engine/log/log.h"
#include "seed.h"
#include "tempdir.h"

#define START 1767323045000000000LL
#define MOST 400

static struct tempdir tmp;
static int64_t at[MOST]; /* of line i */

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(log_model, .init = setup, .fini = teardown);

/* Lines of any length, some at the same nanosecond, over files of any number. */
static int write_log(struct seed *s)
{
    struct log_writer w;
    static char line[40000];
    int64_t now = START;
    int n = (int)seed_below(s, MOST);
    uint64_t max = seed_below(s, 3) ? 2000 + seed_below(s, 60000) : 0;
    cr_assert_eq(log_open(&w, tmp.fd, max, 1000, NULL), 0);
    for (int i = 0; i < n; i++) {
        now += seed_below(s, 3) ? (int64_t)seed_below(s, 3)
                                : (int64_t)seed_below(s, NS_PER_SEC);
        at[i] = now;
        int pad = seed_below(s, 20) ? (int)seed_below(s, 80) : (int)seed_below(s, 39000);
        int len = snprintf(line, sizeof(line), "%d%*s\n", i, pad, "");
        cr_assert_eq(log_write(&w, seed_below(s, 2) ? LOG_STDOUT : LOG_STDERR, line,
                               (size_t)len, now),
                     0);
    }
    log_close(&w);
    return n;
}

/* The first line, and how many; whole lines, whatever records they have. */
static int read_all(struct log_reader *r, int *ret_first)
{
    struct log_record record;
    int lines = 0;
    bool begins = true;
    *ret_first = -1;
    while (log_reader_next(r, &record) == 1) {
        if (begins && *ret_first < 0)
            sscanf(record.text, "%d", ret_first);
        lines += record.full;
        begins = record.full;
    }
    return lines;
}

static void expect_since(int64_t since, int n)
{
    struct log_reader r;
    int first, want = 0;
    while (want < n && at[want] < since)
        want++;
    cr_assert_eq(log_reader_open(&r, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(log_reader_since(&r, since), 0);
    int lines = read_all(&r, &first);
    log_reader_close(&r);
    cr_expect_eq(lines, n - want, "since %lld: %d lines, not %d",
                 (long long)(since - START), lines, n - want);
    cr_expect_eq(first, want < n ? want : -1, "since %lld: from %d, not %d",
                 (long long)(since - START), first, want);
}

static void expect_tail(uint64_t tail, int n)
{
    struct log_reader r;
    int first, want = tail >= (uint64_t)n ? n : (int)tail;
    cr_assert_eq(log_reader_open(&r, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(log_reader_tail(&r, tail), 0);
    int lines = read_all(&r, &first);
    log_reader_close(&r);
    cr_expect_eq(lines, want, "tail %d of %d: %d", (int)tail, n, lines);
    cr_expect_eq(first, want ? n - want : -1, "tail %d of %d: from %d", (int)tail, n,
                 first);
}

Test(log_model, since_and_tail)
{
    struct seed s = seed_of("since_and_tail");
    for (int round = 0; round < 8; round++) {
        int n = write_log(&s);
        for (int i = 0; i < 40 && n > 0; i++) {
            int64_t near = at[seed_below(&s, (uint64_t)n)];
            expect_since(near + (int64_t)seed_below(&s, 3) - 1, n);
        }
        expect_since(START - 1, n);
        expect_since(START + 3600 * NS_PER_SEC, n);
        for (int i = 0; i < 20; i++)
            expect_tail(seed_below(&s, (uint64_t)n + 3), n);
        tempdir_done(&tmp);
        tempdir_make(&tmp);
    }
}

/* However much comes at once, a file is longer than max-size only if one record is. */
Test(log_model, no_file_is_longer_than_it_may_be)
{
    struct log_writer w;
    static char batch[100000];
    size_t len = 0;
    for (int i = 0; len + 100 < sizeof(batch); i++)
        len += (size_t)snprintf(batch + len, sizeof(batch) - len, "%d a line\n", i);
    cr_assert_eq(log_open(&w, tmp.fd, 4096, 1000, NULL), 0);
    cr_assert_eq(log_write(&w, LOG_STDOUT, batch, len, START), 0);
    cr_assert_eq(log_write(&w, LOG_STDOUT, batch, len, START), 0);
    log_close(&w);
    struct stat st;
    char name[64] = "container.log";
    for (int i = 1; fstatat(tmp.fd, name, &st, 0) == 0; i++) {
        cr_expect_leq(st.st_size, 4096, "%s: %lld", name, (long long)st.st_size);
        snprintf(name, sizeof(name), "container.log.%d", i);
    }
    cr_expect_str_neq(name, "container.log.1", "nothing was rotated");
}

/* Another program puts a file of its own in the log's place. */
Test(log_model, a_file_in_the_place_of_the_log)
{
    struct log_writer w;
    struct stat st;
    cr_assert_eq(log_open(&w, tmp.fd, 0, 1, NULL), 0);
    cr_assert_eq(log_write(&w, LOG_STDOUT, "one\n", 4, START), 0);
    tempdir_put(&tmp, "other", "");
    cr_assert_eq(renameat(tmp.fd, "other", tmp.fd, "container.log"), 0);
    cr_assert_eq(log_write(&w, LOG_STDOUT, "two\n", 4, START), 0);
    log_close(&w);
    cr_assert_eq(fstatat(tmp.fd, "container.log", &st, 0), 0);
    cr_expect_gt(st.st_size, 0, "it went to a file that nobody finds");
}
