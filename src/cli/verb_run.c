/* verb_run - run, create, start, attach: what begins or joins a container's command. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/output.h"
#include "cli/each.h"
#include "cli/network_warn.h"
#include "cli/print.h"
#include "cli/registry.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/spec_mounts.h"
#include "cli/spec_options.h"
#include "cli/verb.h"

/* ---- run and create ---- */

static int check_attach(const struct run_values *v, struct mtd_error *err)
{
    static const char *const STREAMS[] = {"stdin", "stdout", "stderr"};
    if (v->attach.len && v->detach)
        return mtd_fail(err, EINVAL, "conflicting options: --attach and --detach");
    for (size_t i = 0; i < v->attach.len; i++) {
        bool known = false;
        for (size_t k = 0; k < ARRAY_SIZE(STREAMS); k++)
            known = known || strcasecmp(v->attach.items[i], STREAMS[k]) == 0;
        if (!known)
            return mtd_fail(err, EINVAL,
                            "--attach: \"%.40s\" is not stdin, stdout or stderr",
                            v->attach.items[i]);
    }
    return 0;
}

static int check_run(void *values, const struct operands *o, struct mtd_error *err)
{
    struct run_values *v = values;
    int rc = check_attach(v, err);
    if (rc == 0)
        rc = session_check_keys(v->detach_keys, err);
    if (rc == 0)
        rc = spec_defaults(&v->defaults, err);
    return rc < 0 ? rc : spec_from_values(v, o, err);
}

static bool attaches(const struct run_values *v, const char *stream)
{
    for (size_t i = 0; i < v->attach.len; i++)
        if (strcasecmp(v->attach.items[i], stream) == 0)
            return true;
    return false;
}

/* Without a name until the container's ID is in it: of two runs one gets the name. */
static int open_cidfile(struct output *o, const char *path, struct mtd_error *err)
{
    int rc = output_open(o, path, 0644, OUTPUT_NEW, err);
    if (rc == -EEXIST)
        mtd_error_clear(err);
    if (rc == -EEXIST)
        return mtd_fail(err, EEXIST,
                        "--cidfile: %.120s exists; make sure the other container isn't "
                        "running, or delete the file",
                        path);
    mtd_context(rc < 0 ? err : NULL, "--cidfile");
    return rc;
}

static int write_cidfile(struct cli *c, struct output *o, const char *id,
                         struct mtd_error *err)
{
    int rc = fs_write_all(o->fd, id, strlen(id));
    mtd_fail_errno(rc < 0 ? err : NULL, -rc, "cannot write %.120s", o->path);
    if (rc == 0)
        rc = output_commit(o, false, err);
    if (rc < 0) {
        mtd_context(err, "--cidfile");
        mtd_remove(c->engine, id, true, true, NULL);
    }
    return rc;
}

/* Once, however many lines are wrong. */
static void warn_of_defaults(const struct cli *c, const struct mtd_defaults *d)
{
    if (d->wrong > 1)
        report_warning(c, "%s (ignored, as are %u more lines)", d->problem.text,
                       d->wrong - 1);
    else if (d->wrong)
        report_warning(c, "%s (ignored)", d->problem.text);
}

/* docker drops these with a warning and goes on. */
static void warn_dropped(struct cli *c, const struct run_values *v)
{
    const struct mtd_resources *r = &v->spec.resources;
    struct mtd_info host;
    if ((v->publish.len || v->publish_all) && v->spec.network != MTD_NET_BRIDGE)
        report_warning(c, "--publish: published ports are discarded in the network %s",
                       mtd_network_word(v->spec.network));
    network_warn_ports(c, &v->spec);
    if (r->oom_kill_disable && !r->memory)
        report_warning(c,
                       "--oom-kill-disable: without --memory the host may run out of it");
    if ((!r->oom_kill_disable && !r->sets_swappiness) ||
        mtd_host_info(c->engine, &host, NULL) < 0 ||
        strcmp(host.cgroup_version, "2") != 0)
        return;
    if (r->sets_swappiness)
        report_warning(c,
                       "--memory-swappiness: discarded; cgroup v2 has none of a group");
    if (r->oom_kill_disable)
        report_warning(c, "--oom-kill-disable: discarded; cgroup v2 has no such switch");
}

