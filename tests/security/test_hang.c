/* A start that does not get anywhere (init stopped, or waiting for a file system that does not
 * answer) holds up no other command: a stop, a kill and a removal end it at once. Nothing here is
 * timed: a stop waits for ever (-t -1) where it has to be the start that ends. Needs root and
 * fault points. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../support/state.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
#ifndef MTD_FAULTS
    cr_skip("needs a build with fault points");
#endif
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(hang, .init = set_up, .fini = tear_down, .timeout = 60);

/* A container "box" whose start stops at that point; *ret_stopped: the process. */
static struct running begin_stopped(const char *fault, pid_t *ret_stopped)
{
    s.fault = fault;
    struct running front =
        BEGIN(&s, "run", "--name", "box", "busybox", "sh", "-c",
              "trap 'exit 7' TERM; echo up; while :; do sleep 1; done");
    s.fault = NULL;
    *ret_stopped = stopped_await(front.pid);
    cr_assert_gt(*ret_stopped, 0, "%s: nothing has stopped", fault);
    return front;
}

static void expect_broken_off(struct running *front, const char *point)
{
    auto_done(outcome_done) struct outcome o = state_end(front);
    cr_expect_eq(o.status, 125, "%s: %d", point, o.status);
    cr_expect(strstr(o.err, "stopped before its command ran"), "%s: %s", point, o.err);
    cr_expect_str_empty(o.out, "%s: it ran", point);
}

/* Before the record is published nobody can see that there is a start. */
static const char *const POINTS[] = {
    "init.go:stop",    "init.cgroup:stop", "init.pivot:stop", "init.user:stop",
    "init.stdio:stop", "init.cwd:stop",    "init.exec:stop"};

static void break_off(const char *const command[])
{
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        pid_t init;
        struct running front = begin_stopped(POINTS[i], &init);
        auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, command);
        cr_expect_eq(o.status, 0, "%s: %s", POINTS[i], o.err);
        expect_broken_off(&front, POINTS[i]);
        auto_done(outcome_done) struct outcome rm = RUN(&s, "rm", "-f", "box");
        cr_expect_str_eq(state_leftovers(&s, false), "", "%s", POINTS[i]);
    }
}
#define BREAK_OFF(...) break_off((const char *const[]){__VA_ARGS__, NULL})

Test(hang, a_stop_breaks_a_start_off)
{
    BREAK_OFF("stop", "-t", "-1", "box");
}

Test(hang, a_kill_breaks_a_start_off)
{
    BREAK_OFF("kill", "box");
}

Test(hang, a_removal_breaks_a_start_off)
{
    BREAK_OFF("rm", "-f", "box");
}

Test(hang, other_commands_do_not_wait_for_a_start)
{
    pid_t init;
    struct running front = begin_stopped("init.pivot:stop", &init);
    free(ASK(&s, "rename", "box", "other"));
    free(ASK(&s, "update", "--memory", "64m", "other"));
    auto_free char *state = ASK(&s, "inspect", "-f", "{{.State.Status}}", "other");
    cr_expect_str_eq(state, "running");
    kill(init, SIGCONT);
    cr_expect(running_says(front.out, "up"));
    auto_free char *name =
        ASK(&s, "inspect", "-f", "{{.Name}} {{.HostConfig.Memory}}", "other");
    cr_expect_str_eq(name, "/other 67108864");
    free(ASK(&s, "stop", "other"));
    auto_done(outcome_done) struct outcome o = state_end(&front);
    cr_expect_eq(o.status, 7);
}

/* Init is still in the host's tree there: so would be who joined it. */
Test(hang, exec_does_not_join_a_container_that_is_being_built)
{
    pid_t init;
    struct running front = begin_stopped("init.pivot:stop", &init);
    auto_done(outcome_done) struct outcome o = RUN(&s, "exec", "box", "ls", "/");
    cr_expect_neq(o.status, 0);
    cr_expect(strstr(o.err, "still starting"), "%s", o.err);
    cr_expect_str_empty(o.out);
    kill(init, SIGCONT);
    cr_expect(running_says(front.out, "up"));
    auto_free char *got = ASK(&s, "exec", "box", "cat", "/proc/1/comm");
    cr_expect_str_eq(got, "sh");
    free(ASK(&s, "rm", "-f", "box"));
    auto_done(outcome_done) struct outcome end = state_end(&front);
}

#ifdef SYS_poll
#define POLL SYS_poll
#else
#define POLL SYS_ppoll /* arm64 has no other */
#endif

static bool waits_in_poll(void *front)
{
    return stopped_in(*(pid_t *)front, POLL);
}

