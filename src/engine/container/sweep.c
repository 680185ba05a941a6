/* What killed processes left behind, put right by whichever command comes next. A run
 * directory exists only while a monitor lives: one without is either a container that
 * wants a new monitor, or the rest of a start or an end that was cut off. */

#include "engine/container/container.h"
#include "engine/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/store/alive.h"

static bool wants_monitor(const struct mtd_engine *e, const struct mtd_status *st)
{
    bool owned = mtd_state_is_active(st->state);
    return owned && strcmp(st->boot_id, e->boot_id) == 0;
}

/* false = not possible at the moment. */
static bool mend(struct mtd_engine *e, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (container_has_monitor(e, id))
        return true;
    if (lock == -EAGAIN)
        return false;
    if (lock >= 0 && store_load(&e->store, id, &r, NULL) == 0 &&
        wants_monitor(e, &r.status)) {
        close(take_fd(&lock));
        return container_adopt(e, id, NULL) == 0;
    }
    if (lock >= 0 || lock == -ENOENT)
        container_clear_run(e, id);
    return lock >= 0 || lock == -ENOENT;
}

static bool is_noted(const struct mtd_engine *e, const char *note)
{
    return faccessat(e->store.run_fd, note, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A commit holds the lock, so a note found while we hold it belongs to a killed one. */
static bool thaw(struct mtd_engine *e, const char *id, const char *note)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(cgroup_done) struct cgroup group = {0};
    mtd_record_init(&r);
    (void)fault_point("sweep.thaw");
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (!is_noted(e, note))
        return true;
    if (lock < 0 || store_load(&e->store, id, &r, NULL) < 0)
        return false;
    if (cgroup_open(&group, &r.status.cgroups, NULL) == 0)
        cgroup_freeze(&group, false, NULL);
    return unlinkat(e->store.run_fd, note, 0) == 0;
}

static bool thaw_noted(struct mtd_engine *e, const char *id)
{
    char note[MTD_ID_SIZE + sizeof("/" CONTAINER_FROZEN)];
    snprintf(note, sizeof(note), "%s/" CONTAINER_FROZEN, id);
    return !is_noted(e, note) || thaw(e, id, note);
}

/* Each run directory. True: nothing is left to be done. */
static bool sweep_runs(struct mtd_engine *e)
{
    bool settled = true;
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_open(&dir, e->store.run_fd);
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));)
        if (hex_is_valid(d->d_name, MTD_ID_LEN)) {
            settled &= thaw_noted(e, d->d_name);
            if (!container_has_monitor(e, d->d_name))
                settled &= mend(e, d->d_name);
        }
    return settled && dir.fd >= 0 && dir.error == 0;
}

/* Killed between the two, a monitor has removed its run directory and not its
 * container. */
static bool adopt_without_run(struct mtd_engine *e)
{
    auto_done(mtd_list_done) struct mtd_list l = {0};
    bool settled = store_list(&e->store, &l, NULL) == 0;
    for (size_t i = 0; i < l.len; i++)
        if (container_is_orphan(e, l.items[i].id, l.items[i].state, l.items[i].boot_id))
            settled &= container_adopt(e, l.items[i].id, NULL) == 0;
    return settled;
}

void container_sweep_lost(struct mtd_engine *e)
{
    struct alive_dead dead;
    if (alive_all(&e->store, e->boot_id))
        return;
    alive_find_dead(&e->store, e->boot_id, &dead);
    bool settled = sweep_runs(e);
    if (dead.any)
        settled &= adopt_without_run(e);
    alive_forget_dead(&dead, settled);
}

void container_sweep(struct mtd_engine *e)
{
    if (store_sweep(&e->store))
        container_sweep_making(e);
    container_sweep_lost(e);
    container_mend_networks(e);
    image_sweep_left(&e->images);
}
