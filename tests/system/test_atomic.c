/* What is one step for everybody else: each command is stopped inside its critical section, and another
 * one comes. So these tests are certain, not lucky. Needs root and fault points. */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

#ifdef MTD_FAULTS

#ifdef SYS_poll
#define POLL SYS_poll
#else /* arm64 has only ppoll */
#define POLL SYS_ppoll
#endif

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "images", "-q"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(atomic, .init = set_up, .fini = tear_down, .timeout = 60);

/* A command that has come to that point and stays there. */
static struct running stop_at(const char *point, const char *const args[])
{
    s.fault = point;
    struct running r = state_begin(&s, args);
    s.fault = NULL;
    cr_assert_eq(stopped_await(r.pid), r.pid, "%s was not reached", point);
    return r;
}
#define STOP_AT(point, ...) stop_at(point, (const char *const[]){__VA_ARGS__, NULL})

static struct outcome resume(struct running *r)
{
    kill(r->pid, SIGCONT);
    return state_end(r);
}

static void expect_owner(const char *name, const char *id)
{
    char path[256], target[128] = "";
    snprintf(path, sizeof(path), "%s/root/names/%s", s.dir.path, name);
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    cr_expect_gt(n, 0, "%s: %s", name, strerror(errno));
    cr_expect_str_eq(target, id, "%s", name);
}

Test(atomic, a_name_goes_to_whoever_claims_it_first)
{
    struct running late =
        STOP_AT("store.names.claim:stop", "create", "--name", "x", "busybox");
    auto_free char *first = ASK(&s, "create", "--name", "x", "busybox");
    auto_done(outcome_done) struct outcome o = resume(&late);
    cr_expect_eq(o.status, 1, "both have it");
    cr_expect_not_null(strstr(o.err, "already in use"), "%s", o.err);
    expect_owner("x", first);
    free(ASK(&s, "rm", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* Of two renames one has the container's lock. */
Test(atomic, a_rename_keeps_others_out)
{
    auto_free char *id = ASK(&s, "create", "--name", "x", "busybox");
    struct running first = STOP_AT("store.rename.save:stop", "rename", "x", "a");
    auto_done(outcome_done) struct outcome second = RUN(&s, "rename", "x", "b");
    cr_expect_neq(second.status, 0, "renamed under the other one");
    cr_expect_not_null(strstr(second.err, "is locked by process"), "%s", second.err);
    auto_done(outcome_done) struct outcome o = resume(&first);
    cr_expect_eq(o.status, 0, "%s", o.err);
    expect_owner("a", id);
    expect_field(&s, "a", "{{.Name}}", "/a");
    cr_expect_eq(tempdir_count(s.dir.fd, "root/names"), 1);
}

static bool waits_or_ended(void *arg)
{
    pid_t pid = *(const pid_t *)arg;
    siginfo_t end = {0};
    waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT);
    return end.si_pid == pid || stopped_in(pid, SYS_flock);
}

/* Between reading a name and removing it nobody else removes it, and claims it anew. */
Test(atomic, a_name_that_is_dropped_is_still_its_owners)
{
    free(ASK(&s, "create", "--name", "x", "busybox"));
    struct running old = STOP_AT("store.names.drop:stop", "rm", "x");
    struct running new = BEGIN(&s, "create", "--name", "x", "busybox");
    cr_expect(state_until(waits_or_ended, &new.pid));
    auto_done(outcome_done) struct outcome removed = resume(&old);
    auto_done(outcome_done) struct outcome made = state_end(&new);
    cr_expect_eq(removed.status, 0, "%s", removed.err);
    cr_expect_eq(made.status, 0, "%s", made.err);
    made.out[strcspn(made.out, "\n")] = '\0';
    expect_owner("x", made.out);
}

/* Whoever looks at a record meets the old one or the new one, whole. */
Test(atomic, a_record_is_the_old_one_until_it_is_the_new_one)
{
    free(ASK(&s, "create", "--name", "x", "--restart", "no", "busybox"));
    struct running update =
        STOP_AT("fs.replace:stop", "update", "--restart", "always", "x");
    expect_field(&s, "x", "{{.HostConfig.RestartPolicy.Name}}", "no");
    auto_done(outcome_done) struct outcome o = resume(&update);
    cr_expect_eq(o.status, 0, "%s", o.err);
    expect_field(&s, "x", "{{.HostConfig.RestartPolicy.Name}}", "always");
}

static bool polls_or_ended(void *arg)
{
    pid_t pid = *(const pid_t *)arg;
    siginfo_t end = {0};
    waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT);
    return end.si_pid == pid || stopped_in(pid, POLL);
}

/* Whoever waits hears of the end of a --rm container when it is gone. */
Test(atomic, an_end_is_told_when_it_is_so)
{
    siginfo_t end = {0};
    s.fault = "finish.run:stop";
    struct running r = BEGIN(&s, "run", "--rm", "--name", "x", "busybox", "sh", "-c",
                             "echo up; sleep 1000");
    s.fault = NULL;
    cr_assert(running_says(r.out, "up"));
    pid_t monitor = monitor_of(&s, "x");
    kill(pid_of(&s, "x"), SIGKILL);
    cr_assert_eq(stopped_await(monitor), monitor);
    cr_expect(state_until(polls_or_ended, &r.pid));
    waitid(P_PID, (id_t)r.pid, &end, WEXITED | WNOHANG | WNOWAIT);
    cr_expect_eq(end.si_pid, 0, "told before it was gone");
    kill(monitor, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 137);
    auto_free char *left = ASK(&s, "ps", "-aq");
    cr_expect_str_empty(left);
}

/* ---- a step that fails in its middle ---- */

static int fails_at(unsigned nth, const char *rm)
{
    char fault[64];
    snprintf(fault, sizeof(fault), "cgroup.make:fail:%u", nth);
    s.fault = fault;
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", rm, "--name", "x", "-v", "/data", "busybox", "true");
    s.fault = NULL;
    if (o.status != 0)
        cr_expect_eq(o.status, 125, "%s: %s", fault, o.err);
    cr_expect_str_empty(state_leftovers(&s, true), "%s left %s", fault,
                        state_leftovers(&s, true));
    return o.status;
}

/* Each of a container's groups in turn cannot be made. */
Test(atomic, groups_made_before_one_that_fails_are_removed)
{
    unsigned nth = 1;
    while (nth < 20 && fails_at(nth, "--rm") != 0) {
        cr_expect_str_empty(state_leftovers(&s, false));
        nth++;
    }
    cr_expect_gt(nth, 1, "none can fail");
}

static const char *const HALF[] = {
    "start.network",      "start.cgroup",        "start.clone", "start.publish",
    "cgroup.make:fail:2", "cgroup.limit:fail:3", "init.rootfs"};

/* The run directory goes, the container and its volume stay as they were made. */
Test(atomic, a_failed_start_leaves_the_container_only)
{
    for (size_t i = 0; i < sizeof(HALF) / sizeof(HALF[0]); i++) {
        s.fault = HALF[i];
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "run", "--name", "x", "-v", "/data", "busybox", "true");
        s.fault = NULL;
        cr_expect_eq(o.status, 125, "%s: %s", HALF[i], o.err);
        cr_expect_str_empty(state_leftovers(&s, true), "%s left %s", HALF[i],
                            state_leftovers(&s, true));
        expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "created 128");
        auto_free char *volumes = ASK(&s, "volume", "ls", "-q");
        cr_expect_eq(strlen(volumes), 64, "%s: volumes: %s", HALF[i], volumes);
        free(ASK(&s, "start", "-a", "x"));
        free(ASK(&s, "rm", "-v", "x"));
    }
    auto_free char *volumes = ASK(&s, "volume", "ls", "-q");
    cr_expect_str_empty(volumes);
}

