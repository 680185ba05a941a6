/* A full disk: records stay whole, a start fails with one line and leaves nothing, a log that
 * cannot be written says how much it misses and goes on, and nobody waits for room. Each test
 * has a small file system of its own over /dev/shm, in a private mount namespace: a tmpfs, and
 * an ext4 where there are loop devices. Needs root. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"

#define SIZE "size=16m,mode=0755"
#define IMAGE_SIZE (24 * 1024 * 1024)
#define SOME (4 * 1024 * 1024)
#define BALLAST "/dev/shm/ballast"

static struct state s;

static void leave_mounts(void)
{
    if (!is_root())
        cr_skip("needs root");
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static void use_it(void)
{
    state_make(&s);
    cr_assert_eq(strncmp(s.dir.path, "/dev/shm/", 9), 0);
    free(ASK(&s, "images", "-q"));
}

static void set_up(void)
{
    leave_mounts();
    cr_assert_eq(mount("small", "/dev/shm", "tmpfs", 0, SIZE), 0);
    use_it();
}

static int run_tool(const char *const argv[])
{
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    return state_reap(pid);
}
#define TOOL(...) run_tool((const char *const[]){__VA_ARGS__, NULL})

/* The loop device is given back with the mount, the image with the last descriptor. */
static void set_up_ext4(void)
{
    char image[] = "/tmp/mtd-ext4.XXXXXX";
    leave_mounts();
    auto_fd int fd = mkstemp(image);
    cr_assert(fd >= 0 && ftruncate(fd, IMAGE_SIZE) == 0);
    int made = TOOL("mkfs.ext4", "-q", "-F", "-m", "0", image);
    int mounted = made ? 1 : TOOL("mount", "-o", "loop", image, "/dev/shm");
    unlink(image);
    if (mounted != 0)
        cr_skip("no ext4 on a loop device here: mkfs.ext4 %d, mount %d", made, mounted);
    use_it();
}

