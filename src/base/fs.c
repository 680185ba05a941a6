/* fs - a file is replaced by a rename, never written in place: a reader, or a process
 * killed at any moment, sees the old content or the new one. */

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/trust.h"

static ssize_t read_once(int fd, void *out, size_t size)
{
    ssize_t n;
    do
        n = read(fd, out, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int open_regular(int dir_fd, const char *name, struct stat *ret)
{
    auto_fd int fd =
        openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, ret) < 0)
        return -errno;
    return S_ISREG(ret->st_mode) ? take_fd(&fd) : -EINVAL;
}

static int read_all(int fd, const struct stat *st, size_t max, struct buf *ret)
{
    ret->len = 0;
    if (st->st_size > 0 && (uintmax_t)st->st_size > max)
        return -EFBIG;
    /* One byte more than the file claims: the read that finds the end is then often free
     * of a second buffer. Files of proc claim 0. */
    size_t step = st->st_size > 0 ? (size_t)st->st_size + 1 : 4096;
    for (;;) {
        int rc = buf_reserve(ret, step);
        if (rc < 0)
            return rc;
        ssize_t n = read_once(fd, ret->data + ret->len, step);
        if (n < 0)
            return (int)n;
        ret->len += (size_t)n;
        ret->data[ret->len] = '\0';
        if (n == 0)
            return 0;
        if (ret->len > max)
            return -EFBIG;
        if (st->st_size > 0 && ret->len == (size_t)st->st_size && (size_t)n < step)
            return 0; /* it said so, and there was room for more */
        step = 4096;
    }
}

int fs_read_at(int dir_fd, const char *name, size_t max, struct buf *ret)
{
    struct stat st;
    auto_fd int fd = open_regular(dir_fd, name, &st);
    return fd < 0 ? fd : read_all(fd, &st, max, ret);
}

int fs_read_path(const char *path, size_t max, struct buf *ret)
{
    int rc = fs_read_at(AT_FDCWD, path, max, ret);
    if (rc != -ELOOP) /* nearly always */
        return rc;
    auto_free char *real = realpath(path, NULL);
    return real ? fs_read_at(AT_FDCWD, real, max, ret) : -errno;
}

int fs_read_own_at(int dir_fd, const char *name, size_t max, struct buf *ret)
{
    struct stat st;
    auto_fd int fd = open_regular(dir_fd, name, &st);
    if (fd >= 0 && trust_entry(&st, name, NULL) < 0)
        return -EPERM;
    return fd < 0 ? fd : read_all(fd, &st, max, ret);
}

int fs_read_small_at(int dir_fd, const char *name, char *out, size_t size)
{
    auto_fd int fd =
        openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t len = 0;
    for (;;) {
        ssize_t n = read_once(fd, out + len, size - len);
        if (n < 0)
            return (int)n;
        bool end = (size_t)n < size - len;
        len += (size_t)n;
        if (len >= size)
            return -EFBIG;
        if (end)
            break;
    }
    if (len > 0 && out[len - 1] == '\n')
        len--;
    out[len] = '\0';
    return len > INT_MAX ? -EFBIG : (int)len;
}

int fs_write_at(int dir_fd, const char *name, const char *text)
{
    auto_fd int fd = openat(dir_fd, name, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t len = strlen(text);
    ssize_t n;
    do
        n = write(fd, text, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}

int fs_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

#define TEMP_MODE 0600

/* "dir/.name.0123456789abcdef": hidden, in the same directory, so that rename is
 * atomic. */
static int open_temp(int dir_fd, const char *name, char *ret_name, size_t size)
{
    const char *slash = strrchr(name, '/');
    int dir_len = slash ? (int)(slash + 1 - name) : 0;
    for (int tries = 0; tries < 16; tries++) {
        uint64_t random;
        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
            return -EIO;
        int n = snprintf(ret_name, size, "%.*s.%s.%016llx", dir_len, name, name + dir_len,
                         (unsigned long long)random);
        if (n < 0 || (size_t)n >= size)
            return -ENAMETOOLONG;
        int fd = openat(dir_fd, ret_name,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, TEMP_MODE);
        if (fd >= 0 || errno != EEXIST)
            return fd >= 0 ? fd : -errno;
    }
    return -EEXIST;
}

static int fill(int fd, const void *data, size_t len, mode_t mode, bool durable)
{
    int rc = fs_write_all(fd, data, len);
    if (rc < 0)
        return rc;
    if (mode != TEMP_MODE && fchmod(fd, mode) < 0)
        return -errno;
    return durable && fsync(fd) < 0 ? -errno : 0;
}

static int rename_over(int dir_fd, const char *temp, const char *name)
{
    return renameat(dir_fd, temp, dir_fd, name) < 0 ? -errno : 0;
}

/* ext4 writes a file out when it is renamed over another one (auto_da_alloc), which waits
 * for a busy disk; exchanging the two does not. */
static int exchange(int dir_fd, const char *temp, const char *name)
{
    if (renameat2(dir_fd, temp, dir_fd, name, RENAME_EXCHANGE) < 0)
        return rename_over(dir_fd, temp, name);
    unlinkat(dir_fd, temp, 0);
    return 0;
}

typedef int put_fn(int dir_fd, const char *temp, const char *name);

/* Until the directory is on the disk, a power loss brings the old file back. */
static int sync_place(int dir_fd, const char *name)
{
    char place[PATH_MAX];
    const char *slash = strrchr(name, '/');
    if (snprintf(place, sizeof(place), "%.*s", slash ? (int)(slash - name) : 1,
                 slash ? name : ".") >= (int)sizeof(place))
        return -ENAMETOOLONG;
    auto_fd int fd = fs_open_dir_at(dir_fd, place);
    return fd < 0 ? fd : fsync(fd) < 0 ? -errno : 0;
}

static int replace_by(int fd, int dir_fd, const char *temp, const char *name,
                      const void *data, size_t len, mode_t mode, bool durable, put_fn put)
{
    int rc = fill(fd, data, len, mode, durable);
    /* close() is where a network or quota-bound file system may report a lost write. */
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    if (rc == 0)
        rc = fault_point("fs.replace");
    if (rc == 0)
        rc = put(dir_fd, temp, name);
    if (rc < 0)
        unlinkat(dir_fd, temp, 0);
    return rc == 0 && durable ? sync_place(dir_fd, name) : rc;
}

static int replace(int dir_fd, const char *name, const void *data, size_t len,
                   mode_t mode, bool durable, put_fn put)
{
    char temp[PATH_MAX];
    int fd = open_temp(dir_fd, name, temp, sizeof(temp));
    return fd < 0 ? fd
                  : replace_by(fd, dir_fd, temp, name, data, len, mode, durable, put);
}

int fs_replace_by_at(int dir_fd, const char *temp, const char *name, const void *data,
                     size_t len, bool durable, bool at_once)
{
    int fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    TEMP_MODE);
    return fd < 0 ? -errno
                  : replace_by(fd, dir_fd, temp, name, data, len, TEMP_MODE, durable,
                               at_once ? exchange : rename_over);
}

int fs_replace_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode,
                  bool durable)
{
    return replace(dir_fd, name, data, len, mode, durable, rename_over);
}

