/* Files of a container with ids of its own: on disk they have the ids that it sees, volumes are
 * shared whatever the ranges, and the host's own files are out of reach. What a second program
 * sees (stat, tar) counts. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define PROBE MTD_PROBE ":/probe:ro"

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

TestSuite(userns_files, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_text(char *got, const char *want)
{
    cr_expect_str_eq(got, want, "said: %s\nwant: %s", got, want);
    free(got);
}

#define INSIDE(want, ...) \
    expect_text(ASK(&s, "run", "--rm", "--userns", "auto", __VA_ARGS__), want)

/* What the host has at a path below the test's directory. */
static void expect_owner(const char *path, uid_t uid, gid_t gid)
{
    struct stat st = {0};
    cr_expect_eq(fstatat(s.dir.fd, path, &st, AT_SYMLINK_NOFOLLOW), 0, "%s", path);
    cr_expect(st.st_uid == uid && st.st_gid == gid, "%s is of %u:%u, not %u:%u", path,
              st.st_uid, st.st_gid, uid, gid);
}

/* A directory of the host with a file of root's, as a bind mount's source. */
static char *make_bind(const char *options)
{
    char *text = NULL;
    cr_assert_eq(mkdirat(s.dir.fd, "bind", 0755), 0);
    auto_fd int fd = openat(s.dir.fd, "bind/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cr_assert_eq(fs_write_all(fd, "host\n", 5), 0);
    cr_assert_gt(asprintf(&text, "%s/bind:/d%s", s.dir.path, options), 0);
    return text;
}

Test(userns_files, upper_diff_export_and_commit_have_the_ids_it_sees)
{
    free(ASK(
        &s, "run", "--name", "x", "--userns", "auto", "busybox", "sh", "-c",
        "mkdir /q; echo 1 > /q/f; chown 44:45 /q /q/f; chmod 6755 /q/f; ln -s f /q/l; "
        "mkfifo /q/p; rm -r /var; mkdir /var; rm /etc/passwd"));
    auto_free char *id = ASK(&s, "inspect", "-f", "{{.Id}}", "x");
    char path[256];
    snprintf(path, sizeof(path), "root/containers/%s/upper/q/f", id);
    expect_owner(path, 44, 45);
    snprintf(path, sizeof(path), "root/containers/%s/upper/q/p", id);
    expect_owner(path, 0, 0);
    auto_free char *diff = ASK(&s, "diff", "x");
    cr_expect(strstr(diff, "D /etc/passwd") && strstr(diff, "D /var/log") &&
                  strstr(diff, "A /q/f"),
              "%s", diff);
    char tar[512];
    snprintf(tar, sizeof(tar), "%s/x.tar", s.dir.path);
    free(ASK(&s, "export", "-o", tar, "x"));
    char command[700], line[256] = "";
    snprintf(command, sizeof(command), "tar --numeric-owner -tvf %s q/f", tar);
    FILE *f = popen(command, "re");
    cr_assert(f && fgets(line, sizeof(line), f));
    pclose(f);
    cr_expect(strstr(line, "-rwsr-sr-x 44/45 "), "%s", line);
    free(ASK(&s, "commit", "x", "new"));
    for (int own = 0; own < 2; own++)
        expect_text(ASK(&s, "run", "--rm", "--userns", own ? "auto" : "host", "new",
                        "stat", "-c", "%u:%g %a", "/q/f", "/q", "/q/l", "/var"),
                    "44:45 6755\n44:45 755\n0:0 777\n0:0 755");
}

Test(userns_files, a_volume_is_shared_by_containers_of_different_ranges)
{
    free(ASK(&s, "run", "-d", "--name", "a", "--userns", "auto", "-v", "v:/d", "-v",
             "/etc", "busybox", "sh", "-c",
             "echo x > /d/f; chown 33:34 /d/f; exec sleep 1000"));
    free(ASK(&s, "exec", "a", "sh", "-c", "until [ -s /d/f ]; do usleep 1000; done"));
    static const char *const RANGES[] = {"auto", "host", "0:4000000:65536"};
    for (size_t i = 0; i < ARRAY_SIZE(RANGES); i++)
        expect_text(ASK(&s, "run", "--rm", "--userns", RANGES[i], "--volumes-from", "a",
                        "busybox", "sh", "-c",
                        "stat -c '%u:%g' /d/f /etc/passwd; echo x >> /d/f && echo wrote"),
                    "33:34\n0:0\nwrote");
    expect_owner("root/volumes/v/_data/f", 33, 34);
}

/* Without a map of that mount nothing of the host's is the container's. */
Test(userns_files, capabilities_do_not_reach_the_hosts_files)
{
    auto_free char *bind = make_bind("");
    INSIDE("65534:65534\nhost\n", "-v", bind, "--cap-add", "ALL", "busybox", "sh", "-c",
           "exec 2>/dev/null; stat -c '%u:%g' /d/file; cat /d/file; chown 0:0 /d/file && "
           "echo chown; chmod 777 /d/file && echo chmod; echo x > /d/file && echo wrote; "
           "touch /d/new && echo made; rm -f /d/file && echo gone; "
           "mknod /d/null c 1 3 && echo node; echo");
    expect_owner("bind/file", 0, 0);
}

Test(userns_files, a_mapped_bind_mount_is_as_without_a_namespace)
{
    auto_free char *bind = make_bind(":idmap");
    INSIDE("0:0\nwrote", "-v", bind, "busybox", "sh", "-c",
           "stat -c '%u:%g' /d/file; echo x > /d/new && chown 7:8 /d/new && echo wrote");
    expect_owner("bind/new", 7, 8);
    auto_done(outcome_done) struct outcome o = RUN(
        &s, "run", "--rm", "--userns", "auto", "-v", "/proc:/d:idmap", "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "its file system cannot do that"), "%s", o.err);
}

Test(userns_files, the_state_directory_is_closed_to_its_ids)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--userns", "auto", "busybox", "sleep",
             "1000"));
    auto_free char *host =
        ASK(&s, "inspect", "-f", "{{index .HostConfig.IDMappings.UidMap 0}}", "x");
    unsigned long long uid = 0;
    cr_assert_eq(sscanf(host, "0:%llu:", &uid), 1);
    static const char *const DIRS[] = {"root", "root/containers", "root/userns",
                                       "root/images", "run"};
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++) {
        struct stat st;
        cr_assert_eq(fstatat(s.dir.fd, DIRS[i], &st, 0), 0);
        cr_expect_eq(st.st_mode & 077, 0, "%s: %o", DIRS[i], st.st_mode);
        cr_expect_eq(st.st_uid, 0);
    }
}

