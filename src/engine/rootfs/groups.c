/* For a mount of type cgroup in a bundle's list: the container's own groups, whether it has a
 * cgroup namespace or not. They are bound from where the host has them, so nothing above them can
 * be reached; v2 alone as it is, with v1 one directory for each hierarchy. */

#include "engine/rootfs/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define V2_NAME "unified"
#define FLAGS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static int clone_group(const char *dir, uint64_t attrs)
{
    const struct mount_how how = {.attrs = attrs | FLAGS, .flat = true};
    return mount_bind_as(AT_FDCWD, dir, &how);
}

/* line: "cpu,cpuacct:/host/dir" */
static int add_group(int dir_fd, const char *line, uint64_t attrs)
{
    char names[128];
    const char *dir = strchr(line, ':');
    snprintf(names, sizeof(names), "%.*s", dir ? (int)(dir - line) : 0, line);
    const char *name = strncmp(names, "name=", 5) == 0 ? names + 5 : names;
    if (!*name)
        return -EINVAL;
    if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    auto_fd int group = clone_group(dir + 1, attrs);
    int rc = group < 0 ? group : mount_move_at(group, dir_fd, name);
    if (rc == 0 && name == names && strcmp(names, V2_NAME) != 0)
        rootfs_link_names(dir_fd, names);
    return rc;
}

static bool is_v2_alone(const struct strv *groups)
{
    return groups->len == 1 && strncmp(groups->items[0], V2_NAME ":", 8) == 0;
}

int rootfs_groups(const struct strv *groups, int root_fd, int target_fd, const char *path,
                  uint64_t attrs)
{
    if (is_v2_alone(groups)) {
        auto_fd int group = clone_group(groups->items[0] + 8, attrs);
        return group < 0 ? group : mount_move(group, target_fd);
    }
    int rc = mount_new_on(target_fd, "", "tmpfs", "tmpfs", "mode=755,size=64k", FLAGS);
    auto_fd int dir =
        rc < 0 ? rc : fs_open_in_root(root_fd, path, O_RDONLY | O_DIRECTORY, 0);
    rc = dir < 0 ? dir : 0;
    for (size_t i = 0; i < groups->len && rc == 0; i++)
        rc = add_group(dir, groups->items[i], attrs);
    return rc < 0 ? rc : mount_set(dir, attrs);
}
