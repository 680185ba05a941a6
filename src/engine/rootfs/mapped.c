/* A container with ids of its own has files with the ids that it sees: on disk they are 0, 1, 2
 * as in any other container, and its mounts of layers, upper directory and volumes map them
 * to its range of the host's. So layers and volumes are shared, images and archives need no
 * translation, and nothing outside a mount has an owner of the range.
 *
 * The mapped mounts are attached over the very directories, in this mount namespace alone:
 * then all paths lead through them, and older kernels, whose overlay takes no detached
 * layers (before Linux 6.15), have what they want. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "engine/host/mount.h"
#include "engine/idmap.h"

#define PATH_ROOM 4096

static int map_over(const struct rootfs *r, const char *path, struct mtd_error *err)
{
    auto_fd int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    auto_fd int mapped =
        dir < 0 ? -errno : mount_bind_mapped(dir, "", r->userns_fd, false, 0);
    if (mapped == -EINVAL)
        return rootfs_fail(
            err, MTD_STAGE_ROOTFS, EOPNOTSUPP,
            "the ids of %s cannot be mapped: this needs Linux 5.19 or newer "
            "and a file system that can (ext4, xfs, btrfs, tmpfs ...)",
            path);
    int rc = mapped < 0 ? mapped : mount_move(mapped, dir);
    return rc < 0
               ? rootfs_fail(err, MTD_STAGE_ROOTFS, -rc, "cannot map the ids of %s", path)
               : 0;
}

/* The overlay writes with the ids of the process that mounts it, and through a mapped mount
 * the host's root has none. The capabilities stay. */
static int create_as_root_inside(const struct rootfs *r, struct mtd_error *err)
{
    uint32_t root;
    if (!mtd_idmap_to_host(&r->record->spec, 0, &root))
        return rootfs_fail(err, MTD_STAGE_ROOTFS, EINVAL, "the map of ids has no root");
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0)
        return rootfs_fail(err, MTD_STAGE_ROOTFS, errno, "cannot keep capabilities");
    setfsgid(root);
    setfsuid(root);
    return 0;
}

int rootfs_map_ids(const struct rootfs *r, struct mtd_error *err)
{
    const struct strv *layers = &r->record->spec.layers;
    char path[PATH_ROOM];
    int rc = 0;
    for (size_t i = 0; i < layers->len && rc == 0; i++) {
        if (snprintf(path, sizeof(path), "%s/layers/%s", r->images_dir,
                     layers->items[i]) >= (int)sizeof(path))
            return rootfs_fail(err, MTD_STAGE_ROOTFS, ENAMETOOLONG, "layer");
        rc = map_over(r, path, err);
    }
    if (rc == 0)
        rc = map_over(r, r->dir, err);
    return rc < 0 ? rc : create_as_root_inside(r, err);
}

/* "uid=5" in the container's numbers; one that the map has not is left out. */
static int map_option(const struct rootfs *r, const char *option, char *out, size_t size)
{
    uint64_t id;
    uint32_t host;
    bool is_id = strncmp(option, "uid=", 4) == 0 || strncmp(option, "gid=", 4) == 0;
    if (!is_id || parse_u64(option + 4, UINT32_MAX, &id) < 0)
        return snprintf(out, size, "%s,", option);
    if (!mtd_idmap_to_host(&r->record->spec, (uint32_t)id, &host))
        return 0;
    return snprintf(out, size, "%.4s%u,", option, host);
}

int rootfs_map_options(const struct rootfs *r, const char *options, char *out,
                       size_t size)
{
    char copy[512];
    size_t used = 0;
    out[0] = '\0';
    if (snprintf(copy, sizeof(copy), "%s", options ? options : "") >= (int)sizeof(copy))
        return -ENAMETOOLONG;
    char *state = NULL;
    for (char *o = strtok_r(copy, ",", &state); o; o = strtok_r(NULL, ",", &state)) {
        int n = map_option(r, o, out + used, size - used);
        if (n < 0 || (size_t)n >= size - used)
            return -ENAMETOOLONG;
        used += (size_t)n;
    }
    if (used)
        out[used - 1] = '\0';
    return 0;
}
