/* Which system calls a container can make: asked from inside by the program `calls`, which
 * tries each of them, of run's command and of exec's. Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"

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

TestSuite(seccomp, .init = set_up, .fini = tear_down, .timeout = 60);

#define CALLS MTD_CALLS ":/calls:ro"

Test(seccomp, run_and_exec_may_call_the_same)
{
    char *run = ASK(&s, "run", "--rm", "-v", CALLS, "busybox", "/calls");
    free(ASK(&s, "run", "-d", "--name", "box", "-v", CALLS, "busybox", "sleep", "1000"));
    char *exec = ASK(&s, "exec", "box", "/calls");
    cr_expect_str_eq(run, exec, "run:\n%s\nexec:\n%s", run, exec);
    cr_expect_not_null(strstr(run, "\nkeyctl "), "%s", run);
    free(run);
    free(exec);
}
