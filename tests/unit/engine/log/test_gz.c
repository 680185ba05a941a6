/* A compressed piece reads as the file that it was, from anywhere, also a damaged one. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/log/gz.h"
#include "engine/log/log.h"
#include "engine/log/pack.h"
#include "seed.h"
#include "tempdir.h"

static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(log_gz, .init = setup, .fini = teardown);

static int make(const char *name)
{
    int fd = openat(tmp.fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    return fd;
}

static char *random_text(struct seed *seed, size_t size)
{
    char *text = malloc(size + 1);
    cr_assert(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + (seed_next(seed) >> 60));
    return text;
}

/* "plain" and, made of it, "packed". */
static uint64_t make_both(const char *text, size_t size)
{
    struct stat st;
    auto_fd int in = make("plain"), out = make("packed");
    cr_assert_eq(fs_write_all(in, text, size), 0);
    cr_assert_eq(log_gz_write(in, out), 0);
    cr_assert_eq(fstat(in, &st), 0);
    return st.st_ino;
}

static void expect_reads(struct log_gz *gz, struct seed *seed, const char *text,
                         size_t size)
{
    static char out[LOG_GZ_BLOCK * 3];
    for (int i = 0; i < 40; i++) {
        size_t from = (size_t)seed_below(seed, size + 10);
        size_t want = (size_t)seed_below(seed, sizeof(out)) + 1;
        size_t there = from < size ? size - from : 0;
        there = there < want ? there : want;
        cr_assert_eq(log_gz_pread(gz, out, want, from), (ssize_t)there);
        cr_assert(memcmp(out, text + (from < size ? from : 0), there) == 0);
    }
}

Test(log_gz, any_part_reads_as_it_was)
{
    struct seed seed = seed_of(__func__);
    static const size_t SIZES[] = {1, LOG_GZ_BLOCK - 1, LOG_GZ_BLOCK, LOG_GZ_BLOCK + 1,
                                   5 * LOG_GZ_BLOCK + 77};
    for (size_t i = 0; i < ARRAY_SIZE(SIZES); i++) {
        auto_free char *text = random_text(&seed, SIZES[i]);
        uint64_t ino = make_both(text, SIZES[i]);
        auto_fd int fd = openat(tmp.fd, "packed", O_RDONLY | O_CLOEXEC);
        struct log_gz *gz = NULL;
        cr_assert_eq(log_gz_open(fd, &gz), 0);
        cr_assert(gz);
        cr_expect_eq(log_gz_about(gz)->size, SIZES[i]);
        cr_expect_eq(log_gz_about(gz)->origin, ino);
        expect_reads(gz, &seed, text, SIZES[i]);
        log_gz_close(gz);
    }
}

Test(log_gz, others_read_it_as_gzip)
{
    struct seed seed = seed_of(__func__);
    size_t size = 2 * LOG_GZ_BLOCK + 5;
    auto_free char *text = random_text(&seed, size), *got = malloc(size + 10);
    make_both(text, size);
    gzFile f = gzdopen(openat(tmp.fd, "packed", O_RDONLY | O_CLOEXEC), "r");
    cr_assert(f && got);
    cr_expect_eq(gzread(f, got, (unsigned)size + 10), (int)size);
    cr_expect(memcmp(got, text, size) == 0);
    gzclose(f);
}

Test(log_gz, what_was_not_made_here_is_none)
{
    struct log_gz_piece piece;
    auto_fd int fd = make("other");
    cr_assert_eq(
        fs_write_all(fd, "\x1f\x8b\x08\x00 other gzip, and long enough for ours", 40), 0);
    cr_expect_not(log_gz_is(fd, &piece));
    cr_expect_not(log_gz_is_at(tmp.fd, "missing", &piece));
}

/* NULs are what readers of logs skip. */
static bool is_text_or_nul(const char *got, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (got[i] && got[i] != text[i])
            return false;
    return true;
}

/* Cut anywhere or with a byte changed: no text that was not there, never longer than it was. */
Test(log_gz, damage_reads_as_nuls)
{
    struct seed seed = seed_of(__func__);
    size_t size = 3 * LOG_GZ_BLOCK;
    auto_free char *text = random_text(&seed, size), *got = malloc(size);
    for (int i = 0; i < 60; i++) {
        make_both(text, size);
        auto_fd int fd = openat(tmp.fd, "packed", O_RDWR | O_CLOEXEC);
        struct stat st;
        cr_assert_eq(fstat(fd, &st), 0);
        off_t at = (off_t)seed_below(&seed, (uint64_t)st.st_size - 100) + 64;
        char byte;
        if (i % 2)
            cr_assert_eq(ftruncate(fd, at), 0);
        else if (pread(fd, &byte, 1, at) == 1) {
            byte = (char)(byte ^ 0x10);
            cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
        }
        struct log_gz *gz = NULL;
        cr_assert_eq(log_gz_open(fd, &gz), 0);
        cr_assert(gz);
        ssize_t n = log_gz_pread(gz, got, size, 0);
        cr_expect(n >= 0 && (size_t)n <= size);
        cr_expect(is_text_or_nul(got, text, (size_t)n), "at %lld", (long long)at);
        cr_expect(memchr(got, '\0', (size_t)n) || (size_t)n < size);
        log_gz_close(gz);
    }
}

