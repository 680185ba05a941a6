/* user: docker's rules for USER and -u, and what a hostile passwd or group file may try. */

#include "engine/confine/user.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define PASSWD                                \
    "root:x:0:0:root:/root:/bin/sh\n"         \
    "bob:x:1000:1001:Bob:/home/bob:/bin/sh\n" \
    "0:x:500:500::/zero:/bin/sh\n"            \
    "1000:x:0:0::/evil:/bin/sh\n"             \
    "huge:x:4294967296:0::/huge:/bin/sh\n"    \
    "minus:x:-1:0::/minus:/bin/sh\n"          \
    "short:x:7\n"                             \
    "bare:x:8:9\n"                            \
    "relative:x:11:11::home:/bin/sh\n"        \
    "noshell:x:13:13::/noshell\n"             \
    "last:x:12:12::/last:/bin/sh"
#define GROUP                  \
    "root:x:0:\n"              \
    "staff:x:50:alice,bob\n"   \
    "disk:x:6:bobby,bo,bob2\n" \
    "audio:x:63:bob\n"         \
    "bad:x:4294967297:bob\n"   \
    "bobs:x:1001:bob\n"

static char dir[64];
static int root = -1;

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/etc/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs(text, f);
    fclose(f);
}

static void make_root(void)
{
    char etc[80];
    snprintf(dir, sizeof(dir), "/tmp/mtd-user-XXXXXX");
    cr_assert(mkdtemp(dir));
    snprintf(etc, sizeof(etc), "%s/etc", dir);
    cr_assert_eq(mkdir(etc, 0755), 0);
    put("passwd", PASSWD);
    put("group", GROUP);
    root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void remove_root(void)
{
    close(root);
    fs_remove_tree_at(AT_FDCWD, dir);
}

TestSuite(user, .init = make_root, .fini = remove_root);

static void check(const char *spec, uid_t uid, gid_t gid, const char *home)
{
    struct user u;
    struct mtd_error err = {0};
    cr_assert_eq(user_resolve(root, spec, &u, &err), 0, "%s: %s", spec, err.text);
    cr_expect_eq(u.uid, uid, "%s: uid %u", spec, u.uid);
    cr_expect_eq(u.gid, gid, "%s: gid %u", spec, u.gid);
    cr_expect_str_eq(u.home, home, "%s: home %s", spec, u.home);
}

static void refuse(const char *spec, int code)
{
    struct user u = {.uid = 77};
    struct mtd_error err = {0};
    cr_expect_eq(user_resolve(root, spec, &u, &err), -code, "%s was taken as %u", spec,
                 u.uid);
    cr_expect_eq(err.code, code);
    cr_expect_eq(u.uid, 77, "%s: result touched on failure", spec);
}

Test(user, names_and_numbers)
{
    check(NULL, 0, 0, "/root");
    check("", 0, 0, "/root");
    check("root", 0, 0, "/root");
    check("bob", 1000, 1001, "/home/bob");
    check("bob:", 1000, 1001, "/home/bob");
    check("1000", 1000, 1001, "/home/bob");
    check("bob:staff", 1000, 50, "/home/bob");
    check("bob:7", 1000, 7, "/home/bob");
    check(":staff", 0, 50, "/root");
    check("4242", 4242, 0, "/");
    check("4294967294", 4294967294u, 0, "/");
    check("last", 12, 12, "/last");
}

Test(user, a_home_is_absolute)
{
    check("bare", 8, 9, "/");
    check("relative", 11, 11, "/");
    check("noshell", 13, 13, "/noshell"); /* the fields that are there count */
}

/* CVE-2026-46680, CVE-2026-30892: a number that does not fit must not become a name or wrap. */
Test(user, digits_are_numbers)
{
    check("0", 0, 0, "/root");
    check("1", 1, 0, "/");
    refuse("4294967295", EINVAL);
    refuse("4294967296", EINVAL);
    refuse("18446744073709551616", EINVAL);
    refuse("99999999999999999999999999", EINVAL);
    refuse("bob:4294967295", EINVAL);
}

Test(user, what_is_not_there)
{
    refuse("nosuch", ENOENT);
    refuse("bob:nosuch", ENOENT);
    refuse("0x0", ENOENT);
    refuse("-1", ENOENT);
    refuse("+1", ENOENT);
    refuse(" 0", ENOENT);
    refuse("huge", ENOENT);
    refuse("minus", ENOENT);
    refuse("short", ENOENT);
    refuse("bob:bad", ENOENT);
    refuse("a:b:c", EINVAL);
}

Test(user, says_it_in_dockers_words)
{
    struct user u;
    struct mtd_error err = {0};
    user_resolve(root, "nosuch", &u, &err);
    cr_assert_str_eq(err.text,
                     "unable to find user nosuch: no matching entries in passwd file");
}

Test(user, supplementary_groups)
{
    struct user u;
    cr_assert_eq(user_resolve(root, "bob", &u, NULL), 0);
    cr_assert_eq(u.n_groups, 3);
    cr_assert_eq(u.groups[0], 1001);
    cr_assert_eq(u.groups[1], 50);
    cr_assert_eq(u.groups[2], 63);
    cr_assert_eq(user_resolve(root, "1000", &u, NULL), 0);
    cr_assert_eq(u.n_groups, 3, "by number too");
    cr_assert_eq(user_resolve(root, "bob:7", &u, NULL), 0);
    cr_assert_eq(u.n_groups, 1, "not with an explicit group");
    cr_assert_eq(u.groups[0], 7);
}

/* As docker: whoever names a group has that one. */
Test(user, a_group_that_was_named_is_the_only_one)
{
    struct user u;
    cr_assert_eq(user_resolve(root, "bob:staff", &u, NULL), 0);
    cr_expect_eq(u.gid, 50);
    cr_expect_eq(u.n_groups, 1);
    cr_expect_eq(u.groups[0], 50);
    cr_assert_eq(user_resolve(root, "bob:77", &u, NULL), 0);
    cr_expect_eq(u.n_groups, 1);
    cr_expect_eq(u.groups[0], 77);
}

Test(user, more_groups_than_there_is_room_for)
{
    char text[4096];
    size_t n = 0;
    for (int i = 0; i < USER_MAX_GROUPS + 2; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "g%d:x:%d:bob\n", i, 2000 + i);
    put("group", text);
    refuse("bob", E2BIG);
}

Test(user, no_files_at_all)
{
    cr_assert_eq(unlinkat(root, "etc/passwd", 0), 0);
    cr_assert_eq(unlinkat(root, "etc/group", 0), 0);
    check("", 0, 0, "/");
    check("5:6", 5, 6, "/");
    refuse("root", ENOENT);
}

/* CVE-2024-9676: a fifo would hang whoever opens it. */
Test(user, a_fifo_for_passwd, .timeout = 5)
{
    cr_assert_eq(unlinkat(root, "etc/passwd", 0), 0);
    cr_assert_eq(mkfifoat(root, "etc/passwd", 0644), 0);
    refuse("root", EINVAL);
    refuse("", EINVAL);
}

Test(user, a_link_out_of_the_root)
{
    cr_assert_eq(unlinkat(root, "etc/passwd", 0), 0);
    cr_assert_eq(symlinkat("/etc/group", root, "etc/passwd"), 0);
    refuse("bob", ENOENT); /* the container's own group file, never the host's */
    cr_assert_eq(unlinkat(root, "etc/passwd", 0), 0);
    cr_assert_eq(symlinkat("../../../../../../etc/passwd", root, "etc/passwd"), 0);
    struct user u;
    cr_assert_eq(user_resolve(root, "root", &u, NULL), -ELOOP);
}

/* CVE-2026-47262: 2 GB of groups. */
Test(user, a_huge_group_file, .timeout = 5)
{
    int fd = openat(root, "etc/group", O_WRONLY | O_CLOEXEC);
    cr_assert_eq(ftruncate(fd, 2ll << 30), 0);
    close(fd);
    refuse("bob", EFBIG);
    check("4242", 4242, 0, "/");
}

Test(user, lines_without_end)
{
    char text[4096];
    memset(text, ':', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    put("passwd", text);
    refuse("bob", ENOENT);
}
