/* State that somebody else could change is not used: roots, what leads to them, records,
 * volumes. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/fs.h"

#define OTHER 12345

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

TestSuite(roots, .init = set_up, .fini = tear_down, .timeout = 60);

/* The options that name the state are given a second time; the last ones count. */
static struct outcome run_on(const char *option, const char *dir, const char *verb)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", s.dir.path, dir);
    if (strcmp(verb, "run") == 0)
        return RUN(&s, option, path, "--batch", "run", "--rm", "busybox", "true");
    return RUN(&s, option, path, "--batch", verb);
}

static void expect_refused(const char *option, const char *dir, const char *reason)
{
    static const char *const VERBS[] = {"run", "ps", "images"};
    for (size_t i = 0; i < sizeof(VERBS) / sizeof(VERBS[0]); i++) {
        struct outcome o = run_on(option, dir, VERBS[i]);
        cr_expect_eq(o.status, 125, "%s %s: %d", VERBS[i], dir, o.status);
        cr_expect_not_null(strstr(o.err, reason), "%s %s: %s", VERBS[i], dir, o.err);
        cr_expect_not_null(strstr(o.err, option), "%s %s: %s", VERBS[i], dir, o.err);
        outcome_done(&o);
    }
}

static void make(const char *name, mode_t mode, uid_t owner)
{
    cr_assert_eq(mkdirat(s.dir.fd, name, 0700), 0);
    cr_assert_eq(fchmodat(s.dir.fd, name, mode, 0), 0);
    cr_assert_eq(fchownat(s.dir.fd, name, owner, 0, 0), 0);
}

static bool is_empty(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", s.dir.path, name);
    return rmdir(path) == 0;
}

Test(roots, one_that_others_can_change_is_refused)
{
    static const char *const OPTIONS[] = {"--root", "--run-root"};
    make("theirs", 0700, OTHER);
    make("group", 0775, 0);
    make("all", 0777, 0);
    make("way", 0777, 0);
    make("way/in", 0700, 0);
    cr_assert_eq(symlinkat("way/in", s.dir.fd, "link"), 0);
    for (size_t i = 0; i < 2; i++) {
        expect_refused(OPTIONS[i], "theirs", "theirs belongs to uid 12345");
        expect_refused(OPTIONS[i], "group", "group is writable by group 0");
        expect_refused(OPTIONS[i], "all", "all is writable by everybody");
        expect_refused(OPTIONS[i], "way/in", "way is writable by everybody");
        expect_refused(OPTIONS[i], "link", "way is writable by everybody");
        expect_refused(OPTIONS[i], "way/new", "way is writable by everybody");
    }
    cr_expect(is_empty("theirs") && is_empty("group") && is_empty("all") &&
                  is_empty("way/in") && is_empty("way"),
              "nothing was made in them");
}

Test(roots, what_is_in_an_open_one_is_looked_at)
{
    make("open", 0755, 0);
    struct outcome o = run_on("--root", "open", "run");
    cr_assert_eq(o.status, 0, "%s", o.err);
    outcome_done(&o);
    cr_assert_eq(fchmodat(s.dir.fd, "open/images", 0777, 0), 0);
    expect_refused("--root", "open", "images is writable by everybody");
    cr_assert_eq(fchmodat(s.dir.fd, "open/images", 0700, 0), 0);
    cr_assert_eq(fchownat(s.dir.fd, "open/containers", OTHER, 0, 0), 0);
    expect_refused("--root", "open", "containers belongs to uid 12345");
}

Test(roots, a_record_of_another_owner_is_broken)
{
    char path[256];
    char *id = ASK(&s, "create", "--name", "box", "busybox", "true");
    snprintf(path, sizeof(path), "root/containers/%s/config.json", id);
    cr_assert_eq(fchownat(s.dir.fd, path, OTHER, 0, 0), 0);
    struct outcome o = RUN(&s, "start", "box");
    cr_expect_eq(o.status, 1);
    cr_expect_not_null(strstr(o.err, "config.json belongs to another user"), "%s", o.err);
    outcome_done(&o);
    char *state = ASK(&s, "ps", "-a", "--format", "{{.State}}");
    cr_expect_str_eq(state, "broken");
    free(state);
    free(ASK(&s, "rm", id));
    free(id);
}

/* ---- of the OCI runtime ---- */

static struct outcome run_oci(const char *dir, const char *const words[])
{
    char path[256];
    const char *args[8] = {"oci", "--root", path};
    snprintf(path, sizeof(path), "%s/%s", s.dir.path, dir);
    for (size_t i = 0; words[i]; i++)
        args[3 + i] = words[i];
    return state_run_input(&s, NULL, 0, args);
}

