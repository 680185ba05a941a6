/* Whatever is killed, the state, the log and the resources end up true. Needs root. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

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

TestSuite(monitor, .init = set_up, .fini = tear_down, .timeout = 60);

/* "n" on each line from 1, without a hole or a double. */
static void expect_counting(const char *text, long at_least)
{
    long n = 0;
    for (const char *p = text; *p; n++) {
        char *end;
        long got = strtol(p, &end, 10);
        cr_assert_eq(got, n + 1, "line %ld says %ld", n + 1, got);
        p = *end == '\n' ? end + 1 : end;
    }
    cr_expect_geq(n, at_least);
}

#define COUNT "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i; usleep 2000; done; "

/* Linux 6.15 tells the status of a process that somebody else has reaped. */
static bool kernel_tells_status(void)
{
    struct utsname name;
    int major = 0, minor = 0;
    uname(&name);
    sscanf(name.release, "%d.%d", &major, &minor);
    return major > 6 || (major == 6 && minor >= 15);
}

Test(monitor, killed_monitor_costs_nothing)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
             COUNT "until [ -e /go ]; do usleep 2000; done; exit 5"));
    for (int i = 0; i < 3; i++) /* each command starts a new one when there is none */
        kill_and_wait(monitor_of(&s, "x"));
    /* It ends when it has a monitor: what is in a FIFO that nobody has open is gone. */
    state_let_go(&s, "x");
    struct outcome w = RUN(&s, "wait", "x");
    bool lost = !kernel_tells_status() && strcmp(w.out, "-1\n") == 0;
    cr_expect(lost || strcmp(w.out, "5\n") == 0,
              "the exit status of a container whose monitor was killed: %s", w.out);
    outcome_done(&w);
    char *log = ASK(&s, "logs", "x");
    expect_counting(log, 400);
    free(log);
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}",
                 lost ? "exited -1" : "exited 5");
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(monitor, killed_with_its_container)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    pid_t pid = pid_of(&s, "x");
    pid_t monitor = monitor_of(&s, "x");
    kill_and_wait(monitor);
    kill_and_wait(pid);
    expect_field(&s, "x", "{{.State.Running}}", "false");
    cr_expect_str_empty(state_leftovers(&s, true));
    free(ASK(&s, "start", "x"));
    expect_field(&s, "x", "{{.State.Running}}", "true");
}

Test(monitor, killed_with_a_rm_container)
{
    free(ASK(&s, "run", "-d", "--rm", "--name", "x", "busybox", "sleep", "1000"));
    pid_t pid = pid_of(&s, "x");
    kill_and_wait(monitor_of(&s, "x"));
    kill_and_wait(pid);
    struct outcome o = RUN(&s, "ps", "-aq");
    cr_expect_str_empty(o.out);
    outcome_done(&o);
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(monitor, stop_after_the_monitor_was_killed)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
             "trap 'exit 3' TERM; echo ready; while :; do usleep 1000; done"));
    await_line(&s, "x", "ready");
    kill_and_wait(monitor_of(&s, "x"));
    free(ASK(&s, "stop", "x"));
    auto_free char *ended = field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}");
    auto_free char *why = field(&s, "x", "{{.State.Error}}");
    bool known = strcmp(ended, "exited 3") == 0 && !*why;
    bool unknown = strcmp(ended, "exited -1") == 0 && strstr(why, "could not be read");
    cr_expect(known || (unknown && !kernel_tells_status()), "%s: %s", ended, why);
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(monitor, front_end_killed)
{
    pid_t front = SPAWN(&s, "run", "--name", "x", "busybox", "sh", "-c", COUNT "exit 5");
    await_field(&s, "x", "{{.State.Status}}", "running");
    kill(front, SIGKILL);
    cr_expect_eq(state_reap(front), 128 + SIGKILL);
    struct outcome w = RUN(&s, "wait", "x");
    cr_expect_str_eq(w.out, "5\n");
    outcome_done(&w);
    char *log = ASK(&s, "logs", "x");
    expect_counting(log, 400);
    free(log);
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(monitor, front_end_of_a_rm_container_killed)
{
    struct running front = BEGIN(&s, "run", "--rm", "--name", "x", "busybox", "sh", "-c",
                                 "echo up; exec sleep 1000");
    cr_assert(running_says(front.out, "up")); /* it is no longer being made */
    pid_t pid = pid_of(&s, "x");
    kill(front.pid, SIGKILL);
    auto_done(outcome_done) struct outcome o = state_end(&front);
    kill(pid, SIGKILL);
    free(ASK(
        &s, "ps")); /* the front end's note that it is making the container may be left */
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(monitor, restarts_on_failure_so_often)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "on-failure:2", "busybox", "sh",
             "-c", "echo run; exit 3"));
    struct outcome w = RUN(&s, "wait", "x");
    cr_expect_str_eq(w.out, "3\n");
    outcome_done(&w);
    expect_field(&s, "x", "{{.RestartCount}} {{.State.Status}}", "2 exited");
    char *log = ASK(&s, "logs", "x");
    cr_expect_str_eq(log, "run\nrun\nrun");
    free(log);
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(monitor, a_stopped_one_stays_stopped)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "busybox", "sleep",
             "1000"));
    free(ASK(&s, "stop", "-t", "0", "x"));
    expect_field(&s, "x", "{{.State.Status}}", "exited");
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(monitor, stopped_while_it_waits_for_a_restart)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "busybox", "false"));
    await_field(&s, "x", "{{.State.Status}}", "restarting");
    free(ASK(&s, "stop", "x"));
    expect_field(&s, "x", "{{.State.Status}}", "exited");
    cr_expect_str_empty(state_leftovers(&s, true));
}

