/* The order matters: private propagation before the first mount, or all mounts would
 * appear on the host; the overlay before what is mounted in it; the user's mounts after
 * ours, so that a volume may cover /dev/shm; masks after both, so that they cover both;
 * the root becomes read-only last, when every mount point exists. */

#include "engine/rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/sys.h"
#include "engine/host/mount.h"
#include "engine/host/selinux.h"
#include "engine/idmap.h"
#include "engine/rootfs/internal.h"

#define NO_SUID MOUNT_ATTR_NOSUID
#define NO_DEV MOUNT_ATTR_NODEV
#define NO_EXEC MOUNT_ATTR_NOEXEC
#define READ_ONLY MOUNT_ATTR_RDONLY

/* Whose file system it is: of a network or IPC namespace, or of none that a container with
 * a map of ids has not got from the clone. */
enum belongs { TO_NONE, TO_NET, TO_IPC };

/* docker's defaults (moby oci/defaults.go). Those below /dev follow it. */
static const struct {
    const char *target, *fstype, *options;
    uint64_t attrs;
    enum belongs belongs;
} DEFAULT_MOUNTS[] = {
    {"/proc", "proc", NULL, NO_SUID | NO_DEV | NO_EXEC},
    {"/sys", "sysfs", NULL, READ_ONLY | NO_SUID | NO_DEV | NO_EXEC, TO_NET},
    {"/dev", "tmpfs", "mode=755,size=65536k", NO_SUID | MOUNT_ATTR_STRICTATIME},
    {"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
     NO_SUID | NO_EXEC},
    {"/dev/shm", "tmpfs", "mode=1777,size=65536k", NO_SUID | NO_DEV | NO_EXEC},
    {"/dev/mqueue", "mqueue", NULL, NO_SUID | NO_DEV | NO_EXEC, TO_IPC},
};

/* /proc, /sys and /dev must not be links of the image: later steps and the command take
 * what is mounted there for the kernel's. */
static int open_target(int root_fd, const char *target)
{
    int fd = fs_open_in_root(root_fd, target, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    return fd == -ENOENT ? fs_mkdir_in_root(root_fd, target, 0755) : fd;
}

#define DEV "/dev/"
#define SHM "/dev/shm"

/* /dev/shm goes with the IPC namespace: its own, with the size asked for, another
 * container's or the host's. */
static int mount_shm(const struct rootfs *r, int dir_fd, const char *name, size_t i)
{
    const struct mtd_spec *s = &r->record->spec;
    char sized[64];
    if (s->ipc_from)
        return mount_move_at(r->shm_fd, dir_fd, name);
    if (s->ipc == MTD_IPC_HOST) {
        auto_fd int bind = mount_bind(AT_FDCWD, SHM, DEFAULT_MOUNTS[i].attrs);
        return bind < 0 ? bind : mount_move_at(bind, dir_fd, name);
    }
    if (s->shm_size)
        snprintf(sized, sizeof(sized), "mode=1777,size=%lld", (long long)s->shm_size);
    char labelled[ROOTFS_OPTIONS];
    int rc = rootfs_label_options(r, s->shm_size ? sized : DEFAULT_MOUNTS[i].options,
                                  labelled);
    return rc < 0 ? rc
                  : mount_new_on(dir_fd, name, DEFAULT_MOUNTS[i].fstype,
                                 DEFAULT_MOUNTS[i].fstype, labelled,
                                 DEFAULT_MOUNTS[i].attrs);
}

/* A privileged container may change what /sys shows, as in docker. */
static uint64_t attrs_of(const struct rootfs *r, size_t i)
{
    bool privileged = r->record->spec.process.privileged;
    return DEFAULT_MOUNTS[i].attrs & ~(privileged ? READ_ONLY : 0);
}

static int mount_default(const struct rootfs *r, int dir_fd, const char *name, size_t i)
{
    const char *fstype = DEFAULT_MOUNTS[i].fstype, *options = DEFAULT_MOUNTS[i].options;
    char mapped[128];
    if (options && mtd_idmap_is_set(&r->record->spec)) {
        int rc = rootfs_map_options(r, options, mapped, sizeof(mapped));
        if (rc < 0)
            return rc;
        options = mapped;
    }
    char labelled[ROOTFS_OPTIONS];
    int rc = options ? rootfs_label_options(r, options, labelled) : 0;
    return rc < 0 ? rc
                  : mount_new_on(dir_fd, name, fstype, fstype, options ? labelled : NULL,
                                 attrs_of(r, i));
}

/* Its file system has no such option. What is made in a user namespace is that one's. */
static int label_queues(const struct rootfs *r, int dev_fd, const char *name)
{
    bool wanted = strcmp(name, "mqueue") == 0 && !mtd_idmap_is_set(&r->record->spec);
    return wanted ? selinux_label_at(dev_fd, name, r->label) : 0;
}

static int mount_in_image(const struct rootfs *r, int root_fd, size_t i,
                          struct mtd_error *err)
{
    const char *target = DEFAULT_MOUNTS[i].target;
    int fd = open_target(root_fd, target); /* left open, see internal.h */
    if (fd < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -fd,
                           "cannot open the image's %s to mount on it", target);
    int code = mount_default(r, fd, "", i);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mount %s on %s",
                           DEFAULT_MOUNTS[i].fstype, target);
    return 0;
}

