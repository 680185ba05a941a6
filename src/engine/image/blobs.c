/* Blobs are named by their digest, so one that is there is right, and two processes that
 * make the same one make the same file. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"

#define BLOBS "images/blobs/sha256"

void image_blob_path(const char *digest, char out[IMAGE_BLOB_PATH])
{
    snprintf(out, IMAGE_BLOB_PATH, BLOBS "/%.64s", digest);
}

bool image_blob_has(const struct image_store *s, const char *digest, uint64_t *ret_size)
{
    char path[IMAGE_BLOB_PATH];
    struct stat st;
    image_blob_path(digest, path);
    if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return false;
    if (ret_size)
        *ret_size = (uint64_t)st.st_size;
    return true;
}

static int not_written(const struct image_store *s, int code, struct mtd_error *err)
{
    return mtd_fail_errno(err, code, "cannot write %s/" BLOBS, s->root);
}

/* One that a power loss left empty has another size. */
int image_blob_put(const struct image_store *s, const void *data, size_t len,
                   bool durable, char ret_digest[SHA256_HEX_SIZE], struct mtd_error *err)
{
    char path[IMAGE_BLOB_PATH];
    uint64_t size = 0;
    archive_hash(data, len, ret_digest);
    if (image_blob_has(s, ret_digest, &size) && size == len)
        return 0;
    image_blob_path(ret_digest, path);
    int rc = image_disk_replace(s, path, data, len, durable);
    return rc < 0 ? not_written(s, -rc, err) : 0;
}

int image_blob_adopt(const struct image_store *s, const char *tmp_name,
                     const char *digest, struct mtd_error *err)
{
    char from[IMAGE_BLOB_PATH], to[IMAGE_BLOB_PATH];
    snprintf(from, sizeof(from), "images/tmp/%s", tmp_name);
    image_blob_path(digest, to);
    if (renameat(s->root_fd, from, s->root_fd, to) < 0)
        return not_written(s, errno, err);
    return 0;
}

int image_blob_read(const struct image_store *s, const char *digest, struct buf *ret,
                    struct mtd_error *err)
{
    char path[IMAGE_BLOB_PATH], is[SHA256_HEX_SIZE];
    image_blob_path(digest, path);
    int rc = fs_read_at(s->root_fd, path, OCI_MAX_BYTES, ret);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read %s/%s", s->root, path);
    archive_hash(ret->data ? ret->data : "", ret->len, is);
    if (strcmp(is, digest) != 0)
        return mtd_fail(err, EBADMSG, "%s/%s is damaged: its digest is %.12s", s->root,
                        path, is);
    return 0;
}

/* ---- what is needed ---- */

static int add_layers(const struct image_store *s, const struct mtd_image *i,
                      struct strv *ret)
{
    auto_done(buf_done) struct buf text = {0};
    auto_done(oci_manifest_done) struct oci_manifest m = {0};
    int rc = image_blob_read(s, i->manifest, &text, NULL);
    if (rc == -ENOENT || rc == -EBADMSG)
        return 0; /* it is made again when somebody asks for it */
    if (rc == 0)
        rc = oci_manifest_decode(text.data, text.len, &m, NULL);
    for (size_t n = 0; n < m.n_layers && rc == 0; n++)
        rc = strv_add(ret, m.layers[n].digest);
    return rc;
}

/* A layer's own blob may be another one than a manifest names. */
static int add_infos(const struct image_store *s, struct strv *layers, struct strv *ret)
{
    int rc = 0;
    image_disk_sort(layers);
    for (size_t n = 0; n < layers->len && rc == 0; n++) {
        struct image_info info;
        if (n > 0 && strcmp(layers->items[n], layers->items[n - 1]) == 0)
            continue; /* images share layers */
        if (image_info_read(s, layers->items[n], &info) == 0)
            rc = strv_add(ret, info.blob.digest);
    }
    return rc;
}

int image_blob_list_needed(const struct image_store *s, struct strv *ret)
{
    auto_done(strv_done) struct strv ids = {0}, layers = {0};
    int rc = image_disk_list_ids(s, "", &ids);
    for (size_t i = 0; i < ids.len && rc == 0; i++) {
        auto_done(mtd_image_done) struct mtd_image image = {0};
        rc = image_disk_load(s, ids.items[i], &image, NULL);
        if (rc == 0 && image.manifest)
            rc = strv_add(ret, image.manifest);
        if (rc == 0 && image.config_digest)
            rc = strv_add(ret, image.config_digest);
        if (rc == 0 && image.manifest)
            rc = add_layers(s, &image, ret);
        if (rc == 0)
            rc = strv_add_all(&layers, &image.layers);
    }
    rc = rc < 0 ? rc : add_infos(s, &layers, ret);
    image_disk_sort(ret);
    return rc;
}

static void sweep(const struct image_store *s, const struct strv *needed)
{
    auto_done(fs_dir_done) struct fs_dir dir;
    auto_fd int fd = fs_open_dir_at(s->root_fd, BLOBS);
    fs_dir_init(&dir, fs_open_dir_at(s->root_fd, BLOBS));
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));) {
        fault_point("image.sweep_blob");
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
            !image_disk_sorted_has(needed, d->d_name))
            unlinkat(fd, d->d_name, 0);
    }
}

/* Who begins a transfer holds the lock of images meanwhile: without the file nobody has. */
int image_blob_exclude(const struct image_store *s)
{
    auto_fd int fd =
        openat(s->root_fd, "images/transfer.lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return openat(s->root_fd, "images", O_PATH | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    return take_fd(&fd);
}

bool image_blob_sweep(const struct image_store *s)
{
    auto_done(strv_done) struct strv needed = {0};
    auto_fd int fd = image_blob_exclude(s);
    if (fd < 0 || image_blob_list_needed(s, &needed) < 0)
        return fd != -EAGAIN;
    sweep(s, &needed);
    return true;
}
