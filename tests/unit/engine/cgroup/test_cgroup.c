#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/cgroup/cgroup.h"
#include "tempdir.h"

/* A tree of plain files stands for the kernel's: what would have been written is read back. A
 * value lands at the start of its file, so files begin empty. */
static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(cgroup, .init = setup, .fini = teardown);

static void make_file(const char *path, const char *text)
{
    tempdir_put(&tmp, path, text);
}

static void expect_file(const char *path, const char *text)
{
    char is[4096] = "";
    cr_assert_geq(fs_read_small_at(tmp.fd, path, is, sizeof(is)), 0, "%s", path);
    cr_expect_str_eq(is, text, "%s holds \"%s\", not \"%s\"", path, is, text);
}

/* lines: mountinfo with "@" for the temporary directory. */
static void make_proc(const char *lines)
{
    auto_done(buf_done) struct buf b = {0};
    for (const char *p = lines; *p; p++)
        cr_assert_eq(*p == '@' ? buf_puts(&b, tmp.path) : buf_putc(&b, *p), 0);
    make_file("proc/self/mountinfo", b.data);
}

static int discover(struct cgroup *ret, struct mtd_error *err)
{
    char proc[128];
    snprintf(proc, sizeof(proc), "%s/proc", tmp.path);
    return cgroup_discover(ret, proc, err);
}

static const struct cgroup_dir *find(const struct cgroup *c, enum cgroup_controller which)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->dirs[i].controllers & 1u << which)
            return &c->dirs[i];
    return NULL;
}

static void expect_dir(const struct cgroup *c, enum cgroup_controller which,
                       const char *name)
{
    char full[512];
    const struct cgroup_dir *d = find(c, which);
    snprintf(full, sizeof(full), "%s/%s", tmp.path, name);
    cr_assert_not_null(d, "controller %d is nowhere", which);
    cr_expect_str_eq(d->path, full);
}

#define V1_LINES                                                                          \
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"                                     \
    "31 23 0:28 / @/cg rw,relatime - tmpfs tmpfs rw,mode=755\n"                           \
    "32 31 0:29 / @/cg/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n" \
    "34 31 0:31 / @/cg/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"                    \
    "35 31 0:32 / @/cg/memory rw,relatime shared:1 master:2 - cgroup cgroup rw,memory\n"  \
    "36 31 0:33 / @/cg/devices rw,relatime - cgroup cgroup rw,devices\n"                  \
    "37 31 0:34 / @/cg/freezer rw,relatime - cgroup cgroup rw,freezer\n"                  \
    "38 31 0:35 / @/cg/blkio rw,relatime - cgroup cgroup rw,blkio\n"                      \
    "39 31 0:36 / @/cg/pids rw,relatime - cgroup cgroup rw,pids\n"                        \
    "40 31 0:37 / @/cg/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"       \
    "41 31 0:38 / @/cg/hugetlb rw,relatime - cgroup cgroup rw,hugetlb\n"
#define V2_LINE "42 31 0:39 / @/cg/unified rw,relatime - cgroup2 cgroup2 rw\n"

Test(cgroup, v1_hierarchies_are_told_by_their_options)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    make_proc(V1_LINES);
    cr_assert_eq(discover(&host, NULL), 0);
    cr_expect_str_eq(cgroup_version(&host), "1");
    cr_expect_eq(host.n, 9, "systemd's and hugetlb's as well");
    cr_expect_str_eq(host.dirs[7].names, "name=systemd", "and not xattr");
    cr_expect_str_eq(host.dirs[8].names, "hugetlb");
    cr_expect_eq(host.dirs[8].controllers, 0, "nothing is limited there");
    expect_dir(&host, CGROUP_CPU, "cg/cpu,cpuacct");
    expect_dir(&host, CGROUP_CPUACCT, "cg/cpu,cpuacct");
    expect_dir(&host, CGROUP_CPUSET, "cg/cpuset");
    expect_dir(&host, CGROUP_PIDS, "cg/pids");
}

