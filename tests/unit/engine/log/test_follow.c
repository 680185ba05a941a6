#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/log/log.h"
#include "tempdir.h"

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

TestSuite(log_follow, .init = setup, .fini = teardown);

static void open_writer(struct log_writer *w, uint64_t max_size, unsigned max_file)
{
    cr_assert_eq(log_open(w, tmp.fd, max_size, max_file, NULL), 0);
}

static void write_line(struct log_writer *w, enum log_stream stream, int number)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "line %d\n", number);
    cr_assert_eq(log_write(w, stream, line, (size_t)n, 1), 0);
}

/* Lines numbered from 0 without a gap; returns how many there are by now. */
static int read_numbers(struct log_reader *r, int next, bool gaps)
{
    struct log_record record;
    int code;
    while ((code = log_reader_next(r, &record)) == 1) {
        int number = -1;
        sscanf(record.text, "line %d", &number);
        if (gaps)
            cr_assert_geq(number, next);
        else
            cr_assert_eq(number, next);
        next = number + 1;
    }
    cr_assert_eq(code, 0);
    return next;
}

/* The reader looks in after every so many lines; every rotation in between is followed. About
 * twenty lines fill a file. */
static void follow(unsigned max_file, int lines, int pause, bool expect_loss)
{
    struct log_writer w;
    struct log_reader r;
    int next = 0;
    open_writer(&w, 1000, max_file);
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    for (int i = 0; i < lines; i++) {
        write_line(&w, i % 3 ? LOG_STDOUT : LOG_STDERR, i);
        if (i % pause == pause - 1)
            next = read_numbers(&r, next, expect_loss);
    }
    next = read_numbers(&r, next, expect_loss);
    cr_expect_eq(next, lines);
    cr_expect_eq(r.lost, expect_loss);
    cr_expect_eq(r.damaged, 0);
    log_reader_close(&r);
    log_close(&w);
}

Test(log_follow, every_record)
{
    follow(5, 1000, 1, false);
}

Test(log_follow, a_few_files_behind)
{
    follow(5, 1000, 60, false);
}

/* ---- files that are held -------------------------------------------------------------------- */

