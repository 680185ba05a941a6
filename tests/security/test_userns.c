/* A container with ids of its own: what they are outside, that files have the ones that it sees,
 * and that the host's are out of its reach. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define FIRST "100000"
#define RANGE "0:" FIRST ":65536"

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

TestSuite(userns, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_text(char *got, const char *want)
{
    cr_expect_str_eq(got, want, "said: %s\nwant: %s", got, want);
    free(got);
}

#define INSIDE(want, ...) \
    expect_text(ASK(&s, "run", "--rm", "--userns", RANGE, __VA_ARGS__), want)

static void start(const char *name, const char *range)
{
    free(ASK(&s, "run", "-d", "--name", name, "--userns", range, "busybox", "sleep",
             "1000"));
}

/* A file of /proc/PID of the container's pid 1, as the host sees it. */
static char *of_pid_1(const char *name, const char *file)
{
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", name);
    char path[64];
    struct buf text = {0};
    snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
    cr_assert_eq(fs_read_at(AT_FDCWD, path, 65536, &text), 0, "%s", path);
    return text.data;
}

Test(userns, the_map_and_the_ids_are_those_asked_for)
{
    start("x", RANGE);
    auto_free char *map = of_pid_1("x", "uid_map"), *groups = of_pid_1("x", "gid_map"),
                   *status = of_pid_1("x", "status");
    unsigned long long inside, host, count;
    cr_expect_eq(sscanf(map, "%llu %llu %llu", &inside, &host, &count), 3);
    cr_expect(inside == 0 && host == 100000 && count == 65536, "%s", map);
    cr_expect_str_eq(map, groups);
    cr_expect(strstr(status, "Uid:\t" FIRST "\t" FIRST "\t" FIRST "\t" FIRST), "%s",
              status);
    cr_expect(strstr(status, "Gid:\t" FIRST "\t" FIRST "\t" FIRST "\t" FIRST), "%s",
              status);
    expect_text(ASK(&s, "inspect", "-f",
                    "{{.HostConfig.UsernsMode}} {{json .HostConfig.IDMappings}}", "x"),
                "private {\"UidMap\":[\"" RANGE "\"],\"GidMap\":[\"" RANGE "\"]}");
}

Test(userns, run_and_exec_are_root_inside)
{
    INSIDE("0 0\n65536", "busybox", "sh", "-c",
           "echo $(id -u) $(id -g); awk '{print $3}' /proc/self/uid_map");
    start("x", RANGE);
    expect_text(ASK(&s, "exec", "x", "id", "-u"), "0");
    expect_text(ASK(&s, "exec", "-u", "5:6", "x", "sh", "-c", "id -u; id -g"), "5\n6");
}

/* What a start makes belongs to the container's root, down to the files that are its streams. */
Test(userns, what_a_start_makes_is_of_the_containers_root)
{
    INSIDE("0:0 /\n0:0 /dev\n0:0 /dev/null\n0:0 /dev/pts\n0:0 /dev/shm\n0:0 /dev/mqueue\n"
           "0:0 /etc/hosts\n0:0 /etc/passwd\n0:0 /sys/fs/cgroup\nwritten",
           "busybox", "sh", "-c",
           "stat -c '%u:%g %n' / /dev /dev/null /dev/pts /dev/shm /dev/mqueue /etc/hosts "
           "/etc/passwd /sys/fs/cgroup; echo x >> /etc/hosts; echo x > /dev/null; "
           "echo written > /dev/stdout");
    INSIDE("written", "-u", "7", "busybox", "sh", "-c", "echo written > /dev/stdout");
    start("x", RANGE);
    expect_text(ASK(&s, "exec", "x", "sh", "-c", "echo written > /dev/stdout"),
                "written");
    expect_text(ASK(&s, "exec", "-u", "7", "x", "sh", "-c", "echo written > /dev/stdout"),
                "written");
}

Test(userns, namespaces_are_its_own)
{
    INSIDE("web\n77\n12345\nup", "-h", "web", "--sysctl", "net.core.somaxconn=77",
           "--sysctl", "kernel.shmmax=12345", "busybox", "sh", "-c",
           "hostname; cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmax; "
           "ip addr show lo | grep -q LOOPBACK,UP && echo up");
}

Test(userns, bad_maps_start_nothing)
{
    static const struct {
        const char *first, *second, *says;
    } BAD[] = {
        {"nonsense", NULL, "neither host, auto"},
        {"0:1", NULL, "neither host, auto"},
        {"0:1:0", NULL, "COUNT is at least 1"},
        {"0:1:4294967296", NULL, "ids end at 4294967294"},
        {"0:4294967290:6", NULL, "ids end at 4294967294"},
        {"1:100000:5", NULL, "none for the container's id 0"},
        {"0:100000:5", "4:200000:5", "overlap"},
        {"0:100000:5", "5:100004:5", "overlap"},
        {"auto:size=0", NULL, "auto:size=COUNT"},
        {"keep", NULL, "run by root"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "run", "--userns", BAD[i].first, "--userns",
                BAD[i].second ? BAD[i].second : "", "busybox", "true");
        cr_expect_eq(o.status, 125, "%s: %d", BAD[i].first, o.status);
        cr_expect(strstr(o.err, BAD[i].says), "%s: %s", BAD[i].first, o.err);
        cr_expect_eq(strchr(o.err, '\n'), o.err + strlen(o.err) - 1, "%s", o.err);
    }
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--privileged", "--userns", RANGE, "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "incompatible with user namespaces"), "%s", o.err);
    expect_text(ASK(&s, "ps", "-aq"), "");
    cr_expect_str_empty(state_leftovers(&s, false));
}
