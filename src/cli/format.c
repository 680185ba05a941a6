/* format - a template is checked as a whole before the first row, so that a mistake in it
 * is reported before anything is printed. */

#include "cli/format.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/template/template.h"

/* Maps in docker, not structs: a missing key is not an error. */
static const char *const MAPS[] = {
    "Annotations", "Attributes", "Data",    "DriverOpts",   "ExposedPorts", "Labels",
    "Networks",    "Options",    "Ports",   "PortBindings", "Runtimes",     "StorageOpt",
    "Sysctls",     "Tmpfs",      "Volumes", NULL,
};

/* Fields that docker leaves out of its JSON when they are empty, or writes as null: its
 * structs have them nevertheless, so {{if .State.Health}} is a question, not an error. */
static const char TYPES[] =
    "{\"\":{\"Args\":[],\"ExecIDs\":[],\"Mounts\":[],\"RepoDigests\":[],\"RepoTags\":[],"
    "\"SizeRootFs\":null,\"SizeRw\":null},"
    "\"State\":{\"Health\":null},"
    "\"Config\":{\"Cmd\":[],\"Entrypoint\":[],\"Env\":[],\"ExposedPorts\":{},"
    "\"Healthcheck\":null,\"Labels\":{},\"OnBuild\":[],\"Shell\":[],\"StopSignal\":\"\","
    "\"StopTimeout\":null,\"Volumes\":{}},"
    "\"HostConfig\":{\"Annotations\":{},\"Binds\":[],\"CapAdd\":[],\"CapDrop\":[],"
    "\"Devices\":[],\"Dns\":[],\"DnsOptions\":[],\"DnsSearch\":[],\"ExtraHosts\":[],"
    "\"GroupAdd\":[],\"Init\":null,\"Links\":[],\"Mounts\":[],\"PidsLimit\":null,"
    "\"PortBindings\":{},\"SecurityOpt\":[],\"StorageOpt\":{},\"Sysctls\":{},"
    "\"Tmpfs\":{},\"Ulimits\":[],\"VolumesFrom\":[]},"
    "\"Mounts\":{\"Driver\":\"\",\"Name\":\"\"},"
    "\"NetworkSettings\":{\"Gateway\":\"\",\"IPAddress\":\"\",\"IPPrefixLen\":0,"
    "\"MacAddress\":\"\",\"Networks\":{},\"Ports\":{}},"
    "\"ExposedPorts\":{\"*\":{}},\"PortBindings\":{\"*\":[]},\"Ports\":{\"*\":[]},"
    "\"Volumes\":{\"*\":{}},"
    "\"Networks\":{\"*\":null,\"Aliases\":[],\"DNSNames\":[],\"DriverOpts\":{},\"EndpointID\":\"\","
    "\"Gateway\":\"\",\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,"
    "\"IPAMConfig\":null,\"IPAddress\":\"\",\"IPPrefixLen\":0,\"IPv6Gateway\":\"\","
    "\"Links\":[],\"MacAddress\":\"\",\"NetworkID\":\"\"}}";

void format_done(struct format *f)
{
    template_free(f->template);
    json_decref(f->types);
    *f = (struct format){0};
}

static int fail_unknown(const struct format *f, const struct template *t,
                        const char *name, size_t at, struct mtd_error *err)
{
    auto_done(buf_done) struct buf names = {0};
    for (const struct format_field *field = f->fields; field->name; field++)
        if (buf_printf(&names, " %s", field->name) < 0)
            break;
    return template_fail(t, at, err, "no field .%.40s; the fields are%s", name,
                         names.data ? names.data : " none");
}

