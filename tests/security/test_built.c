/* Dockerfiles and base images that want more than the image: what RUN, which is root, can reach,
 * asked from inside, and what buildah has of the host, from outside. Needs root, buildah and
 * skopeo. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "../support/registry.h"
#include "../support/state.h"
#include "base/cleanup.h"
#include "base/fs.h"

static struct state s;
static char context[128];

static void put_program(const char *from, const char *name)
{
    char to[256];
    auto_done(buf_done) struct buf text = {0};
    cr_assert_eq(fs_read_path(from, 64 << 20, &text), 0);
    snprintf(to, sizeof(to), "context/%s", name);
    cr_assert_eq(fs_replace_at(s.dir.fd, to, text.data, text.len, 0755, false), 0);
}

static void set_up(void)
{
    static const char *const NEEDED[] = {"buildah", "skopeo", NULL};
    if (!is_root() || !programs_are_there(NEEDED))
        cr_skip("needs root, buildah and skopeo");
    state_make(&s);
    setenv("HOME", s.dir.path, 1);
    snprintf(context, sizeof(context), "%s/context", s.dir.path);
    tempdir_put(&s.dir, "context/file", "from the context\n");
    put_program(MTD_PROBE, "probe");
    put_program(MTD_CALLS, "calls");
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}
TestSuite(built, .init = set_up, .fini = tear_down, .timeout = 120);

/* What RUN prints up to mark. buildah sometimes ends before it has passed on all of that: then once
 * more. */
static char *said_by(const char *option, const char *value, const char *mark)
{
    for (int tries = 0;; tries++) {
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "build", "--no-cache", option, value, context);
        cr_assert_eq(o.status, 0, "%s%s", o.out, o.err);
        if (strstr(o.out, mark))
            return strdup(o.out);
        cr_assert_lt(tries, 5, "%s", o.out);
    }
}

/* What the lines after FROM and COPY print, between two marks. */
static char *built(const char *base, const char *lines)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "FROM %s\nCOPY probe calls /\nRUN echo BEGIN; %s; echo END\n", base, lines);
    tempdir_put(&s.dir, "context/Dockerfile", text);
    auto_free char *out = said_by("--label", "a=b", "END\n");
    char *begin = strstr(out, "\nBEGIN\n"), *end = begin ? strstr(begin, "END\n") : NULL;
    cr_assert(end, "%s", out);
    return strndup(begin + 7, (size_t)(end - begin) - 7);
}

static void expect_said(const char *lines, const char *expected)
{
    auto_free char *said = built("busybox", lines);
    cr_expect_str_eq(said, expected, "%s: %s", lines, said);
}

/* ---- the file tree ----------------------------------------------------------------------- */

Test(built, run_cannot_leave_its_root)
{
    char lines[256];
    snprintf(lines, sizeof(lines), "/probe leave %s/context/file", s.dir.path);
    expect_said(lines, "chroot Operation not permitted\nnot there\n");
}

static bool buildah_runs(void *arg)
{
    return (*(pid_t *)arg = state_find_build(&s)) > 0;
}

static int look(pid_t pid, const char *path, struct statvfs *ret)
{
    char whole[512];
    snprintf(whole, sizeof(whole), "/proc/%d/root%s", (int)pid, path);
    return statvfs(whole, ret);
}

/* Whatever is mounted over it: of the directory that the host's state is in it has but these. */
static void expect_only_its_own_of_the_state(pid_t pid)
{
    static const char *const OWN[] = {"/build/context", "/build/files/Dockerfile",
                                      "/build/storage", "/build/work"};
    static const char UNDER[] = "/build/work/box"; /* where its root was made */
    char path[64], from[512], to[512];
    auto_free char *line = NULL;
    size_t cap = 0, n = 0;
    snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
    auto_file FILE *f = fopen(path, "re");
    while (f && getline(&line, &cap, f) >= 0) {
        bool known = false;
        if (sscanf(line, "%*s %*s %*s %511s %511s", from, to) != 2 ||
            !strstr(from, strrchr(s.dir.path, '/')))
            continue;
        const char *at = strncmp(to, UNDER, strlen(UNDER)) == 0 ? to + strlen(UNDER) : to;
        for (size_t i = 0; i < ARRAY_SIZE(OWN) && !known; i++)
            known = strncmp(at, OWN[i], strlen(OWN[i])) == 0 &&
                    strchr("/", at[strlen(OWN[i])]); /* buildah mounts below */
        cr_expect(known, "it has %s at %s", from, to);
        n++;
    }
    cr_expect_geq(n, ARRAY_SIZE(OWN), "%zu", n);
}

