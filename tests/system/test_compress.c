/* --log-opt compress: rotated pieces of a log become gzip files, and read as before, whoever is
 * killed, stopped or without room meanwhile. Needs root; most tests a program with fault points
 * too. */

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/stopped.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/log/gz.h"

#define LINES 40000
#define COUNT "40000"
#define OPTIONS \
    "--log-opt", "compress=true", "--log-opt", "max-size=500k", "--log-opt", "max-file=9"
#define IMAGE "busybox", "sh", "-c"
#define COUNTS "seq 1 " COUNT
#define COUNTS_AND_STAYS COUNTS "; until [ -e /end ]; do usleep 10000; done"

static struct state s;
static const char *suffix = ""; /* of a mirror's compressed pieces */

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

TestSuite(compress, .init = set_up, .fini = tear_down, .timeout = 60);

static void need_fault_points(void)
{
#ifndef MTD_FAULTS
    cr_skip("needs a program with fault points");
#endif
}

/* ---- the files ---- */

static int open_dir(void)
{
    char path[256];
    auto_free char *id = field(&s, "x", "{{.Id}}");
    snprintf(path, sizeof(path), "%s/root/containers/%s", s.dir.path, id);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", path);
    return fd;
}

struct pieces {
    int plain, packed, other;
};

static void count_piece(int dir, const char *name, struct pieces *p)
{
    struct log_gz_piece piece;
    const char *log =
        strstr(name, strcmp(suffix, "") == 0 ? "container.log." : "-json.log.");
    if (strstr(name, ".packing") || strstr(name, ".new"))
        p->other++;
    if (!log || !isdigit((unsigned char)strstr(log, "log.")[4]))
        return;
    if (log_gz_is_at(dir, name, &piece))
        p->packed++;
    else
        p->plain++;
}

static struct pieces pieces_now(void)
{
    struct pieces p = {0};
    int dir = open_dir();
    auto_dir DIR *d = fdopendir(dir);
    for (const struct dirent *e; d && (e = readdir(d));)
        count_piece(dir, e->d_name, &p);
    return p;
}

static bool are_packed(void *arg)
{
    struct pieces p = pieces_now();
    (void)arg;
    return p.packed >= 3 && p.plain == 0 && p.other == 0;
}

static void expect_packed(const char *what)
{
    bool packed = state_until(are_packed, NULL);
    struct pieces p = pieces_now();
    cr_expect(packed, "%s: %d plain, %d packed, %d other files", what, p.plain, p.packed,
              p.other);
}

/* ---- the text ---- */

static void expect_numbers(const struct outcome *o, int from, const char *what)
{
    auto_done(buf_done) struct buf want = {0};
    for (int i = from; i <= LINES; i++)
        buf_printf(&want, "%d\n", i);
    cr_expect_eq(o->status, 0, "%s: %s", what, o->err);
    cr_expect(o->out_len == want.len && memcmp(o->out, want.data, want.len) == 0,
              "%s: %zu bytes of %zu: %s", what, o->out_len, want.len, o->err);
    cr_expect_str_empty(o->err, "%s", what);
}

/* Its time is that of a batch, which may begin within a number. */
static void expect_end(const struct outcome *o, const char *what)
{
    auto_done(buf_done) struct buf all = {0};
    for (int i = 1; i <= LINES; i++)
        buf_printf(&all, "%d\n", i);
    cr_expect(o->out_len >= 6000 && o->out_len < all.len, "%s: %zu", what, o->out_len);
    cr_expect(o->out_len < all.len &&
                  memcmp(all.data + all.len - o->out_len, o->out, o->out_len) == 0,
              "%s: %.20s", what, o->out);
}

static void expect_whole(const char *what)
{
    auto_done(outcome_done) struct outcome o = RUN(&s, "logs", "x");
    expect_numbers(&o, 1, what);
}

