/* The process sleeps, checks and records the result. No other process tells it
 * anything: it sees by the pidfd that the container has ended, and by the freezer that
 * it is paused. It writes under the container's lock, after checking the pidfd again:
 * the monitor removes the run directory under that lock, and a later run's process
 * writes there next. */

#include "engine/health/health.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "engine/cgroup/cgroup.h"
#include "engine/health/internal.h"
#include "engine/monitor/monitor.h"
#include "engine/store/events.h"

#define DEFAULT_INTERVAL (30 * NS_PER_SEC)
#define DEFAULT_START_INTERVAL (5 * NS_PER_SEC)
#define DEFAULT_RETRIES 3

enum { ARG_NAME, ARG_ROOT, ARG_RUN_ROOT, ARG_ID, ARG_COUNT };

enum health_status { HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

struct checker {
    struct store store;
    /* As it was at the start; of its spec no part that matters here changes. */
    struct mtd_record record;
    int dir_fd, claim_fd, container;
    enum health_status status;
    struct mtd_health results;
};

/* ---- rules ------------------------------------------------------------------------- */

static const char *const NAMES[] = {[HEALTH_STARTING] = "starting",
                                    [HEALTH_HEALTHY] = "healthy",
                                    [HEALTH_UNHEALTHY] = "unhealthy"};

static const char *status_name(enum health_status s)
{
    return NAMES[s];
}

static void keep_result(struct mtd_health *h, const struct mtd_health_result *result)
{
    if (h->n == MTD_HEALTH_LOG) {
        memmove(&h->log[0], &h->log[1], (MTD_HEALTH_LOG - 1) * sizeof(h->log[0]));
        h->n--;
    }
    h->log[h->n++] = *result;
}

/* A result's consequences, by docker's rules: the new status; the streak of failures
 * grows, unless the container is within its start period and never was healthy. */
static enum health_status judge(struct mtd_health *h, enum health_status now,
                                const struct mtd_health_result *result, unsigned retries,
                                bool in_start_period)
{
    keep_result(h, result);
    if (result->exit_code == 0) {
        h->failing_streak = 0;
        return HEALTH_HEALTHY;
    }
    if (now == HEALTH_STARTING && in_start_period)
        return now;
    h->failing_streak++;
    return h->failing_streak >= (retries ? retries : DEFAULT_RETRIES) ? HEALTH_UNHEALTHY
                                                                      : now;
}

int64_t health_interval(const struct mtd_spec *s, bool starting)
{
    int64_t usual = s->healthcheck.interval ? s->healthcheck.interval : DEFAULT_INTERVAL;
    if (!starting)
        return usual;
    if (s->healthcheck.start_interval)
        return s->healthcheck.start_interval;
    return usual < DEFAULT_START_INTERVAL ? usual : DEFAULT_START_INTERVAL;
}

/* ---- recording a result ------------------------------------------------------------ */

static bool has_ended(const struct checker *c)
{
    struct pollfd p = {.fd = c->container, .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

static void save_status(struct checker *c)
{
    auto_done(mtd_record_done) struct mtd_record r;
    char action[64];
    mtd_record_init(&r);
    if (store_load(&c->store, c->record.id, &r, NULL) < 0 ||
        r.status.pid != c->record.status.pid ||
        r.status.pid_start != c->record.status.pid_start)
        return;
    free(r.status.health);
    r.status.health = strdup(status_name(c->status));
    store_save(&c->store, &r, false, NULL);
    snprintf(action, sizeof(action), "health_status: %s", status_name(c->status));
    events_note(c->store.root_fd, &r, action);
}

/* false = the container has ended or was removed. */
static bool write_down(struct checker *c, bool changed)
{
    const struct mtd_status *st = &c->record.status;
    auto_fd int lock = store_lock_ever(&c->store, c->record.id, NULL);
    if (lock < 0 || has_ended(c))
        return false;
    health_write(c->dir_fd, st->pid, st->pid_start, &c->results);
    if (changed)
        save_status(c);
    return true;
}

/* ---- the loop ---------------------------------------------------------------------- */

static bool is_paused(const struct checker *c)
{
    return cgroup_recorded_is_frozen(&c->record.status.cgroups);
}

/* By the boot time clock, which cannot be set. */
static bool in_start_period(const struct checker *c)
{
    int64_t tick = NS_PER_SEC / sysconf(_SC_CLK_TCK);
    int64_t age = clock_boot_ns() - (int64_t)c->record.status.pid_start * tick;
    return age < c->record.spec.healthcheck.start_period;
}

/* false = the container has ended. */
static bool wait_interval(const struct checker *c)
{
    bool starting = c->status == HEALTH_STARTING && in_start_period(c);
    int64_t end = clock_mono_ns() + health_interval(&c->record.spec, starting);
    for (int64_t left; (left = end - clock_mono_ns()) > 0;) {
        struct pollfd p = {.fd = c->container, .events = POLLIN};
        int64_t ms = (left + NS_PER_MS - 1) / NS_PER_MS;
        if (poll(&p, 1, ms > INT_MAX ? INT_MAX : (int)ms) > 0)
            return false;
    }
    return true;
}

/* A check during which the container was paused says nothing about its health. */
static bool check(struct checker *c)
{
    struct mtd_health_result result;
    bool early = in_start_period(c);
    if (is_paused(c))
        return true;
    int rc = health_probe(&c->record, c->container, &result);
    if (rc <= 0 || is_paused(c))
        return rc != 0;
    enum health_status was = c->status;
    c->status =
        judge(&c->results, was, &result, c->record.spec.healthcheck.retries, early);
    return write_down(c, c->status != was);
}

/* ---- the process ------------------------------------------------------------------- */

static void detach(void)
{
    setsid();
    umask(077);
    (void)!chdir("/");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    proc_set_name(HEALTH_NAME);
    prctl(PR_SET_DUMPABLE, 0);
}

/* Continues where a killed process was. */
static void take_status(struct checker *c)
{
    const struct mtd_status *st = &c->record.status;
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (st->health && strcmp(st->health, NAMES[i]) == 0)
            c->status = (enum health_status)i;
    health_read(&c->store, c->record.id, st->pid, st->pid_start, &c->results);
}

static int set_up(struct checker *c, char **argv)
{
    struct mtd_record *r = &c->record;
    c->dir_fd = c->claim_fd = c->container = -1;
    mtd_record_init(r);
    int code =
        store_open(&c->store, argv[ARG_ROOT], argv[ARG_RUN_ROOT], STORE_CHECKED, NULL);
    if (code == 0)
        code = store_load(&c->store, argv[ARG_ID], r, NULL);
    if (code < 0 || r->spec.healthcheck.test.len < 2 ||
        r->status.state != MTD_STATE_RUNNING)
        return code < 0 ? code : -EINVAL;
    if ((c->container = proc_open(r->status.pid, r->status.pid_start)) < 0)
        return c->container;
    if ((c->dir_fd = health_open_dir(&c->store, r->id)) < 0)
        return c->dir_fd;
    c->claim_fd = health_claim(c->dir_fd, r->status.pid);
    if (c->claim_fd < 0)
        return c->claim_fd;
    take_status(c);
    return 0;
}

int health_main(int argc, char **argv)
{
    static struct checker c;
    if (argc != ARG_COUNT || !hex_is_valid(argv[ARG_ID], MTD_ID_LEN))
        return 125;
    if (fork() != 0)
        return 0;
    detach();
    if (set_up(&c, argv) < 0 || !write_down(&c, false))
        return 1;
    while (wait_interval(&c) && check(&c))
        ;
    return 0;
}
