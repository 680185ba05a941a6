/* A tar into a directory of a container, which already has files and may change them: names
 * are resolved below the container's root each time a directory of the tar begins. What
 * begins with ".wh." is a file like any other here. */

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/gunzip.h"
#include "engine/archive/xattr.h"
#include "engine/copy/internal.h"

#define READ_BLOCK (256u << 10)
#define MAX_TIMES (1u << 20) /* directories whose time is set at the end */

struct dir_time {
    char *path;
    struct timespec mtime;
};

/* What the tar is read from. */
struct input {
    int fd;
    unsigned char *block; /* READ_BLOCK bytes */
    struct archive_gunzip gunzip;
};

struct untar {
    struct copy *c;
    char *base; /* of the target directory, in its root */
    int dir_fd; /* of the last entry's directory; -1 = none */
    char *dir;  /* its path, relative to base */
    struct dir_time *times;
    size_t n_times, cap_times;
};

static void free_reader(struct archive **a)
{
    if (*a)
        archive_read_free(*a);
}

static void untar_done(struct untar *u)
{
    for (size_t i = 0; i < u->n_times; i++)
        free(u->times[i].path);
    free(u->times);
    free(u->base);
    free(u->dir);
    cleanup_fd(&u->dir_fd);
}

static int broken(struct copy *c, struct mtd_error *err)
{
    const char *text = archive_error_string(c->tar);
    return mtd_fail(err, EBADMSG, "not a valid tar archive: %s", text ? text : "damaged");
}

static void input_done(struct input *in)
{
    archive_gunzip_done(&in->gunzip);
    free(in->block);
}

static ssize_t read_input(void *arg, const void **ret)
{
    struct input *in = arg;
    ssize_t n;
    do
        n = read(in->fd, in->block, READ_BLOCK);
    while (n < 0 && errno == EINTR);
    *ret = in->block;
    return n < 0 ? -errno : n;
}

static la_ssize_t read_inflated(struct archive *a, void *data, const void **ret)
{
    struct input *in = data;
    ssize_t n = archive_gunzip_next(&in->gunzip, read_input, in, ret);
    const char *reason = archive_gunzip_reason(&in->gunzip);
    if (n < 0)
        archive_set_error(a, (int)-n, "%s", reason ? reason : strerror((int)-n));
    return n < 0 ? ARCHIVE_FATAL : n;
}

/* gzip's checksum stands behind the end of the tar. */
static int finish_input(struct copy *c, struct input *in, struct mtd_error *err)
{
    const void *block;
    la_ssize_t n = archive_gunzip_is_on(&in->gunzip) ? 1 : 0;
    while (n > 0)
        n = read_inflated(c->tar, in, &block);
    return n < 0 ? broken(c, err) : 0;
}

/* Named one by one: libarchive's "all" includes some that run programs. */
static int open_reader(struct copy *c, struct input *in, struct mtd_error *err)
{
    struct archive *a = c->tar;
    in->block = malloc(READ_BLOCK);
    if (!a || !in->block || archive_read_support_format_tar(a) != ARCHIVE_OK ||
        archive_read_support_filter_bzip2(a) != ARCHIVE_OK ||
        archive_read_support_filter_xz(a) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(a) != ARCHIVE_OK)
        return mtd_fail_errno(err, ENOMEM, "cannot read a tar");
    return archive_read_open(a, in, NULL, read_inflated, NULL) == ARCHIVE_OK
               ? 0
               : broken(c, err);
}

