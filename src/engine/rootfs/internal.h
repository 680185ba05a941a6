/* rootfs/internal.h - what the files of rootfs share.
 * Shape   rootfs.c has the order and what every container has; overlay.c, dev.c, user.c,
 *         volume.c, spread.c, how.c, marks.c, mapped.c, mask.c and cgroup.c make one part each; place.c says where a mount may go;
 *         fail.c is the error of all.
 * Errors  0 or -errno; err with its stage.
 */
#ifndef ENGINE_ROOTFS_INTERNAL_H
#define ENGINE_ROOTFS_INTERNAL_H

#include "engine/bundle/bundle.h"
#include "engine/host/mount.h"
#include "engine/kernel_files.h"
#include "engine/rootfs/rootfs.h"

/* What every start opens to mount on is "left open": init closes it with one call after the
 * pivot, before it follows a path of the user's. It is close-on-exec besides, and nothing of it is
 * open for writing, because the root may become read-only. What the host's tree would be kept by
 * is closed before. */

/* mtd_fail_errno() that also sets the stage, if none is set; returns -code. */
int rootfs_fail(struct mtd_error *err, enum mtd_stage stage, int code, const char *fmt,
                ...) __attribute__((format(printf, 4, 5)));

/* rootfs/mapped.c: with a map, layers and the container's directory show the container's ids
 * from now on, by mounts over themselves, and this process creates files as its root. */
int rootfs_map_ids(const struct rootfs *r, struct mtd_error *err);
/* The options of a tmpfs or devpts: uid= and gid= become the host's. -ENAMETOOLONG. */
int rootfs_map_options(const struct rootfs *r, const char *options, char *out,
                       size_t size);

/* rootfs/label.c: options, or NULL, with SELinux's label of the container's files, where there
 * is one. -ENAMETOOLONG */
#define ROOTFS_OPTIONS 512
int rootfs_label_options(const struct rootfs *r, const char *options,
                         char out[ROOTFS_OPTIONS]);
/* The option's name: with the word nested files may have other labels than their root. */
const char *rootfs_label_key(const struct rootfs *r);
/* A mapped file is its layer's to the kernel, whatever label the mount gives it. */
int rootfs_label_layers(const struct rootfs *r, struct mtd_error *err);
/* Of a bind or volume, if it was asked for; of a volume in any case. */
int rootfs_label_mount(const struct rootfs *r, const struct mtd_mount *m,
                       struct mtd_error *err);
/* With the word nested: SELinux's own file system, at its place. */
int rootfs_label_nested(const struct rootfs *r, int root_fd, struct mtd_error *err);

/* Mounts the overlay on <dir>/rootfs; returns its fd. */
int rootfs_overlay(const struct rootfs *r, struct mtd_error *err);
/* The same for a container that will be started after it. */
int rootfs_overlay_again(const struct rootfs *r, struct mtd_error *err);
/* The same, but nothing that is written reaches the container. */
int rootfs_overlay_scratch(const struct rootfs *r, struct mtd_error *err);
int rootfs_devices(const struct rootfs *r, int root_fd, int dev_fd,
                   struct mtd_error *err);
/* rootfs/spread.c: binds that mounts come through, copied before "/" is made private. */
struct rootfs_spread {
    int *fds; /* one for each mount of the spec; -1 = none of these */
    size_t n;
};
bool rootfs_spreads(const struct mtd_mount *m);
bool rootfs_any_spreads(const struct mtd_spec *s);
int rootfs_spread_open(const struct rootfs *r, struct rootfs_spread *ret,
                       struct mtd_error *err);
void rootfs_spread_done(struct rootfs_spread *s);
/* Once it is attached. */
int rootfs_spread_set(const struct mtd_mount *m, int mount_fd);

/* rootfs/volume.c: what is mounted for a volume, detached. */
int rootfs_volume(const struct rootfs *r, size_t i, struct mtd_error *err);
/* rootfs/how.c */
bool rootfs_is_mapped(const struct rootfs *r, const struct mtd_mount *m);
struct mount_how rootfs_bind_how(const struct rootfs *r, const struct mtd_mount *m);

int rootfs_user_mounts(const struct rootfs *r, int root_fd, const struct rootfs_spread *s,
                       struct mtd_error *err);
/* Of these, what has its content from the host: binds and volumes, the files in /etc if a start
 * has made them. */
int rootfs_user_trees(const struct rootfs *r, int root_fd, struct mtd_error *err);
/* Masked and read-only paths, over all else. */
int rootfs_mask(const struct rootfs *r, int root_fd, struct mtd_error *err);

/* The paths of a config.json; in a tree that has no /proc as well. */
int rootfs_mask_listed(const struct bundle *b, int root_fd, struct mtd_error *err);

/* rootfs/user.c: opens target below the root as a mount point, which is made if missing: a file,
 * or a directory. O_PATH fd or -errno. */
int rootfs_open_target(int root_fd, const char *target, bool file);
/* rootfs/rootfs.c */
int rootfs_pivot(int root_fd, struct mtd_error *err);
/* rootfs/dev.c: the nodes and links that every container has, and those of a list; what is there
 * and right stays. */
int rootfs_devices_listed(const struct bundle *b, int root_fd, struct mtd_error *err);
/* rootfs/cgroup.c: of "cpu,cpuacct" one link for each. */
void rootfs_link_names(int dir_fd, const char *names);
/* rootfs/copyup.c: what a directory holds before something is mounted on it, to be copied there
 * afterwards: files, directories and links, with their owners, modes and times. */
int rootfs_copy_up_open(int target_fd);
int rootfs_copy_up(int from_fd, int to_fd);
/* rootfs/groups.c: the container's groups, as a record names them, bound to target_fd, which is at
 * that path. */
int rootfs_groups(const struct strv *groups, int root_fd, int target_fd, const char *path,
                  uint64_t attrs);

/* Opens a mount point as it is: a link as the link, a device without its driver. */
#define OPEN_PLACE (O_PATH | O_NOFOLLOW | O_CLOEXEC)
/* Is what target_fd has open in the tree that the clean path names? Links of the image may lead
 * from a harmless name into /proc, /sys or /dev, and from one of these into another. */
struct rootfs_places {
    uint64_t root, trees[MTD_KERNEL_TREES][4]; /* mount ids; 0 = none */
    bool known;
};
/* 0, -EXDEV = it is not, -errno. */
int rootfs_place_check(struct rootfs_places *p, int root_fd, int target_fd,
                       const char *path);
/* rootfs/marks.c: /.dockerenv and /etc/mtab, after /etc is there and before the user's mounts. */
int rootfs_marks(const struct rootfs *r, int root_fd, struct mtd_error *err);

#endif
