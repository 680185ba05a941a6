/* /dev is a new tmpfs with the nodes that every program expects, because an image's /dev
 * is empty or not to be trusted. They are made by directory fd, after the mount. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/grant.h"
#include "engine/host/init_program.h"
#include "engine/host/mount.h"
#include "engine/idmap.h"

static const struct {
    const char *name;
    unsigned major, minor;
} NODES[] = {
    {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
    {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

static const struct {
    const char *name, *target;
} LINKS[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
    {"ptmx", "pts/ptmx"},          {"core", "/proc/kcore"},
};

static int make_nodes(int dev_fd, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(NODES); i++)
        if (mknodat(dev_fd, NODES[i].name, S_IFCHR | 0666,
                    makedev(NODES[i].major, NODES[i].minor)) < 0)
            return rootfs_fail(err, MTD_STAGE_DEVICES, errno, "cannot create /dev/%s",
                               NODES[i].name);
    for (size_t i = 0; i < ARRAY_SIZE(LINKS); i++)
        if (symlinkat(LINKS[i].target, dev_fd, LINKS[i].name) < 0)
            return rootfs_fail(err, MTD_STAGE_DEVICES, errno, "cannot link /dev/%s",
                               LINKS[i].name);
    return 0;
}

/* An embedded program is written into the container's own /dev; for our executable the
 * file is only the mount point. It is closed again, since a file open for writing
 * cannot be executed. */
static int make_init(int dev_fd, const void *program, size_t size)
{
    auto_fd int fd =
        openat(dev_fd, "init", O_CREAT | O_EXCL | O_CLOEXEC | O_WRONLY, 0555);
    if (fd < 0)
        return -errno;
    return program ? fs_write_all(fd, program, size) : 0;
}

/* Binds the program of --init to /dev/init, read-only. */
static int bind_init(const struct rootfs *r, int dev_fd, struct mtd_error *err)
{
    size_t size = 0;
    const void *program = init_program_embedded(&size);
    int code = init_program_check(err);
    if (code < 0)
        return code;
    code = make_init(dev_fd, program, size);
    auto_fd int target = openat(dev_fd, "init", O_PATH | O_CLOEXEC);
    auto_fd int bind = program ? mount_bind(dev_fd, "init", MOUNT_ATTR_RDONLY)
                               : mount_bind(AT_FDCWD, r->init_path, MOUNT_ATTR_RDONLY);
    if (code == 0)
        code = bind < 0 ? bind : target < 0 ? -errno : mount_move(bind, target);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_DEVICES, -code, "cannot bind %s to /dev/init",
                           program ? "the init program" : r->init_path);
    return 0;
}

/* Its owner on the host, by number: with a map, the container's id of that number. */
static int give_device(const struct mtd_spec *s, int dir, const char *name,
                       const struct stat *st)
{
    uint32_t uid, gid;
    if (!mtd_idmap_to_host(s, st->st_uid, &uid))
        uid = (uint32_t)-1;
    if (!mtd_idmap_to_host(s, st->st_gid, &gid))
        gid = (uint32_t)-1;
    return fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
}

struct making {
    const struct mtd_spec *spec;
    int root_fd;
};

/* The host's node made again, with its owner and mode. One of the default nodes may be asked
 * for as well. */
static int make_device(const char *target, const struct stat *st, const char *access,
                       void *arg, struct mtd_error *err)
{
    const struct making *m = arg;
    char parent[512];
    const char *name = strrchr(target, '/');
    (void)access;
    snprintf(parent, sizeof(parent), "%.*s", (int)(name - target), target);
    auto_fd int dir = fs_mkdir_in_root(m->root_fd, *parent ? parent : "/", 0755);
    int code = dir < 0 ? -dir : 0;
    name++;
    if (!code && unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        code = errno;
    if (!code && mknodat(dir, name, st->st_mode, st->st_rdev) < 0)
        code = errno;
    if (!code)
        code = give_device(m->spec, dir, name, st);
    return code ? rootfs_fail(err, MTD_STAGE_DEVICES, code, "cannot create %s", target)
                : 0;
}

/* ---- of a bundle ---- */

/* As a bind of the host's node, where none can be made: in a user namespace. What has its name on
 * the host must be that device. */
static int bind_node(int dir, const char *name, const struct stat *want,
                     const char *hosts)
{
    struct stat st;
    auto_fd int bind = mount_bind(AT_FDCWD, hosts, 0);
    if (bind < 0 || fstat(bind, &st) < 0)
        return bind < 0 ? bind : -errno;
    if ((st.st_mode & S_IFMT) != (want->st_mode & S_IFMT) || st.st_rdev != want->st_rdev)
        return -ENXIO;
    auto_fd int place =
        openat(dir, name, O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    auto_fd int target = openat(dir, name, OPEN_PLACE);
    if (target < 0)
        return place < 0 ? -errno : -EIO;
    return mount_move(bind, target);
}

/* One that is there stays if it is the same device; anything else goes. */
static int place_node(int dir, const char *name, const struct stat *want,
                      const char *hosts)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        bool same = (st.st_mode & S_IFMT) == (want->st_mode & S_IFMT) &&
                    (S_ISFIFO(st.st_mode) || st.st_rdev == want->st_rdev);
        if (same)
            return 0;
        if (unlinkat(dir, name, 0) < 0)
            return -errno;
    }
    if (mknodat(dir, name, want->st_mode, want->st_rdev) < 0)
        return errno == EPERM ? bind_node(dir, name, want, hosts) : -errno;
    return fchownat(dir, name, want->st_uid, want->st_gid, AT_SYMLINK_NOFOLLOW) < 0
               ? -errno
               : 0;
}

