/* Every call asks which container is meant and what it really does. A record may be out
 * of date: so it is compared with the kernel, and read again if the two disagree. */

#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/container/container.h"

static void observe_record(struct mtd_engine *e, struct mtd_record *r)
{
    struct mtd_status *st = &r->status;
    bool was_live = mtd_state_is_live(st->state);
    if (container_settle(e, r))
        return;
    st->state = container_observe(e, r->id, st);
    if (!was_live || mtd_state_is_live(st->state))
        return;
    st->pid = 0;
    st->exit_code = -1;
    if (!st->error)
        st->error = strdup("its monitor was killed");
}

static int load(struct mtd_engine *e, const char *id, struct mtd_record *ret,
                struct mtd_error *err)
{
    int r = store_load(&e->store, id, ret, err);
    if (r == 0 && image_newer_id(&e->images, &ret->spec.image_id) < 0)
        r = mtd_fail(err, ENOMEM, "out of memory");
    return r;
}

static int reload(struct mtd_engine *e, const char *id, struct mtd_record *ret,
                  struct mtd_error *err)
{
    mtd_record_done(ret);
    mtd_record_init(ret);
    return load(e, id, ret, err);
}

/* Without a lock. If the record says running but no process of the container runs, its
 * monitor may just have recorded the end and exited: so it is read again. */
static int observe_now(struct mtd_engine *e, const char *id, struct mtd_record *ret,
                       struct mtd_error *err)
{
    bool was_live = mtd_state_is_live(ret->status.state);
    (void)fault_point("load.judged");
    observe_record(e, ret);
    if (!was_live || mtd_state_is_live(ret->status.state))
        return 0;
    int r = reload(e, id, ret, err);
    if (r == 0)
        observe_record(e, ret);
    return r;
}

int container_load(struct mtd_engine *e, const char *ref, struct mtd_record *ret,
                   int *ret_lock, struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    int r = store_resolve(&e->store, ref, id, err);
    if (r < 0)
        return r;
    r = load(e, id, ret, err);
    if (r < 0)
        return r;
    (void)fault_point("load.read");
    bool orphan = container_is_orphan(e, id, ret->status.state, ret->status.boot_id);
    if (orphan)
        container_adopt(e, id, NULL);
    auto_fd int lock = ret_lock ? store_lock(&e->store, id, err) : -1;
    if (ret_lock && lock < 0)
        return lock;
    if (orphan || ret_lock) /* what was read may be out of date by now */
        r = reload(e, id, ret, err);
    if (r == 0 && ret_lock && container_settle(e, ret))
        r = store_save(&e->store, ret, true, err);
    if (r == 0)
        r = observe_now(e, id, ret, err);
    if (r < 0)
        return r;
    if (!ret_lock && mtd_state_is_live(ret->status.state) &&
        container_lacks_health(e, id, ret->status.pid, ret->status.health))
        container_mend_health(e, id);
    if (ret_lock)
        *ret_lock = take_fd(&lock);
    return 0;
}

int mtd_resolve(struct mtd_engine *e, const char *ref, char ret_id[MTD_ID_SIZE],
                struct mtd_error *err)
{
    return store_resolve(&e->store, ref, ret_id, err);
}

int mtd_inspect(struct mtd_engine *e, const char *ref, struct mtd_record *ret,
                struct mtd_error *err)
{
    return container_load(e, ref, ret, NULL, err);
}
