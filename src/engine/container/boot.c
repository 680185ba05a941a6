/* After a reboot no container runs, whatever its record says, and there are no mounts or
 * groups to look for, because the kernel that had them is gone. A process that loads such
 * a record sees it as exited; the first command that may write updates all of them. */

#include "engine/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/container/container.h"

#define REASON "the host was restarted"
#define MARKER "boot_id" /* of the boot for which all records were updated */

static bool is_outdated(const struct mtd_engine *e, enum mtd_state said,
                        const char *boot_id)
{
    return mtd_state_is_active(said) && strcmp(boot_id, e->boot_id) != 0;
}

/* The run ended before this boot. */
static int64_t end_of_run(int64_t started_at)
{
    int64_t boot = clock_wall_ns() - clock_boot_ns();
    return boot > started_at ? boot : started_at;
}

static void set_reason(char **error)
{
    free(*error);
    *error = strdup(REASON);
}

bool container_settle(const struct mtd_engine *e, struct mtd_record *r)
{
    struct mtd_status *st = &r->status;
    if (!is_outdated(e, st->state, st->boot_id))
        return false;
    if (st->state != MTD_STATE_RESTARTING) { /* its run had ended, and was recorded */
        st->exit_code = -1;
        st->exit_signal = 0;
        st->finished_at = end_of_run(st->started_at);
    }
    st->state = MTD_STATE_EXITED;
    st->pid = st->monitor_pid = 0;
    st->pid_start = st->monitor_start = 0;
    free(st->health);
    st->health = NULL;
    strv_done(&st->cgroups);
    strv_done(&st->namespaces);
    mtd_endpoints_done(&st->endpoints, &st->n_endpoints);
    mtd_ports_done(&st->ports, &st->n_ports);
    set_reason(&st->error);
    return true;
}

bool container_settle_summary(const struct mtd_engine *e, struct mtd_summary *s)
{
    if (!is_outdated(e, s->state, s->boot_id))
        return false;
    if (s->state != MTD_STATE_RESTARTING) {
        s->exit_code = -1;
        s->exit_signal = 0;
        s->finished_at = end_of_run(s->started_at);
    }
    s->state = MTD_STATE_EXITED;
    s->pid = s->monitor_pid = 0;
    free(s->health);
    s->health = NULL;
    strv_done(&s->cgroups);
    strv_done(&s->ports);
    set_reason(&s->error);
    return true;
}

bool container_settle_one(struct mtd_engine *e, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (lock < 0)
        return lock != -EAGAIN;
    if (store_load(&e->store, id, &r, NULL) == 0 && container_settle(e, &r))
        return store_save(&e->store, &r, true, NULL) == 0;
    return true;
}

/* Not replaced but written: a torn one is no boot's, so the next command settles again. */
static void write_marker(const struct mtd_engine *e)
{
    auto_fd int fd = openat(e->store.root_fd, MARKER,
                            O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && pwrite(fd, e->boot_id, BOOT_ID_LEN, 0) == BOOT_ID_LEN)
        (void)!ftruncate(fd, BOOT_ID_LEN);
}

void container_settle_all(struct mtd_engine *e)
{
    char known[BOOT_ID_LEN + 2] = "";
    bool all = true;
    if (e->store.read_only || e->store.containers_fd < 0 || !*e->boot_id)
        return;
    fs_read_small_at(e->store.root_fd, MARKER, known, sizeof(known));
    if (strcmp(known, e->boot_id) == 0)
        return;
    int fd = openat(e->store.containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (const struct dirent *d; dir && (d = readdir(dir));)
        if (hex_is_valid(d->d_name, MTD_ID_LEN))
            all &= container_settle_one(e, d->d_name);
    if (all && dir)
        write_marker(e);
}