static bool is_missing(const struct cli *c, const char *image)
{
    auto_done(mtd_image_done) struct mtd_image found = {0};
    return mtd_image_find(c->engine, image, &found, NULL) == -ENOENT;
}

/* Only a create that failed asks whether it was for the image. */
static int create_or_pull(struct cli *c, struct run_values *v, struct mtd_create *create,
                          char id[MTD_ID_SIZE], struct mtd_error *err)
{
    const char *when = v->pull ? v->pull : "missing";
    bool always = strcmp(when, "always") == 0, never = strcmp(when, "never") == 0;
    auto_free char *image = strdup(v->spec.image);
    if (!image)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = always ? registry_pull_for_run(c, image, v->platform, v->quiet, err) : 0;
    if (rc == 0)
        rc = mtd_create(c->engine, create, id, err);
    if (rc != -ENOENT || always || never || !is_missing(c, image))
        return rc;
    rc = registry_pull_for_run(c, image, v->platform, v->quiet, err);
    return rc < 0 ? rc : mtd_create(c->engine, create, id, err);
}

static int create_container(struct cli *c, struct run_values *v, bool to_run,
                            char id[MTD_ID_SIZE], struct mtd_error *err)
{
    struct mtd_create create = {.spec = &v->spec,
                                .name = v->name && *v->name ? v->name : NULL,
                                .to_run = to_run,
                                .entrypoint_set = v->entrypoint != NULL};
    warn_of_defaults(c, &v->defaults);
    warn_dropped(c, v);
    spec_log_warn(c, v);
    if (to_run)
        network_warn_firewalls(c, &v->spec);
    auto_done(output_done) struct output cid = OUTPUT_NONE;
    bool has_cid = v->cidfile && *v->cidfile;
    int rc = has_cid ? open_cidfile(&cid, v->cidfile, err) : 0;
    if (rc == 0)
        rc = create_or_pull(c, v, &create, id, err);
    if (rc == 0 && has_cid)
        rc = write_cidfile(c, &cid, id, err);
    return rc;
}

static int run_create(struct cli *c, void *values, const struct operands *o)
{
    struct run_values *v = values;
    struct mtd_error err = {0};
    char id[MTD_ID_SIZE];
    (void)o;
    int rc = create_container(c, v, false, id, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot create");
    if (rc < 0) /* docker's status for what its daemon refuses, but for run */
        return report_error(c, STATUS_FAILED, &err);
    return print_line(id, &err) < 0 ? report_error(c, STATUS_ENGINE, &err) : 0;
}

static int run_detached(struct cli *c, const char *id, bool *ret_started)
{
    struct mtd_error err = {0};
    struct mtd_start start = {0};
    session_size(&start.rows, &start.cols);
    int rc = mtd_start(c->engine, id, &start, NULL, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "cannot start");
        return report_error(c, session_start_status(&err, STATUS_ENGINE), &err);
    }
    *ret_started = true;
    return print_line(id, &err) < 0 ? report_error(c, STATUS_ENGINE, &err) : 0;
}

static int run_run(struct cli *c, void *values, const struct operands *o)
{
    struct run_values *v = values;
    struct mtd_error err = {0};
    char id[MTD_ID_SIZE];
    bool all = v->attach.len == 0;
    (void)o;
    struct session s = {
        .with_stdin = v->spec.process.open_stdin && (all || attaches(v, "stdin")),
        .with_output = all || attaches(v, "stdout") || attaches(v, "stderr"),
        .no_out = !all && !attaches(v, "stdout"),
        .no_err = !all && !attaches(v, "stderr"),
        .sig_proxy = v->sig_proxy,
        .keep_running = v->keep_running,
        .detach_keys = v->detach_keys};
    bool detach = v->detach, vanish = v->spec.auto_remove;
    int status = detach ? 0 : session_check_tty(c, v->spec.process.tty, s.with_stdin);
    if (status)
        return status;
    const struct mtd_process made = {.tty = v->spec.process.tty,
                                     .open_stdin = v->spec.process.open_stdin};
    s.made = &made;
    int rc = create_container(c, v, true, id, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "cannot create");
        return report_error(c, STATUS_ENGINE, &err);
    }
    status = detach ? run_detached(c, id, &s.started)
                    : session_start(c, id, &s, STATUS_ENGINE);
    if (!s.started && vanish)
        mtd_remove(c->engine, id, true, true, NULL);
    return status;
}

