/* What push and save take out: documents are verified when they are read, and what is missing
 * is made again. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

/* The image as it is with a config and a manifest. */
static int find_complete(const struct image_store *s, const char *ref,
                         struct mtd_image *ret, struct mtd_error *err)
{
    int rc = image_find(s, ref, ret, err);
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
    rc = image_complete(s, ret->id + strlen("sha256:"), ret, err);
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

/* ---- a layer's blob ---- */

static int check_again(const char *chain, const struct image_info *info,
                       const char *digest, struct mtd_error *err)
{
    if (strcmp(digest, info->diff_id) == 0)
        return 0;
    return mtd_fail(err, EBADMSG,
                    "layer %.12s cannot be packed as it came (its digest would be %.12s "
                    "and not %.12s), and its blob is gone; get the image again",
                    chain, digest, info->diff_id);
}

static int pack_again(const struct image_store *s, const char *chain,
                      const struct mtd_progress *progress, struct image_info *info,
                      struct mtd_error *err)
{
    auto_done(strv_done) struct strv tmp = {0};
    char name[IMAGE_TMP_NAME], digits[16], digest[SHA256_HEX_SIZE];
    auto_fd int lock = image_lock(s, err);
    if (lock < 0)
        return lock;
    auto_fd int fd = image_staging_named(s, "blob", name, err);
    close(take_fd(&lock));
    if (fd < 0)
        return fd;
    snprintf(digits, sizeof(digits), "%.12s", info->diff_id);
    struct mtd_progress_item packing = {progress, {digits, "Packing"}};
    uint64_t size = 0;
    int rc = image_info_pack(s, chain, fd, &packing, digest, &size, err);
    if (rc == 0)
        rc = check_again(chain, info, digest, err);
    fault_point("image.repack");
    if (rc == 0)
        rc = image_blob_adopt(s, name, digest, err);
    if (rc < 0) {
        if (strv_add(&tmp, name) == 0)
            image_disk_drop_tmp(s, &tmp);
        return rc;
    }
    mtd_progress_finish(&packing);
    info->blob = (struct oci_descriptor){.media = OCI_LAYER, .size = size};
    memcpy(info->blob.digest, digest, sizeof(info->blob.digest));
    return 0;
}

int image_layer_blob(const struct image_store *s, const char *chain,
                     const struct mtd_progress *progress, struct oci_descriptor *ret,
                     struct mtd_error *err)
{
    struct image_info info;
    uint64_t size = 0;
    int rc = image_info_ensure(s, chain, &info, err);
    if (rc < 0)
        return rc;
    if (image_blob_has(s, info.blob.digest, &size) && size == info.blob.size) {
        *ret = info.blob;
        return 0;
    }
    if (image_blob_has(s, info.diff_id, &size)) {
        *ret = (struct oci_descriptor){.media = OCI_LAYER, .size = size};
        memcpy(ret->digest, info.diff_id, sizeof(ret->digest));
        return 0;
    }
    rc = pack_again(s, chain, progress, &info, err);
    if (rc == 0)
        *ret = info.blob;
    return rc;
}
