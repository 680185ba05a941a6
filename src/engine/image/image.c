/* Finding images, and making them from tars and containers. Finding is on the path of
 * every `run`: one readlink, one stat of <root>/image/NAME.tar, one small file and one
 * access per layer. */

#include "engine/image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/parse.h"
#include "engine/image/internal.h"

/* of an error's 244 bytes, for the names */
#define UNKNOWN_ROOM 160

static int out_of_memory(struct mtd_error *err)
{
    return mtd_fail_errno(err, ENOMEM, "cannot search for images");
}

static int local_names(const struct image_store *s, struct strv *ret)
{
    auto_done(strv_done) struct strv hex = {0}, sources = {0};
    int rc = image_disk_list_refs(s, ret, &hex);
    if (rc == 0)
        rc = image_source_list(s, &sources);
    for (size_t i = 0; i < sources.len && rc == 0; i++)
        if (!strv_contains(ret, sources.items[i]))
            rc = strv_add(ret, sources.items[i]);
    return rc;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int image_unknown(const struct image_store *s, const char *ref, struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0};
    auto_done(buf_done) struct buf list = {0};
    if (local_names(s, &names) < 0)
        return out_of_memory(err);
    for (size_t i = 0; i < names.len; i++)
        names.items[i][image_name_short_len(names.items[i])] = '\0';
    if (names.len > 1)
        qsort(names.items, names.len, sizeof(*names.items), compare);
    for (size_t i = 0; i < names.len; i++) {
        bool fits = list.len + strlen(names.items[i]) + strlen(ref) < UNKNOWN_ROOM;
        if (buf_printf(&list, "%s%s", i ? ", " : "", fits ? names.items[i] : "...") < 0)
            return out_of_memory(err);
        if (!fits)
            break;
    }
    return mtd_fail(err, ENOENT, "image \"%.100s\" not found; local images: %s", ref,
                    list.data ? list.data : "none");
}

/* 1 = usable, 0 = must be unpacked (again), -errno. */
static int load_ref(const struct image_store *s, const struct image_ref *ref,
                    const struct image_source *src, struct mtd_image *ret,
                    struct mtd_error *err)
{
    bool from_source = ref->stamp[0] != '\0';
    if (src && from_source && strcmp(src->ref.stamp, ref->stamp) != 0)
        return 0;
    struct mtd_image image = {0};
    int rc = image_disk_load(s, ref->hex, &image, src && from_source ? NULL : err);
    for (size_t i = 0; i < image.layers.len && rc == 0; i++)
        if (!image_disk_has_layer(s, image.layers.items[i]))
            rc = mtd_fail(src && from_source ? NULL : err, ENOENT,
                          "image %.12s: its layer %.12s is missing", ref->hex,
                          image.layers.items[i]);
    if (rc == 0) {
        *ret = image;
        return 1;
    }
    mtd_image_done(&image);
    return src && from_source ? 0 : rc;
}

/* 1 = found, 0 = no such name. If several processes ask at once, one unpacks,
 * and the others wait. */
static int find_name(const struct image_store *s, const char *text, struct mtd_image *ret,
                     struct mtd_error *err)
{
    struct image_source src;
    struct image_ref ref;
    auto_fd int lock = -1;
    for (int tries = 0; tries < 3; tries++) {
        bool has_source = image_source_find(s, text, &src) == 0;
        int rc = image_disk_read_ref(s, text, &ref);
        if (rc == 0)
            rc = load_ref(s, &ref, has_source ? &src : NULL, ret, err);
        else if (rc == -ENOENT || (rc == -EBADMSG && has_source))
            rc = 0;
        else
            return mtd_fail_errno(err, -rc, "cannot read the name %s", text);
        if (rc != 0 || !has_source)
            return rc;
        if (lock >= 0)
            rc = image_source_unpack(s, &src, err);
        else if ((rc = image_disk_prepare(s, err)) == 0)
            rc = lock = image_disk_lock(s, IMAGE_LOCK_SOURCE, err);
        if (rc < 0)
            return rc;
    }
    return mtd_fail(err, EAGAIN,
                    "image \"%s\" is being changed by other commands; try again", text);
}

static int name_all(const struct image_store *s, struct mtd_image *i, const char *hex)
{
    auto_done(strv_done) struct strv names = {0}, ids = {0};
    int rc = image_disk_list_refs(s, &names, &ids);
    for (size_t n = 0; n < names.len && rc == 0; n++)
        if (strcmp(ids.items[n], hex) == 0)
            rc = strv_add(&i->names, names.items[n]);
    return rc;
}

/* busybox has its id even if it was never unpacked. 1 = found. */
static int find_source_id(const struct image_store *s, const char *prefix,
                          struct mtd_image *ret, struct mtd_error *err)
{
    struct image_source src;
    return image_source_by_id(s, prefix, &src) < 0 ? 0 : find_name(s, src.name, ret, err);
}

