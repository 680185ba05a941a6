/* A recipe lies beside its layer, where root alone writes; it is read as carefully as a tar all
 * the same. */

#include "engine/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/recipe.h"

#define BLOCK (256u << 10)

struct remake {
    struct archive *in;
    int layer_fd, out_fd;
    struct sha256_ctx hash;
    uint64_t size; /* written */
    struct mtd_progress_item *progress;
    unsigned char block[BLOCK];
};

static int damaged(struct mtd_error *err)
{
    return mtd_fail(err, EBADMSG, "the layer's recipe is damaged");
}

static int get(struct remake *m, void *out, size_t len, struct mtd_error *err)
{
    return archive_read_data(m->in, out, len) == (la_ssize_t)len ? 0 : damaged(err);
}

static int get_number(struct remake *m, size_t bytes, uint64_t *ret,
                      struct mtd_error *err)
{
    uint64_t le = 0;
    int rc = get(m, &le, bytes, err);
    *ret = le64toh(le);
    return rc;
}

static int put(struct remake *m, size_t len, struct mtd_error *err)
{
    sha256_update(&m->hash, len, m->block);
    m->size += len;
    int rc = fs_write_all(m->out_fd, m->block, len);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot write the layer's tar");
    mtd_progress_add(m->progress, len);
    return 0;
}

static int make_same(struct remake *m, struct mtd_error *err)
{
    uint64_t len = 0;
    int rc = get_number(m, 4, &len, err);
    if (rc == 0 && len > ARCHIVE_RECIPE_LITERAL)
        rc = damaged(err);
    if (rc == 0)
        rc = get(m, m->block, len, err);
    return rc < 0 ? rc : put(m, len, err);
}

static int copy_file(struct remake *m, const char *path, uint64_t offset, uint64_t len,
                     struct mtd_error *err)
{
    struct stat st;
    auto_fd int fd = fs_open_in_root(m->layer_fd, path,
                                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return mtd_fail_errno(err, -fd, "\"%.100s\" of the layer", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || offset > (uint64_t)st.st_size ||
        len > (uint64_t)st.st_size - offset)
        return mtd_fail(err, EBADMSG, "\"%.100s\" of the layer was changed", path);
    int rc = 0;
    while (rc == 0 && len > 0) {
        ssize_t n = pread(fd, m->block, len < BLOCK ? (size_t)len : BLOCK, (off_t)offset);
        if (n <= 0)
            return mtd_fail_errno(err, n < 0 ? errno : EBADMSG, "\"%.100s\" of the layer",
                                  path);
        rc = put(m, (size_t)n, err);
        offset += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return rc;
}

static int make_contents(struct remake *m, struct mtd_error *err)
{
    char path[PATH_MAX];
    uint64_t path_len = 0, offset = 0, len = 0;
    int rc = get_number(m, 2, &path_len, err);
    if (rc == 0 && path_len >= sizeof(path))
        rc = damaged(err);
    if (rc == 0)
        rc = get(m, path, path_len, err);
    if (rc == 0)
        rc = get_number(m, 8, &offset, err);
    if (rc == 0)
        rc = get_number(m, 8, &len, err);
    if (rc < 0)
        return rc;
    path[path_len] = '\0';
    return copy_file(m, path, offset, len, err);
}

/* 0 = more steps follow, 1 = the end. */
static int make_step(struct remake *m, struct mtd_error *err)
{
    char step;
    uint64_t size = 0;
    int rc = get(m, &step, 1, err);
    if (rc < 0)
        return rc;
    switch (step) {
    case 'L': return make_same(m, err);
    case 'F': return make_contents(m, err);
    case 'E': rc = get_number(m, 8, &size, err); break;
    default: return damaged(err);
    }
    return rc < 0 || size != m->size ? damaged(err) : 1;
}

static int make_all(struct remake *m, int recipe_fd, struct mtd_error *err)
{
    struct archive_entry *e;
    char magic[sizeof(ARCHIVE_RECIPE_MAGIC)] = {0};
    if (archive_read_support_filter_zstd(m->in) != ARCHIVE_OK ||
        archive_read_support_format_raw(m->in) != ARCHIVE_OK)
        return mtd_fail_errno(err, ENOMEM, "cannot read the layer's recipe");
    if (archive_read_open_fd(m->in, recipe_fd, BLOCK) != ARCHIVE_OK ||
        archive_read_next_header(m->in, &e) != ARCHIVE_OK)
        return damaged(err);
    int rc = get(m, magic, sizeof(magic) - 1, err);
    if (rc == 0 && strcmp(magic, ARCHIVE_RECIPE_MAGIC) != 0)
        rc = damaged(err);
    while (rc == 0)
        rc = make_step(m, err);
    return rc < 0 ? rc : 0;
}

int archive_remake(int layer_fd, int recipe_fd, int out_fd,
                   struct mtd_progress_item *progress, struct archive_unpacked *ret,
                   struct mtd_error *err)
{
    auto_free struct remake *m = calloc(1, sizeof(*m));
    if (!m || !(m->in = archive_read_new()))
        return mtd_fail_errno(err, ENOMEM, "cannot make the layer's tar");
    m->layer_fd = layer_fd;
    m->out_fd = out_fd;
    m->progress = progress;
    sha256_init(&m->hash);
    int rc = make_all(m, recipe_fd, err);
    if (rc == 0) {
        archive_hash_finish(&m->hash, ret->diff_id);
        ret->plain_size = m->size;
    }
    archive_read_free(m->in);
    return rc;
}
