/* Two commands at once on one container: they are serialised by its lock, and each gets an
 * answer that is true of what is found afterwards. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/clock.h"

#define ROUNDS 6

static struct state s;
static struct outcome one, two;

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

TestSuite(pairs, .init = set_up, .fini = tear_down, .timeout = 60);

#define COMMAND(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SLEEPER(name) COMMAND("run", "-d", "--name", name, "busybox", "sleep", "1000")

/* Every second time the other way round; the answers are in one and two. Neither waits for the
 * other's time-out: those are of 10 s. */
static void run_pair(int round, const char *const a[], const char *const b[])
{
    int64_t from = state_idle_ns();
    struct running first = state_begin(&s, round % 2 ? b : a);
    struct running second = state_begin(&s, round % 2 ? a : b);
    outcome_done(&one);
    outcome_done(&two);
    one = state_end(round % 2 ? &second : &first);
    two = state_end(round % 2 ? &first : &second);
    cr_expect_lt(state_idle_ns() - from, 8 * NS_PER_SEC, "%s and %s", a[0], b[0]);
}

/* Done and told so, or refused with that text in one line. */
static void expect_answer(const struct outcome *o, const char *out, const char *refusal)
{
    if (o->status == 0)
        cr_expect(!out || strcmp(o->out, out) == 0, "\"%s\", not \"%s\"", o->out, out);
    else
        cr_expect(o->status == 1 && refusal && strstr(o->err, refusal) &&
                      strchr(o->err, '\n') == strrchr(o->err, '\n'),
                  "status %d: %s", o->status, o->err);
}

/* "" = there is none. */
static void expect_state(const char *name, const char *want)
{
    struct outcome o = RUN(&s, "inspect", "--format", "{{.State.Status}}", name);
    o.out[strcspn(o.out, "\n")] = '\0';
    cr_expect_str_eq(o.status ? "" : o.out, want, "%s is \"%s\", not \"%s\"", name, o.out,
                     want);
    outcome_done(&o);
}

