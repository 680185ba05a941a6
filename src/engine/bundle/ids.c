/* Ranges of ids, of a user namespace and of a mount. */

#include "engine/bundle/internal.h"

#include <errno.h>

#include "engine/idmap.h"

struct id_range {
    int64_t container, host, size;
};
struct id_list {
    struct mtd_idrange **items;
    size_t *n;
};

static int read_range(json_t *item, const char *where, size_t i, void *to,
                      struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"containerID", BUNDLE_NUMBER, offsetof(struct id_range, container), 0,
         BUNDLE_ID_MAX, true},
        {"hostID", BUNDLE_NUMBER, offsetof(struct id_range, host), 0, BUNDLE_ID_MAX,
         true},
        {"size", BUNDLE_NUMBER, offsetof(struct id_range, size), 1, BUNDLE_ID_MAX + 1,
         true},
        BUNDLE_END,
    };
    struct id_list *l = to;
    struct id_range r = {0};
    if (i >= MTD_IDMAP_RANGES)
        return bundle_bad(err, where, NULL, "too many ranges of ids");
    int rc = bundle_fields(item, where, FIELDS, &r, err);
    if (rc < 0)
        return rc;
    struct mtd_idrange *one = bundle_grow((void **)l->items, l->n, sizeof(*one), err);
    if (!one)
        return -ENOMEM;
    *one =
        (struct mtd_idrange){(uint64_t)r.container, (uint64_t)r.host, (uint64_t)r.size};
    return 0;
}

int bundle_id_maps(json_t *o, const char *where, const char *key,
                   struct mtd_idrange **ret, size_t *n, struct mtd_error *err)
{
    struct id_list l = {ret, n};
    return bundle_each(o, where, key, read_range, &l, err);
}
