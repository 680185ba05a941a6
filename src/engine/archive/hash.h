/* hash - sha256 as hex digits. */
#ifndef ENGINE_ARCHIVE_HASH_H
#define ENGINE_ARCHIVE_HASH_H

#include <stddef.h>

#define SHA256_HEX_SIZE 65 /* 64 digits and a NUL */

struct sha256_ctx; /* nettle's */

void archive_hash_finish(struct sha256_ctx *ctx, char out[SHA256_HEX_SIZE]);
void archive_hash(const void *data, size_t len, char out[SHA256_HEX_SIZE]);
/* OCI's chain id of a layer over parent (hex); parent NULL = the lowest layer. */
void archive_hash_chain(const char *parent, const char *diff_id,
                        char out[SHA256_HEX_SIZE]);

#endif
