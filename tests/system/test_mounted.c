/* What -v and --mount mount, as the container sees it and as its host does. The test has a mount
 * namespace of its own, in which it may mount what it likes. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;
static char shared[128]; /* a tmpfs, a shared mount */

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    snprintf(shared, sizeof(shared), "%s/shared", s.dir.path);
    cr_assert_eq(mkdir(shared, 0755), 0);
    cr_assert_eq(mount("shared", shared, "tmpfs", 0, NULL), 0);
    cr_assert_eq(mount(NULL, shared, NULL, MS_SHARED, NULL), 0);
}

static void tear_down(void)
{
    if (!s.dir.path[0])
        return;
    free(ASK(&s, "system", "stop-all"));
    umount2(shared, MNT_DETACH);
    state_done(&s);
}

TestSuite(mounted, .init = set_up, .fini = tear_down, .timeout = 120);

static void expect_out(const char *want, const char *const args[])
{
    auto_free char *got = state_ask(&s, args);
    cr_expect_str_eq(got, want, "%s %s: %s", args[0], args[1], got);
}
#define EXPECT(want, ...) expect_out(want, (const char *const[]){__VA_ARGS__, NULL})

/* One line that has this in it, and nothing is left. */
static void expect_refusal(const char *says, const char *const args[])
{
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    cr_expect_neq(o.status, 0);
    cr_expect(strstr(o.err, says), "\"%s\" lacks \"%s\"", o.err, says);
    cr_expect_eq(strchr(o.err, '\n'), o.err + o.err_len - 1, "not a line: %s", o.err);
}
#define REFUSED(says, ...) expect_refusal(says, (const char *const[]){__VA_ARGS__, NULL})

static void expect_nothing_left(void)
{
    umount2(shared, MNT_DETACH);
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* "bind-propagation=X" on the shared directory, in a container that may mount. */
static void start(const char *name, const char *propagation)
{
    char mount[256];
    snprintf(mount, sizeof(mount), "type=bind,src=%s,dst=/m,bind-propagation=%s", shared,
             propagation);
    free(ASK(&s, "run", "-d", "--name", name, "--cap-add", "SYS_ADMIN", "--security-opt",
             "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--mount",
             mount, "busybox", "sleep", "1000"));
}

/* A mount made on this side, looked for on the other one. */
static bool comes_in(const char *name)
{
    char path[160], file[192];
    snprintf(path, sizeof(path), "%s/in", shared);
    snprintf(file, sizeof(file), "%s/file", path);
    cr_assert(mkdir(path, 0755) == 0);
    cr_assert_eq(mount("in", path, "tmpfs", 0, NULL), 0);
    cr_assert(close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) == 0);
    auto_free char *seen = ASK(&s, "exec", name, "ls", "/m/in");
    cr_assert_eq(umount(path), 0);
    cr_assert_eq(rmdir(path), 0);
    return strcmp(seen, "file") == 0;
}

static bool goes_out(const char *name)
{
    char path[160];
    struct stat above, there;
    free(ASK(&s, "exec", name, "sh", "-c", "mkdir /m/out && mount -t tmpfs out /m/out"));
    snprintf(path, sizeof(path), "%s/out", shared);
    cr_assert(stat(shared, &above) == 0 && stat(path, &there) == 0);
    free(ASK(&s, "exec", name, "sh", "-c", "umount /m/out && rmdir /m/out"));
    return there.st_dev != above.st_dev;
}

Test(mounted, propagation_is_what_was_asked_for)
{
    static const struct {
        const char *word;
        bool in, out;
    } WORDS[] = {
        {"rprivate", false, false}, {"private", false, false}, {"rslave", true, false},
        {"slave", true, false},     {"rshared", true, true},   {"shared", true, true},
    };
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        const char *word = WORDS[i].word;
        start(word, word);
        EXPECT(word, "inspect", "-f", "{{(index .Mounts 0).Propagation}}", word);
        cr_expect_eq(comes_in(word), WORDS[i].in, "%s", word);
        cr_expect_eq(goes_out(word), WORDS[i].out, "%s", word);
        /* and again after a start of the same container */
        free(ASK(&s, "restart", "-t", "0", word));
        cr_expect_eq(comes_in(word), WORDS[i].in, "%s, started again", word);
        free(ASK(&s, "rm", "-f", word));
    }
}

