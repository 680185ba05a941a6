/* Containers of other roots have their control groups and processes in the same places.
 * Ours are identified by an id that this root knows or once knew, and by the two
 * directories in a process's arguments. */

#include "engine/check/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/sys.h"
#include "engine/monitor/monitor.h"

#define EVENTS_MAX (64u << 20)
#define MOUNTS_MAX (64u << 20)
#define ARGUMENTS_MAX 65536

/* ---- control groups ---------------------------------------------------------------- */

char *check_groups_of(struct check *c, const char *id)
{
    auto_done(cgroup_done) struct cgroup group = {0};
    auto_free pid_t *pids = NULL;
    char *text = NULL;
    if (!strv_contains(&c->groups, id) ||
        cgroup_open_id(&group, &c->host, id, NULL) < 0 || group.n == 0)
        return NULL;
    int n = cgroup_pids(&group, &pids);
    if (asprintf(&text, "%s (%d process%s)", group.dirs[0].path, n < 0 ? 0 : n,
                 n == 1 ? "" : "es") < 0) {
        c->out_of_memory = true;
        return NULL;
    }
    return text;
}

static bool in_file(int dir_fd, const char *name, const char *id)
{
    auto_done(buf_done) struct buf text = {0};
    return fs_read_at(dir_fd, name, EVENTS_MAX, &text) == 0 && text.data &&
           memmem(text.data, text.len, id, strlen(id));
}

/* Every container has events, even one of which nothing else is left. */
static bool was_ours(struct mtd_engine *e, const char *id)
{
    return (e->store.run_fd >= 0 && faccessat(e->store.run_fd, id, F_OK, 0) == 0) ||
           in_file(e->store.root_fd, "events.log", id) ||
           in_file(e->store.root_fd, "events.log.1", id);
}

static void check_groups(struct check *c)
{
    for (size_t i = 0; i < c->groups.len; i++) {
        const char *id = c->groups.items[i];
        if (check_exists(c->e, id) || !was_ours(c->e, id))
            continue;
        auto_free char *groups = check_groups_of(c, id);
        if (groups)
            check_add(c, id, "groups", check_clear,
                      "is gone, but its control group is left: %s", groups);
    }
}

/* ---- run directories --------------------------------------------------------------- */