int image_resolve_id(const struct image_store *s, const char *prefix,
                     char ret_hex[SHA256_HEX_SIZE], struct mtd_error *err)
{
    auto_done(strv_done) struct strv ids = {0};
    if (image_disk_list_ids(s, prefix, &ids) < 0)
        return out_of_memory(err);
    if (ids.len > 1)
        return mtd_fail(err, ENOTUNIQ, "image id \"%s\" is ambiguous: %.12s, %.12s%s",
                        prefix, ids.items[0], ids.items[1], ids.len > 2 ? ", ..." : "");
    if (ids.len == 0)
        return image_ids_find(s, prefix, ret_hex) == 0;
    memcpy(ret_hex, ids.items[0], SHA256_HEX_SIZE);
    return 1;
}

static int find_id(const struct image_store *s, const char *prefix, bool named,
                   struct mtd_image *ret, struct mtd_error *err)
{
    struct image_ref ref = {{0}, ""};
    int rc = image_resolve_id(s, prefix, ref.hex, err);
    if (rc == 0)
        return find_source_id(s, prefix, ret, err);
    if (rc > 0)
        rc = load_ref(s, &ref, NULL, ret, err);
    if (rc > 0 && named && name_all(s, ret, ref.hex) < 0) {
        mtd_image_done(ret);
        return out_of_memory(err);
    }
    return rc;
}

/* A manifest that was pulled under that name, or the id itself. */
static int find_digest(const struct image_store *s, const struct image_name *name,
                       bool named, struct mtd_image *ret, struct mtd_error *err)
{
    char hex[SHA256_HEX_SIZE], text[IMAGE_NAME_SIZE + SHA256_HEX_SIZE + 8];
    if (image_disk_read_link(s, IMAGE_DIGESTS, name->digest, hex) < 0)
        return find_id(s, name->digest, named, ret, err);
    struct mtd_image image = {0};
    int rc = find_id(s, hex, named, &image, err);
    if (rc <= 0)
        return rc;
    snprintf(text, sizeof(text), "%.*s@sha256:%s", (int)name->repo_len, name->text,
             name->digest);
    if (!strv_contains(&image.digests, text)) {
        mtd_image_done(&image);
        return 0;
    }
    *ret = image;
    return 1;
}

/* A name comes first, unless it can only be an id. 1 = found, 0 = not. */
static int find(const struct image_store *s, const char *ref, bool named,
                struct mtd_image *ret, struct mtd_error *err)
{
    struct image_name name;
    const char *hex = NULL;
    bool may_be_id = image_name_is_id(ref, &hex);
    bool only_id = may_be_id && (hex != ref || strlen(hex) == SHA256_HEX_SIZE - 1);
    int rc = only_id ? 0 : image_name_parse(ref, &name, may_be_id ? NULL : err);
    if (rc < 0)
        return may_be_id ? find_id(s, hex, named, ret, err) : rc;
    if (!only_id && name.digest[0])
        return find_digest(s, &name, named, ret, err);
    if (!only_id)
        rc = find_name(s, name.text, ret, err);
    if (rc > 0 && strv_add(&ret->names, name.text) < 0) {
        mtd_image_done(ret);
        return out_of_memory(err);
    }
    return rc == 0 && may_be_id ? find_id(s, hex, named, ret, err) : rc;
}

static int find_or_say(const struct image_store *s, const char *ref, bool named,
                       struct mtd_image *ret, struct mtd_error *err)
{
    struct mtd_image image = {0};
    int rc = find(s, ref, named, &image, err);
    if (rc == 0)
        return image_unknown(s, ref, err);
    if (rc < 0)
        return rc;
    *ret = image;
    return 0;
}

int image_find(const struct image_store *s, const char *ref, struct mtd_image *ret,
               struct mtd_error *err)
{
    return find_or_say(s, ref, true, ret, err);
}

int image_find_unnamed(const struct image_store *s, const char *ref,
                       struct mtd_image *ret, struct mtd_error *err)
{
    return find_or_say(s, ref, false, ret, err);
}

/* With a mark, so that a kill in between leaves no index without the name. */
static int write_name(const struct image_store *s, const char *name,
                      const struct image_ref *target, struct mtd_error *err)
{
    auto_done(strv_done) struct strv tmp = {0};
    char mark[IMAGE_TMP_NAME];
    auto_fd int marked = image_staging_mark(s, mark, err);
    if (marked < 0)
        return marked;
    int rc = strv_add(&tmp, mark) < 0 ? out_of_memory(err) : 0;
    if (rc == 0)
        rc = image_disk_write_ref(s, name, target, err);
    if (rc == 0)
        rc = image_sync_names(s, err);
    fault_point("image.tag");
    if (rc == 0)
        rc = image_index_write(s, err);
    image_disk_drop_tmp(s, &tmp);
    return rc;
}

