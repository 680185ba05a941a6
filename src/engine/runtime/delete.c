/* Processes, groups, hooks, directory, in this order: the state that names the others goes last, so
 * that whoever is killed here is finished by the next. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/sys.h"

#define DIE_WAIT_MS 10000

/* By pidfd. What is frozen on v1 dies only when it is thawed. A zombie's parent is somebody else. */
static int kill_first(const struct runtime_record *s, const struct cgroup *g,
                      struct mtd_error *err)
{
    auto_fd int pidfd = runtime_is_alive(s) ? proc_open(s->pid, s->pid_start) : -ESRCH;
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0)
        return 0;
    sys_pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    cgroup_thaw(g);
    return poll(&end, 1, DIE_WAIT_MS) > 0
               ? 0
               : mtd_fail(err, ETIMEDOUT,
                          "process %d does not end; it may be stuck in the kernel",
                          (int)s->pid);
}

int runtime_end(const struct runtime_record *s, struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup g = {0};
    int rc = runtime_groups(s, &g, err);
    if (rc == 0 && !(s->own_pids && s->pid))
        rc = cgroup_kill(&g, err);
    return rc < 0 ? rc : kill_first(s, &g, err);
}

/* What is in them when all of the container's have ended is somebody else's, whose they then are. */
static int drop_groups(const struct runtime *r, const struct runtime_record *s,
                       bool force, struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup g = {0};
    int rc = runtime_groups(s, &g, err);
    if (rc < 0 || (s->own_pids && cgroup_is_used(&g) > 0))
        return rc;
    rc = runtime_stop_unit(r, s, force ? NULL : err);
    (void)fault_point("delete.unit");
    if (rc < 0 && !force)
        return rc;
    return cgroup_destroy(&g, err); /* and with that its unit ends by itself */
}

void runtime_poststop(const struct runtime *r, const struct runtime_record *s,
                      const struct bundle *b)
{
    auto_free char *rest = runtime_state_rest(s);
    const struct bundle_hook_state state = {0, "stopped", rest};
    for (size_t i = 0; rest && i < b->hooks[BUNDLE_POSTSTOP].len; i++) {
        struct bundle one = {0};
        struct mtd_error why = {0};
        one.hooks[BUNDLE_POSTSTOP] =
            (struct bundle_hooks){&b->hooks[BUNDLE_POSTSTOP].items[i], 1};
        if (bundle_run_hooks(&one, BUNDLE_POSTSTOP, &state, &why) < 0 && r->warnings)
            (void)strv_add(r->warnings, why.text);
    }
}

static void run_poststop(const struct runtime *r, const struct container *c)
{
    auto_done(bundle_done) struct bundle b = {0};
    if (c->record.hooked && runtime_config(c, &b, NULL) == 0)
        runtime_poststop(r, &c->record, &b);
}

static int remove_dir(const struct runtime *r, const char *id, const struct container *c,
                      struct mtd_error *err)
{
    auto_fd int root = runtime_open_root(r, false, err);
    int rc = root < 0 ? root : 0;
    static const char *const FIRST[] = {RUNTIME_GATE, RUNTIME_CONFIG};
    for (size_t i = 0; i < ARRAY_SIZE(FIRST) && rc == 0; i++)
        unlinkat(c->dir_fd, FIRST[i], 0);
    if (rc == 0)
        rc = fs_remove_tree_at(root, id);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot remove the state of %s", id) : 0;
}

static int delete (const struct runtime *r, const char *id, const struct container *c,
                   bool force, struct mtd_error *err)
{
    int rc = c->half ? 0 : runtime_end(&c->record, err);
    (void)fault_point("delete.killed");
    if (rc == 0 && !c->half)
        rc = drop_groups(r, &c->record, force, err);
    (void)fault_point("delete.groups");
    if (rc == 0 && !c->half)
        run_poststop(r, c);
    (void)fault_point("delete.hooks");
    return rc < 0 ? rc : remove_dir(r, id, c, err);
}

int runtime_delete(const struct runtime *r, const char *id, bool force,
                   struct mtd_error *err)
{
    struct mtd_error why = {0};
    auto_done(runtime_close) struct container c;
    int rc = runtime_open(r, id, &c, &why);
    if (rc == -ENOENT && force)
        return 0;
    if (rc == -EINVAL && force && c.dir_fd >= 0)
        c.half = true; /* what is damaged names nothing that could be found by it */
    else if (rc < 0)
        return *err = why, rc;
    enum runtime_status now = runtime_observe(&c);
    if (!force && now != RUNTIME_STOPPED && now != RUNTIME_CREATED)
        return mtd_fail(err, EBUSY, "cannot delete container %s that is not stopped: %s",
                        id, runtime_status_name(now));
    rc = runtime_lock(&c, err);
    if (rc < 0)
        return rc;
    auto_done(runtime_close) struct container again; /* what it is now that it is ours */
    rc = runtime_open(r, id, &again, &why);
    if (rc == -ENOENT)
        return force ? 0 : (*err = why, rc);
    again.half |= c.half;
    return delete (r, id, &again, force, err);
}
