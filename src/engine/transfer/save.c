/* What is written is known before the first byte is: a tar's header needs the size, and the
 * documents come first. Layers are written as their blobs are, compressed or not. */

#include "engine/transfer/save.h"

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

#define BLOBS "blobs/sha256"
#define PATH_ROOM (sizeof(BLOBS) + 1 + SHA256_HEX_SIZE)

struct saving {
    const struct image_store *store;
    const struct transfer_save *save;
    struct archive_bundle *bundle; /* NULL = into a directory */
    struct strv written;           /* digests of blobs */
    struct oci_descriptor *layers;
    size_t n_layers;
    struct strv texts; /* digest, text, digest, text ..: documents */
    struct oci_index index;
    struct oci_docker docker;
};

static int no_memory(struct mtd_error *err)
{
    return mtd_fail_errno(err, ENOMEM, "cannot save");
}

static void saving_done(struct saving *v)
{
    archive_bundle_free(v->bundle);
    strv_done(&v->written);
    strv_done(&v->texts);
    free(v->layers);
    oci_index_done(&v->index);
    oci_docker_done(&v->docker);
}

static void blob_path(const char *digest, char out[PATH_ROOM])
{
    snprintf(out, PATH_ROOM, BLOBS "/%s", digest);
}

/* ---- what there is to write ---- */

static int add_text(struct saving *v, const char *digest, const struct buf *text,
                    struct mtd_error *err)
{
    if (strv_contains(&v->written, digest))
        return 0;
    if (strv_add(&v->written, digest) < 0 || strv_add(&v->texts, digest) < 0 ||
        strv_add_n(&v->texts, text->data, text->len) < 0)
        return no_memory(err);
    return 0;
}

/* Makes blobs that were dropped. */
static int add_layers(struct saving *v, const struct mtd_image *image,
                      struct oci_manifest *m, struct mtd_error *err)
{
    size_t n = image->layers.len;
    m->layers = calloc(n + 1, sizeof(*m->layers));
    void *grown = reallocarray(v->layers, v->n_layers + n + 1, sizeof(*v->layers));
    if (grown)
        v->layers = grown;
    if (!m->layers || !grown)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct oci_descriptor *d = &m->layers[i];
        int rc =
            image_layer_blob(v->store, image->layers.items[i], v->save->progress, d, err);
        if (rc < 0)
            return rc;
        m->n_layers = i + 1;
        if (strv_contains(&v->written, d->digest))
            continue;
        if (strv_add(&v->written, d->digest) < 0)
            return no_memory(err);
        v->layers[v->n_layers++] = *d;
    }
    return 0;
}

static int add_docker(struct saving *v, const struct oci_manifest *m,
                      const struct strv *names, struct mtd_error *err)
{
    char path[PATH_ROOM];
    struct oci_docker *d = &v->docker;
    void *grown = reallocarray(d->items, d->len + 1, sizeof(*d->items));
    if (!grown)
        return no_memory(err);
    d->items = grown;
    struct oci_docker_image *i = &d->items[d->len++];
    *i = (struct oci_docker_image){.config = NULL};
    blob_path(m->config.digest, path);
    i->config = strdup(path);
    int rc = i->config ? strv_copy(&i->names, names) : -ENOMEM;
    for (size_t n = 0; rc == 0 && n < m->n_layers; n++) {
        blob_path(m->layers[n].digest, path);
        rc = strv_add(&i->layers, path);
    }
    return rc < 0 ? no_memory(err) : 0;
}

static int add_index(struct saving *v, struct oci_descriptor *d, const struct strv *names,
                     struct mtd_error *err)
{
    char whole[IMAGE_WHOLE_SIZE];
    int rc = names->len ? 0 : oci_index_add(&v->index, d);
    for (size_t i = 0; rc == 0 && i < names->len; i++) {
        image_name_to_whole(names->items[i], whole);
        d->ref_name = whole;
        rc = oci_index_add(&v->index, d);
    }
    d->ref_name = NULL;
    return rc < 0 ? no_memory(err) : 0;
}

