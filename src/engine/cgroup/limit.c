/* What can be checked without the kernel is checked first, because the kernel's -EINVAL
 * says nothing; then each controller's directory gets its values in turn. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/limits.h"

#define MAX_CPUS 8192
#define MOVE_TRIES 50

static bool wants(const struct mtd_resources *r, enum cgroup_controller which)
{
    switch (which) {
    case CGROUP_CPU: return r->nano_cpus || r->cpu_shares;
    case CGROUP_CPUSET: return r->cpuset_cpus != NULL;
    case CGROUP_MEMORY: return r->memory > 0;
    case CGROUP_BLKIO: return r->blkio_weight != 0;
    case CGROUP_PIDS: return r->pids > 0;
    default: return false;
    }
}

static enum mtd_about about(const struct mtd_resources *r, enum cgroup_controller which)
{
    switch (which) {
    case CGROUP_CPU: return r->nano_cpus ? MTD_ABOUT_CPUS : MTD_ABOUT_CPU_SHARES;
    case CGROUP_CPUSET: return MTD_ABOUT_CPUSET;
    case CGROUP_MEMORY: return MTD_ABOUT_MEMORY;
    case CGROUP_BLKIO: return MTD_ABOUT_BLKIO_WEIGHT;
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

/* -EINVAL unless every CPU of the first list is in the second. */
static int check_cpus(const char *wanted, const char *available, struct mtd_error *err)
{
    if (parse_cpu_list(wanted, MAX_CPUS, NULL) < 0)
        return mtd_limit_cpuset(wanted, err);
    unsigned char want[MAX_CPUS] = {0}, have[MAX_CPUS] = {0};
    mark_cpus(wanted, want);
    mark_cpus(available, have);
    for (size_t i = 0; i < MAX_CPUS; i++)
        if (want[i] && !have[i])
            return mtd_fail(err, EINVAL,
                            "requested CPUs are not available: requested %s, "
                            "available: %s",
                            wanted, available);
    return 0;
}

/* v2 silently accepts any list and v1 says only "Permission denied"; so the list is
 * checked against what the group at the top of the hierarchy can really use. */
static int check_cpuset(const struct cgroup_dir *d, const char *wanted,
                        struct mtd_error *err)
{
    static const char *const FILES[] = {"cpuset.effective_cpus", "cpuset.cpus.effective",
                                        "cpuset.cpus"};
    auto_free char *root = strdup(d->path);
    if (!root)
        return mtd_fail_errno(err, ENOMEM, "cannot check the CPUs");
    for (int up = 0; up < 2 && strrchr(root, '/') != root; up++)
        *strrchr(root, '/') = '\0'; /* "<mount>/mytop-docker/<id>" */
    auto_fd int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char text[4096];
    for (size_t i = 0; i < ARRAY_SIZE(FILES) && dir >= 0; i++)
        if (fs_read_small_at(dir, FILES[i], text, sizeof(text)) > 0)
            return check_cpus(wanted, text, err);
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

static int make_lazy(struct cgroup *c, struct cgroup_dir *d, struct mtd_error *err)
{
    int code = cgroup_make_dir(d, err);
    if (code == 0 && !c->fresh)
        code = move_all(c, d, err);
    return code;
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
        code = mtd_about(err, MTD_ABOUT_CPUSET, check_cpuset(d, r->cpuset_cpus, err));
    if (code == 0 && d->fd < 0)
        code = make_lazy(c, d, err);
    cgroup_limit_fn limit = cgroup_ops_of(d)->limit[which];
    return code < 0 || !limit ? code : limit(c, d, r, err);
}

int cgroup_limit(struct cgroup *c, const struct mtd_resources *r, struct mtd_error *err)
{
    int code = mtd_limits_check(r, err);
    for (int i = 0; i < CGROUP_CONTROLLERS && code == 0; i++)
        code = limit_one(c, r, (enum cgroup_controller)i, err);
    return code;
}
