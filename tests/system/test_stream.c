/* What goes in and comes out of a container is exact, byte for byte, whatever it is. Needs
 * root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"
#include "exec_box.h"

#define MIB (1024 * 1024)
#define BIG (64 * MIB)

static struct state s;

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

TestSuite(stream, .init = set_up, .fini = tear_down, .timeout = 60);

/* A generator whose every byte depends on its place: a lost, doubled or moved piece shows. */
static unsigned char *noise(size_t len)
{
    unsigned char *p = malloc(len);
    cr_assert_not_null(p);
    unsigned x = 12345;
    for (size_t i = 0; i < len; i++) {
        x = x * 1103515245u + 12345u;
        p[i] = (unsigned char)(x >> 16);
    }
    return p;
}

Test(stream, binary_through_cat_is_exact)
{
    size_t len = 8 * MIB + 3;
    unsigned char *in = noise(len);
    struct outcome o = state_run_input(
        &s, in, len, (const char *const[]){"run", "--rm", "-i", "busybox", "cat", NULL});
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_assert_eq(o.out_len, len);
    cr_expect_arr_eq(o.out, in, len);
    outcome_done(&o);
    free(in);
}

Test(stream, output_of_64_mib_is_exact)
{
    const char *script =
        "yes 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,"
        " | head -c 67108864";
    struct outcome o = RUN(&s, "run", "--rm", "busybox", "sh", "-c", script);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_assert_eq(o.out_len, BIG);
    for (size_t i = 0; i + 65 <= o.out_len; i += 65)
        cr_assert_arr_eq(
            o.out + i,
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,\n", 65,
            "at %zu", i);
    outcome_done(&o);
}

Test(stream, logs_are_what_was_written)
{
    struct outcome o = RUN(&s, "run", "--name", "x", "busybox", "sh", "-c",
                           "i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; "
                           "i=$((i+1)); done; printf end");
    cr_expect_eq(o.status, 0);
    struct outcome l = RUN(&s, "logs", "x");
    cr_expect_str_eq(l.out, o.out);
    cr_expect_str_eq(l.err, o.err);
    cr_expect(strstr(l.out, "out 1999\nend"), "the last bytes are there");
    outcome_done(&o);
    outcome_done(&l);
}

Test(stream, arguments_arrive_as_typed)
{
    struct outcome o = RUN(&s, "run", "--rm", "busybox", "sh", "-c",
                           "for a; do printf '[%s]' \"$a\"; done", "sh", "a b", "", "'q'",
                           "\"d\"", "$HOME", "back\\slash", "new\nline", "*");
    cr_expect_str_eq(o.out, "[a b][]['q'][\"d\"][$HOME][back\\slash][new\nline][*]");
    outcome_done(&o);
}

Test(stream, without_i_stdin_is_empty)
{
    struct outcome o = state_run_input(
        &s, "x", 1, (const char *const[]){"run", "--rm", "busybox", "wc", "-c", NULL});
    cr_expect_str_eq(o.out, "0\n");
    outcome_done(&o);
}

Test(stream, both_streams_stay_apart)
{
    struct outcome o =
        RUN(&s, "run", "--rm", "busybox", "sh", "-c", "echo o; echo e >&2");
    cr_expect_str_eq(o.out, "o\n");
    cr_expect_str_eq(o.err, "e\n");
    outcome_done(&o);
}

/* ---- exec: every stream goes through a pipe of the engine's ----------------------------- */

static void start_box(void)
{
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sleep", "100000"));
}

Test(stream, exec_is_exact_in_both_directions)
{
    size_t len = 8 * MIB + 3;
    unsigned char *in = noise(len);
    start_box();
    struct outcome o = state_run_input(
        &s, in, len, (const char *const[]){"exec", "-i", "box", "cat", NULL});
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_assert_eq(o.out_len, len);
    cr_expect_arr_eq(o.out, in, len);
    outcome_done(&o);
    free(in);
}

static bool is_alone(void *unused)
{
    (void)unused;
    char *top = ASK(&s, "top", "box"); /* a title and the container's process */
    const char *first = strchr(top, '\n');
    bool alone = first && !strchr(first + 1, '\n');
    free(top);
    return alone;
}

/* Far more than a pipe holds, to a command that takes it in small pieces. */
Test(stream, exec_gives_a_slow_command_all_its_input)
{
    static char text[4000000];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 23);
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    auto_done(outcome_done) struct outcome o =
        state_run_input(&s, text, sizeof(text),
                        (const char *const[]){"exec", "-i", "x", "dd", "bs=500", NULL});
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_eq(o.out_len, sizeof(text), "%zu", o.out_len);
    cr_expect(o.out_len == sizeof(text) && memcmp(o.out, text, sizeof(text)) == 0);
}

/* The command ends with more output in its pipe than the caller's takes. */
/* Only /dev/null becomes the container's own. */
Test(stream, exec_passes_on_the_other_devices)
{
    start_box();
    auto_fd int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    struct running r = state_begin_from(
        &s, zeros, (const char *const[]){"exec", "-i", "box", "head", "-c", "5", NULL});
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_eq(o.out_len, 5, "%zu", o.out_len);
}

Test(stream, exec_ends_when_a_slow_reader_has_everything)
{
    enum { LEN = 100000 };
    static char got[LEN + 1];
    int out[2];
    size_t n = 0;
    start_box();
    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t front = state_spawn_on(
        &s, (const int[]){null, out[1], null},
        (const char *const[]){"exec", "box", "head", "-c", "100000", "/dev/zero", NULL});
    close(out[1]);
    cr_expect(state_until(is_alone, NULL), "the command waits for its reader");
    for (ssize_t k; (k = read(out[0], got + n, sizeof(got) - n)) > 0;)
        n += (size_t)k;
    cr_expect_eq(n, (size_t)LEN);
    cr_expect_eq(state_reap(front), 0);
    close(out[0]);
    close(null);
}

