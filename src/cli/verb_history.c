/* verb_history - history: the steps an image was made in, newest first. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"
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

/* One step. docker calls an image that is not there missing. */
struct history_row {
    const struct mtd_image *image; /* which ends with it; NULL = missing */
    const struct mtd_history *step;
    const struct history_values *v;
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
    int64_t at = row_of(row)->step->created_at;
    if (at == 0)
        return buf_puts(out, "N/A");
    time_format_local(at, false, text);
    return buf_puts(out, text);
}

static int get_since(const void *row, struct buf *out)
{
    const struct history_row *r = row;
    return r->v->human ? image_text_since(r->step->created_at, clock_wall_ns(), out)
                       : get_at(row, out);
}

static int add_cut(const void *row, const char *text, size_t width, struct buf *out)
{
    return row_of(row)->v->no_trunc ? buf_puts(out, text)
                                    : print_ellipsis(out, text, width);
}

static int get_created_by(const void *row, struct buf *out)
{
    const char *text = row_of(row)->step->created_by;
    return text ? add_cut(row, text, 45, out) : 0;
}

static int get_size(const void *row, struct buf *out)
{
    char text[SIZE_TEXT];
    uint64_t size = row_of(row)->step->size;
    if (!row_of(row)->v->human)
        return buf_printf(out, "%llu", (unsigned long long)size);
    size_decimal(size, text);
    return buf_puts(out, text);
}

static int get_comment(const void *row, struct buf *out)
{
    const char *text = row_of(row)->step->comment;
    return text ? buf_puts(out, text) : 0;
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

/* The same of a step below the image's last: it is never the image itself. */
static const struct mtd_image *image_below(const struct mtd_image_list *all,
                                           const struct mtd_image *image, size_t n)
{
    const struct mtd_image *found = image_with(all, &image->layers, n);
    return found && strcmp(found->id, image->id) == 0 ? NULL : found;
}

/* From the newest step on. One that has no layer of its own belongs to the image above. */
static int add_steps(struct cli *c, struct history_values *v,
                     const struct mtd_image *image, const struct mtd_history_list *steps,
                     struct mtd_error *err)
{
    auto_done(mtd_image_list_done) struct mtd_image_list all = {0};
    int rc = mtd_images(c->engine, &all, err);
    size_t layers = image->layers.len;
    for (size_t i = steps->len; i-- > 0 && rc == 0;) {
        const struct mtd_history *step = &steps->items[i];
        struct history_row row = {NULL, step, v};
        if (i + 1 == steps->len)
            row.image = image;
        else if (!step->empty_layer)
            row.image = image_below(&all, image, layers);
        layers -= !step->empty_layer && layers > 0;
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
    auto_done(mtd_history_list_done) struct mtd_history_list steps = {0};
    const char *format = v->quiet && !v->format ? "{{.ID}}" : v->format;
    int rc = table_init(&v->table, format, HISTORY_FIELDS, HISTORY_TABLE, &err);
    if (rc == 0)
        rc = mtd_image_find(c->engine, o->items[0], &image, &err);
    if (rc == 0)
        rc = mtd_image_history(c->engine, o->items[0], &steps, &err);
    if (rc == 0)
        rc = add_steps(c, v, &image, &steps, &err);
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