Test(cgroup, hybrid_gives_v2_what_v1_lacks)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    make_proc("35 31 0:32 / @/cg/memory rw - cgroup cgroup rw,memory\n" V2_LINE);
    make_file("cg/unified/cgroup.controllers", "cpuset cpu io pids hugetlb\n");
    cr_assert_eq(discover(&host, NULL), 0);
    cr_expect_str_eq(cgroup_version(&host), "hybrid");
    expect_dir(&host, CGROUP_MEMORY, "cg/memory");
    expect_dir(&host, CGROUP_CPU, "cg/unified");
    expect_dir(&host, CGROUP_BLKIO, "cg/unified");
    expect_dir(&host, CGROUP_FREEZER, "cg/unified");
    expect_dir(&host, CGROUP_DEVICES, "cg/unified");
}

/* The v1 group is made all the same. */
Test(cgroup, hybrid_freezes_and_counts_with_v2)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    make_proc("37 31 0:34 / @/cg/freezer rw - cgroup cgroup rw,freezer\n"
              "32 31 0:29 / @/cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n" V2_LINE);
    make_file("cg/unified/cgroup.controllers", "\n");
    cr_assert_eq(discover(&host, NULL), 0);
    cr_expect_eq(host.n, 3);
    expect_dir(&host, CGROUP_FREEZER, "cg/unified");
    expect_dir(&host, CGROUP_CPUACCT, "cg/unified");
    expect_dir(&host, CGROUP_CPU, "cg/cpu");
    cr_expect_eq(host.dirs[0].controllers, 0);
}

Test(cgroup, more_hierarchies_than_there_is_room_for_are_an_error)
{
    struct cgroup host = {0};
    struct mtd_error err = {0};
    auto_done(buf_done) struct buf b = {0};
    for (int i = 0; i <= CGROUP_MAX_DIRS; i++)
        buf_printf(&b, "%d 31 0:%d / /cg/%d rw - cgroup cgroup rw,name=h%d\n", 40 + i,
                   40 + i, i, i);
    make_file("proc/self/mountinfo", b.data);
    cr_expect_eq(discover(&host, &err), -E2BIG);
    cr_expect(strstr(err.text, "hierarchies"), "%s", err.text);
}

Test(cgroup, v2_alone)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    make_proc(V2_LINE);
    make_file("cg/unified/cgroup.controllers", "cpu memory\n");
    cr_assert_eq(discover(&host, NULL), 0);
    cr_expect_str_eq(cgroup_version(&host), "2");
    cr_expect_eq(host.n, 1);
    expect_dir(&host, CGROUP_MEMORY, "cg/unified");
    cr_expect_null(find(&host, CGROUP_PIDS));
}

/* In a container of another engine the mount's root is that container's group, and a bind
 * mount may show a part of the same tree elsewhere. */
Test(cgroup, the_mount_that_shows_most_wins)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    make_proc("50 31 0:32 /docker/abc/deep @/part rw - cgroup cgroup rw,memory\n"
              "51 31 0:32 /docker/abc @/cg/memory rw - cgroup cgroup rw,memory\n"
              "52 31 0:32 /docker/abc/deep @/other rw - cgroup cgroup rw,memory\n");
    cr_assert_eq(discover(&host, NULL), 0);
    cr_expect_eq(host.n, 1);
    expect_dir(&host, CGROUP_MEMORY, "cg/memory");
}

Test(cgroup, of_equal_mounts_the_last_is_on_top)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    make_proc("50 31 0:32 / @/a rw - cgroup cgroup rw,memory\n"
              "51 31 0:32 / @/b\\040c rw - cgroup cgroup rw,memory\n");
    cr_assert_eq(discover(&host, NULL), 0);
    expect_dir(&host, CGROUP_MEMORY, "b c");
}

Test(cgroup, hundreds_of_mounts_and_long_lines)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    auto_done(buf_done) struct buf b = {0};
    for (int i = 0; i < 700; i++)
        buf_printf(&b,
                   "%d 27 0:%d / /merged/%d rw - overlay overlay rw,lowerdir=/a:/b%s\n",
                   100 + i, i, i, i % 50 ? "" : " - cgroup");
    buf_puts(&b, "9 27 0:1 / /long rw - overlay overlay rw,lowerdir=");
    for (int i = 0; i < 3000; i++)
        buf_puts(&b, "/some/layer:");
    buf_printf(&b, "/end\n50 31 0:32 / %s/mem rw - cgroup cgroup rw,memory\n", tmp.path);
    make_file("proc/self/mountinfo", b.data);
    cr_assert_eq(discover(&host, NULL), 0);
    cr_expect_eq(host.n, 1);
    expect_dir(&host, CGROUP_MEMORY, "mem");
}