int image_tag(const struct image_store *s, const char *ref, const char *name,
              struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    struct image_name to;
    struct image_ref target = {{0}, ""};
    int rc = image_name_parse_new(name, &to, err);
    if (rc == 0)
        rc = image_find(s, ref, &image, err);
    if (rc == 0)
        rc = image_disk_prepare(s, err);
    if (rc < 0)
        return rc;
    auto_fd int lock = image_lock(s, err);
    if (lock < 0)
        return lock;
    auto_done(mtd_image_done) struct mtd_image again = {0};
    snprintf(target.hex, sizeof(target.hex), "%s", image.id + strlen("sha256:"));
    if (image_disk_load(s, target.hex, &again, NULL) < 0)
        return mtd_fail(err, ENOENT, "image \"%.100s\" was just removed", ref);
    return write_name(s, to.text, &target, err);
}

static int check_chain(const struct strv *layers, struct mtd_error *err)
{
    for (size_t i = 0; i < layers->len; i++)
        if (strlen(layers->items[i]) != SHA256_HEX_SIZE - 1 ||
            !hex_is_valid(layers->items[i], SHA256_HEX_SIZE - 1))
            return mtd_fail(err, EINVAL, "\"%.80s\" is not a layer", layers->items[i]);
    return 0;
}

/* base's layers, and the new one. */
static int compose(const struct image_store *s, const struct image_new *n,
                   struct image_layer *layer, char **ret_id, struct mtd_error *err)
{
    size_t below = n->base ? n->base->len : 0;
    auto_done(strv_done) struct strv names = {0};
    auto_free struct image_part *parts = calloc(below + 1, sizeof(*parts));
    struct image_compose c = {.config = n->config,
                              .created_at = clock_wall_ns(),
                              .created_by = n->created_by,
                              .platform = n->platform,
                              .base_json = n->base_json,
                              .base_len = n->base_len,
                              .parts = parts,
                              .n_parts = below + 1,
                              .names = &names};
    if (!parts || (n->name && strv_add(&names, n->name) < 0))
        return out_of_memory(err);
    for (size_t i = 0; i < below; i++)
        parts[i].chain = n->base->items[i];
    parts[below].layer = layer;
    if (n->base)
        image_complete_small(s, n->base);
    return image_compose(s, &c, ret_id, err);
}

static int check_new(const struct image_new *n, struct image_name *name,
                     struct mtd_error *err)
{
    int rc = n->name ? image_name_parse_new(n->name, name, err) : 0;
    return rc == 0 && n->base ? check_chain(n->base, err) : rc;
}

/* tar -> layer -> image */
static int make_image(const struct image_store *s, int tar_fd, bool is_own,
                      const struct image_new *n, const char *name, char **ret_id,
                      struct mtd_error *err)
{
    auto_done(image_layer_done) struct image_layer layer = {0};
    struct image_layer_source src = {.fd = tar_fd,
                                     .keep = IMAGE_KEEP_PLAIN,
                                     .is_own = is_own,
                                     .id = name ? name : "layer"};
    int rc = image_layer_receive(s, &src, n->progress, &layer, err);
    return rc < 0 ? rc : compose(s, n, &layer, ret_id, err);
}

int image_import(const struct image_store *s, int tar_fd, const struct image_new *n,
                 char **ret_id, struct mtd_error *err)
{
    struct image_name name;
    int rc = check_new(n, &name, err);
    if (rc == 0)
        rc = image_sweep_first(s, err);
    return rc < 0
               ? rc
               : make_image(s, tar_fd, false, n, n->name ? name.text : NULL, ret_id, err);
}

/* Goes through a tar, so that the layer is what it would be elsewhere, and its id
 * is that of the tar, which is the layer's blob. */
int image_commit(const struct image_store *s, int upper_fd, const struct image_new *n,
                 char **ret_id, struct mtd_error *err)
{
    struct image_name name;
    int rc = check_new(n, &name, err);
    if (rc == 0)
        rc = image_sweep_first(s, err);
    if (rc < 0)
        return rc;
    auto_fd int tar = image_staging_file(s, err);
    if (tar < 0)
        return tar;
    const char *id = n->name ? name.text : "layer";
    struct mtd_progress_item packing = {n->progress, {id, "Packing"}};
    rc = archive_pack_layer(upper_fd, n->skip, tar, &packing, err);
    if (rc == 0)
        mtd_progress_finish(&packing);
    if (rc == 0 && lseek(tar, 0, SEEK_SET) < 0)
        rc = mtd_fail_errno(err, errno, "cannot read the layer");
    return rc < 0 ? rc
                  : make_image(s, tar, true, n, n->name ? name.text : NULL, ret_id, err);
}

int image_export(int tree_fd, const char *name, int out_fd,
                 const struct mtd_progress *progress, struct mtd_error *err)
{
    struct mtd_progress_item packing = {progress, {name, "Packing"}};
    int rc = archive_pack(tree_fd, ARCHIVE_PACK_TREE, out_fd, &packing, err);
    if (rc == 0)
        mtd_progress_finish(&packing);
    return rc;
}
