/* Config, manifest and id of an image are made of its layers, or checked against them, before
 * anything of it appears. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int no_memory(struct mtd_error *err)
{
    return mtd_fail_errno(err, ENOMEM, "cannot write the image");
}

void image_draft_done(struct image_draft *d)
{
    mtd_image_done(&d->image);
    free(d->infos);
    buf_done(&d->config);
    buf_done(&d->manifest);
    strv_done(&d->names);
    strv_done(&d->repo_digests);
    strv_done(&d->digests);
}

static int take_part(struct image_draft *d, size_t n, struct mtd_error *err)
{
    const struct image_part *part = &d->c->parts[n];
    struct image_info *info = &d->infos[n];
    char chain[SHA256_HEX_SIZE];
    if (!part->layer) {
        if (!image_disk_has_layer(d->store, part->chain))
            return mtd_fail(err, ENOENT, "layer %.12s is no longer there", part->chain);
        int rc = image_info_ensure(d->store, part->chain, info, err);
        if (rc < 0)
            return rc;
        return strv_add(&d->image.layers, part->chain) < 0 ? no_memory(err) : 0;
    }
    memcpy(info->diff_id, part->layer->diff_id, sizeof(info->diff_id));
    info->size = part->layer->size;
    info->blob = part->layer->blob;
    archive_hash_chain(n ? d->image.layers.items[n - 1] : NULL, info->diff_id, chain);
    return strv_add(&d->image.layers, chain) < 0 ? no_memory(err) : 0;
}

static int take_parts(struct image_draft *d, struct mtd_error *err)
{
    if (d->c->n_parts == 0 || d->c->n_parts > OCI_MAX_LAYERS)
        return mtd_fail(err, EINVAL, "an image has 1 to %d layers, not %zu",
                        OCI_MAX_LAYERS, d->c->n_parts);
    d->infos = calloc(d->c->n_parts, sizeof(*d->infos));
    if (!d->infos)
        return no_memory(err);
    int rc = 0;
    for (size_t i = 0; i < d->c->n_parts && rc == 0; i++)
        rc = take_part(d, i, err);
    return rc;
}

/* ---- the config ---- */

static size_t count_layers(const struct oci_config *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_history; i++)
        n += !c->history[i].empty_layer;
    return n;
}

/* One entry per layer: what is not known of those below is left blank. */
static int add_history(const struct image_draft *d, struct oci_config *c)
{
    const struct mtd_image_config *config = d->c->config;
    int rc = 0;
    size_t known = count_layers(c);
    for (; known + 1 < d->c->n_parts && rc == 0; known++)
        rc = oci_config_add_history(c, &(struct oci_history){0});
    struct oci_history newest = {.created_at = d->c->created_at,
                                 .created_by = (char *)d->c->created_by, /* copied */
                                 .author = config ? config->author : NULL,
                                 .comment = config ? config->comment : NULL,
                                 .empty_layer = known >= d->c->n_parts};
    return rc < 0 ? rc : oci_config_add_history(c, &newest);
}

static int fill_config(const struct image_draft *d, struct oci_config *c,
                       struct mtd_error *err)
{
    int rc = 0;
    if (d->c->base_json)
        rc = oci_config_decode(d->c->base_json, d->c->base_len, c, err);
    if (rc < 0)
        return rc;
    mtd_image_config_done(&c->config);
    strv_done(&c->diff_ids);
    if (d->c->config)
        c->config = *d->c->config; /* borrowed */
    c->created_at = d->c->created_at;
    if (d->c->platform)
        c->platform = *d->c->platform;
    else if (!c->platform.os[0])
        oci_platform_host(&c->platform);
    for (size_t i = 0; i < d->c->n_parts && rc == 0; i++)
        rc = strv_add(&c->diff_ids, d->infos[i].diff_id);
    if (rc == 0)
        rc = add_history(d, c);
    return rc < 0 ? no_memory(err) : 0;
}

static int make_config(struct image_draft *d, struct mtd_error *err)
{
    auto_done(oci_config_done) struct oci_config c = {0};
    int rc = fill_config(d, &c, err);
    if (rc == 0)
        rc = oci_config_encode(&c, d->c->base_json, d->c->base_len, &d->config, err);
    c.config = (struct mtd_image_config){0};
    return rc;
}

static int check_diff_ids(const struct image_draft *d, const struct strv *ids,
                          struct mtd_error *err)
{
    if (ids->len != d->c->n_parts)
        return mtd_fail(err, EBADMSG, "the image's config has %zu layers where %zu came",
                        ids->len, d->c->n_parts);
    for (size_t i = 0; i < ids->len; i++)
        if (strcmp(ids->items[i], d->infos[i].diff_id) != 0)
            return mtd_fail(err, EBADMSG,
                            "layer %zu of the image is damaged: its digest is %.12s, and "
                            "not %.12s as the config says",
                            i + 1, d->infos[i].diff_id, ids->items[i]);
    return 0;
}

static int copy_text(char **slot, const char *text)
{
    free(*slot);
    *slot = text && *text ? strdup(text) : NULL;
    return text && *text && !*slot ? -ENOMEM : 0;
}