/* For file systems without O_TMPFILE: between its name and its lock a sweep may take it. */
static int open_swept(int dir_fd, const char *temp)
{
    for (int tries = 0; tries < 16; tries++) {
        struct stat st;
        auto_fd int fd =
            openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   TEMP_MODE);
        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
            return take_fd(&fd);
    }
    return -EAGAIN;
}

static int name_unnamed(int fd, int dir_fd, const char *temp)
{
    char self[32];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (flock(fd, LOCK_EX) < 0 ||
        linkat(AT_FDCWD, self, dir_fd, temp, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    return 0;
}

int fs_replace_swept_at(int dir_fd, const char *temp_dir, const char *kind,
                        const char *name, const void *data, size_t len, bool durable)
{
    char temp[PATH_MAX];
    uint64_t random;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    int n = snprintf(temp, sizeof(temp), "%s/%s-%016llx", temp_dir, kind,
                     (unsigned long long)random);
    if (n < 0 || (size_t)n >= sizeof(temp))
        return -ENAMETOOLONG;
    auto_fd int fd =
        openat(dir_fd, temp_dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, TEMP_MODE);
    bool unnamed = fd >= 0;
    if (!unnamed && errno != EOPNOTSUPP && errno != EISDIR)
        return -errno;
    if (!unnamed && (fd = open_swept(dir_fd, temp)) < 0)
        return fd;
    int rc = fill(fd, data, len, TEMP_MODE, durable);
    if (rc == 0 && unnamed)
        rc = name_unnamed(fd, dir_fd, temp);
    if (rc == 0)
        rc = fault_point("fs.replace");
    if (rc == 0)
        rc = rename_over(dir_fd, temp, name);
    if (rc < 0)
        unlinkat(dir_fd, temp, 0);
    return rc;
}

int fs_make_whole_at(int dir_fd, const char *name, const void *data, size_t len,
                     mode_t mode, bool durable)
{
    char self[32];
    auto_fd int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    bool unnamed = fd >= 0;
    if (!unnamed && (errno == EOPNOTSUPP || errno == EISDIR))
        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    mode);
    if (fd < 0)
        return -errno;
    int rc = fill(fd, data, len, TEMP_MODE, durable);
    if (rc == 0)
        rc = fault_point("fs.whole");
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (rc == 0 && unnamed && linkat(AT_FDCWD, self, dir_fd, name, AT_SYMLINK_FOLLOW) < 0)
        rc = -errno;
    if (rc == 0 && durable && fsync(dir_fd) < 0)
        rc = -errno;
    if (rc < 0 && !unnamed)
        unlinkat(dir_fd, name, 0);
    return rc;
}

static int make_dir(const char *path, mode_t mode)
{
    struct stat st;
    if (mkdir(path, mode) == 0)
        return 0;
    int rc = -errno;
    /* EROFS and EACCES come before EEXIST for some parents: what is there counts. */
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    return rc;
}

int fs_mkdir_p(const char *path, mode_t mode)
{
    if (path[0] == '\0')
        return -ENOENT;
    auto_free char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/' || p[-1] == '/')
            continue;
        *p = '\0';
        int rc = make_dir(copy, mode);
        *p = '/';
        if (rc < 0)
            return rc;
    }
    return make_dir(copy, mode);
}

int fs_open_dir_at(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void fs_clean_path(char *path)
{
    size_t len = 0;
    for (const char *p = path; *p;) {
        const char *name = p + strspn(p, "/");
        size_t n = strcspn(name, "/");
        p = name + n;
        if (n == 2 && name[0] == '.' && name[1] == '.') {
            while (len > 0 && path[--len] != '/')
                ;
        } else if (n > 0 && !(n == 1 && *name == '.')) {
            path[len] = '/';
            memmove(path + len + 1, name, n);
            len += n + 1;
        }
    }
    if (len == 0)
        path[len++] = '/';
    path[len] = '\0';
}

int fs_absolute(const char *path, char **ret)
{
    char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *all = NULL;
    if (path[0] != '/' && !cwd)
        return -errno;
    int n = asprintf(&all, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", path);
    free(cwd);
    if (n < 0)
        return -ENOMEM;
    *ret = all;
    return 0;
}
