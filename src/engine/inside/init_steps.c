/* Init's own steps, from clone3 to the pivot. Its groups have their limits before it
 * exists; it moves itself in, because moving another process takes a global lock and with
 * it an RCU grace period (up to 15 ms). "Go" says that the record is on disk and the
 * monitor will record what happens next; without it nothing runs. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/ns.h"
#include "base/sys.h"
#include "engine/confine/userns.h"
#include "engine/grant.h"
#include "engine/host/mount.h"
#include "engine/idmap.h"
#include "engine/wire/sync.h"

enum { FD_SYNC = 3, FD_STDIO = 4, FD_SHM = 7, FD_USERNS = 8 };

static bool has_userns(const struct inside *c)
{
    return mtd_idmap_is_set(&c->init->rootfs.record->spec);
}

/* Its /dev/shm as a mount of our own. Nothing of that container's is trusted: the path is
 * resolved below its root, and what is there must be a tmpfs. */
static int clone_shm(const struct inside_share *s)
{
    struct statfs fs;
    auto_fd int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(s->mounts, CLONE_NEWNS) < 0)
        return -errno;
    auto_fd int dir = fs_open_in_root(s->root, "/dev/shm", O_PATH | O_DIRECTORY, 0);
    auto_fd int mount = dir < 0 ? dir : mount_bind(dir, "", 0);
    if (setns(own, CLONE_NEWNS) < 0)
        return -errno;
    if (mount >= 0 && (fstatfs(dir, &fs) < 0 || fs.f_type != TMPFS_MAGIC))
        return -EPERM;
    return mount < 0 ? mount : take_fd(&mount);
}

int inside_init_share(struct inside *c, struct mtd_error *err)
{
    const struct inside_share *s = &c->init->share;
    if (s->ipc < 0)
        return 0;
    if (setns(s->ipc, CLONE_NEWIPC) < 0)
        return mtd_fail_errno(err, errno, "cannot join the other container's IPC");
    c->shm_fd = clone_shm(s);
    return c->shm_fd < 0 ? mtd_fail_errno(err, -c->shm_fd,
                                          "cannot share the other container's /dev/shm")
                         : 0;
}

/* Where those of volumes begin. */
static int volumes_at(const struct inside *c)
{
    return has_userns(c) ? FD_USERNS + 1 : FD_USERNS;
}

/* Of the monitor's descriptors these are kept, at known numbers; that of a user namespace
 * only if there is one, then those of volumes. Those in the way are first moved out of it, so
 * that no dup3 overwrites one that is still to be moved. */
int inside_init_descriptors(struct inside *c, struct mtd_error *err)
{
    const struct rootfs_file_systems *volumes = c->init->rootfs.file_systems;
    int kept[6 + ROOTFS_FILE_SYSTEMS] = {c->sync_fd,  c->stdio[0],
                                         c->stdio[1], c->stdio[2],
                                         c->shm_fd,   c->init->rootfs.userns_fd};
    int high[ARRAY_SIZE(kept)] = {-1};
    size_t n = volumes_at(c) - FD_SYNC;
    for (size_t i = 0; volumes && i < volumes->n; i++)
        kept[n++] = volumes->fds[i];
    for (size_t i = 0; i < n; i++) {
        bool low = kept[i] >= 0 && kept[i] < FD_SYNC + (int)n;
        high[i] = low ? fcntl(kept[i], F_DUPFD_CLOEXEC, 64) : kept[i];
        if (low && high[i] < 0)
            return mtd_fail_errno(err, errno, "cannot keep a file descriptor");
    }
    c->sync_fd = high[0];
    for (size_t i = 0; i < n; i++) {
        if (high[i] < 0)
            close(FD_SYNC + (int)i);
        else if (dup3(high[i], FD_SYNC + (int)i, O_CLOEXEC) < 0)
            return mtd_fail_errno(err, errno, "cannot move a file descriptor");
    }
    c->sync_fd = FD_SYNC;
    for (int i = 0; i < 3; i++)
        c->stdio[i] = c->stdio[i] < 0 ? -1 : FD_STDIO + i;
    c->shm_fd = c->shm_fd < 0 ? -1 : FD_SHM;
    if (sys_close_range(FD_SYNC + (unsigned)n, ~0U, 0) < 0)
        return mtd_fail_errno(err, errno, "cannot close the monitor's descriptors");
    return 0;
}

/* The cgroup namespace and the mounts of groups, which come next, begin where it is by then. */
int inside_init_groups(struct inside *c, struct mtd_error *err)
{
    int rc =
        c->init->bundle && c->init->bundle->moved ? sync_wait_go(c->init->sync_fd) : 0;
    if (rc < 0)
        return mtd_fail(err, -rc, "the runtime has exited");
    return cgroup_enter(c->init->cgroup, !c->init->placed, err);
}

