/* The groups of one container are made before its first process, so that this one never
 * runs without limits. v2 comes first: clone3 places a child only there. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"

#define STALE_WAIT (200 * NS_PER_MS)
#define MAX_ABOVE 32

struct cgroup_dir *cgroup_dir_of(const struct cgroup *c, enum cgroup_controller which)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->dirs[i].controllers & CGROUP_BIT(which))
            return (struct cgroup_dir *)&c->dirs[i];
    return NULL;
}

const struct cgroup_dir *cgroup_unified(const struct cgroup *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->dirs[i].v2 && c->dirs[i].fd >= 0)
            return &c->dirs[i];
    return NULL;
}

const struct cgroup_dir *cgroup_witness(const struct cgroup *c)
{
    const struct cgroup_dir *freezer = cgroup_dir_of(c, CGROUP_FREEZER);
    if (freezer && freezer->fd >= 0)
        return freezer;
    for (size_t i = 0; i < c->n; i++)
        if (c->dirs[i].fd >= 0)
            return &c->dirs[i];
    return NULL;
}

int cgroup_put(const struct cgroup_dir *d, const char *file, const char *value,
               struct mtd_error *err)
{
    int code = fs_write_at(d->fd, file, value);
    if (code < 0)
        return mtd_fail_errno(err, -code, "%s/%s: cannot write \"%s\"", d->path, file,
                              value);
    return 0;
}

int cgroup_put_u64(const struct cgroup_dir *d, const char *file, uint64_t value,
                   struct mtd_error *err)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return cgroup_put(d, file, text, err);
}

int cgroup_get_keyed(const struct cgroup_dir *d, const char *file, const char *key,
                     uint64_t *ret)
{
    char text[4096];
    int n = fs_read_small_at(d->fd, file, text, sizeof(text));
    if (n < 0)
        return n;
    size_t len = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 && line[len] == ' ') {
            *ret = strtoull(line + len + 1, NULL, 10);
            return 0;
        }
    }
    return -ENOENT;
}

/* One of a given path may lack several. */
static int make_above(char *parent)
{
    if (mkdir(parent, 0755) == 0 || errno == EEXIST)
        return 0;
    char *slash = strrchr(parent, '/');
    if (errno != ENOENT || slash == parent)
        return -errno;
    *slash = '\0';
    int code = make_above(parent);
    *slash = '/';
    if (code < 0)
        return code;
    return mkdir(parent, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

int cgroup_make_parent(const char *path)
{
    auto_free char *parent = strdup(path);
    if (!parent)
        return -ENOMEM;
    *strrchr(parent, '/') = '\0';
    int code = make_above(parent);
    if (code < 0)
        return code;
    struct cgroup_dir d = {.path = parent,
                           .fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (d.fd < 0)
        return -errno;
    /* Before Linux 5.11 a memory limit did not include the groups below unless this is
     * set. */
    fs_write_at(d.fd, "memory.use_hierarchy", "1");
    close(d.fd);
    return 0;
}

/* A group left by a crash is removed and made again: its limits and counters are not
 * ours. */
static int make_group(const char *path)
{
    for (int tries = 0; tries < 3; tries++) {
        if (mkdir(path, 0755) == 0)
            return 0;
        int code = -errno;
        if (code == -ENOENT)
            code = cgroup_make_parent(path);
        else if (code == -EEXIST)
            code = cgroup_remove_tree(path, clock_mono_ns() + STALE_WAIT);
        if (code < 0)
            return code;
    }
    return -EBUSY;
}

int cgroup_make_dir(struct cgroup_dir *d, struct mtd_error *err)
{
    int code = fault_point("cgroup.make");
    if (code == 0)
        code = make_group(d->path);
    if (code == -EBUSY)
        return mtd_fail(err, EBUSY, "%s still has processes of an earlier start",
                        d->path);
    if (code < 0)
        return mtd_fail_errno(err, -code, "cannot create the control group %s", d->path);
    const struct cgroup_ops *ops = cgroup_ops_of(d);
    d->fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0)
        code = mtd_fail_errno(err, errno, "cannot open %s", d->path);
    else if (ops->prepare)
        code = ops->prepare(d, err);
    if (code < 0)
        rmdir(d->path);
    return code;
}

void cgroup_dir_done(struct cgroup_dir *d)
{
    if (d->fd >= 0)
        close(d->fd);
    if (d->entry)
        close(d->entry);
    free(d->names);
    free(d->path);
    *d = (struct cgroup_dir){.fd = -1};
}

int cgroup_below(struct cgroup_dir *ret, const struct cgroup_dir *host, const char *path)
{
    *ret =
        (struct cgroup_dir){.controllers = host->controllers, .v2 = host->v2, .fd = -1};
    if (asprintf(&ret->path, "%s/%s", host->path, path) < 0)
        ret->path = NULL;
    ret->names = host->names ? strdup(host->names) : NULL;
    if (ret->path && (ret->names || !host->names))
        return 0;
    cgroup_dir_done(ret);
    return -ENOMEM;
}

static int add_dir(struct cgroup *c, const struct cgroup_dir *top, const char *path,
                   struct mtd_error *err)
{
    int code = cgroup_below(&c->dirs[c->n], top, path);
    if (code < 0)
        return mtd_fail_errno(err, -code, "cannot create the control groups");
    return cgroup_make_dir(&c->dirs[c->n++], err);
}

static int add_dirs(struct cgroup *c, const struct cgroup *host, const char *path,
                    bool v2, struct mtd_error *err)
{
    int code = 0;
    for (size_t i = 0; i < host->n && code == 0; i++)
        if (host->dirs[i].v2 == v2)
            code = add_dir(c, &host->dirs[i], path, err);
    return code;
}

static int create(struct cgroup *ret, const struct cgroup *host, const char *path,
                  struct mtd_error *err)
{
    struct cgroup c = {.fresh = true};
    int code = add_dirs(&c, host, path, true, err);
    if (code == 0)
        code = add_dirs(&c, host, path, false, err);
    if (code < 0) {
        /* a group that could not be made is not ours to remove */
        for (size_t k = 0; k < c.n; k++)
            if (c.dirs[k].fd >= 0 && c.dirs[k].path)
                rmdir(c.dirs[k].path);
        cgroup_done(&c);
        return code;
    }
    *ret = c;
    return 0;
}

int cgroup_path_of(const char *id, char *ret, size_t size, struct mtd_error *err)
{
    if (name_is_valid(id) && snprintf(ret, size, CGROUP_PARENT "/%s", id) < (int)size)
        return 0;
    return mtd_fail(err, EINVAL, "\"%s\" cannot be the name of a control group", id);
}

int cgroup_create(struct cgroup *ret, const struct cgroup *host, const char *id,
                  struct mtd_error *err)
{
    char path[CGROUP_PATH_SIZE];
    int code = cgroup_path_of(id, path, sizeof(path), err);
    return code < 0 ? code : create(ret, host, path, err);
}

/* Below the root of each hierarchy, and neither that nor anything outside. */
static bool path_is_valid(const char *path)
{
    const char *p = path;
    do {
        p += *p == '/';
        size_t n = strcspn(p, "/");
        if (n == 0 || n > 255 || (*p == '.' && (n == 1 || (n == 2 && p[1] == '.'))))
            return false;
    } while ((p = strchr(p, '/')));
    return strlen(path) < PATH_MAX / 2 && !strchr(path, '\n');
}

int cgroup_create_at(struct cgroup *ret, const struct cgroup *host, const char *path,
                     struct mtd_error *err)
{
    return path_is_valid(path)
               ? create(ret, host, path, err)
               : mtd_fail(err, EINVAL, "\"%.80s\" cannot be the path of a control group",
                          path);
}

/* Its controllers are those it was given. */
static int adopt_dir(struct cgroup_dir *d, struct mtd_error *err)
{
    d->fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (d->fd < 0)
        return mtd_fail_errno(err, errno, "cannot open the control group %s", d->path);
    return cgroup_ops_of(d)->prepare ? cgroup_ops_of(d)->prepare(d, err) : 0;
}

int cgroup_adopt_at(struct cgroup *ret, const struct cgroup *host, const char *path,
                    struct mtd_error *err)
{
    struct cgroup c = {.fresh = true};
    int code = path_is_valid(path) ? 0
                                   : mtd_fail(err, EINVAL,
                                              "\"%.80s\" cannot be the path of a control "
                                              "group",
                                              path);
    for (size_t i = 0; i < host->n && code == 0; i++) {
        code = cgroup_below(&c.dirs[c.n], &host->dirs[i], path);
        if (code < 0)
            mtd_fail_errno(err, -code, "cannot open the control groups");
        else
            code = adopt_dir(&c.dirs[c.n++], err);
    }
    if (code < 0)
        cgroup_done(&c);
    else
        *ret = c;
    return code;
}

/* Who made the groups above may have had a strict umask, and to mount the hierarchy in a cgroup
 * namespace is to go through them. */
static int let_pass(int dir_fd)
{
    char up[3 * MAX_ABOVE + sizeof("cgroup.procs")] = "";
    struct stat st;
    for (int depth = 0; depth < MAX_ABOVE; depth++) {
        size_t len = 3 * (size_t)depth + 3;
        memcpy(up + len - 3, "../", 3);
        memcpy(up + len, "cgroup.procs", sizeof("cgroup.procs"));
        if (faccessat(dir_fd, up, F_OK, 0) < 0)
            return 0; /* above the hierarchy */
        up[len] = '\0';
        if (fstatat(dir_fd, up, &st, 0) < 0 ||
            (!(st.st_mode & S_IXOTH) &&
             fchmodat(dir_fd, up, (st.st_mode & 07777) | 0111, 0) < 0))
            return -errno;
    }
    return 0;
}

int cgroup_let_read(const struct cgroup *c, struct mtd_error *err)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->dirs[i].fd >= 0 &&
            (fchmodat(c->dirs[i].fd, ".", 0755, 0) < 0 || let_pass(c->dirs[i].fd) < 0))
            return mtd_fail_errno(err, errno, "cannot change the mode of %s",
                                  c->dirs[i].path);
    return 0;
}

