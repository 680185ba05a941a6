/* terminal - plays the terminal for a full-screen program and measures it.
 *
 *   terminal first ROUNDS MARK COMMAND...    how long until the first full screen
 *   terminal idle WARM SECONDS MARK COMMAND...
 *                                          processor, memory and bytes while idle
 *   terminal keys N KEY MARK COMMAND...    from a key to what it paints
 *   terminal log FILE MIB MARK COMMAND...  while the container's log grows to that size
 *   terminal flood MB_PER_SECOND MIB       writes that log (inside a container)
 *
 * The terminal is a pty of 80x24; TERM and LANG are the caller's. A program has painted
 * when MARK was among what it wrote and nothing more came for a while; the time is that
 * of the last byte. Processor time and resident set are those of the program and all its
 * children. Prints words NAME=VALUE in one line; status 1 and one line on stderr when
 * MARK does not come.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS INT64_C(1000000000)
#define MS INT64_C(1000000)
#define PATIENCE (20 * NS)
#define MAX_TREE 64

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS + t.tv_nsec;
}

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("terminal: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* ---- one program on a terminal ----------------------------------------------------- */

struct seat {
    pid_t pid;
    int fd;
    int64_t started, painted; /* painted: when its last bytes came */
    uint64_t bytes;
    char tail[4096]; /* the end of what it wrote, for MARK */
    size_t len;
};

static pid_t running; /* ended with us, however we end */

static void end_running(void)
{
    if (running > 0)
        kill(running, SIGKILL);
}

static void seat_open(struct seat *s, char **command)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    *s = (struct seat){.started = now()};
    s->pid = forkpty(&s->fd, NULL, NULL, &size);
    if (s->pid == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    if (s->pid < 0)
        fail("forkpty: %s", strerror(errno));
    running = s->pid;
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
}

static void remember(struct seat *s, const char *data, size_t n)
{
    if (n >= sizeof(s->tail)) {
        data += n - sizeof(s->tail) / 2;
        n = sizeof(s->tail) / 2;
    }
    if (s->len + n > sizeof(s->tail)) {
        size_t keep = sizeof(s->tail) - n < s->len ? sizeof(s->tail) - n : s->len;
        memmove(s->tail, s->tail + s->len - keep, keep);
        s->len = keep;
    }
    memcpy(s->tail + s->len, data, n);
    s->len += n;
}

/* Reads what comes within so long. 1: something came, 0: nothing, -1: the program has
 * ended. */
static int seat_read(struct seat *s, int64_t ns, const char *mark, bool *seen)
{
    char buf[65536];
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    struct timespec t = {.tv_sec = ns / NS, .tv_nsec = ns % NS};
    if (ppoll(&p, 1, &t, NULL) <= 0)
        return 0;
    ssize_t n = read(s->fd, buf, sizeof(buf));
    if (n <= 0)
        return n < 0 && errno == EAGAIN ? 0 : -1;
    s->painted = now();
    s->bytes += (uint64_t)n;
    if (mark && !*seen) {
        /* The end of the buffer before belongs to it: a mark may be cut in two. */
        size_t before = s->len < 64 ? s->len : 64;
        memmove(s->tail, s->tail + s->len - before, before);
        s->len = before;
        *seen = memmem(buf, (size_t)n, mark, strlen(mark)) != NULL;
        remember(s, buf, (size_t)n < 64 ? (size_t)n : 64);
        *seen |= memmem(s->tail, s->len, mark, strlen(mark)) != NULL;
        s->len = 0;
        remember(s, buf, (size_t)n);
    }
    return 1;
}

/* Until MARK and then silence of that length. */
static void seat_wait(struct seat *s, const char *mark, int64_t silence)
{
    int64_t end = now() + PATIENCE;
    bool seen = false;
    while (now() < end) {
        int r = seat_read(s, seen ? silence : 100 * MS, mark, &seen);
        if (r < 0)
            fail("the program exited before \"%s\" appeared; its output: %.*s", mark,
                 (int)s->len, s->tail);
        if (r == 0 && seen)
            return;
    }
    fail("\"%s\" did not appear within %d s", mark, (int)(PATIENCE / NS));
}

static void seat_drain(struct seat *s, int64_t until)
{
    for (int64_t left; (left = until - now()) > 0;)
        if (seat_read(s, left, NULL, NULL) < 0)
            fail("it ended by itself");
}

static void seat_type(struct seat *s, const char *keys)
{
    if (write(s->fd, keys, strlen(keys)) < 0)
        fail("typing: %s", strerror(errno));
}

static void seat_close(struct seat *s)
{
    int64_t end = now() + 2 * NS;
    seat_type(s, "qq"); /* first out of a log on the whole screen */
    while (now() < end && waitpid(s->pid, NULL, WNOHANG) == 0)
        seat_read(s, 10 * MS, NULL, NULL);
    if (kill(s->pid, SIGKILL) == 0)
        waitpid(s->pid, NULL, 0);
    running = 0;
    close(s->fd);
}

