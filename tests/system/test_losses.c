/* What other engines lose or get wrong, made by hand one by one. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "engine/cgroup/cgroup.h"

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

TestSuite(losses, .init = set_up, .fini = tear_down, .timeout = 60);

static char *run_sleeper(const char *name)
{
    return ASK(&s, "run", "-d", "--name", name, "busybox", "sleep", "1000");
}

/* ---- the log ------------------------------------------------------------------------------- */

/* Says "one" and then, whenever it gets SIGUSR1, "more". */
static void run_speaker(char log[160])
{
    char *id = ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
                   "trap 'echo more' USR1; echo one; while :; do usleep 1000; done");
    snprintf(log, 160, "%s/root/containers/%s/container.log", s.dir.path, id);
    free(id);
}

static void speak(void)
{
    free(ASK(&s, "kill", "-s", "USR1", "x"));
}

static void append(const char *path, const void *data, size_t len)
{
    auto_fd int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    cr_assert_eq(fs_write_all(fd, data, len), 0, "%s", path);
}

static void expect_end(struct running *f, const char *out, const char *warning)
{
    struct outcome o = state_end(f);
    cr_expect_eq(o.status, 0, "status %d: %s", o.status, o.err);
    cr_expect_str_eq(o.out, out);
    cr_expect_not_null(strstr(o.err, warning), "not \"%s\": %s", warning, o.err);
    outcome_done(&o);
}

/* docker: `logs` ends there, silently, with status 0 (moby#53631). */
Test(losses, nuls_in_a_log_are_passed_over_and_told)
{
    static const char nuls[10000];
    char log[160];
    run_speaker(log);
    struct running follower = BEGIN(&s, "logs", "-f", "x");
    cr_expect(running_says(follower.out, "one\n"));
    append(log, nuls, sizeof(nuls));
    speak();
    cr_expect(running_says(follower.out, "more\n"), "logs -f does not go on");
    cr_expect(running_says(follower.err, "damaged"), "and does not say so");
    free(ASK(&s, "stop", "-t", "0", "x"));
    expect_end(&follower, "one\nmore\n", "1 damaged records in the log were skipped");
    struct running reader = BEGIN(&s, "logs", "x");
    expect_end(&reader, "one\nmore\n", "1 damaged records in the log were skipped");
}

/* The follower is stopped where it has looked, or before it waits, for as long as the restart
 * takes and the next run has written. */
static void expect_one_run(const char *point, bool reads_first)
{
    char log[160];
    int status;
    run_speaker(log);
    struct running reader = BEGIN(&s, "logs", "-f", "x");
    cr_expect(running_says(reader.out, "one\n"));
    s.fault = point;
    struct running follower = BEGIN(&s, "logs", "-f", "x");
    s.fault = NULL;
    if (reads_first)
        cr_expect(running_says(follower.out, "one\n"));
    speak();
    cr_expect(running_says(reader.out, "one\nmore\n"));
    cr_assert_eq(waitpid(follower.pid, &status, WUNTRACED), follower.pid);
    cr_assert(WIFSTOPPED(status), "%s", point);
    free(ASK(&s, "restart", "-t", "0", "x"));
    struct running next = BEGIN(&s, "logs", "-f", "x");
    cr_expect(running_says(next.out, "one\nmore\none\n"), "the next run has not begun");
    kill(follower.pid, SIGCONT);
    expect_end(&follower, "one\nmore\n", "");
    expect_end(&reader, "one\nmore\n", "");
    free(ASK(&s, "rm", "-f", "x"));
    expect_end(&next, "one\nmore\none\n", "");
}

Test(losses, an_end_that_a_restart_follows_at_once_is_one)
{
#ifndef MTD_FAULTS
    state_done(&s);
    cr_skip("this build has no fault points");
#endif
    expect_one_run("logs.look:stop", false);
    expect_one_run("logs.look:stop:2", true);
    expect_one_run("logs.wait:stop", true);
    expect_one_run("logs.wait:stop:2", true);
}

