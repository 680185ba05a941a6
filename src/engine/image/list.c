/* A list must be quick and change nothing, so it unpacks nothing: a source that was not
 * used yet is shown with what is known of it. */

#include "engine/image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/image/internal.h"

static struct mtd_image *grow(struct mtd_image_list *l)
{
    struct mtd_image *items = reallocarray(l->items, l->len + 1, sizeof(*items));
    if (!items)
        return NULL;
    l->items = items;
    items[l->len] = (struct mtd_image){0};
    return &items[l->len++];
}

/* One that is gone or damaged is skipped, so that the others are shown. */
static int add_unpacked(const struct image_store *s, const char *hex,
                        const struct image_named *named, struct mtd_image_list *ret)
{
    struct mtd_image image = {0};
    if (image_disk_load(s, hex, &image, NULL) < 0)
        return 0;
    struct mtd_image *slot = grow(ret);
    if (!slot) {
        mtd_image_done(&image);
        return -ENOMEM;
    }
    *slot = image;
    int rc = 0;
    size_t n;
    const struct image_named_item *item = image_named_find(named, hex, &n);
    for (; n > 0 && rc == 0; n--)
        rc = strv_add(&slot->names, item++->name);
    return rc;
}

/* "" when it has none yet; NULL = out of memory. */
static char *id_of(const struct image_store *s, const struct image_source *src)
{
    char hex[SHA256_HEX_SIZE], *id = NULL;
    int rc = image_source_id(s, src, hex);
    if (rc < 0)
        return rc == -ENOMEM ? NULL : strdup("");
    return asprintf(&id, "sha256:%s", hex) < 0 ? NULL : id;
}

static struct mtd_image *find(const struct mtd_image_list *l, const char *id)
{
    for (size_t i = 0; i < l->len && *id; i++)
        if (strcmp(l->items[i].id, id) == 0)
            return &l->items[i];
    return NULL;
}

/* One that was unpacked may have kept other names only. */
static int add_source(const struct image_store *s, const char *name,
                      struct mtd_image_list *ret)
{
    struct image_source src;
    if (image_source_find(s, name, &src) < 0)
        return 0;
    auto_free char *id = id_of(s, &src);
    struct mtd_image *slot = id ? find(ret, id) : NULL;
    if (slot)
        return strv_add(&slot->names, name);
    slot = id ? grow(ret) : NULL;
    if (!slot)
        return -ENOMEM;
    slot->id = take_ptr(&id);
    slot->created_at = src.created_at;
    slot->size = src.size;
    return strv_add(&slot->names, name);
}

static int newest_first(const void *a, const void *b)
{
    const struct mtd_image *x = a, *y = b;
    if (x->created_at != y->created_at)
        return x->created_at > y->created_at ? -1 : 1;
    int order = strcmp(x->id, y->id);
    if (order || x->names.len == 0 || y->names.len == 0)
        return order;
    return strcmp(x->names.items[0], y->names.items[0]); /* of those without an id */
}

static int fill(const struct image_store *s, struct mtd_image_list *ret)
{
    auto_done(image_named_done) struct image_named named = {.len = 0};
    auto_done(strv_done) struct strv all = {0}, sources = {0};
    int rc = image_named_list(s, &named);
    if (rc == 0)
        rc = image_disk_list_ids(s, "", &all);
    if (rc == 0)
        rc = image_source_list(s, &sources);
    for (size_t i = 0; i < all.len && rc == 0; i++)
        rc = add_unpacked(s, all.items[i], &named, ret);
    for (size_t i = 0; i < sources.len && rc == 0; i++)
        if (!strv_contains(&named.names, sources.items[i]))
            rc = add_source(s, sources.items[i], ret);
    return rc;
}

int image_list(const struct image_store *s, struct mtd_image_list *ret,
               struct mtd_error *err)
{
    struct mtd_image_list list = {0};
    int rc = fill(s, &list);
    if (rc < 0) {
        mtd_image_list_done(&list);
        return mtd_fail_errno(err, -rc, "cannot list %s/images", s->root);
    }
    if (list.len > 1)
        qsort(list.items, list.len, sizeof(*list.items), newest_first);
    *ret = list;
    return 0;
}
