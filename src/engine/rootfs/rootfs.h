/* rootfs - the container's file tree, built from inside its own mount namespace.
 * Shape   overlay of the image's layers plus upper and work, mounted on <dir>/rootfs; the
 *         default mounts (a table), the user's, hosts files, devices; masked and read-only
 *         paths; pivot_root, old root detached. Nothing is ever mounted in the host's
 *         namespace, so nothing can be left there: the mounts go with the namespace.
 * Rule    private propagation before anything else. Targets below the root are opened with
 *         openat2 RESOLVE_IN_ROOT and mounted on by fd (move_mount to an empty path).
 * Process init only, after clone, before the command.
 * Errors  -errno; err->stage is ROOTFS, MOUNT, DEVICES or PIVOT.
 */
#ifndef ENGINE_ROOTFS_ROOTFS_H
#define ENGINE_ROOTFS_ROOTFS_H

#include "engine/types.h"

struct rootfs {
    const struct mtd_record *record;
    const char *dir;         /* <root>/containers/<id> */
    const char *images_dir;  /* <root>/images */
    const char *volumes_dir; /* <root>/volumes */
    const char *init_path;   /* our executable, for --init; NULL = not asked */
};
/* Everything that does not need the cgroup namespace. */
int rootfs_build(const struct rootfs *r, int *ret_root_fd, struct mtd_error *err);
/* Which groups init stands in: taken before the cgroup namespace is made, where the paths are
 * still the host's. */
#define ROOTFS_CGROUPS_MAX 8192
int rootfs_list_cgroups(char *list, size_t size, struct mtd_error *err);
/* /sys/fs/cgroup, once the namespace is the container's: those of the list (which is taken
 * apart) that end in the id. */
int rootfs_mount_cgroup(int root_fd, char *list, const char *id, struct mtd_error *err);
/* The finished tree of a container that need not run: a detached, read-only overlay of upper and
 * layers, seen by nobody but the holder of the descriptor. */
int rootfs_open_tree(const struct rootfs *r, struct mtd_error *err);
/* Masked and read-only paths, pivot_root, the old root gone, "/" is the container's. */
int rootfs_enter(const struct rootfs *r, int root_fd, struct mtd_error *err);

#endif
