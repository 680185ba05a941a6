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

/* Its ids, and whose they are outside: what is root in the host's namespace has the same ones. */
#define WHO "echo $(id -u) $(id -g) $(awk '{print $2}' /proc/self/uid_map)"

Test(userns, run_and_exec_are_root_inside)
{
    INSIDE("0 0\n65536", "busybox", "sh", "-c",
           "echo $(id -u) $(id -g); awk '{print $3}' /proc/self/uid_map");
    start("x", RANGE);
    expect_text(ASK(&s, "exec", "x", "sh", "-c", WHO), "0 0 100000");
    expect_text(ASK(&s, "exec", "-u", "5:6", "x", "sh", "-c", WHO), "5 6 100000");
    expect_text(ASK(&s, "exec", "--privileged", "x", "sh", "-c", WHO), "0 0 100000");
}

/* What a start makes belongs to the container's root, down to the files that are its streams. On v2
 * alone /sys/fs/cgroup is the group itself, which stays the host's. */
Test(userns, what_a_start_makes_is_of_the_containers_root)
{
    INSIDE(
        "0:0 /\n0:0 /dev\n0:0 /dev/null\n0:0 /dev/pts\n0:0 /dev/shm\n0:0 /dev/mqueue\n"
        "0:0 /etc/hosts\n0:0 /etc/passwd\n0:0 /sys/fs/cgroup\nwritten",
        "busybox", "sh", "-c",
        "stat -c '%u:%g %n' / /dev /dev/null /dev/pts /dev/shm /dev/mqueue /etc/hosts "
        "/etc/passwd; if [ -e /sys/fs/cgroup/cgroup.procs ]; then echo 0:0 /sys/fs/cgroup; "
        "else stat -c '%u:%g %n' /sys/fs/cgroup; fi; echo x >> /etc/hosts; echo x > /dev/null; "
        "echo written > /dev/stdout");
    INSIDE("written", "-u", "7", "busybox", "sh", "-c", "echo written > /dev/stdout");
    start("x", RANGE);
    expect_text(ASK(&s, "exec", "x", "sh", "-c", "echo written > /dev/stdout"),
                "written");
    expect_text(ASK(&s, "exec", "-u", "7", "x", "sh", "-c", "echo written > /dev/stdout"),
                "written");
}

Test(userns, limits_and_score)
{
    INSIDE("100\n50\n7", "--ulimit", "nofile=50:100", "--oom-score-adj", "7", "busybox",
           "sh", "-c", "ulimit -Hn; ulimit -n; cat /proc/self/oom_score_adj");
    free(ASK(&s, "run", "-d", "--name", "x", "--userns", RANGE, "--oom-score-adj", "7",
             "busybox", "sleep", "1000"));
    expect_text(ASK(&s, "exec", "x", "cat", "/proc/self/oom_score_adj"), "7");
}

Test(userns, an_id_outside_the_range_is_refused)
{
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "--userns", RANGE, "-u", "70000", "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "not among the ids that the container has"), "%s", o.err);
}

Test(userns, a_terminal_is_of_its_user)
{
    auto_free char *said = ASK(&s, "run", "--rm", "-d", "-t", "--name", "x", "-u", "7",
                               "--userns", RANGE, "busybox", "sleep", "1000");
    expect_text(ASK(&s, "exec", "x", "stat", "-c", "%u:%g", "/dev/pts/0", "/dev/console"),
                "7:5\n7:5");
    free(ASK(&s, "rm", "-f", "x"));
}

/* As without a namespace: programs read their limits there. */
Test(userns, its_groups_can_be_read_and_not_written)
{
    INSIDE(
        "read", "-m", "64m", "--cap-add", "ALL", "busybox", "sh", "-c",
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max "
        "2>/dev/null | grep -qx 67108864 && echo read; exec 2>/dev/null; "
        "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/x && echo made; done; true");
}

Test(userns, namespaces_are_its_own)
{
    INSIDE("web\n77\n12345\nup", "-h", "web", "--sysctl", "net.core.somaxconn=77",
           "--sysctl", "kernel.shmmax=12345", "busybox", "sh", "-c",
           "hostname; cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmax; "
           "ip addr show lo | grep -q LOOPBACK,UP && echo up");
}

/* What older kernels lack: refused where there is nothing else, joined one by one where there is. */
Test(userns, older_kernels)
{
    if (!program_is_static())
        cr_skip("needs a static program");
    start("x", RANGE);
    s.without = "setns.pidfd";
    expect_text(ASK(&s, "exec", "-u", "5", "x", "sh", "-c",
                    "id -u; cat /proc/self/uid_map "
                    "| awk '{print $2}'"),
                "5\n" FIRST);
    s.without = "mount_setattr";
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "--userns", RANGE, "busybox", "true");
    s.without = NULL;
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "this needs Linux 5.19 or newer"), "%s", o.err);
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
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

/* ---- ranges that are chosen ---- */

#define MANY 50

struct range {
    unsigned long long first, count;
};

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static struct range range_of(const char *name)
{
    struct range r = {0};
    auto_free char *map =
        ASK(&s, "inspect", "-f", "{{index .HostConfig.IDMappings.UidMap 0}}", name);
    cr_assert_eq(sscanf(map, "0:%llu:%llu", &r.first, &r.count), 2, "%s", map);
    return r;
}

