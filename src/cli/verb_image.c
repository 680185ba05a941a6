/* verb_image - images, rmi, tag: all but what makes images (verb_archive.c). */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"
#include "cli/each.h"
#include "cli/image_filter.h"
#include "cli/image_text.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/verb.h"

/* One line: an image under one of its names; an image without any is "dangling". */
struct image_row {
    const struct mtd_image *image;
    const char *name; /* "busybox:latest"; NULL = none */
    bool no_trunc;
    int64_t now;
};

static const struct image_row *row_of(const void *row)
{
    return row;
}

static int get_repository(const void *row, struct buf *out)
{
    const char *name = row_of(row)->name;
    if (!name)
        return buf_puts(out, "<none>");
    const char *colon = image_filter_tag(name);
    return buf_add(out, name, colon ? (size_t)(colon - name) : strlen(name));
}

static int get_tag(const void *row, struct buf *out)
{
    const char *name = row_of(row)->name;
    const char *colon = name ? image_filter_tag(name) : NULL;
    return buf_puts(out, colon ? colon + 1 : "<none>");
}

int image_text_id(const char *id, bool no_trunc, struct buf *out)
{
    if (!*id)
        return buf_puts(out, "<none>");
    if (no_trunc)
        return buf_puts(out, id);
    const char *hex = strncmp(id, "sha256:", 7) == 0 ? id + 7 : id;
    return buf_printf(out, "%.12s", hex);
}

static int get_id(const void *row, struct buf *out)
{
    return image_text_id(row_of(row)->image->id, row_of(row)->no_trunc, out);
}

/* Imported images may have no date. */
int image_text_since(int64_t at, int64_t now, struct buf *out)
{
    char age[TIME_TEXT];
    if (at == 0)
        return buf_puts(out, "N/A");
    int64_t ns = now - at;
    time_human_duration(ns > 0 ? ns : 0, age);
    return buf_printf(out, "%s ago", age);
}

static int get_created_since(const void *row, struct buf *out)
{
    return image_text_since(row_of(row)->image->created_at, row_of(row)->now, out);
}

static int get_created_at(const void *row, struct buf *out)
{
    char text[TIME_TEXT];
    if (row_of(row)->image->created_at == 0)
        return buf_puts(out, "N/A");
    time_format_created(row_of(row)->image->created_at, text);
    return buf_puts(out, text);
}

static int get_size(const void *row, struct buf *out)
{
    char text[SIZE_TEXT];
    size_decimal(row_of(row)->image->size, text);
    return buf_puts(out, text);
}

/* What the repository said the image is, when it was pulled. */
static int get_digest(const void *row, struct buf *out)
{
    const struct image_row *r = row;
    const char *colon = r->name ? image_filter_tag(r->name) : NULL;
    size_t len = colon ? (size_t)(colon - r->name) : r->name ? strlen(r->name) : 0;
    for (size_t i = 0; i < r->image->digests.len; i++) {
        const char *digest = r->image->digests.items[i];
        const char *at = strchr(digest, '@');
        bool same = at && r->name && (size_t)(at - digest) == len &&
                    !strncmp(digest, r->name, len);
        if (at && (same || !r->name))
            return buf_puts(out, at + 1);
    }
    return buf_puts(out, "<none>");
}

static int get_not_known(const void *row, struct buf *out)
{
    (void)row;
    return buf_puts(out, "N/A");
}

static const struct format_field IMAGE_FIELDS[] = {
    {"Repository", "REPOSITORY", get_repository},
    {"Tag", "TAG", get_tag},
    {"ID", "IMAGE ID", get_id},
    {"CreatedSince", "CREATED", get_created_since},
    {"CreatedAt", "CREATED AT", get_created_at},
    {"Size", "SIZE", get_size},
    {"Digest", "DIGEST", get_digest},
    {"Containers", "CONTAINERS", get_not_known},
    {"SharedSize", "SHARED SIZE", get_not_known},
    {"UniqueSize", "UNIQUE SIZE", get_not_known},
    {"VirtualSize", "SIZE", get_size},
    FORMAT_FIELDS_END,
};
#define IMAGE_DIGESTS \
    "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
#define IMAGE_TABLE "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"

/* ---- images ---- */

struct images_values {
    bool all, quiet, no_trunc, digests;
    const char *format;
    struct option_list filters;
    struct image_filter filter;
    struct table table;
};

#define FIELD(f) offsetof(struct images_values, f)
static const struct option_row IMAGES_OPTIONS[] = {
    {"all", 'a', OPTION_FLAG, FIELD(all), NULL, NULL,
     "Show all images (none are hidden)"},
    {"digests", 0, OPTION_FLAG, FIELD(digests), NULL, NULL,
     "Show the digests of what was pulled"},
    {"tree", 0, OPTION_IGNORE, 0, NULL, NULL, "ignored; an image has one platform"},
    {"filter", 'f', OPTION_FILTER, FIELD(filters), NULL, "KEY=VALUE",
     "Filter by reference, dangling, label, before, since or until"},
    {"format", 0, OPTION_TEXT, FIELD(format), NULL, "FORMAT",
     "table, json, or a template such as '{{.Repository}}:{{.Tag}}'"},
    {"no-trunc", 0, OPTION_FLAG, FIELD(no_trunc), NULL, NULL, "Do not shorten IDs"},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL, "Print only IDs"},
    OPTION_END,
};

