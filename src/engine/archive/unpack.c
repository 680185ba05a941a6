/* Two readers are chained: the first only decompresses, so that the bytes of the plain
 * tar can be counted against the limit and hashed (the layer's diff id); the second reads
 * the tar from the first. The filters are named one by one, because libarchive's "all"
 * includes some that run programs. */

#include "engine/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "engine/archive/hash.h"
#include "engine/archive/internal.h"

#define READ_BLOCK (256u << 10)
#define MAX_BYTES (1ULL << 40)
#define MAX_ENTRIES (4ULL << 20)

struct stream {
    struct archive *raw;
    struct sha256_ctx hash;
    uint64_t bytes, max_bytes;
    struct mtd_progress_item *progress;
};

static void free_reader(struct archive **a)
{
    if (*a)
        archive_read_free(*a);
}
#define auto_reader auto_done(free_reader)

struct archive_limits archive_limits_of(int dir_fd)
{
    struct archive_limits l = {MAX_BYTES, MAX_ENTRIES};
    struct statvfs v;
    if (fstatvfs(dir_fd, &v) < 0)
        return l;
    uint64_t room = (uint64_t)v.f_bavail * v.f_frsize;
    room -= room / 16;
    if (room < l.bytes)
        l.bytes = room;
    /* File systems that allocate inodes as needed report 0. */
    if (v.f_files > 0 && v.f_favail - v.f_favail / 16 < l.entries)
        l.entries = v.f_favail - v.f_favail / 16;
    return l;
}

static const struct {
    const char *name;
    int (*add)(struct archive *);
} FILTERS[] = {
    {"gzip", archive_read_support_filter_gzip},
    {"bzip2", archive_read_support_filter_bzip2},
    {"xz", archive_read_support_filter_xz},
    {"zstd", archive_read_support_filter_zstd},
    {"lz4", archive_read_support_filter_lz4},
};

/* ARCHIVE_WARN would mean that libarchive was built without the library and would run a
 * program instead. */
static int add_filters(struct archive *a, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(FILTERS); i++)
        if (FILTERS[i].add(a) != ARCHIVE_OK)
            return mtd_fail(err, ENOTSUP, "libarchive was built without %s",
                            FILTERS[i].name);
    return archive_read_support_format_raw(a) == ARCHIVE_OK ? 0 : -ENOMEM;
}

static int broken(struct archive *a, struct mtd_error *err)
{
    const char *text = archive_error_string(a);
    int code = archive_errno(a);
    if (code == ENOMEM || code == EIO || code == EISDIR)
        return mtd_fail(err, code, "cannot read the tar archive: %s",
                        text ? text : "read error");
    return mtd_fail(err, EBADMSG, "not a valid tar archive: %s", text ? text : "damaged");
}

static int open_raw(struct archive *a, const struct archive_tar *tar,
                    struct mtd_error *err)
{
    struct archive_entry *e;
    int rc = add_filters(a, err);
    if (rc < 0)
        return rc;
    if (tar->data)
        rc = archive_read_open_memory(a, tar->data, tar->len);
    else
        rc = archive_read_open_fd(a, tar->fd, READ_BLOCK);
    if (rc == ARCHIVE_OK)
        rc = archive_read_next_header(a, &e);
    if (rc == ARCHIVE_EOF)
        return mtd_fail(err, EBADMSG, "not a valid tar archive: it is empty");
    return rc == ARCHIVE_OK ? 0 : broken(a, err);
}

static la_ssize_t read_block(struct archive *a, void *data, const void **ret)
{
    struct stream *s = data;
    size_t len = 0;
    int64_t offset;
    int rc = archive_read_data_block(s->raw, ret, &len, &offset);
    if (rc == ARCHIVE_EOF)
        return 0;
    if (rc != ARCHIVE_OK) {
        archive_set_error(a, archive_errno(s->raw), "%s", archive_error_string(s->raw));
        return ARCHIVE_FATAL;
    }
    if (len > s->max_bytes - s->bytes) {
        archive_set_error(a, EFBIG, "more than %ju bytes when decompressed",
                          (uintmax_t)s->max_bytes);
        return ARCHIVE_FATAL;
    }
    s->bytes += len;
    sha256_update(&s->hash, len, *ret);
    mtd_progress_set(s->progress, (uint64_t)archive_filter_bytes(s->raw, -1));
    return (la_ssize_t)len;
}

/* What follows the end of the archive belongs to the stream's checksum and to the
 * hash. */
static int drain(struct archive *a, struct stream *s, struct mtd_error *err)
{
    const void *block;
    la_ssize_t n;
    do
        n = read_block(a, s, &block);
    while (n > 0);
    return n < 0 ? broken(a, err) : 0;
}

/* Names outside the locale's character set are kept byte for byte; libarchive only warns
 * of them. Any other warning is about a damaged header. */
static bool is_about_charset(struct archive *a)
{
    const char *text = archive_error_string(a);
    return text && strstr(text, "can't be converted");
}

static int put_entries(struct archive *a, struct archive_tree *tree, uint64_t max_entries,
                       struct mtd_error *err)
{
    struct archive_entry *e;
    for (uint64_t n = 0;; n++) {
        int rc = archive_read_next_header(a, &e);
        if (rc == ARCHIVE_EOF)
            return archive_tree_finish(tree, err);
        if (rc != ARCHIVE_OK && !(rc == ARCHIVE_WARN && is_about_charset(a)))
            return broken(a, err);
        if (n >= max_entries)
            return mtd_fail(err, EBADMSG,
                            "not a valid tar archive: more than %llu entries",
                            (unsigned long long)max_entries);
        rc = archive_tree_put(tree, a, e, err);
        if (rc < 0)
            return rc;
    }
}

int archive_unpack(int dir_fd, const struct archive_tar *tar,
                   const struct archive_limits *limits, struct archive_unpacked *ret,
                   struct mtd_error *err)
{
    struct stream s = {.max_bytes = limits->bytes, .progress = tar->progress};
    auto_reader struct archive *raw = archive_read_new(), *a = archive_read_new();
    if (!raw || !a || archive_read_support_format_tar(a) != ARCHIVE_OK)
        return mtd_fail_errno(err, ENOMEM, "cannot unpack");
    int rc = open_raw(raw, tar, err);
    if (rc < 0)
        return rc;
    s.raw = raw;
    sha256_init(&s.hash);
    if (archive_read_open(a, &s, NULL, read_block, NULL) != ARCHIVE_OK)
        return broken(a, err);
    struct archive_tree tree;
    archive_tree_init(&tree, dir_fd);
    tree.write_out = tar->write_out;
    rc = put_entries(a, &tree, limits->entries, err);
    if (rc == 0)
        rc = drain(a, &s, err);
    if (rc == 0) {
        archive_hash_finish(&s.hash, ret->diff_id);
        ret->size = tree.bytes;
    }
    archive_tree_done(&tree);
    return rc;
}
