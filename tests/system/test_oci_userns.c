/* Bundles with ids of their own: what they are outside, what belongs to them, mounts whose ids are
 * mapped. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/ocibox.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define BASE 200000
#define MAP "[{\"containerID\":0,\"hostID\":200000,\"size\":65536}]"

static char rootfs[200];

/* Its files are its root's, as podman makes them. */
static void set_up(void)
{
    char command[300];
    ocibox_make();
    snprintf(rootfs, sizeof(rootfs), "%s/rootfs", box.bundle);
    snprintf(command, sizeof(command), "chown -R %d:%d %s", BASE, BASE, rootfs);
    cr_assert_eq(system(command), 0);
    ocibox_append("linux.namespaces", "{\"type\":\"user\"}");
    ocibox_set("linux.uidMappings", MAP);
    ocibox_set("linux.gidMappings", MAP);
}

TestSuite(oci_userns, .init = set_up, .fini = ocibox_done, .timeout = 60);

static void give_caps(const char *names)
{
    char text[300];
    snprintf(text, sizeof(text), "{\"bounding\":%s,\"effective\":%s,\"permitted\":%s}",
             names, names, names);
    ocibox_set("process.capabilities", text);
}

Test(oci_userns, its_ids_are_others_outside)
{
    char path[300];
    struct stat st;
    ocibox_script(
        "id -u; id -g; echo $(cat /proc/self/uid_map); cat /proc/self/setgroups;"
        "touch /made && stat -c %u:%g /made; stat -c %u:%g /bin /dev /dev/shm");
    ocibox_says("0\n0\n0 200000 65536\nallow\n0:0\n0:0\n0:0\n0:0\n");
    snprintf(path, sizeof(path), "%s/made", rootfs);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_uid, BASE);
    cr_expect_eq(st.st_gid, BASE);
}

/* What only the owner's root may do in each of them. */
Test(oci_userns, its_namespaces_belong_to_it)
{
    give_caps("[\"CAP_SYS_ADMIN\",\"CAP_NET_ADMIN\",\"CAP_SETUID\",\"CAP_SETGID\"]");
    ocibox_set("hostname", "\"inside\"");
    ocibox_set("linux.readonlyPaths", "[]");
    ocibox_set("linux.maskedPaths", "[]");
    ocibox_set("linux.sysctl", "{\"net.ipv4.ip_unprivileged_port_start\":\"77\"}");
    ocibox_script("mkdir /tmp/p && mount -t proc p /tmp/p && echo pid;"
                  "hostname; hostname other && hostname;"
                  "cat /proc/sys/net/ipv4/ip_unprivileged_port_start;"
                  "ip link set lo down && echo net;"
                  "mkdir /tmp/q && mount -t mqueue q /tmp/q && echo ipc");
    ocibox_says("pid\ninside\nother\n77\nnet\nipc\n");
}

Test(oci_userns, nothing_of_the_hosts_is_its)
{
    give_caps("[\"CAP_SYS_ADMIN\",\"CAP_MKNOD\",\"CAP_DAC_OVERRIDE\"]");
    ocibox_set("linux.maskedPaths", "[]");
    ocibox_set("linux.readonlyPaths", "[]");
    ocibox_script(
        "mknod /node c 1 5 2>/dev/null || echo no node;"
        "(echo 1 >/proc/sys/vm/swappiness) 2>/dev/null || echo no sysctl;"
        "(echo 1000 >/proc/1/oom_score_adj) 2>/dev/null && echo own score;"
        "umount /proc/sys 2>/dev/null; (echo b >/proc/sysrq-trigger) 2>/dev/null "
        "|| echo no sysrq");
    ocibox_says("no node\nno sysctl\nown score\nno sysrq\n");
}

Test(oci_userns, devices_are_those_of_the_host)
{
    ocibox_set("linux.devices", "[{\"path\":\"/dev/kmsg\",\"type\":\"c\",\"major\":1,"
                                "\"minor\":11},{\"path\":\"/dev/fifo\",\"type\":\"p\","
                                "\"uid\":3,\"gid\":4}]");
    ocibox_script("echo lost >/dev/null; head -c 2 /dev/zero | wc -c;"
                  "for f in null kmsg; do stat -c %t:%T /dev/$f; done; "
                  "[ -p /dev/fifo ] && stat -c %u:%g /dev/fifo");
    ocibox_says("2\n1:3\n1:b\n3:4\n");
}

