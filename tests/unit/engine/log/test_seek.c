#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "engine/log/log.h"
#include "tempdir.h"

#define START 1767323045000000000LL
#define STAMP "2026-01-02T03:04:05.678901234Z"

static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(log_seek, .init = setup, .fini = teardown);

/* Line i is "line <i>", one second after the one before. */
static void write_lines(int n, uint64_t max_size, int padding)
{
    struct log_writer w;
    char line[20100];
    cr_assert_eq(log_open(&w, tmp.fd, max_size, 1000, NULL), 0);
    for (int i = 0; i < n; i++) {
        int len = snprintf(line, sizeof(line), "line %d%*s\n", i, padding, "");
        cr_assert_eq(log_write(&w, LOG_STDOUT, line, (size_t)len, START + i * NS_PER_SEC),
                     0);
    }
    log_close(&w);
}

/* The number of the next line, -1 = none; and how many lines follow in all. */
static int next_line(struct log_reader *r, int *ret_lines)
{
    struct log_record record;
    int first = -1;
    *ret_lines = 0;
    while (log_reader_next(r, &record) == 1) {
        if (first < 0 && record.len > 5)
            sscanf(record.text, "line %d", &first);
        *ret_lines += record.full;
    }
    return first;
}

static void expect_tail(uint64_t n, int first, int lines)
{
    struct log_reader r;
    int count;
    cr_assert_eq(log_reader_open(&r, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(log_reader_tail(&r, n), 0);
    cr_expect_eq(next_line(&r, &count), first, "tail %d", (int)n);
    cr_expect_eq(count, lines, "tail %d gives %d lines", (int)n, count);
    cr_expect_eq(r.damaged, 0);
    log_reader_close(&r);
}

static void expect_since(int64_t wall_ns, int first)
{
    struct log_reader r;
    int count;
    cr_assert_eq(log_reader_open(&r, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(log_reader_since(&r, wall_ns), 0);
    cr_expect_eq(next_line(&r, &count), first, "%lld", (long long)wall_ns);
    cr_expect_eq(r.damaged, 0);
    log_reader_close(&r);
}

Test(log_seek, tail_of_one_file)
{
    write_lines(5000, 0, 30);
    expect_tail(0, -1, 0);
    expect_tail(1, 4999, 1);
    expect_tail(10, 4990, 10);
    expect_tail(4000, 1000, 4000);
    expect_tail(5000, 0, 5000);
    expect_tail(9999, 0, 5000);
}

Test(log_seek, tail_over_rotated_files)
{
    write_lines(500, 2000, 3);
    for (int n = 1; n < 120; n++)
        expect_tail((uint64_t)n, 500 - n, n);
    expect_tail(500, 0, 500);
    expect_tail(501, 0, 500);
}

Test(log_seek, tail_of_lines_longer_than_a_record)
{
    write_lines(12, 0, 20000);
    expect_tail(1, 11, 1);
    expect_tail(5, 7, 5);
    expect_tail(12, 0, 12);
}

Test(log_seek, heads_over_every_block_border)
{
    for (int padding = 0; padding < 41; padding += 5) {
        write_lines(700, 0, padding + 60);
        expect_tail(650, 50, 650);
        unlinkat(tmp.fd, LOG_NAME, 0);
    }
}

Test(log_seek, an_open_last_line_counts)
{
    tempdir_put(&tmp, LOG_NAME,
                STAMP " stdout F line 1\n" STAMP " stdout F line 2\n" STAMP
                      " stdout P line 3\n" STAMP " stdout P and more\n");
    expect_tail(1, 3, 0);
    expect_tail(2, 2, 1);
    expect_tail(3, 1, 2);
}

Test(log_seek, a_torn_tail_and_damage_do_not_count)
{
    struct log_reader r;
    int count;
    tempdir_put(&tmp, LOG_NAME,
                STAMP " stdout F line 1\nrubbish\n" STAMP " stdout F line 2\n" STAMP
                      " stdout F torn");
    cr_assert_eq(log_reader_open(&r, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(log_reader_tail(&r, 2), 0);
    cr_expect_eq(next_line(&r, &count), 1);
    cr_expect_eq(count, 2);
    log_reader_close(&r);
}

Test(log_seek, no_log_has_no_tail)
{
    expect_tail(5, -1, 0);
    expect_since(START, -1);
    tempdir_put(&tmp, LOG_NAME, "");
    expect_tail(5, -1, 0);
}

Test(log_seek, since_finds_the_first_record_of_that_time)
{
    write_lines(3000, 0, 50);
    expect_since(START - 1, 0);
    expect_since(START, 0);
    expect_since(START + 1, 1);
    expect_since(START + 1234 * NS_PER_SEC, 1234);
    expect_since(START + 2999 * NS_PER_SEC, 2999);
    expect_since(START + 3000 * NS_PER_SEC, -1);
}

Test(log_seek, since_over_rotated_files)
{
    write_lines(300, 1500, 0);
    for (int i = 0; i < 300; i += 7)
        expect_since(START + i * NS_PER_SEC, i);
    expect_since(START + 300 * NS_PER_SEC, -1);
}

/* A rotation that just happened leaves a file without a record. */
Test(log_seek, since_looks_behind_an_empty_file)
{
    write_lines(10, 0, 0);
    cr_assert_eq(renameat(tmp.fd, LOG_NAME, tmp.fd, LOG_NAME ".1"), 0);
    tempdir_put(&tmp, LOG_NAME, "");
    expect_since(START + 4 * NS_PER_SEC, 4);
    expect_tail(3, 7, 3);
}