/* One that writes as well as one that is silent; docker gives them 2 s. */
Test(stream, exec_ends_although_a_process_left_behind_holds_its_output)
{
    start_box();
    struct outcome o =
        RUN(&s, "exec", "box", "sh", "-c", "sleep 1000 & echo silent; exit 3");
    cr_expect_eq(o.status, 3, "%s", o.err);
    cr_expect_str_eq(o.out, "silent\n");
    outcome_done(&o);
    o = RUN(&s, "exec", "box", "sh", "-c", "(while echo y; do :; done) & exit 4");
    cr_expect_eq(o.status, 4, "%s", o.err);
    outcome_done(&o);
}

Test(stream, exec_passes_on_what_a_process_left_behind_writes_at_once)
{
    start_box();
    struct outcome o = RUN(&s, "exec", "box", "sh", "-c",
                           "(while kill -0 $$ 2>/dev/null; do :; done; echo late) &");
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, "late\n");
    outcome_done(&o);
}

Test(stream, exec_keeps_the_order_of_two_streams_that_are_one)
{
    static char got[256];
    int out[2];
    start_box();
    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t front = state_spawn_on(
        &s, (const int[]){out[0], out[1], out[1]},
        (const char *const[]){"exec", "box", "sh", "-c",
                              "for i in 1 2 3; do echo $i; echo -$i >&2; done", NULL});
    cr_expect_eq(state_reap(front), 0);
    cr_assert_gt(read(out[0], got, sizeof(got) - 1), 0);
    cr_expect_str_eq(got, "1\n-1\n2\n-2\n3\n-3\n");
    close(out[0]);
    close(out[1]);
}

/* As behind a pipe without us: the command is told by SIGPIPE. */
Test(stream, exec_without_a_reader_ends)
{
    int out[2];
    start_box();
    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    close(out[0]);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t front = state_spawn_on(&s, (const int[]){null, out[1], null},
                                 (const char *const[]){"exec", "box", "yes", NULL});
    close(out[1]);
    cr_expect_eq(state_reap(front), 141);
    close(null);
}

static bool yes_is_gone(void *arg)
{
    (void)arg;
    auto_free char *top = ASK(&s, "top", "box");
    return !strstr(top, "yes");
}

/* Behind a terminal the command cannot be told: it is ended, or nobody would read what it writes. */
Test(stream, exec_with_a_terminal_and_no_reader_ends)
{
    int out[2];
    start_box();
    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    close(out[0]);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t front = state_spawn_on(&s, (const int[]){null, out[1], null},
                                 (const char *const[]){"exec", "-t", "box", "yes", NULL});
    close(out[1]);
    cr_expect_eq(state_reap(front), 141);
    close(null);
    cr_expect(state_until(yes_is_gone, NULL), "it goes on");
}

static bool is_zombie(void *arg)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", *(pid_t *)arg);
    auto_file FILE *f = fopen(path, "re");
    const char *end = f && fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
    return end && end[2] == 'Z';
}

/* 8 kB: more than one read takes, and less than the kernel keeps (12 kB), so that the command can end. */
Test(stream, what_a_terminal_holds_at_the_end_is_kept)
{
    char want[32];
    free(ASK(&s, "run", "-d", "-t", "--name", "x", "busybox", "sh", "-c",
             "while [ ! -e /go ]; do usleep 1000; done; seq 1500"));
    pid_t pid = pid_of(&s, "x"), monitor = monitor_of(&s, "x");
    cr_assert_eq(kill(monitor, SIGSTOP), 0);
    state_let_go(&s, "x");
    bool ended = state_until(is_zombie, &pid);
    kill(monitor, SIGCONT);
    cr_assert(ended, "it did not end before its monitor went on");
    await_field(&s, "x", "{{.State.Status}}", "exited");
    auto_free char *log = ASK(&s, "logs", "x");
    const char *at = log;
    for (int i = 1; i <= 1500; i++) {
        int n = snprintf(want, sizeof(want), "%d\r\n", i);
        cr_assert_eq(strncmp(at, want, (size_t)n - (i == 1500)), 0, "line %d: %.20s", i,
                     at);
        at += n;
    }
}

/* Half of the keys that detach, and then a terminal that is gone: they were meant for the command. */
Test(stream, detach_keys_that_are_not_finished_are_input)
{
    char name[64];
    auto_fd int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert(grantpt(master) == 0 && unlockpt(master) == 0 &&
              ptsname_r(master, name, sizeof(name)) == 0);
    auto_fd int own = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    start_box();
    struct running r = state_begin_from(
        &s, own,
        (const char *const[]){"exec", "-it", "box", "sh", "-c",
                              "stty raw -echo; echo go; dd bs=1 count=2 2>/dev/null; "
                              "dd bs=1 count=1 2>/dev/null | od -An -c",
                              NULL});
    cr_assert(running_says(r.out, "go")); /* its own terminal is raw, too */
    cr_assert(box_await_raw(master));
    cr_assert_eq(write(master, "ab\x10", 3), 3);
    cr_assert(running_says(r.out, "ab"));
    close(own);
    own = -1;
    close(master);
    master = -1;
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_not_null(strstr(o.out, "020"), "%s", o.out);
}
