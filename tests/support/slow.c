/* What the machine of a test is like: on an emulated one everything takes many times as long, and
 * what a suite says of its limit is meant for a real one; an old kernel lacks this and that. */

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "state.h"

int state_slowness(void)
{
    const char *text = getenv("MTD_TEST_SLOW");
    int times = text ? atoi(text) : 1;
    return times > 0 ? times : 1;
}

/* clang-format off */
ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    FOREACH_SET (struct criterion_suite_set *s, set->suites) {
        if (s->suite.data)
            s->suite.data->timeout *= state_slowness();
        FOREACH_SET (struct criterion_test *t, s->tests)
            t->data->timeout *= state_slowness();
    }
}
/* clang-format on */

bool state_maps_ids(const struct state *s)
{
    auto_done(outcome_done) struct outcome o =
        RUN(s, "run", "--rm", "--userns", "auto", "busybox", "true");
    bool maps = !strstr(o.err, "cannot be mapped");
    if (!maps)
        puts("[SKIP] this kernel does not map the ids of a tmpfs");
    return maps;
}