/* A list has it as running by then. */
Test(hang, exec_waits_for_a_start)
{
    pid_t init;
    struct running front = begin_stopped("init.pivot:stop", &init);
    struct running exec = BEGIN(&s, "exec", "box", "cat", "/proc/1/comm");
    cr_expect(state_until(waits_in_poll, &exec.pid));
    kill(init, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&exec);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, "sh\n");
    free(ASK(&s, "rm", "-f", "box"));
    auto_done(outcome_done) struct outcome end = state_end(&front);
}

static struct {
    pid_t monitor;
    int fds;
} clients;

static int count_fds(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    return tempdir_count(AT_FDCWD, path);
}

static bool has_taken_one(void *unused)
{
    (void)unused;
    return count_fds(clients.monitor) == clients.fds + 1;
}

/* A further start, which the monitor has taken as a client while its own is under way. */
static struct running begin_another(void)
{
    clients.monitor = state_find(&s, "mtd:monitor");
    clients.fds = count_fds(clients.monitor);
    struct running start = BEGIN(&s, "start", "box");
    cr_expect(state_until(has_taken_one, NULL), "the monitor does not listen");
    return start;
}

Test(hang, a_second_start_hears_from_the_first)
{
    pid_t init;
    struct running front = begin_stopped("init.user:stop", &init);
    struct running second = begin_another(), third = begin_another();
    kill(init, SIGCONT);
    auto_done(outcome_done) struct outcome a = state_end(&second);
    auto_done(outcome_done) struct outcome b = state_end(&third);
    cr_expect_eq(a.status, 0, "%s", a.err);
    cr_expect_eq(b.status, 0, "%s", b.err);
    cr_expect(running_says(front.out, "up"));
    free(ASK(&s, "rm", "-f", "box"));
    auto_done(outcome_done) struct outcome end = state_end(&front);
}

/* It has heard so, and does what it was asked for. */
Test(hang, a_second_start_tries_when_the_first_has_failed)
{
    pid_t init;
    struct running front = begin_stopped("init.user:stop", &init);
    struct running second = begin_another();
    kill(init, SIGKILL);
    auto_done(outcome_done) struct outcome a = state_end(&front);
    auto_done(outcome_done) struct outcome b = state_end(&second);
    cr_expect_eq(a.status, 125, "%s", a.err);
    cr_expect(strstr(a.err, "init died"), "%s", a.err);
    cr_expect_eq(b.status, 0, "%s", b.err);
    auto_free char *state = ASK(&s, "inspect", "-f", "{{.State.Status}}", "box");
    cr_expect_str_eq(state, "running");
    free(ASK(&s, "rm", "-f", "box"));
    cr_expect_str_eq(state_leftovers(&s, false), "");
}

Test(hang, a_start_has_a_limit)
{
    pid_t init;
    tempdir_configure(s.dir.path, "start_timeout = 1\n");
    struct running front = begin_stopped("init.rootfs:stop", &init);
    auto_done(outcome_done) struct outcome o = state_end(&front);
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "did not run within 1 s"), "%s", o.err);
    auto_free char *why =
        ASK(&s, "inspect", "-f", "{{.State.Status}} {{.State.Error}}", "box");
    cr_expect(strstr(why, "created the command did not run within 1 s"), "%s", why);
    free(ASK(&s, "start", "box"));
    free(ASK(&s, "rm", "-f", "box"));
    cr_expect_str_eq(state_leftovers(&s, false), "");
}

/* The lock is the monitor's as long as it makes files and groups. */
Test(hang, a_stopped_monitor_is_named)
{
    pid_t monitor;
    char want[64];
    struct running front = begin_stopped("start.cgroup:stop", &monitor);
    snprintf(want, sizeof(want), "kill -CONT %d", (int)monitor);
    static const char *const COMMANDS[][4] = {
        {"stop", "box"}, {"kill", "box"}, {"rm", "-f", "box"}, {"rename", "box", "x"}};
    for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++) {
        auto_done(outcome_done) struct outcome o =
            state_run_input(&s, NULL, 0, COMMANDS[i]);
        cr_expect_neq(o.status, 0, "%s", COMMANDS[i][0]);
        cr_expect(strstr(o.err, want), "%s: %s", COMMANDS[i][0], o.err);
    }
    kill(monitor, SIGCONT);
    cr_expect(running_says(front.out, "up"));
    free(ASK(&s, "rm", "-f", "box"));
    auto_done(outcome_done) struct outcome end = state_end(&front);
}

/* Init does not hear that its monitor is gone. */
Test(hang, a_stopped_init_without_a_monitor_is_removed)
{
    pid_t init;
    struct running front = begin_stopped("init.pivot:stop", &init);
    pid_t monitor = state_find(&s, "mtd:monitor");
    cr_assert_gt(monitor, 0);
    kill(monitor, SIGKILL);
    auto_done(outcome_done) struct outcome o = state_end(&front);
    cr_expect_neq(o.status, 0);
    free(ASK(&s, "rm", "-f", "box"));
    cr_expect_str_eq(state_leftovers(&s, false), "");
}
