/* An overlay of the image's layers and the container's own upper directory. Few layers fit into
 * the string of mount(2), one call instead of the new API's thirteen. lowerdir+ (Linux 6.7) takes
 * one layer at a time, without a limit on their length; older kernels get the string, which is
 * limited to a page, with names relative to the layers' directory so that more of them fit, or of
 * descriptors. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/host/mount.h"

#define DATA_MAX 4096
#define PATH_ROOM 4096
#define VOLATILE "work/incompat/volatile"
#define FEW_LAYERS 16

static int set_string(int fs_fd, const char *key, const char *value)
{
    return fsconfig(fs_fd, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int open_dir(const char *dir, const char *name)
{
    char path[PATH_ROOM];
    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int set_path(int fs_fd, const char *key, const char *dir, const char *name)
{
    auto_fd int fd = open_dir(dir, name);
    if (fd < 0)
        return fd;
    char short_path[64]; /* fsconfig takes strings of up to 256 bytes */
    snprintf(short_path, sizeof(short_path), "/proc/self/fd/%d", fd);
    return set_string(fs_fd, key, short_path);
}

/* What is written goes to `upper` and `work` in this directory. */
struct overlay {
    const char *dir;
    bool own_below;   /* the container's upper directory is the first of the layers */
    bool is_volatile; /* unmounting does not wait for the disk, and it is the last time */
};

static int add_layers(int fs_fd, const struct rootfs *r)
{
    if (fault_point("rootfs.lowerdir") < 0)
        return -EINVAL; /* as before Linux 6.7 */
    const struct strv *layers = &r->record->spec.layers;
    char dir[PATH_ROOM];
    if (snprintf(dir, sizeof(dir), "%s/layers", r->images_dir) >= (int)sizeof(dir))
        return -ENAMETOOLONG;
    for (size_t i = layers->len; i-- > 0;) {
        int err = set_path(fs_fd, "lowerdir+", dir, layers->items[i]);
        if (err < 0)
            return err;
    }
    return 0;
}

static int set_flags(int fs_fd, const struct rootfs *r, const struct overlay *o)
{
    static const char *const OPTIONS[][2] = {
        {"index", "off"}, {"metacopy", "off"}, {"redirect_dir", "off"}};
    for (size_t i = 0; i < ARRAY_SIZE(OPTIONS); i++) {
        int err = set_string(fs_fd, OPTIONS[i][0], OPTIONS[i][1]);
        if (err < 0)
            return err;
    }
    if (o->is_volatile)
        fsconfig(fs_fd, FSCONFIG_SET_FLAG, "volatile", NULL, 0);
    int rc = r->label ? set_string(fs_fd, rootfs_label_key(r), r->label) : 0;
    if (rc < 0)
        return rc;
    return set_string(fs_fd, "source", "overlay");
}

static int few_options(const struct rootfs *r, const int *fds, size_t n, bool is_volatile,
                       char *out, size_t size)
{
    char begin[ROOTFS_OPTIONS];
    int rc = rootfs_label_options(
        r, "index=off,metacopy=off,redirect_dir=off,upperdir=upper,workdir=work", begin);
    if (rc < 0)
        return rc;
    size_t used = (size_t)snprintf(
        out, size, "%s%s,lowerdir=", is_volatile ? "volatile," : "", begin);
    for (size_t i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s/proc/self/fd/%d",
                                 i ? ":" : "", fds[i]);
    return used < size ? 0 : -EINVAL;
}

/* Mounts it on <dir>/rootfs, and leaves this process in <dir>: the names are the engine's own.
 * Layers are named by descriptor, as their paths may have commas and colons. -EINVAL = another
 * way may do. */
static int few_layers(const struct rootfs *r, const struct overlay *o)
{
    const struct strv *layers = &r->record->spec.layers;
    char path[PATH_ROOM], data[ROOTFS_OPTIONS + FEW_LAYERS * 32];
    int fds[FEW_LAYERS];
    size_t n = 0;
    if (layers->len == 0 || layers->len > FEW_LAYERS || fault_point("rootfs.few") < 0 ||
        fault_point("rootfs.lowerdir") < 0)
        return -EINVAL;
    int rc = chdir(o->dir) < 0 ? -errno : 0;
    for (; rc == 0 && n < layers->len; n += rc == 0) {
        snprintf(path, sizeof(path), "layers/%s", layers->items[layers->len - 1 - n]);
        fds[n] = open_dir(r->images_dir, path);
        rc = fds[n] < 0 ? fds[n] : 0;
    }
    if (rc == 0)
        rc = few_options(r, fds, n, o->is_volatile, data, sizeof(data));
    if (rc == 0 && mount("overlay", "rootfs", "overlay", 0, data) < 0)
        rc = -errno;
    while (n-- > 0)
        close(fds[n]);
    int fd = rc < 0 ? rc : open("rootfs", OPEN_PLACE);
    return rc == 0 && fd < 0 ? -errno : fd;
}

