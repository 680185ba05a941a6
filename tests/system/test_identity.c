/* Who a container's command is, whoever calls: ids, groups, capabilities, and what of the kernel it
 * may neither read nor write. Each is asked of the kernel, for `run` and for `exec`; the caller
 * has what must not get in. Needs root. */

#include <criterion/criterion.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
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

TestSuite(identity, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect(char *got, const char *want, const char *who)
{
    cr_expect_str_eq(got, want, "%s\n  said: %s\n  want: %s", who, got, want);
    free(got);
}

/* The same of a container's first command and of one that joins it. */
#define EXPECT_BOTH(want, script, ...)                                                   \
    do {                                                                                 \
        expect(ASK(&s, "run", "--rm", __VA_ARGS__, "busybox", "sh", "-c", script), want, \
               "run");                                                                   \
        free(ASK(&s, "run", "-d", "--name", "c", __VA_ARGS__, "busybox", "sleep",        \
                 "1000"));                                                               \
        expect(ASK(&s, "exec", "c", "sh", "-c", script), want, "exec");                  \
        free(ASK(&s, "rm", "-f", "c"));                                                  \
    } while (0)

#define IDS "grep -E '^([UG]id|Groups)' /proc/self/status | tr '\\t\\n' '  '"

Test(identity, all_four_ids_are_the_users)
{
    EXPECT_BOTH("Uid: 1000 1000 1000 1000 Gid: 1001 1001 1001 1001 Groups: 1001  ", IDS,
                "-u", "1000:1001");
}

Test(identity, groups_of_the_caller_stay_outside)
{
    const gid_t callers[] = {4321, 8765};
    cr_assert_eq(setgroups(2, callers), 0);
    EXPECT_BOTH("Uid: 1000 1000 1000 1000 Gid: 1001 1001 1001 1001 Groups: 77 1001  ",
                IDS, "-u", "1000:1001", "--group-add", "77");
    EXPECT_BOTH("Uid: 0 0 0 0 Gid: 0 0 0 0 Groups: 0 10  ", IDS, "-e", "A=b");
}

#define CAPS "grep -E '^Cap' /proc/self/status | cut -f2 | tr '\\n' ' '"
#define NONE "0000000000000000 "
#define USUAL "00000000a80425fb "

/* All that we may have, and ambient what may be (CVE-2022-24769). */
static void raise_inheritable(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    cr_assert_eq(syscall(SYS_capget, &head, data), 0);
    for (int i = 0; i < 2; i++)
        data[i].inheritable = data[i].permitted;
    cr_assert_eq(syscall(SYS_capset, &head, data), 0);
    for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

Test(identity, capabilities_of_the_caller_are_not_inherited)
{
    raise_inheritable();
    EXPECT_BOTH(NONE USUAL USUAL USUAL NONE, CAPS, "-e", "A=b");
    EXPECT_BOTH(NONE NONE NONE USUAL NONE, CAPS, "-u", "1000");
}

/* Loading the filter takes one more, which must be gone; with no_new_privs it takes none. */
Test(identity, a_user_has_no_capabilities)
{
    EXPECT_BOTH(NONE NONE NONE USUAL NONE, CAPS, "-u", "1000");
    EXPECT_BOTH(NONE NONE NONE USUAL NONE, CAPS, "-u", "1000", "--security-opt",
                "no-new-privileges");
    EXPECT_BOTH(NONE NONE NONE "00000000a80425fa ",
                CAPS " | cut -d' ' -f1-4 | tr '\\n' ' '", "-u", "1000", "--cap-drop",
                "CHOWN");
}

/* Before execve, when capabilities would still help. */
Test(identity, what_only_root_may_run_others_may_not)
{
    char volume[128];
    tempdir_put(&s.dir, "tool", "#!/bin/sh\necho ran\n");
    cr_assert_eq(fchmodat(s.dir.fd, "tool", 0700, 0), 0);
    snprintf(volume, sizeof(volume), "%s/tool:/tool:ro", s.dir.path);
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "-u", "1000", "-v", volume, "busybox", "/tool");
    cr_expect_eq(o.status, 126, "%d %s", o.status, o.out);
    free(ASK(&s, "run", "-d", "--name", "c", "-v", volume, "busybox", "sleep", "1000"));
    auto_done(outcome_done) struct outcome e =
        RUN(&s, "exec", "-u", "1000", "c", "/tool");
    cr_expect_eq(e.status, 126, "%d %s", e.status, e.out);
    expect(ASK(&s, "exec", "c", "/tool"), "ran", "root");
}

#define NNP "grep NoNewPrivs /proc/self/status | cut -f2"

Test(identity, no_new_privileges_is_said_and_not_assumed)
{
    EXPECT_BOTH("1", NNP, "--security-opt", "no-new-privileges");
    EXPECT_BOTH("0", NNP, "-e", "A=b");
}

/* The session's number is that of its leader. */
Test(identity, the_command_leads_a_session)
{
    EXPECT_BOTH("leads", "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leads", "-e",
                "A=b");
}

Test(identity, home_is_of_passwd_unless_it_is_said)
{
    EXPECT_BOTH("/root", "echo $HOME", "-e", "A=b");
    EXPECT_BOTH("/x", "echo $HOME", "-e", "HOME=/x");
    EXPECT_BOTH("/", "echo $HOME", "-u", "4711");
}

Test(identity, soft_limits_are_not_hard_ones)
{
    EXPECT_BOTH("50 60 4096 8192",
                "echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -Sc) $(ulimit -Hc)",
                "--ulimit", "nofile=50:60", "--ulimit", "core=2097152:4194304");
}

/* As docker: /dev/stdout can be opened again by whoever runs. */
Test(identity, streams_are_the_users)
{
    expect(ASK(&s, "run", "--rm", "-u", "1000", "busybox", "sh", "-c",
               "stat -L -c %u /proc/self/fd/1 /proc/self/fd/2 | tr '\\n' ' '; "
               "echo again >/dev/stdout"),
           "1000 1000 again", "run");
}

#define STATE_OF_SIGNALS \
    "grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2 | tr '\\n' ' '"

Test(identity, no_signal_is_blocked_or_ignored)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int sig = 1; sig < 32; sig++)
        if (sig != SIGCHLD)
            signal(sig, SIG_IGN);
    signal(SIGALRM, SIG_DFL); /* the test's limit */
    EXPECT_BOTH(NONE NONE, STATE_OF_SIGNALS, "-e", "A=b");
}

