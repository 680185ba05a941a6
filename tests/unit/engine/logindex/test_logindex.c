/* logindex: lines from any address in both directions, joined, counted, across growth and
 * rotation, in memory that does not depend on the log. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/log/gz.h"
#include "logbox.h"

TestSuite(logindex, .init = logbox_setup, .fini = logbox_teardown);

/* ---- lines ----------------------------------------------------------------------------- */

Test(logindex, no_log_is_an_empty_one)
{
    struct log_line line;
    cr_assert_eq(logindex_open(&logbox.index, logbox.path, NULL), 0);
    cr_assert_eq(logindex_end(logbox.index), 0);
    cr_assert_eq(logindex_at(logbox.index, 0, &line), 0);
    cr_assert_eq(logindex_before(logbox.index, UINT64_MAX, &line), 0);
    logbox_line("first");
    logbox_write();
    cr_assert_eq(logindex_refresh(logbox.index), LOG_GREW | LOG_ROTATED);
    logbox_check_forward();
}

Test(logindex, a_directory_that_is_missing_says_so)
{
    struct mtd_error err = {0};
    cr_assert_eq(logindex_open(&logbox.index, "/nonexistent/container.log", &err),
                 -ENOENT);
    cr_assert(strstr(err.text, "/nonexistent"));
}

Test(logindex, records_of_a_stream_are_joined)
{
    logbox_add(LOG_STDOUT, false, "pass", 4);
    logbox_add(LOG_STDERR, true, "between", 7);
    logbox_add(LOG_STDOUT, false, "wo", 2);
    logbox_add(LOG_STDOUT, true, "rd: ", 4);
    logbox_open();
    struct log_line line;
    cr_assert_eq(logindex_at(logbox.index, 0, &line), 1);
    cr_assert(line.joined);
    cr_assert_not(line.partial);
    logbox_check_forward();
    logbox_check_backward();
}

Test(logindex, a_line_that_has_not_ended_is_partial)
{
    logbox_line("done");
    logbox_add(LOG_STDOUT, false, "prompt> ", 8);
    logbox_open();
    struct log_line line;
    cr_assert_eq(logindex_before(logbox.index, UINT64_MAX, &line), 1);
    cr_assert(line.partial);
    logbox_check_forward();
}

Test(logindex, a_torn_tail_is_not_seen_until_it_is_whole)
{
    logbox_line("whole");
    size_t whole = logbox.raw.len;
    logbox_line("torn");
    size_t full = logbox.raw.len;
    logbox.raw.len = whole + 20;
    logbox_open();
    struct log_line line;
    cr_assert_eq(logindex_at(logbox.index, 0, &line), 1);
    cr_assert_eq(logindex_at(logbox.index, line.next, &line), 0);
    logbox.raw.len = full;
    logbox_append(whole + 20);
    cr_assert_eq(logindex_refresh(logbox.index), LOG_GREW);
    logbox_check_forward();
}

Test(logindex, damage_is_one_line_of_no_stream)
{
    logbox_line("good");
    logbox_damage("2026-01-02T03:0 half a head\n\nand more of it");
    logbox_line("good again");
    logbox_damage("short");
    logbox_open();
    logbox_check_forward();
    logbox_check_backward();
}

Test(logindex, many_blocks_of_every_kind_of_line)
{
    logbox_mixture(1, 6u * LOG_BLOCK);
    logbox_open();
    logbox_check_forward();
    logbox_check_backward();
}

Test(logindex, every_address_leads_to_the_next_line)
{
    logbox_mixture(2, 3u * LOG_BLOCK);
    logbox_open();
    unsigned seed = 3;
    for (int i = 0; i < 3000; i++) {
        uint64_t address = (uint64_t)rand_r(&seed) % logbox.raw.len;
        size_t k = 0;
        while (k < logbox.n_lines && logbox.lines[k].start < address)
            k++;
        struct log_line line;
        cr_assert_eq(logindex_at(logbox.index, address, &line), k < logbox.n_lines);
        if (k < logbox.n_lines)
            cr_assert_eq(line.start, logbox.lines[k].start);
        cr_assert_eq(logindex_before(logbox.index, address, &line), k > 0);
        if (k > 0)
            cr_assert_eq(line.start, logbox.lines[k - 1].start);
    }
}

