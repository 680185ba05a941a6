/* What a monitor costs that has nothing to do: memory, and no wake-up. Needs root and the static
 * program: a dynamic one has its libraries' pages, and the sanitizers theirs. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/fields.h"
#include "base/cleanup.h"

#define PSS_KB 220
#define DIRTY_KB 112

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    if (!program_is_static())
        cr_skip("memory is that of the static program; the release build runs this");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(idle, .init = set_up, .fini = tear_down, .timeout = 60);

/* The sum over lines that begin so. */
static long sum_of(pid_t pid, const char *file, const char *key)
{
    char path[64];
    auto_free char *line = NULL;
    size_t cap = 0;
    long sum = 0;
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    auto_file FILE *f = fopen(path, "re");
    cr_assert(f, "%s", path);
    while (getline(&line, &cap, f) >= 0)
        if (strncmp(line, key, strlen(key)) == 0)
            sum += strtol(line + strlen(key), NULL, 10);
    return sum;
}

struct cost {
    pid_t pid;
    long pss, dirty;
};

/* A burst's buffers are kept for a second. Not the sum of Private_Dirty: a program that was just
 * built is dirty in the page cache. */
static bool is_small(void *arg)
{
    struct cost *c = arg;
    c->pss = sum_of(c->pid, "smaps_rollup", "Pss:");
    c->dirty = sum_of(c->pid, "smaps_rollup", "Pss_Anon:") +
               sum_of(c->pid, "smaps_rollup", "Pss_Shmem:");
    return c->pss <= PSS_KB && c->dirty <= DIRTY_KB;
}

static void expect_small(const char *after)
{
    struct cost c = {.pid = monitor_of(&s, "x")};
    cr_expect(state_until(is_small, &c), "after %s: PSS %ld kB, private dirty %ld kB",
              after, c.pss, c.dirty);
}

Test(idle, a_monitor_is_small)
{
    free(ASK(
        &s, "run", "-d", "--name", "x", "busybox", "sh", "-c",
        "trap 'head -c 3000000 /dev/zero' USR1; while :; do sleep 1000 & wait; done"));
    expect_small("the start");
    free(ASK(&s, "kill", "-s", "USR1", "x"));
    free(ASK(&s, "exec", "x", "true"));
    expect_small("a burst");
    struct running client = BEGIN(&s, "attach", "--no-stdin", "x");
    free(ASK(&s, "kill", "-s", "USR1", "x"));
    cr_assert_eq(kill(client.pid, SIGKILL), 0);
    struct outcome o = state_end(&client);
    outcome_done(&o);
    expect_small("a client");
    free(ASK(&s, "restart", "-t", "0", "x"));
    expect_small("a restart");
}
