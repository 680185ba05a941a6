/* Images go into buildah's storage and out of it by skopeo, which knows both. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/transfer/build_steps.h"

/* "[ROOT+RUNROOT]" in front: buildah's storage; by its name, or "@" and its id. */
#define STORAGE_REF_SIZE (2 * PATH_MAX + IMAGE_WHOLE_SIZE + 64)
static void storage_ref(const struct build *b, const char *image,
                        char out[STORAGE_REF_SIZE])
{
    snprintf(out, STORAGE_REF_SIZE, "containers-storage:[%s+%s]%s", b->storage, b->run,
             image);
}

/* ---- in ---- */

static int copy_in(struct build *b, const char *layout, const char *whole,
                   struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    auto_free char *from = NULL, *to = malloc(STORAGE_REF_SIZE);
    struct mtd_registry patient = *b->how;
    patient.timeout_s = 0; /* there is no registry to wait for */
    const struct skopeo k = {.how = &patient, .tmp = b->dir.path, .in = -1};
    if (!to || asprintf(&from, "oci:%s:image", layout) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    storage_ref(b, whole, to);
    return skopeo_args(&args, "copy", "--quiet", from, to, NULL) < 0
               ? mtd_fail(err, ENOMEM, "out of memory")
               : skopeo_run(&k, &args, NULL, err);
}

static int seed(struct build *b, const char *name, struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    auto_done(oci_manifest_done) struct oci_manifest manifest = {0};
    struct oci_descriptor descriptor;
    struct transfer_dir layout = {.fd = -1};
    struct remote r;
    int rc = remote_parse(name, &r, err);
    if (rc == 0)
        rc = image_find(b->store, name, &image, err);
    if (rc == 0)
        rc = transfer_dir_open(b->store, "seed", &layout, err);
    if (rc == 0)
        rc = transfer_layout(&layout, b->how->progress, &image, &manifest, &descriptor,
                             err);
    if (rc == 0)
        rc = copy_in(b, layout.path, r.whole, err);
    transfer_dir_done(&layout);
    mtd_context(rc < 0 ? err : NULL, "image %.100s", name);
    return rc;
}

/* The storage knows ours under names alone, because what is seeded has another manifest than the
 * registry's. buildah would fetch it itself, but it has no logins: a RUN could read them. */
static bool has_digest(const char *name)
{
    return strchr(name, '@') != NULL;
}

static int fetch(struct build *b, const char *name, struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    auto_free char *to = malloc(STORAGE_REF_SIZE);
    char from[REMOTE_REF_SIZE];
    struct remote r;
    int rc = remote_parse(name, &r, err);
    if (rc < 0)
        return rc;
    const struct skopeo k = {
        .how = b->how, .host = r.host, .tmp = b->dir.path, .in = -1, .transfers = true};
    if (!to)
        return mtd_fail(err, ENOMEM, "out of memory");
    remote_ref(&r, r.name.digest, from);
    storage_ref(b, from + strlen("docker://"), to);
    rc = skopeo_args(&args, "copy", "--quiet", NULL);
    if (rc == 0)
        rc = skopeo_add_tls(b->how, r.host, "--src-tls-verify", &args);
    if (rc == 0)
        rc = skopeo_args(&args, from, to, NULL);
    rc = rc < 0 ? mtd_fail(err, ENOMEM, "out of memory")
                : skopeo_run(&k, &args, NULL, err);
    mtd_context(rc < 0 ? err : NULL, "image %.100s", name);
    return rc;
}

static int bring(struct build *b, const char *name, struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    struct mtd_pulled pulled;
    bool here = image_find(b->store, name, &image, NULL) == 0;
    int rc = here && !b->asked->pull ? 0
                                     : transfer_pull(b->store, b->how, name,
                                                     b->asked->platform, &pulled, err);
    if (rc < 0)
        return rc;
    return has_digest(name) ? fetch(b, name, err) : seed(b, name, err);
}

int build_bring_images(struct build *b, struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0};
    if (dockerfile_images(b->text.data, b->asked->build_args, &names) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < names.len; i++)
        rc = bring(b, names.items[i], err);
    return rc;
}

/* ---- out ---- */