Test(logindex, the_log_grows_meanwhile)
{
    logbox_open();
    for (unsigned i = 0; i < 40; i++) {
        size_t before = logbox.raw.len;
        logbox_mixture(i, LOG_BLOCK / 7);
        logbox_append(before);
        cr_assert_eq(logindex_refresh(logbox.index), LOG_GREW);
        struct log_line line;
        cr_assert_eq(logindex_before(logbox.index, UINT64_MAX, &line), 1);
        logbox_check(&line, &logbox.lines[logbox.n_lines - 1]);
    }
    logbox_check_forward();
    cr_assert_eq(logindex_refresh(logbox.index), 0);
}

/* ---- rotation -------------------------------------------------------------------------- */

Test(logindex, addresses_survive_rotation)
{
    logbox_mixture(1, LOG_BLOCK);
    logbox_open();
    for (unsigned i = 2; i < 6; i++) {
        logbox_rotate();
        logbox_mixture(i, LOG_BLOCK / 2);
        logbox_write();
        cr_assert_eq(logindex_refresh(logbox.index), LOG_GREW | LOG_ROTATED);
        logbox_check_backward();
    }
    logbox_check_forward();
}

Test(logindex, several_rotations_between_two_looks)
{
    logbox_mixture(1, LOG_BLOCK / 2);
    logbox_open();
    for (unsigned i = 2; i < 5; i++) {
        size_t before = logbox.raw.len;
        logbox_line("the last one before it rotates");
        logbox_append(before);
        logbox_rotate();
        logbox_mixture(i, LOG_BLOCK / 2);
        logbox_write();
    }
    cr_assert_eq(logindex_refresh(logbox.index), LOG_GREW | LOG_ROTATED);
    logbox_check_forward();
    logbox_check_backward();
}

Test(logindex, rotated_files_are_found_at_open)
{
    logbox_mixture(1, LOG_BLOCK / 2);
    logbox_write();
    logbox_rotate();
    logbox_add(LOG_STDOUT, false, "begins in the old file, ", 24);
    logbox_write();
    logbox_rotate();
    logbox_add(LOG_STDOUT, true, "ends in the new one", 19);
    logbox_open();
    logbox_check_forward();
}

