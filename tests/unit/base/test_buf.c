#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

Test(buf, grows_and_stays_terminated)
{
    struct buf b = {0};
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(buf_putc(&b, 'x'), 0);
        cr_assert_eq(b.data[b.len], '\0');
    }
    cr_expect_eq(b.len, 1000);
    cr_expect_eq(strlen(b.data), 1000);
    buf_done(&b);
    cr_expect_null(b.data);
}

Test(buf, appends_in_order)
{
    struct buf b = {0};
    cr_assert_eq(buf_puts(&b, "a"), 0);
    cr_assert_eq(buf_printf(&b, "%d-%s", 7, "b"), 0);
    cr_assert_eq(buf_add(&b, "\0z", 2), 0);
    cr_expect_eq(b.len, 6);
    cr_expect_eq(memcmp(b.data, "a7-b\0z", 7), 0);
    buf_done(&b);
}

Test(buf, long_printf_fits)
{
    struct buf b = {0};
    cr_assert_eq(buf_printf(&b, "%5000s|", "x"), 0);
    cr_expect_eq(b.len, 5001);
    cr_expect_eq(b.data[5000], '|');
    buf_done(&b);
}

Test(buf, take_gives_the_bytes_away)
{
    struct buf b = {0};
    char *empty = buf_take(&b);
    cr_expect_str_eq(empty, "");
    free(empty);
    buf_puts(&b, "abc");
    char *text = buf_take(&b);
    cr_expect_str_eq(text, "abc");
    cr_expect_null(b.data);
    free(text);
}

Test(buf, absurd_sizes_are_refused)
{
    struct buf b = {0};
    buf_puts(&b, "abc");
    cr_expect_eq(buf_reserve(&b, SIZE_MAX), -ENOMEM);
    cr_expect_eq(buf_reserve(&b, SIZE_MAX / 2), -ENOMEM);
    cr_expect_str_eq(b.data, "abc");
    buf_done(&b);
}
