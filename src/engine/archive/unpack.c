/* Two readers are chained: the first, in the stream's thread, only decompresses, so that the
 * bytes of the plain tar can be counted against the limit and hashed (the layer's diff id);
 * the second reads the tar from the first. */

#include "engine/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/archive/internal.h"
#include "engine/archive/recipe.h"
#include "engine/archive/stream.h"

#define MAX_BYTES (1ULL << 40)
#define MAX_ENTRIES (4ULL << 20)

struct unpacking {
    struct archive *reader;
    struct archive_stream *stream;
    struct archive_tree tree;
    struct archive_recipe recipe;
    uint64_t read;          /* what the reader was given */
    struct mtd_error error; /* of the stream */
};

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

static la_ssize_t read_block(struct archive *a, void *data, const void **ret)
{
    struct unpacking *u = data;
    archive_recipe_pass(&u->recipe);
    archive_stream_give_back(u->stream, u->recipe.out ? u->recipe.noted : u->read);
    ssize_t n = archive_stream_next(u->stream, ret, &u->error);
    if (n < 0)
        archive_set_error(a, u->error.code, "%s", u->error.text);
    else
        u->read += (uint64_t)n;
    return n < 0 ? ARCHIVE_FATAL : n;
}

/* What the stream said is the reason, whatever the reader made of it. */
static int broken(struct unpacking *u, struct mtd_error *err)
{
    if (u->error.code)
        return mtd_fail(err, u->error.code, "%s", u->error.text);
    return archive_read_failed(u->reader, err);
}

/* What follows the end of the archive belongs to the stream's checksum and to the
 * hash. */
static int drain(struct unpacking *u, struct mtd_error *err)
{
    const void *block;
    la_ssize_t n;
    do
        n = read_block(u->reader, u, &block);
    while (n > 0);
    return n < 0 ? broken(u, err) : 0;
}

/* Names outside the locale's character set are kept byte for byte; libarchive only warns
 * of them. Any other warning is about a damaged header. */
static bool is_about_charset(struct archive *a)
{
    const char *text = archive_error_string(a);
    return text && strstr(text, "can't be converted");
}

static int put_entries(struct unpacking *u, uint64_t max_entries, uint64_t *ret,
                       struct mtd_error *err)
{
    struct archive_entry *e;
    for (uint64_t n = 0;; n++) {
        *ret = n;
        int rc = archive_read_next_header(u->reader, &e);
        if (rc == ARCHIVE_EOF)
            return archive_tree_finish(&u->tree, err);
        if (rc != ARCHIVE_OK && !(rc == ARCHIVE_WARN && is_about_charset(u->reader)))
            return broken(u, err);
        if (n >= max_entries)
            return mtd_fail(err, EBADMSG,
                            "not a valid tar archive: more than %llu entries",
                            (unsigned long long)max_entries);
        rc = archive_tree_put(&u->tree, u->reader, e, err);
        if (rc < 0)
            return u->error.code ? broken(u, err) : rc;
    }
}

/* A file that a later entry replaced is in the tar, but nowhere else. */
static int finish_recipe(struct unpacking *u, const struct archive_tar *tar,
                         struct mtd_error *err)
{
    int rc = archive_recipe_finish(&u->recipe, u->read);
    if (rc == 0 && u->tree.has_lost && tar->recipe_to > 0 &&
        ftruncate(tar->recipe_to, 0) < 0)
        rc = -errno;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot keep the layer's recipe") : 0;
}

static int unpack(struct unpacking *u, const struct archive_tar *tar, uint64_t entries,
                  struct archive_unpacked *ret, struct mtd_error *err)
{
    int rc = archive_recipe_init(&u->recipe, tar->recipe_to, u->reader, u->stream);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot keep the layer's recipe");
    if (archive_read_support_format_tar(u->reader) != ARCHIVE_OK)
        return mtd_fail_errno(err, ENOMEM, "cannot unpack");
    if (archive_read_open(u->reader, u, NULL, read_block, NULL) != ARCHIVE_OK)
        return broken(u, err);
    rc = put_entries(u, entries, &ret->entries, err);
    if (rc == 0)
        rc = drain(u, err);
    if (rc == 0)
        rc = finish_recipe(u, tar, err);
    ret->size = u->tree.bytes;
    return rc < 0 ? rc : archive_stream_sums(u->stream, ret, err);
}

int archive_unpack(int dir_fd, const struct archive_tar *tar,
                   const struct archive_limits *limits, struct archive_unpacked *ret,
                   struct mtd_error *err)
{
    struct unpacking u = {.reader = NULL};
    int rc = archive_stream_open(tar, limits->bytes, &u.stream, err);
    if (rc < 0)
        return rc;
    archive_tree_init(&u.tree, dir_fd);
    u.tree.write_out = tar->write_out;
    u.tree.recipe = &u.recipe;
    u.tree.lower_links = tar->lower_links;
    u.reader = archive_read_new();
    struct archive_unpacked unpacked = {.entries = 0};
    rc = u.reader ? unpack(&u, tar, limits->entries, &unpacked, err)
                  : mtd_fail_errno(err, ENOMEM, "cannot unpack");
    if (rc == 0)
        *ret = unpacked;
    archive_tree_done(&u.tree);
    archive_recipe_done(&u.recipe);
    if (u.reader)
        archive_read_free(u.reader);
    archive_stream_free(u.stream);
    return rc;
}