/* ---- start ---- */

struct start_values {
    bool attach, interactive, sig_proxy, keep_running;
    const char *detach_keys;
};

#define NO_CHECKPOINTS "checkpoints are not supported; pause keeps a container as it is"

static const struct option_row START_OPTIONS[] = {
    {"attach", 'a', OPTION_FLAG, offsetof(struct start_values, attach), NULL, NULL,
     "Show its output, forward signals, exit with its status"},
    {"interactive", 'i', OPTION_FLAG, offsetof(struct start_values, interactive), NULL,
     NULL, "Attach the container's stdin"},
    {"detach-keys", 0, OPTION_TEXT, offsetof(struct start_values, detach_keys), NULL,
     "KEYS", "Keys that detach (default ctrl-p,ctrl-q)"},
    {"keep-running", 0, OPTION_FLAG, offsetof(struct start_values, keep_running), NULL,
     NULL, "With -a: do not stop it when nobody reads the output any more"},
    {"sig-proxy", 0, OPTION_FLAG, offsetof(struct start_values, sig_proxy), NULL, NULL,
     "Forward signals to the container (default true)"},
    {"checkpoint", 0, OPTION_REFUSE, 0, NULL, "NAME", NO_CHECKPOINTS},
    {"checkpoint-dir", 0, OPTION_REFUSE, 0, NULL, "DIR", NO_CHECKPOINTS},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static void init_start(void *values)
{
    ((struct start_values *)values)->sig_proxy = true;
}

static int check_start(void *values, const struct operands *o, struct mtd_error *err)
{
    const struct start_values *v = values;
    if ((v->attach || v->interactive) && o->len > 1)
        return mtd_fail(err, EINVAL, "only one container can be started attached");
    return session_check_keys(v->detach_keys, err);
}

static void warn_of_network(struct cli *c, const struct mtd_record *r)
{
    if (mtd_state_is_active(r->status.state))
        return;
    network_warn_ports(c, &r->spec);
    network_warn_firewalls(c, &r->spec);
}

static int start_one(struct cli *c, const char *ref, const void *values,
                     struct mtd_error *err)
{
    struct mtd_start start = {0};
    auto_done(mtd_record_done) struct mtd_record r;
    (void)values;
    mtd_record_init(&r);
    if (mtd_inspect(c->engine, ref, &r, NULL) == 0)
        warn_of_network(c, &r);
    session_size(&start.rows, &start.cols);
    return mtd_start(c->engine, ref, &start, NULL, err);
}

static int attach_running(struct cli *c, const char *ref, const struct session *s)
{
    struct mtd_error err = {0};
    struct mtd_attachment *a = NULL;
    int rc = mtd_attach(c->engine, ref, &a, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "cannot attach to %.80s", ref);
        return report_error(c, STATUS_FAILED, &err);
    }
    struct mtd_relay r = {.with_stdin = s->with_stdin,
                          .with_output = s->with_output,
                          .sig_proxy = s->sig_proxy,
                          .detach_keys = s->detach_keys,
                          .in = STDIN_FILENO,
                          .out = STDOUT_FILENO,
                          .err = STDERR_FILENO};
    int status = session_check_tty(c, mtd_attachment_tty(a), r.with_stdin);
    if (status) {
        mtd_attachment_free(a);
        return status;
    }
    return session_relay(c, a, &r, NULL);
}

