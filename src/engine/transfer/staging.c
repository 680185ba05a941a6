/* A directory of images/tmp belongs to whoever holds its lock; one without is removed by
 * the next command. Between being made and locked it may be taken for such a one, so it is
 * looked for again. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/transfer/skopeo.h"

#define TRIES 20
#define BLOB_PATH_SIZE (SHA256_HEX_SIZE + 16)

static bool is_still(const struct image_store *s, const char *path, int fd)
{
    struct stat now, ours;
    return fstatat(s->root_fd, path, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(fd, &ours) == 0 && now.st_ino == ours.st_ino &&
           now.st_dev == ours.st_dev;
}

static int make_dir(const struct image_store *s, const char *path)
{
    if (mkdirat(s->root_fd, path, 0700) < 0)
        return -errno;
    int fd = fs_open_dir_at(s->root_fd, path);
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_still(s, path, fd))) {
        close(fd);
        return -EAGAIN;
    }
    return fd == -ENOENT ? -EAGAIN : fd;
}

int transfer_dir_open(const struct image_store *s, const char *kind,
                      struct transfer_dir *ret, struct mtd_error *err)
{
    struct transfer_dir d = {.store = s, .fd = -EAGAIN};
    char path[80];
    if (strchr(s->root, ':') || strchr(s->root, '+') || strchr(s->root, ']'))
        return mtd_fail(err, EINVAL,
                        "the state directory %.150s has one of : + ] in its name, which "
                        "skopeo's references cannot have",
                        s->root);
    for (int i = 0; i < TRIES && d.fd == -EAGAIN; i++) {
        uint64_t random = 0;
        if (getrandom(&random, sizeof(random), 0) < 0)
            return mtd_fail_errno(err, errno, "cannot make a random name");
        snprintf(d.name, sizeof(d.name), "%s-%016llx", kind, (unsigned long long)random);
        snprintf(path, sizeof(path), "images/tmp/%s", d.name);
        d.fd = make_dir(s, path);
    }
    if (d.fd < 0)
        return mtd_fail_errno(err, -d.fd, "cannot make %s/%s", s->root, path);
    snprintf(d.path, sizeof(d.path), "%s/%s", s->root, path);
    *ret = d;
    return 0;
}

void transfer_dir_done(struct transfer_dir *d)
{
    char path[80];
    if (d->fd < 0)
        return;
    snprintf(path, sizeof(path), "images/tmp/%s", d->name);
    fs_remove_tree_at(d->store->root_fd, path);
    close(take_fd(&d->fd));
}

static int make_blobs(const struct transfer_dir *d, const char *hex,
                      char path[BLOB_PATH_SIZE])
{
    static const char *const DIRS[] = {"blobs", "blobs/sha256"};
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++)
        if (mkdirat(d->fd, DIRS[i], 0700) < 0 && errno != EEXIST)
            return -errno;
    snprintf(path, BLOB_PATH_SIZE, "blobs/sha256/%s", hex);
    return 0;
}

int transfer_dir_put(const struct transfer_dir *d, const char *hex, const void *data,
                     size_t len, struct mtd_error *err)
{
    char path[BLOB_PATH_SIZE];
    int rc = make_blobs(d, hex, path);
    if (rc == 0)
        rc = fs_replace_at(d->fd, path, data, len, 0600, false);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s/%s", d->path, path) : 0;
}

int transfer_dir_link(const struct transfer_dir *d, const char *hex,
                      struct mtd_error *err)
{
    char path[BLOB_PATH_SIZE], ours[BLOB_PATH_SIZE + 8];
    int rc = make_blobs(d, hex, path);
    snprintf(ours, sizeof(ours), "images/%s", path);
    if (rc == 0 && linkat(d->store->root_fd, ours, d->fd, path, 0) < 0 && errno != EEXIST)
        rc = -errno;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot link %s/%s", d->store->root, ours)
                  : 0;
}

int transfer_dir_index(const struct transfer_dir *d,
                       const struct oci_descriptor *manifest, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    struct oci_descriptor item = *manifest;
    struct oci_index index = {.items = &item, .len = 1};
    char name[] = "image";
    item.ref_name = name;
    int rc = oci_index_encode(&index, &text, err);
    if (rc == 0)
        rc = fs_replace_at(d->fd, "index.json", text.data, text.len, 0600, false);
    if (rc == 0)
        rc = fs_replace_at(d->fd, OCI_LAYOUT_FILE, OCI_LAYOUT_TEXT,
                           strlen(OCI_LAYOUT_TEXT), 0600, false);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s", d->path) : 0;
}

int transfer_dir_manifest(const struct transfer_dir *d, char ret_hex[SHA256_HEX_SIZE],
                          struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    auto_done(oci_index_done) struct oci_index index = {0};
    int rc = fs_read_at(d->fd, "index.json", OCI_MAX_BYTES, &text);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read %s/index.json", d->path);
    rc = oci_index_decode(text.data, text.len, &index, err);
    if (rc == 0 && index.len != 1)
        rc = mtd_fail(err, EBADMSG, "%s/index.json names %zu images", d->path, index.len);
    if (rc == 0)
        memcpy(ret_hex, index.items[0].digest, SHA256_HEX_SIZE);
    return rc;
}

int transfer_once(const struct image_store *s, const char *hex, struct mtd_error *err)
{
    char path[SHA256_HEX_SIZE + 24];
    snprintf(path, sizeof(path), "images/tmp/once-%.32s", hex);
    for (;;) {
        auto_fd int fd =
            openat(s->root_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        int rc = fd < 0 ? -errno : 0;
        while (rc == 0 && flock(fd, LOCK_EX) < 0)
            rc = errno == EINTR ? 0 : -errno;
        if (rc < 0)
            return mtd_fail_errno(err, -rc, "cannot lock %s/%s", s->root, path);
        if (is_still(s, path, fd))
            return take_fd(&fd);
    }
}

void transfer_once_done(const struct image_store *s, const char *hex, int fd)
{
    char path[SHA256_HEX_SIZE + 24];
    if (fd < 0)
        return;
    snprintf(path, sizeof(path), "images/tmp/once-%.32s", hex);
    unlinkat(s->root_fd, path, 0);
    close(fd);
}
