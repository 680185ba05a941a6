/* What killed processes left behind, put right by whichever command comes next. A run directory
 * exists only while a monitor lives: one without is either a container that wants a new
 * monitor, or the rest of a start or an end that was cut off. */

#include "engine/container/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"

/* Groups are named after the container on every host, so they can be found without a record. */
static void drop_groups(const char *id)
{
    auto_done(cgroup_done) struct cgroup host = {0}, group = {0};
    if (cgroup_discover(&host, "/proc", NULL) < 0)
        return;
    if (cgroup_open_id(&group, &host, id, NULL) == 0 && group.n > 0) {
        cgroup_kill(&group, NULL);
        cgroup_destroy(&group, NULL);
    }
}

static bool wants_monitor(const struct mtd_engine *e, const struct mtd_status *st)
{
    bool owned = mtd_state_is_active(st->state);
    return owned && strcmp(st->boot_id, e->boot_id) == 0;
}

/* The lock tells a cut-off start from one that is under way. */
void container_clear_run(struct mtd_engine *e, const char *id)
{
    drop_groups(id);
    fs_remove_tree_at(e->store.run_fd, id);
}

static void mend(struct mtd_engine *e, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (lock == -EAGAIN || container_has_monitor(e, id))
        return;
    if (lock >= 0 && store_load(&e->store, id, &r, NULL) == 0 &&
        wants_monitor(e, &r.status)) {
        close(take_fd(&lock));
        container_adopt(e, id, NULL);
        return;
    }
    if (lock >= 0 || lock == -ENOENT)
        container_clear_run(e, id);
}

static bool is_noted(const struct mtd_engine *e, const char *note)
{
    return faccessat(e->store.run_fd, note, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whoever commits holds the lock: a note that is there under it is a dead one's. */
static void thaw(struct mtd_engine *e, const char *id, const char *note)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(cgroup_done) struct cgroup group = {0};
    mtd_record_init(&r);
    (void)fault_point("sweep.thaw");
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (lock < 0 || !is_noted(e, note) || store_load(&e->store, id, &r, NULL) < 0)
        return;
    if (cgroup_open(&group, &r.status.cgroups, NULL) == 0)
        cgroup_freeze(&group, false, NULL);
    unlinkat(e->store.run_fd, note, 0);
}

static void thaw_noted(struct mtd_engine *e, const char *id)
{
    char note[MTD_ID_SIZE + sizeof("/" CONTAINER_FROZEN)];
    snprintf(note, sizeof(note), "%s/" CONTAINER_FROZEN, id);
    if (is_noted(e, note))
        thaw(e, id, note);
}

void container_sweep(struct mtd_engine *e)
{
    store_sweep(&e->store);
    int fd = openat(e->store.run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (const struct dirent *d; dir && (d = readdir(dir));)
        if (hex_is_valid(d->d_name, MTD_ID_LEN)) {
            thaw_noted(e, d->d_name);
            if (!container_has_monitor(e, d->d_name))
                mend(e, d->d_name);
        }
}