/* Whatever mistake it makes is one about these files. */
Test(built, buildah_has_not_the_hosts_files)
{
    pid_t pid = 0;
    char path[256];
    struct statvfs fs;
    tempdir_put(&s.dir, "context/Dockerfile", "FROM busybox\nRUN sleep 1000\n");
    tempdir_put(&s.dir, "secret", "the host's\n");
    pid_t front = SPAWN(&s, "build", context);
    cr_expect(state_until(buildah_runs, &pid), "it does not start");
    expect_only_its_own_of_the_state(pid);
    snprintf(path, sizeof(path), "%s/secret", s.dir.path);
    cr_expect_lt(look(pid, path, &fs), 0, "it has %s", path);
    snprintf(path, sizeof(path), "%s/root/images/index.json", s.dir.path);
    cr_assert_eq(access(path, F_OK), 0);
    cr_expect_lt(look(pid, path, &fs), 0, "it has %s", path);
    cr_expect_lt(look(pid, "/etc/shadow", &fs), 0, "it has /etc/shadow");
    cr_expect_lt(look(pid, "/var/lib", &fs), 0, "it has /var/lib");
    const char *const read_only[] = {"/usr", "/etc/passwd", "/build/context"};
    for (size_t i = 0; i < ARRAY_SIZE(read_only); i++) {
        cr_expect_eq(look(pid, read_only[i], &fs), 0, "it has no %s", read_only[i]);
        cr_expect(fs.f_flag & ST_RDONLY, "it may write to %s", read_only[i]);
    }
    kill(front, SIGKILL);
    state_reap(front);
}

static bool sleeps(void *ret)
{
    bool found = false;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && !found && (e = readdir(d));) {
        char path[300], text[64] = "";
        snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
            found = fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) > 0 &&
                    memcmp(text, "sleep\00047130", 12) == 0;
    }
    if (d)
        closedir(d);
    return found && buildah_runs(ret);
}

/* It would see them: buildah mounts what a link in a stage leads to. */
Test(built, no_login_is_there_while_run_is)
{
    static const char *const NEEDED[] = {"docker-registry", "htpasswd", NULL};
    struct registry_box box;
    char ref[64], text[300];
    pid_t pid = 0;
    if (!programs_are_there(NEEDED)) {
        state_done(&s);
        cr_skip("needs docker-registry and htpasswd");
    }
    registry_start(&box, &s.dir, "secret");
    snprintf(ref, sizeof(ref), "%s/base:1", box.host);
    auto_done(outcome_done) struct outcome in = state_run_input(
        &s, "secret", 6,
        (const char *const[]){"login", "-u", "me", "--password-stdin", box.host, NULL});
    cr_assert_eq(in.status, 0, "%s", in.err);
    free(ASK(&s, "tag", "busybox", ref));
    auto_free char *pushed = ASK(&s, "push", ref);
    const char *digest = strstr(pushed, "digest: sha256:");
    cr_assert(digest, "%s", pushed);
    snprintf(text, sizeof(text), "FROM %s/base@%.71s\nRUN sleep 47130\n", box.host,
             digest + strlen("digest: "));
    tempdir_put(&s.dir, "context/Dockerfile", text);
    struct running front = BEGIN(&s, "build", "--network", "none", context);
    bool runs = state_until(sleeps, &pid);
    if (runs)
        expect_only_its_own_of_the_state(pid);
    kill(front.pid, SIGKILL);
    auto_done(outcome_done) struct outcome o = state_end(&front);
    cr_expect(runs, "it does not run: %s%s", o.out, o.err);
    registry_stop(&box);
}

