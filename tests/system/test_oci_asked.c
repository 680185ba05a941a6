/* What a config.json asks for and is neither done nor refused: it is said. Needs root. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../support/ocibox.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

TestSuite(oci_asked, .init = ocibox_make, .fini = ocibox_done, .timeout = 60);

static void expect_warning(struct outcome o, const char *text)
{
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect(strstr(o.err, "level=warning") && strstr(o.err, text), "want \"%s\": %s",
              text, o.err);
    outcome_done(&o);
}

Test(oci_asked, what_is_ignored_is_a_warning)
{
    static const struct {
        const char *path, *value, *text;
    } ROWS[] = {
        {"process.capabilities", "{\"bounding\":[\"CAP_KILL\",\"CAP_FUTURE\"]}",
         "unknown capability CAP_FUTURE"},
        {"linux.resources.memory", "{\"kernel\":1048576}", "memory.kernel is ignored"},
        {"linux.resources.memory", "{\"useHierarchy\":false}",
         "memory.useHierarchy is ignored"},
    };
    json_t *good = json_deep_copy(box.config);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        json_decref(box.config);
        box.config = json_deep_copy(good);
        ocibox_set(ROWS[i].path, ROWS[i].value);
        ocibox_save();
        expect_warning(OCI("create", "--bundle", box.bundle, box.id), ROWS[i].text);
        EXPECT_OK("delete", "--force", box.id);
    }
    json_decref(good);
}

Test(oci_asked, hierarchy_as_it_is_needs_no_warning)
{
    ocibox_set("linux.resources.memory", "{\"useHierarchy\":true}");
    ocibox_save();
    struct outcome o = OCI("create", "--bundle", box.bundle, box.id);
    cr_expect_str_empty(o.err);
    ocibox_ok(o, "create");
}

/* podman reads the log of a failure as one object; what succeeds may have any number of lines. */
Test(oci_asked, a_warning_goes_to_the_log_and_only_of_what_succeeds)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/log", box.state.dir.path);
    ocibox_set("linux.resources.memory", "{\"kernel\":1048576}");
    ocibox_save();
    struct outcome o = OCI("--log", path, "--log-format", "json", "create", "--bundle",
                           box.bundle, box.id);
    cr_expect_str_empty(o.err);
    ocibox_ok(o, "create");
    json_t *line = json_load_file(path, 0, NULL);
    cr_assert_not_null(line);
    cr_expect_str_eq(json_string_value(json_object_get(line, "level")), "warning");
    json_decref(line);
    cr_assert_eq(unlink(path), 0);
    ocibox_refused(OCI("--log", path, "--log-format", "json", "create", "--bundle",
                       box.bundle, box.id),
                   1, "already exists");
    line = json_load_file(path, 0, NULL);
    cr_assert_not_null(line, "more than one object");
    cr_expect_str_eq(json_string_value(json_object_get(line, "level")), "error");
    json_decref(line);
}

static const char RESOURCES[] =
    "{\"memory\":{\"limit\":4096,\"checkBeforeUpdate\":true}}";

Test(oci_asked, an_update_is_warned_of_and_checked_as_well)
{
    ocibox_script("sleep 1000");
    ocibox_create();
    expect_warning(OCI("update", "--kernel-memory", "1048576", box.id),
                   "memory.kernel is ignored");
    char path[200];
    snprintf(path, sizeof(path), "%s/resources", box.state.dir.path);
    cr_assert_eq(fs_replace_at(AT_FDCWD, path, RESOURCES, strlen(RESOURCES), 0600, false),
                 0);
    ocibox_refused(OCI("update", "--resources", path, box.id), 1,
                   "is less than what is used");
}

Test(oci_asked, weights_of_devices_are_set_or_refused_by_name)
{
    ocibox_set("linux.resources.blockIO",
               "{\"weightDevice\":[{\"major\":1,\"minor\":0,\"leafWeight\":300}]}");
    ocibox_save();
    struct outcome o = OCI("create", "--bundle", box.bundle, box.id);
    cr_expect(o.status == 0 || strstr(o.err, "leaf_weight_device"), "%s", o.err);
    outcome_done(&o);
}

#define OCI_BARE(...) OCI("--cgroup-manager", "disabled", __VA_ARGS__)

