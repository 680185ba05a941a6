/* Program and working directory are looked up after the change of root and of
 * user: the image decides where they are, and the user's permissions whether they
 * can be reached. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/confine/confine.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* 0 = the current user can execute it. */
static int try_program(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Like execvp: the first that can be executed; if none, -EACCES has
 * precedence over -ENOENT. */
static int search_path(const char *file, const char *path, char *ret_path, size_t size)
{
    int result = -ENOENT;
    for (const char *p = path, *next; p; p = next) {
        int len = (int)strcspn(p, ":");
        next = p[len] ? p + len + 1 : NULL;
        int n = snprintf(ret_path, size, "%.*s%s%s", len, p, len ? "/" : "./", file);
        int rc = n < 0 || (size_t)n >= size ? -ENAMETOOLONG : try_program(ret_path);
        if (rc == 0)
            return 0;
        if (rc == -EACCES)
            result = rc;
    }
    return result;
}

int confine_find_program(const char *file, const struct strv *env, char *ret_path,
                         size_t size, struct mtd_error *err)
{
    if (!*file)
        return mtd_fail(err, ENOENT, "exec: \"\": executable file not found in $PATH");
    if (!strchr(file, '/')) {
        const char *path = strv_env_get(env, "PATH");
        int rc = search_path(file, path ? path : DEFAULT_PATH, ret_path, size);
        if (rc == -ENOENT)
            mtd_fail(err, ENOENT, "exec: \"%s\": executable file not found in $PATH",
                     file);
        return rc < 0 ? mtd_fail_errno(err, -rc, "exec: \"%s\"", file) : 0;
    }
    if ((size_t)snprintf(ret_path, size, "%s", file) >= size)
        return mtd_fail_errno(err, ENAMETOOLONG, "exec: \"%.64s...\"", file);
    int rc = try_program(file);
    if (rc == -EISDIR)
        return mtd_fail(err, EACCES, "exec: \"%s\": is a directory", file);
    return rc < 0 ? mtd_fail_errno(err, -rc, "exec: \"%s\"", file) : 0;
}

static int make_directory(const char *cwd)
{
    auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    int fd = fs_mkdir_in_root(root, cwd, 0755);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

/* Through a leaked descriptor (/proc/self/fd/N) a directory outside the root could be
 * reached; the kernel then says "(unreachable)...". libc's getcwd would hide that. */
static int check_inside(void)
{
    char path[PATH_MAX];
    if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
        return -errno;
    return path[0] == '/' ? 0 : -EXDEV;
}

int confine_chdir(const char *cwd, bool make, struct mtd_error *err)
{
    if (!cwd || !*cwd)
        cwd = "/";
    if (*cwd != '/')
        return mtd_fail(err, EINVAL, "working directory %s: must be an absolute path",
                        cwd);
    int rc = chdir(cwd) < 0 ? -errno : 0;
    if (rc == -ENOENT && make) {
        rc = make_directory(cwd);
        if (rc == 0 && chdir(cwd) < 0)
            rc = -errno;
    }
    if (rc == 0)
        rc = check_inside();
    return rc < 0 ? mtd_fail_errno(err, -rc, "working directory %s", cwd) : 0;
}
