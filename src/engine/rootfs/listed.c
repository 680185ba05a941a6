/* The tree of a bundle: a directory of the host's and a list of mounts, all of them as they are
 * listed, in that order. Whoever wrote the list is trusted with the host's paths in it; the tree is
 * not: targets are resolved inside of it, and a link that leads a mount into the kernel's files is
 * refused (place.c).
 *
 * Propagation: as with other runtimes the host's mounts come through (slave) unless the bundle says
 * otherwise. Whatever it says, nothing is mounted where the host could see it: the new root is
 * attached at a private place.
 *
 * In a user namespace of its own init may neither copy the host's mounts nor follow a path through
 * directories that are the host's root's alone: its parent opens all of them before. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

struct building {
    const struct rootfs_listed *l;
    int root_fd;
};

static bool is_type(const struct bundle_mount *m, const char *type)
{
    return m->type && strcmp(m->type, type) == 0;
}

/* Below the bundle when it is relative, as root.path is. */
static int join_path(const struct rootfs_listed *l, const char *source, char *ret,
                     size_t size)
{
    int n = snprintf(ret, size, "%s%s%s", *source == '/' ? "" : l->dir,
                     *source == '/' ? "" : "/", source);
    return n < (int)size ? 0 : -ENAMETOOLONG;
}

/* ---- one mount ---- */

static int open_source(const struct building *b, size_t i)
{
    const struct bundle_mount *m = &b->l->bundle->mounts[i];
    const struct mount_how how = {.flat = !m->recursive, .spreads = true};
    char path[PATH_MAX];
    if (b->l->trees)
        return fcntl(b->l->trees[i + 1], F_DUPFD_CLOEXEC, 0);
    int rc = join_path(b->l, m->source, path, sizeof(path));
    return rc < 0 ? rc : mount_bind_as(AT_FDCWD, path, &how);
}

static int set_attrs(const struct bundle_mount *m, int fd)
{
    struct mount_attr all = {.attr_set = m->all_set, .attr_clr = m->all_clear};
    struct mount_attr top = {.attr_set = m->set, .attr_clr = m->clear};
    if ((all.attr_set || all.attr_clr) &&
        mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &all, sizeof(all)) < 0)
        return -errno;
    if (!top.attr_set && !top.attr_clr)
        return 0;
    if (mount_setattr(fd, "", AT_EMPTY_PATH, &top, sizeof(top)) == 0)
        return 0;
    return errno == ENOSYS ? mount_set(fd, m->set) : -errno;
}

static int set_propagation(const unsigned long *kinds, int fd)
{
    for (size_t i = 0; i < 4 && kinds[i]; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (mount(NULL, path, NULL, kinds[i], NULL) < 0)
            return -errno;
    }
    return 0;
}

/* /proc and /sys must be what they seem: no link may stand in their place. */
static int open_place(const struct building *b, const struct bundle_mount *m, bool file)
{
    struct rootfs_places places = {0};
    bool kernels = is_type(m, "proc") || is_type(m, "sysfs");
    int first = kernels ? fs_open_in_root(b->root_fd, m->destination, OPEN_PLACE, 0) : -1;
    auto_fd int link = first;
    struct stat st;
    if (link >= 0 && (fstat(link, &st) < 0 || !S_ISDIR(st.st_mode)))
        return -ELOOP;
    auto_fd int target = rootfs_open_target(b->root_fd, m->destination, file);
    int rc = target < 0 ? target
                        : rootfs_place_check(&places, b->root_fd, target, m->destination);
    return rc < 0 ? rc : take_fd(&target);
}

static int bind(const struct building *b, size_t i)
{
    const struct bundle_mount *m = &b->l->bundle->mounts[i];
    struct stat st;
    auto_fd int source = open_source(b, i);
    if (source < 0 || fstat(source, &st) < 0)
        return source < 0 ? source : -errno;
    auto_fd int target = open_place(b, m, !S_ISDIR(st.st_mode));
    int rc = target < 0 ? target : b->l->trees ? 0 : set_attrs(m, source);
    if (rc == 0)
        rc = mount_move(source, target);
    return rc == 0 ? set_propagation(m->propagation, source) : rc;
}

/* Where this process may not make one, the host's is bound: a sysfs belongs to a network
 * namespace, proc to that of its pids, mqueue to one of IPC, and these to user namespaces. The
 * host's /proc is only for those who have the host's pids. */
static const char *hosts_instead(const struct bundle *b, const struct bundle_mount *m)
{
    const struct {
        const char *type, *path;
        enum bundle_ns ns;
    } ROWS[] = {{"sysfs", "/sys", BUNDLE_NS_NETWORK},
                {"proc", "/proc", BUNDLE_NS_PID},
                {"mqueue", "/dev/mqueue", BUNDLE_NS_IPC}};
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++)
        if (is_type(m, ROWS[i].type))
            return b->namespaces[ROWS[i].ns].listed && i ? NULL : ROWS[i].path;
    return NULL;
}

