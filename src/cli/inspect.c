/* inspect - one function for each part of docker's object: scripts read its members by
 * name, so what docker has keeps docker's name, type and place. */

#include "cli/inspect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "cli/inspect_zero.h"
#include "cli/print.h"
#include "cli/values.h"

/* docker distinguishes "not set" (null) from "empty". */
static json_t *strings_or_null(const struct strv *v)
{
    return v->len ? inspect_strings(v) : json_null();
}

static json_t *make_health(struct mtd_engine *e, const struct mtd_record *r)
{
    static struct mtd_health h;
    json_t *log = json_array();
    mtd_health(e, r, &h);
    for (unsigned i = 0; i < h.n; i++) {
        const struct mtd_health_result *one = &h.log[i];
        json_array_append_new(
            log, json_pack("{s:o, s:o, s:i, s:o}", "Start", inspect_time(one->start),
                           "End", inspect_time(one->end), "ExitCode", one->exit_code,
                           "Output", inspect_text(one->output)));
    }
    return json_pack("{s:o, s:i, s:o}", "Status", inspect_text(r->status.health),
                     "FailingStreak", (int)h.failing_streak, "Log", log);
}

static json_t *make_state(struct mtd_engine *e, const struct mtd_record *r)
{
    const struct mtd_status *s = &r->status;
    bool paused = s->state == MTD_STATE_PAUSED;
    bool restarting = s->state == MTD_STATE_RESTARTING;
    json_t *o = json_pack(
        "{s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:o, s:o, s:o}", "Status",
        mtd_state_name(s->state), "Running", mtd_state_is_active(s->state), "Paused",
        paused, "Restarting", restarting, "OOMKilled", s->oom_killed, "Dead",
        s->state == MTD_STATE_DEAD, "Pid", (int)s->pid, "ExitCode", s->exit_code, "Error",
        inspect_text(s->error), "StartedAt", inspect_time(s->started_at), "FinishedAt",
        inspect_time(s->finished_at));
    if (o && s->health)
        json_object_set_new(o, "Health", make_health(e, r));
    return o;
}

static json_t *make_caps(uint64_t caps, uint64_t without)
{
    json_t *list = json_array();
    for (int n = 0; mtd_cap_name(n); n++)
        if ((caps & ~without) >> n & 1)
            json_array_append_new(list, json_string(mtd_cap_name(n)));
    if (json_array_size(list))
        return list;
    json_decref(list);
    return json_null();
}

static json_t *make_ulimits(const struct mtd_process *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->n_rlimits; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I}", "Name", p->rlimits[i].name,
                                        "Hard", (json_int_t)p->rlimits[i].hard, "Soft",
                                        (json_int_t)p->rlimits[i].soft));
    return list;
}

static const char *restart_name(enum mtd_restart policy)
{
    static const char *const NAMES[] = {
        [MTD_RESTART_NO] = "no",
        [MTD_RESTART_ON_FAILURE] = "on-failure",
        [MTD_RESTART_ALWAYS] = "always",
        [MTD_RESTART_UNLESS_STOPPED] = "unless-stopped",
    };
    return NAMES[policy];
}

/* As a user would have typed it: in the largest unit that is exact. */
static json_t *log_size(uint64_t bytes)
{
    static const char UNITS[] = {'\0', 'k', 'm', 'g', '\0'};
    char text[32];
    size_t unit = 0;
    if (bytes == 0)
        return json_string("-1");
    for (; bytes % 1024 == 0 && UNITS[unit + 1]; unit++)
        bytes /= 1024;
    int n = snprintf(text, sizeof(text), "%" PRIu64, bytes);
    snprintf(text + n, sizeof(text) - (size_t)n, "%.1s", &UNITS[unit]);
    return json_string(text);
}

