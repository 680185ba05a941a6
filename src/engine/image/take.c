/* An image that lies somewhere as an OCI layout: its documents are read first, and say which
 * layers are needed; those that are here already are not read at all. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"

#define MAX_NESTED 4 /* indexes in indexes */
#define TRIES 3

struct taking {
    const struct image_store *s;
    const struct image_take *t;
    const struct mtd_progress *progress;
    struct buf manifest_text, config_text;
    struct oci_manifest manifest;
    struct oci_config config;
    struct image_layer *layers;
    char (*chains)[SHA256_HEX_SIZE];
    struct image_part *parts;
};

static void taking_done(struct taking *g)
{
    for (size_t i = 0; g->layers && i < g->manifest.n_layers; i++)
        image_layer_done(&g->layers[i]);
    free(g->layers);
    free(g->chains);
    free(g->parts);
    buf_done(&g->manifest_text);
    buf_done(&g->config_text);
    oci_manifest_done(&g->manifest);
    oci_config_done(&g->config);
}

/* *ret_ours = it is a blob of ours. A layout is somebody else's: no links, nothing but
 * regular files. */
static int open_blob(const struct taking *g, const char *digest, bool *ret_ours,
                     struct mtd_error *err)
{
    char path[IMAGE_BLOB_PATH];
    struct stat st;
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    image_blob_path(digest, path);
    auto_fd int fd = openat(g->s->root_fd, path, flags);
    *ret_ours = fd >= 0;
    if (fd < 0 && g->t->layout_fd >= 0) {
        auto_fd int blobs = fs_open_dir_at(g->t->layout_fd, "blobs");
        auto_fd int dir = blobs < 0 ? -1 : fs_open_dir_at(blobs, "sha256");
        fd = dir < 0 ? -1 : openat(dir, digest, flags);
    }
    if (fd < 0)
        return mtd_fail(err, ENOENT, "the image is not complete: blob %.12s is missing",
                        digest);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return mtd_fail(err, EBADMSG, "blob %.12s is no file", digest);
    return take_fd(&fd);
}

static int read_document(const struct taking *g, const char *digest, struct buf *ret,
                         struct mtd_error *err)
{
    bool ours;
    char is[SHA256_HEX_SIZE];
    struct stat st;
    auto_fd int fd = open_blob(g, digest, &ours, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || (uint64_t)st.st_size > OCI_MAX_BYTES)
        return mtd_fail(err, EBADMSG, "document %.12s is larger than %u MB", digest,
                        OCI_MAX_BYTES >> 20);
    int rc = buf_reserve(ret, (size_t)st.st_size + 1);
    for (ssize_t n = 1; rc == 0 && n > 0 && ret->len <= (size_t)st.st_size;) {
        n = read(fd, ret->data + ret->len, (size_t)st.st_size + 1 - ret->len);
        if (n < 0 && errno != EINTR)
            rc = -errno;
        ret->len += n > 0 ? (size_t)n : 0;
    }
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read blob %.12s", digest);
    archive_hash(ret->data, ret->len, is);
    if (strcmp(is, digest) != 0)
        return mtd_fail(err, EBADMSG, "blob %.12s is damaged: its digest is %.12s",
                        digest, is);
    return 0;
}

/* Of an index the manifest for the platform. */
static int read_manifest(struct taking *g, struct mtd_error *err)
{
    char digest[SHA256_HEX_SIZE];
    snprintf(digest, sizeof(digest), "%s", g->t->manifest);
    for (int depth = 0; depth < MAX_NESTED; depth++) {
        auto_done(oci_index_done) struct oci_index index = {0};
        const struct oci_descriptor *d;
        buf_done(&g->manifest_text);
        int rc = read_document(g, digest, &g->manifest_text, err);
        if (rc < 0)
            return rc;
        const struct buf *text = &g->manifest_text;
        if (!oci_media_is_index(oci_kind_of(text->data, text->len)))
            return oci_manifest_decode(text->data, text->len, &g->manifest, err);
        rc = oci_index_decode(text->data, text->len, &index, err);
        if (rc == 0)
            rc = oci_index_select(&index, g->t->platform, &d, err);
        if (rc < 0)
            return rc;
        memcpy(digest, d->digest, sizeof(digest));
    }
    return mtd_fail(err, EBADMSG, "index %.12s: indexes in indexes, too deep",
                    g->t->manifest);
}

