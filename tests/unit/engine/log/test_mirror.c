/* The log in docker's json-file format: escape by escape, and once, whoever is killed. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/log/internal.h"
#include "tempdir.h"

#define START 1767323045678901234LL /* 2026-01-02T03:04:05.678901234Z */
#define NAME "x-json.log"

static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(mirror, .init = setup, .fini = teardown);

/* ---- the format ----------------------------------------------------------------------------- */

static void expect_json(const char *text, size_t len, bool full, const char *want)
{
    static char out[LOG_JSON_MAX + 1];
    struct log_record r = {.time = "2026-01-02T03:04:05.678901234Z",
                           .stream = LOG_STDOUT,
                           .full = full,
                           .text = text,
                           .len = len};
    char all[512];
    snprintf(all, sizeof(all),
             "{%s\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05.678901234Z\"}\n",
             want);
    out[log_json(&r, NULL, 0, out)] = '\0';
    cr_expect_str_eq(out, all);
}
#define EXPECT_JSON(text, full, want) expect_json(text, sizeof(text) - 1, full, want)

/* What dockerd 28 writes for the same bytes. */
Test(mirror, escapes_are_dockers)
{
    EXPECT_JSON("hi", true, "\"log\":\"hi\\n\",");
    EXPECT_JSON("prompt", false, "\"log\":\"prompt\",");
    EXPECT_JSON("", true, "\"log\":\"\\n\",");
    EXPECT_JSON("", false, "");
    EXPECT_JSON("a\"b\\c\r", true, "\"log\":\"a\\\"b\\\\c\\r\\n\",");
    EXPECT_JSON("\0\t\x1b\x7f", true, "\"log\":\"\\u0000\\u0009\\u001b\x7f\\n\",");
    EXPECT_JSON("<&>", true, "\"log\":\"\\u003c\\u0026\\u003e\\n\",");
    EXPECT_JSON("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3", true,
                "\"log\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3\\n\",");
    EXPECT_JSON("\xe2\x80\xa8\xe2\x80\xa9", true, "\"log\":\"\\u2028\\u2029\\n\",");
}

/* One U+FFFD for each byte, as Go decodes them. */
Test(mirror, what_is_no_utf8)
{
    EXPECT_JSON("a\xff\x80z", true, "\"log\":\"a\\ufffd\\ufffdz\\n\",");
    EXPECT_JSON("\xc0\xaf", true, "\"log\":\"\\ufffd\\ufffd\\n\",");
    EXPECT_JSON("\xed\xa0\x80", true, "\"log\":\"\\ufffd\\ufffd\\ufffd\\n\",");
    EXPECT_JSON("\xf4\x90\x80\x80", true, "\"log\":\"\\ufffd\\ufffd\\ufffd\\ufffd\\n\",");
    EXPECT_JSON("\xe2\x82", false, "\"log\":\"\\ufffd\\ufffd\",");
    EXPECT_JSON("\xef\xbf\xbd", true, "\"log\":\"\xef\xbf\xbd\\n\",");
}

Test(mirror, times_have_no_zeros_at_the_end)
{
    static const char *const CASES[][2] = {
        {"2026-01-02T03:04:05.000000000Z", "2026-01-02T03:04:05Z"},
        {"2026-01-02T03:04:00.120000000Z", "2026-01-02T03:04:00.12Z"},
        {"2026-01-02T03:04:05.000000001Z", "2026-01-02T03:04:05.000000001Z"}};
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        static char out[LOG_JSON_MAX + 1];
        struct log_record r = {.time = CASES[i][0], .stream = LOG_STDERR};
        char want[128];
        snprintf(want, sizeof(want), "{\"stream\":\"stderr\",\"time\":\"%s\"}\n",
                 CASES[i][1]);
        out[log_json(&r, NULL, 0, out)] = '\0';
        cr_expect_str_eq(out, want);
    }
}

/* ---- following the log ---------------------------------------------------------------------- */

struct box {
    struct log_writer w;
    struct log_mirror m;
};

static void begin(struct box *b, uint64_t log_size, uint64_t json_size, unsigned files)
{
    cr_assert_eq(log_mirror_open(&b->m, tmp.fd, NAME, json_size, files), 0);
    cr_assert_eq(log_open(&b->w, tmp.fd, log_size, 1, NULL), 0);
    log_mirror_start(&b->w, &b->m);
    cr_expect_not(b->m.behind);
}

static void write_numbers(struct box *b, int from, int to)
{
    char line[64];
    for (int i = from; i < to; i++) {
        int n = snprintf(line, sizeof(line), "line %d\n", i);
        log_write(&b->w, LOG_STDOUT, line, (size_t)n, START + i);
    }
}

