/* Only what every container gets: mount points, /.dockerenv and /etc/mtab. A directory made for a volume, or as
 * the working directory, is a change in docker as well. */

#include "engine/api/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/rootfs/rootfs.h"

static const char *const DIRS[] = {"dev", "proc", "sys"};
static const char *const FILES[] = {"hostname", "hosts", "resolv.conf"};

/* -1 = the directory cannot be read: then nothing counts as the engine's. */
static int count_entries(int dir_fd, const char *name)
{
    int n = 0, fd = fs_open_dir_at(dir_fd, name);
    auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    return n;
}

static bool is_own_dir(int upper_fd, const char *name, const struct lower *root)
{
    struct stat st;
    return !lower_find(root, name, &st) && count_entries(upper_fd, name) == 0;
}

/* A dangling link was replaced, see rootfs/user.c. */
static bool is_own_file(int etc_fd, const char *name, const struct lower *etc)
{
    struct stat old, now;
    if (fstatat(etc_fd, name, &now, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(now.st_mode) ||
        now.st_size > 0)
        return false;
    return !lower_find(etc, name, &old) || S_ISLNK(old.st_mode);
}

static bool is_own_env(int upper_fd, const struct lower *root)
{
    struct stat old, now;
    return fstatat(upper_fd, ROOTFS_ENV, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_mode == (S_IFREG | ROOTFS_ENV_MODE) && now.st_size == 0 &&
           !lower_find(root, ROOTFS_ENV, &old);
}

static bool is_own_mtab(int etc_fd, const struct lower *etc)
{
    struct stat old;
    char target[sizeof(ROOTFS_MTAB_TARGET) + 1];
    ssize_t n = readlinkat(etc_fd, ROOTFS_MTAB, target, sizeof(target));
    return n == sizeof(ROOTFS_MTAB_TARGET) - 1 &&
           memcmp(target, ROOTFS_MTAB_TARGET, (size_t)n) == 0 &&
           !lower_find(etc, ROOTFS_MTAB, &old);
}

static int add_files(int upper_fd, const struct lower *root, struct strv *ret)
{
    auto_done(lower_done) struct lower etc = {0};
    auto_fd int fd = fs_open_dir_at(upper_fd, "etc");
    struct stat st;
    int n = 0, rc = fd < 0 ? 0 : lower_enter(root, "etc", &etc);
    for (size_t i = 0; fd >= 0 && rc == 0 && i < ARRAY_SIZE(FILES); i++) {
        char path[64];
        if (!is_own_file(fd, FILES[i], &etc))
            continue;
        snprintf(path, sizeof(path), "etc/%s", FILES[i]);
        rc = strv_add(ret, path);
        n++;
    }
    if (fd >= 0 && rc == 0 && is_own_mtab(fd, &etc)) {
        rc = strv_add(ret, "etc/" ROOTFS_MTAB);
        n++;
    }
    if (rc < 0 || n == 0 || count_entries(upper_fd, "etc") != n)
        return rc;
    bool ours = !lower_find(root, "etc", &st) || !lower_differs(root, "etc", upper_fd);
    return ours ? strv_add(ret, "etc") : 0;
}

int container_own_paths(int upper_fd, const struct lower *root, struct strv *ret)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(DIRS) && rc == 0; i++)
        if (is_own_dir(upper_fd, DIRS[i], root))
            rc = strv_add(ret, DIRS[i]);
    if (rc == 0 && is_own_env(upper_fd, root))
        rc = strv_add(ret, ROOTFS_ENV);
    return rc < 0 ? rc : add_files(upper_fd, root, ret);
}
