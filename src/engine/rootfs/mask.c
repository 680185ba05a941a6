/* Masks go over everything that is mounted, and show objects of our own, which nobody else has
 * a name for: a tmpfs with an empty directory and a null device. A /dev/null found by name may
 * be a file of the image's or of another container's (CVE-2025-31133). One file system for
 * both: one superblock to make and to reap.
 *
 * It is mounted in the host's tree, as init's mount namespace has it, and goes with that tree
 * when the root is pivoted: a detached mount is dissolved by itself, which waits for one more
 * grace period of RCU, and before Linux 6.15 nothing of one can be bound. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/host/mount.h"

#define ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
#define FS_OPTIONS "mode=755,size=16k"
#define FS_PLACE \
    "/sys" /* a directory that each host has; nothing looks into it any more */
#define EMPTY "empty"
#define NULL_DEVICE "null"
#define PROC "/proc/"

static bool is_null(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* Where no nodes can be made, as in another engine's container, it is the host's. */
static int borrow_null(int fs_fd)
{
    auto_fd int hosts = open("/dev/null", OPEN_PLACE);
    if (hosts < 0 || !is_null(hosts))
        return hosts < 0 ? -errno : -ENODEV;
    auto_fd int file = openat(fs_fd, NULL_DEVICE, O_WRONLY | O_CREAT | O_CLOEXEC, 0);
    auto_fd int bind = file < 0 ? -errno : mount_bind(hosts, "", ATTRS);
    return bind < 0 ? bind : mount_move_at(bind, fs_fd, NULL_DEVICE);
}

static int make_null(int fs_fd)
{
    if (mknodat(fs_fd, NULL_DEVICE, S_IFCHR | 0666, makedev(1, 3)) == 0)
        return 0;
    return errno == EPERM ? borrow_null(fs_fd) : -errno;
}

/* Binds take over the attributes of the mount. r: NULL = of a bundle, without a label. */
static int make_objects(const struct rootfs *r)
{
    char options[ROOTFS_OPTIONS] = FS_OPTIONS;
    int code = r ? rootfs_label_options(r, FS_OPTIONS, options) : 0;
    if (code < 0)
        return code;
    if (mount("tmpfs", FS_PLACE, "tmpfs", MS_NOSUID | MS_NOEXEC, options) < 0)
        return -errno;
    auto_fd int fs = open(FS_PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fs < 0)
        return -errno;
    if (mkdirat(fs, EMPTY, 0755) < 0)
        return -errno;
    code = make_null(fs);
    if (code == 0)
        code = mount_set(fs, ATTRS);
    return code < 0 ? code : take_fd(&fs);
}

/* Of docker's list; only a guess, by which the right one is mostly tried first. */
static bool may_be_directory(const char *path)
{
    static const char *const DIRECTORIES[] = {"/proc/acpi", "/proc/asound", "/proc/scsi",
                                              "/sys/firmware"};
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(DIRECTORIES); i++)
        any |= strcmp(path, DIRECTORIES[i]) == 0;
    return any;
}

/* Whether it is a file or a directory, the kernel says. fs_fd has its path in the host's tree:
 * none of the two is a link. */
static int cover(int fs_fd, int dir_fd, const char *name, const char *path)
{
    const char *objects[] = {NULL_DEVICE, EMPTY};
    bool first = may_be_directory(path);
    int code = mount_bind_name(fs_fd, objects[first], dir_fd, name);
    return code == -ENOTDIR ? mount_bind_name(fs_fd, objects[!first], dir_fd, name)
                            : code;
}

static int cover_in_root(int fs_fd, int root_fd, const char *path)
{
    auto_fd int target = fs_open_in_root(root_fd, path, O_PATH | O_CLOEXEC, 0);
    return target < 0 ? target : cover(fs_fd, target, "", path);
}

/* A single name in /proc is the kernel's; anything longer may lead elsewhere. */
static int mask_one(int root_fd, int proc_fd, int fs_fd, const char *path,
                    struct mtd_error *err)
{
    const char *name = strncmp(path, PROC, strlen(PROC)) == 0 ? path + strlen(PROC) : "";
    bool single = proc_fd >= 0 && *name && *name != '.' && !strchr(name, '/');
    int code =
        single ? cover(fs_fd, proc_fd, name, path) : cover_in_root(fs_fd, root_fd, path);
    if (code < 0 && code != -ENOENT && code != -ENOTDIR) /* this kernel has none */
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mask %s", path);
    return 0;
}

static int bind_in_root(int root_fd, const char *path)
{
    auto_fd int target = fs_open_in_root(root_fd, path, O_PATH | O_CLOEXEC, 0);
    auto_fd int bind = target < 0 ? target : mount_bind(target, "", MOUNT_ATTR_RDONLY);
    return bind < 0 ? bind : mount_move(bind, target);
}

/* One that this kernel lacks is skipped. */
static int make_read_only(int root_fd, int proc_fd, const char *path,
                          struct mtd_error *err)
{
    const char *name = strncmp(path, PROC, strlen(PROC)) == 0 ? path + strlen(PROC) : "";
    bool single = proc_fd >= 0 && *name && *name != '.' && !strchr(name, '/');
    int code = single ? mount_read_only_at(proc_fd, name) : bind_in_root(root_fd, path);
    if (code < 0 && code != -ENOENT && code != -ENOTDIR)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot make %s read-only", path);
    return 0;
}

/* Nothing can have been mounted on it; if something is there all the same, what is masked below
 * would be another's files. */
static int open_proc(int root_fd, struct mtd_error *err)
{
    struct statfs fs;
    auto_fd int proc =
        fs_open_in_root(root_fd, PROC, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (proc < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -proc, "cannot open the new /proc");
    if (fstatfs(proc, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
        return rootfs_fail(err, MTD_STAGE_MOUNT, EXDEV, "/proc is not the kernel's");
    return take_fd(&proc);
}

static int mask_all(const struct rootfs *r, int root_fd, int proc_fd,
                    const struct strv *masked, const struct strv *read_only,
                    struct mtd_error *err)
{
    auto_fd int fs = masked->len ? make_objects(r) : -1;
    if (masked->len && fs < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -fs, "cannot make what masks show");
    int code = 0;
    for (size_t i = 0; i < masked->len && code == 0; i++)
        code = mask_one(root_fd, proc_fd, fs, masked->items[i], err);
    for (size_t i = 0; i < read_only->len && code == 0; i++)
        code = make_read_only(root_fd, proc_fd, read_only->items[i], err);
    return code;
}

int rootfs_mask(const struct rootfs *r, int root_fd, struct mtd_error *err)
{
    const struct mtd_spec *s = &r->record->spec;
    auto_done(strv_done) struct strv masked = {0}, read_only = {0};
    if (mtd_masked_paths(s, "/sys", &masked) < 0 || mtd_readonly_paths(s, &read_only) < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, ENOMEM,
                           "cannot mask the kernel's files");
    auto_fd int proc = open_proc(root_fd, err);
    return proc < 0 ? proc : mask_all(r, root_fd, proc, &masked, &read_only, err);
}

int rootfs_mask_listed(const struct bundle *b, int root_fd, struct mtd_error *err)
{
    auto_fd int proc = open_proc(root_fd, NULL);
    return mask_all(NULL, root_fd, proc, &b->masked, &b->read_only_paths, err);
}
