/* A layer's stream is read once: decompressed, hashed twice (as it came, and plain), kept as
 * a blob and unpacked. Everything lies in images/tmp until it is composed. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

static const enum oci_media MEDIA[] = {
    [ARCHIVE_PLAIN] = OCI_LAYER,
    [ARCHIVE_GZIP] = OCI_LAYER_GZIP,
    [ARCHIVE_ZSTD] = OCI_LAYER_ZSTD,
    [ARCHIVE_OTHER] = OCI_LAYER,
};
static const enum archive_keep KEEP[] = {
    [IMAGE_KEEP_NONE] = ARCHIVE_KEEP_NONE,
    [IMAGE_KEEP_PLAIN] = ARCHIVE_KEEP_PLAIN,
    [IMAGE_KEEP_AS_IS] = ARCHIVE_KEEP_AS_IS,
    [IMAGE_KEEP_THERE] = ARCHIVE_KEEP_NONE,
};

static void drop_file(const struct image_store *s, const char *name, int fd)
{
    struct strv one = {0};
    if (name[0] && strv_add(&one, name) == 0)
        image_disk_drop_tmp(s, &one);
    strv_done(&one);
    if (fd >= 0)
        close(fd);
}

void image_staged_free(struct image_staged *g)
{
    const struct image_store *s = g->dir.store;
    image_staging_done(&g->dir);
    drop_file(s, g->blob_name, g->blob_fd);
    drop_file(s, g->recipe_name, g->recipe_fd);
    strv_done(&g->lower_links);
    free(g);
}

void image_layer_done(struct image_layer *l)
{
    if (l->staged)
        image_staged_free(l->staged);
    *l = (struct image_layer){0};
}

static atomic_ulong opened; /* staged layers, ever */

static int stage(const struct image_store *s, const struct image_layer_source *src,
                 struct image_layer *l, struct mtd_error *err)
{
    struct image_staged *g = calloc(1, sizeof(*g));
    if (!g)
        return mtd_fail_errno(err, ENOMEM, "cannot receive a layer");
    g->dir = (struct image_staging){.store = s, .fd = -1};
    g->blob_fd = g->recipe_fd = -1;
    g->order = atomic_fetch_add(&opened, 1);
    l->staged = g;
    /* Under the lock, or a sweep could remove them before they are locked. */
    auto_fd int lock = image_lock(s, err);
    int rc = lock < 0 ? lock : image_staging_open(s, &g->dir, err);
    if (rc == 0 && KEEP[src->keep] != ARCHIVE_KEEP_NONE)
        rc = g->blob_fd = image_staging_named(s, "blob", g->blob_name, err);
    if (rc >= 0 && !src->is_own)
        rc = g->recipe_fd = image_staging_named(s, "recipe", g->recipe_name, err);
    return rc < 0 ? rc : 0;
}

static int check(const struct image_layer_source *src, const struct archive_unpacked *u,
                 struct mtd_error *err)
{
    if (src->digest && src->size && u->raw_size != src->size)
        return mtd_fail(
            err, EBADMSG, "layer %.12s has %llu bytes where %llu were announced",
            src->digest, (unsigned long long)u->raw_size, (unsigned long long)src->size);
    if (src->digest && strcmp(u->raw_digest, src->digest) != 0)
        return mtd_fail(err, EBADMSG,
                        "layer %.12s is damaged: its digest is %.12s; get it again",
                        src->digest, u->raw_digest);
    if (src->diff_id && strcmp(u->diff_id, src->diff_id) != 0)
        return mtd_fail(err, EBADMSG,
                        "layer %.12s is damaged: unpacked its digest is %.12s",
                        src->diff_id, u->diff_id);
    return 0;
}

void image_layer_describe(struct image_layer *l, const struct archive_unpacked *u,
                          bool raw)
{
    memcpy(l->diff_id, u->diff_id, sizeof(l->diff_id));
    l->size = u->size;
    l->blob.media = raw ? MEDIA[u->form] : OCI_LAYER;
    l->blob.size = raw ? u->raw_size : u->plain_size;
    memcpy(l->blob.digest, raw ? u->raw_digest : u->diff_id, sizeof(l->blob.digest));
    l->staged->entries = u->entries;
}

int image_layer_stage(const struct image_store *s, struct image_layer *ret,
                      struct mtd_error *err)
{
    return stage(s, &(struct image_layer_source){.keep = IMAGE_KEEP_NONE}, ret, err);
}

/* 0 when it is not known: a pipe. */
static uint64_t bytes_left(int fd)
{
    struct stat st;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < at)
        return 0;
    return (uint64_t)(st.st_size - at);
}

static int unpack(const struct image_layer_source *src, const struct mtd_progress *p,
                  struct image_layer *l, struct mtd_error *err)
{
    char digits[16];
    struct archive_unpacked u = {0};
    struct archive_limits limits = archive_limits_of(l->staged->dir.fd);
    snprintf(digits, sizeof(digits), "%.12s", src->digest ? src->digest : "layer");
    struct mtd_progress_item unpacking = {p,
                                          {src->id ? src->id : digits, "Unpacking",
                                           .total = src->size     ? src->size
                                                    : src->reader ? 0
                                                                  : bytes_left(src->fd)}};
    struct archive_tar tar = {.fd = src->fd,
                              .reader = src->reader,
                              .recipe_to = l->staged->recipe_fd,
                              .progress = &unpacking,
                              .lower_links = &l->staged->lower_links,
                              .keep = KEEP[src->keep],
                              .keep_to = l->staged->blob_fd,
                              .with_raw = src->digest || src->keep >= IMAGE_KEEP_AS_IS};
    int rc = archive_unpack(l->staged->dir.fd, &tar, &limits, &u, err);
    if (rc == 0)
        rc = check(src, &u, err);
    if (rc < 0)
        return rc;
    mtd_progress_finish(&unpacking);
    image_layer_describe(l, &u, u.kept_raw || src->keep == IMAGE_KEEP_THERE);
    return 0;
}

int image_layer_receive(const struct image_store *s, const struct image_layer_source *src,
                        const struct mtd_progress *progress, struct image_layer *ret,
                        struct mtd_error *err)
{
    struct image_layer l = {0};
    int rc = stage(s, src, &l, err);
    if (rc == 0 && l.staged)
        rc = unpack(src, progress, &l, err);
    fault_point("layer.received");
    if (rc < 0) {
        image_layer_done(&l);
        return rc;
    }
    *ret = l;
    return 0;
}

bool image_layer_is_there(const struct image_store *s, const char *parent,
                          const char *diff_id, char ret_chain[SHA256_HEX_SIZE])
{
    struct image_info info;
    archive_hash_chain(parent, diff_id, ret_chain);
    return s->root_fd >= 0 && image_disk_has_layer(s, ret_chain) &&
           image_info_read(s, ret_chain, &info) == 0;
}
