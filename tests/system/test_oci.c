/* The face of an OCI runtime: bundles made here, run by it and by crun and runc, and looked at from
 * outside. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

static struct state s;
static char bundle[160], root[160];
static json_t *config;

#define ID_SIZE 96
static char id[ID_SIZE]; /* groups are found by it: no other test has it */

/* A root with busybox, and the runtime's own example as its configuration. */
static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    snprintf(bundle, sizeof(bundle), "%s/bundle", s.dir.path);
    snprintf(root, sizeof(root), "%s/oci", s.dir.path);
    snprintf(id, sizeof(id), "oci-%s", strrchr(s.dir.path, '/') + 1);
    char rootfs[200];
    snprintf(rootfs, sizeof(rootfs), "%s/rootfs", bundle);
    cr_assert_eq(mkdir(bundle, 0755), 0);
    cr_assert_eq(mkdir(rootfs, 0755), 0);
    free(ASK(&s, "create", "--name", "source", "busybox", "true"));
    free(ASK(&s, "cp", "source:/.", rootfs));
    free(ASK(&s, "oci", "spec", "--bundle", bundle));
    char path[200];
    snprintf(path, sizeof(path), "%s/config.json", bundle);
    config = json_load_file(path, 0, NULL);
    cr_assert_not_null(config);
    json_object_set_new(json_object_get(config, "process"), "terminal", json_false());
    json_object_set_new(json_object_get(config, "root"), "readonly", json_false());
    json_object_set_new(config, "ociVersion",
                        json_string("1.0.2")); /* that crun knows, too */
    char group[ID_SIZE + 16];
    snprintf(group, sizeof(group), "/oci-tests/%s", id);
    json_object_set_new(json_object_get(config, "linux"), "cgroupsPath",
                        json_string(group));
}

/* A container has the streams of its `create`: files, because a pipe would not end before it. */
static struct outcome run_oci(const char *const args[])
{
    struct running r = state_begin(&s, args);
    return state_end(&r);
}
#define OCI(...) run_oci((const char *const[]){"oci", "--root", root, __VA_ARGS__, NULL})
#define OCI_ASK(...) ASK(&s, "oci", "--root", root, __VA_ARGS__)

static void tear_down(void)
{
    if (!s.dir.path[0])
        return;
    struct outcome o = OCI("delete", "--force", id);
    outcome_done(&o);
    json_decref(config);
    state_done(&s);
}

TestSuite(oci, .init = set_up, .fini = tear_down, .timeout = 60);

static void save_config(void)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/config.json", bundle);
    cr_assert_eq(json_dump_file(config, path, 0), 0);
}

/* A member by its path: "process.args". value: JSON. */
static void set(const char *path, const char *value)
{
    char copy[128];
    snprintf(copy, sizeof(copy), "%s", path);
    json_t *at = config, *v = json_loads(value, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(v, "%s", value);
    char *save = NULL, *word = strtok_r(copy, ".", &save), *next;
    for (; (next = strtok_r(NULL, ".", &save)); word = next) {
        if (!json_object_get(at, word))
            json_object_set_new(at, word, json_object());
        at = json_object_get(at, word);
    }
    json_object_set_new(at, word, v);
}

static void set_script(const char *script)
{
    json_t *args = json_pack("[s,s,s]", "/bin/sh", "-c", script);
    json_object_set_new(json_object_get(config, "process"), "args", args);
}

/* ---- what is left ---- */

static size_t count_groups(void)
{
    static const char *const WHERE[] = {"memory", "devices", "unified", "pids", "."};
    size_t n = 0;
    for (size_t i = 0; i < sizeof(WHERE) / sizeof(WHERE[0]); i++) {
        char path[256];
        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/oci-tests/%s", WHERE[i], id);
        n += access(path, F_OK) == 0;
    }
    return n;
}

static bool has_state(void)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", root, id);
    return access(path, F_OK) == 0;
}

static void expect_nothing_left(const char *when)
{
    cr_expect_eq(count_groups(), 0, "%s: groups are left", when);
    cr_expect_not(has_state(), "%s: the state is left", when);
    cr_expect_eq(state_find(&s, id), 0, "%s: a process is left", when);
}

