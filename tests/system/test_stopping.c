/* How a container is ended: which signal comes, how long is waited, which status remains. How long is
 * read where the command waits, from the arguments of its poll(); no test waits that long. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"

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

TestSuite(stopping, .init = set_up, .fini = tear_down, .timeout = 60);

/* Says which signal came, and ends at USR2 alone. */
#define LISTEN                                                                  \
    "for g in TERM INT HUP USR1 QUIT WINCH; do trap \"echo got $g\" $g; done; " \
    "trap 'exit 9' USR2; echo ready; while :; do sleep 0.02; done"

static void start(const char *name, const char *option, const char *value)
{
    free(ASK(&s, "run", "-d", "--name", name, option, value, "busybox", "sh", "-c",
             LISTEN));
    await_line(&s, name, "ready");
}

#ifdef SYS_poll
struct waiter {
    pid_t pid;
    long ms;
};

/* The third argument of the poll() that it is in. */
static bool polls(void *arg)
{
    struct waiter *w = arg;
    char path[64], text[256] = "";
    long call = -1;
    unsigned long fds, n, ms;
    snprintf(path, sizeof(path), "/proc/%d/syscall", (int)w->pid);
    auto_file FILE *f = fopen(path, "re");
    if (!f || !fgets(text, sizeof(text), f) ||
        sscanf(text, "%ld %lx %lx %lx", &call, &fds, &n, &ms) != 4 || call != SYS_poll)
        return false;
    w->ms = (int)ms;
    return true;
}

/* Waits until it waits; the signal has come by then. */
static long waits_for(pid_t pid, const char *name, const char *signal)
{
    struct waiter w = {.pid = pid, .ms = 0};
    char line[32];
    snprintf(line, sizeof(line), "got %s", signal);
    await_line(&s, name, line);
    cr_assert(state_until(polls, &w), "it does not wait");
    return w.ms;
}

static void end(pid_t pid, const char *name)
{
    free(ASK(&s, "kill", "-s", "USR2", name));
    cr_expect_eq(state_reap(pid), 0);
    expect_field(&s, name, "{{.State.ExitCode}}", "9");
    free(ASK(&s, "rm", name));
}

/* A million milliseconds of 5 per cent are more than any machine takes until it looks. */
#define EXPECT_WAIT(seconds, signal, pid, name)           \
    do {                                                  \
        long ms = waits_for(pid, name, signal);           \
        cr_expect_leq(ms, (seconds)*1000L, "%ld ms", ms); \
        cr_expect_gt(ms, (seconds)*950L, "%ld ms", ms);   \
        end(pid, name);                                   \
    } while (0)

Test(stopping, as_long_and_with_the_signal_that_was_asked_for)
{
    start("a", "--stop-timeout", "1000");
    EXPECT_WAIT(1000, "TERM", SPAWN(&s, "stop", "a"), "a");
    start("b", "--stop-signal", "HUP");
    EXPECT_WAIT(2000, "HUP", SPAWN(&s, "stop", "-t", "2000", "b"), "b");
    start("c", "--stop-timeout", "1000");
    EXPECT_WAIT(3000, "USR1", SPAWN(&s, "stop", "-s", "USR1", "-t", "3000", "c"), "c");
}

Test(stopping, without_a_limit)
{
    start("a", "--stop-timeout", "-1");
    pid_t stop = SPAWN(&s, "stop", "a");
    cr_expect_eq(waits_for(stop, "a", "TERM"), -1);
    end(stop, "a");
    start("b", "--stop-timeout", "1000");
    stop = SPAWN(&s, "stop", "-t", "-1", "b");
    cr_expect_eq(waits_for(stop, "b", "TERM"), -1);
    end(stop, "b");
}

/* Longer than a poll() can be. */
Test(stopping, longer_than_an_hour)
{
    start("a", "--stop-timeout", "1000");
    pid_t stop = SPAWN(&s, "stop", "-t", "9999999", "a");
    cr_expect_eq(waits_for(stop, "a", "TERM"), 3600000);
    end(stop, "a");
}

