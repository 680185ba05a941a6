/* Whether a container really runs is asked of the kernel (pid with start time and boot
 * id, the monitor's lock, the freezer), so that a stale record does no harm. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/container/container.h"

/* The monitor holds this lock until it exits, however it exits. */
bool container_has_monitor(struct mtd_engine *e, const char *id)
{
    auto_fd int run = store_open_run(&e->store, id, false, NULL);
    auto_fd int fd =
        run < 0 ? -1 : openat(run, "monitor", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

/* What a record and an item of a list have in common. */
struct facts {
    const char *id, *boot_id;
    enum mtd_state said;
    pid_t pid;
    uint64_t pid_start;
    const struct strv *cgroups;
};

static enum mtd_state observe(struct mtd_engine *e, const struct facts *f)
{
    if (f->said == MTD_STATE_RESTARTING)
        return container_has_monitor(e, f->id) ? f->said : MTD_STATE_EXITED;
    if (!mtd_state_is_live(f->said))
        return f->said;
    if (strcmp(f->boot_id, e->boot_id) != 0)
        return MTD_STATE_EXITED;
    bool alive = f->pid_start ? proc_is(f->pid, f->pid_start) : f->pid > 0;
    if (!alive && !container_has_monitor(e, f->id))
        return MTD_STATE_EXITED;
    return alive && cgroup_recorded_is_frozen(f->cgroups) ? MTD_STATE_PAUSED
                                                          : MTD_STATE_RUNNING;
}

enum mtd_state container_observe(struct mtd_engine *e, const char *id,
                                 const struct mtd_status *st)
{
    struct facts f = {.id = id,
                      .boot_id = st->boot_id,
                      .said = st->state,
                      .pid = st->pid,
                      .pid_start = st->pid_start,
                      .cgroups = &st->cgroups};
    return observe(e, &f);
}

enum mtd_state container_observe_summary(struct mtd_engine *e,
                                         const struct mtd_summary *s)
{
    struct facts f = {.id = s->id,
                      .boot_id = s->boot_id,
                      .said = s->state,
                      .pid = s->pid,
                      .pid_start = s->pid_start,
                      .cgroups = &s->cgroups};
    return observe(e, &f);
}

bool container_is_orphan(struct mtd_engine *e, const char *id, enum mtd_state said,
                         const char *boot_id)
{
    bool owned = mtd_state_is_active(said);
    return owned && strcmp(boot_id, e->boot_id) == 0 && !container_has_monitor(e, id);
}
