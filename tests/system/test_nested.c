/* What --privileged opens: the host's devices, the kernel's files, control groups of its own;
 * with them this very program runs inside. Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/fields.h"
#include "base/buf.h"
#include "base/cleanup.h"

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

TestSuite(nested, .init = set_up, .fini = tear_down, .timeout = 60);

/* Type, numbers and path of each node, but for those that every container has its own of. */
#define LIST                                                                  \
    "find /dev -path /dev/pts -prune -o -path /dev/shm -prune -o "            \
    "\\( -type b -o -type c \\) -exec stat -c '%F %t:%T %u:%g %a %n' {} + | " \
    "sed 's/character special file/c/; s/block special file/b/' | "           \
    "grep -vE '/dev/(console|ptmx)$' | sort"

static char *host_list(void)
{
    auto_done(buf_done) struct buf text = {0};
    FILE *f = popen(LIST, "re");
    char line[512];
    cr_assert_not_null(f);
    while (fgets(line, sizeof(line), f))
        cr_assert_eq(buf_puts(&text, line), 0);
    pclose(f);
    cr_assert_gt(text.len, 0);
    text.data[text.len - 1] = '\0';
    return strdup(text.data);
}

Test(nested, the_hosts_devices_are_there)
{
    auto_free char *want = host_list();
    auto_free char *got =
        ASK(&s, "run", "--rm", "--privileged", "busybox", "sh", "-c", LIST);
    cr_expect_str_eq(got, want, "inside:\n%s\non the host:\n%s", got, want);
    EXPECT_OUTPUT(&s, 0, "6\n", "run", "--rm", "busybox", "sh", "-c",
                  "ls -l /dev | grep -c '^[bc]'");
}

#define READ_ONLY \
    "awk '$2 ~ \"^/(sys|proc)\" && $4 ~ \"^ro(,|$)\" {print $2}' /proc/mounts | sort"

Test(nested, nothing_of_the_kernels_is_read_only)
{
    EXPECT_OUTPUT(&s, 0, "", "run", "--rm", "--privileged", "busybox", "sh", "-c",
                  READ_ONLY);
    EXPECT_OUTPUT(
        &s, 0, "1\n", "run", "--rm", "--privileged", "busybox", "sh", "-c",
        "echo 1 >/proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward");
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "busybox", "sh", "-c", READ_ONLY);
    cr_expect_not_null(strstr(o.out, "/proc/sys\n"), "%s", o.out);
    cr_expect_not_null(strstr(o.out, "/sys/fs/cgroup"), "%s", o.out);
}

Test(nested, groups_of_its_own_end_with_it)
{
    EXPECT_OUTPUT(&s, 0, "", "run", "--rm", "--privileged", "busybox", "sh", "-c",
                  "for dir in $(awk '$3 ~ \"^cgroup\" {print $2}' /proc/mounts); do "
                  "mkdir -p $dir/a/b || exit; done");
    cr_expect_str_eq(state_leftovers(&s, false), "");
}

/* What an engine does inside: v2 wants no process beside the groups that have controllers. */
Test(nested, exec_follows_who_has_moved_below_its_group)
{
    static const char MOVE[] =
        "cd $(awk '$3 == \"cgroup2\" {print $2}' /proc/mounts) && grep -q pids "
        "cgroup.controllers && mkdir -p down/here && for p in $(cat cgroup.procs); do "
        "echo $p >down/here/cgroup.procs 2>/dev/null; done; echo +pids "
        ">cgroup.subtree_control || exit 9";
    free(ASK(&s, "run", "-d", "--name", "box", "--privileged", "busybox", "sleep",
             "100000"));
    auto_done(outcome_done) struct outcome moved =
        RUN(&s, "exec", "box", "sh", "-c", MOVE);
    if (moved.status == 0) {
        EXPECT_OUTPUT(&s, 0, "0::/down/here\n", "exec", "box", "grep",
                      "^0::", "/proc/self/cgroup");
        EXPECT_OUTPUT(&s, 0, "box\n", "rm", "-f", "box");
        cr_expect_str_eq(state_leftovers(&s, false), "");
        return;
    }
    auto_done(outcome_done) struct outcome rm = RUN(&s, "rm", "-f", "box");
    state_done(&s);
    cr_skip("no pids controller in the v2 tree; scripts/guest has one");
}

#define INNER "/mytop-docker --batch "

Test(nested, this_program_runs_inside)
{
    if (!program_is_static())
        cr_skip("a dynamic program cannot run inside; the static build runs this");
    const char *network =
        access("/usr/sbin/nft", X_OK) == 0 ? "NET=" : "NET=--network=none";
    EXPECT_OUTPUT(
        &s, 0, "inner\n7\nbox\n", "run", "-e", network, "--rm", "--privileged", "-v",
        MTD_PROGRAM ":/mytop-docker:ro", "--tmpfs", "/var/lib/mytop-docker:mode=755",
        "--tmpfs", "/run", "busybox", "sh", "-c",
        INNER
        "run --rm $NET -m 32m busybox echo inner && " INNER
        "run -d --name box $NET --pids-limit 7 busybox sleep 1000 >/dev/null && " INNER
        "exec box sh -c 'cd /sys/fs/cgroup; cat pids.max || cat pids/pids.max' 2>/dev/null && " INNER
        "rm -f box");
    cr_expect_str_eq(state_leftovers(&s, false), "");
}
