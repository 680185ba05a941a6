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

Test(oci, a_poststart_hook_that_fails_ends_the_container)
{
    ocibox_hook("poststart", "exit 9");
    ocibox_script("sleep 1000");
    ocibox_create();
    ocibox_refused(OCI("start", box.id), 1, "failed: exit status 9");
    cr_expect(state_until(ocibox_has_stopped, NULL));
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("start");
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
        if (!strstr(theirs, "hybrid mode not supported"))
            cr_expect_str_eq(ours, theirs, "---- %s:\n%s---- ours:\n%s", PEERS[i], theirs,
                             ours);
        free(theirs);
    }
    free(ours);
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

/* ---- hooks ---- */

Test(oci, hooks_run_in_their_order_and_namespaces)
{
    static const char *const KINDS[] = {"prestart", "createRuntime", "createContainer",
                                        "poststart", "poststop"};
    char script[600], path[200], own[64] = "";
    snprintf(path, sizeof(path), "%s/hooks", box.state.dir.path);
    for (size_t i = 0; i < 5; i++) {
        snprintf(
            script, sizeof(script),
            "echo %s $(readlink /proc/self/ns/mnt) $(sed 's/.*\"status\":\"\\([a-z]*\\).*/"
            "\\1/') >>%s",
            KINDS[i], path);
        ocibox_hook(KINDS[i], script);
    }
    ocibox_hook("startContainer", "cat >/hooked");
    ocibox_script("cat /hooked");
    ocibox_save();
    struct outcome o = OCI("run", "--bundle", box.bundle, box.id);
    cr_expect_not_null(strstr(o.out, "\"status\":\"created\""), "%s%s", o.out, o.err);
    outcome_done(&o);
    cr_assert_gt(readlink("/proc/self/ns/mnt", own, sizeof(own) - 1), 0);
    char want[600], got[600] = "", inner[64] = "";
    fs_read_small_at(AT_FDCWD, path, got, sizeof(got));
    const char *at = strstr(got, "createContainer ");
    cr_assert(at && sscanf(at, "createContainer %63s", inner) == 1, "%s", got);
    cr_expect_str_neq(inner, own, "createContainer runs in the container's namespaces");
    snprintf(
        want, sizeof(want),
        "prestart %s creating\ncreateRuntime %s creating\ncreateContainer %s creating\n"
        "poststart %s running\npoststop %s stopped",
        own, own, inner, own, own);
    cr_expect_str_eq(got, want, "%s", got);
}

/* One without an environment in config.json has none: not the runtime's, which may hold secrets. */
Test(oci, a_hook_has_its_own_environment_alone)
{
    char script[300], path[200];
    auto_done(buf_done) struct buf got = {0};
    snprintf(path, sizeof(path), "%s/hooked", box.state.dir.path);
    snprintf(script, sizeof(script), "tr '\\0' '\\n' </proc/$$/environ >%s", path);
    ocibox_hook("prestart", script);
    ocibox_script("true");
    ocibox_save();
    cr_assert_eq(setenv("SECRET", "of-the-runtime", 1), 0);
    EXPECT_OK("run", "--bundle", box.bundle, box.id);
    cr_assert_eq(fs_read_at(AT_FDCWD, path, 1u << 16, &got), 0);
    cr_expect_eq(got.len, 0, "%.*s", (int)got.len, got.data);
}

Test(oci, a_hook_that_fails_undoes_all)
{
    static const char *const KINDS[] = {"prestart", "createRuntime", "createContainer"};
    for (size_t i = 0; i < 3; i++) {
        json_object_del(box.config, "hooks");
        ocibox_hook(KINDS[i], "exit 9");
        ocibox_save();
        ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1,
                       "failed: exit status 9");
        ocibox_nothing_left(KINDS[i]);
    }
}

/* ---- hostile and broken ---- */