static json_t *state_of(void)
{
    char *text = OCI_ASK("state", id);
    json_t *o = json_loads(text, 0, NULL);
    cr_assert_not_null(o, "%s", text);
    free(text);
    return o;
}

static bool status_is(const char *want)
{
    json_t *o = state_of();
    bool same = strcmp(json_string_value(json_object_get(o, "status")), want) == 0;
    json_decref(o);
    return same;
}

static bool has_stopped(void *arg)
{
    (void)arg;
    return status_is("stopped");
}

static void expect_ok(struct outcome o, const char *what)
{
    cr_expect_eq(o.status, 0, "%s: %d %s%s", what, o.status, o.out, o.err);
    outcome_done(&o);
}
#define EXPECT_OK(...) expect_ok(OCI(__VA_ARGS__), #__VA_ARGS__)

static void expect_refused(struct outcome o, int status, const char *text)
{
    cr_expect_eq(o.status, status, "%d, want %d: %s", o.status, status, o.err);
    cr_expect_not_null(strstr(o.err, text), "want \"%s\": %s", text, o.err);
    const char *line = strchr(o.err, '\n');
    cr_expect(line && !line[1], "not one line: %s", o.err);
    outcome_done(&o);
}

static void create(void)
{
    save_config();
    EXPECT_OK("create", "--bundle", bundle, id);
}

/* ---- the life of one ---- */

Test(oci, goes_through_all_states)
{
    set_script("trap 'exit 0' TERM; while :; do sleep 1; done");
    create();
    cr_expect(status_is("created"));
    expect_refused(OCI("create", "--bundle", bundle, id), 1, "already exists");
    struct outcome o = OCI("exec", id, "echo", "early");
    cr_expect_str_eq(o.out, "early\n", "%s", o.err);
    outcome_done(&o);
    EXPECT_OK("start", id);
    cr_expect(status_is("running"));
    expect_refused(OCI("start", id), 1, "cannot start an already running container");
    expect_refused(OCI("delete", id), 1, "that is not stopped: running");
    expect_refused(OCI("resume", id), 1, "container not paused");
    EXPECT_OK("pause", id);
    cr_expect(status_is("paused"));
    expect_refused(OCI("exec", id, "true"), 255, "cannot exec in a paused container");
    EXPECT_OK("resume", id);
    cr_expect(status_is("running"));
    EXPECT_OK("kill", id, "KILL");
    cr_expect(state_until(has_stopped, NULL));
    expect_refused(OCI("kill", id, "TERM"), 1, "container not running");
    EXPECT_OK("kill", "--all", id, "9");
    expect_refused(OCI("exec", id, "true"), 255, "cannot exec in a stopped container");
    json_t *st = state_of();
    cr_expect_eq(json_integer_value(json_object_get(st, "pid")), 0);
    json_decref(st);
    EXPECT_OK("delete", id);
    expect_nothing_left("delete");
    EXPECT_OK("delete", "--force", id);
    expect_refused(OCI("delete", id), 1, "container does not exist");
    expect_refused(OCI("state", id), 1, "container does not exist");
}

Test(oci, deletes_what_was_only_created)
{
    create();
    cr_expect_gt(count_groups(), 0, "where the other tests look there is nothing to see");
    EXPECT_OK("delete", id);
    expect_nothing_left("delete");
}

Test(oci, run_returns_the_status_and_leaves_nothing)
{
    set_script("echo out; exit 7");
    save_config();
    struct outcome o = OCI("run", "--bundle", bundle, id);
    cr_expect_eq(o.status, 7, "%s", o.err);
    cr_expect_str_eq(o.out, "out\n");
    outcome_done(&o);
    expect_nothing_left("run");
}

Test(oci, a_missing_program_fails_in_create_with_the_words_callers_look_for)
{
    static const struct {
        const char *args, *text;
    } ROWS[] = {{"[\"/nope\"]", "exec: \"/nope\": No such file or directory"},
                {"[\"nope\"]", "executable file not found in $PATH"},
                {"[\"/etc/passwd\"]", "ermission denied"}};
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        set("process.args", ROWS[i].args);
        save_config();
        expect_refused(OCI("create", "--bundle", bundle, id), 1, ROWS[i].text);
        expect_nothing_left(ROWS[i].args);
    }
}

