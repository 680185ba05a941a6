/* Four writers, both streams, files that rotate, and a monitor killed twenty times meanwhile:
 * every line is in the log once and in order. MTD_LOG_MB makes it more than 32 MB. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "engine/log/log.h"

#define WRITERS 4
#define KILLS 20
#define MIB (1024 * 1024)

static struct state s;
static char dir[192]; /* the container's */

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(logkept, .init = set_up, .fini = tear_down, .timeout = 60);

static unsigned long megabytes(void)
{
    const char *text = getenv("MTD_LOG_MB");
    unsigned long n = text ? strtoul(text, NULL, 10) : 0;
    return n ? n : 32;
}

static unsigned long long log_bytes(void)
{
    unsigned long long sum = 0;
    struct stat st = {0};
    char path[224];
    for (unsigned i = 0; i == 0 || st.st_size > 0; i++) {
        if (i == 0)
            snprintf(path, sizeof(path), "%s/container.log", dir);
        else
            snprintf(path, sizeof(path), "%s/container.log.%u", dir, i);
        st.st_size = 0;
        if (stat(path, &st) < 0 && i > 0)
            break;
        sum += (unsigned long long)st.st_size;
    }
    return sum;
}

static void await_bytes(unsigned long long n)
{
    for (int64_t end = clock_mono_ns() + 30 * NS_PER_SEC;
         log_bytes() < n && clock_mono_ns() < end;)
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS / 2}, NULL);
}

/* The next command finds the container without one and starts another. */
static void kill_monitor(void)
{
    char *text = ASK(&s, "inspect", "--format", "{{.MonitorPid}}", "x");
    auto_fd int pidfd = sys_pidfd_open((pid_t)atol(text), 0);
    free(text);
    cr_assert_geq(pidfd, 0);
    cr_assert_eq(sys_pidfd_send_signal(pidfd, SIGKILL, NULL, 0), 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, 10000), 1);
    free(ASK(&s, "ps", "-q"));
}

struct stream {
    char line[256];
    size_t len;
    long long last[WRITERS];
};

static void take_line(struct stream *st, enum log_stream stream)
{
    int writer = -1;
    long long n = 0;
    st->line[st->len] = '\0';
    st->len = 0;
    cr_assert_eq(sscanf(st->line, "%d %lld ", &writer, &n), 2, "\"%s\"", st->line);
    cr_assert(writer >= 0 && writer < WRITERS, "\"%s\"", st->line);
    cr_assert_eq(n, st->last[writer] + 1, "stream %d, writer %d: line %lld after %lld",
                 stream, writer, n, st->last[writer]);
    st->last[writer] = n;
}

static unsigned long long read_log(struct stream streams[3])
{
    struct log_reader r;
    struct log_record rec;
    unsigned long long bytes = 0;
    auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(log_reader_open(&r, fd, true, 0, NULL), 0);
    while (log_reader_next(&r, &rec) == 1) {
        struct stream *st = &streams[rec.stream];
        cr_assert_lt(st->len + rec.len, sizeof(st->line), "%.*s", (int)rec.len, rec.text);
        memcpy(st->line + st->len, rec.text, rec.len);
        st->len += rec.len;
        bytes += rec.len + rec.full;
        if (rec.full)
            take_line(st, rec.stream);
    }
    cr_expect_eq(r.damaged, 0);
    cr_expect_not(r.lost);
    log_reader_close(&r);
    return bytes;
}

static bool is_done(void *arg)
{
    char path[224];
    (void)arg;
    snprintf(path, sizeof(path), "%s/upper/done", dir);
    return access(path, F_OK) == 0;
}

Test(logkept, every_line_once_and_in_order_whoever_is_killed)
{
    char mount[512], script[256], max_size[64];
    struct stream streams[3] = {0};
    unsigned long long each = megabytes() * MIB / WRITERS / 2;
    snprintf(mount, sizeof(mount), "%s:/probe:ro", MTD_PROBE);
    snprintf(script, sizeof(script),
             "/probe writers %d %llu; echo $? >/done; exec sleep 1000", WRITERS, each);
    snprintf(max_size, sizeof(max_size), "max-size=%lu", megabytes() * MIB / 100);
    char *id = ASK(&s, "run", "-d", "--name", "x", "-v", mount, "--log-opt", max_size,
                   "--log-opt", "max-file=1000", "busybox", "sh", "-c", script);
    snprintf(dir, sizeof(dir), "%s/root/containers/%s", s.dir.path, id);
    free(id);
    for (unsigned i = 1; i <= KILLS; i++) {
        await_bytes(each * WRITERS * 2 / (KILLS + 1) * i);
        kill_monitor();
    }
    char *alive = ASK(&s, "inspect", "--format", "{{.State.Status}}", "x");
    cr_expect_str_eq(alive, "running");
    free(alive);
    for (int64_t end = clock_mono_ns() + 600 * NS_PER_SEC;
         !is_done(NULL) && clock_mono_ns() < end;)
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
    free(ASK(&s, "stop", "-t", "0", "x"));
    unsigned long long bytes = read_log(streams);
    cr_expect_geq(bytes, each * WRITERS * 2);
    for (int w = 0; w < WRITERS; w++)
        cr_expect_eq(streams[LOG_STDOUT].last[w], streams[LOG_STDERR].last[w]);
    cr_expect_str_empty(state_leftovers(&s, true));
}
