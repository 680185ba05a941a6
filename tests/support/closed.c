#include "closed.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *const CLOSED[] = {"/tmp", "/var", "/run", "/root", "/etc", "/home"};
static int before = -1; /* the namespace */

static void bind(const char *path, unsigned long flags)
{
    cr_assert_eq(mount(path, path, NULL, MS_BIND | MS_REC, NULL), 0);
    cr_assert_eq(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL), 0);
}

void closed_begin(const struct tempdir *d)
{
    before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    cr_assert_geq(before, 0);
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    auto_fd int own = open_tree(AT_FDCWD, d->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    cr_assert_geq(own, 0);
    for (size_t i = 0; i < ARRAY_SIZE(CLOSED); i++)
        if (access(CLOSED[i], F_OK) == 0)
            bind(CLOSED[i], MS_RDONLY);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    cr_assert_eq(move_mount(own, "", AT_FDCWD, d->path, MOVE_MOUNT_F_EMPTY_PATH), 0);
    cr_assert(access("/var/tmp", W_OK) < 0 && errno == EROFS);
}

void closed_end(void)
{
    if (before < 0)
        return;
    cr_assert_eq(setns(before, CLONE_NEWNS), 0);
    close(take_fd(&before));
}
