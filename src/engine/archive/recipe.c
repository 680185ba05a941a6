/* The bytes wait in the stream's blocks until the reader says what they were. */

#include "engine/archive/recipe.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static void put(struct archive_recipe *r, const void *data, size_t len)
{
    if (r->failed == 0 && archive_write_data(r->out, data, len) != (la_ssize_t)len)
        r->failed = archive_errno(r->out) > 0 ? -archive_errno(r->out) : -EIO;
}

static void put_number(struct archive_recipe *r, uint64_t n, size_t bytes)
{
    uint64_t le = htole64(n);
    put(r, &le, bytes);
}

static int open_out(struct archive *out, int fd)
{
    struct archive_entry *e = archive_entry_new();
    if (!e)
        return -ENOMEM;
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_pathname(e, "recipe");
    bool good = archive_write_set_format_raw(out) == ARCHIVE_OK &&
                archive_write_add_filter_zstd(out) == ARCHIVE_OK &&
                archive_write_open_fd(out, fd) == ARCHIVE_OK &&
                archive_write_header(out, e) == ARCHIVE_OK;
    archive_entry_free(e);
    return good ? 0 : -ENOMEM;
}

int archive_recipe_init(struct archive_recipe *r, int fd, struct archive *tar,
                        struct archive_stream *stream)
{
    *r = (struct archive_recipe){.tar = tar, .stream = stream};
    if (fd <= 0)
        return 0;
    r->out = archive_write_new();
    int rc = r->out ? open_out(r->out, fd) : -ENOMEM;
    if (rc == 0)
        put(r, ARCHIVE_RECIPE_MAGIC, strlen(ARCHIVE_RECIPE_MAGIC));
    return rc < 0 ? rc : r->failed;
}

static void flush_same(struct archive_recipe *r)
{
    if (r->same.len == 0)
        return;
    put(r, "L", 1);
    put_number(r, r->same.len, 4);
    put(r, r->same.data, r->same.len);
    r->same.len = 0;
}

static void flush_contents(struct archive_recipe *r)
{
    if (r->len == 0)
        return;
    put(r, "F", 1);
    put_number(r, r->path.len, 2);
    put(r, r->path.data, r->path.len);
    put_number(r, r->offset, 8);
    put_number(r, r->len, 8);
    r->len = 0;
}

static void keep(struct archive_recipe *r, uint64_t until)
{
    if (until > r->noted)
        flush_contents(r);
    while (until > r->noted && r->failed == 0) {
        uint64_t n = ARCHIVE_RECIPE_LITERAL - r->same.len;
        n = n < until - r->noted ? n : until - r->noted;
        int rc = buf_reserve(&r->same, (size_t)n);
        if (rc < 0) {
            r->failed = rc;
            return;
        }
        archive_stream_copy(r->stream, r->noted, (size_t)n, r->same.data + r->same.len);
        r->same.len += (size_t)n;
        r->noted += n;
        if (r->same.len == ARCHIVE_RECIPE_LITERAL)
            flush_same(r);
    }
}

void archive_recipe_pass(struct archive_recipe *r)
{
    if (r->out && !r->in_data)
        keep(r, (uint64_t)archive_filter_bytes(r->tar, 0));
}

void archive_recipe_begin(struct archive_recipe *r)
{
    archive_recipe_pass(r);
    r->in_data = true;
}

void archive_recipe_end(struct archive_recipe *r)
{
    r->in_data = false;
}

void archive_recipe_contents(struct archive_recipe *r, const char *path, uint64_t offset,
                             size_t len)
{
    if (!r->out || len == 0)
        return;
    flush_same(r);
    if (r->len == 0 || r->offset + r->len != offset || strcmp(r->path.data, path) != 0) {
        flush_contents(r);
        r->path.len = 0;
        if (buf_puts(&r->path, path) < 0)
            r->failed = -ENOMEM;
        r->offset = offset;
    }
    r->len += len;
    r->noted += len;
}

int archive_recipe_finish(struct archive_recipe *r, uint64_t size)
{
    if (!r->out)
        return 0;
    keep(r, size);
    flush_contents(r);
    flush_same(r);
    put(r, "E", 1);
    put_number(r, size, 8);
    if (r->failed == 0 && archive_write_close(r->out) != ARCHIVE_OK)
        r->failed = -EIO;
    return r->failed;
}

void archive_recipe_done(struct archive_recipe *r)
{
    if (r->out) {
        if (r->failed < 0)
            archive_write_fail(r->out); /* freeing would write the rest */
        archive_write_free(r->out);
    }
    buf_done(&r->same);
    buf_done(&r->path);
}