Test(oci, the_log_has_one_line_for_a_failure_and_none_for_success)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/log", s.dir.path);
    create();
    EXPECT_OK("--log", path, "--log-format", "json", "state", id);
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
             "%s --root %s-%s run --bundle %s %s-%s 2>&1 </dev/null", runtime, root,
             runtime, bundle, id, runtime);
    FILE *f = popen(command, "re");
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
        buf_add(&out, piece, n);
    pclose(f);
    return buf_take(&out);
}

static char *look_with_ours(void)
{
    char name[ID_SIZE + 8];
    snprintf(name, sizeof(name), "%s-o", id);
    struct outcome o = OCI("run", "--bundle", bundle, name);
    char *both = NULL;
    cr_assert_gt(asprintf(&both, "%s%s", o.out, o.err), 0);
    outcome_done(&o);
    return both;
}

Test(oci, a_container_looks_as_with_crun_and_runc)
{
    static const char *const PEERS[] = {"crun", "runc"};
    char data[400];
    set_script(LOOK);
    set("process.user", "{\"uid\":5,\"gid\":6,\"additionalGids\":[7,8],\"umask\":63}");
    set("process.env", "[\"PATH=/bin:/usr/bin\",\"A=b\"]");
    set("process.cwd", "\"/tmp\"");
    set("process.oomScoreAdj", "321");
    set("process.capabilities",
        "{\"bounding\":[\"CAP_KILL\",\"CAP_CHOWN\"],\"effective\":"
        "[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],\"inheritable\":"
        "[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]}");
    set("linux.sysctl", "{\"net.ipv4.ip_unprivileged_port_start\":\"77\"}");
    set("linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
                         "[\"swapon\"],\"action\":\"SCMP_ACT_ERRNO\"}]}");
    set("linux.devices",
        "[{\"path\":\"/dev/some\",\"type\":\"c\",\"major\":1,\"minor\":5,"
        "\"fileMode\":416,\"uid\":5,\"gid\":6}]");
    snprintf(data, sizeof(data),
             "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"%s\",\"options\":"
             "[\"rbind\",\"ro\",\"rprivate\"]}",
             s.dir.path);
    json_t *mounts = json_object_get(config, "mounts");
    json_array_append_new(mounts, json_loads(data, 0, NULL));
    json_array_append_new(mounts,
                          json_pack("{s:s,s:s,s:s,s:[s]}", "destination", "/t", "type",
                                    "tmpfs", "source", "tmpfs", "options", "size=1m"));
    json_object_del(json_object_get(config, "linux"), "cgroupsPath");
    save_config();
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
    snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/oci-tests/%s/%s", controller, id,
             file);
    if (fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) < 0)
        return; /* this host has it elsewhere */
    cr_expect_str_eq(text, want, "%s: %s", path, text);
}

Test(oci, limits_are_set_and_updated_and_devices_stay)
{
    set("linux.resources.memory", "{\"limit\":52428800,\"reservation\":20971520}");
    set("linux.resources.cpu", "{\"shares\":300,\"quota\":50000,\"period\":100000}");
    set("linux.resources.pids", "{\"limit\":33}");
    set_script("sleep 1000");
    create();
    expect_file("memory", "memory.limit_in_bytes", "52428800");
    expect_file("cpu", "cpu.shares", "300");
    expect_file("cpu", "cpu.cfs_quota_us", "50000");
    expect_file("pids", "pids.max", "33");
    static const char MORE[] = "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}],"
                               "\"memory\":{\"limit\":62914560},\"pids\":{\"limit\":44}}";
    const char *const args[] = {"oci",         "--root", root, "update",
                                "--resources", "-",      id,   NULL};
    expect_ok(state_run_input(&s, MORE, strlen(MORE), args), "update");
    expect_file("memory", "memory.limit_in_bytes", "62914560");
    expect_file("memory", "memory.soft_limit_in_bytes", "20971520");
    expect_file("cpu", "cpu.shares", "300");
    expect_file("pids", "pids.max", "44");
    EXPECT_OK("exec", id, "sh", "-c", "echo x >/dev/null && head -c1 /dev/zero");
    EXPECT_OK("update", "--cpu-share", "400", id);
    expect_file("cpu", "cpu.shares", "400");
    expect_file("pids", "pids.max", "44");
}

