/* What a container sees and may do: its own file system, devices, namespaces, limits. Each
 * test asks from inside. Needs root. */

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

TestSuite(confined, .init = set_up, .fini = tear_down, .timeout = 60);

#define INSIDE(...) ASK(&s, "run", "--rm", __VA_ARGS__)
#define SH(script) INSIDE("busybox", "sh", "-c", script)

static void expect_inside(const char *script, const char *want)
{
    char *got = SH(script);
    cr_expect_str_eq(got, want, "%s\n  said: %s\n  want: %s", script, got, want);
    free(got);
}

Test(confined, is_pid_1_with_its_own_proc)
{
    expect_inside("echo $$; [ $(ls -d /proc/[0-9]* | wc -l) -lt 6 ] && echo few",
                  "1\nfew");
}

Test(confined, has_only_its_descriptors)
{
    expect_inside("ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 ");
}

Test(confined, has_the_devices_and_no_others)
{
    expect_inside("cd /dev; echo *",
                  "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty "
                  "urandom zero");
    expect_inside("stat -c %t:%T:%a /dev/null /dev/zero /dev/tty | tr '\\n' ' '",
                  "1:3:666 1:5:666 5:0:666 ");
}

Test(confined, mounts_have_dockers_flags)
{
    expect_inside("grep -c ' /proc proc rw,nosuid,nodev,noexec' /proc/mounts", "1");
    expect_inside("grep -c ' /sys sysfs ro,nosuid,nodev,noexec' /proc/mounts", "1");
    expect_inside("grep -c ' /dev/shm tmpfs rw,nosuid,nodev,noexec' /proc/mounts", "1");
    expect_inside("grep ' /sys/fs/cgroup' /proc/mounts | grep -vc '[ ,]ro,'; true", "0");
}

Test(confined, sees_only_its_own_cgroup)
{
    expect_inside("cut -d: -f3 /proc/self/cgroup | grep -v '^/$' | wc -l", "0");
}

Test(confined, cgroup_mounts_hold_its_own_processes_only)
{
    expect_inside(
        "cat /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs 2>/dev/null | "
        "grep -cx 0; grep -c . /sys/fs/cgroup/pids/cgroup.procs >/dev/null || "
        "grep -c . /sys/fs/cgroup/cgroup.procs >/dev/null; echo $?",
        "0\n0");
}

Test(confined, nothing_of_the_host_is_mounted)
{
    char script[256];
    snprintf(script, sizeof(script), "ls %s 2>/dev/null | wc -l", s.dir.path);
    expect_inside(script, "0");
    expect_inside("ls /proc/1/root/ | grep -c '^bin$'", "1");
}

Test(confined, kernel_files_are_masked_or_read_only)
{
    expect_inside("wc -c </proc/kcore 2>/dev/null || echo 0", "0");
    expect_inside("ls /sys/firmware | wc -l", "0");
    expect_inside("echo x >/proc/sys/kernel/hostname; echo $?", "1");
    expect_inside("echo b >/proc/sysrq-trigger; echo $?", "1");
}

Test(confined, capabilities_are_dockers)
{
    expect_inside("grep Cap /proc/self/status | cut -f2 | tr '\\n' ' '",
                  "0000000000000000 00000000a80425fb 00000000a80425fb 00000000a80425fb "
                  "0000000000000000 ");
}

Test(confined, a_read_only_volume_cannot_be_remounted)
{
    char volume[128];
    tempdir_put(&s.dir, "vol/file", "kept");
    snprintf(volume, sizeof(volume), "%s/vol:/v:ro", s.dir.path);
    char *got = INSIDE("-v", volume, "busybox", "sh", "-c",
                       "cat /v/file; echo x >/v/file; mount -o remount,rw /v; "
                       "echo x >/v/file; cat /v/file");
    cr_expect_str_eq(got, "keptkept");
    free(got);
}

Test(confined, a_volume_is_written_through)
{
    char volume[128], path[128], text[8] = "";
    tempdir_put(&s.dir, "vol/old", "x");
    snprintf(volume, sizeof(volume), "%s/vol:/v", s.dir.path);
    free(INSIDE("-v", volume, "busybox", "sh", "-c", "echo new >/v/made"));
    snprintf(path, sizeof(path), "%s/vol/made", s.dir.path);
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f);
    cr_expect_not_null(fgets(text, sizeof(text), f));
    fclose(f);
    cr_expect_str_eq(text, "new\n");
}

