/* image_hash - sha256 as hex digits. */
#ifndef ENGINE_IMAGE_HASH_H
#define ENGINE_IMAGE_HASH_H

#include <nettle/sha2.h>
#include <stddef.h>

#include "engine/image/name.h"

void image_hash_finish(struct sha256_ctx *ctx, char out[IMAGE_HEX_SIZE]);
void image_hash(const void *data, size_t len, char out[IMAGE_HEX_SIZE]);
/* OCI's chain id of a layer over parent (hex); parent NULL = the lowest layer. */
void image_hash_chain(const char *parent, const char *diff_id, char out[IMAGE_HEX_SIZE]);

#endif
