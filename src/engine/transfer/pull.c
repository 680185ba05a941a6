/* A pull asks for the manifest by name once and for everything else by digest, so that a
 * tag that moves meanwhile cannot mix two images. A manifest in docker's form is kept as
 * it is while it travels, so that its config, whose digest is the image's id, stays the
 * same. In the store it has OCI's form: others cannot read a layout with docker's. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/transfer/skopeo.h"

struct pull {
    const struct image_store *store;
    const struct mtd_registry *how;
    struct oci_platform platform;
    bool has_platform;
    struct remote from;
    struct transfer_dir dir;
    char top[SHA256_HEX_SIZE]; /* what the name points at: a manifest or a list */
    char hex[SHA256_HEX_SIZE]; /* the manifest for our platform */
    struct buf bytes;          /* the manifest's */
    struct oci_manifest manifest;
    char id[SHA256_HEX_SIZE + 8];
};

static void done_pull(struct pull *p)
{
    transfer_dir_done(&p->dir);
    buf_done(&p->bytes);
    oci_manifest_done(&p->manifest);
}

static struct skopeo caller(const struct pull *p)
{
    return (struct skopeo){
        .how = p->how, .host = p->from.host, .tmp = p->dir.path, .in = -1};
}

/* ---- the manifest ---- */

/* by: digest, or "" for what the name points at. */
static int fetch(const struct pull *p, const char *by, struct buf *ret,
                 char ret_hex[SHA256_HEX_SIZE], struct mtd_error *err)
{
    char ref[REMOTE_REF_SIZE];
    struct skopeo k = caller(p);
    remote_ref(&p->from, by, ref);
    int rc = skopeo_inspect(&k, ref, false, ret, err);
    if (rc < 0)
        return rc;
    archive_hash(ret->data ? ret->data : "", ret->len, ret_hex);
    if (by[0] && strcmp(by, ret_hex) != 0)
        return mtd_fail(err, EBADMSG,
                        "the registry at %s sent something else than sha256:%.12s",
                        p->from.host, by);
    return 0;
}

/* A list's manifest for the platform takes the list's place. */
static int choose(struct pull *p, struct mtd_error *err)
{
    auto_done(oci_index_done) struct oci_index list = {0};
    auto_done(buf_done) struct buf bytes = {0};
    const struct oci_descriptor *item = NULL;
    int rc = oci_index_decode(p->bytes.data, p->bytes.len, &list, err);
    if (rc == 0)
        rc = oci_index_select(&list, p->has_platform ? &p->platform : NULL, &item, err);
    if (rc == 0)
        rc = fetch(p, item->digest, &bytes, p->hex, err);
    if (rc < 0)
        return rc;
    buf_done(&p->bytes);
    p->bytes = bytes;
    bytes = (struct buf){0};
    return 0;
}

/* skopeo would ask any address that a manifest names, also one that only this machine reaches. */
static int check_addresses(const struct pull *p, struct mtd_error *err)
{
    const struct oci_manifest *m = &p->manifest;
    bool elsewhere = m->config.elsewhere;
    for (size_t i = 0; i < m->n_layers; i++)
        elsewhere |= m->layers[i].elsewhere;
    return elsewhere
               ? mtd_fail(err, ENOTSUP,
                          "parts of it are to be fetched from other addresses than the "
                          "registry's, which is refused")
               : 0;
}

static int ask(struct pull *p, struct mtd_error *err)
{
    int rc = fetch(p, p->from.name.digest, &p->bytes, p->top, err);
    if (rc < 0)
        return rc;
    memcpy(p->hex, p->top, sizeof(p->hex));
    if (oci_media_is_index(oci_kind_of(p->bytes.data, p->bytes.len)))
        rc = choose(p, err);
    if (rc == 0)
        rc = oci_manifest_decode(p->bytes.data, p->bytes.len, &p->manifest, err);
    if (rc == 0)
        rc = check_addresses(p, err);
    if (rc == 0)
        snprintf(p->id, sizeof(p->id), "sha256:%s", p->manifest.config.digest);
    return rc;
}

/* Of an image without a list the config alone knows the platform. Asked only when the user
 * named one. */
static int check_platform(const struct pull *p, struct mtd_error *err)
{
    auto_done(buf_done) struct buf bytes = {0};
    auto_done(oci_config_done) struct oci_config config = {0};
    char ref[REMOTE_REF_SIZE], has[100], wanted[100];
    struct skopeo k = caller(p);
    remote_ref(&p->from, p->hex, ref);
    int rc = skopeo_inspect(&k, ref, true, &bytes, err);
    if (rc == 0)
        rc = oci_config_decode(bytes.data, bytes.len, &config, err);
    if (rc < 0)
        return rc;
    const struct oci_platform *a = &config.platform, *b = &p->platform;
    if (strcmp(a->os, b->os) == 0 && strcmp(a->architecture, b->architecture) == 0 &&
        (!b->variant[0] || strcmp(a->variant, b->variant) == 0))
        return 0;
    oci_platform_format(a, has);
    oci_platform_format(b, wanted);
    return mtd_fail(err, ENOENT, "it is for %s, not for %s", has, wanted);
}