static int check_images(void *values, const struct operands *o, struct mtd_error *err)
{
    const struct images_values *v = values;
    (void)o;
    return image_filter_check(&v->filters, IMAGE_FILTER_LIST, err);
}

static bool is_shown(const struct images_values *v, const struct operands *o,
                     const struct image_row *r)
{
    if (v->quiet && !*r->image->id)
        return false;
    return image_filter_match(&v->filter, r->image, r->name) &&
           (o->len == 0 || image_filter_reference(r->name, o->items[0]));
}

static int add_image(struct images_values *v, const struct operands *o,
                     const struct mtd_image *image, struct mtd_error *err)
{
    size_t n = image->names.len ? image->names.len : 1;
    for (size_t i = 0; i < n; i++) {
        struct image_row row = {image, image->names.len ? image->names.items[i] : NULL,
                                v->no_trunc, clock_wall_ns()};
        int rc = is_shown(v, o, &row) ? table_add(&v->table, &row, err) : 0;
        if (rc < 0)
            return rc;
        if (v->quiet && is_shown(v, o, &row))
            break; /* docker -q names an image once */
    }
    return 0;
}

static int run_images(struct cli *c, void *values, const struct operands *o)
{
    struct images_values *v = values;
    struct mtd_error err = {0};
    auto_done(mtd_image_list_done) struct mtd_image_list list = {0};
    const char *format = v->quiet && !v->format ? "{{.ID}}" : v->format;
    int rc = table_init(&v->table, format, IMAGE_FIELDS,
                        v->digests ? IMAGE_DIGESTS : IMAGE_TABLE, &err);
    if (rc == 0)
        rc = image_filter_init(c, &v->filters, &v->filter, &err);
    if (rc == 0)
        rc = mtd_images(c->engine, &list, &err);
    for (size_t i = 0; i < list.len && rc == 0; i++)
        rc = add_image(v, o, &list.items[i], &err);
    if (rc == 0)
        rc = table_print(&v->table, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot list the images");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static void done_images(void *values)
{
    table_done(&((struct images_values *)values)->table);
}

/* ---- rmi, tag ---- */

struct rmi_values {
    bool force, no_prune;
};

static const struct option_row RMI_OPTIONS[] = {
    {"force", 'f', OPTION_FLAG, offsetof(struct rmi_values, force), NULL, NULL,
     "Remove it even if it has several names; if containers use it, remove its names"},
    {"no-prune", 0, OPTION_FLAG, offsetof(struct rmi_values, no_prune)},
    {"platform", 0, OPTION_IGNORE, 0, NULL, "PLATFORM", ONE_PLATFORM},
    {"imageName", 0, OPTION_FIRST},
    OPTION_END,
};

static int rmi_one(struct cli *c, const char *ref, const void *values,
                   struct mtd_error *err)
{
    const struct rmi_values *v = values;
    auto_done(strv_done) struct strv report = {0};
    int rc = mtd_image_remove(c->engine, ref, v->force, &report, err);
    if (rc == -ENOENT && v->force) /* said, but no failure, as docker */
        return report_error(c, 0, err);
    for (size_t i = 0; i < report.len; i++)
        if (print_line(report.items[i], err) < 0)
            return -EIO;
    return rc;
}

static int run_rmi(struct cli *c, void *values, const struct operands *o)
{
    return each_in_turn(c, o, values, rmi_one, false);
}

static int run_tag(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    (void)values;
    int rc = mtd_image_tag(c->engine, o->items[0], o->items[1], &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "%.80s", o->items[0]);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_IMAGE[] = {
    {.name = "images",
     .operands = "[REPOSITORY[:TAG]]",
     .summary = "List images",
     .group = GROUP_IMAGE,
     .flags = VERB_READ_ONLY,
     .options = {{IMAGES_OPTIONS}},
     .values_size = sizeof(struct images_values),
     .max = 1,
     .check = check_images,
     .run = run_images,
     .done = done_images},
    {.name = "rmi",
     .operands = "IMAGE [IMAGE...]",
     .summary = "Remove images",
     .group = GROUP_IMAGE,
     .flags = VERB_EXISTING,
     .options = {{RMI_OPTIONS}},
     .values_size = sizeof(struct rmi_values),
     .min = 1,
     .max = VERB_MANY,
     .run = run_rmi},
    {.name = "tag",
     .operands = "IMAGE NAME[:TAG]",
     .summary = "Give an image another name",
     .group = GROUP_IMAGE,
     .flags = VERB_EXISTING,
     .min = 2,
     .max = 2,
     .run = run_tag},
    VERB_END,
};
