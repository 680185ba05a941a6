/* The face of an OCI runtime: bundles made here, run by it and by crun and runc, and looked at from
 * outside. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/ocibox.h"
#include "../support/stopped.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

TestSuite(oci, .init = ocibox_make, .fini = ocibox_done, .timeout = 60);

/* ---- the life of one ---- */

Test(oci, goes_through_all_states)
{
    ocibox_script("trap 'exit 0' TERM; while :; do sleep 1; done");
    ocibox_create();
    cr_expect(ocibox_is("created"));
    ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1, "already exists");
    struct outcome o = OCI("exec", box.id, "echo", "early");
    cr_expect_str_eq(o.out, "early\n", "%s", o.err);
    outcome_done(&o);
    EXPECT_OK("start", box.id);
    cr_expect(ocibox_is("running"));
    ocibox_refused(OCI("start", box.id), 1, "cannot start an already running container");
    ocibox_refused(OCI("delete", box.id), 1, "that is not stopped: running");
    ocibox_refused(OCI("resume", box.id), 1, "container not paused");
    EXPECT_OK("pause", box.id);
    cr_expect(ocibox_is("paused"));
    ocibox_refused(OCI("exec", box.id, "true"), 255, "cannot exec in a paused container");
    EXPECT_OK("resume", box.id);
    cr_expect(ocibox_is("running"));
    EXPECT_OK("kill", box.id, "KILL");
    cr_expect(state_until(ocibox_has_stopped, NULL));
    ocibox_refused(OCI("kill", box.id, "TERM"), 1, "container not running");
    EXPECT_OK("kill", "--all", box.id, "9");
    ocibox_refused(OCI("exec", box.id, "true"), 255,
                   "cannot exec in a stopped container");
    json_t *st = ocibox_state();
    cr_expect_eq(json_integer_value(json_object_get(st, "pid")), 0);
    json_decref(st);
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("delete");
    EXPECT_OK("delete", "--force", box.id);
    ocibox_refused(OCI("delete", box.id), 1, "container does not exist");
    ocibox_refused(OCI("state", box.id), 1, "container does not exist");
}

Test(oci, deletes_what_was_only_created)
{
    ocibox_create();
    cr_expect_gt(ocibox_groups(), 0,
                 "where the other tests look there is nothing to see");
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("delete");
}

Test(oci, run_returns_the_status_and_leaves_nothing)
{
    ocibox_script("echo out; exit 7");
    ocibox_save();
    struct outcome o = OCI("run", "--bundle", box.bundle, box.id);
    cr_expect_eq(o.status, 7, "%s", o.err);
    cr_expect_str_eq(o.out, "out\n");
    outcome_done(&o);
    ocibox_nothing_left("run");
}

/* "ID PID STATUS ..." */
static void expect_listed(int pid, const char *status)
{
    int listed = -1;
    char word[32] = "";
    auto_free char *text = OCI_ASK("list");
    const char *line = strstr(text, box.id);
    cr_assert(line && sscanf(line, "%*s %d %31s", &listed, word) == 2, "%s", text);
    cr_expect_eq(listed, pid, "%s", text);
    cr_expect_str_eq(word, status);
}

Test(oci, what_has_stopped_is_listed_without_a_pid)
{
    ocibox_script("true");
    ocibox_create();
    json_t *state = ocibox_state();
    expect_listed((int)json_integer_value(json_object_get(state, "pid")), "created");
    json_decref(state);
    EXPECT_OK("start", box.id);
    cr_assert(state_until(ocibox_has_stopped, NULL));
    expect_listed(0, "stopped");
    EXPECT_OK("delete", box.id);
}

Test(oci, a_missing_program_fails_in_create_with_the_words_callers_look_for)
{
    static const struct {
        const char *args, *text;
    } ROWS[] = {{"[\"/nope\"]", "exec: \"/nope\": no such file or directory"},
                {"[\"nope\"]", "executable file not found in $PATH"},
                {"[\"/etc/passwd\"]", ": permission denied"}};
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        ocibox_set("process.args", ROWS[i].args);
        ocibox_save();
        ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1, ROWS[i].text);
        ocibox_nothing_left(ROWS[i].args);
    }
}