Test(pairs, stop_and_rm)
{
    for (int i = 0; i < ROUNDS; i++) {
        free(state_ask(&s, SLEEPER("x")));
        run_pair(i, COMMAND("stop", "-t", "0", "x"), COMMAND("rm", "x"));
        cr_expect_eq(one.status, 0, "stop: %s", one.err);
        expect_answer(&one, "x\n", NULL);
        expect_answer(&two, "x\n", "stop it first or use -f");
        expect_state("x", two.status == 0 ? "" : "exited");
        struct outcome o = RUN(&s, "rm", "-f", "x");
        outcome_done(&o);
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

Test(pairs, stop_and_rm_by_force)
{
    for (int i = 0; i < ROUNDS; i++) {
        free(state_ask(&s, SLEEPER("x")));
        run_pair(i, COMMAND("stop", "-t", "0", "x"), COMMAND("rm", "-f", "x"));
        expect_answer(&one, "x\n", "No such container");
        cr_expect_eq(two.status, 0, "rm -f: %s", two.err);
        expect_answer(&two, "x\n", NULL);
        expect_state("x", "");
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

Test(pairs, two_stops)
{
    for (int i = 0; i < ROUNDS; i++) {
        free(state_ask(&s, SLEEPER("x")));
        run_pair(i, COMMAND("stop", "-t", "0", "x"), COMMAND("stop", "x"));
        cr_expect(one.status == 0 && two.status == 0, "%s%s", one.err, two.err);
        expect_answer(&one, "x\n", NULL);
        expect_answer(&two, "x\n", NULL);
        expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
        free(ASK(&s, "rm", "x"));
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

Test(pairs, rm_and_exec)
{
    free(state_ask(&s, SLEEPER("x")));
    for (int i = 0; i < ROUNDS; i++) {
        run_pair(i, COMMAND("rm", "x"), COMMAND("exec", "x", "echo", "ran"));
        cr_expect_eq(one.status, 1, "rm of a running one: %s", one.out);
        expect_answer(&one, NULL, "stop it first or use -f");
        cr_expect_eq(two.status, 0, "exec: %s", two.err);
        expect_answer(&two, "ran\n", NULL);
    }
    expect_state("x", "running");
}

/* exec is killed with the container, or comes too late; it never says 0 without having run. */
Test(pairs, rm_by_force_and_exec)
{
    for (int i = 0; i < ROUNDS; i++) {
        free(state_ask(&s, SLEEPER("x")));
        run_pair(i, COMMAND("rm", "-f", "x"), COMMAND("exec", "x", "echo", "ran"));
        cr_expect_eq(one.status, 0, "rm -f: %s", one.err);
        if (two.status == 0)
            cr_expect_str_eq(two.out, "ran\n");
        else
            cr_expect(two.status == 137 || two.err_len > 0, "status %d, and no word",
                      two.status);
        expect_state("x", "");
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

Test(pairs, rename_and_inspect)
{
    char *id = state_ask(&s, SLEEPER("one"));
    for (int i = 0; i < ROUNDS; i++) {
        const char *from = i % 2 ? "two" : "one", *to = i % 2 ? "one" : "two";
        char want[2][160];
        run_pair(i, COMMAND("rename", from, to),
                 COMMAND("inspect", "--format", "{{.Id}} {{.Name}}", from));
        cr_expect_eq(one.status, 0, "rename: %s", one.err);
        snprintf(want[0], sizeof(want[0]), "%s /%s\n", id, from);
        snprintf(want[1], sizeof(want[1]), "%s /%s\n", id, to);
        if (two.status == 0)
            cr_expect(strcmp(two.out, want[0]) == 0 || strcmp(two.out, want[1]) == 0,
                      "%s", two.out);
        else
            cr_expect_not_null(strstr(two.err, from), "%s", two.err);
        want[1][strlen(want[1]) - 1] = '\0';
        expect_field(&s, to, "{{.Id}} {{.Name}}", want[1]);
        expect_state(from, "");
    }
    free(id);
}

/* An image there is can be run; a commit that failed leaves none, and no half of one. */
Test(pairs, commit_and_rm_by_force)
{
    for (int i = 0; i < ROUNDS; i++) {
        free(state_ask(&s, SLEEPER("x")));
        run_pair(i, COMMAND("commit", "x", "img"), COMMAND("rm", "-f", "x"));
        cr_expect_eq(two.status, 0, "rm -f: %s", two.err);
        expect_answer(&one, NULL, "");
        expect_state("x", "");
        struct outcome o = RUN(&s, "run", "--rm", "img", "echo", "ran");
        cr_expect_str_eq(o.out, one.status == 0 ? "ran\n" : "", "commit %d: %s",
                         one.status, o.err);
        outcome_done(&o);
        o = RUN(&s, "rmi", "img");
        outcome_done(&o);
        cr_expect_eq(tempdir_count(s.dir.fd, "root/images/layers"), 1);
        cr_expect_eq(tempdir_count(s.dir.fd, "root/images/tmp"), 0);
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

/* A start that meets the end of a container of --rm starts it or finds it gone. */
Test(pairs, start_and_the_end_of_a_rm_container)
{
    for (int i = 0; i < ROUNDS; i++) {
        free(ASK(&s, "run", "-d", "--rm", "--name", "x", "busybox", "sleep", "1000"));
        run_pair(i, COMMAND("stop", "-t", "0", "x"), COMMAND("start", "x"));
        expect_answer(&one, "x\n", NULL);
        expect_answer(&two, "x\n", "No such container");
        struct outcome o = RUN(&s, "stop", "-t", "0", "x");
        cr_expect(o.status == 0 || strstr(o.err, "No such container"), "%s", o.err);
        outcome_done(&o);
        expect_state("x", "");
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

Test(pairs, two_stops_of_a_rm_container)
{
    for (int i = 0; i < ROUNDS; i++) {
        free(ASK(&s, "run", "-d", "--rm", "--name", "x", "busybox", "sleep", "1000"));
        run_pair(i, COMMAND("stop", "-t", "0", "x"), COMMAND("stop", "-t", "0", "x"));
        expect_answer(&one, "x\n", "No such container");
        expect_answer(&two, "x\n", "No such container");
        cr_expect(one.status == 0 || two.status == 0, "nobody stopped it");
        expect_state("x", "");
        cr_expect_str_empty(state_leftovers(&s, false));
    }
}

/* ---- who looks while it ends ---------------------------------------------------------------- */

#ifdef MTD_FAULTS

/* It has read the record, or has seen that there is a monitor, and goes on when the end is
 * recorded and the monitor gone. */
static void look_while_it_ends(const char *point, const char *const look[])
{
    int status = 0;
    free(state_ask(&s, SLEEPER("x")));
    s.fault = point;
    struct running looker = state_begin(&s, look);
    s.fault = NULL;
    cr_assert_eq(waitpid(looker.pid, &status, WUNTRACED), looker.pid);
    cr_assert(WIFSTOPPED(status), "%s was not reached", point);
    free(ASK(&s, "stop", "-t", "0", "x"));
    kill(looker.pid, SIGCONT);
    struct outcome o = state_end(&looker);
    cr_expect(strstr(o.out, "exited") && strstr(o.out, "137"), "%s at %s: %s", look[0],
              point, o.out);
    outcome_done(&o);
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
    free(ASK(&s, "rm", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(pairs, stop_and_whoever_looks)
{
    static const char *const POINTS[] = {"load.read:stop", "load.judged:stop"};
    for (size_t i = 0; i < 2; i++) {
        look_while_it_ends(
            POINTS[i],
            COMMAND("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "x"));
        look_while_it_ends(POINTS[i],
                           COMMAND("ps", "-a", "--format", "{{.State}} {{.Status}}"));
    }
}

static struct running begin_stopped(const char *point, const char *const args[])
{
    int status = 0;
    s.fault = point;
    struct running r = state_begin(&s, args);
    s.fault = NULL;
    cr_assert_eq(waitpid(r.pid, &status, WUNTRACED), r.pid);
    cr_assert(WIFSTOPPED(status), "%s was not reached", point);
    return r;
}

static void go_on(struct running *r)
{
    kill(r->pid, SIGCONT);
    struct outcome o = state_end(r);
    cr_expect_eq(o.status, 0, "%s", o.err);
    outcome_done(&o);
}

/* Who takes the note of a commit under way for a dead one's finds it gone, and what a user has
 * paused since stays paused. */
Test(pairs, pause_after_a_commit_that_was_seen)
{
    free(state_ask(&s, SLEEPER("x")));
    struct running commit =
        begin_stopped("commit.frozen:stop", COMMAND("commit", "x", "y"));
    /* A reason to look: more run directories than processes that own any. */
    cr_assert_eq(mkdirat(s.dir.fd, "run/stray", 0700), 0);
    cr_assert_eq(mkdirat(s.dir.fd, "run/other", 0700), 0);
    struct running looker = begin_stopped("sweep.thaw:stop", COMMAND("ps"));
    go_on(&commit);
    free(ASK(&s, "pause", "x"));
    go_on(&looker);
    expect_state("x", "paused");
    cr_expect_eq(unlinkat(s.dir.fd, "run/stray", AT_REMOVEDIR), 0);
    cr_expect_eq(unlinkat(s.dir.fd, "run/other", AT_REMOVEDIR), 0);
    free(ASK(&s, "rm", "-f", "x"));
}

#endif

/* Following the log means looking whenever something happens: it must not take part. */
Test(pairs, stop_and_logs_that_follow)
{
    for (int i = 0; i < ROUNDS; i++) {
        free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
                 "echo one; exec sleep 1000"));
        run_pair(0, COMMAND("logs", "-f", "x"), COMMAND("stop", "-t", "0", "x"));
        cr_expect(one.status == 0 && two.status == 0, "%s%s", one.err, two.err);
        expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
        free(ASK(&s, "rm", "x"));
    }
}
