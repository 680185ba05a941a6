/* rmdir of a group fails with EBUSY while a group below exists or a task is still
 * exiting. So removal goes depth first, and retries after short, growing pauses: v1 has
 * no event for an exited task, and on v2 the wait is mostly over before one could be set
 * up. */

#include "engine/cgroup/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"

#define DESTROY_TIMEOUT (5 * NS_PER_SEC)
#define MAX_DEPTH 32
#define MAX_WAIT (20 * NS_PER_MS)

static int remove_below(int dir_fd, int depth);

/* rmdir is tried first: nearly every group is empty. */
static int remove_group(int parent_fd, const char *name, int depth)
{
    if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ||
        errno == ENODEV)
        return 0;
    int code = -errno;
    if (code != -EBUSY || depth == MAX_DEPTH)
        return code;
    auto_fd int dir =
        openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0)
        return errno == ENOENT ? 0 : -errno;
    code = remove_below(dir, depth + 1);
    if (code < 0)
        return code;
    return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_below(int dir_fd, int depth)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return -errno;
    int code = 0;
    struct dirent *e;
    while ((e = readdir(dir))) {
        if (e->d_type != DT_DIR || e->d_name[0] == '.')
            continue;
        int one = remove_group(fd, e->d_name, depth);
        code = code < 0 ? code : one;
    }
    return code;
}

int cgroup_remove_tree(const char *path, int64_t deadline)
{
    int64_t wait = NS_PER_MS / 20;
    for (;;) {
        int code = remove_group(AT_FDCWD, path, 0);
        if (code != -EBUSY || clock_mono_ns() >= deadline)
            return code;
        nanosleep(&(struct timespec){.tv_nsec = wait}, NULL);
        wait = wait < MAX_WAIT ? wait * 2 : wait;
    }
}

/* Opened one after the other, they mostly have consecutive numbers: one call for all. */
static void close_dirs(struct cgroup *c)
{
    for (size_t i = 0, n; i < c->n; i += n) {
        int first = c->dirs[i].fd;
        for (n = 1; i + n < c->n && first >= 0 && c->dirs[i + n].fd == first + (int)n;
             n++)
            c->dirs[i + n].fd = -1;
        c->dirs[i].fd = -1;
        if (first >= 0)
            sys_close_range((unsigned)first, (unsigned)first + (unsigned)n - 1, 0);
    }
}

/* Continues after a failure, so that as little as possible is left; reports the first. */
int cgroup_destroy(struct cgroup *c, struct mtd_error *err)
{
    int first = 0;
    int64_t deadline = clock_mono_ns() + DESTROY_TIMEOUT;
    close_dirs(c);
    for (size_t i = 0; i < c->n; i++) {
        struct cgroup_dir *d = &c->dirs[i];
        int code = cgroup_remove_tree(d->path, deadline);
        if (code < 0 && first == 0)
            first =
                mtd_fail_errno(err, -code, "cannot remove the control group %s", d->path);
    }
    return first;
}

void cgroup_remove_parents(const struct cgroup *host)
{
    for (size_t i = 0; i < host->n; i++) {
        auto_fd int dir = open(host->dirs[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir >= 0)
            unlinkat(dir, CGROUP_PARENT "/" CGROUP_MONITORS, AT_REMOVEDIR),
                unlinkat(dir, CGROUP_PARENT "/" CGROUP_BUILDS, AT_REMOVEDIR),
                unlinkat(dir, CGROUP_PARENT, AT_REMOVEDIR);
    }
}
