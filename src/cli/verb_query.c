/* verb_query - ps, inspect, diff: read the state and change nothing. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "cli/du.h"
#include "cli/image_text.h"
#include "cli/inspect.h"
#include "cli/print.h"
#include "cli/ps.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/verb.h"

/* ---- ps ---- */

struct ps_values {
    bool all, quiet, latest, size, no_trunc;
    int64_t last; /* -1 = not given */
    const char *format;
    struct option_list filters;
    struct ps_filters parsed;
    struct table table;
};

static int set_last(void *field, const char *text, struct mtd_error *err)
{
    if (parse_i64(text, -1, INT32_MAX, field) < 0)
        return mtd_fail(err, EINVAL, "\"%.40s\" is not a number of containers", text);
    return 0;
}

#define FIELD(f) offsetof(struct ps_values, f)
static const struct option_row PS_OPTIONS[] = {
    {"all", 'a', OPTION_FLAG, FIELD(all), NULL, NULL,
     "Show all containers, not only running ones"},
    {"filter", 'f', OPTION_FILTER, FIELD(filters), NULL, "KEY=VALUE",
     "Filter by id, name, status, label, ancestor, exited, "
     "volume, network, health, before, "
     "since"},
    {"format", 0, OPTION_TEXT, FIELD(format), NULL, "FORMAT",
     "table, json, or a template such as '{{.ID}} {{.Names}}'"},
    {"last", 'n', OPTION_VALUE, FIELD(last), set_last, "N",
     "Show the N most recently created, in any state"},
    {"latest", 'l', OPTION_FLAG, FIELD(latest), NULL, NULL,
     "Show the most recently created one"},
    {"no-trunc", 0, OPTION_FLAG, FIELD(no_trunc), NULL, NULL, "Do not shorten anything"},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL, "Print only IDs"},
    {"size", 's', OPTION_FLAG, FIELD(size), NULL, NULL, "Show sizes"},
    OPTION_END,
};

static void init_ps(void *values)
{
    ((struct ps_values *)values)->last = -1;
}

static void done_ps(void *values)
{
    struct ps_values *v = values;
    ps_filters_done(&v->parsed);
    table_done(&v->table);
}

static bool wants_size(const struct ps_values *v)
{
    return v->size || format_uses(&v->table.format, "Size");
}

static void fill_size(struct cli *c, const struct mtd_image_list *images,
                      struct ps_row *row)
{
    const struct mtd_summary *s = row->container;
    auto_free char *upper = mtd_path(c->engine, s->id, "upper");
    row->has_size = true;
    row->size = row->virtual_size = upper ? du_tree(upper) : 0;
    for (size_t i = 0; i < images->len; i++)
        if (s->image_id && strcmp(images->items[i].id, s->image_id) == 0)
            row->virtual_size += images->items[i].size;
}

static bool is_shown(const struct ps_values *v, const struct mtd_summary *s)
{
    bool all = v->all || v->last >= 0 || v->parsed.all;
    if (!all && !mtd_state_is_active(s->state) && s->state != MTD_STATE_BROKEN)
        return false;
    return ps_filters_match(&v->parsed, s);
}

static int add_rows(struct cli *c, struct ps_values *v, const struct mtd_list *list,
                    struct mtd_error *err)
{
    auto_done(mtd_image_list_done) struct mtd_image_list images = {0};
    bool size = wants_size(v);
    int64_t left = v->last >= 0 ? v->last : INT64_MAX;
    int rc = size && list->len ? mtd_images(c->engine, &images, err) : 0;
    for (size_t i = 0; i < list->len && left > 0 && rc == 0; i++) {
        struct ps_row row = {&list->items[i], clock_wall_ns(), v->no_trunc};
        if (!is_shown(v, row.container))
            continue;
        left--;
        if (size)
            fill_size(c, &images, &row);
        rc = table_add(&v->table, &row, err);
    }
    return rc;
}

static int check_ps(void *values, const struct operands *o, struct mtd_error *err)
{
    struct ps_values *v = values;
    (void)o;
    if (v->latest)
        v->last = 1;
    return 0;
}