Test(oci, devices_follow_the_rules_in_their_order)
{
    set("linux.devices",
        "[{\"path\":\"/dev/kmsg\",\"type\":\"c\",\"major\":1,\"minor\":11}]");
    set("linux.resources.devices",
        "[{\"allow\":false,\"access\":\"rwm\"},"
        "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"rw\"},"
        "{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"w\"}]");
    set("process.capabilities",
        "{\"bounding\":[\"CAP_SYSLOG\"],\"effective\":[\"CAP_SYSLOG\"],"
        "\"permitted\":[\"CAP_SYSLOG\"]}");
    set_script(
        "exec 3</dev/kmsg && echo read; (exec 4>/dev/kmsg) 2>/dev/null || echo no");
    save_config();
    struct outcome o = OCI("run", "--bundle", bundle, id);
    cr_expect_str_eq(o.out, "read\nno\n", "%s", o.err);
    outcome_done(&o);
}

/* ---- what is inherited ---- */

Test(oci, no_descriptor_of_the_callers_is_inside_but_those_preserved)
{
    set_script("for f in /proc/self/fd/*; do readlink $f; done | grep -c null; cat <&3");
    save_config();
    char command[1200], text[64] = "";
    snprintf(
        command, sizeof(command),
        "echo kept >%s/kept; exec 3<%s/kept 4</dev/null 5</dev/null 9</dev/null; %s oci "
        "--root %s run --preserve-fds 1 --bundle %s %s </dev/null",
        s.dir.path, s.dir.path, MTD_PROGRAM, root, bundle, id);
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
    snprintf(process, sizeof(process), "%s/process", s.dir.path);
    snprintf(pid_file, sizeof(pid_file), "%s/pid", s.dir.path);
    json_t *p =
        json_pack("{s:[s,s,s], s:s, s:[s], s:{s:i,s:i}}", "args", "/bin/sh", "-c",
                  "exit $CODE", "cwd", "/", "env", "CODE=23", "user", "uid", 3, "gid", 4);
    cr_assert_eq(json_dump_file(p, process, 0), 0);
    json_decref(p);
    set_script("sleep 1000");
    create();
    EXPECT_OK("start", id);
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    EXPECT_OK("exec", "--process", process, "--detach", "--pid-file", pid_file, id);
    int status = 0;
    pid_t pid = read_pid(pid_file);
    cr_assert_eq(waitpid(pid, &status, 0), pid, "it is not our child");
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 23);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* ---- hooks ---- */

static void add_hook(const char *kind, const char *script)
{
    json_t *hooks = json_object_get(config, "hooks");
    if (!hooks) {
        hooks = json_object();
        json_object_set_new(config, "hooks", hooks);
    }
    json_object_set_new(
        hooks, kind,
        json_pack("[{s:s,s:[s,s,s]}]", "path", "/bin/sh", "args", "sh", "-c", script));
}

Test(oci, hooks_run_in_their_order_and_namespaces)
{
    static const char *const KINDS[] = {"prestart", "createRuntime", "createContainer",
                                        "poststart", "poststop"};
    char script[600], path[200], own[64] = "";
    snprintf(path, sizeof(path), "%s/hooks", s.dir.path);
    for (size_t i = 0; i < 5; i++) {
        snprintf(
            script, sizeof(script),
            "echo %s $(readlink /proc/self/ns/mnt) $(sed 's/.*\"status\":\"\\([a-z]*\\).*/"
            "\\1/') >>%s",
            KINDS[i], path);
        add_hook(KINDS[i], script);
    }
    add_hook("startContainer", "cat >/hooked");
    set_script("cat /hooked");
    save_config();
    struct outcome o = OCI("run", "--bundle", bundle, id);
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

Test(oci, a_hook_that_fails_undoes_all)
{
    static const char *const KINDS[] = {"prestart", "createRuntime", "createContainer"};
    for (size_t i = 0; i < 3; i++) {
        json_object_del(config, "hooks");
        add_hook(KINDS[i], "exit 9");
        save_config();
        expect_refused(OCI("create", "--bundle", bundle, id), 1, "failed: exit status 9");
        expect_nothing_left(KINDS[i]);
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
        {"linux.seccomp",
         "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
         "not supported"},
        {"linux.intelRdt", "{\"closID\":\"x\"}", "not supported"},
        {"linux.personality", "{\"domain\":\"BSD\"}", "LINUX or LINUX32"},
        {"hooks", "{\"prestart\":[{\"path\":\"relative\"}]}", "absolute"},
    };
    json_t *good = json_deep_copy(config);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        json_decref(config);
        config = json_deep_copy(good);
        set(ROWS[i].path, ROWS[i].value);
        save_config();
        expect_refused(OCI("create", "--bundle", bundle, id), 1, ROWS[i].text);
        expect_nothing_left(ROWS[i].value);
    }
    json_decref(good);
}

