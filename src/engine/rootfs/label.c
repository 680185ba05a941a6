/* Layers have no labels of any container's, and are shared: the mount says what all files in it
 * have. What comes from the host has labels of its own, which are changed on the disk. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/host/selinux.h"
#include "engine/rootfs/internal.h"
#include "engine/volume/volume.h"

#define SELINUX_FS "/sys/fs/selinux"
#define PATH_ROOM 4096

static bool is_nested(const struct rootfs *r)
{
    return r->label && selinux_has_word(&r->record->spec.label_words, "nested");
}

const char *rootfs_label_key(const struct rootfs *r)
{
    return is_nested(r) ? "rootcontext" : "context";
}

int rootfs_label_options(const struct rootfs *r, const char *options,
                         char out[ROOTFS_OPTIONS])
{
    const char *given = options ? options : "";
    int n = r->label ? snprintf(out, ROOTFS_OPTIONS, "%s%s%s=\"%s\"", given,
                                *given ? "," : "", rootfs_label_key(r), r->label)
                     : snprintf(out, ROOTFS_OPTIONS, "%s", given);
    return n >= ROOTFS_OPTIONS ? -ENAMETOOLONG : 0;
}

static int label_layer(const struct rootfs *r, const char *name, const char *label,
                       struct mtd_error *err)
{
    char path[PATH_ROOM];
    if (snprintf(path, sizeof(path), "%s/layers/%s", r->images_dir, name) >=
        (int)sizeof(path))
        return mtd_fail(err, ENAMETOOLONG, "layer");
    auto_fd int layer = fs_open_dir_at(AT_FDCWD, path);
    if (layer < 0 || selinux_is_labelled(layer, label, false))
        return layer < 0 ? mtd_fail_errno(err, -layer, "cannot open %s", path) : 0;
    return selinux_relabel(layer, ".", label, false, err);
}

int rootfs_label_layers(const struct rootfs *r, struct mtd_error *err)
{
    const struct strv *layers = &r->record->spec.layers;
    char label[SELINUX_LABEL_SIZE] = "";
    int rc = 0;
    if (r->label)
        selinux_of_layers(-1, label);
    for (size_t i = 0; *label && i < layers->len && rc == 0; i++)
        rc = label_layer(r, layers->items[i], label, err);
    return rc;
}

/* z and Z among the words of -v. */
static char asked(const struct mtd_mount *m)
{
    for (const char *w = m->mode; w && *w; w += strcspn(w, ","), w += *w == ',')
        if ((*w == 'z' || *w == 'Z') && (w[1] == ',' || !w[1]))
            return *w;
    return 0;
}

/* A volume is every container's that has its name, so it is made so once. */
static int label_volume(const struct rootfs *r, const struct mtd_mount *m, char how,
                        struct mtd_error *err)
{
    char path[PATH_ROOM];
    if (snprintf(path, sizeof(path), "%s/%s/" VOLUME_DATA, r->volumes_dir, m->source) >=
        (int)sizeof(path))
        return -ENAMETOOLONG;
    auto_fd int data = fs_open_dir_at(AT_FDCWD, path);
    if (data < 0)
        return data;
    if (!how && selinux_is_labelled(data, r->label, true))
        return 0;
    return selinux_relabel(data, ".", r->label, how != 'Z', err);
}

int rootfs_label_mount(const struct rootfs *r, const struct mtd_mount *m,
                       struct mtd_error *err)
{
    char how = asked(m);
    if (!r->label)
        return 0;
    if (m->type == MTD_MOUNT_VOLUME)
        return label_volume(r, m, how, err);
    return how ? selinux_relabel(AT_FDCWD, m->source, r->label, how == 'z', err) : 0;
}

int rootfs_label_nested(const struct rootfs *r, int root_fd, struct mtd_error *err)
{
    if (!is_nested(r))
        return 0;
    auto_fd int bind =
        mount_bind(AT_FDCWD, SELINUX_FS, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    auto_fd int target =
        fs_open_in_root(root_fd, SELINUX_FS, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    int rc = bind < 0 ? bind : target < 0 ? target : mount_move(bind, target);
    return rc < 0 ? rootfs_fail(err, MTD_STAGE_MOUNT, -rc, "cannot mount " SELINUX_FS)
                  : 0;
}
