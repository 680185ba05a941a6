/* Images that an older version of the program made have neither an OCI config nor a
 * manifest: they are made of what is known. Its id becomes the digest of its config, see
 * ids.c. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/spec/spec.h"

static int no_memory(struct mtd_error *err)
{
    return mtd_fail_errno(err, ENOMEM, "cannot write the image");
}

int image_quick_write(const struct image_store *s, struct mtd_image *i, const char *hex,
                      bool durable, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    if (!i->id && asprintf(&i->id, "sha256:%s", hex) < 0) {
        i->id = NULL;
        return no_memory(err);
    }
    int rc = spec_encode_image(i, &text, err);
    if (rc < 0)
        return rc;
    rc = image_disk_save(s, hex, text.data, text.len, durable);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s/images/config/%s.json",
                                   s->root, hex)
                  : 0;
}

static int set_text(char **slot, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*slot);
    *slot = copy;
    return 0;
}

static char *command_of(const struct mtd_image_config *c)
{
    auto_done(buf_done) struct buf text = {0};
    for (size_t n = 0; n < c->cmd.len; n++)
        (void)buf_printf(&text, "%s%s", n ? " " : "", c->cmd.items[n]);
    return buf_take(&text);
}

/* Borrows the image's config. */
static int fill_config(struct oci_config *c, const struct mtd_image *i)
{
    c->config = i->config;
    c->created_at = i->created_at;
    oci_platform_host(&c->platform);
    auto_free char *command = command_of(&i->config);
    int rc = strv_add_all(&c->diff_ids, &i->diff_ids);
    for (size_t n = 0; n < i->layers.len && rc == 0; n++) {
        bool top = n + 1 == i->layers.len;
        struct oci_history h = {.created_at = i->created_at,
                                .created_by = top ? command : NULL,
                                .comment = top ? i->config.comment : NULL};
        rc = oci_config_add_history(c, &h);
    }
    return rc;
}

static int put_config(const struct image_store *s, struct mtd_image *i,
                      struct oci_descriptor *ret, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    auto_done(oci_config_done) struct oci_config c = {0};
    int rc = fill_config(&c, i) < 0 ? no_memory(err) : 0;
    if (rc == 0)
        rc = oci_config_encode(&c, NULL, 0, &text, err);
    c.config = (struct mtd_image_config){0};
    if (rc == 0)
        rc = image_blob_put(s, text.data, text.len, true, ret->digest, err);
    ret->media = OCI_CONFIG;
    ret->size = text.len;
    return rc;
}

/* The diff ids become those that the layers have when they are packed. */
static int fill_layers(const struct image_store *s, struct mtd_image *i,
                       struct oci_manifest *m, struct mtd_error *err)
{
    m->layers = calloc(i->layers.len, sizeof(*m->layers));
    if (!m->layers)
        return no_memory(err);
    strv_done(&i->diff_ids);
    for (; m->n_layers < i->layers.len; m->n_layers++) {
        struct image_info info;
        int rc = image_info_ensure(s, i->layers.items[m->n_layers], &info, err);
        if (rc < 0)
            return rc;
        m->layers[m->n_layers] = info.blob;
        if (strv_add(&i->diff_ids, info.diff_id) < 0)
            return no_memory(err);
    }
    return 0;
}

static bool is_complete(const struct image_store *s, const struct mtd_image *i)
{
    return i->manifest && i->config_digest && image_blob_has(s, i->manifest, NULL) &&
           image_blob_has(s, i->config_digest, NULL);
}

int image_complete(const struct image_store *s, const char *hex, struct mtd_image *i,
                   struct mtd_error *err)
{
    auto_done(oci_manifest_done) struct oci_manifest m = {.media = OCI_MANIFEST};
    auto_done(buf_done) struct buf text = {0};
    char digest[SHA256_HEX_SIZE];
    if (is_complete(s, i))
        return 0;
    int rc = fill_layers(s, i, &m, err);
    if (rc == 0)
        rc = put_config(s, i, &m.config, err);
    if (rc == 0)
        rc = oci_manifest_encode(&m, &text, err);
    if (rc == 0)
        rc = image_blob_put(s, text.data, text.len, true, digest, err);
    if (rc == 0 && (set_text(&i->manifest, digest) < 0 ||
                    set_text(&i->config_digest, m.config.digest) < 0))
        rc = no_memory(err);
    return rc < 0 ? rc : image_quick_write(s, i, hex, true, err);
}
