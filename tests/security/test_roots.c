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
