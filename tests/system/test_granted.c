/* What a container is given and limited to, read back from the kernel: from inside, and from
 * its groups. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../support/fields.h"
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

TestSuite(granted, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_text(char *got, const char *want)
{
    cr_expect_str_eq(got, want, "said: %s\nwant: %s", got, want);
    free(got);
}

#define EXPECT(want, ...) expect_text(ASK(&s, "run", "--rm", __VA_ARGS__), want)

Test(granted, score_groups_and_shared_memory)
{
    EXPECT("300\n0 10 77\n1024", "--oom-score-adj", "300", "--group-add", "77",
           "--group-add", "wheel", "--shm-size", "1m", "-u", "0:0", "busybox", "sh", "-c",
           "cat /proc/self/oom_score_adj; id -G | tr ' ' '\n' | sort -n | tr '\n' ' ' | "
           "sed 's/ $//'; echo; df -k /dev/shm | tail -1 | awk '{print $2}'");
}

Test(granted, exec_has_the_same_groups_and_score)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--oom-score-adj", "250", "--group-add",
             "77", "busybox", "sleep", "1000"));
    expect_text(ASK(&s, "exec", "x", "cat", "/proc/self/oom_score_adj"), "250");
    char *groups = ASK(&s, "exec", "x", "id", "-G");
    cr_expect(strstr(groups, "77"), "%s", groups);
    free(groups);
}

Test(granted, names_and_kernel_parameters)
{
    EXPECT("web.example.org\nexample.org\n77\n12345\nsearch a.b\noptions ndots:3", "-h",
           "web", "--domainname", "example.org", "--sysctl", "net.core.somaxconn=77",
           "--sysctl", "kernel.shmmax=12345", "--dns", "10.0.0.1", "--dns-search", "a.b",
           "--dns-option", "ndots:3", "busybox", "sh", "-c",
           "hostname; cat /proc/sys/kernel/domainname /proc/sys/net/core/somaxconn "
           "/proc/sys/kernel/shmmax; grep -E '^(search|options)' /etc/resolv.conf");
}

Test(granted, namespaces_of_the_host)
{
    char name[128] = "";
    cr_assert_eq(gethostname(name, sizeof(name) - 1), 0);
    EXPECT(name, "--uts", "host", "busybox", "hostname");
    EXPECT("seen", "--pid", "host", "busybox", "sh", "-c",
           "[ $$ -gt 1 ] && [ -d /proc/1 ] && [ $(ls -d /proc/[0-9]* | wc -l) -gt 5 ] && "
           "echo seen");
    EXPECT("0", "--ipc", "none", "busybox", "sh", "-c",
           "grep -c /dev/shm /proc/mounts; true");
    struct stat st;
    if (stat("/dev/shm", &st) == 0) {
        char want[32];
        snprintf(want, sizeof(want), "%lu", (unsigned long)st.st_ino);
        EXPECT(want, "--ipc", "host", "busybox", "stat", "-c", "%i", "/dev/shm");
    }
}

/* With the host's pids the end of the first process ends no other by itself. */
Test(granted, nothing_is_left_with_the_hosts_pids)
{
    EXPECT("done", "--init", "--pid", "host", "busybox", "sh", "-c",
           "sleep 1000 & echo done");
    cr_expect_str_eq(state_leftovers(&s, false), "");
}

Test(granted, a_device_and_no_other)
{
    char device[128];
    snprintf(device, sizeof(device), "%s/null:/dev/given:rw", s.dir.path);
    cr_assert_eq(mknodat(s.dir.fd, "null", S_IFCHR | 0640, makedev(1, 3)), 0);
    EXPECT("1:3:640\n0", "--device", device, "busybox", "sh", "-c",
           "stat -c %t:%T:%a /dev/given; echo x >/dev/given; echo $?");
    struct outcome o =
        RUN(&s, "run", "--rm", "--cap-add", "SYSLOG", "--device", "/dev/kmsg:/dev/k:r",
            "busybox", "sh", "-c", "[ -c /dev/k ] && (: </dev/k) && ! (: >/dev/k) 2>&1");
    cr_expect_eq(o.status, 0, "%s%s", o.out, o.err);
    outcome_done(&o);
}

