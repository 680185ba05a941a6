/* Opening the state, and the two questions every call asks: which container, and is it really
 * running? The answer to the second comes from the kernel (pid with start time and boot id,
 * the monitor's lock, the freezer), so a record can be stale but never lies. */

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/cgroup/stats.h"
#include "engine/container/internal.h"
#include "engine/store/events.h"

#define DEFAULT_ROOT "/var/lib/mytop-docker"
#define DEFAULT_RUN_ROOT "/run/mytop-docker"

int mtd_open(struct mtd_engine **ret, const struct mtd_options *o, struct mtd_error *err)
{
    struct mtd_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return mtd_fail(err, ENOMEM, "out of memory");
    e->attached.fd = e->attached.dir_fd = -1;
    int r = store_open(&e->store, o->root ? o->root : DEFAULT_ROOT,
                       o->run_root ? o->run_root : DEFAULT_RUN_ROOT, o->read_only, err);
    if (r < 0) {
        free(e);
        return r;
    }
    e->images = (struct image_store){.root = e->store.root, .root_fd = e->store.root_fd};
    proc_boot_id(e->boot_id);
    if (!o->as_found) {
        engine_settle_all(e);
        engine_sweep(e);
    }
    *ret = e;
    return 0;
}

void mtd_close(struct mtd_engine *e)
{
    if (!e)
        return;
    store_done(&e->store);
    free(e);
}

const char *mtd_root(const struct mtd_engine *e)
{
    return e->store.root;
}

const char *mtd_run_root(const struct mtd_engine *e)
{
    return e->store.run_root;
}

char *engine_dir(struct mtd_engine *e, const char *id, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/containers/%s%s%s", e->store.root, id, *name ? "/" : "",
                 name) < 0)
        return NULL;
    return path;
}

