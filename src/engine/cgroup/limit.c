/* What can be checked without the kernel is checked first, because the kernel's -EINVAL
 * says nothing; then each controller's directory gets its values in turn. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/limits.h"

#define MAX_CPUS 8192
#define MOVE_TRIES 50

static bool limits_devices(const struct mtd_resources *r)
{
    for (size_t i = 0; i < MTD_BLKIO_COUNT; i++)
        if (r->blkio[i].len)
            return true;
    return false;
}

static bool wants(const struct mtd_resources *r, enum cgroup_controller which)
{
    switch (which) {
    case CGROUP_CPU:
        return r->nano_cpus || r->cpu_shares || r->cpu_quota || r->cpu_period;
    case CGROUP_CPUSET: return r->cpuset_cpus || r->cpuset_mems;
    case CGROUP_MEMORY:
        return r->memory > 0 || r->memory_reservation || r->sets_swappiness ||
               r->oom_kill_disable;
    case CGROUP_BLKIO: return r->blkio_weight || limits_devices(r);
    case CGROUP_PIDS: return r->pids > 0;
    default: return false;
    }
}

static enum mtd_about about(const struct mtd_resources *r, enum cgroup_controller which)
{
    switch (which) {
    case CGROUP_CPU:
        return r->nano_cpus    ? MTD_ABOUT_CPUS
               : r->cpu_quota  ? MTD_ABOUT_CPU_QUOTA
               : r->cpu_period ? MTD_ABOUT_CPU_PERIOD
                               : MTD_ABOUT_CPU_SHARES;
    case CGROUP_CPUSET: return r->cpuset_cpus ? MTD_ABOUT_CPUSET : MTD_ABOUT_CPUSET_MEMS;
    case CGROUP_MEMORY:
        return r->memory               ? MTD_ABOUT_MEMORY
               : r->memory_reservation ? MTD_ABOUT_RESERVATION
                                       : MTD_ABOUT_SWAPPINESS;
    case CGROUP_BLKIO:
        return r->blkio_weight ? MTD_ABOUT_BLKIO_WEIGHT : MTD_ABOUT_BLKIO_DEVICE;
    case CGROUP_PIDS: return MTD_ABOUT_PIDS;
    default: return MTD_ABOUT_NONE;
    }
}

/* The list's syntax has been checked. */
static void mark_cpus(const char *list, unsigned char set[MAX_CPUS])
{
    for (const char *p = list; *p; p += *p == ',') {
        char *end;
        unsigned long first = strtoul(p, &end, 10), last = first;
        if (end == p)
            return;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long i = first; i <= last && i < MAX_CPUS; i++)
            set[i] = 1;
        p = end;
    }
}

int cgroup_check_list(const char *what, const char *wanted, const char *available,
                      struct mtd_error *err)
{
    if (parse_cpu_list(wanted, MAX_CPUS, NULL) < 0)
        return mtd_fail(err, EINVAL, "\"%.60s\" is not a list of %s; write 0-1,3", wanted,
                        what);
    unsigned char want[MAX_CPUS] = {0}, have[MAX_CPUS] = {0};
    mark_cpus(wanted, want);
    mark_cpus(available, have);
    for (size_t i = 0; i < MAX_CPUS; i++)
        if (want[i] && !have[i])
            return mtd_fail(err, EINVAL,
                            "requested %s are not available: requested %s, "
                            "available: %s",
                            what, wanted, available);
    return 0;
}

/* v2 silently accepts any list and v1 says only "Permission denied"; so the list is
 * checked against what the group at the top of the hierarchy can really use. */
static int check_available(const struct cgroup_dir *d, const char *what,
                           const char *const files[3], const char *wanted,
                           struct mtd_error *err)
{
    auto_free char *above = strdup(d->path);
    char text[4096], top[4096] = "";
    if (!above)
        return mtd_fail_errno(err, ENOMEM, "cannot check the %s", what);
    while (strrchr(above, '/') != above) {
        *strrchr(above, '/') = '\0';
        auto_fd int dir = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int n = -ENOENT;
        for (size_t i = 0; i < 3 && dir >= 0 && n <= 0; i++) {
            int got = fs_read_small_at(dir, files[i], text, sizeof(text));
            n = got >= 0 ? got : n;
        }
        if (n < 0)
            break; /* above the hierarchy */
        if (n > 0)
            memcpy(top, text, sizeof(top));
    }
    return *top ? cgroup_check_list(what, wanted, top, err) : 0;
}