Test(cgroup, a_host_without_cgroups_says_so)
{
    struct cgroup host = {0};
    struct mtd_error err = {0};
    make_proc("22 27 0:21 / /proc rw,relatime - proc proc rw\n");
    cr_expect_eq(discover(&host, &err), -EOPNOTSUPP);
    cr_expect(strstr(err.text, "no cgroup file system"));
}

#define GROUP "cg/mytop-docker/g/"

/* One directory that has every controller. */
static void make_group(struct cgroup *ret)
{
    char path[256];
    make_file(GROUP "cgroup.procs", "");
    snprintf(path, sizeof(path), "%s/cg/mytop-docker/g", tmp.path);
    *ret = (struct cgroup){.n = 1};
    ret->dirs[0] =
        (struct cgroup_dir){.controllers = (1u << CGROUP_CONTROLLERS) - 1,
                            .path = strdup(path),
                            .fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

/* ---- making and recording --------------------------------------------------------------- */

Test(cgroup, groups_are_made_at_the_root_of_each_mount)
{
    auto_done(cgroup_done) struct cgroup host = {0}, c = {0};
    make_proc("35 31 0:32 /own/part @/cg/memory rw - cgroup cgroup rw,memory\n"
              "39 31 0:36 / @/cg/pids rw,relatime - cgroup cgroup rw,pids\n"
              "34 31 0:31 / @/cg/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
              "40 31 0:37 / @/cg/systemd rw - cgroup cgroup rw,xattr,name=systemd\n");
    make_file("cg/memory/x", "");
    make_file("cg/pids/x", "");
    make_file("cg/cpuset/x", "");
    make_file("cg/systemd/x", "");
    cr_assert_eq(discover(&host, NULL), 0);
    cr_assert_eq(cgroup_create(&c, &host, "abc", NULL), 0);
    expect_dir(&c, CGROUP_MEMORY, "cg/memory/mytop-docker/abc");
    cr_expect_eq(faccessat(tmp.fd, "cg/memory/mytop-docker/abc", F_OK, 0), 0);
    cr_expect_eq(faccessat(tmp.fd, "cg/pids/mytop-docker/abc", F_OK, 0), 0);
    cr_expect_eq(faccessat(tmp.fd, "cg/cpuset/mytop-docker/abc", F_OK, 0), 0);
    cr_expect_eq(faccessat(tmp.fd, "cg/systemd/mytop-docker/abc", F_OK, 0), 0);
    cr_expect_eq(cgroup_clone_fd(&c), -1);
    cr_assert_eq(cgroup_destroy(&c, NULL), 0);
    cr_expect_neq(faccessat(tmp.fd, "cg/memory/mytop-docker/abc", F_OK, 0), 0);
    cgroup_remove_parents(&host);
    cr_expect_neq(faccessat(tmp.fd, "cg/memory/mytop-docker", F_OK, 0), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat st = {0};
    cr_assert_eq(fstatat(tmp.fd, path, &st, 0), 0, "%s", path);
    return st.st_mode & 07777;
}

/* The root of a user namespace is nobody to those above, too. */
Test(cgroup, who_may_read_a_group_may_pass_those_above)
{
    auto_done(cgroup_done) struct cgroup host = {0}, c = {0};
    make_proc("39 31 0:36 / @/cg/pids rw,relatime - cgroup cgroup rw,pids\n");
    make_file("cg/pids/x", "");
    cr_assert_eq(chmod(tmp.path, 0700), 0);
    cr_assert_eq(discover(&host, NULL), 0);
    umask(077);
    cr_assert_eq(cgroup_create(&c, &host, "abc", NULL), 0);
    make_file("cg/pids/mytop-docker/cgroup.procs", "");
    umask(022);
    cr_assert_eq(fchmodat(tmp.fd, "cg/pids/mytop-docker", 0700, 0), 0);
    cr_assert_eq(fchmodat(tmp.fd, "cg/pids", 0700, 0), 0);
    cr_expect_eq(cgroup_let_read(&c, NULL), 0);
    cr_expect_eq(mode_of("cg/pids/mytop-docker/abc"), 0755);
    cr_expect_eq(mode_of("cg/pids/mytop-docker"), 0711);
    cr_expect_eq(mode_of("cg/pids"), 0700, "it is no group");
}

Test(cgroup, what_cannot_be_made_takes_back_what_was)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    struct cgroup c = {0};
    struct mtd_error err = {0};
    make_proc("35 31 0:32 / @/cg/memory rw - cgroup cgroup rw,memory\n"
              "39 31 0:36 / @/cg/pids rw,relatime - cgroup cgroup rw,pids\n");
    make_file("cg/memory/x", "");
    make_file("cg/pids", "no directory");
    cr_assert_eq(discover(&host, NULL), 0);
    cr_expect_eq(cgroup_create(&c, &host, "abc", &err), -ENOTDIR);
    cr_expect(strstr(err.text, "cg/pids/mytop-docker/abc"), "%s", err.text);
    cr_expect_neq(faccessat(tmp.fd, "cg/memory/mytop-docker/abc", F_OK, 0), 0);
    cr_expect_eq(cgroup_create(&c, &host, "../x", &err), -EINVAL);
}

/* A group that could not be made is somebody's: it stays; one that was made, but not prepared, goes. */
Test(cgroup, what_is_anothers_stays)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    struct cgroup c = {0};
    struct mtd_error err = {0};
    make_proc("35 31 0:32 / @/cg/memory rw - cgroup cgroup rw,memory\n" V2_LINE);
    make_file("cg/unified/cgroup.controllers", "");
    make_file("cg/memory/mytop-docker/abc", "no group");
    cr_assert_eq(discover(&host, NULL), 0);
    cr_expect_lt(cgroup_create(&c, &host, "abc", &err), 0);
    expect_file("cg/memory/mytop-docker/abc", "no group");
    cr_expect_neq(faccessat(tmp.fd, "cg/unified/mytop-docker/abc", F_OK, 0), 0);
}

Test(cgroup, a_record_leads_back_to_the_groups)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    auto_done(strv_done) struct strv lines = {0}, again = {0};
    char line[256];
    make_file("cg/a/x", "");
    make_file("cg/u/cgroup.controllers", "memory pids\n");
    snprintf(line, sizeof(line), "cpu,cpuacct:%s/cg/a", tmp.path);
    strv_add(&lines, line);
    snprintf(line, sizeof(line), "unified:%s/cg/u", tmp.path);
    strv_add(&lines, line);
    snprintf(line, sizeof(line), "cpuset:%s/cg/gone", tmp.path);
    strv_add(&lines, line);
    cr_assert_eq(cgroup_open(&c, &lines, NULL), 0);
    cr_expect_eq(c.n, 3);
    expect_dir(&c, CGROUP_CPU, "cg/a");
    expect_dir(&c, CGROUP_CPUACCT, "cg/u");
    expect_dir(&c, CGROUP_MEMORY, "cg/u");
    expect_dir(&c, CGROUP_FREEZER, "cg/u");
    expect_dir(&c, CGROUP_CPUSET, "cg/gone");
    cr_expect_eq(find(&c, CGROUP_CPUSET)->fd, -1);
    cr_expect_eq(cgroup_clone_fd(&c), find(&c, CGROUP_MEMORY)->fd);
    cr_assert_eq(cgroup_describe(&c, &again), 0);
    for (size_t i = 0; i < lines.len; i++)
        cr_expect_str_eq(again.items[i], lines.items[i]);
}

