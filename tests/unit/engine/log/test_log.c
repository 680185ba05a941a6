#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "engine/log/log.h"
#include "tempdir.h"

#define START 1767323045678901234LL /* 2026-01-02T03:04:05.678901234Z */
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

TestSuite(logfile, .init = setup, .fini = teardown);

static void open_writer(struct log_writer *w, uint64_t max_size, unsigned max_file)
{
    struct mtd_error err = {0};
    cr_assert_eq(log_open(w, tmp.fd, max_size, max_file, &err), 0, "%s", err.text);
}

static void write_text(struct log_writer *w, enum log_stream stream, const char *text)
{
    cr_assert_eq(log_write(w, stream, text, strlen(text), START), 0);
}

static void expect_log(const char *text)
{
    auto_done(buf_done) struct buf b = {0};
    cr_assert_eq(fs_read_at(tmp.fd, LOG_NAME, 1 << 20, &b), 0);
    cr_expect_str_eq(b.data, text);
}

/* What the container wrote to each stream, put together again. */
struct streams {
    struct buf of[3];
    size_t records, lines;
};

static void streams_done(struct streams *s)
{
    for (int i = 0; i < 3; i++)
        buf_done(&s->of[i]);
}

static void take_record(struct streams *s, const struct log_record *r)
{
    cr_assert_eq(buf_add(&s->of[r->stream], r->text, r->len), 0);
    if (r->full)
        buf_putc(&s->of[r->stream], '\n');
    s->records++;
    s->lines += r->full;
}

static void read_all(struct log_reader *r, struct streams *s)
{
    struct log_record record;
    int code;
    while ((code = log_reader_next(r, &record)) == 1)
        take_record(s, &record);
    cr_assert_eq(code, 0);
}

static void open_reader(struct log_reader *r, bool oldest)
{
    cr_assert_eq(log_reader_open(r, tmp.fd, oldest, 0, NULL), 0);
}

static void expect_stream(const struct streams *s, enum log_stream stream,
                          const char *text)
{
    const struct buf *b = &s->of[stream];
    cr_expect_str_eq(b->data ? b->data : "", text);
}

/* ---- writer ----------------------------------------------------------------------------- */

Test(logfile, lines_and_a_prompt)
{
    struct log_writer w;
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "one\ntwo\n");
    write_text(&w, LOG_STDERR, "name? ");
    write_text(&w, LOG_STDOUT, "\n");
    write_text(&w, LOG_STDERR, "\n");
    log_close(&w);
    expect_log(STAMP " stdout F one\n" STAMP " stdout F two\n" STAMP
                     " stderr P name? \n" STAMP " stdout F \n" STAMP " stderr F \n");
}

Test(logfile, parsing_accepts_records_only)
{
    static const char *const BAD[] = {
        "",
        STAMP,
        STAMP " stdout F",
        STAMP " stdout X x",
        STAMP " stdxxx F x",
        STAMP " stdout Fx",
        "2026-01-02 03:04:05.678901234Z stdout F x",
        "2026-01-02T03:04:05.67890123xZ stdout F x",
        "xxxx-01-02T03:04:05.678901234Z stdout F x",
    };
    struct log_record r;
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        cr_expect_eq(log_parse(BAD[i], strlen(BAD[i]), &r), -EBADMSG, "\"%s\"", BAD[i]);
    static const char GOOD[] = STAMP " stderr P a\0b";
    cr_assert_eq(log_parse(GOOD, sizeof(GOOD) - 1, &r), 0);
    cr_expect(r.stream == LOG_STDERR && !r.full && r.len == 3);
    cr_expect_arr_eq(r.text, "a\0b", 3);
    cr_expect_eq(log_time(&r), START);
}

/* A generator of its own: the same bytes in every run. */
static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void round_trip(unsigned seed, uint64_t max_size)
{
    enum { SIZE = 100000 };
    static char data[3][SIZE];
    size_t at[3] = {0};
    unsigned state = seed;
    for (int s = LOG_STDOUT; s <= LOG_STDERR; s++)
        for (size_t i = 0; i < SIZE; i++) {
            unsigned v = next_random(&state);
            data[s][i] = (char)(v % 61 == 0 ? '\n' : v % 7 == 0 ? 0 : v & 0xff);
        }
    struct log_writer w;
    open_writer(&w, max_size, 1000);
    while (at[1] < SIZE || at[2] < SIZE) {
        int s = next_random(&state) % 2 ? LOG_STDOUT : LOG_STDERR;
        size_t n = next_random(&state) % (next_random(&state) % 4 ? 300 : 70000);
        n = n < SIZE - at[s] ? n : SIZE - at[s];
        cr_assert_eq(log_write(&w, (enum log_stream)s, data[s] + at[s], n, START), 0);
        at[s] += n;
    }
    log_close(&w);
    auto_done(streams_done) struct streams all = {0};
    struct log_reader r;
    open_reader(&r, true);
    read_all(&r, &all);
    cr_expect(r.damaged == 0 && !r.lost);
    log_reader_close(&r);
    for (int s = LOG_STDOUT; s <= LOG_STDERR; s++) {
        cr_assert_eq(all.of[s].len, SIZE);
        cr_expect(memcmp(all.of[s].data, data[s], SIZE) == 0, "seed %u", seed);
    }
}

