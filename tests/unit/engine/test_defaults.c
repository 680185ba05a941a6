/* The administrator's file: what it changes, and what is said about wrong lines. */

#include "engine/defaults.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tempdir.h"

static struct mtd_defaults d;

static void parse(const char *text)
{
    char copy[512];
    snprintf(copy, sizeof(copy), "%s", text);
    mtd_defaults_init(&d);
    mtd_defaults_parse(&d, "file", copy);
}

Test(defaults, without_a_file)
{
    parse("");
    cr_expect(d.log_max_size == 100 << 20 && d.log_max_file == 0 && d.wrong == 0);
}

Test(defaults, everything)
{
    parse(
        "# ours\nlog_driver = json-file\nlog_max_size = 1.5m   # small\nlog_max_file=3\n");
    cr_expect_eq(d.wrong, 0, "%s", d.problem.text);
    cr_expect_eq(d.log_max_size, 3 << 19);
    cr_expect_eq(d.log_max_file, 3);
    cr_expect_eq(d.log_driver, MTD_LOG_JSON_FILE);
}

Test(defaults, no_limit_has_to_be_said)
{
    parse("log_max_size = -1\n");
    cr_expect_eq(d.wrong, 0, "%s", d.problem.text);
    cr_expect_eq(d.log_max_size, 0);
}

Test(defaults, a_byte_order_mark_and_crlf)
{
    parse("\xEF\xBB\xBFlog_max_size = 1m\r\nlog_max_file = 2\r\n");
    cr_expect_eq(d.wrong, 0, "%s", d.problem.text);
    cr_expect(d.log_max_size == 1 << 20 && d.log_max_file == 2);
}

Test(defaults, wrong_lines_are_named_and_ignored)
{
    parse("log_max_size = 0\nlog_max_file = 1001\nlog_max_file = 2\nlog_colour = x\n"
          "[logs]\nnonsense\n");
    cr_expect_eq(d.wrong, 5);
    cr_expect_str_eq(d.problem.text,
                     "file line 1: log_max_size: \"0\" is not a size such "
                     "as 10m, or -1 for no limit");
    cr_expect(d.log_max_size == 100 << 20 && d.log_max_file == 2);
}

Test(defaults, a_start_has_a_limit_of_a_second_to_a_day)
{
    parse("");
    cr_expect_eq(d.start_timeout, 60);
    parse("start_timeout = 86400\nstart_timeout = 0\nstart_timeout = 86401\n"
          "start_timeout = -1\n");
    cr_expect_eq(d.start_timeout, 86400);
    cr_expect_eq(d.wrong, 3);
}

Test(defaults, a_file_is_named)
{
    struct tempdir tmp;
    char path[128];
    tempdir_make(&tmp);
    tempdir_put(&tmp, "real", "log_max_file = 7\n");
    cr_assert_eq(symlinkat("real", tmp.fd, "config"), 0);
    snprintf(path, sizeof(path), "%s/config", tmp.path);
    mtd_defaults_init(&d);
    cr_assert_eq(mtd_defaults_load(&d, path, NULL), 0);
    cr_expect_eq(d.log_max_file, 7, "a link is followed");
    mtd_defaults_init(&d);
    cr_assert_eq(mtd_defaults_load(&d, tmp.path, NULL), 0);
    cr_expect_eq(d.wrong, 1, "a directory is said to be wrong");
    tempdir_done(&tmp);
}

Test(defaults, a_file_that_others_can_change_is_refused)
{
    struct tempdir tmp;
    struct mtd_error err = {0};
    char path[128], text[300];
    tempdir_make(&tmp);
    tempdir_put(&tmp, "config", "log_max_file = 7\n");
    snprintf(path, sizeof(path), "%s/config", tmp.path);
    cr_assert_eq(chmod(path, 0664), 0);
    mtd_defaults_init(&d);
    cr_expect_eq(mtd_defaults_load(&d, path, &err), -EPERM);
    snprintf(text, sizeof(text), "config file %s is refused: %s is writable by group %u",
             path, path, getgid());
    cr_expect_str_eq(err.text, text);
    cr_expect_eq(d.log_max_file, 0, "it was not read");
    tempdir_done(&tmp);
}

Test(defaults, ids_of_the_host_or_a_range_of_its_own)
{
    parse("userns = auto:size=7\n");
    cr_expect(d.userns == MTD_USERNS_AUTO && d.userns_size == 7 && !d.userns_wrong);
    parse("userns = host\n");
    cr_expect(d.userns == MTD_USERNS_HOST && !d.userns_wrong);
    static const char *const BAD[] = {"userns = x\n", "userns = 0:100000:5\n",
                                      "userns =\n"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        parse(BAD[i]);
        cr_expect(d.userns_wrong && d.userns == MTD_USERNS_HOST, "%s", BAD[i]);
        cr_expect_eq(d.wrong, 1);
    }
}
