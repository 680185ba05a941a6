/* The runtime's verbs but exec and run. Callers give options before the ID. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "cli/oci_verb.h"
#include "cli/print.h"

#define RESOURCES_MAX (1u << 20)

/* ---- start, state, kill, delete, pause, resume ---- */

static int run_start(struct oci *c, void *values, const struct operands *o,
                     struct mtd_error *err)
{
    (void)values;
    return runtime_start(&c->runtime, o->items[0], err);
}

static int run_state(struct oci *c, void *values, const struct operands *o,
                     struct mtd_error *err)
{
    auto_done(buf_done) struct buf b = {0};
    (void)values;
    int rc = runtime_state(&c->runtime, o->items[0], &b, err);
    return rc < 0 ? rc : print_out(&b, err);
}

struct kill_values {
    bool all;
};
static const struct option_row KILL[] = {
    {"all", 'a', OPTION_FLAG, offsetof(struct kill_values, all), NULL, NULL,
     "Signal every process of the container"},
    OPTION_END,
};

static int run_kill(struct oci *c, void *values, const struct operands *o,
                    struct mtd_error *err)
{
    const struct kill_values *v = values;
    int sig = 0;
    const char *name = o->len > 1 ? o->items[1] : "TERM";
    if (parse_signal(name, &sig) < 0)
        return mtd_fail(err, EINVAL, "unknown signal \"%.40s\"", name);
    return runtime_kill(&c->runtime, o->items[0], sig, v->all, err);
}

struct delete_values {
    bool force;
};
static const struct option_row DELETE[] = {
    {"force", 'f', OPTION_FLAG, offsetof(struct delete_values, force), NULL, NULL,
     "Kill it if it runs; succeed if there is none"},
    OPTION_END,
};

static int run_delete(struct oci *c, void *values, const struct operands *o,
                      struct mtd_error *err)
{
    const struct delete_values *v = values;
    return runtime_delete(&c->runtime, o->items[0], v->force, err);
}

static int run_pause(struct oci *c, void *values, const struct operands *o,
                     struct mtd_error *err)
{
    (void)values;
    return runtime_freeze(&c->runtime, o->items[0], true, err);
}

static int run_resume(struct oci *c, void *values, const struct operands *o,
                      struct mtd_error *err)
{
    (void)values;
    return runtime_freeze(&c->runtime, o->items[0], false, err);
}

/* ---- list, ps ---- */

struct list_values {
    const char *format;
    bool quiet;
};
static const struct option_row LIST[] = {
    {"format", 'f', OPTION_TEXT, offsetof(struct list_values, format), NULL, "FORMAT",
     "table or json"},
    {"quiet", 'q', OPTION_FLAG, offsetof(struct list_values, quiet), NULL, NULL,
     "Print the ids only"},
    OPTION_END,
};

static int check_format(const char *format, struct mtd_error *err)
{
    return !format || strcmp(format, "table") == 0 || strcmp(format, "json") == 0
               ? 0
               : mtd_fail(err, EINVAL, "invalid format option \"%.40s\"", format);
}

static int put_json(const struct runtime_lines *l, struct buf *b)
{
    int rc = buf_puts(b, l->len ? "[" : "null");
    for (size_t i = 0; i < l->len && rc == 0; i++)
        rc = buf_printf(b, "%s%s", i ? "," : "", l->items[i].json);
    return rc < 0 ? rc : buf_puts(b, l->len ? "]\n" : "\n");
}

static int put_table(const struct runtime_lines *l, bool quiet, struct buf *b)
{
    int rc = quiet ? 0
                   : buf_printf(b, "%-24s %-8s %-9s %-32s %-31s %s\n", "ID", "PID",
                                "STATUS", "BUNDLE", "CREATED", "OWNER");
    for (size_t i = 0; i < l->len && rc == 0; i++) {
        const struct runtime_line *r = &l->items[i];
        rc = quiet ? buf_printf(b, "%s\n", r->id)
                   : buf_printf(b, "%-24s %-8d %-9s %-32s %-31s %s\n", r->id, r->pid,
                                runtime_status_name(r->status), r->bundle, r->created,
                                r->owner);
    }
    return rc;
}

