/* Some images exist without having been made: busybox, embedded in the program, and
 * tars that the user has put into <root>/image. They are unpacked at first use. busybox' id is
 * known before, as the digest of its tar comes with the program; that of a tar is known when
 * it has been read, which no list does. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "engine/image/assets.h"

#define EMBEDDED "busybox:latest"
#define SUFFIX ".tar"

static int64_t wall_ns(struct timespec t)
{
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static void fill_from_tar(struct image_source *src, const struct stat *st)
{
    src->size = (uint64_t)st->st_size;
    src->created_at = wall_ns(st->st_mtim);
    snprintf(src->ref.stamp, sizeof(src->ref.stamp), "%" PRIu64 ".%lld.%09ld.%" PRIu64,
             (uint64_t)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
             (uint64_t)st->st_ino);
}

/* Another version of the program has another busybox, which its length identifies well
 * enough. It was created when the program was. */
static void fill_embedded(struct image_source *src)
{
    struct stat st;
    size_t packed = (size_t)(mtd_busybox_end - mtd_busybox_start);
    src->size = mtd_busybox_size;
    src->created_at = stat("/proc/self/exe", &st) == 0 ? wall_ns(st.st_mtim) : 0;
    snprintf(src->ref.stamp, sizeof(src->ref.stamp), "embedded.%zu", packed);
}

