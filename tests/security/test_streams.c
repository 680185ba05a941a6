/* Nothing of the caller's is inside: whatever its standard streams are, a process in the
 * container holds pipes, a terminal or a null device of the engine's own, and what it does to
 * them stays there. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;
static char volume[512], seen[512];

#define PROBE MTD_PROBE ":/probe:ro"

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    cr_assert_eq(mkdirat(s.dir.fd, "seen", 0755), 0);
    snprintf(seen, sizeof(seen), "%s/seen/which", s.dir.path);
    snprintf(volume, sizeof(volume), "%s/seen:/seen", s.dir.path);
    free(ASK(&s, "run", "-d", "--name", "box", "-v", PROBE, "-v", volume, "busybox",
             "sleep", "100000"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(streams, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- what the caller may have as its streams -------------------------------------------- */

static int open_pipe(int fds[3])
{
    int in[2], out[2];
    int rc = pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC);
    fds[0] = in[0];
    fds[1] = fds[2] = out[1];
    close(in[1]);
    return rc;
}

static int open_files(int fds[3])
{
    fds[0] = openat(s.dir.fd, "in", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    fds[1] = openat(s.dir.fd, "out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    fds[2] = openat(s.dir.fd, "err", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return 0;
}

static int open_fifo(int fds[3])
{
    int rc = mkfifoat(s.dir.fd, "fifo", 0600);
    for (int i = 0; i < 3; i++)
        fds[i] = openat(s.dir.fd, "fifo", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return rc;
}

static int open_socket(int fds[3])
{
    int ends[2];
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    fds[0] = fds[1] = fds[2] = ends[0];
    shutdown(ends[1], SHUT_WR);
    return rc;
}

static int open_terminal(int fds[3])
{
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    int rc = unlockpt(master) || ptsname_r(master, name, sizeof(name));
    fds[0] = fds[1] = fds[2] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return rc;
}

static int open_null(int fds[3])
{
    fds[0] = fds[1] = fds[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
    return 0;
}

static int open_directory(int fds[3])
{
    fds[0] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fds[1] = fds[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
    return 0;
}

static int open_nothing(int fds[3])
{
    fds[0] = fds[1] = fds[2] = -1;
    return 0;
}

static const struct {
    const char *name;
    int (*open)(int fds[3]);
} KINDS[] = {
    {"pipe", open_pipe},           {"file", open_files},      {"FIFO", open_fifo},
    {"socket", open_socket},       {"null", open_null},       {"terminal", open_terminal},
    {"directory", open_directory}, {"nothing", open_nothing},
};

/* state_spawn_on() leaves a stream that is -1 as the test has it. */
static int run_on(const int fds[3], const char *const args[])
{
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        for (int i = 0; i < 3 && fds[i] < 0; i++)
            close(i);
        _exit(state_reap(state_spawn_on(&s, fds, args)));
    }
    return state_reap(pid);
}

/* The devices and inodes that the caller had, none of which the command may have had. */
static void expect_apart(const char *what, const char *kind, const int fds[3])
{
    auto_file FILE *f = fopen(seen, "re");
    unsigned long long dev, ino;
    int fd, n = 0;
    cr_assert_not_null(f, "%s, %s: the command did not run", what, kind);
    for (; fscanf(f, "%d %llu %llu %*o", &fd, &dev, &ino) == 3; n++)
        for (int i = 0; i < 3; i++) {
            struct stat st;
            if (fds[i] >= 0 && fstat(fds[i], &st) == 0)
                cr_expect(st.st_dev != dev || st.st_ino != ino,
                          "%s, %s: descriptor %d inside is the caller's %d", what, kind,
                          fd, i);
        }
    cr_expect_eq(n, 3, "%s, %s: %d streams", what, kind, n);
}

static void try_all(const char *what, const char *const args[])
{
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++) {
        int fds[3];
        unlink(seen);
        unlinkat(s.dir.fd, "fifo", 0);
        cr_assert_eq(KINDS[i].open(fds), 0);
        int status = run_on(fds, args);
        if (strcmp(KINDS[i].name, "directory") != 0)
            cr_expect_eq(status, 0, "%s, %s: status %d", what, KINDS[i].name, status);
        expect_apart(what, KINDS[i].name, fds);
        for (int k = 2; k >= 0; k--)
            if (fds[k] >= 0 && (k == 0 || fds[k] != fds[k - 1]))
                close(fds[k]);
    }
}

#define TRY(what, ...) try_all(what, (const char *const[]){__VA_ARGS__, NULL})
#define WHICH "/probe", "which", "/seen/which"

Test(streams, of_exec_are_the_engines)
{
    TRY("exec", "exec", "box", WHICH);
    TRY("exec -i", "exec", "-i", "box", WHICH);
    TRY("exec -u", "exec", "-i", "-u", "0:7", "box", WHICH);
    TRY("exec -t", "exec", "-t", "box", WHICH);
}

Test(streams, of_run_are_the_engines)
{
    TRY("run", "run", "--rm", "-v", PROBE, "-v", volume, "busybox", WHICH);
    TRY("run -i", "run", "--rm", "-i", "-v", PROBE, "-v", volume, "busybox", WHICH);
    TRY("run -t", "run", "--rm", "-t", "-v", PROBE, "-v", volume, "busybox", WHICH);
}

static bool has_been_checked(void *unused)
{
    (void)unused;
    struct stat st;
    return stat(seen, &st) == 0 && st.st_size > 0;
}

Test(streams, of_a_health_check_and_detached_are_the_engines)
{
    int fds[3];
    cr_assert_eq(open_pipe(fds), 0);
    cr_expect_eq(run_on(fds, (const char *const[]){"exec", "-d", "box", WHICH, NULL}), 0);
    cr_assert(state_until(has_been_checked, NULL));
    expect_apart("exec -d", "pipe", fds);
    unlink(seen);
    cr_expect_eq(
        run_on(fds, (const char *const[]){"run", "-d", "--name", "checked", "-v", PROBE,
                                          "-v", volume, "--health-cmd",
                                          "/probe which /seen/which", "--health-interval",
                                          "50ms", "busybox", "sleep", "1000", NULL}),
        0);
    cr_assert(state_until(has_been_checked, NULL));
    expect_apart("health check", "pipe", fds);
}

/* Otherwise what the engine opens next has its number. */
Test(streams, closed_ones_are_null_devices)
{
    int out[2];
    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    cr_expect_eq(run_on((const int[]){-1, out[1], out[1]},
                        (const char *const[]){"exec", "-i", "box", "readlink",
                                              "/proc/self/fd/0", NULL}),
                 0);
    char text[64] = "";
    cr_assert_gt(read(out[0], text, sizeof(text) - 1), 0);
    cr_expect_str_eq(text, "/dev/null\n");
    close(out[0]);
    close(out[1]);
}

/* ---- the other direction ----------------------------------------------------------------- */

/* Reads what there is without waiting; "" = nothing. */
static const char *left_in(int fd)
{
    static char data[4096];
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t n = read(fd, data, sizeof(data) - 1);
    data[n > 0 ? n : 0] = '\0';
    return data;
}

/* A shell that reads its script from a pipe, with such an exec in it, would run it. */
Test(streams, a_pipe_of_input_cannot_be_written)
{
    int in[2];
    auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
    cr_expect_eq(run_on((const int[]){in[0], null, null},
                        (const char *const[]){"exec", "box", "/probe", "turn",
                                              "/proc/self/fd/0", "evil\n", NULL}),
                 0);
    cr_assert_eq(write(in[1], "x\n", 2), 2);
    close(in[1]);
    run_on((const int[]){in[0], null, null},
           (const char *const[]){"exec", "-i", "box", "/probe", "turn", "/proc/self/fd/0",
                                 "evil\n", NULL});
    /* what was in it may be left: the command has not waited for it */
    cr_expect(!strstr(left_in(in[0]), "evil"),
              "the container has written into the caller's stdin");
    close(in[0]);
}

Test(streams, a_pipe_of_output_cannot_be_read)
{
    int out[2];
    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    cr_assert_eq(write(out[1], "another's\n", 10), 10);
    auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    cr_expect_eq(run_on((const int[]){null, out[1], out[1]},
                        (const char *const[]){"exec", "box", "/probe", "turn",
                                              "/proc/self/fd/1", "", NULL}),
                 0);
    cr_expect_str_eq(left_in(out[0]), "another's\nread: \n");
    close(out[0]);
    close(out[1]);
}

/* ---- what sticks to a pipe --------------------------------------------------------------- */

struct looks {
    int flags, size;
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

static struct looks look_at(int fd)
{
    struct stat st;
    cr_assert_eq(fstat(fd, &st), 0);
    return (struct looks){fcntl(fd, F_GETFL), fcntl(fd, F_GETPIPE_SZ), st.st_mode,
                          st.st_uid, st.st_gid};
}

static void expect_unchanged(const struct looks *was, int fd, const char *what)
{
    struct looks is = look_at(fd);
    cr_expect_eq(is.flags, was->flags, "%s: flags %o", what, (unsigned)is.flags);
    cr_expect_eq(is.size, was->size, "%s: size %d", what, is.size);
    cr_expect_eq(is.mode, was->mode, "%s: mode %o", what, is.mode);
    cr_expect_eq(is.uid, was->uid, "%s: uid %u", what, is.uid);
    cr_expect_eq(is.gid, was->gid, "%s: gid %u", what, is.gid);
}

static void spoil(const char *const args[])
{
    int in[2], out[2];
    cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    close(in[1]);
    struct looks in_was = look_at(in[0]), out_was = look_at(out[1]);
    cr_expect_eq(run_on((const int[]){in[0], out[1], out[1]}, args), 0);
    expect_unchanged(&in_was, in[0], "stdin");
    expect_unchanged(&out_was, out[1], "stdout");
    const int all[] = {in[0], out[0], out[1]};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        close(all[i]);
}
#define SPOIL(...) spoil((const char *const[]){__VA_ARGS__, "/probe", "spoil", NULL})

Test(streams, nothing_sticks_to_the_callers)
{
    SPOIL("exec", "-i", "box");
    SPOIL("exec", "-i", "-u", "1000", "box");
    SPOIL("run", "--rm", "-i", "-v", PROBE, "busybox");
    SPOIL("run", "--rm", "-i", "-u", "1000", "-v", PROBE, "busybox");
}
