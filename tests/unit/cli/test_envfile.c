/* env files, -e and labels, as docker reads them. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/spec_env.h"

static char path[] = "/tmp/mtd-env-XXXXXX";
static struct strv env;
static struct mtd_error err;

static void make(void)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
}

static void forget(void)
{
    strv_done(&env);
    unlink(path);
}
TestSuite(envfile, .init = make, .fini = forget);

static int read_text(const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    strv_done(&env);
    env = (struct strv){0};
    err = (struct mtd_error){0};
    cr_assert_eq(fs_write_all(fd, text, len), 0);
    close(fd);
    return spec_env_file(&env, path, &err);
}
#define READ(text) read_text(text, sizeof(text) - 1)

Test(envfile, assignments)
{
    cr_assert_eq(READ("A=1\nB=two words \nC=\nD=a=b\n"), 0, "%s", err.text);
    cr_assert_eq(env.len, 4);
    cr_expect_str_eq(env.items[0], "A=1");
    cr_expect_str_eq(env.items[1], "B=two words ");
    cr_expect_str_eq(env.items[2], "C=");
    cr_expect_str_eq(env.items[3], "D=a=b");
}

Test(envfile, comments_and_blank_lines)
{
    cr_assert_eq(READ("# c\n\n   \n  # c\nA=x # no comment\n\r\n"), 0, "%s", err.text);
    cr_assert_eq(env.len, 1);
    cr_expect_str_eq(env.items[0], "A=x # no comment");
}

Test(envfile, quotes_are_kept_and_line_ends_are_not)
{
    cr_assert_eq(READ("\xef\xbb\xbf"
                      "A=\"x\"\r\n  B='y'"),
                 0, "%s", err.text);
    cr_assert_eq(env.len, 2);
    cr_expect_str_eq(env.items[0], "A=\"x\"");
    cr_expect_str_eq(env.items[1], "B='y'");
}

Test(envfile, names_alone_are_copied_or_left_out)
{
    setenv("MTD_TEST_SET", "here", 1);
    unsetenv("MTD_TEST_UNSET");
    cr_assert_eq(READ("MTD_TEST_SET\nMTD_TEST_UNSET\n"), 0);
    cr_assert_eq(env.len, 1);
    cr_expect_str_eq(env.items[0], "MTD_TEST_SET=here");
}

Test(envfile, bad_lines_are_named)
{
    char wanted[128];
    cr_expect_eq(READ("A=1\n=x\n"), -EINVAL);
    snprintf(wanted, sizeof(wanted), "%s:2: no name in \"=x\"", path);
    cr_expect_str_eq(err.text, wanted);
    cr_expect_eq(READ("A B=x\n"), -EINVAL);
    snprintf(wanted, sizeof(wanted), "%s:1: the name \"A B\" contains whitespace", path);
    cr_expect_str_eq(err.text, wanted);
    cr_expect_eq(READ("A=1\nB=\xff\n"), -EINVAL);
    cr_expect_eq(READ("A=1\0\n"), -EINVAL);
}

Test(envfile, missing_file_and_directory)
{
    err = (struct mtd_error){0};
    cr_expect_eq(spec_env_file(&env, "/nonexistent/x", &err), -ENOENT);
    err = (struct mtd_error){0};
    cr_expect_eq(spec_env_file(&env, "/tmp", &err), -EISDIR);
}

Test(envfile, the_command_line_wins)
{
    const char *files[] = {path}, *typed[] = {"A=typed", "B=1", "B=2"};
    struct option_list f = {files, 1}, t = {typed, 3};
    cr_assert_eq(READ("A=file\nC=3\n"), 0);
    strv_done(&env);
    env = (struct strv){0};
    cr_assert_eq(spec_env(&env, &f, &t, &err), 0);
    cr_expect_str_eq(strv_env_get(&env, "A"), "typed");
    cr_expect_str_eq(strv_env_get(&env, "B"), "2");
    cr_expect_str_eq(strv_env_get(&env, "C"), "3");
    typed[0] = "=x";
    cr_expect_eq(spec_env(&env, &f, &t, &err), -EINVAL);
}

Test(envfile, labels_are_sorted_and_later_ones_win)
{
    const char *typed[] = {"b=1", "a", "b=2", "c=x=y"};
    struct option_list none = {0}, t = {typed, 4};
    cr_assert_eq(spec_labels(&env, &none, &t, &err), 0);
    cr_assert_eq(env.len, 3);
    cr_expect_str_eq(env.items[0], "a=");
    cr_expect_str_eq(env.items[1], "b=2");
    cr_expect_str_eq(env.items[2], "c=x=y");
}