Test(oci_asked, without_groups_it_goes_through_all_states)
{
    ocibox_script("sleep 1000");
    ocibox_save();
    ocibox_ok(OCI_BARE("create", "--bundle", box.bundle, box.id), "create");
    cr_expect_eq(ocibox_groups(), 0);
    cr_expect(ocibox_is("created"));
    EXPECT_OK("start", box.id);
    cr_expect(ocibox_is("running"));
    EXPECT_OK("exec", box.id, "true");
    ocibox_refused(OCI("pause", box.id), 1, "has no control group");
    ocibox_refused(OCI("ps", box.id), 1, "has no control group");
    ocibox_refused(OCI("update", "--pids-limit", "5", box.id), 1, "has no control group");
    EXPECT_OK("kill", "--all", box.id, "KILL");
    cr_expect(state_until(ocibox_has_stopped, NULL));
    EXPECT_OK("kill", "--all", box.id, "KILL");
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("delete");
}

Test(oci_asked, without_groups_limits_are_refused)
{
    ocibox_set("linux.resources.pids", "{\"limit\":5}");
    ocibox_save();
    ocibox_refused(OCI_BARE("create", "--bundle", box.bundle, box.id), 1,
                   "which need control groups");
    ocibox_nothing_left("create");
}

/* ---- what is made of a seccomp profile ---- */

static size_t list_filters(char *ret_last, size_t size)
{
    char path[200];
    size_t n = 0;
    snprintf(path, sizeof(path), "%s/@filters", box.root);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.') {
            snprintf(ret_last, size, "%s/%s", path, e->d_name);
            n++;
        }
    if (d)
        closedir(d);
    return n;
}

static void forbid_mkdir(const char *action)
{
    char text[300];
    snprintf(text, sizeof(text),
             "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\","
             "\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":%s}]}",
             action);
    ocibox_set("linux.seccomp", text);
    ocibox_script("mkdir /made 2>&1 | sed 's/.*: //'");
}

/* Changes what is kept, so that it shows when that is used. */
static void edit_kept(const char *path, const char *from, const char *to)
{
    auto_done(buf_done) struct buf text = {0};
    cr_assert_eq(fs_read_path(path, 1u << 20, &text), 0);
    char *at = strstr(text.data, from);
    cr_assert_not_null(at, "%s", text.data);
    memcpy(at, to, strlen(to));
    cr_assert_eq(fs_replace_at(AT_FDCWD, path, text.data, text.len, 0600, false), 0);
}

Test(oci_asked, the_filter_of_a_profile_is_made_once)
{
    char path[400];
    forbid_mkdir("1");
    ocibox_says("Operation not permitted\n");
    cr_assert_eq(list_filters(path, sizeof(path)), 1);
    edit_kept(path, "00050001", "00050016");
    ocibox_says("Invalid argument\n");
    cr_expect_eq(list_filters(path, sizeof(path)), 1);
}

Test(oci_asked, another_profile_or_capability_has_a_filter_of_its_own)
{
    char path[400];
    forbid_mkdir("1");
    ocibox_says("Operation not permitted\n");
    forbid_mkdir("22");
    ocibox_says("Invalid argument\n");
    cr_expect_eq(list_filters(path, sizeof(path)), 2);
    ocibox_set("process.capabilities.bounding", "[\"CAP_KILL\"]");
    ocibox_says("Invalid argument\n");
    cr_expect_eq(list_filters(path, sizeof(path)), 3);
}

Test(oci_asked, a_filter_that_is_damaged_is_made_again)
{
    char path[400];
    forbid_mkdir("1");
    ocibox_says("Operation not permitted\n");
    cr_assert_eq(list_filters(path, sizeof(path)), 1);
    cr_assert_eq(truncate(path, 200), 0);
    ocibox_says("Operation not permitted\n");
    edit_kept(path, "00050001", "00050016"); /* it is whole again */
    ocibox_says("Invalid argument\n");
}

Test(oci_asked, filters_are_no_containers)
{
    char path[400];
    forbid_mkdir("1");
    ocibox_says("Operation not permitted\n");
    cr_assert_eq(list_filters(path, sizeof(path)), 1);
    char *text = OCI_ASK("list", "--format", "json");
    cr_expect_str_eq(text, "null");
    free(text);
    ocibox_refused(OCI("delete", "@filters"), 1, "invalid container ID");
}

