/* A process list is stale as soon as it is read, and a fork bomb outruns one that kills
 * by it. So cgroup.kill is used, which also kills what is forked meanwhile, or the group
 * is frozen before it is signalled; where neither exists, rounds are repeated until one
 * finds no process. */

#include "engine/cgroup/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/sys.h"

#define KILL_TIMEOUT (10 * NS_PER_SEC)
#define MAX_DEPTH 32
#define MAX_WAIT (20 * NS_PER_MS)

struct pid_list {
    pid_t *pids;
    size_t len, cap;
};

static int add_pid(struct pid_list *l, pid_t pid)
{
    if (l->len == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        pid_t *grown = realloc(l->pids, cap * sizeof(pid_t));
        if (!grown)
            return -ENOMEM;
        l->pids = grown;
        l->cap = cap;
    }
    l->pids[l->len++] = pid;
    return 0;
}

/* One number per line; 0 is a process of another pid namespace, which has no number
 * here. */
static int read_pids(int dir_fd, struct pid_list *l)
{
    auto_fd int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENODEV ? 0 : -errno;
    char buf[4096];
    pid_t pid = 0;
    ssize_t n;
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] >= '0' && buf[i] <= '9') {
                pid = pid * 10 + (buf[i] - '0');
                continue;
            }
            int code = pid > 0 ? add_pid(l, pid) : 0;
            if (code < 0)
                return code;
            pid = 0;
        }
    }
    /* ENODEV: removed meanwhile. EOPNOTSUPP: a threaded group, listed at its domain. */
    return n < 0 && errno != ENODEV && errno != EOPNOTSUPP ? -errno : 0;
}

/* A directory has a link for its name, its "." and each ".." below it. */
static bool has_groups_below(int dir_fd)
{
    struct stat st;
    return fstat(dir_fd, &st) < 0 || st.st_nlink != 2;
}

static int walk_pids(int dir_fd, struct pid_list *l, int depth)
{
    int code = read_pids(dir_fd, l);
    if (code < 0 || depth == MAX_DEPTH || !has_groups_below(dir_fd))
        return code;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return errno == ENOENT ? 0 : -errno;
    struct dirent *e;
    while (code == 0 && (e = readdir(dir))) {
        if (e->d_type != DT_DIR || e->d_name[0] == '.')
            continue;
        auto_fd int sub =
            openat(fd, e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        code = sub < 0 ? 0 : walk_pids(sub, l, depth + 1);
    }
    return code;
}

static int compare_pids(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
    return (x > y) - (x < y);
}

static void sort_unique(struct pid_list *l)
{
    if (l->len == 0)
        return;
    qsort(l->pids, l->len, sizeof(pid_t), compare_pids);
    size_t out = 1;
    for (size_t i = 1; i < l->len; i++)
        if (l->pids[i] != l->pids[i - 1])
            l->pids[out++] = l->pids[i];
    l->len = out;
}

int cgroup_pids(const struct cgroup *c, pid_t **ret)
{
    struct pid_list l = {0};
    const struct cgroup_dir *d = cgroup_witness(c);
    int code = d ? walk_pids(d->fd, &l, 0) : 0;
    if (code < 0) {
        free(l.pids);
        return code;
    }
    sort_unique(&l);
    *ret = l.pids;
    return (int)l.len;
}

/* Processes in any of the groups: between clone3 and the last attach one is in some
 * only. */
static int pids_anywhere(const struct cgroup *c, struct pid_list *l)
{
    int code = 0;
    l->len = 0;
    for (size_t i = 0; i < c->n && code == 0; i++)
        if (c->dirs[i].fd >= 0)
            code = walk_pids(c->dirs[i].fd, l, 0);
    sort_unique(l);
    return code;
}

/* A container's groups have the same name in every hierarchy. */
static bool is_member(pid_t pid, const char *name)
{
    char path[48], text[8192];
    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    return fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) > 0 && strstr(text, name);
}

/* By now the number may be another process's, or the process may have left the group: so
 * it is first held by a pidfd and then examined. */
static void signal_member(pid_t pid, const char *name, int sig)
{
    auto_fd int pidfd = sys_pidfd_open(pid, 0);
    if (pidfd >= 0 && is_member(pid, name))
        sys_pidfd_send_signal(pidfd, sig, NULL, 0);
}

static void signal_list(const struct cgroup *c, const struct pid_list *l, int sig)
{
    const char *name = c->n > 0 ? strrchr(c->dirs[0].path, '/') : NULL;
    (void)fault_point("cgroup.signal");
    for (size_t i = 0; name && i < l->len; i++)
        signal_member(l->pids[i], name, sig);
}

static const struct cgroup_dir *freezer_of(const struct cgroup *c)
{
    const struct cgroup_dir *d = cgroup_dir_of(c, CGROUP_FREEZER);
    return d && d->fd >= 0 ? d : NULL;
}

int cgroup_freeze(const struct cgroup *c, bool frozen, struct mtd_error *err)
{
    const struct cgroup_dir *d = freezer_of(c);
    if (!d)
        return mtd_fail(err, EOPNOTSUPP, "this host has no freezer controller");
    int code = cgroup_ops_of(d)->freeze(d, frozen);
    if (code == -ESRCH || code == -ENOENT || code == -ENODEV)
        return frozen ? mtd_fail(err, ESRCH, "%s: its processes have ended", d->path) : 0;
    if (code == -ETIMEDOUT)
        return mtd_fail(err, ETIMEDOUT,
                        "%s: its processes do not %s; one may be stuck in the kernel",
                        d->path, frozen ? "freeze" : "thaw");
    if (code < 0)
        return mtd_fail_errno(err, -code, "cannot %s %s", frozen ? "freeze" : "thaw",
                              d->path);
    return 0;
}