static int run_ps(struct cli *c, void *values, const struct operands *o)
{
    struct ps_values *v = values;
    struct mtd_error err = {0};
    auto_done(mtd_list_done) struct mtd_list list = {0};
    (void)o;
    const char *format = v->quiet && !v->format ? "{{.ID}}" : v->format;
    int rc = table_init(&v->table, format, PS_FIELDS, v->size ? PS_TABLE_SIZE : PS_TABLE,
                        &err);
    if (rc == 0)
        rc = ps_filters_parse(&v->filters, &v->parsed, &err);
    if (rc == 0)
        rc = mtd_list(c->engine, &list, &err);
    if (rc == 0)
        rc = ps_filters_resolve(&v->parsed, c->engine, &list, &err);
    if (rc == 0)
        rc = add_rows(c, v, &list, &err);
    if (rc == 0)
        rc = table_print(&v->table, &err);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

/* ---- inspect ---- */

struct inspect_values {
    const char *format, *type;
    bool size;
    struct format compiled;
};

static const struct option_row INSPECT_OPTIONS[] = {
    {"format", 'f', OPTION_TEXT, offsetof(struct inspect_values, format), NULL, "FORMAT",
     "json, or a template such as '{{.State.Status}}'"},
    {"size", 's', OPTION_FLAG, offsetof(struct inspect_values, size), NULL, NULL,
     "Add SizeRw and SizeRootFs"},
    {"type", 0, OPTION_TEXT, offsetof(struct inspect_values, type), NULL, "TYPE",
     "container, image, network or volume"},
    {"containerId", 0, OPTION_FIRST},
    {"platform", 0, OPTION_IGNORE, 0, NULL, "PLATFORM", ONE_PLATFORM},
    OPTION_END,
};

static int check_inspect(void *values, const struct operands *o, struct mtd_error *err)
{
    struct inspect_values *v = values;
    (void)o;
    if (v->type && !*v->type)
        v->type = NULL;
    if (v->type && strcmp(v->type, "container") != 0 && strcmp(v->type, "image") != 0 &&
        strcmp(v->type, "network") != 0 && strcmp(v->type, "volume") != 0)
        return mtd_fail(err, EINVAL,
                        "--type: \"%.40s\" is not container, image, network or volume",
                        v->type);
    return 0;
}

static void done_inspect(void *values)
{
    format_done(&((struct inspect_values *)values)->compiled);
}

static void add_sizes(struct cli *c, const struct mtd_record *r, json_t *o)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    auto_free char *upper = mtd_path(c->engine, r->id, "upper");
    uint64_t size = upper ? du_tree(upper) : 0;
    json_object_set_new(o, "SizeRw", json_integer((json_int_t)size));
    if (r->spec.image_id &&
        mtd_image_find(c->engine, r->spec.image_id, &image, NULL) == 0)
        size += image.size;
    json_object_set_new(o, "SizeRootFs", json_integer((json_int_t)size));
}

