/* What the archive's documents say is compared with what its layers are: a config's diff ids
 * with the layers' own, and a blob's name with its digest. */

#include "engine/transfer/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/image/name.h"
#include "engine/oci/docker.h"
#include "engine/transfer/archive.h"

#define MAX_TRIES 3
#define MAX_NESTED 4
#define INDEX_FILE "index.json"

struct loading {
    struct transfer_archive archive;
    struct oci_platform platform;
    bool has_platform;
    size_t n_skipped; /* images of other platforms */
    struct strv *loaded;
};

/* An image that the archive describes. */
struct described {
    const struct buf *config;
    const struct buf *manifest; /* NULL = none */
    const struct strv *layers;  /* paths */
    const struct strv *names;
};

static int note_loaded(struct loading *l, const struct strv *names, const char *id,
                       struct mtd_error *err)
{
    int rc =
        names && names->len ? strv_add_all(l->loaded, names) : strv_add(l->loaded, id);
    return rc < 0 ? mtd_fail_errno(err, ENOMEM, "cannot load") : 0;
}

/* ---- one image ---- */

struct parts {
    struct image_part items[OCI_MAX_LAYERS];
    struct image_layer layers[OCI_MAX_LAYERS];
    char chains[OCI_MAX_LAYERS][SHA256_HEX_SIZE];
    size_t len;
};

static void free_parts(struct parts **p)
{
    for (size_t i = 0; *p && i < (*p)->len; i++)
        image_layer_done(&(*p)->layers[i]);
    free(*p);
}

static int collect(struct loading *l, const struct described *d, const struct strv *diffs,
                   struct parts *p, struct mtd_error *err)
{
    const struct image_store *s = l->archive.store;
    for (size_t i = 0; i < diffs->len; i++) {
        const char *parent = i ? p->chains[i - 1] : NULL, *diff = diffs->items[i];
        p->len = i + 1;
        if (image_layer_is_there(s, parent, diff, p->chains[i])) {
            p->items[i].chain = p->chains[i];
            continue;
        }
        int rc = transfer_archive_layer(&l->archive, d->layers->items[i], diff,
                                        &p->layers[i], err);
        if (rc < 0)
            return rc;
        p->items[i].layer = &p->layers[i];
    }
    return 0;
}

/* -EAGAIN = a layer that was there has just been removed. */
static int load_once(struct loading *l, const struct described *d,
                     const struct strv *diffs, char **ret_id, struct mtd_error *err)
{
    __attribute__((cleanup(free_parts))) struct parts *p = calloc(1, sizeof(*p));
    if (!p)
        return mtd_fail_errno(err, ENOMEM, "cannot load");
    int rc = collect(l, d, diffs, p, err);
    if (rc < 0)
        return rc;
    const struct image_compose image = {
        .config_json = d->config->data,
        .config_len = d->config->len,
        .parts = p->items,
        .n_parts = p->len,
        .names = d->names,
        .manifest = d->manifest ? d->manifest->data : NULL,
        .manifest_len = d->manifest ? d->manifest->len : 0,
    };
    fault_point("load.image");
    rc = image_compose(l->archive.store, &image, ret_id, err);
    return rc == -ENOENT ? -EAGAIN : rc;
}

static bool is_wanted(struct loading *l, const struct oci_platform *p)
{
    const struct oci_platform *want = &l->platform;
    return !l->has_platform ||
           (strcmp(p->architecture, want->architecture) == 0 &&
            (!p->os[0] || strcmp(p->os, want->os) == 0) &&
            (!want->variant[0] || strcmp(p->variant, want->variant) == 0));
}

static int load_image(struct loading *l, const struct described *d, struct mtd_error *err)
{
    auto_done(oci_config_done) struct oci_config config = {.created_at = 0};
    auto_free char *id = NULL;
    int rc = oci_config_decode(d->config->data, d->config->len, &config, err);
    if (rc < 0)
        return rc == -EINVAL ? -EBADMSG : rc;
    if (!is_wanted(l, &config.platform)) {
        l->n_skipped++;
        return 0;
    }
    if (config.diff_ids.len != d->layers->len || config.diff_ids.len > OCI_MAX_LAYERS)
        return mtd_fail(err, EBADMSG,
                        "the image's config names %zu layers, its manifest %zu",
                        config.diff_ids.len, d->layers->len);
    rc = load_once(l, d, &config.diff_ids, &id, err);
    for (int i = 1; rc == -EAGAIN && i < MAX_TRIES; i++) {
        mtd_error_clear(err);
        rc = load_once(l, d, &config.diff_ids, &id, err);
    }
    return rc < 0 ? rc : note_loaded(l, d->names, id, err);
}

static int missing(const char *what, const char *name, struct mtd_error *err)
{
    return mtd_fail(err, EBADMSG, "the archive is not complete: %s %.100s is missing",
                    what, name);
}

/* ---- docker's manifest.json ---- */

