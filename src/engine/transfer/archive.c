/* Layers may stand before the documents that name them, and docker's do. In a plain file they
 * are looked for again when it is known which are missing; from a pipe each is unpacked
 * when it comes, and waits in the store's images/tmp. */

#include "engine/transfer/archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/parse.h"

#define MAX_FILES 20000
#define MAX_TEXT_BYTES (64u << 20) /* of all documents */
#define SMALL \
    (256u << 10) /* a layer that is kept in memory: images have the same twice */
#define MAX_LINKS 8
#define BLOCK (256u << 10)
#define HEX_LEN (SHA256_HEX_SIZE - 1)

void transfer_archive_done(struct transfer_archive *a)
{
    for (size_t i = 0; i < a->len; i++) {
        free(a->files[i].path);
        free(a->files[i].target);
        buf_done(&a->files[i].text);
        image_layer_done(&a->files[i].layer);
    }
    free(a->files);
    archive_members_free(a->members);
    *a = (struct transfer_archive){.fd = -1};
}

static struct transfer_file *find_exactly(const struct transfer_archive *a,
                                          const char *path)
{
    for (size_t i = a->len; i > 0; i--)
        if (strcmp(a->files[i - 1].path, path) == 0)
            return &a->files[i - 1];
    return NULL;
}

struct transfer_file *transfer_archive_find(const struct transfer_archive *a,
                                            const char *path)
{
    struct transfer_file *f = find_exactly(a, path);
    for (int i = 0; f && f->target && i < MAX_LINKS; i++)
        f = find_exactly(a, f->target);
    return f && !f->target ? f : NULL;
}

/* ---- members ---- */

static int no_memory(struct mtd_error *err)
{
    return mtd_fail_errno(err, ENOMEM, "cannot load");
}

static int add_file(struct transfer_archive *a, const struct archive_member *m,
                    struct transfer_file **ret, struct mtd_error *err)
{
    if (a->len >= MAX_FILES)
        return mtd_fail(err, EBADMSG, "not an archive of images: more than %d files",
                        MAX_FILES);
    if (a->len == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 64;
        void *grown = reallocarray(a->files, cap, sizeof(*a->files));
        if (!grown)
            return no_memory(err);
        a->files = grown;
        a->cap = cap;
    }
    struct transfer_file *f = &a->files[a->len];
    *f = (struct transfer_file){.path = strdup(m->path), .size = m->size};
    if (m->target)
        f->target = strdup(m->target);
    a->len++;
    *ret = f;
    return f->path && (!m->target || f->target) ? 0 : no_memory(err);
}

/* The first block has been read, to see what it is. */
struct pending {
    struct archive_members *members;
    const void *block;
    ssize_t len; /* < 0 = it was given away */
};

static ssize_t read_pending(void *arg, const void **ret)
{
    struct pending *p = arg;
    ssize_t n = p->len;
    if (n < 0)
        return archive_members_read(p->members, ret);
    *ret = p->block;
    p->len = -1;
    return n;
}

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && strcmp(s + n - k, suffix) == 0;
}

static bool is_blob(const char *path)
{
    const char *hex = path + strlen(TRANSFER_BLOBS);
    return begins(path, TRANSFER_BLOBS) && strlen(hex) == HEX_LEN &&
           hex_is_valid(hex, HEX_LEN);
}

static bool is_document_name(const char *path)
{
    return !strchr(path, '/') && (ends(path, ".json") || strcmp(path, "oci-layout") == 0);
}

/* Of old archives of docker's: "<id>/layer.tar", "<id>.tar". */
static bool is_layer_name(const char *path)
{
    return ends(path, "/layer.tar") || (!strchr(path, '/') && ends(path, ".tar"));
}

static bool is_document(const struct archive_member *m, const char *block, ssize_t len)
{
    if (m->size > OCI_MAX_BYTES || len < 1)
        return false;
    bool is_tar = len >= 512 && memcmp(block + 257, "ustar", 5) == 0;
    return !is_tar && (block[0] == '{' || block[0] == '[');
}

static int read_text(struct transfer_archive *a, struct transfer_file *f,
                     struct pending *p, struct mtd_error *err)
{
    const void *block;
    ssize_t n;
    a->text_bytes += f->size;
    if (f->size > OCI_MAX_BYTES || a->text_bytes > MAX_TEXT_BYTES)
        return mtd_fail(err, EBADMSG,
                        "\"%.80s\" is too large for a description of images", f->path);
    while ((n = read_pending(p, &block)) > 0)
        if (f->text.len + (size_t)n > OCI_MAX_BYTES ||
            buf_add(&f->text, block, (size_t)n) < 0)
            return no_memory(err);
    if (n < 0)
        return mtd_fail(err, EBADMSG, "\"%.80s\": the archive is truncated or damaged",
                        f->path);
    return 0;
}

