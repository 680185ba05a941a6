/* A layer's blob that was dropped, or never made, is packed again: by the recipe that was kept
 * when the layer was unpacked, or by our own rules. It is the same, or it is refused. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

#define SMALL (8u << 20)

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
    struct mtd_progress_item packing = {
        progress, {digits, "Packing", .total = image_info_plain_size(info)}};
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

/* Other programs read the layout as it lies there, so an image above a small layer, as the
 * embedded one is, brings that one's blob. Where it cannot be made, it is a dropped one. */
void image_complete_small(const struct image_store *s, const struct strv *chains)
{
    for (size_t i = 0; i < chains->len; i++) {
        struct image_info info;
        struct oci_descriptor d;
        if (image_info_read(s, chains->items[i], &info) == 0 && info.size <= SMALL)
            (void)image_layer_blob(s, chains->items[i], NULL, &d, NULL);
    }
}
