/* The form is ustar, with a pax header only where a file is beyond its 8 GiB: every program
 * reads it, and nothing in it depends on the time or the host. */

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/archive/members.h"

#define BLOCK (256u << 10)

struct archive_bundle {
    struct archive *a;
    unsigned char block[BLOCK];
};

static int failed(struct archive_bundle *b, struct mtd_error *err)
{
    int code = archive_errno(b->a);
    return mtd_fail_errno(err, code > 0 ? code : EIO, "cannot write the archive");
}

static int open_archive(struct archive *a, int fd, enum archive_bundle_form form)
{
    int rc = archive_write_set_format_pax_restricted(a);
    if (rc == ARCHIVE_OK && form == ARCHIVE_BUNDLE_GZIP)
        rc = archive_write_add_filter_gzip(a);
    if (rc == ARCHIVE_OK && form == ARCHIVE_BUNDLE_GZIP)
        rc = archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
    if (rc == ARCHIVE_OK && form == ARCHIVE_BUNDLE_ZSTD)
        rc = archive_write_add_filter_zstd(a);
    if (rc == ARCHIVE_OK)
        rc = archive_write_set_bytes_per_block(a, BLOCK);
    if (rc == ARCHIVE_OK)
        rc = archive_write_set_bytes_in_last_block(a, 1);
    return rc == ARCHIVE_OK ? archive_write_open_fd(a, fd) : rc;
}

int archive_bundle_open(int fd, enum archive_bundle_form form,
                        struct archive_bundle **ret, struct mtd_error *err)
{
    struct archive_bundle *b = calloc(1, sizeof(*b));
    if (!b || !(b->a = archive_write_new()) ||
        open_archive(b->a, fd, form) != ARCHIVE_OK) {
        archive_bundle_free(b);
        return mtd_fail_errno(err, ENOMEM, "cannot write the archive");
    }
    *ret = b;
    return 0;
}

static int put_header(struct archive_bundle *b, const char *path, mode_t type,
                      uint64_t size, struct mtd_error *err)
{
    struct archive_entry *e = archive_entry_new();
    if (!e)
        return mtd_fail_errno(err, ENOMEM, "cannot write the archive");
    archive_entry_set_pathname(e, path);
    archive_entry_set_filetype(e, type);
    archive_entry_set_perm(e, type == AE_IFDIR ? 0755 : 0644);
    archive_entry_set_size(e, (int64_t)size);
    archive_entry_set_mtime(e, 0, 0);
    int rc = archive_write_header(b->a, e);
    archive_entry_free(e);
    return rc == ARCHIVE_OK ? 0 : failed(b, err);
}

static int put(struct archive_bundle *b, const unsigned char *data, size_t len,
               struct mtd_error *err)
{
    while (len > 0) {
        la_ssize_t n = archive_write_data(b->a, data, len);
        if (n <= 0)
            return failed(b, err);
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int archive_bundle_dir(struct archive_bundle *b, const char *path, struct mtd_error *err)
{
    return put_header(b, path, AE_IFDIR, 0, err);
}

int archive_bundle_add(struct archive_bundle *b, const char *path, const void *data,
                       size_t len, struct mtd_error *err)
{
    int rc = put_header(b, path, AE_IFREG, len, err);
    return rc < 0 ? rc : put(b, data, len, err);
}

int archive_bundle_add_file(struct archive_bundle *b, const char *path, int fd,
                            uint64_t size, struct mtd_progress_item *progress,
                            struct mtd_error *err)
{
    int rc = put_header(b, path, AE_IFREG, size, err);
    for (uint64_t at = 0; rc == 0 && at < size;) {
        ssize_t n = pread(fd, b->block, size - at < BLOCK ? (size_t)(size - at) : BLOCK,
                          (off_t)at);
        if (n <= 0)
            return mtd_fail_errno(err, n < 0 ? errno : EIO, "cannot read %.100s", path);
        rc = put(b, b->block, (size_t)n, err);
        at += (uint64_t)n;
        mtd_progress_set(progress, at);
    }
    return rc;
}

int archive_bundle_close(struct archive_bundle *b, struct mtd_error *err)
{
    int rc = archive_write_close(b->a) == ARCHIVE_OK ? 0 : failed(b, err);
    archive_bundle_free(b);
    return rc;
}

void archive_bundle_free(struct archive_bundle *b)
{
    if (!b)
        return;
    if (b->a) {
        archive_write_fail(b->a); /* freeing would write the end of the archive */
        archive_write_free(b->a);
    }
    free(b);
}
