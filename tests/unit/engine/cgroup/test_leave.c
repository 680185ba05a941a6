#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/cgroup/cgroup.h"
#include "tempdir.h"

/* A tree of plain files stands for the kernel's. */
static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(leave, .init = setup, .fini = teardown);

#define MOUNTS                                                         \
    "31 30 0:1 / @/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"    \
    "32 30 0:2 / @/cpuset rw - cgroup cgroup rw,cpuset\n"              \
    "33 30 0:3 / @/memory rw - cgroup cgroup rw,memory\n"              \
    "34 30 0:4 / @/systemd rw - cgroup cgroup rw,xattr,name=systemd\n" \
    "35 30 0:5 / @/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"

/* mounts: "@" is the temporary directory */
static int leave(struct group_place *ret, const char *groups, const char *mounts,
                 struct mtd_error *err)
{
    char proc[128];
    auto_done(buf_done) struct buf b = {0};
    for (const char *p = mounts; *p; p++)
        cr_assert_eq(*p == '@' ? buf_puts(&b, tmp.path) : buf_putc(&b, *p), 0);
    tempdir_put(&tmp, "proc/self/mountinfo", b.data ? b.data : "");
    tempdir_put(&tmp, "proc/self/cgroup", groups);
    snprintf(proc, sizeof(proc), "%s/proc", tmp.path);
    return cgroup_leave(ret, proc, err);
}

static void expect_open(int fd, const char *name)
{
    char link[64], is[512] = "", want[512];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    snprintf(want, sizeof(want), "%s/%s", tmp.path, name);
    cr_assert_gt(readlink(link, is, sizeof(is) - 1), 0, "%s is not open", name);
    cr_expect_str_eq(is, want);
}

static void make_tasks(const char *hierarchy)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/mytop-docker/monitors/tasks", hierarchy);
    tempdir_put(&tmp, path, "");
}

Test(leave, a_process_in_root_groups_stays)
{
    struct group_place p = {0};
    cr_assert_eq(leave(&p, "4:memory:/\n1:name=systemd:/\n0::/\n", MOUNTS, NULL), 0);
    cr_expect_eq(p.into, -1);
    cr_expect_eq(p.n, 0);
    cr_expect_eq(faccessat(tmp.fd, "memory", F_OK, 0), -1, "and nothing is made");
}

Test(leave, one_that_has_left_already_stays)
{
    struct group_place p = {0};
    cr_assert_eq(leave(&p, "4:memory:/mytop-docker/monitors\n0::/mytop-docker/monitors\n",
                       MOUNTS, NULL),
                 0);
    cr_expect_eq(p.into, -1);
    cr_expect_eq(p.n, 0);
}

Test(leave, each_group_of_somebody_is_left_but_the_cpuset)
{
    auto_done(place_done) struct group_place p = PLACE_HERE;
    make_tasks("cpu,cpuacct");
    make_tasks("systemd");
    mkdirat(tmp.fd, "unified", 0755);
    cr_assert_eq(leave(&p,
                       "5:cpu,cpuacct:/user.slice\n4:memory:/\n3:cpuset:/some\n"
                       "1:name=systemd:/user.slice/user-0.slice/session-1.scope\n"
                       "0::/user.slice/user-0.slice/session-1.scope\n",
                       MOUNTS, NULL),
                 0);
    cr_assert_eq(p.n, 2);
    expect_open(p.join[0], "cpu,cpuacct/mytop-docker/monitors/tasks");
    expect_open(p.join[1], "systemd/mytop-docker/monitors/tasks");
    expect_open(p.into, "unified/mytop-docker/monitors"); /* made */
}

Test(leave, paths_may_be_long)
{
    auto_done(place_done) struct group_place p = PLACE_HERE;
    auto_done(buf_done) struct buf b = {0};
    make_tasks("memory");
    for (int i = 0; i < 3; i++)
        buf_printf(&b, "%d:none%d:/%02000d\n", 9 - i, i, i);
    buf_puts(&b, "4:memory:/a\n");
    cr_assert_eq(leave(&p, b.data, MOUNTS, NULL), 0);
    cr_assert_eq(p.n, 1);
    expect_open(p.join[0], "memory/mytop-docker/monitors/tasks");
}

Test(leave, a_hierarchy_that_is_not_mounted_cannot_be_left)
{
    auto_done(place_done) struct group_place p = PLACE_HERE;
    make_tasks("memory");
    cr_assert_eq(leave(&p, "4:memory:/a\n2:pids:/a\n1:name=other:/a\n0::/a\n",
                       "33 30 0:3 / @/memory rw - cgroup cgroup rw,memory\n", NULL),
                 0);
    cr_assert_eq(p.n, 1);
    expect_open(p.join[0], "memory/mytop-docker/monitors/tasks");
    cr_expect_eq(p.into, -1);
}

Test(leave, the_mount_that_shows_most_wins)
{
    auto_done(place_done) struct group_place p = PLACE_HERE;
    make_tasks("b");
    cr_assert_eq(leave(&p, "4:memory:/a\n",
                       "50 31 0:32 /x/deep @/a rw - cgroup cgroup rw,memory\n"
                       "51 31 0:32 /x @/b rw - cgroup cgroup rw,memory\n"
                       "52 31 0:32 /x/deep @/c rw - cgroup cgroup rw,memory\n",
                       NULL),
                 0);
    cr_assert_eq(p.n, 1);
    expect_open(p.join[0], "b/mytop-docker/monitors/tasks");
}

Test(leave, a_group_that_cannot_be_made_is_named)
{
    struct mtd_error err = {0};
    struct group_place p = PLACE_HERE;
    tempdir_put(&tmp, "memory", "no directory");
    cr_expect_eq(leave(&p, "4:memory:/a\n", MOUNTS, &err), -ENOTDIR);
    cr_expect(strstr(err.text, "memory/mytop-docker/monitors: Not a directory"), "%s",
              err.text);
    cr_expect_eq(p.n, 0);
}
