/* `system check` waits for no lock, so an operation in progress may look wrong for a
 * moment: only what is found repeatedly is reported. Repairs use the functions that clean
 * up anyway; then all is checked once more, and what is no longer found was repaired. */

#include "engine/check/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

#define REPAIR_ROUNDS 3

/* ---- repairs ----------------------------------------------------------------------- */

static int give_monitor(struct mtd_engine *e, const struct finding *f)
{
    return container_adopt(e, f->id, NULL);
}

static int start_health(struct mtd_engine *e, const struct finding *f)
{
    return container_mend_health(e, f->id) ? 0 : -EAGAIN;
}

static int settle(struct mtd_engine *e, const struct finding *f)
{
    return container_settle_one(e, f->id) ? 0 : -EAGAIN;
}

static int mend_unfinished(struct mtd_engine *e, const struct finding *f)
{
    const struct store_finding s = {STORE_UNFINISHED, f->id, f->object};
    return store_mend(&e->store, &s, NULL);
}

static int mend_stray(struct mtd_engine *e, const struct finding *f)
{
    const struct store_finding s = {STORE_NAME_STRAY, f->id, f->object};
    return store_mend(&e->store, &s, NULL);
}

static int mend_lost(struct mtd_engine *e, const struct finding *f)
{
    const struct store_finding s = {STORE_NAME_LOST, f->id, f->object};
    return store_mend(&e->store, &s, NULL);
}

static int drop_ids(struct mtd_engine *e, const struct finding *f)
{
    const struct store_finding s = {STORE_IDS_STRAY, f->id, f->object};
    return store_mend(&e->store, &s, NULL);
}

static int restore_ids(struct mtd_engine *e, const struct finding *f)
{
    const struct store_finding s = {STORE_IDS_LOST, f->id, f->object};
    return store_mend(&e->store, &s, NULL);
}

/* ---- names and trash --------------------------------------------------------------- */

static void take_store_finding(const struct store_finding *f, void *arg)
{
    static const struct {
        repair_fn repair;
        const char *text;
    } FAULTS[] = {
        [STORE_UNFINISHED] = {mend_unfinished,
                              "is only half created or half removed: trash/"},
        [STORE_NAME_LOST] = {mend_lost, "its name is not reserved: names/"},
        [STORE_NAME_TAKEN] = {NULL, "its name is reserved for another container: names/"},
        [STORE_NAME_STRAY] = {mend_stray,
                              "a name that is not its own is reserved for it: names/"},
        [STORE_NAME_FOREIGN] = {NULL, "not a link to a container: names/"},
        [STORE_IDS_STRAY] = {drop_ids, "ids of the host are claimed for it: userns/"},
        [STORE_IDS_LOST] = {restore_ids, "its ids of the host are not claimed: "},
    };
    check_add(arg, f->id, f->name, FAULTS[f->fault].repair, "%s%s", FAULTS[f->fault].text,
              f->name);
}

/* ---- images ------------------------------------------------------------------------ */

static int sweep_images(struct mtd_engine *e, const struct finding *f)
{
    (void)f;
    image_sweep_left(&e->images);
    return 0;
}

static int mend_image(struct mtd_engine *e, enum image_fault fault,
                      const struct finding *f)
{
    return image_repair(&e->images, fault, f->object, NULL);
}

static int mend_quick(struct mtd_engine *e, const struct finding *f)
{
    return mend_image(e, IMAGE_FAULT_QUICK, f);
}

static int mend_blob(struct mtd_engine *e, const struct finding *f)
{
    return mend_image(e, IMAGE_FAULT_BLOB, f);
}

static int mend_image_name(struct mtd_engine *e, const struct finding *f)
{
    return mend_image(e, IMAGE_FAULT_NAME, f);
}

static int drop_strays(struct mtd_engine *e, const struct finding *f)
{
    return mend_image(e, IMAGE_FAULT_STRAY, f);
}

