/* transfer/archive - the files of an archive of images: its documents in memory, its layers in
 * the file or, from a pipe, unpacked. Private to transfer.
 * Errors  as in load.h.
 */
#ifndef ENGINE_TRANSFER_ARCHIVE_H
#define ENGINE_TRANSFER_ARCHIVE_H

#include "base/buf.h"
#include "engine/archive/members.h"
#include "engine/transfer/load.h"

#define TRANSFER_BLOBS "blobs/sha256/"

struct transfer_file {
    char *path;
    char *target;    /* of a link; NULL = none */
    struct buf text; /* of a document */
    bool is_layer;
    uint64_t position, size;    /* of a layer in a file that can be read anywhere */
    struct image_layer layer;   /* of one that was unpacked, until it is used */
    char blob[SHA256_HEX_SIZE]; /* its blob; "" = not known */
};

struct transfer_archive {
    const struct image_store *store;
    const struct mtd_progress *progress;
    int fd;
    struct archive_members *members;
    bool can_seek;
    struct transfer_file *files;
    size_t len, cap;
    uint64_t text_bytes;
    char first_other[64]; /* what lies in it and belongs to no archive of images */
};

int transfer_archive_read(struct transfer_archive *a, struct mtd_error *err);
void transfer_archive_done(struct transfer_archive *a);
/* Links are followed. NULL = not there. */
struct transfer_file *transfer_archive_find(const struct transfer_archive *a,
                                            const char *path);
/* The layer at path, whose plain tar has that digest, unpacked into *ret. */
int transfer_archive_layer(struct transfer_archive *a, const char *path,
                           const char *diff_id, struct image_layer *ret,
                           struct mtd_error *err);

#endif