static int new_file_system(const struct building *b, const struct bundle_mount *m,
                           int target)
{
    int rc = mount_new_with(target, "", m->type, m->source ? m->source : m->type,
                            m->options, m->set, m->flags);
    const char *instead = rc == -EPERM ? hosts_instead(b->l->bundle, m) : NULL;
    if (!instead)
        return rc;
    const struct mount_how how = {.attrs = m->set, .top = true};
    auto_fd int hosts = mount_bind_as(AT_FDCWD, instead, &how);
    return hosts < 0 ? hosts : mount_move(hosts, target);
}

static int mount_file_system(const struct building *b, const struct bundle_mount *m)
{
    auto_fd int target = open_place(b, m, false);
    if (target < 0)
        return target;
    if (is_type(m, "cgroup") || is_type(m, "cgroup2"))
        return rootfs_groups(b->l->groups, b->root_fd, target, m->destination, m->set);
    auto_fd int below = m->copy_up ? rootfs_copy_up_open(target) : -1;
    int rc = new_file_system(b, m, target);
    if (rc < 0)
        return rc;
    auto_fd int made = fs_open_in_root(b->root_fd, m->destination, O_PATH | O_CLOEXEC, 0);
    if (made < 0)
        return made;
    if (below >= 0 && (rc = rootfs_copy_up(below, made)) < 0)
        return rc;
    return set_propagation(m->propagation, made);
}

/* Other attributes for what is there; those that are not named stay. */
static int remount(const struct building *b, const struct bundle_mount *m)
{
    auto_fd int there = fs_open_in_root(b->root_fd, m->destination, OPEN_PLACE, 0);
    int rc = there < 0 ? there : set_attrs(m, there);
    return rc == 0 ? set_propagation(m->propagation, there) : rc;
}

/* Nothing but /proc itself and the kernel's exceptions goes on /proc, whoever asks: what is masked
 * and what the engine writes to is below it. */
static int check_target(const struct bundle_mount *m, struct mtd_error *err)
{
    bool proc = mtd_kernel_tree_of(m->destination) == MTD_TREE_PROC;
    if (!proc ||
        (strcmp(m->destination, "/proc") == 0 && (is_type(m, "proc") || m->bind)))
        return 0;
    return mtd_mount_target_check(m->destination, false, err);
}

static int mount_one(const struct building *b, size_t i, struct mtd_error *err)
{
    const struct bundle_mount *m = &b->l->bundle->mounts[i];
    int rc = check_target(m, err);
    if (rc < 0)
        return rc;
    if (m->remount) {
        rc = remount(b, m);
        return rc < 0 ? rootfs_fail(err, MTD_STAGE_MOUNT, -rc,
                                    "cannot remount %s: is it a mount?", m->destination)
                      : 0;
    }
    rc = m->bind ? bind(b, i) : mount_file_system(b, m);
    if (rc == -EXDEV)
        return mtd_fail(err, EXDEV,
                        "cannot mount on %s: a link in the root leads it to the kernel's "
                        "files",
                        m->destination);
    if (rc == -ENOENT) /* callers take the kernel's words for it for a missing command */
        return mtd_fail(err, ENOENT, "cannot mount %s on %s: the source does not exist",
                        m->source ? m->source : m->type, m->destination);
    return rc < 0 ? rootfs_fail(err, MTD_STAGE_MOUNT, -rc, "cannot mount %s on %s",
                                m->source ? m->source : m->type, m->destination)
                  : 0;
}

/* ---- the root ---- */

/* On top of the root that is left, where no path leads, or on itself. */
static bool goes_on_top(const struct rootfs_listed *l)
{
    return l->trees || l->bundle->propagation & MS_SHARED;
}

