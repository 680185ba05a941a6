/* A container in another one's namespaces, compared by what the kernel shows of both. Needs
 * root. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"

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

TestSuite(shared, .init = set_up, .fini = tear_down, .timeout = 60);

#define EXPECT(want, ...)                               \
    {                                                   \
        auto_free char *said = ASK(&s, __VA_ARGS__);    \
        cr_expect_str_eq(said, want, "said: %s", said); \
    }

/* "pid:[4026531836]" of a container's first process, seen from the host. */
static void read_namespace(const char *name, const char *ns, char out[64])
{
    char path[64];
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", name);
    snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, ns);
    ssize_t n = readlink(path, out, 63);
    cr_assert_gt(n, 0, "%s", path);
    out[n] = '\0';
}

static void expect_same(const char *ns, bool same)
{
    char a[64], b[64], host[64] = "";
    read_namespace("donor", ns, a);
    read_namespace("guest", ns, b);
    cr_expect_eq(strcmp(a, b) == 0, same, "%s: %s %s", ns, a, b);
    char own[64];
    snprintf(own, sizeof(own), "/proc/self/ns/%s", ns);
    cr_assert_gt(readlink(own, host, 63), 0);
    cr_expect_str_neq(host, b, "%s is the host's", ns);
}

static void expect_refused(const char *text, const char *const args[])
{
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    cr_expect_eq(o.status, 125, "%d", o.status);
    cr_expect_not_null(strstr(o.err, text), "%s", o.err);
    cr_expect_eq(strchr(o.err, '\n'), o.err + strlen(o.err) - 1, "one line: %s", o.err);
}
#define REFUSED(text, ...) expect_refused(text, (const char *const[]){__VA_ARGS__, NULL})

static void start_donor(void)
{
    free(ASK(&s, "run", "-d", "--name", "donor", "--ipc", "shareable", "busybox", "sh",
             "-c", "echo here >/dev/shm/note; exec sleep 1234"));
    EXPECT("here", "exec", "donor", "sh", "-c",
           "until [ -s /dev/shm/note ]; do :; done; cat /dev/shm/note");
}

Test(shared, pids_of_another_container)
{
    start_donor();
    free(ASK(&s, "run", "-d", "--name", "guest", "--pid", "container:donor", "busybox",
             "sleep", "1000"));
    expect_same("pid", true);
    expect_same("ipc", false);
    expect_same("mnt", false);
    EXPECT("sleep 1234 ", "exec", "guest", "sh", "-c", "tr '\\0' ' ' </proc/1/cmdline");
    auto_free char *id = ASK(&s, "inspect", "-f", "{{.Id}}", "donor");
    char mode[128];
    snprintf(mode, sizeof(mode), "container:%s", id);
    EXPECT(mode, "inspect", "-f", "{{.HostConfig.PidMode}}", "guest");
    free(ASK(&s, "rm", "-f", "guest"));
    EXPECT("true", "inspect", "-f", "{{.State.Running}}", "donor");
    EXPECT("1", "exec", "donor", "sh", "-c", "ls -d /proc/[0-9]* | grep -c -x /proc/1");
}

/* It is in that namespace, so it goes with it. */
Test(shared, the_end_of_the_other_ends_it)
{
    start_donor();
    free(ASK(&s, "run", "-d", "--name", "guest", "--pid", "container:donor", "busybox",
             "sleep", "1000"));
    free(ASK(&s, "kill", "donor"));
    EXPECT("137", "wait", "guest");
    REFUSED("cannot join PID namespace of a non running container", "run", "--rm",
            "--pid", "container:donor", "busybox", "true");
    auto_done(outcome_done) struct outcome o = RUN(&s, "start", "guest");
    cr_expect_eq(o.status, 1, "%s", o.err);
    free(ASK(&s, "start", "donor"));
    free(ASK(&s, "start", "guest"));
    expect_same("pid", true);
}

