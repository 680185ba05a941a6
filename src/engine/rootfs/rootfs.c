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
#include "engine/rootfs/internal.h"

#define NO_SUID MOUNT_ATTR_NOSUID
#define NO_DEV MOUNT_ATTR_NODEV
#define NO_EXEC MOUNT_ATTR_NOEXEC
#define READ_ONLY MOUNT_ATTR_RDONLY

/* docker's defaults (moby oci/defaults.go). */
static const struct {
    const char *target, *fstype, *options;
    uint64_t attrs;
} DEFAULT_MOUNTS[] = {
    {"/proc", "proc", NULL, NO_SUID | NO_DEV | NO_EXEC},
    {"/sys", "sysfs", NULL, READ_ONLY | NO_SUID | NO_DEV | NO_EXEC},
    {"/dev", "tmpfs", "mode=755,size=65536k", NO_SUID | MOUNT_ATTR_STRICTATIME},
    {"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
     NO_SUID | NO_EXEC},
    {"/dev/shm", "tmpfs", "mode=1777,size=65536k", NO_SUID | NO_DEV | NO_EXEC},
    {"/dev/mqueue", "mqueue", NULL, NO_SUID | NO_DEV | NO_EXEC},
};

static const char *const MASKED[] = {
    "/proc/acpi",        "/proc/asound",        "/proc/kcore",
    "/proc/keys",        "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug",   "/proc/scsi",
    "/proc/interrupts",  "/sys/firmware",       "/sys/devices/virtual/powercap",
};

static const char *const READ_ONLY_PATHS[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* /proc, /sys and /dev must not be links of the image: later steps and the command take
 * what is mounted there for the kernel's. */
static int refuse_link(int root_fd, const char *target)
{
    struct stat st;
    if (fstatat(root_fd, target + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

#define SHM "/dev/shm"

/* /dev/shm goes with the IPC namespace: its own, with the size asked for, or the host's. */
static int new_default(const struct mtd_spec *s, size_t i)
{
    const char *options = DEFAULT_MOUNTS[i].options;
    bool shm = strcmp(DEFAULT_MOUNTS[i].target, SHM) == 0;
    char sized[64];
    if (shm && s->ipc == MTD_IPC_HOST)
        return mount_bind(AT_FDCWD, SHM, DEFAULT_MOUNTS[i].attrs);
    if (shm && s->shm_size) {
        snprintf(sized, sizeof(sized), "mode=1777,size=%lld", (long long)s->shm_size);
        options = sized;
    }
    return mount_new(DEFAULT_MOUNTS[i].fstype, DEFAULT_MOUNTS[i].fstype, options,
                     DEFAULT_MOUNTS[i].attrs);
}

static int mount_default(const struct mtd_spec *s, int root_fd, size_t i,
                         struct mtd_error *err)
{
    const char *target = DEFAULT_MOUNTS[i].target;
    if (s->ipc == MTD_IPC_NONE && strcmp(target, SHM) == 0)
        return 0;
    int code = refuse_link(root_fd, target);
    auto_fd int fd = code < 0 ? code : fs_mkdir_in_root(root_fd, target, 0755);
    if (fd < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -fd,
                           "cannot open the image's %s to mount on it", target);
    auto_fd int mount = new_default(s, i);
    code = mount < 0 ? mount : mount_move(mount, fd);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mount %s on %s",
                           DEFAULT_MOUNTS[i].fstype, target);
    return 0;
}

int rootfs_build(const struct rootfs *r, int *ret_root_fd, struct mtd_error *err)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, errno, "cannot make mounts private");
    umask(0);
    auto_fd int root = rootfs_overlay(r, err);
    if (root < 0)
        return root;
    for (size_t i = 0; i < ARRAY_SIZE(DEFAULT_MOUNTS); i++) {
        int code = mount_default(&r->record->spec, root, i, err);
        if (code < 0)
            return code;
    }
    int code = rootfs_devices(r, root, err);
    if (code == 0)
        code = rootfs_user_mounts(r, root, err);
    if (code < 0)
        return code;
    *ret_root_fd = take_fd(&root);
    return 0;
}

/* Makes one path below the root read-only. A path that the kernel lacks is skipped. */
static int make_read_only(int root_fd, const char *path, struct mtd_error *err)
{
    auto_fd int target = fs_open_in_root(root_fd, path, O_PATH | O_CLOEXEC, 0);
    if (target == -ENOENT)
        return 0;
    auto_fd int bind = target < 0 ? target : mount_bind(target, "", READ_ONLY);
    int code = bind < 0 ? bind : mount_move(bind, target);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot make %s read-only", path);
    return 0;
}

/* The first masked directory gets an empty file system, the others binds of it: so only
 * one superblock has to be made and destroyed. */
static int mask_directory(int target, int *empty_fd)
{
    auto_fd int fresh = -1;
    if (*empty_fd >= 0)
        fresh = mount_bind(*empty_fd, "", READ_ONLY);
    else
        fresh = mount_new("tmpfs", "tmpfs", "mode=755,size=4k",
                          READ_ONLY | NO_SUID | NO_DEV | NO_EXEC);
    int code = fresh < 0 ? fresh : mount_move(fresh, target);
    if (code == 0 && *empty_fd < 0)
        *empty_fd = take_fd(&fresh);
    return code;
}

static int mask_file(int target, int null_fd)
{
    auto_fd int bind = mount_bind(null_fd, "", READ_ONLY);
    return bind < 0 ? bind : mount_move(bind, target);
}

static int mask_one(int root_fd, int null_fd, int *empty_fd, const char *path,
                    struct mtd_error *err)
{
    auto_fd int target = fs_open_in_root(root_fd, path, O_PATH | O_CLOEXEC, 0);
    if (target == -ENOENT)
        return 0;
    struct stat st;
    int code = target < 0 ? target : fstat(target, &st) < 0 ? -errno : 0;
    if (code == 0)
        code = S_ISDIR(st.st_mode) ? mask_directory(target, empty_fd)
                                   : mask_file(target, null_fd);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mask %s", path);
    return 0;
}

static int mask_paths(int root_fd, struct mtd_error *err)
{
    auto_fd int null = fs_open_in_root(root_fd, "/dev/null", O_PATH | O_CLOEXEC, 0);
    if (null < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -null, "cannot open the new /dev/null");
    auto_fd int empty = -1;
    for (size_t i = 0; i < ARRAY_SIZE(MASKED); i++) {
        int code = mask_one(root_fd, null, &empty, MASKED[i], err);
        if (code < 0)
            return code;
    }
    for (size_t i = 0; i < ARRAY_SIZE(READ_ONLY_PATHS); i++) {
        int code = make_read_only(root_fd, READ_ONLY_PATHS[i], err);
        if (code < 0)
            return code;
    }
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
static int pivot(int root_fd, struct mtd_error *err)
{
    if (fchdir(root_fd) < 0 || sys_pivot_root(".", ".") < 0)
        return pivot_failed(errno, err);
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return rootfs_fail(err, MTD_STAGE_PIVOT, errno, "cannot leave the host's root");
    return 0;
}

int rootfs_enter(const struct rootfs *r, int root_fd, struct mtd_error *err)
{
    int code = r->record->spec.process.privileged ? 0 : mask_paths(root_fd, err);
    if (code == 0 && r->record->spec.read_only &&
        (code = mount_set(root_fd, READ_ONLY)) < 0)
        return rootfs_fail(err, MTD_STAGE_PIVOT, -code, "cannot make the root read-only");
    return code < 0 ? code : pivot(root_fd, err);
}
