/* verb_lifecycle - stop, restart, kill, pause, unpause, wait, rm, update, rename: what
 * changes an existing container. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/each.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/spec_network.h"
#include "cli/spec_options.h"
#include "cli/values.h"
#include "cli/verb.h"

/* ---- stop, restart ---- */

struct stop_values {
    int64_t timeout; /* -2 = as configured */
    int signal;      /* 0 = as configured */
};

static const struct option_row STOP_OPTIONS[] = {
    {"timeout", 't', OPTION_VALUE, offsetof(struct stop_values, timeout), value_timeout,
     "SECONDS",
     "Seconds to wait before killing it (default: as configured, else 10; -1 = forever)"},
    {"time", 0, OPTION_VALUE, offsetof(struct stop_values, timeout), value_timeout},
    {"signal", 's', OPTION_LATE, offsetof(struct stop_values, signal), value_signal,
     "SIGNAL", "Send this signal first (default: as configured, else TERM)"},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static void init_stop(void *values)
{
    ((struct stop_values *)values)->timeout = -2;
}

static int stop_one(struct cli *c, const char *ref, const void *values,
                    struct mtd_error *err)
{
    const struct stop_values *v = values;
    return mtd_stop_by(c->engine, ref, v->signal, v->timeout, err);
}

static int run_stop(struct cli *c, void *values, const struct operands *o)
{
    return each_at_once(c, o, values, stop_one, true, EACH_USUAL);
}

static int restart_one(struct cli *c, const char *ref, const void *values,
                       struct mtd_error *err)
{
    return mtd_restart(c->engine, ref, ((const struct stop_values *)values)->timeout,
                       err);
}

static int run_restart(struct cli *c, void *values, const struct operands *o)
{
    return each_at_once(c, o, values, restart_one, true, EACH_USUAL);
}

/* ---- kill ---- */

struct kill_values {
    int signal;
    const char *exec; /* NULL = the container itself */
};

static const struct option_row KILL_OPTIONS[] = {
    {"exec", 0, OPTION_TEXT, offsetof(struct kill_values, exec), NULL, "ID",
     "Signal this exec session instead (see top or inspect; "
     "KILL ends all its processes)"},
    {"signal", 's', OPTION_LATE, offsetof(struct kill_values, signal), value_signal,
     "SIGNAL", "The signal, as a name or number (default KILL)"},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static void init_kill(void *values)
{
    ((struct kill_values *)values)->signal = SIGKILL;
}

static int check_kill(void *values, const struct operands *o, struct mtd_error *err)
{
    const struct kill_values *v = values;
    size_t len = v->exec ? strlen(v->exec) : 0;
    if (!v->exec)
        return 0;
    if (len == 0 || len > MTD_ID_LEN || strspn(v->exec, "0123456789abcdef") != len)
        return mtd_fail(err, EINVAL,
                        "--exec: \"%.80s\" is not the id of an exec session; top and "
                        "inspect show them",
                        v->exec);
    if (o->len > 1)
        return mtd_fail(
            err, EINVAL,
            "--exec: an exec session belongs to one container; name only that one");
    return 0;
}

static int kill_one(struct cli *c, const char *ref, const void *values,
                    struct mtd_error *err)
{
    const struct kill_values *v = values;
    return v->exec ? mtd_exec_kill(c->engine, ref, v->exec, v->signal, err)
                   : mtd_kill(c->engine, ref, v->signal, err);
}

static int run_kill(struct cli *c, void *values, const struct operands *o)
{
    return each_in_turn(c, o, values, kill_one, true);
}

/* ---- pause, unpause, wait ---- */

static const struct option_row CONTAINER_OPTIONS[] = {
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static int pause_one(struct cli *c, const char *ref, const void *values,
                     struct mtd_error *err)
{
    (void)values;
    return mtd_pause(c->engine, ref, true, err);
}

static int unpause_one(struct cli *c, const char *ref, const void *values,
                       struct mtd_error *err)
{
    (void)values;
    return mtd_pause(c->engine, ref, false, err);
}

static int run_pause(struct cli *c, void *values, const struct operands *o)
{
    return each_in_turn(c, o, values, pause_one, true);
}

static int run_unpause(struct cli *c, void *values, const struct operands *o)
{
    return each_in_turn(c, o, values, unpause_one, true);
}

static int wait_one(struct cli *c, const char *ref, const void *values,
                    struct mtd_error *err)
{
    int code = 0;
    char text[16];
    (void)values;
    int rc = mtd_wait(c->engine, ref, &code, err);
    if (rc < 0)
        return rc;
    snprintf(text, sizeof(text), "%d", code);
    return print_line(text, err);
}

static int run_wait(struct cli *c, void *values, const struct operands *o)
{
    return each_in_turn(c, o, values, wait_one, false);
}

/* ---- rm, rename ---- */

struct rm_values {
    bool force, volumes;
};

static const struct option_row RM_OPTIONS[] = {
    {"force", 'f', OPTION_FLAG, offsetof(struct rm_values, force), NULL, NULL,
     "Kill it first if it is running"},
    {"volumes", 'v', OPTION_FLAG, offsetof(struct rm_values, volumes), NULL, NULL,
     "Remove its anonymous volumes as well"},
    {"link", 'l', OPTION_REFUSE, 0, NULL, NULL, "container links are not supported"},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

/* As docker: with -f a missing container is reported, but it is not a failure. */
static int rm_one(struct cli *c, const char *ref, const void *values,
                  struct mtd_error *err)
{
    const struct rm_values *v = values;
    int rc = mtd_remove(c->engine, ref, v->force, v->volumes, err);
    if (rc == -ENOENT && v->force) {
        mtd_fail(err, ENOENT, "no such container: %.80s", ref);
        return EACH_QUIET;
    }
    return rc;
}

static int run_rm(struct cli *c, void *values, const struct operands *o)
{
    return each_at_once(c, o, values, rm_one, true, EACH_USUAL);
}

static int check_rename(void *values, const struct operands *o, struct mtd_error *err)
{
    (void)values;
    return mtd_name_check(mtd_name_bare(o->items[1]), err);
}

static int run_rename(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    (void)values;
    int rc = mtd_rename(c->engine, o->items[0], o->items[1], &err);
    if (rc == 0)
        return 0;
    mtd_fail_errno(&err, -rc, "%.80s", o->items[0]);
    return report_error(c, STATUS_FAILED, &err);
}

/* ---- update ---- */

struct update_values {
    struct mtd_resources resources;
    struct value_restart restart;
    struct option_list add, rm;
    struct mtd_port *ports_add, *ports_rm;
    size_t n_add, n_rm;
};

#define FIELD(f) offsetof(struct update_values, f)
#define NO_REAL_TIME "not supported; use --cpu-shares, --cpu-period and --cpu-quota"
static const struct option_row UPDATE_OPTIONS[] = {
    {"blkio-weight", 0, OPTION_VALUE, FIELD(resources.blkio_weight), value_weight, "N",
     "Block IO weight, 10 to 1000"},
    {"cpu-period", 0, OPTION_VALUE, FIELD(resources.cpu_period), value_period,
     "MICROSECONDS", "Period of the CPU quota"},
    {"cpu-quota", 0, OPTION_VALUE, FIELD(resources.cpu_quota), value_quota,
     "MICROSECONDS", "CPU time in a period (-1 = no limit)"},
    {"cpu-rt-period", 0, OPTION_REFUSE, 0, NULL, "N", NO_REAL_TIME},
    {"cpu-rt-runtime", 0, OPTION_REFUSE, 0, NULL, "N", NO_REAL_TIME},
    {"cpu-shares", 'c', OPTION_VALUE, FIELD(resources.cpu_shares), value_shares, "N",
     "CPU weight, 2 to 262144"},
    {"cpus", 0, OPTION_VALUE, FIELD(resources.nano_cpus), value_cpus, "N",
     "Limit the number of CPUs"},
    {"cpuset-cpus", 0, OPTION_LATE, FIELD(resources.cpuset_cpus), value_cpuset, "LIST",
     "Run on these CPUs only"},
    {"cpuset-mems", 0, OPTION_LATE, FIELD(resources.cpuset_mems), value_mems, "LIST",
     "Use these memory nodes only"},
    {"kernel-memory", 0, OPTION_IGNORE, 0, NULL, "SIZE",
     "ignored; deprecated, kernel memory counts as memory (-m)"},
    {"memory", 'm', OPTION_VALUE, FIELD(resources.memory), value_memory, "SIZE",
     "Memory limit"},
    {"memory-reservation", 0, OPTION_VALUE, FIELD(resources.memory_reservation),
     value_reservation, "SIZE", "Memory it keeps when the host is short of it"},
    {"memory-swap", 0, OPTION_VALUE, FIELD(resources.memory_swap), value_swap, "SIZE",
     "Limit of memory plus swap"},
    {"pids-limit", 0, OPTION_VALUE, FIELD(resources.pids), value_pids, "N",
     "Limit the number of processes"},
    {"publish-add", 0, OPTION_LIST, FIELD(add), NULL, "[[IP:]HOST:]PORT",
     "Publish a port, as run -p does; of a running container at once"},
    {"publish-rm", 0, OPTION_LIST, FIELD(rm), NULL, "[[IP:]HOST:]PORT",
     "Publish it no more"},
    {"restart", 0, OPTION_LATE, FIELD(restart), value_restart, "POLICY",
     "Restart policy: no, on-failure[:TIMES], always or unless-stopped"},
    {"mem", 0, OPTION_VALUE, FIELD(resources.memory), value_memory},
    {"cpushare", 0, OPTION_VALUE, FIELD(resources.cpu_shares), value_shares},
    {"cpuset", 0, OPTION_LATE, FIELD(resources.cpuset_cpus), value_cpuset},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static void done_update(void *values)
{
    struct update_values *v = values;
    mtd_resources_done(&v->resources);
    mtd_ports_done(&v->ports_add, &v->n_add);
    mtd_ports_done(&v->ports_rm, &v->n_rm);
}

static int take_ports(struct update_values *v, struct mtd_error *err)
{
    struct mtd_defaults d;
    mtd_defaults_init(&d);
    int rc = v->add.len ? spec_defaults(&d, err) : 0;
    for (size_t i = 0; i < v->add.len && rc == 0; i++) {
        rc = mtd_port_parse(v->add.items[i], d.publish_address, &v->ports_add, &v->n_add,
                            err);
        mtd_context(rc < 0 ? err : NULL, "--publish-add");
    }
    for (size_t i = 0; i < v->rm.len && rc == 0; i++) {
        rc = mtd_port_parse(v->rm.items[i], "", &v->ports_rm, &v->n_rm, err);
        mtd_context(rc < 0 ? err : NULL, "--publish-rm");
    }
    return rc;
}

static int check_update(void *values, const struct operands *o, struct mtd_error *err)
{
    if (o->given == 0)
        return mtd_fail(err, EINVAL, "nothing to change; give at least one option");
    return take_ports(values, err);
}

static int update_one(struct cli *c, const char *ref, const void *values,
                      struct mtd_error *err)
{
    const struct update_values *v = values;
    struct mtd_update update = {.resources = v->resources, /* borrowed */
                                .sets_restart = v->restart.set,
                                .restart = v->restart.policy,
                                .restart_max = v->restart.max,
                                .publish_add = v->ports_add,
                                .n_publish_add = v->n_add,
                                .publish_rm = v->ports_rm,
                                .n_publish_rm = v->n_rm};
    return mtd_update(c->engine, ref, &update, err);
}

static int run_update(struct cli *c, void *values, const struct operands *o)
{
    return each_in_turn(c, o, values, update_one, true);
}

/* ---- the table ---- */

#define MANY                                                                    \
    .operands = "CONTAINER [CONTAINER...]", .group = GROUP_LIFECYCLE, .min = 1, \
    .max = VERB_MANY

const struct verb VERBS_LIFECYCLE[] = {
    {.name = "stop",
     .summary = "Stop containers: send the stop signal, and SIGKILL after a timeout",
     .flags = VERB_EXISTING,
     .options = {{STOP_OPTIONS}},
     .values_size = sizeof(struct stop_values),
     .init = init_stop,
     .run = run_stop,
     MANY},
    {.name = "restart",
     .summary = "Stop containers and start them again",
     .flags = VERB_EXISTING,
     .options = {{STOP_OPTIONS}},
     .values_size = sizeof(struct stop_values),
     .init = init_stop,
     .run = run_restart,
     MANY},
    {.name = "kill",
     .summary = "Send a signal to containers",
     .flags = VERB_EXISTING,
     .options = {{KILL_OPTIONS}},
     .values_size = sizeof(struct kill_values),
     .init = init_kill,
     .check = check_kill,
     .run = run_kill,
     MANY},
    {.name = "pause",
     .summary = "Pause all processes of containers",
     .flags = VERB_EXISTING,
     .options = {{CONTAINER_OPTIONS}},
     .run = run_pause,
     MANY},
    {.name = "unpause",
     .summary = "Resume paused containers",
     .flags = VERB_EXISTING,
     .options = {{CONTAINER_OPTIONS}},
     .run = run_unpause,
     MANY},
    {.name = "wait",
     .summary = "Wait until containers stop and print their exit statuses",
     .flags = VERB_READ_ONLY,
     .options = {{CONTAINER_OPTIONS}},
     .run = run_wait,
     MANY},
    {.name = "rm",
     .summary = "Remove containers",
     .flags = VERB_EXISTING,
     .options = {{RM_OPTIONS}},
     .values_size = sizeof(struct rm_values),
     .run = run_rm,
     MANY},
    {.name = "update",
     .summary = "Change limits or the restart policy of containers",
     .flags = VERB_EXISTING,
     .options = {{UPDATE_OPTIONS}},
     .values_size = sizeof(struct update_values),
     .check = check_update,
     .run = run_update,
     .done = done_update,
     MANY},
    {.name = "rename",
     .operands = "CONTAINER NEW_NAME",
     .summary = "Rename a container",
     .group = GROUP_LIFECYCLE,
     .flags = VERB_EXISTING,
     .min = 2,
     .max = 2,
     .check = check_rename,
     .run = run_rename},
    VERB_END,
};