Test(logfile, any_bytes_in_any_pieces_come_back_exactly)
{
    round_trip(1, 0);
}

Test(logfile, any_bytes_come_back_over_many_files)
{
    round_trip(2, 5000);
}

Test(logfile, a_line_without_end_is_cut_into_records)
{
    static char big[3 * LOG_TEXT_MAX];
    struct log_writer w;
    open_writer(&w, 0, 1);
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\n';
    cr_assert_eq(log_write(&w, LOG_STDOUT, big, sizeof(big), START), 0);
    log_close(&w);
    auto_done(streams_done) struct streams all = {0};
    struct log_reader r;
    open_reader(&r, false);
    read_all(&r, &all);
    log_reader_close(&r);
    cr_expect(all.records == 3 && all.lines == 1);
    cr_expect_eq(all.of[LOG_STDOUT].len, sizeof(big));
}

Test(logfile, a_line_of_exactly_the_maximum_is_one_record)
{
    static char big[LOG_TEXT_MAX + 1];
    struct log_writer w;
    open_writer(&w, 0, 1);
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\n';
    cr_assert_eq(log_write(&w, LOG_STDOUT, big, sizeof(big), START), 0);
    log_close(&w);
    auto_done(streams_done) struct streams all = {0};
    struct log_reader r;
    open_reader(&r, false);
    read_all(&r, &all);
    log_reader_close(&r);
    cr_expect(all.records == 1 && all.lines == 1);
}

Test(logfile, idle_keeps_what_was_written)
{
    struct log_writer w;
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "a\n");
    log_idle(&w);
    write_text(&w, LOG_STDOUT, "b\n");
    log_close(&w);
    expect_log(STAMP " stdout F a\n" STAMP " stdout F b\n");
}

/* ---- rotation --------------------------------------------------------------------------- */

static off_t size_of(const char *name)
{
    struct stat st;
    return fstatat(tmp.fd, name, &st, 0) == 0 ? st.st_size : -1;
}

#define LOG_FILES(n) ((n) + 1) /* and how much was rotated away */

Test(logfile, files_are_bounded_in_size_and_number)
{
    struct log_writer w;
    open_writer(&w, 1000, 3);
    for (int i = 0; i < 200; i++)
        write_text(&w, LOG_STDOUT, "some text\nand more\nand an open end");
    log_close(&w);
    cr_expect(size_of(LOG_NAME) > 0 && size_of(LOG_NAME) <= 1000);
    cr_expect(size_of(LOG_NAME ".1") > 800 && size_of(LOG_NAME ".1") <= 1000);
    cr_expect(size_of(LOG_NAME ".2") > 800 && size_of(LOG_NAME ".2") <= 1000);
    cr_expect_eq(tempdir_count(tmp.fd, "."), LOG_FILES(3));
}

Test(logfile, one_file_is_replaced)
{
    struct log_writer w;
    open_writer(&w, 500, 1);
    for (int i = 0; i < 50; i++)
        write_text(&w, LOG_STDOUT, "some text\n");
    log_close(&w);
    cr_expect(size_of(LOG_NAME) > 0 && size_of(LOG_NAME) <= 500);
    cr_expect_eq(tempdir_count(tmp.fd, "."), LOG_FILES(1));
}

Test(logfile, fewer_files_than_before_drop_the_rest)
{
    struct log_writer w;
    tempdir_put(&tmp, LOG_NAME ".1", "");
    tempdir_put(&tmp, LOG_NAME ".2", "");
    tempdir_put(&tmp, LOG_NAME ".3", "");
    open_writer(&w, 1000, 2);
    log_close(&w);
    cr_expect_eq(tempdir_count(tmp.fd, "."), LOG_FILES(2));
}

/* ---- damage ----------------------------------------------------------------------------- */

Test(logfile, a_torn_record_is_ended_at_open)
{
    struct log_writer w;
    tempdir_put(&tmp, LOG_NAME, STAMP " stdout F whole\n" STAMP " stdout F to");
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "next\n");
    log_close(&w);
    expect_log(STAMP " stdout F whole\n" STAMP " stdout F to\n" STAMP " stdout F next\n");
}

Test(logfile, a_torn_head_is_dropped_at_open)
{
    struct log_writer w;
    tempdir_put(&tmp, LOG_NAME, STAMP " stdout F whole\n2026-01-02T03");
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "next\n");
    log_close(&w);
    expect_log(STAMP " stdout F whole\n" STAMP " stdout F next\n");
}

Test(logfile, a_tail_of_nuls_is_dropped_at_open)
{
    struct log_writer w;
    tempdir_put(&tmp, LOG_NAME, STAMP " stdout F whole\n");
    int fd = openat(tmp.fd, LOG_NAME, O_WRONLY);
    cr_assert_eq(ftruncate(fd, 100000), 0);
    close(fd);
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "next\n");
    log_close(&w);
    expect_log(STAMP " stdout F whole\n" STAMP " stdout F next\n");
}

