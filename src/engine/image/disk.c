/* Everything below <root>/images is found by name alone: a reference is a link, a
 * config a file, a layer a directory. So each change is one rename or one symlink, and
 * readers need no lock. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/spec/spec.h"

#define PATH_ROOM (IMAGE_NAME_SIZE + 64)
#define HEX_LEN (SHA256_HEX_SIZE - 1)
#define PREFIX "sha256:"
#define SUFFIX ".json"

static const char *const DIRS[] = {
    "images",         "images/refs",  "images/config",       "images/layers",
    "images/tmp",     "images/blobs", "images/blobs/sha256", "images/info",
    "images/digests", IMAGE_IDS};
static const char *const LOCKS[] = {[IMAGE_LOCK] = "images/lock",
                                    [IMAGE_LOCK_SOURCE] = "images/source.lock",
                                    [IMAGE_LOCK_USE] = "images/use.lock",
                                    [IMAGE_LOCK_TRANSFER] = "images/transfer.lock"};

/* Of a root that is only read and is not there. */
static int refuse_nowhere(const struct image_store *s, struct mtd_error *err)
{
    return mtd_fail(err, EROFS, "%s does not exist yet", s->root);
}

int image_disk_prepare(const struct image_store *s, struct mtd_error *err)
{
    if (s->root_fd < 0)
        return refuse_nowhere(s, err);
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++)
        if (mkdirat(s->root_fd, DIRS[i], 0700) < 0 && errno != EEXIST)
            return mtd_fail_errno(err, errno, "cannot create %s/%s", s->root, DIRS[i]);
    return 0;
}

static int lock_as(const struct image_store *s, enum image_lock which, int operation,
                   struct mtd_error *err)
{
    if (s->root_fd < 0)
        return refuse_nowhere(s, err);
    auto_fd int fd =
        openat(s->root_fd, LOCKS[which], O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -1 : 0;
    if (rc == 0) {
        do
            rc = flock(fd, operation);
        while (rc < 0 && errno == EINTR);
    }
    if (rc < 0)
        return mtd_fail_errno(err, errno, "cannot lock %s/%s", s->root, LOCKS[which]);
    return take_fd(&fd);
}

int image_disk_lock(const struct image_store *s, enum image_lock which,
                    struct mtd_error *err)
{
    return lock_as(s, which, which == IMAGE_LOCK_TRANSFER ? LOCK_SH : LOCK_EX, err);
}

int image_disk_try_lock(const struct image_store *s)
{
    auto_fd int fd =
        openat(s->root_fd, LOCKS[IMAGE_LOCK], O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    return take_fd(&fd);
}

int image_hold(const struct image_store *s, bool to_remove, struct mtd_error *err)
{
    int operation = to_remove ? LOCK_EX : LOCK_SH;
    int rc = lock_as(s, IMAGE_LOCK_USE, operation, NULL);
    if (rc >= 0)
        return rc; /* the directories are there since the file is */
    rc = image_disk_prepare(s, err);
    return rc < 0 ? rc : lock_as(s, IMAGE_LOCK_USE, operation, err);
}

void image_disk_tmp_name(char out[IMAGE_TMP_NAME], const char *kind)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) < 0)
        random = (uint64_t)getpid();
    snprintf(out, IMAGE_TMP_NAME, "%s-%016llx", kind, (unsigned long long)random);
}

static void ref_path(const char *text, char out[PATH_ROOM])
{
    char file[IMAGE_NAME_SIZE];
    image_name_to_file(text, file);
    snprintf(out, PATH_ROOM, "images/refs/%s", file);
}

static int read_ref_at(int dir_fd, const char *path, struct image_ref *ret)
{
    char link[SHA256_HEX_SIZE + IMAGE_STAMP_SIZE + 16];
    ssize_t n = readlinkat(dir_fd, path, link, sizeof(link) - 1);
    if (n < 0)
        return errno == EINVAL ? -EBADMSG : -errno;
    link[n] = '\0';
    char *stamp = strchr(link, '@');
    if (stamp)
        *stamp++ = '\0';
    if (strncmp(link, PREFIX, strlen(PREFIX)) != 0 || strlen(link) != HEX_LEN + 7 ||
        !hex_is_valid(link + 7, HEX_LEN) ||
        (stamp && strlen(stamp) >= sizeof(ret->stamp)))
        return -EBADMSG;
    memcpy(ret->hex, link + 7, sizeof(ret->hex));
    snprintf(ret->stamp, sizeof(ret->stamp), "%s", stamp ? stamp : "");
    return 0;
}

