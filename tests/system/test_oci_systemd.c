/* Groups that systemd makes (--systemd-cgroup), by a bus with a fake systemd on it, which makes groups in
 * this machine's v2 tree; in a mount namespace that has no other hierarchy. A real one: tests/guest. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fakebus.h"
#include "ocibox.h"

#define SLICE "oci-tests.slice"

static struct fakebus bus;
static char mount_point[128], unit[160], group[400];
static int host_mounts; /* the namespace that the test began in */

/* As a host with v2 alone looks. */
static void leave_v1(void)
{
    char lines[16384] = "", *save = NULL, point[128], type[32];
    host_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    int fd = open("/proc/self/mounts", O_RDONLY);
    (void)!read(fd, lines, sizeof(lines) - 1);
    close(fd);
    for (char *l = strtok_r(lines, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        if (sscanf(l, "%*s %127s %31s", point, type) != 2)
            continue;
        if (strcmp(type, "cgroup") == 0)
            umount2(point, MNT_DETACH);
        if (strcmp(type, "cgroup2") == 0)
            snprintf(mount_point, sizeof(mount_point), "%s", point);
    }
    if (!mount_point[0])
        cr_skip("needs a v2 tree of control groups");
}

static void start_bus(enum fakebus_way way)
{
    fakebus_start(&bus, box.state.dir.path, mount_point, way);
}

static void set_up(void)
{
    char path[300];
    ocibox_make();
    leave_v1();
    snprintf(unit, sizeof(unit), "t-%s.scope", box.id);
    snprintf(group, sizeof(group), "%s/oci.slice/" SLICE "/%s", mount_point, unit);
    snprintf(path, sizeof(path), "\"" SLICE ":t:%s\"", box.id);
    ocibox_set("linux.cgroupsPath", path);
    json_object_del(json_object_get(box.config, "linux"), "resources");
    ocibox_script("sleep 1000");
    ocibox_save();
}

static void tear_down(void)
{
    ocibox_done();
    fakebus_stop(&bus);
    rmdir(group);
}

TestSuite(oci_systemd, .init = set_up, .fini = tear_down, .timeout = 120);

#define SYSTEMD(...)                                                                \
    ocibox_run((const char *const[]){"oci", "--root", box.root, "--systemd-cgroup", \
                                     __VA_ARGS__, NULL})
#define CREATE() SYSTEMD("create", "--bundle", box.bundle, box.id)

static void nothing_left(const char *when)
{
    cr_expect_neq(access(group, F_OK), 0, "%s: the group is left", when);
    ocibox_nothing_left(when);
}

/* It failed, with this, and nothing is left. */
static void refused(const char *text)
{
    ocibox_refused(CREATE(), 1, text);
    nothing_left(text);
}

static bool is_in_group(pid_t pid)
{
    char path[500];
    snprintf(path, sizeof(path), "%s/cgroup.procs", group);
    FILE *f = fopen(path, "r");
    int one = 0;
    while (f && fscanf(f, "%d", &one) == 1 && one != pid)
        continue;
    if (f)
        fclose(f);
    return one == pid;
}

/* What the bus was asked since: want, with UNIT and ID in it. */
static void asked(const char *want, const char *when)
{
    static const char UNIT[] = "UNIT", ID[] = "CONTAINER";
    char text[2000] = "";
    size_t n = 0;
    auto_free char *got = fakebus_asked(&bus);
    for (; *want && n < sizeof(text) - 200; want++) {
        bool is_unit = strncmp(want, UNIT, 4) == 0, is_id = strncmp(want, ID, 9) == 0;
        if (is_unit || is_id)
            n += (size_t)snprintf(text + n, 200, "%s", is_unit ? unit : box.id);
        else
            text[n++] = *want;
        want += is_unit ? 3 : is_id ? 8 : 0;
    }
    text[n] = '\0';
    cr_expect_str_eq(got, text, "%s", when);
}

#define GREETING "Hello\nAddMatch\n"
#define BEGUN                                                   \
    GREETING "StartTransientUnit UNIT replace\n"                \
             "  Description s mytop-runc container CONTAINER\n" \
             "  Slice s " SLICE "\n"                            \
             "  Delegate b 1\n"                                 \
             "  PIDs au one\n"                                  \
             "  MemoryAccounting b 1\n"                         \
             "  CPUAccounting b 1\n"                            \
             "  IOAccounting b 1\n"                             \
             "  TasksAccounting b 1\n"                          \
             "  DefaultDependencies b 0\n"

Test(oci_systemd, a_container_has_a_scope_from_create_to_delete)
{
    start_bus(FAKEBUS_GOOD);
    ocibox_set("annotations", "{\"org.systemd.property.TimeoutStopSec\": \"5\", "
                              "\"org.systemd.property.CollectMode\": \"'inactive'\"}");
    ocibox_save();
    ocibox_ok(CREATE(), "create");
    asked(BEGUN "  TimeoutStopUSec t 5000000\n  CollectMode s inactive\n", "create");
    json_t *state = ocibox_state();
    pid_t pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
    json_decref(state);
    cr_expect(is_in_group(pid));
    EXPECT_OK("start", box.id);
    struct outcome o = OCI("exec", box.id, "cat", "/proc/self/cgroup");
    cr_expect(strstr(o.out, "0::/\n"), "its namespace begins there: %s%s", o.out, o.err);
    outcome_done(&o);
    EXPECT_OK("pause", box.id);
    cr_expect(ocibox_is("paused"));
    EXPECT_OK("resume", box.id);
    asked("", "what needs no systemd");
    EXPECT_OK("delete", "--force", box.id);
    auto_free char *end = fakebus_asked(&bus);
    cr_expect(strstr(end, "StopUnit ") && strstr(end, "ResetFailedUnit "), "%s", end);
    nothing_left("deleted");
}

Test(oci_systemd, an_update_is_told_to_systemd)
{
    char file[300], path[300];
    start_bus(FAKEBUS_GOOD);
    ocibox_ok(CREATE(), "create");
    asked(BEGUN, "create");
    snprintf(file, sizeof(file), "%s/update", box.state.dir.path);
    snprintf(path, sizeof(path), "update");
    tempdir_put(&box.state.dir, path, "{\"devices\": []}");
    EXPECT_OK("update", "--resources", file, box.id);
    asked(GREETING "SetUnitProperties UNIT 1\n"
                   "  MemoryMax t 18446744073709551615\n"
                   "  MemorySwapMax t 18446744073709551615\n"
                   "  MemoryLow t 0\n"
                   "  CPUWeight t 100\n"
                   "  CPUQuotaPerSecUSec t 18446744073709551615\n"
                   "  TasksMax t 18446744073709551615\n",
          "update");
    EXPECT_OK("delete", "--force", box.id);
    nothing_left("deleted");
}

/* What runs is not put on anybody's word. */
Test(oci_systemd, a_unit_that_is_not_there_is_noticed)
{
    start_bus(FAKEBUS_LIES);
    refused("cannot open the control group");
}

static void make_group(void)
{
    char above[400];
    snprintf(above, sizeof(above), "%s/oci.slice", mount_point);
    mkdir(above, 0755);
    snprintf(above, sizeof(above), "%s/oci.slice/" SLICE, mount_point);
    mkdir(above, 0755);
    cr_assert_eq(mkdir(group, 0755), 0);
}

/* Its group is left from somebody; the fake does not see it, for it looks elsewhere. */
Test(oci_systemd, a_process_that_was_not_moved_is_noticed)
{
    fakebus_start(&bus, box.state.dir.path, "/nowhere", FAKEBUS_LIES);
    make_group();
    refused("is not in its group");
}

Test(oci_systemd, another_ones_unit_is_left_alone)
{
    char procs[500], pid[16];
    start_bus(FAKEBUS_GOOD);
    make_group();
    pid_t other = fork();
    if (other == 0) {
        pause();
        _exit(0);
    }
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
    snprintf(pid, sizeof(pid), "%d", (int)other);
    int fd = open(procs, O_WRONLY);
    cr_assert_gt(write(fd, pid, strlen(pid)), 0);
    close(fd);
    ocibox_refused(CREATE(), 1, "there is one with processes");
    cr_expect_eq(kill(other, 0), 0);
    asked(GREETING, "nothing but a greeting");
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    ocibox_nothing_left("refused");
}

/* An empty one, as a unit that has failed leaves its name. */
Test(oci_systemd, a_name_that_stays_taken_is_told)
{
    start_bus(FAKEBUS_GOOD);
    make_group();
    ocibox_refused(CREATE(), 1, "Unit was?there.");
    auto_free char *said = fakebus_asked(&bus);
    char *second = strstr(said, "ResetFailedUnit ");
    cr_expect(second && strstr(second, "StartTransientUnit "), "%s", said);
    cr_expect_null(strstr(said, "StopUnit"), "it is not ours");
    cr_expect_eq(access(group, F_OK), 0);
}

#define WAYS(name, way, text) \
    Test(oci_systemd, name)   \
    {                         \
        start_bus(way);       \
        refused(text);        \
    }
WAYS(a_bus_that_rejects_us, FAKEBUS_REJECTS, "cannot speak with systemd at unix:path=")
WAYS(a_bus_that_closes, FAKEBUS_CLOSES, "systemd: cannot start t-oci-")
WAYS(a_bus_that_speaks_nonsense, FAKEBUS_GARBAGE, "systemd: cannot start t-oci-")
WAYS(a_bus_with_an_endless_answer, FAKEBUS_HUGE, "systemd: cannot start t-oci-")
WAYS(a_job_that_fails, FAKEBUS_FAILS, "the job is failed")

Test(oci_systemd, without_systemd_it_says_so_as_runc_does)
{
    if (access("/run/systemd/system", F_OK) == 0)
        cr_skip("needs a host without systemd");
    refused("systemd not running on this host, cannot use systemd cgroups manager");
}

/* There a reload of systemd's would allow the container all devices. */
Test(oci_systemd, a_host_with_v1_hierarchies_is_refused)
{
    cr_assert_eq(setns(host_mounts, CLONE_NEWNS), 0);
    if (access("/sys/fs/cgroup/memory/tasks", F_OK) < 0)
        cr_skip("needs a host with v1 hierarchies");
    start_bus(FAKEBUS_GOOD);
    refused("systemd cgroups need a host with cgroup v2 alone");
}

Test(oci_systemd, what_is_no_unit_is_refused)
{
    static const struct {
        const char *path, *text;
    } ROWS[] = {
        {"\"/a/b\"", "expected cgroupsPath to be of format \"slice:prefix:name\""},
        {"\"a:b\"", "expected cgroupsPath"},
        {"\"a.slice:b:c:d\"", "expected cgroupsPath"},
        {"\"a.slice:b:\"", "expected cgroupsPath"},
        {"\"a:b:c\"", "invalid slice name: a"},
        {"\"../a.slice:b:c\"", "invalid slice name"},
        {"\"a--b.slice:b:c\"", "invalid slice name"},
        {"\"a.slice:b:../c\"", "cannot be the name of a unit"},
        {"\"a.slice:b:c.slice\"", "which has no processes"},
    };
    start_bus(FAKEBUS_GOOD);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        ocibox_set("linux.cgroupsPath", ROWS[i].path);
        ocibox_save();
        refused(ROWS[i].text);
    }
    asked("", "nobody was asked");
}