/* ---- the rest of the host ---------------------------------------------------------------- */

/* The file beside the Dockerfile is the context's, which is anybody's. */
Test(built, a_link_beside_the_dockerfile_shows_nothing_of_the_hosts)
{
    static const char *const SECRETS[] = {"secret", "secret/file"};
    char secret[256], link[256];
    tempdir_put(&s.dir, "secret/file", "the host's\n");
    tempdir_put(&s.dir, "context/Dockerfile", "FROM busybox\n");
    snprintf(link, sizeof(link), "%s/context/Dockerfile.dockerignore", s.dir.path);
    for (size_t i = 0; i < sizeof(SECRETS) / sizeof(SECRETS[0]); i++) {
        snprintf(secret, sizeof(secret), "%s/%s", s.dir.path, SECRETS[i]);
        cr_assert_eq(symlink(secret, link), 0);
        auto_done(outcome_done) struct outcome o = RUN(&s, "build", context);
        cr_expect_neq(o.status, 0, "%s", SECRETS[i]);
        cr_expect(strstr(o.err, "Dockerfile.dockerignore is not a file"), "%s", o.err);
        cr_assert_eq(unlink(link), 0);
    }
}

Test(built, dev_is_a_containers)
{
    expect_said(
        "ls /dev /dev/shm | grep .; /probe tryopen /dev/null w",
        "/dev:\ncore\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\n"
        "stdout\ntty\nurandom\nzero\n/dev/shm:\nok\n");
}

Test(built, proc_and_sys_are_a_containers)
{
    expect_said("cat /proc/interrupts | wc -l; ls /sys/firmware | wc -l; "
                "for i in /proc/sys/kernel/hostname /proc/irq/default_smp_affinity "
                "/sys/kernel/mm/transparent_hugepage/enabled; do [ ! -e $i ] || "
                "/probe tryopen $i w; done | sort -u",
                "0\n0\nEROFS\n");
}

/* The node is in a layer, so that nobody has to make it. */
Test(built, a_device_of_the_image_is_not_opened)
{
    if (access("/dev/fuse", R_OK) < 0)
        cr_skip("no /dev/fuse");
    free(ASK(&s, "run", "--name", "c", "busybox", "mknod", "-m", "666", "/fuse", "c",
             "10", "229"));
    free(ASK(&s, "commit", "c", "nodes"));
    auto_free char *said = built("nodes", "ls /fuse; /probe tryopen /fuse r");
    cr_expect_str_eq(said, "/fuse\nEPERM\n");
}

/* The host's directory of the group that a line of /proc/PID/cgroup names. */
static void group_of(const char *line, char *ret, size_t size)
{
    const char *names = strchr(line, ':') + 1, *group = strchr(names, ':') + 1;
    int len = (int)(group - 1 - names);
    if (strncmp(names, "name=", 5) == 0)
        names += 5, len -= 5;
    snprintf(ret, size, "/sys/fs/cgroup/%.*s%s", len, names, group);
}

/* Those of all builds are above that of this one. */
static void expect_bounded(const char *line)
{
    const char *names = strchr(line, ':') + 1;
    bool v2 = *names == ':';
    char path[512], text[32] = "";
    if (!v2 && strncmp(names, "pids:", 5) != 0)
        return;
    group_of(line, path, sizeof(path) - 16);
    strcpy(strrchr(path, '/'), "/pids.max");
    if (fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) > 0)
        cr_expect_str_eq(text, "4096", "%s", path);
    else
        cr_expect(v2, "no %s", path);
}

