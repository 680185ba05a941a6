/* A container's control groups are its own in every hierarchy: one that it can mount, in a
 * namespace of its own or by a capability, must not show it the host's. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"
#include "base/fs.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(groups, .init = set_up, .fini = tear_down, .timeout = 60);

/* The host's root group has the directory that all containers' groups are in. */
#define MOUNT_ALL                                                                   \
    "mkdir /m; n=0; while IFS=: read -r id names path; do "                         \
    "  case $names in '') set -- cgroup2 rw;; name=*) set -- cgroup none,$names;; " \
    "    *) set -- cgroup $names;; esac; "                                          \
    "  mount -t $1 -o $2 none /m || { echo \"$names: not mounted\"; continue; }; "  \
    "  [ -e /m/mytop-docker ] && echo \"$names: the host's\"; "                     \
    "  grep -qx 0 /m/cgroup.procs && echo \"$names: foreign processes\"; "          \
    "  umount /m; n=$((n+1)); done </proc/self/cgroup; "                            \
    "[ $n -gt 0 ] && echo done"

#define MAY_MOUNT                                                                       \
    "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", \
        "apparmor=unconfined"

static void expect_own(const char *said)
{
    cr_expect_str_eq(said, "done");
}

/* A v1 hierarchy that a start leaves out of its groups would show its root here. */
Test(groups, what_a_container_mounts_is_its_own)
{
    auto_free char *run =
        ASK(&s, "run", "--rm", MAY_MOUNT, "busybox", "sh", "-c", MOUNT_ALL);
    expect_own(run);
    free(ASK(&s, "run", "-d", "--name", "box", MAY_MOUNT, "busybox", "sleep", "1000"));
    auto_free char *exec = ASK(&s, "exec", "box", "sh", "-c", MOUNT_ALL);
    expect_own(exec);
}

/* Also the hierarchies that are mounted nowhere in the container. */
Test(groups, a_process_is_in_a_group_of_its_own_in_each_hierarchy)
{
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sleep", "1000"));
    auto_free char *id = ASK(&s, "inspect", "--format", "{{.Id}}", "box");
    auto_free char *pid = ASK(&s, "inspect", "--format", "{{.State.Pid}}", "box");
    char path[64], text[8192], end[128];
    snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
    snprintf(end, sizeof(end), "/mytop-docker/%s", id);
    cr_assert_gt(fs_read_small_at(AT_FDCWD, path, text, sizeof(text)), 0);
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        size_t n = strlen(line), m = strlen(end);
        cr_expect(n > m && strcmp(line + n - m, end) == 0, "%s", line);
    }
}

/* All of them are there to look at, and none to change. */
Test(groups, the_container_sees_all_of_them_read_only)
{
    auto_free char *got =
        ASK(&s, "run", "--rm", "busybox", "sh", "-c",
            "cd /sys/fs/cgroup; while IFS=: read -r id names path; do "
            "d=${names#name=}; [ \"$d\" ] || d=unified; [ -e cgroup.procs ] && d=.; "
            "grep -qx 1 $d/cgroup.procs || echo \"$d: not there\"; "
            "mkdir $d/x 2>/dev/null && echo \"$d: written\"; "
            "echo 1 2>/dev/null >$d/cgroup.procs && echo \"$d: written\"; "
            "done </proc/self/cgroup; echo done");
    cr_expect_str_eq(got, "done");
}