/* The name into c->path without "." and slashes that mean nothing; ".." is refused. */
static int clean(struct copy *c, const char *raw, struct mtd_error *err)
{
    c->path.len = 0;
    int rc = buf_puts(&c->path, "");
    while (rc == 0 && raw && *(raw += strspn(raw, "/"))) {
        size_t n = strcspn(raw, "/");
        if (n == 2 && memcmp(raw, "..", 2) == 0)
            return mtd_fail(err, EBADMSG, "\"%.100s\" in the tar: \"..\" is refused",
                            raw);
        if (!(n == 1 && *raw == '.')) {
            rc = c->path.len ? buf_putc(&c->path, '/') : 0;
            rc = rc < 0 ? rc : buf_add(&c->path, raw, n);
        }
        raw += n;
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot copy") : 0;
}

/* Of a path relative to the target directory; made if it is not there. */
static int open_dir(struct untar *u, const char *path)
{
    auto_free char *whole = NULL;
    const struct copy_end *to = u->c->to;
    if (asprintf(&whole, "%s/%s", u->base, path) < 0)
        return -ENOMEM;
    int fd = copy_open(to, whole, O_PATH | O_DIRECTORY);
    return fd == -ENOENT ? fs_mkdir_in_root(to->root_fd, whole, 0755) : fd;
}

/* *ret_name = the last name of c->path, in u->dir_fd. */
static int enter_parent(struct untar *u, const char **ret_name, struct mtd_error *err)
{
    struct copy *c = u->c;
    const char *slash = strrchr(c->path.data, '/');
    size_t len = slash ? (size_t)(slash - c->path.data) : 0;
    *ret_name = slash ? slash + 1 : c->path.data;
    if (u->dir_fd >= 0 && strlen(u->dir) == len && memcmp(u->dir, c->path.data, len) == 0)
        return 0;
    cleanup_fd(&u->dir_fd);
    u->dir_fd = -1;
    free(u->dir);
    u->dir = strndup(c->path.data, len);
    int fd = u->dir ? open_dir(u, u->dir) : -ENOMEM;
    if (fd < 0)
        return copy_failed(c, -fd, "cannot open its directory", err);
    u->dir_fd = fd;
    return copy_is_kernel(fd)
               ? copy_failed(c, EOPNOTSUPP, "it is in one of the kernel's file systems",
                             err)
               : 0;
}

static int remember(struct untar *u, const struct timespec *mtime)
{
    if (u->n_times == u->cap_times) {
        size_t cap = u->cap_times ? u->cap_times * 2 : 64;
        void *grown =
            cap > MAX_TIMES ? NULL : reallocarray(u->times, cap, sizeof(*u->times));
        if (!grown)
            return -ENOMEM;
        u->times = grown;
        u->cap_times = cap;
    }
    char *path = strdup(u->c->path.data);
    if (!path)
        return -ENOMEM;
    u->times[u->n_times++] = (struct dir_time){path, *mtime};
    return 0;
}

static void set_times(struct untar *u)
{
    for (size_t i = u->n_times; i-- > 0;) {
        const struct timespec times[2] = {u->times[i].mtime, u->times[i].mtime};
        auto_free char *whole = NULL;
        if (asprintf(&whole, "%s/%s", u->base, u->times[i].path) < 0)
            continue;
        auto_fd int fd = copy_open(u->c->to, whole, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd >= 0)
            futimens(fd, times);
    }
}

/* ---- one entry ---- */

static int set_xattrs(struct copy *c, const void *arg, const char *proc,
                      struct mtd_error *err)
{
    struct archive_entry *e = (struct archive_entry *)arg;
    const char *name;
    const void *value;
    size_t size;
    int rc = 0;
    archive_entry_xattr_reset(e);
    while (rc == 0 && archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK)
        if (name && archive_xattr_is_kept(name))
            rc = copy_set_xattr(c, name, value, size, proc, err);
    return rc;
}

static int attrs_of(struct copy *c, struct archive_entry *e, struct copy_attrs *ret,
                    struct mtd_error *err)
{
    int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);
    struct stat st = {
        .st_mode = archive_entry_filetype(e) | (archive_entry_perm(e) & 07777),
        .st_uid = (uid_t)uid,
        .st_gid = (gid_t)gid,
        .st_rdev = makedev(archive_entry_rdevmajor(e), archive_entry_rdevminor(e))};
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return copy_failed(c, EBADMSG, "its owner is out of range", err);
    st.st_mtim.tv_sec = archive_entry_mtime(e);
    st.st_mtim.tv_nsec = archive_entry_mtime_nsec(e) % 1000000000L;
    int rc = copy_own(c, &st, ret);
    if (rc < 0)
        return copy_failed(c, -rc, "its owner is no user of the container's", err);
    ret->arg = e;
    ret->set_xattrs = S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? set_xattrs : NULL;
    return 0;
}

static int write_at(int fd, const char *data, size_t len, off_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, at);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        len -= (size_t)n;
        at += n;
    }
    return 0;
}