Test(oci, a_later_change_of_config_json_has_no_effect)
{
    ocibox_append("process.env", "\"WORD=first\"");
    ocibox_create();
    ocibox_append("process.env", "\"WORD=second\"");
    ocibox_save();
    struct outcome o = OCI("exec", box.id, "sh", "-c", "echo $WORD");
    cr_expect_str_eq(o.out, "first\n", "%s", o.err);
    outcome_done(&o);
}

Test(oci, its_features_name_the_versions)
{
    char *text = OCI_ASK("features");
    json_t *o = json_loads(text, 0, NULL);
    cr_assert_not_null(o, "%s", text);
    cr_expect_str_eq(json_string_value(json_object_get(o, "ociVersionMin")), "1.0.0");
    cr_expect_not_null(json_string_value(json_object_get(o, "ociVersionMax")));
    json_decref(o);
    free(text);
}

Test(oci, the_log_has_one_line_for_a_failure_and_none_for_success)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/log", box.state.dir.path);
    ocibox_create();
    EXPECT_OK("--log", path, "--log-format", "json", "state", box.id);
    cr_expect_neq(access(path, F_OK), 0);
    struct outcome o = OCI("--log", path, "--log-format=json", "create", "--bundle",
                           "/nowhere", "other");
    outcome_done(&o);
    json_t *line = json_load_file(path, 0, NULL); /* the whole file is one object */
    cr_assert_not_null(line);
    cr_expect_str_eq(json_string_value(json_object_get(line, "level")), "error");
    cr_expect_not_null(json_string_value(json_object_get(line, "time")));
    const char *msg = json_string_value(json_object_get(line, "msg"));
    cr_expect_null(strcasestr(msg, "no such file or directory"),
                   "podman takes that for a missing command: %s", msg);
    json_decref(line);
}

/* ---- beside crun and runc ---- */

/* What a container sees, one line each; what differs by nature is left out. */
static const char LOOK[] =
    "id; hostname; umask; pwd; ulimit -n; cat /proc/self/oom_score_adj;"
    "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status;"
    "grep -vE 'cgroup|^tmpfs /(proc|sys)|/dev/null' /proc/mounts | grep -v ' / ' |"
    " awk '{print $1, $2, $3}' | grep -v ' /proc/' | sort;"
    "for f in /dev/*; do [ -c $f ] && [ ! -L $f ] && stat -c '%n %a %t:%T' $f; done;"
    "cat /proc/sys/net/ipv4/ip_unprivileged_port_start;"
    "echo 1 2>/dev/null >/proc/sys/vm/swappiness || echo ro;"
    "touch /data/x 2>/dev/null || echo data-ro; stat -f -c %T /t; echo $A; cat /proc/keys |"
    " wc -c; ls -d /proc/self/fd/3 2>/dev/null; readlink /dev/ptmx;"
    "cat /proc/self/personality; dd if=/dev/kmsg bs=1 count=1 2>&1 | grep -c denied";

static char *look_with(const char *runtime)
{
    struct buf out = {0};
    char command[900], piece[512];
    snprintf(command, sizeof(command),
             "%s --root %s-%s run --bundle %s %s-%s 2>&1 </dev/null", runtime, box.root,
             runtime, box.bundle, box.id, runtime);
    FILE *f = popen(command, "re");
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
        buf_add(&out, piece, n);
    pclose(f);
    return buf_take(&out);
}

static char *look_with_ours(void)
{
    char name[sizeof(box.id) + 8];
    snprintf(name, sizeof(name), "%s-o", box.id);
    struct outcome o = OCI("run", "--bundle", box.bundle, name);
    char *both = NULL;
    cr_assert_gt(asprintf(&both, "%s%s", o.out, o.err), 0);
    outcome_done(&o);
    return both;
}