Test(built, groups_are_its_own)
{
    char path[64], text[8192];
    pid_t pid = 0;
    expect_said("cut -d: -f3 /proc/self/cgroup | sort -u; ls /sys/fs/cgroup", "/\n");
    tempdir_put(&s.dir, "context/Dockerfile", "FROM busybox\nRUN sleep 1000\n");
    pid_t front = SPAWN(&s, "build", context);
    cr_expect(state_until(buildah_runs, &pid), "it does not start");
    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    cr_expect_gt(fs_read_small_at(AT_FDCWD, path, text, sizeof(text)), 0);
    char *state = NULL;
    for (char *line = strtok_r(text, "\n", &state); line;
         line = strtok_r(NULL, "\n", &state)) {
        cr_expect(strstr(line, "/mytop-docker/builds/build-"), "%s", line);
        expect_bounded(line);
    }
    kill(front, SIGKILL);
    state_reap(front);
}

/* The value of a file of one of the groups in the text of /proc/PID/cgroup, v1's or else v2's. */
static char *limit_of(const char *groups, const char *controller, const char *v1,
                      const char *v2)
{
    char path[512], text[128] = "", copy[8192], *state = NULL;
    snprintf(copy, sizeof(copy), "%s", groups);
    for (char *line = strtok_r(copy, "\n", &state); line;
         line = strtok_r(NULL, "\n", &state)) {
        const char *names = strchr(line, ':') + 1;
        bool unified = *names == ':';
        if (!unified && !strstr(names, controller))
            continue;
        group_of(line, path, sizeof(path));
        strncat(path, unified ? v2 : v1, 64);
        if (fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) > 0)
            return strdup(text);
    }
    return strdup("");
}

static void expect_limit(const char *groups, const char *controller, const char *v1,
                         const char *v2, const char *wanted)
{
    auto_free char *value = limit_of(groups, controller, v1, v2);
    cr_expect(strcmp(value, wanted) == 0 ||
                  strncmp(value, wanted, strcspn(wanted, " ")) == 0,
              "%s: %s", v1, value);
}

/* One of them that is there where its hierarchy's name says. */
static void find_group(const char *groups, char *ret, size_t size)
{
    char copy[8192], *state = NULL;
    snprintf(copy, sizeof(copy), "%s", groups);
    for (char *line = strtok_r(copy, "\n", &state); line;
         line = strtok_r(NULL, "\n", &state)) {
        group_of(line, ret, size);
        if (access(ret, F_OK) == 0)
            return;
    }
    cr_assert(false, "none of its groups is there: %s", groups);
}

/* A group of the host's, and a build that drops what others have left. */
static bool group_goes(void *arg)
{
    free(ASK(&s, "build", "-q", context));
    return access(arg, F_OK) < 0;
}

Test(built, limits_are_the_builds)
{
    char path[512], text[8192];
    pid_t pid = 0;
    tempdir_put(&s.dir, "context/Dockerfile", "FROM busybox\nRUN sleep 1000\n");
    pid_t front = SPAWN(&s, "build", "-m", "96m", "--memory-swap", "-1", "--cpu-shares",
                        "512", "--cpu-period", "50000", "--cpu-quota", "25000",
                        "--cpuset-cpus", "0", context);
    cr_expect(state_until(buildah_runs, &pid), "it does not start");
    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    cr_expect_gt(fs_read_small_at(AT_FDCWD, path, text, sizeof(text)), 0);
    expect_limit(text, "memory", "/memory.limit_in_bytes", "/memory.max", "100663296");
    expect_limit(text, "cpu", "/cpu.cfs_quota_us", "/cpu.max", "25000");
    expect_limit(text, "cpuset", "/cpuset.cpus", "/cpuset.cpus", "0");
    find_group(text, path, sizeof(path));
    kill(front, SIGKILL);
    state_reap(front);
    tempdir_put(&s.dir, "context/Dockerfile", "FROM busybox\n");
    cr_expect(state_until(group_goes, path), "a killed build's group stays: %s", path);
}

