/* Removal follows docker: a name is removed, with the last name the image, and with the
 * image the layers that no other image has. What a container uses is never removed: with
 * force such an image only loses its names. */

#include "engine/image/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/image/internal.h"

#define USERS_SHOWN 90

struct removal {
    const struct image_store *store;
    const char *ref; /* as typed, for errors */
    char hex[SHA256_HEX_SIZE];
    struct strv names; /* all of the image's */
    struct image_name asked;
    bool by_name; /* or by id */
    bool used, force;
    struct buf users; /* who uses it, for errors */
    struct strv *report;
    int mark;        /* see image_mark_removal() */
    struct strv tmp; /* retired layers, deleted after the lock is released */
};

static int report(struct removal *r, const char *what, const char *prefix,
                  const char *object, struct mtd_error *err)
{
    char *line;
    if (asprintf(&line, "%s: %s%s", what, prefix, object) < 0 ||
        strv_take(r->report, line) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot remove image \"%.100s\"", r->ref);
    return 0;
}

/* A source that was not unpacked occupies nothing. */
static int nothing_to_remove(const struct image_store *s, const char *ref,
                             const char *text, const char *id, struct mtd_error *err)
{
    struct image_source src;
    if ((!text || image_source_find(s, text, &src) < 0) &&
        (!id || image_source_by_id(s, id, &src) < 0))
        return image_unknown(s, ref, err);
    if (src.file[0])
        return mtd_fail(
            err, ENOENT,
            "image \"%.100s\" is not unpacked; to get rid of it, delete %s/%s", ref,
            s->root, src.file);
    return mtd_fail(
        err, ENOENT,
        "image \"%.100s\" is embedded in the program and not unpacked: there is "
        "nothing to remove",
        ref);
}

static int resolve(struct removal *r, struct mtd_error *err)
{
    struct image_name *name = &r->asked;
    const char *hex = NULL;
    struct image_ref ref;
    bool may_be_id = image_name_is_id(r->ref, &hex);
    bool is_name = image_name_parse(r->ref, name, may_be_id ? NULL : err) == 0;
    if (!is_name && !may_be_id)
        return -EINVAL;
    if (is_name && !name->digest[0] &&
        image_disk_read_ref(r->store, name->text, &ref) == 0) {
        memcpy(r->hex, ref.hex, sizeof(r->hex));
        r->by_name = true;
        return 0;
    }
    const char *prefix = is_name && name->digest[0] ? name->digest : hex;
    int rc = prefix ? image_resolve_id(r->store, prefix, r->hex, err) : 0;
    if (rc == 0)
        rc =
            nothing_to_remove(r->store, r->ref, is_name ? name->text : NULL, prefix, err);
    return rc < 0 ? rc : 0;
}

static int find_names(struct removal *r)
{
    auto_done(strv_done) struct strv names = {0}, ids = {0};
    int rc = image_disk_list_refs(r->store, &names, &ids);
    for (size_t i = 0; i < names.len && rc == 0; i++)
        if (strcmp(ids.items[i], r->hex) == 0)
            rc = strv_add(&r->names, names.items[i]);
    return rc;
}

/* What follows the image's id: "stopped container 0123456789ab (name)". */
static bool list_users(struct removal *r, const struct strv *used_by)
{
    bool used = false;
    for (size_t i = 0; used_by && i < used_by->len; i++) {
        const char *id = used_by->items[i];
        id += strncmp(id, "sha256:", 7) == 0 ? 7 : 0;
        if (strncmp(id, r->hex, SHA256_HEX_SIZE - 1) != 0)
            continue;
        const char *user = id[SHA256_HEX_SIZE - 1] ? id + SHA256_HEX_SIZE : "a container";
        if (r->users.len < USERS_SHOWN)
            (void)buf_printf(&r->users, "%s%s", used ? ", " : "", user);
        else if (r->users.data[r->users.len - 1] != '.')
            (void)buf_puts(&r->users, ", ...");
        used = true;
    }
    return used;
}

static int untag(struct removal *r, const char *name, struct mtd_error *err)
{
    int rc = image_disk_drop_ref(r->store, name, err);
    return rc < 0 ? rc : report(r, "Untagged", "", name, err);
}

static int untag_all(struct removal *r, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < r->names.len && rc == 0; i++)
        rc = untag(r, r->names.items[i], err);
    return rc;
}

