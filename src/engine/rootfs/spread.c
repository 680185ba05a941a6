/* Binds with propagation. Init makes every mount of its own namespace private before it mounts
 * anything, and what is copied from a private mount has lost its peers. So these are copied
 * before that, detached, and attached with the others: each copy belongs to the peer group
 * of its source in the caller's namespace. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "engine/host/mount.h"
#include "engine/idmap.h"

static uint64_t mount_id(int fd)
{
    struct statx stx;
    if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0)
        return 0;
    return stx.stx_mask & STATX_MNT_ID ? stx.stx_mnt_id : 0;
}

/* "36 35 98:0 /sub /mnt rw,noatime shared:1 master:2 - ext4 ...": its mount point, and whether
 * it is what is asked for. */
static bool read_line(char *line, uint64_t id, bool shared, char *point, bool *ret_fits)
{
    char *save = NULL;
    unsigned n = 0;
    for (char *w = strtok_r(line, " ", &save); w && strcmp(w, "-") != 0;
         w = strtok_r(NULL, " ", &save), n++) {
        if (n == 0 && strtoull(w, NULL, 10) != id)
            return false;
        if (n == 4)
            snprintf(point, 256, "%s", w);
        *ret_fits = *ret_fits || (n > 5 && strncmp(w, "shared:", 7) == 0) ||
                    (n > 5 && !shared && strncmp(w, "master:", 7) == 0);
    }
    return true;
}

/* As docker: what would have no effect is refused. */
static int check_source(const struct mtd_mount *m, struct mtd_error *err)
{
    char point[256] = "?";
    bool shared = mtd_propagation_is_shared(m->propagation), fits = false, found = false;
    auto_fd int fd = open(m->source, O_PATH | O_CLOEXEC);
    auto_file FILE *f = fd < 0 ? NULL : fopen("/proc/self/mountinfo", "re");
    auto_free char *line = NULL;
    size_t size = 0;
    uint64_t id = fd < 0 ? 0 : mount_id(fd);
    while (f && id && !found && getline(&line, &size, f) > 0)
        found = read_line(line, id, shared, point, &fits);
    if (!found || fits)
        return 0; /* it is tried */
    return rootfs_fail(err, MTD_STAGE_MOUNT, EINVAL,
                       "path %.80s is mounted on %.80s but it is not a shared%s mount; "
                       "mount(8) can make it one (make-shared)",
                       m->source, point, shared ? "" : " or slave");
}

static int open_one(const struct rootfs *r, const struct mtd_mount *m,
                    struct mtd_error *err)
{
    int rc = check_source(m, err);
    if (rc < 0)
        return rc;
    struct mount_how how = rootfs_bind_how(r, m);
    how.spreads = true;
    rc = mount_bind_as(AT_FDCWD, m->source, &how);
    return rc < 0 ? rootfs_fail(err, MTD_STAGE_MOUNT, -rc, "cannot copy the mount %s",
                                m->source)
                  : rc;
}

bool rootfs_spreads(const struct mtd_mount *m)
{
    return m->type == MTD_MOUNT_BIND && !mtd_propagation_is_private(m->propagation);
}

bool rootfs_any_spreads(const struct mtd_spec *s)
{
    bool any = false;
    for (size_t i = 0; i < s->n_mounts && !any; i++)
        any = rootfs_spreads(&s->mounts[i]);
    return any;
}

int rootfs_spread_open(const struct rootfs *r, struct rootfs_spread *ret,
                       struct mtd_error *err)
{
    const struct mtd_spec *s = &r->record->spec;
    if (!rootfs_any_spreads(s))
        return 0;
    ret->fds = malloc(s->n_mounts * sizeof(*ret->fds));
    if (!ret->fds)
        return rootfs_fail(err, MTD_STAGE_MOUNT, ENOMEM, "binds");
    for (ret->n = 0; ret->n < s->n_mounts; ret->n++)
        ret->fds[ret->n] = -1;
    int rc = 0;
    for (size_t i = 0; i < s->n_mounts && rc >= 0; i++)
        if (rootfs_spreads(&s->mounts[i]))
            rc = ret->fds[i] = open_one(r, &s->mounts[i], err);
    return rc < 0 ? rc : 0;
}

void rootfs_spread_done(struct rootfs_spread *s)
{
    for (size_t i = 0; i < s->n; i++)
        cleanup_fd(&s->fds[i]);
    free(s->fds);
    *s = (struct rootfs_spread){0};
}

int rootfs_spread_set(const struct mtd_mount *m, int mount_fd)
{
    return mount_spread(mount_fd,
                        mtd_propagation_is_shared(m->propagation) ? MS_SHARED : MS_SLAVE);
}
