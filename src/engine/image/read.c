/* What push and save take out: documents are verified when they are read, and what is missing
 * is made again. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The image as it is with a config and a manifest. */
static int find_complete(const struct image_store *s, const char *ref,
                         struct mtd_image *ret, struct mtd_error *err)
{
    int rc = image_find_unnamed(s, ref, ret, err);
    if (rc < 0)
        return rc;
    if (ret->manifest && ret->config_digest && image_blob_has(s, ret->manifest, NULL) &&
        image_blob_has(s, ret->config_digest, NULL))
        return 0;
    rc = image_sweep_first(s, err);
    if (rc < 0)
        return rc;
    auto_fd int lock = image_lock(s, err);
    if (lock < 0)
        return lock;
    char hex[SHA256_HEX_SIZE];
    snprintf(hex, sizeof(hex), "%s", ret->id + strlen("sha256:"));
    rc = image_complete(s, hex, ret, err);
    if (rc == 0)
        rc = image_ids_move(s, hex, ret, err);
    return rc < 0 ? rc : image_index_write(s, err);
}

int image_manifest_of(const struct image_store *s, const char *ref, struct buf *ret_bytes,
                      char ret_digest[SHA256_HEX_SIZE], struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    int rc = find_complete(s, ref, &image, err);
    if (rc < 0)
        return rc;
    snprintf(ret_digest, SHA256_HEX_SIZE, "%s", image.manifest);
    return image_blob_read(s, image.manifest, ret_bytes, err);
}

int image_config_of(const struct image_store *s, const char *ref, struct buf *ret_bytes,
                    char ret_digest[SHA256_HEX_SIZE], struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    int rc = find_complete(s, ref, &image, err);
    if (rc < 0)
        return rc;
    snprintf(ret_digest, SHA256_HEX_SIZE, "%s", image.config_digest);
    return image_blob_read(s, image.config_digest, ret_bytes, err);
}

int image_blob_open(const struct image_store *s, const char *digest,
                    struct mtd_error *err)
{
    char path[IMAGE_BLOB_PATH];
    image_blob_path(digest, path);
    int fd = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? mtd_fail_errno(err, errno, "blob %.12s", digest) : fd;
}