static void take_image_fault(enum image_fault fault, const char *object, const char *text,
                             void *arg)
{
    static const struct {
        repair_fn repair;
        const char *text;
    } FAULTS[] = {
        [IMAGE_FAULT_QUICK] = {mend_quick, ""},
        [IMAGE_FAULT_IMAGE] = {NULL, ""},
        [IMAGE_FAULT_CONFIG] = {NULL, "the image's config is damaged; remove the image "
                                      "and get it again: "},
        [IMAGE_FAULT_LAYER_LOST] = {NULL, "a layer is gone; remove the image and get it "
                                          "again: "},
        [IMAGE_FAULT_BLOB] = {mend_blob, "a damaged blob: images/blobs/sha256/"},
        [IMAGE_FAULT_NAME] = {mend_image_name,
                              "the name of an image that is not there: "},
        [IMAGE_FAULT_STRAY] = {drop_strays, "of no image and no container: "},
    };
    check_add(arg, NULL, object, FAULTS[fault].repair, "%s%s", FAULTS[fault].text, text);
}

static void check_images(struct check *c)
{
    if (image_check(&c->e->images, take_image_fault, c) < 0)
        c->out_of_memory = true;
    auto_done(strv_done) struct strv left = {0};
    if (image_list_left(&c->e->images, &left) < 0)
        c->out_of_memory = true;
    for (size_t i = 0; i < left.len; i++)
        check_add(c, NULL, left.items[i], sweep_images,
                  "left behind by a process that was killed: images/tmp/%s",
                  left.items[i]);
}

/* ---- one record -------------------------------------------------------------------- */