/* Every command starts a monitor if there is none. */
static bool is_whole(void *arg)
{
    auto_done(outcome_done) struct outcome o = RUN(&s, "logs", "--tail", "1", "x");
    (void)arg;
    return strcmp(o.out, COUNT "\n") == 0;
}

static void start(const char *driver)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--log-driver", driver, OPTIONS, IMAGE,
             COUNTS_AND_STAYS));
    cr_assert(state_until(is_whole, NULL));
}

/* ---- tests ---- */

Test(compress, what_is_compressed_reads_the_same)
{
    start("k8s-file");
    expect_packed("while it runs");
    expect_whole("logs");
    auto_done(outcome_done) struct outcome tail = RUN(&s, "logs", "--tail", "35000", "x");
    expect_numbers(&tail, 5001, "--tail");
    auto_free char *line = ASK(&s, "logs", "-t", "--tail", "1000", "x");
    line[strcspn(line, " ")] = '\0';
    auto_done(outcome_done) struct outcome since = RUN(&s, "logs", "--since", line, "x");
    expect_end(&since, "--since");
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* A container's last pieces are compressed after its end; `local` does so by itself. */
Test(compress, the_rest_is_compressed_after_the_end)
{
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--name", "x", "--log-driver", "local", "--log-opt",
            "max-size=500k", "--log-opt", "max-file=9", IMAGE, COUNTS);
    expect_numbers(&o, 1, "run");
    expect_packed("after the end");
    expect_whole("logs");
    auto_done(outcome_done) struct outcome more = RUN(&s, "start", "-a", "x");
    expect_numbers(&more, 1, "the second run");
}

Test(compress, nothing_is_compressed_unasked)
{
    free(ASK(&s, "run", "--name", "x", "--log-opt", "max-size=500k", "--log-opt",
             "max-file=9", IMAGE, COUNTS));
    cr_expect_eq(pieces_now().packed, 0);
    free(ASK(&s, "rm", "x"));
    free(ASK(&s, "run", "--name", "x", "--log-driver", "local", "--log-opt",
             "compress=false", "--log-opt", "max-size=500k", "--log-opt", "max-file=9",
             IMAGE, COUNTS));
    cr_expect_eq(pieces_now().packed, 0);
    cr_expect_geq(pieces_now().plain, 3);
}

Test(compress, json_file_has_dockers_names)
{
    start("json-file");
    suffix = ".gz";
    expect_packed("json-file");
    auto_fd int dir = open_dir();
    auto_free char *id = field(&s, "x", "{{.Id}}");
    char name[128];
    for (int i = 1; i <= 2; i++) {
        snprintf(name, sizeof(name), "%s-json.log.%d.gz", id, i);
        cr_expect_eq(faccessat(dir, name, F_OK, 0), 0, "%s", name);
    }
    expect_whole("logs");
}

