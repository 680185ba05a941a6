/* trust: who else could change what a path leads to. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/trust.h"
#include "tempdir.h"

#define OTHER 12345

static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(trust, .init = setup, .fini = teardown);

static int ask(const char *name, mode_t *ret_mode, struct mtd_error *err)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", tmp.path, name);
    *err = (struct mtd_error){0};
    return trust_path(path, ret_mode, err);
}

static void make(const char *name, mode_t mode)
{
    cr_assert_eq(mkdirat(tmp.fd, name, 0700), 0);
    cr_assert_eq(fchmodat(tmp.fd, name, mode, 0), 0);
}

static void expect(const char *name, const char *reason)
{
    struct mtd_error err;
    char text[512];
    mode_t mode;
    int rc = ask(name, &mode, &err);
    cr_expect_eq(rc, reason ? -EPERM : 0, "%s: %d %s", name, rc, err.text);
    if (!reason)
        return;
    snprintf(text, sizeof(text), "%s/%s", tmp.path, reason);
    cr_expect_str_eq(err.text, text, "%s", name);
}

Test(trust, what_only_the_owner_can_change)
{
    struct mtd_error err;
    mode_t mode;
    make("a", 0755);
    make("a/b", 0700);
    expect("a/b", NULL);
    expect("a//b/", NULL);
    expect("a/b/../../a", NULL);
    expect("a/b/not/there", NULL);
    cr_assert_eq(ask("a", &mode, &err), 0);
    cr_expect_eq(mode & 07777, 0755);
    cr_assert_eq(ask("a/none", &mode, &err), 0);
    cr_expect_eq(mode, 0, "it is not there");
}

Test(trust, what_others_can_write_to)
{
    make("all", 0777);
    make("all/in", 0700);
    make("group", 0770);
    make("group/in", 0700);
    make("sticky", 01777);
    make("sticky/in", 0700);
    expect("all", "all is writable by everybody");
    expect("all/in", "all is writable by everybody");
    expect("group/in", "group is writable by group 0");
    expect("all/none", "all is writable by everybody");
    expect("sticky/in", NULL);
    expect("sticky", "sticky is writable by everybody"); /* anybody makes entries there */
}

Test(trust, what_belongs_to_others)
{
    if (geteuid() != 0)
        cr_skip("only root can give a directory away");
    make("safe", 0755);
    make("theirs", 0755);
    make("theirs/in", 0700);
    make("sticky", 01777);
    cr_assert_eq(fchownat(tmp.fd, "theirs", OTHER, 0, 0), 0);
    expect("theirs", "theirs belongs to uid 12345, who could change it");
    expect("theirs/in", "theirs belongs to uid 12345, who could change it");
    cr_assert_eq(symlinkat("../safe", tmp.fd, "sticky/link"), 0);
    expect("sticky/link", NULL);
    cr_assert_eq(fchownat(tmp.fd, "sticky/link", OTHER, 0, AT_SYMLINK_NOFOLLOW), 0);
    expect("sticky/link", "sticky/link belongs to uid 12345, who could change it");
}

Test(trust, links_are_followed_through_what_is_trusted)
{
    struct mtd_error err;
    mode_t mode;
    char target[256];
    make("all", 0777);
    make("all/in", 0700);
    make("safe", 0700);
    make("safe/deep", 0700);
    snprintf(target, sizeof(target), "%s/all/in", tmp.path);
    cr_assert_eq(symlinkat(target, tmp.fd, "absolute"), 0);
    cr_assert_eq(symlinkat("safe", tmp.fd, "relative"), 0);
    cr_assert_eq(symlinkat("loop", tmp.fd, "loop"), 0);
    expect("relative/deep", NULL);
    expect("absolute", "all is writable by everybody");
    cr_expect_eq(ask("loop", &mode, &err), -ELOOP);
    /* what the link leads to is looked at, not the link's own mode of 0777 */
    cr_assert_eq(ask("relative", &mode, &err), 0);
    cr_expect_eq(mode & 07777, 0700);
}