static int retire_layers(struct removal *r, const struct strv *layers,
                         struct mtd_error *err)
{
    auto_done(strv_done) struct strv needed = {0};
    if (image_list_needed(r->store, &needed) < 0)
        return 0;
    int rc = 0;
    for (size_t i = layers->len; i-- > 0 && rc == 0;) {
        if (strv_contains(&needed, layers->items[i]))
            continue;
        rc = image_disk_retire_layer(r->store, layers->items[i], &r->tmp);
        if (rc < 0)
            return mtd_fail_errno(err, -rc, "cannot remove layer %.12s",
                                  layers->items[i]);
        image_info_drop(r->store, layers->items[i]);
        fault_point("image.remove_layer");
        rc = report(r, "Deleted", "sha256:", layers->items[i], err);
    }
    return rc;
}

static int delete_image(struct removal *r, struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    bool damaged = image_disk_load(r->store, r->hex, &image, NULL) < 0;
    int rc = image_mark_removal(r->mark, r->hex, &r->names);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot write %s/images/tmp", r->store->root);
    fault_point("image.remove_names"); /* for kills only, like the next ones */
    rc = untag_all(r, err);
    if (rc < 0)
        return rc;
    fault_point("image.remove_config");
    image_disk_drop_links(r->store, IMAGE_DIGESTS, r->hex);
    image_disk_drop_links(r->store, IMAGE_IDS, r->hex);
    rc = image_disk_drop_config(r->store, r->hex);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot remove image \"%.100s\"", r->ref);
    rc = report(r, "Deleted", "sha256:", r->hex, err);
    if (rc == 0)
        rc = retire_layers(r, &image.layers, err);
    if (rc == 0 && damaged)
        image_sweep_layers(r->store);
    fault_point("image.remove_blobs");
    image_blob_sweep(r->store);
    return rc;
}

/* docker's words. */
static int in_use(struct removal *r, struct mtd_error *err)
{
    bool has_names = r->names.len > 0;
    if (r->force && has_names)
        return untag_all(r, err);
    int rc =
        mtd_fail(err, EBUSY,
                 "conflict: unable to remove image \"%.64s\" (%s) - it is being used "
                 "by %s",
                 r->ref, has_names ? "must be forced" : "cannot be forced",
                 r->users.data ? r->users.data : "a container");
    return has_names ? mtd_about(err, MTD_ABOUT_FORCE, rc) : rc;
}

static int remove_locked(struct removal *r, struct mtd_error *err)
{
    if (find_names(r) < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot remove image \"%.100s\"", r->ref);
    if (r->by_name && r->names.len > 1)
        return untag(r, r->asked.text, err);
    if (r->names.len > 1 && !r->force)
        return mtd_about(
            err, MTD_ABOUT_FORCE,
            mtd_fail(err, EBUSY,
                     "image \"%.64s\" has several names (%.40s, %.40s ...); remove it by "
                     "name",
                     r->ref, r->names.items[0], r->names.items[1]));
    return r->used ? in_use(r, err) : delete_image(r, err);
}

/* The mark makes a later command sweep what a kill leaves. */
static int remove_marked(struct removal *r, const struct strv *used_by,
                         struct mtd_error *err)
{
    char mark[IMAGE_TMP_NAME];
    int rc = resolve(r, err);
    if (rc < 0)
        return rc;
    auto_fd int marked = image_staging_mark(r->store, mark, err);
    if (marked < 0)
        return marked;
    r->mark = marked;
    r->used = list_users(r, used_by);
    size_t before = r->report->len;
    rc = remove_locked(r, err);
    if (r->report->len > before)
        image_index_write(r->store, NULL);
    fault_point("image.removed");
    return strv_add(&r->tmp, mark) < 0 ? -ENOMEM : rc;
}

static int remove_image(struct removal *r, const struct strv *used_by,
                        struct mtd_error *err)
{
    if (r->store->root_fd < 0)
        return resolve(r, err);
    int rc = image_disk_prepare(r->store, err);
    if (rc < 0)
        return rc;
    auto_fd int lock = image_lock(r->store, err);
    if (lock < 0)
        return lock;
    image_sweep_found(r->store);
    return remove_marked(r, used_by, err);
}

int image_remove(const struct image_store *s, const char *ref, bool force,
                 const struct strv *used_by, struct strv *ret_report,
                 struct mtd_error *err)
{
    struct removal r = {.store = s, .ref = ref, .force = force, .report = ret_report};
    int rc = remove_image(&r, used_by, err);
    image_disk_drop_tmp(s, &r.tmp);
    strv_done(&r.tmp);
    strv_done(&r.names);
    buf_done(&r.users);
    return rc;
}