Test(oci, bad_configurations_are_refused_in_one_line_and_leave_nothing)
{
    static const struct {
        const char *path, *value, *text;
    } ROWS[] = {
        {"ociVersion", "\"2.0.0\"", "only 1.x"},
        {"ociVersion", "1", "must be a string"},
        {"process.args", "[]", "must not be empty"},
        {"process.args", "\"sh\"", "array of strings"},
        {"process.cwd", "\"relative\"", "absolute"},
        {"process.user.uid", "-1", "out of range"},
        {"process.user.uid", "4294967296", "out of range"},
        {"process.user.uid", "\"0\"", "whole number"},
        {"process.env", "[\"NOVALUE\"]", "NAME=VALUE"},
        {"process.rlimits", "[{\"type\":\"RLIMIT_NOPE\",\"soft\":1,\"hard\":1}]", "nope"},
        {"process.rlimits",
         "[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":1},"
         "{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":1}]",
         "twice"},
        {"process.selinuxLabel", "\"a:b\"", "SELinux"},
        {"process.oomScoreAdj", "2000", "out of range"},
        {"root.path", "\"../nowhere\"", "does not exist"},
        {"root.path", "\"/etc/passwd\"", "not a directory"},
        {"root", "null", "root.path: is missing"},
        {"mounts", "{}", "must be an array"},
        {"mounts", "[{\"destination\":\"/\",\"type\":\"tmpfs\"}]",
         "must not be the root"},
        {"mounts", "[{\"destination\":\"/x\",\"type\":\"bind\"}]", "source: is missing"},
        {"mounts", "[{\"destination\":\"/x\",\"type\":\"nosuchfs\",\"source\":\"x\"}]",
         "cannot mount x on /x"},
        {"mounts", "[{\"destination\":\"/proc/sys\",\"type\":\"tmpfs\"}]", "/proc"},
        {"linux.namespaces", "[{\"type\":\"mount\"},{\"type\":\"mount\"}]", "twice"},
        {"linux.namespaces", "[{\"type\":\"nope\"}]", "no such namespace"},
        {"linux.namespaces", "[{\"type\":\"pid\"}]", "mount namespace is needed"},
        {"linux.namespaces",
         "[{\"type\":\"mount\"},{\"type\":\"network\",\"path\":"
         "\"/proc/self/ns/ipc\"},{\"type\":\"uts\"}]",
         "is not a network namespace"},
        {"linux.sysctl", "{\"kernel.core_pattern\":\"|/x\"}", "not allowed"},
        {"linux.cgroupsPath", "\"/a/../../b\"", "cannot be the path"},
        {"linux.cgroupsPath", "\"system.slice:x:y\"", "systemd"},
        {"linux.maskedPaths", "[\"relative\"]", "absolute"},
        {"linux.resources.devices", "[{\"allow\":true,\"type\":\"q\"}]",
         "must be a, b, c or u"},
        {"linux.resources.unified", "{\"../x.y\":\"1\"}", "must be a file"},
        {"linux.seccomp", "{\"defaultAction\":\"NOPE\"}", "seccomp"},
        {"linux.intelRdt", "{\"closID\":\"x\"}", "not supported"},
        {"linux.personality", "{\"domain\":\"BSD\"}", "LINUX or LINUX32"},
        {"hooks", "{\"prestart\":[{\"path\":\"relative\"}]}", "absolute"},
        {"hooks", "{\"poststop\":[{\"path\":\"/x\",\"timeout\":0}]}", "out of range"},
    };
    json_t *good = json_deep_copy(box.config);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        json_decref(box.config);
        box.config = json_deep_copy(good);
        ocibox_set(ROWS[i].path, ROWS[i].value);
        ocibox_save();
        ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1, ROWS[i].text);
        ocibox_nothing_left(ROWS[i].value);
    }
    json_decref(good);
}

Test(oci, ids_that_lead_elsewhere_are_refused)
{
    static const char *const IDS[] = {"..", ".", "", "a/b", "../x", "a b", "\xc3\xa4"};
    ocibox_save();
    for (size_t i = 0; i < sizeof(IDS) / sizeof(IDS[0]); i++) {
        ocibox_refused(OCI("create", "--bundle", box.bundle, IDS[i]), 1,
                       "invalid container ID");
        ocibox_refused(OCI("delete", IDS[i]), 1, "invalid container ID");
    }
}

/* In the root links lead out of it, and into the kernel's files. */
Test(oci, links_in_the_root_lead_no_mount_elsewhere)
{
    char path[256], target[128];
    snprintf(target, sizeof(target), "/tmp/%s",
             box.id); /* on the host there is no such thing */
    snprintf(path, sizeof(path), "%s/rootfs/out", box.bundle);
    cr_assert_eq(symlink(target, path), 0);
    json_t *mounts = json_object_get(box.config, "mounts");
    json_array_append_new(mounts, json_pack("{s:s,s:s,s:s,s:[s]}", "destination",
                                            "/out/in", "type", "bind", "source",
                                            "/etc/hostname", "options", "bind"));
    ocibox_script("ls /out");
    ocibox_save();
    struct outcome o = OCI("run", "--bundle", box.bundle, box.id);
    cr_expect_str_eq(o.out, "in\n", "%s", o.err);
    outcome_done(&o);
    cr_expect_neq(access(target, F_OK), 0, "a mount point was made outside of the root");
    snprintf(path, sizeof(path), "%s/rootfs/kernels", box.bundle);
    cr_assert_eq(symlink("/sys/kernel", path), 0);
    json_array_append_new(mounts, json_pack("{s:s,s:s,s:s}", "destination", "/kernels",
                                            "type", "tmpfs", "source", "tmpfs"));
    ocibox_save();
    ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1,
                   "leads it to the kernel's files");
    ocibox_nothing_left("a link");
}

