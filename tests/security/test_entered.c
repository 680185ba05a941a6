/* A container that is hostile to those who enter it by exec: it stops them, replaces what they
 * open, or has moved to other namespaces. Needs root. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"
#include "../support/stopped.h"

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

TestSuite(entered, .init = set_up, .fini = tear_down, .timeout = 60);

#ifdef MTD_FAULTS

static void start_box(void)
{
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sleep", "100000"));
}

/* ---- stopped ----------------------------------------------------------------------------- */

static bool is_alone(void *unused)
{
    (void)unused;
    char *top = ASK(&s, "top", "box"); /* a title and the container's process */
    const char *first = strchr(top, '\n');
    bool alone = first && !strchr(first + 1, '\n');
    free(top);
    return alone;
}

/* Before it has said which process it is, and later. A process of the container can send
 * SIGSTOP at any time; the fault point sends it for sure. */
ParameterizedTestParameters(entered, a_stopped_command_is_given_up)
{
    static char faults[][32] = {"exec.inside:stop", "exec.user:stop", "exec.exec:stop"};
    return cr_make_param_array(char[32], faults, sizeof(faults) / sizeof(faults[0]));
}

ParameterizedTest(char fault[32], entered, a_stopped_command_is_given_up)
{
    start_box();
    s.fault = fault;
    struct outcome o = RUN(&s, "exec", "box", "touch", "/ran");
    s.fault = NULL;
    cr_expect_eq(o.status, 1, "%s: status %d", fault, o.status);
    cr_expect_not_null(strstr(o.err, "did not begin within 10 s"), "%s", o.err);
    cr_expect(state_until(is_alone, NULL), "%s: it is left", fault);
    free(ASK(&s, "exec", "box", "test", "!", "-e", "/ran"));
    outcome_done(&o);
}

#else

Test(entered, a_stopped_command_is_given_up)
{
    cr_skip("this build has no fault points; the debug build runs these");
}

#endif