/* The manifest is made anew: a blob that was made again may be another than it named. */
static int add_image(struct saving *v, const struct mtd_image *image, const char *ref,
                     const struct strv *names, struct mtd_error *err)
{
    auto_done(buf_done) struct buf config = {0}, text = {0};
    auto_done(oci_manifest_done) struct oci_manifest m = {.media = OCI_MANIFEST};
    auto_done(oci_config_done) struct oci_config decoded = {.created_at = 0};
    struct oci_descriptor d = {.media = OCI_MANIFEST};
    int rc = image_config_of(v->store, ref, &config, m.config.digest, err);
    if (rc == 0)
        rc = oci_config_decode(config.data, config.len, &decoded, err);
    if (rc == 0)
        rc = add_layers(v, image, &m, err);
    m.config.media = OCI_CONFIG;
    m.config.size = config.len;
    if (rc == 0)
        rc = oci_manifest_encode(&m, &text, err);
    if (rc < 0)
        return rc;
    archive_hash(text.data, text.len, d.digest);
    d.size = text.len;
    d.platform = decoded.platform;
    rc = add_text(v, d.digest, &text, err);
    if (rc == 0)
        rc = add_text(v, m.config.digest, &config, err);
    if (rc == 0)
        rc = add_docker(v, &m, names, err);
    return rc < 0 ? rc : add_index(v, &d, names, err);
}

/* An image that is asked for by two names is one image with two names. */
static int names_of(struct saving *v, const struct strv *ids, size_t which,
                    struct strv *ret, struct mtd_error *err)
{
    const struct strv *refs = v->save->refs;
    for (size_t i = 0; i < refs->len; i++) {
        struct image_name name;
        const char *hex;
        if (strcmp(ids->items[i], ids->items[which]) != 0)
            continue;
        auto_done(mtd_image_done) struct mtd_image image = {0};
        if (image_name_parse_new(refs->items[i], &name, NULL) < 0 ||
            image_find(v->store, refs->items[i], &image, NULL) < 0)
            continue;
        bool by_id = image_name_is_id(refs->items[i], &hex) &&
                     !strv_contains(&image.names, name.text);
        if (!by_id && !strv_contains(ret, name.text) && strv_add(ret, name.text) < 0)
            return no_memory(err);
    }
    return 0;
}

static int list_ids(struct saving *v, struct strv *ret, struct mtd_error *err)
{
    const struct strv *refs = v->save->refs;
    for (size_t i = 0; i < refs->len; i++) {
        auto_done(mtd_image_done) struct mtd_image image = {0};
        int rc = image_find(v->store, refs->items[i], &image, err);
        if (rc < 0)
            return rc;
        if (strv_add(ret, image.id) < 0)
            return no_memory(err);
    }
    return 0;
}

static bool came_before(const struct strv *ids, size_t which)
{
    for (size_t i = 0; i < which; i++)
        if (strcmp(ids->items[i], ids->items[which]) == 0)
            return true;
    return false;
}

static int collect(struct saving *v, struct strv *ids, struct mtd_error *err)
{
    int rc = list_ids(v, ids, err);
    for (size_t i = 0; rc == 0 && i < ids->len; i++) {
        auto_done(strv_done) struct strv names = {0};
        auto_done(mtd_image_done) struct mtd_image image = {0};
        const char *ref = v->save->refs->items[i];
        if (came_before(ids, i))
            continue;
        rc = names_of(v, ids, i, &names, err);
        if (rc == 0)
            rc = image_find(v->store, ref, &image, err);
        if (rc == 0)
            rc = add_image(v, &image, ref, &names, err);
        if (rc < 0)
            mtd_context(err, "%.100s", ref);
    }
    return rc;
}

/* ---- writing it ---- */

static int put_dir(struct saving *v, const char *path, struct mtd_error *err)
{
    if (v->bundle)
        return archive_bundle_dir(v->bundle, path, err);
    return mkdirat(v->save->fd, path, 0755) < 0
               ? mtd_fail_errno(err, errno, "cannot create %s", path)
               : 0;
}

static int put_text(struct saving *v, const char *path, const void *data, size_t len,
                    struct mtd_error *err)
{
    if (v->bundle)
        return archive_bundle_add(v->bundle, path, data, len, err);
    int rc = fs_make_whole_at(v->save->fd, path, data, len, 0644, false);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s", path) : 0;
}

