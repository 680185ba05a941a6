/* The container sees its own groups: a tmpfs with one read-only mount per v1
 * hierarchy, or the v2 tree alone. In a cgroup namespace the root of each mount is the
 * container's group. One in which it has none of its own would show the host's, and is
 * left out: a hierarchy that is not mounted where the engine runs. */

#include "engine/rootfs/rootfs.h"

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
#include "engine/rootfs/internal.h"

#define CGROUP_PATH "/sys/fs/cgroup"
#define ATTRS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* A privileged container makes groups of its own below its own one. */
static uint64_t attrs_for(const struct mtd_spec *s)
{
    return ATTRS | (s->process.privileged ? 0 : MOUNT_ATTR_RDONLY);
}

struct v1 {
    int dir_fd; /* of the tmpfs */
    const struct mtd_record *record;
};

static int mount_at(const struct v1 *v, const char *name, const char *fstype,
                    const char *options)
{
    if (mkdirat(v->dir_fd, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    return mount_new_on(v->dir_fd, name, fstype, "cgroup", options,
                        attrs_for(&v->record->spec));
}

/* "cpu,cpuacct" is one hierarchy with a link for each name. */
void rootfs_link_names(int dir_fd, const char *names)
{
    char copy[128];
    if (!strchr(names, ',') ||
        snprintf(copy, sizeof(copy), "%s", names) >= (int)sizeof(copy))
        return;
    char *state = NULL;
    for (char *n = strtok_r(copy, ",", &state); n; n = strtok_r(NULL, ",", &state))
        (void)!symlinkat(names, dir_fd, n);
}

/* The container's own group has a path that ends in its id. */
static bool is_own(const char *path, const char *id)
{
    const char *last = strrchr(path, '/');
    return last && strcmp(last + 1, id) == 0;
}

/* line: "7:cpu,cpuacct:/x", "1:name=systemd:/x" or "0::/x". A hierarchy that cannot be
 * mounted is left out. */
static void mount_line(const struct v1 *v, char *line)
{
    char *names = strchr(line, ':');
    char *end = names ? strchr(names + 1, ':') : NULL;
    if (!end || !is_own(end, v->record->id))
        return;
    *end = '\0';
    names++;
    if (*names == '\0') {
        mount_at(v, "unified", "cgroup2", NULL);
        return;
    }
    const char *dir = strncmp(names, "name=", 5) == 0 ? names + 5 : names;
    char options[256];
    snprintf(options, sizeof(options), "%s%s", dir == names ? "" : "none,", names);
    if (mount_at(v, dir, "cgroup", options) == 0)
        rootfs_link_names(v->dir_fd, dir);
}

static int mount_v1(const struct mtd_record *r, int root_fd, int target, char *list)
{
    int code = mount_new_on(target, "", "tmpfs", "tmpfs", "mode=755,size=64k",
                            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (code < 0)
        return code;
    /* left open, see internal.h */
    int dir = fs_open_in_root(root_fd, CGROUP_PATH, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return dir;
    struct v1 v = {dir, r};
    char *state = NULL;
    for (char *l = strtok_r(list, "\n", &state); l; l = strtok_r(NULL, "\n", &state))
        mount_line(&v, l);
    return mount_set(dir, attrs_for(&r->spec));
}

int rootfs_list_cgroups(const struct cgroup *groups, char *list, size_t size,
                        struct mtd_error *err)
{
    size_t used = 0;
    list[0] = '\0';
    for (int v2 = 0; v2 < 2; v2++)
        for (size_t i = 0; i < groups->n; i++) {
            const struct cgroup_dir *d = &groups->dirs[i];
            if (d->v2 != v2 || d->fd < 0)
                continue;
            int n = snprintf(list + used, size - used, "0:%s:%s\n", v2 ? "" : d->names,
                             d->path);
            if (n >= (int)(size - used))
                return rootfs_fail(err, MTD_STAGE_CGROUP, E2BIG,
                                   "cannot list the control groups");
            used += (size_t)n;
        }
    return 0;
}

/* As in docker, where a mount of the user's takes the place of a default one. */
static bool is_covered(const struct mtd_spec *s)
{
    for (size_t i = 0; i < s->n_mounts; i++) {
        const char *target = s->mounts[i].target;
        size_t n = strlen(target);
        if (strncmp(CGROUP_PATH, target, n) == 0 &&
            (CGROUP_PATH[n] == '\0' || CGROUP_PATH[n] == '/'))
            return true;
    }
    return false;
}

int rootfs_mount_cgroup(const struct rootfs *r, int root_fd, char *list,
                        struct mtd_error *err)
{
    if (is_covered(&r->record->spec))
        return 0;
    int target = fs_open_in_root(root_fd, CGROUP_PATH, O_PATH | O_CLOEXEC, 0);
    if (target == -ENOENT)
        return 0; /* a kernel without cgroups in sysfs */
    int code = target;
    if (target >= 0 && strncmp(list, "0::", 3) == 0)
        code = mount_new_on(target, "", "cgroup2", "cgroup", NULL,
                            attrs_for(&r->record->spec));
    else if (target >= 0)
        code = mount_v1(r->record, root_fd, target, list);
    if (code < 0)
        return rootfs_fail(err, MTD_STAGE_MOUNT, -code, "cannot mount " CGROUP_PATH);
    return 0;
}
