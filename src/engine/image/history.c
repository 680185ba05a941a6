/* How an image came about: its config's history, with the sizes of its layers. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

uint64_t image_layer_size(const struct image_store *s, const char *chain)
{
    struct image_info info;
    return image_info_read(s, chain, &info) < 0 ? 0 : info.size;
}

static struct mtd_history *grow(struct mtd_history_list *l)
{
    struct mtd_history *items = reallocarray(l->items, l->len + 1, sizeof(*items));
    if (!items)
        return NULL;
    l->items = items;
    items[l->len] = (struct mtd_history){0};
    return &items[l->len++];
}

static int add_step(const struct image_store *s, const struct mtd_image *image,
                    struct oci_history *h, size_t *layer, struct mtd_history_list *ret)
{
    struct mtd_history *step = grow(ret);
    if (!step)
        return -ENOMEM;
    step->created_at = h->created_at;
    step->created_by = take_ptr(&h->created_by);
    step->comment = take_ptr(&h->comment);
    step->empty_layer = h->empty_layer || *layer >= image->layers.len;
    if (!step->empty_layer)
        step->size = image_layer_size(s, image->layers.items[(*layer)++]);
    return 0;
}

/* A config need not have a history, and one that has may know less than there are layers. */
static int fill(const struct image_store *s, const struct mtd_image *image,
                struct oci_config *c, struct mtd_history_list *ret)
{
    size_t layer = 0;
    int rc = 0;
    for (size_t i = 0; i < c->n_history && rc == 0; i++)
        rc = add_step(s, image, &c->history[i], &layer, ret);
    while (layer < image->layers.len && rc == 0)
        rc = add_step(s, image, &(struct oci_history){0}, &layer, ret);
    return rc;
}

int image_history(const struct image_store *s, const char *ref,
                  struct mtd_history_list *ret, struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    auto_done(oci_config_done) struct oci_config config = {0};
    auto_done(buf_done) struct buf text = {0};
    auto_done(mtd_history_list_done) struct mtd_history_list list = {0};
    int rc = image_find(s, ref, &image, err);
    if (rc < 0)
        return rc;
    if (image.config_digest && image_blob_read(s, image.config_digest, &text, NULL) == 0)
        (void)oci_config_decode(text.data, text.len, &config, NULL);
    if (fill(s, &image, &config, &list) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot read the history");
    *ret = list;
    list = (struct mtd_history_list){0};
    return 0;
}