/* ---- the kernel's files ---- */

/* moby's oci/defaults.go, by hand: this list is the point of the test. A machine that lacks one has
 * nothing to hide. */
#define MASKED                                                           \
    "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys "   \
    "/proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list " \
    "/proc/timer_stats /sys/devices/virtual/powercap /sys/firmware "
#define READ_ONLY "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"

/* A masked file is the null device, a masked directory is empty; neither can be written. */
#define LOOK_AT_MASKS                                                               \
    "for p in " MASKED "; do [ -e $p ] || continue; "                               \
    "if [ -d $p ]; then [ -z \"$(ls -A $p)\" ] || echo seen $p; "                   \
    "touch $p/x 2>/dev/null && echo made in $p; "                                   \
    "else [ \"$(stat -c %t:%T $p)\" = 1:3 ] || echo seen $p; fi; "                  \
    "grep \" $p \" /proc/mounts | grep -q '[ ,]ro[ ,]' || echo writable $p; done; " \
    "for p in " READ_ONLY "; do [ -e $p ] || continue; "                            \
    "grep \" $p \" /proc/mounts | grep -q '[ ,]ro[ ,]' || echo writable $p; done; " \
    "echo looked"

Test(identity, every_masked_and_read_only_path)
{
    EXPECT_BOTH("looked", LOOK_AT_MASKS, "-e", "A=b");
    EXPECT_BOTH("looked", LOOK_AT_MASKS, "--cap-add", "SYS_ADMIN");
}

/* Options of a mount as the kernel shows them, without those that depend on the machine. */
#define FLAGS_OF(target) \
    "grep ' " target " ' /proc/self/mountinfo | cut -d' ' -f6 | tail -n1; "

Test(identity, each_mount_has_all_its_flags)
{
    EXPECT_BOTH("rw,nosuid,nodev,noexec,relatime\nro,nosuid,nodev,noexec,relatime\n"
                "rw,nosuid\nrw,nosuid,noexec,relatime\nrw,nosuid,nodev,noexec,relatime\n"
                "rw,nosuid,nodev,noexec,relatime",
                FLAGS_OF("/proc") FLAGS_OF("/sys") FLAGS_OF("/dev") FLAGS_OF("/dev/pts")
                    FLAGS_OF("/dev/shm") FLAGS_OF("/dev/mqueue"),
                "-e", "A=b");
    EXPECT_BOTH("1777 755\ngid=5,mode=620,ptmxmode=666",
                "echo $(stat -c %a /dev/shm /dev); "
                "grep ' /dev/pts ' /proc/mounts | grep -o 'gid=5.*666'",
                "-e", "A=b");
    EXPECT_BOTH("rw,nosuid,nodev,noexec,relatime", FLAGS_OF("/t"), "--tmpfs", "/t");
}

/* Of the host's devices the group of a v1 hierarchy lets through these and no others. */
static const char DEVICES[] =
    "b *:* m\nc *:* m\nc 136:* rwm\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\n"
    "c 1:9 rwm\nc 5:0 rwm\nc 5:1 rwm\nc 5:2 rwm\n";

Test(identity, the_devices_that_are_let_through)
{
    auto_free char *id = ASK(&s, "run", "-d", "busybox", "sleep", "1000");
    char command[256], text[1024] = "";
    snprintf(
        command, sizeof(command),
        "LC_ALL=C sort /sys/fs/cgroup/devices/mytop-docker/%.64s/devices.list 2>/dev/null",
        id);
    FILE *f = popen(command, "re");
    cr_assert_not_null(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    pclose(f);
    if (n == 0)
        cr_skip("no devices of cgroup v1 here");
    cr_expect_str_eq(text, DEVICES);
}
