/* Health checks as docker's: starting, healthy, unhealthy, by commands in the container. Needs
 * root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "../support/fields.h"
#include "../support/state.h"
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

static bool has_failed_thrice(void *arg)
{
    (void)arg;
    auto_free char *log =
        ASK(&s, "inspect", "--format", "{{len .State.Health.Log}}", "x");
    return atoi(log) >= 3;
}

/* A failure while it starts does not count; once it was healthy, one does, as ever. */
Test(health, the_start_period_ends_with_the_first_success)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", "test -f /ok",
             "--health-interval", "50ms", "--health-retries", "2",
             "--health-start-period", "1h", "busybox", "sleep", "1000"));
    cr_expect(state_until(has_failed_thrice, NULL));
    auto_free char *early =
        ASK(&s, "inspect", "--format",
            "{{.State.Health.Status}} {{.State.Health.FailingStreak}}", "x");
    cr_expect_str_eq(early, "starting 0");
    free(ASK(&s, "exec", "x", "touch", "/ok"));
    await("healthy");
    free(ASK(&s, "exec", "x", "rm", "/ok"));
    await("unhealthy");
}

#ifdef SYS_poll
/* How long the process that checks waits now, in ms, from the arguments of its poll(); it has no
 * limit while a check runs. */
static bool waits_an_hour(void *ret)
{
    char path[64], text[256] = "";
    long call = -1;
    unsigned long fds, n, ms;
    snprintf(path, sizeof(path), "/proc/%d/syscall", (int)state_find(&s, "mtd:health"));
    auto_file FILE *f = fopen(path, "re");
    if (!f || !fgets(text, sizeof(text), f) ||
        sscanf(text, "%ld %lx %lx %lx", &call, &fds, &n, &ms) != 4 || call != SYS_poll)
        return false;
    *(long *)ret = (int)ms;
    return (int)ms > 3000000;
}

/* The period is for becoming healthy: what is, is looked at as seldom as it was asked for. */
Test(health, the_start_interval_ends_with_the_first_success)
{
    long ms = 0;
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", "true", "--health-interval",
             "1h", "--health-start-interval", "50ms", "--health-start-period", "2h",
             "busybox", "sleep", "1000"));
    await("healthy");
    cr_expect(state_until(waits_an_hour, &ms), "it waits %ld ms", ms);
}
#endif

/* Fails as often as it is told, then succeeds; says how often it ran. */
#define FAILS "n=$(cat /n 2>/dev/null); n=$((n+1)); echo $n | tee /n; test $n -gt "

static void run_check(const char *check, const char *retries)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", check, "--health-interval",
             "50ms", "--health-retries", retries, "busybox", "sleep", "1000"));
}

static void expect_events(const char *want)
{
    auto_free char *got = ASK(&s, "events", "--since", "1h", "--until", "0s", "--filter",
                              "event=health_status", "--format", "{{.Action}}");
    cr_expect_str_eq(got, want);
}

Test(health, as_many_failures_as_retries)
{
    run_check(FAILS "2", "2");
    await("healthy");
    expect_events("health_status: unhealthy\nhealth_status: healthy");
    auto_free char *streak =
        ASK(&s, "inspect", "-f", "{{.State.Health.FailingStreak}}", "x");
    cr_expect_str_eq(streak, "0");
}

Test(health, one_failure_less_than_retries)
{
    run_check(FAILS "2", "3");
    await("healthy");
    expect_events("health_status: healthy");
}

static bool has_dropped_the_first(void *arg)
{
    auto_free char *log =
        ASK(&s, "inspect", "-f", "{{range .State.Health.Log}}{{.Output}}{{end}}", "x");
    int first = 0, last = 0, n = 0;
    for (char *p = log; *p; n++) {
        last = (int)strtol(p, &p, 10);
        first = first ? first : last;
        p += strspn(p, "\n");
    }
    snprintf(arg, 64, "%d to %d, %d", first, last, n);
    return first > 3 && last == first + 4 && n == 5;
}