/* Before Linux 6.4 a process cloned into a group keeps its parent's CPUs, whatever the
 * group's cpuset says; one that is moved gets the group's. */
int cgroup_clone_fd(const struct cgroup *c)
{
    char cpus[4096];
    const struct cgroup_dir *unified = cgroup_unified(c);
    if (!unified)
        return -1;
    bool has_set = (unified->controllers & CGROUP_BIT(CGROUP_CPUSET)) &&
                   fs_read_small_at(unified->fd, "cpuset.cpus", cpus, sizeof(cpus)) > 0;
    return has_set ? -1 : unified->fd;
}

/* ENOSPC: a cpuset without CPUs or memory nodes. */
static int put_process(const struct cgroup_dir *d, const char *file, pid_t pid,
                       struct mtd_error *err)
{
    const struct cgroup_ops *ops = cgroup_ops_of(d);
    char text[16];
    snprintf(text, sizeof(text), "%d", (int)pid);
    int code = fs_write_at(d->fd, file, text);
    if (code == 0)
        return 0;
    if (code == -ENOSPC && ops->fill && (code = ops->fill(d, err)) < 0)
        return code;
    return cgroup_put(d, file, text, err);
}

static int put_other(const struct cgroup_dir *d, pid_t pid, struct mtd_error *err)
{
    return put_process(d, "cgroup.procs", pid, err);
}

