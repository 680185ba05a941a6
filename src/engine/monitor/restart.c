/* The delay before a restart is docker's: 100 ms, doubling to a minute, from the start again after
 * a run of ten seconds. Waiting for a restart is the same loop with a time-out, so that a stop is
 * heard at once. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"

#define DELAY_FIRST_MS 100
#define DELAY_MAX_MS 60000
#define LONG_RUN (10 * NS_PER_SEC)

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

bool monitor_back_off(struct monitor *m)
{
    int64_t end = clock_mono_ns() + next_delay(m) * NS_PER_MS;
    for (int64_t left; !m->stopping && (left = end - clock_mono_ns()) > 0;)
        monitor_turn(m, (int)((left + NS_PER_MS - 1) / NS_PER_MS));
    if (monitor_reload(m) < 0 || m->stopping || m->record.status.stopped_by_user) {
        monitor_end_restarting(m);
        return false;
    }
    m->restarts++;
    return true; /* the lock is held: the start goes on with it */
}