/* A container that nobody made, with a hook that root would run when it is deleted. */
static void plant(const char *dir)
{
    char path[128], text[1024];
    cr_assert_eq(mkdirat(s.dir.fd, dir, 0755), 0);
    snprintf(path, sizeof(path), "%s/x/state.json", dir);
    tempdir_put(&s.dir, path,
                "{\"pid\":0,\"pidStart\":0,\"bootId\":\"-\",\"owner\":0,\"id\":\"x\","
                "\"bundle\":\"/\",\"cgroup\":\"mytop-runc/x\",\"cgroups\":[],"
                "\"namespaces\":[\"pid\"]}");
    snprintf(path, sizeof(path), "%s/x/config.json", dir);
    snprintf(text, sizeof(text),
             "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/\"},"
             "\"process\":{\"cwd\":\"/\",\"args\":[\"true\"]},\"hooks\":{\"poststop\":"
             "[{\"path\":\"" MTD_PROGRAM "\",\"args\":[\"mytop-docker\",\"--root\","
             "\"%s/ran\",\"--batch\",\"volume\",\"create\",\"v\"]}]}}",
             s.dir.path);
    tempdir_put(&s.dir, path, text);
}

static bool hook_ran(void)
{
    return faccessat(s.dir.fd, "ran", F_OK, 0) == 0;
}

static void give_away(const char *dir, uid_t owner, mode_t mode)
{
    cr_assert_eq(fchmodat(s.dir.fd, dir, mode, 0), 0);
    cr_assert_eq(fchownat(s.dir.fd, dir, owner, 0, 0), 0);
}

Test(roots, of_the_oci_runtime_are_refused_alike)
{
    static const char *const WORDS[][5] = {{"delete", "--force", "x"},
                                           {"state", "x"},
                                           {"list"},
                                           {"kill", "x"},
                                           {"start", "x"}};
    const struct {
        const char *dir;
        uid_t owner;
        mode_t mode;
        const char *why;
    } ROWS[] = {{"theirs", OTHER, 0755, "theirs belongs to uid 12345"},
                {"group", 0, 0775, "group is writable by group 0"},
                {"all", 0, 0777, "all is writable by everybody"}};
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        plant(ROWS[i].dir);
        give_away(ROWS[i].dir, ROWS[i].owner, ROWS[i].mode);
        for (size_t k = 0; k < sizeof(WORDS) / sizeof(WORDS[0]); k++) {
            struct outcome o = run_oci(ROWS[i].dir, WORDS[k]);
            cr_expect_eq(o.status, 1, "%s: %d %s", WORDS[k][0], o.status, o.err);
            cr_expect_not_null(strstr(o.err, ROWS[i].why), "%s: %s", WORDS[k][0], o.err);
            outcome_done(&o);
        }
        cr_expect(!hook_ran(), "a hook ran");
    }
}

/* The same container with a root that is ours: there the hook runs, unless somebody else wrote it. */
Test(roots, a_hook_of_another_owner_is_not_run)
{
    static const char *const DELETE[] = {"delete", "--force", "x", NULL};
    static const char *const FILES[] = {"config.json", "state.json"};
    for (size_t i = 0; i < 2; i++) {
        char dir[16], path[64];
        snprintf(dir, sizeof(dir), "ours%zu", i);
        plant(dir);
        snprintf(path, sizeof(path), "%s/x/%s", dir, FILES[i]);
        give_away(path, OTHER, 0644);
        struct outcome o = run_oci(dir, DELETE);
        cr_expect(!hook_ran(), "%s: a hook ran: %d %s", FILES[i], o.status, o.err);
        outcome_done(&o);
    }
    plant("ours");
    struct outcome o = run_oci("ours", DELETE);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect(hook_ran(), "it is a hook that runs");
    outcome_done(&o);
}

Test(roots, a_volume_that_is_a_link_is_not_followed)
{
    free(ASK(&s, "run", "--rm", "-v", "vol:/v", "busybox", "true"));
    cr_assert_eq(unlinkat(s.dir.fd, "root/volumes/vol/_data", AT_REMOVEDIR), 0);
    cr_assert_eq(symlinkat("/etc", s.dir.fd, "root/volumes/vol/_data"), 0);
    struct outcome o = RUN(&s, "run", "--rm", "-v", "vol:/v", "busybox", "ls", "/v");
    cr_expect_eq(o.status, 125, "%d %s", o.status, o.out);
    cr_expect_not_null(strstr(o.err, "Not a directory"), "%s", o.err);
    outcome_done(&o);
    cr_assert_eq(fs_remove_tree_at(s.dir.fd, "root/volumes/vol"), 0);
    cr_assert_eq(symlinkat("/", s.dir.fd, "root/volumes/vol"), 0);
    o = RUN(&s, "run", "--rm", "-v", "vol:/v", "busybox", "ls", "/v");
    cr_expect_eq(o.status, 125, "%d %s", o.status, o.out);
    outcome_done(&o);
}
