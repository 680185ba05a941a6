/* Namespaces that a bundle names by path are opened where the paths mean what the caller meant, and
 * looked at: a path of another kind would be joined as what it is. The PID namespace, and a new one
 * of time, are what the next child gets. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static int open_one(const char *path, enum bundle_ns ns, struct mtd_error *err)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot open the %s namespace %s",
                              BUNDLE_NAMESPACES[ns].name, path);
    if (ioctl(fd, NS_GET_NSTYPE) != BUNDLE_NAMESPACES[ns].flag)
        return mtd_fail(err, EINVAL, "%s is not a %s namespace", path,
                        BUNDLE_NAMESPACES[ns].name);
    return take_fd(&fd);
}

int runtime_open_namespaces(const struct bundle *b, int fds[BUNDLE_NS_COUNT],
                            struct mtd_error *err)
{
    for (int i = 0; i < BUNDLE_NS_COUNT; i++)
        fds[i] = -1;
    for (int i = 0; i < BUNDLE_NS_COUNT; i++) {
        if (!b->namespaces[i].path)
            continue;
        fds[i] = open_one(b->namespaces[i].path, (enum bundle_ns)i, err);
        if (fds[i] < 0)
            return fds[i];
    }
    return 0;
}

static int open_own(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int new_time(const struct bundle *b, struct mtd_error *err)
{
    if (unshare(CLONE_NEWTIME) < 0)
        return mtd_fail_errno(err, errno, "cannot create a time namespace");
    for (size_t i = 0; i < b->offsets.len; i++) {
        int rc = fs_write_at(AT_FDCWD, "/proc/self/timens_offsets", b->offsets.items[i]);
        if (rc < 0)
            return mtd_fail_errno(err, -rc, "cannot set the time offset \"%s\"",
                                  b->offsets.items[i]);
    }
    return 0;
}

int runtime_step_aside(const struct bundle *b, const int fds[BUNDLE_NS_COUNT],
                       struct runtime_aside *ret, struct mtd_error *err)
{
    *ret = (struct runtime_aside){-1, -1};
    if (fds[BUNDLE_NS_PID] >= 0) {
        ret->pid = open_own("/proc/self/ns/pid");
        if (ret->pid < 0 || setns(fds[BUNDLE_NS_PID], CLONE_NEWPID) < 0)
            return mtd_fail_errno(err, errno, "cannot join the pid namespace %s",
                                  b->namespaces[BUNDLE_NS_PID].path);
    }
    if (!bundle_is_new(b, BUNDLE_NS_TIME))
        return 0;
    ret->time = open_own("/proc/self/ns/time");
    return ret->time < 0 ? mtd_fail_errno(err, -ret->time,
                                          "this kernel has no namespaces "
                                          "of time")
                         : new_time(b, err);
}

int runtime_step_back(struct runtime_aside *a, struct mtd_error *err)
{
    int rc = a->pid >= 0 && setns(a->pid, CLONE_NEWPID) < 0 ? -errno : 0;
    if (rc == 0 && a->time >= 0 && setns(a->time, CLONE_NEWTIME) < 0)
        rc = -errno;
    cleanup_fd(&a->pid);
    cleanup_fd(&a->time);
    *a = (struct runtime_aside){-1, -1};
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot go back to the own namespaces") : 0;
}