static int start_attached(struct cli *c, const struct start_values *v, const char *ref)
{
    struct mtd_error err = {0};
    auto_done(mtd_record_done) struct mtd_record record;
    mtd_record_init(&record);
    struct session s = {.with_stdin = v->interactive,
                        .with_output = true,
                        .sig_proxy = v->sig_proxy,
                        .keep_running = v->keep_running,
                        .detach_keys = v->detach_keys};
    int rc = mtd_inspect(c->engine, ref, &record, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "%.80s", ref);
        return report_error(c, STATUS_FAILED, &err);
    }
    int status = session_check_tty(c, record.spec.process.tty, v->interactive);
    if (status)
        return status;
    warn_of_network(c, &record);
    return mtd_state_is_active(record.status.state)
               ? attach_running(c, record.id, &s)
               : session_start(c, record.id, &s, STATUS_FAILED);
}

static int run_start(struct cli *c, void *values, const struct operands *o)
{
    const struct start_values *v = values;
    if (v->attach || v->interactive)
        return start_attached(c, v, o->items[0]);
    return each_in_turn(c, o, v, start_one, true);
}

/* ---- attach ---- */

struct attach_values {
    bool no_stdin, sig_proxy;
    const char *detach_keys;
};

static const struct option_row ATTACH_OPTIONS[] = {
    {"no-stdin", 0, OPTION_FLAG, offsetof(struct attach_values, no_stdin), NULL, NULL,
     "Do not attach stdin"},
    {"sig-proxy", 0, OPTION_FLAG, offsetof(struct attach_values, sig_proxy), NULL, NULL,
     "Forward signals to the container (default true)"},
    {"detach-keys", 0, OPTION_TEXT, offsetof(struct attach_values, detach_keys), NULL,
     "KEYS", "Keys that detach (default ctrl-p,ctrl-q; \"\" = none)"},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static void init_attach(void *values)
{
    ((struct attach_values *)values)->sig_proxy = true;
}

static int check_attach_values(void *values, const struct operands *o,
                               struct mtd_error *err)
{
    (void)o;
    return session_check_keys(((struct attach_values *)values)->detach_keys, err);
}

static int run_attach(struct cli *c, void *values, const struct operands *o)
{
    const struct attach_values *v = values;
    struct session s = {.with_stdin = !v->no_stdin,
                        .with_output = true,
                        .sig_proxy = v->sig_proxy,
                        .detach_keys = v->detach_keys};
    return attach_running(c, o->items[0], &s);
}

/* ---- the table ---- */

const struct verb VERBS_RUN[] = {
    {.name = "run",
     .operands = "IMAGE [COMMAND] [ARG...]",
     .summary = "Create and run a new container",
     .group = GROUP_RUN,
     .flags = VERB_STARTS | VERB_EXISTING,
     .options = {{RUN_OPTIONS, SPEC_OPTIONS}, .stop_at_operand = true},
     .values_size = sizeof(struct run_values),
     .min = 1,
     .max = VERB_MANY,
     .init = run_values_init,
     .check = check_run,
     .run = run_run,
     .done = run_values_done},
    {.name = "create",
     .operands = "IMAGE [COMMAND] [ARG...]",
     .summary = "Create a new container without starting it",
     .group = GROUP_RUN,
     .flags = VERB_STARTS | VERB_EXISTING,
     .options = {{CREATE_OPTIONS, SPEC_OPTIONS}, .stop_at_operand = true},
     .values_size = sizeof(struct run_values),
     .min = 1,
     .max = VERB_MANY,
     .init = run_values_init,
     .check = check_run,
     .run = run_create,
     .done = run_values_done},
    {.name = "start",
     .operands = "CONTAINER [CONTAINER...]",
     .summary = "Start stopped containers",
     .group = GROUP_RUN,
     .flags = VERB_EXISTING,
     .options = {{START_OPTIONS}},
     .values_size = sizeof(struct start_values),
     .min = 1,
     .max = VERB_MANY,
     .init = init_start,
     .check = check_start,
     .run = run_start},
    {.name = "attach",
     .operands = "CONTAINER",
     .summary = "Attach this terminal to a running container",
     .group = GROUP_RUN,
     .flags = VERB_EXISTING,
     .options = {{ATTACH_OPTIONS}},
     .values_size = sizeof(struct attach_values),
     .min = 1,
     .max = 1,
     .init = init_attach,
     .check = check_attach_values,
     .run = run_attach},
    VERB_END,
};
