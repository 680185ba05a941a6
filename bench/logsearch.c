/* logsearch - how fast a log is searched, and in how much memory.
 *
 *   logsearch [MEGABYTES [DIRECTORY]]   default 1024, /tmp; removes the file at the end
 *
 * Makes a log of lines of some 100 bytes, a few of them in two records, reads it once
 * into the page cache, and looks for patterns that are not there (so the whole log is
 * read), there at the end, and for every matching line. Prints GB/s by the wall's clock
 * and by the processor's (which other work on the machine does not disturb), and the
 * growth of the resident set.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/logindex/logindex.h"

#define BUDGET (4u << 20) /* per call, as the screen does it */

static const char *const MESSAGES[] = {
    "GET /api/v1/items/%u 200 %u us client=10.0.0.7",
    "worker %u picked job %u from queue default, 3 more are waiting",
    "{\"level\":\"info\",\"id\":%u,\"took\":%u,\"msg\":\"request completed\"}",
    "cache miss for key user:%u:profile, loaded in %u us from the primary",
};

static int make_record(char *out, size_t size, unsigned n, char tag, const char *text,
                       int len)
{
    return snprintf(out, size, "2026-01-02T%02u:%02u:%02u.%09uZ %s %c %.*s\n",
                    n / 3600000 % 24, n / 60000 % 60, n / 1000 % 60, n % 1000 * 1000000,
                    n % 50 ? "stdout" : "stderr", tag, len, text);
}

/* Every 500th is cut in two, as output is that comes in chunks of 64 kB. */
static size_t make_line(char *out, size_t size, unsigned n)
{
    char message[200];
    /* The formats are the table's above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int len = snprintf(message, sizeof(message), MESSAGES[n % 4], n, n * 7919 % 10000);
#pragma GCC diagnostic pop
    if (n % 500 != 7)
        return (size_t)make_record(out, size, n, 'F', message, len);
    int first = make_record(out, size, n, 'P', message, len / 2);
    int second = make_record(out + first, size - (size_t)first, n, 'F', message + len / 2,
                             len - len / 2);
    return (size_t)(first + second);
}

static int make_log(const char *path, uint64_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    static char buf[1 << 20];
    uint64_t done = 0;
    int r = 0;
    for (unsigned n = 0; done < bytes && r == 0;) {
        size_t len = 0;
        while (len < sizeof(buf) - 400)
            len += make_line(buf + len, 400, n++);
        r = fs_write_all(fd, buf, len);
        done += len;
    }
    close(fd);
    return r;
}

static long resident_kib(void)
{
    char buf[256] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);
    if (fd >= 0)
        close(fd);
    const char *second = n > 0 ? strchr(buf, ' ') : NULL;
    return second ? strtol(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

struct start {
    int64_t wall, cpu;
    long kib;
};

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static struct start begin(void)
{
    return (struct start){clock_mono_ns(), cpu_ns(), resident_kib()};
}

static void report(const char *what, uint64_t bytes, uint64_t hits, struct start from)
{
    struct start now = begin();
    printf("%-30s %6.2f GB/s wall %6.2f GB/s cpu %9" PRIu64 " lines %+5ld KiB\n", what,
           (double)bytes / (double)(now.wall - from.wall + 1),
           (double)bytes / (double)(now.cpu - from.cpu + 1), hits, now.kib - from.kib);
}

static void search(struct logindex *x, const char *pattern, bool backward)
{
    struct mtd_error err = {0};
    struct logindex_query *q;
    if (logindex_query_new(&q, pattern, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return;
    }
    struct logindex_search s;
    struct log_line line;
    uint64_t hits = 0;
    struct start start = begin();
    logindex_search_init(&s, x, q, backward ? UINT64_MAX : 0, backward);
    int r;
    while ((r = logindex_search_next(&s, BUDGET, &line)) == 1 || r == -EAGAIN)
        hits += r == 1;
    char what[80];
    snprintf(what, sizeof(what), "%s %s", backward ? "back" : "search", pattern);
    report(what, s.scanned, hits, start);
    logindex_query_free(q);
}

static void count(struct logindex *x)
{
    struct start start = begin();
    while (logindex_number_lines(x, BUDGET) == -EAGAIN)
        ;
    report("number all lines", logindex_end(x), logindex_lines(x), start);
}

static int run(const char *path, uint64_t bytes)
{
    struct mtd_error err = {0};
    struct logindex *x;
    int r = make_log(path, bytes);
    if (r < 0 || (r = logindex_open(&x, path, &err)) < 0) {
        fprintf(stderr, "%s: %s\n", path, err.code ? err.text : strerror(-r));
        return 1;
    }
    search(x, "warm up", false);
    search(x, "connection refused", false);
    search(x, "connection refused", true);
    search(x, "\\cConnection Refused", false);
    search(x, "deadlock.*victim", false);
    search(x, "stdout", false);
    search(x, "job 123[0-9]* from", false);
    search(x, "picked job", false);
    search(x, "request", true);
    count(x);
    logindex_close(x);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t megabytes = 1024;
    if (argc > 1 && parse_u64(argv[1], 1u << 20, &megabytes) < 0) {
        fprintf(stderr, "usage: logsearch [MEGABYTES [DIRECTORY]]\n");
        return 2;
    }
    char dir[4096], path[4200];
    snprintf(dir, sizeof(dir), "%s/logsearch.XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    snprintf(path, sizeof(path), "%s/container.log", dir);
    int status = run(path, megabytes << 20);
    unlink(path);
    rmdir(dir);
    return status;
}