static int fill(struct copy *c, void *arg, int fd, struct mtd_error *err)
{
    const void *data;
    size_t len;
    int64_t at;
    int rc;
    while ((rc = archive_read_data_block(c->tar, &data, &len, &at)) == ARCHIVE_OK) {
        rc = write_at(fd, data, len, at);
        if (rc < 0)
            return copy_failed(c, -rc, "cannot write", err);
        mtd_progress_set(&c->progress, (uint64_t)archive_filter_bytes(c->tar, -1));
    }
    if (rc != ARCHIVE_EOF)
        return broken(c, err);
    int64_t size = archive_entry_size(arg);
    return ftruncate(fd, size) < 0 ? copy_failed(c, errno, "cannot write", err) : 0;
}

static int put_dir(struct untar *u, const char *name, const struct copy_attrs *a,
                   struct mtd_error *err)
{
    auto_fd int fd = copy_put_dir(u->c, u->dir_fd, name, err);
    if (fd < 0 || copy_is_kernel(fd))
        return fd < 0 ? fd : 0;
    int rc = copy_set_attrs(u->c, fd, a, err);
    if (rc == 0 && remember(u, &a->mtime) < 0)
        rc = copy_failed(u->c, ENOMEM, "too many directories", err);
    return rc;
}

/* Another name of what the tar has put already. */
static int put_hard_link(struct copy *c, int dir, const char *name, const char *raw,
                         struct mtd_error *err)
{
    auto_free char *own = strdup(c->path.data);
    auto_free char *first = NULL;
    int rc = own ? clean(c, raw, err) : -ENOMEM;
    if (rc == 0 && !(first = strdup(c->path.data)))
        rc = -ENOMEM;
    if (rc == 0) {
        c->path.len = 0;
        rc = buf_puts(&c->path, own);
    }
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot copy");
    return !first || strcmp(first, own) == 0 ? 0
                                             : copy_put_link(c, dir, name, first, err);
}

static int put_entry(struct untar *u, struct archive_entry *e, struct mtd_error *err)
{
    struct copy *c = u->c;
    const char *name, *link = archive_entry_hardlink(e);
    struct copy_attrs a;
    int rc = clean(c, archive_entry_pathname(e), err);
    if (rc < 0 || c->path.len == 0)
        return rc; /* the target directory itself stays as it is, as with docker */
    rc = enter_parent(u, &name, err);
    if (rc == 0)
        rc = attrs_of(c, e, &a, err);
    if (rc < 0)
        return rc;
    copy_count(c, link ? 0 : (uint64_t)archive_entry_size(e));
    if (link)
        return put_hard_link(c, u->dir_fd, name, link, err);
    switch (a.mode & S_IFMT) {
    case S_IFDIR: return put_dir(u, name, &a, err);
    case S_IFREG: return copy_put_regular(c, u->dir_fd, name, &a, fill, e, err);
    case S_IFLNK:
        return copy_put_other(c, u->dir_fd, name, &a, archive_entry_symlink(e), err);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO: return copy_put_other(c, u->dir_fd, name, &a, NULL, err);
    default: return copy_failed(c, EBADMSG, "a kind of file that cannot be copied", err);
    }
}

/* Names outside the locale's character set are kept byte for byte; libarchive only warns. */
static bool is_usable(struct copy *c, int rc)
{
    const char *text = rc == ARCHIVE_WARN ? archive_error_string(c->tar) : NULL;
    return rc == ARCHIVE_OK || (text && strstr(text, "can't be converted"));
}

static int put_entries(struct untar *u, struct mtd_error *err)
{
    struct archive_entry *e;
    for (;;) {
        int rc = archive_read_next_header(u->c->tar, &e);
        if (rc == ARCHIVE_EOF)
            return 0;
        if (!is_usable(u->c, rc))
            return broken(u->c, err);
        rc = put_entry(u, e, err);
        if (rc < 0)
            return rc;
    }
}

int copy_untar(struct copy *c, int in_fd, struct mtd_error *err)
{
    auto_done(untar_done) struct untar u = {.c = c, .dir_fd = -1};
    auto_fd int top = copy_open_target_dir(c->to, &u.base, err);
    auto_done(input_done) struct input in = {.fd = in_fd};
    auto_done(free_reader) struct archive *a = archive_read_new();
    if (top < 0)
        return top;
    c->top_fd = top;
    c->tar = a;
    int rc = open_reader(c, &in, err);
    if (rc == 0)
        rc = put_entries(&u, err);
    if (rc == 0)
        rc = finish_input(c, &in, err);
    if (rc == 0)
        set_times(&u);
    c->top_fd = -1;
    c->tar = NULL;
    return rc;
}