static int run_list(struct oci *c, void *values, const struct operands *o,
                    struct mtd_error *err)
{
    const struct list_values *v = values;
    auto_done(runtime_lines_done) struct runtime_lines l = {0};
    auto_done(buf_done) struct buf b = {0};
    (void)o;
    int rc = check_format(v->format, err);
    if (rc == 0)
        rc = runtime_list(&c->runtime, &l, err);
    if (rc < 0)
        return rc;
    bool json = v->format && strcmp(v->format, "json") == 0;
    if ((json ? put_json(&l, &b) : put_table(&l, v->quiet, &b)) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return print_out(&b, err);
}

static int put_process(struct buf *b, int pid)
{
    char path[48], command[256];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    auto_done(buf_done) struct buf line = {0};
    if (fs_read_path(path, 1u << 20, &line) < 0 || line.len == 0)
        return buf_printf(b, "%-8d\n", pid);
    for (size_t i = 0; i + 1 < line.len; i++)
        if (!line.data[i])
            line.data[i] = ' ';
    snprintf(command, sizeof(command), "%s", line.data);
    return buf_printf(b, "%-8d %s\n", pid, command);
}

static int put_pids(struct buf *b, bool json, const int *pids, int n)
{
    int rc = buf_puts(b, json ? (n ? "[" : "null") : "PID      COMMAND\n");
    for (int i = 0; pids && i < n && rc == 0; i++)
        rc =
            json ? buf_printf(b, "%s%d", i ? "," : "", pids[i]) : put_process(b, pids[i]);
    return rc == 0 && json ? buf_puts(b, n ? "]\n" : "\n") : rc;
}

static int run_ps(struct oci *c, void *values, const struct operands *o,
                  struct mtd_error *err)
{
    const struct list_values *v = values;
    auto_free int *pids = NULL;
    auto_done(buf_done) struct buf b = {0};
    int n = check_format(v->format, err);
    if (n == 0)
        n = runtime_pids(&c->runtime, o->items[0], &pids, err);
    if (n < 0)
        return n;
    bool json = v->format && strcmp(v->format, "json") == 0;
    return put_pids(&b, json, pids, n) < 0 ? mtd_fail(err, ENOMEM, "out of memory")
                                           : print_out(&b, err);
}

/* ---- update ---- */

struct update_values {
    const char *resources, *memory, *memory_swap, *reservation, *shares, *quota, *period,
        *cpus, *mems, *pids, *blkio, *burst, *idle, *kernel, *kernel_tcp, *rt_period,
        *rt_runtime;
};
#define UPDATE(name, field, help)                                                        \
    {                                                                                    \
        name, 0, OPTION_TEXT, offsetof(struct update_values, field), NULL, "VALUE", help \
    }
static const struct option_row UPDATE[] = {
    {"resources", 'r', OPTION_TEXT, offsetof(struct update_values, resources), NULL,
     "FILE", "The JSON of linux.resources, - for stdin"},
    UPDATE("memory", memory, "Limit in bytes"),
    UPDATE("memory-swap", memory_swap, "Memory and swap in bytes, -1 without limit"),
    UPDATE("memory-reservation", reservation, "Soft limit in bytes"),
    UPDATE("cpu-share", shares, "Relative weight"),
    UPDATE("cpu-quota", quota, "Microseconds in a period"),
    UPDATE("cpu-period", period, "Microseconds"),
    UPDATE("cpuset-cpus", cpus, "List of CPUs"),
    UPDATE("cpuset-mems", mems, "List of memory nodes"),
    UPDATE("pids-limit", pids, "Number of processes, -1 without limit"),
    UPDATE("blkio-weight", blkio, "10 to 1000"),
    UPDATE("cpu-burst", burst, "Microseconds"),
    UPDATE("cpu-idle", idle, "0 or 1"),
    UPDATE("cpu-rt-period", rt_period, "Microseconds, of realtime processes"),
    UPDATE("cpu-rt-runtime", rt_runtime, "Microseconds in that period"),
    UPDATE("kernel-memory", kernel, "Ignored with a warning"),
    UPDATE("kernel-memory-tcp", kernel_tcp, "Bytes of TCP's buffers"),
    OPTION_END,
};

struct part {
    const char *group, *key, *value;
    bool text;
};

static int put_part(struct buf *b, const struct part *p, struct mtd_error *err)
{
    int64_t n;
    uint64_t size;
    bool memory = strcmp(p->group, "memory") == 0;
    if (p->text)
        return p->value[strspn(p->value, "0123456789,-")]
                   ? mtd_fail(err, EINVAL, "\"%.60s\" is not a list of numbers", p->value)
                   : buf_printf(b, "\"%s\":\"%s\"", p->key, p->value);
    if (memory && *p->value != '-' && parse_size(p->value, &size) == 0 &&
        size <= INT64_MAX)
        return buf_printf(b, "\"%s\":%llu", p->key, (unsigned long long)size);
    if (parse_i64(p->value, INT64_MIN, INT64_MAX, &n) < 0)
        return mtd_fail(err, EINVAL, "invalid value for %s: \"%.40s\"", p->key, p->value);
    return buf_printf(b, "\"%s\":%lld", p->key, (long long)n);
}

/* The options as the JSON they stand for. */
static int put_resources(const struct update_values *v, struct buf *b,
                         struct mtd_error *err)
{
    const struct part PARTS[] = {
        {"memory", "limit", v->memory},
        {"memory", "swap", v->memory_swap},
        {"memory", "reservation", v->reservation},
        {"memory", "kernel", v->kernel},
        {"memory", "kernelTCP", v->kernel_tcp},
        {"cpu", "shares", v->shares},
        {"cpu", "quota", v->quota},
        {"cpu", "period", v->period},
        {"cpu", "burst", v->burst},
        {"cpu", "idle", v->idle},
        {"cpu", "realtimePeriod", v->rt_period},
        {"cpu", "realtimeRuntime", v->rt_runtime},
        {"cpu", "cpus", v->cpus, true},
        {"cpu", "mems", v->mems, true},
        {"pids", "limit", v->pids},
        {"blockIO", "weight", v->blkio},
    };
    const char *group = NULL;
    int rc = buf_putc(b, '{');
    for (size_t i = 0; i < ARRAY_SIZE(PARTS) && rc == 0; i++) {
        const struct part *p = &PARTS[i];
        if (!p->value)
            continue;
        bool same = group && strcmp(group, p->group) == 0;
        rc = same ? buf_putc(b, ',')
                  : buf_printf(b, "%s\"%s\":{", group ? "}," : "", p->group);
        group = p->group;
        if (rc == 0)
            rc = put_part(b, p, err);
    }
    return rc < 0 ? rc : buf_puts(b, group ? "}}" : "}");
}

static int read_stdin(struct buf *b, struct mtd_error *err)
{
    char part[4096];
    ssize_t n;
    while ((n = read(STDIN_FILENO, part, sizeof(part))) > 0)
        if (b->len + (size_t)n > RESOURCES_MAX || buf_add(b, part, (size_t)n) < 0)
            return mtd_fail(err, EFBIG, "the resources are too large");
    return n < 0 ? mtd_fail_errno(err, errno, "cannot read stdin") : 0;
}

static int run_update(struct oci *c, void *values, const struct operands *o,
                      struct mtd_error *err)
{
    const struct update_values *v = values;
    auto_done(buf_done) struct buf b = {0};
    int rc = 0;
    if (!v->resources)
        rc = put_resources(v, &b, err);
    else if (strcmp(v->resources, "-") == 0)
        rc = read_stdin(&b, err);
    else if ((rc = fs_read_path(v->resources, RESOURCES_MAX, &b)) < 0)
        mtd_fail_errno(err, -rc, "cannot read %s", v->resources);
    if (rc < 0)
        return mtd_fail(err, -rc, "out of memory");
    return runtime_update(&c->runtime, o->items[0], b.data ? b.data : "", b.len, err);
}

/* ---- events, features, spec ---- */

struct events_values {
    bool stats;
    const char *interval;
};
static const struct option_row EVENTS[] = {
    {"stats", 0, OPTION_FLAG, offsetof(struct events_values, stats), NULL, NULL,
     "Print the figures once"},
    {"interval", 0, OPTION_TEXT, offsetof(struct events_values, interval), NULL,
     "DURATION", "Between two lines (default 5s)"},
    OPTION_END,
};

static int run_events(struct oci *c, void *values, const struct operands *o,
                      struct mtd_error *err)
{
    const struct events_values *v = values;
    int64_t every = 5000000000LL;
    if (v->interval && (parse_duration_ns(v->interval, &every) < 0 || every <= 0))
        return mtd_fail(err, EINVAL, "duration interval must be greater than 0");
    for (bool first = true;; first = false) {
        auto_done(buf_done) struct buf b = {0};
        int rc = runtime_stats(&c->runtime, o->items[0], &b, err);
        if (rc < 0) /* it has ended meanwhile: so do the events */
            return first ? rc : (mtd_error_clear(err), 0);
        rc = print_out(&b, err);
        if (rc < 0 || v->stats)
            return rc;
        usleep((useconds_t)(every / 1000));
    }
}

static int run_features(struct oci *c, void *values, const struct operands *o,
                        struct mtd_error *err)
{
    auto_done(buf_done) struct buf b = {0};
    (void)c, (void)values, (void)o;
    return oci_features(&b) < 0 ? mtd_fail(err, ENOMEM, "out of memory")
                                : print_out(&b, err);
}

struct spec_values {
    const char *bundle;
    bool rootless;
};
static const struct option_row SPEC[] = {
    {"bundle", 'b', OPTION_TEXT, offsetof(struct spec_values, bundle), NULL, "DIR",
     "Where to write config.json (default here)"},
    {"rootless", 0, OPTION_FLAG, offsetof(struct spec_values, rootless), NULL, NULL,
     "Refused"},
    OPTION_END,
};

static int run_spec(struct oci *c, void *values, const struct operands *o,
                    struct mtd_error *err)
{
    const struct spec_values *v = values;
    auto_done(buf_done) struct buf b = {0};
    (void)c, (void)o;
    if (v->rootless)
        return mtd_fail(err, EOPNOTSUPP, "spec --rootless is not supported");
    if (v->bundle && chdir(v->bundle) < 0)
        return mtd_fail_errno(err, errno, "bundle %s", v->bundle);
    if (access("config.json", F_OK) == 0)
        return mtd_fail(err, EEXIST, "file config.json exists. Remove it first");
    int rc = oci_spec(&b);
    if (rc == 0)
        rc = fs_make_whole_at(AT_FDCWD, "config.json", b.data, b.len, 0644, false);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write config.json") : 0;
}

const struct oci_verb OCI_VERBS[] = {
    {"start",
     "ID",
     "Run the command of a created container",
     {{NULL}},
     0,
     1,
     1,
     0,
     run_start},
    {"state", "ID", "Print a container's state as JSON", {{NULL}}, 0, 1, 1, 0, run_state},
    {"kill",
     "ID [SIGNAL]",
     "Send a signal (default TERM)",
     {{KILL}},
     sizeof(struct kill_values),
     1,
     2,
     0,
     run_kill},
    {"delete",
     "ID",
     "Remove a container that has stopped",
     {{DELETE}},
     sizeof(struct delete_values),
     1,
     1,
     0,
     run_delete},
    {"pause", "ID", "Freeze all processes", {{NULL}}, 0, 1, 1, 0, run_pause},
    {"resume", "ID", "Let them go on", {{NULL}}, 0, 1, 1, 0, run_resume},
    {"list",
     "",
     "List the containers of the root",
     {{LIST}},
     sizeof(struct list_values),
     0,
     0,
     0,
     run_list},
    {"ps",
     "ID",
     "List a container's processes",
     {{LIST}, .stop_at_operand = true},
     sizeof(struct list_values),
     1,
     64,
     0,
     run_ps},
    {"update",
     "ID",
     "Change the limits",
     {{UPDATE}},
     sizeof(struct update_values),
     1,
     1,
     0,
     run_update},
    {"events",
     "ID",
     "Print the figures, again and again",
     {{EVENTS}},
     sizeof(struct events_values),
     1,
     1,
     0,
     run_events},
    {"features",
     "",
     "Print what this runtime can do, as JSON",
     {{NULL}},
     0,
     0,
     0,
     0,
     run_features},
    {"spec",
     "",
     "Write an example of a config.json",
     {{SPEC}},
     sizeof(struct spec_values),
     0,
     0,
     0,
     run_spec},
    {.name = NULL},
};