/* ---- what it costs ----------------------------------------------------------------- */

struct tree {
    pid_t pids[MAX_TREE];
    int n;
};

static void add_children(struct tree *t, pid_t pid)
{
    char path[64], buf[4096];
    if (t->n >= MAX_TREE)
        return;
    t->pids[t->n++] = pid;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    size_t n = fread(buf, 1, sizeof(buf) - 1, f);
    fclose(f);
    buf[n] = '\0';
    for (char *at = buf, *end; *at; at = end) {
        long child = strtol(at, &end, 10);
        if (end == at)
            break;
        add_children(t, (pid_t)child);
    }
}

static int64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
        return 0;
    return t.tv_sec * NS + t.tv_nsec;
}

static long resident_of(pid_t pid)
{
    char path[64];
    long pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void cost(const struct seat *s, int64_t *cpu, long *kib)
{
    struct tree t = {.n = 0};
    add_children(&t, s->pid);
    *cpu = 0;
    *kib = 0;
    for (int i = 0; i < t.n; i++) {
        *cpu += cpu_of(t.pids[i]);
        *kib += resident_of(t.pids[i]);
    }
}

/* ---- the measurements -------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t number(const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 10);
    if (*end || n < 1 || n > 1000000)
        fail("\"%s\" is not a number from 1 to 1000000", text);
    return n;
}

static void first(char **arg)
{
    size_t rounds = (size_t)number(arg[0]);
    int64_t *took = calloc(rounds, sizeof(*took));
    uint64_t bytes = 0;
    for (size_t i = 0; took && i < rounds; i++) {
        struct seat s;
        seat_open(&s, arg + 2);
        seat_wait(&s, arg[1], 15 * MS);
        took[i] = s.painted - s.started;
        bytes = s.bytes;
        seat_close(&s);
    }
    if (!took)
        fail("no memory");
    qsort(took, rounds, sizeof(*took), compare);
    printf("median=%.1f best=%.1f bytes=%llu\n", (double)took[rounds / 2] / 1e6,
           (double)took[0] / 1e6, (unsigned long long)bytes);
    free(took);
}

static void idle(char **arg)
{
    int64_t warm = number(arg[0]), seconds = number(arg[1]), cpu, cpu_before;
    long kib;
    struct seat s;
    seat_open(&s, arg + 3);
    seat_wait(&s, arg[2], 15 * MS);
    seat_drain(&s, now() + warm * NS);
    cost(&s, &cpu_before, &kib);
    uint64_t bytes = s.bytes;
    int64_t start = now();
    seat_drain(&s, start + seconds * NS);
    cost(&s, &cpu, &kib);
    double took = (double)(now() - start);
    printf("cpu=%.3f mib=%.1f rate=%.0f bytes=%llu\n",
           100 * (double)(cpu - cpu_before) / took, (double)kib / 1024,
           (double)(s.bytes - bytes) * 1e9 / took, (unsigned long long)(s.bytes - bytes));
    seat_close(&s);
}

/* Keys at intervals that no timer of a program shares, each after silence. */
static void keys(char **arg)
{
    size_t n = (size_t)number(arg[0]), painted = 0;
    int64_t *took = calloc(n, sizeof(*took));
    struct seat s;
    seat_open(&s, arg + 3);
    seat_wait(&s, arg[2], 15 * MS);
    seat_drain(&s, now() + 4 * NS);
    for (size_t i = 0; took && i < n; i++) {
        seat_drain(&s, now() + 23 * MS);
        int64_t start = now(), end = start + NS;
        seat_type(&s, arg[1]);
        bool came = false;
        while (now() < end) {
            int r = seat_read(&s, came ? 5 * MS : end - now(), NULL, NULL);
            if (r < 0)
                fail("it ended by itself");
            if (r == 0)
                break;
            came = true;
        }
        if (came)
            took[painted++] = s.painted - start;
    }
    if (painted < n * 9 / 10)
        fail("%zu of %zu keys painted nothing", n - painted, n);
    qsort(took, painted, sizeof(*took), compare);
    printf("median=%.1f p95=%.1f\n", (double)took[painted / 2] / 1e6,
           (double)took[painted * 95 / 100] / 1e6);
    free(took);
    seat_close(&s);
}

/* ---- a log that grows -------------------------------------------------------------- */

#define LAST_LINE "needle-17 here ends the log"
#define LAST_PATTERN "needle-17"
#define ABSENT "no-such-line"

enum { LINE = 100, RECORD = LINE + 40 };

static void put_line(char *out, int64_t n)
{
    char line[160];
    snprintf(line, sizeof(line), "request %012lld served in 1234 us, %-60s", (long long)n,
             "3 more are waiting in the queue of the primary");
    memcpy(out, line, LINE - 1);
    out[LINE - 1] = '\n';
}

static void write_all(const char *data, size_t n)
{
    while (n > 0) {
        ssize_t r = write(STDOUT_FILENO, data, n);
        if (r < 0)
            fail("write: %s", strerror(errno));
        data += r;
        n -= (size_t)r;
    }
}

/* The rate and the size are those of the log's records of its lines. */
static void flood(char **arg)
{
    static char block[LINE * 512];
    int64_t rate = number(arg[0]) * 1000000, lines = (number(arg[1]) << 20) / RECORD;
    int64_t start = now();
    for (int64_t n = 0; n < lines;) {
        size_t len = 0;
        for (; len < sizeof(block) && n < lines; n++, len += LINE)
            put_line(block + len, n);
        write_all(block, len);
        int64_t at = start + (int64_t)((double)n * RECORD / (double)rate * 1e9);
        struct timespec t = {.tv_sec = at / NS, .tv_nsec = at % NS};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    write_all(LAST_LINE "\n", sizeof(LAST_LINE));
}

static int64_t size_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        fail("%s: %s", path, strerror(errno));
    return st.st_size;
}

struct range {
    long least, most;
};

static void widen(struct range *r, const struct seat *s)
{
    int64_t cpu;
    long kib;
    cost(s, &cpu, &kib);
    r->least = !r->least || kib < r->least ? kib : r->least;
    r->most = kib > r->most ? kib : r->most;
}

/* Follows for a third of the time, stands paused for a third, searches the rest from the
 * beginning, again and again; then once the whole log to its last line. */
static void grow(struct seat *s, const char *path, int64_t size, struct range *r)
{
    static const char *const TYPED[] = {"", "kkk", "g/" ABSENT "\r"};
    int phase = 0, turns = 0;
    int64_t idle_until = now() + 60 * NS, was = 0, have;
    while ((have = size_of(path)) < size - 4096) {
        int third = (int)(have * 3 / size);
        if (third > phase) {
            phase = third;
            seat_type(s, TYPED[phase]);
        } else if (phase == 2 && ++turns % 50 == 0)
            seat_type(s, "gn");
        seat_drain(s, now() + 100 * MS);
        widen(r, s);
        if (have > was)
            idle_until = now() + 60 * NS;
        else if (now() > idle_until)
            fail("%s no longer grows, at %lld bytes", path, (long long)have);
        was = have;
    }
}

static double search(struct seat *s, const char *path, struct range *r)
{
    bool seen = false;
    seat_type(s, "g");
    seat_drain(s, now() + 500 * MS);
    seat_type(s, "/" LAST_PATTERN);
    seat_drain(s, now() + 300 * MS);
    int64_t start = now();
    seat_type(s, "\r");
    while (!seen && now() < start + 60 * NS)
        if (seat_read(s, 100 * MS, LAST_LINE + sizeof(LAST_PATTERN), &seen) < 0)
            fail("the program exited during the search");
    if (!seen)
        fail("the search did not find the last line in 60 s");
    int64_t took = now() - start;
    widen(r, s);
    return (double)size_of(path) / (double)took;
}

static void grown_log(char **arg)
{
    const char *path = arg[0];
    int64_t size = number(arg[1]) << 20, cpu, cpu_before, start;
    long kib;
    struct range r = {0};
    struct seat s;
    seat_open(&s, arg + 3);
    seat_wait(&s, arg[2], 50 * MS);
    seat_type(&s, "l");
    seat_drain(&s, now() + 2 * NS);
    cost(&s, &cpu_before, &kib);
    start = now();
    int64_t had = size_of(path);
    grow(&s, path, size, &r);
    cost(&s, &cpu, &kib);
    double took = (double)(now() - start);
    double rate = (double)(size_of(path) - had) * 1e3 / took;
    seat_drain(&s, now() + NS);
    double speed = search(&s, path, &r);
    printf("least=%.2f most=%.2f grew=%.0f cpu=%.1f search=%.2f size=%.2f\n",
           (double)r.least / 1024, (double)r.most / 1024, rate,
           100 * (double)(cpu - cpu_before) / took, speed, (double)size_of(path) / 1e9);
    seat_close(&s);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int args;
        void (*run)(char **arg);
    } MODES[] = {{"first", 3, first},
                 {"idle", 4, idle},
                 {"keys", 4, keys},
                 {"log", 4, grown_log},
                 {"flood", 2, flood}};
    atexit(end_running);
    for (size_t i = 0; argc > 1 && i < sizeof(MODES) / sizeof(MODES[0]); i++)
        if (strcmp(argv[1], MODES[i].name) == 0 && argc - 2 >= MODES[i].args) {
            MODES[i].run(argv + 2);
            return 0;
        }
    fail("usage: see the beginning of bench/terminal.c");
}