Test(health, the_last_five_results_are_kept)
{
    char text[64];
    run_check(FAILS "0", "3");
    cr_expect(state_until(has_dropped_the_first, text), "%s", text);
}

Test(health, long_output_is_cut_and_says_so)
{
    run_check("head -c 5000 /dev/zero | tr '\\0' a", "3");
    await("healthy");
    auto_free char *log =
        ASK(&s, "inspect", "-f", "{{(index .State.Health.Log 0).Output}}", "x");
    cr_expect_eq(strlen(log), 4096 + 3, "%zu", strlen(log));
    cr_expect(strlen(log) > 3 && strcmp(log + strlen(log) - 4, "a...") == 0);
}

Test(health, ends_with_the_container)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", "true", "--health-interval",
             "50ms", "busybox", "sleep", "1000"));
    await("healthy");
    free(ASK(&s, "stop", "-t", "0", "x"));
    cr_expect_str_empty(state_leftovers(&s, true), "left %s", state_leftovers(&s, true));
}

/* docker's: each part that the user does not say is the image's; NONE is no check at all. */
#define CHECK(cmd, interval, timeout, start, retries)                                \
    "{\"Test\":[\"CMD-SHELL\",\"" cmd "\"],\"Interval\":" interval                   \
    "000000000,\"Timeout\":" timeout "000000000,\"StartPeriod\":" start "000000000," \
    "\"Retries\":" retries "}"
static const struct {
    const char *args[8], *want;
} MERGED[] = {
    {{NULL}, CHECK("image", "11", "12", "13", "4")},
    {{"--health-cmd", "mine"}, CHECK("mine", "11", "12", "13", "4")},
    {{"--health-interval", "1m"}, CHECK("image", "60", "12", "13", "4")},
    {{"--health-timeout", "5s", "--health-retries", "9"},
     CHECK("image", "11", "5", "13", "9")},
    {{"--health-start-period", "7s"}, CHECK("image", "11", "12", "7", "4")},
    {{"--health-interval", "0s", "--health-retries", "0"},
     CHECK("image", "11", "12", "13", "4")},
    {{"--no-healthcheck"}, "null"},
};

static const char *merged(const char *image, const char *const *args)
{
    static char text[256];
    const char *line[16] = {"create", "--name", "m"};
    size_t n = 3;
    while (*args)
        line[n++] = *args++;
    line[n++] = image;
    line[n++] = "true";
    free(state_ask(&s, line));
    auto_free char *got = ASK(&s, "inspect", "-f", "{{json .Config.Healthcheck}}", "m");
    free(ASK(&s, "rm", "m"));
    snprintf(text, sizeof(text), "%s", got);
    return text;
}

Test(health, what_is_not_said_is_the_images)
{
    free(ASK(&s, "create", "--name", "c", "--health-cmd", "image", "--health-interval",
             "11s", "--health-timeout", "12s", "--health-start-period", "13s",
             "--health-retries", "4", "busybox", "true"));
    free(ASK(&s, "commit", "c", "checked"));
    for (size_t i = 0; i < ARRAY_SIZE(MERGED); i++)
        cr_expect_str_eq(merged("checked", MERGED[i].args), MERGED[i].want, "%s",
                         MERGED[i].args[0] ? MERGED[i].args[0] : "nothing");
    cr_expect_str_eq(
        merged("busybox", (const char *const[]){"--health-cmd", "mine", NULL}),
        "{\"Test\":[\"CMD-SHELL\",\"mine\"]}");
}

