/* All containers, observed, and what the groups of one tell: its figures and
 * processes. */

#include "engine/engine.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/cgroup/stats.h"
#include "engine/container/container.h"

/* true = the record says that it runs, but none of its processes does. */
static bool observe_summary(struct mtd_engine *e, struct mtd_summary *s)
{
    bool was_live = mtd_state_is_live(s->state);
    if (container_settle_summary(e, s))
        return false;
    s->state = container_observe_summary(e, s);
    bool died = was_live && !mtd_state_is_live(s->state);
    if (died) {
        s->pid = 0;
        s->exit_code = -1;
    } else if (was_live && container_lacks_health(e, s->id, s->pid, s->health)) {
        container_mend_health(e, s->id);
    }
    return died;
}

static int list_once(struct mtd_engine *e, struct mtd_list *ret, bool *ret_died,
                     struct mtd_error *err)
{
    container_sweep_lost(e);
    int r = store_list(&e->store, ret, err);
    if (r == 0 && image_newer_ids(&e->images, ret) < 0)
        r = mtd_fail(err, ENOMEM, "out of memory");
    (void)fault_point("load.read");
    (void)fault_point("load.judged");
    *ret_died = false;
    for (size_t i = 0; r == 0 && i < ret->len; i++)
        *ret_died |= observe_summary(e, &ret->items[i]);
    return r;
}

/* Like observe_now(): if one has ended meanwhile, the list is read again, with its
 * end. */
int mtd_list(struct mtd_engine *e, struct mtd_list *ret, struct mtd_error *err)
{
    bool died = false;
    int r = list_once(e, ret, &died, err);
    if (r == 0 && died) {
        mtd_list_done(ret);
        r = list_once(e, ret, &died, err);
    }
    return r;
}

int mtd_stats(struct mtd_engine *e, const struct mtd_summary *s, struct mtd_stats *ret,
              struct mtd_error *err)
{
    (void)e;
    auto_done(cgroup_done) struct cgroup c = {0};
    int r = cgroup_open(&c, &s->cgroups, err);
    pid_t pid =
        s->network == MTD_NET_HOST || s->network == MTD_NET_CONTAINER ? 0 : s->pid;
    return r < 0 ? r : stats_read(&c, pid, ret, err);
}

int mtd_pids(struct mtd_engine *e, const struct mtd_summary *s, pid_t **ret,
             struct mtd_error *err)
{
    (void)e;
    auto_done(cgroup_done) struct cgroup c = {0};
    int r = cgroup_open(&c, &s->cgroups, err);
    if (r < 0)
        return r;
    r = cgroup_pids(&c, ret);
    return r < 0 ? mtd_fail_errno(err, -r, "cannot list the processes of %s", s->name)
                 : r;
}
