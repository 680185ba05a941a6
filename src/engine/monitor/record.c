/* The monitor holds the record's lock only while it starts, ends and restarts: in
 * between, other processes may rename the container or change its policy. */

#include "engine/monitor/internal.h"

#include <unistd.h>

#include "base/cleanup.h"

int monitor_reload(struct monitor *m)
{
    m->lock_fd = store_lock_ever(&m->store, m->id, NULL);
    if (m->lock_fd < 0)
        return m->lock_fd;
    mtd_record_done(&m->record);
    mtd_record_init(&m->record);
    return store_load(&m->store, m->id, &m->record, NULL);
}

void monitor_unlock(struct monitor *m)
{
    mtd_record_done(&m->record);
    mtd_record_init(&m->record);
    if (m->lock_fd >= 0)
        close(take_fd(&m->lock_fd));
}