int image_disk_read_ref(const struct image_store *s, const char *text,
                        struct image_ref *ret)
{
    char path[PATH_ROOM];
    ref_path(text, path);
    return s->root_fd < 0 ? -ENOENT : read_ref_at(s->root_fd, path, ret);
}

int image_disk_write_ref(const struct image_store *s, const char *text,
                         const struct image_ref *ref, struct mtd_error *err)
{
    char path[PATH_ROOM], temp[PATH_ROOM], target[sizeof(*ref) + 16];
    char name[IMAGE_TMP_NAME];
    ref_path(text, path);
    image_disk_tmp_name(name, "ref");
    snprintf(temp, sizeof(temp), "images/tmp/%s", name);
    snprintf(target, sizeof(target), PREFIX "%s%s%s", ref->hex, ref->stamp[0] ? "@" : "",
             ref->stamp);
    int rc = symlinkat(target, s->root_fd, temp);
    if (rc == 0 && (rc = renameat(s->root_fd, temp, s->root_fd, path)) < 0) {
        int saved = errno;
        unlinkat(s->root_fd, temp, 0);
        errno = saved;
    }
    if (rc < 0)
        return mtd_fail_errno(err, errno, "cannot write %s/%s", s->root, path);
    return 0;
}

int image_disk_drop_ref(const struct image_store *s, const char *text,
                        struct mtd_error *err)
{
    char path[PATH_ROOM];
    ref_path(text, path);
    if (unlinkat(s->root_fd, path, 0) < 0 && errno != ENOENT)
        return mtd_fail_errno(err, errno, "cannot remove %s/%s", s->root, path);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void image_disk_sort(struct strv *v)
{
    if (v->len > 1)
        qsort(v->items, v->len, sizeof(*v->items), compare);
}

bool image_disk_sorted_has(const struct strv *v, const char *item)
{
    return v->len > 0 && bsearch(&item, v->items, v->len, sizeof(*v->items), compare);
}

int image_disk_list(const struct image_store *s, const char *path, struct strv *ret)
{
    int fd = s->root_fd < 0 ? -ENOENT : fs_open_dir_at(s->root_fd, path);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_init(&dir, fd);
    const struct dirent64 *d;
    while ((d = fs_dir_next(&dir))) {
        int rc = d->d_name[0] == '.' ? 0 : strv_add(ret, d->d_name);
        if (rc < 0)
            return rc;
    }
    image_disk_sort(ret);
    return 0;
}

int image_disk_list_refs(const struct image_store *s, struct strv *ret_names,
                         struct strv *ret_hex)
{
    auto_done(strv_done) struct strv files = {0};
    int rc = image_disk_list(s, "images/refs", &files);
    for (size_t i = 0; i < files.len && rc == 0; i++) {
        char text[IMAGE_NAME_SIZE];
        struct image_ref ref;
        struct image_name name;
        image_name_from_file(files.items[i], text);
        if (image_name_parse(text, &name, NULL) < 0 ||
            image_disk_read_ref(s, text, &ref) < 0)
            continue; /* not ours, or gone since */
        rc = strv_add(ret_names, text);
        if (rc == 0)
            rc = strv_add(ret_hex, ref.hex);
    }
    return rc;
}

int image_disk_list_ids(const struct image_store *s, const char *prefix, struct strv *ret)
{
    auto_done(strv_done) struct strv files = {0};
    int rc = image_disk_list(s, "images/config", &files);
    for (size_t i = 0; i < files.len && rc == 0; i++) {
        char *name = files.items[i];
        if (strlen(name) != HEX_LEN + strlen(SUFFIX) ||
            strcmp(name + HEX_LEN, SUFFIX) != 0)
            continue;
        name[HEX_LEN] = '\0';
        if (hex_is_valid(name, HEX_LEN) && strncmp(name, prefix, strlen(prefix)) == 0)
            rc = strv_add(ret, name);
    }
    return rc;
}

static void config_path(const char *hex, char out[PATH_ROOM])
{
    snprintf(out, PATH_ROOM, "images/config/%s" SUFFIX, hex);
}

/* Layers are used as directory names, so only ids may come from the file. */
static int check(const struct mtd_image *i, const char *hex, struct mtd_error *err)
{
    if (!i->id || strncmp(i->id, PREFIX, strlen(PREFIX)) != 0 ||
        strcmp(i->id + strlen(PREFIX), hex) != 0)
        return mtd_fail(err, EINVAL, "Id: not the file's name");
    if (i->layers.len == 0)
        return mtd_fail(err, EINVAL, "Layers: empty");
    for (size_t n = 0; n < i->layers.len; n++)
        if (strlen(i->layers.items[n]) != HEX_LEN ||
            !hex_is_valid(i->layers.items[n], HEX_LEN))
            return mtd_fail(err, EINVAL, "Layers: not a list of ids");
    return 0;
}

int image_disk_load(const struct image_store *s, const char *hex, struct mtd_image *ret,
                    struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    struct mtd_image image = {0};
    char path[PATH_ROOM];
    config_path(hex, path);
    int rc = fs_read_at(s->root_fd, path, SPEC_MAX_BYTES, &text);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read %s/%s", s->root, path);
    rc = spec_decode_image(text.data, text.len, &image, err);
    if (rc == 0)
        rc = check(&image, hex, err);
    if (rc < 0) {
        mtd_context(err, "%s/%s is damaged", s->root, path);
        mtd_image_done(&image);
        return -EINVAL;
    }
    strv_done(&image.names);
    *ret = image;
    return 0;
}

int image_disk_replace(const struct image_store *s, const char *path, const void *data,
                       size_t len, bool durable)
{
    return fs_replace_swept_at(s->root_fd, "images/tmp", "file", path, data, len,
                               durable);
}

int image_disk_save(const struct image_store *s, const char *hex, const char *text,
                    size_t len, bool durable)
{
    char path[PATH_ROOM];
    config_path(hex, path);
    return image_disk_replace(s, path, text, len, durable);
}

int image_disk_drop_config(const struct image_store *s, const char *hex)
{
    char path[PATH_ROOM];
    config_path(hex, path);
    return unlinkat(s->root_fd, path, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static void link_path(const char *dir, const char *hex, char out[PATH_ROOM])
{
    snprintf(out, PATH_ROOM, "%s/%.64s", dir, hex);
}

int image_disk_read_link(const struct image_store *s, const char *dir, const char *hex,
                         char ret_hex[SHA256_HEX_SIZE])
{
    char path[PATH_ROOM];
    struct image_ref ref;
    link_path(dir, hex, path);
    int rc = s->root_fd < 0 ? -ENOENT : read_ref_at(s->root_fd, path, &ref);
    if (rc == 0)
        memcpy(ret_hex, ref.hex, SHA256_HEX_SIZE);
    return rc;
}

int image_disk_write_link(const struct image_store *s, const char *dir, const char *hex,
                          const char *to)
{
    char path[PATH_ROOM], target[SHA256_HEX_SIZE + 8];
    link_path(dir, hex, path);
    snprintf(target, sizeof(target), PREFIX "%s", to);
    if (symlinkat(target, s->root_fd, path) == 0)
        return 0;
    if (errno != EEXIST || unlinkat(s->root_fd, path, 0) < 0)
        return -errno;
    return symlinkat(target, s->root_fd, path) < 0 ? -errno : 0;
}

int image_disk_drop_link(const struct image_store *s, const char *dir, const char *hex)
{
    char path[PATH_ROOM];
    link_path(dir, hex, path);
    return unlinkat(s->root_fd, path, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static bool is_image(const struct image_store *s, const char *hex)
{
    char path[PATH_ROOM];
    config_path(hex, path);
    return faccessat(s->root_fd, path, F_OK, 0) == 0;
}

void image_disk_drop_links(const struct image_store *s, const char *dir, const char *of)
{
    auto_done(strv_done) struct strv links = {0};
    char hex[SHA256_HEX_SIZE];
    (void)image_disk_list(s, dir, &links);
    for (size_t i = 0; i < links.len; i++)
        if (image_disk_read_link(s, dir, links.items[i], hex) < 0 ||
            (of ? strcmp(hex, of) == 0 : !is_image(s, hex)))
            image_disk_drop_link(s, dir, links.items[i]);
}
