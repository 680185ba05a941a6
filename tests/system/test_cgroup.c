/* cgroup and stats on the real kernel: limits that bite, freezing, killing what forks, nothing
 * left. Needs root and writable hierarchies. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/sys.h"
#include "engine/cgroup/cgroup.h"
#include "engine/cgroup/internal.h"
#include "engine/cgroup/stats.h"
#include "engine/grant.h"

static struct cgroup host, group;
static char id[32];
static volatile long *shared; /* the children's words to the test */
static struct mtd_error err;

/* v1_only: as if the host had no v2 tree. */
static void make(bool v1_only)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    cr_assert_eq(cgroup_discover(&host, "/proc", &err), 0, "%s", err.text);
    if (v1_only && strcmp(cgroup_version(&host), "2") == 0)
        cr_skip_test("no v1 hierarchies here");
    for (size_t i = 0; v1_only && i < host.n; i++)
        if (host.dirs[i].v2) {
            free(host.dirs[i].path);
            memmove(&host.dirs[i], &host.dirs[i + 1],
                    (host.n - i - 1) * sizeof(host.dirs[0]));
            host.n--;
        }
    for (size_t i = 0; v1_only && i < host.n; i++) {
        if (strstr(host.dirs[i].names, "freezer"))
            host.dirs[i].controllers |= 1u << CGROUP_FREEZER;
        if (strstr(host.dirs[i].names, "cpuacct"))
            host.dirs[i].controllers |= 1u << CGROUP_CPUACCT;
    }
    snprintf(id, sizeof(id), "test%d", (int)getpid());
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int code = cgroup_create(&group, &host, id, &err);
    if (code == -EROFS || code == -EACCES)
        cr_skip_test("the hierarchies are not writable");
    cr_assert_eq(code, 0, "%s", err.text);
}

static void setup(void)
{
    make(false);
}

static void expect_nothing_left(void)
{
    for (size_t i = 0; i < host.n; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/mytop-docker/%s", host.dirs[i].path, id);
        cr_expect_neq(access(path, F_OK), 0, "%s is left", path);
    }
}

