/* Masks go over everything that is mounted, and show objects of our own, which nobody else has
 * a name for: a tmpfs with an empty directory and a null device. A /dev/null found by name may
 * be a file of the image's or of another container's (CVE-2025-31133). One file system for
 * both: one superblock to make and to reap. */

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

/* Detached binds of the two objects, until the first path of their kind is masked; from there
 * they are repeated. -1 = not made yet. */
struct masks {
    int proc_fd, fs_fd, empty_fd, null_fd; /* proc: borrowed */
    bool empty_placed, null_placed;
};

static bool is_null(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* Where no nodes can be made, as in another engine's container, it is the host's. */
static int bind_null(int fs_fd)
{
    auto_fd int own = openat(fs_fd, "null", OPEN_PLACE);
    auto_fd int hosts = own < 0 ? open("/dev/null", OPEN_PLACE) : -1;
    int from = own < 0 ? hosts : own;
    if (from < 0 || !is_null(from))
        return from < 0 ? -errno : -ENODEV;
    return mount_bind(from, "", ATTRS);
}

static int bind_both(struct masks *m)
{
    int code = m->empty_fd = mount_bind(m->fs_fd, "empty", ATTRS | MOUNT_ATTR_NODEV);
    if (code >= 0)
        code = m->null_fd = bind_null(m->fs_fd);
    return code < 0 ? code : 0;
}

/* Before Linux 6.15 nothing of a detached mount can be bound: it is attached meanwhile, to a
 * directory that each kernel has. */
static int bind_attached(struct masks *m)
{
    int code = mount_move_at(m->fs_fd, m->proc_fd, "sys");
    if (code < 0)
        return code;
    code = bind_both(m);
    int end = mount_detach(m->fs_fd);
    return code < 0 ? code : end;
}

static int make_objects(struct masks *m)
{
    if (m->fs_fd >= 0)
        return 0;
    m->fs_fd = mount_new("tmpfs", "tmpfs", FS_OPTIONS, MOUNT_ATTR_NOSUID);
    if (m->fs_fd < 0)
        return m->fs_fd;
    if (mkdirat(m->fs_fd, "empty", 0755) < 0 ||
        (mknodat(m->fs_fd, "null", S_IFCHR | 0666, makedev(1, 3)) < 0 && errno != EPERM))
        return -errno;
    int code = bind_both(m);
    return code == -EINVAL ? bind_attached(m) : code;
}

static int cover(int target, int object, bool *placed)
{
    int code = *placed ? mount_bind_on(NULL, object, target) : mount_move(object, target);
    *placed = *placed || code == 0;
    return code;
}

static int mask_one(int root_fd, struct masks *m, const char *path, struct mtd_error *err)
{
    struct stat st;
    auto_fd int target = fs_open_in_root(root_fd, path, O_PATH | O_CLOEXEC, 0);
    if (target == -ENOENT || target == -ENOTDIR)
        return 0; /* this kernel has none */
    int code = target < 0 ? target : fstat(target, &st) < 0 ? -errno : make_objects(m);
    if (code == 0)
        code = S_ISDIR(st.st_mode) ? cover(target, m->empty_fd, &m->empty_placed)
                                   : cover(target, m->null_fd, &m->null_placed);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mask %s", path);
    return 0;
}

#define PROC "/proc/"

/* All of these are the kernel's names in /proc. One that it lacks is skipped. */
static int make_read_only(int proc_fd, const char *path, struct mtd_error *err)
{
    const char *name = path + strlen(PROC);
    auto_fd int bind = mount_bind(proc_fd, name, MOUNT_ATTR_RDONLY);
    if (bind == -ENOENT)
        return 0;
    int code = bind < 0 ? bind : mount_move_at(bind, proc_fd, name);
    if (code < 0)
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

static int mask_all(const struct mtd_spec *s, int root_fd, struct masks *m,
                    struct mtd_error *err)
{
    auto_done(strv_done) struct strv masked = {0}, read_only = {0};
    auto_fd int proc = open_proc(root_fd, err);
    int code = proc < 0 ? proc : 0;
    m->proc_fd = proc;
    if (code == 0 && (mtd_masked_paths(s, "/sys", &masked) < 0 ||
                      mtd_readonly_paths(s, &read_only) < 0))
        code =
            rootfs_fail(err, MTD_STAGE_MOUNT, ENOMEM, "cannot mask the kernel's files");
    for (size_t i = 0; i < masked.len && code == 0; i++)
        code = mask_one(root_fd, m, masked.items[i], err);
    for (size_t i = 0; i < read_only.len && code == 0; i++)
        code = make_read_only(proc, read_only.items[i], err);
    return code;
}

int rootfs_mask(const struct mtd_spec *s, int root_fd, struct mtd_error *err)
{
    struct masks m = {.proc_fd = -1, .fs_fd = -1, .empty_fd = -1, .null_fd = -1};
    int code = mask_all(s, root_fd, &m, err);
    cleanup_fd(&m.fs_fd);
    cleanup_fd(&m.empty_fd);
    cleanup_fd(&m.null_fd);
    return code;
}
