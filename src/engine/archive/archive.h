/* archive - a tree of files as a tar stream and as a directory, with libarchive.
 * Shape   in the tar, what a layer removes is OCI's ".wh.NAME" and ".wh..wh..opq"; in the
 *         directory it is overlay's 0:0 character device and trusted.overlay.opaque=y.
 * Rule    unpacking resolves every entry below the directory without links and ".."; a
 *         leading "/" is dropped, a later entry replaces an earlier one. Symbolic links
 *         are stored as they are and never followed, devices and setuid bits are kept (as
 *         docker load does); the labels of the host's security modules and overlay's own
 *         attributes are not taken over.
 * Errors  -EBADMSG = the tar is damaged or hostile, err names the entry and the reason;
 *         others are the file system's. What was unpacked until then is the caller's.
 */
#ifndef ENGINE_ARCHIVE_ARCHIVE_H
#define ENGINE_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"
#include "engine/archive/hash.h"

#define ARCHIVE_MAX_DEPTH 256 /* directories above an entry */

struct archive_limits {
    uint64_t bytes; /* of the decompressed stream */
    uint64_t entries;
};
/* What the file system of dir_fd has room for, and never all of it. */
struct archive_limits archive_limits_of(int dir_fd);

/* A tar, plain or compressed with gzip, bzip2, xz, zstd or lz4. */
struct archive_tar {
    int fd; /* used when data is NULL; read from its position on, borrowed */
    const void *data;
    size_t len;
    bool write_out; /* few small files: send each to the disk at once */
};

struct archive_unpacked {
    char diff_id[SHA256_HEX_SIZE]; /* sha256 of the decompressed stream */
    uint64_t size;                 /* bytes in files */
};

/* Unpacks into the empty directory dir_fd. */
int archive_unpack(int dir_fd, const struct archive_tar *tar,
                   const struct archive_limits *limits, struct archive_unpacked *ret,
                   struct mtd_error *err);

enum archive_pack_form {
    ARCHIVE_PACK_LAYER, /* an overlay upper directory: whiteouts and opaque directories */
    ARCHIVE_PACK_TREE,  /* a whole file system, seen from outside */
};
/* Writes the tree below tree_fd to out_fd: owners, times, hard links, extended
 * attributes, devices, holes; names sorted, so that the same tree gives the same bytes.
 * Sockets are left out, mounts inside the tree become empty directories. */
int archive_pack(int tree_fd, enum archive_pack_form form, int out_fd,
                 struct mtd_error *err);
/* The same of an upper directory, without these paths ("etc/hosts") and what is below them;
 * skip: NULL = all. */
int archive_pack_layer(int upper_fd, const struct strv *skip, int out_fd,
                       struct mtd_error *err);

/* The tree below from_fd, as ARCHIVE_PACK_TREE has it, into the empty directory to_fd. */
int archive_copy(int from_fd, int to_fd, struct mtd_error *err);

#endif