/* Its parent mount must not be shared, nor it be seen from there. */
static int open_private_place(const struct rootfs_listed *l)
{
    const char *path = goes_on_top(l) ? "/" : l->root;
    if (goes_on_top(l) && mount(NULL, "/", NULL, MS_PRIVATE, NULL) < 0)
        return -errno;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int attach_root(const struct rootfs_listed *l, int *ret, struct mtd_error *err)
{
    const struct mount_how how = {.spreads = true};
    auto_fd int place = open_private_place(l);
    auto_fd int tree = l->trees ? fcntl(l->trees[0], F_DUPFD_CLOEXEC, 0)
                                : mount_bind_as(AT_FDCWD, l->root, &how);
    int rc = place < 0 ? place : tree < 0 ? tree : mount_move(tree, place);
    if (rc == 0 &&
        mount_setattr(tree, "", AT_EMPTY_PATH,
                      &(struct mount_attr){.propagation = MS_PRIVATE},
                      sizeof(struct mount_attr)) < 0 &&
        errno != ENOSYS)
        rc = -errno;
    if (rc == -ENOENT)
        return mtd_fail(err, ENOENT, "the root %s does not exist", l->root);
    if (rc < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, -rc, "cannot mount the root %s",
                           l->root);
    *ret = take_fd(&tree);
    return 0;
}

int rootfs_build_listed(const struct rootfs_listed *l, int *ret_root_fd,
                        struct mtd_error *err)
{
    const struct bundle *b = l->bundle;
    unsigned long kind = b->propagation ? b->propagation : MS_SLAVE | MS_REC;
    auto_fd int root = -1;
    if (mount(NULL, "/", NULL, kind, NULL) < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, errno,
                           "cannot set the propagation of the mounts");
    umask(0);
    int rc = attach_root(l, &root, err);
    struct building building = {l, root};
    for (size_t i = 0; i < b->n_mounts && rc == 0; i++)
        rc = mount_one(&building, i, err);
    if (rc == 0)
        rc = rootfs_devices_listed(b, root, err);
    if (rc < 0)
        return rc;
    *ret_root_fd = take_fd(&root);
    return 0;
}

/* ---- the end ---- */

/* On a root that is the kernel's initramfs, where pivot_root has nothing to put away. The old root
 * stays below, reachable by nothing. */
static int change_root(const struct rootfs_listed *l, int root_fd, struct mtd_error *err)
{
    if (fchdir(root_fd) < 0 ||
        (!goes_on_top(l) && mount(".", "/", NULL, MS_MOVE, NULL) < 0) ||
        chroot(".") < 0 || chdir("/") < 0)
        return rootfs_fail(err, MTD_STAGE_PIVOT, errno, "cannot change to the root");
    return 0;
}

int rootfs_enter_listed(const struct rootfs_listed *l, int root_fd, struct mtd_error *err)
{
    const struct bundle *b = l->bundle;
    int rc = rootfs_mask_listed(b, root_fd, err);
    if (rc == 0 && b->read_only && (rc = mount_set(root_fd, MOUNT_ATTR_RDONLY)) < 0)
        return rootfs_fail(err, MTD_STAGE_PIVOT, -rc, "cannot make the root read-only");
    if (rc == 0)
        rc = l->no_pivot ? change_root(l, root_fd, err) : rootfs_pivot(root_fd, err);
    if (rc == 0 && b->propagation && mount(NULL, "/", NULL, b->propagation, NULL) < 0)
        return rootfs_fail(err, MTD_STAGE_PIVOT, errno,
                           "cannot set the propagation of the root");
    return rc;
}

/* ---- for another user namespace ---- */

/* What the host mounts later comes through, but never the reverse, whatever is asked for: these are
 * the host's own groups of peers. */
static int set_slave(int fd)
{
    struct mount_attr a = {.propagation = MS_SLAVE};
    return mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &a, sizeof(a)) < 0 ? -errno
                                                                                  : 0;
}

static int map_ids(const struct bundle_mount *m, int fd, int userns)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
    unsigned deep = m->maps_all ? AT_RECURSIVE : 0;
    return mount_setattr(fd, "", AT_EMPTY_PATH | deep, &a, sizeof(a)) < 0 ? -errno : 0;
}

static int open_tree_of(const char *path, const struct bundle_mount *m, int map,
                        struct mtd_error *err)
{
    const struct mount_how how = {.flat = m && !m->recursive, .spreads = true};
    auto_fd int fd = mount_bind_as(AT_FDCWD, path, &how);
    int rc = fd < 0 ? fd : set_slave(fd);
    if (rc == 0 && m)
        rc = set_attrs(m, fd);
    if (rc == -ENOENT)
        return mtd_fail(err, ENOENT, "cannot mount %s: it does not exist", path);
    if (rc < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -rc, "cannot open %s", path);
    rc = map >= 0 ? map_ids(m, fd, map) : 0;
    if (rc == -EINVAL || rc == -EPERM)
        return rootfs_fail(
            err, MTD_STAGE_MOUNT, EOPNOTSUPP,
            "the ids of %s cannot be mapped: its file system cannot do that, "
            "or they are mapped already",
            path);
    return rc < 0
               ? rootfs_fail(err, MTD_STAGE_MOUNT, -rc, "cannot map the ids of %s", path)
               : take_fd(&fd);
}

int rootfs_open_trees(const struct rootfs_listed *l, const int *maps, int *ret,
                      struct mtd_error *err)
{
    const struct bundle *b = l->bundle;
    char path[PATH_MAX];
    int rc = 0;
    for (size_t i = 0; i <= b->n_mounts; i++)
        ret[i] = -1;
    for (size_t i = 0; i <= b->n_mounts && rc >= 0; i++) {
        const struct bundle_mount *m = i ? &b->mounts[i - 1] : NULL;
        if (m && (!m->bind || m->remount))
            continue;
        rc = join_path(l, m ? m->source : l->root, path, sizeof(path));
        if (rc < 0)
            return rootfs_fail(err, MTD_STAGE_MOUNT, -rc, "cannot open %s",
                               m ? m->source : l->root);
        rc = ret[i] = open_tree_of(path, m, m ? maps[i - 1] : -1, err);
    }
    return rc < 0 ? rc : 0;
}
