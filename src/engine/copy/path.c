/* What a path of cp means depends on its end and on what is there: docker's rules, in one
 * place for both directions. */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/copy/internal.h"

#define LINKS_MAX 40 /* the kernel's own limit */
#define MQUEUE_MAGIC 0x19800202
#define CONFIGFS_MAGIC 0x62656570
#define BINFMT_MAGIC 0x42494e4d

static const long KERNEL_TREES[] = {
    PROC_SUPER_MAGIC, SYSFS_MAGIC,    DEVPTS_SUPER_MAGIC,  CGROUP_SUPER_MAGIC,
    DEBUGFS_MAGIC,    TRACEFS_MAGIC,  CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC,
    BPF_FS_MAGIC,     MQUEUE_MAGIC,   PSTOREFS_MAGIC,      EFIVARFS_MAGIC,
    SELINUX_MAGIC,    CONFIGFS_MAGIC, BINFMT_MAGIC,
};

bool copy_is_kernel(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(KERNEL_TREES); i++)
        if ((long)fs.f_type == KERNEL_TREES[i])
            return true;
    return false;
}

/* Go's filepath.Base(path) == ".": "." and "a/." and "a/./". */
static bool ends_in_dot(const char *path)
{
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/')
        n--;
    return n > 0 && path[n - 1] == '.' && (n == 1 || path[n - 2] == '/');
}

int copy_path_parse(const struct copy_end *end, struct copy_path *ret)
{
    const char *given = end->path;
    size_t len = strlen(given);
    int rc = 0;
    char *text = NULL;
    if (!end->name)
        rc = fs_absolute(given, &text);
    else if (asprintf(&text, "/%s", given) < 0)
        rc = -ENOMEM;
    if (rc < 0)
        return rc;
    fs_clean_path(text);
    *ret = (struct copy_path){.text = text,
                              .base = strrchr(text, '/') + 1,
                              .contents = ends_in_dot(given) || strcmp(text, "/") == 0};
    ret->is_dir = ret->contents || (len > 0 && given[len - 1] == '/');
    return 0;
}

void copy_path_done(struct copy_path *p)
{
    free(p->text);
    *p = (struct copy_path){0};
}

int copy_open(const struct copy_end *end, const char *path, int flags)
{
    if (end->name)
        return fs_open_in_root(end->root_fd, path, flags, 0);
    int fd = openat(end->root_fd, path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static const char *where(const struct copy_end *end, char out[80])
{
    out[0] = '\0';
    if (end->name)
        snprintf(out, 80, " in %.64s", end->name);
    return out;
}

/* The end of a long path says more than its beginning. */
static int path_failed(const struct copy_end *end, int code, const char *what,
                       struct mtd_error *err)
{
    char in[80];
    size_t len = strlen(end->path), max = 100;
    const char *tail = len > max ? end->path + len - max : end->path;
    return mtd_fail(err, code, "\"%s%s\"%s: %s", len > max ? "..." : "", tail,
                    where(end, in), what);
}

static int open_failed(const struct copy_end *end, int code, struct mtd_error *err)
{
    switch (-code) {
    case ENOENT: return path_failed(end, ENOENT, "no such file or directory", err);
    case ENOTDIR: return path_failed(end, ENOTDIR, "not a directory", err);
    case ELOOP: return path_failed(end, ELOOP, "too many links", err);
    default: return path_failed(end, -code, strerror(-code), err);
    }
}

int copy_open_source(const struct copy_end *end, const struct copy_path *p, bool follow,
                     struct stat *ret, struct mtd_error *err)
{
    int how = p->is_dir ? O_DIRECTORY : follow ? 0 : O_NOFOLLOW;
    auto_fd int fd = copy_open(end, p->text, O_PATH | how);
    if (fd < 0)
        return open_failed(end, fd, err);
    if (fstat(fd, ret) < 0)
        return open_failed(end, -errno, err);
    if (S_ISSOCK(ret->st_mode))
        return path_failed(end, EOPNOTSUPP, "a socket cannot be copied", err);
    if (copy_is_kernel(fd))
        return path_failed(end, EOPNOTSUPP,
                           "it is the kernel's and cannot be copied; read it with cat",
                           err);
    return take_fd(&fd);
}

/* ---- targets ---- */

void copy_target_done(struct copy_target *t)
{
    cleanup_fd(&t->dir_fd);
    free(t->name);
    *t = (struct copy_target){.dir_fd = -1};
}

/* Follows the links that the last name is; the end of the chain need not exist. */
static int follow(const struct copy_end *end, char **path)
{
    for (int i = 0; i < LINKS_MAX; i++) {
        char target[PATH_MAX];
        auto_fd int fd = copy_open(end, *path, O_PATH | O_NOFOLLOW);
        ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);
        if (n <= 0)
            return fd < 0 && fd != -ENOENT ? fd : 0;
        target[n] = '\0';
        char *next = NULL;
        int dir = (int)(strrchr(*path, '/') + 1 - *path);
        if (asprintf(&next, "%.*s%s", target[0] == '/' ? 0 : dir, *path, target) < 0)
            return -ENOMEM;
        fs_clean_path(next);
        free(*path);
        *path = next;
    }
    return -ELOOP;
}

/* The directory that the file is in, or will be, and its name there. */
static int place_at(const struct copy_end *to, const char *text, struct copy_target *ret,
                    struct mtd_error *err)
{
    auto_free char *path = strdup(text);
    int rc = path ? follow(to, &path) : -ENOMEM;
    if (rc < 0)
        return open_failed(to, rc, err);
    char *slash = strrchr(path, '/');
    auto_free char *name = strdup(slash + 1);
    slash[slash == path ? 1 : 0] = '\0';
    auto_fd int dir = copy_open(to, path, O_PATH | O_DIRECTORY);
    if (dir == -ENOENT)
        return path_failed(to, ENOENT, "the directory it shall be in does not exist",
                           err);
    if (dir < 0 || !name)
        return open_failed(to, name ? dir : -ENOMEM, err);
    *ret = (struct copy_target){take_fd(&dir), take_ptr(&name)};
    return 0;
}

static int in_existing_dir(int *fd, const struct copy_path *source, bool source_is_dir,
                           struct copy_target *ret)
{
    bool merged = source_is_dir && source->contents;
    char *name = merged ? NULL : strdup(source->base);
    if (!merged && !name)
        return -ENOMEM;
    *ret = (struct copy_target){take_fd(fd), name};
    return 0;
}

static int refuse_file(const struct copy_end *to, const struct copy_path *p,
                       const struct stat *st, bool source_is_dir, struct mtd_error *err)
{
    if (p->is_dir)
        return path_failed(to, ENOTDIR, "not a directory", err);
    if (source_is_dir)
        return path_failed(to, EEXIST, "cannot copy a directory to a file", err);
    if (!S_ISREG(st->st_mode))
        return path_failed(to, EEXIST,
                           S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)
                               ? "must be a directory or a regular file: got a device"
                               : "must be a directory or a regular file",
                           err);
    return 0;
}