Test(userns, creates_at_once_each_get_a_range_of_their_own)
{
    pid_t pids[MANY];
    char names[MANY][16];
    struct range got[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        pids[i] = SPAWN(&s, "create", "--name", names[i], "--userns",
                        i % 2 ? "auto" : "auto:size=1000", "busybox", "true");
    }
    for (int i = 0; i < MANY; i++)
        cr_expect_eq(state_reap(pids[i]), 0);
    for (int i = 0; i < MANY; i++)
        got[i] = range_of(names[i]);
    qsort(got, MANY, sizeof(got[0]), compare_ranges);
    for (int i = 1; i < MANY; i++)
        cr_expect_geq(got[i].first, got[i - 1].first + got[i - 1].count);
    for (int i = 0; i < MANY; i++)
        free(ASK(&s, "rm", names[i]));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* The range stays the container's over restarts, and is free when it is removed. */
Test(userns, a_range_goes_with_its_container)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--userns", "auto", "busybox", "sleep",
             "1000"));
    struct range first = range_of("x");
    auto_free char *before = of_pid_1("x", "uid_map");
    free(ASK(&s, "restart", "-t", "0", "x"));
    auto_free char *after = of_pid_1("x", "uid_map");
    cr_expect_str_eq(before, after);
    char text[64];
    snprintf(text, sizeof(text), "0:%llu:%llu", first.first, first.count);
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "--userns", text, "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "are those of container"), "%s", o.err);
    free(ASK(&s, "rm", "-f", "x"));
    free(ASK(&s, "run", "--rm", "--userns", text, "busybox", "true"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* ---- the default ---- */

/* A config file for the commands of this test; they inherit the variable. */
static void configure(const char *text)
{
    tempdir_configure(s.dir.path, text);
}

Test(userns, auto_can_be_the_default)
{
    configure("userns = auto:size=70000\n");
    expect_text(
        ASK(&s, "run", "--rm", "busybox", "awk", "{print $1, $3}", "/proc/self/uid_map"),
        "0 70000");
    expect_text(ASK(&s, "run", "--rm", "--userns", "host", "busybox", "awk", "{print $3}",
                    "/proc/self/uid_map"),
                "4294967295");
    auto_free char *said = ASK(&s, "info", "-f", "{{.SecurityOptions}}");
    cr_expect(strstr(said, "name=userns"), "%s", said);
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "--privileged", "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "(--userns host)"), "%s", o.err);
}

/* To ignore a wrong line of this name would be to run with the host's ids. */
Test(userns, a_wrong_default_is_no_default)
{
    configure("userns = atuo\n");
    auto_done(outcome_done) struct outcome o = RUN(&s, "run", "--rm", "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "host is not taken for it"), "%s", o.err);
    free(ASK(&s, "run", "--rm", "--userns", "host", "busybox", "true"));
    auto_free char *said = ASK(&s, "info", "-f", "{{.SecurityOptions}}");
    cr_expect_null(strstr(said, "name=userns"), "%s", said);
}

#ifdef MTD_FAULTS

/* A killed create leaves no claim, nor does a killed rm: the next command sweeps. */
Test(userns, claims_of_killed_commands_are_swept)
{
    static const char *const CREATES[] = {"store.create.userns", "store.create.record",
                                          "store.create.name", "store.create.publish"};
    static const char *const REMOVES[] = {"store.remove.rename", "store.remove.name",
                                          "store.remove.run", "store.remove.delete"};
    char fault[64];
    for (size_t i = 0; i < ARRAY_SIZE(CREATES); i++) {
        snprintf(fault, sizeof(fault), "%s:kill", CREATES[i]);
        s.fault = fault;
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "create", "--userns", "auto", "busybox");
        s.fault = NULL;
        cr_expect_eq(o.status, 128 + 9, "%s: %d %s", fault, o.status, o.err);
        free(ASK(&s, "ps", "-a"));
        cr_expect_str_empty(state_leftovers(&s, false), "%s", fault);
        s.fault = CREATES[i];
        auto_done(outcome_done) struct outcome failed =
            RUN(&s, "create", "--userns", "auto", "busybox");
        s.fault = NULL;
        cr_expect_eq(failed.status, 1, "%s: %d %s", fault, failed.status, failed.err);
        cr_expect_str_empty(state_leftovers(&s, false), "%s", CREATES[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(REMOVES); i++) {
        free(ASK(&s, "create", "--name", "x", "--userns", "auto", "busybox"));
        snprintf(fault, sizeof(fault), "%s:kill", REMOVES[i]);
        s.fault = fault;
        auto_done(outcome_done) struct outcome o = RUN(&s, "rm", "x");
        s.fault = NULL;
        cr_expect_eq(o.status, 128 + 9, "%s: %d %s", fault, o.status, o.err);
        outcome_done(&(struct outcome[]){RUN(&s, "rm", "-f", "x")}[0]);
        cr_expect_str_empty(state_leftovers(&s, false), "%s", fault);
    }
}

#else

Test(userns, claims_of_killed_commands_are_swept)
{
    cr_skip("needs a program with fault points");
}

#endif
