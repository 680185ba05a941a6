/* podman, with this program as its OCI runtime: what a user of podman types. Needs root, podman and
 * conmon. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/podmanbox.h"
#include "base/cleanup.h"

TestSuite(podman, .init = podmanbox_make, .fini = podmanbox_done, .timeout = 240);

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})

static void expect(struct outcome o, int status, const char *out)
{
    cr_expect_eq(o.status, status, "%d, want %d: %s%s", o.status, status, o.out, o.err);
    if (out)
        cr_expect_str_eq(o.out, out, "%s%s", o.out, o.err);
    outcome_done(&o);
}

static void expect_says(const char *const args[], const char *want)
{
    auto_free char *text = podmanbox_ask(args);
    cr_expect_str_eq(text, want);
}
#define EXPECT_SAYS(want, ...) expect_says(LIST(__VA_ARGS__), want)

static void start(const char *name, const char *script)
{
    expect(podmanbox_container(LIST("--detach", "--name", name),
                               LIST("/bin/sh", "-c", script)),
           0, NULL);
}

Test(podman, run_has_the_output_and_the_status)
{
    expect(podmanbox_container(LIST("--rm"), LIST("sh", "-c", "id -u; exit 7")), 7,
           "0\n");
    expect(podmanbox_container(LIST("--rm"), LIST("/nope")), 127, "");
    expect(podmanbox_container(LIST("--rm"), LIST("/etc/passwd")), 126, "");
}

Test(podman, a_container_goes_through_its_life)
{
    start("a", "trap 'exit 3' TERM; while :; do sleep 0.1; done");
    expect(PODMAN("exec", "--user", "3:4", "--workdir", "/tmp", "--env", "A=b", "a", "sh",
                  "-c", "id -u; id -g; pwd; echo $A; exit 5"),
           5, "3\n4\n/tmp\nb\n");
    EXPECT_SAYS("a", "pause", "a");
    EXPECT_SAYS("paused", "inspect", "--format", "{{.State.Status}}", "a");
    EXPECT_SAYS("a", "unpause", "a");
    EXPECT_SAYS("a", "stop", "--time", "30", "a");
    EXPECT_SAYS("3 exited", "inspect", "--format",
                "{{.State.ExitCode}} {{.State.Status}}", "a");
    EXPECT_SAYS("a", "start", "a");
    EXPECT_SAYS("a", "kill", "--signal", "KILL", "a");
    EXPECT_SAYS("137", "wait", "a");
    EXPECT_SAYS("a", "rm", "a");
}

Test(podman, update_changes_a_limit_and_leaves_devices)
{
    start("a", "sleep 1000");
    free(PODMAN_ASK("update", "--memory", "100m", "a"));
    const char *limit = podmanbox_limit("memory", "memory.limit_in_bytes");
    if (!*limit)
        limit = podmanbox_limit("", "memory.max");
    cr_expect_str_eq(limit, "104857600");
    EXPECT_SAYS("1", "exec", "a", "sh", "-c",
                "echo x >/dev/null && head -c 1 /dev/zero | wc -c");
}

Test(podman, a_health_check_is_an_exec)
{
    expect(podmanbox_container(LIST("--detach", "--name", "a", "--health-cmd",
                                    "test -e /well", "--health-interval", "disable",
                                    "--health-retries", "1"),
                               LIST("sleep", "1000")),
           0, NULL);
    expect(PODMAN("healthcheck", "run", "a"), 1, NULL);
    free(PODMAN_ASK("exec", "a", "touch", "/well"));
    expect(PODMAN("healthcheck", "run", "a"), 0, NULL);
    EXPECT_SAYS("healthy", "inspect", "--format", "{{.State.Health.Status}}", "a");
}

Test(podman, volumes_are_kept_and_read_only_ones_are_not_written)
{
    EXPECT_SAYS("v", "volume", "create", "v");
    expect(podmanbox_container(LIST("--rm", "--volume", "v:/data"),
                               LIST("sh", "-c", "echo kept >/data/f")),
           0, "");
    expect(podmanbox_container(LIST("--rm", "--volume", "v:/data:ro", "--read-only",
                                    "--tmpfs", "/scratch"),
                               LIST("sh", "-c",
                                    "cat /data/f; touch /data/x 2>/dev/null || echo ro; "
                                    "touch /x 2>/dev/null || echo root; touch /scratch/x "
                                    "&& echo tmpfs")),
           0, "kept\nro\nroot\ntmpfs\n");
}

/* ---- terminals ---- */

