/* A container that does not run has no mounts: they are made once more, for a process that
 * looks into it or puts something there. */

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "engine/host/mount.h"
#include "engine/idmap.h"
#include "engine/rootfs/internal.h"

int rootfs_visit(const struct rootfs *r, bool writable, int *ret_root_fd,
                 struct mtd_error *err)
{
    const struct mtd_spec *s = &r->record->spec;
    struct rootfs_file_systems *volumes = NULL; /* nobody has opened them for it */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, errno, "cannot make mounts private");
    umask(0);
    int code = rootfs_open_file_systems(s, r->volumes_dir, &volumes, err);
    struct rootfs own = *r;
    own.file_systems = volumes;
    if (code == 0 && mtd_idmap_is_set(s))
        code = rootfs_map_ids(r, err);
    auto_fd int root = code < 0   ? code
                       : writable ? rootfs_overlay_again(r, err)
                                  : rootfs_overlay_scratch(r, err);
    code = root < 0 ? root : rootfs_user_trees(&own, root, err);
    rootfs_file_systems_free(volumes);
    if (code == 0 && s->read_only && (code = mount_set(root, MOUNT_ATTR_RDONLY)) < 0)
        rootfs_fail(err, MTD_STAGE_ROOTFS, -code, "cannot make the root read-only");
    if (code == 0)
        *ret_root_fd = take_fd(&root);
    return code;
}
