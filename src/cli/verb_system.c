/* verb_system - info, version, system df: about the program, its state and the host. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "cli/df_images.h"
#include "cli/du.h"
#include "cli/format.h"
#include "cli/inspect.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/spec_options.h"
#include "cli/table.h"
#include "cli/verb.h"

#ifndef MTD_VERSION
#define MTD_VERSION "0"
#endif

struct system_values {
    const char *format;
    bool verbose;
    struct format compiled;
    struct table table;
};

static const struct option_row FORMAT_OPTIONS[] = {
    {"format", 'f', OPTION_TEXT, offsetof(struct system_values, format), NULL, "FORMAT",
     "json, or a template"},
    OPTION_END,
};

static const struct option_row DF_OPTIONS[] = {
    {"verbose", 'v', OPTION_FLAG, offsetof(struct system_values, verbose), NULL, NULL,
     "Show each image and container, and what images share"},
    OPTION_END,
};

static void done_system(void *values)
{
    struct system_values *v = values;
    format_done(&v->compiled);
    table_done(&v->table);
}

static int print_tree(struct cli *c, struct system_values *v, const json_t *tree)
{
    auto_done(buf_done) struct buf out = {0};
    struct mtd_error err = {0};
    int rc = tree ? format_json_row(&v->compiled, tree, &out, &err) : -ENOMEM;
    if (rc == 0)
        rc = buf_putc(&out, '\n');
    if (rc == 0)
        rc = print_out(&out, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot print");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

/* ---- version ---- */

