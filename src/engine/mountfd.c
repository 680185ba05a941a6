/* Every mount is complete (attributes, propagation) before it becomes visible: there is no
 * moment in which a read-only bind can be written through. */

#include "engine/mountfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"

#define OPTION_MAX 512

static int set_option(int fs_fd, char *option)
{
    char *value = strchr(option, '=');
    if (value)
        *value++ = '\0';
    unsigned command = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    return fsconfig(fs_fd, command, option, value, 0) < 0 ? -errno : 0;
}

static int set_options(int fs_fd, const char *options)
{
    char copy[OPTION_MAX];
    if (snprintf(copy, sizeof(copy), "%s", options ? options : "") >= (int)sizeof(copy))
        return -ENAMETOOLONG;
    char *state = NULL;
    for (char *o = strtok_r(copy, ",", &state); o; o = strtok_r(NULL, ",", &state)) {
        int r = set_option(fs_fd, o);
        if (r < 0)
            return r;
    }
    return 0;
}

int mountfd_new(const char *fstype, const char *source, const char *options,
                uint64_t attrs)
{
    auto_fd int fs = fsopen(fstype, FSOPEN_CLOEXEC);
    if (fs < 0)
        return -errno;
    if (source && fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
        return -errno;
    int r = set_options(fs, options);
    if (r < 0)
        return r;
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attrs);
    return fd < 0 ? -errno : fd;
}

static const struct {
    const char *word;
    uint64_t set, clear;
} WORDS[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},       {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},   {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},     {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},   {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME, 0},
};

static int take_word(const char *word, uint64_t *attrs)
{
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        if (strcmp(WORDS[i].word, word) == 0) {
            *attrs = (*attrs | WORDS[i].set) & ~WORDS[i].clear;
            return 1;
        }
    return 0;
}

int mountfd_split(const char *options, uint64_t *attrs, char *rest, unsigned size)
{
    char copy[OPTION_MAX];
    unsigned used = 0;
    rest[0] = '\0';
    if (snprintf(copy, sizeof(copy), "%s", options ? options : "") >= (int)sizeof(copy))
        return -ENAMETOOLONG;
    char *state = NULL;
    for (char *o = strtok_r(copy, ",", &state); o; o = strtok_r(NULL, ",", &state)) {
        if (take_word(o, attrs))
            continue;
        int n = snprintf(rest + used, size - used, "%s%s", used ? "," : "", o);
        if (n < 0 || (unsigned)n >= size - used)
            return -ENAMETOOLONG;
        used += (unsigned)n;
    }
    return 0;
}

int mountfd_bind(int dir_fd, const char *path, uint64_t attrs)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
    auto_fd int fd = open_tree(dir_fd, path, flags | (*path ? 0 : AT_EMPTY_PATH));
    if (fd < 0)
        return -errno;
    struct mount_attr a = {.attr_set = attrs, .propagation = MS_PRIVATE};
    if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &a, sizeof(a)) < 0)
        return -errno;
    return take_fd(&fd);
}

int mountfd_move(int mount_fd, int target_fd)
{
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return move_mount(mount_fd, "", target_fd, "", flags) < 0 ? -errno : 0;
}

int mountfd_set(int fd, uint64_t attrs)
{
    struct mount_attr a = {.attr_set = attrs};
    return mount_setattr(fd, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0 ? -errno : 0;
}
