/* Where the command is, and where it starts: both looked up as the one it runs as, inside. */

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

/* 0 = can be executed by whom we are now. */
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

/* As execvp: the first that can be executed; "not permitted" is remembered over "not found". */
static int search_path(const char *file, const char *path, char *ret_path, size_t size)
{
    int result = -ENOENT;
    for (const char *p = path, *next; p; p = next) {
        int len = (int)strcspn(p, ":");
        next = p[len] ? p + len + 1 : NULL;
        int n = snprintf(ret_path, size, "%.*s%s%s", len, p, len ? "/" : "./", file);
        int r = n < 0 || (size_t)n >= size ? -ENAMETOOLONG : try_program(ret_path);
        if (r == 0)
            return 0;
        if (r == -EACCES)
            result = r;
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
        int r = search_path(file, path ? path : DEFAULT_PATH, ret_path, size);
        if (r == -ENOENT)
            mtd_fail(err, ENOENT, "exec: \"%s\": executable file not found in $PATH",
                     file);
        return r < 0 ? mtd_fail_errno(err, -r, "exec: \"%s\"", file) : 0;
    }
    if ((size_t)snprintf(ret_path, size, "%s", file) >= size)
        return mtd_fail_errno(err, ENAMETOOLONG, "exec: \"%.64s...\"", file);
    int r = try_program(file);
    if (r == -EISDIR)
        return mtd_fail(err, EACCES, "exec: \"%s\": is a directory", file);
    return r < 0 ? mtd_fail_errno(err, -r, "exec: \"%s\"", file) : 0;
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

/* A directory reached over a leaked descriptor (/proc/self/fd/N) lies outside the root; the
 * kernel then says "(unreachable)...". The raw call, since libc's hides just that. */
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
    int r = chdir(cwd) < 0 ? -errno : 0;
    if (r == -ENOENT && make) {
        r = make_directory(cwd);
        if (r == 0 && chdir(cwd) < 0)
            r = -errno;
    }
    if (r == 0)
        r = check_inside();
    return r < 0 ? mtd_fail_errno(err, -r, "working directory %s", cwd) : 0;
}
