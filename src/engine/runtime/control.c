/* What is done to a container that is there. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/sys.h"

static int not_running(struct mtd_error *err)
{
    return mtd_fail(err, ESRCH, "container not running");
}

static int signal_first(const struct runtime_record *s, int sig, struct mtd_error *err)
{
    auto_fd int pidfd = runtime_is_alive(s) ? proc_open(s->pid, s->pid_start) : -ESRCH;
    if (pidfd < 0)
        return not_running(err);
    if (sys_pidfd_send_signal(pidfd, sig, NULL, 0) < 0)
        return errno == ESRCH ? not_running(err)
                              : mtd_fail_errno(err, errno, "cannot send signal %d", sig);
    return 0;
}

/* A frozen one would get a SIGKILL only when it is thawed. */
static int thaw(const struct cgroup *g, int sig)
{
    return sig == SIGKILL && cgroup_is_frozen(g) ? cgroup_freeze(g, false, NULL) : 0;
}

static bool owns_pids(const struct container *c)
{
    auto_done(bundle_done) struct bundle b = {0};
    return runtime_config(c, &b, NULL) == 0 && bundle_is_new(&b, BUNDLE_NS_PID);
}

int runtime_kill(const struct runtime *r, const char *id, int sig, bool all,
                 struct mtd_error *err)
{
    auto_done(runtime_close) struct container c;
    auto_done(cgroup_done) struct cgroup g = {0};
    int rc = runtime_open(r, id, &c, err);
    if (rc < 0)
        return rc;
    if (c.half || (!c.record.pid && !all))
        return not_running(err);
    rc = runtime_groups(&c.record, &g, err);
    if (rc < 0)
        return rc;
    if (all && c.record.own_pids && sig == SIGKILL)
        rc = runtime_is_alive(&c.record) ? signal_first(&c.record, sig, err) : 0;
    else if (all && g.n)
        rc = sig == SIGKILL ? cgroup_kill(&g, err) : cgroup_signal_all(&g, sig, err);
    else if (g.n && sig == SIGKILL && runtime_is_alive(&c.record) && !owns_pids(&c))
        rc = cgroup_kill(&g, err); /* nothing else ends what it has started */
    else if (!all || runtime_is_alive(&c.record))
        rc = signal_first(&c.record, sig, err);
    thaw(&g, sig);
    return rc;
}

static int no_groups(struct mtd_error *err)
{
    return mtd_fail(err, EOPNOTSUPP, "the container has no control group");
}

int runtime_freeze(const struct runtime *r, const char *id, bool frozen,
                   struct mtd_error *err)
{
    auto_done(runtime_close) struct container c;
    auto_done(cgroup_done) struct cgroup g = {0};
    int rc = runtime_open(r, id, &c, err);
    if (rc < 0)
        return rc;
    enum runtime_status now = runtime_observe(&c);
    if (now == RUNTIME_STOPPED || now == RUNTIME_CREATING)
        return mtd_fail(err, ESRCH, "container not running");
    if (!frozen && now != RUNTIME_PAUSED)
        return mtd_fail(err, EINVAL, "container not paused");
    if (frozen && now == RUNTIME_PAUSED)
        return mtd_fail(err, EINVAL, "container already paused");
    rc = runtime_groups(&c.record, &g, err);
    if (rc == 0 && g.n == 0)
        return no_groups(err);
    return rc < 0 ? rc : cgroup_freeze(&g, frozen, err);
}

int runtime_pids(const struct runtime *r, const char *id, int **ret,
                 struct mtd_error *err)
{
    auto_done(runtime_close) struct container c;
    auto_done(cgroup_done) struct cgroup g = {0};
    int rc = runtime_open(r, id, &c, err);
    if (rc == 0)
        rc = c.half ? mtd_fail(err, ESRCH, "container not running")
                    : runtime_groups(&c.record, &g, err);
    if (rc < 0)
        return rc;
    if (g.n == 0)
        return no_groups(err);
    rc = cgroup_pids(&g, ret);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot list the processes") : rc;
}

/* ---- update ---- */

static int merge(struct container *c, const char *text, size_t len, struct mtd_error *err)
{
    json_t *now = json_loads(c->record.resources ? c->record.resources : "{}", 0, NULL);
    json_t *more = json_loadb(text, len, 0, NULL);
    int rc = json_is_object(now) && json_is_object(more) ? 0 : -EINVAL;
    if (rc == 0) {
        json_object_del(more, "devices"); /* an update is not about them */
        rc = json_object_update_recursive(now, more);
    }
    char *merged = rc == 0 ? json_dumps(now, JSON_COMPACT) : NULL;
    json_decref(now);
    json_decref(more);
    if (!merged)
        return mtd_fail(err, EINVAL, "resources are not a JSON object");
    free(c->record.resources);
    c->record.resources = merged;
    return 0;
}

/* Where the kernel would end processes to keep a limit (v2) instead of refusing it (v1). */
static int check_usage(const struct bundle *b, const struct cgroup *g,
                       struct mtd_error *err)
{
    uint64_t used = b->checks_usage ? cgroup_memory_used(g) : 0;
    if (b->resources.memory <= 0 || used <= (uint64_t)b->resources.memory)
        return 0;
    return mtd_fail(err, EBUSY,
                    "memory.limit %lld is less than what is used, %llu, and "
                    "checkBeforeUpdate is set",
                    (long long)b->resources.memory, (unsigned long long)used);
}

static int apply(const struct runtime *r, const struct container *c,
                 struct mtd_error *err)
{
    auto_done(bundle_done) struct bundle b = {0};
    auto_done(cgroup_done) struct cgroup g = {0};
    int rc = runtime_config(c, &b, err);
    if (rc == 0)
        rc = runtime_groups(&c->record, &g, err);
    if (rc == 0 && g.n == 0)
        rc = no_groups(err);
    if (rc == 0)
        rc = check_usage(&b, &g, err);
    if (rc == 0)
        rc = runtime_update_unit(r, &c->record, &b, err);
    if (rc == 0)
        rc = runtime_set_limits(&g, &b, err);
    return rc;
}

int runtime_update(const struct runtime *r, const char *id, const char *resources,
                   size_t len, struct mtd_error *err)
{
    auto_done(runtime_close) struct container c;
    auto_done(bundle_done) struct bundle check = {0};
    int rc = runtime_open(r, id, &c, err);
    if (rc == 0)
        rc = runtime_lock(&c, err);
    if (rc == 0 && (c.half || runtime_observe(&c) == RUNTIME_STOPPED))
        rc = mtd_fail(err, ESRCH, "container not running");
    if (rc == 0)
        rc = bundle_parse_resources(&check, resources, len, err);
    if (rc == 0)
        rc = runtime_warn(r, &check, err);
    if (rc == 0)
        rc = merge(&c, resources, len, err);
    if (rc == 0)
        rc = apply(r, &c, err);
    return rc < 0 ? rc : runtime_save(c.dir_fd, &c.record, err);
}
