/* What buildah sees of the host, and with it RUN, which runs as root behind a chroot in the
 * same namespaces: a tree of its own in memory, with programs and libraries, a few files of
 * /etc and the context, all of it read-only, and the two directories that it works in. So
 * what gets out of the chroot, or makes buildah mount a path of its choice, finds nothing of
 * the host's. Beside that it has what confines a container: control groups with a
 * container's devices, namespaces, a keyring and a filter of system calls. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/ns.h"
#include "engine/cgroup/cgroup.h"
#include "engine/host/mount.h"
#include "engine/rootfs/rootfs.h"
#include "engine/syscalls/syscalls.h"
#include "engine/transfer/build_steps.h"

#define GROUP_TRIES 20
#define CAP(n) (1ULL << (n))
/* What the filter leaves open, because buildah mounts and changes its root. */
#define CAPS (CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT))
#define HIDDEN (MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID)

/* Of the host's /etc nothing that is a secret. */
static const char *const SHOWN[] = {
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/containers",
    "/etc/docker/certs.d",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/subgid",
    "/etc/subuid",
};
static const char *const MADE[] = {"/tmp", "/var/tmp", "/run", "/root"};

/* ---- the tree ---- */

/* A place for what is at fd, below root: a directory or a file, as that is. */
static int make_place(int root, const char *path, bool is_dir)
{
    char parent[PATH_MAX];
    const char *name = strrchr(path, '/') + 1;
    if (is_dir)
        return fs_mkdir_in_root(root, path, 0755);
    snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
    auto_fd int dir = fs_mkdir_in_root(root, parent, 0755);
    if (dir < 0)
        return dir;
    auto_fd int made = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int show_opened(int root, int host, const char *at, uint64_t attrs)
{
    struct stat st;
    if (fstat(host, &st) < 0)
        return -errno;
    auto_fd int place = make_place(root, at, S_ISDIR(st.st_mode));
    if (place < 0)
        return place;
    auto_fd int bind = mount_bind(host, "", attrs);
    return bind < 0 ? bind : mount_move(bind, place);
}

/* The host's path at that of the tree. Nothing where the host has none. */
static int show(int root, const char *path, const char *at, uint64_t attrs)
{
    auto_fd int host = open(path, O_PATH | O_CLOEXEC);
    if (host < 0)
        return errno == ENOENT ? 0 : -errno;
    return show_opened(root, host, at, attrs);
}

/* A file of the context's: a link in its place would choose what else of the host's is shown.
 * -EINVAL = it is no file. */
static int show_given(int root, const char *path, const char *at)
{
    struct stat st;
    auto_fd int host = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (host < 0 || fstat(host, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    return S_ISREG(st.st_mode) ? show_opened(root, host, at, HIDDEN | MOUNT_ATTR_RDONLY)
                               : -EINVAL;
}

/* /bin is a link on most hosts. */
static int show_as_it_is(int root, const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n < 0 || strncmp(path, "/etc/", 5) == 0)
        return show(root, path, path, HIDDEN | MOUNT_ATTR_RDONLY);
    target[n] = '\0';
    return symlinkat(target, root, path + 1) < 0 ? -errno : 0;
}

/* The Dockerfile, and what is said beside it of files to be left out. */
static int show_file(const struct build *b, int root, struct mtd_error *err)
{
    static const char *const ENDS[] = {"", ".containerignore", ".dockerignore"};
    char path[PATH_MAX + 32], at[PATH_MAX + 32];
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(ENDS) && rc == 0 && b->file[0]; i++) {
        snprintf(path, sizeof(path), "%s%s", b->file, ENDS[i]);
        snprintf(at, sizeof(at), BUILD_BOX_FILES "%s%s", strrchr(b->file, '/'), ENDS[i]);
        rc = show_given(root, path, at);
        if (rc == -EINVAL)
            mtd_fail(err, EINVAL, "%.200s is not a file", path);
    }
    return rc;
}

static int fill(const struct build *b, int root, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(SHOWN) && rc == 0; i++)
        rc = show_as_it_is(root, SHOWN[i]);
    for (size_t i = 0; i < ARRAY_SIZE(MADE) && rc == 0; i++) {
        auto_fd int dir = fs_mkdir_in_root(root, MADE[i], i < 2 ? 01777 : 0755);
        rc = dir < 0 ? dir : 0;
    }
    if (rc == 0 && b->context[0])
        rc = show(root, b->context, BUILD_BOX_CONTEXT, HIDDEN | MOUNT_ATTR_RDONLY);
    if (rc == 0)
        rc = show_file(b, root, err);
    if (rc == 0)
        rc = show(root, b->storage, BUILD_BOX_STORAGE, HIDDEN);
    return rc < 0 ? rc : show(root, b->dir.path, BUILD_BOX_DIR, HIDDEN);
}