Test(granted, a_rule_opens_what_it_names)
{
    EXPECT("no", "--cap-add", "SYSLOG", "busybox", "sh", "-c",
           "mknod /k c 1 11; (: </k) 2>/dev/null && echo yes || echo no");
    EXPECT("yes", "--cap-add", "SYSLOG", "--device-cgroup-rule", "c 1:11 r", "busybox",
           "sh", "-c", "mknod /k c 1 11; (: </k) && echo yes");
}

Test(granted, volumes_of_another_container)
{
    char volume[128];
    tempdir_put(&s.dir, "vol/file", "kept");
    snprintf(volume, sizeof(volume), "%s/vol:/v", s.dir.path);
    free(ASK(&s, "create", "--name", "x", "-v", volume, "-v", "/anonymous", "busybox"));
    EXPECT("kept\n1", "--volumes-from", "x:ro", "busybox", "sh", "-c",
           "cat /v/file; echo; touch /v/new 2>/dev/null; echo $?");
    EXPECT("here", "--volumes-from", "x", "busybox", "sh", "-c",
           "touch /v/new && [ -d /anonymous ] && echo here");
    EXPECT("0", "--volumes-from", "x", "--tmpfs", "/v", "busybox", "sh", "-c",
           "ls /v | wc -l");
    struct outcome o = RUN(&s, "run", "--rm", "--volumes-from", "nosuch", "busybox");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "nosuch"), "%s", o.err);
    outcome_done(&o);
}

/* As docker: it is removed with the last container that has it. */
Test(granted, an_anonymous_volume_outlives_its_first_container)
{
    free(ASK(&s, "run", "--name", "x", "-v", "/a", "busybox", "touch", "/a/kept"));
    free(ASK(&s, "create", "--name", "y", "--volumes-from", "x", "busybox", "ls", "/a"));
    cr_expect_eq(tempdir_count(s.dir.fd, "root/volumes"), 1);
    free(ASK(&s, "rm", "-v", "x"));
    expect_text(ASK(&s, "start", "-a", "y"), "kept");
    free(ASK(&s, "rm", "-v", "y"));
    cr_expect_eq(tempdir_count(s.dir.fd, "root/volumes"), 0);
}

/* ---- limits, in the container's groups ---- */

/* The group's file as the host has it, of v1 or else of v2; "" = there is none. */
static void read_limit(const char *name, const char *v1, const char *v2, char out[256])
{
    auto_free char *id = field(&s, name, "{{.Id}}");
    char path[512];
    const char *slash = strchr(v1, '/');
    snprintf(path, sizeof(path), "/sys/fs/cgroup/%.*s/mytop-docker/%s%s",
             (int)(slash - v1), v1, id, slash);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup/mytop-docker/%s/%s", id, v2);
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    ssize_t n = fd < 0 ? 0 : read(fd, out, 255);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static void expect_limit(const char *v1, const char *v2, const char *want_v1,
                         const char *want_v2)
{
    char text[256];
    read_limit("x", v1, v2, text);
    cr_expect(strcmp(text, want_v1) == 0 || strcmp(text, want_v2) == 0,
              "%s: \"%s\" is neither \"%s\" nor \"%s\"", v1, text, want_v1, want_v2);
}

Test(granted, limits_are_in_the_groups)
{
    free(ASK(&s, "run", "-d", "--name", "x", "-m", "64m", "--memory-reservation", "32m",
             "--cpu-period", "50000", "--cpu-quota", "20000", "--cpuset-mems", "0",
             "--cpuset-cpus", "0", "busybox", "sleep", "1000"));
    expect_limit("memory/memory.soft_limit_in_bytes", "memory.low", "33554432",
                 "33554432");
    expect_limit("cpu/cpu.cfs_period_us", "cpu.max", "50000", "20000 50000");
    expect_limit("cpu/cpu.cfs_quota_us", "cpu.max", "20000", "20000 50000");
    expect_limit("cpuset/cpuset.mems", "cpuset.mems", "0", "0");
}

/* Every limit that docker's update changes, on a running container. */
Test(granted, update_changes_every_limit)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    free(ASK(&s, "update", "-m", "64m", "--memory-swap", "96m", "--memory-reservation",
             "16m", "--cpu-period", "40000", "--cpu-quota", "30000", "--cpu-shares",
             "512", "--cpuset-cpus", "0", "--cpuset-mems", "0", "--pids-limit", "50",
             "--restart", "on-failure:3", "x"));
    expect_limit("memory/memory.limit_in_bytes", "memory.max", "67108864", "67108864");
    expect_limit("memory/memory.soft_limit_in_bytes", "memory.low", "16777216",
                 "16777216");
    expect_limit("cpu/cpu.cfs_quota_us", "cpu.max", "30000", "30000 40000");
    expect_limit("cpu/cpu.cfs_period_us", "cpu.max", "40000", "30000 40000");
    expect_limit("cpu/cpu.shares", "cpu.weight", "512", "59");
    expect_limit("cpuset/cpuset.cpus", "cpuset.cpus", "0", "0");
    expect_limit("pids/pids.max", "pids.max", "50", "50");
    auto_free char *now = field(
        &s, "x",
        "{{.HostConfig.CpuQuota}} {{.HostConfig.MemoryReservation}} "
        "{{.HostConfig.CpusetMems}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}");
    cr_expect_str_eq(now, "30000 16777216 0 3");
    free(ASK(&s, "update", "--cpu-quota", "-1", "x"));
    expect_limit("cpu/cpu.cfs_quota_us", "cpu.max", "-1", "max 40000");
    struct outcome o = RUN(&s, "update", "--cpus", "1", "x");
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.err, "conflicting options"), "%s", o.err);
    outcome_done(&o);
    free(ASK(&s, "update",
             "--cpuset-cpus=", "--restart=", "x")); /* nothing, and no error */
}