/* What was mounted before it started is seen in any case, and may be taken away outside. */
Test(mounted, an_unmount_comes_in_as_well)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/sub", shared);
    cr_assert(mkdir(path, 0755) == 0 && mount("sub", path, "tmpfs", 0, NULL) == 0);
    start("c", "rslave");
    EXPECT("1", "exec", "c", "grep", "-c", " /m/sub ", "/proc/self/mountinfo");
    cr_assert_eq(umount(path), 0);
    EXPECT("0", "exec", "c", "sh", "-c", "grep -c ' /m/sub ' /proc/self/mountinfo; true");
}

/* The engine's own mounts are private: a container with a shared bind brings none outside. */
Test(mounted, nothing_of_the_engines_is_seen_outside)
{
    char line[4096];
    size_t before = 0, after = 0;
    for (int i = 0; i < 2; i++) {
        auto_file FILE *f = fopen("/proc/self/mountinfo", "re");
        while (f && fgets(line, sizeof(line), f))
            ++*(i ? &after : &before);
        if (i == 0)
            start("c", "rshared");
    }
    cr_expect_eq(after, before, "%zu mounts, then %zu", before, after);
}

Test(mounted, a_source_that_is_not_shared_is_refused)
{
    char bind[300];
    cr_assert_eq(mount(NULL, shared, NULL, MS_PRIVATE, NULL), 0);
    snprintf(bind, sizeof(bind), "%s:/m:rslave", shared);
    REFUSED("but it is not a shared or slave mount", "run", "--rm", "-v", bind, "busybox",
            "true");
    snprintf(bind, sizeof(bind), "%s:/m:rshared", shared);
    REFUSED("but it is not a shared mount", "run", "--rm", "-v", bind, "busybox", "true");
    snprintf(bind, sizeof(bind), "%s:/m:rprivate", shared);
    EXPECT("", "run", "--rm", "-v", bind, "busybox", "true");
    expect_nothing_left();
}

/* "top sub": which of the two can be written to, "-" = it is not there. */
#define TRY                                                                             \
    "for d in /m /m/sub; do if ! grep -q \" $d \" /proc/self/mountinfo; then "          \
    "printf -- '- '; elif touch $d/x 2>/dev/null; then printf 'w '; else printf 'r '; " \
    "fi; done"

Test(mounted, mounts_below_follow_the_words)
{
    static const struct {
        const char *words, *want;
    } WORDS[] = {
        {"", "w w "},
        {",readonly", "r r "},
        {",bind-recursive=enabled,readonly", "r r "},
        {",bind-recursive=disabled", "w - "},
        {",bind-nonrecursive,ro", "r - "},
        {",bind-recursive=writable,readonly", "r w "},
        {",bind-recursive=readonly,readonly,bind-propagation=rprivate", "r r "},
        {",readonly,bind-propagation=rslave", "r r "},
    };
    char path[160], arg[400];
    snprintf(path, sizeof(path), "%s/sub", shared);
    cr_assert(mkdir(path, 0755) == 0 && mount("sub", path, "tmpfs", 0, NULL) == 0);
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        snprintf(arg, sizeof(arg), "type=bind,src=%s,dst=/m%s", shared, WORDS[i].words);
        EXPECT(WORDS[i].want, "run", "--rm", "--mount", arg, "busybox", "sh", "-c", TRY);
    }
    snprintf(arg, sizeof(arg), "%s:/m:ro", shared);
    EXPECT("r r ", "run", "--rm", "-v", arg, "busybox", "sh", "-c", TRY);
    /* a volume with a mount below it, given as two */
    free(ASK(&s, "run", "--rm", "-v", "a:/m", "busybox", "mkdir", "/m/sub"));
    EXPECT("r w ", "run", "--rm", "-v", "a:/m:ro", "--tmpfs", "/m/sub", "busybox", "sh",
           "-c", TRY);
    EXPECT("r r ", "run", "--rm", "--mount", "src=a,dst=/m,ro", "--mount",
           "type=tmpfs,dst=/m/sub,ro", "busybox", "sh", "-c", TRY);
    umount2(path, MNT_DETACH);
}

#ifdef MTD_FAULTS
/* As on Linux 5.10. */
Test(mounted, all_of_it_read_only_is_refused_where_it_cannot_be)
{
    char arg[300];
    s.without = "mount_setattr";
    snprintf(
        arg, sizeof(arg),
        "type=bind,src=%s,dst=/m,ro,bind-propagation=rprivate,bind-recursive=readonly",
        shared);
    REFUSED("all of it read-only needs Linux 5.12", "run", "--rm", "--mount", arg,
            "busybox", "true");
    snprintf(arg, sizeof(arg), "%s:/m:rslave", shared);
    free(ASK(&s, "run", "-d", "--name", "c", "-v", arg, "busybox", "sleep", "1000"));
    cr_expect(comes_in("c"));
    s.without = NULL;
}
#endif