static json_t *make_log_config(const struct mtd_spec *s)
{
    char files[24];
    json_t *options = json_object();
    bool kept = s->log_driver != MTD_LOG_NONE && s->log_driver != MTD_LOG_JOURNALD;
    snprintf(files, sizeof(files), "%u", s->log_max_file);
    if (kept)
        json_object_set_new(options, "max-size", log_size(s->log_max_size));
    if (kept && s->log_max_size)
        json_object_set_new(options, "max-file", json_string(files));
    json_t *others = inspect_labels(&s->log_opts);
    json_object_update(options, others);
    json_decref(others);
    return json_pack("{s:s, s:o}", "Type", mtd_log_driver_name(s->log_driver), "Config",
                     options);
}

static void add_resources(json_t *o, const struct mtd_resources *r)
{
    json_object_set_new(o, "CpuShares", json_integer((json_int_t)r->cpu_shares));
    json_object_set_new(o, "Memory", json_integer(r->memory));
    int64_t swap = r->memory_swap ? r->memory_swap : 2 * r->memory;
    json_object_set_new(o, "MemorySwap", json_integer(swap));
    json_object_set_new(o, "NanoCpus", json_integer(r->nano_cpus));
    json_object_set_new(o, "CpusetCpus", inspect_text(r->cpuset_cpus));
    json_object_set_new(o, "BlkioWeight", json_integer((json_int_t)r->blkio_weight));
    json_object_set_new(o, "PidsLimit", r->pids ? json_integer(r->pids) : json_null());
}

static json_t *make_security_opt(const struct mtd_spec *s)
{
    const struct mtd_process *p = &s->process;
    auto_free char *seccomp = NULL, *apparmor = NULL;
    json_t *list = json_array();
    if (p->no_new_privs)
        json_array_append_new(list, json_string("no-new-privileges"));
    if (p->seccomp && asprintf(&seccomp, "seccomp=%s", p->seccomp) >= 0)
        json_array_append_new(list, json_string(seccomp));
    if (p->apparmor && asprintf(&apparmor, "apparmor=%s", p->apparmor) >= 0)
        json_array_append_new(list, json_string(apparmor));
    for (size_t i = 0; i < s->label_words.len; i++) {
        auto_free char *label = NULL;
        if (asprintf(&label, "label=%s", s->label_words.items[i]) >= 0)
            json_array_append_new(list, json_string(label));
    }
    return json_array_size(list) ? list : (json_decref(list), json_null());
}

static json_t *make_host_config(const struct mtd_spec *s)
{
    const struct mtd_process *p = &s->process;
    uint64_t known = p->privileged ? MTD_CAPS_DEFAULT : p->caps;
    json_t *o = json_pack(
        "{s:o, s:o, s:{s:s, s:i}, s:b, s:b, s:b, s:o, s:o, s:o, s:b, s:o, s:o, s:o}",
        "LogConfig", make_log_config(s), "NetworkMode", inspect_network_mode(s),
        "RestartPolicy", "Name", restart_name(s->restart), "MaximumRetryCount",
        (int)s->restart_max, "AutoRemove", s->auto_remove, "Privileged", p->privileged,
        "ReadonlyRootfs", s->read_only, "CapAdd", make_caps(known, MTD_CAPS_DEFAULT),
        "CapDrop", make_caps(MTD_CAPS_DEFAULT, known), "SecurityOpt",
        make_security_opt(s), "Init", p->init, "Dns", inspect_strings(&s->dns),
        "ExtraHosts", strings_or_null(&s->add_hosts), "Ulimits", make_ulimits(p));
    if (!o)
        return NULL;
    if (!p->init)
        json_object_del(o, "Init");
    inspect_add_mounts(o, s);
    add_resources(o, &s->resources);
    inspect_add_host(o, s);
    return inspect_over_zero(ZERO_HOST_CONFIG, o);
}

