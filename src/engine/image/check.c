/* What is wrong in the store, without a lock: what another command is at work on may look
 * wrong for a moment, and the caller looks again. What belongs to nobody is only looked for
 * while nothing is being made or removed. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

struct looking {
    const struct image_store *s;
    image_fault_fn found;
    void *arg;
    struct strv ids, layers, blobs; /* that are needed */
    bool damaged;                   /* what is needed is not known */
};

static void looking_done(struct looking *l)
{
    strv_done(&l->ids);
    strv_done(&l->layers);
    strv_done(&l->blobs);
}

static void tell(const struct looking *l, enum image_fault fault, const char *object,
                 const char *text)
{
    l->found(fault, object, text, l->arg);
}

static void look_at_config(struct looking *l, const char *hex)
{
    auto_done(buf_done) struct buf text = {0};
    if (image_blob_has(l->s, hex, NULL) &&
        image_blob_read(l->s, hex, &text, NULL) == -EBADMSG)
        tell(l, IMAGE_FAULT_CONFIG, hex, hex);
}

static void look_at_manifest(struct looking *l, const struct mtd_image *i)
{
    auto_done(buf_done) struct buf text = {0};
    if (i->manifest && image_blob_has(l->s, i->manifest, NULL) &&
        image_blob_read(l->s, i->manifest, &text, NULL) == -EBADMSG)
        tell(l, IMAGE_FAULT_BLOB, i->manifest, i->manifest);
}

static void look_at_layers(struct looking *l, const struct mtd_image *i)
{
    for (size_t n = 0; n < i->layers.len; n++) {
        const char *chain = i->layers.items[n];
        struct image_info info;
        uint64_t size;
        char text[64];
        snprintf(text, sizeof(text), "image %.12s, layer %.12s", i->id + 7, chain);
        if (!image_disk_has_layer(l->s, chain))
            tell(l, IMAGE_FAULT_LAYER_LOST, i->id, text);
        else if (image_info_read(l->s, chain, &info) == 0 &&
                 image_blob_has(l->s, info.blob.digest, &size) && size != info.blob.size)
            tell(l, IMAGE_FAULT_BLOB, info.blob.digest, info.blob.digest);
    }
}

static void look_at_image(struct looking *l, const char *hex)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    struct mtd_error why = {0};
    int rc = image_disk_load(l->s, hex, &image, &why);
    if (rc == -ENOENT)
        return;
    if (rc < 0) {
        l->damaged = true;
        tell(l, image_blob_has(l->s, hex, NULL) ? IMAGE_FAULT_QUICK : IMAGE_FAULT_IMAGE,
             hex, why.text);
        return;
    }
    look_at_config(l, hex);
    look_at_manifest(l, &image);
    look_at_layers(l, &image);
}

static void look_at_names(const struct looking *l)
{
    auto_done(strv_done) struct strv names = {0}, ids = {0};
    (void)image_disk_list_refs(l->s, &names, &ids);
    for (size_t i = 0; i < names.len; i++)
        if (!image_disk_sorted_has(&l->ids, ids.items[i]))
            tell(l, IMAGE_FAULT_NAME, names.items[i], names.items[i]);
}

/* What is in dir and not in needed. */
static void look_for_strays(const struct looking *l, const char *dir,
                            const struct strv *needed)
{
    auto_done(strv_done) struct strv there = {0};
    char text[192], hex[SHA256_HEX_SIZE];
    (void)image_disk_list(l->s, dir, &there);
    for (size_t i = 0; i < there.len; i++) {
        snprintf(hex, sizeof(hex), "%s",
                 there.items[i]); /* a recipe's goes on after it */
        if (image_disk_sorted_has(needed, hex))
            continue;
        snprintf(text, sizeof(text), "%s/%.80s", dir, there.items[i]);
        tell(l, IMAGE_FAULT_STRAY, text, text);
    }
}

static void look_for_links(const struct looking *l, const char *dir)
{
    auto_done(strv_done) struct strv links = {0};
    char text[128], hex[SHA256_HEX_SIZE];
    (void)image_disk_list(l->s, dir, &links);
    for (size_t i = 0; i < links.len; i++)
        if (image_disk_read_link(l->s, dir, links.items[i], hex) < 0 ||
            !image_disk_sorted_has(&l->ids, hex)) {
            snprintf(text, sizeof(text), "%s/%.80s", dir, links.items[i]);
            tell(l, IMAGE_FAULT_STRAY, text, text);
        }
}

static bool is_quiet(const struct image_store *s)
{
    auto_done(strv_done) struct strv tmp = {0};
    return image_disk_list(s, "images/tmp", &tmp) == 0 && tmp.len == 0;
}