Test(mounted, a_part_of_a_volume)
{
    free(ASK(&s, "run", "--rm", "-v", "v:/v", "busybox", "sh", "-c",
             "mkdir -p /v/a/b; echo deep >/v/a/b/f; ln -s a /v/in; ln -s /etc /v/out;"
             "ln -s ../../../../../../../etc /v/up"));
    EXPECT("f", "run", "--rm", "--mount", "src=v,dst=/m,volume-subpath=a/b", "busybox",
           "ls", "/m");
    EXPECT("deep", "run", "--rm", "--mount", "src=v,dst=/m,volume-subpath=in/b/f",
           "busybox", "cat", "/m"); /* a file, by a link of the volume's */
    REFUSED("volume-subpath \"../x\" must be a relative path within the volume", "run",
            "--rm", "--mount", "src=v,dst=/m,volume-subpath=../x", "busybox", "true");
    REFUSED("must be a relative path", "run", "--rm", "--mount",
            "src=v,dst=/m,volume-subpath=/a", "busybox", "true");
    static const char *const NOT[] = {"none", "out", "up", "out/passwd"};
    for (size_t i = 0; i < sizeof(NOT) / sizeof(NOT[0]); i++) {
        char arg[100], says[100];
        snprintf(arg, sizeof(arg), "src=v,dst=/m,volume-subpath=%s", NOT[i]);
        snprintf(says, sizeof(says), "cannot mount %s of volume v on /m: No such file",
                 NOT[i]);
        REFUSED(says, "run", "--rm", "--mount", arg, "busybox", "ls", "/m");
    }
    expect_nothing_left();
}

Test(mounted, a_tmpfs_by_options_of_the_volume)
{
    free(ASK(&s, "volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o",
             "o=size=1m,uid=5,mode=750,ro", "t"));
    EXPECT(
        "tmpfs 1024K 750 5 ro", "run", "--rm", "-v", "t:/m", "-v", "t:/n", "busybox",
        "sh", "-c",
        "set -- $(df -P /m | tail -n 1); m=$(grep ' /m ' /proc/mounts); "
        "echo $1 ${2}K $(stat -c '%a %u' /n) $(echo $m | cut -d' ' -f4 | cut -d, -f1)");
    free(ASK(&s, "volume", "create", "-o", "type=tmpfs", "-o", "device=x", "w"));
    EXPECT("y", "run", "--rm", "-v", "w:/m", "-v", "w:/n", "busybox", "sh", "-c",
           "echo y >/m/f; cat /n/f"); /* one file system, at both places */
    EXPECT("0", "run", "--rm", "-v", "w:/m", "busybox", "sh", "-c", "ls /m | wc -l");
}

Test(mounted, a_directory_by_options_of_a_volume)
{
    char device[200];
    snprintf(device, sizeof(device), "device=%s", shared);
    free(ASK(&s, "volume", "create", "-o", "type=none", "-o", "o=bind", "-o", device,
             "dir"));
    free(ASK(&s, "run", "--rm", "-v", "dir:/m", "busybox", "touch", "/m/here"));
    char path[160];
    snprintf(path, sizeof(path), "%s/here", shared);
    cr_expect_eq(access(path, F_OK), 0);
    cr_expect_eq(tempdir_count(s.dir.fd, "root/volumes/dir/_data"), 0);
    free(ASK(&s, "create", "--name", "stopped", "-v", "dir:/m", "busybox", "true"));
    snprintf(path, sizeof(path), "%s/copied", s.dir.path);
    free(ASK(&s, "cp", "stopped:/m/here", path));
    cr_expect_eq(access(path, F_OK), 0);
    free(ASK(&s, "rm", "stopped"));
    REFUSED("volume not: device /nonexistent: No such file", "run", "--rm", "--mount",
            "src=not,dst=/m,volume-opt=type=none,volume-opt=o=bind,"
            "volume-opt=device=/nonexistent",
            "busybox", "true");
    cr_expect_lt(tempdir_count(s.dir.fd, "root/volumes/not"), 0);
    free(ASK(&s, "run", "--rm", "--mount",
             "src=made,dst=/m,volume-label=k=v,volume-opt=type=tmpfs,"
             "volume-opt=device=tmpfs,\"volume-opt=o=size=1m,mode=700\"",
             "busybox", "true"));
    EXPECT("map[k:v] map[device:tmpfs o:size=1m,mode=700 type:tmpfs]", "volume",
           "inspect", "-f", "{{.Labels}} {{.Options}}", "made");
    expect_nothing_left();
}

