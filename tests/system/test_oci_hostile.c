/* Configurations, ids and roots that are wrong or malicious: one line, and nothing is left. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/ocibox.h"

TestSuite(oci_hostile, .init = ocibox_make, .fini = ocibox_done, .timeout = 60);

Test(oci_hostile, bad_configurations_are_refused_in_one_line_and_leave_nothing)
{
    static const struct ocibox_row ROWS[] = {
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
    ocibox_refuses_each(ROWS, sizeof(ROWS) / sizeof(ROWS[0]));
}

Test(oci_hostile, ids_that_lead_elsewhere_are_refused)
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
Test(oci_hostile, links_in_the_root_lead_no_mount_elsewhere)
{
    char path[256], target[128];
    snprintf(target, sizeof(target), "/tmp/%s",
             box.id); /* on the host there is no such thing */
    snprintf(path, sizeof(path), "%s/rootfs/out", box.bundle);
    cr_assert_eq(symlink(target, path), 0);
    json_t *mounts = json_object_get(box.config, "mounts");
    char file[256]; /* whatever is there */
    snprintf(file, sizeof(file), "%s/config.json", box.bundle);
    json_array_append_new(mounts,
                          json_pack("{s:s,s:s,s:s,s:[s]}", "destination", "/out/in",
                                    "type", "bind", "source", file, "options", "bind"));
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

Test(oci_hostile, a_link_in_place_of_proc_is_refused)
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
Test(oci_hostile, a_shared_root_has_all_its_mounts_and_no_way_back)
{
    ocibox_set("linux.rootfsPropagation", "\"rshared\"");
    ocibox_script(
        "[ \"$(ls /..)\" = \"$(ls /)\" ] && echo root; ls /sys/fs/cgroup | wc -l |"
        " grep -qv '^0$' && echo groups; grep -c ' / rw.* shared:' "
        "/proc/self/mountinfo; awk '$5 == \"/\"' /proc/self/mountinfo | wc -l");
    ocibox_says("root\ngroups\n1\n1\n");
}