static bool has_run_dir(struct mtd_engine *e, const char *id)
{
    return e->store.run_fd >= 0 &&
           faccessat(e->store.run_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The record says running, paused or restarting. */
static void check_living(struct check *c, const struct mtd_record *r)
{
    const struct mtd_status *st = &r->status;
    const char *said = mtd_state_name(st->state);
    bool alive = st->state != MTD_STATE_RESTARTING && proc_is(st->pid, st->pid_start);
    bool monitored = container_has_monitor(c->e, r->id);
    if (monitored && !alive && st->state != MTD_STATE_RESTARTING)
        check_add(c, r->id, "monitor", NULL,
                  "its process %d has exited, but its monitor %d has not recorded that",
                  (int)st->pid, (int)st->monitor_pid);
    else if (!monitored && alive)
        check_add(c, r->id, "alive", give_monitor,
                  "is running (process %d) without a monitor", (int)st->pid);
    else if (!monitored)
        check_add(c, r->id, "dead", give_monitor,
                  "the record says %s, but its processes are gone", said);
    if (monitored && alive)
        check_network_of(c, r);
    if (monitored && alive && container_lacks_health(c->e, r->id, st->pid, st->health))
        check_add(c, r->id, "health", start_health,
                  "is running, but its health is not being checked");
    for (size_t i = 0; alive && i < st->cgroups.len; i++) {
        const char *line = st->cgroups.items[i], *path = strchr(line, ':');
        bool lazy =
            strncmp(line, "cpuset:", 7) == 0; /* an older program's may be missing */
        if (path && !lazy && faccessat(AT_FDCWD, path + 1, F_OK, 0) < 0)
            check_add(c, r->id, path + 1, NULL,
                      "is running, but its control group %s is gone", path + 1);
    }
}

static void check_resting(struct check *c, const struct mtd_record *r)
{
    const char *said = mtd_state_name(r->status.state);
    auto_free char *groups = check_groups_of(c, r->id);
    if (container_has_monitor(c->e, r->id)) {
        check_add(c, r->id, "monitor", NULL, "is %s, but its monitor is still running",
                  said);
        return;
    }
    if (groups)
        check_add(c, r->id, "groups", check_clear, "is %s, but has the control group %s",
                  said, groups);
    if (has_run_dir(c->e, r->id))
        check_add(c, r->id, "run", check_clear, "is %s, but has a run directory", said);
}

static void check_record(struct check *c, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    struct mtd_error why = {0};
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(&c->e->store, id, NULL);
    if (lock < 0)
        return; /* another command is at work on it, or it was removed */
    int code = store_load(&c->e->store, id, &r, &why);
    const char *said = mtd_state_name(r.status.state);
    close(take_fd(&lock)); /* a monitor may be waiting to record an end */
    if (code < 0)
        check_add(c, id, "record", NULL, "%s", why.text);
    else if (container_settle(c->e, &r))
        check_add(c, id, "boot", settle,
                  "the record says %s, but the host was restarted since", said);
    else if (mtd_state_is_active(r.status.state))
        check_living(c, &r);
    else
        check_resting(c, &r);
}

static void check_records(struct check *c)
{
    int fd = c->e->store.containers_fd < 0 ? -1
                                           : openat(c->e->store.containers_fd, ".",
                                                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (const struct dirent *d; dir && (d = readdir(dir));)
        if (hex_is_valid(d->d_name, MTD_ID_LEN))
            check_record(c, d->d_name);
}

/* ---- all --------------------------------------------------------------------------- */

static int look(struct mtd_engine *e, struct check *ret, struct mtd_error *err)
{
    *ret = (struct check){.e = e};
    int rc = cgroup_discover(&ret->host, "/proc", err);
    if (rc == 0 && (rc = cgroup_list(&ret->host, &ret->groups)) < 0)
        mtd_fail_errno(err, -rc, "cannot list the control groups");
    if (rc == 0) {
        store_check(&e->store, take_store_finding, ret);
        check_records(ret);
        check_host(ret);
        check_images(ret);
        check_networks(ret);
        if (ret->out_of_memory)
            rc = mtd_fail(err, ENOMEM, "out of memory");
    }
    if (rc < 0)
        check_done(ret);
    return rc;
}

/* What is found several times is not an operation in progress. */
static int look_long(struct mtd_engine *e, struct check *ret, struct mtd_error *err)
{
    static const int PAUSES_MS[] = {20, 80, 200, 400};
    int rc = look(e, ret, err);
    for (size_t i = 0; rc == 0 && ret->len > 0 && i < ARRAY_SIZE(PAUSES_MS); i++) {
        struct check again;
        nanosleep(&(struct timespec){.tv_nsec = PAUSES_MS[i] * NS_PER_MS}, NULL);
        rc = look(e, &again, err);
        if (rc == 0)
            check_keep_common(ret, &again);
        check_done(rc == 0 ? &again : ret);
    }
    return rc;
}

/* Reports what c has and told has not; repaired = left has not. */
static void tell(const struct check *c, const struct check *left,
                 const struct check *told, mtd_finding_fn found, void *arg)
{
    for (size_t i = 0; i < c->len; i++) {
        const struct finding *f = &c->items[i];
        if (told && check_find(told, f))
            continue;
        const struct mtd_finding out = {
            .id = f->id, .text = f->text, .repaired = left && !check_find(left, f)};
        found(&out, arg);
    }
}

/* false = nothing can be repaired. */
static bool repair_each(struct mtd_engine *e, const struct check *c)
{
    bool any = false;
    for (size_t i = 0; i < c->len; i++)
        if (c->items[i].repair) {
            c->items[i].repair(e, &c->items[i]);
            any = true;
        }
    container_sweep(e);
    return any;
}

/* One repair may depend on another: a monitor must have exited before its
 * groups are removed. */
static int repair_all(struct mtd_engine *e, const struct check *c, struct check *left,
                      struct mtd_error *err)
{
    repair_each(e, c);
    int rc = look_long(e, left, err);
    for (int i = 1; rc == 0 && left->len > 0 && i < REPAIR_ROUNDS; i++) {
        if (!repair_each(e, left))
            break;
        check_done(left);
        rc = look_long(e, left, err);
    }
    return rc;
}

int mtd_check(struct mtd_engine *e, bool repair, mtd_finding_fn found, void *arg,
              struct mtd_error *err)
{
    auto_done(check_done) struct check c = {0}, left = {0};
    int rc = look_long(e, &c, err);
    if (rc < 0)
        return rc;
    if (!repair || c.len == 0) {
        tell(&c, NULL, NULL, found, arg);
        return (int)c.len;
    }
    rc = repair_all(e, &c, &left, err);
    if (rc < 0)
        return rc;
    tell(&c, &left, NULL, found, arg);
    tell(&left, NULL, &c, found, arg);
    return (int)left.len;
}