static void expect_shown(struct outcome o, const char *text)
{
    cr_expect_eq(o.status, 0, "%s", o.out);
    cr_expect_not_null(strstr(o.out, text), "want \"%s\": %s", text, o.out);
    outcome_done(&o);
}

Test(podman, a_terminal_is_the_callers)
{
    expect_shown(podmanbox_terminal(
                     LIST("run", "sh", "-c", "tty; echo ask; read x; echo \"got <$x>\""),
                     "ask", "typed\r"),
                 "got <typed>");
    start("a", "sleep 1000");
    expect_shown(podmanbox_terminal(LIST("exec", "-it", "a", "sh", "-c",
                                         "tty; echo ask; read x; echo \"got <$x>\""),
                                    "ask", "again\r"),
                 "got <again>");
}

/* ---- user namespaces and pods ---- */

Test(podman, uidmap_maps_the_ids_it_names)
{
    char command[400], path[300];
    struct stat st;
    snprintf(command, sizeof(command), "chown -R 300000:300000 %s/rootfs", box.bundle);
    cr_assert_eq(system(command), 0);
    expect(podmanbox_container(
               LIST("--rm", "--uidmap", "0:300000:5000", "--gidmap", "0:300000:5000"),
               LIST("sh", "-c",
                    "id -u; echo $(cat /proc/self/uid_map); touch /made; "
                    "echo x >/dev/null && echo null")),
           0, "0\n0 300000 5000\nnull\n");
    snprintf(path, sizeof(path), "%s/rootfs/made", box.bundle);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_uid, 300000);
}

static void import(void)
{
    char command[400], tar[300];
    snprintf(tar, sizeof(tar), "%s/root.tar", box.state.dir.path);
    snprintf(command, sizeof(command), "tar -C %s/rootfs -cf %s .", box.bundle, tar);
    cr_assert_eq(system(command), 0);
    free(PODMAN_ASK("import", "--quiet", tar, "localhost/box"));
}

Test(podman, userns_auto_has_a_range_and_exec_is_in_it)
{
    char group[160];
    snprintf(group, sizeof(group), "--cgroup-parent=/oci-tests/%s", box.id);
    import();
    free(PODMAN_ASK("run", "--detach", "--name", "a", group, "--network=none",
                    "--userns=auto:size=1000", "localhost/box", "sleep", "1000"));
    EXPECT_SAYS("0 400000 1000", "exec", "a", "sh", "-c",
                "echo $(cat /proc/self/uid_map)");
    EXPECT_SAYS("0:0", "exec", "a", "sh", "-c", "touch /made; stat -c %u:%g /made");
}

Test(podman, a_pod_shares_names_and_interfaces)
{
    char group[160];
    snprintf(group, sizeof(group), "--cgroup-parent=/oci-tests/%s", box.id);
    import();
    free(PODMAN_ASK("pod", "create", "--name", "p", group, "--network=none",
                    "--share=net,ipc,uts", "--infra-image=localhost/box",
                    "--infra-command=sleep 1000", "--hostname=pod"));
    free(PODMAN_ASK("run", "--detach", "--pod=p", "--name", "a", "localhost/box", "sleep",
                    "1000"));
    auto_free char *net = PODMAN_ASK("exec", "a", "readlink", "/proc/1/ns/net");
    auto_free char *pids = PODMAN_ASK("exec", "a", "readlink", "/proc/1/ns/pid");
    expect(PODMAN("run", "--rm", "--pod=p", "localhost/box", "hostname"), 0, "pod\n");
    EXPECT_SAYS(net, "run", "--rm", "--pod=p", "localhost/box", "readlink",
                "/proc/self/ns/net");
    auto_free char *others = PODMAN_ASK("run", "--rm", "--pod=p", "localhost/box",
                                        "readlink", "/proc/self/ns/pid");
    cr_expect_str_neq(others, pids);
}
