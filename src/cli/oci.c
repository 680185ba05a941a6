/* From argv to a verb of the runtime. */

#include "cli/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/inherit.h"
#include "cli/oci_verb.h"
#include "cli/print.h"
#include "engine/types.h"

#ifndef MTD_VERSION
#define MTD_VERSION "0"
#endif
#define DEFAULT_ROOT "/run/mytop-runc"

struct globals {
    const char *root, *log, *log_format, *log_level, *rootless, *cgroup_manager, *criu;
    bool systemd_cgroup, debug, version;
};

static const struct option_row GLOBALS[] = {
    {"root", 0, OPTION_TEXT, offsetof(struct globals, root), NULL, "DIR",
     "Directory of the containers' state (default " DEFAULT_ROOT ")"},
    {"log", 0, OPTION_TEXT, offsetof(struct globals, log), NULL, "FILE",
     "Append errors to FILE as well"},
    {"log-format", 0, OPTION_TEXT, offsetof(struct globals, log_format), NULL, "FORMAT",
     "Of that file: text or json"},
    {"log-level", 0, OPTION_TEXT, offsetof(struct globals, log_level), NULL, "LEVEL",
     "Accepted: only errors are written"},
    {"debug", 0, OPTION_FLAG, offsetof(struct globals, debug), NULL, NULL,
     "Accepted: only errors are written"},
    {"systemd-cgroup", 0, OPTION_FLAG, offsetof(struct globals, systemd_cgroup), NULL,
     NULL, "Groups are units of systemd's: cgroupsPath is slice:prefix:name"},
    {"cgroup-manager", 0, OPTION_TEXT, offsetof(struct globals, cgroup_manager), NULL,
     "NAME", "cgroupfs, systemd, or disabled: none are made; crun's words"},
    {"rootless", 0, OPTION_TEXT, offsetof(struct globals, rootless), NULL, "BOOL",
     "Accepted: it is found out"},
    {"criu", 0, OPTION_TEXT, offsetof(struct globals, criu), NULL, "PATH",
     "Accepted: checkpoints are not supported"},
    {"version", 'v', OPTION_FLAG, offsetof(struct globals, version), NULL, NULL,
     "Print the version"},
    OPTION_END,
};

bool oci_is_name(const char *argv0)
{
    static const char *const NAMES[] = {"mytop-runc", "runc", "crun"};
    const char *slash = strrchr(argv0, '/'), *name = slash ? slash + 1 : argv0;
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

/* ---- errors ---- */

/* podman takes the kernel's words, wherever they stand, for a command that is missing or cannot be
 * executed. They are kept where it is one, spelled as Go does: docker's command line looks for that. */
static void plain(struct mtd_error *err)
{
    static const struct {
        const char *kernels, *ours;
    } WORDS[] = {{"No such file or directory", "not found"},
                 {"Permission denied", "access is denied"},
                 {"Operation not permitted", "the kernel does not allow it"}};
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++) {
        char *at = strstr(err->text, WORDS[i].kernels);
        char rest[sizeof(err->text)];
        if (!at)
            continue;
        if (err->stage == MTD_STAGE_EXEC) {
            *at = (char)(*at | 0x20);
            continue;
        }
        snprintf(rest, sizeof(rest), "%s", at + strlen(WORDS[i].kernels));
        snprintf(at, sizeof(err->text) - (size_t)(at - err->text), "%s%s", WORDS[i].ours,
                 rest);
    }
}

static int format_line(const struct globals *g, const char *level, const char *text,
                       struct buf *ret)
{
    char now[TIME_TEXT];
    time_format_rfc3339(clock_wall_ns() / NS_PER_SEC * NS_PER_SEC, now);
    bool as_json = g->log_format && strcmp(g->log_format, "json") == 0;
    json_t *o =
        as_json ? json_pack("{s:s, s:s, s:s}", "level", level, "msg", text, "time", now)
                : json_string(text);
    auto_free char *line = o ? json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(o);
    if (!line)
        return -ENOMEM;
    return as_json ? buf_printf(ret, "%s\n", line)
                   : buf_printf(ret, "time=\"%s\" level=%s msg=%s\n", now, level, line);
}