static void tear_down(void)
{
    unlink(BALLAST);
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(full, .init = set_up, .fini = tear_down, .timeout = 60);
TestSuite(full_ext4, .init = set_up_ext4, .fini = tear_down, .timeout = 60);

#define ON_BOTH(name)       \
    static void name(void); \
    Test(full, name)        \
    {                       \
        name();             \
    }                       \
    Test(full_ext4, name)   \
    {                       \
        name();             \
    }                       \
    static void name(void)

/* Up to that much, in pieces of that size; how much of it. */
static size_t pour(int fd, size_t bytes, size_t piece)
{
    static char block[4096];
    size_t n = 0;
    for (ssize_t one; n < bytes && (one = write(fd, block, piece)) > 0;)
        n += (size_t)one;
    return n;
}

/* Up to that much of it; as much as there is room for. ext4 keeps some back until it knows where
 * the rest goes. */
static void fill(size_t bytes)
{
    auto_fd int fd = open(BALLAST, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    for (size_t more = 1; more > 0 && bytes > 0; bytes -= more) {
        more = pour(fd, bytes, 4096);
        if (more < bytes)
            more += pour(fd, bytes - more, 256);
        cr_assert_eq(fsync(fd), 0);
    }
}

#define ALL ((size_t)64 * 1024 * 1024)

static void expect_one_line(const struct outcome *o, const char *what)
{
    const char *end = strchr(o->err, '\n');
    cr_expect(end && end[1] == '\0', "%s: %s", what, o->err);
}

ON_BOTH(a_run_fails_with_one_line_and_leaves_nothing)
{
    fill(ALL);
    struct outcome o = RUN(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000");
    cr_expect_eq(o.status, 125, "%d: %s", o.status, o.err);
    expect_one_line(&o, "run");
    outcome_done(&o);
    cr_expect_str_empty(state_leftovers(&s, false));
    unlink(BALLAST);
    free(ASK(&s, "run", "--rm", "--name", "x", "busybox", "true"));
}

ON_BOTH(a_record_stays_whole)
{
    static const char *const COMMANDS[][6] = {
        {"rename", "x", "y"},
        {"update", "--memory", "64m", "x"},
        {"start", "x"},
    };
    free(ASK(&s, "create", "--name", "x", "busybox", "sleep", "1000"));
    fill(ALL);
    for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++) {
        struct outcome o = state_run_input(&s, NULL, 0, COMMANDS[i]);
        cr_expect_neq(o.status, 0, "%s", COMMANDS[i][0]);
        expect_one_line(&o, COMMANDS[i][0]);
        outcome_done(&o);
        expect_field(&s, "x", "{{.Name}} {{.State.Status}}", "/x created");
    }
    cr_expect_str_empty(state_leftovers(&s, true));
    unlink(BALLAST);
    free(ASK(&s, "start", "x"));
    expect_field(&s, "x", "{{.State.Status}}", "running");
}

/* Its end is known although there is no room for a new record. */
ON_BOTH(an_end_is_recorded)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
             "trap 'exit 7' TERM; echo ready; while :; do usleep 1000; done"));
    await_line(&s, "x", "ready");
    fill(ALL);
    free(ASK(&s, "stop", "x"));
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 7");
    cr_expect_str_empty(state_leftovers(&s, true));
    free(ASK(&s, "rm", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* Quiet: it has written everything. */
static bool is_quiet(void *arg)
{
    struct outcome o = RUN(&s, "exec", "x", "ls", "/dev/shm/quiet");
    bool quiet = o.status == 0;
    (void)arg;
    outcome_done(&o);
    return quiet;
}

/* Lines of "before", which a gap may have cut, and one "after" at the end. */
static void expect_pieces(char *text)
{
    char *save = NULL, *last = NULL;
    for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
        cr_assert(strstr("before", p) || strcmp(p, "after") == 0, "\"%s\"", p);
        last = p;
    }
    cr_expect_str_eq(last, "after");
}

ON_BOTH(a_log_marks_its_gap_and_goes_on)
{
    fill(SOME);
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
             "trap 'echo after' USR1; yes before | head -c 30000000; "
             "touch /dev/shm/quiet; while :; do usleep 1000; done"));
    cr_expect(state_until(is_quiet, NULL), "the container is stalled");
    expect_field(&s, "x", "{{.State.Status}}", "running");
    unlink(BALLAST);
    free(ASK(&s, "kill", "-s", "USR1", "x"));
    await_line(&s, "x", "after");
    free(ASK(&s, "stop", "-t", "0", "x"));
    struct outcome o = RUN(&s, "logs", "x");
    cr_expect_eq(o.status, 0);
    cr_expect_not_null(strstr(o.err, "bytes lost: no space left on device"), "%s", o.err);
    expect_pieces(o.out);
    outcome_done(&o);
    cr_expect_str_empty(state_leftovers(&s, true));
}

/* Memory that a file stands behind is made when it is touched: without room that is a SIGBUS. */
Test(full, a_burst_with_no_room_at_all_costs_nobody)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
             "trap 'yes before | head -c 600000; exit 7' USR1; echo ready; "
             "while :; do usleep 1000; done"));
    await_line(&s, "x", "ready");
    fill(ALL);
    free(ASK(&s, "kill", "-s", "USR1", "x"));
    await_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 7");
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(full, the_run_directory_needs_no_room)
{
    char run[128];
    free(ASK(&s, "run", "--rm", "busybox", "true"));
    snprintf(run, sizeof(run), "%s/run", s.dir.path);
    cr_assert_eq(mount("run", run, "tmpfs", 0, "size=16k,mode=0700"), 0);
    snprintf(run, sizeof(run), "%s/run/ballast", s.dir.path);
    auto_fd int fd = open(run, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, run, sizeof(run)) > 0)
        ;
    struct outcome o = RUN(&s, "run", "--rm", "busybox", "echo", "hello");
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, "hello\n");
    outcome_done(&o);
    unlink(run);
    *strrchr(run, '/') = '\0';
    close(take_fd(&fd));
    cr_expect_eq(umount2(run, MNT_DETACH), 0);
}

/* ulimit -f of who starts it: a file that may not grow is as a full disk, no reason to die. */
Test(full, a_file_size_limit_is_a_gap)
{
    struct rlimit none, few;
    free(ASK(&s, "run", "--rm", "busybox", "true"));
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &none), 0);
    few = none;
    few.rlim_cur = 32768;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
             "yes before | head -c 600000; exit 7"));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    await_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 7");
    struct outcome o = RUN(&s, "logs", "x");
    cr_expect(strncmp(o.out, "before\nbefore\n", 14) == 0, "%.40s", o.out);
    outcome_done(&o);
    cr_expect_str_empty(state_leftovers(&s, true));
}