Test(cgroup, a_bad_record_is_an_error)
{
    static const char *const BAD[] = {"", "cpu", "cpu:", "cpu:relative"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        auto_done(strv_done) struct strv lines = {0};
        struct cgroup c = {0};
        strv_add(&lines, BAD[i]);
        cr_expect_eq(cgroup_open(&c, &lines, NULL), -EINVAL, "\"%s\"", BAD[i]);
    }
}

Test(cgroup, processes_of_groups_below_are_listed_once_and_sorted)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    auto_free pid_t *pids = NULL;
    make_group(&c);
    make_file(GROUP "cgroup.procs", "300\n20\n0\n");
    make_file(GROUP "sub/cgroup.procs", "4000000\n20\n");
    make_file(GROUP "sub/deeper/cgroup.procs", "1\n");
    cr_assert_eq(cgroup_pids(&c, &pids), 4);
    cr_expect(pids[0] == 1 && pids[1] == 20 && pids[2] == 300 && pids[3] == 4000000);
}

Test(cgroup, attach_and_enter_write_into_every_group)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    make_group(&c);
    make_file(GROUP "tasks", "");
    cr_assert_eq(cgroup_attach(&c, 4711, false, NULL), 0);
    expect_file(GROUP "cgroup.procs", "4711");
    cr_assert_eq(cgroup_enter(&c, false, NULL), 0);
    expect_file(GROUP "tasks", "0");
    c.dirs[0].v2 = true;
    make_file(GROUP "cgroup.procs", "");
    cr_assert_eq(cgroup_attach(&c, 4711, false, NULL), 0);
    expect_file(GROUP "cgroup.procs", "");
    cr_assert_eq(cgroup_attach(&c, 4711, true, NULL), 0);
    expect_file(GROUP "cgroup.procs", "4711");
}