Test(shared, nothing_is_left_of_one_with_others_pids)
{
    start_donor();
    EXPECT("done", "run", "--rm", "--init", "--pid", "container:donor", "busybox", "sh",
           "-c", "sleep 1001 & echo done");
    EXPECT("0", "exec", "donor", "sh", "-c",
           "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 100[1]'; true");
}

/* The root of mounts that are not ours has the path "/". */
static bool is_of_others(const char *target)
{
    static const char *const KINDS[] = {"ipc:[", "mnt:[", "pid:["};
    bool any = strcmp(target, "/") == 0;
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++)
        any |= strncmp(target, KINDS[i], strlen(KINDS[i])) == 0;
    return any;
}

static bool holds_nothing(void *arg)
{
    char path[64], target[200];
    snprintf(path, sizeof(path), "/proc/%d/fd", *(pid_t *)arg);
    DIR *fds = opendir(path);
    bool any = false;
    cr_assert_not_null(fds);
    for (const struct dirent *e; (e = readdir(fds));) {
        ssize_t n = readlinkat(dirfd(fds), e->d_name, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        any |= is_of_others(target);
    }
    closedir(fds);
    return !any;
}

/* It would keep what the other one has mounted, for as long as this one runs. */
Test(shared, the_monitor_holds_nothing_of_the_other)
{
    start_donor();
    free(ASK(&s, "run", "-d", "--name", "guest", "--ipc", "container:donor", "--pid",
             "container:donor", "busybox", "sleep", "1000"));
    pid_t monitor = monitor_of(&s, "guest");
    cr_expect(state_until(holds_nothing, &monitor));
}

Test(shared, ipc_of_another_container)
{
    start_donor();
    free(ASK(&s, "run", "-d", "--name", "guest", "--ipc", "container:donor", "busybox",
             "sleep", "1000"));
    expect_same("ipc", true);
    expect_same("pid", false);
    EXPECT("here", "exec", "guest", "cat", "/dev/shm/note");
    free(ASK(&s, "exec", "guest", "sh", "-c", "echo back >/dev/shm/answer"));
    EXPECT("back", "exec", "donor", "cat", "/dev/shm/answer");
    EXPECT(
        "nosuid,nodev,noexec", "exec", "guest", "sh", "-c",
        "sed -n 's,.* /dev/shm tmpfs rw.\\([a-z]*.[a-z]*.[a-z]*\\).*,\\1,p' /proc/mounts");
    free(ASK(&s, "rm", "-f", "donor"));
    EXPECT("here", "exec", "guest", "cat", "/dev/shm/note");
}

Test(shared, what_cannot_be_shared_is_refused)
{
    free(ASK(&s, "run", "-d", "--name", "own", "busybox", "sleep", "1000"));
    free(ASK(&s, "create", "--name", "new", "--ipc", "shareable", "busybox", "true"));
    REFUSED("non-shareable IPC", "run", "--ipc", "container:own", "busybox", "true");
    REFUSED("cannot join IPC namespace of a non running container", "run", "--rm",
            "--ipc", "container:new", "busybox", "true");
    REFUSED("No such container: gone", "run", "--pid", "container:gone", "busybox",
            "true");
    REFUSED("--pid: container: names no container", "run", "--pid",
            "container:", "busybox", "true");
    EXPECT("new\nown", "ps", "-a", "--format", "{{.Names}}");
}

/* The other one decides what its /dev/shm is; nothing but a tmpfs is taken from it. */
Test(shared, a_dev_shm_that_leads_elsewhere_is_not_taken)
{
    free(ASK(
        &s, "run", "-d", "--name", "donor", "--ipc", "shareable", "--cap-add",
        "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "busybox", "sh", "-c",
        "umount /dev/shm && rmdir /dev/shm && ln -s /etc /dev/shm && exec sleep 1000"));
    free(ASK(&s, "exec", "donor", "sh", "-c", "until [ -L /dev/shm ]; do :; done"));
    REFUSED("cannot share the other container's /dev/shm", "run", "--rm", "--ipc",
            "container:donor", "busybox", "true");
}