json_t *inspect_healthcheck(const struct mtd_healthcheck *h)
{
    const struct {
        const char *name;
        int64_t value; /* 0 = not given: docker leaves it out */
    } FIELDS[] = {{"Interval", h->interval},
                  {"Timeout", h->timeout},
                  {"StartPeriod", h->start_period},
                  {"StartInterval", h->start_interval},
                  {"Retries", h->retries}};
    json_t *o = json_pack("{s:o}", "Test", inspect_strings(&h->test));
    for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
        if (FIELDS[i].value)
            json_object_set_new(o, FIELDS[i].name, json_integer(FIELDS[i].value));
    return o;
}

/* What was asked for, in docker's order: HOSTNAME and TERM come with the start, and PATH is the
 * image's. */
static json_t *make_env(const struct mtd_spec *s)
{
    const char *path = NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < s->process.env.len; i++) {
        const char *text = s->process.env.items[i];
        bool hostname = strncmp(text, "HOSTNAME=", 9) == 0 && s->hostname &&
                        strcmp(text + 9, s->hostname) == 0;
        if (strncmp(text, "PATH=", 5) == 0)
            path = text;
        else if (!hostname && !(s->process.tty && strcmp(text, "TERM=xterm") == 0))
            json_array_append_new(list, inspect_text(text));
    }
    if (path)
        json_array_append_new(list, inspect_text(path));
    return list;
}

static void add_attached(json_t *o, const struct mtd_spec *s)
{
    static const char *const STREAMS[] = {"AttachStdin", "AttachStdout", "AttachStderr"};
    const struct mtd_process *p = &s->process;
    for (size_t i = 0; i < ARRAY_SIZE(STREAMS); i++)
        json_object_set_new(o, STREAMS[i], json_boolean(s->attach[i]));
    json_object_set_new(o, "StdinOnce", json_boolean(p->open_stdin && !p->keeps_stdin));
}

static json_t *make_config(const struct mtd_record *r)
{
    const struct mtd_spec *s = &r->spec;
    const struct mtd_process *p = &s->process;
    char short_id[MTD_SHORT_ID_LEN + 1] = "";
    memcpy(short_id, r->id, MTD_SHORT_ID_LEN);
    json_t *o = json_pack(
        "{s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "Hostname",
        inspect_text(s->hostname ? s->hostname : short_id), "User", inspect_text(p->user),
        "Tty", p->tty, "OpenStdin", p->open_stdin, "Env", make_env(s), "Cmd",
        strings_or_null(&s->cmd), "Image", inspect_text(s->image), "WorkingDir",
        inspect_text(p->cwd), "Entrypoint", strings_or_null(&s->entrypoint), "Labels",
        inspect_labels(&s->labels));
    if (!o)
        return NULL;
    if (s->healthcheck.test.len)
        json_object_set_new(o, "Healthcheck", inspect_healthcheck(&s->healthcheck));
    if (s->stop_signal)
        json_object_set_new(o, "StopSignal", inspect_text(s->stop_signal));
    if (s->sets_stop_timeout)
        json_object_set_new(o, "StopTimeout", json_integer(s->stop_timeout));
    add_attached(o, s);
    inspect_add_volumes(o, s);
    inspect_add_exposed(o, s);
    return inspect_over_zero(ZERO_CONFIG, o);
}

/* The record has the lowest layer first, overlayfs's lowerdir option the highest. */
static json_t *make_graph_driver(struct mtd_engine *e, const struct mtd_record *r)
{
    auto_free char *upper = mtd_path(e, r->id, "upper");
    auto_free char *work = mtd_path(e, r->id, "work");
    auto_free char *merged = mtd_path(e, r->id, "rootfs");
    auto_done(buf_done) struct buf lower = {0};
    for (size_t i = r->spec.layers.len; i-- > 0;)
        if (buf_printf(&lower, "%s%s/images/layers/%s", lower.len ? ":" : "", mtd_root(e),
                       r->spec.layers.items[i]) < 0)
            return NULL;
    return json_pack("{s:s, s:{s:o, s:o, s:o, s:o}}", "Name", "overlay2", "Data",
                     "LowerDir", inspect_text(lower.data), "MergedDir",
                     inspect_text(merged), "UpperDir", inspect_text(upper), "WorkDir",
                     inspect_text(work));
}

