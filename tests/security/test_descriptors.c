/* Nothing of the caller's or the engine's is open in a container. Several defences see to that, and
 * any one hides that another is missing: each is looked at alone. What a spawned process of ours gets
 * is in system/self, what the last step does to descriptors in unit/confine. Needs root. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

#define SYNC 3 /* inside/init_steps.c */
#define STDERR 6
#define SHM 7

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
#ifndef MTD_FAULTS
    cr_skip("needs fault points");
#endif
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(descriptors, .init = set_up, .fini = tear_down, .timeout = 60);

static int highest(pid_t pid)
{
    char path[32];
    int most = -1;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    auto_dir DIR *dir = opendir(path);
    for (struct dirent *d; dir && (d = readdir(dir));)
        if (atoi(d->d_name) > most)
            most = atoi(d->d_name);
    return most;
}

/* The highest descriptor of an init that has stopped before a step of its own. */
static int highest_at(const char *fault)
{
    s.fault = fault;
    struct running r = BEGIN(&s, "run", "--rm", "-i", "busybox", "true");
    s.fault = NULL;
    pid_t init = stopped_await(r.pid);
    cr_assert_gt(init, 0, "%s: nothing has stopped", fault);
    int most = highest(init);
    kill(init, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 0, "%s: %s", fault, o.err);
    return most;
}

/* The monitor's log, sockets and locks: init has them by its clone. */
Test(descriptors, init_keeps_none_of_the_monitors)
{
    int most = highest_at("init.rootfs:stop");
    cr_expect(most >= SYNC && most <= SHM, "%d", most);
}

/* The host's directories, by which the root was made. */
Test(descriptors, none_of_the_hosts_tree_is_left_after_the_pivot)
{
    int most = highest_at("init.session:stop");
    cr_expect(most >= SYNC && most <= STDERR, "%d", most);
}

static void expect_own(const char *const args[])
{
    s.fault = "inside.leak";
    auto_free char *list = state_ask(&s, args);
    s.fault = NULL;
    cr_expect_str_eq(list, "0\n1\n2\n3", "%s", args[0]); /* 3: ls reads the directory */
}
#define EXPECT_OWN(...) expect_own((const char *const[]){__VA_ARGS__, NULL})

Test(descriptors, what_is_left_open_is_closed_by_the_last_step)
{
    EXPECT_OWN("run", "--rm", "busybox", "ls", "/proc/self/fd");
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "100000"));
    EXPECT_OWN("exec", "x", "ls", "/proc/self/fd");
}