Test(oci_systemd, a_property_that_is_none_is_refused)
{
    start_bus(FAKEBUS_GOOD);
    ocibox_set("annotations", "{\"org.systemd.property.CPUWeight\": \"many\"}");
    ocibox_save();
    refused(
        "annotations: the unit's property CPUWeight has a value that is not understood");
    asked(GREETING, "nothing was made");
}

Test(oci_systemd, its_name_needs_the_option)
{
    ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1,
                   "is a unit of systemd's: that needs --systemd-cgroup");
}

/* ---- failed and killed ---- */

static bool has_faults(void)
{
#ifdef MTD_FAULTS
    return true;
#else
    return false;
#endif
}

Test(oci_systemd, a_step_that_fails_ends_the_unit)
{
    static const char *const POINTS[] = {"oci.unit", "oci.runtimehooks", "oci.publish",
                                         "oci.announce", "create.gate"};
    if (!has_faults())
        cr_skip("needs fault points");
    start_bus(FAKEBUS_GOOD);
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:fail", POINTS[i]);
        box.state.fault = fault;
        struct outcome o = CREATE();
        box.state.fault = NULL;
        cr_expect_eq(o.status, 1, "%s", POINTS[i]);
        outcome_done(&o);
        auto_free char *said = fakebus_asked(&bus);
        cr_expect_eq(strstr(said, "StartTransientUnit") != NULL,
                     strstr(said, "StopUnit") != NULL, "%s: %s", POINTS[i], said);
        nothing_left(POINTS[i]);
    }
}

