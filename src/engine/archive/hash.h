/* hash - sha256 in hexadecimal, and the digests of OCI layers.
 * Shape   64 lower case digits and a NUL, without "sha256:" in front.
 * Errors  none.
 * Source  OCI image-spec config.md "Layer ChainID"; nettle.
 */
#ifndef ENGINE_ARCHIVE_HASH_H
#define ENGINE_ARCHIVE_HASH_H

#include <stddef.h>

#define SHA256_HEX_SIZE 65 /* 64 digits and a NUL */

struct sha256_ctx; /* nettle's */

/* The digest of what was added to ctx, which is then as after sha256_init(). */
void archive_hash_finish(struct sha256_ctx *ctx, char out[SHA256_HEX_SIZE]);
void archive_hash(const void *data, size_t len, char out[SHA256_HEX_SIZE]);
/* The chain id of a layer above the layer with chain id parent; NULL = it is the
 * lowest. */
void archive_hash_chain(const char *parent, const char *diff_id,
                        char out[SHA256_HEX_SIZE]);

#endif