/* As the monitor's packer does. */
static void compress_piece(int number)
{
    char plain[160], packed[160];
    snprintf(plain, sizeof(plain), "%s.%d", logbox.path, number);
    snprintf(packed, sizeof(packed), "%s.packing", logbox.path);
    auto_fd int in = open(plain, O_RDONLY | O_CLOEXEC);
    auto_fd int out = open(packed, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    cr_assert_eq(log_gz_write(in, out), 0);
    cr_assert_eq(rename(packed, plain), 0);
}

/* Each is compressed when it has moved up by one more. */
Test(logindex, addresses_survive_compression)
{
    logbox_mixture(1, LOG_BLOCK);
    logbox_open();
    for (unsigned i = 2; i < 6; i++) {
        logbox_rotate();
        logbox_mixture(i, LOG_BLOCK / 2);
        logbox_write();
        if (i > 2)
            compress_piece(2);
        cr_assert_eq(logindex_refresh(logbox.index), LOG_GREW | LOG_ROTATED);
        logbox_check_backward();
    }
    logbox_check_forward();
}

/* The live file is compressed before the index has noticed that it was rotated. */
Test(logindex, compressed_between_two_looks)
{
    logbox_mixture(1, LOG_BLOCK / 2);
    logbox_open();
    for (unsigned i = 2; i < 5; i++) {
        logbox_rotate();
        compress_piece(1);
        logbox_mixture(i, LOG_BLOCK / 2);
        logbox_write();
    }
    cr_assert_eq(logindex_refresh(logbox.index), LOG_GREW | LOG_ROTATED);
    logbox_check_forward();
    logbox_check_backward();
}

Test(logindex, compressed_files_are_found_at_open)
{
    logbox_mixture(1, 3 * LOG_BLOCK);
    logbox_write();
    logbox_rotate();
    compress_piece(1);
    logbox_line("new");
    logbox_open();
    logbox_check_forward();
    logbox_check_backward();
}

Test(logindex, what_was_rotated_away_is_lost_and_told)
{
    logbox_line("old");
    logbox_open();
    logbox_rotate();
    logbox_line("new");
    logbox_write();
    char old[160];
    snprintf(old, sizeof(old), "%s.1", logbox.path);
    cr_assert_eq(unlink(old), 0);
    cr_assert_eq(logindex_refresh(logbox.index), LOG_GREW | LOG_ROTATED | LOG_LOST);
    cr_assert_eq(logindex_first(logbox.index), logbox.rotated);
    struct log_line line;
    cr_assert_eq(logindex_at(logbox.index, 0, &line), 1);
    logbox_check(&line, &logbox.lines[1]);
    cr_assert_eq(logindex_before(logbox.index, line.start, &line), 0);
}

Test(logindex, a_truncated_log_starts_again)
{
    logbox_line("old");
    logbox_line("older");
    logbox_open();
    uint64_t end = logindex_end(logbox.index);
    cr_assert_eq(truncate(logbox.path, 0), 0);
    cr_assert_eq(logindex_refresh(logbox.index), LOG_ROTATED | LOG_LOST);
    cr_assert_eq(logindex_first(logbox.index), end);
    struct log_line line;
    cr_assert_eq(logindex_at(logbox.index, 0, &line), 0);
    cr_assert_eq(logindex_before(logbox.index, UINT64_MAX, &line), 0);
}

Test(logindex, a_removed_log_stays_readable)
{
    logbox_line("still here");
    logbox_open();
    cr_assert_eq(unlink(logbox.path), 0);
    cr_assert_eq(logindex_refresh(logbox.index), 0);
    logbox_check_forward();
}

Test(logindex, what_is_no_file_is_not_opened)
{
    cr_assert_eq(mkfifo(logbox.path, 0600), 0);
    cr_assert_eq(logindex_open(&logbox.index, logbox.path, NULL), 0);
    cr_assert_eq(logindex_end(logbox.index), 0);
}

/* ---- time, counting, numbers ----------------------------------------------------------- */

Test(logindex, seek_by_time)
{
    logbox_mixture(5, 2u * LOG_BLOCK);
    logbox_open();
    uint64_t at;
    for (size_t i = 0; i < logbox.n_lines; i += 97) {
        if (logbox.lines[i].stream == 0)
            continue;
        cr_assert_eq(logindex_seek_time(logbox.index, logbox.lines[i].time, &at), 0);
        cr_assert_eq(at, logbox.lines[i].start);
        cr_assert_eq(logindex_seek_time(logbox.index, logbox.lines[i].time - 1000, &at),
                     0);
        cr_assert_eq(at, logbox.lines[i].start);
    }
    cr_assert_eq(logindex_seek_time(logbox.index, 0, &at), 0);
    cr_assert_eq(at, 0);
    cr_assert_eq(logindex_seek_time(logbox.index, INT64_MAX, &at), 0);
    cr_assert_eq(at, logindex_end(logbox.index));
}

Test(logindex, tail)
{
    logbox_mixture(6, 2u * LOG_BLOCK);
    logbox_open();
    uint64_t at;
    for (size_t n = 1; n < logbox.n_lines; n = n * 2 + 1) {
        cr_assert_eq(logindex_tail(logbox.index, n, &at), 0);
        cr_assert_eq(at, logbox.lines[logbox.n_lines - n].start);
    }
    cr_assert_eq(logindex_tail(logbox.index, 0, &at), 0);
    cr_assert_eq(at, logindex_end(logbox.index));
    cr_assert_eq(logindex_tail(logbox.index, UINT64_MAX, &at), 0);
    cr_assert_eq(at, 0);
}

Test(logindex, lines_are_counted_as_they_come)
{
    logbox_mixture(7, 2u * LOG_BLOCK);
    logbox_open();
    struct log_counter c = {0};
    while (logindex_count(logbox.index, &c, 1) == -EAGAIN)
        ;
    cr_assert_eq(c.lines, logbox.n_lines);
    for (unsigned i = 0; i < 10; i++) {
        size_t before = logbox.raw.len;
        logbox_mixture(i, 1000);
        logbox_append(before);
        logindex_refresh(logbox.index);
        cr_assert_eq(logindex_count(logbox.index, &c, 1u << 20), 0);
        cr_assert_eq(c.lines, logbox.n_lines);
    }
}

Test(logindex, numbers_and_lines)
{
    logbox_mixture(8, 5u * LOG_BLOCK);
    logbox_open();
    struct log_line line;
    cr_assert_eq(logindex_numbered(logbox.index, 0, &line), 0);
    while (logindex_number_lines(logbox.index, LOG_BLOCK) == -EAGAIN)
        ;
    cr_assert_eq(logindex_lines(logbox.index), logbox.n_lines);
    for (uint64_t i = 0; i < logbox.n_lines; i += 41) {
        uint64_t number;
        cr_assert_eq(logindex_numbered(logbox.index, i, &line), 1);
        cr_assert_eq(line.start, logbox.lines[i].start);
        cr_assert_eq(logindex_number_of(logbox.index, line.start, &number), 1);
        cr_assert_eq(number, i);
    }
    cr_assert_eq(logindex_numbered(logbox.index, logbox.n_lines, &line), 0);
}

static struct logindex_query *query(const char *pattern)
{
    struct mtd_error err = {0};
    struct logindex_query *q = NULL;
    cr_assert_eq(logindex_query_new(&q, pattern, &err), 0, "%s", err.text);
    return q;
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
    auto_fd int fd = open(logbox.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
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
    while (logindex_at(logbox.index, line.next, &line) == 1) {
        cr_assert_leq(line.len, LOG_LINE_MAX);
        cr_assert_geq(
            logindex_text(logbox.index, &line, line.len / 2, text, sizeof(text)), 0);
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
    cr_assert_eq(logindex_open(&logbox.index, logbox.path, NULL), 0);
    long before = resident_kib(), grown;
    uint64_t n, total = read_endless(&n);
    cr_assert_gt(n, 0);
    if (records) { /* cut at the blocks, and only there */
        cr_assert_gt(total, bytes - bytes / 100);
        cr_assert(n >= bytes / LOG_BLOCK && n <= bytes / LOG_BLOCK + 1, "%llu pieces",
                  (unsigned long long)n);
    }
    struct logindex_query *q = query("not there");
    struct logindex_search s;
    struct log_line line;
    logindex_search_init(&s, logbox.index, q, 0, false);
    while (logindex_search_next(&s, 1u << 20, &line) == -EAGAIN)
        ;
    logindex_search_init(&s, logbox.index, q, UINT64_MAX, true);
    while (logindex_search_next(&s, 1u << 20, &line) == -EAGAIN)
        ;
    logindex_query_free(q);
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
    logbox_line("at the end");
    auto_fd int fd = open(logbox.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(pwrite(fd, "\n", 1, (off_t)gap), 1);
    cr_assert_eq(pwrite(fd, logbox.raw.data, logbox.raw.len, (off_t)gap + 1),
                 (ssize_t)logbox.raw.len);
    cr_assert_eq(logindex_open(&logbox.index, logbox.path, NULL), 0);
    struct log_line line;
    logbox.lines[0].start = gap + 1;
    cr_assert_eq(logindex_before(logbox.index, UINT64_MAX, &line), 1);
    logbox_check(&line, &logbox.lines[0]);
    cr_assert_eq(logindex_at(logbox.index, gap - 5, &line), 1);
    logbox_check(&line, &logbox.lines[0]);
}
