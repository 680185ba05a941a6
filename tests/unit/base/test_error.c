#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"

Test(error, travels_in_one_atomic_write)
{
    cr_expect(sizeof(struct mtd_error) < PIPE_BUF);
}

Test(error, the_first_one_wins)
{
    struct mtd_error e = {0};
    cr_expect_eq(mtd_fail(&e, ENOENT, "no %s", "image"), -ENOENT);
    cr_expect_eq(mtd_fail(&e, EPERM, "other"), -EPERM);
    cr_expect_eq(e.code, ENOENT);
    cr_expect_str_eq(e.text, "no image");
    mtd_error_clear(&e);
    cr_expect_eq(e.code, 0);
    cr_expect_str_eq(e.text, "");
}

Test(error, reasons_and_context_surround_the_text)
{
    struct mtd_error e = {0};
    mtd_context(&e, "nothing yet");
    cr_expect_str_eq(e.text, "");
    mtd_fail_errno(&e, ENOENT, "open \"%s\"", "x");
    mtd_context(&e, "container %d", 7);
    cr_expect_str_eq(e.text, "container 7: open \"x\": No such file or directory");
    cr_expect_eq(e.code, ENOENT);
}

Test(error, may_be_null_and_is_never_success)
{
    cr_expect_eq(mtd_fail(NULL, EIO, "x"), -EIO);
    cr_expect_eq(mtd_fail_errno(NULL, ENOENT, "x"), -ENOENT);
    mtd_context(NULL, "x");
    mtd_error_clear(NULL);
    struct mtd_error e = {0};
    cr_expect(mtd_fail(&e, 0, "x") < 0);
    cr_expect(e.code > 0);
}

Test(error, is_one_printable_line)
{
    struct mtd_error e = {0};
    mtd_fail(&e, EINVAL, "a\nb\x1b[2Jc\td\x7f");
    cr_expect_str_eq(e.text, "a b?[2Jc d?");
}

Test(error, long_texts_are_cut_between_characters)
{
    char text[600];
    for (size_t cut = 0; cut < 4; cut++) {
        struct mtd_error e = {0};
        memset(text, 'x', cut);
        for (size_t i = cut; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        mtd_fail(&e, EINVAL, "%s", text);
        mtd_context(&e, "yy");
        size_t n = strlen(e.text);
        cr_expect(n < sizeof(e.text) && n > sizeof(e.text) - 5);
        cr_expect_eq((n - cut - 4) % 3, 0, "cut %zu leaves %zu bytes", cut, n);
    }
}

Test(error, the_first_to_say_what_it_is_about_wins)
{
    struct mtd_error err = {0};
    cr_expect_eq(mtd_about(&err, 3, 0), 0);
    cr_expect_eq(err.about, 0, "nothing is set, so nothing is about anything");
    cr_expect_eq(mtd_about(&err, 3, mtd_fail(&err, EBUSY, "x")), -EBUSY);
    cr_expect_eq(mtd_about(&err, 4, -EIO), -EIO);
    cr_expect_eq(err.about, 3);
    cr_expect_eq(mtd_about(NULL, 3, -EIO), -EIO);
}