Test(confined, read_only_root_and_tmpfs)
{
    char *got = INSIDE("--read-only", "--tmpfs", "/t:size=1m", "busybox", "sh", "-c",
                       "touch /x; echo $?; touch /t/x; echo $?");
    cr_expect_str_eq(got, "1\n0");
    free(got);
}

/* As podman has them; the user's own mount there is kept, and without the option there are none. */
Test(confined, read_only_root_with_tmpfs_where_programs_write)
{
    static const char SCRIPT[] =
        "for d in /run /tmp /var/tmp; do "
        "touch $d/x 2>/dev/null && stat -c %a $d; done; touch /x";
    auto_done(outcome_done) struct outcome with =
        RUN(&s, "run", "--rm", "--read-only", "--read-only-tmpfs", "--tmpfs",
            "/run:mode=700", "busybox", "sh", "-c", SCRIPT);
    cr_expect_str_eq(with.out, "700\n1777\n1777\n", "%s", with.err);
    cr_expect_eq(with.status, 1);
    auto_done(outcome_done) struct outcome off =
        RUN(&s, "run", "--rm", "--read-only", "--read-only-tmpfs=false", "busybox", "sh",
            "-c", SCRIPT);
    cr_expect_str_eq(off.out, "");
    auto_done(outcome_done) struct outcome alone =
        RUN(&s, "run", "--rm", "--read-only-tmpfs", "busybox", "sh", "-c",
            "grep -c ' /tmp ' /proc/mounts; touch /x");
    cr_expect_str_eq(alone.out, "0\n");
}

Test(confined, limits_are_in_force_for_the_first_instruction)
{
    char *got =
        INSIDE("-m", "64m", "--pids-limit", "33", "--cpus", "0.5", "busybox", "sh", "-c",
               "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max "
               "2>/dev/null; cat pids/pids.max pids.max 2>/dev/null; true");
    cr_expect_str_eq(got, "67108864\n33");
    free(got);
}

Test(confined, out_of_memory_is_137_and_recorded)
{
    struct outcome o = RUN(&s, "run", "--name", "x", "-m", "16m", "busybox", "sh", "-c",
                           "exec tail /dev/zero");
    cr_expect_eq(o.status, 137, "%d %s", o.status, o.err);
    char *oom = ASK(&s, "inspect", "--format", "{{.State.OOMKilled}}", "x");
    cr_expect_str_eq(oom, "true");
    free(oom);
    outcome_done(&o);
}

Test(confined, umask_is_022)
{
    expect_inside("umask", "0022");
}