Test(compress, refusals_are_dockers)
{
    static const struct {
        const char *driver, *options[3];
        int status;
        const char *says;
    } CASES[] = {
        {"json-file", {"compress=true"}, 125, "compress cannot be true when max-file is"},
        {"json-file", {"compress=true", "max-size=1m"}, 125, "compress cannot be true"},
        {"json-file", {"compress=true", "max-file=3"}, 125, "compress cannot be true"},
        {"json-file", {"compress=true", "max-size=1m", "max-file=2"}, 0, ""},
        {"json-file", {"compress=false"}, 0, ""},
        {"k8s-file", {"compress=true"}, 0, ""},
        {"k8s-file", {"compress=true", "max-size=1m"}, 125, "compress cannot be true"},
        {"local", {"max-size=1m"}, 0, ""},
        {"local", {"max-file=1"}, 125, "compression cannot be enabled"},
        {"local", {"max-file=1", "compress=false"}, 0, ""},
        {"json-file", {"compress=perhaps"}, 125, "compress=true|false"},
        {"journald", {"compress=true"}, 125, "unknown log opt 'compress'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        const char *args[16] = {"create", "--rm", "--log-driver", CASES[i].driver};
        size_t n = 4;
        for (size_t k = 0; k < 3 && CASES[i].options[k]; k++) {
            args[n++] = "--log-opt";
            args[n++] = CASES[i].options[k];
        }
        args[n++] = "busybox";
        auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
        cr_expect_eq(o.status, CASES[i].status, "%zu: %d %s", i, o.status, o.err);
        cr_expect(strstr(o.err, CASES[i].says), "%zu: %s", i, o.err);
        cr_expect(o.status || !*o.err, "%zu: %s", i, o.err);
    }
}

Test(compress, a_follower_misses_nothing)
{
    free(ASK(&s, "run", "-d", "--name", "x", OPTIONS, IMAGE,
             "until [ -e /go ]; do usleep 1000; done; " COUNTS));
    struct running r = BEGIN(&s, "logs", "-f", "x");
    state_let_go(&s, "x");
    auto_done(outcome_done) struct outcome o = state_end(&r);
    expect_numbers(&o, 1, "logs -f");
    expect_packed("after the end");
}

/* What it still has to read stays as it is, beyond max-file. */
Test(compress, a_stopped_client_misses_nothing)
{
    free(ASK(&s, "create", "--name", "x", "--log-opt", "compress=true", "--log-opt",
             "max-size=200k", "--log-opt", "max-file=2", IMAGE,
             "echo 0; until [ -e /go ]; do usleep 1000; done; " COUNTS "; echo >/done"));
    struct running r = BEGIN(&s, "start", "-a", "x");
    cr_assert(running_says(r.out, "0\n"));
    kill(r.pid, SIGSTOP);
    state_let_go(&s, "x");
    await_field(&s, "x", "{{.State.Status}}", "exited");
    kill(r.pid, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_assert_eq(strncmp(o.out, "0\n", 2), 0);
    memmove(o.out, o.out + 2, o.out_len - 1);
    o.out_len -= 2;
    expect_numbers(&o, 1, "start -a");
}

/* ---- kills ---- */

static void expect_survives(const char *driver, const char *point)
{
    suffix = "";
    s.fault = point;
    struct outcome o = RUN(&s, "run", "-d", "--name", "x", "--log-driver", driver,
                           OPTIONS, IMAGE, COUNTS_AND_STAYS);
    s.fault = NULL;
    outcome_done(&o);
    cr_expect(state_until(is_whole, NULL), "%s, %s", driver, point);
    expect_whole(point);
    pid_t monitor = monitor_of(&s, "x");
    if (monitor > 0)
        kill_and_wait(monitor); /* the packer's death was no reason to try again */
    expect_whole(point);
    expect_packed(point);
    suffix = strcmp(driver, "json-file") == 0 ? ".gz" : "";
    expect_packed(point);
    expect_whole(point);
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false), "%s, %s", driver, point);
}

Test(compress, each_piece_is_whole_whoever_is_killed)
{
    need_fault_points();
    static const char *const POINTS[] = {"log.pack:kill:2", "log.exchange:kill",
                                         "log.exchanged:kill", "log.exchange:kill:2",
                                         "log.exchanged:kill:4"};
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        expect_survives("k8s-file", POINTS[i]);
        expect_survives("json-file", POINTS[i]);
    }
}