/* ---- what is said and goes on, what is not there ---- */

static void expect_said(struct outcome o, int status, const char *text)
{
    cr_expect_eq(o.status, status, "%d: %s", o.status, o.err);
    cr_expect(strstr(o.err, text), "\"%s\" is not in %s", text, o.err);
    outcome_done(&o);
}

Test(granted, what_has_no_effect_is_said_once)
{
    expect_said(RUN(&s, "run", "--rm", "--kernel-memory", "5m", "busybox", "true"), 0,
                "warning: --kernel-memory: ignored");
    expect_said(
        RUN(&s, "run", "--rm", "--network", "host", "-p", "80:80", "busybox", "true"), 0,
        "warning: --publish: published ports are discarded");
    struct outcome o =
        RUN(&s, "-H", "a", "-H", "b", "-D", "-c", "x", "--config", "/x", "ps");
    cr_expect_eq(o.status, 0);
    const char *first = strstr(o.err, "--host: ignored");
    cr_expect(first && !strstr(first + 1, "--host:"), "%s", o.err);
    cr_expect(strstr(o.err, "--config: ignored"), "%s", o.err);
    outcome_done(&o);
    expect_said(RUN(&s, "rmi", "-f", "nosuch"), 0, "nosuch");
    expect_said(RUN(&s, "rmi", "nosuch"), 1, "nosuch");
}

Test(granted, a_deleted_working_directory_is_told)
{
    char command[512];
    snprintf(command, sizeof(command),
             "mkdir %s/gone && cd %s/gone && rmdir %s/gone && %s --root %s/root "
             "--run-root %s/run run --rm -v ./x:/x busybox true 2>&1",
             s.dir.path, s.dir.path, s.dir.path, MTD_PROGRAM, s.dir.path, s.dir.path);
    char text[256] = "";
    FILE *f = popen(command, "r");
    cr_assert_not_null(f);
    cr_expect_not_null(fgets(text, sizeof(text), f));
    pclose(f);
    cr_expect(strstr(text, "the working directory was deleted"), "%s", text);
}

/* Written by an editor of another system: a byte order mark, and lines that end in CR LF. */
Test(granted, a_script_of_another_system)
{
    static const char SCRIPT[] =
        "\xef\xbb\xbf# first\r\ncreate --name x \\\r\n  busybox\r\n"
        "rename x 'y'\r\n";
    struct outcome o = state_run_input(&s, SCRIPT, sizeof(SCRIPT) - 1,
                                       (const char *const[]){"--batch", "-", NULL});
    cr_expect_eq(o.status, 0, "%s", o.err);
    outcome_done(&o);
    expect_text(ASK(&s, "ps", "-a", "--format", "{{.Names}}"), "y");
}

Test(granted, stop_takes_a_signal)
{
    struct running r = BEGIN(&s, "run", "--name", "x", "busybox", "sh", "-c",
                             "trap 'exit 42' USR1; trap 'exit 1' TERM; echo ready; "
                             "while :; do sleep 0.05; done");
    cr_assert(running_says(r.out, "ready"));
    free(ASK(&s, "stop", "-s", "USR1", "x"));
    struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 42);
    outcome_done(&o);
}