/* Opened at the present end and held, read only when all is written. */
static void hold(unsigned max_file)
{
    struct log_writer w;
    struct log_reader r;
    open_writer(&w, 1000, max_file);
    cr_assert_eq(log_reader_open(&r, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(log_reader_hold(&r, NULL), 0);
    for (int i = 0; i < 500; i++)
        write_line(&w, LOG_STDOUT, i);
    cr_expect(log_is_awaited(tmp.fd));
    cr_expect_gt(w.surplus_files, 10);
    cr_expect_gt(w.surplus, 10 * 900);
    cr_expect_eq(read_numbers(&r, 0, false), 500);
    cr_expect(!r.lost && r.missed == 0);
    cr_expect_not(log_is_awaited(tmp.fd), "it has the present file");
    log_trim(&w);
    cr_expect_eq(w.surplus_files, 0);
    log_reader_close(&r);
    log_close(&w);
    cr_expect_eq(tempdir_count(tmp.fd, "."), (int)max_file + 1, "and how much is gone");
}

Test(log_follow, a_reader_that_holds_misses_nothing)
{
    hold(3);
}

Test(log_follow, one_that_holds_a_single_file_misses_nothing)
{
    hold(1);
}

Test(log_follow, the_slowest_of_two_decides)
{
    struct log_writer w;
    struct log_reader slow, fast;
    open_writer(&w, 1000, 2);
    cr_assert_eq(log_reader_open(&slow, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(log_reader_open(&fast, tmp.fd, false, 0, NULL), 0);
    cr_assert(log_reader_hold(&slow, NULL) == 0 && log_reader_hold(&fast, NULL) == 0);
    for (int i = 0, next = 0; i < 300; i++) {
        write_line(&w, LOG_STDOUT, i);
        next = read_numbers(&fast, next, false);
    }
    log_reader_close(&fast);
    cr_expect_eq(read_numbers(&slow, 0, false), 300);
    log_reader_close(&slow);
    log_close(&w);
}

Test(log_follow, more_than_may_be_held_is_told)
{
    struct log_writer w;
    struct log_reader r;
    int lines = 0;
    open_writer(&w, 1000, 2);
    cr_assert_eq(log_reader_open(&r, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(log_reader_hold(&r, NULL), 0);
    while (!log_is_full(&w) && lines < 10000)
        write_line(&w, LOG_STDOUT, lines++);
    cr_expect_eq(w.surplus_files, 100);
    log_reader_close(&r);
    log_trim(&w);
    cr_expect_not(log_is_full(&w), "it is gone");
    log_close(&w);
}

Test(log_follow, a_file_already_dropped_cannot_be_held)
{
    struct log_reader r;
    tempdir_put(&tmp, LOG_NAME, STAMP " stdout F now\n");
    cr_assert_eq(log_reader_open(&r, tmp.fd, false, 0, NULL), 0);
    cr_assert_eq(unlinkat(tmp.fd, LOG_NAME, 0), 0);
    cr_expect_eq(log_reader_hold(&r, NULL), -ESTALE);
    log_reader_close(&r);
}

/* ---- what is gone --------------------------------------------------------------------------- */

/* All that was written, in bytes of the files. */
static uint64_t write_lines(struct log_writer *w, int from, int to)
{
    uint64_t bytes = 0;
    char line[64];
    for (int i = from; i < to; i++) {
        write_line(w, LOG_STDOUT, i);
        bytes += LOG_HEAD + (uint64_t)snprintf(line, sizeof(line), "line %d\n", i);
    }
    return bytes;
}

static uint64_t present_bytes(void)
{
    struct stat st;
    char name[64] = LOG_NAME;
    uint64_t sum = 0;
    for (int i = 1; fstatat(tmp.fd, name, &st, 0) == 0; i++) {
        sum += (uint64_t)st.st_size;
        snprintf(name, sizeof(name), LOG_NAME ".%d", i);
    }
    return sum;
}

Test(log_follow, how_much_was_missed_is_exact)
{
    struct log_writer w;
    struct log_reader r;
    open_writer(&w, 1000, 3);
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    uint64_t read = write_lines(&w, 0, 5);
    read_numbers(&r, 0, false);
    cr_expect_eq(r.base, 0);
    uint64_t all = read + write_lines(&w, 5, 500);
    uint64_t first = all - present_bytes(); /* where the oldest file begins */
    read_numbers(&r, 5, true);
    cr_expect(r.lost);
    uint64_t file =
        0; /* the file it had was deleted, but could still be read to its end */
    for (int i = 0; i < 500 && file + LOG_HEAD + 8 <= 1000; i++)
        file += LOG_HEAD + 7 + (i > 9);
    cr_expect_eq(r.missed, first - file, "%llu of %llu", (unsigned long long)r.missed,
                 (unsigned long long)first);
    log_reader_close(&r);
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    cr_expect_eq(r.base, first, "a new reader is told what it cannot see");
    cr_assert_eq(log_reader_tail(&r, 1), 0);
    cr_expect_eq(r.base + r.offset, all - LOG_HEAD - sizeof("line 499"));
    log_reader_close(&r);
    log_close(&w);
}

/* ---- one file ------------------------------------------------------------------------------- */

Test(log_follow, a_single_file)
{
    follow(1, 500, 1, false);
}

Test(log_follow, the_last_of_a_single_file_that_was_replaced)
{
    follow(1, 500, 9, false);
}

Test(log_follow, too_slow_is_told)
{
    follow(3, 1000, 300, true);
}

/* The writer rotates while the reader looks: no lock between them. */
Test(log_follow, while_it_is_written)
{
    enum { LINES = 6000 };
    struct log_reader r;
    int next = 0, status = -1;
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct log_writer w;
        open_writer(&w, 2000, 2000);
        for (int i = 0; i < LINES; i++)
            write_line(&w, LOG_STDOUT, i);
        log_close(&w);
        _exit(0);
    }
    while (waitpid(pid, &status, WNOHANG) == 0)
        next = read_numbers(&r, next, false);
    next = read_numbers(&r, next, false);
    cr_expect_eq(status, 0);
    cr_expect_eq(next, LINES);
    cr_expect(r.damaged == 0 && !r.lost);
    log_reader_close(&r);
}

static void expect_texts(struct log_reader *r, const char *texts)
{
    auto_done(buf_done) struct buf b = {0};
    struct log_record record;
    while (log_reader_next(r, &record) == 1) {
        buf_add(&b, record.text, record.len);
        buf_putc(&b, '\n');
    }
    cr_expect_str_eq(b.data ? b.data : "", texts);
}

Test(log_follow, a_reader_may_come_before_the_log)
{
    struct log_writer w;
    struct log_reader r;
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    expect_texts(&r, "");
    open_writer(&w, 0, 1);
    write_line(&w, LOG_STDOUT, 1);
    expect_texts(&r, "line 1\n");
    log_reader_close(&r);
    log_close(&w);
}

Test(log_follow, a_hole_in_the_row_of_files_is_passed_over)
{
    struct log_reader r;
    tempdir_put(&tmp, LOG_NAME ".3", STAMP " stdout F old\n");
    tempdir_put(&tmp, LOG_NAME ".1", STAMP " stdout F new\n");
    tempdir_put(&tmp, LOG_NAME, STAMP " stdout F now\n");
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    expect_texts(&r, "old\nnew\nnow\n");
    log_reader_close(&r);
}