static int read_documents(struct taking *g, struct mtd_error *err)
{
    int rc = read_manifest(g, err);
    fault_point("take.manifest");
    if (rc == 0)
        rc = read_document(g, g->manifest.config.digest, &g->config_text, err);
    if (rc == 0)
        rc = oci_config_decode(g->config_text.data, g->config_text.len, &g->config, err);
    if (rc == 0 && g->config.diff_ids.len != g->manifest.n_layers)
        rc = mtd_fail(err, EBADMSG, "the manifest has %zu layers, the config %zu",
                      g->manifest.n_layers, g->config.diff_ids.len);
    size_t n = g->manifest.n_layers;
    if (rc < 0)
        return rc;
    g->layers = calloc(n, sizeof(*g->layers));
    g->chains = calloc(n, sizeof(*g->chains));
    g->parts = calloc(n, sizeof(*g->parts));
    return g->layers && g->chains && g->parts
               ? 0
               : mtd_fail_errno(err, ENOMEM, "cannot take the image");
}

static int receive(struct taking *g, size_t i, struct mtd_error *err)
{
    const struct oci_descriptor *d = &g->manifest.layers[i];
    bool ours;
    auto_fd int fd = open_blob(g, d->digest, &ours, err);
    if (fd < 0)
        return fd;
    struct image_layer_source src = {.fd = fd,
                                     .digest = d->digest,
                                     .size = d->size,
                                     .diff_id = g->config.diff_ids.items[i],
                                     .keep = ours ? IMAGE_KEEP_THERE : IMAGE_KEEP_AS_IS};
    int rc = image_layer_receive(g->s, &src, g->progress, &g->layers[i], err);
    fault_point("take.layer");
    return rc;
}

static int receive_missing(struct taking *g, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < g->manifest.n_layers && rc == 0; i++) {
        const char *diff_id = g->config.diff_ids.items[i];
        bool there = image_layer_is_there(g->s, i ? g->chains[i - 1] : NULL, diff_id,
                                          g->chains[i]);
        if (!there && !g->layers[i].staged)
            rc = receive(g, i, err);
        bool received = g->layers[i].staged;
        g->parts[i] = (struct image_part){received ? &g->layers[i] : NULL, g->chains[i]};
    }
    return rc;
}

/* A layer that was there may have been removed since: it is received then. */
static int compose(struct taking *g, char **ret_id, struct mtd_error *err)
{
    struct image_compose c = {.config_json = g->config_text.data,
                              .config_len = g->config_text.len,
                              .parts = g->parts,
                              .n_parts = g->manifest.n_layers,
                              .names = g->t->names,
                              .digests = g->t->digests,
                              .manifest = g->manifest_text.data,
                              .manifest_len = g->manifest_text.len};
    int rc = -ENOENT;
    for (int i = 0; i < TRIES && rc == -ENOENT; i++) {
        mtd_error_clear(err);
        rc = receive_missing(g, err);
        if (rc < 0)
            return rc;
        rc = image_compose(g->s, &c, ret_id, err);
    }
    return rc;
}

/* Of two processes that take one image the second waits, and finds its layers there. The
 * file goes with the last that has it. */
static int hold_image(const struct image_store *s, const char *manifest, char name[64],
                      struct mtd_error *err)
{
    char path[96];
    snprintf(name, 64, "take-%.24s", manifest);
    snprintf(path, sizeof(path), "images/tmp/%s", name);
    for (;;) {
        struct stat held, there;
        auto_fd int lock = image_lock(s, err);
        if (lock < 0)
            return lock;
        auto_fd int fd =
            openat(s->root_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return mtd_fail_errno(err, errno, "cannot create %s/%s", s->root, path);
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return take_fd(&fd);
        close(take_fd(&lock));
        if (flock(fd, LOCK_EX) == 0 && fstat(fd, &held) == 0 &&
            fstatat(s->root_fd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
            held.st_ino == there.st_ino)
            return take_fd(&fd);
    }
}

int image_take(const struct image_store *s, const struct image_take *t,
               const struct mtd_progress *progress, char **ret_id, struct mtd_error *err)
{
    auto_done(taking_done) struct taking g = {.s = s, .t = t, .progress = progress};
    auto_done(strv_done) struct strv note = {0};
    char name[64];
    auto_fd int held = hold_image(s, t->manifest, name, err);
    if (held < 0)
        return held;
    int rc = read_documents(&g, err);
    if (rc == 0)
        rc = compose(&g, ret_id, err);
    if (strv_add(&note, name) == 0)
        image_disk_drop_tmp(s, &note);
    return rc;
}