/* ---- the layers ---- */

static bool has_image(const struct pull *p, const char *ref)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    return image_find(p->store, ref, &image, NULL) == 0 && strcmp(image.id, p->id) == 0;
}

static bool has_blob(const struct pull *p, const char *hex)
{
    auto_fd int fd = image_blob_open(p->store, hex, NULL);
    return fd >= 0;
}

static int copy_args(const struct pull *p, struct strv *args)
{
    char from[REMOTE_REF_SIZE], to[PATH_MAX + 16], blobs[PATH_MAX];
    bool docker = p->manifest.media == OCI_DOCKER_MANIFEST;
    remote_ref(&p->from, p->hex, from);
    snprintf(to, sizeof(to), "oci:%s:image", p->dir.path);
    snprintf(blobs, sizeof(blobs), "%s/images/blobs", p->store->root);
    int rc = skopeo_args(args, "copy", "--quiet", "--preserve-digests", "--format",
                         docker ? "v2s2" : "oci", "--dest-shared-blob-dir", blobs, NULL);
    if (rc == 0)
        rc = skopeo_add_tls(p->how, p->from.host, "--src-tls-verify", args);
    return rc == 0 ? skopeo_args(args, from, to, NULL) : rc;
}

static int copy(const struct pull *p, struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    auto_done(watch_done) struct watch watch = {.blobs_fd = -1};
    struct skopeo k = caller(p);
    if (copy_args(p, &args) < 0 || watch_open(&watch, p->how, &p->dir, &p->manifest) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    watch.what = "Downloading";
    for (size_t i = 0; i < p->manifest.n_layers; i++)
        if ((watch.finished[i] = has_blob(p, p->manifest.layers[i].digest)))
            registry_say(p->how, "%.12s: Already exists", p->manifest.layers[i].digest);
    bool *here = watch.finished, had[OCI_MAX_LAYERS];
    memcpy(had, here, p->manifest.n_layers * sizeof(*had));
    k.pulse = watch_download;
    k.arg = &watch;
    k.transfers = true;
    int rc = skopeo_run(&k, &args, NULL, err);
    if (rc < 0)
        return rc;
    watch_download(&watch, 0);
    for (size_t i = 0; i < p->manifest.n_layers; i++)
        if (!had[i])
            registry_say(p->how, "%.12s: Pull complete", p->manifest.layers[i].digest);
    return 0;
}

/* ---- the image ---- */

static enum oci_media to_oci(enum oci_media m)
{
    static const enum oci_media FORMS[][2] = {
        {OCI_DOCKER_MANIFEST, OCI_MANIFEST},     {OCI_DOCKER_CONFIG, OCI_CONFIG},
        {OCI_DOCKER_LAYER, OCI_LAYER},           {OCI_DOCKER_LAYER_GZIP, OCI_LAYER_GZIP},
        {OCI_DOCKER_LAYER_ZSTD, OCI_LAYER_ZSTD},
    };
    for (size_t i = 0; i < ARRAY_SIZE(FORMS); i++)
        if (FORMS[i][0] == m)
            return FORMS[i][1];
    return m;
}

static int convert(struct pull *p, struct mtd_error *err)
{
    struct oci_manifest *m = &p->manifest;
    if (m->media != OCI_DOCKER_MANIFEST)
        return 0;
    m->media = to_oci(m->media);
    m->config.media = to_oci(m->config.media);
    for (size_t i = 0; i < m->n_layers; i++)
        m->layers[i].media = to_oci(m->layers[i].media);
    buf_done(&p->bytes);
    p->bytes = (struct buf){0};
    int rc = oci_manifest_encode(m, &p->bytes, err);
    if (rc == 0)
        archive_hash(p->bytes.data, p->bytes.len, p->hex);
    return rc;
}

static int take(struct pull *p, struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0}, digests = {0};
    auto_free char *id = NULL;
    char digest[IMAGE_WHOLE_SIZE + 80];
    const struct image_name *n = &p->from.name;
    snprintf(digest, sizeof(digest), "%.*s@sha256:%s", (int)n->repo_len, n->text, p->top);
    if ((!n->digest[0] && strv_add(&names, n->text) < 0) ||
        strv_add(&digests, digest) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = convert(p, err);
    if (rc == 0)
        rc = transfer_dir_put(&p->dir, p->hex, p->bytes.data, p->bytes.len, err);
    const struct image_take t = {.layout_fd = p->dir.fd,
                                 .manifest = p->hex,
                                 .platform = p->has_platform ? &p->platform : NULL,
                                 .names = &names,
                                 .digests = &digests};
    return rc < 0 ? rc : image_take(p->store, &t, p->how->progress, &id, err);
}

/* Another pull of the same image may have brought it while this one waited. */
static int bring(struct pull *p, struct mtd_error *err)
{
    char hex[SHA256_HEX_SIZE];
    memcpy(hex, p->hex, sizeof(hex)); /* take() may change it */
    int once = transfer_once(p->store, hex, err);
    int rc = once < 0 ? once : has_image(p, p->id) ? 0 : copy(p, err);
    if (rc == 0)
        rc = fault_point("pull.copied");
    if (rc == 0)
        rc = take(p, err);
    transfer_once_done(p->store, hex, once);
    return rc;
}

/* Docker's words. */
static void tell(const struct pull *p, struct mtd_pulled *ret)
{
    char text[IMAGE_WHOLE_SIZE + 80];
    const struct image_name *n = &p->from.name;
    if (n->digest[0])
        snprintf(text, sizeof(text), "%.*s@sha256:%s", (int)n->repo_len, n->text,
                 n->digest);
    else
        snprintf(text, sizeof(text), "%s", n->text);
    registry_say(p->how, "Digest: sha256:%s", p->top);
    registry_say(p->how, "Status: %s for %s",
                 ret->changed ? "Downloaded newer image" : "Image is up to date", text);
    snprintf(ret->id, sizeof(ret->id), "%s", p->id);
    if (n->digest[0])
        snprintf(ret->whole, sizeof(ret->whole), "%s@sha256:%s", p->from.repo, n->digest);
    else
        snprintf(ret->whole, sizeof(ret->whole), "%s", p->from.whole);
}

static int pull(struct pull *p, struct mtd_pulled *ret, struct mtd_error *err)
{
    char digest[IMAGE_WHOLE_SIZE + 80];
    const struct image_name *n = &p->from.name;
    const char *path = p->from.repo + strlen(p->from.host) + 1;
    int rc = transfer_dir_open(p->store, "pull", &p->dir, err);
    if (rc == 0)
        rc = ask(p, err);
    if (rc == 0 && p->has_platform && strcmp(p->top, p->hex) == 0)
        rc = check_platform(p, err);
    if (rc < 0 || (rc = fault_point("pull.asked")) < 0)
        return rc;
    snprintf(digest, sizeof(digest), "%.*s@sha256:%s", (int)n->repo_len, n->text, p->top);
    registry_say(p->how, "%s%s: Pulling from %s", n->digest[0] ? "sha256:" : "",
                 n->digest[0] ? n->digest : n->text + n->repo_len + 1, path);
    ret->changed = !(has_image(p, digest) && (n->digest[0] || has_image(p, n->text)));
    if (ret->changed)
        rc = bring(p, err);
    if (rc == 0)
        tell(p, ret);
    return rc;
}

/* What needs no store. */
static int begin(struct pull *p, const char *ref, const char *platform,
                 struct mtd_error *err)
{
    p->has_platform = platform != NULL;
    int rc = platform ? oci_platform_parse(platform, &p->platform, err) : 0;
    if (rc == 0)
        rc = remote_parse(ref, &p->from, err);
    return rc < 0 ? rc : tool_check(TOOL_SKOPEO, err);
}

int transfer_ask(const struct mtd_registry *how, const char *ref, const char *platform,
                 struct mtd_error *err)
{
    struct pull p = {.how = how, .dir = {.fd = -1}};
    int rc = begin(&p, ref, platform, err);
    if (rc < 0)
        return rc;
    rc = ask(&p, err);
    done_pull(&p);
    mtd_context(rc < 0 ? err : NULL, "image %.150s", ref);
    return rc;
}

int transfer_pull(const struct image_store *s, const struct mtd_registry *how,
                  const char *ref, const char *platform, struct mtd_pulled *ret,
                  struct mtd_error *err)
{
    struct image_transfer transfer;
    struct mtd_pulled done = {0};
    struct pull p = {.store = s, .how = how, .dir = {.fd = -1}};
    int rc = begin(&p, ref, platform, err);
    if (rc == 0)
        rc = image_transfer_begin(s, &transfer, err);
    if (rc < 0)
        return rc;
    rc = pull(&p, &done, err);
    done_pull(&p);
    image_transfer_end(&transfer);
    if (rc == 0)
        *ret = done;
    if (rc == -EIO)
        mtd_fail(err, EIO, "failed"); /* a fault point has no sentence */
    mtd_context(rc < 0 ? err : NULL, "image %.150s", ref);
    return rc;
}
