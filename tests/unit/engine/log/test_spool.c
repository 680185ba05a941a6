/* A writer killed anywhere between the pipe and the log: no byte is lost, none is twice. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/log/log.h"
#include "tempdir.h"

#define PIPE_ROOM (1 << 20)
#define BIG 200000

static struct tempdir tmp;
static int
    pipes[3]; /* by stream: FIFOs open for both directions, as a container holds them */

static void setup(void)
{
    tempdir_make(&tmp);
    for (int i = LOG_STDOUT; i <= LOG_STDERR; i++) {
        char name[16];
        snprintf(name, sizeof(name), "pipe%d", i);
        cr_assert_eq(mkfifoat(tmp.fd, name, 0600), 0);
        pipes[i] = openat(tmp.fd, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        cr_assert_geq(fcntl(pipes[i], F_SETPIPE_SZ, PIPE_ROOM), PIPE_ROOM);
    }
}

static void teardown(void)
{
    for (int i = LOG_STDOUT; i <= LOG_STDERR; i++)
        close(pipes[i]);
    tempdir_done(&tmp);
}

TestSuite(log_spool, .init = setup, .fini = teardown);

static void resume(struct log_writer *w, uint64_t max_size)
{
    struct mtd_error err = {0};
    cr_assert_eq(log_resume(w, tmp.fd, tmp.fd, max_size, 1000, &err), 0, "%s", err.text);
}

/* As a monitor does: each stream in turn, until both pipes are empty. */
static void drain(struct log_writer *w)
{
    bool more = true;
    while (more) {
        more = false;
        for (int i = LOG_STDOUT; i <= LOG_STDERR; i++)
            more |= log_take(w, (enum log_stream)i, pipes[i], clock_wall_ns()) > 0;
    }
}

static int run_writer(const char *fault, uint64_t max_size)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct log_writer w;
        if (fault)
            setenv("MTD_FAULT", fault, 1);
        resume(&w, max_size);
        drain(&w);
        log_close(&w);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/* Numbered lines of all lengths, from none to longer than a record, the last without end. */
static void make_text(struct buf *b, size_t size, unsigned seed)
{
    static const char PAD[40000] = {[0 ... 39999] = '.'};
    for (unsigned i = 0; b->len < size; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned r = seed >> 16;
        int n = (int)(r % 50 == 0 ? r % sizeof(PAD) : r % 3 == 0 ? 0 : r % 90);
        cr_assert_eq(buf_printf(b, "%u%.*s\n", i, n, PAD), 0);
    }
    b->data[--b->len] = '\0';
}

static void put(int stream, const struct buf *b)
{
    cr_assert_eq(write(pipes[stream], b->data, b->len), (ssize_t)b->len);
}

static void expect_stream(int stream, const struct buf *want)
{
    auto_done(buf_done) struct buf got = {0};
    struct log_reader r;
    struct log_record rec;
    cr_assert_eq(log_reader_open(&r, tmp.fd, true, 0, NULL), 0);
    while (log_reader_next(&r, &rec) == 1)
        if ((int)rec.stream == stream) {
            buf_add(&got, rec.text, rec.len);
            if (rec.full)
                buf_putc(&got, '\n');
        }
    cr_expect_eq(r.damaged, 0);
    log_reader_close(&r);
    size_t same = 0;
    while (same < got.len && same < want->len && got.data[same] == want->data[same])
        same++;
    cr_expect(got.len == want->len && same == got.len,
              "stream %d: %zu bytes, not %zu; they differ at %zu", stream, got.len,
              want->len, same);
}

/* ---- one kill at each place, at its first and at later passings --------------------------- */

#ifdef MTD_FAULTS

static const char *const POINTS[] = {
    "log.take",  "log.taken",  "log.write",   "log.written",
    "log.empty", "log.rotate", "log.rotated",
};
enum { N_POINTS = sizeof(POINTS) / sizeof(POINTS[0]), N_TIMES = 2, N_SIZES = 2 };

struct kill_case {
    int point, nth;
    uint64_t max_size;
};

ParameterizedTestParameters(log_spool, killed_at)
{
    static struct kill_case all[N_POINTS * N_TIMES * N_SIZES];
    static const int NTH[N_TIMES] = {1, 3};
    static const uint64_t SIZES[N_SIZES] = {0, 20000};
    size_t n = 0;
    for (int p = 0; p < N_POINTS; p++)
        for (int t = 0; t < N_TIMES; t++)
            for (int s = 0; s < N_SIZES; s++)
                if (SIZES[s] > 0 || strncmp(POINTS[p], "log.rot", 7) != 0)
                    all[n++] = (struct kill_case){p, NTH[t], SIZES[s]};
    return cr_make_param_array(struct kill_case, all, n);
}

/* The file is cut as well: a write that did not come to its end. */
static void tear(long bytes)
{
    struct stat st;
    if (fstatat(tmp.fd, LOG_NAME, &st, 0) == 0 && st.st_size > bytes) {
        auto_fd int fd = openat(tmp.fd, LOG_NAME, O_WRONLY | O_CLOEXEC);
        cr_assert_eq(ftruncate(fd, st.st_size - bytes), 0);
    }
}

ParameterizedTest(struct kill_case *k, log_spool, killed_at)
{
    auto_done(buf_done) struct buf out = {0}, err = {0};
    char fault[64];
    bool torn = strcmp(POINTS[k->point], "log.written") == 0;
    make_text(&out, BIG, 1);
    make_text(&err, 3000, 2);
    put(LOG_STDOUT, &out);
    put(LOG_STDERR, &err);
    snprintf(fault, sizeof(fault), "%s:kill:%d", POINTS[k->point], k->nth);
    for (int i = 0; i < 12 && WIFSIGNALED(run_writer(fault, k->max_size)); i++)
        if (torn)
            tear(1 + i); /* less than the shortest record */
    run_writer(NULL, k->max_size);
    expect_stream(LOG_STDOUT, &out);
    expect_stream(LOG_STDERR, &err);
}

/* One kill while a batch goes to the log, the next while another writer completes it. */
ParameterizedTestParameters(log_spool, killed_at_two)
{
    static struct kill_case all[N_POINTS * N_POINTS];
    for (int i = 0; i < N_POINTS * N_POINTS; i++)
        all[i] = (struct kill_case){i / N_POINTS, i % N_POINTS, 20000};
    return cr_make_param_array(struct kill_case, all, N_POINTS * N_POINTS);
}

ParameterizedTest(struct kill_case *k, log_spool, killed_at_two)
{
    auto_done(buf_done) struct buf out = {0}, err = {0};
    const char *points[] = {POINTS[k->point], POINTS[k->nth]};
    make_text(&out, BIG, 7);
    make_text(&err, 3000, 8);
    put(LOG_STDOUT, &out);
    put(LOG_STDERR, &err);
    for (int i = 0; i < 24; i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", points[i % 2]);
        run_writer(fault, k->max_size);
    }
    run_writer(NULL, k->max_size);
    expect_stream(LOG_STDOUT, &out);
    expect_stream(LOG_STDERR, &err);
}

#endif

/* ---- kills at any moment ------------------------------------------------------------------ */

Test(log_spool, killed_again_and_again)
{
    auto_done(buf_done) struct buf out = {0}, err = {0};
    make_text(&out, BIG, 3);
    make_text(&err, BIG, 4);
    put(LOG_STDOUT, &out);
    put(LOG_STDERR, &err);
    for (unsigned i = 0; i < 40; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct log_writer w;
            resume(&w, 50000);
            drain(&w);
            _exit(0);
        }
        for (int64_t end = clock_mono_ns() + 20000 * (i % 40); clock_mono_ns() < end;)
            ;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    cr_assert_eq(run_writer(NULL, 50000), 0);
    expect_stream(LOG_STDOUT, &out);
    expect_stream(LOG_STDERR, &err);
}

Test(log_spool, pages_are_given_back)
{
    auto_done(buf_done) struct buf out = {0};
    struct log_writer w;
    struct stat st;
    make_text(&out, BIG, 5);
    put(LOG_STDOUT, &out);
    resume(&w, 0);
    drain(&w);
    log_idle(&w);
    cr_assert_eq(fstat(w.spool_fd, &st), 0);
    cr_expect_leq(st.st_blocks * 512, 4096);
    log_close(&w);
    expect_stream(LOG_STDOUT, &out);
}

Test(log_spool, without_a_run_directory_it_is_a_log)
{
    auto_done(buf_done) struct buf out = {0};
    struct log_writer w;
    make_text(&out, BIG, 6);
    put(LOG_STDOUT, &out);
    cr_assert_eq(log_resume(&w, tmp.fd, -1, 0, 1, NULL), 0);
    drain(&w);
    log_close(&w);
    expect_stream(LOG_STDOUT, &out);
}