static int parse_names(const struct strv *in, struct strv *ret, struct mtd_error *err)
{
    for (size_t i = 0; i < in->len; i++) {
        struct image_name name;
        if (image_name_parse_new(in->items[i], &name, err) < 0)
            return -EBADMSG;
        if (strv_add(ret, name.text) < 0)
            return mtd_fail_errno(err, ENOMEM, "cannot load");
    }
    return 0;
}

static int load_docker(struct loading *l, const struct buf *text, struct mtd_error *err)
{
    auto_done(oci_docker_done) struct oci_docker images = {0};
    int rc = oci_docker_decode(text->data, text->len, &images, err);
    if (rc == -EINVAL)
        rc = -EBADMSG;
    for (size_t i = 0; rc == 0 && i < images.len; i++) {
        const struct oci_docker_image *image = &images.items[i];
        const struct transfer_file *config =
            transfer_archive_find(&l->archive, image->config);
        if (!config || !config->text.data)
            return missing("config", image->config, err);
        auto_done(strv_done) struct strv names = {0};
        rc = parse_names(&image->names, &names, err);
        const struct described d = {
            .config = &config->text, .layers = &image->layers, .names = &names};
        if (rc == 0)
            rc = load_image(l, &d, err);
    }
    return rc;
}

/* ---- OCI's index.json ---- */

static const struct buf *find_blob(const struct loading *l, const char *digest)
{
    char path[sizeof(TRANSFER_BLOBS) + SHA256_HEX_SIZE];
    snprintf(path, sizeof(path), TRANSFER_BLOBS "%s", digest);
    const struct transfer_file *f = transfer_archive_find(&l->archive, path);
    return f && f->text.data ? &f->text : NULL;
}

static int list_layers(const struct oci_manifest *m, struct strv *ret,
                       struct mtd_error *err)
{
    char path[sizeof(TRANSFER_BLOBS) + SHA256_HEX_SIZE];
    for (size_t i = 0; i < m->n_layers; i++) {
        snprintf(path, sizeof(path), TRANSFER_BLOBS "%s", m->layers[i].digest);
        if (strv_add(ret, path) < 0)
            return mtd_fail_errno(err, ENOMEM, "cannot load");
    }
    return 0;
}

static int load_manifest(struct loading *l, const struct buf *text,
                         const struct strv *names, struct mtd_error *err)
{
    auto_done(oci_manifest_done) struct oci_manifest m = {.n_layers = 0};
    auto_done(strv_done) struct strv layers = {0};
    int rc = oci_manifest_decode(text->data, text->len, &m, err);
    if (rc == 0)
        rc = list_layers(&m, &layers, err);
    if (rc < 0)
        return rc == -EINVAL ? -EBADMSG : rc;
    const struct buf *config = find_blob(l, m.config.digest);
    if (!config)
        return missing("config", m.config.digest, err);
    const struct described d = {
        .config = config,
        .manifest = m.media == OCI_MANIFEST ? text : NULL,
        .layers = &layers,
        .names = names,
    };
    return load_image(l, &d, err);
}

/* A name in an index may also be a tag alone, or anything else. */
static int add_name(struct strv *names, const char *name)
{
    struct image_name parsed;
    if (!name || image_name_parse_new(name, &parsed, NULL) < 0)
        return 0;
    return strv_add(names, parsed.text);
}

/* Of a list of many platforms the archive may have some alone. */
static int list_present(const struct loading *l, const struct oci_index *all,
                        struct oci_index *ret)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < all->len; i++)
        if (find_blob(l, all->items[i].digest))
            rc = oci_index_add(ret, &all->items[i]);
    return rc;
}

/* The one image that is there, for whatever machine; NULL = several, or none. */
static const struct oci_descriptor *only_one(const struct oci_index *there)
{
    const struct oci_descriptor *found = NULL;
    for (size_t i = 0; i < there->len; i++) {
        if (oci_is_attestation(&there->items[i]))
            continue;
        if (found)
            return NULL;
        found = &there->items[i];
    }
    return found;
}