static int run_version(struct cli *c, void *values, const struct operands *o)
{
    struct system_values *v = values;
    struct mtd_error err = {0};
    struct utsname u;
    (void)o;
    uname(&u);
    if (format_compile(&v->compiled, v->format, NULL, NULL, &err) < 0)
        return report_error(c, STATUS_FAILED, &err);
    if (v->format && *v->format) {
        /* One program is client and server; scripts may read the version of either. */
        json_t *part = json_pack("{s:s, s:s, s:s, s:s}", "Version", MTD_VERSION, "Os",
                                 "linux", "Arch", u.machine, "KernelVersion", u.release);
        json_t *tree = json_pack("{s:O, s:o}", "Client", part, "Server", part);
        int status = print_tree(c, v, tree);
        json_decref(tree);
        return status;
    }
    auto_done(buf_done) struct buf out = {0};
    int rc = buf_printf(&out, "mytop-docker %s\n OS/Arch: linux/%s\n Kernel:  %s\n",
                        MTD_VERSION, u.machine, u.release);
    if (rc == 0)
        rc = print_out(&out, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot print");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

/* ---- info ---- */

struct totals {
    int containers, running, paused, stopped, images;
    struct mtd_info host;
    struct mtd_defaults defaults;
    char name[65];
};

static int count_all(struct cli *c, struct totals *t, struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    auto_done(mtd_image_list_done) struct mtd_image_list images = {0};
    int rc = mtd_list(c->engine, &list, err);
    if (rc == 0)
        rc = mtd_images(c->engine, &images, err);
    if (rc == 0)
        rc = mtd_host_info(c->engine, &t->host, err);
    for (size_t i = 0; i < list.len; i++) {
        enum mtd_state s = list.items[i].state;
        t->running += s == MTD_STATE_RUNNING || s == MTD_STATE_RESTARTING;
        t->paused += s == MTD_STATE_PAUSED;
    }
    t->containers = (int)list.len;
    t->stopped = t->containers - t->running - t->paused;
    t->images = (int)images.len;
    gethostname(t->name, sizeof(t->name) - 1);
    mtd_defaults_init(&t->defaults);
    (void)spec_defaults(&t->defaults, NULL); /* run says what is wrong with it */
    return rc;
}

/* What containers get when nothing else is asked for: docker's words, in its order. */
static json_t *make_security(const struct totals *t)
{
    json_t *list = json_array();
    if (t->host.apparmor)
        json_array_append_new(list, json_string("name=apparmor"));
    if (t->host.selinux)
        json_array_append_new(list, json_string("name=selinux"));
    if (t->host.seccomp)
        json_array_append_new(list, json_string("name=seccomp,profile=builtin"));
    if (t->defaults.userns != MTD_USERNS_HOST)
        json_array_append_new(list, json_string("name=userns"));
    json_array_append_new(list, json_string("name=cgroupns"));
    return list;
}

/* What --network, -d of network create, -v and --log-driver take. */
static json_t *make_plugins(void)
{
    return json_pack("{s:[s], s:[s, s, s, s], s:n, s:[s, s, s, s, s]}", "Volume", "local",
                     "Network", "bridge", "host", "macvlan", "null", "Authorization",
                     "Log", "journald", "json-file", "k8s-file", "local", "none");
}

static json_t *make_info(struct cli *c, const struct totals *t)
{
    return json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:s, "
        "s:s, s:i, s:I, s:s, s:s, s:s, "
        "s:s, s:o, s:o, s:b, s:{s:s}}",
        "Containers", t->containers, "ContainersRunning", t->running, "ContainersPaused",
        t->paused, "ContainersStopped", t->stopped, "Images", t->images, "Driver",
        "overlay2", "LoggingDriver", "k8s-file", "CgroupDriver", "cgroupfs",
        "CgroupVersion", t->host.cgroup_version, "KernelVersion", t->host.kernel,
        "OSType", "linux", "Architecture", t->host.machine, "NCPU", (int)t->host.cpus,
        "MemTotal", (json_int_t)t->host.memory, "DockerRootDir", mtd_root(c->engine),
        "RunRoot", mtd_run_root(c->engine), "Name", t->name, "ServerVersion", MTD_VERSION,
        "SecurityOptions", make_security(t), "Plugins", make_plugins(), "IPv4Forwarding",
        t->host.forwards, "FirewallBackend", "Driver", "nftables");
}

static int add_info(struct cli *c, const struct totals *t, struct buf *out)
{
    char memory[SIZE_TEXT];
    size_binary(t->host.memory, memory);
    return buf_printf(
        out,
        "Containers: %d\n Running: %d\n Paused: %d\n Stopped: %d\nImages: %d\n"
        "Version: %s\nStorage: overlay\nLogs: k8s-file\nCgroups: %s\n"
        "Kernel: %s\nArchitecture: %s\nCPUs: %u\nMemory: %s\nName: %s\n"
        "Security: %s%scgroupns\nRoot: %s\nRun root: %s\n",
        t->containers, t->running, t->paused, t->stopped, t->images, MTD_VERSION,
        t->host.cgroup_version, t->host.kernel, t->host.machine, t->host.cpus, memory,
        t->name, t->host.seccomp ? "seccomp (builtin), " : "no seccomp, ",
        t->defaults.userns == MTD_USERNS_HOST ? "" : "userns, ", mtd_root(c->engine),
        mtd_run_root(c->engine));
}

static int run_info(struct cli *c, void *values, const struct operands *o)
{
    struct system_values *v = values;
    struct mtd_error err = {0};
    struct totals t = {0};
    auto_done(buf_done) struct buf out = {0};
    (void)o;
    int rc = format_compile(&v->compiled, v->format, NULL, NULL, &err);
    if (rc == 0)
        rc = count_all(c, &t, &err);
    if (rc == 0 && v->format && *v->format) {
        json_t *tree = make_info(c, &t);
        int status = print_tree(c, v, tree);
        json_decref(tree);
        return status;
    }
    if (rc == 0)
        rc = add_info(c, &t, &out);
    if (rc == 0)
        rc = print_out(&out, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot print");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

/* ---- system df ---- */

struct df_row {
    const char *type;
    int total, active;
    uint64_t size, reclaimable;
};

static const struct df_row *row_of(const void *row)
{
    return row;
}

static int get_type(const void *row, struct buf *out)
{
    return buf_puts(out, row_of(row)->type);
}

static int get_total(const void *row, struct buf *out)
{
    return buf_printf(out, "%d", row_of(row)->total);
}

static int get_active(const void *row, struct buf *out)
{
    return buf_printf(out, "%d", row_of(row)->active);
}

static int get_size(const void *row, struct buf *out)
{
    char text[SIZE_TEXT];
    size_usage(row_of(row)->size, text);
    return buf_puts(out, text);
}

static int get_reclaimable(const void *row, struct buf *out)
{
    const struct df_row *r = row;
    char text[SIZE_TEXT];
    size_usage(r->reclaimable, text);
    if (r->size == 0)
        return buf_puts(out, text);
    return buf_printf(out, "%s (%d%%)", text, (int)(r->reclaimable * 100 / r->size));
}

static const struct format_field DF_FIELDS[] = {
    {"Type", "TYPE", get_type},
    {"TotalCount", "TOTAL", get_total},
    {"Active", "ACTIVE", get_active},
    {"Size", "SIZE", get_size},
    {"Reclaimable", "RECLAIMABLE", get_reclaimable},
    FORMAT_FIELDS_END,
};
#define DF_TABLE "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"

static void count_size(struct df_row *row, bool active, uint64_t size)
{
    row->total++;
    row->active += active;
    row->size += size;
    row->reclaimable += active ? 0 : size;
}

static void count_containers(struct cli *c, const struct mtd_list *list,
                             struct df_row *row, struct df_row *logs)
{
    row->type = "Containers";
    logs->type = "Logs"; /* no row of docker's */
    for (size_t i = 0; i < list->len; i++) {
        const struct mtd_summary *s = &list->items[i];
        bool active = mtd_state_is_active(s->state);
        auto_free char *upper = mtd_path(c->engine, s->id, "upper");
        auto_free char *dir = mtd_path(c->engine, s->id, "dir");
        uint64_t log = dir ? du_logs(dir) : 0;
        count_size(row, active, upper ? du_tree(upper) : 0);
        if (log)
            count_size(logs, active, log);
    }
}

static void count_images(const struct df_images *d, struct df_row *row)
{
    *row = (struct df_row){"Images", (int)d->images->len, d->active, d->size,
                           d->reclaimable};
}

/* What df -v shows before its table of kinds. */
static int print_images(const struct df_images *d, struct mtd_error *err)
{
    int rc = print_line("Images space usage:\n", err);
    if (rc == 0)
        rc = df_images_print(d, NULL, err);
    return rc < 0 ? rc : print_line("", err);
}

static void count_volumes(const struct mtd_volume_list *volumes, struct df_row *row)
{
    row->type = "Local Volumes";
    for (size_t i = 0; i < volumes->len; i++) {
        const struct mtd_volume *v = &volumes->items[i];
        bool used = v->used_by.len > 0;
        row->total++;
        row->active += used;
        row->size += v->size;
        row->reclaimable += used ? 0 : v->size;
    }
}

static int print_volumes(const struct mtd_volume_list *volumes, struct mtd_error *err)
{
    auto_done(buf_done) struct buf rows = {0}, out = {0};
    int rc = buf_puts(&rows, "VOLUME NAME\tLINKS\tSIZE\n");
    for (size_t i = 0; i < volumes->len && rc == 0; i++) {
        const struct mtd_volume *v = &volumes->items[i];
        char size[SIZE_TEXT];
        size_usage(v->size, size);
        rc = buf_printf(&rows, "%s\t%zu\t%s\n", v->name, v->used_by.len, size);
    }
    if (rc == 0)
        rc = buf_puts(&out, "Local Volumes space usage:\n\n");
    if (rc == 0)
        rc = table_align(rows.data, rows.len, &out);
    if (rc == 0)
        rc = buf_putc(&out, '\n');
    return rc < 0 ? rc : print_out(&out, err);
}

/* What builds keep for the next ones; all of it can go. */
static void count_builds(struct cli *c, struct df_row *row)
{
    auto_free char *dir = NULL;
    row->type = "Build Cache";
    if (asprintf(&dir, "%s/build/storage", mtd_root(c->engine)) < 0)
        return;
    row->size = row->reclaimable = du_tree(dir);
    row->total = row->size > 0;
}

static int run_df(struct cli *c, void *values, const struct operands *o)
{
    struct system_values *v = values;
    struct mtd_error err = {0};
    struct df_row rows[5] = {0};
    auto_done(mtd_list_done) struct mtd_list list = {0};
    auto_done(mtd_image_list_done) struct mtd_image_list images = {0};
    auto_done(df_images_done) struct df_images sizes = {0};
    auto_done(mtd_volume_list_done) struct mtd_volume_list volumes = {0};
    (void)o;
    int rc = table_init(&v->table, v->format, DF_FIELDS, DF_TABLE, &err);
    if (rc == 0)
        rc = mtd_list(c->engine, &list, &err);
    if (rc == 0)
        rc = mtd_images(c->engine, &images, &err);
    if (rc == 0)
        rc = df_images_init(c, &images, &list, &sizes);
    if (rc == 0)
        rc = mtd_volumes(c->engine, true, &volumes, &err);
    if (rc == 0) {
        count_images(&sizes, &rows[0]);
        count_containers(c, &list, &rows[1], &rows[4]);
        count_volumes(&volumes, &rows[2]);
        count_builds(c, &rows[3]);
    }
    if (rc == 0 && v->verbose && !v->format)
        rc = print_images(&sizes, &err);
    if (rc == 0 && v->verbose && !v->format)
        rc = print_volumes(&volumes, &err);
    for (size_t i = 0; i < ARRAY_SIZE(rows) && rc == 0; i++)
        rc = table_add(&v->table, &rows[i], &err);
    if (rc == 0)
        rc = table_print(&v->table, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot print");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_SYSTEM[] = {
    {.name = "info",
     .operands = "",
     .summary = "Show information about the engine and the host",
     .group = GROUP_SYSTEM,
     .flags = VERB_READ_ONLY,
     .options = {{FORMAT_OPTIONS}},
     .values_size = sizeof(struct system_values),
     .run = run_info,
     .done = done_system},
    {.name = "version",
     .operands = "",
     .summary = "Show the version",
     .group = GROUP_SYSTEM,
     .flags = VERB_ANYONE,
     .options = {{FORMAT_OPTIONS}},
     .values_size = sizeof(struct system_values),
     .run = run_version,
     .done = done_system},
    {.name = "system df",
     .operands = "",
     .summary = "Show disk usage",
     .group = GROUP_SYSTEM,
     .flags = VERB_READ_ONLY,
     .options = {{DF_OPTIONS, FORMAT_OPTIONS}},
     .values_size = sizeof(struct system_values),
     .run = run_df,
     .done = done_system},
    VERB_END,
};
