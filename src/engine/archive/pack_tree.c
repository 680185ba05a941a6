/* The tree may belong to a live container, which can rename files at any moment: so every
 * file is first held by an O_PATH descriptor, then examined, and only then opened through
 * it. What is opened is what was examined. Names are sorted, so that the same tree gives
 * the same layer. */

#include "engine/archive/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/strv.h"
#include "engine/archive/internal.h"
#include "engine/archive/xattr.h"

static int pack_dir(struct archive_pack *p, int path_fd, int depth,
                    struct mtd_error *err);

static int failed(struct archive_pack *p, int code, const char *what,
                  struct mtd_error *err)
{
    return archive_entry_failed(err, code, p->path.data, what);
}

static int refused(struct archive_pack *p, const char *reason, struct mtd_error *err)
{
    archive_entry_bad(err, p->path.data, reason);
    if (err && err->code == EBADMSG)
        err->code = ENOTSUP;
    return -ENOTSUP;
}

/* A whiteout is an empty file; dir is the directory of p->path, or p->path itself. */
static int pack_whiteout(struct archive_pack *p, const char *dir, size_t dir_len,
                         const char *name, struct mtd_error *err)
{
    auto_done(buf_done) struct buf path = {0};
    auto_entry struct archive_entry *e = archive_entry_new();
    if (!e || buf_printf(&path, "%.*s%s", (int)dir_len, dir, name) < 0)
        return failed(p, ENOMEM, "cannot pack", err);
    archive_entry_copy_pathname(e, path.data);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0600);
    archive_entry_set_size(e, 0);
    archive_entry_set_mtime(e, 0, 0);
    return archive_pack_header(p, e, err);
}

/* p->path is "dir/name": it is packed as "dir/.wh.name". */
static int pack_removed(struct archive_pack *p, struct mtd_error *err)
{
    auto_free char *name = NULL;
    const char *slash = strrchr(p->path.data, '/');
    size_t dir_len = slash ? (size_t)(slash + 1 - p->path.data) : 0;
    if (asprintf(&name, ARCHIVE_WHITEOUT "%s", p->path.data + dir_len) < 0) {
        name = NULL;
        return failed(p, ENOMEM, "cannot pack", err);
    }
    return pack_whiteout(p, p->path.data, dir_len, name, err);
}

/* Of overlayfs' attributes only "opaque" can be expressed in a tar. */
static int read_overlay_xattr(struct archive_pack *p, const char *proc, const char *name,
                              struct mtd_error *err)
{
    char value[4];
    if (p->form != ARCHIVE_PACK_LAYER)
        return 0;
    if (strcmp(name, ARCHIVE_OPAQUE_XATTR) == 0) {
        ssize_t n = getxattr(proc, name, value, sizeof(value));
        p->opaque = n == 1 && value[0] == 'y';
    } else if (strcmp(name, "trusted.overlay.redirect") == 0 ||
               strcmp(name, "trusted.overlay.metacopy") == 0) {
        return refused(p,
                       "only a reference to a lower layer; mount without redirect_dir "
                       "and metacopy",
                       err);
    }
    return 0;
}

static int add_xattr(struct archive_pack *p, struct archive_entry *e, const char *proc,
                     const char *name, struct mtd_error *err)
{
    if (archive_xattr_is_overlay(name))
        return read_overlay_xattr(p, proc, name, err);
    if (!archive_xattr_is_kept(name))
        return 0;
    ssize_t n = getxattr(proc, name, p->xattr_value, sizeof(p->xattr_value));
    if (n < 0)
        return errno == ENODATA ? 0 : failed(p, errno, "cannot read its attributes", err);
    archive_entry_xattr_add_entry(e, name, p->xattr_value, (size_t)n);
    return 0;
}