Test(logfile, a_file_of_nothing_but_nuls_begins_anew)
{
    struct log_writer w;
    int fd = openat(tmp.fd, LOG_NAME, O_WRONLY | O_CREAT, 0600);
    cr_assert_eq(ftruncate(fd, 40000), 0);
    close(fd);
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "next\n");
    log_close(&w);
    expect_log(STAMP " stdout F next\n");
}

Test(logfile, a_region_of_nuls_is_skipped_and_counted_once)
{
    struct log_reader r;
    auto_done(streams_done) struct streams all = {0};
    tempdir_put(&tmp, LOG_NAME, STAMP " stdout F before\n");
    int fd = openat(tmp.fd, LOG_NAME, O_WRONLY | O_APPEND);
    cr_assert_eq(ftruncate(fd, 300000), 0);
    static const char AFTER[] = STAMP " stdout F after\n";
    cr_assert_eq(write(fd, AFTER, sizeof(AFTER) - 1), (ssize_t)sizeof(AFTER) - 1);
    close(fd);
    open_reader(&r, false);
    read_all(&r, &all);
    expect_stream(&all, LOG_STDOUT, "before\nafter\n");
    cr_expect_eq(r.damaged, 1);
    log_reader_close(&r);
}

Test(logfile, garbage_lines_of_any_length_are_skipped)
{
    struct log_reader r;
    auto_done(buf_done) struct buf b = {0};
    auto_done(streams_done) struct streams all = {0};
    buf_puts(&b, "garbage\n" STAMP " stdout F a\n");
    for (int i = 0; i < 20000; i++)
        buf_puts(&b, "no newline ");
    buf_puts(&b, "\n" STAMP " stdout F b\n");
    tempdir_put(&tmp, LOG_NAME, b.data);
    open_reader(&r, false);
    read_all(&r, &all);
    expect_stream(&all, LOG_STDOUT, "a\nb\n");
    cr_expect_eq(r.damaged, 2);
    log_reader_close(&r);
}

/* The reader saw the fragment before the writer cut it off. */
Test(logfile, a_fragment_is_read_again_after_its_repair)
{
    struct log_writer w;
    struct log_reader r;
    auto_done(streams_done) struct streams all = {0};
    tempdir_put(&tmp, LOG_NAME, STAMP " stdout F a\nrubbish");
    open_reader(&r, false);
    read_all(&r, &all);
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "b\n");
    read_all(&r, &all);
    expect_stream(&all, LOG_STDOUT, "a\nb\n");
    cr_expect_eq(r.damaged, 0);
    log_reader_close(&r);
    log_close(&w);
}

Test(logfile, a_deleted_log_is_made_anew)
{
    struct log_writer w;
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "a\n");
    cr_assert_eq(unlinkat(tmp.fd, LOG_NAME, 0), 0);
    write_text(&w, LOG_STDOUT, "b\n");
    log_close(&w);
    expect_log(STAMP " stdout F b\n");
}

Test(logfile, a_truncated_log_goes_on_from_its_begin)
{
    struct log_writer w;
    struct log_reader r;
    auto_done(streams_done) struct streams all = {0};
    open_writer(&w, 0, 1);
    open_reader(&r, false);
    write_text(&w, LOG_STDOUT, "a\na\n");
    read_all(&r, &all);
    int fd = openat(tmp.fd, LOG_NAME, O_WRONLY | O_TRUNC);
    close(fd);
    write_text(&w, LOG_STDOUT, "b\n");
    read_all(&r, &all);
    log_close(&w);
    expect_log(STAMP " stdout F b\n");
    expect_stream(&all, LOG_STDOUT, "a\na\nb\n");
    cr_expect(r.lost);
    log_reader_close(&r);
}

/* /dev/full: every write fails for lack of space. The descriptor is put in place of the log's,
 * as if the disk had filled up meanwhile. */
Test(logfile, a_full_disk_leaves_a_marked_gap)
{
    struct log_writer w;
    open_writer(&w, 0, 1);
    write_text(&w, LOG_STDOUT, "before\nhalf");
    int real = w.fd;
    w.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(w.fd, 0);
    cr_expect_eq(log_write(&w, LOG_STDOUT, "0123\n56", 7, START), -ENOSPC);
    cr_expect_eq(w.lost, 7);
    cr_expect_eq(log_write(&w, LOG_STDERR, "xyz\n", 4, START), -ENOSPC);
    cr_expect_eq(w.lost, 11);
    close(w.fd);
    w.fd = real;
    write_text(&w, LOG_STDOUT, "after\n");
    cr_expect_eq(w.lost, 0);
    log_close(&w);
    expect_log(STAMP
               " stdout F before\n" STAMP " stdout P half\n" STAMP " stdout F \n" STAMP
               " stderr F [mytop-docker: 11 bytes lost: no space left on device]\n" STAMP
               " stdout F after\n");
}
