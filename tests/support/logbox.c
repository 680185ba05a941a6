#include "logbox.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

struct logbox logbox;

void logbox_setup(void)
{
    snprintf(logbox.dir, sizeof(logbox.dir), "/tmp/test_logindex.XXXXXX");
    cr_assert_not_null(mkdtemp(logbox.dir));
    snprintf(logbox.path, sizeof(logbox.path), "%s/container.log", logbox.dir);
}

void logbox_teardown(void)
{
    logindex_close(logbox.index);
    logbox.index = NULL;
    for (size_t i = 0; i < logbox.n_lines; i++)
        buf_done(&logbox.lines[i].text);
    free(logbox.lines);
    buf_done(&logbox.raw);
    cr_assert_eq(fs_remove_tree_at(AT_FDCWD, logbox.dir), 0);
}

static size_t new_line(unsigned stream, int64_t time)
{
    logbox.lines = realloc(logbox.lines, (logbox.n_lines + 1) * sizeof(*logbox.lines));
    logbox.lines[logbox.n_lines] = (struct expected){
        .start = logbox.rotated + logbox.raw.len, .stream = stream, .time = time};
    return ++logbox.n_lines;
}

void logbox_add(unsigned stream, bool full, const char *text, size_t len)
{
    char head[LOG_HEAD + 1];
    unsigned s = logbox.seconds++;
    int64_t time = (1767312000LL + s) * 1000000000LL + 5; /* 2026-01-02T00:00:00Z */
    snprintf(head, sizeof(head), "2026-01-%02uT%02u:%02u:%02u.000000005Z %s %c ",
             2 + s / 86400, s / 3600 % 24, s / 60 % 60, s % 60,
             stream == LOG_STDOUT ? "stdout" : "stderr", full ? 'F' : 'P');
    if (logbox.open[stream] == 0)
        logbox.open[stream] = new_line(stream, time);
    buf_add(&logbox.lines[logbox.open[stream] - 1].text, text, len);
    buf_add(&logbox.raw, head, LOG_HEAD);
    buf_add(&logbox.raw, text, len);
    buf_putc(&logbox.raw, '\n');
    if (full)
        logbox.open[stream] = 0;
}

void logbox_line(const char *text)
{
    logbox_add(LOG_STDOUT, true, text, strlen(text));
}

void logbox_damage(const char *text)
{
    size_t i = new_line(0, 0);
    buf_puts(&logbox.lines[i - 1].text, text);
    buf_printf(&logbox.raw, "%s\n", text);
}

void logbox_write(void)
{
    int fd = open(logbox.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fs_write_all(fd, logbox.raw.data ? logbox.raw.data : "", logbox.raw.len),
                 0);
    close(fd);
}

void logbox_open(void)
{
    struct mtd_error err = {0};
    logbox_write();
    cr_assert_eq(logindex_open(&logbox.index, logbox.path, &err), 0, "%s", err.text);
}

/* Appends what has been added since. */
void logbox_append(size_t len)
{
    int fd = open(logbox.path, O_WRONLY | O_APPEND | O_CLOEXEC);
    cr_assert_eq(fs_write_all(fd, logbox.raw.data + len, logbox.raw.len - len), 0);
    close(fd);
}

void logbox_rotate(void)
{
    char from[160], to[160];
    for (int i = 8; i >= 0; i--) {
        snprintf(from, sizeof(from), i ? "%s.%d" : "%s", logbox.path, i);
        snprintf(to, sizeof(to), "%s.%d", logbox.path, i + 1);
        rename(from, to);
    }
    logbox.rotated += logbox.raw.len;
    logbox.raw.len = 0;
    logbox_write();
}

void logbox_check(const struct log_line *line, const struct expected *e)
{
    cr_assert_eq(line->start, e->start, "start %lu, not %lu: %.*s", line->start, e->start,
                 70, logbox.raw.data + e->start);
    cr_assert_eq(line->stream, e->stream);
    cr_assert_eq(line->len, e->text.len, "len %lu, not %zu at %lu", line->len,
                 e->text.len, e->start);
    cr_assert_eq(line->time, e->time);
    auto_free char *text = malloc(line->len + 1);
    cr_assert_eq(logindex_text(logbox.index, line, 0, text, line->len + 1),
                 (ssize_t)line->len);
    cr_assert(line->len == 0 || memcmp(text, e->text.data, line->len) == 0);
    if (line->len > 3) { /* from the middle */
        cr_assert_eq(logindex_text(logbox.index, line, line->len - 3, text, 100), 3);
        cr_assert_eq(memcmp(text, e->text.data + line->len - 3, 3), 0);
    }
}

void logbox_check_forward(void)
{
    struct log_line line = {.next = 0};
    for (size_t i = 0; i < logbox.n_lines; i++) {
        cr_assert_eq(logindex_at(logbox.index, line.next, &line), 1);
        logbox_check(&line, &logbox.lines[i]);
    }
    cr_assert_eq(logindex_at(logbox.index, line.next, &line), 0);
}

void logbox_check_backward(void)
{
    struct log_line line = {.start = UINT64_MAX};
    for (size_t i = logbox.n_lines; i-- > 0;) {
        cr_assert_eq(logindex_before(logbox.index, line.start, &line), 1);
        logbox_check(&line, &logbox.lines[i]);
    }
    cr_assert_eq(logindex_before(logbox.index, line.start, &line), 0);
}

/* Lines of all kinds; several blocks of them. */
void logbox_mixture(unsigned seed, size_t bytes)
{
    static char text[40000];
    for (size_t end = logbox.raw.len + bytes; logbox.raw.len < end;) {
        unsigned stream = rand_r(&seed) % 4 ? LOG_STDOUT : LOG_STDERR,
                 kind = rand_r(&seed) % 16;
        size_t len = kind == 0 ? (size_t)rand_r(&seed) % sizeof(text)
                               : (size_t)rand_r(&seed) % 200;
        for (size_t i = 0; i < len; i++)
            text[i] = (char)('a' + rand_r(&seed) % 26);
        if (len > 12 && kind == 3)
            for (size_t i = 0; i < 6; i++)
                text[4 + i] = "needle"[i];
        logbox_add(stream, kind > 2, text, len);
        if (kind == 4)
            logbox_damage("this is no record");
    }
    logbox_add(LOG_STDOUT, true, "", 0);
    logbox_add(LOG_STDERR, true, "end", 3);
}