static bool tells_next_start(void *path)
{
    auto_done(buf_done) struct buf got = {0};
    return fs_read_at(s.dir.fd, path, 1 << 20, &got) == 0 &&
           strstr(got.data, "\"nextStartAt\": \"2");
}

/* The dashboard says when: "in 24s". Each wait is longer than the one before. */
Test(monitor, the_record_tells_when_it_is_started_again)
{
    auto_free char *id =
        ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "busybox", "false");
    char path[128];
    snprintf(path, sizeof(path), "root/containers/%s/config.json", id);
    cr_expect(state_until(tells_next_start, path));
    free(ASK(&s, "rm", "-f", "x"));
}

Test(monitor, removed_while_it_waits_for_a_restart)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "busybox", "false"));
    await_field(&s, "x", "{{.State.Status}}", "restarting");
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(monitor, started_while_it_waits_for_a_restart)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "busybox", "false"));
    await_field(&s, "x", "{{.State.Status}}", "restarting");
    free(ASK(&s, "start", "x"));
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(monitor, started_while_it_ends)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "true"));
    for (int i = 0; i < 30; i++)
        free(ASK(&s, "start", "x"));
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

static long restarts_of_x(void)
{
    char *count = field(&s, "x", "{{.RestartCount}}");
    long n = atol(count);
    free(count);
    return n;
}

static bool has_restarted(void *least)
{
    return restarts_of_x() >= *(long *)least;
}

Test(monitor, killed_while_it_waits_for_a_restart)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "busybox", "sh", "-c",
             "echo $PPID; false"));
    await_field(&s, "x", "{{.State.Status}}", "restarting");
    kill_and_wait(monitor_of(&s, "x"));
    long more = restarts_of_x() + 2;
    cr_expect(state_until(has_restarted, &more)); /* the new monitor goes on with it */
    free(ASK(&s, "rm", "-f", "x"));
}

/* Whoever finds it does not wait for an end that the policy puts off. */
Test(monitor, killed_with_its_container_under_a_policy)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "busybox", "sleep",
             "1000"));
    pid_t pid = pid_of(&s, "x");
    kill_and_wait(monitor_of(&s, "x"));
    kill_and_wait(pid);
    int64_t from = state_idle_ns();
    free(ASK(&s, "ps"));
    cr_expect_lt(state_idle_ns() - from, 8 * NS_PER_SEC);
    await_field(&s, "x", "{{.State.Status}} {{.RestartCount}}", "running 1");
}

Test(monitor, paused_one_stops)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    free(ASK(&s, "pause", "x"));
    expect_field(&s, "x", "{{.State.Status}}", "paused");
    free(ASK(&s, "stop", "-t", "1", "x"));
    expect_field(&s, "x", "{{.State.Status}}", "exited");
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(monitor, a_fork_bomb_ends_with_its_container)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--pids-limit", "60", "busybox", "sh", "-c",
             "f() { f | f & }; f; sleep 1000"));
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* Neither waits for the other's time-out: those are of 10 s. */
static void run_pair(const char *const a[], const char *const b[])
{
    int64_t from = state_idle_ns();
    pid_t one = state_spawn(&s, a), two = state_spawn(&s, b);
    int first = state_reap(one), second = state_reap(two);
    cr_expect(first <= 1 && second <= 1, "%s %d, %s %d", a[0], first, b[0], second);
    cr_expect_lt(state_idle_ns() - from, 8 * NS_PER_SEC, "%s and %s", a[0], b[0]);
}
#define PAIR(a, b) run_pair((const char *const[])a, (const char *const[])b)
#define C(...)            \
    {                     \
        __VA_ARGS__, NULL \
    }

Test(monitor, two_commands_at_once_are_both_answered)
{
    for (int i = 0; i < 5; i++) {
        free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
        PAIR(C("stop", "-t", "0", "x"), C("rm", "-f", "x"));
        free(ASK(&s, "run", "-d", "--rm", "--name", "y", "busybox", "sleep", "1000"));
        PAIR(C("stop", "-t", "0", "y"), C("stop", "-t", "0", "y"));
        free(ASK(&s, "run", "-d", "--name", "z", "busybox", "sleep", "1000"));
        PAIR(C("rename", "z", "q"), C("inspect", "z"));
        PAIR(C("commit", "q", "img"), C("rm", "-f", "q"));
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}
