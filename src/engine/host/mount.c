/* A mount gets its attributes and its propagation before it is moved onto its target, so
 * there is no moment in which a read-only bind can be written through. */

#include "engine/host/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
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

/* A comma in quotes is the value's, as for mount(2); the quotes go. */
static char *next_option(char **rest)
{
    char *option = *rest, *to = option;
    bool quoted = false;
    if (!option)
        return NULL;
    for (const char *p = option;; p++) {
        if (*p == '"') {
            quoted = !quoted;
            continue;
        }
        if (*p == '\0' || (*p == ',' && !quoted)) {
            *rest = *p ? option + (p + 1 - option) : NULL;
            *to = '\0';
            return option;
        }
        *to++ = *p;
    }
}

static int set_options(int fs_fd, const char *options)
{
    char copy[OPTION_MAX];
    if (snprintf(copy, sizeof(copy), "%s", options ? options : "") >= (int)sizeof(copy))
        return -ENAMETOOLONG;
    char *rest = copy;
    for (char *o; (o = next_option(&rest));) {
        int rc = *o ? set_option(fs_fd, o) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int mount_new(const char *fstype, const char *source, const char *options, uint64_t attrs)
{
    auto_fd int fs = fsopen(fstype, FSOPEN_CLOEXEC);
    if (fs < 0)
        return -errno;
    if (source && fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
        return -errno;
    int rc = set_options(fs, options);
    if (rc < 0)
        return rc;
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attrs);
    return fd < 0 ? -errno : fd;
}

static const struct {
    unsigned long flag; /* of mount(2) */
    unsigned long word; /* of statvfs(3) */
    uint64_t attr;
} FLAGS[] = {
    {MS_RDONLY, ST_RDONLY, MOUNT_ATTR_RDONLY},
    {MS_NOSUID, ST_NOSUID, MOUNT_ATTR_NOSUID},
    {MS_NODEV, ST_NODEV, MOUNT_ATTR_NODEV},
    {MS_NOEXEC, ST_NOEXEC, MOUNT_ATTR_NOEXEC},
    {MS_NOATIME, ST_NOATIME, MOUNT_ATTR_NOATIME},
    {MS_STRICTATIME, 0, MOUNT_ATTR_STRICTATIME},
    {MS_NODIRATIME, ST_NODIRATIME, 0},
    {MS_RELATIME, ST_RELATIME, 0},
};

#define FD_PATH_MAX 320 /* and a name */

static const char *fd_path(char out[FD_PATH_MAX], int fd, const char *name)
{
    snprintf(out, FD_PATH_MAX, "/proc/self/fd/%d%s%s", fd, *name ? "/" : "", name);
    return out;
}

int mount_new_with(int target_fd, const char *name, const char *fstype,
                   const char *source, const char *options, uint64_t attrs,
                   unsigned long flags)
{
    char path[FD_PATH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(FLAGS); i++)
        if (attrs & FLAGS[i].attr)
            flags |= FLAGS[i].flag;
    fd_path(path, target_fd, name);
    return mount(source, path, fstype, flags, options) < 0 ? -errno : 0;
}

int mount_new_on(int target_fd, const char *name, const char *fstype, const char *source,
                 const char *options, uint64_t attrs)
{
    return mount_new_with(target_fd, name, fstype, source, options, attrs, 0);
}

int mount_bind_on(const char *path, int target_fd)
{
    char to[FD_PATH_MAX];
    return mount(path, fd_path(to, target_fd, ""), NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

int mount_bind_name(int fs_fd, const char *what, int dir_fd, const char *name)
{
    char from[FD_PATH_MAX], to[FD_PATH_MAX];
    fd_path(from, fs_fd, what);
    fd_path(to, dir_fd, name);
    return mount(from, to, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

static const struct {
    const char *word;
    uint64_t set, clear;
} WORDS[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", 0, MOUNT_ATTR__ATIME},
    {"relatime", 0, MOUNT_ATTR__ATIME},
    {"norelatime", 0, 0},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", 0, MOUNT_ATTR__ATIME},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
};

static int take_word(const char *word, uint64_t *attrs)
{
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        if (strcmp(WORDS[i].word, word) == 0) {
            *attrs = (*attrs & ~WORDS[i].clear) | WORDS[i].set;
            return 1;
        }
    return 0;
}

int mount_split(const char *options, uint64_t *attrs, char *rest, unsigned size)
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

/* ---- before Linux 5.12, without mount_setattr: only attached mounts take attributes  */

/* mount(2) replaces all flags, so those already set are repeated. */
static int remount(int fd, uint64_t attrs)
{
    char path[FD_PATH_MAX];
    struct statvfs now;
    unsigned long flags = MS_REMOUNT | MS_BIND;
    if (fstatvfs(fd, &now) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(FLAGS); i++)
        if ((now.f_flag & FLAGS[i].word) || (attrs & FLAGS[i].attr))
            flags |= FLAGS[i].flag;
    fd_path(path, fd, "");
    return mount(NULL, path, NULL, flags, NULL) < 0 ? -errno : 0;
}

/* A copy of the mount is attached on top of its source, gets its attributes there, is
 * copied again with them, and is detached. Mounts below it are left out: they would stay
 * writable. */
static int bind_old(int dir_fd, const char *path, uint64_t attrs)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    int how = O_PATH | O_CLOEXEC | (dir_fd == AT_FDCWD ? 0 : O_NOFOLLOW);
    auto_fd int source =
        *path ? openat(dir_fd, path, how) : fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    if (source < 0)
        return -errno;
    auto_fd int first = open_tree(source, "", flags);
    if (first < 0)
        return -errno;
    int rc = mount_move(first, source);
    if (rc < 0)
        return rc;
    rc = remount(first, attrs);
    auto_fd int second = rc < 0 ? -1 : open_tree(first, "", flags);
    if (rc == 0 && second < 0)
        rc = -errno;
    char there[FD_PATH_MAX];
    if (umount2(fd_path(there, first, ""), MNT_DETACH) < 0 && rc == 0)
        rc = -errno;
    return rc < 0 ? rc : take_fd(&second);
}

static int open_copy(int dir_fd, const char *path, const struct mount_how *how)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (how->flat ? 0 : AT_RECURSIVE);
    unsigned to = !*path ? AT_EMPTY_PATH : dir_fd == AT_FDCWD ? 0 : AT_SYMLINK_NOFOLLOW;
    int fd = open_tree(dir_fd, path, flags | to);
    return fd < 0 ? -errno : fd;
}

static int set_deep(int fd, const struct mount_how *how)
{
    struct mount_attr a = {.attr_set = how->top ? 0 : how->attrs,
                           .propagation = how->spreads ? 0 : MS_PRIVATE};
    if (how->maps) {
        a.attr_set |= MOUNT_ATTR_IDMAP;
        a.userns_fd = (uint64_t)how->userns_fd;
    }
    unsigned deep = how->flat ? 0 : AT_RECURSIVE;
    return mount_setattr(fd, "", AT_EMPTY_PATH | deep, &a, sizeof(a)) < 0 ? -errno : 0;
}

int mount_bind_as(int dir_fd, const char *path, const struct mount_how *how)
{
    auto_fd int fd = open_copy(dir_fd, path, how);
    if (fd < 0)
        return fd;
    int rc = set_deep(fd, how);
    if (rc == 0 && how->top && how->attrs)
        rc = mount_set(fd, how->attrs);
    if (rc == 0)
        return take_fd(&fd);
    if (rc != -ENOSYS)
        return rc;
    if (how->maps)
        return -EINVAL;
    if (how->attrs && (how->whole || how->spreads))
        return -EOPNOTSUPP;
    return how->attrs ? bind_old(dir_fd, path, how->attrs) : take_fd(&fd);
}

int mount_bind(int dir_fd, const char *path, uint64_t attrs)
{
    const struct mount_how how = {.attrs = attrs};
    return mount_bind_as(dir_fd, path, &how);
}

int mount_bind_mapped(int dir_fd, const char *path, int userns_fd, bool recursive,
                      uint64_t attrs)
{
    const struct mount_how how = {
        .attrs = attrs, .flat = !recursive, .maps = true, .userns_fd = userns_fd};
    return mount_bind_as(dir_fd, path, &how);
}

int mount_spread(int mount_fd, unsigned long type)
{
    char path[FD_PATH_MAX];
    fd_path(path, mount_fd, "");
    return mount(NULL, path, NULL, type | MS_REC, NULL) < 0 ? -errno : 0;
}

int mount_move(int mount_fd, int target_fd)
{
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return move_mount(mount_fd, "", target_fd, "", flags) < 0 ? -errno : 0;
}

int mount_move_at(int mount_fd, int dir_fd, const char *name)
{
    return move_mount(mount_fd, "", dir_fd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno
                                                                               : 0;
}

int mount_set(int fd, uint64_t attrs)
{
    struct mount_attr a = {.attr_set = attrs};
    if (mount_setattr(fd, "", AT_EMPTY_PATH, &a, sizeof(a)) == 0)
        return 0;
    return errno == ENOSYS ? remount(fd, attrs) : -errno;
}

int mount_read_only_at(int dir_fd, const char *name)
{
    char path[FD_PATH_MAX];
    struct mount_attr a = {.attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};
    fd_path(path, dir_fd, name);
    if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
        return -errno;
    if (mount_setattr(dir_fd, name, AT_RECURSIVE, &a, sizeof(a)) == 0)
        return 0;
    if (errno != ENOSYS)
        return -errno;
    auto_fd int fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : remount(fd, MOUNT_ATTR_RDONLY);
}
