/* The wait before a restart is a turn of the same loop with a timeout, so that a stop
 * takes effect at once. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"

bool monitor_back_off(struct monitor *m)
{
    (void)fault_point("restart.wait"); /* the lock is not held here */
    if (!m->restart_at)                /* taken over between two runs */
        monitor_plan_restart(m);
    (void)fault_point("restart.wait");
    for (int64_t left; !m->stopping && (left = m->restart_at - clock_mono_ns()) > 0;)
        monitor_turn(m, (int)((left + NS_PER_MS - 1) / NS_PER_MS));
    m->restart_at = 0;
    if (monitor_reload(m) < 0 || m->stopping || m->record.status.stopped_by_user) {
        monitor_end_restarting(m);
        return false;
    }
    m->restarts++;
    return true; /* with the lock held, which the start needs */
}
