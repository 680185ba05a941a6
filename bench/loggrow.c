/* loggrow - the log view while a container floods its log.
 *
 *   loggrow [MEGABYTES [MB_PER_SECOND [DIRECTORY]]]   default 1024, 50, /tmp
 *
 * A child appends lines until the log has that size. Meanwhile the view follows for a
 * third of the time, is paused for a third (counting the new lines), and searches and
 * filters for the rest, 25 times a second, as the screen would. Prints the longest and
 * the mean time of one look (sizes, lines, drawing, one piece of work), processor time,
 * and the growth of the resident set.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "ui/log/pane.h"

#define LOOK_NS (40 * NS_PER_MS)
#define WORK_BUDGET (2u << 20)

static void sleep_until(int64_t mono)
{
    struct timespec t = {.tv_sec = mono / NS_PER_SEC, .tv_nsec = mono % NS_PER_SEC};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void write_log(const char *path, uint64_t bytes, uint64_t rate)
{
    static char buf[1 << 20];
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    int64_t start = clock_mono_ns();
    uint64_t done = 0;
    for (unsigned n = 0; fd >= 0 && done < bytes;) {
        size_t len = 0;
        for (; len < sizeof(buf) - 300; n++)
            len += (size_t)snprintf(
                buf + len, 300,
                "2026-01-02T%02u:%02u:%02u.%09uZ %s F request %u served "
                "in %u us, 3 more are waiting in the queue\n",
                n / 3600000 % 24, n / 60000 % 60, n / 1000 % 60, n % 1000 * 1000000,
                n % 50 ? "stdout" : "stderr", n, n * 7919 % 10000);
        if (fs_write_all(fd, buf, len) < 0)
            break;
        done += len;
        sleep_until(start + (int64_t)(done * 1000 / rate));
    }
    _exit(0);
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

struct looks {
    const char *name;
    int64_t longest, total, cpu;
    unsigned n;
};

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

struct bench {
    struct logsources logs;
    struct logpane pane;
    struct canvas canvas;
    struct logmerge find;
    struct logindex_query *missing;
    bool finding;
    uint64_t searched;
};

static void look(struct bench *b, struct looks *l)
{
    int64_t start = clock_mono_ns(), cpu = cpu_ns();
    struct logref ref;
    logpane_update(&b->pane);
    canvas_clear(&b->canvas);
    logpane_draw(&b->pane, &b->canvas, canvas_rect(&b->canvas), true);
    logpane_work(&b->pane, WORK_BUDGET);
    if (b->finding && logmerge_next(&b->find, WORK_BUDGET, &ref) == 0)
        logmerge_more(&b->find);
    int64_t took = clock_mono_ns() - start;
    l->cpu += cpu_ns() - cpu;
    l->longest = took > l->longest ? took : l->longest;
    l->total += took;
    l->n++;
}

static void begin_phase(struct bench *b, int phase)
{
    struct logplace first;
    if (phase == 1)
        logpane_scroll(&b->pane, -5);
    if (phase != 2)
        return;
    logplace_first(&b->logs, &first);
    logmerge_forward(&b->find, &b->logs, b->missing, &first);
    b->finding = true;
    b->pane.hide = b->missing;
    logpane_arrange(&b->pane);
}

static void watch(struct bench *b, pid_t writer, int64_t expected)
{
    struct looks phases[3] = {
        {.name = "following"}, {.name = "paused"}, {.name = "searching and filtering"}};
    int phase = -1, status;
    long before = 0, most = 0;
    int64_t start = clock_mono_ns(), next = start;
    while (waitpid(writer, &status, WNOHANG) == 0) {
        int now = (int)((clock_mono_ns() - start) * 3 / expected);
        if (now > phase && phase < 2)
            begin_phase(b, ++phase);
        look(b, &phases[phase]);
        if (phases[0].n == 5)
            before = resident_kib();
        long grown = resident_kib() - before;
        most = before && grown > most ? grown : most;
        sleep_until(next += LOOK_NS);
    }
    for (size_t i = 0; i < 3; i++)
        if (phases[i].n > 0)
            printf(
                "%-24s %5u looks, mean %6.2f ms, longest %6.2f ms, cpu %6.2f ms each\n",
                phases[i].name, phases[i].n, (double)phases[i].total / phases[i].n / 1e6,
                (double)phases[i].longest / 1e6,
                (double)phases[i].cpu / phases[i].n / 1e6);
    printf("log %" PRIu64 " MB, resident set %ld KiB, grew by at most %ld KiB\n",
           logindex_end(b->logs.index[0]) >> 20, resident_kib(), most);
}

static int run(const char *path, uint64_t bytes, uint64_t rate)
{
    struct bench b = {.logs.n = 1};
    struct mtd_error err = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    if (logindex_open(&b.logs.index[0], path, &err) < 0 || logpane_init(&b.pane) < 0 ||
        canvas_init(&b.canvas, 24, 80) < 0 ||
        logindex_query_new(&b.missing, "deadlock", &err) < 0) {
        fprintf(stderr, "%s: %s\n", path, err.text);
        return 1;
    }
    logpane_reset(&b.pane, &b.logs);
    pid_t writer = fork();
    if (writer == 0)
        write_log(path, bytes, rate);
    watch(&b, writer, (int64_t)(bytes * 1000 / rate));
    logindex_close(b.logs.index[0]);
    logpane_done(&b.pane);
    canvas_done(&b.canvas);
    logindex_query_free(b.missing);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t megabytes = 1024, rate = 50;
    if ((argc > 1 && parse_u64(argv[1], 1u << 20, &megabytes) < 0) ||
        (argc > 2 && parse_u64(argv[2], 10000, &rate) < 0) || rate == 0) {
        fprintf(stderr, "usage: loggrow [MEGABYTES [MB_PER_SECOND [DIRECTORY]]]\n");
        return 2;
    }
    char dir[4096], path[4200];
    snprintf(dir, sizeof(dir), "%s/loggrow.XXXXXX", argc > 3 ? argv[3] : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    snprintf(path, sizeof(path), "%s/container.log", dir);
    int status = run(path, megabytes << 20, rate);
    unlink(path);
    rmdir(dir);
    return status;
}
