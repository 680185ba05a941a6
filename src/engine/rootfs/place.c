/* A target is a name, and the image decides by links where a name leads. What counts is the
 * mount that was reached: its id is compared with those of the mounts that we have made. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"

static const struct {
    enum mtd_kernel_tree tree;
    const char *path;
} MOUNTS[] = {
    {MTD_TREE_PROC, "/proc"},   {MTD_TREE_SYS, "/sys"},     {MTD_TREE_DEV, "/dev"},
    {MTD_TREE_DEV, "/dev/pts"}, {MTD_TREE_DEV, "/dev/shm"}, {MTD_TREE_DEV, "/dev/mqueue"},
};

static int mount_id(int fd, uint64_t *ret)
{
    struct statx stx;
    if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0)
        return -errno;
    if (!(stx.stx_mask & STATX_MNT_ID))
        return -EOPNOTSUPP;
    *ret = stx.stx_mnt_id;
    return 0;
}

static void add(struct rootfs_places *p, enum mtd_kernel_tree tree, uint64_t id)
{
    uint64_t *ids = p->trees[tree];
    for (size_t i = 0; i < ARRAY_SIZE(p->trees[0]); i++)
        if (ids[i] == 0) {
            ids[i] = id;
            return;
        }
}

/* /dev/shm may be left out. */
static int look(struct rootfs_places *p, int root_fd)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(MOUNTS) && rc == 0 && !p->known; i++) {
        uint64_t id = 0;
        auto_fd int fd = fs_open_in_root(root_fd, MOUNTS[i].path, OPEN_PLACE, 0);
        if (fd != -ENOENT)
            rc = fd < 0 ? fd : mount_id(fd, &id);
        if (rc == 0 && id)
            add(p, MOUNTS[i].tree, id);
    }
    p->known = rc == 0;
    return rc;
}

static enum mtd_kernel_tree tree_of(const struct rootfs_places *p, uint64_t id)
{
    for (int tree = MTD_TREE_PROC; tree < MTD_KERNEL_TREES; tree++)
        for (size_t i = 0; i < ARRAY_SIZE(p->trees[0]); i++)
            if (p->trees[tree][i] == id)
                return (enum mtd_kernel_tree)tree;
    return MTD_TREE_NONE;
}

int rootfs_place_check(struct rootfs_places *p, int root_fd, int target_fd,
                       const char *path)
{
    uint64_t id = 0;
    int rc = p->root ? 0 : mount_id(root_fd, &p->root);
    if (rc == 0)
        rc = mount_id(target_fd, &id);
    if (rc < 0 || id == p->root) /* nearly always */
        return rc;
    rc = look(p, root_fd);
    if (rc < 0)
        return rc;
    enum mtd_kernel_tree there = tree_of(p, id);
    return there == MTD_TREE_NONE || there == mtd_kernel_tree_of(path) ? 0 : -EXDEV;
}