/* The file may be anybody's: it is only appended to, never waited for. */
static void write_log(const struct globals *g, const char *level, const char *text)
{
    auto_done(buf_done) struct buf line = {0};
    auto_fd int fd =
        g->log && *g->log
            ? open(g->log,
                   O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                   0644)
            : -1;
    if (fd >= 0 && format_line(g, level, text, &line) == 0)
        (void)fs_write_all(fd, line.data, line.len);
}

static int fail(const struct globals *g, int status, struct mtd_error *err)
{
    auto_done(buf_done) struct buf line = {0};
    plain(err);
    if (!*err->text)
        snprintf(err->text, sizeof(err->text), "%s", strerror(err->code));
    if (buf_printf(&line, "%s\n", err->text) == 0)
        (void)print_fd(STDERR_FILENO, line.data, line.len);
    write_log(g, "error", err->text);
    return status;
}

/* Only of what succeeded: podman reads the log of a failure as one JSON object. */
static void warn(const struct globals *g, const struct strv *warnings)
{
    for (size_t i = 0; i < warnings->len; i++) {
        auto_done(buf_done) struct buf line = {0};
        if (g->log && *g->log)
            write_log(g, "warning", warnings->items[i]);
        else if (format_line(g, "warning", warnings->items[i], &line) == 0)
            (void)print_fd(STDERR_FILENO, line.data, line.len);
    }
}

/* ---- help and version ---- */

static int put_rows(struct buf *b, const struct option_row *rows)
{
    int rc = 0;
    for (const struct option_row *r = rows; r && !OPTION_IS_END(r) && rc == 0; r++) {
        char name[64];
        snprintf(name, sizeof(name), "%s%c%s--%s%s%s", r->letter ? "-" : " ",
                 r->letter ? r->letter : ' ', r->letter ? ", " : "  ", r->name,
                 r->metavar ? " " : "", r->metavar ? r->metavar : "");
        rc = buf_printf(b, "  %-30s %s\n", name, r->help ? r->help : "");
    }
    return rc;
}

static const struct oci_verb *verb_at(size_t i)
{
    size_t n = 0;
    while (OCI_VERBS[n].name)
        n++;
    return i < n ? &OCI_VERBS[i] : &OCI_VERBS_EXEC[i - n];
}

static int put_verbs(struct buf *b)
{
    int rc = buf_puts(b, "\nVerbs:\n");
    for (size_t i = 0; verb_at(i)->name && rc == 0; i++)
        rc = buf_printf(b, "  %-12s %s\n", verb_at(i)->name, verb_at(i)->summary);
    return rc;
}

static int help(const struct oci_verb *v, struct mtd_error *err)
{
    auto_done(buf_done) struct buf b = {0};
    int rc =
        v ? buf_printf(&b, "Usage: mytop-runc %s [OPTIONS] %s\n\n%s\n\nOptions:\n",
                       v->name, v->operands, v->summary)
          : buf_puts(&b, "Usage: mytop-runc [OPTIONS] VERB [ARG...]\n\nContainers from "
                         "OCI bundles, with runc's command line.\n\nOptions:\n");
    if (rc == 0)
        rc = put_rows(&b, v ? v->options.tables[0] : GLOBALS);
    if (rc == 0 && !v)
        rc = put_verbs(&b);
    return rc < 0 ? mtd_fail(err, ENOMEM, "out of memory") : print_out(&b, err);
}

static int version(struct mtd_error *err)
{
    return print_line("mytop-runc version " MTD_VERSION "\nspec: " RUNTIME_OCI_VERSION,
                      err);
}

/* ---- the verb ---- */

static const struct oci_verb *find(const char *name)
{
    for (size_t i = 0; verb_at(i)->name; i++)
        if (strcmp(verb_at(i)->name, name) == 0)
            return verb_at(i);
    return NULL;
}