static int check_cpuset(const struct cgroup_dir *d, const struct mtd_resources *r,
                        struct mtd_error *err)
{
    static const char *const CPUS[] = {"cpuset.effective_cpus", "cpuset.cpus.effective",
                                       "cpuset.cpus"};
    static const char *const MEMS[] = {"cpuset.effective_mems", "cpuset.mems.effective",
                                       "cpuset.mems"};
    int rc = 0;
    if (r->cpuset_cpus)
        rc = mtd_about(err, MTD_ABOUT_CPUSET,
                       check_available(d, "CPUs", CPUS, r->cpuset_cpus, err));
    if (rc == 0 && r->cpuset_mems)
        rc = mtd_about(err, MTD_ABOUT_CPUSET_MEMS,
                       check_available(d, "memory nodes", MEMS, r->cpuset_mems, err));
    return rc;
}

#define USUAL_PERIOD 100000

struct cgroup_bandwidth cgroup_bandwidth_of(const struct mtd_resources *r)
{
    if (r->nano_cpus)
        return (struct cgroup_bandwidth){r->nano_cpus / (1000000000 / USUAL_PERIOD),
                                         USUAL_PERIOD};
    return (struct cgroup_bandwidth){r->cpu_quota > 0 ? r->cpu_quota : -1, r->cpu_period};
}