static int check_field(const struct template *t, const char *name, size_t at, void *arg,
                       struct mtd_error *err)
{
    const struct format *f = arg;
    for (const struct format_field *field = f->fields; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return 0;
    return fail_unknown(f, t, name, at, err);
}

int format_compile(struct format *ret, const char *text,
                   const struct format_field *fields, const char *table,
                   struct mtd_error *err)
{
    struct format f = {.kind = FORMAT_TEMPLATE, .fields = fields};
    const char *template = text ? text : "";
    if (strcmp(template, "json") == 0) {
        f.kind = FORMAT_JSON;
        template = "{{json .}}";
    } else if (!*template || (fields && strcmp(template, "table") == 0)) {
        f.kind = FORMAT_TABLE;
        template = table ? table : "";
    } else if (fields && strncmp(template, "table ", 6) == 0) {
        f.kind = FORMAT_TABLE;
        template += 6;
    }
    if (!fields)
        f.types = json_loads(TYPES, 0, NULL);
    int rc = fields || f.types ? template_parse(template, &f.template, err)
                               : mtd_fail(err, ENOMEM, "out of memory");
    if (rc == 0 && fields)
        rc = template_each_field(f.template, check_field, &f, err);
    if (rc < 0)
        format_done(&f);
    else
        *ret = f;
    return rc;
}

static int find_name(const struct template *t, const char *name, size_t at, void *arg,
                     struct mtd_error *err)
{
    return strcmp(name, arg) == 0 ? -EEXIST : 0;
}

bool format_uses(const struct format *f, const char *name)
{
    return template_each_field(f->template, find_name, (void *)name, NULL) < 0;
}

/* ---- rows with fields ---- */

struct row {
    const struct format *format;
    const void *row; /* NULL = the header */
};

static const char *get_name(const void *data, size_t i)
{
    return ((const struct row *)data)->format->fields[i].name;
}

/* docker's title of a label: "com.docker.swarm-id" is "swarm id". */
static int add_key_title(const char *key, struct buf *out)
{
    const char *dot = strrchr(key, '.');
    int rc = 0;
    for (const char *p = dot ? dot + 1 : key; *p && rc == 0; p++)
        rc = buf_putc(out, *p == '-' || *p == '_' ? ' ' : *p);
    return rc;
}

static int get_raw(const struct row *r, const struct format_field *field, const char *key,
                   struct buf *out)
{
    if (!field->get && !key)
        return -EINVAL;
    if (field->get && key)
        return -ENOENT;
    if (!r->row)
        return key ? add_key_title(key, out) : buf_puts(out, field->title);
    return key ? field->get_key(r->row, key, out) : field->get(r->row, out);
}

/* The text comes from containers: a tab or newline in a cell must not break the table. */
static int get_value(const void *data, size_t i, const char *key, struct buf *out)
{
    const struct row *r = data;
    const struct format_field *field = &r->format->fields[i];
    if (r->format->kind != FORMAT_TABLE)
        return get_raw(r, field, key, out);
    auto_done(buf_done) struct buf raw = {0};
    int rc = get_raw(r, field, key, &raw);
    return rc == 0 ? print_visible(out, raw.data, raw.len, "") : rc;
}

static int run_row(const struct format *f, const void *row, struct buf *out,
                   struct mtd_error *err)
{
    struct row r = {f, row};
    struct template_row fields = {&r, get_name, get_value};
    struct template_data data = {.row = &fields, .header = !row};
    return template_run(f->template, &data, out, err);
}

int format_row(const struct format *f, const void *row, struct buf *out,
               struct mtd_error *err)
{
    return run_row(f, row, out, err);
}

/* Where the template cannot be evaluated with titles the header ends, as docker's
 * does. */
int format_header(const struct format *f, struct buf *out)
{
    int rc = run_row(f, NULL, out, NULL);
    return rc == -ENOMEM ? rc : 0;
}

/* ---- JSON trees ---- */

int format_json_row(const struct format *f, const json_t *row, struct buf *out,
                    struct mtd_error *err)
{
    struct template_data data = {.tree = row, .maps = MAPS, .types = f->types};
    return template_run(f->template, &data, out, err);
}