static int look_container(struct cli *c, const struct inspect_values *v, const char *ref,
                          json_t **ret, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int rc = mtd_inspect(c->engine, ref, &r, err);
    if (rc < 0)
        return rc;
    *ret = inspect_container(c->engine, &r);
    if (*ret && v->size)
        add_sizes(c, &r, *ret);
    return *ret ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static int look_image(struct cli *c, const char *ref, json_t **ret, struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    int rc = mtd_image_find(c->engine, ref, &image, err);
    if (rc < 0)
        return rc;
    *ret = inspect_image(c->engine, &image);
    return *ret ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static int look_volume(struct cli *c, const char *ref, json_t **ret,
                       struct mtd_error *err)
{
    auto_done(mtd_volume_done) struct mtd_volume volume = {0};
    int rc = mtd_volume_find(c->engine, ref, &volume, err);
    if (rc < 0)
        return rc;
    *ret = inspect_volume(c->engine, &volume);
    return *ret ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static bool is_asked(const struct inspect_values *v, const char *type)
{
    return !v->type || strcmp(v->type, type) == 0;
}

/* As docker: a container of that name first, then an image, a network, a volume. */
static int look_up(struct cli *c, const struct inspect_values *v, const char *ref,
                   json_t **ret, struct mtd_error *err)
{
    int rc = -ENOENT;
    if (is_asked(v, "container"))
        rc = look_container(c, v, ref, ret, err);
    if (rc == -ENOENT && is_asked(v, "image")) {
        mtd_error_clear(err);
        rc = look_image(c, ref, ret, err);
    }
    if (rc == -ENOENT && is_asked(v, "network")) {
        mtd_error_clear(err);
        rc = inspect_network(c->engine, ref, ret, err);
    }
    if (rc == -ENOENT && is_asked(v, "volume")) {
        mtd_error_clear(err);
        rc = look_volume(c, ref, ret, err);
    }
    if (rc == -ENOENT) {
        mtd_error_clear(err);
        return mtd_fail(err, ENOENT, "no such %s: %.80s", v->type ? v->type : "object",
                        ref);
    }
    return rc;
}

/* As docker, --format json prints the array, too, but on one line. how: jansson's flags. */
static int print_tree(struct cli *c, const json_t *list, size_t how)
{
    auto_free char *text = json_dumps(list, how);
    struct mtd_error err = {0};
    int rc = text ? print_line(text, &err) : -ENOMEM;
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot print");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static int print_formatted(struct cli *c, const struct inspect_values *v,
                           const json_t *list)
{
    auto_done(buf_done) struct buf out = {0};
    struct mtd_error err = {0};
    int rc = 0;
    for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
        rc = format_json_row(&v->compiled, json_array_get(list, i), &out, &err);
        if (rc == 0)
            rc = buf_putc(&out, '\n');
    }
    if (rc == 0 && out.len == 0)
        rc = buf_putc(&out, '\n'); /* docker's answer about nothing */
    if (rc == 0)
        rc = print_out(&out, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot print");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static int run_inspect(struct cli *c, void *values, const struct operands *o)
{
    struct inspect_values *v = values;
    struct mtd_error err = {0};
    int status = 0;
    if (c->object && !v->type)
        v->type = c->object;
    if (format_compile(&v->compiled, v->format, NULL, NULL, &err) < 0)
        return report_error(c, STATUS_FAILED, &err);
    json_t *list = json_array();
    auto_free struct mtd_error *errors = calloc(o->len, sizeof(*errors));
    if (!errors)
        return report_fail(c, STATUS_FAILED, "out of memory");
    for (size_t i = 0; i < o->len; i++) {
        json_t *item = NULL;
        struct mtd_error *why = &errors[i];
        if (look_up(c, v, o->items[i], &item, why) == 0)
            json_array_append_new(list, item);
    }
    int printed = v->compiled.kind == FORMAT_TABLE  ? print_tree(c, list, JSON_INDENT(4))
                  : v->compiled.kind == FORMAT_JSON ? print_tree(c, list, JSON_COMPACT)
                                                    : print_formatted(c, v, list);
    json_decref(list);
    for (size_t i = 0; i < o->len; i++)
        if (errors[i].code)
            status = report_error(c, STATUS_FAILED, &errors[i]);
    return printed ? printed : status;
}

/* ---- diff ---- */

static const struct option_row DIFF_OPTIONS[] = {
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static int run_diff(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    struct mtd_change *changes = NULL;
    size_t n = 0;
    auto_done(buf_done) struct buf out = {0};
    (void)values;
    int rc = mtd_diff(c->engine, o->items[0], &changes, &n, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "%.80s", o->items[0]);
        return report_error(c, STATUS_FAILED, &err);
    }
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = buf_printf(&out, "%c %s\n", changes[i].kind, changes[i].path);
    mtd_changes_free(changes, n);
    if (rc == 0)
        rc = print_out(&out, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot print");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_QUERY[] = {
    {.name = "ps",
     .operands = "",
     .summary = "List containers",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {{PS_OPTIONS}},
     .values_size = sizeof(struct ps_values),
     .init = init_ps,
     .check = check_ps,
     .run = run_ps,
     .done = done_ps},
    {.name = "inspect",
     .operands = "CONTAINER|IMAGE|VOLUME [...]",
     .summary = "Show everything about containers, images and volumes as JSON",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {{INSPECT_OPTIONS}},
     .values_size = sizeof(struct inspect_values),
     .min = 1,
     .max = VERB_MANY,
     .check = check_inspect,
     .run = run_inspect,
     .done = done_inspect},
    {.name = "diff",
     .operands = "CONTAINER",
     .summary = "Show what changed in a container's file system",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {{DIFF_OPTIONS}},
     .min = 1,
     .max = 1,
     .run = run_diff},
    VERB_END,
};