Test(losses, a_torn_record_costs_nothing_else)
{
    static const char torn[] = "2026-01-02T03:04:05.678901234Z stdout F cut o";
    char log[160];
    run_speaker(log);
    struct running follower = BEGIN(&s, "logs", "-f", "x");
    cr_expect(running_says(follower.out, "one\n"), "pid 1 ignores it before the trap");
    speak();
    cr_expect(running_says(follower.out, "more\n"));
    free(ASK(&s, "stop", "-t", "0", "x"));
    expect_end(&follower, "one\nmore\n", "");
    append(log, torn, sizeof(torn) - 1);
    free(ASK(&s, "start", "x"));
    follower = BEGIN(&s, "logs", "-f", "x");
    cr_expect(running_says(follower.out, "one\nmore\ncut o\none\n"));
    free(ASK(&s, "stop", "-t", "0", "x"));
    expect_end(&follower, "one\nmore\ncut o\none\n", "");
}

Test(losses, a_log_emptied_under_a_running_container)
{
    char log[160];
    run_speaker(log);
    struct running follower = BEGIN(&s, "logs", "-f", "x");
    cr_expect(running_says(follower.out, "one\n"));
    cr_assert_eq(truncate(log, 0), 0);
    cr_expect(running_says(follower.err, "part of the log was"));
    speak();
    cr_expect(running_says(follower.out, "one\nmore\n"));
    free(ASK(&s, "stop", "-t", "0", "x"));
    expect_end(&follower, "one\nmore\n", "part of the log was");
    EXPECT_OUTPUT(&s, 0, "more\n", "logs", "x");
}

/* A rotation deletes a file after it has made the next one, which is how a reader knows that one
 * from somebody's rm: time stamps are those of the last tick. */
static void delete_before_now(const char *path)
{
    struct stat st;
    struct timespec now;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && unlink(path) == 0 && fstat(fd, &st) == 0);
    do
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    while (now.tv_sec == st.st_ctim.tv_sec && now.tv_nsec <= st.st_ctim.tv_nsec);
}

Test(losses, a_log_deleted_under_a_running_container)
{
    char log[160];
    run_speaker(log);
    struct running follower = BEGIN(&s, "logs", "-f", "x");
    cr_expect(running_says(follower.out, "one\n"));
    delete_before_now(log);
    speak();
    cr_expect(running_says(follower.out, "one\nmore\n"));
    cr_expect_eq(access(log, F_OK), 0, "it was not made anew");
    free(ASK(&s, "stop", "-t", "0", "x"));
    expect_end(&follower, "one\nmore\n", "part of the log was");
    EXPECT_OUTPUT(&s, 0, "more\n", "logs", "x");
}

Test(losses, damaged_events_are_skipped_and_counted)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/root/events.log", s.dir.path);
    free(ASK(&s, "create", "--name", "x", "busybox", "true"));
    append(path, "{\"time\":\"2026\n\0\0\0\n", 19);
    append(path, "not json at all\n", 16);
    static const char ODD[] =
        "{\"time\":\"2026-01-02T03:04:05Z\",\"attributes\":{\"a\":1}}\n";
    append(path, ODD, strlen(ODD));
    free(ASK(&s, "rm", "x"));
    struct outcome o =
        RUN(&s, "events", "--since", "1h", "--until", "0s", "--format", "{{.Action}}");
    cr_expect_eq(o.status, 0);
    cr_expect_str_eq(o.out, "create\ndestroy\n");
    cr_expect_not_null(strstr(o.err, "3 damaged lines were skipped"), "%s", o.err);
    outcome_done(&o);
    o = RUN(&s, "events", "--since", "2026-01-01", "--until", "0s", "--filter",
            "label=a=1");
    cr_expect_eq(o.status, 0, "%s", o.err);
    outcome_done(&o);
}

/* ---- processes, groups, mounts ---------------------------------------------------------------- */

static pid_t make_bystander(void)
{
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves nobody */
        for (;;)
            pause();
    }
    return pid;
}

/* Started in another tick of the clock: within one the kernel shows no difference, and no number
 * comes round. */
