/* What is known of a layer besides its files: one line, so that composing an image above
 * it need not read them. It can be made again by packing the layer, so it is not forced to
 * the disk. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

#define LINE_MAX_LEN 512
#define VERSION "layer-1"
#define PATH_ROOM IMAGE_INFO_PATH
#define RECIPE ".recipe"
#define BLOCK (128u << 10)

static void info_path(const char *chain, char out[PATH_ROOM])
{
    snprintf(out, PATH_ROOM, "images/info/%.64s", chain);
}

static bool is_digest(const char *s)
{
    return strlen(s) == SHA256_HEX_SIZE - 1 && hex_is_valid(s, SHA256_HEX_SIZE - 1);
}

int image_info_read(const struct image_store *s, const char *chain,
                    struct image_info *ret)
{
    char path[PATH_ROOM], line[LINE_MAX_LEN], media[128];
    struct image_info i = {0};
    info_path(chain, path);
    int rc =
        s->root_fd < 0 ? -ENOENT : fs_read_small_at(s->root_fd, path, line, sizeof(line));
    if (rc < 0)
        return rc;
    if (sscanf(line, VERSION " %64s %" SCNu64 " %127s %64s %" SCNu64, i.diff_id, &i.size,
               media, i.blob.digest, &i.blob.size) != 5)
        return -EBADMSG;
    i.blob.media = oci_media_of(media);
    if (!is_digest(i.diff_id) || !is_digest(i.blob.digest) ||
        !oci_media_is_layer(i.blob.media))
        return -EBADMSG;
    *ret = i;
    return 0;
}

int image_info_write(const struct image_store *s, const char *chain,
                     const struct image_info *info)
{
    char line[LINE_MAX_LEN], path[PATH_ROOM];
    info_path(chain, path);
    int n = snprintf(line, sizeof(line), VERSION " %s %" PRIu64 " %s %s %" PRIu64 "\n",
                     info->diff_id, info->size, oci_media_name(info->blob.media),
                     info->blob.digest, info->blob.size);
    return image_disk_replace(s, path, line, (size_t)n, false);
}

void image_info_recipe(const char *chain, char out[IMAGE_INFO_PATH])
{
    snprintf(out, IMAGE_INFO_PATH, "images/info/%.64s" RECIPE, chain);
}

void image_info_drop(const struct image_store *s, const char *chain)
{
    char path[PATH_ROOM];
    info_path(chain, path);
    unlinkat(s->root_fd, path, 0);
    image_info_recipe(chain, path);
    unlinkat(s->root_fd, path, 0);
}

/* ---- packing a layer: one thread packs, this one hashes what comes out ---- */

struct packing {
    int layer_fd, pipe_fd;
    int recipe_fd; /* -1 = none: it is packed by our rules */
    struct mtd_progress_item *progress;
    struct mtd_error err;
    int rc;
};

static void *pack(void *arg)
{
    struct packing *p = arg;
    struct archive_unpacked u;
    p->rc = p->recipe_fd >= 0
                ? archive_remake(p->layer_fd, p->recipe_fd, p->pipe_fd, p->progress, &u,
                                 &p->err)
                : archive_pack_layer(p->layer_fd, NULL, p->pipe_fd, p->progress, &p->err);
    close(p->pipe_fd);
    return NULL;
}

/* To the end, also after an error: nobody else would empty the pipe for the packer. */
static int read_all(int fd, int out_fd, struct sha256_ctx *hash, uint64_t *ret_size)
{
    auto_free char *block = malloc(BLOCK);
    int rc = 0;
    if (!block)
        return -ENOMEM;
    for (;;) {
        ssize_t n = read(fd, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : rc;
        sha256_update(hash, (size_t)n, (const uint8_t *)block);
        *ret_size += (uint64_t)n;
        if (out_fd >= 0 && rc == 0)
            rc = fs_write_all(out_fd, block, (size_t)n);
    }
}

static int pack_and_hash(struct packing *p, int out_fd, char ret_digest[SHA256_HEX_SIZE],
                         uint64_t *ret_size, struct mtd_error *err)
{
    int ends[2];
    pthread_t thread;
    struct sha256_ctx hash;
    uint64_t size = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return mtd_fail_errno(err, errno, "pipe");
    fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
    p->pipe_fd = ends[1];
    int code = pthread_create(&thread, NULL, pack, p);
    if (code != 0) {
        close(ends[0]);
        close(ends[1]);
        return mtd_fail_errno(err, code, "cannot start a thread");
    }
    sha256_init(&hash);
    int rc = read_all(ends[0], out_fd, &hash, &size);
    pthread_join(thread, NULL);
    close(ends[0]);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot pack the layer");
    if (p->rc < 0) {
        if (err)
            *err = p->err;
        return p->rc;
    }
    archive_hash_finish(&hash, ret_digest);
    *ret_size = size;
    return 0;
}

uint64_t image_info_plain_size(const struct image_info *i)
{
    return i->blob.media == OCI_LAYER ? i->blob.size : 0;
}

int image_info_pack(const struct image_store *s, const char *chain, int out_fd,
                    struct mtd_progress_item *progress, char ret_digest[SHA256_HEX_SIZE],
                    uint64_t *ret_size, struct mtd_error *err)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof(path), "images/layers/%.64s", chain);
    auto_fd int layer = fs_open_dir_at(s->root_fd, path);
    if (layer < 0)
        return mtd_fail_errno(err, -layer, "cannot open the layer %.12s", chain);
    image_info_recipe(chain, path);
    auto_fd int recipe = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct packing p = {.layer_fd = layer, .recipe_fd = recipe, .progress = progress};
    int rc = pack_and_hash(&p, out_fd, ret_digest, ret_size, err);
    if (rc < 0)
        mtd_context(err, "layer %.12s", chain);
    return rc;
}

/* ---- of a layer that an older version made ---- */

static uint64_t size_of(int dir_fd, const char *name, unsigned depth)
{
    uint64_t size = 0;
    auto_done(fs_dir_done) struct fs_dir dir;
    int fd = depth < ARCHIVE_MAX_DEPTH + 1 ? fs_open_dir_at(dir_fd, name) : -1;
    fs_dir_init(&dir, fd);
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));) {
        struct stat st;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
            fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            size += size_of(fd, d->d_name, depth + 1);
        else if (S_ISREG(st.st_mode)) /* as when it was unpacked: a link has no bytes */
            size += (uint64_t)st.st_size / (st.st_nlink ? st.st_nlink : 1);
    }
    return size;
}

int image_info_ensure(const struct image_store *s, const char *chain,
                      struct image_info *ret, struct mtd_error *err)
{
    struct image_info i = {.blob.media = OCI_LAYER};
    char path[PATH_ROOM];
    if (image_info_read(s, chain, ret) == 0)
        return 0;
    int rc = image_info_pack(s, chain, -1, NULL, i.diff_id, &i.blob.size, err);
    if (rc < 0)
        return rc;
    snprintf(path, sizeof(path), "images/layers/%.64s", chain);
    i.size = size_of(s->root_fd, path, 0);
    memcpy(i.blob.digest, i.diff_id, sizeof(i.blob.digest));
    rc = image_info_write(s, chain, &i);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot write %s/images/info", s->root);
    *ret = i;
    return 0;
}