int cgroup_blkio_device(enum mtd_blkio kind, const char *text,
                        char device[CGROUP_DEVICE_TEXT], uint64_t *ret_value,
                        struct mtd_error *err)
{
    char path[256];
    struct stat st;
    int rc = mtd_limit_blkio(kind, text, path, sizeof(path), ret_value, err);
    if (rc < 0)
        return rc;
    if (stat(path, &st) < 0)
        return mtd_fail(err, errno, "block device %s: %s", path, strerror(errno));
    if (!S_ISBLK(st.st_mode))
        return mtd_fail(err, ENOTBLK, "%s is not a block device", path);
    snprintf(device, CGROUP_DEVICE_TEXT, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
    return 0;
}

int cgroup_put_devices(const struct cgroup_dir *d, const char *file, const char *key,
                       enum mtd_blkio kind, const struct mtd_resources *r,
                       uint64_t (*map)(uint64_t), struct mtd_error *err)
{
    const struct strv *list = &r->blkio[kind];
    for (size_t i = 0; i < list->len; i++) {
        char device[CGROUP_DEVICE_TEXT], text[96];
        uint64_t value;
        int rc = cgroup_blkio_device(kind, list->items[i], device, &value, err);
        if (rc < 0)
            return rc;
        snprintf(text, sizeof(text), "%s %s%llu", device, key,
                 (unsigned long long)(map ? map(value) : value));
        rc = cgroup_put(d, file, text, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool contains(const pid_t *sorted, int n, pid_t pid)
{
    int low = 0;
    while (low < n) {
        int middle = low + (n - low) / 2;
        if (sorted[middle] == pid)
            return true;
        if (sorted[middle] < pid)
            low = middle + 1;
        else
            n = middle;
    }
    return false;
}

/* Moves the container's processes that are not in d. Returns how many, or -errno. */
static int move_round(const struct cgroup *c, const struct cgroup_dir *d,
                      struct mtd_error *err)
{
    auto_free pid_t *pids = NULL, *here = NULL;
    struct cgroup one = {.n = 1, .dirs = {*d}};
    int n = cgroup_pids(c, &pids);
    int m = n < 0 ? n : cgroup_pids(&one, &here);
    if (m < 0)
        return mtd_fail_errno(err, -m, "cannot list the processes");
    int moved = 0;
    for (int i = 0; i < n; i++) {
        if (contains(here, m, pids[i]))
            continue;
        struct mtd_error why = {0};
        int code = cgroup_put_u64(d, "cgroup.procs", (uint64_t)pids[i], &why);
        if (code < 0 && code != -ESRCH)
            return mtd_fail(err, -code, "%s", why.text);
        moved++;
    }
    return moved;
}

/* Fills a group made while the container runs with its processes; another round catches
 * those forked meanwhile. */
static int move_all(const struct cgroup *c, const struct cgroup_dir *d,
                    struct mtd_error *err)
{
    for (int tries = 0; tries < MOVE_TRIES; tries++) {
        int moved = move_round(c, d, err);
        if (moved <= 0)
            return moved;
    }
    return mtd_fail(err, EAGAIN,
                    "new processes appear faster than they can be moved to %s", d->path);
}

/* A limit needs what the group is filled with: before the first process, nothing has filled
 * it; and an older program made the group only when a limit asked for it. */
static int make_ready(struct cgroup *c, struct cgroup_dir *d, struct mtd_error *err)
{
    bool late = d->fd < 0;
    int code = late ? cgroup_make_dir(d, err) : 0;
    if (code == 0 && (late || c->fresh) && cgroup_ops_of(d)->fill)
        code = cgroup_ops_of(d)->fill(d, err);
    return code == 0 && late ? move_all(c, d, err) : code;
}

/* v2 has the controller but could not enable it below: usually this engine runs in
 * another engine's container, whose processes are in the group that is the root here. */
static int no_controller(const struct cgroup *c, enum cgroup_controller which,
                         struct mtd_error *err)
{
    char list[512] = "";
    const struct cgroup_dir *d = cgroup_unified(c);
    auto_fd int top = d ? openat(d->fd, "../..", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (top >= 0 && cgroup_v2_names[which] &&
        fs_read_small_at(top, "cgroup.controllers", list, sizeof(list)) > 0 &&
        cgroup_has_word(list, cgroup_v2_names[which]))
        return mtd_fail(
            err, EOPNOTSUPP,
            "the %s controller cannot be used: the root of the cgroup tree holds "
            "processes itself; move them to a group below it",
            cgroup_v2_names[which]);
    return mtd_fail(err, EOPNOTSUPP, "this host has no %s controller",
                    cgroup_v1_names[which]);
}

static int limit_one(struct cgroup *c, const struct mtd_resources *r,
                     enum cgroup_controller which, struct mtd_error *err)
{
    struct cgroup_dir *d = cgroup_dir_of(c, which);
    bool wanted = wants(r, which);
    if (!d && wanted)
        return mtd_about(err, about(r, which), no_controller(c, which, err));
    if (!d || (d->fd < 0 && !wanted))
        return 0;
    int code = 0;
    if (which == CGROUP_CPUSET && wanted)
        code = check_cpuset(d, r, err);
    if (code == 0 && which == CGROUP_CPUSET && wanted)
        code = make_ready(c, d, err);
    cgroup_limit_fn limit = cgroup_ops_of(d)->limit[which];
    return code < 0 || !limit ? code : limit(c, d, r, err);
}

int cgroup_limit(struct cgroup *c, const struct mtd_resources *r, struct mtd_error *err)
{
    int code = mtd_limits_check(r, err);
    for (int i = 0; i < CGROUP_CONTROLLERS && code == 0; i++) {
        code = fault_point("cgroup.limit");
        if (code == 0)
            code = limit_one(c, r, (enum cgroup_controller)i, err);
    }
    return code;
}

int cgroup_set_file(const struct cgroup *c, const struct cgroup_file *f,
                    struct mtd_error *err)
{
    const struct cgroup_dir *unified = cgroup_unified(c);
    for (size_t i = 0; i < c->n && f->controller; i++)
        if (c->dirs[i].fd >= 0 && c->dirs[i].names &&
            cgroup_has_word(c->dirs[i].names, f->controller))
            return cgroup_put(&c->dirs[i], f->file, f->value, err);
    if (f->file2 && unified && faccessat(unified->fd, f->file2, F_OK, 0) == 0)
        return cgroup_put(unified, f->file2, f->value2, err);
    return mtd_fail(err, EOPNOTSUPP, "this host's control groups have no %s",
                    f->file2 ? f->file2 : f->file);
}
