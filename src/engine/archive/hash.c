/* Layers and images are named by digests that other programs compute as well, so the text
 * that is hashed is OCI's to the byte: the chain id is a digest of two digests with their
 * prefix. */

#include "engine/archive/hash.h"
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

void archive_hash_finish(struct sha256_ctx *ctx, char out[SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_DIGEST_SIZE];
    sha256_digest(ctx, sizeof(digest), digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void archive_hash(const void *data, size_t len, char out[SHA256_HEX_SIZE])
{
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, len, data);
    archive_hash_finish(&ctx, out);
}

void archive_hash_chain(const char *parent, const char *diff_id,
                        char out[SHA256_HEX_SIZE])
{
    char text[2 * (SHA256_HEX_SIZE + 8)];
    if (!parent) {
        memmove(out, diff_id, SHA256_HEX_SIZE);
        return;
    }
    int len = snprintf(text, sizeof(text), "sha256:%s sha256:%s", parent, diff_id);
    archive_hash(text, (size_t)len, out);
}
