/* verb_history - history: the layers of an image, newest first. An image has no history of its
 * own: a layer's is that of the image which ends with it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"
#include "cli/du.h"
#include "cli/image_text.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/verb.h"

struct history_values {
    bool quiet, no_trunc, human;
    const char *format;
    struct table table;
};

static const struct option_row HISTORY_OPTIONS[] = {
    {"format", 0, OPTION_TEXT, offsetof(struct history_values, format), NULL, "FORMAT",
     "table, json, or a template such as '{{.ID}} {{.Size}}'"},
    {"platform", 0, OPTION_IGNORE, 0, NULL, "PLATFORM", ONE_PLATFORM},
    {"human", 'H', OPTION_FLAG, offsetof(struct history_values, human), NULL, NULL,
     "Sizes and times for people (default); --human=false gives bytes and dates"},
    {"no-trunc", 0, OPTION_FLAG, offsetof(struct history_values, no_trunc), NULL, NULL,
     "Do not shorten anything"},
    {"quiet", 'q', OPTION_FLAG, offsetof(struct history_values, quiet), NULL, NULL,
     "Print only IDs"},
    OPTION_END,
};

/* One layer. Its time, comment and command are those of the image that it is the top of; docker
 * calls an image that is not there missing. */
struct history_row {
    const struct mtd_image *image; /* NULL = missing */
    const struct history_values *v;
    uint64_t size;
};

static const struct history_row *row_of(const void *row)
{
    return row;
}

static int get_id(const void *row, struct buf *out)
{
    const struct mtd_image *i = row_of(row)->image;
    return i ? image_text_id(i->id, row_of(row)->v->no_trunc, out)
             : buf_puts(out, "<missing>");
}

static int get_at(const void *row, struct buf *out)
{
    char text[TIME_TEXT];
    const struct mtd_image *i = row_of(row)->image;
    if (!i || i->created_at == 0)
        return buf_puts(out, "N/A");
    time_format_local(i->created_at, false, text);
    return buf_puts(out, text);
}

static int get_since(const void *row, struct buf *out)
{
    const struct history_row *r = row;
    return r->v->human && r->image ? image_text_age(r->image, clock_wall_ns(), out)
                                   : get_at(row, out);
}

static int add_cut(const void *row, const char *text, size_t width, struct buf *out)
{
    return row_of(row)->v->no_trunc ? buf_puts(out, text)
                                    : print_ellipsis(out, text, width);
}

/* As docker's of a commit: what the container ran. */
static int get_created_by(const void *row, struct buf *out)
{
    auto_done(buf_done) struct buf command = {0};
    const struct mtd_image *i = row_of(row)->image;
    int rc = 0;
    for (size_t n = 0; i && n < i->config.cmd.len && rc == 0; n++)
        rc = buf_printf(&command, "%s%s", n ? " " : "", i->config.cmd.items[n]);
    return rc < 0 || !command.data ? rc : add_cut(row, command.data, 45, out);
}

static int get_size(const void *row, struct buf *out)
{
    char text[SIZE_TEXT];
    uint64_t size = row_of(row)->size;
    if (!row_of(row)->v->human)
        return buf_printf(out, "%llu", (unsigned long long)size);
    size_decimal(size, text);
    return buf_puts(out, text);
}

static int get_comment(const void *row, struct buf *out)
{
    const struct mtd_image *i = row_of(row)->image;
    return i && i->config.comment ? buf_puts(out, i->config.comment) : 0;
}

static const struct format_field HISTORY_FIELDS[] = {
    {"ID", "IMAGE", get_id},
    {"CreatedSince", "CREATED", get_since},
    {"CreatedAt", "CREATED AT", get_at},
    {"CreatedBy", "CREATED BY", get_created_by},
    {"Size", "SIZE", get_size},
    {"Comment", "COMMENT", get_comment},
    FORMAT_FIELDS_END,
};
#define HISTORY_TABLE \
    "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"

/* The image of exactly the lowest n layers; NULL = there is none. */
static const struct mtd_image *image_with(const struct mtd_image_list *all,
                                          const struct strv *layers, size_t n)
{
    for (size_t i = 0; i < all->len; i++) {
        const struct strv *own = &all->items[i].layers;
        size_t k = 0;
        while (own->len == n && k < n && strcmp(own->items[k], layers->items[k]) == 0)
            k++;
        if (n > 0 && k == n)
            return &all->items[i];
    }
    return NULL;
}

/* What the image is larger by than the one below; without it, what the files are. */
static uint64_t layer_size(struct cli *c, const char *layer,
                           const struct mtd_image *image, const struct mtd_image *below,
                           bool lowest)
{
    auto_free char *path = NULL;
    uint64_t under = below ? below->size : 0;
    if (image && (below || lowest) && image->size >= under)
        return image->size - under;
    if (asprintf(&path, "%s/images/layers/%s", mtd_root(c->engine), layer) < 0)
        return 0;
    return du_tree(path);
}

static int add_layers(struct cli *c, struct history_values *v,
                      const struct mtd_image *image, struct mtd_error *err)
{
    auto_done(mtd_image_list_done) struct mtd_image_list all = {0};
    int rc = mtd_images(c->engine, &all, err);
    for (size_t n = image->layers.len; n > 0 && rc == 0; n--) {
        const struct mtd_image *own =
            n == image->layers.len ? image : image_with(&all, &image->layers, n);
        struct history_row row = {own, v, 0};
        row.size = layer_size(c, image->layers.items[n - 1], own,
                              image_with(&all, &image->layers, n - 1), n == 1);
        rc = table_add(&v->table, &row, err);
    }
    return rc;
}

static void init_history(void *values)
{
    ((struct history_values *)values)->human = true;
}

static int run_history(struct cli *c, void *values, const struct operands *o)
{
    struct history_values *v = values;
    struct mtd_error err = {0};
    auto_done(mtd_image_done) struct mtd_image image = {0};
    const char *format = v->quiet && !v->format ? "{{.ID}}" : v->format;
    int rc = table_init(&v->table, format, HISTORY_FIELDS, HISTORY_TABLE, &err);
    if (rc == 0)
        rc = mtd_image_find(c->engine, o->items[0], &image, &err);
    if (rc == 0)
        rc = add_layers(c, v, &image, &err);
    if (rc == 0)
        rc = table_print(&v->table, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "%.80s", o->items[0]);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static void done_history(void *values)
{
    table_done(&((struct history_values *)values)->table);
}

const struct verb VERBS_HISTORY[] = {
    {.name = "history",
     .operands = "IMAGE",
     .summary = "Show the layers of an image",
     .group = GROUP_IMAGE,
     .flags = VERB_READ_ONLY,
     .options = {{HISTORY_OPTIONS}},
     .values_size = sizeof(struct history_values),
     .min = 1,
     .max = 1,
     .init = init_history,
     .run = run_history,
     .done = done_history},
    VERB_END,
};
