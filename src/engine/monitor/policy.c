/* Whether a container that has ended is started again. */

#include "engine/monitor/internal.h"

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