/* A packer that works below the test's directory; 0 = none. */
static pid_t packer_now(void)
{
    auto_dir DIR *proc = opendir("/proc");
    for (const struct dirent *e; proc && (e = readdir(proc));) {
        char path[300], name[32] = "", target[300] = "";
        uint64_t pid;
        snprintf(path, sizeof(path), "%s/comm", e->d_name);
        if (parse_u64(e->d_name, INT32_MAX, &pid) < 0 ||
            fs_read_small_at(dirfd(proc), path, name, sizeof(name)) < 0 ||
            strncmp(name, "mtd:packer", 10) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/fd/3", e->d_name);
        if (readlinkat(dirfd(proc), path, target, sizeof(target) - 1) > 0 &&
            strncmp(target, s.dir.path, strlen(s.dir.path)) == 0)
            return (pid_t)pid;
    }
    return 0;
}

static bool packer_is_stopped(void *arg)
{
    pid_t *pid = arg;
    *pid = packer_now();
    return *pid > 0 && stopped_now(*pid);
}

static bool no_packer(void *arg)
{
    (void)arg;
    return packer_now() == 0;
}

/* The container's monitor is gone; the last packer is stopped with its first piece. */
static pid_t stop_last_packer(void)
{
    pid_t pid = 0;
    s.fault = "log.pack:stop";
    free(ASK(&s, "run", "-d", "--name", "x", OPTIONS, IMAGE, COUNTS));
    s.fault = NULL;
    await_field(&s, "x", "{{.State.Status}}", "exited");
    cr_assert(state_until(packer_is_stopped, &pid));
    return pid;
}

static bool has_gone(void *arg)
{
    return kill(*(pid_t *)arg, 0) < 0;
}

Test(compress, a_start_ends_a_packer_that_hangs)
{
    need_fault_points();
    pid_t packer = stop_last_packer();
    auto_done(outcome_done) struct outcome o = RUN(&s, "start", "-a", "x");
    expect_numbers(&o, 1, "start -a");
    cr_expect(state_until(has_gone, &packer));
    expect_packed("after the second run");
}

Test(compress, a_removal_does_not_wait_for_a_packer)
{
    need_fault_points();
    pid_t packer = stop_last_packer();
    free(ASK(&s, "rm", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
    kill(packer, SIGCONT);
    cr_expect(state_until(no_packer, NULL));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* ---- damage, and a full disk ---- */

Test(compress, a_piece_that_was_cut_short_is_told)
{
    start("k8s-file");
    expect_packed("before the damage");
    auto_fd int dir = open_dir();
    auto_fd int fd = openat(dir, "container.log.2", O_WRONLY | O_CLOEXEC);
    struct stat st;
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq(ftruncate(fd, st.st_size / 2), 0);
    auto_done(outcome_done) struct outcome o = RUN(&s, "logs", "x");
    cr_expect_eq(o.status, 0);
    cr_expect(strstr(o.err, "damaged records in the log were skipped"), "%s", o.err);
    cr_expect_eq(strncmp(o.out, "1\n2\n", 4), 0);
    cr_expect(o.out_len > 8 && strcmp(o.out + o.out_len - 7, "\n" COUNT "\n") == 0);
}

static void fill_disk(void)
{
    static char block[65536];
    auto_fd int fd = open("/dev/shm/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (size_t piece = sizeof(block); piece > 0; piece /= 2)
        while (write(fd, block, piece) > 0)
            ;
}

static void set_up_small(void)
{
    if (!is_root())
        cr_skip("needs root");
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    cr_assert_eq(mount("small", "/dev/shm", "tmpfs", 0, "size=24m,mode=0755"), 0);
    state_make(&s);
}

TestSuite(compress_full, .init = set_up_small, .fini = tear_down, .timeout = 60);

/* The packer is stopped while the disk fills up, then finds no room. */
Test(compress_full, without_room_it_stays_as_it_is)
{
    need_fault_points();
    pid_t packer = stop_last_packer();
    fill_disk();
    kill(packer, SIGCONT);
    cr_expect(state_until(no_packer, NULL));
    struct pieces p = pieces_now();
    cr_expect_eq(p.packed, 0);
    cr_expect_eq(p.other, 0);
    expect_whole("on a full disk");
    unlink("/dev/shm/ballast");
    free(ASK(&s, "start", "x"));
    await_field(&s, "x", "{{.State.Status}}", "exited");
    expect_packed("with room again");
}