/* Without nodes of its own it would get whatever has that name. */
Test(oci_userns, a_device_that_the_host_has_elsewhere_is_refused)
{
    ocibox_set("linux.devices",
               "[{\"path\":\"/dev/null2\",\"type\":\"c\",\"major\":1,\"minor\":3}]");
    ocibox_save();
    ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1,
                   "cannot create /dev/null2");
    ocibox_set("linux.devices",
               "[{\"path\":\"/dev/kmsg\",\"type\":\"c\",\"major\":1,\"minor\":5}]");
    ocibox_save();
    ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1,
                   "cannot create /dev/kmsg");
    ocibox_nothing_left("create");
}

/* Its bridge is none of its processes. */
Test(oci_userns, a_limit_of_one_process_is_enough_and_holds)
{
    ocibox_set("linux.resources.pids", "{\"limit\":1}");
    ocibox_script("echo begun; /bin/true; echo end");
    ocibox_save();
    struct outcome o = OCI("run", "--bundle", box.bundle, box.id);
    cr_expect_str_eq(o.out, "begun\n", "%s", o.err);
    cr_expect_neq(o.status, 0, "it is in no group: a second process was made");
    outcome_done(&o);
}

Test(oci_userns, a_group_seen_writable_is_its_own)
{
    if (access("/sys/fs/cgroup/cgroup.procs", F_OK) != 0 &&
        access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) != 0)
        cr_skip("this host has no groups of version 2");
    static const char SCRIPT[] =
        "d=/sys/fs/cgroup/unified; [ -d $d ] || d=/sys/fs/cgroup;"
        "mkdir $d/sub 2>/dev/null && rmdir $d/sub && echo own;"
        "stat -c %u $d/cgroup.procs";
    json_t *mounts = json_object_get(box.config, "mounts");
    size_t last = json_array_size(mounts) - 1;
    ocibox_script(SCRIPT);
    ocibox_says("65534\n");
    json_array_remove(mounts, last);
    ocibox_append("mounts", "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\","
                            "\"source\":\"cgroup\",\"options\":[\"nosuid\"]}");
    ocibox_says("own\n0\n");
}

/* ---- its streams ---- */

Test(oci_userns, a_pipe_is_its_users)
{
    int ends[2], none = open("/dev/null", O_RDWR | O_CLOEXEC), status;
    char text[64] = "";
    struct stat st;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    ocibox_set("process.user", "{\"uid\":5,\"gid\":6}");
    ocibox_script("echo by name >/dev/stdout");
    ocibox_save();
    const char *const args[] = {"oci",      "--root",   box.root, "run",
                                "--bundle", box.bundle, box.id,   NULL};
    pid_t pid = state_spawn_on(&box.state, (int[]){none, ends[1], none}, args);
    close(ends[1]);
    status = state_reap(pid);
    cr_expect_eq(status, 0, "%d", status);
    cr_expect_gt(read(ends[0], text, sizeof(text) - 1), 0);
    cr_expect_str_eq(text, "by name\n");
    cr_expect_eq(fstat(ends[0], &st), 0);
    cr_expect_eq(st.st_uid, BASE + 5);
    close(ends[0]);
    close(none);
}

/* ---- exec, and joining by path ---- */

Test(oci_userns, exec_is_in_it_before_and_after_the_start)
{
    static const char *const WHEN[] = {"created", "running"};
    ocibox_script("sleep 1000");
    ocibox_create();
    for (size_t i = 0; i < 2; i++) {
        cr_expect(ocibox_is(WHEN[i]));
        struct outcome o = OCI("exec", "-u", "5:6", box.id, "sh", "-c",
                               "id -u; id -g; echo $(cat /proc/self/uid_map); "
                               "echo x >/dev/null && grep -c ^Cap /proc/self/status");
        cr_expect_str_eq(o.out, "5\n6\n0 200000 65536\n5\n", "%s: %s", WHEN[i], o.err);
        outcome_done(&o);
        if (i == 0)
            EXPECT_OK("start", box.id);
    }
}