/* What stands in the new /dev, which nobody else has seen yet. */
static int mount_in_dev(const struct rootfs *r, int dev_fd, size_t i,
                        struct mtd_error *err)
{
    const struct mtd_spec *s = &r->record->spec;
    const char *name = DEFAULT_MOUNTS[i].target + strlen(DEV);
    bool shm = strcmp(DEFAULT_MOUNTS[i].target, SHM) == 0;
    if (shm && s->ipc == MTD_IPC_NONE)
        return 0;
    int code = mkdirat(dev_fd, name, 0755) < 0 ? -errno
               : shm                           ? mount_shm(r, dev_fd, name, i)
                                               : mount_default(r, dev_fd, name, i);
    if (code == 0)
        code = label_queues(r, dev_fd, name);
    /* A tmpfs is whose process mounts it, devpts is not. */
    uint32_t root;
    if (code == 0 && mtd_idmap_is_set(s) && mtd_idmap_to_host(s, 0, &root) &&
        strcmp(DEFAULT_MOUNTS[i].fstype, "devpts") == 0 &&
        fchownat(dev_fd, name, root, root, AT_SYMLINK_NOFOLLOW) < 0)
        code = -errno;
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mount %s on %s",
                           DEFAULT_MOUNTS[i].fstype, DEFAULT_MOUNTS[i].target);
    return 0;
}

/* With a map of ids: the namespace it belongs to is made in the user namespace, later. */
static bool is_late(const struct mtd_spec *s, size_t i)
{
    if (!mtd_idmap_is_set(s))
        return false;
    switch (DEFAULT_MOUNTS[i].belongs) {
    case TO_NONE: return false;
    case TO_NET: return s->network != MTD_NET_HOST;
    case TO_IPC: return s->ipc != MTD_IPC_HOST && !s->ipc_from;
    }
    return false;
}

static int open_dev(int root_fd, struct mtd_error *err)
{
    int fd = fs_open_in_root(root_fd, "/dev", O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? rootfs_fail(err, MTD_STAGE_DEVICES, -fd, "cannot open the new /dev")
                  : fd;
}

static int mount_defaults(const struct rootfs *r, int root_fd, struct mtd_error *err)
{
    int dev = -1, code = 0; /* left open, see internal.h */
    for (size_t i = 0; i < ARRAY_SIZE(DEFAULT_MOUNTS) && code == 0; i++) {
        if (is_late(&r->record->spec, i))
            continue;
        if (dev >= 0) {
            code = mount_in_dev(r, dev, i, err);
            continue;
        }
        code = mount_in_image(r, root_fd, i, err);
        if (code == 0 && strcmp(DEFAULT_MOUNTS[i].target, "/dev") == 0)
            code = dev = open_dev(root_fd, err);
        code = code < 0 ? code : 0;
    }
    return code < 0 ? code : rootfs_devices(r, root_fd, dev, err);
}

/* The user may have mounted something there: then that stays on top. */
static bool is_taken(int dev_fd, size_t i)
{
    struct stat dir, here;
    return fstat(dev_fd, &dir) == 0 &&
           fstatat(dev_fd, DEFAULT_MOUNTS[i].target + strlen(DEV), &here,
                   AT_SYMLINK_NOFOLLOW) == 0 &&
           (!S_ISDIR(here.st_mode) || here.st_dev != dir.st_dev);
}

static int mount_late(const struct rootfs *r, int root_fd, int dev_fd, size_t i,
                      struct mtd_error *err)
{
    if (strncmp(DEFAULT_MOUNTS[i].target, DEV, strlen(DEV)) != 0)
        return mount_in_image(r, root_fd, i, err);
    if (is_taken(dev_fd, i))
        return 0;
    unlinkat(dev_fd, DEFAULT_MOUNTS[i].target + strlen(DEV), AT_REMOVEDIR);
    return mount_in_dev(r, dev_fd, i, err);
}

/* The mounts were copied from a more privileged namespace, and the kernel locks them in their
 * places. A copy of the whole tree is not locked to any. */
static int unlock_root(const struct rootfs *r, int *root_fd, struct mtd_error *err)
{
    const struct mount_how how = {.spreads = rootfs_any_spreads(&r->record->spec)};
    auto_fd int old = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_fd int copy = old < 0 ? -errno : mount_bind_as(old, "", &how);
    int code = copy < 0 ? copy : mount_move(copy, old);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, -code, "cannot copy the root's mount");
    close(*root_fd);
    *root_fd = take_fd(&copy);
    return 0;
}

