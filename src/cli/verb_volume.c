/* verb_volume - volume create, ls and rm; inspect is inspect's, prune is in verb_prune.c. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "cli/each.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/volume_filter.h"

#define NO_CLUSTER "not supported; there are no cluster volumes"

/* ---- create ---- */

struct create_values {
    const char *driver, *name;
    struct option_list labels, options;
};

#define FIELD(f) offsetof(struct create_values, f)
static const struct option_row CREATE_OPTIONS[] = {
    {"driver", 'd', OPTION_TEXT, FIELD(driver), NULL, "DRIVER",
     "local; there is no other"},
    {"label", 0, OPTION_LIST, FIELD(labels), NULL, "KEY=VALUE", "Set a label"},
    {"name", 0, OPTION_TEXT, FIELD(name)},
    {"opt", 'o', OPTION_LIST, FIELD(options), NULL, "KEY=VALUE",
     "type, device and o, as for mount: what containers get mounted"},
    {"availability", 0, OPTION_REFUSE, 0, NULL, "WORD", NO_CLUSTER},
    {"group", 0, OPTION_REFUSE, 0, NULL, "GROUP", NO_CLUSTER},
    {"limit-bytes", 0, OPTION_REFUSE, 0, NULL, "BYTES", NO_CLUSTER},
    {"required-bytes", 0, OPTION_REFUSE, 0, NULL, "BYTES", NO_CLUSTER},
    {"scope", 0, OPTION_REFUSE, 0, NULL, "SCOPE", NO_CLUSTER},
    {"secret", 0, OPTION_REFUSE, 0, NULL, "KEY=VALUE", NO_CLUSTER},
    {"sharing", 0, OPTION_REFUSE, 0, NULL, "WORD", NO_CLUSTER},
    {"topology-preferred", 0, OPTION_REFUSE, 0, NULL, "TOPOLOGY", NO_CLUSTER},
    {"topology-required", 0, OPTION_REFUSE, 0, NULL, "TOPOLOGY", NO_CLUSTER},
    {"type", 0, OPTION_REFUSE, 0, NULL, "TYPE",
     NO_CLUSTER "; for that of a file system write --opt type=TYPE"},
    OPTION_END,
};
#undef FIELD

static int check_create(void *values, const struct operands *o, struct mtd_error *err)
{
    struct create_values *v = values;
    if (v->name && *v->name && o->len)
        return mtd_fail(err, EINVAL,
                        "conflicting options: cannot specify a volume-name "
                        "through both --name and as a positional arg");
    if (v->driver && *v->driver && strcmp(v->driver, "local") != 0)
        return mtd_fail(err, EINVAL,
                        "--driver: \"%.40s\" is not supported; only local is", v->driver);
    for (size_t i = 0; i < v->options.len; i++)
        if (!strchr(v->options.items[i], '='))
            return mtd_fail(err, EINVAL, "--opt: \"%.60s\" is not KEY=VALUE",
                            v->options.items[i]);
    if (o->len)
        v->name = o->items[0];
    return v->name && *v->name ? mtd_volume_name_check(v->name, err) : 0;
}

static int copy_words(const struct option_list *from, struct strv *ret)
{
    int rc = 0;
    for (size_t i = 0; i < from->len && rc == 0; i++) {
        auto_free char *word = NULL;
        bool bare = !strchr(from->items[i], '=');
        rc = asprintf(&word, "%s%s", from->items[i], bare ? "=" : "") < 0
                 ? -ENOMEM
                 : strv_env_set(ret, word);
    }
    return rc;
}

