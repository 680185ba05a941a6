/* archive - packs a directory tree into a tar stream and unpacks one, with libarchive.
 * Shape   in the tar, what a layer removes is OCI's ".wh.NAME" and ".wh..wh..opq"; in the
 *         directory it is overlayfs' 0:0 character device and trusted.overlay.opaque=y.
 * Rule    unpacking puts every entry below the directory: ".." is refused, a leading "/"
 *         is dropped, links on the way to an entry are resolved with the directory as "/".
 *         A later entry replaces an earlier one. Symbolic links are stored as they are;
 *         devices and setuid bits are kept, as docker load does. The labels of security
 *         modules are dropped, attributes of overlayfs refused.
 * Units   bytes.
 * Errors  -EBADMSG = the tar is damaged or hostile, err names the entry and the reason;
 *         others are the file system's. The caller removes what was unpacked until then.
 * Owner   all fds are borrowed.
 * Source  OCI image-spec layer.md; kernel overlayfs.rst; libarchive.
 */
#ifndef ENGINE_ARCHIVE_ARCHIVE_H
#define ENGINE_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strv.h"
#include "engine/archive/hash.h"
#include "engine/progress.h"

#define ARCHIVE_MAX_DEPTH 256 /* directories above an entry */

struct archive_limits {
    uint64_t bytes; /* of the decompressed stream */
    uint64_t entries;
};
/* 15/16 of what the file system of dir_fd has left, and at most 1 TiB and 4 Mi
 * entries. */
struct archive_limits archive_limits_of(int dir_fd);

/* Where a tar comes from when it is no file: the next block, valid until the call after, 0 =
 * the end, or -errno. It is called by another thread, one call at a time. */
struct archive_reader {
    ssize_t (*read)(void *arg, const void **ret);
    void *arg;
};

/* A tar, plain or compressed with gzip, bzip2, xz, zstd or lz4. */
struct archive_tar {
    int fd; /* used when data is NULL; read from its current position on */
    const void *data;
    size_t len;
    const struct archive_reader *reader; /* instead of fd; NULL = none */
    bool write_out; /* start writing each file to the disk at once: for few small files */
    struct mtd_progress_item *progress; /* bytes as they lie in the tar; NULL = none */
    /* A copy is written to keep_to, an empty file; not of data. */
    enum archive_keep {
        ARCHIVE_KEEP_NONE,
        ARCHIVE_KEEP_PLAIN, /* of the plain tar */
        ARCHIVE_KEEP_AS_IS, /* of what is read, if it is plain, gzip or zstd; else plain */
    } keep;
    int keep_to;
    int recipe_to; /* an empty file for what archive_remake() needs; 0 = none. It stays empty
                      when the tar cannot be made again of the layer. */
    /* Hard links to files that are not in this tar: name and target alternate. They are made by
     * archive_lower_link() when the layers below are known. NULL = they are refused. */
    struct strv *lower_links;
    bool with_raw; /* raw_digest and raw_size are wanted; ARCHIVE_KEEP_AS_IS needs them */
};

/* What was read. */
enum archive_form { ARCHIVE_PLAIN, ARCHIVE_GZIP, ARCHIVE_ZSTD, ARCHIVE_OTHER };

struct archive_unpacked {
    char diff_id[SHA256_HEX_SIZE]; /* sha256 of the decompressed stream */
    uint64_t size;                 /* bytes in files */
    uint64_t entries;
    uint64_t plain_size; /* of the decompressed stream */
    enum archive_form form;
    char raw_digest[SHA256_HEX_SIZE]; /* sha256 of what was read, to its very end */
    uint64_t raw_size;
    bool kept_raw; /* the copy is of what was read */
};

/* Unpacks into the empty directory dir_fd. *ret is set on success only. */
int archive_unpack(int dir_fd, const struct archive_tar *tar,
                   const struct archive_limits *limits, struct archive_unpacked *ret,
                   struct mtd_error *err);

/* Writes the tar of a layer again, byte for byte, out of the layer and the recipe kept when it
 * was unpacked. Fills diff_id and plain_size, which the caller compares: a layer that was
 * changed gives another tar. progress: bytes written, NULL = none. -EBADMSG = a damaged recipe, or a
 * file that is not there. */
int archive_remake(int layer_fd, int recipe_fd, int out_fd,
                   struct mtd_progress_item *progress, struct archive_unpacked *ret,
                   struct mtd_error *err);

enum archive_pack_form {
    ARCHIVE_PACK_LAYER, /* an overlay upper directory: whiteouts and opaque directories */
    ARCHIVE_PACK_TREE,  /* a whole file system, without overlayfs' markers */
};
/* Writes the tree below tree_fd to out_fd, uncompressed: owners, times, hard links,
 * extended attributes, devices, holes. Names are sorted, so that the same tree gives the
 * same bytes. Sockets are left out; a mount inside the tree becomes an empty directory or
 * file. progress: bytes written, NULL = none. -ENOTSUP = the tree has something that a tar cannot express. */
int archive_pack(int tree_fd, enum archive_pack_form form, int out_fd,
                 struct mtd_progress_item *progress, struct mtd_error *err);
/* The same of an upper directory, without these paths ("etc/hosts") and what is below them;
 * skip: NULL = all. */
int archive_pack_layer(int upper_fd, const struct strv *skip, int out_fd,
                       struct mtd_progress_item *progress, struct mtd_error *err);

/* Copies the tree below from_fd, as ARCHIVE_PACK_TREE sees it, into the empty directory
 * to_fd. */
int archive_copy(int from_fd, int to_fd, struct mtd_error *err);

#endif
