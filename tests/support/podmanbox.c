#include "podmanbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "registry.h"

#define MAX_ARGS 64

/* The namespaces live as long as its stdin is open: it goes with the test. */
static struct {
    pid_t pid;
    int hold;
} holder = {0, -1};
static char parent[128];

/* The state's directory may itself be below one of those that are covered. */
static const char PREPARE[] =
    "set -e; mount -t tmpfs tmpfs /run; mkdir /run/keep; mount --bind $1 /run/keep;"
    "mkdir -p /var/lib/containers;"
    "for d in /dev/shm /var/tmp /var/lib/containers; do mount -t tmpfs tmpfs $d; done;"
    "mkdir -p $1; mount --bind /run/keep $1;"
    "for f in /etc/subuid /etc/subgid; do [ ! -e $f ] || mount --bind $1/subids $f; done;"
    "ip link set lo up; echo ready; exec cat >/dev/null";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", box.state.dir.path, name);
    cr_assert_eq(fs_replace_at(AT_FDCWD, path, text, strlen(text), 0644, false), 0);
}

static void start_holder(void)
{
    int in[2], out[2];
    char said[8] = "";
    cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    holder.pid = fork();
    if (holder.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execlp("unshare", "unshare", "-n", "-m", "sh", "-c", PREPARE, "sh",
               box.state.dir.path, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    holder.hold = in[1];
    cr_assert_eq(read(out[0], said, sizeof(said)), 6, "no namespaces for podman");
    close(out[0]);
}

/* This machine may give its limits no further. */
static const char CONF[] = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\","
                           "\"nproc=4096:4096\"]\n";

void podmanbox_make(void)
{
    static const char *const NEEDED[] = {"podman", "conmon", "unshare", "nsenter", NULL};
    char path[256];
    if (geteuid() != 0 || !programs_are_there(NEEDED))
        cr_skip("needs root, podman and conmon");
    ocibox_make();
    snprintf(parent, sizeof(parent), "/oci-tests/%s", box.id);
    write_file("subids", "containers:400000:200000\n");
    write_file("containers.conf", CONF);
    snprintf(path, sizeof(path), "%s/containers.conf", box.state.dir.path);
    setenv("CONTAINERS_CONF", path, 1);
    setenv("HOME", box.state.dir.path, 1);
    unsetenv("XDG_RUNTIME_DIR");
    snprintf(path, sizeof(path), "%s/mytop-runc", box.state.dir.path);
    cr_assert_eq(symlink(MTD_PROGRAM, path), 0);
    start_holder();
}

/* ---- commands ---- */

struct command {
    char texts[6][256];
    const char *args[MAX_ARGS + 24];
    size_t n;
};

static void add(struct command *c, const char *arg)
{
    cr_assert_lt(c->n + 1, sizeof(c->args) / sizeof(c->args[0]));
    c->args[c->n++] = arg;
    c->args[c->n] = NULL;
}

static void add_all(struct command *c, const char *const args[])
{
    for (; *args; args++)
        add(c, *args);
}

static void begin(struct command *c)
{
    const char *dir = box.state.dir.path;
    c->n = 0;
    snprintf(c->texts[0], 256, "--mount=/proc/%d/ns/mnt", (int)holder.pid);
    snprintf(c->texts[1], 256, "--net=/proc/%d/ns/net", (int)holder.pid);
    snprintf(c->texts[2], 256, "--root=%s/podman", dir);
    snprintf(c->texts[3], 256, "--runtime=%s/mytop-runc", dir);
    add_all(c,
            (const char *const[]){"nsenter", c->texts[0], c->texts[1], "podman",
                                  c->texts[2], "--runroot=/run/podman",
                                  "--tmpdir=/run/podman-tmp", "--cgroup-manager=cgroupfs",
                                  c->texts[3], "--events-backend=file", NULL});
}

static struct outcome run(const struct command *c)
{
    struct running r = {.out = memfd_create("out", MFD_CLOEXEC),
                        .err = memfd_create("err", MFD_CLOEXEC)};
    r.pid = fork();
    if (r.pid == 0) {
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
        dup2(r.out, 1);
        dup2(r.err, 2);
        execvp(c->args[0], (char *const *)c->args);
        _exit(127);
    }
    return state_end(&r);
}

struct outcome podmanbox_run(const char *const args[])
{
    struct command c;
    begin(&c);
    add_all(&c, args);
    return run(&c);
}

char *podmanbox_ask(const char *const args[])
{
    struct outcome o = podmanbox_run(args);
    cr_expect_eq(o.status, 0, "%s %s: %d %s", args[0], args[1] ? args[1] : "", o.status,
                 o.err);
    char *text = strdup(o.out);
    outcome_done(&o);
    if (*text && text[strlen(text) - 1] == '\n')
        text[strlen(text) - 1] = '\0';
    return text;
}

static void add_container(struct command *c, const char *const options[])
{
    snprintf(c->texts[4], 256, "--cgroup-parent=%s", parent);
    snprintf(c->texts[5], 256, "%s/rootfs", box.bundle);
    add_all(c, (const char *const[]){"run", c->texts[4], "--network=none", NULL});
    add_all(c, options);
    add_all(c, (const char *const[]){"--rootfs", c->texts[5], NULL});
}

struct outcome podmanbox_container(const char *const options[],
                                   const char *const command[])
{
    struct command c;
    begin(&c);
    add_container(&c, options);
    add_all(&c, command);
    return run(&c);
}

/* ---- on a terminal ---- */

static bool read_some(int master, struct buf *shown)
{
    char part[512];
    struct pollfd p = {.fd = master, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_S * 1000) <= 0)
        return false;
    ssize_t n = read(master, part, sizeof(part));
    return n > 0 && buf_add(shown, part, (size_t)n) == 0;
}

static int open_terminal(int *ret_master)
{
    *ret_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert(*ret_master >= 0 && grantpt(*ret_master) == 0 &&
              unlockpt(*ret_master) == 0);
    int slave = open(ptsname(*ret_master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert_geq(slave, 0);
    cr_assert_eq(ioctl(slave, TIOCSWINSZ, &(struct winsize){33, 77, 0, 0}), 0);
    return slave;
}

struct outcome podmanbox_terminal(const char *const args[], const char *prompt,
                                  const char *input)
{
    struct buf shown = {0};
    struct command c;
    int master, status = 0;
    begin(&c);
    if (strcmp(args[0], "run") == 0) {
        add_container(&c, (const char *const[]){"--rm", "-it", NULL});
        args++;
    }
    add_all(&c, args);
    int slave = open_terminal(&master);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        ioctl(slave, TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; fd++)
            dup2(slave, fd);
        execvp(c.args[0], (char *const *)c.args);
        _exit(127);
    }
    close(slave);
    while (read_some(master, &shown))
        if (prompt && strstr(shown.data, prompt)) {
            cr_assert_eq(write(master, input, strlen(input)), (ssize_t)strlen(input));
            prompt = NULL;
        }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    close(master);
    char *text = buf_take(&shown);
    return (struct outcome){.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                            .out = text ? text : strdup(""),
                            .err = strdup("")};
}

/* ---- its groups ---- */

const char *podmanbox_limit(const char *controller, const char *file)
{
    static char text[64];
    char command[400];
    snprintf(command, sizeof(command),
             "cat /sys/fs/cgroup/%s%s/libpod-*/%s 2>/dev/null | head -1", controller,
             parent, file);
    FILE *f = popen(command, "re");
    text[0] = '\0';
    if (!f || !fgets(text, sizeof(text), f))
        text[0] = '\0';
    if (f)
        pclose(f);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* What conmon was in, and the parent that was podman's to make. */
static bool groups_are_gone(void *arg)
{
    char command[400];
    (void)arg;
    snprintf(command, sizeof(command),
             "for d in /sys/fs/cgroup%s /sys/fs/cgroup/*%s; do [ ! -d $d ] || "
             "find $d -depth -type d -exec rmdir {} + 2>/dev/null; done;"
             "! ls -d /sys/fs/cgroup%s /sys/fs/cgroup/*%s >/dev/null 2>&1",
             parent, parent, parent, parent);
    return system(command) == 0;
}

/* A container's end is followed by conmon's and by podman's own cleaning. */
static bool all_have_ended(void *arg)
{
    (void)arg;
    return state_find(&box.state, "podman") == 0 && state_find(&box.state, "conmon") == 0;
}

void podmanbox_done(void)
{
    if (holder.hold >= 0) {
        struct outcome o = PODMAN("pod", "rm", "--force", "--all", "--time=0");
        outcome_done(&o);
        o = PODMAN("rm", "--force", "--all", "--time=0");
        cr_expect_eq(o.status, 0, "%s", o.err);
        outcome_done(&o);
        cr_expect(state_until(all_have_ended, NULL), "podman or conmon does not end");
        cr_expect(state_until(groups_are_gone, NULL), "groups are left");
        close(holder.hold);
        waitpid(holder.pid, NULL, 0);
    }
    ocibox_done();
}
