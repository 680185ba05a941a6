/* The sink that writes a tar: pax, because ustar has no long names, attributes or times below
 * a second. */

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/copy/internal.h"

static void free_entry(struct archive_entry **e)
{
    if (*e)
        archive_entry_free(*e);
}
#define auto_entry auto_done(free_entry)

static la_ssize_t write_block(struct archive *a, void *data, const void *block,
                              size_t len)
{
    int rc = fs_write_all(*(const int *)data, block, len);
    if (rc == 0)
        return (la_ssize_t)len;
    archive_set_error(a, -rc, "write");
    return -1;
}

static int write_failed(struct copy *c, struct mtd_error *err)
{
    int code = archive_errno(c->tar);
    return mtd_fail_errno(err, code > 0 ? code : EIO, "cannot write the tar");
}

int copy_tar_open(struct copy *c, int out_fd, struct mtd_error *err)
{
    c->tar_fd = out_fd;
    c->tar = archive_write_new();
    if (!c->tar || archive_write_set_format_pax_restricted(c->tar) != ARCHIVE_OK ||
        archive_write_set_options(c->tar, "xattrheader=SCHILY") != ARCHIVE_OK ||
        archive_write_add_filter_none(c->tar) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(c->tar, COPY_BLOCK) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(c->tar, 1) != ARCHIVE_OK)
        return mtd_fail_errno(err, ENOMEM, "cannot write a tar");
    return archive_write_open(c->tar, &c->tar_fd, NULL, write_block, NULL) == ARCHIVE_OK
               ? 0
               : write_failed(c, err);
}

/* Nobody shall take a part for the whole: after an error the end of the tar is not written. */
int copy_tar_close(struct copy *c, int rc, struct mtd_error *err)
{
    if (!c->tar)
        return rc;
    if (rc < 0)
        archive_write_fail(c->tar);
    else if (archive_write_close(c->tar) != ARCHIVE_OK)
        rc = write_failed(c, err);
    archive_write_free(c->tar);
    c->tar = NULL;
    return rc;
}

static int add_xattr(struct copy *c, const char *name, const void *value, size_t size,
                     void *entry, struct mtd_error *err)
{
    (void)c, (void)err;
    archive_entry_xattr_add_entry(entry, name, value, size);
    return 0;
}

static int set_kind(struct copy *c, struct archive_entry *e, const struct copy_node *n,
                    struct mtd_error *err)
{
    char target[PATH_MAX];
    if (S_ISCHR(n->st.st_mode) || S_ISBLK(n->st.st_mode)) {
        archive_entry_set_rdevmajor(e, major(n->st.st_rdev));
        archive_entry_set_rdevminor(e, minor(n->st.st_rdev));
    }
    if (!S_ISLNK(n->st.st_mode))
        return S_ISREG(n->st.st_mode) || S_ISDIR(n->st.st_mode)
                   ? copy_each_xattr(c, n->fd, add_xattr, e, err)
                   : 0;
    ssize_t len = readlinkat(n->fd, "", target, sizeof(target) - 1);
    if (len < 0)
        return copy_failed(c, errno, "cannot read the link", err);
    target[len] = '\0';
    archive_entry_copy_symlink(e, target);
    return 0;
}

static int write_header(struct copy *c, const struct copy_node *n, const char *first,
                        struct mtd_error *err)
{
    struct copy_attrs a;
    auto_entry struct archive_entry *e = archive_entry_new();
    if (!e)
        return copy_failed(c, ENOMEM, "cannot copy", err);
    copy_own(c, &n->st, &a);
    archive_entry_copy_pathname(e, c->path.data);
    archive_entry_set_filetype(e, n->st.st_mode & S_IFMT);
    archive_entry_set_perm(e, n->st.st_mode & 07777);
    archive_entry_set_uid(e, a.uid);
    archive_entry_set_gid(e, a.gid);
    archive_entry_set_mtime(e, n->st.st_mtim.tv_sec, n->st.st_mtim.tv_nsec);
    archive_entry_set_size(e, S_ISREG(n->st.st_mode) && !first ? n->st.st_size : 0);
    int rc = 0;
    if (first)
        archive_entry_copy_hardlink(e, first);
    else
        rc = set_kind(c, e, n, err);
    if (rc == 0 && archive_write_header(c->tar, e) < ARCHIVE_WARN)
        rc = write_failed(c, err);
    return rc;
}

/* Exactly what the header has promised: what a file loses meanwhile is written as zeros. */
static int write_data(struct copy *c, const struct copy_node *n, struct mtd_error *err)
{
    auto_fd int in = copy_open_data(c, n, err);
    if (in < 0)
        return in;
    for (off_t left = n->st.st_size; left > 0;) {
        size_t want = left < COPY_BLOCK ? (size_t)left : COPY_BLOCK;
        ssize_t got = read(in, c->block, want);
        if (got < 0)
            return copy_failed(c, errno, "cannot read", err);
        if (got == 0)
            memset(c->block, 0, (size_t)(got = (ssize_t)want));
        if (archive_write_data(c->tar, c->block, (size_t)got) != got)
            return write_failed(c, err);
        mtd_progress_add(&c->progress, (uint64_t)got);
        left -= got;
    }
    return 0;
}

static int tar_put(struct copy *c, const struct copy_node *n, int dir, const char *first,
                   struct mtd_error *err)
{
    (void)dir;
    int rc = write_header(c, n, first, err);
    bool has_data = S_ISREG(n->st.st_mode) && !first;
    copy_count(c, has_data ? (uint64_t)n->st.st_size : 0);
    return rc < 0 || !has_data ? rc : write_data(c, n, err);
}

static int tar_enter(struct copy *c, const struct copy_node *n, int dir, int *ret_dir,
                     struct mtd_error *err)
{
    (void)dir;
    *ret_dir = -1;
    copy_count(c, 0);
    return write_header(c, n, NULL, err);
}

static int tar_leave(struct copy *c, const struct copy_node *n, int dir,
                     struct mtd_error *err)
{
    (void)c, (void)n, (void)dir, (void)err;
    return 0;
}

const struct copy_sink COPY_TAR = {tar_enter, tar_leave, tar_put};
