/* kernel_files - what a container sees of the kernel's own files: /proc, /sys and /dev.
 * Shape   masked paths show an empty file or directory, read-only ones cannot be written;
 *         both are tables, which a container's mask and unmask change. The same rules
 *         say where a user or an image may mount something.
 * Errors  0 or -errno; err names the path.
 * Process any; init mounts what the tables say (rootfs/mask.c), inspect shows it.
 * Source  moby oci/defaults.go; podman-run(1) --security-opt mask, unmask; runc's list of
 *         what may be mounted in /proc.
 */
#ifndef ENGINE_KERNEL_FILES_H
#define ENGINE_KERNEL_FILES_H

#include "engine/types.h"

/* Added to *ret. sys: "/sys", or a test's directory: each CPU's thermal_throttle is a row of its
 * own. Nothing is asked about the other paths: a kernel may lack them. */
int mtd_masked_paths(const struct mtd_spec *s, const char *sys, struct strv *ret);
int mtd_readonly_paths(const struct mtd_spec *s, struct strv *ret);

/* Adds the paths of "/a:/b" to spec.mask or, where "ALL" and patterns (/proc/k*) are words as
 * well, spec.unmask. -EINVAL = one is not absolute. */
int mtd_mask_add(struct strv *ret, const char *text, struct mtd_error *err);
int mtd_unmask_add(struct strv *ret, const char *text, struct mtd_error *err);

enum mtd_kernel_tree { MTD_TREE_NONE, MTD_TREE_PROC, MTD_TREE_SYS, MTD_TREE_DEV };
#define MTD_KERNEL_TREES 4
extern const char
    *const mtd_kernel_tree_root[MTD_KERNEL_TREES]; /* "/proc"; NONE = NULL */
/* Which of them a clean path (fs_clean_path) names or is below. */
enum mtd_kernel_tree mtd_kernel_tree_of(const char *path);

/* May something be mounted on this clean path? Nothing of an image's in any of the three; of a
 * user's nothing on /proc, and below it only what lxcfs and checkpoints provide. */
int mtd_mount_target_check(const char *target, bool of_image, struct mtd_error *err);

#endif