static void teardown(void)
{
    if (group.n == 0)
        return;
    cgroup_kill(&group, NULL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    cr_expect_eq(cgroup_destroy(&group, &err), 0, "%s", err.text);
    expect_nothing_left();
    cgroup_done(&group);
    cgroup_remove_parents(&host);
    cgroup_done(&host);
}

TestSuite(cgroup, .init = setup, .fini = teardown, .timeout = 60);

/* A child in the group by the way a container takes: cloned into v2's, entering the others. */
static pid_t start(void (*body)(void))
{
    int fd = cgroup_clone_fd(&group);
    struct clone_args args = {.exit_signal = SIGCHLD,
                              .flags = fd >= 0 ? CLONE_INTO_CGROUP : 0,
                              .cgroup = fd >= 0 ? (uint64_t)fd : 0};
    pid_t pid = sys_clone3(&args, sizeof(args));
    cr_assert_geq(pid, 0, "clone3: %s", strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (cgroup_enter(&group, fd < 0, NULL) < 0)
            _exit(99);
        shared[8] = 1;
        body();
        _exit(0);
    }
    siginfo_t ended = {0};
    while (shared[8] == 0 && ended.si_pid == 0) {
        waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT);
        sched_yield();
    }
    shared[8] = 0;
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void limit(struct mtd_resources r)
{
    int code = cgroup_limit(&group, &r, &err);
    if (code == -EOPNOTSUPP)
        cr_skip_test("%s", err.text);
    cr_assert_eq(code, 0, "%s", err.text);
}

static bool wait_until(bool (*condition)(void))
{
    int64_t deadline = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    bool met;
    while (!(met = condition()) && clock_mono_ns() < deadline)
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    return met;
}

static void count_up(void)
{
    for (;;) {
        shared[0]++;
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
}

static bool counts(void)
{
    long before = shared[0];
    nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    return shared[0] != before;
}

/* ---- limits ----------------------------------------------------------------------------- */

static const struct mtd_spec PLAIN, PRIVILEGED = {.process.privileged = true};

Test(cgroup, the_kernel_shows_the_limits)
{
    struct mtd_stats s;
    limit((struct mtd_resources){.memory = 64 << 20, .pids = 20, .nano_cpus = 500000000});
    cr_assert_eq(stats_read(&group, 0, &s, NULL), 0);
    cr_expect_eq(s.memory_limit, 64 << 20);
    cr_expect_eq(s.pids_limit, 20);
    cr_expect_eq(s.pids, 0);
    limit((struct mtd_resources){.memory = 32 << 20, .pids = 10});
    cr_assert_eq(stats_read(&group, 0, &s, NULL), 0);
    cr_expect(s.memory_limit == 32 << 20 && s.pids_limit == 10);
    group.fresh = false;
    limit((struct mtd_resources){.memory = 256 << 20});
    cr_assert_eq(stats_read(&group, 0, &s, NULL), 0);
    cr_expect(s.memory_limit == 256 << 20 && s.pids_limit == MTD_STAT_NONE);
}

static void fork_to_the_limit(void)
{
    while (fork() > 0)
        shared[0]++;
    pause();
}

static bool ten_forked(void)
{
    return shared[0] >= 9;
}

Test(cgroup, pids_are_limited)
{
    limit((struct mtd_resources){.pids = 10});
    start(fork_to_the_limit);
    cr_expect(wait_until(ten_forked));
    pid_t *pids = NULL;
    int n = cgroup_pids(&group, &pids);
    cr_expect(n > 0 && n <= 10, "%d", n);
    free(pids);
}

static void eat_memory(void)
{
    for (int i = 0; i < 100; i++) {
        char *p = malloc(1 << 20);
        memset(p, 1, 1 << 20);
        shared[0]++;
    }
}

Test(cgroup, memory_is_limited_and_an_oom_kill_is_told)
{
    limit((struct mtd_resources){.memory = 16 << 20, .memory_swap = 16 << 20});
    cr_expect_eq(cgroup_oom_kills(&group), 0);
    cr_expect_eq(wait_for(start(eat_memory)), 128 + SIGKILL);
    cr_expect(shared[0] > 0 && shared[0] < 20, "%ld MB", shared[0]);
    cr_expect_eq(cgroup_oom_kills(&group), 1);
}

static void tell_cpus(void)
{
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    shared[0] = CPU_COUNT(&set);
    shared[1] = CPU_ISSET(0, &set);
}

Test(cgroup, a_cpuset_is_set_when_it_is_asked_for)
{
    limit((struct mtd_resources){.cpuset_cpus = "0"});
    cr_expect_eq(wait_for(start(tell_cpus)), 0);
    cr_expect(shared[0] == 1 && shared[1]);
    cr_expect_eq(
        cgroup_limit(&group, &(struct mtd_resources){.cpuset_cpus = "0-8000"}, &err),
        -EINVAL);
}

static void tell_cpus_later(void)
{
    while (shared[2] == 0)
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    tell_cpus();
}

Test(cgroup, a_cpuset_of_a_living_container_moves_its_processes)
{
    pid_t pid = start(tell_cpus_later);
    group.fresh = false;
    limit((struct mtd_resources){.cpuset_cpus = "0"});
    shared[2] = 1;
    cr_expect_eq(wait_for(pid), 0);
    cr_expect(shared[0] == 1 && shared[1]);
}

static void spin(void)
{
    for (;;)
        ;
}

static bool was_throttled(void)
{
    struct mtd_stats s;
    return stats_read(&group, 0, &s, NULL) == 0 && s.throttled_periods != MTD_STAT_NONE &&
           s.throttled_periods > 0 && s.throttled_ns > 0 && s.cpu_ns > 0;
}

Test(cgroup, cpu_time_is_limited_and_counted)
{
    limit((struct mtd_resources){.nano_cpus = 50000000});
    start(spin);
    cr_expect(wait_until(was_throttled));
}

/* ---- devices ---------------------------------------------------------------------------- */

static char node[64];

/* kmsg, which root may read: only a device list keeps it out. */
static void open_devices(void)
{
    shared[0] = open("/dev/zero", O_RDWR) >= 0 ? 0 : errno;
    shared[1] = mknod(node, S_IFCHR | 0600, makedev(1, 11)) == 0 ? 0 : errno;
    shared[2] = open(node, O_RDONLY | O_NONBLOCK) >= 0 ? 0 : errno;
    unlink(node);
}

static void expect_devices(int zero, int make_node, int kmsg)
{
    snprintf(node, sizeof(node), "/dev/mtd-test-%d", (int)getpid());
    cr_expect_eq(wait_for(start(open_devices)), 0);
    cr_expect_eq(shared[0], zero, "%s", strerror((int)shared[0]));
    cr_expect_eq(shared[1], make_node, "%s", strerror((int)shared[1]));
    cr_expect_eq(shared[2], kmsg, "%s", strerror((int)shared[2]));
}

Test(cgroup, only_listed_devices_open)
{
    expect_devices(0, 0, 0);
    cr_assert_eq(cgroup_devices(&group, &PLAIN, &err), 0, "%s", err.text);
    expect_devices(0, 0, EPERM);
}

Test(cgroup, a_privileged_container_has_every_device)
{
    cr_assert_eq(cgroup_devices(&group, &PRIVILEGED, &err), 0, "%s", err.text);
    expect_devices(0, 0, 0);
    group.fresh = false;
    cr_assert_eq(cgroup_devices(&group, &PLAIN, &err), 0, "%s", err.text);
    cr_assert_eq(cgroup_devices(&group, &PRIVILEGED, &err), 0, "%s", err.text);
    expect_devices(0, 0, 0);
}

/* The program for v2, which a hybrid host's v2 tree takes as well. */
Test(cgroup, the_v2_device_program_does_the_same)
{
    unsigned bit = 1u << CGROUP_DEVICES;
    size_t v2 = group.n;
    for (size_t i = 0; i < group.n; i++)
        v2 = group.dirs[i].v2 ? i : v2;
    if (v2 == group.n)
        cr_skip_test("no v2 tree here");
    for (size_t i = 0; i < group.n; i++)
        group.dirs[i].controllers &= ~bit;
    group.dirs[v2].controllers |= bit;
    cr_assert_eq(cgroup_devices(&group, &PLAIN, &err), 0, "%s", err.text);
    expect_devices(0, 0, EPERM);
    cr_assert_eq(cgroup_devices(&group, &PLAIN, &err), 0, "again: %s", err.text);
    expect_devices(0, 0, EPERM);
    group.fresh = false;
    cr_assert_eq(cgroup_devices(&group, &PRIVILEGED, &err), 0, "%s", err.text);
    expect_devices(0, 0, 0);
}

/* Of a rule each part counts: type, numbers, access. */
static void open_parts(void)
{
    shared[0] = open("/dev/full", O_RDONLY) >= 0 ? 0 : errno;
    shared[1] = open("/dev/full", O_WRONLY) >= 0 ? 0 : errno;
    shared[2] = open("/dev/zero", O_RDONLY) >= 0 ? 0 : errno;
    shared[3] = open(node, O_RDONLY) >= 0 ? 0 : errno; /* a block device of that number */
}

static void expect_parts(const char *rule, int read, int write, int other_minor)
{
    static struct mtd_device_rule one;
    cr_assert_eq(mtd_device_rule_parse(rule, &one, &err), 0, "%s", err.text);
    const struct cgroup_rules rules = {&one, 1};
    cr_assert_eq(cgroup_bpf_devices(cgroup_unified(&group)->fd, false, &rules), 0);
    cr_expect_eq(wait_for(start(open_parts)), 0);
    cr_expect_eq(shared[0], read, "%s: reading: %s", rule, strerror((int)shared[0]));
    cr_expect_eq(shared[1], write, "%s: writing: %s", rule, strerror((int)shared[1]));
    cr_expect_eq(shared[2], other_minor, "%s: another: %s", rule,
                 strerror((int)shared[2]));
    cr_expect_eq(shared[3], EPERM, "%s: block: %s", rule, strerror((int)shared[3]));
}

Test(cgroup, each_part_of_a_rule_counts_in_the_v2_program)
{
    if (!cgroup_unified(&group))
        cr_skip_test("no v2 tree here");
    snprintf(node, sizeof(node), "/dev/mtd-test-%d", (int)getpid());
    cr_assert_eq(mknod(node, S_IFBLK | 0600, makedev(1, 7)), 0);
    expect_parts("c 1:7 rm", 0, EPERM, EPERM);
    expect_parts("c 1:7 wm", EPERM, 0, EPERM);
    expect_parts("c 1:7 rwm", 0, 0, EPERM);
    expect_parts("c 1:* rwm", 0, 0, 0);
    expect_parts("c 9:7 rwm", EPERM, EPERM, EPERM);
    expect_parts("c *:5 r", EPERM, EPERM, 0);
    expect_parts("b 1:8 rwm", EPERM, EPERM, EPERM);
    unlink(node);
}

/* ---- freezing and killing, with the v2 tree and without --------------------------------- */

static void freeze_and_thaw(void)
{
    start(count_up);
    cr_expect(wait_until(counts));
    cr_expect_not(cgroup_is_frozen(&group));
    cr_assert_eq(cgroup_freeze(&group, true, &err), 0, "%s", err.text);
    cr_expect(cgroup_is_frozen(&group));
    cr_expect_not(counts());
    cr_assert_eq(cgroup_freeze(&group, false, &err), 0, "%s", err.text);
    cr_expect_not(cgroup_is_frozen(&group));
    cr_expect(wait_until(counts));
}

static void kill_frozen(void)
{
    pid_t pid = start(count_up);
    cr_assert_eq(cgroup_freeze(&group, true, NULL), 0);
    cr_assert_eq(cgroup_kill(&group, &err), 0, "%s", err.text);
    cr_expect_eq(wait_for(pid), 128 + SIGKILL);
}

/* Forks as fast as it can; those who cannot make room, so that no process is there for long. */
static void bomb(void)
{
    pid_t first = getpid();
    signal(SIGCHLD, SIG_IGN);
    for (int failed = 0; failed < 3 || getpid() == first;) {
        if (fork() < 0)
            failed++;
        else
            shared[0]++;
    }
}

static bool many_forks(void)
{
    return shared[0] > 100;
}

static void kill_bomb(void)
{
    pid_t *pids = NULL;
    limit((struct mtd_resources){.pids = 60});
    start(bomb);
    cr_expect(wait_until(many_forks));
    cr_assert_eq(cgroup_kill(&group, &err), 0, "%s", err.text);
    cr_expect_eq(cgroup_pids(&group, &pids), 0);
    free(pids);
}

Test(cgroup, frozen_stands_still)
{
    freeze_and_thaw();
}

Test(cgroup, the_frozen_can_be_killed)
{
    kill_frozen();
}

#ifdef MTD_FAULTS
static void leave_the_groups(pid_t pid)
{
    for (size_t i = 0; i < group.n; i++) {
        char path[512], text[16];
        if (group.dirs[i].fd < 0) /* made when a limit asks for it */
            continue;
        snprintf(path, sizeof(path), "%s/../../cgroup.procs", group.dirs[i].path);
        auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        int n = snprintf(text, sizeof(text), "%d", (int)pid);
        cr_assert(fd >= 0 && write(fd, text, (size_t)n) == n, "%s", path);
    }
}

/* As little as a process that got the number of one that was listed. */
Test(cgroup, who_has_left_is_not_signalled)
{
    int status;
    pid_t member = start(count_up);
    cr_expect(wait_until(counts));
    pid_t killer = fork();
    if (killer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("MTD_FAULT", "cgroup.signal:stop", 1);
        _exit(cgroup_signal_all(&group, SIGKILL, &err) == 0 ? 0 : 1);
    }
    cr_assert_eq(waitpid(killer, &status, WUNTRACED), killer);
    cr_assert(WIFSTOPPED(status));
    leave_the_groups(member);
    kill(killer, SIGCONT);
    cr_expect_eq(wait_for(killer), 0);
    cr_expect(wait_until(counts), "it was killed");
    kill(member, SIGKILL);
    wait_for(member);
}
#endif

Test(cgroup, a_fork_bomb_is_killed)
{
    kill_bomb();
}

static void setup_v1(void)
{
    make(true);
}

TestSuite(cgroup_v1, .init = setup_v1, .fini = teardown, .timeout = 60);

Test(cgroup_v1, frozen_stands_still)
{
    freeze_and_thaw();
}

Test(cgroup_v1, the_frozen_can_be_killed)
{
    kill_frozen();
}

Test(cgroup_v1, a_fork_bomb_is_killed)
{
    kill_bomb();
}

Test(cgroup_v1, cpu_time_is_limited_and_counted)
{
    limit((struct mtd_resources){.nano_cpus = 50000000});
    start(spin);
    cr_expect(wait_until(was_throttled));
}

/* ---- making and removing ---------------------------------------------------------------- */

Test(cgroup, a_signal_reaches_every_process)
{
    pid_t first = start(count_up), second = start(count_up);
    cr_assert_eq(cgroup_signal_all(&group, SIGTERM, NULL), 0);
    cr_expect_eq(wait_for(first), 128 + SIGTERM);
    cr_expect_eq(wait_for(second), 128 + SIGTERM);
}

Test(cgroup, a_process_can_be_moved_in_from_outside)
{
    pid_t pid = fork(), *pids = NULL;
    if (pid == 0)
        for (;;)
            pause();
    cr_assert_eq(cgroup_attach(&group, pid, true, &err), 0, "%s", err.text);
    cr_assert_eq(cgroup_pids(&group, &pids), 1);
    cr_expect_eq(pids[0], pid);
    free(pids);
}

static void end_soon(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 50 * NS_PER_MS}, NULL);
}