static pid_t make_later_bystander(pid_t than)
{
    uint64_t start = 0, other = 0;
    cr_assert_eq(proc_start_time(than, false, &start), 0);
    for (;;) {
        pid_t pid = make_bystander();
        cr_assert_eq(proc_start_time(pid, false, &other), 0);
        if (other != start)
            return pid;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

static void expect_bystander(pid_t pid, const char *after)
{
    int status = 0;
    cr_expect_eq(waitpid(pid, &status, WNOHANG), 0, "%s signalled a stranger: %d", after,
                 status);
}

static void replace_number(const char *path, const char *key, long number)
{
    auto_done(buf_done) struct buf text = {0}, changed = {0};
    cr_assert_eq(fs_read_at(s.dir.fd, path, 1 << 20, &text), 0);
    char *at = strstr(text.data, key), *end;
    cr_assert_not_null(at, "%s", key);
    at += strlen(key);
    strtol(at, &end, 10);
    cr_assert_eq(
        buf_printf(&changed, "%.*s%ld%s", (int)(at - text.data), text.data, number, end),
        0);
    auto_fd int fd = openat(s.dir.fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert_eq(fs_write_all(fd, changed.data, changed.len), 0);
}

/* Container and monitor are dead, and both their numbers are another's by now. */
Test(losses, a_recycled_pid_is_left_alone)
{
    static const char *const COMMANDS[][5] = {
        {"kill", "x"},         {"stop", "-t", "0", "x"},        {"pause", "x"},
        {"exec", "x", "true"}, {"system", "check", "--repair"}, {"rm", "-f", "x"}};
    char path[128];
    auto_free char *id = run_sleeper("x");
    pid_t pid = pid_of(&s, "x"), bystander = make_later_bystander(pid);
    kill_and_wait(monitor_of(&s, "x"));
    kill_and_wait(pid);
    snprintf(path, sizeof(path), "root/containers/%s/config.json", id);
    replace_number(path, "\"pid\": ", bystander);
    replace_number(path, "\"monitorPid\": ", bystander);
    for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++) {
        struct outcome o = state_run_input(&s, NULL, 0, COMMANDS[i]);
        outcome_done(&o);
        expect_bystander(bystander, COMMANDS[i][0]);
    }
    cr_expect_str_empty(state_leftovers(&s, false));
    kill(bystander, SIGKILL);
    waitpid(bystander, NULL, 0);
}

/* As "PID START\nCOMMAND\n"; no process was ever started at that time. */
Test(losses, a_recycled_pid_of_an_exec_session_is_left_alone)
{
    char path[200], text[64];
    auto_free char *id = run_sleeper("x");
    pid_t bystander = make_bystander();
    snprintf(path, sizeof(path), "run/%s/exec/%064d", id, 7);
    snprintf(text, sizeof(text), "%d 1\nsleep\n", (int)bystander);
    tempdir_put(&s.dir, path, text);
    struct outcome o = RUN(&s, "kill", "--exec", "000", "x");
    cr_expect_eq(o.status, 1, "%s", o.err);
    outcome_done(&o);
    expect_bystander(bystander, "kill --exec");
    expect_field(&s, "x", "{{json .ExecIDs}}", "null");
    kill(bystander, SIGKILL);
    waitpid(bystander, NULL, 0);
}

static void freeze(struct cgroup *ret, const char *id)
{
    struct mtd_error err = {0};
    auto_done(cgroup_done) struct cgroup host = {0};
    cr_assert_eq(cgroup_discover(&host, "/proc", &err), 0, "%s", err.text);
    cr_assert_eq(cgroup_create(ret, &host, id, &err), 0, "%s", err.text);
    pid_t pid = make_bystander();
    cr_assert_eq(cgroup_attach(ret, pid, true, &err), 0, "%s", err.text);
    cr_assert_eq(cgroup_freeze(ret, true, &err), 0, "%s", err.text);
}

static bool has_died(void *arg)
{
    (void)arg;
    return waitpid(-1, NULL, WNOHANG) > 0;
}

/* Without that directory nobody looks, but whoever starts it again finds them. */
Test(losses, groups_left_frozen_do_not_hold_up_a_start)
{
    auto_done(cgroup_done) struct cgroup group = {0};
    auto_free char *id = run_sleeper("x");
    free(ASK(&s, "stop", "-t", "0", "x"));
    freeze(&group, id);
    free(ASK(&s, "start", "x"));
    cr_expect(state_until(has_died, NULL), "the process in it was not ended");
    expect_field(&s, "x", "{{.State.Status}}", "running");
}

/* A teardown that was cut off left the groups frozen, with a process that cannot die in there.
 * The run directory is the last to go. */
Test(losses, groups_left_frozen_are_thawed_and_removed)
{
    static const char *const COMMANDS[][4] = {
        {"start", "x"}, {"rm", "x"}, {"system", "check", "--repair"}};
    for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++) {
        char path[128];
        auto_done(cgroup_done) struct cgroup group = {0};
        auto_free char *id = run_sleeper("x");
        free(ASK(&s, "stop", "-t", "0", "x"));
        snprintf(path, sizeof(path), "run/%s", id);
        cr_assert_eq(mkdirat(s.dir.fd, path, 0700), 0);
        freeze(&group, id);
        struct outcome o = state_run_input(&s, NULL, 0, COMMANDS[i]);
        cr_expect_eq(o.status, 0, "%s: %s%s", COMMANDS[i][0], o.out, o.err);
        outcome_done(&o);
        cr_expect(state_until(has_died, NULL), "the process in it was not ended");
        o = RUN(&s, "rm", "-f", "x");
        outcome_done(&o);
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

/* Its monitor died while it was paused. */
Test(losses, a_frozen_container_without_a_monitor_can_be_removed)
{
    free(run_sleeper("x"));
    pid_t monitor = monitor_of(&s, "x");
    free(ASK(&s, "pause", "x"));
    kill_and_wait(monitor);
    expect_field(&s, "x", "{{.State.Status}}", "paused");
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* A process with a mount namespace of its own, and what is mounted there held busy. */
static pid_t hold_mount(const char *path)
{
    int ready[2];
    char byte;
    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bool ok = unshare(CLONE_NEWNS) == 0 &&
                  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                  mount("tmpfs", path, "tmpfs", 0, NULL) == 0 && chdir(path) == 0;
        (void)!write(ready[1], ok ? "y" : "n", 1);
        for (;;)
            pause();
    }
    cr_assert(read(ready[0], &byte, 1) == 1 && byte == 'y', "cannot mount on %s", path);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

/* docker: EBUSY, since a namespace that was copied while it ran keeps the container's mounts. */
Test(losses, a_mount_that_lives_on_elsewhere_does_not_hold_up_rm)
{
    static const char *const PLACES[] = {"rootfs", "upper", ""};
    for (size_t i = 0; i < ARRAY_SIZE(PLACES); i++) {
        char path[192];
        auto_free char *id = run_sleeper("x");
        snprintf(path, sizeof(path), "%s/root/containers/%s/%s", s.dir.path, id,
                 PLACES[i]);
        pid_t holder = hold_mount(path);
        free(ASK(&s, "rm", "-f", "x"));
        cr_expect_str_empty(state_leftovers(&s, false), "%s", PLACES[i]);
        kill(holder, SIGKILL);
        waitpid(holder, NULL, 0);
    }
}

/* ---- time ------------------------------------------------------------------------------------- */

/* The clock was set back while it ran: it ends before it began, as far as anybody can read. */
Test(losses, a_clock_that_was_set_back)
{
    char path[128];
    auto_done(buf_done) struct buf text = {0};
    auto_free char *id = ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
                             "echo one; exec sleep 1000");
    snprintf(path, sizeof(path), "root/containers/%s/config.json", id);
    cr_assert_eq(fs_read_at(s.dir.fd, path, 1 << 20, &text), 0);
    char *at = strstr(text.data, "\"startedAt\": \"2");
    cr_assert_not_null(at, "%s", text.data);
    at[strlen("\"startedAt\": \"2")] = '1';
    {
        auto_fd int fd = openat(s.dir.fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        cr_assert_eq(fs_write_all(fd, text.data, text.len), 0);
    }
    struct running follower = BEGIN(&s, "logs", "-f", "x");
    cr_expect(running_says(follower.out, "one\n"));
    free(ASK(&s, "stop", "-t", "0", "x"));
    expect_end(&follower, "one\n", "");
    struct outcome o = RUN(&s, "ps", "-a", "--format", "{{.Status}}");
    cr_expect(strncmp(o.out, "Exited (137) ", 13) == 0 && strstr(o.out, " ago"),
              "its end counts as not recorded: %s", o.out);
    outcome_done(&o);
    auto_free char *start = field(&s, "x", "{{.State.StartedAt}}");
    auto_free char *end = field(&s, "x", "{{.State.FinishedAt}}");
    cr_expect_leq(strcmp(start, end), 0, "from %s to %s", start, end);
}
