/* Volumes are directories of their own because they outlive containers; only anonymous
 * ones are removed with theirs. */

#include "engine/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

int store_make_volume(struct store *s, const char *name, struct mtd_error *err)
{
    int rc = mtd_volume_name_check(name, err);
    if (rc < 0)
        return rc;
    if (mkdirat(s->root_fd, "volumes", 0700) < 0 && errno != EEXIST)
        return mtd_fail_errno(err, errno, "cannot create the volumes directory");
    auto_fd int all = fs_open_dir_at(s->root_fd, "volumes");
    if (all >= 0 && mkdirat(all, name, 0700) < 0 && errno != EEXIST)
        return mtd_fail_errno(err, errno, "cannot create volume %s", name);
    auto_fd int one = all < 0 ? all : fs_open_dir_at(all, name);
    if (one < 0)
        return mtd_fail_errno(err, -one, "cannot open volume %s", name);
    if (mkdirat(one, "_data", 0755) < 0 && errno != EEXIST)
        return mtd_fail_errno(err, errno, "cannot create volume %s", name);
    return 0;
}

/* Another container may have it whose volumes were taken over. A list that cannot be read keeps it. */
static bool is_used_by_others(struct store *s, const struct mtd_record *r,
                              const char *name)
{
    auto_done(mtd_list_done) struct mtd_list all = {0};
    size_t len = strlen(name);
    if (store_list(s, &all, NULL) < 0 || store_making_has(s, name))
        return true;
    for (size_t i = 0; i < all.len; i++) {
        const struct mtd_summary *one = &all.items[i];
        for (size_t k = 0; k < one->mounts.len && strcmp(one->id, r->id) != 0; k++)
            if (strncmp(one->mounts.items[k], name, len) == 0 &&
                one->mounts.items[k][len] == ':')
                return true;
    }
    return false;
}

static bool shares_volumes(const struct mtd_spec *spec)
{
    bool shares = spec->volumes_from.len > 0;
    for (size_t i = 0; i < spec->n_mounts && !shares; i++)
        shares = spec->mounts[i].anonymous;
    return shares;
}

int store_hold_volumes(struct store *s, const struct mtd_spec *spec, int *ret_fd,
                       struct mtd_error *err)
{
    int rc = 0;
    if (!shares_volumes(spec))
        return 0;
    auto_fd int all = fs_open_dir_at(s->root_fd, "volumes");
    if (all == -ENOENT)
        return 0;
    while (all >= 0 && (rc = flock(all, LOCK_EX)) < 0 && errno == EINTR)
        ;
    if (all < 0 || rc < 0)
        return mtd_fail_errno(err, all < 0 ? -all : errno, "cannot lock the volumes");
    *ret_fd = take_fd(&all);
    return 0;
}

void store_remove_volumes(struct store *s, const struct mtd_record *r)
{
    auto_fd int all = fs_open_dir_at(s->root_fd, "volumes");
    for (size_t i = 0; all >= 0 && i < r->spec.n_mounts; i++) {
        const struct mtd_mount *m = &r->spec.mounts[i];
        if (m->type == MTD_MOUNT_VOLUME && m->anonymous && m->source &&
            hex_is_valid(m->source, MTD_ID_LEN) && !is_used_by_others(s, r, m->source))
            fs_remove_tree_at(all, m->source);
    }
}
