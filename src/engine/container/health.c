/* The health process of a container may be killed like any other; the next command that
 * finds it missing starts another, since nothing else watches it. */

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

/* If the lock is held, the container is being started, and its monitor will do it. */
bool container_mend_health(struct mtd_engine *e, const char *id)
{
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (lock < 0 || !container_has_monitor(e, id))
        return false;
    close(take_fd(&lock));
    return monitor_start_health(e->store.root, e->store.run_root, id, NULL) == 0;
}