static json_t *path_text(struct mtd_engine *e, const char *id, const char *what)
{
    auto_free char *path = mtd_path(e, id, what);
    return inspect_text(path);
}

/* The file that was asked for, "" when it is none. */
static json_t *log_path(struct mtd_engine *e, const struct mtd_record *r)
{
    auto_free char *dir = mtd_path(e, r->id, "dir"), *json = NULL;
    if (r->spec.log_driver == MTD_LOG_NONE || r->spec.log_driver == MTD_LOG_JOURNALD)
        return json_string("");
    if (r->spec.log_driver != MTD_LOG_JSON_FILE)
        return path_text(e, r->id, "log");
    if (!dir || asprintf(&json, "%s/%s" MTD_JSON_LOG, dir, r->id) < 0)
        return NULL;
    return inspect_text(json);
}

static void add_paths(json_t *o, struct mtd_engine *e, const struct mtd_record *r)
{
    static const struct {
        const char *member, *what;
    } PATHS[] = {{"ResolvConfPath", "resolv.conf"},
                 {"HostnamePath", "hostname"},
                 {"HostsPath", "hosts"}};
    for (size_t i = 0; i < ARRAY_SIZE(PATHS); i++)
        json_object_set_new(o, PATHS[i].member, path_text(e, r->id, PATHS[i].what));
    json_object_set_new(o, "LogPath", log_path(e, r));
}

static json_t *arguments_after_first(const struct strv *args)
{
    json_t *list = inspect_strings(args);
    json_array_remove(list, 0);
    return list;
}

/* docker: an array, or null when there is none. */
static json_t *make_exec_ids(struct mtd_engine *e, const struct mtd_record *r)
{
    auto_free struct mtd_exec_info *all = NULL;
    int n = mtd_execs(e, r->id, &all, NULL);
    json_t *ids = n > 0 ? json_array() : json_null();
    for (int i = 0; i < n; i++)
        json_array_append_new(ids, json_string(all[i].id));
    return ids;
}

json_t *inspect_container(struct mtd_engine *e, const struct mtd_record *r)
{
    const struct strv *args = &r->spec.process.args;
    auto_free char *name = NULL;
    if (asprintf(&name, "/%s", r->name ? r->name : "") < 0)
        return NULL;
    json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "Id", r->id, "Created",
                          inspect_time(r->created_at), "Path",
                          inspect_text(args->len ? args->items[0] : ""), "Args",
                          arguments_after_first(args), "State", make_state(e, r), "Image",
                          inspect_text(r->spec.image_id));
    if (!o)
        return NULL;
    add_paths(o, e, r);
    json_object_set_new(o, "Name", inspect_text(name));
    json_object_set_new(o, "RestartCount", json_integer(r->status.restart_count));
    json_object_set_new(o, "MonitorPid", json_integer(r->status.monitor_pid));
    json_object_set_new(o, "Driver", json_string("overlay2"));
    json_object_set_new(o, "MountLabel", inspect_text(r->spec.mount_label));
    json_object_set_new(o, "ProcessLabel", inspect_text(r->spec.process.selinux));
    json_object_set_new(o, "AppArmorProfile", inspect_text(r->spec.process.apparmor));
    json_object_set_new(o, "Platform", json_string("linux"));
    json_object_set_new(o, "ExecIDs", make_exec_ids(e, r));
    json_object_set_new(o, "HostConfig", make_host_config(&r->spec));
    json_object_set_new(o, "GraphDriver", make_graph_driver(e, r));
    json_object_set_new(o, "Mounts", inspect_mounts(e, &r->spec));
    json_object_set_new(o, "Config", make_config(r));
    json_object_set_new(o, "NetworkSettings", inspect_networks(e, r));
    return inspect_over_zero(ZERO_CONTAINER, o);
}
