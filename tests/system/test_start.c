/* Every step of a start failed, killed and stopped in turn: one line says which, and
 * nothing is left. Needs root and a program built with fault points. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "../support/stopped.h"
#include "engine/inside/inside.h"
#include "engine/monitor/monitor.h"

#ifdef MTD_FAULTS

#define N_MAX 128

/* The front end's steps, which are no table; the monitor's and init's have one each. */
static const char *const CREATE[] = {
    "store.create.dir",  "store.create.lock",    "store.create.record",
    "store.create.name", "store.create.publish",
};

struct point {
    char name[48];
};

static size_t list_points(struct point *points)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof(CREATE) / sizeof(CREATE[0]); i++)
        snprintf(points[n++].name, sizeof(points->name), "%s", CREATE[i]);
    for (size_t i = 0; monitor_step_name(i) && n < N_MAX; i++)
        snprintf(points[n++].name, sizeof(points->name), "start.%s",
                 monitor_step_name(i));
    for (size_t i = 0; inside_step_name(i) && n < N_MAX; i++)
        if (inside_step_process(i) & INSIDE_INIT)
            snprintf(points[n++].name, sizeof(points->name), "init.%s",
                     inside_step_name(i));
    return n;
}

/* The structs themselves: a worker is a new process, where no pointer is valid. */
static struct criterion_test_params all_points(void)
{
    static struct point all[N_MAX];
    return cr_make_param_array(struct point, all, list_points(all));
}

static size_t lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void use(struct state *s)
{
    state_make(s);
    free(ASK(s, "images", "-q")); /* unpack the image without a fault */
}

/* The command cannot be run, which has a status of its own, as in docker. */
static bool is_at_exec(const char *point)
{
    return strcmp(point, "init.program") == 0 || strcmp(point, "init.exec") == 0;
}

ParameterizedTestParameters(start, failed_step_leaves_nothing)
{
    return all_points();
}

/* Its ids are the host's, or its own: then the same steps do other things. */
static const char *const IDS[] = {"host", "auto"};

static void fail_step(const char *point, const char *ids)
{
    struct state s;
    use(&s);
    s.fault = point;
    struct outcome o =
        RUN(&s, "run", "--rm", "--name", "x", "--userns", ids, "busybox", "echo", "ran");
    s.fault = NULL;
    cr_expect_eq(o.status, is_at_exec(point) ? 126 : 125, "%s: status %d, %s", point,
                 o.status, o.err);
    cr_expect_eq(lines(o.err), 1, "%s: %s", point, o.err);
    cr_expect_str_empty(o.out, "%s: the command ran", point);
    cr_expect_str_empty(state_leftovers(&s, false), "%s left %s", point,
                        state_leftovers(&s, false));
    outcome_done(&o);
    state_done(&s);
}

ParameterizedTest(struct point *p, start, failed_step_leaves_nothing)
{
    if (!is_root())
        cr_skip("needs root");
    for (size_t i = 0; i < sizeof(IDS) / sizeof(IDS[0]); i++)
        fail_step(p->name, IDS[i]);
}

ParameterizedTestParameters(start, killed_step_is_cleaned_by_the_next_command)
{
    return all_points();
}

static void kill_step(const char *point, const char *ids)
{
    struct state s;
    char fault[64];
    use(&s);
    snprintf(fault, sizeof(fault), "%s:kill", point);
    s.fault = fault;
    struct outcome o =
        RUN(&s, "run", "--rm", "--name", "x", "--userns", ids, "busybox", "echo", "ran");
    s.fault = NULL;
    cr_expect_neq(o.status, 0, "%s was not reached", point);
    cr_expect_null(strstr(o.err, point), "failed, not killed: %s", o.err);
    outcome_done(&o);
    o = RUN(&s, "rm", "-f", "x"); /* the one ordinary command */
    cr_expect_eq(o.status, 0, "%s: rm -f: %s", point, o.err);
    cr_expect_str_empty(state_leftovers(&s, false), "%s left %s", point,
                        state_leftovers(&s, false));
    outcome_done(&o);
    state_done(&s);
}

ParameterizedTest(struct point *p, start, killed_step_is_cleaned_by_the_next_command)
{
    if (!is_root())
        cr_skip("needs root");
    for (size_t i = 0; i < sizeof(IDS) / sizeof(IDS[0]); i++)
        kill_step(p->name, IDS[i]);
}

static pid_t remover;

/* It has ended, or it waits for a lock. */
static bool waits_or_ended(void *unused)
{
    char path[64], text[8] = "";
    siginfo_t end = {0};
    (void)unused;
    waitid(P_PID, (id_t)remover, &end, WEXITED | WNOHANG | WNOWAIT);
    snprintf(path, sizeof(path), "/proc/%d/syscall", (int)remover);
    FILE *f = fopen(path, "re");
    if (f) {
        (void)!fgets(text, sizeof(text), f);
        fclose(f);
    }
    return end.si_pid == remover || atol(text) == SYS_flock;
}

/* create has found the image and nobody sees the container yet. */
Test(start, an_image_about_to_be_used_is_not_removed)
{
    struct state s;
    int status = 0;
    if (!is_root())
        return;
    use(&s);
    free(ASK(&s, "run", "--name", "first", "busybox", "touch", "/file"));
    free(ASK(&s, "commit", "first", "mine"));
    s.fault = "store.create.record:stop";
    pid_t creator = SPAWN(&s, "create", "--name", "c", "mine", "cat", "/file");
    waitpid(creator, &status, WUNTRACED);
    cr_assert(WIFSTOPPED(status));
    s.fault = NULL;
    remover = SPAWN(&s, "rmi", "mine");
    cr_expect(state_until(waits_or_ended, NULL));
    kill(creator, SIGCONT);
    cr_expect_eq(state_reap(creator), 0);
    cr_expect_eq(state_reap(remover), 1, "removed under a container");
    free(ASK(&s, "start", "-a", "c"));
    state_done(&s);
}

