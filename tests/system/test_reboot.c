/* The host was restarted: the records say so, and the restart policies are applied once. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/stopped.h"
#include "base/cleanup.h"
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

TestSuite(reboot, .init = set_up, .fini = tear_down, .timeout = 60);

static void run_with(const char *name, const char *restart)
{
    free(ASK(&s, "run", "-d", "--name", name, "--restart", restart, "busybox", "sh", "-c",
             "trap 'exit 3' TERM; echo ready; while :; do usleep 10000; done"));
    await_line(&s, name, "ready");
}

/* What stands on disk, whatever is observed. */
static bool on_disk(const char *id, const char *text)
{
    char path[128];
    auto_done(buf_done) struct buf got = {0};
    snprintf(path, sizeof(path), "root/containers/%s/config.json", id);
    return fs_read_at(s.dir.fd, path, 1 << 20, &got) == 0 && strstr(got.data, text);
}

Test(reboot, the_record_is_exited_with_the_reason)
{
    auto_free char *id = ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000");
    reboot_host(&s);
    struct outcome o = RUN(&s, "ps", "-a", "--format", "{{.Status}}");
    cr_expect(strncmp(o.out, "Exited (unknown)", 16) == 0, "%s", o.out);
    outcome_done(&o);
    cr_expect(on_disk(id, "\"status\": \"running\""), "looking has written");
    free(ASK(&s, "run", "-d", "--name", "other", "busybox", "true"));
    cr_expect(on_disk(id, "\"status\": \"exited\""), "the next writing command has not");
    cr_expect(on_disk(id, "the host was restarted"));
    expect_field(&s, "x",
                 "{{.State.Status}} {{.State.Pid}} {{.State.ExitCode}} {{.State.Error}}",
                 "exited 0 -1 the host was restarted");
    free(ASK(&s, "start", "x"));
    expect_field(&s, "x", "{{.State.Status}} {{.State.Error}}", "running ");
}

/* A new process with the old one's number is not signalled. */
Test(reboot, nothing_of_an_earlier_boot_is_touched)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    free(ASK(&s, "create", "--name", "y", "busybox", "true"));
    reboot_host(&s);
    EXPECT_OUTPUT(&s, 0, "x\n", "stop", "x");
    EXPECT_OUTPUT(&s, 1, "", "kill", "x");
    expect_field(&s, "y", "{{.State.Status}} {{.State.Error}}", "created ");
    EXPECT_OUTPUT(&s, 0, "x\n", "rm", "x");
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(reboot, start_all_follows_the_policies)
{
    run_with("always", "always");
    run_with("always-stopped", "always");
    run_with("unless", "unless-stopped");
    run_with("unless-stopped", "unless-stopped");
    run_with("failing", "on-failure");
    run_with("no", "no");
    free(ASK(&s, "run", "-d", "--name", "fine", "--restart", "on-failure", "busybox",
             "true"));
    await_field(&s, "fine", "{{.State.Status}}", "exited");
    free(ASK(&s, "create", "--name", "new", "--restart", "always", "busybox", "true"));
    free(ASK(&s, "run", "-d", "--rm", "--name", "rm", "busybox", "sleep", "1000"));
    free(ASK(&s, "stop", "always-stopped", "unless-stopped"));
    reboot_host(&s);
    EXPECT_OUTPUT(&s, 0, "always\nalways-stopped\nunless\nfailing\n", "system",
                  "start-all");
    EXPECT_OUTPUT(&s, 0, "failing\nunless\nalways-stopped\nalways\n", "ps", "--format",
                  "{{.Names}}");
    EXPECT_OUTPUT(&s, 0, "", "ps", "-aq", "--filter", "name=^rm$");
    EXPECT_OUTPUT(&s, 0, "", "system", "start-all"); /* what runs is left alone */
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
}