Test(oci, ids_that_lead_elsewhere_are_refused)
{
    static const char *const IDS[] = {"..", ".", "", "a/b", "../x", "a b", "\xc3\xa4"};
    save_config();
    for (size_t i = 0; i < sizeof(IDS) / sizeof(IDS[0]); i++) {
        expect_refused(OCI("create", "--bundle", bundle, IDS[i]), 1,
                       "invalid container ID");
        expect_refused(OCI("delete", IDS[i]), 1, "invalid container ID");
    }
}

/* In the root links lead out of it, and into the kernel's files. */
Test(oci, links_in_the_root_lead_no_mount_elsewhere)
{
    char path[256], target[128];
    snprintf(target, sizeof(target), "/tmp/%s",
             id); /* on the host there is no such thing */
    snprintf(path, sizeof(path), "%s/rootfs/out", bundle);
    cr_assert_eq(symlink(target, path), 0);
    json_t *mounts = json_object_get(config, "mounts");
    json_array_append_new(mounts, json_pack("{s:s,s:s,s:s,s:[s]}", "destination",
                                            "/out/in", "type", "bind", "source",
                                            "/etc/hostname", "options", "bind"));
    set_script("ls /out");
    save_config();
    struct outcome o = OCI("run", "--bundle", bundle, id);
    cr_expect_str_eq(o.out, "in\n", "%s", o.err);
    outcome_done(&o);
    cr_expect_neq(access(target, F_OK), 0, "a mount point was made outside of the root");
    snprintf(path, sizeof(path), "%s/rootfs/kernels", bundle);
    cr_assert_eq(symlink("/sys/kernel", path), 0);
    json_array_append_new(mounts, json_pack("{s:s,s:s,s:s}", "destination", "/kernels",
                                            "type", "tmpfs", "source", "tmpfs"));
    save_config();
    expect_refused(OCI("create", "--bundle", bundle, id), 1,
                   "leads it to the kernel's files");
    expect_nothing_left("a link");
}

Test(oci, a_link_in_place_of_proc_is_refused)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/rootfs/proc", bundle);
    cr_assert(rmdir(path) == 0 || access(path, F_OK) != 0);
    cr_assert_eq(symlink("/tmp", path), 0);
    save_config();
    struct outcome o = OCI("create", "--bundle", bundle, id);
    cr_expect_eq(o.status, 1, "%s", o.out);
    outcome_done(&o);
    expect_nothing_left("a link");
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
    set_script("sleep 1000");
    add_hook("prestart", "true");
    save_config();
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        s.fault = fault;
        struct outcome o = OCI("create", "--bundle", bundle, id);
        bool created = o.status == 0;
        outcome_done(&o);
        o = OCI("delete", "--force", id); /* is killed as well at its own points */
        outcome_done(&o);
        s.fault = NULL;
        EXPECT_OK("delete", "--force", id);
        expect_nothing_left(POINTS[i]);
        cr_expect_eq(created, strncmp(POINTS[i], "delete", 6) == 0, "%s", POINTS[i]);
        if (!created) {
            EXPECT_OK("create", "--bundle", bundle, id);
            EXPECT_OK("delete", "--force", id);
        }
    }
}