/* Loop devices that have the file; they are the whole machine's. */
static int count_loops(const char *file)
{
    char name[64], text[512] = "";
    int n = 0;
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof(name), "/sys/block/loop%d/loop/backing_file", i);
        auto_file FILE *f = fopen(name, "re");
        n += f && fgets(text, sizeof(text), f) && strncmp(text, file, strlen(file)) == 0;
    }
    return n;
}

static bool loop_is_gone(void *file)
{
    return count_loops(file) == 0;
}

Test(mounted, an_image_of_a_file_system)
{
    char image[160], command[300], device[200];
    snprintf(image, sizeof(image), "%s/disk.img", s.dir.path);
    snprintf(command, sizeof(command), "truncate -s 8M %s && mkfs.ext4 -q %s 2>/dev/null",
             image, image);
    if (access("/dev/loop-control", F_OK) < 0 || system(command) != 0)
        cr_skip("needs loop devices and mkfs.ext4");
    snprintf(device, sizeof(device), "device=%s", image);
    free(ASK(&s, "volume", "create", "-o", "type=ext4", "-o", device, "disk"));
    free(
        ASK(&s, "run", "-d", "--name", "a", "-v", "disk:/m", "busybox", "sleep", "1000"));
    free(
        ASK(&s, "run", "-d", "--name", "b", "-v", "disk:/m", "busybox", "sleep", "1000"));
    free(ASK(&s, "exec", "a", "sh", "-c", "echo one >/m/f"));
    EXPECT("one", "exec", "b", "cat", "/m/f");
    cr_expect_eq(count_loops(image), 1);
    free(ASK(&s, "rm", "-f", "a", "b"));
    cr_expect(state_until(loop_is_gone, image), "the loop device stays");
    free(ASK(&s, "create", "--name", "c", "-v", "disk:/m", "busybox", "true"));
    snprintf(command, sizeof(command), "%s/f", s.dir.path);
    free(ASK(&s, "cp", "c:/m/f", command));
    free(ASK(&s, "rm", "c"));
    cr_expect_eq(access(command, F_OK), 0);
    EXPECT("one", "run", "--rm", "-v", "disk:/m:ro", "busybox", "cat", "/m/f");
    cr_assert_eq(truncate(image, 4096), 0);
    REFUSED("cannot mount volume disk: type=ext4", "run", "--rm", "-v", "disk:/m",
            "busybox", "true");
    cr_expect(state_until(loop_is_gone, image), "the loop device stays");
    expect_nothing_left();
}

Test(mounted, in_a_user_namespace)
{
    char bind[200], sub[160];
    struct stat st;
    auto_done(outcome_done) struct outcome can =
        RUN(&s, "run", "--rm", "--userns", "auto", "busybox", "true");
    if (can.status != 0)
        cr_skip("no mapped mounts here: %s", can.err);
    snprintf(bind, sizeof(bind), "%s:/m:rshared", shared);
    REFUSED("cannot spread to the host: /m can be slave, not shared", "run", "--rm",
            "--userns", "auto", "-v", bind, "busybox", "true");
    snprintf(bind, sizeof(bind), "%s:/m:rslave", shared);
    free(ASK(&s, "run", "-d", "--name", "u", "--userns", "auto", "-v", bind, "busybox",
             "sleep", "1000"));
    cr_expect(comes_in("u"));
    EXPECT("0 7", "run", "--rm", "--userns", "auto", "-v", "v:/m", "busybox", "sh", "-c",
           "mkdir /m/sub; touch /m/sub/f; chown 7 /m/sub/f; stat -c %u /m/sub | tr '\\n' "
           "' '; stat -c %u /m/sub/f");
    snprintf(sub, sizeof(sub), "%s/root/volumes/v/_data/sub/f", s.dir.path);
    cr_expect(stat(sub, &st) == 0 && st.st_uid == 7);
    EXPECT("7", "run", "--rm", "--userns", "auto", "--mount",
           "src=v,dst=/m,volume-subpath=sub", "busybox", "stat", "-c", "%u", "/m/f");
    EXPECT("0 5", "run", "--rm", "--userns", "auto", "--mount",
           "src=t,dst=/m,volume-opt=type=tmpfs,volume-opt=device=x", "--mount",
           "src=u,dst=/n,volume-opt=type=tmpfs,volume-opt=device=x,volume-opt=o=uid=5",
           "busybox", "sh", "-c",
           "touch /m/x && stat -c %u /m/x | tr '\\n' ' '; stat -c %u /n");
}