static int check_kernel(const struct copy_end *to, int fd, struct mtd_error *err)
{
    return copy_is_kernel(fd) ? path_failed(to, EOPNOTSUPP,
                                            "it is in one of the kernel's file systems; "
                                            "nothing can be copied there",
                                            err)
                              : 0;
}

static int find(const struct copy_end *to, const struct copy_path *p,
                const struct copy_path *source, bool source_is_dir,
                struct copy_target *ret, struct mtd_error *err)
{
    struct stat st;
    auto_fd int fd = copy_open(to, p->text, O_PATH);
    if (fd < 0 && fd != -ENOENT)
        return open_failed(to, fd, err);
    if (fd < 0 && p->is_dir && !source_is_dir)
        return path_failed(to, ENOENT, "no such directory", err);
    if (fd < 0)
        return place_at(to, p->text, ret, err);
    if (fstat(fd, &st) < 0)
        return open_failed(to, -errno, err);
    if (S_ISDIR(st.st_mode))
        return in_existing_dir(&fd, source, source_is_dir, ret);
    int rc = refuse_file(to, p, &st, source_is_dir, err);
    return rc < 0 ? rc : place_at(to, p->text, ret, err);
}

int copy_find_target(const struct copy_end *to, const struct copy_path *source,
                     bool source_is_dir, struct copy_target *ret, struct mtd_error *err)
{
    auto_done(copy_path_done) struct copy_path p = {0};
    struct copy_target t = {.dir_fd = -1};
    int rc = copy_path_parse(to, &p);
    if (rc < 0)
        return open_failed(to, rc, err);
    rc = find(to, &p, source, source_is_dir, &t, err);
    if (rc == 0)
        rc = check_kernel(to, t.dir_fd, err);
    if (rc < 0)
        copy_target_done(&t);
    else
        *ret = t;
    return rc;
}

int copy_open_target_dir(const struct copy_end *to, char **ret_text,
                         struct mtd_error *err)
{
    auto_done(copy_path_done) struct copy_path p = {0};
    int rc = copy_path_parse(to, &p);
    if (rc < 0)
        return open_failed(to, rc, err);
    auto_fd int fd = copy_open(to, p.text, O_PATH | O_DIRECTORY);
    if (fd == -ENOTDIR)
        return path_failed(to, ENOTDIR, "must be a directory", err);
    if (fd < 0)
        return open_failed(to, fd, err);
    rc = check_kernel(to, fd, err);
    if (rc < 0)
        return rc;
    *ret_text = take_ptr(&p.text);
    return take_fd(&fd);
}