/* What is not stopped by then is killed, and that is told in this order. */
Test(stopping, then_it_is_killed)
{
    start("a", "--stop-timeout", "1000");
    free(ASK(&s, "stop", "-t", "1", "a"));
    expect_field(&s, "a", "{{.State.ExitCode}}", "137");
    auto_free char *told = ASK(&s, "events", "--since", "0", "--until", "0s", "--filter",
                               "container=a", "--filter", "event=kill", "--filter",
                               "event=die", "--filter", "event=stop", "--format",
                               "{{.Action}} {{index .Actor.Attributes \"signal\"}}"
                               "{{index .Actor.Attributes \"exitCode\"}}");
    cr_expect_str_eq(told, "kill 15\nkill 9\ndie 137\nstop ");
    auto_free char *log = ASK(&s, "logs", "a");
    cr_expect_str_eq(log, "ready\ngot TERM");
}
#endif

Test(stopping, kill_sends_the_signal_and_no_other)
{
    start("a", "--stop-signal", "HUP");
    free(ASK(&s, "kill", "-s", "WINCH", "a"));
    await_line(&s, "a", "got WINCH");
    expect_field(&s, "a", "{{.State.Status}}", "running");
    free(ASK(&s, "kill", "a"));
    expect_field(&s, "a", "{{.State.ExitCode}}", "137");
    auto_free char *log = ASK(&s, "logs", "a");
    cr_expect_str_eq(log, "ready\ngot WINCH");
}

/* ---- which status remains ---- */

/* It dies of a fault of its own, once with and once without a core dump. */
static void crash(const char *core)
{
    char limit[32];
    snprintf(limit, sizeof(limit), "core=%s", core);
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--name", "x", "--init", "--ulimit", limit, "busybox", "sh", "-c",
            "kill -SEGV $$");
    cr_expect_eq(o.status, 139, "core %s: %d %s", core, o.status, o.err);
    expect_field(&s, "x", "{{.State.ExitCode}}", "139");
    free(ASK(&s, "rm", "x"));
    free(ASK(&s, "run", "-d", "--name", "y", "--ulimit", limit, "busybox", "sleep",
             "1000"));
    auto_done(outcome_done) struct outcome e =
        RUN(&s, "exec", "y", "sh", "-c", "kill -ABRT $$");
    cr_expect_eq(e.status, 134, "core %s: %d %s", core, e.status, e.err);
    free(ASK(&s, "rm", "-f", "y"));
}

Test(stopping, a_core_dump_is_a_signal_as_well)
{
    crash("0");
    crash("-1");
}

/* Pid 1 itself: only a fault, or the host, ends it by a signal. */
Test(stopping, the_first_process_dies_of_a_fault)
{
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--name", "x", "-v", MTD_PROBE ":/probe:ro", "--ulimit", "core=-1",
            "busybox", "/probe", "fault");
    cr_expect_eq(o.status, 139, "%d %s", o.status, o.err);
    expect_field(&s, "x", "{{.State.ExitCode}} {{.State.OOMKilled}}", "139 false");
}

/* Its monitor is killed: the container ends by a signal, and the next monitor says so if the kernel
 * still tells it (a pidfd's exit status, since Linux 6.15), else that it is not known. */
Test(stopping, a_signal_after_the_monitor_was_killed)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    pid_t pid = pid_of(&s, "x");
    kill_and_wait(monitor_of(&s, "x"));
    kill_and_wait(pid);
    auto_free char *ended = field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}");
    auto_free char *why = field(&s, "x", "{{.State.Error}}");
    bool known = strcmp(ended, "exited 137") == 0 && !*why;
    bool unknown = strcmp(ended, "exited -1") == 0 && strstr(why, "could not be read");
    cr_expect(known || unknown, "%s: %s", ended, why);
}