Test(confined, hostname_hosts_and_environment)
{
    char *got = INSIDE("-h", "box", "-e", "A=b c", "busybox", "sh", "-c",
                       "hostname; cat /etc/hostname; head -n1 /etc/hosts; env | sort");
    cr_expect_str_eq(got,
                     "box\nbox\n127.0.0.1\tlocalhost\nA=b c\nHOME=/root\nHOSTNAME=box\n"
                     "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                     "PWD=/\nSHLVL=1");
    free(got);
}

/* With ids of its own, their owner is the root inside. */
Test(confined, has_dockers_mark_and_mtab)
{
    static const char *const HOW[][2] = {
        {"--userns", "host"}, {"--read-only", "--init"}, {"--userns", "auto"}};
    for (size_t i = 0; i < sizeof(HOW) / sizeof(HOW[0]); i++) {
        if (strcmp(HOW[i][1], "auto") == 0 && !state_maps_ids(&s))
            cr_skip("needs mapped mounts of this file system");
        auto_free char *got =
            INSIDE(HOW[i][0], HOW[i][1], "busybox", "sh", "-c",
                   "stat -c '%F %a %u %g' /.dockerenv; stat -c '%N %u' /etc/mtab; "
                   "grep -c ' / overlay ' /etc/mtab");
        cr_expect_str_eq(got,
                         "regular empty file 755 0 0\n'/etc/mtab' -> '/proc/mounts' 0\n1",
                         "%s %s: %s", HOW[i][0], HOW[i][1], got);
    }
}

/* What it removed stays removed, and a volume over /etc is the user's. */
Test(confined, dockers_mark_and_mtab_are_made_once)
{
    EXPECT_OUTPUT(&s, 0, "/.dockerenv\n/etc/mtab\n", "run", "--name", "box", "busybox",
                  "sh", "-c",
                  "ls -d /.dockerenv /etc/mtab; rm -f /.dockerenv /etc/mtab; true");
    auto_done(outcome_done) struct outcome again = RUN(&s, "start", "-a", "box");
    cr_expect_str_eq(again.out, "");
    cr_expect_eq(again.status, 0);
    EXPECT_OUTPUT(&s, 0, "", "diff", "box");
    free(INSIDE("-v", "keep:/etc", "busybox", "true"));
    auto_free char *got = INSIDE("-v", "keep:/v", "busybox", "sh", "-c",
                                 "ls -d /v/mtab 2>/dev/null; echo looked");
    cr_expect_str_eq(got, "looked");
}

Test(confined, network_none_has_only_loopback)
{
    expect_inside("ls /sys/class/net; ping -c1 -W1 127.0.0.1 >/dev/null; echo $?",
                  "lo\n0");
}

Test(confined, init_reaps_and_passes_the_status_on)
{
    char *got = INSIDE("--init", "busybox", "sh", "-c", "cat /proc/1/comm; echo $$");
    cr_expect_str_eq(got, "mtd:reaper\n2");
    free(got);
    struct outcome o = RUN(&s, "run", "--rm", "--init", "busybox", "sh", "-c", "exit 9");
    cr_expect_eq(o.status, 9);
    outcome_done(&o);
}

Test(confined, our_program_cannot_be_opened_for_writing)
{
    char *got = INSIDE("--init", "busybox", "sh", "-c",
                       "echo x 2>/dev/null >/proc/1/exe; echo $?; echo x 2>/dev/null "
                       ">/dev/init; echo $?");
    cr_expect_str_eq(got, "1\n1");
    free(got);
}

Test(confined, a_working_directory_outside_is_refused)
{
    for (int fd = 3; fd < 12; fd++) {
        char cwd[32];
        snprintf(cwd, sizeof(cwd), "/proc/self/fd/%d", fd);
        struct outcome o = RUN(&s, "run", "--rm", "-w", cwd, "busybox", "ls");
        cr_expect_neq(o.status, 0, "%s: %s", cwd, o.out);
        outcome_done(&o);
    }
}

/* ---- the caller's shell ------------------------------------------------------------------- */

#define SURROUNDINGS                                                                    \
    "ulimit -S -a; cat /proc/self/oom_score_adj /proc/self/personality; umask; "        \
    "cut -d' ' -f18,19,41 /proc/1/stat /proc/self/stat; cat /proc/self/timerslack_ns; " \
    "grep -E '^(Cpus_allowed_list|SigBlk|SigIgn)' /proc/self/status; env; pwd"

/* Soft limits, because without CAP_SYS_RESOURCE, as on some machines these tests run on, a
 * lower hard limit is for good. */
static void lower_limit(int resource, rlim_t soft)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(resource, &limit), 0);
    limit.rlim_cur = soft;
    cr_assert_eq(setrlimit(resource, &limit), 0);
}

/* What a shell may hand on to what it runs, all of it unusual. */
static void be_an_odd_caller(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    lower_limit(RLIMIT_NOFILE, 100);
    lower_limit(RLIMIT_CORE, 4096);
    lower_limit(RLIMIT_FSIZE, 20480);
    lower_limit(RLIMIT_MEMLOCK, 0);
    lower_limit(RLIMIT_SIGPENDING, 5);
    lower_limit(RLIMIT_STACK, 1 << 20);
    lower_limit(RLIMIT_CPU, 1000);
    lower_limit(RLIMIT_NPROC, 5000);
    auto_file FILE *oom = fopen("/proc/self/oom_score_adj", "we");
    cr_assert(oom && fputs("500", oom) > 0 && fflush(oom) == 0);
    cr_assert_eq(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}), 0);
    cr_assert_eq(setpriority(PRIO_PROCESS, 0, 7), 0);
    cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    cr_assert_eq(prctl(PR_SET_TIMERSLACK, 1000000, 0, 0, 0), 0);
    cr_assert_neq(personality(ADDR_NO_RANDOMIZE), -1);
    umask(0);
    setenv("ODD", "1", 1);
}