/* ---- pieces of a log ---- */

#define START 1767323045000000000LL
#define LINES 4000

static void write_lines(void)
{
    struct log_writer w;
    char line[64];
    cr_assert_eq(log_open(&w, tmp.fd, 30000, 100, NULL), 0);
    for (int i = 0; i < LINES; i++) {
        int len = snprintf(line, sizeof(line), "%d\n", i);
        cr_assert_eq(log_write(&w, LOG_STDOUT, line, (size_t)len, START + i), 0);
    }
    log_close(&w);
}

static bool pack_one(void)
{
    struct log_piece p = {.in = -1};
    int out = -1;
    if (!log_pack_begin(tmp.fd, NULL, 0, &p, &out))
        return false;
    int rc = log_gz_write(p.in, out);
    close(out);
    log_pack_end(tmp.fd, &p, rc == 0, false);
    return true;
}

/* More often than there are pieces: one that is not done again and again. */
static void pack_rest(void)
{
    for (int i = 0; i < 100 && pack_one(); i++)
        ;
}

/* Reads on from line `next` to the last. */
static void expect_rest(struct log_reader *r, int next)
{
    struct log_record rec;
    char want[16];
    for (; log_reader_next(r, &rec) == 1; next++) {
        int n = snprintf(want, sizeof(want), "%d", next);
        cr_assert(rec.len == (size_t)n && memcmp(rec.text, want, rec.len) == 0,
                  "\"%.*s\" in place of %s", (int)rec.len, rec.text, want);
    }
    cr_expect_eq(next, LINES);
    cr_expect_eq(r->damaged, 0);
    cr_expect_not(r->lost);
}

/* Wherever in the log the reader is when they are compressed, one after the other. */
Test(log_gz, a_reader_goes_on_when_its_piece_is_compressed)
{
    struct log_reader r;
    struct log_record rec;
    write_lines();
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    for (int i = 0; i < 700; i++)
        cr_assert_eq(log_reader_next(&r, &rec), 1);
    pack_rest();
    expect_rest(&r, 700);
    log_reader_close(&r);
}

Test(log_gz, a_held_piece_stays_and_is_compressed_later)
{
    struct log_reader r;
    struct log_gz_piece piece;
    write_lines();
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    cr_assert_eq(log_reader_hold(&r, NULL), 0);
    pack_rest();
    cr_expect_not(log_pack_is_due(tmp.fd, NULL));
    cr_expect_not(log_gz_is(r.fd, &piece));
    cr_expect(log_gz_is_at(tmp.fd, "container.log.1", &piece));
    expect_rest(&r, 0);
    log_reader_close(&r);
    cr_expect(log_pack_is_due(tmp.fd, NULL));
}

/* It was free when its compression began. */
Test(log_gz, a_piece_that_a_reader_took_meanwhile_stays)
{
    struct log_piece p = {.in = -1};
    int out = -1;
    write_lines();
    cr_assert(log_pack_begin(tmp.fd, NULL, 0, &p, &out));
    cr_assert_eq(log_gz_write(p.in, out), 0);
    close(out);
    struct stat before, after;
    cr_assert_eq(fstatat(tmp.fd, "container.log.1", &before, 0), 0);
    auto_fd int reader = openat(tmp.fd, "container.log.1", O_RDONLY | O_CLOEXEC);
    struct flock first = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
    cr_assert_eq(fcntl(reader, F_OFD_SETLK, &first), 0);
    log_pack_end(tmp.fd, &p, true, false);
    cr_assert_eq(fstatat(tmp.fd, "container.log.1", &after, 0), 0);
    cr_expect_eq(before.st_ino, after.st_ino);
    cr_expect_eq(faccessat(tmp.fd, "container.log.packing", F_OK, 0), -1);
}

Test(log_gz, the_last_lines_and_a_time_are_found_in_it)
{
    struct log_reader r;
    write_lines();
    pack_rest();
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    cr_assert_eq(log_reader_tail(&r, LINES - 123), 0);
    expect_rest(&r, 123);
    cr_assert_eq(log_reader_since(&r, START + 777), 0);
    expect_rest(&r, 777);
    log_reader_close(&r);
}

/* What was dropped is counted as it was written, so that addresses stay. */
Test(log_gz, the_base_counts_what_was_written)
{
    struct log_reader plain, packed;
    write_lines();
    cr_assert_eq(log_reader_open(&plain, tmp.fd, true, 0, NULL), 0);
    cr_assert_eq(log_reader_tail(&plain, 10), 0);
    pack_rest();
    cr_assert_eq(log_reader_open(&packed, tmp.fd, true, 0, NULL), 0);
    cr_assert_eq(log_reader_tail(&packed, 10), 0);
    cr_expect_eq(plain.base, packed.base);
    struct log_writer w = {.dir_fd = tmp.fd, .max_size = 30000, .max_file = 2};
    log_trim(&w);
    cr_assert_eq(log_reader_tail(&packed, 10), 0);
    cr_expect_eq(plain.base, packed.base);
    log_reader_close(&plain);
    log_reader_close(&packed);
}