Test(cgroup, oom_kills_and_frozen_are_read)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    make_group(&c);
    cr_expect_eq(cgroup_oom_kills(&c), 0);
    make_file(GROUP "memory.oom_control",
              "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    make_file(GROUP "freezer.state", "FROZEN\n");
    cr_expect_eq(cgroup_oom_kills(&c), 3);
    cr_expect(cgroup_is_frozen(&c));
    make_file(GROUP "freezer.state", "FREEZING\n");
    cr_expect_not(cgroup_is_frozen(&c));
    c.dirs[0].v2 = true;
    make_file(GROUP "memory.events", "low 0\noom 9\noom_kill 7\noom_group_kill 0\n");
    make_file(GROUP "cgroup.events", "populated 1\nfrozen 1\n");
    cr_expect_eq(cgroup_oom_kills(&c), 7);
    cr_expect(cgroup_is_frozen(&c));
}

static bool recorded_is_frozen(const char *const lines[])
{
    auto_done(strv_done) struct strv v = {0};
    char line[256];
    for (size_t i = 0; lines[i]; i++) {
        snprintf(line, sizeof(line), "%s:%s/" GROUP, lines[i], tmp.path);
        cr_assert_eq(strv_add(&v, line), 0);
    }
    return cgroup_recorded_is_frozen(&v);
}
#define RECORDED(...) recorded_is_frozen((const char *const[]){__VA_ARGS__, NULL})

/* v2's freezer where there is one. */
Test(cgroup, a_record_finds_the_freezer)
{
    auto_done(cgroup_done) struct cgroup c = {0};
    make_group(&c);
    make_file(GROUP "freezer.state", "FROZEN\n");
    make_file(GROUP "cgroup.events", "populated 1\nfrozen 0\n");
    cr_expect(RECORDED("cpu,cpuacct", "freezer"));
    cr_expect_not(RECORDED("unified", "memory,freezer"));
    cr_expect_not(RECORDED("freezer", "unified"));
    cr_expect_not(RECORDED("unified", "memory"));
    cr_expect_not(RECORDED("memory"));
    make_file(GROUP "freezer.state", "THAWED\n");
    make_file(GROUP "cgroup.events", "populated 1\nfrozen 1\n");
    cr_expect(RECORDED("unified", "freezer"));
    cr_expect(RECORDED("freezer", "unified"));
    cr_expect_not(RECORDED("freezer"));
    cr_expect(RECORDED("unified"));
    unlinkat(tmp.fd, GROUP "cgroup.events", 0);
    cr_expect_not(RECORDED("unified"));
}
