/* The tree of a bundle: a directory of the host's and a list of mounts, all of them as they are
 * listed, in that order. Whoever wrote the list is trusted with the host's paths in it; the tree is
 * not: targets are resolved inside of it, and a link that leads a mount into the kernel's files is
 * refused (place.c).
 *
 * Propagation: as with other runtimes the host's mounts come through (slave) unless the bundle says
 * otherwise. Whatever it says, nothing is mounted where the host could see it: the new root is
 * attached at a private place. */

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

#define PRIVATE_PLACE "/sys" /* as for the masks */

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
    int rc = target < 0 ? target : set_attrs(m, source);
    if (rc == 0)
        rc = mount_move(source, target);
    return rc == 0 ? set_propagation(m->propagation, source) : rc;
}

/* Where this process may not make one, the host's is bound: a sysfs belongs to a network
 * namespace, and that to somebody else's user namespace. */
static int new_file_system(const struct bundle_mount *m, int target)
{
    int rc = mount_new_with(target, "", m->type, m->source ? m->source : m->type,
                            m->options, m->set, m->flags);
    if (rc != -EPERM || !is_type(m, "sysfs"))
        return rc;
    const struct mount_how how = {.attrs = m->set, .top = true};
    auto_fd int hosts = mount_bind_as(AT_FDCWD, "/sys", &how);
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
    int rc = new_file_system(m, target);
    if (rc < 0)
        return rc;
    auto_fd int made = fs_open_in_root(b->root_fd, m->destination, O_PATH | O_CLOEXEC, 0);
    if (made < 0)
        return made;
    if (below >= 0 && (rc = rootfs_copy_up(below, made)) < 0)
        return rc;
    return set_propagation(m->propagation, made);
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

/* Its parent mount must not be shared, nor it be seen from there. */
static int open_private_place(const struct rootfs_listed *l)
{
    bool shared = l->bundle->propagation & MS_SHARED;
    const char *path = shared ? PRIVATE_PLACE : l->root;
    if (shared && mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0)
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
static int change_root(int root_fd, struct mtd_error *err)
{
    if (fchdir(root_fd) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
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
        rc = l->no_pivot ? change_root(root_fd, err) : rootfs_pivot(root_fd, err);
    if (rc == 0 && b->propagation && mount(NULL, "/", NULL, b->propagation, NULL) < 0)
        return rootfs_fail(err, MTD_STAGE_PIVOT, errno,
                           "cannot set the propagation of the root");
    return rc;
}

/* ---- for another user namespace ---- */

int rootfs_open_trees(const struct rootfs_listed *l, int *ret, struct mtd_error *err)
{
    const struct bundle *b = l->bundle;
    char path[PATH_MAX];
    for (size_t i = 0; i <= b->n_mounts; i++) {
        const struct bundle_mount *m = i ? &b->mounts[i - 1] : NULL;
        const struct mount_how how = {.flat = m && !m->recursive, .spreads = true};
        ret[i] = -1;
        if (m && !m->bind)
            continue;
        int rc = join_path(l, m ? m->source : l->root, path, sizeof(path));
        ret[i] = rc < 0 ? rc : mount_bind_as(AT_FDCWD, path, &how);
        if (ret[i] == -ENOENT)
            return mtd_fail(err, ENOENT, "cannot mount %s: it does not exist", path);
        if (ret[i] < 0)
            return rootfs_fail(err, MTD_STAGE_MOUNT, -ret[i], "cannot open %s", path);
    }
    return 0;
}
