/* A whole log, with blocks made small: read forwards, backwards, in pieces while it grows, and
 * searched, it is the same lines. The first byte says where the file was cut when it was
 * opened. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/logindex/logindex.h"
#include "fuzz.h"

#define MOST 2048
static char path[4096];

static int log_file(void)
{
    static int fd = -1;
    if (fd < 0) {
        const char *tmp = getenv("TMPDIR"); /* scripts/fuzz makes and removes it */
        snprintf(path, sizeof(path), "%s/container.log", tmp ? tmp : ".");
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fd >= 0);
    }
    return fd;
}

static struct log_line lines[MOST];

static size_t forwards(struct logindex *x)
{
    struct log_line line = {.next = 0};
    size_t n = 0;
    while (n < MOST && logindex_at(x, line.next, &line) == 1) {
        char text[64];
        CHECK(line.start < line.next && line.next <= line.end);
        CHECK(line.end <= logindex_end(x) && line.len <= LOG_LINE_MAX);
        CHECK(n == 0 || line.start >= lines[n - 1].next);
        ssize_t got = logindex_text(x, &line, line.len / 2, text, sizeof(text));
        CHECK(got >= 0 && (line.len == 0 || got > 0));
        lines[n++] = line;
    }
    return n;
}

static void backwards(struct logindex *x, size_t n)
{
    struct log_line line = {.start = UINT64_MAX};
    while (n-- > 0) {
        CHECK(logindex_before(x, line.start, &line) == 1);
        CHECK(memcmp(&line, &lines[n], sizeof(line)) == 0);
    }
    CHECK(logindex_before(x, line.start, &line) == 0);
}

static void search(struct logindex *x, size_t n, bool backward)
{
    static struct logindex_query *q;
    struct logindex_search s;
    struct log_line line;
    CHECK(q || logindex_query_new(&q, "ab", NULL) == 0);
    logindex_search_init(&s, x, q, backward ? UINT64_MAX : 0, backward);
    for (size_t i = 0; i < n; i++) {
        const struct log_line *want = &lines[backward ? n - 1 - i : i];
        int r;
        if (logindex_query_line(q, x, want) != 1)
            continue;
        while ((r = logindex_search_next(&s, 1, &line)) == -EAGAIN)
            ;
        CHECK(r == 1 && line.start == want->start);
    }
    int r;
    while ((r = logindex_search_next(&s, 1, &line)) == -EAGAIN)
        ;
    CHECK(r == 0);
}

static void count(struct logindex *x, size_t n)
{
    struct log_counter c = {0};
    struct log_line line;
    uint64_t number;
    while (logindex_count(x, &c, 1) == -EAGAIN)
        ;
    CHECK(c.lines == n);
    while (logindex_number_lines(x, 1) == -EAGAIN)
        ;
    for (size_t i = 0; i < n; i += 3) {
        CHECK(logindex_numbered(x, i, &line) == 1 && line.start == lines[i].start);
        CHECK(logindex_number_of(x, line.start, &number) == 1 && number == i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct logindex *x;
    if (size < 2 || size > 8000)
        return 0;
    size_t first = (size - 1) * data[0] / 255;
    int fd = log_file();
    CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data + 1, first, 0) == (ssize_t)first);
    CHECK(logindex_open(&x, path, NULL) == 0);
    forwards(x);
    CHECK(pwrite(fd, data + 1, size - 1, 0) == (ssize_t)size - 1);
    CHECK(logindex_refresh(x) >= 0);
    size_t n = forwards(x);
    if (n < MOST) {
        backwards(x, n);
        search(x, n, false);
        search(x, n, true);
        count(x, n);
    }
    logindex_close(x);
    return 0;
}