int image_source_find(const struct image_store *s, const char *text,
                      struct image_source *ret)
{
    struct image_source src = {0};
    struct stat st;
    if (strchr(text, '/'))
        return -ENOENT;
    snprintf(src.name, sizeof(src.name), "%s", text);
    snprintf(src.file, sizeof(src.file), "image/%.*s" SUFFIX,
             (int)image_name_short_len(text), text);
    if (fstatat(s->root_fd, src.file, &st, 0) == 0 && S_ISREG(st.st_mode)) {
        fill_from_tar(&src, &st);
    } else if (strcmp(text, EMBEDDED) == 0) {
        src.file[0] = '\0';
        fill_embedded(&src);
    } else {
        return -ENOENT;
    }
    *ret = src;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "alpine.tar" or "alpine:3.18.tar" -> the image's name */
static int add_file(struct strv *ret, const char *file)
{
    struct image_name name;
    size_t len = strlen(file), cut = strlen(SUFFIX);
    if (len <= cut || strcmp(file + len - cut, SUFFIX) != 0)
        return 0;
    auto_free char *ref = strndup(file, len - cut);
    if (!ref)
        return -ENOMEM;
    if (image_name_parse_new(ref, &name, NULL) < 0 || strv_contains(ret, name.text))
        return 0;
    return strv_add(ret, name.text);
}

int image_source_list(const struct image_store *s, struct strv *ret)
{
    auto_done(strv_done) struct strv files = {0}, names = {0};
    int rc = image_disk_list(s, "image", &files);
    if (rc == 0)
        rc = strv_add(&names, EMBEDDED);
    for (size_t i = 0; i < files.len && rc == 0; i++)
        rc = add_file(&names, files.items[i]);
    for (size_t i = 0; i < names.len && rc == 0; i++) {
        struct image_source src;
        if (image_source_find(s, names.items[i], &src) == 0)
            rc = strv_add(ret, names.items[i]);
    }
    if (rc == 0 && ret->len > 1)
        qsort(ret->items, ret->len, sizeof(*ret->items), compare);
    return rc;
}

/* `run NAME` without a command starts a shell, if the image has one. */
static int add_shell(struct mtd_image_config *c, int root_fd)
{
    auto_fd int fd = fs_open_in_root(root_fd, "/bin/sh", O_PATH, 0);
    return fd < 0 ? 0 : strv_add(&c->cmd, "sh");
}

static struct image_compose compose_of(const struct image_source *src,
                                       const struct mtd_image_config *config,
                                       const struct image_part *part)
{
    return (struct image_compose){
        .config = config,
        .created_at = src->created_at,
        .created_by = config->cmd.len ? config->cmd.items[0] : NULL,
        .parts = part,
        .n_parts = 1,
    };
}

static int publish(const struct image_store *s, const struct image_source *src,
                   struct image_layer *layer, struct mtd_error *err)
{
    auto_done(mtd_image_config_done) struct mtd_image_config config = {0};
    auto_done(strv_done) struct strv names = {0};
    const struct image_part part = {.layer = layer};
    char hex[SHA256_HEX_SIZE];
    if (add_shell(&config, layer->staged->dir.fd) < 0 || strv_add(&names, src->name) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot write the image");
    struct image_compose c = compose_of(src, &config, &part);
    c.names = &names;
    return image_compose_as(s, &c, &src->ref, !src->file[0], hex, err);
}

/* The draft of what unpacking will make. */
int image_source_id(const struct image_store *s, const struct image_source *src,
                    char ret_hex[SHA256_HEX_SIZE])
{
    auto_done(mtd_image_config_done) struct mtd_image_config config = {0};
    struct image_layer layer = {.size = mtd_busybox_size, .blob.media = OCI_LAYER};
    const struct image_part part = {.layer = &layer};
    if (src->file[0])
        return -ENOENT;
    if (strv_add(&config.cmd, "sh") < 0)
        return -ENOMEM;
    snprintf(layer.diff_id, sizeof(layer.diff_id), "%s", mtd_busybox_diff_id);
    memcpy(layer.blob.digest, layer.diff_id, sizeof(layer.blob.digest));
    struct image_compose c = compose_of(src, &config, &part);
    auto_done(image_draft_done) struct image_draft d = {.store = s, .c = &c};
    int rc = image_draft_make(&d, NULL);
    if (rc == 0)
        memcpy(ret_hex, d.hex, sizeof(d.hex));
    return rc;
}

int image_source_by_id(const struct image_store *s, const char *prefix,
                       struct image_source *ret)
{
    struct image_source src;
    char hex[SHA256_HEX_SIZE];
    int rc = image_source_find(s, EMBEDDED, &src);
    if (rc == 0)
        rc = image_source_id(s, &src, hex);
    if (rc == 0 && strncmp(hex, prefix, strlen(prefix)) != 0)
        rc = -ENOENT;
    if (rc == 0)
        *ret = src;
    return rc;
}

static int check_unchanged(const struct image_source *src, int fd, struct mtd_error *err)
{
    struct image_source now = *src;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return mtd_fail_errno(err, errno, "stat");
    fill_from_tar(&now, &st);
    if (strcmp(now.ref.stamp, src->ref.stamp) != 0)
        return mtd_fail(err, EAGAIN, "it changed in the meantime; try again");
    return 0;
}

/* Of a tar no blob is kept, as it is there already. */
static int unpack_tar(const struct image_store *s, const struct image_source *src, int fd,
                      struct mtd_error *err)
{
    auto_done(image_layer_done) struct image_layer layer = {0};
    struct image_layer_source in = {.fd = fd, .keep = IMAGE_KEEP_NONE, .id = src->name};
    int rc = image_layer_receive(s, &in, NULL, &layer, err);
    if (rc == 0)
        rc = check_unchanged(src, fd, err);
    return rc < 0 ? rc : publish(s, src, &layer, err);
}

static int unpack_embedded(const struct image_store *s, const struct image_source *src,
                           struct mtd_error *err)
{
    struct archive_tar tar = {.data = mtd_busybox_start,
                              .len = (size_t)(mtd_busybox_end - mtd_busybox_start),
                              .write_out = true};
    auto_done(image_layer_done) struct image_layer layer = {0};
    struct archive_unpacked u;
    int rc = image_layer_stage(s, &layer, err);
    if (rc == 0) {
        int dir = layer.staged->dir.fd;
        struct archive_limits limits = archive_limits_of(dir);
        tar.recipe_to = layer.staged->recipe_fd;
        rc = archive_unpack(dir, &tar, &limits, &u, err);
    }
    if (rc < 0)
        return rc;
    image_layer_describe(&layer, &u, false);
    return publish(s, src, &layer, err);
}

int image_source_unpack(const struct image_store *s, const struct image_source *src,
                        struct mtd_error *err)
{
    int rc = image_sweep_first(s, err);
    if (rc < 0)
        return rc;
    if (!src->file[0])
        return unpack_embedded(s, src, err);
    auto_fd int fd =
        openat(s->root_fd, src->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    rc = fd < 0 ? mtd_fail_errno(err, errno, "open") : unpack_tar(s, src, fd, err);
    if (rc < 0)
        mtd_context(err, "%s/%s", s->root, src->file);
    return rc;
}
