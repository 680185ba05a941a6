/* The labels of files. A descriptor that is only O_PATH has no calls for attributes, so they
 * are set by way of /proc/self/fd, and a name in a directory is never followed. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/host/selinux.h"

#define XATTR "security.selinux"
#define DEPTH_MAX 500 /* a descriptor for each */

/* What others of the host need as it is: whoever names one of these means something below. */
static const char *const SYSTEM[] = {
    "/",     "/bin", "/boot",  "/dev",   "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow",
    "/home", "/lib", "/lib64", "/media", "/opt", "/proc",       "/root",    "/run",
    "/sbin", "/srv", "/sys",   "/tmp",   "/usr", "/var",        "/var/lib", "/var/log",
};

static int set(const char *path, const char *label, bool follow)
{
    size_t size = strlen(label) + 1;
    int rc = follow ? setxattr(path, XATTR, label, size, 0)
                    : lsetxattr(path, XATTR, label, size, 0);
    return rc == 0 || errno == ENOTSUP ? 0 : -errno;
}

int selinux_label_fd(int fd, const char *label)
{
    char path[64];
    if (!label || !*label)
        return 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return set(path, label, true);
}

int selinux_label_at(int dir_fd, const char *name, const char *label)
{
    char path[64 + NAME_MAX];
    if (!label || !*label)
        return 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%.255s", dir_fd, name);
    return set(path, label, false);
}

/* Without categories every container may. */
static void for_tree(const char *label, bool shared, char ret[SELINUX_LABEL_SIZE])
{
    char level[SELINUX_LABEL_SIZE];
    selinux_level(label, level);
    size_t keep = strlen(label) - strlen(level);
    if (shared && *level)
        snprintf(ret, SELINUX_LABEL_SIZE, "%.*s%.*s", (int)keep, label,
                 (int)strcspn(level, ":"), level);
    else
        snprintf(ret, SELINUX_LABEL_SIZE, "%s", label);
}

static bool has_label(int fd, const char *label)
{
    char path[64], now[SELINUX_LABEL_SIZE];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t n = getxattr(path, XATTR, now, sizeof(now) - 1);
    now[n < 0 ? 0 : n] = '\0';
    return strcmp(now, label) == 0;
}

bool selinux_is_labelled(int fd, const char *label, bool shared)
{
    char wanted[SELINUX_LABEL_SIZE];
    for_tree(label, shared, wanted);
    return has_label(fd, wanted);
}

static int label_below(int dir_fd, const char *label, int depth);

static int label_entry(int dir_fd, const struct dirent64 *e, const char *label, int depth)
{
    if (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) {
        auto_fd int sub = fs_open_dir_at(dir_fd, e->d_name);
        int rc = sub >= 0 ? label_below(sub, label, depth + 1) : sub;
        if (rc < 0 && rc != -ENOTDIR && rc != -ELOOP && rc != -ENOENT)
            return rc;
    }
    int rc = selinux_label_at(dir_fd, e->d_name, label);
    return rc == -ENOENT ? 0 : rc;
}

static int label_below(int dir_fd, const char *label, int depth)
{
    auto_done(fs_dir_done) struct fs_dir dir;
    const struct dirent64 *e;
    int rc = depth > DEPTH_MAX ? -ENAMETOOLONG : fs_dir_open(&dir, dir_fd);
    if (rc < 0) {
        fs_dir_init(&dir, -1);
        return rc;
    }
    while (rc == 0 && (e = fs_dir_next(&dir)))
        rc = label_entry(dir_fd, e, label, depth);
    return rc < 0 ? rc : dir.error;
}

static int refuse_system(int fd, struct mtd_error *err)
{
    char link[64], path[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    if (n < 0)
        return mtd_fail_errno(err, errno, "cannot read the name of a volume");
    path[n] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(SYSTEM); i++)
        if (strcmp(path, SYSTEM[i]) == 0)
            return mtd_fail(err, EPERM,
                            "%s must keep its SELinux labels; mount a directory below "
                            "it, or without z and Z",
                            path);
    return 0;
}

int selinux_relabel(int root_fd, const char *path, const char *label, bool shared,
                    struct mtd_error *err)
{
    char wanted[SELINUX_LABEL_SIZE];
    struct stat st;
    auto_fd int fd = openat(root_fd, path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return mtd_fail_errno(err, errno, "cannot open %.100s to label it", path);
    int rc = refuse_system(fd, err);
    if (rc < 0)
        return rc;
    for_tree(label, shared, wanted);
    auto_fd int dir = S_ISDIR(st.st_mode) ? fs_open_dir_at(fd, ".") : -1;
    rc = !S_ISDIR(st.st_mode) ? 0 : dir < 0 ? dir : label_below(dir, wanted, 0);
    if (rc == 0)
        rc = selinux_label_fd(fd, wanted);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot label %.100s for SELinux", path) : 0;
}
