/* Killed at each fault point that a command passes, whatever their names are: after one ordinary
 * command the files of the root, and those that the command was to write, are those of before or
 * those of a command that was not killed. Needs root, docker-registry, skopeo and fault points. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/registry.h"
#include "../support/state.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define POINTS_MAX 200 /* of one command; more is an endless loop */

static struct state s;
static struct registry_box box;

static void set_up(void)
{
    static const char *const NEEDED[] = {"docker-registry", "skopeo", NULL};
#ifndef MTD_FAULTS
    cr_skip("this build has no fault points; the debug build runs these");
#endif
    if (!is_root() || !programs_are_there(NEEDED))
        cr_skip("needs root, docker-registry and skopeo");
    state_make(&s);
    setenv("HOME", s.dir.path, 1);
    registry_start(&box, &s.dir, NULL);
}

static void tear_down(void)
{
    registry_stop(&box);
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(image_kills, .init = set_up, .fini = tear_down, .timeout = 240);

/* ---- commands ---- */

/* One command as a text; "@" is the test's directory, "%" the registry. */
static struct outcome run(const char *text)
{
    static struct buf words[24];
    const char *args[25] = {NULL};
    size_t n = 0;
    for (const char *at = text + strspn(text, " "); *at && n < 24; n++) {
        size_t len = strcspn(at, " ");
        words[n].len = 0;
        for (size_t i = 0; i < len; i++)
            if (at[i] == '@' || at[i] == '%')
                buf_puts(&words[n], at[i] == '@' ? s.dir.path : box.host);
            else
                buf_add(&words[n], &at[i], 1);
        args[n] = words[n].data;
        at += len + strspn(at + len, " ");
    }
    return state_run_input(&s, NULL, 0, args);
}

/* Several with ";" between; must = each succeeds. */
static void run_all(const char *commands, bool must)
{
    auto_free char *copy = strdup(commands);
    char *rest = NULL;
    for (char *one = strtok_r(copy, ";", &rest); one; one = strtok_r(NULL, ";", &rest)) {
        auto_done(outcome_done) struct outcome o = run(one);
        cr_assert(!must || o.status == 0, "%s: %s%s", one, o.out, o.err);
    }
}

/* All files but logs of what was done, with what images and written files hold; ids of containers and of
 * anonymous volumes are all the same. */
static char *list_files(void)
{
    auto_free char *command = NULL;
    struct buf out = {0};
    char block[4096];
    size_t n;
    cr_assert_gt(
        asprintf(&command,
                 "cd %s && find root out \\( -name events.log -o -name 'summaries*' \\) "
                 "-o -name '*.lock' -o -path '*/images/lock' "
                 "-o -path '*/work/*' -o -printf '%%p %%y %%m %%l\\n' | "
                 "sed '/images/!s/[0-9a-f]\\{64\\}/ID/g' | sort; "
                 "find out root/images/blobs root/images/info root/images/config "
                 "root/images/index.json -type f -exec sha256sum {} + | sort -k2",
                 s.dir.path),
        0);
    FILE *f = popen(command, "re");
    cr_assert(f);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(&out, block, n);
    pclose(f);
    return buf_take(&out);
}

/* The first line that is in only one of the two. */
static const char *difference(const char *before, const char *after)
{
    static char text[512];
    size_t n = 0, at = 0;
    for (; before[n] && before[n] == after[n]; n++)
        if (before[n] == '\n')
            at = n + 1;
    snprintf(text, sizeof(text), "\"%.*s\" and \"%.*s\"", (int)strcspn(before + at, "\n"),
             before + at, (int)strcspn(after + at, "\n"), after + at);
    return text;
}

/* ---- the kills ---- */

struct row {
    const char *set_up, *command, *undo;
    unsigned points; /* that it passes at least */
};

static void undo(const struct row *r)
{
    run_all(r->undo, false);
    unlinkat(s.dir.fd, "out/file", 0);
    fs_remove_tree_at(s.dir.fd, "out/dir");
}

/* A directory of the user's is not swept by any command, but by the next that writes there. */
static void again_into_dir(const struct row *r, unsigned n, const char *done)
{
    if (!strstr(r->command, "oci-dir"))
        return;
    run_all(r->command, true);
    auto_free char *after = list_files();
    cr_expect_str_eq(after, done, "again after point %u: (%s)", n,
                     difference(done, after));
}

/* true = it was killed. */
static bool kill_at(const struct row *r, unsigned n, const char *base, const char *done)
{
    char fault[32];
    snprintf(fault, sizeof(fault), "*:kill:%u", n);
    run_all(r->set_up, true);
    auto_free char *before = list_files();
    s.fault = fault;
    auto_done(outcome_done) struct outcome o = run(r->command);
    s.fault = NULL;
    bool child = strstr(o.err, "the process that looks into the container died");
    if (o.status != 0)
        cr_assert(child || o.status == 128 + SIGKILL, "%s: %s", r->command, o.err);
    run_all("ps -a", true);
    if (o.status != 0)
        again_into_dir(r, n, done);
    auto_free char *after = list_files();
    bool undone = strcmp(after, before) == 0, finished = strcmp(after, done) == 0;
    cr_expect(undone || finished,
              "%s, killed at point %u: neither as before (%s)\nnor as done (%s)",
              r->command, n, difference(before, after), difference(done, after));
    undo(r);
    auto_free char *left = list_files();
    cr_assert(strcmp(left, base) == 0, "%s, killed at point %u, leaves (%s)", r->command,
              n, difference(base, left));
    return o.status != 0;
}

/* At every point, or at every third one from the part's. */
static void kill_everywhere(const struct row *r, unsigned part, unsigned parts)
{
    tempdir_put(&s.dir, "file", "text\n");
    tempdir_put(&s.dir, "out/keep", "");
    run_all("create --name c busybox;rm c;volume create v;volume rm v", true);
    auto_free char *base = list_files();
    run_all(r->set_up, true);
    run_all(r->command, true);
    auto_free char *done = list_files();
    undo(r);
    unsigned n = part;
    while (n < POINTS_MAX && kill_at(r, n, base, done))
        n += parts;
    cr_expect_gt(n, r->points, "%s passes less than %u points", r->command, n);
    cr_log_info("%s: less than %u points", r->command, n);
}

/* An image of two layers in the registry and in all forms of archives, and no other but busybox. */
static void make_images(void)
{
    run_all("run --name c busybox sh -c id>/a;commit c one;rm c;"
            "run --name c one rm /etc/group;commit c %/a:1;rm c;"
            "push %/a:1;save -o @/docker.tar %/a:1;"
            "save --format oci-archive -o @/oci.tar %/a:1;"
            "save --format oci-dir -o @/dir %/a:1;"
            "save --compress gzip -o @/docker.tgz %/a:1;rmi %/a:1 one",
            true);
}

/* A point takes a second on a busy machine, and a test has a minute: the rows of images have a test
 * each for every third point. */
#define PART(name, part, parts, ...)               \
    Test(image_kills, name)                        \
    {                                              \
        static const struct row ROW = __VA_ARGS__; \
        if (parts > 1)                             \
            make_images();                         \
        kill_everywhere(&ROW, part, parts);        \
    }
#define KILLS(name, ...) PART(name, 1, 1, __VA_ARGS__)
#define IMAGE_KILLS(name, ...)        \
    PART(name##_1, 1, 3, __VA_ARGS__) \
    PART(name##_2, 2, 3, __VA_ARGS__) \
    PART(name##_3, 3, 3, __VA_ARGS__)

#define LOAD "load -qi @/docker.tar"
#define DROP "rmi -f %/a:1"

#define CREATE "create --name c -v /a -v named:/n -v /b busybox true"
#define GONE "rm -fv c;volume rm named v"

/* clang-format off */
IMAGE_KILLS(pulling, {"", "pull -q %/a:1", DROP, 12})
IMAGE_KILLS(loading_an_archive, {"", "load -qi @/docker.tar", DROP, 10})
IMAGE_KILLS(loading_a_compressed_archive, {"", "load -qi @/docker.tgz", DROP, 10})
IMAGE_KILLS(loading_an_oci_archive, {"", "load -qi @/oci.tar", DROP, 10})
IMAGE_KILLS(loading_an_oci_directory, {"", "load -qi @/dir", DROP, 10})
IMAGE_KILLS(pushing, {LOAD, "push -q %/a:1", DROP, 4})
IMAGE_KILLS(saving_an_archive, {LOAD, "save -o @/out/file %/a:1", DROP, 4})
IMAGE_KILLS(saving_an_oci_directory,
            {LOAD, "save --format oci-dir -o @/out/dir %/a:1", DROP, 4})
IMAGE_KILLS(saving_an_oci_archive,
            {LOAD, "save --format oci-archive --compress zstd -o @/out/file %/a:1", DROP, 4})
IMAGE_KILLS(naming_a_loaded_image, {LOAD, "tag %/a:1 new", DROP " new", 2})
IMAGE_KILLS(removing_an_image, {LOAD, "rmi %/a:1", DROP, 3})
IMAGE_KILLS(removing_one_of_two_names, {LOAD ";tag %/a:1 new", "rmi %/a:1", DROP " new", 1})
KILLS(naming_the_built_in_image, {"", "tag busybox %/a:1", DROP, 2})
KILLS(volume_create, {"", "volume create --label x=y v", GONE, 3})
KILLS(volume_rm, {"volume create v", "volume rm v", GONE, 3})
KILLS(volume_prune, {"volume create v", "volume prune -af", GONE, 3})
KILLS(rm, {CREATE, "rm c", GONE ";volume prune -f", 3})
KILLS(rm_and_its_volumes, {CREATE, "rm -v c", GONE, 6})
KILLS(cp_in, {"create --name c busybox true", "cp @/file c:/etc/file", GONE, 2})
KILLS(cp_out, {CREATE, "cp c:/etc/passwd @/out/file", GONE, 2})
/* clang-format on */
