/* A finished draft becomes an image: layers, blobs, config, manifest and names in this
 * order, under the lock, so that what can be found is complete. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

struct publication {
    const struct image_draft *d;
    int mark;
    struct strv tmp;             /* what is deleted when the lock is released */
    struct strv fresh;           /* chain ids that were not there before */
    struct image_ref *before;    /* of each name; hex "" = it had none */
    size_t named;                /* names that were moved */
    bool is_known;               /* the image was there before */
    struct mtd_image image, old; /* as it will be; as it was */
};

/* ---- the disk first ---- */

static int sync_parts(const struct image_draft *d, struct mtd_error *err)
{
    int rc = d->in_memory ? 0 : image_sync_parts(d->c->parts, d->c->n_parts);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s/images", d->store->root)
                  : 0;
}

/* ---- under the lock ---- */

static int check_parts(const struct image_draft *d, struct mtd_error *err)
{
    for (size_t i = 0; i < d->c->n_parts; i++)
        if (!d->c->parts[i].layer &&
            !image_disk_has_layer(d->store, d->c->parts[i].chain))
            return mtd_fail(err, ENOENT, "layer %.12s is no longer there",
                            d->c->parts[i].chain);
    return 0;
}

/* An empty one says that the layer cannot be packed as it came. */
static int publish_recipe(const struct image_store *s, struct image_staged *g,
                          const char *chain)
{
    char from[IMAGE_INFO_PATH], to[IMAGE_INFO_PATH];
    struct stat st;
    if (!g->recipe_name[0] || fstat(g->recipe_fd, &st) < 0 || st.st_size == 0)
        return 0;
    snprintf(from, sizeof(from), "images/tmp/%s", g->recipe_name);
    image_info_recipe(chain, to);
    if (renameat(s->root_fd, from, s->root_fd, to) < 0)
        return -errno;
    g->recipe_name[0] = '\0';
    return 0;
}

static int publish_layer(struct publication *p, size_t n, struct mtd_error *err)
{
    const struct image_draft *d = p->d;
    const struct image_layer *l = d->c->parts[n].layer;
    const char *chain = d->image.layers.items[n];
    bool is_new = false;
    if (!l)
        return 0;
    fault_point("image.layer"); /* for kills only, like those below */
    int rc = image_staging_publish(&l->staged->dir, chain, &is_new, err);
    if (rc == 0 && is_new && strv_add(&p->fresh, chain) < 0)
        rc = mtd_fail_errno(err, ENOMEM, "cannot write the image");
    fault_point("image.info");
    struct image_info known;
    if (rc == 0 && (is_new || image_info_read(d->store, chain, &known) < 0))
        rc = image_info_write(d->store, chain, &d->infos[n]);
    if (rc == 0 && is_new)
        rc = publish_recipe(d->store, l->staged, chain);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot write %s/images/info", d->store->root);
    fault_point("image.blob");
    if (l->staged->blob_name[0])
        rc = image_blob_adopt(d->store, l->staged->blob_name, l->blob.digest, err);
    if (rc == 0)
        l->staged->blob_name[0] = '\0';
    return rc;
}

static int publish_layers(struct publication *p, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < p->d->c->n_parts && rc == 0; i++)
        rc = publish_layer(p, i, err);
    return rc;
}

static int publish_documents(const struct publication *p, struct mtd_error *err)
{
    const struct image_draft *d = p->d;
    char digest[SHA256_HEX_SIZE];
    fault_point("image.documents");
    int rc = image_blob_put(d->store, d->config.data, d->config.len, !d->in_memory,
                            digest, err);
    return rc < 0 ? rc
                  : image_blob_put(d->store, d->manifest.data, d->manifest.len,
                                   !d->in_memory, digest, err);
}

static int add_digests(struct mtd_image *i, const struct strv *more)
{
    int rc = 0;
    for (size_t n = 0; n < more->len && rc == 0; n++)
        if (!strv_contains(&i->digests, more->items[n]))
            rc = strv_add(&i->digests, more->items[n]);
    return rc;
}

/* An image that is there already keeps what is known of where it came from; and its
 * manifest, unless one came with it now. */
static int merge(struct publication *p, struct mtd_error *err)
{
    const struct image_draft *d = p->d;
    struct mtd_image *old = &p->old;
    p->is_known = image_disk_load(d->store, d->hex, old, NULL) == 0;
    p->image = d->image; /* borrowed but for digests */
    p->image.digests = old->digests;
    old->digests = (struct strv){0};
    if (!d->c->manifest && old->manifest &&
        image_blob_has(d->store, old->manifest, NULL)) {
        p->image.manifest = old->manifest;
        p->image.manifest_type = old->manifest_type;
    }
    return add_digests(&p->image, &d->repo_digests) < 0
               ? mtd_fail_errno(err, ENOMEM, "cannot write the image")
               : 0;
}

static struct image_ref ref_of(const struct image_draft *d)
{
    struct image_ref ref = {{0}, ""};
    if (d->source)
        ref = *d->source;
    memcpy(ref.hex, d->hex, sizeof(ref.hex));
    return ref;
}