/* Each line once and in order, from the oldest file to the present one. */
static void expect_numbers(int from, int to)
{
    char name[32];
    int files = 1;
    do
        snprintf(name, sizeof(name), NAME ".%d", files);
    while (faccessat(tmp.fd, name, F_OK, 0) == 0 && ++files);
    for (int f = files - 1; f >= 0; f--) {
        auto_done(buf_done) struct buf text = {0};
        snprintf(name, sizeof(name), f ? NAME ".%d" : NAME, f);
        cr_assert_eq(fs_read_at(tmp.fd, name, 1 << 20, &text), 0, "%s", name);
        char *save = NULL;
        for (char *l = strtok_r(text.data ? text.data : (char[]){""}, "\n", &save); l;
             l = strtok_r(NULL, "\n", &save), from++) {
            json_t *o = json_loads(l, 0, NULL);
            char want[32];
            snprintf(want, sizeof(want), "line %d\n", from);
            cr_assert_str_eq(json_string_value(json_object_get(o, "log")), want, "%s", l);
            json_decref(o);
        }
    }
    cr_expect_eq(from, to);
}

Test(mirror, follows_across_the_logs_rotation)
{
    struct box b;
    begin(&b, 1000, 0, 1);
    write_numbers(&b, 0, 500);
    log_close(&b.w);
    expect_numbers(0, 500);
}

Test(mirror, rotates_as_docker_does)
{
    struct box b;
    struct stat st;
    begin(&b, 0, 1000, 3);
    write_numbers(&b, 0, 25);
    log_close(&b.w);
    expect_numbers(0, 25);
    begin(&b, 0, 1000, 3);
    write_numbers(&b, 25, 500);
    log_close(&b.w);
    cr_expect_eq(fstatat(tmp.fd, NAME ".2", &st, 0), 0);
    cr_expect(st.st_size >= 1000 && st.st_size < 1100, "%ld", (long)st.st_size);
    cr_expect_eq(fstatat(tmp.fd, NAME ".3", &st, 0), -1);
}

Test(mirror, goes_on_in_the_next_run)
{
    struct box b;
    begin(&b, 0, 0, 1);
    write_numbers(&b, 0, 10);
    log_close(&b.w);
    begin(&b, 0, 0, 1);
    write_numbers(&b, 10, 20);
    log_close(&b.w);
    expect_numbers(0, 20);
}

/* A writer that wrote its log and not the mirror, or a part of it, is followed by one that does. */
static void lose_writer(size_t cut)
{
    struct box b;
    struct stat st;
    begin(&b, 1000, 3000, 5);
    write_numbers(&b, 0, 30);
    struct log_mirror *m = b.w.mirror;
    b.w.mirror = NULL; /* killed before it came to the mirror */
    write_numbers(&b, 30, 34);
    cr_assert_eq(fstatat(tmp.fd, NAME, &st, 0), 0);
    static char json[LOG_JSON_MAX];
    struct log_record r = {.time = "2026-01-02T03:04:05.678901264Z",
                           .stream = LOG_STDOUT,
                           .full = true,
                           .text = "line 30",
                           .len = 7};
    size_t n = log_json(&r, NULL, 0, json);
    auto_fd int fd = openat(tmp.fd, NAME, O_WRONLY | O_APPEND | O_CLOEXEC);
    cr_assert_eq(write(fd, json, cut < n ? cut : n), (ssize_t)(cut < n ? cut : n));
    log_mirror_close(m);
    log_close(&b.w);
    begin(&b, 1000, 3000, 5);
    write_numbers(&b, 34, 60);
    log_close(&b.w);
    expect_numbers(0, 60);
}

Test(mirror, a_killed_writers_lines_are_made_up_for)
{
    lose_writer(0);
}

Test(mirror, half_a_line_is_completed)
{
    lose_writer(25);
}

Test(mirror, a_line_that_is_there_is_not_written_again)
{
    lose_writer(LOG_JSON_MAX);
}

static void expect_file(const char *want)
{
    auto_done(buf_done) struct buf text = {0}, logs = {0};
    char *save = NULL;
    cr_assert_eq(fs_read_at(tmp.fd, NAME, 1 << 20, &text), 0);
    for (char *l = strtok_r(text.data ? text.data : (char[]){""}, "\n", &save); l;
         l = strtok_r(NULL, "\n", &save)) {
        json_t *o = json_loads(l, 0, NULL);
        buf_printf(&logs, "[%s]", json_string_value(json_object_get(o, "log")));
        json_decref(o);
    }
    cr_expect_str_eq(logs.data ? logs.data : "", want);
}

static void write_text(struct box *b, enum log_stream stream, const char *text)
{
    cr_assert_eq(log_write(&b->w, stream, text, strlen(text), START), 0);
}

/* What a program wrote in pieces is one line, as docker waits for its end. */
Test(mirror, parts_of_a_line_are_joined)
{
    struct box b;
    begin(&b, 0, 0, 1);
    write_text(&b, LOG_STDOUT, "name? ");
    write_text(&b, LOG_STDERR, "warn");
    write_text(&b, LOG_STDOUT, "x\ny");
    write_text(&b, LOG_STDERR, "ing\n");
    expect_file("[name? x\n][warning\n]");
    log_close(&b.w);
    expect_file("[name? x\n][warning\n][y]");
}

