/* File systems of volumes that have options: opened here, attached by init. */

#include "engine/monitor/internal.h"

int monitor_open_volumes(struct monitor *m, struct mtd_error *err)
{
    return rootfs_open_file_systems(&m->record.spec, m->volumes, &m->file_systems, err);
}

void monitor_close_volumes(struct monitor *m)
{
    rootfs_file_systems_free(m->file_systems);
    m->file_systems = NULL;
}