static int publish_names(struct publication *p, struct mtd_error *err)
{
    const struct image_draft *d = p->d;
    struct image_ref ref = ref_of(d);
    int rc = 0;
    for (size_t i = 0; i < d->digests.len && rc == 0; i++)
        rc = image_disk_write_link(d->store, IMAGE_DIGESTS, d->digests.items[i], d->hex);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot write %s/images/digests", d->store->root);
    for (; p->named < d->names.len && rc == 0; p->named += rc == 0) {
        const char *name = d->names.items[p->named];
        fault_point("image.name");
        if (image_disk_read_ref(d->store, name, &p->before[p->named]) < 0)
            p->before[p->named] = (struct image_ref){{0}, ""};
        rc = image_disk_write_ref(d->store, name, &ref, err);
    }
    return rc == 0 && !d->in_memory ? image_sync_names(d->store, err) : rc;
}

static void undo(struct publication *p)
{
    const struct image_draft *d = p->d;
    while (p->named-- > 0) {
        const char *name = d->names.items[p->named];
        if (p->before[p->named].hex[0])
            image_disk_write_ref(d->store, name, &p->before[p->named], NULL);
        else
            image_disk_drop_ref(d->store, name, NULL);
    }
    for (size_t i = 0; i < d->digests.len && !p->is_known; i++)
        image_disk_drop_link(d->store, IMAGE_DIGESTS, d->digests.items[i]);
    if (!p->is_known)
        image_disk_drop_config(d->store, d->hex);
    for (size_t i = 0; i < p->fresh.len; i++) {
        image_disk_retire_layer(d->store, p->fresh.items[i], &p->tmp);
        image_info_drop(d->store, p->fresh.items[i]);
    }
    image_blob_sweep(d->store);
    image_index_write(d->store, NULL);
}

static int write_mark(const struct publication *p, struct mtd_error *err)
{
    const struct image_draft *d = p->d;
    struct image_ref ref = ref_of(d);
    int rc = image_mark_write(p->mark, &ref, &d->names, &d->digests);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s/images/tmp", d->store->root)
                  : 0;
}

static int publish(struct publication *p, struct mtd_error *err)
{
    const struct image_draft *d = p->d;
    int rc = check_parts(d, err);
    if (rc == 0)
        rc = merge(p, err);
    if (rc == 0)
        rc = publish_layers(p, err);
    if (rc == 0)
        rc = publish_documents(p, err);
    fault_point("image.config");
    if (rc == 0)
        rc = write_mark(p, err);
    if (rc == 0)
        rc = image_quick_write(d->store, &p->image, d->hex, !d->in_memory, err);
    if (rc == 0)
        rc = publish_names(p, err);
    fault_point("image.index");
    if (rc == 0)
        rc = image_index_write(d->store, err);
    fault_point("image.composed");
    return rc;
}

static int publish_locked(struct publication *p, struct mtd_error *err)
{
    char mark[IMAGE_TMP_NAME];
    const struct image_store *s = p->d->store;
    auto_fd int lock = image_lock(s, err);
    if (lock < 0)
        return lock;
    auto_fd int marked = image_staging_mark(s, mark, err);
    if (marked < 0)
        return marked;
    int rc = strv_add(&p->tmp, mark);
    p->before = calloc(p->d->names.len + 1, sizeof(*p->before));
    if (rc < 0 || !p->before)
        return mtd_fail_errno(err, ENOMEM, "cannot write the image");
    p->mark = marked;
    rc = publish(p, err);
    if (rc < 0)
        undo(p);
    image_disk_drop_tmp(s, &p->tmp);
    return rc;
}

int image_compose_as(const struct image_store *s, const struct image_compose *c,
                     const struct image_ref *source, bool in_memory,
                     char ret_hex[SHA256_HEX_SIZE], struct mtd_error *err)
{
    auto_done(image_draft_done) struct image_draft d = {
        .store = s, .c = c, .source = source, .in_memory = in_memory};
    struct publication p = {.d = &d};
    int rc = image_draft_make(&d, err);
    if (rc == 0)
        rc = image_draft_link(&d, err);
    if (rc == 0)
        rc = sync_parts(&d, err);
    if (rc == 0)
        rc = publish_locked(&p, err);
    strv_done(&p.image.digests);
    mtd_image_done(&p.old);
    strv_done(&p.tmp);
    strv_done(&p.fresh);
    free(p.before);
    if (rc == 0)
        memcpy(ret_hex, d.hex, SHA256_HEX_SIZE);
    return rc;
}

int image_compose(const struct image_store *s, const struct image_compose *c,
                  char **ret_id, struct mtd_error *err)
{
    char hex[SHA256_HEX_SIZE], *id;
    int rc = image_compose_as(s, c, NULL, false, hex, err);
    if (rc < 0)
        return rc;
    if (asprintf(&id, "sha256:%s", hex) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot write the image");
    *ret_id = id;
    return 0;
}