/* docker: the daemon's values, whoever calls. */
Test(confined, nothing_of_the_callers_shell_gets_in)
{
    free(ASK(&s, "run", "-d", "--name", "c", "busybox", "sleep", "1000"));
    auto_free char *run = INSIDE("-h", "h", "busybox", "sh", "-c", SURROUNDINGS);
    auto_free char *exec = ASK(&s, "exec", "c", "sh", "-c", SURROUNDINGS);
    be_an_odd_caller();
    auto_free char *odd_run = INSIDE("-h", "h", "busybox", "sh", "-c", SURROUNDINGS);
    auto_free char *odd_exec = ASK(&s, "exec", "c", "sh", "-c", SURROUNDINGS);
    free(ASK(&s, "restart", "-t", "0", "c"));
    auto_free char *after = ASK(&s, "exec", "c", "cat", "/proc/1/limits");
    cr_expect_str_eq(odd_run, run);
    cr_expect_str_eq(odd_exec, exec);
    cr_expect_null(strstr(after, " 100 "), "restart: %s", after);
}

Test(confined, the_defaults_are_those_of_dockers_unit)
{
    struct rlimit files;
    char want[160];
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    bool may = prctl(PR_CAPBSET_READ, 24 /* CAP_SYS_RESOURCE */, 0, 0, 0) == 1;
    lower_limit(RLIMIT_NOFILE, 100);
    snprintf(want, sizeof(want), "%lu 8192 unlimited unlimited\n0\n20 0",
             may || files.rlim_max > 1 << 20 ? 1UL << 20 : (unsigned long)files.rlim_max);
    expect_inside("echo $(ulimit -n) $(ulimit -s) $(ulimit -f) $(ulimit -v); "
                  "cat /proc/self/oom_score_adj; cut -d' ' -f18,19 /proc/1/stat",
                  want);
    auto_free char *own =
        INSIDE("--ulimit", "nofile=64:64", "busybox", "sh", "-c", "ulimit -n");
    cr_expect_str_eq(own, "64");
}

static int run_ignoring_children(const char *const args[])
{
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = state_spawn(&s, args);
    signal(SIGCHLD, SIG_DFL); /* long before it ends */
    return state_reap(pid);
}
#define IGNORING(...) run_ignoring_children((const char *const[]){__VA_ARGS__, NULL})

/* An ignored SIGCHLD is inherited, too, and the kernel then keeps no exit status. */
Test(confined, a_caller_that_ignores_sigchld_gets_the_status)
{
    cr_expect_eq(IGNORING("run", "--rm", "busybox", "sh", "-c", "exit 7"), 7);
    cr_expect_eq(IGNORING("run", "-d", "--name", "a", "busybox", "sleep", "1000"), 0);
    cr_expect_eq(IGNORING("run", "-d", "--name", "b", "busybox", "sleep", "1000"), 0);
    cr_expect_eq(IGNORING("exec", "a", "sh", "-c", "exit 7"), 7);
    cr_expect_eq(IGNORING("stop", "-t", "0", "a", "b"), 0);
}

/* SIGXFSZ would kill the front end between the container's directory and its name. Where the
 * limit cannot be raised, it is an error that leaves nothing. */
Test(confined, a_callers_limit_of_file_sizes_is_not_the_engines)
{
    lower_limit(RLIMIT_FSIZE, 20480);
    free(SH("dd if=/dev/zero of=/big bs=64k count=2 2>/dev/null"));
    struct rlimit hard = {1000, 1000};
    (void)prctl(PR_CAPBSET_DROP, 24 /* CAP_SYS_RESOURCE */, 0, 0, 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &hard), 0);
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "create", "--name", "x", "busybox");
    cr_expect(o.status == 0 || o.status == 1, "status %d: %s", o.status, o.err);
    cr_expect(o.status == 0 || strstr(o.err, "File too large"), "%s", o.err);
    auto_free char *left = ASK(&s, "ps", "-a", "--format", "{{.Names}}");
    cr_expect_str_eq(left, o.status == 0 ? "x" : "");
}
