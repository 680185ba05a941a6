/* An image of ours as a layout of its own, of hard links to our blobs: whatever happens to
 * the image meanwhile, its bytes stay. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/transfer/skopeo.h"

struct layout {
    const struct transfer_dir *dir;
    const struct mtd_progress *progress;
    const struct mtd_image *image;
    struct oci_manifest *manifest;
    bool changed; /* a blob is another one than the manifest says */
};

/* A dropped blob is made again, and is then another one, uncompressed. */
static int add_layer(struct layout *l, size_t i, struct mtd_error *err)
{
    struct oci_descriptor *d = &l->manifest->layers[i], made = {0};
    auto_fd int there = image_blob_open(l->dir->store, d->digest, NULL);
    if (there < 0) {
        int rc = image_layer_blob(l->dir->store, l->image->layers.items[i], l->progress,
                                  &made, err);
        if (rc < 0)
            return rc;
        l->changed |= strcmp(made.digest, d->digest) != 0;
        *d = made;
    }
    return transfer_dir_link(l->dir, d->digest, err);
}

static int add_config(const struct layout *l, struct mtd_error *err)
{
    auto_done(buf_done) struct buf bytes = {0};
    char hex[SHA256_HEX_SIZE];
    int rc = image_config_of(l->dir->store, l->image->id, &bytes, hex, err);
    return rc < 0 ? rc : transfer_dir_put(l->dir, hex, bytes.data, bytes.len, err);
}

static int add_manifest(struct layout *l, struct buf *bytes, char hex[SHA256_HEX_SIZE],
                        struct mtd_error *err)
{
    int rc = 0;
    if (l->changed) {
        buf_done(bytes);
        *bytes = (struct buf){0};
        rc = oci_manifest_encode(l->manifest, bytes, err);
        archive_hash(bytes->data ? bytes->data : "", bytes->len, hex);
    }
    return rc < 0 ? rc : transfer_dir_put(l->dir, hex, bytes->data, bytes->len, err);
}

int transfer_layout(const struct transfer_dir *dir, const struct mtd_progress *progress,
                    const struct mtd_image *image, struct oci_manifest *ret_manifest,
                    struct oci_descriptor *ret, struct mtd_error *err)
{
    auto_done(buf_done) struct buf bytes = {0};
    struct layout l = {dir, progress, image, ret_manifest, false};
    char hex[SHA256_HEX_SIZE];
    int rc = image_manifest_of(dir->store, image->id, &bytes, hex, err);
    if (rc == 0)
        rc = oci_manifest_decode(bytes.data, bytes.len, ret_manifest, err);
    if (rc == 0 && ret_manifest->n_layers != image->layers.len)
        rc = mtd_fail(err, EINVAL, "its manifest has %zu layers, the image %zu",
                      ret_manifest->n_layers, image->layers.len);
    for (size_t i = 0; rc == 0 && i < ret_manifest->n_layers; i++)
        rc = add_layer(&l, i, err);
    if (rc == 0)
        rc = add_config(&l, err);
    if (rc == 0)
        rc = add_manifest(&l, &bytes, hex, err);
    *ret = (struct oci_descriptor){.media = ret_manifest->media, .size = bytes.len};
    memcpy(ret->digest, hex, sizeof(hex));
    return rc < 0 ? rc : transfer_dir_index(dir, ret, err);
}
