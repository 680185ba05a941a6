/* What `create` is asked for: the bundle, and what of it cannot be done. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#define OWN_PARENT "mytop-runc"

static int find_bundle(struct runtime_creation *c, struct mtd_error *err)
{
    int rc = fs_absolute(c->asked->bundle ? c->asked->bundle : ".", &c->record.bundle);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "bundle %s",
                              c->asked->bundle ? c->asked->bundle : ".");
    fs_clean_path(c->record.bundle);
    auto_fd int dir = open(c->record.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    rc = dir < 0 ? -errno : fs_read_at(dir, BUNDLE_CONFIG, BUNDLE_MAX_BYTES, &c->text);
    if (rc == -ENOENT)
        return mtd_fail(err, ENOENT, "JSON specification file %s/config.json not found",
                        c->record.bundle);
    return rc < 0
               ? mtd_fail_errno(err, -rc, "cannot read %s/config.json", c->record.bundle)
               : 0;
}

static int find_rootfs(struct runtime_creation *c, struct mtd_error *err)
{
    bool absolute = *c->bundle.root == '/';
    if (asprintf(&c->record.rootfs, "%s%s%s", absolute ? "" : c->record.bundle,
                 absolute ? "" : "/", c->bundle.root) < 0)
        return c->record.rootfs = NULL, mtd_fail(err, ENOMEM, "out of memory");
    struct stat st;
    if (stat(c->record.rootfs, &st) < 0)
        return mtd_fail(err, errno, "the root %s %s", c->record.rootfs,
                        errno == ENOENT ? "does not exist" : strerror(errno));
    return S_ISDIR(st.st_mode) ? 0
                               : mtd_fail(err, ENOTDIR, "the root %s is not a directory",
                                          c->record.rootfs);
}

/* Rules of devices are for whoever has groups. */
bool runtime_asks_limits(const struct bundle *b)
{
    const struct mtd_resources *r = &b->resources;
    const bool asked[] = {r->memory > 0,       r->memory_swap > 0,
                          r->sets_swappiness,  r->memory_reservation > 0,
                          r->oom_kill_disable, r->cpu_quota > 0,
                          r->cpu_shares > 0,   r->blkio_weight > 0,
                          r->pids > 0,         r->cpuset_cpus != NULL,
                          b->n_writes > 0,     r->cpuset_mems != NULL};
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
        any |= asked[i];
    return any;
}

/* Absolute: from the root of each hierarchy. Relative, or none: below a group of the runtime's, so
 * that it does not depend on who calls. */
static int find_group(struct runtime_creation *c, struct mtd_error *err)
{
    const char *path = c->bundle.cgroups_path;
    if (c->runtime->no_groups)
        return runtime_asks_limits(&c->bundle)
                   ? mtd_fail(
                         err, EINVAL,
                         "linux.resources sets limits, which need control groups, and "
                         "it is to have none")
                   : 0;
    bool own = !path || *path != '/';
    if (c->runtime->systemd_cgroup)
        return runtime_name_unit(c, err);
    if (path && *path && strchr(path, ':'))
        return mtd_fail(err, EINVAL,
                        "cgroupsPath \"%.80s\" is a unit of systemd's: that needs "
                        "--systemd-cgroup",
                        path);
    while (path && *path == '/')
        path++;
    if (asprintf(&c->record.cgroup, "%s%s", own ? OWN_PARENT "/" : "",
                 path && *path ? path : c->asked->id) < 0)
        return c->record.cgroup = NULL, mtd_fail(err, ENOMEM, "out of memory");
    for (size_t n = strlen(c->record.cgroup); n && c->record.cgroup[n - 1] == '/'; n--)
        c->record.cgroup[n - 1] = '\0';
    return 0;
}

/* The parent of a build's containers (buildah --cgroup-parent) may have others in it already: what is
 * done to the group of a container must not be done to these. */
int runtime_find_groups(struct runtime_creation *c, struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup there = {0};
    char *path = c->record.cgroup;
    if (c->record.unit)
        return runtime_find_unit(c, err);
    int rc = path ? cgroup_discover(&c->host, "/proc", err) : 0;
    if (rc < 0 || !path)
        return rc;
    rc = cgroup_open_at(&there, &c->host, path, err);
    if (rc < 0 || there.n == 0 || cgroup_is_used(&there) <= 0)
        return rc;
    if (asprintf(&c->record.cgroup, "%s/%s", path, c->asked->id) < 0)
        return c->record.cgroup = path, mtd_fail(err, ENOMEM, "out of memory");
    free(path);
    return 0;
}

int runtime_mount_words(struct strv *ret)
{
    return bundle_mount_words(ret);
}

static int check_terminal(const struct runtime_creation *c, struct mtd_error *err)
{
    bool tty = c->bundle.process.tty, socket = c->asked->console_socket;
    if (tty && !socket)
        return mtd_fail(err, EINVAL,
                        "cannot allocate tty if runc will detach without "
                        "setting console socket");
    if (!tty && socket)
        return mtd_fail(err, EINVAL,
                        "cannot use console socket if runc will not detach or "
                        "allocate tty");
    return 0;
}

int runtime_read_config(struct runtime_creation *c, struct mtd_error *err)
{
    char created[TIME_TEXT];
    time_format_rfc3339(clock_wall_ns(), created);
    int rc = runtime_id_check(c->asked->id, err);
    if (rc == 0)
        rc = runtime_check_preserved(c->asked->preserve, err);
    if (rc == 0)
        rc = find_bundle(c, err);
    if (rc == 0)
        rc = bundle_parse(&c->bundle, c->text.data ? c->text.data : "", c->text.len, err);
    if (rc == 0)
        rc = runtime_warn(c->runtime, &c->bundle, err);
    if (rc == 0)
        rc = bundle_check(&c->bundle, err);
    if (rc == 0)
        rc = check_terminal(c, err);
    if (rc == 0)
        rc = find_rootfs(c, err);
    if (rc == 0)
        rc = find_group(c, err);
    if (rc < 0)
        return rc;
    c->bundle.process.preserve = c->asked->preserve;
    c->record.id = strdup(c->asked->id);
    c->record.version = strdup(c->bundle.version);
    c->record.created = strdup(created);
    c->record.owner = geteuid();
    c->record.creating = true;
    c->record.own_pids = bundle_is_new(&c->bundle, BUNDLE_NS_PID);
    rc = strv_copy(&c->record.annotations, &c->bundle.annotations);
    if (rc == 0)
        rc = proc_boot_id(c->record.boot_id);
    if (!c->record.id || !c->record.version || !c->record.created)
        rc = -ENOMEM;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot note the container's state") : 0;
}
