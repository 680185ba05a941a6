/* Holes stay holes. libarchive has to be given the bytes of a hole, too, although it
 * drops them: it gets them from a mapping that is never written to, so that it takes no
 * memory. */

#include "engine/archive/pack.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/archive/internal.h"

#define USTAR_NAME 99

struct file_link {
    dev_t dev;
    ino_t ino;
    char path[];
};

static int compare_links(const void *a, const void *b)
{
    const struct file_link *x = a, *y = b;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return x->dev == y->dev ? 0 : x->dev < y->dev ? -1 : 1;
}

int archive_pack_link(struct archive_pack *p, const struct stat *st,
                      const char **ret_first)
{
    struct file_link *l = malloc(sizeof(*l) + p->path.len + 1);
    if (!l)
        return -ENOMEM;
    l->dev = st->st_dev;
    l->ino = st->st_ino;
    memcpy(l->path, p->path.data, p->path.len + 1);
    struct file_link **slot = tsearch(l, &p->links, compare_links);
    *ret_first = slot && *slot != l ? (*slot)->path : NULL;
    if (!slot || *slot != l)
        free(l);
    return slot ? 0 : -ENOMEM;
}

static int read_failed(struct archive_pack *p, int code, struct mtd_error *err)
{
    return archive_entry_failed(err, code, p->path.data, "cannot read");
}

/* Tells libarchive where a file with holes has data. */
static int add_holes(struct archive_entry *e, int fd, off_t size)
{
    off_t at = 0;
    while (at < size) {
        off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        if (hole < 0)
            return -errno;
        if (hole > size)
            hole = size;
        if (data < size)
            archive_entry_sparse_add_entry(e, data, hole - data);
        at = hole;
    }
    if (archive_entry_sparse_count(e) == 0)
        archive_entry_sparse_add_entry(e, 0, 0); /* nothing but a hole */
    return 0;
}

/* libarchive cuts the name of a file with holes to what the old header has room for, unless it is
 * ASCII: such a file is packed as if it had none. */
static bool may_have_holes(const struct archive_pack *p)
{
    if (p->path.len <= USTAR_NAME)
        return true;
    for (size_t i = 0; i < p->path.len; i++)
        if (p->path.data[i] & 0x80)
            return false;
    return true;
}

static int put_bytes(struct archive_pack *p, const char *data, size_t len,
                     struct mtd_error *err)
{
    while (len > 0) {
        la_ssize_t n = archive_write_data(p->archive, data, len);
        if (n <= 0)
            return archive_pack_failed(p, err);
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int put_zeros(struct archive_pack *p, off_t len, struct mtd_error *err)
{
    if (!p->zeros) {
        void *map = mmap(NULL, ARCHIVE_PACK_ZEROS, PROT_READ,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (map == MAP_FAILED)
            return mtd_fail_errno(err, errno, "cannot pack");
        p->zeros = map;
    }
    int rc = 0;
    while (len > 0 && rc == 0) {
        size_t n = len < (off_t)ARCHIVE_PACK_ZEROS ? (size_t)len : ARCHIVE_PACK_ZEROS;
        rc = put_bytes(p, p->zeros, n, err);
        len -= (off_t)n;
    }
    return rc;
}

/* Writes exactly len bytes, from at on: the header has promised them. What a file loses
 * by being truncated meanwhile is written as zeros. */
static int put_data(struct archive_pack *p, int fd, off_t at, off_t len,
                    struct mtd_error *err)
{
    int rc = 0;
    while (len > 0 && rc == 0) {
        size_t want = len < (off_t)sizeof(p->block) ? (size_t)len : sizeof(p->block);
        ssize_t n = pread(fd, p->block, want, at);
        if (n < 0)
            return read_failed(p, errno, err);
        if (n == 0)
            return put_zeros(p, len, err);
        rc = put_bytes(p, p->block, (size_t)n, err);
        at += n;
        len -= n;
    }
    return rc;
}

static int put_pieces(struct archive_pack *p, struct archive_entry *e, int fd, off_t size,
                      struct mtd_error *err)
{
    int64_t at = 0, offset, len;
    int rc = 0;
    if (archive_entry_sparse_reset(e) == 0)
        return put_data(p, fd, 0, size, err);
    while (rc == 0 && archive_entry_sparse_next(e, &offset, &len) == ARCHIVE_OK) {
        rc = put_zeros(p, offset - at, err);
        if (rc == 0)
            rc = put_data(p, fd, offset, len, err);
        at = offset + len;
    }
    return rc < 0 ? rc : put_zeros(p, size - at, err);
}

int archive_pack_regular(struct archive_pack *p, struct archive_entry *e, int fd,
                         const struct stat *st, struct mtd_error *err)
{
    char proc[64];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    auto_fd int in = open(proc, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return read_failed(p, errno, err);
    if ((off_t)st->st_blocks * 512 < st->st_size && may_have_holes(p) &&
        add_holes(e, in, st->st_size) < 0)
        archive_entry_sparse_clear(e);
    int rc = archive_pack_header(p, e, err);
    return rc < 0 ? rc : put_pieces(p, e, in, st->st_size, err);
}