static int read_document(struct transfer_archive *a, struct transfer_file *f,
                         struct pending *p, struct mtd_error *err)
{
    int rc = read_text(a, f, p, err);
    if (rc < 0 || !is_blob(f->path))
        return rc;
    char is[SHA256_HEX_SIZE];
    archive_hash(f->text.data ? f->text.data : "", f->text.len, is);
    if (strcmp(is, f->path + strlen(TRANSFER_BLOBS)) != 0)
        return mtd_fail(err, EBADMSG, "blob %.12s is damaged: its digest is %.12s",
                        f->path + strlen(TRANSFER_BLOBS), is);
    return 0;
}

static int receive(struct transfer_archive *a, struct transfer_file *f,
                   const struct image_layer_source *src, struct image_layer *ret,
                   struct mtd_error *err)
{
    char id[16];
    struct image_layer_source from = *src;
    const char *hex = is_blob(f->path) ? f->path + strlen(TRANSFER_BLOBS) : NULL;
    const char *shown = hex ? hex : from.diff_id ? from.diff_id : f->path;
    snprintf(id, sizeof(id), "%.12s", shown);
    from.id = id;
    from.digest = hex ? hex : from.digest;
    from.size = f->size;
    int rc = image_layer_receive(a->store, &from, a->progress, ret, err);
    fault_point("load.layer");
    if (rc < 0)
        mtd_context(err, "layer %s", id);
    else
        snprintf(f->blob, sizeof(f->blob), "%s", ret->blob.digest);
    return rc;
}

/* Its file or its contents say that it is a layer. */
static int put_layer(struct transfer_archive *a, struct transfer_file *f,
                     const struct archive_member *m, struct pending *p,
                     struct mtd_error *err)
{
    const struct archive_reader reader = {read_pending, p};
    f->is_layer = true;
    f->position = m->position;
    if (a->can_seek)
        return 0;
    if (f->size <= SMALL && a->text_bytes + f->size <= MAX_TEXT_BYTES)
        return read_text(a, f, p, err);
    const struct image_layer_source src = {
        .fd = -1, .reader = &reader, .keep = IMAGE_KEEP_AS_IS};
    return receive(a, f, &src, &f->layer, err);
}

static int put_file(struct transfer_archive *a, const struct archive_member *m,
                    struct mtd_error *err)
{
    struct transfer_file *f;
    struct pending p = {.members = a->members};
    int rc = add_file(a, m, &f, err);
    if (rc < 0)
        return rc;
    p.len = archive_members_read(a->members, &p.block);
    if (p.len < 0)
        return mtd_fail(err, EBADMSG, "\"%.80s\": the archive is truncated or damaged",
                        m->path);
    if (is_document_name(m->path) || is_document(m, p.block, p.len))
        return read_document(a, f, &p, err);
    return put_layer(a, f, m, &p, err);
}

static bool has_documents(const struct transfer_archive *a)
{
    for (size_t i = 0; i < a->len; i++)
        if (is_document_name(a->files[i].path) || is_blob(a->files[i].path))
            return true;
    return false;
}

/* A file system is not read to its end to find that out. */
static bool is_of_root(const char *path)
{
    static const char *const TOPS[] = {"bin",  "etc", "usr", "lib",  "sbin", "var",
                                       "boot", "dev", "opt", "root", "proc", "home"};
    size_t n = strcspn(path, "/");
    for (size_t i = 0; i < ARRAY_SIZE(TOPS); i++)
        if (n == strlen(TOPS[i]) && begins(path, TOPS[i]))
            return true;
    return false;
}

static int put_member(struct transfer_archive *a, const struct archive_member *m,
                      struct mtd_error *err)
{
    struct transfer_file *f;
    bool ours = is_blob(m->path) || is_layer_name(m->path) || is_document_name(m->path);
    if (m->kind == ARCHIVE_MEMBER_LINK && ours)
        return add_file(a, m, &f, err);
    if (m->kind == ARCHIVE_MEMBER_FILE && ours)
        return put_file(a, m, err);
    bool known = m->kind == ARCHIVE_MEMBER_DIR || !m->path[0] ||
                 begins(m->path, "blobs/") || ends(m->path, "/VERSION") ||
                 ends(m->path, "/json") || strcmp(m->path, "repositories") == 0;
    if (!known && !a->first_other[0])
        snprintf(a->first_other, sizeof(a->first_other), "%s", m->path);
    if (is_of_root(m->path) && !has_documents(a))
        return mtd_fail(err, EBADMSG,
                        "not an archive of images: it looks like a root file system; use "
                        "import for that");
    return 0;
}