static int add_xattrs(struct archive_pack *p, struct archive_entry *e, int fd,
                      struct mtd_error *err)
{
    char proc[64];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    p->opaque = false;
    ssize_t len = listxattr(proc, p->xattr_names, sizeof(p->xattr_names));
    if (len < 0)
        return errno == ENOTSUP ? 0 : failed(p, errno, "cannot list its attributes", err);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(p->xattr_names + at) + 1) {
        int rc = add_xattr(p, e, proc, p->xattr_names + at, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void fill_entry(struct archive_entry *e, const char *path, const struct stat *st)
{
    archive_entry_copy_pathname(e, path);
    archive_entry_set_filetype(e, st->st_mode & S_IFMT);
    archive_entry_set_perm(e, st->st_mode & 07777);
    archive_entry_set_uid(e, st->st_uid);
    archive_entry_set_gid(e, st->st_gid);
    archive_entry_set_mtime(e, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    archive_entry_set_size(e, S_ISREG(st->st_mode) ? st->st_size : 0);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
        archive_entry_set_rdevmajor(e, major(st->st_rdev));
        archive_entry_set_rdevminor(e, minor(st->st_rdev));
    }
}

static int set_symlink(struct archive_pack *p, struct archive_entry *e, int fd,
                       struct mtd_error *err)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
    if (n < 0)
        return failed(p, errno, "cannot read the link", err);
    target[n] = '\0';
    archive_entry_copy_symlink(e, target);
    return 0;
}

/* 1 = written as a link to an earlier name. */
static int pack_hard_link(struct archive_pack *p, struct archive_entry *e,
                          const struct stat *st, struct mtd_error *err)
{
    const char *first = NULL;
    if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
        return 0;
    int rc = archive_pack_link(p, st, &first);
    if (rc < 0)
        return failed(p, rc, "cannot pack", err);
    if (!first)
        return 0;
    archive_entry_copy_hardlink(e, first);
    archive_entry_set_size(e, 0);
    rc = archive_pack_header(p, e, err);
    return rc < 0 ? rc : 1;
}

static int pack_node(struct archive_pack *p, int fd, const struct stat *st, int depth,
                     struct mtd_error *err)
{
    auto_entry struct archive_entry *e = archive_entry_new();
    if (!e)
        return failed(p, ENOMEM, "cannot pack", err);
    fill_entry(e, p->path.len ? p->path.data : ".", st);
    int rc = pack_hard_link(p, e, st, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = S_ISLNK(st->st_mode) ? set_symlink(p, e, fd, err) : 0;
    if (rc == 0)
        rc = add_xattrs(p, e, fd, err);
    if (rc < 0)
        return rc;
    if (S_ISREG(st->st_mode))
        return archive_pack_regular(p, e, fd, st, err);
    rc = archive_pack_header(p, e, err);
    return rc == 0 && S_ISDIR(st->st_mode) ? pack_dir(p, fd, depth, err) : rc;
}

/* A mount inside the tree is not part of it: its mount point is packed as empty. */
static bool is_mount(int fd)
{
    struct statx stx;
    return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, 0, &stx) == 0 &&
           (stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
           (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int pack_covered(struct archive_pack *p, struct stat st, struct mtd_error *err)
{
    auto_entry struct archive_entry *e = archive_entry_new();
    if (!e)
        return failed(p, ENOMEM, "cannot pack", err);
    if (!S_ISDIR(st.st_mode))
        st.st_mode = S_IFREG | 0644;
    st.st_size = 0;
    fill_entry(e, p->path.data, &st);
    return archive_pack_header(p, e, err);
}

static int pack_child(struct archive_pack *p, int dir_fd, const char *name, int depth,
                      struct mtd_error *err)
{
    struct stat st;
    auto_fd int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0; /* just removed */
    if (fd < 0)
        return failed(p, errno, "cannot open", err);
    if (fstat(fd, &st) < 0)
        return failed(p, errno, "stat", err);
    if (S_ISSOCK(st.st_mode))
        return 0; /* useless without the process that has bound it */
    if (is_mount(fd))
        return pack_covered(p, st, err);
    if (p->form == ARCHIVE_PACK_LAYER) {
        if (archive_file_is_whiteout(st.st_mode, st.st_rdev))
            return pack_removed(p, err);
        if (strncmp(name, ARCHIVE_WHITEOUT, strlen(ARCHIVE_WHITEOUT)) == 0)
            return refused(p, "a name that begins with .wh. would become a whiteout",
                           err);
    }
    return pack_node(p, fd, &st, depth, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(int fd, struct strv *names)
{
    auto_dir DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -errno;
    }
    const struct dirent *d;
    for (errno = 0; (d = readdir(dir)); errno = 0) {
        bool dots = strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
        int rc = dots ? 0 : strv_add(names, d->d_name);
        if (rc < 0)
            return rc;
    }
    if (errno)
        return -errno;
    if (names->len > 1)
        qsort(names->items, names->len, sizeof(*names->items), compare_names);
    return 0;
}

static int pack_children(struct archive_pack *p, int path_fd, int depth,
                         struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0};
    int fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : list_names(fd, &names);
    if (rc < 0)
        return failed(p, rc, "cannot list the directory", err);
    size_t len = p->path.len;
    for (size_t i = 0; i < names.len && rc == 0; i++) {
        rc = buf_printf(&p->path, "%s%s", len ? "/" : "", names.items[i]);
        if (rc == 0 && !(p->skip && strv_contains(p->skip, p->path.data)))
            rc = pack_child(p, path_fd, names.items[i], depth + 1, err);
        p->path.len = len;
        p->path.data[len] = '\0';
    }
    return rc;
}

static int pack_dir(struct archive_pack *p, int path_fd, int depth, struct mtd_error *err)
{
    if (depth >= ARCHIVE_MAX_DEPTH)
        return refused(p, "more than 256 directories deep", err);
    int rc = 0;
    if (p->opaque) {
        auto_done(buf_done) struct buf dir = {0};
        rc = buf_printf(&dir, "%s/", p->path.len ? p->path.data : ".");
        if (rc == 0)
            rc = pack_whiteout(p, dir.data, dir.len, ARCHIVE_OPAQUE, err);
    }
    return rc < 0 ? rc : pack_children(p, path_fd, depth, err);
}

int archive_pack_tree(struct archive_pack *p, int tree_fd, struct mtd_error *err)
{
    struct stat st;
    auto_fd int fd = openat(tree_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return mtd_fail_errno(err, errno, "cannot open the tree to pack");
    return pack_node(p, fd, &st, 0, err);
}
