/* A container that is hostile to its health checks: what it prints, how long it takes, what it leaves
 * behind, what it runs, and that it ends in the middle. Needs root. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"
#include "base/cleanup.h"

#define KEPT 4096 /* of a check's output */

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

TestSuite(probes, .init = set_up, .fini = tear_down, .timeout = 120);

static void start(const char *check, const char *timeout)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--pids-limit", "40", "--health-cmd", check,
             "--health-interval", "100ms", "--health-timeout", timeout,
             "--health-retries", "1", "busybox", "sh", "-c", "touch /up; sleep 100000"));
}

static char *ask(const char *format)
{
    return ASK(&s, "inspect", "--format", format, "x");
}

static bool is_status(void *wanted)
{
    auto_free char *got = ask("{{.State.Health.Status}}");
    return strcmp(got, wanted) == 0;
}

/* And that is told again and again: the checker lives. */
static void await(char *status)
{
    cr_expect(state_until(is_status, status), "never was %s", status);
}

static bool has_five(void *unused)
{
    (void)unused;
    auto_free char *n = ask("{{len .State.Health.Log}}");
    return strcmp(n, "5") == 0;
}

static void end_clean(void)
{
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(probes, a_flood_is_read_and_little_of_it_kept)
{
    start("head -c 20000000 /dev/zero | tr '\\0' x", "30s");
    await("healthy");
    auto_free char *output = ask("{{(index .State.Health.Log 0).Output}}");
    cr_expect_eq(strlen(output), KEPT + 3, "%zu", strlen(output));
    end_clean();
}

Test(probes, output_is_no_text_and_does_no_harm)
{
    start("printf 'a\\000b\\033[2J\\377\\342\\200\\256\\n\"}'", "30s");
    await("healthy");
    auto_free char *json = ask("{{json .State.Health}}");
    for (const char *c = json; *c; c++)
        cr_expect((unsigned char)*c >= ' ', "a control character: %d", *c);
    cr_expect_null(strstr(json, "\377"), "no UTF-8: %s", json);
    end_clean();
}

/* Ignores what can be ignored, in sessions of their own. */
Test(probes, one_that_hangs_is_left_and_the_next_one_made)
{
    start("trap '' TERM INT HUP; setsid sleep 100 & sleep 100", "300ms");
    await("unhealthy");
    cr_expect(state_until(has_five, NULL), "there is no next one");
    end_clean();
}

Test(probes, writers_that_are_left_behind_do_not_hold_it_up)
{
    start("yes & yes >&2 & exit 0", "30s");
    await("healthy");
    cr_expect(state_until(has_five, NULL), "there is no next one");
    end_clean();
}

Test(probes, many_processes_are_the_containers_alone)
{
    start("while :; do sleep 100 & done", "300ms");
    await("unhealthy");
    free(ASK(&s, "stop", "-t", "0", "x"));
    end_clean();
}

/* What stands for the shell: none of it is opened but to be executed. */
ParameterizedTestParameters(probes, another_shell_is_an_unhealthy_container)
{
    static char shells[][64] = {"rm -f /bin/sh; mkfifo /bin/sh",
                                "ln -sf /proc/self/exe /bin/sh", "ln -sf sh /bin/sh",
                                "rm -f /bin/sh; mkdir /bin/sh",
                                "rm /bin/sh; mknod -m 777 /bin/sh c 1 3"};
    return cr_make_param_array(char[64], shells, ARRAY_SIZE(shells));
}

ParameterizedTest(char shell[64], probes, another_shell_is_an_unhealthy_container)
{
    start("true", "30s");
    await("healthy");
    free(ASK(&s, "exec", "x", "sh", "-c", shell));
    await("unhealthy");
    end_clean();
}

static bool has_ended(void *unused)
{
    (void)unused;
    auto_free char *got = ask("{{.State.Status}} {{.State.ExitCode}}");
    return strcmp(got, "exited 7") == 0;
}

/* The check tells pid 1 to end, and goes on. */
Test(probes, one_that_ends_the_container)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", "echo >/end; sleep 100",
             "--health-interval", "100ms", "busybox", "sh", "-c",
             "mkfifo /end; read x </end; exit 7"));
    cr_expect(state_until(has_ended, NULL), "%s", ask("{{json .State}}"));
    cr_expect_str_empty(state_leftovers(&s, true));
    end_clean();
}
