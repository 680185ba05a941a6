/* How a mount of the user's is copied from its source. */

#include <stdbool.h>
#include <sys/mount.h>

#include "engine/idmap.h"
#include "engine/rootfs/internal.h"

bool rootfs_is_mapped(const struct rootfs *r, const struct mtd_mount *m)
{
    return mtd_idmap_is_set(&r->record->spec) &&
           (m->type == MTD_MOUNT_VOLUME || (m->type == MTD_MOUNT_BIND && m->idmap));
}

/* The host's files keep the host's owners, of whom the container is none, unless it is asked
 * to be. */
struct mount_how rootfs_bind_how(const struct rootfs *r, const struct mtd_mount *m)
{
    return (struct mount_how){.attrs = m->read_only ? MOUNT_ATTR_RDONLY : 0,
                              .flat = m->recursion == MTD_RECURSION_DISABLED,
                              .top = m->recursion == MTD_RECURSION_WRITABLE,
                              .whole = m->recursion == MTD_RECURSION_READONLY,
                              .maps = rootfs_is_mapped(r, m),
                              .userns_fd = r->userns_fd};
}