static mode_t type_of(char type)
{
    return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
}

static int make_listed(int root_fd, const struct bundle_device *d, struct mtd_error *err)
{
    struct stat want = {
        .st_mode = type_of(d->type) | (mode_t)d->mode,
        .st_rdev = d->type == 'p' ? 0 : makedev((unsigned)d->major, (unsigned)d->minor),
        .st_uid = (uid_t)d->uid,
        .st_gid = (gid_t)d->gid};
    char parent[PATH_MAX];
    const char *name = strrchr(d->path, '/');
    if (snprintf(parent, sizeof(parent), "%.*s", (int)(name - d->path), d->path) >=
            (int)sizeof(parent) ||
        !name[1])
        return rootfs_fail(err, MTD_STAGE_DEVICES, EINVAL, "cannot create %s", d->path);
    auto_fd int dir = fs_mkdir_in_root(root_fd, *parent ? parent : "/", 0755);
    int code = dir < 0 ? dir : place_node(dir, name + 1, &want, d->path);
    return code < 0
               ? rootfs_fail(err, MTD_STAGE_DEVICES, -code, "cannot create %s", d->path)
               : 0;
}

static int make_defaults(int dev_fd, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(NODES); i++) {
        struct stat want = {.st_mode = S_IFCHR | 0666,
                            .st_rdev = makedev(NODES[i].major, NODES[i].minor)};
        char hosts[32];
        snprintf(hosts, sizeof(hosts), "/dev/%s", NODES[i].name);
        int code = place_node(dev_fd, NODES[i].name, &want, hosts);
        if (code < 0)
            return rootfs_fail(err, MTD_STAGE_DEVICES, -code, "cannot create %s", hosts);
    }
    for (size_t i = 0; i < ARRAY_SIZE(LINKS); i++)
        if (symlinkat(LINKS[i].target, dev_fd, LINKS[i].name) < 0 && errno != EEXIST)
            return rootfs_fail(err, MTD_STAGE_DEVICES, errno, "cannot link /dev/%s",
                               LINKS[i].name);
    return 0;
}

/* A /dev that is the host's, bound, has what it has. */
static bool brings_dev(const struct bundle *b)
{
    for (size_t i = 0; i < b->n_mounts; i++)
        if (strcmp(b->mounts[i].destination, "/dev") == 0 && b->mounts[i].bind)
            return true;
    return false;
}

int rootfs_devices_listed(const struct bundle *b, int root_fd, struct mtd_error *err)
{
    if (brings_dev(b))
        return 0;
    auto_fd int dev = fs_mkdir_in_root(root_fd, "/dev", 0755);
    if (dev < 0)
        return rootfs_fail(err, MTD_STAGE_DEVICES, -dev, "cannot open /dev");
    int code = make_defaults(dev, err);
    for (size_t i = 0; i < b->n_devices && code == 0; i++)
        code = make_listed(root_fd, &b->devices[i], err);
    return code;
}

int rootfs_devices(const struct rootfs *r, int root_fd, int dev_fd, struct mtd_error *err)
{
    int code = make_nodes(dev_fd, err);
    if (code == 0 && r->init_path)
        code = bind_init(r, dev_fd, err);
    struct making m = {&r->record->spec, root_fd};
    const struct strv *asked = &r->record->spec.devices;
    if (code == 0 && r->record->spec.process.privileged)
        code = mtd_device_each("/dev", make_device, &m, err);
    for (size_t i = 0; i < asked->len && code == 0; i++)
        code = mtd_device_each(asked->items[i], make_device, &m, err);
    if (code < 0 && err && err->stage == MTD_STAGE_NONE)
        err->stage = MTD_STAGE_DEVICES;
    return code;
}
