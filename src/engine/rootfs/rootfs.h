/* rootfs - the container's file tree, built from inside its own mount namespace.
 * Shape   overlay of the image's layers plus upper and work, mounted on
 *         <dir>/rootfs; the default mounts (a table), the user's, hosts files,
 *         devices; masked and read-only paths; pivot_root, old root detached.
 *         Nothing is ever mounted in the host's namespace, so nothing can be left
 *         there: the mounts go with the namespace.
 * Rule    private propagation before anything else. Targets below the root are
 *         opened with openat2 RESOLVE_IN_ROOT and mounted on by fd (move_mount
 *         to an empty path).
 * Process init only, between its clone and the command; rootfs_open_tree() and
 *         rootfs_open_file_systems() any process, rootfs_visit() a child made for it.
 * Errors  0 or -errno; err->stage is ROOTFS, MOUNT, DEVICES, CGROUP or PIVOT.
 * Owner   returned fds are the caller's, close-on-exec; struct rootfs borrows all it has.
 * Source  kernel overlayfs.rst; OCI runtime-spec config-linux.md; moby oci/defaults.go.
 */
#ifndef ENGINE_ROOTFS_ROOTFS_H
#define ENGINE_ROOTFS_ROOTFS_H

#include "engine/bundle/bundle.h"
#include "engine/cgroup/cgroup.h"
#include "engine/types.h"

/* What a container's first start makes in its upper directory where the image has none: a file
 * in /, and a link in /etc. */
#define ROOTFS_ENV ".dockerenv"
#define ROOTFS_ENV_MODE 0755
#define ROOTFS_MTAB "mtab"
#define ROOTFS_MTAB_TARGET "/proc/mounts"

/* File systems that options of volumes name, mounted and attached nowhere. Init has the device rules
 * of its container, which no block device passes, so its parent opens them. */
#define ROOTFS_FILE_SYSTEMS 32
struct rootfs_file_systems {
    size_t n;
    int fds[ROOTFS_FILE_SYSTEMS];
    size_t mounts[ROOTFS_FILE_SYSTEMS]; /* which of the spec's each is for */
};
/* Any process, root. NULL when there are none; else the caller's. */
int rootfs_open_file_systems(const struct mtd_spec *s, const char *volumes_dir,
                             struct rootfs_file_systems **ret, struct mtd_error *err);
void rootfs_file_systems_free(struct rootfs_file_systems *f); /* NULL = nothing */

struct rootfs {
    const struct mtd_record *record;
    const char *dir;         /* <root>/containers/<id> */
    const char *images_dir;  /* <root>/images */
    const char *volumes_dir; /* <root>/volumes */
    const char *init_path;   /* our executable, for --init; NULL = without */
    int shm_fd; /* the mount for /dev/shm when spec.ipc_from is set; else not looked at */
    const struct rootfs_file_systems *file_systems; /* NULL = none */
    const char *label; /* SELinux's, of what is mounted; NULL = none */
    int userns_fd;     /* of rootfs_build(), valid when the spec has a map of ids */
};
/* Makes everything that does not need the cgroup namespace, and sets the umask to 0. With a
 * map of ids, what belongs to namespaces that are still to be made is left for
 * rootfs_complete(), and files that are created are the mapped root's. */
int rootfs_build(const struct rootfs *r, int *ret_root_fd, struct mtd_error *err);
/* After the caller has entered its user namespace with a new mount namespace, in which its
 * directory, the root, is one that the kernel would not pivot to: *root_fd becomes one that it
 * does. Mounts what is left. */
int rootfs_complete(const struct rootfs *r, int *root_fd, struct mtd_error *err);
/* The groups that init is in, as /proc/PID/cgroup lists them, with the host's paths. */
#define ROOTFS_CGROUPS_MAX 8192
int rootfs_list_cgroups(const struct cgroup *groups, char *list, size_t size,
                        struct mtd_error *err);
/* Mounts /sys/fs/cgroup, in the container's cgroup namespace: those groups of the list,
 * which is modified, whose path ends in the id. Nothing if the user has mounted something
 * there or above. */
int rootfs_mount_cgroup(const struct rootfs *r, int root_fd, char *list,
                        struct mtd_error *err);
/* The file tree of a container that need not run: a detached, read-only overlay of
 * upper and layers, which only this fd leads to. Before Linux 6.7 the process gets its
 * own mount namespace. */
int rootfs_open_tree(const struct rootfs *r, struct mtd_error *err);
/* The file tree of a container that does not run, with its volumes and binds, but nothing of
 * the kernel's: in a mount namespace of its own, which the caller has made. Files that are
 * created belong to the container's root. With `writable` they stay; hold the container's
 * lock. Else they are lost, and the container is not touched. */
int rootfs_visit(const struct rootfs *r, bool writable, int *ret_root_fd,
                 struct mtd_error *err);
/* Masked and read-only paths, then pivot_root: "/" is the container's, the old root is
 * gone. */
int rootfs_enter(const struct rootfs *r, int root_fd, struct mtd_error *err);
/* ---- of a bundle: the directory and the mounts that its config.json lists, in their order ---- */

/* What init is given besides the list, by its parent. */
struct rootfs_listed {
    const struct bundle *bundle;
    const char *dir;           /* of config.json: relative sources are below it */
    const char *root;          /* absolute */
    const struct strv *groups; /* the container's, as in a record */
    int *trees;                /* NULL; else what rootfs_open_trees() has opened */
    bool no_pivot;             /* the host's root cannot be pivoted away from: chroot */
};
/* In a mount namespace of its own, the cgroup namespace included. Sets the umask to 0. */
int rootfs_build_listed(const struct rootfs_listed *l, int *ret_root_fd,
                        struct mtd_error *err);
/* As rootfs_enter(). */
int rootfs_enter_listed(const struct rootfs_listed *l, int root_fd,
                        struct mtd_error *err);
/* Copies of the root and then of each mount's source, -1 = it has none, with their attributes: of
 * n_mounts + 1. By the host's root, for an init that is another user namespace's and may not copy
 * them, or cannot find them. maps: a user namespace for each mount whose ids are to be mapped, -1 =
 * they are not. Ids are mapped of what is attached nowhere. */
int rootfs_open_trees(const struct rootfs_listed *l, const int *maps, int *ret,
                      struct mtd_error *err);

/* For a tree that is no container's, but attached: it gets the kernel's files as any container
 * has them, with the masks, and "/" is that tree.
 * shm_size: of /dev/shm, in bytes; 0 = a container's. */
int rootfs_enter_plain(int root_fd, int64_t shm_size, struct mtd_error *err);

#endif
