/* rootfs/internal.h - what the files of rootfs share. */
#ifndef ENGINE_ROOTFS_INTERNAL_H
#define ENGINE_ROOTFS_INTERNAL_H

#include "engine/rootfs/rootfs.h"

/* mtd_fail_errno plus the stage; returns -code. */
int rootfs_fail(struct mtd_error *err, enum mtd_stage stage, int code, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));

/* Opens target below root as a mount point, making it when missing: a directory, or a file
 * when `file`. O_PATH fd or -errno. */
int rootfs_target(int root_fd, const char *target, bool file);

int rootfs_overlay(const struct rootfs *r, struct mtd_error *err);
int rootfs_devices(const struct rootfs *r, int root_fd, struct mtd_error *err);
int rootfs_user_mounts(const struct rootfs *r, int root_fd, struct mtd_error *err);
int rootfs_mask(int root_fd, struct mtd_error *err);

#endif