Test(oci_userns, another_joins_its_namespaces_by_path)
{
    static const struct {
        const char *type, *file;
    } ROWS[] = {{"user", "user"}, {"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}};
    char other[sizeof(box.id) + 8], text[128], *id;
    ocibox_set("hostname", "\"shared\"");
    ocibox_script("sleep 1000");
    ocibox_create();
    json_t *st = ocibox_state();
    int pid = (int)json_integer_value(json_object_get(st, "pid"));
    json_decref(st);
    ocibox_set("linux.namespaces", "[{\"type\":\"pid\"},{\"type\":\"mount\"}]");
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        snprintf(text, sizeof(text), "{\"type\":\"%s\",\"path\":\"/proc/%d/ns/%s\"}",
                 ROWS[i].type, pid, ROWS[i].file);
        ocibox_append("linux.namespaces", text);
    }
    json_object_del(box.config, "hostname");
    json_object_del(json_object_get(box.config, "linux"), "uidMappings");
    json_object_del(json_object_get(box.config, "linux"), "gidMappings");
    ocibox_set("linux.cgroupsPath", "\"\"");
    ocibox_script("hostname; echo $(cat /proc/self/uid_map); echo $$");
    ocibox_save();
    snprintf(other, sizeof(other), "%s-2", box.id);
    struct outcome o = OCI("run", "--bundle", box.bundle, other);
    cr_expect_str_eq(o.out, "shared\n0 200000 65536\n1\n", "%s", o.err);
    outcome_done(&o);
    id = OCI_ASK("list", "--quiet");
    cr_expect_str_eq(id, box.id);
    free(id);
}

/* A pod that has the caller's user namespace says so by its path. */
Test(oci_userns, the_callers_own_by_path_is_none)
{
    char command[300];
    snprintf(command, sizeof(command), "chown -R 0:0 %s", rootfs);
    cr_assert_eq(system(command), 0);
    json_object_del(json_object_get(box.config, "linux"), "uidMappings");
    json_object_del(json_object_get(box.config, "linux"), "gidMappings");
    ocibox_set("linux.namespaces",
               "[{\"type\":\"pid\"},{\"type\":\"mount\"},"
               "{\"type\":\"user\",\"path\":\"/proc/self/ns/user\"}]");
    json_object_del(box.config, "hostname");
    ocibox_script("sleep 1000");
    ocibox_create();
    struct outcome o = OCI("exec", box.id, "cut", "-c1-32", "/proc/self/uid_map");
    cr_expect_str_eq(o.out, "         0          0 4294967295\n", "%s", o.err);
    outcome_done(&o);
}

/* ---- mounts ---- */

static char *make_data(void)
{
    char *dir = NULL, path[300];
    cr_assert_gt(asprintf(&dir, "%s/data", box.state.dir.path), 0);
    cr_assert_eq(mkdir(dir, 0777), 0);
    snprintf(path, sizeof(path), "%s/file", dir);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    cr_assert_eq(chown(path, 7, 8), 0);
    return dir;
}

static void mount_data(const char *dir, const char *options, const char *more)
{
    char text[600];
    snprintf(text, sizeof(text),
             "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"%s\","
             "\"options\":[%s]%s}",
             dir, options, more);
    ocibox_append("mounts", text);
}

/* What leads to it is nobody's business but the host's root's. */
Test(oci_userns, a_bind_comes_from_behind_closed_directories)
{
    auto_free char *dir = make_data();
    cr_assert_eq(chmod(box.state.dir.path, 0700), 0);
    mount_data(dir, "\"rbind\",\"ro\"", "");
    ocibox_script("stat -c %u:%g /data/file; touch /data/x 2>&1 | grep -c Read-only");
    ocibox_says("65534:65534\n1\n");
}

/* Before Linux 6.3 the kernel does not map those of a tmpfs. */
static void need_maps(void)
{
    if (!state_maps_ids(&box.state))
        cr_skip("needs mapped mounts of this file system");
}

Test(oci_userns, mapped_by_the_containers_ids)
{
    need_maps();
    auto_free char *dir = make_data();
    char path[300];
    struct stat st;
    mount_data(dir, "\"bind\",\"idmap\"", "");
    give_caps("[\"CAP_DAC_OVERRIDE\",\"CAP_CHOWN\"]");
    ocibox_script("stat -c %u:%g /data/file; touch /data/made; chown 9:9 /data/made");
    ocibox_says("7:8\n");
    snprintf(path, sizeof(path), "%s/made", dir);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_uid, 9);
}

static void drop_userns(void)
{
    char command[300];
    json_t *list = json_object_get(json_object_get(box.config, "linux"), "namespaces");
    json_array_remove(list, json_array_size(list) - 1);
    json_object_del(json_object_get(box.config, "linux"), "uidMappings");
    json_object_del(json_object_get(box.config, "linux"), "gidMappings");
    snprintf(command, sizeof(command), "chown -R 0:0 %s", rootfs);
    cr_assert_eq(system(command), 0);
}

Test(oci_userns, mapped_by_ranges_of_its_own_without_a_namespace)
{
    need_maps();
    auto_free char *dir = make_data();
    drop_userns();
    mount_data(dir, "\"rbind\"",
               ",\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":100}],"
               "\"gidMappings\":[{\"containerID\":0,\"hostID\":2000,\"size\":100}]");
    ocibox_script("stat -c %u:%g /data/file; cat /proc/self/setgroups");
    ocibox_says("1007:2008\nallow\n");
}