Test(cgroup, removal_waits_for_the_dying_and_takes_groups_below)
{
    for (size_t i = 0; i < group.n; i++)
        if (group.dirs[i].fd >= 0) {
            cr_assert_eq(mkdirat(group.dirs[i].fd, "a", 0755), 0);
            cr_assert_eq(mkdirat(group.dirs[i].fd, "a/b", 0755), 0);
            cr_assert_eq(mkdirat(group.dirs[i].fd, "c", 0755), 0);
        }
    start(end_soon);
    cr_expect_eq(cgroup_destroy(&group, &err), 0, "%s", err.text);
    expect_nothing_left();
}

Test(cgroup, a_leftover_is_made_anew_unless_it_is_in_use)
{
    struct cgroup second = {0};
    struct mtd_stats s;
    limit((struct mtd_resources){.pids = 5});
    cr_assert_eq(cgroup_create(&second, &host, id, &err), 0, "%s", err.text);
    cr_assert_eq(stats_read(&second, 0, &s, NULL), 0);
    cr_expect_eq(s.pids_limit, MTD_STAT_NONE);
    cgroup_done(&group);
    group = second;
    start(count_up);
    cr_expect_eq(cgroup_create(&second, &host, id, &err), -EBUSY);
    cr_expect(strstr(err.text, "still has processes of an earlier start"), "%s",
              err.text);
    cr_expect(wait_until(counts), "the one that runs is left alone");
}

Test(cgroup, a_record_finds_the_groups_again)
{
    auto_done(strv_done) struct strv lines = {0};
    struct cgroup again = {0};
    pid_t pid = start(count_up), *pids = NULL;
    cr_assert_eq(cgroup_describe(&group, &lines), 0);
    cr_assert_eq(cgroup_open(&again, &lines, &err), 0, "%s", err.text);
    cr_assert_eq(cgroup_pids(&again, &pids), 1);
    cr_expect_eq(pids[0], pid);
    free(pids);
    cr_assert_eq(cgroup_freeze(&again, true, &err), 0, "%s", err.text);
    cr_expect(cgroup_is_frozen(&group));
    cr_assert_eq(cgroup_freeze(&again, false, &err), 0, "%s", err.text);
    cgroup_done(&again);
}
