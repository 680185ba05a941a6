/* An image's size is that of all its layers, however many images have them: here each layer
 * counts once. */

#include "cli/df_images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "cli/image_filter.h"
#include "cli/image_text.h"

static int containers_of(const struct df_images *d, const struct mtd_image *i)
{
    int n = 0;
    for (size_t k = 0; k < d->containers->len; k++) {
        const char *id = d->containers->items[k].image_id;
        n += id && strcmp(id, i->id) == 0;
    }
    return n;
}

static struct df_layer *find(const struct df_images *d, const char *chain)
{
    for (size_t i = 0; i < d->n_layers; i++)
        if (strcmp(d->layers[i].chain, chain) == 0)
            return &d->layers[i];
    return NULL;
}

static int add_layer(struct cli *c, struct df_images *d, const char *chain, bool active)
{
    struct df_layer *l = find(d, chain);
    if (!l) {
        struct df_layer *all = reallocarray(d->layers, d->n_layers + 1, sizeof(*all));
        if (!all)
            return -ENOMEM;
        d->layers = all;
        l = &all[d->n_layers++];
        *l = (struct df_layer){.chain = chain, .size = mtd_layer_size(c->engine, chain)};
    }
    l->images++;
    l->active = l->active || active;
    return 0;
}

int df_images_init(struct cli *c, const struct mtd_image_list *images,
                   const struct mtd_list *containers, struct df_images *ret)
{
    struct df_images d = {.images = images, .containers = containers};
    int rc = 0;
    for (size_t i = 0; i < images->len && rc == 0; i++) {
        const struct mtd_image *image = &images->items[i];
        bool active = containers_of(&d, image) > 0;
        d.active += active;
        for (size_t k = 0; k < image->layers.len && rc == 0; k++)
            rc = add_layer(c, &d, image->layers.items[k], active);
        if (image->layers.len == 0) { /* a source that was not unpacked yet */
            d.size += image->size;
            d.reclaimable += image->size;
        }
    }
    for (size_t i = 0; i < d.n_layers; i++) {
        d.size += d.layers[i].size;
        d.reclaimable += d.layers[i].active ? 0 : d.layers[i].size;
    }
    *ret = d;
    return rc;
}

void df_images_done(struct df_images *d)
{
    free(d->layers);
    *d = (struct df_images){0};
}

/* ---- the table ---- */

struct row {
    const struct df_images *d;
    const struct mtd_image *image;
    const char *name; /* NULL = none */
};

static const struct row *row_of(const void *row)
{
    return row;
}

static int get_repository(const void *row, struct buf *out)
{
    const char *name = row_of(row)->name;
    const char *colon = name ? image_filter_tag(name) : NULL;
    if (!name)
        return buf_puts(out, "<none>");
    return buf_add(out, name, colon ? (size_t)(colon - name) : strlen(name));
}

static int get_tag(const void *row, struct buf *out)
{
    const char *name = row_of(row)->name;
    const char *colon = name ? image_filter_tag(name) : NULL;
    return buf_puts(out, colon ? colon + 1 : "<none>");
}

static int get_id(const void *row, struct buf *out)
{
    return image_text_id(row_of(row)->image->id, false, out);
}

static int get_created(const void *row, struct buf *out)
{
    return image_text_since(row_of(row)->image->created_at, clock_wall_ns(), out);
}

static int put_size(uint64_t size, struct buf *out)
{
    char text[SIZE_TEXT];
    size_decimal(size, text);
    return buf_puts(out, text);
}

static uint64_t shared_of(const struct row *r)
{
    uint64_t size = 0;
    for (size_t i = 0; i < r->image->layers.len; i++) {
        const struct df_layer *l = find(r->d, r->image->layers.items[i]);
        size += l && l->images > 1 ? l->size : 0;
    }
    return size;
}

static int get_size(const void *row, struct buf *out)
{
    return put_size(row_of(row)->image->size, out);
}

static int get_shared(const void *row, struct buf *out)
{
    return put_size(shared_of(row), out);
}

static int get_unique(const void *row, struct buf *out)
{
    uint64_t all = row_of(row)->image->size, shared = shared_of(row);
    return put_size(all > shared ? all - shared : 0, out);
}

static int get_containers(const void *row, struct buf *out)
{
    return buf_printf(out, "%d", containers_of(row_of(row)->d, row_of(row)->image));
}

static const struct format_field FIELDS[] = {
    {"Repository", "REPOSITORY", get_repository},
    {"Tag", "TAG", get_tag},
    {"ID", "IMAGE ID", get_id},
    {"CreatedSince", "CREATED", get_created},
    {"Size", "SIZE", get_size},
    {"SharedSize", "SHARED SIZE", get_shared},
    {"UniqueSize", "UNIQUE SIZE", get_unique},
    {"Containers", "CONTAINERS", get_containers},
    FORMAT_FIELDS_END,
};
#define TABLE                                                                           \
    "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}" \
    "\t{{.UniqueSize}}\t{{.Containers}}"

int df_images_print(const struct df_images *d, const char *format, struct mtd_error *err)
{
    struct table table = {0};
    int rc = table_init(&table, format, FIELDS, TABLE, err);
    for (size_t i = 0; i < d->images->len && rc == 0; i++) {
        const struct mtd_image *image = &d->images->items[i];
        struct row row = {d, image, image->names.len ? image->names.items[0] : NULL};
        rc = table_add(&table, &row, err);
    }
    if (rc == 0)
        rc = table_print(&table, err);
    table_done(&table);
    return rc;
}