Test(oci, a_container_looks_as_with_crun_and_runc)
{
    static const char *const PEERS[] = {"crun", "runc"};
    int compared = 0;
    char data[400];
    ocibox_script(LOOK);
    ocibox_set("process.user",
               "{\"uid\":5,\"gid\":6,\"additionalGids\":[7,8],\"umask\":63}");
    ocibox_set("process.env", "[\"PATH=/bin:/usr/bin\",\"A=b\"]");
    ocibox_set("process.cwd", "\"/tmp\"");
    ocibox_set("process.oomScoreAdj", "321");
    ocibox_set("process.capabilities",
               "{\"bounding\":[\"CAP_KILL\",\"CAP_CHOWN\"],\"effective\":"
               "[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],\"inheritable\":"
               "[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]}");
    ocibox_set("linux.sysctl", "{\"net.ipv4.ip_unprivileged_port_start\":\"77\"}");
    ocibox_set("linux.seccomp",
               "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
               "[\"swapon\"],\"action\":\"SCMP_ACT_ERRNO\"}]}");
    ocibox_set("linux.devices",
               "[{\"path\":\"/dev/some\",\"type\":\"c\",\"major\":1,\"minor\":5,"
               "\"fileMode\":416,\"uid\":5,\"gid\":6}]");
    snprintf(data, sizeof(data),
             "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"%s\",\"options\":"
             "[\"rbind\",\"ro\",\"rprivate\"]}",
             box.state.dir.path);
    json_t *mounts = json_object_get(box.config, "mounts");
    json_array_append_new(mounts, json_loads(data, 0, NULL));
    json_array_append_new(mounts,
                          json_pack("{s:s,s:s,s:s,s:[s]}", "destination", "/t", "type",
                                    "tmpfs", "source", "tmpfs", "options", "size=1m"));
    json_object_del(json_object_get(box.config, "linux"), "cgroupsPath");
    ocibox_save();
    char *ours = look_with_ours();
    for (size_t i = 0; i < sizeof(PEERS) / sizeof(PEERS[0]); i++) {
        char *theirs = look_with(PEERS[i]);
        /* crun does not run on some hosts with v1 beside v2. */
        bool refuses = strstr(theirs, "hybrid mode not supported");
        bool missing = strstr(theirs, ": not found");
        compared += !refuses && !missing;
        if (!refuses && !missing)
            cr_expect_str_eq(ours, theirs, "---- %s:\n%s---- ours:\n%s", PEERS[i], theirs,
                             ours);
        free(theirs);
    }
    free(ours);
    if (compared == 0)
        cr_skip("neither crun nor runc runs here");
}

/* ---- limits ---- */

static void expect_file(const char *controller, const char *file, const char *want)
{
    char path[300], text[128] = "";
    snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/oci-tests/%s/%s", controller, box.id,
             file);
    if (fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) < 0)
        return; /* this host has it elsewhere */
    cr_expect_str_eq(text, want, "%s: %s", path, text);
}

Test(oci, limits_are_set_and_updated_and_devices_stay)
{
    ocibox_set("linux.resources.memory", "{\"limit\":52428800,\"reservation\":20971520}");
    ocibox_set("linux.resources.cpu",
               "{\"shares\":300,\"quota\":50000,\"period\":100000}");
    ocibox_set("linux.resources.pids", "{\"limit\":33}");
    ocibox_script("sleep 1000");
    ocibox_create();
    expect_file("memory", "memory.limit_in_bytes", "52428800");
    expect_file("cpu", "cpu.shares", "300");
    expect_file("cpu", "cpu.cfs_quota_us", "50000");
    expect_file("pids", "pids.max", "33");
    static const char MORE[] = "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}],"
                               "\"memory\":{\"limit\":62914560},\"pids\":{\"limit\":44}}";
    const char *const args[] = {"oci",         "--root", box.root, "update",
                                "--resources", "-",      box.id,   NULL};
    ocibox_ok(state_run_input(&box.state, MORE, strlen(MORE), args), "update");
    expect_file("memory", "memory.limit_in_bytes", "62914560");
    expect_file("memory", "memory.soft_limit_in_bytes", "20971520");
    expect_file("cpu", "cpu.shares", "300");
    expect_file("pids", "pids.max", "44");
    EXPECT_OK("exec", box.id, "sh", "-c", "echo x >/dev/null && head -c1 /dev/zero");
    EXPECT_OK("update", "--cpu-share", "400", box.id);
    expect_file("cpu", "cpu.shares", "400");
    expect_file("pids", "pids.max", "44");
    EXPECT_OK("update", "--memory-reservation", "10485760", box.id);
    expect_file("memory", "memory.soft_limit_in_bytes", "10485760");
    expect_file("memory", "memory.limit_in_bytes", "62914560"); /* of the update before */
}

