/* Who lists all images asks each for its names: sorted by image, so that each need not look
 * at the names of all others. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct image_named_item *x = a, *y = b;
    int order = strcmp(x->hex, y->hex);
    return order ? order : strcmp(x->name, y->name);
}

int image_named_list(const struct image_store *s, struct image_named *ret)
{
    struct image_named n = {.len = 0};
    int rc = image_disk_list_refs(s, &n.names, &n.ids);
    if (rc == 0 && !(n.items = calloc(n.names.len + 1, sizeof(*n.items))))
        rc = -ENOMEM;
    if (rc < 0) {
        image_named_done(&n);
        return rc;
    }
    for (; n.len < n.names.len; n.len++)
        n.items[n.len] =
            (struct image_named_item){n.ids.items[n.len], n.names.items[n.len]};
    qsort(n.items, n.len, sizeof(*n.items), compare);
    *ret = n;
    return 0;
}

void image_named_done(struct image_named *n)
{
    strv_done(&n->names);
    strv_done(&n->ids);
    free(n->items);
    *n = (struct image_named){.len = 0};
}

const struct image_named_item *image_named_find(const struct image_named *n,
                                                const char *hex, size_t *ret_n)
{
    size_t from = 0, to = n->len;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(n->items[middle].hex, hex) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (to = from; to < n->len && strcmp(n->items[to].hex, hex) == 0;)
        to++;
    *ret_n = to - from;
    return n->items + from;
}