int transfer_archive_read(struct transfer_archive *a, struct mtd_error *err)
{
    struct archive_member m;
    struct archive_limits limits = archive_limits_of(a->store->root_fd);
    /* What is unpacked is limited by itself. */
    int rc = archive_members_open(a->fd, 4 * limits.bytes, &a->members, err);
    while (rc == 0 && (rc = archive_members_next(a->members, &m, err)) > 0) {
        a->can_seek = archive_members_can_seek(a->members);
        rc = put_member(a, &m, err);
    }
    fault_point("load.read");
    return rc;
}

/* ---- layers ---- */

struct part {
    int fd;
    uint64_t position, left;
    unsigned char *block;
};

static ssize_t read_part(void *arg, const void **ret)
{
    struct part *p = arg;
    size_t want = p->left < BLOCK ? (size_t)p->left : BLOCK;
    ssize_t n = pread(p->fd, p->block, want, (off_t)p->position);
    if (n < 0)
        return -errno;
    if (n == 0 && want > 0)
        return -EBADMSG; /* the file ends before the layer does */
    p->position += (uint64_t)n;
    p->left -= (uint64_t)n;
    *ret = p->block;
    return n;
}

static int receive_part(struct transfer_archive *a, struct transfer_file *f,
                        const char *diff_id, struct image_layer *ret,
                        struct mtd_error *err)
{
    auto_free unsigned char *block = malloc(BLOCK);
    if (!block)
        return no_memory(err);
    struct part part = {a->fd, f->position, f->size, block};
    const struct archive_reader reader = {read_part, &part};
    const struct image_layer_source src = {
        .fd = -1, .reader = &reader, .diff_id = diff_id, .keep = IMAGE_KEEP_AS_IS};
    return receive(a, f, &src, ret, err);
}

static ssize_t read_whole(void *arg, const void **ret)
{
    const struct buf **text = arg;
    size_t len = *text ? (*text)->len : 0;
    *ret = *text ? (*text)->data : NULL;
    *text = NULL;
    return (ssize_t)len;
}

static int receive_text(struct transfer_archive *a, struct transfer_file *f,
                        const char *diff_id, struct image_layer *ret,
                        struct mtd_error *err)
{
    const struct buf *text = &f->text;
    const struct archive_reader reader = {read_whole, &text};
    const struct image_layer_source src = {
        .fd = -1, .reader = &reader, .diff_id = diff_id, .keep = IMAGE_KEEP_AS_IS};
    return receive(a, f, &src, ret, err);
}

/* Unpacked once already, from a pipe, and used by another image: its blob is here. */
static int receive_again(struct transfer_archive *a, struct transfer_file *f,
                         const char *diff_id, struct image_layer *ret,
                         struct mtd_error *err)
{
    auto_fd int fd = image_blob_open(a->store, f->blob, err);
    if (fd < 0)
        return fd;
    const struct image_layer_source src = {
        .fd = fd, .diff_id = diff_id, .digest = f->blob, .keep = IMAGE_KEEP_THERE};
    return image_layer_receive(a->store, &src, a->progress, ret, err);
}

int transfer_archive_layer(struct transfer_archive *a, const char *path,
                           const char *diff_id, struct image_layer *ret,
                           struct mtd_error *err)
{
    struct transfer_file *f = transfer_archive_find(a, path);
    if (!f || !f->is_layer)
        return mtd_fail(err, EBADMSG,
                        "the archive is not complete: layer %.100s is missing", path);
    if (a->can_seek)
        return receive_part(a, f, diff_id, ret, err);
    if (f->text.len > 0)
        return receive_text(a, f, diff_id, ret, err);
    if (!f->layer.staged)
        return receive_again(a, f, diff_id, ret, err);
    if (strcmp(f->layer.diff_id, diff_id) != 0)
        return mtd_fail(err, EBADMSG,
                        "layer %.12s is damaged: unpacked its digest is %.12s", diff_id,
                        f->layer.diff_id);
    *ret = f->layer;
    f->layer = (struct image_layer){0};
    return 0;
}
