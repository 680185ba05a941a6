/* index.json is written from names and images and read by other programs only: one that a
 * killed process left behind is written again by the next change, or by the sweep. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"

static int add(struct oci_index *index, struct oci_descriptor *d, const char *name)
{
    char whole[IMAGE_WHOLE_SIZE];
    if (name)
        image_name_to_whole(name, whole);
    d->ref_name = name ? whole : NULL;
    int rc = oci_index_add(index, d);
    d->ref_name = NULL;
    return rc;
}

static int add_image(const struct image_store *s, const char *hex,
                     const struct image_named *named, struct oci_index *index)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    struct oci_descriptor d = {.media = OCI_MANIFEST};
    if (image_disk_load(s, hex, &image, NULL) < 0 || !image.manifest ||
        strlen(image.manifest) >= sizeof(d.digest) ||
        !image_blob_has(s, image.manifest, &d.size))
        return 0;
    if (image.manifest_type)
        d.media = oci_media_of(image.manifest_type);
    snprintf(d.digest, sizeof(d.digest), "%s", image.manifest);
    size_t n;
    const struct image_named_item *item = image_named_find(named, hex, &n);
    int rc = n ? 0 : add(index, &d, NULL);
    for (; n > 0 && rc == 0; n--)
        rc = add(index, &d, item++->name);
    return rc;
}

int image_index_write(const struct image_store *s, struct mtd_error *err)
{
    auto_done(image_named_done) struct image_named named = {.len = 0};
    auto_done(strv_done) struct strv all = {0};
    auto_done(oci_index_done) struct oci_index index = {0};
    auto_done(buf_done) struct buf text = {0};
    int rc = image_named_list(s, &named);
    if (rc == 0)
        rc = image_disk_list_ids(s, "", &all);
    for (size_t i = 0; i < all.len && rc == 0; i++)
        rc = add_image(s, all.items[i], &named, &index);
    if (rc == 0)
        rc = oci_index_encode(&index, &text, err);
    if (rc == 0)
        rc = image_disk_replace(s, "images/index.json", text.data, text.len, false);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s/images/index.json", s->root)
                  : 0;
}