/* One file system is mounted below the other, on the test's side of the host. */
Test(oci_userns, ridmap_maps_what_is_below_and_idmap_does_not)
{
    need_maps();
    static const struct {
        const char *options, *want;
    } ROWS[] = {{"\"rbind\",\"idmap\"", "7:8\n65534:65534\n"},
                {"\"rbind\",\"ridmap\"", "7:8\n0:0\n"}};
    auto_free char *dir = make_data();
    char below[300], script[300];
    snprintf(below, sizeof(below), "%s/below", dir);
    cr_assert_eq(mkdir(below, 0755), 0);
    json_t *good = json_deep_copy(box.config);
    for (size_t i = 0; i < 2; i++) {
        json_decref(box.config);
        box.config = json_deep_copy(good);
        mount_data(dir, ROWS[i].options, "");
        ocibox_script("stat -c %u:%g /data/file /data/below");
        ocibox_save();
        snprintf(script, sizeof(script),
                 "mount -t tmpfs below %s && exec %s oci --root %s run --bundle %s %s",
                 below, MTD_PROGRAM, box.root, box.bundle, box.id);
        const char *const args[] = {"unshare", "-m", "sh", "-c", script, NULL};
        char text[128] = "";
        int ends[2];
        cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
            dup2(ends[1], 1);
            execvp(args[0], (char *const *)args);
            _exit(127);
        }
        close(ends[1]);
        cr_expect_eq(state_reap(pid), 0);
        cr_expect_gt(read(ends[0], text, sizeof(text) - 1), 0);
        cr_expect_str_eq(text, ROWS[i].want);
        close(ends[0]);
    }
    json_decref(good);
}

Test(oci_userns, what_cannot_be_mapped_is_refused_and_leaves_nothing)
{
    static const struct ocibox_row ROWS[] = {
        {"linux.uidMappings", "[{\"containerID\":1,\"hostID\":1000,\"size\":5}]",
         "must map the container's id 0"},
        {"linux.uidMappings", "[]", "a new user namespace needs them"},
        {"linux.gidMappings", "[{\"containerID\":0,\"hostID\":5,\"size\":0}]",
         "out of range"},
        {"linux.uidMappings",
         "[{\"containerID\":0,\"hostID\":1000,\"size\":5},"
         "{\"containerID\":2,\"hostID\":9000,\"size\":5}]",
         "cannot map the ids of the user namespace"},
        {"process.user.uid", "70000", "not among the ids that the container has"},
        {"mounts",
         "[{\"destination\":\"/proc\",\"type\":\"proc\"},{\"destination\":\"/x\","
         "\"type\":\"bind\",\"source\":\"/proc\",\"options\":[\"bind\",\"idmap\"]}]",
         "the ids of /proc cannot be mapped"},
        {"mounts",
         "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/nowhere\","
         "\"options\":[\"bind\"]}]",
         "cannot mount /nowhere: it does not exist"},
        {"mounts",
         "[{\"destination\":\"/x\",\"type\":\"tmpfs\",\"options\":[\"idmap\"]}]",
         "only a bind"},
        {"linux.namespaces",
         "[{\"type\":\"mount\"},{\"type\":\"uts\"},{\"type\":\"network\"},"
         "{\"type\":\"user\",\"path\":\"/proc/self/ns/net\"}]",
         "is not a user namespace"},
    };
    ocibox_refuses_each(ROWS, sizeof(ROWS) / sizeof(ROWS[0]));
}

Test(oci_userns, ids_to_be_mapped_need_a_map)
{
    drop_userns();
    ocibox_append("mounts",
                  "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/tmp\","
                  "\"options\":[\"bind\",\"idmap\"]}");
    ocibox_save();
    ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1,
                   "asks for mapped ids and neither has");
}

/* ---- killed ---- */

Test(oci_userns, killed_at_each_step_it_can_be_deleted, .timeout = 120)
{
    static const char *const POINTS[] = {
        "oci.trees",   "oci.cgroup",   "oci.bridge",      "oci.clone",
        "oci.publish", "oci.release",  "create.join",     "create.namespaces",
        "create.tree", "create.enter", "create.identity", "create.gate",
    };
#ifndef MTD_FAULTS
    cr_skip("needs fault points");
#endif
    ocibox_script("sleep 1000");
    ocibox_save();
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        box.state.fault = fault;
        struct outcome o = OCI("create", "--bundle", box.bundle, box.id);
        cr_expect_neq(o.status, 0, "%s", POINTS[i]);
        outcome_done(&o);
        box.state.fault = NULL;
        EXPECT_OK("delete", "--force", box.id);
        ocibox_nothing_left(POINTS[i]);
    }
}
