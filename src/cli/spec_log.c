/* --log-driver and --log-opt. docker's options for what the logs here do not have are accepted, so
 * that its command lines work, and named once. */

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/report.h"
#include "cli/spec_options.h"

#define LOG_FILES 5

struct log_opts {
    uint64_t size; /* UINT64_MAX = not given */
    unsigned files;
    bool compress, plain; /* was asked for; was asked not to */
};

static int set_size(struct log_opts *o, const char *value)
{
    return mtd_log_size_parse(value, &o->size);
}

static int set_files(struct log_opts *o, const char *value)
{
    return mtd_log_files_parse(value, &o->files);
}

static int set_compress(struct log_opts *o, const char *value)
{
    int rc = parse_bool(value, &o->compress);
    o->plain = rc == 0 && !o->compress;
    return rc;
}

#define FOR(driver) (1u << MTD_LOG_##driver)
#define FILES (FOR(K8S_FILE) | FOR(LOCAL) | FOR(JSON_FILE))
#define ATTRS (FOR(JSON_FILE) | FOR(JOURNALD))

/* docker's. works: drivers with which it has its effect. takes: drivers that docker takes it
 * with; ours, k8s-file, takes all that one may add to a command line for json-file. */
static const struct {
    const char *name;
    int (*set)(struct log_opts *o, const char *value);
    unsigned works, takes;
    const char *nothing; /* the value that asks for what happens anyway */
} OPTS[] = {
    {"max-size", set_size, FILES, FILES, NULL},
    {"max-file", set_files, FILES, FILES, NULL},
    {"compress", set_compress, FILES, FILES, NULL},
    {"mode", NULL, 0, FILES | ATTRS, "blocking"},
    {"max-buffer-size", NULL, 0, FILES | ATTRS, NULL},
    {"labels", NULL, ATTRS, FOR(K8S_FILE) | ATTRS, ""},
    {"labels-regex", NULL, ATTRS, FOR(K8S_FILE) | ATTRS, ""},
    {"env", NULL, ATTRS, FOR(K8S_FILE) | ATTRS, ""},
    {"env-regex", NULL, ATTRS, FOR(K8S_FILE) | ATTRS, ""},
    {"tag", NULL, ATTRS, FOR(K8S_FILE) | ATTRS, ""},
};

/* The row of "name=value"; *ret_value behind the "=". -1 = none. */
static int find(const char *text, const char **ret_value)
{
    for (size_t i = 0; i < ARRAY_SIZE(OPTS); i++) {
        size_t n = strlen(OPTS[i].name);
        if (strncmp(text, OPTS[i].name, n) == 0 && text[n] == '=') {
            *ret_value = text + n + 1;
            return (int)i;
        }
    }
    return -1;
}

static int set_driver(struct run_values *v, struct mtd_error *err)
{
    v->spec.log_driver = v->defaults.log_driver;
    if (!v->log_driver || mtd_log_driver_parse(v->log_driver, &v->spec.log_driver) == 0)
        return 0;
    return mtd_fail(err, EOPNOTSUPP,
                    "--log-driver: there is no log driver \"%.40s\"; there are " //
                    MTD_LOG_DRIVERS,
                    v->log_driver);
}

/* docker's conditions. The bounds of k8s-file that nobody asked for will do. */
static int check_compress(const struct run_values *v, const struct log_opts *o,
                          struct mtd_error *err)
{
    const struct mtd_spec *s = &v->spec;
    bool local = s->log_driver == MTD_LOG_LOCAL, bounded = s->log_max_size != 0;
    if (s->log_driver == MTD_LOG_JSON_FILE)
        bounded = o->size != UINT64_MAX && o->size != 0;
    if (local && !o->plain && o->files == 1)
        return mtd_fail(err, EINVAL,
                        "--log-opt: compression cannot be enabled when max "
                        "file count is 1; add compress=false");
    if (o->compress && (!bounded || s->log_max_file < 2))
        return mtd_fail(err, EINVAL,
                        "--log-opt: compress cannot be true when max-file is "
                        "less than 2 or max-size is not set");
    return 0;
}

/* One file of a size that was asked for, as docker; five of the size that was not, and of the
 * driver local. */
static int set_bounds(struct run_values *v, const struct log_opts *o,
                      struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    bool given = o->size != UINT64_MAX;
    unsigned files = o->files;
    s->log_max_size = given ? o->size : v->defaults.log_max_size;
    if (s->log_max_size == 0 && files > 1)
        return mtd_fail(err, EINVAL, "--log-opt: max-file needs max-size");
    if (files == 0 && s->log_max_size)
        files = v->defaults.log_max_file;
    bool single = !s->log_max_size || (given && s->log_driver != MTD_LOG_LOCAL);
    s->log_max_file = files ? files : single ? 1 : LOG_FILES;
    return check_compress(v, o, err);
}

static int set_option(struct run_values *v, struct log_opts *o, const char *text,
                      struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    const char *value = NULL;
    int row = find(text, &value);
    if (s->log_driver == MTD_LOG_NONE)
        return mtd_fail(err, EINVAL, "--log-opt: invalid logging opts for driver none");
    if (row < 0 || !(OPTS[row].takes & 1u << s->log_driver))
        return mtd_fail(
            err, EINVAL, "--log-opt: unknown log opt '%.*s' for %s log driver",
            (int)(strcspn(text, "=") & 63), text, mtd_log_driver_name(s->log_driver));
    int rc = OPTS[row].set ? OPTS[row].set(o, value) : 0;
    if (rc == 0 && OPTS[row].set != set_size && OPTS[row].set != set_files)
        rc = strv_env_set(&s->log_opts, text);
    return rc < 0 ? mtd_fail(err, -rc,
                             "--log-opt: \"%.80s\" is not max-size=SIZE (-1 = no limit), "
                             "max-file=N or compress=true|false",
                             text)
                  : 0;
}

int spec_log(struct run_values *v, struct mtd_error *err)
{
    struct log_opts o = {.size = UINT64_MAX};
    int rc = set_driver(v, err);
    for (size_t i = 0; i < v->log_opts.len && rc == 0; i++)
        rc = set_option(v, &o, v->log_opts.items[i], err);
    return rc < 0 ? rc : set_bounds(v, &o, err);
}

void spec_log_warn(const struct cli *c, const struct run_values *v)
{
    auto_done(buf_done) struct buf names = {0};
    for (size_t i = 0; i < v->log_opts.len; i++) {
        const char *value = NULL;
        int row = find(v->log_opts.items[i], &value);
        if (row < 0 || (OPTS[row].works & 1u << v->spec.log_driver) ||
            (OPTS[row].nothing && strcmp(value, OPTS[row].nothing) == 0))
            continue;
        buf_printf(&names, "%s%s", names.len ? ", " : "", OPTS[row].name);
    }
    if (names.len)
        report_warning(c, "--log-opt: without effect with the log driver %s: %s",
                       mtd_log_driver_name(v->spec.log_driver), names.data);
}