int inside_init_rootfs(struct inside *c, struct mtd_error *err)
{
    struct rootfs r = c->init->rootfs;
    r.userns_fd = FD_USERNS; /* where the descriptor is by now */
    r.shm_fd = c->shm_fd;
    struct rootfs_file_systems volumes = {0};
    if (r.file_systems) {
        volumes = *r.file_systems;
        for (size_t i = 0; i < volumes.n; i++)
            volumes.fds[i] = volumes_at(c) + (int)i;
        r.file_systems = &volumes;
    }
    int rc = rootfs_build(&r, &c->root_fd, err);
    for (size_t i = 0; i < volumes.n; i++)
        close(volumes.fds[i]);
    if (c->shm_fd >= 0)
        close(take_fd(&c->shm_fd));
    return rc;
}

/* What the host's root had to do is done: files are open, nodes made, layers and volumes
 * mounted. The mount namespace that belongs to the user namespace is a copy with this
 * process's directory in it, by which the root is found again. */
int inside_init_userns(struct inside *c, struct mtd_error *err)
{
    if (!has_userns(c))
        return 0;
    if (fchdir(c->root_fd) < 0)
        return mtd_fail_errno(err, errno, "cannot enter the container's root");
    confine_userns_prepare(c->process);
    int rc = confine_userns_join(FD_USERNS, c->init->userns_flags, err);
    close(FD_USERNS);
    return rc < 0 ? rc : rootfs_complete(&c->init->rootfs, &c->root_fd, err);
}

int inside_init_network(struct inside *c, struct mtd_error *err)
{
    enum mtd_network network = c->init->rootfs.record->spec.network;
    if (network == MTD_NET_HOST || network == MTD_NET_CONTAINER)
        return 0;
    int rc = ns_loopback_up();
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot bring up the loopback interface")
                  : 0;
}

int inside_init_go(struct inside *c, struct mtd_error *err)
{
    int rc = sync_wait_go(c->sync_fd);
    return rc < 0 ? mtd_fail(err, -rc, "the monitor has exited") : 0;
}

int inside_init_cgroup_namespace(struct inside *c, struct mtd_error *err)
{
    char groups[ROOTFS_CGROUPS_MAX];
    int rc = rootfs_list_cgroups(c->init->cgroup, groups, sizeof(groups), err);
    if (rc < 0)
        return rc;
    if (c->init->unshare_cgroup && unshare(CLONE_NEWCGROUP) < 0)
        return mtd_fail_errno(err, errno, "cannot create a cgroup namespace");
    return rootfs_mount_cgroup(&c->init->rootfs, c->root_fd, groups, err);
}

int inside_init_hostname(struct inside *c, struct mtd_error *err)
{
    const struct mtd_spec *s = &c->init->rootfs.record->spec;
    char name[HOST_NAME_MAX + 1];
    if (s->uts_host || !s->hostname)
        return 0;
    /* docker's: with a domain the name is the full one. */
    int n = snprintf(name, sizeof(name), "%s%s%s", s->hostname, s->domainname ? "." : "",
                     s->domainname ? s->domainname : "");
    if (n >= (int)sizeof(name))
        return mtd_fail(err, ENAMETOOLONG, "hostname and domain are longer than %d",
                        HOST_NAME_MAX);
    if (sethostname(name, (size_t)n) < 0)
        return mtd_fail_errno(err, errno, "cannot set the hostname %s", name);
    if (s->domainname && setdomainname(s->domainname, strlen(s->domainname)) < 0)
        return mtd_fail_errno(err, errno, "cannot set the domain %s", s->domainname);
    return 0;
}

int inside_set_sysctl(int root_fd, const char *text, struct mtd_error *err)
{
    char name[256], path[sizeof(name) + sizeof("/proc/sys/")];
    const char *value = mtd_sysctl_split(text, name, sizeof(name));
    if (!value)
        return mtd_fail(err, EINVAL, "sysctl \"%.100s\" is not NAME=VALUE", text);
    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    auto_fd int fd = fs_open_in_root(root_fd, path, O_WRONLY | O_CLOEXEC, 0);
    struct statfs fs;
    int rc = fd < 0 ? fd : fstatfs(fd, &fs) < 0 ? -errno : 0;
    if (rc == 0 && fs.f_type != PROC_SUPER_MAGIC)
        rc = -ENXIO;
    if (rc == 0)
        rc = fs_write_all(fd, value, strlen(value));
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot set the sysctl %s", text) : 0;
}

/* Before /proc/sys becomes read-only; the record says again what may be set, because the
 * namespaces are the container's by now. */
int inside_init_sysctls(struct inside *c, struct mtd_error *err)
{
    const struct mtd_spec *s = &c->init->rootfs.record->spec;
    int rc = 0;
    for (size_t i = 0; i < s->sysctls.len && rc == 0; i++) {
        rc = mtd_sysctl_check(s->sysctls.items[i], s, err);
        if (rc == 0)
            rc = inside_set_sysctl(c->root_fd, s->sysctls.items[i], err);
    }
    return rc;
}

int inside_init_pivot(struct inside *c, struct mtd_error *err)
{
    int rc = rootfs_enter(&c->init->rootfs, c->root_fd, err);
    if (rc < 0)
        return rc;
    close(take_fd(&c->root_fd));
    /* What was left open of the tree: before a path of the user's is followed. */
    return sys_close_range(FD_SHM, ~0U, 0) < 0
               ? mtd_fail_errno(err, errno, "cannot close what the root was made with")
               : 0;
}