Test(built, a_build_beyond_its_memory_ends)
{
    tempdir_put(&s.dir, "context/Dockerfile",
                "FROM busybox\nRUN dd if=/dev/zero of=/dev/null bs=150M count=1\n");
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "build", "-m", "96m", "--memory-swap", "96m", context);
    cr_expect_eq(o.status, 1, "%s%s", o.out, o.err);
}

Test(built, shared_memory_has_the_size_asked_for)
{
    tempdir_put(
        &s.dir, "context/Dockerfile",
        "FROM busybox\nRUN echo size $(df -k /dev/shm | awk 'END {print $2}')k\n");
    auto_free char *out = said_by("--shm-size", "3m", "k\n");
    cr_expect(strstr(out, "size 3072k\n"), "%s", out);
}

Test(built, limits_that_make_no_sense_are_refused)
{
    static const struct {
        const char *words[5], *names;
    } ROWS[] = {{{"-m", "4k"}, "--memory"},
                {{"-m", "96m", "--memory-swap", "64m"}, "--memory-swap"},
                {{"--cpu-shares", "1"}, "--cpu-shares"},
                {{"--cpuset-cpus", "x"}, "--cpuset-cpus"},
                {{"--cpu-quota", "1"}, "--cpu-quota"},
                {{"--shm-size", "x"}, "--shm-size"}};
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const char *args[8] = {"build", context};
        for (size_t k = 0; ROWS[i].words[k]; k++)
            args[2 + k] = ROWS[i].words[k];
        auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
        cr_expect_neq(o.status, 0, "%s", ROWS[i].names);
        cr_expect(strstr(o.err, ROWS[i].names), "%s", o.err);
        cr_expect(!strstr(o.err, "No such file"), "it was begun: %s", o.err);
    }
}

Test(built, namespaces_are_its_own)
{
    static const char *const KINDS[] = {"cgroup", "ipc", "mnt", "pid", "uts"};
    auto_free char *said = built("busybox", "ls -l /proc/self/ns");
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++) {
        char path[64], ours[64] = "";
        snprintf(path, sizeof(path), "/proc/self/ns/%s", KINDS[i]);
        cr_expect_gt(readlink(path, ours, sizeof(ours) - 1), 0);
        cr_expect(!strstr(said, ours), "%s is the host's", ours);
    }
}

Test(built, it_may_have_no_network)
{
    tempdir_put(&s.dir, "context/Dockerfile",
                "FROM busybox\nRUN echo = $(ls /sys/class/net) $(cat /proc/net/route | "
                "wc -l) = $(readlink /proc/self/ns/net)\n");
    char ours[64] = "";
    cr_expect_gt(readlink("/proc/self/ns/net", ours, sizeof(ours) - 1), 0);
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "build", "--network", "none", context);
    cr_expect(strstr(o.out, "= lo 1 = net:["), "%s%s", o.out, o.err);
    cr_expect(!strstr(o.out, ours), "it is the host's");
    auto_done(outcome_done) struct outcome bad =
        RUN(&s, "build", "--network", "bridge", context);
    cr_expect_eq(bad.status, 1);
    cr_expect(strstr(bad.err, "neither host nor none"), "%s", bad.err);
}

Test(built, calls_that_no_container_may_make_are_refused)
{
    expect_said("for i in add_key keyctl request_key io_uring userfaultfd socket:alg "
                "socket:vsock unshare:user; do /calls $i; done | grep -c ' ok' || true",
                "0\n");
}

/* It has the host's network, and with it what listens without a file. */
Test(built, sockets_without_a_file_are_not_reached)
{
    if (syscall(444, NULL, 0, 1) < 6)
        cr_skip("the kernel cannot scope them (Linux 6.12)");
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int n = snprintf(at.sun_path + 1, 64, "mtd-built-%d", (int)getpid());
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)n;
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    cr_assert_eq(listen(fd, 4), 0);
    char lines[128];
    snprintf(lines, sizeof(lines), "/probe reach %s", at.sun_path + 1);
    expect_said(lines, "Operation not permitted\n");
}
