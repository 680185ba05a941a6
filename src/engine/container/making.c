/* A container on its way in or out: what was made besides its directory goes when its maker was killed. A
 * `run --rm` is on its way until its command runs: a container that nobody could ever use would
 * stay otherwise. Without --rm it stays, as created, which is docker's way, too. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/container/container.h"
#include "engine/engine.h"
#include "engine/store/events.h"

int container_making_begin(struct mtd_engine *e, const struct mtd_record *r, bool to_run,
                           struct mtd_error *err)
{
    container_making_end(e, e->making);
    enum store_note kind = to_run ? STORE_NOTE_RUN : STORE_NOTE_PLAIN;
    int rc = store_making_begin(&e->store, r, kind, &e->making_fd, err);
    memcpy(e->making, r->id, sizeof(e->making));
    return rc < 0 ? rc : fault_point("create.noted");
}

void container_making_end(struct mtd_engine *e, const char *id)
{
    if (e->making_fd < 0 || strcmp(e->making, id) != 0)
        return;
    store_making_end(&e->store, id);
    close(take_fd(&e->making_fd));
}

static bool exists(const struct mtd_engine *e, const char *id)
{
    return faccessat(e->store.containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 0 = it is gone, or it stays for good; -EAGAIN = another process is at it. */
static int settle_container(struct mtd_engine *e, const char *id,
                            const struct store_making *m)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    if (!m->to_run && !m->to_remove)
        return 0;
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (lock < 0)
        return lock;
    int rc = store_load(&e->store, id, &r, NULL);
    bool is_new = r.status.state == MTD_STATE_CREATED && !r.status.started_at;
    if (rc < 0 || (!is_new && !m->to_remove) || container_has_monitor(e, id))
        return rc;
    auto_fd int shared = -1;
    if (store_shares_volumes(&r.spec))
        (void)store_hold_volumes(&e->store, true, &shared, NULL);
    store_remove_volumes(&e->store, &r);
    container_clear_run(e, id);
    rc = store_remove(&e->store, id, NULL);
    if (rc == 0)
        events_note(e->store.root_fd, &r, "destroy");
    return rc;
}

static void drop_volumes(struct mtd_engine *e, const struct store_making *m)
{
    auto_fd int all = fs_open_dir_at(e->store.root_fd, "volumes");
    for (size_t i = 0; all >= 0 && i < m->anonymous.len; i++)
        store_drop_volume(&e->store, m->anonymous.items[i]);
    for (size_t i = 0; all >= 0 && i < m->volumes.len; i++)
        container_finish_volume(all, m->volumes.items[i]);
}

static void settle_note(struct mtd_engine *e, const char *id)
{
    auto_done(store_making_done) struct store_making m = {0};
    auto_fd int note = store_making_read(&e->store, id, &m);
    if (note < 0)
        return;
    int rc = 0;
    if (exists(e, id))
        rc = settle_container(e, id, &m);
    else if (!m.to_remove) /* its volumes went first */
        drop_volumes(e, &m);
    if (rc == 0)
        store_making_end(&e->store, id);
}

void container_sweep_making(struct mtd_engine *e)
{
    const char *id;
    if (e->store.trash_fd < 0)
        return;
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_open(&dir, e->store.trash_fd);
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));)
        if (store_making_is_note(d->d_name, &id))
            settle_note(e, id);
}
