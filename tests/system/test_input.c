/* When a container's stdin ends: with its first client's, or never. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
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

TestSuite(input, .init = set_up, .fini = tear_down, .timeout = 60);

/* A client with that on its stdin and then its end, until it has seen it come back. */
static void talk(const char *text)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    struct running client = state_begin_from(
        &s, ends[0], (const char *const[]){"attach", "--sig-proxy=false", "x", NULL});
    close(ends[0]);
    cr_expect(running_says(client.out, text), "%s", text);
    kill(client.pid, SIGTERM);
    struct outcome o = state_end(&client);
    outcome_done(&o);
}

Test(input, the_end_of_a_clients_input_is_not_that_of_run_d_i)
{
    free(ASK(&s, "run", "-d", "-i", "--name", "x", "busybox", "cat"));
    talk("one\n");
    talk("two\n");
    EXPECT_OUTPUT(&s, 0, "one\ntwo\n", "logs", "x");
    expect_field(&s, "x", "{{.State.Status}} {{.Config.StdinOnce}}", "running false");
}

Test(input, the_end_of_a_clients_input_is_that_of_create_i)
{
    free(ASK(&s, "create", "-i", "--name", "x", "busybox", "cat"));
    free(ASK(&s, "start", "x"));
    struct outcome o =
        state_run_input(&s, "one\n", 4, (const char *const[]){"attach", "x", NULL});
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, "one\n");
    outcome_done(&o);
    expect_field(&s, "x", "{{.State.Status}} {{.Config.StdinOnce}}", "exited true");
}

/* The client has said nothing, and its own stdin does not end. */
static void expect_end_with_client(const char *const args[])
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct running client = state_begin_from(&s, ends[0], args);
    await_field(&s, "x", "{{.State.Status}}", "running");
    kill(client.pid, SIGKILL);
    await_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 0");
    struct outcome o = state_end(&client);
    outcome_done(&o);
    close(ends[0]);
    close(ends[1]);
}

Test(input, ends_when_its_client_is_killed)
{
    free(ASK(&s, "create", "-i", "--name", "x", "busybox", "cat"));
    expect_end_with_client((const char *const[]){"start", "-ai", "x", NULL});
}

Test(input, ends_with_a_client_that_shows_nothing)
{
    expect_end_with_client((const char *const[]){"run", "-i", "-a", "stdin", "--name",
                                                 "x", "busybox", "cat", NULL});
}

/* A client that gives none takes none away. */
Test(input, stays_when_another_client_goes)
{
    free(ASK(&s, "create", "-i", "--name", "x", "busybox", "cat"));
    free(ASK(&s, "start", "x"));
    struct running client = BEGIN(&s, "attach", "--no-stdin", "--sig-proxy=false", "x");
    kill(client.pid, SIGTERM);
    struct outcome o = state_end(&client);
    outcome_done(&o);
    talk("one\n");
    expect_field(&s, "x", "{{.State.ExitCode}}", "0");
}