static int new_api(const struct rootfs *r, const struct overlay *o)
{
    auto_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
    if (fs < 0)
        return -errno;
    int err = o->own_below ? set_path(fs, "lowerdir+", r->dir, "upper") : 0;
    if (err == 0)
        err = add_layers(fs, r);
    if (err == 0)
        err = set_path(fs, "upperdir", o->dir, "upper");
    if (err == 0)
        err = set_path(fs, "workdir", o->dir, "work");
    if (err == 0)
        err = set_flags(fs, r, o);
    if (err < 0)
        return err;
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

struct old_dirs {
    int upper, work; /* -1 = a read-only overlay */
    int own;         /* the container's upper directory as a layer; -1 = it is none */
    int target;
    bool is_volatile;
};

/* Layers are named relative to the current directory, the others by descriptor: a
 * path may contain commas and colons, which have a meaning here. fds: NULL = by their ids. */
static int old_options(const struct rootfs *r, const struct old_dirs *d, const int *fds,
                       char *out, size_t size)
{
    const struct strv *layers = &r->record->spec.layers;
    char begin[ROOTFS_OPTIONS];
    int rc = rootfs_label_options(r, "index=off,metacopy=off", begin);
    if (rc < 0)
        return rc;
    size_t used = (size_t)snprintf(out, size, "%s,", begin);
    if (d->work >= 0)
        used += (size_t)snprintf(out + used, size - used,
                                 "%supperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d,",
                                 d->is_volatile ? "volatile," : "", d->upper, d->work);
    used += (size_t)snprintf(out + used, size - used, "lowerdir=");
    if (d->own >= 0)
        used += (size_t)snprintf(out + used, size - used, "/proc/self/fd/%d:", d->own);
    for (size_t i = layers->len; i-- > 0;) {
        char number[16];
        if (fds)
            snprintf(number, sizeof(number), "%d", fds[i]);
        int n = snprintf(out + used, size - used, "%s%s", fds ? number : layers->items[i],
                         i ? ":" : "");
        if (n < 0 || (size_t)n >= size - used)
            return -E2BIG;
        used += (size_t)n;
    }
    return 0;
}

/* dir: the current directory while the options are read. */
static int mount_old(const struct old_dirs *d, int dir, const char *data)
{
    char path[64];
    auto_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0 || fchdir(dir) < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", d->target);
    int err = 0;
    if (mount("overlay", path, "overlay", d->work >= 0 ? 0 : MS_RDONLY, data) < 0)
        err = -errno;
    if (fchdir(here) < 0 && err == 0)
        err = -errno;
    return err;
}

/* The ids of 60 layers fill the page; descriptors in /proc/self/fd are as short as can be. */
static int mount_many(const struct rootfs *r, const struct old_dirs *d, int layers)
{
    const struct strv *names = &r->record->spec.layers;
    char data[DATA_MAX];
    int err = 0;
    size_t n = 0;
    auto_fd int dir = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_free int *fds = calloc(names->len, sizeof(*fds));
    if (dir < 0 || !fds)
        return -ENOMEM;
    for (; n < names->len && err == 0; n += err == 0) {
        fds[n] = openat(layers, names->items[n],
                        O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        err = fds[n] < 0 ? -errno : 0;
    }
    if (err == 0)
        err = old_options(r, d, fds, data, sizeof(data));
    if (err == 0)
        err = mount_old(d, dir, data);
    while (n-- > 0)
        close(fds[n]);
    return err;
}

/* Mounts it on <dir>/rootfs in this process's mount namespace; returns its fd. o: NULL = a
 * read-only one. */
static int old_api(const struct rootfs *r, const struct overlay *o)
{
    char data[DATA_MAX];
    bool with_own = !o || o->own_below;
    auto_fd int own = with_own ? open_dir(r->dir, "upper") : -1;
    auto_fd int upper = o ? open_dir(o->dir, "upper") : -1;
    auto_fd int work = o ? open_dir(o->dir, "work") : -1;
    auto_fd int target = open_dir(r->dir, "rootfs");
    auto_fd int layers = open_dir(r->images_dir, "layers");
    if (target < 0 || layers < 0 || (with_own && own < 0) ||
        (o && (upper < 0 || work < 0)))
        return -ENOENT;
    const struct old_dirs dirs = {upper, work, own, target, o && o->is_volatile};
    int err = old_options(r, &dirs, NULL, data, sizeof(data));
    if (err == 0)
        err = mount_old(&dirs, layers, data);
    else if (err == -E2BIG)
        err = mount_many(r, &dirs, layers);
    return err < 0 ? err : open_dir(r->dir, "rootfs");
}

static int place(const struct rootfs *r, int mount_fd)
{
    char path[PATH_ROOM];
    if (snprintf(path, sizeof(path), "%s/rootfs", r->dir) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    auto_fd int target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return target < 0 ? -errno : mount_move(mount_fd, target);
}

/* Removes the mark of a volatile overlay, with which the kernel would refuse the next one.
 * false = there was none. */
static bool forget_volatile(const char *dir)
{
    auto_fd int work = open_dir(dir, "work");
    return work >= 0 && faccessat(work, VOLATILE, F_OK, 0) == 0 &&
           fs_remove_tree_at(work, VOLATILE) == 0;
}

static int mount_detached(const struct rootfs *r, const struct overlay *o)
{
    auto_fd int fd = new_api(r, o);
    if (fd == -EINVAL && forget_volatile(o->dir)) /* a killed rootfs_overlay_again() */
        fd = new_api(r, o);
    int code = fd < 0 ? fd : place(r, fd);
    return code < 0 ? code : take_fd(&fd);
}

static int mount_overlay(const struct rootfs *r, const struct overlay *o,
                         struct mtd_error *err)
{
    int fd = o->own_below ? -EINVAL : few_layers(r, o);
    if (fd == -EINVAL)
        fd = mount_detached(r, o);
    if (fd == -EINVAL || fd == -ENOSYS)
        fd = old_api(r, o);
    if (fd == -ENODEV) {
        mtd_fail(err, ENODEV,
                 "this kernel has no overlay file system; load it with modprobe overlay");
        err->stage = MTD_STAGE_ROOTFS;
        return -ENODEV;
    }
    return fd < 0 ? rootfs_fail(err, MTD_STAGE_ROOTFS, -fd,
                                "cannot mount the overlay on %s/rootfs", r->dir)
                  : fd;
}

/* The upper directory of a --rm container is deleted anyway, so unmounting need not sync
 * it. */
int rootfs_overlay(const struct rootfs *r, struct mtd_error *err)
{
    const struct overlay o = {r->dir, false, r->record->spec.auto_remove};
    return mount_overlay(r, &o, err);
}

/* Unmounting writes the whole file system below to the disk, unless it is volatile. What is
 * copied need not survive a power loss more than what cp(1) copies. */
int rootfs_overlay_again(const struct rootfs *r, struct mtd_error *err)
{
    const struct overlay o = {r->dir, false, true};
    int fd = mount_overlay(r, &o, err);
    if (fault_point("cp.volatile") == 0 && fd >= 0)
        forget_volatile(r->dir);
    return fd;
}

/* Its own upper directory is on a tmpfs, below it on the same mount point. */
int rootfs_overlay_scratch(const struct rootfs *r, struct mtd_error *err)
{
    char dir[PATH_ROOM];
    if (snprintf(dir, sizeof(dir), "%s/rootfs", r->dir) >= (int)sizeof(dir))
        return rootfs_fail(err, MTD_STAGE_ROOTFS, ENAMETOOLONG, "cannot mount");
    auto_fd int target = open_dir(r->dir, "rootfs");
    int code =
        target < 0 ? target : mount_new_on(target, "", "tmpfs", "tmpfs", "mode=755", 0);
    auto_fd int scratch = code < 0 ? code : open_dir(r->dir, "rootfs");
    if (scratch < 0 || mkdirat(scratch, "upper", 0755) < 0 ||
        mkdirat(scratch, "work", 0700) < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, scratch < 0 ? -scratch : errno,
                           "cannot mount a tmpfs on %s", dir);
    const struct overlay o = {dir, true, true};
    return mount_overlay(r, &o, err);
}

static int new_tree(const struct rootfs *r)
{
    auto_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
    int code = fs < 0 ? -errno : set_path(fs, "lowerdir+", r->dir, "upper");
    if (code == 0)
        code = add_layers(fs, r);
    if (code == 0)
        code = set_string(fs, "source", "overlay");
    if (code == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        code = -errno;
    if (code < 0)
        return code;
    int fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
    return fd < 0 ? -errno : fd;
}

/* The mount is made in a new mount namespace of this process and detached from it again:
 * the fd keeps it alive. */
static int old_tree(const struct rootfs *r)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    auto_fd int fd = old_api(r, NULL);
    if (fd < 0)
        return fd;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return umount2(path, MNT_DETACH) < 0 ? -errno : take_fd(&fd);
}

int rootfs_open_tree(const struct rootfs *r, struct mtd_error *err)
{
    int fd = new_tree(r);
    if (fd == -EINVAL)
        fd = old_tree(r);
    return fd < 0 ? mtd_fail_errno(err, -fd, "cannot read the container's files") : fd;
}
