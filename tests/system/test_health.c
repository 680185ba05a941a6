/* Health checks as docker's: starting, healthy, unhealthy, by commands in the container. Needs
 * root. */

#include <criterion/criterion.h>
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

TestSuite(health, .init = set_up, .fini = tear_down, .timeout = 60);

static bool is_status(void *arg)
{
    char *got = ASK(&s, "inspect", "--format", "{{.State.Health.Status}}", "x");
    bool same = strcmp(got, arg) == 0;
    free(got);
    return same;
}

static void await(char *status)
{
    cr_expect(state_until(is_status, status), "never was %s", status);
}

Test(health, follows_the_command)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", "test -f /ok",
             "--health-interval", "50ms", "--health-retries", "2", "busybox", "sleep",
             "1000"));
    await("unhealthy");
    free(ASK(&s, "exec", "x", "touch", "/ok"));
    await("healthy");
    char *line = ASK(&s, "ps", "--format", "{{.Status}}");
    cr_expect_not_null(strstr(line, "(healthy)"), "%s", line);
    free(line);
}

Test(health, a_check_that_hangs_is_a_failure)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", "sleep 100",
             "--health-interval", "50ms", "--health-timeout", "100ms", "--health-retries",
             "1", "busybox", "sleep", "1000"));
    await("unhealthy");
}

Test(health, ends_with_the_container)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", "true", "--health-interval",
             "50ms", "busybox", "sleep", "1000"));
    await("healthy");
    free(ASK(&s, "stop", "-t", "0", "x"));
    cr_expect_str_empty(state_leftovers(&s, true), "left %s", state_leftovers(&s, true));
}