/* Made or not, the config is read as whoever gets it will read it. */
static int read_config(struct image_draft *d, struct mtd_error *err)
{
    auto_done(oci_config_done) struct oci_config c = {0};
    struct mtd_image *i = &d->image;
    int rc = oci_config_decode(d->config.data, d->config.len, &c, err);
    if (rc == 0)
        rc = check_diff_ids(d, &c.diff_ids, err);
    if (rc < 0)
        return rc;
    i->config = c.config;
    c.config = (struct mtd_image_config){0};
    i->diff_ids = c.diff_ids;
    c.diff_ids = (struct strv){0};
    i->created_at = c.created_at;
    for (size_t n = 0; n < d->c->n_parts; n++)
        i->size += d->infos[n].size;
    if (copy_text(&i->os, c.platform.os) < 0 ||
        copy_text(&i->architecture, c.platform.architecture) < 0 ||
        copy_text(&i->variant, c.platform.variant) < 0)
        return no_memory(err);
    return 0;
}

static int settle_config(struct image_draft *d, struct mtd_error *err)
{
    char digest[SHA256_HEX_SIZE];
    int rc = 0;
    if (!d->c->config_json)
        rc = make_config(d, err);
    else if (buf_add(&d->config, d->c->config_json, d->c->config_len) < 0)
        rc = no_memory(err);
    if (rc == 0)
        rc = read_config(d, err);
    if (rc < 0)
        return rc;
    archive_hash(d->config.data, d->config.len, digest);
    memcpy(d->hex, digest, sizeof(d->hex));
    if (copy_text(&d->image.config_digest, digest) < 0 ||
        asprintf(&d->image.id, "sha256:%s", d->hex) < 0)
        return no_memory(err);
    return 0;
}

/* ---- the manifest ---- */

static int make_manifest(struct image_draft *d, struct mtd_error *err)
{
    struct oci_manifest m = {.media = OCI_MANIFEST, .n_layers = d->c->n_parts};
    auto_free struct oci_descriptor *layers = calloc(m.n_layers, sizeof(*layers));
    if (!layers)
        return no_memory(err);
    for (size_t i = 0; i < m.n_layers; i++)
        layers[i] = d->infos[i].blob;
    m.layers = layers;
    m.config.media = OCI_CONFIG;
    m.config.size = d->config.len;
    memcpy(m.config.digest, d->image.config_digest, sizeof(m.config.digest));
    return oci_manifest_encode(&m, &d->manifest, err);
}

static int check_manifest(struct image_draft *d, struct mtd_error *err)
{
    auto_done(oci_manifest_done) struct oci_manifest m = {0};
    int rc = oci_manifest_decode(d->c->manifest, d->c->manifest_len, &m, err);
    if (rc < 0)
        return rc;
    if (m.n_layers != d->c->n_parts ||
        strcmp(m.config.digest, d->image.config_digest) != 0)
        return mtd_fail(err, EBADMSG, "the manifest is not that of the image's config");
    if (m.media != OCI_MANIFEST &&
        copy_text(&d->image.manifest_type, oci_media_name(m.media)) < 0)
        return no_memory(err);
    return buf_add(&d->manifest, d->c->manifest, d->c->manifest_len) < 0 ? no_memory(err)
                                                                         : 0;
}

static int settle_manifest(struct image_draft *d, struct mtd_error *err)
{
    char digest[SHA256_HEX_SIZE];
    int rc = d->c->manifest ? check_manifest(d, err) : make_manifest(d, err);
    if (rc < 0)
        return rc;
    archive_hash(d->manifest.data, d->manifest.len, digest);
    return copy_text(&d->image.manifest, digest) < 0 ? no_memory(err) : 0;
}

/* ---- names ---- */

static int take_names(struct image_draft *d, struct mtd_error *err)
{
    struct image_name name;
    int rc = 0;
    for (size_t i = 0; d->c->names && i < d->c->names->len && rc == 0; i++) {
        rc = image_name_parse_new(d->c->names->items[i], &name, err);
        if (rc == 0 && !strv_contains(&d->names, name.text))
            rc = strv_add(&d->names, name.text) < 0 ? no_memory(err) : 0;
    }
    return rc;
}

static int take_digests(struct image_draft *d, struct mtd_error *err)
{
    const struct strv *list = d->c->digests;
    for (size_t i = 0; list && i < list->len; i++) {
        struct image_name name;
        int rc = image_name_parse(list->items[i], &name, err);
        if (rc < 0)
            return rc;
        if (!name.digest[0])
            return mtd_fail(err, EINVAL, "\"%.80s\" has no digest", list->items[i]);
        char *text;
        if (asprintf(&text, "%.*s@sha256:%s", (int)name.repo_len, name.text,
                     name.digest) < 0 ||
            strv_take(&d->repo_digests, text) < 0 ||
            strv_add(&d->digests, name.digest) < 0)
            return no_memory(err);
    }
    return 0;
}

int image_draft_make(struct image_draft *d, struct mtd_error *err)
{
    int rc = take_names(d, err);
    if (rc == 0)
        rc = take_digests(d, err);
    if (rc == 0)
        rc = take_parts(d, err);
    if (rc == 0)
        rc = settle_config(d, err);
    return rc < 0 ? rc : settle_manifest(d, err);
}