Test(oci, a_link_in_place_of_proc_is_refused)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/rootfs/proc", box.bundle);
    cr_assert(rmdir(path) == 0 || access(path, F_OK) != 0);
    cr_assert_eq(symlink("/tmp", path), 0);
    ocibox_save();
    struct outcome o = OCI("create", "--bundle", box.bundle, box.id);
    cr_expect_eq(o.status, 1, "%s", o.out);
    outcome_done(&o);
    ocibox_nothing_left("a link");
}

/* The new root is attached where the host's is, and may be in nobody's way. */
Test(oci, a_shared_root_has_all_its_mounts_and_no_way_back)
{
    ocibox_set("linux.rootfsPropagation", "\"rshared\"");
    ocibox_script(
        "[ \"$(ls /..)\" = \"$(ls /)\" ] && echo root; ls /sys/fs/cgroup | wc -l |"
        " grep -qv '^0$' && echo groups; grep -c ' / rw.* shared:' "
        "/proc/self/mountinfo; awk '$5 == \"/\"' /proc/self/mountinfo | wc -l");
    ocibox_says("root\ngroups\n1\n1\n");
}

/* ---- killed ---- */

static bool has_faults(void)
{
#ifdef MTD_FAULTS
    return true;
#else
    return false;
#endif
}

/* Its init is there already, and listens. */
Test(oci, until_create_has_succeeded_it_is_creating)
{
    if (!has_faults())
        cr_skip("needs fault points");
    ocibox_script("sleep 1000");
    ocibox_save();
    box.state.fault = "oci.release:stop";
    struct running create = BEGIN(&box.state, "oci", "--root", box.root, "create",
                                  "--bundle", box.bundle, box.id);
    box.state.fault = NULL;
    cr_assert_eq(stopped_await(create.pid), create.pid);
    cr_expect(ocibox_is("creating"));
    ocibox_refused(OCI("start", box.id), 1, "that is being created");
    ocibox_refused(OCI("delete", box.id), 1, "that is not stopped: creating");
    kill(create.pid, SIGKILL);
    struct outcome o = state_end(&create);
    outcome_done(&o);
    cr_expect(state_until(ocibox_has_stopped, NULL), "its init has no more to wait for");
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("a killed create");
}

/* Whatever has been made by then, a deletion by force finds it. */
Test(oci, killed_at_each_step_it_can_be_deleted, .timeout = 120)
{
    static const char *const POINTS[] = {
        "oci.config",       "oci.prepare",   "oci.claim",         "oci.gate",
        "oci.cgroup",       "oci.clone",     "oci.runtimehooks",  "oci.publish",
        "oci.release",      "oci.announce",  "create.hide",       "create.join",
        "create.inherited", "create.tree",   "create.mounted",    "create.go",
        "create.hooks",     "create.names",  "create.parameters", "create.enter",
        "create.session",   "create.stdio",  "create.identity",   "create.program",
        "create.gate",      "delete.killed", "delete.groups",     "delete.hooks",
    };
    if (!has_faults())
        cr_skip("needs fault points");
    ocibox_script("sleep 1000");
    ocibox_hook("prestart", "true");
    ocibox_save();
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        box.state.fault = fault;
        struct outcome o = OCI("create", "--bundle", box.bundle, box.id);
        bool created = o.status == 0;
        outcome_done(&o);
        o = OCI("delete", "--force", box.id); /* is killed as well at its own points */
        outcome_done(&o);
        box.state.fault = NULL;
        EXPECT_OK("delete", "--force", box.id);
        ocibox_nothing_left(POINTS[i]);
        cr_expect_eq(created, strncmp(POINTS[i], "delete", 6) == 0, "%s", POINTS[i]);
        if (!created) {
            EXPECT_OK("create", "--bundle", box.bundle, box.id);
            EXPECT_OK("delete", "--force", box.id);
        }
    }
}