/* v2's freezer when there is one, as in cgroup_share(), else v1's. */
static const char *freezer_line(const struct strv *recorded, bool *ret_v2)
{
    const char *found = NULL;
    for (size_t i = 0; i < recorded->len; i++) {
        bool v2 = false;
        if (!cgroup_line_has(recorded->items[i], CGROUP_FREEZER, &v2) || (found && !v2))
            continue;
        found = recorded->items[i];
        *ret_v2 = v2;
    }
    return found;
}

static bool says_frozen(int dir_fd, const char *path, const char *line)
{
    char text[256];
    auto_fd int fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[n < 0 ? 0 : n] = '\0';
    return strstr(text, line) != NULL;
}

bool cgroup_recorded_is_frozen(const struct strv *recorded)
{
    bool v2 = false;
    char path[PATH_MAX];
    const char *line = freezer_line(recorded, &v2);
    const struct cgroup_ops *ops = v2 ? &cgroup_v2 : &cgroup_v1;
    if (!line)
        return false;
    snprintf(path, sizeof(path), "%s/%s", strchr(line, ':') + 1, ops->frozen_file);
    return says_frozen(AT_FDCWD, path, ops->frozen_line);
}

bool cgroup_is_frozen(const struct cgroup *c)
{
    const struct cgroup_dir *d = freezer_of(c);
    return d && says_frozen(d->fd, cgroup_ops_of(d)->frozen_file,
                            cgroup_ops_of(d)->frozen_line);
}

int cgroup_signal_all(const struct cgroup *c, int sig, struct mtd_error *err)
{
    struct pid_list l = {0};
    int code = pids_anywhere(c, &l);
    if (code < 0)
        mtd_fail_errno(err, -code, "cannot list the processes of the container");
    else
        signal_list(c, &l, sig);
    free(l.pids);
    return code;
}

/* Does not wait: a task that is not frozen yet is left to the next round. */
static void start_freezing(const struct cgroup_dir *d, bool frozen)
{
    const struct cgroup_ops *ops = cgroup_ops_of(d);
    fs_write_at(d->fd, ops->freeze_file, frozen ? ops->freeze_on : ops->freeze_off);
}

/* A freezer that is not the one we use: the container may have found a way to freeze itself
 * there, and what is frozen by v1 does not die. */
static void thaw_others(const struct cgroup *c, const struct cgroup_dir *used)
{
    for (size_t i = 0; i < c->n; i++)
        if (&c->dirs[i] != used && c->dirs[i].fd >= 0 && c->dirs[i].names &&
            cgroup_has_word(c->dirs[i].names, "freezer"))
            start_freezing(&c->dirs[i], false);
}

void cgroup_thaw(const struct cgroup *c)
{
    const struct cgroup_dir *freezer = freezer_of(c);
    if (freezer)
        start_freezing(freezer, false);
    thaw_others(c, freezer);
}

/* On v1 a frozen task dies of its SIGKILL only when thawed, so thawing comes last. */
static int kill_round(const struct cgroup *c, struct pid_list *l)
{
    const struct cgroup_dir *unified = cgroup_unified(c), *freezer = freezer_of(c);
    bool atomic = unified && fs_write_at(unified->fd, "cgroup.kill", "1") == 0;
    if (!atomic && freezer)
        start_freezing(freezer, true);
    int code = pids_anywhere(c, l);
    if (code == 0)
        signal_list(c, l, SIGKILL);
    cgroup_thaw(c);
    return code;
}

/* The v2 group is entered first, so a process in any group is in that one: one read, at
 * the end of every container, instead of one list per hierarchy. */
static bool is_empty(const struct cgroup *c)
{
    uint64_t populated = 1;
    const struct cgroup_dir *d = cgroup_unified(c);
    return d && cgroup_get_keyed(d, "cgroup.events", "populated", &populated) == 0 &&
           !populated;
}

int cgroup_is_used(const struct cgroup *c)
{
    struct pid_list l = {0};
    int code = pids_anywhere(c, &l);
    free(l.pids);
    return code < 0 ? code : l.len > 0;
}

int cgroup_kill(const struct cgroup *c, struct mtd_error *err)
{
    if (is_empty(c))
        return 0;
    struct pid_list l = {0};
    int64_t deadline = clock_mono_ns() + KILL_TIMEOUT, wait = NS_PER_MS / 10;
    int code = pids_anywhere(c, &l);
    if (code == 0 && l.len == 0 && freezer_of(c))
        start_freezing(freezer_of(c), false); /* in case one is just entering */
    while (code == 0 && l.len > 0) {
        if (clock_mono_ns() > deadline) {
            code = mtd_fail(err, ETIMEDOUT,
                            "%zu processes do not exit, the first is %d; they may be "
                            "stuck in the kernel",
                            l.len, (int)l.pids[0]);
            break;
        }
        code = kill_round(c, &l);
        nanosleep(&(struct timespec){.tv_nsec = wait}, NULL);
        wait = wait < MAX_WAIT ? wait * 2 : wait;
        if (code == 0)
            code = pids_anywhere(c, &l);
    }
    free(l.pids);
    return code < 0
               ? mtd_fail_errno(err, -code, "cannot kill the processes of the container")
               : 0;
}
