/* Builds of all state directories share one group in each hierarchy, and each has one of its own
 * below: what they run ends with its namespace, so nothing need be killed by the group. While one
 * is empty anybody may remove it. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

static int make(const char *path)
{
    int rc = mkdir(path, 0755) < 0 ? -errno : 0;
    if (rc == -ENOENT && (rc = cgroup_make_parent(path)) == 0)
        rc = mkdir(path, 0755) < 0 ? -errno : 0;
    return rc == -EEXIST ? 0 : rc;
}

static int add(struct cgroup *c, const struct cgroup_dir *host, struct mtd_error *err)
{
    struct cgroup_dir *d = &c->dirs[c->n];
    const struct cgroup_ops *ops = cgroup_ops_of(host);
    int rc = cgroup_below(d, host, CGROUP_PARENT "/" CGROUP_BUILDS);
    if (rc == 0) {
        c->n++;
        rc = make(d->path);
    }
    if (rc == 0 && (d->fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        rc = -errno;
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot create the control group %s",
                              d->path ? d->path : CGROUP_BUILDS);
    return ops->prepare ? ops->prepare(d, err) : 0;
}

static int add_all(struct cgroup *c, const struct cgroup *host, bool v2,
                   struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < host->n && rc == 0; i++)
        if (host->dirs[i].v2 == v2)
            rc = add(c, &host->dirs[i], err);
    return rc;
}

/* A v1 group's rules are taken away before they are given, so they are set only where they
 * are not whole: a build that runs needs its null device. */
static int give_devices(struct cgroup *c, struct mtd_error *err)
{
    auto_done(mtd_spec_done) struct mtd_spec plain;
    mtd_spec_init(&plain);
    const struct cgroup_dir *d = cgroup_dir_of(c, CGROUP_DEVICES);
    auto_fd int lock = d && d->fd >= 0 ? fs_open_dir_at(d->fd, ".") : -1;
    while (lock >= 0 && flock(lock, LOCK_EX) < 0)
        if (errno != EINTR)
            return mtd_fail_errno(err, errno, "cannot lock %s", d->path);
    return d && !d->v2 && cgroup_has_default_devices(d) ? 0
                                                        : cgroup_devices(c, &plain, err);
}

/* RUN is anybody's program, and what it forks is left to no other limit. A host that cannot count
 * processes has none for containers either. */
static int bound_processes(struct cgroup *c, struct mtd_error *err)
{
    const struct mtd_resources bound = {.pids = CGROUP_BUILDS_PIDS};
    return cgroup_dir_of(c, CGROUP_PIDS) ? cgroup_limit(c, &bound, err) : 0;
}

static int make_shared(const struct cgroup *host, struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    int rc = add_all(&c, host, true, err);
    if (rc == 0)
        rc = add_all(&c, host, false, err);
    if (rc == 0)
        rc = give_devices(&c, err);
    return rc == 0 ? bound_processes(&c, err) : rc;
}

static void path_of(const char *name, char *ret, size_t size)
{
    snprintf(ret, size, CGROUP_PARENT "/" CGROUP_BUILDS "/%s", name);
}

int cgroup_open_build(struct cgroup *ret, const struct cgroup *host, const char *name,
                      const struct mtd_resources *limits, struct mtd_error *err)
{
    char path[CGROUP_PATH_SIZE];
    auto_done(cgroup_done) struct cgroup c = {0};
    path_of(name, path, sizeof(path));
    int rc = make_shared(host, err);
    if (rc == 0)
        rc = cgroup_create_at(&c, host, path, err);
    if (rc == 0)
        rc = cgroup_limit(&c, limits, err);
    if (rc < 0)
        return rc;
    *ret = c;
    c = (struct cgroup){0};
    return 0;
}

/* What has processes stays. */
static void drop_empty(const struct cgroup_dir *host)
{
    auto_done(cgroup_dir_done) struct cgroup_dir d = {.fd = -1};
    struct fs_dir list;
    const struct dirent64 *e;
    if (cgroup_below(&d, host, CGROUP_PARENT "/" CGROUP_BUILDS) < 0)
        return;
    int fd = fs_open_dir_at(AT_FDCWD, d.path);
    if (fd < 0)
        return;
    fs_dir_init(&list, fd);
    while ((e = fs_dir_next(&list)))
        if (e->d_type == DT_DIR)
            (void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
    fs_dir_done(&list);
}

void cgroup_drop_build(const char *name)
{
    char path[CGROUP_PATH_SIZE];
    auto_done(cgroup_done) struct cgroup host = {0}, own = {0};
    path_of(name, path, sizeof(path));
    if (cgroup_discover(&host, "/proc", NULL) < 0)
        return;
    if (cgroup_open_at(&own, &host, path, NULL) == 0)
        (void)cgroup_destroy(&own, NULL);
    for (size_t i = 0; i < host.n; i++)
        drop_empty(&host.dirs[i]);
}
