/* What a monitor costs that has nothing to do: memory, and no wake-up. Needs root and the static
 * program: a dynamic one has its libraries' pages, and the sanitizers theirs. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/fields.h"
#include "../support/netbox.h"
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
    long pss, dirty, more; /* more: than without what is tried */
};

/* A burst's buffers are kept for a second. Not the sum of Private_Dirty: a program that was just
 * built is dirty in the page cache. */
static bool is_small(void *arg)
{
    struct cost *c = arg;
    c->pss = sum_of(c->pid, "smaps_rollup", "Pss:");
    c->dirty = sum_of(c->pid, "smaps_rollup", "Pss_Anon:") +
               sum_of(c->pid, "smaps_rollup", "Pss_Shmem:");
    return c->pss <= PSS_KB + c->more && c->dirty <= DIRTY_KB + c->more;
}

static void expect_little_more(const char *after, long more)
{
    struct cost c = {.pid = monitor_of(&s, "x"), .more = more};
    cr_expect(state_until(is_small, &c), "after %s: PSS %ld kB, private dirty %ld kB",
              after, c.pss, c.dirty);
}

static void expect_small(const char *after)
{
    expect_little_more(after, 0);
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

/* What remains of a thousand ports are the numbers of their descriptors, and holes in the heap. */
#define PORTS_KB 64

static void use_a_host(void)
{
    if (!program_is_static())
        cr_skip("memory is that of the static program; the release build runs this");
    net_state_make(&s);
}

Test(idle, a_thousand_ports_need_no_memory, .init = use_a_host)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--network", "bridge", "-p",
             "20000-20999:1000-1999", "busybox", "sleep", "1000"));
    expect_little_more("the start", PORTS_KB);
    free(ASK(&s, "update", "--publish-rm", "20500:1500", "x"));
    expect_little_more("a change", PORTS_KB);
    free(ASK(&s, "restart", "-t", "0", "x"));
    expect_little_more("a restart", PORTS_KB);
    free(ASK(&s, "rm", "-f", "x"));
}