static int copy_blob(int from, int to, uint64_t size, struct mtd_progress_item *progress)
{
    for (uint64_t at = 0; at < size;) {
        size_t want = size - at < (8u << 20) ? (size_t)(size - at) : 8u << 20;
        ssize_t n = copy_file_range(from, NULL, to, NULL, want, 0);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        at += (uint64_t)n;
        mtd_progress_set(progress, at);
    }
    return 0;
}

static int put_blob(struct saving *v, const struct oci_descriptor *d,
                    struct mtd_error *err)
{
    char path[PATH_ROOM], id[16];
    struct stat st;
    blob_path(d->digest, path);
    snprintf(id, sizeof(id), "%.12s", d->digest);
    auto_fd int fd = image_blob_open(v->store, d->digest, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != d->size)
        return mtd_fail(err, EBADMSG, "blob %s of the store is damaged", id);
    struct mtd_progress_item item = {v->save->progress,
                                     {id, "Writing", .total = d->size}};
    int rc;
    if (v->bundle) {
        rc = archive_bundle_add_file(v->bundle, path, fd, d->size, &item, err);
    } else {
        auto_fd int to =
            openat(v->save->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        rc = to < 0 ? -errno : copy_blob(fd, to, d->size, &item);
        if (rc < 0)
            mtd_fail_errno(err, -rc, "cannot write %s", path);
    }
    mtd_progress_finish(&item);
    fault_point("save.layer");
    return rc;
}

static int put_manifests(struct saving *v, struct mtd_error *err)
{
    auto_done(buf_done) struct buf index = {0}, docker = {0};
    int rc = oci_index_encode(&v->index, &index, err);
    if (rc == 0)
        rc = put_text(v, "index.json", index.data, index.len, err);
    if (rc < 0 || v->save->form != TRANSFER_DOCKER)
        return rc;
    rc = oci_docker_encode(&v->docker, &docker, err);
    return rc < 0 ? rc : put_text(v, OCI_DOCKER_FILE, docker.data, docker.len, err);
}

/* A directory is an OCI layout only when its index is there: that comes last. */
static int put_all(struct saving *v, struct mtd_error *err)
{
    char path[PATH_ROOM];
    int rc = put_text(v, OCI_LAYOUT_FILE, OCI_LAYOUT_TEXT, strlen(OCI_LAYOUT_TEXT), err);
    if (rc == 0 && v->bundle)
        rc = put_manifests(v, err);
    if (rc == 0)
        rc = put_dir(v, "blobs", err);
    if (rc == 0)
        rc = put_dir(v, BLOBS, err);
    for (size_t i = 0; rc == 0 && i + 1 < v->texts.len; i += 2) {
        blob_path(v->texts.items[i], path);
        const char *text = v->texts.items[i + 1];
        rc = put_text(v, path, text, strlen(text), err);
    }
    fault_point("save.documents");
    for (size_t i = 0; rc == 0 && i < v->n_layers; i++)
        rc = put_blob(v, &v->layers[i], err);
    return rc == 0 && !v->bundle ? put_manifests(v, err) : rc;
}

static int write_out(struct saving *v, struct mtd_error *err)
{
    const struct transfer_save *save = v->save;
    int rc = 0;
    if (save->form != TRANSFER_LAYOUT)
        rc = archive_bundle_open(save->fd, save->compress, &v->bundle, err);
    if (rc == 0)
        rc = put_all(v, err);
    if (rc < 0 || !v->bundle)
        return rc;
    rc = archive_bundle_close(v->bundle, err);
    v->bundle = NULL;
    return rc;
}

int transfer_save(const struct image_store *s, const struct transfer_save *save,
                  struct strv *ret_ids, struct mtd_error *err)
{
    struct image_transfer transfer;
    auto_done(saving_done) struct saving v = {.store = s, .save = save};
    int rc = image_transfer_begin(s, &transfer, err);
    if (rc < 0)
        return rc;
    rc = collect(&v, ret_ids, err);
    if (rc == 0)
        rc = write_out(&v, err);
    image_transfer_end(&transfer);
    return rc;
}
