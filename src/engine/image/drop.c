/* A layer that is unpacked need not lie there as a blob, too, as long as packing it gives the
 * same bytes. That is tried before the blob goes. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

static int drop(const struct image_store *s, const char *chain, struct image_info *info,
                uint64_t plain_size, struct mtd_error *err)
{
    char path[IMAGE_BLOB_PATH];
    image_blob_path(info->blob.digest, path);
    info->blob = (struct oci_descriptor){.media = OCI_LAYER, .size = plain_size};
    memcpy(info->blob.digest, info->diff_id, sizeof(info->blob.digest));
    int rc = image_info_write(s, chain, info);
    fault_point("image.drop");
    if (rc == 0 && unlinkat(s->root_fd, path, 0) < 0 && errno != ENOENT)
        rc = -errno;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot drop the blob of layer %.12s", chain)
                  : 0;
}

static int consider(const struct image_store *s, const char *chain, bool only_count,
                    const struct mtd_progress *progress, struct mtd_dropped *ret,
                    struct mtd_error *err)
{
    struct image_info info;
    char digest[SHA256_HEX_SIZE], digits[16];
    uint64_t size = 0, plain_size = 0;
    if (image_info_read(s, chain, &info) < 0 ||
        !image_blob_has(s, info.blob.digest, &size))
        return 0;
    snprintf(digits, sizeof(digits), "%.12s", info.diff_id);
    struct mtd_progress_item checking = {
        progress, {digits, "Checking", .total = image_info_plain_size(&info)}};
    bool same = only_count || (image_info_pack(s, chain, -1, &checking, digest,
                                               &plain_size, NULL) == 0 &&
                               strcmp(digest, info.diff_id) == 0);
    if (!only_count)
        mtd_progress_finish(&checking);
    ret->kept += !same;
    ret->blobs += same;
    ret->bytes += same ? size : 0;
    return same && !only_count ? drop(s, chain, &info, plain_size, err) : 0;
}

int image_drop_blobs(const struct image_store *s, bool only_count,
                     const struct mtd_progress *progress, struct mtd_dropped *ret,
                     struct mtd_error *err)
{
    auto_done(strv_done) struct strv layers = {0}, tmp = {0};
    struct mtd_dropped dropped = {0};
    char mark[IMAGE_TMP_NAME];
    int rc = image_sweep_first(s, err);
    auto_fd int lock = rc < 0 ? rc : image_lock(s, err);
    if (lock < 0)
        return lock;
    auto_fd int busy = image_blob_exclude(s);
    if (busy < 0)
        return mtd_fail(
            err, EBUSY,
            "images are being loaded, pulled or saved; try again when that is done");
    auto_fd int marked = image_staging_mark(s, mark, err); /* for what a kill leaves */
    if (marked < 0)
        return marked;
    rc = image_disk_list(s, "images/layers", &layers);
    for (size_t i = 0; i < layers.len && rc == 0; i++)
        rc = consider(s, layers.items[i], only_count, progress, &dropped, err);
    if (strv_add(&tmp, mark) == 0)
        image_disk_drop_tmp(s, &tmp);
    if (rc == 0)
        *ret = dropped;
    return rc;
}
