/* Health, as the API sees it: what the checks gave, and a checker for a container that has lost
 * its own. */

#include "engine/health/health.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "engine/container/container.h"
#include "engine/monitor/monitor.h"

void mtd_health(struct mtd_engine *e, const struct mtd_record *r, struct mtd_health *ret)
{
    health_read(&e->store, r->id, r->status.pid, r->status.pid_start, ret);
}

bool container_lacks_health(struct mtd_engine *e, const char *id, pid_t pid,
                            const char *health)
{
    return health && pid > 0 && !health_is_watched(&e->store, id, pid);
}

/* One whose lock is held is just being started: its monitor sees to it. */
bool container_mend_health(struct mtd_engine *e, const char *id)
{
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (lock < 0 || !container_has_monitor(e, id))
        return false;
    close(take_fd(&lock));
    return monitor_start_health(e->store.root, e->store.run_root, id, NULL) == 0;
}
