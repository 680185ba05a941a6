/* A disk that is full half way: what brings, makes or copies images says so in one line, gives back
 * what it took, and does it when there is room. The root is on a small tmpfs of a mount namespace
 * of its own, all else on a large one. Needs root, docker-registry and skopeo; buildah for build. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../support/registry.h"
#include "../support/state.h"
#include "base/cleanup.h"

#define SMALL "size=16m,mode=0755"
#define ENOUGH "size=200m,mode=0755"
#define LARGE "/mnt"       /* of the namespace's own */
#define SLACK (512u << 10) /* logs, directories */

static struct state s;
static struct tempdir large;
static struct registry_box box;

static int sh(const char *script)
{
    auto_free char *line = NULL;
    cr_assert_gt(asprintf(&line,
                          "exec >/dev/null 2>%s/said; cd " LARGE
                          "; H=%s; M=\"%s --root " LARGE "/root --run-root " LARGE
                          "/run\"; set -e\n%s",
                          large.path, box.host, MTD_PROGRAM, script),
                 0);
    return system(line);
}

/* An image with 24 MB that nothing makes smaller, as an archive, a tree, in the registry. */
static void make_large(void)
{
    cr_assert_eq(mount("large", LARGE, "tmpfs", 0, "size=400m,mode=0755"), 0);
    snprintf(large.path, sizeof(large.path), LARGE);
    large.fd = open(LARGE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    registry_start(&box, &large, NULL);
    cr_assert_eq(
        sh("head -c 24000000 /dev/urandom >big; head -c 9000000 big >half; mkdir ctx;"
           "cp big ctx; printf 'FROM busybox\\nCOPY big /\\n' >ctx/Dockerfile;"
           "$M create --name c busybox true; $M cp big c:/big; $M commit c $H/x:1;"
           "$M save -o x.tar $H/x:1; $M push -q $H/x:1; $M export -o tree.tar c;"
           "$M rm c; rm -r root"),
        0, "cannot make the image; " LARGE "/said");
}

static void set_up(void)
{
    static const char *const NEEDED[] = {"docker-registry", "skopeo", NULL};
    if (!is_root() || !programs_are_there(NEEDED))
        cr_skip("needs root, docker-registry and skopeo");
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    setenv("HOME", LARGE, 1);
    make_large();
    cr_assert_eq(mount("small", "/dev/shm", "tmpfs", 0, SMALL), 0);
    state_make(&s);
    cr_assert_eq(strncmp(s.dir.path, "/dev/shm/", 9), 0);
    free(ASK(&s, "run", "--rm", "busybox", "true"));
}

static void tear_down(void)
{
    registry_stop(&box);
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(image_full, .init = set_up, .fini = tear_down, .timeout = 120);

static unsigned long used(void)
{
    struct statvfs v;
    free(ASK(&s, "ps", "-a")); /* an ordinary command */
    cr_assert_eq(statvfs("/dev/shm", &v), 0);
    return (v.f_blocks - v.f_bfree) * v.f_frsize;
}

/* Without room one line and nothing taken; with room done. */
static void expect_full(const char *const args[], unsigned long slack)
{
    unsigned long before = used();
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    cr_expect_neq(o.status, 0, "%s", args[0]);
    const char *end = strchr(o.err, '\n');
    cr_expect(end && !end[1], "%s: not one line: %s", args[0], o.err);
    cr_expect(strcasestr(o.err, "no space left") || strstr(o.err, "the disk is full"),
              "%s: %s", args[0], o.err);
    unsigned long after = used();
    cr_expect_leq(after, before + slack, "%s keeps %lu kB", args[0],
                  (after - before) >> 10);
    cr_assert_eq(mount(NULL, "/dev/shm", NULL, MS_REMOUNT, ENOUGH), 0);
    auto_done(outcome_done) struct outcome p = state_run_input(&s, NULL, 0, args);
    cr_expect_eq(p.status, 0, "%s, with room: %s", args[0], p.err);
}
#define FULL(...) expect_full((const char *const[]){__VA_ARGS__, NULL}, SLACK)

Test(image_full, load)
{
    FULL("load", "-q", "-i", LARGE "/x.tar");
}

Test(image_full, pull)
{
    char ref[64];
    snprintf(ref, sizeof(ref), "%s/x:1", box.host);
    FULL("pull", "-q", ref);
}

Test(image_full, import)
{
    FULL("import", LARGE "/tree.tar", "y");
}

Test(image_full, copy_in)
{
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    FULL("cp", LARGE "/big", "c:/big");
}

Test(image_full, commit)
{
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    free(ASK(&s, "cp", LARGE "/half", "c:/half"));
    FULL("commit", "c", "y");
}

/* libarchive does not free the buffer of an archive whose writing failed, and the process ends. */
Test(image_full, save)
{
    char path[128];
    cr_assert_eq(setenv("LSAN_OPTIONS", "detect_leaks=0", 1), 0);
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    free(ASK(&s, "cp", LARGE "/half", "c:/half"));
    cr_assert_eq(mount(NULL, "/dev/shm", NULL, MS_REMOUNT, ENOUGH), 0);
    free(ASK(&s, "commit", "c", "y"));
    free(ASK(&s, "rm", "c"));
    cr_assert_eq(mount(NULL, "/dev/shm", NULL, MS_REMOUNT, "size=28m,mode=0755"), 0);
    snprintf(path, sizeof(path), "%s/saved.tar", s.dir.path);
    FULL("save", "-o", path, "y");
}

Test(image_full, build)
{
    static const char *const NEEDED[] = {"buildah", NULL};
    if (!programs_are_there(NEEDED))
        cr_skip("needs buildah");
    /* The base image stays in buildah's storage, which is the cache. */
    expect_full((const char *const[]){"build", "-q", "-t", "y", LARGE "/ctx", NULL},
                8u << 20);
}
