/* report: the engine says what an error is about, the command line which option that is. */

#include "cli/report.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static void expect_text(int about, const char *text)
{
    struct mtd_error err = {0};
    struct buf b = {0};
    mtd_about(&err, about, mtd_fail(&err, EINVAL, "why"));
    cr_assert_eq(report_text(&err, &b), 0);
    cr_expect_str_eq(b.data, text);
    buf_done(&b);
}

Test(report, says_which_option_an_error_is_about)
{
    expect_text(MTD_ABOUT_NONE, "why");
    expect_text(MTD_ABOUT_MEMORY, "why (--memory)");
    expect_text(MTD_ABOUT_SWAP, "why (--memory-swap)");
    expect_text(MTD_ABOUT_PIDS, "why (--pids-limit)");
    expect_text(MTD_ABOUT_FORCE, "why or use -f");
    expect_text(MTD_ABOUT_BROKEN, "why (rm -f)");
}

Test(report, knows_an_option_for_all_that_the_engine_speaks_of)
{
    for (int i = MTD_ABOUT_NONE + 1; i < MTD_ABOUT_COUNT; i++) {
        struct mtd_error err = {.code = EINVAL, .about = i, .text = "why"};
        struct buf b = {0};
        cr_assert_eq(report_text(&err, &b), 0);
        cr_expect_gt(b.len, strlen("why"), "%d", i);
        buf_done(&b);
    }
}

Test(report, a_number_from_elsewhere_is_no_hint)
{
    expect_text(MTD_ABOUT_COUNT, "why");
    expect_text(-1, "why");
}