Test(atomic, a_failed_start_with_rm_takes_its_volume_along)
{
    for (size_t i = 0; i < sizeof(HALF) / sizeof(HALF[0]); i++) {
        s.fault = HALF[i];
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "run", "--rm", "-v", "/data", "busybox", "true");
        s.fault = NULL;
        cr_expect_eq(o.status, 125, "%s: %s", HALF[i], o.err);
        auto_free char *volumes = ASK(&s, "volume", "ls", "-q");
        cr_expect_str_empty(volumes, "%s left %s", HALF[i], volumes);
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

/* However it ends. */
Test(atomic, a_container_with_rm_takes_its_volume_along)
{
    free(ASK(&s, "run", "--rm", "-v", "/data", "busybox", "true"));
    free(ASK(&s, "run", "-d", "--rm", "--name", "x", "-v", "/data", "busybox", "sleep",
             "1000"));
    free(ASK(&s, "kill", "x"));
    free(ASK(&s, "run", "-d", "--rm", "--name", "y", "-v", "/data", "-v", "kept:/k",
             "busybox", "sleep", "1000"));
    free(ASK(&s, "rm", "-f", "-v", "y"));
    auto_free char *volumes = ASK(&s, "volume", "ls", "-q");
    cr_expect_str_eq(volumes, "kept");
}

#else
Test(atomic, all)
{
    cr_skip("needs fault points, which a debug build has");
}
#endif
