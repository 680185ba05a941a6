/* A container in a user namespace of its own. Its namespaces are to belong to that one, the PID
 * namespace as well, so init has to be cloned by a process that is in it already and cannot come
 * back: a bridge, which does before what only the host's root may, and whose child is this process's
 * (CLONE_PARENT). It is in no group, so that a limit of one process is enough for init. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/inherit.h"
#include "base/ns.h"
#include "base/sys.h"
#include "engine/confine/userns.h"
#include "engine/rootfs/rootfs.h"
#include "engine/wire/sync.h"

/* The kernel gives its first namespace this number (PROC_USER_INIT_INO). */
bool runtime_is_hosts(void)
{
    char own[NS_ID_SIZE];
    auto_fd int dir = ns_open(0);
    return dir >= 0 && ns_id(dir, "user", own) == 0 &&
           strcmp(own, "user:[4026531837]") == 0;
}

/* ---- before anything is made ---- */

static struct userns_map map_of(const struct bundle *b)
{
    return (struct userns_map){b->uids, b->gids, b->n_uids, b->n_gids};
}

/* One that this process is in is as none: nothing could be joined. */
static int drop_own(int *fd)
{
    char theirs[NS_ID_SIZE], ours[NS_ID_SIZE];
    auto_fd int own = ns_open(0);
    int rc = own < 0 ? own : ns_id(own, "user", ours);
    if (rc == 0)
        rc = ns_id_of(*fd, "user", theirs);
    if (rc == 0 && strcmp(theirs, ours) == 0) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

int runtime_open_userns(struct runtime_creation *c, struct mtd_error *err)
{
    const struct bundle *b = &c->bundle;
    int *fd = &c->namespaces[BUNDLE_NS_USER];
    if (bundle_is_new(b, BUNDLE_NS_USER)) {
        const struct userns_map map = map_of(b);
        *fd = confine_userns_make(&map, NULL, err);
        return *fd < 0 ? *fd : 0;
    }
    int rc = *fd >= 0 ? drop_own(fd) : 0;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot compare user namespaces") : 0;
}

/* For a mount whose ids are mapped: by its own ranges, or as the container's are. */
static int open_map(const struct runtime_creation *c, const struct bundle_mount *m,
                    struct mtd_error *err)
{
    const struct userns_map map = {m->uids, m->gids, m->n_uids, m->n_gids};
    int own = c->namespaces[BUNDLE_NS_USER];
    if (m->n_uids)
        return confine_userns_make(&map, NULL, err);
    if (own < 0)
        return mtd_fail(err, EINVAL,
                        "the mount on %s asks for mapped ids and neither has uidMappings "
                        "nor the container a user namespace",
                        m->destination);
    int fd = fcntl(own, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? mtd_fail_errno(err, errno, "cannot map the ids of a mount") : fd;
}

static bool is_mapped(const struct bundle_mount *m)
{
    return m->maps || m->n_uids;
}

static bool needs_trees(const struct runtime_creation *c)
{
    bool mapped = c->namespaces[BUNDLE_NS_USER] >= 0;
    for (size_t i = 0; i < c->bundle.n_mounts; i++)
        mapped |= is_mapped(&c->bundle.mounts[i]);
    return mapped;
}

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cleanup_fd(&fds[i]);
}

int runtime_open_trees(struct runtime_creation *c, struct mtd_error *err)
{
    const struct bundle *b = &c->bundle;
    const struct rootfs_listed l = {
        .bundle = b, .dir = c->record.bundle, .root = c->record.rootfs};
    if (!needs_trees(c))
        return 0;
    auto_free int *maps = malloc((b->n_mounts + 1) * sizeof(*maps));
    c->trees = malloc((b->n_mounts + 1) * sizeof(*c->trees));
    if (!maps || !c->trees)
        return mtd_fail(err, ENOMEM, "out of memory");
    memset(maps, -1, (b->n_mounts + 1) * sizeof(*maps));
    memset(c->trees, -1, (b->n_mounts + 1) * sizeof(*c->trees));
    int rc = 0;
    for (size_t i = 0; i < b->n_mounts && rc >= 0; i++)
        if (is_mapped(&b->mounts[i]))
            rc = maps[i] = open_map(c, &b->mounts[i], err);
    if (rc >= 0)
        rc = rootfs_open_trees(&l, maps, c->trees, err);
    close_all(maps, b->n_mounts);
    return rc < 0 ? rc : 0;
}

void runtime_close_trees(struct runtime_creation *c)
{
    if (c->trees)
        close_all(c->trees, c->bundle.n_mounts + 1);
    free(c->trees);
    c->trees = NULL;
}

/* ---- what is the container's root's from now on ---- */

static bool to_host(const struct mtd_idrange *ranges, size_t n, uint64_t inside,
                    uint32_t *ret)
{
    for (size_t i = 0; i < n; i++)
        if (inside >= ranges[i].inside && inside - ranges[i].inside < ranges[i].count) {
            *ret = (uint32_t)(ranges[i].host + inside - ranges[i].inside);
            return true;
        }
    return false;
}

/* The command must be able to open /dev/stdout, and inside nobody can give it what is the host's. */
void runtime_give_streams(const struct bundle *b)
{
    uint32_t uid;
    struct stat st;
    uint64_t user = b->process.user ? strtoull(b->process.user, NULL, 10) : 0;
    if (!bundle_is_new(b, BUNDLE_NS_USER) || !to_host(b->uids, b->n_uids, user, &uid))
        return;
    for (int fd = 0; fd < 3; fd++)
        if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
            (void)!fchown(fd, uid, (gid_t)-1);
}

static bool writes_groups(const struct bundle *b)
{
    for (size_t i = 0; i < b->n_mounts; i++) {
        const struct bundle_mount *m = &b->mounts[i];
        bool groups = m->type && strncmp(m->type, "cgroup", 6) == 0;
        if (groups && !(m->set & MOUNT_ATTR_RDONLY))
            return true;
    }
    return false;
}

/* Its root may look at the groups, and make some below that of v2 when it sees them writable. */
int runtime_give_groups(const struct runtime_creation *c, struct mtd_error *err)
{
    uint32_t uid, gid;
    const struct bundle *b = &c->bundle;
    if (c->namespaces[BUNDLE_NS_USER] < 0)
        return 0;
    int rc = cgroup_let_read(&c->cgroup, err);
    if (rc < 0 || !bundle_is_new(b, BUNDLE_NS_USER) ||
        !bundle_is_new(b, BUNDLE_NS_CGROUP) || !writes_groups(b))
        return rc;
    return to_host(b->uids, b->n_uids, 0, &uid) && to_host(b->gids, b->n_gids, 0, &gid)
               ? cgroup_delegate(&c->cgroup, uid, gid, err)
               : 0;
}

/* ---- the bridge ---- */

static int join_others(const struct runtime_creation *c, struct mtd_error *err)
{
    static const enum bundle_ns ORDER[] = {BUNDLE_NS_NETWORK, BUNDLE_NS_IPC,
                                           BUNDLE_NS_UTS,     BUNDLE_NS_CGROUP,
                                           BUNDLE_NS_TIME,    BUNDLE_NS_MOUNT};
    for (size_t i = 0; i < ARRAY_SIZE(ORDER); i++) {
        enum bundle_ns ns = ORDER[i];
        if (c->namespaces[ns] >= 0 &&
            setns(c->namespaces[ns], BUNDLE_NAMESPACES[ns].flag) < 0)
            return mtd_fail_errno(err, errno, "cannot join the %s namespace %s",
                                  BUNDLE_NAMESPACES[ns].name,
                                  c->bundle.namespaces[ns].path);
    }
    return 0;
}

/* All that only the host's root may do; then it is that no more. */
static int cross(struct runtime_creation *c, struct mtd_error *err)
{
    const struct bundle *b = &c->bundle;
    struct runtime_aside never_back;
    confine_userns_prepare(&b->process);
    if (b->sets_oom_score)
        inherit_set_oom_score(b->process.oom_score_adj);
    runtime_give_streams(b);
    int rc = prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot make the process undumpable");
    rc = cgroup_open_entries(&c->cgroup, err);
    if (rc == 0)
        rc = runtime_step_aside(b, c->namespaces, &never_back, err);
    if (rc == 0)
        rc = join_others(c, err);
    return rc < 0 ? rc : confine_userns_join(c->namespaces[BUNDLE_NS_USER], 0, err);
}

static __attribute__((noreturn)) void be_bridge(struct runtime_creation *c, int report,
                                                int sync_fd, uint64_t flags,
                                                runtime_init_fn *init)
{
    struct mtd_error err = {.stage = MTD_STAGE_CLONE};
    int rc = fault_step("oci", "bridge");
    if (rc < 0)
        mtd_fail_errno(&err, -rc, "oci.bridge");
    else
        rc = cross(c, &err);
    struct clone_args args = {.flags = flags | CLONE_PARENT};
    pid_t pid = rc < 0 ? -1 : sys_clone3(&args, sizeof(args));
    if (pid == 0) {
        close(report);
        init(c, sync_fd, c->record.unit != NULL);
    }
    if (rc == 0 && pid < 0)
        mtd_fail_errno(&err, errno, "cannot create the container's namespaces");
    if (pid > 0)
        (void)fs_write_all(report, &pid, sizeof(pid));
    else
        sync_send_error(sync_fd, &err);
    _exit(0);
}

/* As its parent it can be sure whose number that is. */
static int take_child(struct runtime_creation *c, int report, struct mtd_error *err)
{
    pid_t pid = 0;
    ssize_t n;
    do
        n = read(report, &pid, sizeof(pid));
    while (n < 0 && errno == EINTR);
    if (n != sizeof(pid)) {
        struct mtd_error said = {0};
        int fd = -1;
        if (sync_recv(c->sync_fd, &said, &fd) == SYNC_ERROR)
            return *err = said, -(said.code ? said.code : EIO);
        return mtd_fail(err, ECHILD, "the process that enters the user namespace died");
    }
    c->record.pid = pid;
    c->pidfd = sys_pidfd_open(pid, 0);
    return c->pidfd < 0
               ? mtd_fail_errno(err, errno, "cannot find the container's first process")
               : 0;
}

int runtime_clone_across(struct runtime_creation *c, int sync_fd, uint64_t flags,
                         runtime_init_fn *init, struct mtd_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return mtd_fail_errno(err, errno, "cannot make a pipe");
    auto_fd int report = ends[0];
    pid_t bridge = fork();
    int error = errno;
    if (bridge == 0) {
        close(take_fd(&report));
        be_bridge(c, ends[1], sync_fd, flags, init);
    }
    close(ends[1]);
    close(sync_fd); /* its end is an end of the socket */
    if (bridge < 0)
        return mtd_fail_errno(err, error, "cannot create a process");
    int rc = take_child(c, report, err);
    while (waitpid(bridge, NULL, 0) < 0 && errno == EINTR)
        continue;
    return rc;
}
