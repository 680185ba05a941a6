/* Output that nobody reads, and logs that nobody bounded. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
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

TestSuite(unread, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- who reads goes ------------------------------------------------------------------------- */

/* Writes without end, and has a word to say when it is asked to stop. */
#define TALKER "busybox", "sh", "-c", "trap 'exit 7' TERM; while :; do echo y; done"

/* The command's status; its reader takes some bytes and goes, as head does. */
static int run_into_head(const char *const args[])
{
    int ends[2];
    char some[2];
    auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = state_spawn_on(&s, (const int[]){null, ends[1], null}, args);
    close(ends[1]);
    cr_expect_eq(read(ends[0], some, sizeof(some)), 2);
    close(ends[0]);
    return state_reap(pid);
}
#define RUN_INTO_HEAD(...) run_into_head((const char *const[]){__VA_ARGS__, NULL})

Test(unread, run_stops_what_it_started)
{
    cr_expect_eq(RUN_INTO_HEAD("run", "--name", "x", TALKER), 141);
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 7");
}

Test(unread, nothing_is_left_of_one_with_rm)
{
    cr_expect_eq(RUN_INTO_HEAD("run", "--rm", TALKER), 141);
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(unread, one_that_does_not_listen_is_killed)
{
    cr_expect_eq(
        RUN_INTO_HEAD("run", "--name", "x", "--stop-timeout", "0", "busybox", "yes"),
        141);
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
}

/* Stopped by the user, as far as the policy is concerned. */
Test(unread, it_is_not_started_again)
{
    cr_expect_eq(RUN_INTO_HEAD("run", "--name", "x", "--restart", "always", TALKER), 141);
    expect_field(&s, "x", "{{.State.Status}}", "exited");
}

Test(unread, start_a_stops_what_it_started)
{
    free(ASK(&s, "create", "--name", "x", TALKER));
    cr_expect_eq(RUN_INTO_HEAD("start", "-a", "x"), 141);
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 7");
}

Test(unread, it_runs_on_when_that_is_wanted)
{
    cr_expect_eq(RUN_INTO_HEAD("run", "--keep-running", "--name", "x", TALKER), 141);
    expect_field(&s, "x", "{{.State.Status}}", "running");
    free(ASK(&s, "kill", "x"));
    cr_expect_eq(RUN_INTO_HEAD("start", "-a", "--keep-running", "x"), 141);
    expect_field(&s, "x", "{{.State.Status}}", "running");
}

Test(unread, attach_stops_nothing)
{
    free(ASK(&s, "run", "-d", "--name", "x", TALKER));
    cr_expect_eq(RUN_INTO_HEAD("attach", "--no-stdin", "x"), 141);
    expect_field(&s, "x", "{{.State.Status}}", "running");
}

/* No other than one that has gone. */
Test(unread, a_full_disk_is_a_reader_that_has_gone)
{
    auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    auto_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const char *const args[] = {"run", "--name", "x", TALKER, NULL};
    pid_t pid = state_spawn_on(&s, (const int[]){null, full, null}, args);
    cr_expect_eq(state_reap(pid), 125);
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 7");
}

/* ---- defaults ------------------------------------------------------------------------------- */

#define LOG_CONFIG "{{json .HostConfig.LogConfig}}"

static void use_config(const char *text)
{
    tempdir_configure(s.dir.path, text);
}

Test(unread, a_log_is_bounded_unless_that_is_not_wanted)
{
    use_config("");
    free(ASK(&s, "create", "--name", "x", "busybox", "true"));
    expect_field(&s, "x", LOG_CONFIG,
                 "{\"Type\":\"k8s-file\",\"Config\":{\"max-size\":\"100m\","
                 "\"max-file\":\"5\"}}");
    free(ASK(&s, "create", "--name", "y", "--log-opt", "max-size=-1", "busybox", "true"));
    expect_field(&s, "y", LOG_CONFIG,
                 "{\"Type\":\"k8s-file\",\"Config\":{\"max-size\":\"-1\"}}");
}

Test(unread, the_file_of_the_administrator_counts)
{
    use_config("log_max_size = 1025\nlog_max_file = 2\nlog_max_fil = 3\nnonsense\n");
    struct outcome o = RUN(&s, "create", "--name", "x", "busybox", "true");
    cr_expect_eq(o.status, 0);
    cr_expect(strstr(o.err, "config line 3: unknown setting \"log_max_fil\""), "%s",
              o.err);
    cr_expect(strstr(o.err, "1 more line"), "%s", o.err);
    cr_expect_eq(strchr(o.err, '\n')[1], '\0', "one line: %s", o.err);
    outcome_done(&o);
    expect_field(&s, "x", LOG_CONFIG,
                 "{\"Type\":\"k8s-file\",\"Config\":{\"max-size\":\"1025\","
                 "\"max-file\":\"2\"}}");
}