Test(mounted, volumes_from_takes_the_words_along)
{
    char bind[200];
    snprintf(bind, sizeof(bind), "%s:/m:rslave", shared);
    free(ASK(&s, "run", "--rm", "-v", "v:/v", "busybox", "mkdir", "/v/part"));
    free(ASK(&s, "create", "--name", "from", "-v", bind, "--mount",
             "src=v,dst=/p,volume-subpath=part", "busybox", "true"));
    free(ASK(&s, "run", "-d", "--name", "to", "--volumes-from", "from:ro,z", "busybox",
             "sleep", "1000"));
    cr_expect(comes_in("to"));
    EXPECT("r", "exec", "to", "sh", "-c", "touch /p/x 2>/dev/null || echo r");
    EXPECT("0", "exec", "to", "sh", "-c", "ls /p | wc -l");
    REFUSED("\"rx\" is not ro or rw", "create", "--volumes-from", "from:rx", "busybox",
            "true");
}

Test(mounted, inspect_has_dockers_members)
{
    char bind[200], want[400];
    snprintf(bind, sizeof(bind), "%s:/m:ro,slave", shared);
    free(ASK(&s, "create", "--name", "c", "-v", bind, "--mount",
             "src=v,dst=/v,volume-nocopy,volume-label=k=v,volume-subpath=a", "--mount",
             "type=bind,src=/tmp,dst=/t,ro,bind-recursive=writable", "busybox", "true"));
    snprintf(want, sizeof(want),
             "{\"Type\":\"bind\",\"Source\":\"%s\",\"Destination\":\"/m\",\"Mode\":"
             "\"ro,slave\",\"RW\":false,\"Propagation\":\"slave\"}",
             shared);
    EXPECT(want, "inspect", "-f", "{{json (index .Mounts 0)}}", "c");
    snprintf(want, sizeof(want), "[\"%s\"]", bind);
    EXPECT(want, "inspect", "-f", "{{json .HostConfig.Binds}}", "c");
    EXPECT("[{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/v\",\"VolumeOptions\":{"
           "\"NoCopy\":true,\"Labels\":{\"k\":\"v\"},\"Subpath\":\"a\"}},{\"Type\":"
           "\"bind\",\"Source\":\"/tmp\",\"Target\":\"/t\",\"ReadOnly\":true,"
           "\"BindOptions\":{\"ReadOnlyNonRecursive\":true}}]",
           "inspect", "-f", "{{json .HostConfig.Mounts}}", "c");
    EXPECT("c", "ps", "-a", "--filter", "volume=v", "--format", "{{.Names}}");
    EXPECT("c", "ps", "-a", "--filter", "volume=/t", "--format", "{{.Names}}");
    EXPECT("", "ps", "-a", "--filter", "volume=w", "-q");
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "-v", "v:/v:z,ro", "busybox", "true");
    cr_expect_eq(o.status, 0);
    cr_expect_str_eq(o.err, "",
                     "z has no effect where there is no SELinux, as in docker");
}

/* Before Linux 5.12 a bind becomes read-only by a second mount(2), which must repeat the rest. */
Test(mounted, an_old_kernels_read_only_bind_keeps_its_flags)
{
    char dir[256], volume[300];
    snprintf(dir, sizeof(dir), "%s/flags", s.dir.path);
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    cr_assert_eq(mkdir(dir, 0755), 0);
    cr_assert_eq(mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), 0);
    snprintf(volume, sizeof(volume), "%s:/v:ro", dir);
    s.without = "mount_setattr";
    auto_free char *flags = ASK(&s, "run", "--rm", "-v", volume, "busybox", "sh", "-c",
                                "grep ' /v ' /proc/self/mountinfo | cut -d' ' -f6");
    s.without = NULL;
    cr_expect_str_eq(flags, "ro,nosuid,nodev,noexec,relatime");
    umount2(dir, MNT_DETACH);
    rmdir(dir);
}