static int run_create(struct cli *c, void *values, const struct operands *o)
{
    const struct create_values *v = values;
    struct mtd_error err = {0};
    auto_done(strv_done) struct strv labels = {0}, options = {0};
    auto_free char *name = NULL;
    (void)o;
    int rc = copy_words(&v->labels, &labels);
    if (rc == 0)
        rc = copy_words(&v->options, &options);
    const struct mtd_volume_create create = {.name = v->name && *v->name ? v->name : NULL,
                                             .labels = &labels,
                                             .options = &options};
    if (rc == 0)
        rc = mtd_volume_create(c->engine, &create, &name, &err);
    if (rc == 0 && (labels.len || options.len))
        report_warning(
            c, "volume %s exists already; its labels and options stay as they are", name);
    if (rc >= 0)
        rc = print_line(name, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot create the volume");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

/* ---- ls ---- */

struct volume_row {
    struct mtd_engine *engine;
    const struct mtd_volume *volume;
};

static const struct mtd_volume *volume_of(const void *row)
{
    return ((const struct volume_row *)row)->volume;
}

static int get_name(const void *row, struct buf *out)
{
    return buf_puts(out, volume_of(row)->name);
}

static int get_local(const void *row, struct buf *out)
{
    (void)row;
    return buf_puts(out, "local");
}

static int get_mountpoint(const void *row, struct buf *out)
{
    const struct volume_row *r = row;
    auto_free char *path = mtd_volume_path(r->engine, r->volume->name);
    return path ? buf_puts(out, path) : -ENOMEM;
}

static int get_labels(const void *row, struct buf *out)
{
    const struct strv *labels = &volume_of(row)->labels;
    int rc = 0;
    for (size_t i = 0; i < labels->len && rc == 0; i++)
        rc = buf_printf(out, "%s%s", i ? "," : "", labels->items[i]);
    return rc;
}

static int get_label(const void *row, const char *key, struct buf *out)
{
    const char *value = strv_env_get(&volume_of(row)->labels, key);
    return value ? buf_puts(out, value) : 0;
}

static int get_links(const void *row, struct buf *out)
{
    return volume_of(row)->size == MTD_VOLUME_NO_SIZE
               ? buf_puts(out, "N/A")
               : buf_printf(out, "%zu", volume_of(row)->used_by.len);
}

static int get_size(const void *row, struct buf *out)
{
    char text[SIZE_TEXT];
    if (volume_of(row)->size == MTD_VOLUME_NO_SIZE)
        return buf_puts(out, "N/A");
    size_usage(volume_of(row)->size, text);
    return buf_puts(out, text);
}

static int get_not_known(const void *row, struct buf *out)
{
    (void)row;
    return buf_puts(out, "N/A");
}

static const struct format_field VOLUME_FIELDS[] = {
    {"Name", "VOLUME NAME", get_name},
    {"Driver", "DRIVER", get_local},
    {"Scope", "SCOPE", get_local},
    {"Mountpoint", "MOUNTPOINT", get_mountpoint},
    {"Labels", "LABELS", get_labels},
    {"Label", NULL, NULL, get_label},
    {"Links", "LINKS", get_links},
    {"Size", "SIZE", get_size},
    {"Availability", "AVAILABILITY", get_not_known},
    {"Group", "GROUP", get_not_known},
    {"Status", "STATUS", get_not_known},
    FORMAT_FIELDS_END,
};
#define VOLUME_TABLE "{{.Driver}}\t{{.Name}}"

struct ls_values {
    bool quiet;
    const char *format;
    struct option_list filters;
    struct table table;
};

#define FIELD(f) offsetof(struct ls_values, f)
static const struct option_row LS_OPTIONS[] = {
    {"cluster", 0, OPTION_REFUSE, 0, NULL, NULL, NO_CLUSTER},
    {"filter", 'f', OPTION_FILTER, FIELD(filters), NULL, "KEY=VALUE",
     "Filter by dangling, driver, label or name"},
    {"format", 0, OPTION_TEXT, FIELD(format), NULL, "FORMAT",
     "table, json, or a template such as '{{.Name}}: {{.Mountpoint}}'"},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL, "Print only names"},
    OPTION_END,
};
#undef FIELD

static int check_ls(void *values, const struct operands *o, struct mtd_error *err)
{
    (void)o;
    return volume_filter_check(&((struct ls_values *)values)->filters, VOLUME_FILTER_LIST,
                               err);
}

static int run_ls(struct cli *c, void *values, const struct operands *o)
{
    struct ls_values *v = values;
    struct mtd_error err = {0};
    auto_done(mtd_volume_list_done) struct mtd_volume_list list = {0};
    const char *format = v->quiet && !v->format ? "{{.Name}}" : v->format;
    (void)o;
    int rc = table_init(&v->table, format, VOLUME_FIELDS, VOLUME_TABLE, &err);
    if (rc == 0)
        rc = mtd_volumes(c->engine, format_uses(&v->table.format, "Size"), &list, &err);
    for (size_t i = 0; i < list.len && rc == 0; i++) {
        const struct volume_row row = {c->engine, &list.items[i]};
        if (volume_filter_match(&v->filters, row.volume))
            rc = table_add(&v->table, &row, &err);
    }
    if (rc == 0)
        rc = table_print(&v->table, &err);
    for (size_t i = 0; i < list.len && rc == 0; i++)
        if (list.items[i].error)
            report_warning(c, "%s", list.items[i].error);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot list the volumes");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static void done_ls(void *values)
{
    table_done(&((struct ls_values *)values)->table);
}

/* ---- rm ---- */

struct rm_values {
    bool force;
};

static const struct option_row RM_OPTIONS[] = {
    {"force", 'f', OPTION_FLAG, offsetof(struct rm_values, force), NULL, NULL,
     "It is no failure that there is no such volume"},
    OPTION_END,
};

static int rm_one(struct cli *c, const char *name, const void *values,
                  struct mtd_error *err)
{
    const struct rm_values *v = values;
    int rc = mtd_volume_remove(c->engine, name, err);
    if (rc == -ENOENT && v->force) {
        mtd_error_clear(err);
        return 0;
    }
    return rc;
}

static int run_rm(struct cli *c, void *values, const struct operands *o)
{
    return each_in_turn(c, o, values, rm_one, true);
}

const struct verb VERBS_VOLUME[] = {
    {.name = "volume create",
     .operands = "[VOLUME]",
     .summary = "Create a volume",
     .group = GROUP_VOLUME,
     .options = {{CREATE_OPTIONS}},
     .values_size = sizeof(struct create_values),
     .max = 1,
     .check = check_create,
     .run = run_create},
    {.name = "volume ls",
     .operands = "",
     .summary = "List volumes",
     .group = GROUP_VOLUME,
     .flags = VERB_READ_ONLY,
     .options = {{LS_OPTIONS}},
     .values_size = sizeof(struct ls_values),
     .check = check_ls,
     .run = run_ls,
     .done = done_ls},
    {.name = "volume rm",
     .operands = "VOLUME [VOLUME...]",
     .summary = "Remove volumes that no container has",
     .group = GROUP_VOLUME,
     .flags = VERB_EXISTING,
     .options = {{RM_OPTIONS}},
     .values_size = sizeof(struct rm_values),
     .min = 1,
     .max = VERB_MANY,
     .run = run_rm},
    VERB_END,
};
