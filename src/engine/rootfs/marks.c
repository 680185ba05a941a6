/* What docker puts into every container and programs look for: an empty /.dockerenv, and
 * /etc/mtab, where many of them look for the mounts. Made at the first start only, so
 * that what a container removes stays removed. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

static int make_env(int root_fd)
{
    return mknodat(root_fd, ROOTFS_ENV, S_IFREG | ROOTFS_ENV_MODE, 0) < 0 &&
                   errno != EEXIST
               ? -errno
               : 0;
}

/* The mounts in /etc have been made: no link leads it to the kernel's files. */
static int make_mtab(int root_fd)
{
    int etc = fs_open_in_root(root_fd, "/etc", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (etc < 0)
        return etc;
    return symlinkat(ROOTFS_MTAB_TARGET, etc, ROOTFS_MTAB) < 0 && errno != EEXIST ? -errno
                                                                                  : 0;
}

int rootfs_marks(const struct rootfs *r, int root_fd, struct mtd_error *err)
{
    if (r->record->status.started_at)
        return 0;
    int rc = make_env(root_fd);
    if (rc < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, -rc, "cannot make /" ROOTFS_ENV);
    rc = make_mtab(root_fd);
    return rc < 0 ? rootfs_fail(err, MTD_STAGE_ROOTFS, -rc, "cannot make /etc/mtab") : 0;
}