Test(userns_files, setuid_programs_work_inside)
{
    INSIDE("7\n0", "-v", PROBE, "busybox", "sh", "-c",
           "cp /probe /p; chmod 4755 /p; echo root > /secret; chmod 600 /secret; "
           "su -s /bin/sh daemon -c true; "
           "cat > /t <<'X'\n#!/bin/sh\nid -u\n/p cat /secret >/dev/null && echo 0\nX\n"
           "chmod 755 /t; sed -i 's/^daemon:x:1:1/daemon:x:7:7/' /etc/passwd; "
           "su -s /bin/sh daemon -c /t");
}

Test(userns_files, read_only_tmpfs_init_and_devices)
{
    INSIDE("5:6 755\nread-only\n/dev/init", "--read-only", "--tmpfs",
           "/t:uid=5,gid=6,mode=755", "--init", "busybox", "sh", "-c",
           "stat -c '%u:%g %a' /t; touch /x 2>/dev/null || echo read-only; "
           "tr '\\0' '\\n' < /proc/1/cmdline | head -n 1");
    char device[300];
    snprintf(device, sizeof(device), "%s/node:/dev/other", s.dir.path);
    cr_assert_eq(mknodat(s.dir.fd, "node", S_IFCHR | 0600, makedev(1, 3)), 0);
    cr_assert_eq(fchownat(s.dir.fd, "node", 7, 8, 0), 0);
    INSIDE("0:0 /srv/zero\n0:0 /dev/z\n7:8 /dev/other\n4", "--device",
           "/dev/zero:/srv/zero", "--device", "/dev/zero:/dev/z", "--device", device,
           "busybox", "sh", "-c",
           "stat -c '%u:%g %n' /srv/zero /dev/z /dev/other; head -c 4 /srv/zero | wc -c");
}

/* Here no failure may hurt: with the defence off this is a container with all capabilities. */
Test(userns_files, nodes_are_not_made)
{
    INSIDE(
        "", "--cap-add", "ALL", "--security-opt", "seccomp=unconfined", "busybox", "sh",
        "-c",
        "exec 2>/dev/null; mknod /tmp/n c 1 3 && echo node; mknod /dev/n c 1 5 && echo "
        "again; mknod /tmp/b b 7 0 && echo block; echo");
}

/* The host's network is one of this test's own, for the same reason. */
Test(userns_files, the_hosts_network_is_not_its_own)
{
    cr_assert_eq(unshare(CLONE_NEWNET), 0);
    INSIDE("lo\nrefused", "--network", "host", "--cap-add", "ALL", "busybox", "sh", "-c",
           "ls /sys/class/net; ip link set lo up 2>/dev/null || echo refused");
}

Test(userns_files, the_hosts_processes_and_ipc)
{
    INSIDE("alive", "--pid", "host", "--cap-add", "ALL", "busybox", "sh", "-c",
           "kill -0 1 2>/dev/null && echo may; cat /proc/1/environ 2>/dev/null; "
           "[ -d /proc/1 ] && echo alive");
    INSIDE("2", "--ipc", "host", "busybox", "sh", "-c",
           "grep -cE ' /dev/(shm|mqueue) ' /proc/mounts");
}

/* The next command's monitor takes over, and a restart has the same ids. */
Test(userns_files, a_killed_monitor_is_replaced)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--userns", "auto", "--health-cmd",
             "echo $(id -u) > /dev/stdout", "--health-interval", "1s", "busybox", "sh",
             "-c", "while :; do echo tick > /dev/stdout; sleep 0.1; done"));
    pid_t monitor = state_find(&s, "mtd:monitor");
    cr_assert_gt(monitor, 0);
    cr_assert_eq(kill(monitor, SIGKILL), 0);
    expect_text(ASK(&s, "exec", "x", "id", "-u"), "0");
    struct running more = BEGIN(&s, "logs", "-f", "--tail", "0", "x");
    cr_expect(running_says(more.out, "tick"), "what it says is not written down");
    free(ASK(&s, "stop", "-t", "0", "x"));
    auto_done(outcome_done) struct outcome followed = state_end(&more);
    free(ASK(&s, "start", "x"));
    auto_free char *log = ASK(&s, "logs", "--tail", "1", "x");
    cr_expect_str_eq(log, "tick");
    expect_text(ASK(&s, "exec", "-u", "3", "x", "sh", "-c",
                    "id -u; echo out > /dev/stdout; echo err > /dev/stderr"),
                "3\nout");
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}
