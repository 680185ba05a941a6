/* Sessions of exec: seen by inspect and top, signalled by their id and through their front end. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/state.h"
#include "exec_box.h"

TestSuite(exec_session, .init = box_make, .fini = box_delete, .timeout = 60);

#define ID_SIZE 65

/* ExecIDs of "box", as text: "null" or ["..."]. */
static void ask_ids(struct result *r)
{
    BOX(r, "inspect", "--format", "{{json .ExecIDs}}", "box");
    cr_assert_eq(r->status, 0, "%s", r->err);
    r->out[strcspn(r->out, "\n")] = '\0';
}

/* The one session there is. */
static void ask_id(char id[ID_SIZE])
{
    struct result r;
    ask_ids(&r);
    cr_assert_eq(sscanf(r.out, "[\"%64[0-9a-f]\"]", id), 1, "%s", r.out);
    cr_assert_eq(strlen(id), 64);
}

static bool is_null(void *arg)
{
    struct result r;
    (void)arg;
    ask_ids(&r);
    return strcmp(r.out, "null") == 0;
}

static bool until_null(void)
{
    return state_until(is_null, NULL);
}

/* The line of top that ends so; "" when there is none. */
static void find_line(const char *text, const char *end, char *out, size_t size)
{
    char copy[65536], *save = NULL;
    snprintf(copy, sizeof(copy), "%s", text);
    out[0] = '\0';
    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        size_t len = strlen(l), n = strlen(end);
        if (len >= n && strcmp(l + len - n, end) == 0)
            snprintf(out, size, "%s", l);
    }
}

static void expect_in_top(const char *end, const char *session)
{
    struct result r;
    char line[512], want[128];
    BOX(&r, "top", "box");
    cr_assert_eq(r.status, 0, "%s", r.err);
    find_line(r.out, end, line, sizeof(line));
    snprintf(want, sizeof(want), " %.12s ", session);
    cr_expect_not_null(strstr(line, want), "%s is not of session %s:\n%s", end, session,
                       r.out);
}

Test(exec_session, inspect_and_top_show_it)
{
    struct result r;
    char id[ID_SIZE];
    ask_ids(&r);
    cr_expect_str_eq(r.out, "null");
    BOX(&r, "top", "box");
    cr_expect_null(strstr(r.out, "EXEC"), "docker's columns when there is none: %s",
                   r.out);
    EXEC(&r, "-d", "box", "sh", "-c", "sleep 4721 & sleep 4720; :");
    cr_assert_eq(r.status, 0, "%s", r.err);
    ask_id(id);
    cr_assert_gt(box_await("sleep 4720"), 0);
    cr_assert_gt(box_await("sleep 4721"), 0);
    expect_in_top(" sleep 4720", id);
    expect_in_top(" sleep 4721", id);
    expect_in_top(" sleep 100000", "-");
    BOX(&r, "top", "box");
    cr_expect_not_null(strstr(r.out, "EXEC"), "%s", r.out);
}

Test(exec_session, kill_ends_all_of_it_and_nothing_else)
{
    struct result r;
    char id[ID_SIZE], prefix[8];
    EXEC(&r, "-d", "box", "sh", "-c", "sleep 4723 & sleep 4722; :");
    pid_t command = box_await("sleep 4722"), child = box_await("sleep 4723");
    cr_assert(command > 0 && child > 0);
    ask_id(id);
    snprintf(prefix, sizeof(prefix), "%.7s", id);
    BOX(&r, "kill", "--exec", prefix, "box");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.out, "box\n");
    ask_ids(&r);
    cr_expect_str_eq(r.out, "null", "it has ended when kill returns: %s", r.out);
    cr_expect(box_gone(command) && box_gone(child), "a process of it is left");
    EXEC(&r, "box", "true");
    cr_expect_eq(r.status, 0, "the container lives: %s", r.err);
}

Test(exec_session, another_signal_is_the_commands_alone)
{
    struct result r;
    char id[ID_SIZE];
    EXEC(
        &r, "-d", "box", "sh", "-c",
        "trap 'exec sleep 4725' USR1; sleep 4724 & echo x >/tmp/ready; while :; do wait; "
        "done");
    EXEC(&r, "box", "sh", "-c", "until test -s /tmp/ready; do sleep 0.01; done");
    ask_id(id);
    pid_t child = box_await("sleep 4724");
    cr_assert_gt(child, 0);
    BOX(&r, "kill", "-s", "USR1", "--exec", id, "box");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_gt(box_await("sleep 4725"), 0, "the trap did not run");
    cr_expect_eq(box_find("sleep 4724"), child, "its child got the signal, too");
}

static void expect_refused(int status, const char *text, const char *const args[])
{
    struct result r;
    box_run(&r, NULL, 0, args);
    cr_expect_eq(r.status, status, "%s: status %d", text, r.status);
    cr_expect_not_null(strstr(r.err, text), "not \"%s\": %s", text, r.err);
    cr_expect_str_empty(r.out);
}
#define REFUSED(status, text, ...) \
    expect_refused(status, text, (const char *const[]){"kill", __VA_ARGS__, NULL})

