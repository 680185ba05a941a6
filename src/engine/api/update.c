/* A live container is changed first and its record afterwards, so that a limit which the
 * kernel refuses is not recorded. */

#include "engine/engine.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/api/internal.h"
#include "engine/host/tty.h"
#include "engine/net/net.h"
#include "engine/store/events.h"

/* The record as it is on disk, to be changed and written again: its state is not asked for. */
static int load_locked(struct mtd_engine *e, const char *ref, struct mtd_record *ret,
                       int *ret_lock, struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    int code = store_resolve(&e->store, ref, id, err);
    if (code < 0)
        return code;
    *ret_lock = store_lock(&e->store, id, err);
    code = *ret_lock < 0 ? *ret_lock : store_load(&e->store, id, ret, err);
    if (code == 0)
        container_settle(e, ret);
    return code;
}

static int plan_rename(struct mtd_engine *e, struct mtd_record *r, const char *name)
{
    int rc = r->status.n_endpoints ? container_begin_network_change(e, r->id) : 0;
    return rc < 0 ? rc : net_plan_rename(r, name);
}

int mtd_rename(struct mtd_engine *e, const char *ref, const char *name,
               struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = -1;
    int code = load_locked(e, ref, &r, &lock, err);
    auto_free char *old = NULL; /* as docker keeps names */
    if (code == 0 && r.name && asprintf(&old, "/%s", r.name) < 0)
        code = mtd_fail(err, ENOMEM, "out of memory");
    if (code == 0 && plan_rename(e, &r, mtd_name_bare(name)) < 0)
        code = mtd_fail(err, EIO, "cannot rename container %.12s", r.id);
    if (code == 0) {
        code = store_rename(&e->store, &r, name, err);
        if (code == 0)
            code = net_rename(&e->store, &r, old + 1, err);
        if (r.status.n_endpoints)
            net_change_end(&e->store, r.id);
    }
    if (code == 0)
        events_note_with(e->store.root_fd, &r, "rename", "oldName", old);
    return code;
}

static int replace(char **slot, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    if (!value || !copy)
        return value ? -ENOMEM : 0;
    free(*slot);
    *slot = copy;
    return 0;
}

/* Fields that are not asked for stay as they are. */
static int merge_resources(struct mtd_resources *to, const struct mtd_resources *from)
{
    int64_t *numbers[][2] = {
        {&to->memory, (int64_t *)&from->memory},
        {&to->memory_swap, (int64_t *)&from->memory_swap},
        {&to->memory_reservation, (int64_t *)&from->memory_reservation},
        {&to->nano_cpus, (int64_t *)&from->nano_cpus},
        {&to->cpu_period, (int64_t *)&from->cpu_period},
        {&to->cpu_quota, (int64_t *)&from->cpu_quota},
        {(int64_t *)&to->cpu_shares, (int64_t *)&from->cpu_shares},
        {(int64_t *)&to->blkio_weight, (int64_t *)&from->blkio_weight},
        {&to->pids, (int64_t *)&from->pids},
    };
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        if (*numbers[i][1])
            *numbers[i][0] = *numbers[i][1];
    int rc = replace(&to->cpuset_cpus, from->cpuset_cpus);
    return rc < 0 ? rc : replace(&to->cpuset_mems, from->cpuset_mems);
}

static int apply_limits(const struct mtd_record *r, bool live, struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    if (!live)
        return 0;
    int code = cgroup_open(&c, &r->status.cgroups, err);
    return code < 0 ? code : cgroup_limit(&c, &r->spec.resources, err);
}

/* Up to the record. */
static int change(struct mtd_engine *e, struct mtd_record *r, const struct mtd_update *u,
                  bool live, struct net_held *held, struct mtd_error *err)
{
    int code = 0;
    if (u->n_publish_add || u->n_publish_rm)
        code = api_change_ports(e, r, u, live, held, err);
    if (code == 0)
        code = apply_limits(r, live, err);
    if (code < 0)
        return code;
    if (u->sets_restart) {
        r->spec.restart = u->restart;
        r->spec.restart_max = u->restart_max;
    }
    (void)fault_point("update.record");
    return store_save(&e->store, r, true, err);
}

int mtd_update(struct mtd_engine *e, const char *ref, const struct mtd_update *u,
               struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(net_held_done) struct net_held held = {0};
    mtd_record_init(&r);
    auto_fd int lock = -1;
    int code = load_locked(e, ref, &r, &lock, err);
    if (code < 0)
        return code;
    if (u->sets_restart && r.spec.auto_remove && u->restart != MTD_RESTART_NO)
        return mtd_about(err, MTD_ABOUT_AUTO_REMOVE,
                         mtd_fail(err, EINVAL,
                                  "restart policy cannot be updated because the "
                                  "container is removed when it ends"));
    if (merge_resources(&r.spec.resources, &u->resources) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    code = api_check_resources(&r.spec.resources, err);
    if (code < 0)
        return code;
    bool live = mtd_state_is_live(container_observe(e, r.id, &r.status));
    code = change(e, &r, u, live, &held, err);
    (void)fault_point("update.recorded");
    if (live && (u->n_publish_add || u->n_publish_rm))
        api_end_network_change(e, &r, code, true, &held);
    if (code == 0)
        events_note(e->store.root_fd, &r, "update");
    return code;
}

int mtd_detach_keys_check(const char *keys, struct mtd_error *err)
{
    struct tty_keys k;
    if (tty_keys_parse(&k, keys) < 0)
        return mtd_fail(err, EINVAL,
                        "invalid detach keys \"%s\"; use letters or ctrl-X, "
                        "separated by commas",
                        keys);
    return 0;
}