Test(oci, devices_follow_the_rules_in_their_order)
{
    ocibox_set("linux.devices",
               "[{\"path\":\"/dev/kmsg\",\"type\":\"c\",\"major\":1,\"minor\":11}]");
    ocibox_set(
        "linux.resources.devices",
        "[{\"allow\":false,\"access\":\"rwm\"},"
        "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"rw\"},"
        "{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"w\"}]");
    ocibox_set("process.capabilities",
               "{\"bounding\":[\"CAP_SYSLOG\"],\"effective\":[\"CAP_SYSLOG\"],"
               "\"permitted\":[\"CAP_SYSLOG\"]}");
    ocibox_script(
        "exec 3</dev/kmsg && echo read; (exec 4>/dev/kmsg) 2>/dev/null || echo no");
    ocibox_save();
    struct outcome o = OCI("run", "--bundle", box.bundle, box.id);
    cr_expect_str_eq(o.out, "read\nno\n", "%s", o.err);
    outcome_done(&o);
}

/* ---- what is inherited ---- */

Test(oci, no_descriptor_of_the_callers_is_inside_but_those_preserved)
{
    ocibox_script(
        "for f in /proc/self/fd/*; do readlink $f; done | grep -c null; cat <&3");
    ocibox_save();
    char command[1200], text[64] = "";
    snprintf(
        command, sizeof(command),
        "echo kept >%s/kept; exec 3<%s/kept 4</dev/null 5</dev/null 9</dev/null; %s oci "
        "--root %s run --preserve-fds 1 --bundle %s %s </dev/null",
        box.state.dir.path, box.state.dir.path, MTD_PROGRAM, box.root, box.bundle,
        box.id);
    FILE *f = popen(command, "re");
    cr_assert_not_null(f);
    (void)!fread(text, 1, sizeof(text) - 1, f);
    pclose(f);
    cr_expect_str_eq(text, "1\nkept\n", "%s", text);
}

/* ---- exec ---- */

static pid_t read_pid(const char *path)
{
    char text[32] = "";
    cr_assert_gt(fs_read_small_at(AT_FDCWD, path, text, sizeof(text)), 0, "%s", path);
    return (pid_t)atoi(text);
}

Test(oci, a_detached_exec_is_the_subreapers_child)
{
    char process[200], pid_file[200];
    snprintf(process, sizeof(process), "%s/process", box.state.dir.path);
    snprintf(pid_file, sizeof(pid_file), "%s/pid", box.state.dir.path);
    json_t *p =
        json_pack("{s:[s,s,s], s:s, s:[s], s:{s:i,s:i}}", "args", "/bin/sh", "-c",
                  "exit $CODE", "cwd", "/", "env", "CODE=23", "user", "uid", 3, "gid", 4);
    cr_assert_eq(json_dump_file(p, process, 0), 0);
    json_decref(p);
    ocibox_script("sleep 1000");
    ocibox_create();
    EXPECT_OK("start", box.id);
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    EXPECT_OK("exec", "--process", process, "--detach", "--pid-file", pid_file, box.id);
    int status = 0;
    pid_t pid = read_pid(pid_file);
    cr_assert_eq(waitpid(pid, &status, 0), pid, "it is not our child");
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 23);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}
