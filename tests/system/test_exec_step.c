/* Every step of exec's child failed, killed and stopped in turn: the front end says so,
 * nothing of the session is left, and the container runs on. Needs root and a program
 * built with fault points. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"
#include "../support/stopped.h"
#include "engine/inside/inside.h"

#ifdef MTD_FAULTS

#define N_MAX 64

static struct state s;

static void make_box(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sleep", "100000"));
}

static void delete_box(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(exec_step, .init = make_box, .fini = delete_box, .timeout = 60);

/* Numbers in the table: a worker is a new process, where a pointer would not be valid. */
static struct criterion_test_params steps(void)
{
    static size_t all[N_MAX];
    size_t n = 0;
    for (size_t i = 0; inside_step_name(i) && n < N_MAX; i++)
        if (inside_step_process(i) & INSIDE_EXEC)
            all[n++] = i;
    return cr_make_param_array(size_t, all, n);
}

static const char *fault_at(size_t step, const char *action)
{
    static char fault[64];
    snprintf(fault, sizeof(fault), "exec.%s:%s", inside_step_name(step), action);
    return fault;
}

static bool only_the_container_runs(void *name)
{
    char *top = ASK(&s, "top", name); /* a title and a line for each process */
    const char *first = strchr(top, '\n');
    bool one = first && !strchr(first + 1, '\n');
    free(top);
    return one;
}

static void expect_no_session(const char *fault)
{
    char dir[128];
    s.fault = NULL;
    cr_expect(state_until(only_the_container_runs, "box"), "%s: a process is left",
              fault);
    char *id = ASK(&s, "inspect", "--format", "{{.Id}}", "box");
    snprintf(dir, sizeof(dir), "run/%s/exec", id);
    cr_expect_leq(tempdir_count(s.dir.fd, dir), 0, "%s: a session is listed", fault);
    free(id);
    char *said = ASK(&s, "exec", "box", "echo", "works");
    cr_expect_str_eq(said, "works", "%s: %s", fault, said);
    free(said);
}

static size_t lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void expect_failure(size_t step, const char *tty)
{
    s.fault = fault_at(step, "fail");
    struct outcome o = RUN(&s, "exec", tty, "box", "echo", "ran");
    cr_expect_eq(o.status, 126, "%s: status %d, %s", s.fault, o.status, o.err);
    cr_expect_eq(lines(o.err), 1, "%s: %s", s.fault, o.err);
    cr_expect_str_empty(o.out, "%s: the command ran", s.fault);
    expect_no_session(fault_at(step, "fail"));
    outcome_done(&o);
}

ParameterizedTestParameters(exec_step, failed_leaves_nothing)
{
    return steps();
}

ParameterizedTest(size_t *step, exec_step, failed_leaves_nothing)
{
    expect_failure(*step, "--tty=false");
    expect_failure(*step, "--tty=true");
}

static void expect_death(size_t step, const char *tty)
{
    s.fault = fault_at(step, "kill");
    struct outcome o = RUN(&s, "exec", tty, "box", "echo", "ran");
    cr_expect_eq(o.status, 137, "%s: status %d, %s", s.fault, o.status, o.err);
    cr_expect_str_empty(o.out, "%s: the command ran", s.fault);
    expect_no_session(fault_at(step, "kill"));
    outcome_done(&o);
}

ParameterizedTestParameters(exec_step, killed_leaves_nothing)
{
    return steps();
}

ParameterizedTest(size_t *step, exec_step, killed_leaves_nothing)
{
    expect_death(*step, "--tty=false");
    expect_death(*step, "--tty=true");
}

static bool nothing_is_stopped(void *arg)
{
    return !stopped_now(*(pid_t *)arg);
}

/* Also in a user namespace, where a change of user before the first of them takes the death signal. */
Test(exec_step, stopped_it_dies_with_its_front_end)
{
    free(ASK(&s, "run", "-d", "--name", "own", "--userns", "0:100000:65536", "busybox",
             "sleep", "100000"));
    static const char *const NAMES[] = {"box", "own"};
    for (size_t i = 0; i < 2; i++) {
        s.fault = "exec.inside:stop";
        pid_t front = SPAWN(&s, "exec", NAMES[i], "echo", "ran");
        pid_t stopped = stopped_await(front);
        s.fault = NULL;
        cr_assert_gt(stopped, 0, "%s: not reached", NAMES[i]);
        kill(front, SIGKILL);
        state_reap(front);
        bool gone = state_until(nothing_is_stopped, &stopped);
        if (!gone)
            kill(stopped, SIGKILL);
        cr_expect(gone, "%s: it stays", NAMES[i]);
    }
}

ParameterizedTestParameters(exec_step, stopped_resumes)
{
    return steps();
}

ParameterizedTest(size_t *step, exec_step, stopped_resumes)
{
    s.fault = fault_at(*step, "stop");
    struct running front = BEGIN(&s, "exec", "box", "echo", "ran");
    pid_t stopped = stopped_await(front.pid);
    cr_expect_gt(stopped, 0, "%s was not reached", s.fault);
    if (stopped > 0)
        kill(stopped, SIGCONT);
    struct outcome o = state_end(&front);
    cr_expect_eq(o.status, 0, "%s: status %d, %s", s.fault, o.status, o.err);
    cr_expect_str_eq(o.out, "ran\n", "%s: %s", s.fault, o.out);
    outcome_done(&o);
    expect_no_session(fault_at(*step, "stop"));
}

/* By the death signal: the process need not go on for that. */
ParameterizedTestParameters(exec_step, stopped_does_not_outlive_its_front_end)
{
    return steps();
}

ParameterizedTest(size_t *step, exec_step, stopped_does_not_outlive_its_front_end)
{
    s.fault = fault_at(*step, "stop");
    pid_t front = SPAWN(&s, "exec", "box", "touch", "/ran");
    pid_t stopped = stopped_await(front);
    cr_assert_gt(stopped, 0, "%s was not reached", s.fault);
    kill(front, SIGKILL);
    state_reap(front);
    expect_no_session(fault_at(*step, "stop"));
    free(ASK(&s, "exec", "box", "test", "!", "-e", "/ran"));
}

/* There it changes its user once more, which takes a death signal away. */
Test(exec_step, stopped_in_a_user_namespace_does_not_outlive_its_front_end)
{
    free(ASK(&s, "run", "-d", "--name", "mapped", "--userns", "0:100000:65536", "busybox",
             "sleep", "100000"));
    s.fault = "exec.session:stop";
    pid_t front = SPAWN(&s, "exec", "mapped", "touch", "/ran");
    pid_t stopped = stopped_await(front);
    cr_assert_gt(stopped, 0, "%s was not reached", s.fault);
    kill(front, SIGKILL);
    state_reap(front);
    s.fault = NULL;
    bool alone = state_until(only_the_container_runs, "mapped");
    cr_expect(alone, "a process is left");
    if (!alone)
        kill(stopped, SIGKILL);
    free(ASK(&s, "exec", "mapped", "test", "!", "-e", "/ran"));
}

#else

Test(exec_step, failed_leaves_nothing)
{
    cr_skip("this build has no fault points; the debug build runs these");
}

#endif