Test(oci_systemd, killed_at_each_step_it_can_be_deleted)
{
    static const char *const POINTS[] = {
        "oci.prepare",   "oci.claim",    "oci.clone",     "oci.unit",
        "systemd.job",   "unit.started", "unit.limits",   "oci.runtimehooks",
        "oci.publish",   "oci.release",  "oci.announce",  "create.join",
        "create.go",     "create.gate",  "delete.killed", "delete.unit",
        "delete.groups", "delete.hooks"};
    if (!has_faults())
        cr_skip("needs fault points");
    start_bus(FAKEBUS_GOOD);
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        box.state.fault = fault;
        struct outcome o = CREATE();
        bool created = o.status == 0;
        outcome_done(&o);
        o = OCI("delete", "--force", box.id);
        outcome_done(&o);
        box.state.fault = NULL;
        EXPECT_OK("delete", "--force", box.id);
        nothing_left(POINTS[i]);
        cr_expect_eq(created, strncmp(POINTS[i], "delete", 6) == 0, "%s", POINTS[i]);
    }
}

/* Where its bus is gone the groups are ours to remove: with the last process a scope ends. */
Test(oci_systemd, a_deletion_by_force_needs_no_bus)
{
    start_bus(FAKEBUS_GOOD);
    ocibox_ok(CREATE(), "create");
    kill(bus.pid, SIGKILL);
    waitpid(bus.pid, NULL, 0);
    bus.pid = 0;
    ocibox_refused(OCI("delete", box.id), 1, "cannot speak with systemd");
    EXPECT_OK("delete", "--force", box.id);
    nothing_left("deleted");
}
