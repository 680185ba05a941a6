/* Whether and when a container that has ended is started again, as docker does: a stop
 * suspends the policy, whichever it is; the delay is 100 ms, doubling up to a minute, and
 * 100 ms again after a run of ten seconds. */

#include "engine/monitor/internal.h"

#include "base/clock.h"
#include "base/fault.h"

#define DELAY_FIRST_MS 100
#define DELAY_MAX_MS 60000
#define LONG_RUN (10 * NS_PER_SEC)

static bool policy_wants(const struct monitor *m)
{
    const struct mtd_spec *s = &m->record.spec;
    switch (s->restart) {
    case MTD_RESTART_ALWAYS:
    case MTD_RESTART_UNLESS_STOPPED: return true;
    case MTD_RESTART_ON_FAILURE:
        return m->exit_code != 0 && (!s->restart_max || m->restarts < s->restart_max);
    case MTD_RESTART_NO: break;
    }
    return false;
}

bool monitor_wants_restart(const struct monitor *m)
{
    return !m->stopping && !m->record.status.stopped_by_user && policy_wants(m);
}

static int64_t next_delay(struct monitor *m)
{
    if (fault_point("restart.delay") < 0)
        return 1; /* a test that has no minutes to wait */
    bool long_run = clock_mono_ns() - m->up_since >= LONG_RUN;
    if (m->delay_ms == 0 || long_run)
        m->delay_ms = DELAY_FIRST_MS;
    else if (m->delay_ms < DELAY_MAX_MS)
        m->delay_ms = 2 * m->delay_ms < DELAY_MAX_MS ? 2 * m->delay_ms : DELAY_MAX_MS;
    return m->delay_ms;
}

void monitor_plan_restart(struct monitor *m)
{
    int64_t delay = next_delay(m) * NS_PER_MS;
    m->restart_at = clock_mono_ns() + delay;
    m->record.status.next_start_at = clock_wall_ns() + delay;
}
