/* Binds, volumes and tmpfs of the user, and the three files of hostfiles.h. Sources are
 * host paths, which the user is trusted to name; targets are resolved inside the root
 * only, because the image may have links there that lead to the host. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/host/mount.h"
#include "engine/idmap.h"

#define PATH_ROOM 4096
#define CANNOT_MAP " with ids mapped: its file system cannot do that"
#define TMPFS_ATTRS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const char *const HOST_FILES[] = {"hosts", "hostname", "resolv.conf"};

/* If target is a dangling link of the image, the file is made where it points to or, if
 * that has no directory, in place of the link. */
static int make_file(int root_fd, const char *target)
{
    char parent[PATH_ROOM];
    const char *slash = strrchr(target, '/');
    if (!slash || snprintf(parent, sizeof(parent), "%.*s", (int)(slash - target),
                           target) >= (int)sizeof(parent))
        return -ENAMETOOLONG;
    auto_fd int dir = fs_mkdir_in_root(root_fd, *parent ? parent : "/", 0755);
    if (dir < 0)
        return dir;
    int flags = O_CREAT | O_WRONLY | O_CLOEXEC | O_NONBLOCK;
    auto_fd int fd = fs_open_in_root(root_fd, target, flags, 0644);
    if (fd >= 0)
        return 0;
    if (fd != -ENOENT || unlinkat(dir, slash + 1, 0) < 0)
        return fd;
    fd = openat(dir, slash + 1, flags | O_EXCL | O_NOFOLLOW, 0644);
    return fd < 0 ? -errno : 0;
}

int rootfs_open_target(int root_fd, const char *target, bool file)
{
    if (!file)
        return fs_mkdir_in_root(root_fd, target, 0755);
    int fd = fs_open_in_root(root_fd, target, O_PATH | O_CLOEXEC, 0);
    if (fd != -ENOENT)
        return fd;
    int rc = make_file(root_fd, target);
    return rc < 0 ? rc : fs_open_in_root(root_fd, target, O_PATH | O_CLOEXEC, 0);
}

static int clone_source(const struct rootfs *r, size_t i, struct mtd_error *err)
{
    const struct mtd_mount *m = &r->record->spec.mounts[i];
    if (m->type == MTD_MOUNT_VOLUME)
        return rootfs_volume(r, i, err);
    int rc = rootfs_label_mount(r, m, err);
    if (rc < 0)
        return rc;
    const struct mount_how how = rootfs_bind_how(r, m);
    return mount_bind_as(AT_FDCWD, m->source, &how);
}

/* Where a mount of the user's or the image's goes; made if missing. */
static int open_place(struct rootfs_places *p, int root_fd, const char *path, bool file)
{
    auto_fd int target = rootfs_open_target(root_fd, path, file);
    int rc = target < 0 ? target : rootfs_place_check(p, root_fd, target, path);
    return rc < 0 ? rc : take_fd(&target);
}

/* The i-th mount, which is open as mount_fd. */
static int attach(struct rootfs_places *p, int root_fd, const struct mtd_mount *m,
                  int mount_fd)
{
    struct stat st;
    if (fstat(mount_fd, &st) < 0)
        return -errno;
    auto_fd int target = open_place(p, root_fd, m->target, !S_ISDIR(st.st_mode));
    return target < 0 ? target : mount_move(mount_fd, target);
}

/* s: NULL = nothing comes through any of them. */
static int bind_one(const struct rootfs *r, struct rootfs_places *p, int root_fd,
                    const struct rootfs_spread *s, size_t i, struct mtd_error *err)
{
    const struct mtd_mount *m = &r->record->spec.mounts[i];
    if (s && rootfs_spreads(m)) {
        int rc = attach(p, root_fd, m, s->fds[i]);
        return rc < 0 ? rc : rootfs_spread_set(m, s->fds[i]);
    }
    auto_fd int mount = clone_source(r, i, err);
    return mount < 0 ? mount : attach(p, root_fd, m, mount);
}

static int tmpfs_one(const struct rootfs *r, struct rootfs_places *p, int root_fd,
                     const struct mtd_mount *m)
{
    uint64_t attrs = TMPFS_ATTRS | (m->read_only ? MOUNT_ATTR_RDONLY : 0);
    char options[512], mapped[512];
    bool maps = mtd_idmap_is_set(&r->record->spec);
    int code = mount_split(m->options, &attrs, options, sizeof(options));
    if (code == 0 && maps)
        code = rootfs_map_options(r, options, mapped, sizeof(mapped));
    if (code < 0)
        return code;
    char labelled[ROOTFS_OPTIONS];
    code = rootfs_label_options(r, maps ? mapped : options, labelled);
    auto_fd int mount = code < 0 ? code : mount_new("tmpfs", "tmpfs", labelled, attrs);
    if (mount < 0)
        return mount;
    auto_fd int target = open_place(p, root_fd, m->target, false);
    return target < 0 ? target : mount_move(mount, target);
}