/* The triggers are for builds: a container of the image, and what is made of it, has none. */
Test(health, a_commit_can_change_the_check_and_add_triggers)
{
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    free(ASK(&s, "commit", "-c", "HEALTHCHECK --interval=5s --retries=2 CMD [\"/check\"]",
             "-c", "ONBUILD RUN echo $A", "c", "checked"));
    cr_expect_str_eq(merged("checked", (const char *const[]){NULL}),
                     "{\"Test\":[\"CMD\",\"/check\"],\"Interval\":5000000000,"
                     "\"Retries\":2}");
    EXPECT_OUTPUT(&s, 0, "[\"RUN echo $A\"]\n", "inspect", "-f",
                  "{{json .Config.OnBuild}}", "checked");
    free(ASK(&s, "create", "--name", "d", "checked", "true"));
    free(ASK(&s, "commit", "-c", "HEALTHCHECK NONE", "d", "again"));
    EXPECT_OUTPUT(&s, 0, "null [\"NONE\"]\n", "inspect", "-f",
                  "{{json .Config.OnBuild}} {{json .Config.Healthcheck.Test}}", "again");
}

/* Only CMD-SHELL is a line for a shell: the words of CMD are the program's own. */
Test(health, a_check_without_a_shell_has_its_words)
{
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    free(ASK(&s, "commit", "-c", "HEALTHCHECK --interval=1s CMD [\"echo\", \"$HOME a\"]",
             "c", "checked"));
    free(ASK(&s, "run", "-d", "--name", "x", "--health-interval", "50ms", "checked",
             "sleep", "1000"));
    await("healthy");
    expect_field(&s, "x", "{{(index .State.Health.Log 0).Output}}", "$HOME a\n");
}

/* The streak, and the last result's own count of the checks of its run. */
static bool counts_again(void *arg)
{
    auto_free char *got = ASK(&s, "inspect", "-f",
                              "{{with .State.Health}}{{.FailingStreak}} "
                              "{{range .Log}}{{.Output}}{{end}}{{end}}",
                              "x");
    int streak = 0, run = 0, count = 0;
    const char *last = strrchr(got, 'r');
    snprintf(arg, 256, "%s", got);
    if (!last || sscanf(got, "%d", &streak) != 1 ||
        sscanf(last, "run %d check %d", &run, &count) != 2 || run < 2)
        return false;
    cr_expect_eq(streak, count, "%s", got);
    return true;
}

/* A restart by a policy begins anew, although its directory stays. */
Test(health, the_results_of_the_run_before_are_not_counted)
{
    char text[256] = "";
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "--health-interval",
             "50ms", "--health-retries", "100000", "--health-cmd",
             "echo c >>/c; echo run $(wc -l </n) check $(wc -l </c); false", "busybox",
             "sh", "-c",
             "echo n >>/n; rm -f /c; while [ ! -e /go ]; do usleep 1000; done; rm /go"));
    cr_expect(state_until(has_failed_thrice, NULL));
    state_let_go(&s, "x");
    cr_expect(state_until(counts_again, text), "%s", text);
}

static long sleeps_of(pid_t pid)
{
    char path[64], line[256];
    long n = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    auto_file FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
            break;
    return n;
}

struct checker {
    pid_t pid, check;
    long sleeps; /* after so many it has looked several times */
};

static bool has_looked(void *arg)
{
    struct checker *c = arg;
    c->check = state_child(c->pid);
    return c->check > 0 || sleeps_of(c->pid) > c->sleeps + 5;
}

static bool is_between_checks_when_paused(void *arg)
{
    struct checker *c = arg;
    free(ASK(&s, "pause", "x"));
    if (state_child(c->pid) == 0)
        return true;
    free(ASK(&s, "unpause", "x"));
    return false;
}

/* A check would wait for the end of the pause, and take that for a failure. */
Test(health, a_paused_container_is_not_checked)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--health-cmd", "true", "--health-interval",
             "100ms", "busybox", "sleep", "1000"));
    await("healthy");
    struct checker c = {.pid = state_find(&s, "mtd:health"), .check = 0};
    cr_assert_gt(c.pid, 0);
    cr_assert(state_until(is_between_checks_when_paused, &c));
    c.sleeps = sleeps_of(c.pid);
    cr_expect(state_until(has_looked, &c));
    cr_expect_eq(c.check, 0, "a check was begun");
    free(ASK(&s, "unpause", "x"));
}