int build_export(struct build *b, struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    auto_free char *from = malloc(STORAGE_REF_SIZE), *to = NULL;
    struct mtd_registry patient = *b->how;
    char iid[128] = "", image[160];
    patient.timeout_s = 0;
    const struct skopeo k = {.how = &patient, .tmp = b->dir.path, .in = -1};
    int rc = fs_read_small_at(b->dir.fd, "iid", iid, sizeof(iid));
    if (rc < 0 || strncmp(iid, "sha256:", 7) != 0 || !hex_is_valid(iid + 7, 64))
        return mtd_fail(err, EIO, "buildah did not tell what it has built");
    snprintf(image, sizeof(image), "@%s", iid + 7);
    if (!from || asprintf(&to, "oci:%s/out:image", b->dir.path) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    storage_ref(b, image, from);
    if (skopeo_args(&args, "copy", "--quiet", "--format", "v2s2",
                    "--dest-oci-accept-uncompressed-layers", from, to, NULL) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return skopeo_run(&k, &args, NULL, err);
}

struct taken {
    struct image_layer layers[OCI_MAX_LAYERS];
    struct image_part parts[OCI_MAX_LAYERS];
    char chains[OCI_MAX_LAYERS][SHA256_HEX_SIZE];
    struct oci_manifest manifest;
    struct oci_config config;
    struct buf config_json;
    size_t n;
};

static void free_taken(struct taken **slot)
{
    struct taken *t = *slot;
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        if (t->parts[i].layer)
            image_layer_done(&t->layers[i]);
    oci_manifest_done(&t->manifest);
    oci_config_done(&t->config);
    buf_done(&t->config_json);
    free(t);
}

static int read_blob(const struct build *b, const char *hex, struct buf *ret,
                     struct mtd_error *err)
{
    char path[SHA256_HEX_SIZE + 24], digest[SHA256_HEX_SIZE];
    snprintf(path, sizeof(path), "out/blobs/sha256/%s", hex);
    int rc = fs_read_at(b->dir.fd, path, OCI_MAX_BYTES, ret);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read %s/%s", b->dir.path, path);
    archive_hash(ret->data ? ret->data : "", ret->len, digest);
    return strcmp(digest, hex) == 0
               ? 0
               : mtd_fail(err, EBADMSG, "%s/%s is damaged", b->dir.path, path);
}

static int read_documents(const struct build *b, struct taken *t, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    struct transfer_dir out = b->dir;
    char hex[SHA256_HEX_SIZE];
    auto_fd int fd = fs_open_dir_at(b->dir.fd, "out");
    out.fd = fd;
    int rc = transfer_dir_manifest(&out, hex, err);
    if (rc == 0)
        rc = read_blob(b, hex, &text, err);
    if (rc == 0)
        rc = oci_manifest_decode(text.data, text.len, &t->manifest, err);
    if (rc == 0)
        rc = read_blob(b, t->manifest.config.digest, &t->config_json, err);
    if (rc == 0)
        rc = oci_config_decode(t->config_json.data, t->config_json.len, &t->config, err);
    if (rc == 0 && (t->config.diff_ids.len != t->manifest.n_layers ||
                    t->manifest.n_layers > OCI_MAX_LAYERS))
        rc = mtd_fail(err, EBADMSG,
                      "the image that was built has %zu layers, its config %zu",
                      t->manifest.n_layers, t->config.diff_ids.len);
    return rc;
}

static int take_layer(const struct build *b, struct taken *t, size_t i,
                      struct mtd_error *err)
{
    const struct oci_descriptor *d = &t->manifest.layers[i];
    const char *diff_id = t->config.diff_ids.items[i];
    const char *parent = i > 0 ? t->chains[i - 1] : NULL;
    char path[SHA256_HEX_SIZE + 24];
    t->n = i + 1;
    if (image_layer_is_there(b->store, parent, diff_id, t->chains[i])) {
        t->parts[i] = (struct image_part){NULL, t->chains[i]};
        return 0;
    }
    snprintf(path, sizeof(path), "out/blobs/sha256/%s", d->digest);
    auto_fd int fd = openat(b->dir.fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot read %s/%s", b->dir.path, path);
    const struct image_layer_source source = {.fd = fd,
                                              .digest = d->digest,
                                              .size = d->size,
                                              .diff_id = diff_id,
                                              .keep = IMAGE_KEEP_AS_IS};
    int rc = image_layer_receive(b->store, &source, b->how->progress, &t->layers[i], err);
    if (rc == 0)
        t->parts[i] = (struct image_part){&t->layers[i], NULL};
    return rc;
}

int build_compose(struct build *b, char **ret_id, struct mtd_error *err)
{
    auto_done(free_taken) struct taken *t = calloc(1, sizeof(*t));
    if (!t)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = read_documents(b, t, err);
    for (size_t i = 0; rc == 0 && i < t->manifest.n_layers; i++)
        rc = take_layer(b, t, i, err);
    const struct image_compose c = {.config_json = t->config_json.data,
                                    .config_len = t->config_json.len,
                                    .parts = t->parts,
                                    .n_parts = t->n,
                                    .names = b->asked->names};
    return rc < 0 ? rc : image_compose(b->store, &c, ret_id, err);
}