/* In an image resolv.conf may be a link into /run. A dangling one is replaced, as docker
 * does, and not followed, so that the mount point is made in /etc and nowhere else. So is one
 * that leads to the kernel's files, such as /dev/null. */
static void drop_link(int root_fd, const char *name)
{
    auto_fd int etc =
        fs_open_in_root(root_fd, "/etc", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (etc >= 0)
        unlinkat(etc, name, 0);
}

static int bind_host_file(const struct rootfs *r, struct rootfs_places *p, int root_fd,
                          const char *name, struct mtd_error *err)
{
    char source[PATH_ROOM], target[64];
    snprintf(source, sizeof(source), "%s/%s", r->dir, name);
    snprintf(target, sizeof(target), "/etc/%s", name);
    int fd = fs_open_in_root(root_fd, target, O_PATH | O_CLOEXEC,
                             0); /* left open, see internal.h */
    int code = fd < 0 ? fd : rootfs_place_check(p, root_fd, fd, target);
    if (code == -ENOENT || code == -EXDEV) {
        cleanup_fd(&fd);
        drop_link(root_fd, name);
        fd = open_place(p, root_fd, target, true);
        code = fd < 0 ? fd : 0;
    }
    if (code == 0)
        code = mount_bind_on(source, fd);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mount %s", target);
    return 0;
}

static int fail_to_mount(const struct rootfs *r, const struct mtd_mount *m, int code,
                         struct mtd_error *err)
{
    if (code == -EOPNOTSUPP && m->type == MTD_MOUNT_BIND)
        return rootfs_fail(err, MTD_STAGE_MOUNT, EOPNOTSUPP,
                           "cannot mount %s on %s: all of it read-only needs Linux 5.12",
                           m->source, m->target);
    if (code == -EXDEV)
        return rootfs_fail(err, MTD_STAGE_MOUNT, EXDEV,
                           "cannot mount on %s: a link of the image leads it to the "
                           "kernel's files",
                           m->target);
    return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mount %s on %s%s",
                       m->source ? m->source : "tmpfs", m->target,
                       code == -EINVAL && rootfs_is_mapped(r, m) ? CANNOT_MAP : "");
}

static bool is_there(const struct rootfs *r, const char *name)
{
    auto_fd int dir = fs_open_dir_at(AT_FDCWD, r->dir);
    return dir >= 0 && faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int rootfs_user_trees(const struct rootfs *r, int root_fd, struct mtd_error *err)
{
    const struct mtd_spec *spec = &r->record->spec;
    struct rootfs_places places = {0};
    int code = 0;
    for (size_t i = 0; i < ARRAY_SIZE(HOST_FILES) && code == 0; i++)
        if (is_there(r, HOST_FILES[i]))
            code = bind_host_file(r, &places, root_fd, HOST_FILES[i], err);
    for (size_t i = 0; i < spec->n_mounts && code == 0; i++) {
        const struct mtd_mount *m = &spec->mounts[i];
        if (m->type == MTD_MOUNT_TMPFS || mtd_kernel_tree_of(m->target) != MTD_TREE_NONE)
            continue;
        code = bind_one(r, &places, root_fd, NULL, i, err);
        if (code < 0)
            return fail_to_mount(r, m, code, err);
    }
    return code;
}

int rootfs_user_mounts(const struct rootfs *r, int root_fd, const struct rootfs_spread *s,
                       struct mtd_error *err)
{
    const struct mtd_spec *spec = &r->record->spec;
    struct rootfs_places places = {0};
    for (size_t i = 0; i < ARRAY_SIZE(HOST_FILES); i++) {
        int code = bind_host_file(r, &places, root_fd, HOST_FILES[i], err);
        if (code < 0)
            return code;
    }
    int marked = rootfs_marks(r, root_fd, err);
    if (marked < 0)
        return marked;
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct mtd_mount *m = &spec->mounts[i];
        int code = m->type == MTD_MOUNT_TMPFS ? tmpfs_one(r, &places, root_fd, m)
                                              : bind_one(r, &places, root_fd, s, i, err);
        if (code < 0)
            return fail_to_mount(r, m, code, err);
    }
    return 0;
}