/* The file stays open: whoever enters closes all that it has with one call. */
static int put_self(const struct cgroup_dir *d, pid_t none, struct mtd_error *err)
{
    const char *file = cgroup_ops_of(d)->self;
    int fd = d->entry ? d->entry
                      : openat(d->fd, file, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 && write(fd, "0", 1) == 1 ? 0 : put_process(d, file, none, err);
}

/* A cpuset without CPUs takes nobody, and who enters may not be able to give it any. */
int cgroup_open_entries(struct cgroup *c, struct mtd_error *err)
{
    for (size_t i = 0; i < c->n; i++) {
        struct cgroup_dir *d = &c->dirs[i];
        const struct cgroup_ops *ops = cgroup_ops_of(d);
        if (d->fd < 0)
            continue;
        if (ops->fill && d->controllers & CGROUP_BIT(CGROUP_CPUSET) &&
            ops->fill(d, err) < 0)
            return -err->code;
        d->entry = openat(d->fd, ops->self, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
        if (d->entry < 0)
            return d->entry = 0,
                   mtd_fail_errno(err, errno, "cannot open %s/%s", d->path, ops->self);
    }
    return 0;
}

#define DELEGATED "/sys/kernel/cgroup/delegate" /* the files, one a line */

int cgroup_delegate(const struct cgroup *c, uint32_t uid, uint32_t gid,
                    struct mtd_error *err)
{
    char files[1024] = "", *state = NULL;
    const struct cgroup_dir *d = cgroup_unified(c);
    if (!d || d->fd < 0)
        return 0;
    if (fs_read_small_at(AT_FDCWD, DELEGATED, files, sizeof(files)) <= 0)
        snprintf(files, sizeof(files),
                 "cgroup.procs\ncgroup.threads\ncgroup.subtree_control");
    int rc = fchownat(d->fd, "", uid, gid, AT_EMPTY_PATH);
    for (char *f = strtok_r(files, "\n", &state); f && rc == 0;
         f = strtok_r(NULL, "\n", &state)) {
        rc = fchownat(d->fd, f, uid, gid, AT_SYMLINK_NOFOLLOW);
        if (rc < 0 && errno == ENOENT) /* of a controller that is not on */
            rc = 0;
    }
    return rc < 0 ? mtd_fail_errno(err, errno, "cannot give %s to user %u", d->path, uid)
                  : 0;
}

static int put_in_all(const struct cgroup *c,
                      int (*put)(const struct cgroup_dir *d, pid_t pid,
                                 struct mtd_error *err),
                      pid_t pid, bool all, struct mtd_error *err)
{
    int code = 0;
    for (size_t i = 0; i < c->n && code == 0; i++)
        if (c->dirs[i].fd >= 0 && (!c->dirs[i].v2 || all))
            code = put(&c->dirs[i], pid, err);
    return code;
}

int cgroup_attach(const struct cgroup *c, pid_t pid, bool all, struct mtd_error *err)
{
    return put_in_all(c, put_other, pid, all, err);
}

int cgroup_enter(const struct cgroup *c, bool all, struct mtd_error *err)
{
    return put_in_all(c, put_self, 0, all, err);
}

uint64_t cgroup_oom_kills(const struct cgroup *c)
{
    uint64_t kills = 0;
    const struct cgroup_dir *d = cgroup_dir_of(c, CGROUP_MEMORY);
    if (d && d->fd >= 0)
        cgroup_get_keyed(d, cgroup_ops_of(d)->oom_file, "oom_kill", &kills);
    return kills;
}

uint64_t cgroup_memory_used(const struct cgroup *c)
{
    char text[32];
    const struct cgroup_dir *d = cgroup_dir_of(c, CGROUP_MEMORY);
    if (!d || d->fd < 0 ||
        fs_read_small_at(d->fd, cgroup_ops_of(d)->used_file, text, sizeof(text)) <= 0)
        return 0;
    return strtoull(text, NULL, 10);
}

void cgroup_done(struct cgroup *c)
{
    for (size_t i = 0; i < c->n; i++)
        cgroup_dir_done(&c->dirs[i]);
    *c = (struct cgroup){0};
}
