/* A container that writes what nobody expects, for those who read its log: one line that is longer
 * than their memory, what is no text, and more at a time than is kept. Needs root. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../support/state.h"
#include "base/cleanup.h"

#define MEMORY (30u << 20)
#define LINE "60000000"
#define TAIL "\033[2Jx\0y\377\nEND\n"

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

TestSuite(readers, .init = set_up, .fini = tear_down, .timeout = 120);

static bool has_all(void *unused)
{
    (void)unused;
    auto_done(outcome_done) struct outcome o = RUN(&s, "logs", "--tail", "1", "x");
    return strcmp(o.out, "END\n") == 0;
}

/* Of what is started from now on. */
static void limit_memory(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_DATA, &limit), 0);
}

Test(readers, a_line_longer_than_their_memory)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip("its shadow and quarantine count as memory, too");
#endif
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
             "head -c " LINE " /dev/zero | tr '\\0' a; echo;"
             "printf '\\033[2Jx\\000y\\377\\nEND\\n'; sleep 100000"));
    cr_assert(state_until(has_all, NULL), "it is not written");
    limit_memory(MEMORY);
    pid_t all = SPAWN(&s, "logs", "x");
    auto_done(outcome_done) struct outcome tail = RUN(&s, "logs", "--tail", "2", "x");
    struct running follow = BEGIN(&s, "logs", "-f", "--tail", "1", "x");
    limit_memory(RLIM_INFINITY);
    cr_expect_eq(state_reap(all), 0);
    cr_expect_eq(tail.out_len, sizeof(TAIL) - 1, "%zu: %s", tail.out_len, tail.err);
    cr_expect_eq(memcmp(tail.out, TAIL, sizeof(TAIL) - 1), 0);
    free(ASK(&s, "rm", "-f", "x"));
    auto_done(outcome_done) struct outcome end = state_end(&follow);
    cr_expect_eq(end.status, 0, "%s", end.err);
}

/* As when a container has all watches that the host's root may have. */
Test(readers, who_gets_no_watch_follows_all_the_same)
{
    s.without = "inotify_init1";
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
             "echo BEGIN; while ! test -e /go; do sleep 0.1; done; echo END"));
    struct running logs = BEGIN(&s, "logs", "-f", "x");
    struct running events = BEGIN(&s, "events", "--filter", "event=die");
    cr_expect(running_says(logs.out, "BEGIN"));
    state_let_go(&s, "x");
    auto_done(outcome_done) struct outcome o = state_end(&logs);
    cr_expect_str_eq(o.out, "BEGIN\nEND\n", "%s", o.err);
    cr_expect(running_says(events.out, "container die"));
    kill(events.pid, SIGTERM);
    auto_done(outcome_done) struct outcome e = state_end(&events);
    cr_expect_str_eq(e.err, "");
}

/* Rotated many times a second: whoever is attached gets all of it, who follows says what it missed. */
Test(readers, more_than_is_kept)
{
    struct running r = BEGIN(&s, "run", "--name", "x", "--log-opt", "max-size=10k",
                             "--log-opt", "max-file=2", "busybox", "sh", "-c",
                             "echo BEGIN; while ! test -e /go; do sleep 0.1; done;"
                             "head -c 3000000 /dev/zero; echo END");
    cr_assert(running_says(r.out, "BEGIN"));
    struct running follow = BEGIN(&s, "logs", "-f", "x");
    cr_assert(running_says(follow.out, "BEGIN"));
    state_let_go(&s, "x");
    auto_done(outcome_done) struct outcome run = state_end(&r);
    cr_expect_eq(run.out_len, strlen("BEGIN\n") + 3000000 + strlen("END\n"), "%zu",
                 run.out_len);
    auto_done(outcome_done) struct outcome f = state_end(&follow);
    cr_expect(f.status == 0 || (f.status == 1 && *f.err), "%d %s", f.status, f.err);
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}