char *mtd_path(struct mtd_engine *e, const char *id, const char *what)
{
    static const char *const NAMES[][2] = {
        {"dir", ""},
        {"log", "container.log"},
        {"config", "config.json"},
        {"hosts", "hosts"},
        {"resolv.conf", "resolv.conf"},
        {"hostname", "hostname"},
        {"upper", "upper"},
        {"work", "work"},
        {"rootfs", "rootfs"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strcmp(NAMES[i][0], what) == 0)
            return engine_dir(e, id, NAMES[i][1]);
    return NULL;
}

/* The monitor holds this lock as long as it lives; nobody can fake or forget that. */
bool engine_has_monitor(struct mtd_engine *e, const char *id)
{
    auto_fd int run = store_open_run(&e->store, id, false, NULL);
    auto_fd int fd =
        run < 0 ? -1 : openat(run, "monitor", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

static bool is_frozen(const struct strv *cgroups)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    return cgroup_open(&c, cgroups, NULL) == 0 && cgroup_is_frozen(&c);
}

/* Shared by records and list items, which carry the same facts. */
static enum mtd_state observe(struct mtd_engine *e, const char *id, enum mtd_state said,
                              pid_t pid, uint64_t start, const char *boot,
                              const struct strv *cgroups)
{
    if (said == MTD_STATE_RESTARTING)
        return engine_has_monitor(e, id) ? said : MTD_STATE_EXITED;
    if (!mtd_state_is_live(said))
        return said;
    if (boot && strcmp(boot, e->boot_id) != 0)
        return MTD_STATE_EXITED;
    bool alive = start ? proc_is(pid, start) : pid > 0;
    if (!alive && !engine_has_monitor(e, id))
        return MTD_STATE_EXITED;
    return alive && is_frozen(cgroups) ? MTD_STATE_PAUSED : MTD_STATE_RUNNING;
}

enum mtd_state engine_observe(struct mtd_engine *e, const char *id,
                              const struct mtd_status *st)
{
    return observe(e, id, st->state, st->pid, st->pid_start, st->boot_id, &st->cgroups);
}

/* It should have a monitor and has none. After a reboot there is nothing to take over. */
static bool is_orphan(struct mtd_engine *e, const char *id, enum mtd_state said,
                      const char *boot_id)
{
    bool owned = mtd_state_is_active(said);
    return owned && strcmp(boot_id, e->boot_id) == 0 && !engine_has_monitor(e, id);
}

static void observe_record(struct mtd_engine *e, struct mtd_record *r)
{
    struct mtd_status *st = &r->status;
    bool was_live = mtd_state_is_live(st->state);
    if (engine_settle(e, r))
        return;
    st->state = engine_observe(e, r->id, st);
    if (!was_live || mtd_state_is_live(st->state))
        return;
    st->pid = 0;
    st->exit_code = -1;
    if (!st->error)
        st->error = strdup("its monitor was killed");
}

static int reload(struct mtd_engine *e, const char *id, struct mtd_record *ret,
                  struct mtd_error *err)
{
    mtd_record_done(ret);
    mtd_record_init(ret);
    return store_load(&e->store, id, ret, err);
}

/* Without a lock. A record is not old only because it was read a moment ago: when it says
 * running and nothing of it lives, its monitor may just have written the end and gone. */
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

int engine_load(struct mtd_engine *e, const char *ref, struct mtd_record *ret,
                int *ret_lock, struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    int r = store_resolve(&e->store, ref, id, err);
    if (r < 0)
        return r;
    r = store_load(&e->store, id, ret, err);
    if (r < 0)
        return r;
    (void)fault_point("load.read");
    bool orphan = is_orphan(e, id, ret->status.state, ret->status.boot_id);
    if (orphan)
        engine_adopt(e, id, NULL);
    auto_fd int lock = ret_lock ? store_lock(&e->store, id, err) : -1;
    if (ret_lock && lock < 0)
        return lock;
    if (orphan || ret_lock) /* what was read may be old by now */
        r = reload(e, id, ret, err);
    if (r == 0 && ret_lock && engine_settle(e, ret))
        r = store_save(&e->store, ret, true, err);
    if (r == 0)
        r = observe_now(e, id, ret, err);
    if (r < 0)
        return r;
    if (!ret_lock && mtd_state_is_live(ret->status.state) &&
        engine_lacks_health(e, id, ret->status.pid, ret->status.health))
        engine_mend_health(e, id);
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
    return engine_load(e, ref, ret, NULL, err);
}

static bool adopt_orphans(struct mtd_engine *e, const struct mtd_list *l)
{
    bool any = false;
    for (size_t i = 0; i < l->len; i++)
        if (is_orphan(e, l->items[i].id, l->items[i].state, l->items[i].boot_id))
            any |= engine_adopt(e, l->items[i].id, NULL) == 0;
    return any;
}

/* True: it is said to run and nothing of it lives. */
static bool observe_summary(struct mtd_engine *e, struct mtd_summary *s)
{
    bool was_live = mtd_state_is_live(s->state);
    if (engine_settle_summary(e, s))
        return false;
    s->state = observe(e, s->id, s->state, s->pid, s->pid_start, s->boot_id, &s->cgroups);
    bool died = was_live && !mtd_state_is_live(s->state);
    if (died) {
        s->pid = 0;
        s->exit_code = -1;
    } else if (was_live && engine_lacks_health(e, s->id, s->pid, s->health)) {
        engine_mend_health(e, s->id);
    }
    return died;
}

static int list_once(struct mtd_engine *e, struct mtd_list *ret, bool *ret_died,
                     struct mtd_error *err)
{
    int r = store_list(&e->store, ret, err);
    (void)fault_point("load.read");
    if (r == 0 && adopt_orphans(e, ret)) {
        mtd_list_done(ret);
        r = store_list(&e->store, ret, err);
    }
    (void)fault_point("load.judged");
    *ret_died = false;
    for (size_t i = 0; r == 0 && i < ret->len; i++)
        *ret_died |= observe_summary(e, &ret->items[i]);
    return r;
}

/* As observe_now: an end that was written meanwhile is read. */
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
    pid_t pid = s->network == MTD_NET_HOST ? 0 : s->pid;
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

void engine_note(struct mtd_engine *e, const struct mtd_record *r, const char *action)
{
    struct event event = {.type = "container",
                          .action = action,
                          .id = r->id,
                          .name = r->name,
                          .image = r->spec.image,
                          .exit_code = -1};
    events_append(e->store.root_fd, &event);
}

int mtd_host_info(struct mtd_engine *e, struct mtd_info *ret, struct mtd_error *err)
{
    (void)e;
    auto_done(cgroup_done) struct cgroup host = {0};
    struct utsname uts;
    struct sysinfo mem;
    int r = cgroup_discover(&host, "/proc", err);
    if (r < 0)
        return r;
    if (uname(&uts) < 0 || sysinfo(&mem) < 0)
        return mtd_fail_errno(err, errno,
                              "cannot read the host's kernel version and memory size");
    *ret = (struct mtd_info){.cpus = mtd_host_cpus(),
                             .memory = (uint64_t)mem.totalram * mem.mem_unit};
    snprintf(ret->cgroup_version, sizeof(ret->cgroup_version), "%s",
             cgroup_version(&host));
    snprintf(ret->kernel, sizeof(ret->kernel), "%.64s", uts.release);
    snprintf(ret->machine, sizeof(ret->machine), "%.64s", uts.machine);
    return 0;
}