static void look_at_rest(struct looking *l)
{
    auto_done(strv_done) struct strv unpacked = {0};
    look_for_links(l, IMAGE_DIGESTS);
    look_for_links(l, IMAGE_IDS);
    if (l->damaged || image_list_needed(l->s, &l->layers) < 0 ||
        image_blob_list_needed(l->s, &l->blobs) < 0 ||
        image_disk_list(l->s, "images/layers", &unpacked) < 0)
        return;
    image_disk_sort(&l->layers);
    look_for_strays(l, "images/layers", &l->layers);
    if (strv_add_all(&unpacked, &l->layers) < 0)
        return;
    image_disk_sort(&unpacked);
    look_for_strays(l, "images/info", &unpacked);
    look_for_strays(l, "images/blobs/sha256", &l->blobs);
}

int image_check(const struct image_store *s, image_fault_fn found, void *arg)
{
    auto_done(looking_done) struct looking l = {.s = s, .found = found, .arg = arg};
    if (s->root_fd < 0 || image_is_old(s))
        return 0;
    bool quiet = is_quiet(s);
    int rc = image_disk_list_ids(s, "", &l.ids);
    for (size_t i = 0; i < l.ids.len && rc == 0; i++)
        look_at_image(&l, l.ids.items[i]);
    if (rc < 0)
        return rc;
    look_at_names(&l);
    if (quiet)
        look_at_rest(&l);
    return 0;
}

/* ---- repairs ---- */

/* The manifest of index.json that has that config; none is made of the layers. */
static int find_manifest(const struct image_store *s, const char *hex, struct buf *ret)
{
    auto_done(buf_done) struct buf text = {0};
    auto_done(oci_index_done) struct oci_index index = {0};
    int rc = fs_read_at(s->root_fd, "images/index.json", OCI_MAX_BYTES, &text);
    if (rc == 0)
        rc = oci_index_decode(text.data, text.len, &index, NULL);
    for (size_t i = 0; i < index.len && rc == 0; i++) {
        auto_done(oci_manifest_done) struct oci_manifest m = {.n_layers = 0};
        buf_done(ret);
        if (image_blob_read(s, index.items[i].digest, ret, NULL) == 0 &&
            oci_manifest_decode(ret->data, ret->len, &m, NULL) == 0 &&
            strcmp(m.config.digest, hex) == 0)
            return 0;
    }
    buf_done(ret);
    return 0;
}

/* An image's own file is made again of its config, its manifest and its layers. */
static int make_quick(const struct image_store *s, const char *hex, struct mtd_error *err)
{
    auto_done(buf_done) struct buf json = {0}, manifest = {0};
    auto_done(oci_config_done) struct oci_config config = {0};
    int rc = image_blob_read(s, hex, &json, err);
    if (rc == 0)
        rc = oci_config_decode(json.data, json.len, &config, err);
    if (rc == 0)
        rc = find_manifest(s, hex, &manifest);
    size_t n = config.diff_ids.len;
    if (rc < 0 || n == 0)
        return rc < 0 ? rc : -EBADMSG;
    auto_free struct image_part *parts = calloc(n, sizeof(*parts));
    auto_free char(*chains)[SHA256_HEX_SIZE] = calloc(n, sizeof(*chains));
    if (!parts || !chains)
        return mtd_fail_errno(err, ENOMEM, "cannot mend the image");
    for (size_t i = 0; i < n; i++) {
        archive_hash_chain(i ? chains[i - 1] : NULL, config.diff_ids.items[i], chains[i]);
        parts[i].chain = chains[i];
    }
    const struct image_compose c = {.config_json = json.data,
                                    .config_len = json.len,
                                    .parts = parts,
                                    .n_parts = n,
                                    .manifest = manifest.len ? manifest.data : NULL,
                                    .manifest_len = manifest.len};
    auto_free char *id = NULL;
    return image_compose(s, &c, &id, err);
}

int image_repair(const struct image_store *s, enum image_fault fault, const char *object,
                 struct mtd_error *err)
{
    char path[IMAGE_BLOB_PATH];
    if (fault == IMAGE_FAULT_QUICK)
        return make_quick(s, object, err);
    auto_fd int lock = image_lock(s, err);
    if (lock < 0)
        return lock;
    switch (fault) {
    case IMAGE_FAULT_NAME: return image_disk_drop_ref(s, object, err);
    case IMAGE_FAULT_BLOB:
        image_blob_path(object, path);
        return unlinkat(s->root_fd, path, 0) < 0 ? -errno : 0;
    case IMAGE_FAULT_STRAY: image_sweep_all(s); return 0;
    default: return -ENOTSUP;
    }
}