static int run_verb(struct oci *c, const struct oci_verb *v, const struct operands *o,
                    int argc, char **argv, struct mtd_error *err)
{
    auto_free void *values = calloc(1, v->values_size + 1);
    struct operands mine = {0};
    if (!values)
        return mtd_fail(err, ENOMEM, "out of memory");
    (void)o;
    int rc = options_parse(&v->options, argc, argv, values, &mine, err);
    if (rc == 0 && mine.help)
        rc = help(v, err);
    else if (rc == 0 && (mine.len < v->min || mine.len > v->max))
        rc = mtd_fail(err, EINVAL, "%s needs %s; see %s --help", v->name, v->operands,
                      v->name);
    else if (rc == 0)
        rc = v->run(c, values, &mine, err);
    options_done(&v->options, values, &mine);
    return rc;
}

static int check_globals(const struct globals *g, struct mtd_error *err)
{
    const char *f = g->log_format, *m = g->cgroup_manager;
    if (f && *f && strcmp(f, "text") != 0 && strcmp(f, "json") != 0)
        return mtd_fail(err, EINVAL, "invalid log-format: \"%.40s\"", f);
    if (m && strcmp(m, "cgroupfs") != 0 && strcmp(m, "disabled") != 0 &&
        strcmp(m, "systemd") != 0)
        return mtd_fail(
            err, EINVAL,
            "--cgroup-manager: \"%.40s\" is not cgroupfs, systemd or disabled", m);
    return 0;
}

/* Of other users it is in their own runtime directory. */
static int find_root(const struct globals *g, char **ret, struct mtd_error *err)
{
    const char *own = geteuid() ? getenv("XDG_RUNTIME_DIR") : NULL;
    auto_free char *path = NULL;
    if (own && *own && asprintf(&path, "%s/mytop-runc", own) < 0)
        path = NULL;
    int rc = fs_absolute(g->root && *g->root ? g->root : path ? path : DEFAULT_ROOT, ret);
    return rc < 0 ? mtd_fail_errno(err, -rc, "state directory %s", g->root) : 0;
}

static int dispatch(struct oci *c, const struct globals *g, const struct operands *o,
                    const struct oci_verb **ret, struct mtd_error *err)
{
    if (g->version)
        return version(err);
    if (o->help || o->len == 0 || strcmp(o->items[0], "help") == 0)
        return help(NULL, err);
    const struct oci_verb *v = *ret = find(o->items[0]);
    if (!v)
        return mtd_fail(err, EINVAL, "unknown command %.40s", o->items[0]);
    return run_verb(c, v, o, (int)o->len, o->items, err);
}

int oci_main(int argc, char **argv, char **whole)
{
    static const struct option_set SET = {{GLOBALS}, .stop_at_operand = true};
    struct globals g = {0};
    struct operands o = {0};
    struct mtd_error err = {0};
    struct oci c = {.argv = whole};
    const struct oci_verb *v = NULL;
    auto_free char *root = NULL;
    auto_done(strv_done) struct strv warnings = {0};
    inherit_accept();
    int rc = options_parse(&SET, argc, argv, &g, &o, &err);
    if (rc == 0)
        rc = check_globals(&g, &err);
    if (rc == 0)
        rc = find_root(&g, &root, &err);
    c.runtime.root = root;
    c.runtime.systemd = (struct systemd_places){getenv("DBUS_SYSTEM_BUS_ADDRESS"),
                                                getenv("DBUS_SESSION_BUS_ADDRESS"),
                                                getenv("XDG_RUNTIME_DIR")};
    c.runtime.warnings = &warnings;
    c.runtime.no_groups = g.cgroup_manager && strcmp(g.cgroup_manager, "disabled") == 0;
    c.runtime.systemd_cgroup =
        g.systemd_cgroup ||
        (g.cgroup_manager && strcmp(g.cgroup_manager, "systemd") == 0);
    if (rc == 0)
        rc = dispatch(&c, &g, &o, &v, &err);
    int status = rc < 0 ? fail(&g, v && v->failed ? v->failed : 1, &err) : c.status;
    if (rc >= 0)
        warn(&g, &warnings);
    options_done(&SET, &g, &o);
    return status;
}
