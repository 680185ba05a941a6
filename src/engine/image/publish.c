/* A finished layer becomes an image: layer, config and name in this order, under the
 * lock, so that what can be found is complete. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/archive/hash.h"
#include "engine/spec/spec.h"

/* The image borrows the draft's config: only its own members are freed. */
static void free_own(struct mtd_image *i)
{
    free(i->id);
    strv_done(&i->layers);
    strv_done(&i->diff_ids);
}

static bool same_list(const struct strv *a, const struct strv *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

/* Some image has exactly the layers below: the container's own. Without it nothing is set. */
static void find_base(const struct image_store *s, const struct strv *base,
                      struct mtd_image *ret)
{
    auto_done(strv_done) struct strv ids = {0};
    if (!base || base->len == 0 || image_disk_list_ids(s, "", &ids) < 0)
        return;
    for (size_t i = 0; i < ids.len; i++) {
        if (image_disk_load(s, ids.items[i], ret, NULL) == 0 &&
            same_list(&ret->layers, base))
            return;
        mtd_image_done(ret);
    }
}

/* Of the lowest layer both ids are the same; an image of an older version has no list. */
static int list_diff_ids(struct mtd_image *image, const struct mtd_image *base,
                         const char *own)
{
    bool single = base->diff_ids.len == 0 && base->layers.len == 1;
    const struct strv *below = single ? &base->layers : &base->diff_ids;
    if (below->len + 1 != image->layers.len)
        return 0;
    int rc = strv_add_all(&image->diff_ids, below);
    return rc < 0 ? rc : strv_add(&image->diff_ids, own);
}

static int encode(const struct image_draft *d, struct mtd_image *i, struct buf *ret,
                  char hex[SHA256_HEX_SIZE], struct mtd_error *err)
{
    int rc = 0;
    if (d->source.hex[0]) {
        memcpy(hex, d->source.hex, SHA256_HEX_SIZE);
    } else {
        rc = spec_encode_image(i, ret, err);
        if (rc < 0)
            return rc;
        archive_hash(ret->data, ret->len, hex);
        ret->len = 0;
    }
    if (asprintf(&i->id, "sha256:%s", hex) < 0) {
        i->id = NULL;
        return mtd_fail_errno(err, ENOMEM, "cannot write the image");
    }
    return spec_encode_image(i, ret, err);
}

static int check_base(const struct image_store *s, const struct strv *base,
                      struct mtd_error *err)
{
    for (size_t i = 0; base && i < base->len; i++)
        if (!image_disk_has_layer(s, base->items[i]))
            return mtd_fail(err, ENOENT, "layer %.12s is no longer there",
                            base->items[i]);
    return 0;
}

static int save(const struct image_store *s, const struct image_draft *d, const char *hex,
                const struct buf *text, struct mtd_error *err)
{
    struct image_ref ref = d->source;
    fault_point("image.config");
    int rc = image_disk_save(s, hex, text->data, text->len);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot write %s/images/config/%s.json", s->root,
                              hex);
    memcpy(ref.hex, hex, sizeof(ref.hex));
    fault_point("image.name");
    return d->name ? image_disk_write_ref(s, d->name, &ref, err) : 0;
}

/* An image as it will be in the store. */
struct ready {
    char hex[SHA256_HEX_SIZE], chain[SHA256_HEX_SIZE]; /* its id; its top layer's */
    struct buf text;
};

static void ready_done(struct ready *r)
{
    buf_done(&r->text);
}

static int publish_locked(const struct image_store *s, const struct image_draft *d,
                          struct image_staging *layer, const struct ready *r,
                          struct mtd_error *err)
{
    bool is_new = false;
    char mark[IMAGE_TMP_NAME];
    auto_done(strv_done) struct strv tmp = {0};
    auto_fd int lock = image_disk_lock(s, IMAGE_LOCK, err);
    auto_fd int marked = lock < 0 ? lock : image_staging_mark(s, mark, err);
    if (marked < 0)
        return marked;
    int rc = strv_add(&tmp, mark);
    if (rc == 0)
        rc = check_base(s, d->base, err);
    fault_point("image.layer"); /* for kills only, like the next two */
    if (rc == 0)
        rc = image_staging_publish(layer, r->chain, &is_new, err);
    if (rc == 0)
        rc = save(s, d, r->hex, &r->text, err);
    if (rc < 0 && is_new)
        image_disk_retire_layer(s, r->chain, &tmp);
    image_disk_drop_tmp(s, &tmp);
    return rc;
}

int image_publish(const struct image_store *s, const struct image_draft *d,
                  struct image_staging *layer, const struct archive_unpacked *unpacked,
                  char ret_hex[SHA256_HEX_SIZE], struct mtd_error *err)
{
    auto_done(free_own) struct mtd_image image = {.created_at = d->created_at};
    auto_done(ready_done) struct ready r = {.text = {0}};
    size_t n = d->base ? d->base->len : 0;
    archive_hash_chain(n ? d->base->items[n - 1] : NULL, unpacked->diff_id, r.chain);
    if (d->config)
        image.config = *d->config;
    auto_done(mtd_image_done) struct mtd_image base = {0};
    find_base(s, d->base, &base);
    image.size = base.size + unpacked->size;
    if ((d->base && strv_add_all(&image.layers, d->base) < 0) ||
        strv_add(&image.layers, r.chain) < 0 ||
        list_diff_ids(&image, &base, unpacked->diff_id) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot write the image");
    int rc = encode(d, &image, &r.text, r.hex, err);
    /* An image that can be found must survive a crash. syncfs also waits for the
     * data of all other processes, so it is not used for the very first start, of
     * the embedded image. */
    if (rc == 0 && !d->written_out && syncfs(layer->fd) < 0)
        rc = mtd_fail_errno(err, errno, "cannot write %s/images", s->root);
    if (rc == 0)
        rc = publish_locked(s, d, layer, &r, err);
    if (rc == 0)
        memcpy(ret_hex, r.hex, SHA256_HEX_SIZE);
    return rc;
}