/* Not for ever: what waits would have to be read again by whoever follows. */
Test(mirror, a_part_does_not_wait_for_much)
{
    struct box b;
    begin(&b, 0, 0, 1);
    write_text(&b, LOG_STDERR, "prompt");
    write_numbers(&b, 0, 2000);
    write_text(&b, LOG_STDERR, "\n");
    auto_done(buf_done) struct buf text = {0};
    cr_assert_eq(fs_read_at(tmp.fd, NAME, 1 << 20, &text), 0);
    cr_expect(strstr(text.data, "{\"log\":\"prompt\",\"stream\":\"stderr\""));
    log_close(&b.w);
}

/* As docker's buffer of 16 kB. */
Test(mirror, a_line_too_long_comes_in_parts)
{
    static char big[2 * LOG_TEXT_MAX + 10];
    struct box b;
    size_t at = 0;
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 2] = '\n';
    big[sizeof(big) - 1] = '\0';
    begin(&b, 0, 0, 1);
    for (size_t n = 1000; at + 1 < sizeof(big); at += n) { /* in pieces, too */
        n = n < sizeof(big) - 1 - at ? n : sizeof(big) - 1 - at;
        cr_assert_eq(log_write(&b.w, LOG_STDOUT, big + at, n, START), 0);
    }
    log_close(&b.w);
    auto_done(buf_done) struct buf text = {0};
    cr_assert_eq(fs_read_at(tmp.fd, NAME, 1 << 20, &text), 0);
    int lines = 0;
    for (const char *l = text.data; (l = strchr(l, '\n')); l++)
        lines++;
    cr_expect_eq(lines, 3);
    cr_expect_eq(strspn(text.data + strlen("{\"log\":\""), "x"), LOG_TEXT_MAX);
}

/* Killed with two lines begun and others written since. */
Test(mirror, begun_lines_are_found_again)
{
    struct box b;
    begin(&b, 0, 0, 1);
    write_text(&b, LOG_STDOUT, "one\ntw");
    write_text(&b, LOG_STDERR, "err\nor");
    log_mirror_close(b.w.mirror);
    b.w.mirror = NULL;
    log_close(&b.w);
    expect_file("[one\n][err\n]");
    begin(&b, 0, 0, 1);
    write_text(&b, LOG_STDOUT, "o\n");
    write_text(&b, LOG_STDERR, "s\n");
    log_close(&b.w);
    expect_file("[one\n][err\n][two\n][ors\n]");
}

/* A full file is not left while a line is begun: the place from which a killed writer's mirror is
 * made again is in front of that line, and of what was written since. */
Test(mirror, a_file_that_is_full_waits_for_the_end_of_a_line)
{
    struct box b;
    begin(&b, 0, 1000, 5);
    write_numbers(&b, 0, 10);
    write_text(&b, LOG_STDERR, "line ");
    write_numbers(&b, 10, 30);
    log_mirror_close(b.w.mirror);
    b.w.mirror = NULL;
    log_close(&b.w);
    cr_expect_eq(faccessat(tmp.fd, NAME ".1", F_OK, 0), -1);
    begin(&b, 0, 1000, 5);
    write_text(&b, LOG_STDERR, "30\n");
    write_numbers(&b, 31, 40);
    log_close(&b.w);
    cr_expect_eq(faccessat(tmp.fd, NAME ".1", F_OK, 0), 0);
    expect_numbers(0, 40);
}

/* As logrotate does. */
Test(mirror, a_file_moved_away_is_made_anew)
{
    struct box b;
    begin(&b, 0, 0, 1);
    write_numbers(&b, 0, 5);
    cr_assert_eq(renameat(tmp.fd, NAME, tmp.fd, "elsewhere"), 0);
    write_numbers(&b, 5, 10);
    log_close(&b.w);
    expect_numbers(5, 10);
}

static void without_room(struct box *b, bool none)
{
    if (none) { /* the next open fails, and so does each write */
        cr_assert_eq(unlinkat(tmp.fd, NAME, 0), 0);
        cr_assert_eq(mkdirat(tmp.fd, NAME, 0700), 0);
    } else {
        cr_assert_eq(unlinkat(tmp.fd, NAME, AT_REMOVEDIR), 0);
    }
    (void)b;
}

Test(mirror, what_could_not_be_written_is_when_it_can)
{
    struct box b;
    begin(&b, 0, 0, 1);
    write_numbers(&b, 0, 5);
    without_room(&b, true);
    write_numbers(&b, 5, 10);
    cr_expect(b.m.behind);
    without_room(&b, false);
    write_numbers(&b, 10, 15);
    cr_expect_not(b.m.behind);
    log_close(&b.w);
    expect_numbers(5, 15);
}