/* The digest of what an index has for the platform, that is in the archive. */
static int choose(const struct loading *l, const struct buf *text,
                  char ret[SHA256_HEX_SIZE], struct mtd_error *err)
{
    auto_done(oci_index_done) struct oci_index all = {0}, there = {0};
    const struct oci_descriptor *chosen;
    int rc = oci_index_decode(text->data, text->len, &all, err);
    if (rc < 0)
        return rc;
    if (list_present(l, &all, &there) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot load");
    chosen = l->has_platform ? NULL : only_one(&there);
    if (!chosen)
        rc = oci_index_select(there.len ? &there : &all,
                              l->has_platform ? &l->platform : NULL, &chosen, err);
    if (rc == 0)
        memcpy(ret, chosen->digest, SHA256_HEX_SIZE);
    return rc;
}

static int load_index_item(struct loading *l, const struct oci_descriptor *d,
                           struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0};
    char digest[SHA256_HEX_SIZE];
    if (add_name(&names, d->ref_name) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot load");
    memcpy(digest, d->digest, sizeof(digest));
    for (int depth = 0; depth < MAX_NESTED; depth++) {
        const struct buf *text = find_blob(l, digest);
        if (!text)
            return missing("manifest", digest, err);
        if (!oci_media_is_index(oci_kind_of(text->data, text->len)))
            return load_manifest(l, text, &names, err);
        int rc = choose(l, text, digest, err);
        if (rc < 0)
            return rc == -EINVAL ? -EBADMSG : rc;
    }
    return mtd_fail(err, EBADMSG, "indexes in indexes, too deep");
}

static bool is_loaded(const struct loading *l, const struct oci_index *i,
                      const struct oci_descriptor *d)
{
    return !oci_is_attestation(d) &&
           !oci_index_is_second_choice(i, d, l->has_platform ? &l->platform : NULL);
}

static int load_index(struct loading *l, const struct buf *text, struct mtd_error *err)
{
    auto_done(oci_index_done) struct oci_index index = {0};
    int rc = oci_index_decode(text->data, text->len, &index, err);
    if (rc == -EINVAL)
        rc = -EBADMSG;
    for (size_t i = 0; rc == 0 && i < index.len; i++)
        if (is_loaded(l, &index, &index.items[i]))
            rc = load_index_item(l, &index.items[i], err);
    return rc;
}

/* ---- archives and directories ---- */

static int load_documents(struct loading *l, struct mtd_error *err)
{
    const struct transfer_file *docker =
        transfer_archive_find(&l->archive, OCI_DOCKER_FILE);
    const struct transfer_file *index = transfer_archive_find(&l->archive, INDEX_FILE);
    if (docker && docker->text.data)
        return load_docker(l, &docker->text, err);
    if (index && index->text.data)
        return load_index(l, &index->text, err);
    const char *other = l->archive.first_other;
    return mtd_fail(err, EBADMSG,
                    "not an archive of images: it has neither manifest.json nor "
                    "index.json%s%s%s; a root file system is for import",
                    other[0] ? ", but \"" : "", other, other[0] ? "\"" : "");
}

static int load_tar(struct loading *l, struct mtd_error *err)
{
    int rc = transfer_archive_read(&l->archive, err);
    return rc < 0 ? rc : load_documents(l, err);
}

static int take_item(struct loading *l, int dir_fd, const struct oci_descriptor *d,
                     struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0};
    auto_free char *id = NULL;
    if (add_name(&names, d->ref_name) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot load");
    const struct image_take take = {.layout_fd = dir_fd,
                                    .manifest = d->digest,
                                    .platform = l->has_platform ? &l->platform : NULL,
                                    .names = &names};
    int rc = image_take(l->archive.store, &take, l->archive.progress, &id, err);
    return rc < 0 ? rc : note_loaded(l, &names, id, err);
}

static int load_layout(struct loading *l, int dir_fd, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    auto_done(oci_index_done) struct oci_index index = {0};
    int rc = fs_read_at(dir_fd, INDEX_FILE, OCI_MAX_BYTES, &text);
    if (rc == -ENOENT && faccessat(dir_fd, "version", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return mtd_fail(err, EBADMSG,
                        "not an OCI layout, but a directory of skopeo's form \"dir:\"; "
                        "save it as oci-archive or oci-dir");
    if (rc < 0)
        return mtd_fail(err, rc == -ENOENT ? EBADMSG : -rc,
                        "not an OCI layout: index.json: %s", strerror(-rc));
    rc = oci_index_decode(text.data, text.len, &index, err);
    for (size_t i = 0; rc == 0 && i < index.len; i++)
        if (is_loaded(l, &index, &index.items[i]))
            rc = take_item(l, dir_fd, &index.items[i], err);
    return rc == -EINVAL ? -EBADMSG : rc;
}

static int load_any(struct loading *l, int fd, struct mtd_error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return mtd_fail_errno(err, errno, "cannot load");
    int rc = S_ISDIR(st.st_mode) ? load_layout(l, fd, err) : load_tar(l, err);
    if (rc == 0 && l->loaded->len == 0)
        rc = l->n_skipped ? mtd_fail(err, ENOENT, "no image in the archive is for %s/%s",
                                     l->platform.os, l->platform.architecture)
                          : mtd_fail(err, EBADMSG, "the archive holds no image");
    return rc;
}

int transfer_load(const struct image_store *s, const struct transfer_load *from,
                  struct strv *ret_loaded, struct mtd_error *err)
{
    struct image_transfer transfer;
    struct loading l = {
        .archive = {.store = s, .progress = from->progress, .fd = from->fd},
        .has_platform = from->platform != NULL,
        .loaded = ret_loaded,
    };
    int rc = from->platform ? oci_platform_parse(from->platform, &l.platform, err) : 0;
    if (rc == 0)
        rc = image_transfer_begin(s, &transfer, err);
    if (rc < 0)
        return rc;
    rc = load_any(&l, from->fd, err);
    transfer_archive_done(&l.archive);
    image_transfer_end(&transfer);
    return rc;
}
