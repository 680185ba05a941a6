/* When a container is started again: 100 ms, doubling to a minute, 100 ms again after ten seconds of
 * running; and whether. The moments are made, nothing waits. */

#include <criterion/criterion.h>

#include "base/clock.h"
#include "engine/monitor/internal.h"

static struct monitor m; /* large */

static void ran_for(int64_t ms)
{
    m.up_since = clock_mono_ns() - ms * NS_PER_MS;
}

/* How long the wait is, in ms: the record tells when it ends. */
static int64_t planned(void)
{
    int64_t before = clock_wall_ns();
    monitor_plan_restart(&m);
    int64_t after = clock_wall_ns(), at = m.record.status.next_start_at;
    cr_expect_geq(at - before, m.delay_ms * NS_PER_MS);
    cr_expect_leq(at - after, m.delay_ms * NS_PER_MS);
    return m.delay_ms;
}

Test(policy, the_wait_doubles_up_to_a_minute)
{
    static const int64_t WANT[] = {100,  200,   400,   800,   1600,  3200,
                                   6400, 12800, 25600, 51200, 60000, 60000};
    for (size_t i = 0; i < sizeof(WANT) / sizeof(WANT[0]); i++) {
        ran_for(0);
        cr_expect_eq(planned(), WANT[i], "restart %zu: %lld", i, (long long)m.delay_ms);
    }
}

Test(policy, a_run_of_ten_seconds_begins_anew)
{
    m.delay_ms = 800;
    ran_for(10000);
    cr_expect_eq(planned(), 100);
    m.delay_ms = 60000;
    ran_for(3600000);
    cr_expect_eq(planned(), 100);
}

/* Not a moment before: the process may have been kept waiting, so the limit is a guess of seconds. */
Test(policy, a_shorter_run_does_not)
{
    m.delay_ms = 800;
    ran_for(5000);
    cr_expect_eq(planned(), 1600);
}

static const struct row {
    enum mtd_restart policy;
    unsigned max, restarts;
    int exit_code;
    bool stopping, by_user, again;
} ROWS[] = {
    {MTD_RESTART_NO, 0, 0, 1, false, false, false},
    {MTD_RESTART_ALWAYS, 0, 0, 0, false, false, true},
    {MTD_RESTART_ALWAYS, 0, 9, 1, false, false, true},
    {MTD_RESTART_ALWAYS, 0, 0, 1, true, false, false},
    {MTD_RESTART_ALWAYS, 0, 0, 1, false, true, false},
    {MTD_RESTART_UNLESS_STOPPED, 0, 0, 0, false, false, true},
    {MTD_RESTART_UNLESS_STOPPED, 0, 0, 0, false, true, false},
    {MTD_RESTART_ON_FAILURE, 0, 0, 0, false, false, false},
    {MTD_RESTART_ON_FAILURE, 0, 99, 1, false, false, true},
    {MTD_RESTART_ON_FAILURE, 3, 2, 1, false, false, true},
    {MTD_RESTART_ON_FAILURE, 3, 3, 1, false, false, false},
    {MTD_RESTART_ON_FAILURE, 3, 0, -1, false, false, true},
    {MTD_RESTART_ON_FAILURE, 3, 0, 137, true, false, false},
};

Test(policy, who_is_started_again)
{
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const struct row *r = &ROWS[i];
        m.record.spec.restart = r->policy;
        m.record.spec.restart_max = r->max;
        m.restarts = r->restarts;
        m.exit_code = r->exit_code;
        m.stopping = r->stopping;
        m.record.status.stopped_by_user = r->by_user;
        cr_expect_eq(monitor_wants_restart(&m), r->again, "row %zu", i);
    }
}