Test(exec_session, kill_refuses_what_is_not_one)
{
    struct result r;
    char id[ID_SIZE], named[64];
    REFUSED(1, "has no exec session \"abc\"; there is none at the moment", "--exec",
            "abc", "box");
    EXEC(&r, "-d", "box", "sleep", "4726");
    ask_id(id);
    snprintf(named, sizeof(named), "there are %.12s", id);
    REFUSED(1, named, "--exec", id[0] == 'a' ? "b" : "a", "box");
    REFUSED(1, "not the id of an exec session", "--exec", "", "box");
    REFUSED(1, "not the id of an exec session", "--exec", "web", "box");
    REFUSED(1, "name only that", "--exec", id, "box", "box");
    REFUSED(1, "a signal", "-s", "NOSUCH", "--exec", id, "box");
    REFUSED(1, "No such container", "--exec", id, "nosuch");
    BOX(&r, "pause", "box");
    REFUSED(1, "is paused", "--exec", id, "box");
    BOX(&r, "unpause", "box");
    BOX(&r, "stop", "-t", "0", "box");
    REFUSED(1, "is not running", "--exec", id, "box");
}

/* 17 ids have at least two that begin with the same of 16 digits. */
Test(exec_session, an_ambiguous_prefix_is_refused)
{
    struct result r;
    char prefix[2] = "";
    int seen[128] = {0};
    for (int i = 0; i < 17; i++) {
        EXEC(&r, "-d", "box", "sleep", "4727");
        cr_assert_eq(r.status, 0, "%s", r.err);
    }
    ask_ids(&r);
    for (const char *p = r.out; (p = strstr(p, "\"")) && p[1]; p += 66)
        if (++seen[(unsigned char)p[1] & 127] == 2)
            prefix[0] = p[1];
    cr_assert_str_not_empty(prefix, "%s", r.out);
    REFUSED(1, "is ambiguous", "--exec", prefix, "box");
}

/* ---- through the front end --------------------------------------------------------------- */

/* docker's exec passes nothing on (moby#9098). SIGALRM stands for those no terminal sends. */
Test(exec_session, signals_are_passed_on)
{
    static const int SIGNALS[] = {SIGTERM, SIGUSR1, SIGALRM, SIGURG};
    static const char *const COMMAND[] = {
        "exec",
        "box",
        "sh",
        "-c",
        "for s in 15 10 14 23; do trap \"exit $s\" $s; done; touch /tmp/trapped; "
        "while :; do sleep 0.02; done",
        NULL};
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++) {
        struct result r;
        EXEC(&r, "box", "rm", "-f", "/tmp/trapped");
        pid_t front = box_start(COMMAND);
        EXEC(&r, "box", "sh", "-c", "until test -e /tmp/trapped; do sleep 0.01; done");
        kill(front, SIGNALS[i]);
        cr_expect_eq(box_wait(front), SIGNALS[i]);
    }
}

/* A script's background job ignores SIGINT and SIGQUIT, and docker takes them all the same; but
 * nohup is nohup. */
Test(exec_session, ignored_signals_are_passed_on_but_for_hangup)
{
    static const char *const COMMAND[] = {
        "exec",
        "box",
        "sh",
        "-c",
        "for s in 1 2 3; do trap \"exit $s\" $s; done; touch /tmp/ready; "
        "while :; do sleep 0.02; done",
        NULL};
    static const int SIGNALS[] = {SIGINT, SIGQUIT};
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++) {
        struct result r;
        EXEC(&r, "box", "rm", "-f", "/tmp/ready");
        signal(SIGHUP, SIG_IGN);
        signal(SIGNALS[i], SIG_IGN);
        pid_t front = box_start(COMMAND);
        signal(SIGHUP, SIG_DFL);
        signal(SIGNALS[i], SIG_DFL);
        EXEC(&r, "box", "sh", "-c", "until test -e /tmp/ready; do sleep 0.01; done");
        kill(front, SIGHUP);
        kill(front, SIGNALS[i]);
        cr_expect_eq(box_wait(front), SIGNALS[i]);
    }
}

Test(exec_session, signals_that_are_not_passed_on_end_it)
{
    static const char *const COMMAND[] = {
        "exec", "--sig-proxy=false",           "box", "sh",
        "-c",   "trap '' TERM; sleep 4728; :", NULL};
    pid_t front = box_start(COMMAND), inside = box_await("sleep 4728");
    cr_assert_gt(inside, 0);
    kill(front, SIGTERM);
    cr_expect_eq(box_wait(front), 143);
    cr_expect(until_null());
}

Test(exec_session, it_is_off_the_list_when_its_client_was_killed)
{
    static const char *const COMMAND[] = {"exec", "box", "sleep", "4729", NULL};
    pid_t front = box_start(COMMAND), inside = box_await("sleep 4729");
    cr_assert_gt(inside, 0);
    kill(front, SIGKILL);
    box_wait(front);
    cr_expect(box_gone(inside));
    cr_expect(until_null());
}