/* ---- scheduling ---- */

static pid_t pid_of_it(void)
{
    json_t *st = ocibox_state();
    pid_t pid = (pid_t)json_integer_value(json_object_get(st, "pid"));
    json_decref(st);
    return pid;
}

Test(oci_asked, the_scheduler_and_the_io_priority_are_the_commands)
{
    ocibox_set("process.scheduler", "{\"policy\":\"SCHED_BATCH\",\"nice\":7}");
    ocibox_set("process.ioPriority", "{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":6}");
    ocibox_script("sleep 1000");
    ocibox_create();
    EXPECT_OK("start", box.id);
    pid_t pid = pid_of_it();
    cr_expect_eq(sched_getscheduler(pid), SCHED_BATCH);
    cr_expect_eq(getpriority(PRIO_PROCESS, (id_t)pid), 7);
    cr_expect_eq(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid),
                 IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6));
    struct outcome o = OCI("exec", box.id, "cut", "-d ", "-f19,41", "/proc/self/stat");
    cr_expect_str_eq(o.out, "7 3\n", "of exec, which has its process: %s", o.err);
    outcome_done(&o);
    EXPECT_OK("delete", "--force", box.id);
}

Test(oci_asked, what_is_no_schedule_is_refused)
{
    static const struct ocibox_row ROWS[] = {
        {"process.scheduler", "{\"policy\":\"SCHED_BEST\"}", "there is no such policy"},
        {"process.scheduler", "{\"policy\":\"SCHED_OTHER\",\"nice\":20}",
         "scheduler.nice"},
        {"process.scheduler", "{\"policy\":\"SCHED_OTHER\",\"flags\":[\"X\"]}",
         "there is no such flag"},
        {"process.scheduler", "{}", "scheduler.policy"},
        {"process.scheduler", "{\"policy\":\"SCHED_FIFO\"}", "cannot set the scheduler"},
        {"process.ioPriority", "{\"class\":\"IOPRIO_CLASS_NONE\",\"priority\":0}",
         "there is no such class"},
        {"process.ioPriority", "{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}",
         "ioPriority.priority"},
        {"process.execCPUAffinity", "{\"initial\":\"0-\"}", "execCPUAffinity.initial"},
        {"process.execCPUAffinity", "{\"final\":\"9000\"}", "execCPUAffinity.final"},
    };
    ocibox_refuses_each(ROWS, sizeof(ROWS) / sizeof(ROWS[0]));
}

/* process.json of an exec that says where it may run. */
static struct outcome exec_on(const char *affinity)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/process.json", box.state.dir.path);
    json_t *p = json_deep_copy(json_object_get(box.config, "process"));
    json_object_set_new(
        p, "args",
        json_pack("[s,s,s]", "sh", "-c",
                  "grep -h Cpus_allowed_list /proc/self/status | cut -f2"));
    json_object_set_new(p, "execCPUAffinity", json_loads(affinity, 0, NULL));
    cr_assert_eq(json_dump_file(p, path, 0), 0);
    json_decref(p);
    return OCI("exec", "--process", path, box.id);
}

Test(oci_asked, exec_runs_on_the_cpus_it_is_given)
{
    cpu_set_t all;
    cr_assert_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    if (!CPU_ISSET(0, &all) || !CPU_ISSET(1, &all))
        cr_skip("needs the CPUs 0 and 1");
    ocibox_script("sleep 1000");
    ocibox_create();
    struct outcome o = exec_on("{\"final\":\"1\"}");
    cr_expect_str_eq(o.out, "1\n", "%s", o.err);
    outcome_done(&o);
    o = exec_on("{\"initial\":\"0\",\"final\":\"0-1\"}");
    cr_expect_str_eq(o.out, "0-1\n", "%s", o.err);
    outcome_done(&o);
    o = exec_on("{\"initial\":\"0\"}"); /* then on those of the container */
    cr_expect_str_neq(o.out, "0\n", "%s", o.err);
    outcome_done(&o);
    o = exec_on("{\"initial\":\"8000\"}");
    cr_expect_eq(o.status, 255);
    cr_expect_not_null(strstr(o.err, "cannot run on the CPUs 8000"), "%s", o.err);
    outcome_done(&o);
    EXPECT_OK("delete", "--force", box.id);
}