int rootfs_complete(const struct rootfs *r, int *root_fd, struct mtd_error *err)
{
    int code = unlock_root(r, root_fd, err);
    auto_fd int dev = code < 0 ? code : open_dev(*root_fd, err);
    code = dev < 0 ? dev : 0;
    for (size_t i = 0; i < ARRAY_SIZE(DEFAULT_MOUNTS) && code == 0; i++)
        if (is_late(&r->record->spec, i))
            code = mount_late(r, *root_fd, dev, i, err);
    return code;
}

int rootfs_build(const struct rootfs *r, int *ret_root_fd, struct mtd_error *err)
{
    auto_done(rootfs_spread_done) struct rootfs_spread spread = {0};
    int code = rootfs_spread_open(r, &spread, err);
    if (code < 0)
        return code;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, errno, "cannot make mounts private");
    umask(0);
    code = rootfs_label_layers(r, err);
    if (code == 0 && mtd_idmap_is_set(&r->record->spec))
        code = rootfs_map_ids(r, err);
    auto_fd int root = code < 0 ? code : rootfs_overlay(r, err);
    if (root < 0)
        return root;
    code = mount_defaults(r, root, err);
    if (code == 0)
        code = rootfs_label_nested(r, root, err);
    if (code == 0)
        code = rootfs_user_mounts(r, root, &spread, err);
    if (code < 0)
        return code;
    *ret_root_fd = take_fd(&root);
    return 0;
}

/* The file system that the kernel unpacks its initramfs into cannot be
 * pivoted away from. */
static int pivot_failed(int code, struct mtd_error *err)
{
    struct statfs fs;
    bool initramfs = code == EINVAL && statfs("/", &fs) == 0 &&
                     (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
    if (initramfs)
        return rootfs_fail(
            err, MTD_STAGE_PIVOT, code,
            "cannot pivot into the container's root; if the host's root is "
            "its initramfs, switch_root to another one first");
    return rootfs_fail(err, MTD_STAGE_PIVOT, code,
                       "cannot pivot into the container's root");
}

/* pivot_root(".", ".") stacks the old root under the new one; detaching "." drops it. */
int rootfs_pivot(int root_fd, struct mtd_error *err)
{
    if (fchdir(root_fd) < 0 || sys_pivot_root(".", ".") < 0)
        return pivot_failed(errno, err);
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return rootfs_fail(err, MTD_STAGE_PIVOT, errno, "cannot leave the host's root");
    return 0;
}

int rootfs_enter(const struct rootfs *r, int root_fd, struct mtd_error *err)
{
    int code = rootfs_mask(r, root_fd, err);
    if (code == 0 && r->record->spec.read_only &&
        (code = mount_set(root_fd, READ_ONLY)) < 0)
        return rootfs_fail(err, MTD_STAGE_PIVOT, -code, "cannot make the root read-only");
    return code < 0 ? code : rootfs_pivot(root_fd, err);
}

int rootfs_enter_plain(int root_fd, int64_t shm_size, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record plain;
    mtd_record_init(&plain);
    if (shm_size)
        plain.spec.shm_size = shm_size;
    const struct rootfs r = {.record = &plain, .shm_fd = -1, .userns_fd = -1};
    int code = mount_defaults(&r, root_fd, err);
    return code < 0 ? code : rootfs_enter(&r, root_fd, err);
}
