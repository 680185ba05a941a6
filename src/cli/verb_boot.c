/* verb_boot - system start-all and stop-all, which the systemd unit runs after a boot and
 * before a shutdown. There is no daemon that could do it. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/each.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/values.h"
#include "cli/verb.h"

/* As moby's restartmanager: "always" ignores the user's stop, the others do not. A
 * container that was never started is not restarted. An unknown exit status (-1: it was
 * running when the host went down) counts as a failure. */
static bool wants_start(const struct mtd_record *r)
{
    const struct mtd_status *s = &r->status;
    if (s->state != MTD_STATE_EXITED || s->started_at == 0)
        return false;
    switch (r->spec.restart) {
    case MTD_RESTART_ALWAYS: return true;
    case MTD_RESTART_UNLESS_STOPPED: return !s->stopped_by_user;
    case MTD_RESTART_ON_FAILURE:
        return !s->stopped_by_user && s->exit_code != 0 &&
               (!r->spec.restart_max || s->restart_count < r->spec.restart_max);
    default: return false;
    }
}

/* 1 = started, 0 = its policy does not ask for it, -errno. */
static int start_if_due(struct cli *c, const char *id, struct mtd_error *err)
{
    struct mtd_start start = {0};
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int rc = mtd_inspect(c->engine, id, &r, err);
    if (rc == -ENOENT) /* removed in the meantime */
        return mtd_error_clear(err), 0;
    /* --rm: no monitor was there to remove it when it exited. */
    if (rc == 0 && r.spec.auto_remove && r.status.started_at)
        return mtd_remove(c->engine, id, false, true, err);
    if (rc == 0 && !wants_start(&r))
        return 0;
    if (rc == 0)
        rc = mtd_start(c->engine, id, &start, NULL, err);
    return rc < 0 ? rc : 1;
}

static volatile sig_atomic_t told_to_end;

static void note_end(int sig)
{
    (void)sig;
    told_to_end = 1;
}

/* A boot may be broken off. The start that is under way is finished first: whoever stops
 * all containers next would not see it yet. */
static void watch_for_end(void)
{
    struct sigaction act = {.sa_handler = note_end, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
}

static int start_all(struct cli *c, const struct mtd_list *list)
{
    int status = 0;
    watch_for_end();
    /* The list has the newest first, but a container may depend on an older one. */
    for (size_t i = list->len; i-- > 0 && !told_to_end;) {
        struct mtd_error err = {0};
        const struct mtd_summary *s = &list->items[i];
        int rc = s->state == MTD_STATE_EXITED ? start_if_due(c, s->id, &err) : 0;
        if (rc > 0)
            rc = print_line(s->name, &err);
        mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot start");
        mtd_context(&err, "%.80s", s->name);
        if (rc < 0)
            status = report_error(c, STATUS_FAILED, &err);
    }
    return status;
}

static int run_start_all(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    auto_done(mtd_list_done) struct mtd_list list = {0};
    (void)values;
    (void)o;
    int rc = mtd_list(c->engine, &list, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot list the containers");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : start_all(c, &list);
}

/* ---- stop-all ---- */

struct stop_all_values {
    int64_t limit;    /* seconds, -1 = none */
    int64_t deadline; /* on the monotonic clock; 0 = none */
};

static const struct option_row STOP_ALL_OPTIONS[] = {
    {"limit", 0, OPTION_VALUE, offsetof(struct stop_all_values, limit), value_timeout,
     "SECONDS",
     "Kill what still runs so long after the beginning (default: each one's own timeout)"},
    OPTION_END,
};

static void init_stop_all(void *values)
{
    ((struct stop_all_values *)values)->limit = -1;
}

static int64_t left_ms(const struct stop_all_values *v)
{
    int64_t left = v->deadline - clock_mono_ns();
    return v->deadline == 0 ? -1 : left < 0 ? 0 : left / NS_PER_MS;
}

static int stop_one(struct cli *c, const char *ref, const void *values,
                    struct mtd_error *err)
{
    int rc = mtd_shutdown(c->engine, ref, left_ms(values), err);
    if (rc != -ENOENT)
        return rc;
    mtd_error_clear(err); /* removed: it was run with --rm */
    return 0;
}

static int run_stop_all(struct cli *c, void *values, const struct operands *o)
{
    struct stop_all_values *v = values;
    struct mtd_error err = {0};
    if (v->limit >= 0)
        v->deadline = clock_mono_ns() + v->limit * NS_PER_SEC;
    auto_done(mtd_list_done) struct mtd_list list = {0};
    struct operands running = {0};
    (void)o;
    int rc = mtd_list(c->engine, &list, &err);
    auto_free char **names = calloc(list.len + 1, sizeof(*names));
    if (rc == 0 && !names)
        rc = -ENOMEM;
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot list the containers");
    if (rc < 0 || !names)
        return report_error(c, STATUS_FAILED, &err);
    running.items = names;
    for (size_t i = 0; i < list.len; i++) {
        enum mtd_state s = list.items[i].state;
        if (mtd_state_is_active(s))
            names[running.len++] = list.items[i].name;
    }
    /* All hear of it at the beginning, so that each has the whole time. */
    return each_at_once(c, &running, values, stop_one, true, SIZE_MAX);
}

const struct verb VERBS_BOOT[] = {
    {.name = "system start-all",
     .operands = "",
     .summary = "Start the containers whose restart policy asks for it, after a boot",
     .group = GROUP_SYSTEM,
     .flags = VERB_EXISTING,
     .run = run_start_all},
    {.name = "system stop-all",
     .operands = "",
     .summary = "Stop all containers before a shutdown; restart policies stay in force",
     .options = {{STOP_ALL_OPTIONS}},
     .values_size = sizeof(struct stop_all_values),
     .init = init_stop_all,
     .group = GROUP_SYSTEM,
     .flags = VERB_EXISTING,
     .run = run_stop_all},
    VERB_END,
};