/* Attached below the build's own directory until it becomes the root. */
static int change_root(const struct build *b, struct mtd_error *err)
{
    const char *name = "box";
    mkdirat(b->dir.fd, name, 0700);
    auto_fd int dir = fs_open_dir_at(AT_FDCWD, b->dir.path); /* in this mount namespace */
    auto_fd int tree = dir < 0 ? dir : mount_new("tmpfs", "tmpfs", "mode=755", HIDDEN);
    int rc = tree < 0 ? tree : mount_move_at(tree, dir, name);
    mode_t mask = umask(0);
    if (rc == 0)
        rc = fill(b, tree, err);
    rc = rc < 0 ? mtd_fail_errno(err, -rc, "cannot make a file tree for buildah")
                : rootfs_enter_plain(tree, b->asked->shm_size, err);
    umask(mask);
    return rc;
}

/* ---- the rest ---- */

static int try_groups(const struct build *b, const struct cgroup *host, const char *name,
                      struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup groups = {0};
    int rc = cgroup_open_build(&groups, host, name, &b->asked->limits, err);
    (void)fault_point("build.groups");
    return rc < 0 ? rc : cgroup_enter(&groups, true, err);
}

/* Groups that are empty may be removed by anybody, also between their making and this. Some may
 * have been entered by then, so the next ones have another name. */
static int enter_groups(const struct build *b, struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    int rc = cgroup_discover(&host, "/proc", err);
    if (rc < 0)
        return rc;
    for (int tries = 0; tries < GROUP_TRIES; tries++) {
        char name[NAME_MAX + 1];
        int n = snprintf(name, sizeof(name), "%s", b->dir.name);
        if (tries)
            snprintf(name + n, sizeof(name) - (size_t)n, ".%d", tries);
        mtd_error_clear(err);
        rc = try_groups(b, &host, name, err);
        if (rc != -ENOENT && rc != -ENODEV)
            break;
    }
    return rc;
}

/* Sockets without a file are the network namespace's, which is the host's: of what listens
 * there some takes whoever is root for the host's. Since Linux 6.12. */
static void leave_sockets_alone(void)
{
    enum { CREATE = 444, RESTRICT = 446, ABI = 1, SCOPES = 6, ABSTRACT_SOCKET = 1 };
    const struct {
        uint64_t files, ports, scoped;
    } rules = {.scoped = ABSTRACT_SOCKET};
    if (syscall(CREATE, NULL, 0, ABI) < SCOPES)
        return;
    auto_fd int fd = (int)syscall(CREATE, &rules, sizeof(rules), 0);
    if (fd >= 0)
        (void)syscall(RESTRICT, fd, 0);
}

static int leave(const struct build *b, struct mtd_error *err)
{
    bool no_network = b->asked->no_network;
    int rc = unshare(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWUTS |
                     (no_network ? CLONE_NEWNET : 0)) < 0
                 ? -errno
                 : 0;
    if (rc == 0 && no_network)
        rc = ns_loopback_up();
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot make namespaces for buildah");
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 &&
        errno != ENOSYS && errno != EPERM)
        return mtd_fail_errno(err, errno, "cannot make a keyring for buildah");
    leave_sockets_alone();
    return 0;
}

static int filter(struct mtd_error *err)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    int rc = syscalls_filter_make(&f, "builtin", NULL, CAPS, err);
    return rc < 0 ? rc : syscalls_filter_load(&f, err);
}

int build_box_enter(void *arg, struct mtd_error *err)
{
    const struct build *b = arg;
    int rc = enter_groups(b, err);
    if (rc == 0)
        rc = leave(b, err);
    if (rc == 0)
        rc = change_root(b, err);
    return rc < 0 ? rc : filter(err);
}