#ifdef SYS_poll
#define POLL SYS_poll
#else /* arm64 has only ppoll */
#define POLL SYS_ppoll
#endif

static bool polls_or_ended(void *arg)
{
    const struct running *r = arg;
    siginfo_t end = {0};
    waitid(P_PID, (id_t)r->pid, &end, WEXITED | WNOHANG | WNOWAIT);
    return end.si_pid == r->pid || stopped_below(r->pid, POLL);
}

/* Its monitor is gone before it is the command: it ends, but has not noticed yet. */
Test(start, an_init_that_lost_its_monitor_does_not_pass_for_the_container)
{
    struct state s;
    if (!is_root())
        cr_skip("needs root");
    use(&s);
    s.fault = "init.program:stop";
    struct running front =
        BEGIN(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000");
    s.fault = NULL;
    pid_t init = stopped_await(front.pid);
    cr_assert_gt(init, 0);
    pid_t monitor = monitor_of(&s, "x");
    kill_and_wait(monitor);
    struct outcome o = state_end(&front);
    cr_expect_neq(o.status, 0);
    outcome_done(&o);
    struct running start = BEGIN(&s, "start", "x");
    cr_expect(state_until(polls_or_ended, &start));
    cr_expect_eq(monitor_of(&s, "x"), monitor, "it was taken for running");
    kill(init, SIGCONT);
    o = state_end(&start);
    cr_expect_eq(o.status, 0, "%s", o.err);
    expect_field(&s, "x", "{{.State.Status}}", "running");
    outcome_done(&o);
    state_done(&s);
}

/* Nothing stays "created" for ever: it can be started, or its name is free. */
ParameterizedTestParameters(start, killed_run_can_be_tried_again)
{
    return all_points();
}

ParameterizedTest(struct point *p, start, killed_run_can_be_tried_again)
{
    struct state s;
    const char *point = p->name;
    char fault[64];
    if (!is_root())
        cr_skip("needs root");
    use(&s);
    snprintf(fault, sizeof(fault), "%s:kill", point);
    s.fault = fault;
    struct outcome o = RUN(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000");
    s.fault = NULL;
    cr_expect_neq(o.status, 0, "%s was not reached", point);
    outcome_done(&o);
    o = RUN(&s, "start", "x");
    if (o.status != 0) {
        cr_expect_not_null(strstr(o.err, "No such container"), "%s: %s", point, o.err);
        free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    }
    outcome_done(&o);
    char *state = ASK(&s, "inspect", "--format", "{{.State.Status}}", "x");
    cr_expect_str_eq(state, "running", "%s: %s", point, state);
    free(state);
    state_done(&s);
}

static bool exists(void *arg)
{
    return access(arg, F_OK) == 0;
}

/* The command runs before its front end hears of it; a signal of that moment is the command's. */
Test(start, a_signal_before_the_answer_is_for_the_command)
{
    struct state s;
    if (!is_root())
        cr_skip("needs root");
    use(&s);
    char ready[256], mount[300];
    snprintf(ready, sizeof(ready), "%s/ready", s.dir.path);
    snprintf(mount, sizeof(mount), "%s:/d", s.dir.path);
    s.fault = "start.announce:stop";
    struct running front =
        BEGIN(&s, "run", "--name", "x", "-v", mount, "busybox", "sh", "-c",
              "trap 'exit 9' TERM; touch /d/ready; while :; do sleep 0.05; done");
    s.fault = NULL;
    pid_t monitor = stopped_await(front.pid);
    cr_assert_gt(monitor, 0);
    cr_expect(state_until(exists, ready));
    kill(front.pid, SIGTERM);
    kill(monitor, SIGCONT);
    struct outcome o = state_end(&front);
    cr_expect_eq(o.status, 9, "%d: %s", o.status, o.err);
    outcome_done(&o);
    state_done(&s);
}

/* However long a step takes: another command sees a start under way and lets it be. */
ParameterizedTestParameters(start, stopped_step_resumes)
{
    return all_points();
}

ParameterizedTest(struct point *p, start, stopped_step_resumes)
{
    struct state s;
    const char *point = p->name;
    char fault[64];
    if (!is_root())
        cr_skip("needs root");
    use(&s);
    snprintf(fault, sizeof(fault), "%s:stop", point);
    s.fault = fault;
    struct running front =
        BEGIN(&s, "run", "--rm", "--name", "x", "busybox", "echo", "ran");
    s.fault = NULL;
    pid_t stopped = stopped_await(front.pid);
    cr_expect_gt(stopped, 0, "%s was not reached", point);
    free(ASK(&s, "ps", "-a"));
    if (stopped > 0)
        kill(stopped, SIGCONT);
    struct outcome o = state_end(&front);
    cr_expect_eq(o.status, 0, "%s: status %d, %s", point, o.status, o.err);
    cr_expect_str_eq(o.out, "ran\n", "%s: %s", point, o.out);
    cr_expect_str_empty(state_leftovers(&s, false), "%s left %s", point,
                        state_leftovers(&s, false));
    outcome_done(&o);
    state_done(&s);
}

#else

Test(start, failed_step_leaves_nothing)
{
    cr_skip("this build has no fault points; the debug build runs these");
}

#endif