static void check_run_dirs(struct check *c)
{
    int fd = c->e->store.run_fd < 0
                 ? -1
                 : openat(c->e->store.run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (const struct dirent *d; dir && (d = readdir(dir));)
        if (hex_is_valid(d->d_name, MTD_ID_LEN) && !check_exists(c->e, d->d_name))
            check_add(c, d->d_name, "run", check_clear,
                      "is gone, but its run directory is left: %s/%s",
                      c->e->store.run_root, d->d_name);
}

/* ---- mounts ------------------------------------------------------------------------ */

static int unmount(struct mtd_engine *e, const struct finding *f)
{
    (void)e;
    return umount2(f->object, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

/* Decodes "\040" and its like, in place: mountinfo writes blanks so. */
static void unescape(char *s)
{
    char *out = s;
    for (; *s; out++) {
        unsigned byte = 0;
        bool octal = s[0] == '\\' && sscanf(s + 1, "%3o", &byte) == 1;
        *out = octal ? (char)byte : *s;
        s += octal ? 4 : 1;
    }
    *out = '\0';
}

/* The mount point, cut out of a line of mountinfo. */
static char *mount_point(char *line)
{
    char *save = NULL, *field = strtok_r(line, " ", &save);
    for (int i = 1; field && i < 5; i++)
        field = strtok_r(NULL, " ", &save);
    if (field)
        unescape(field);
    return field;
}

/* A container's mounts are in its own mount namespace, so none should be visible here. */
static void check_mount(struct check *c, const char *point, const char *dir)
{
    char id[MTD_ID_SIZE] = "";
    size_t n = strlen(dir);
    if (strncmp(point, dir, n) != 0 || point[n] != '/')
        return;
    snprintf(id, sizeof(id), "%s", point + n + 1);
    id[strcspn(id, "/")] = '\0';
    check_add(c, hex_is_valid(id, MTD_ID_LEN) ? id : "", point, unmount,
              "a mount that belongs in its mount namespace is on the host: %s", point);
}

/* As the kernel calls it: the path may have links in it. */
static bool real_path(int fd, char *out, size_t size)
{
    char link[32];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = fd < 0 ? -1 : readlink(link, out, size - 1);
    out[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

static void check_mounts(struct check *c)
{
    const int dirs[] = {c->e->store.containers_fd, c->e->store.trash_fd};
    char paths[ARRAY_SIZE(dirs)][4096];
    auto_done(buf_done) struct buf text = {0};
    if (fs_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_MAX, &text) < 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
        if (!real_path(dirs[i], paths[i], sizeof(paths[i])))
            return;
    char *save = NULL;
    for (char *line = strtok_r(text.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *point = mount_point(line);
        for (size_t i = 0; point && i < ARRAY_SIZE(dirs); i++)
            check_mount(c, point, paths[i]);
    }
}

/* ---- processes --------------------------------------------------------------------- */

struct own_process {
    pid_t pid;
    uint64_t start;
    const char *name, *id;
};

static int kill_process(struct mtd_engine *e, const struct finding *f)
{
    int pid;
    unsigned long long start;
    (void)e;
    if (sscanf(f->object, "%d %llu", &pid, &start) != 2)
        return -EINVAL;
    auto_fd int fd = proc_open(pid, start);
    return fd < 0 ? fd : sys_pidfd_send_signal(fd, SIGKILL, NULL, 0);
}

static void add_process(struct check *c, const struct own_process *p, const char *why)
{
    char object[48];
    snprintf(object, sizeof(object), "%d %llu", (int)p->pid,
             (unsigned long long)p->start);
    check_add(c, p->id, object, kill_process, "process %d (%s) is still running, but %s",
              (int)p->pid, p->name, why);
}

static bool waits(pid_t pid)
{
    char path[32], name[32];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    return fs_read_small_at(AT_FDCWD, path, name, sizeof(name)) > 0 &&
           strcmp(name, MONITOR_WAITING) == 0;
}

static void check_process(struct check *c, const struct own_process *p)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    if (!check_exists(c->e, p->id)) {
        if (waits(p->pid)) /* for its front end, which is making the container */
            return;
        add_process(c, p, "the container is gone");
        return;
    }
    auto_fd int lock = store_try_lock(&c->e->store, p->id, NULL);
    if (lock < 0 || store_load(&c->e->store, p->id, &r, NULL) < 0)
        return; /* it is starting or ending */
    const struct mtd_status *st = &r.status;
    bool live = mtd_state_is_active(st->state);
    bool monitor = strcmp(p->name, MONITOR_NAME) == 0;
    if (!live)
        add_process(c, p, "the container is not running");
    else if (monitor && (st->monitor_pid != p->pid || st->monitor_start != p->start))
        add_process(c, p, "the container has another monitor");
}

/* argv: name, root, run root, id. */
static bool parse_arguments(struct check *c, char *text, size_t len,
                            struct own_process *ret)
{
    const char *words[4];
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (at >= len)
            return false;
        words[i] = text + at;
        at += strnlen(text + at, len - at) + 1;
    }
    ret->name = words[0];
    ret->id = words[3];
    bool ours = strcmp(words[0], MONITOR_NAME) == 0 || strcmp(words[0], HEALTH_NAME) == 0;
    return ours && hex_is_valid(words[3], MTD_ID_LEN) &&
           strcmp(words[1], c->e->store.root) == 0 &&
           strcmp(words[2], c->e->store.run_root) == 0;
}

static void check_processes(struct check *c)
{
    auto_done(buf_done) struct buf text = {0};
    auto_dir DIR *dir = opendir("/proc");
    for (const struct dirent *d; dir && (d = readdir(dir));) {
        char path[280];
        uint64_t pid;
        struct own_process p = {0};
        if (parse_u64(d->d_name, INT32_MAX, &pid) < 0)
            continue;
        snprintf(path, sizeof(path), "%s/cmdline", d->d_name);
        p.pid = (pid_t)pid;
        if (fs_read_at(dirfd(dir), path, ARGUMENTS_MAX, &text) == 0 && text.len > 0 &&
            parse_arguments(c, text.data, text.len, &p) &&
            proc_start_time(p.pid, true, &p.start) == 0)
            check_process(c, &p);
    }
}

void check_host(struct check *c)
{
    check_groups(c);
    check_run_dirs(c);
    check_mounts(c);
    check_processes(c);
}