Test(reboot, a_failure_is_told_and_the_rest_starts)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/bound", s.dir.path);
    auto_free char *bind = NULL;
    cr_assert_eq(mkdirat(s.dir.fd, "bound", 0755), 0);
    cr_assert_gt(asprintf(&bind, "%s:/mnt", path), 0);
    free(ASK(&s, "run", "-d", "--name", "a", "--restart", "always", "-v", bind, "busybox",
             "sleep", "1000"));
    run_with("b", "always");
    reboot_host(&s);
    cr_assert_eq(rmdir(path), 0);
    EXPECT_OUTPUT(&s, 1, "b\n", "system", "start-all");
    expect_field(&s, "b", "{{.State.Status}}", "running");
}

Test(reboot, stop_all_leaves_the_policies_in_force)
{
    run_with("unless", "unless-stopped");
    run_with("no", "no");
    free(ASK(&s, "pause", "no"));
    free(ASK(&s, "run", "-d", "--name", "loop", "--restart", "unless-stopped", "busybox",
             "false"));
    await_field(&s, "loop", "{{.State.Status}}", "restarting");
    struct outcome o = RUN(&s, "system", "stop-all");
    cr_expect_eq(o.status, 0, "%s", o.err);
    outcome_done(&o);
    EXPECT_OUTPUT(&s, 0, "", "ps", "-q");
    cr_expect_str_empty(state_leftovers(&s, true));
    expect_field(&s, "unless", "{{.State.ExitCode}}", "3");
    reboot_host(&s);
    EXPECT_OUTPUT(&s, 0, "unless\nloop\n", "system", "start-all");
}

/* Its own timeout is longer than this test may take. */
Test(reboot, stop_all_keeps_to_its_limit)
{
    free(ASK(&s, "run", "-d", "--name", "deaf", "--stop-timeout", "-1", "busybox", "sh",
             "-c", "trap '' TERM; echo ready; while :; do usleep 10000; done"));
    await_line(&s, "deaf", "ready");
    EXPECT_OUTPUT(&s, 0, "deaf\n", "system", "stop-all", "--limit", "1");
    expect_field(&s, "deaf", "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
}

/* A shutdown during the boot: what is being started is started, and seen by stop-all. */
Test(reboot, start_all_ends_between_two_starts)
{
#ifdef MTD_FAULTS
    run_with("first", "always");
    run_with("second", "always");
    reboot_host(&s);
    s.fault = "start.exec:stop";
    struct running all = BEGIN(&s, "system", "start-all");
    s.fault = NULL;
    pid_t stopped = stopped_await(all.pid);
    cr_assert_gt(stopped, 0);
    kill(all.pid, SIGTERM);
    kill(stopped, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&all);
    cr_expect_eq(o.status, 0, "%d: %s", o.status, o.err);
    cr_expect_str_eq(o.out, "first\n");
    EXPECT_OUTPUT(&s, 0, "first\n", "ps", "--format", "{{.Names}}");
#else
    cr_skip("this build has no fault points; the debug build runs these");
#endif
}

struct disk {
    const char *id, *text;
};

static bool is_on_disk(void *arg)
{
    const struct disk *d = arg;
    return on_disk(d->id, d->text);
}

/* The monitor never hears of the stop, and the one that follows it reads it. */
Test(reboot, stop_outlives_the_monitor)
{
    auto_free char *id = ASK(&s, "run", "-d", "--name", "x", "--restart", "always",
                             "busybox", "sleep", "1000");
    struct disk stopped = {id, "\"stoppedByUser\": true"};
    pid_t monitor = monitor_of(&s, "x");
    cr_assert_eq(kill(monitor, SIGSTOP), 0);
    pid_t stop = SPAWN(&s, "stop", "-t", "0", "x");
    cr_expect(state_until(is_on_disk, &stopped), "not on disk before the end");
    kill_and_wait(monitor);
    state_reap(stop);
    await_field(&s, "x", "{{.State.Status}}", "exited");
    cr_expect_str_empty(state_leftovers(&s, true));
}
