/* The log view: what it shows of a log, and that nothing but the reader moves it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "logtty.h"

TestSuite(logview, .init = logtty_setup, .fini = logtty_teardown);

/* ---- following and paused ---------------------------------------------------------------- */

Test(logview, nothing_selected_nothing_written)
{
    SCREEN(" no container is selected\n\n\n\n\n");
    logtty_select(0);
    SCREEN(" nothing was written\n\n\n\n\n");
    STATUS("following");
}

Test(logview, the_last_lines_are_followed)
{
    logtty_numbered(0, 0, 3);
    logtty_select(0);
    SCREEN(" 00:00:00 line 0\n 00:00:03 line 1\n 00:00:06 line 2\n\n\n");
    logtty_numbered(0, 3, 10);
    cr_assert(logtty.view->ops->update(logtty.view));
    SCREEN(" 00:00:15 line 5\n 00:00:18 line 6\n 00:00:21 line 7\n 00:00:24 line 8\n"
           " 00:00:27 line 9\n");
    cr_assert_not(logtty.view->ops->update(logtty.view));
}

Test(logview, the_readers_screen_never_moves_by_itself)
{
    logtty_numbered(0, 0, 2000);
    logtty_select(0);
    logtty_press(CMD_PAGE_UP);
    STATUS("paused");
    auto_free char *before = strdup(logtty_screen());
    cr_assert(strstr(before, "line 1991\n"));
    logtty_numbered(0, 2000, 3204);
    logtty.view->ops->update(logtty.view);
    cr_assert_str_eq(logtty_screen(), before);
    STATUS("paused, 1,204 new");
    auto_free char *path = logtty_path(0);
    char old[300];
    snprintf(old, sizeof(old), "%s.1", path);
    cr_assert_eq(rename(path, old), 0);
    logtty_numbered(0, 3204, 3210);
    logtty.view->ops->update(logtty.view);
    cr_assert_str_eq(logtty_screen(), before);
    STATUS("paused, 1,210 new");
    logtty_press(CMD_BOTTOM);
    STATUS("following");
    cr_assert(strstr(logtty_screen(), "line 3209\n"));
}

Test(logview, down_at_the_end_goes_on_following)
{
    logtty_numbered(0, 0, 9);
    logtty_select(0);
    logtty_press(CMD_DOWN);
    STATUS("following");
    logtty_press(CMD_FOLLOW);
    STATUS("paused");
    logtty_press(CMD_FOLLOW);
    STATUS("following");
}

Test(logview, to_the_top_and_down_again)
{
    logtty_numbered(0, 0, 50);
    logtty_select(0);
    logtty_press(CMD_TOP);
    cr_assert(strstr(logtty_screen(), "line 0\n"));
    logtty_press(CMD_UP);
    logtty_press(CMD_DOWN);
    logtty_press(CMD_DOWN);
    cr_assert_eq(strncmp(logtty_screen(), " 00:00:06 line 2\n", 17), 0);
    for (int i = 0; i < 30; i++)
        logtty_press(CMD_PAGE_DOWN);
    cr_assert(strstr(logtty_screen(), "line 45\n"));
    cr_assert(strstr(logtty_screen(), "line 49\n"));
}

/* Every line is passed, in order, whichever way: with and without wrapping, filtered or not. */
static void walk(bool wrap, bool hide)
{
    logtty_numbered(0, 0, 120);
    logtty_select(0);
    if (wrap) {
        logtty_size(5, 14);
        logtty_press(CMD_WRAP);
    }
    if (hide) {
        logtty_press(CMD_HIDE);
        logtty_answer("line [0-9]*[02468]( |$)");
    }
    logtty_press(CMD_TOP);
    auto_free char *rows[2000] = {0};
    int n = 0;
    for (; n < 2000; n++) {
        rows[n] = strdup(logtty_screen());
        logtty_press(CMD_DOWN);
        if (strcmp(logtty_screen(), rows[n]) == 0)
            break;
    }
    cr_assert_gt(n, 50);
    for (int i = n; i >= 0; i--) {
        cr_assert_str_eq(logtty_screen(), rows[i], "row %d of %d", i, n);
        logtty_press(CMD_UP);
    }
    for (int i = 1; i <= n; i++)
        free(rows[i]);
}

Test(logview, up_is_the_way_down_backwards)
{
    walk(false, false);
}

Test(logview, up_is_the_way_down_backwards_wrapped)
{
    walk(true, false);
}

Test(logview, up_is_the_way_down_backwards_filtered)
{
    walk(false, true);
}

/* ---- lines ------------------------------------------------------------------------------- */

Test(logview, streams_and_damage_are_told_apart)
{
    logtty_line(0, "out");
    logtty_add(0, "stderr", 'F', "err", 3);
    logtty_bytes(0, "broken\n", 7);
    logtty_select(0);
    SCREEN(" 00:00:00 out\n!00:00:03 err\n?         broken\n\n\n");
}

Test(logview, times_in_three_forms)
{
    logtty_line(0, "x");
    logtty_select(0);
    logtty_press(CMD_TIMESTAMPS);
    SCREEN(" 2026-01-02 00:00:00.123 x\n\n\n\n\n");
    logtty_press(CMD_TIMESTAMPS);
    SCREEN(" x\n\n\n\n\n");
    logtty_press(CMD_TIMESTAMPS);
    SCREEN(" 00:00:00 x\n\n\n\n\n");
}

Test(logview, a_long_line_is_wrapped_or_shifted)
{
    logtty_line(0, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    logtty_select(0);
    logtty_press(CMD_TIMESTAMPS);
    logtty_press(CMD_TIMESTAMPS);
    logtty_size(3, 21);
    SCREEN(" abcdefghijklmnopqrs\xe2\x80\xa6\n\n\n");
    logtty_press(CMD_RIGHT);
    SCREEN(" ijklmnopqrstuvwxyz0\xe2\x80\xa6\n\n\n");
    logtty_press(CMD_LEFT);
    logtty_press(CMD_WRAP);
    SCREEN(" uvwxyz0123456789ABCD\n EFGHIJKLMNOPQRSTUVWX\n YZ\n");
    logtty_press(CMD_UP);
    SCREEN(" abcdefghijklmnopqrst\n uvwxyz0123456789ABCD\n EFGHIJKLMNOPQRSTUVWX\n");
}

Test(logview, wide_glyphs_are_not_cut_in_two)
{
    logtty_line(0, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2");
    logtty_select(0);
    logtty_press(CMD_WRAP);
    logtty_size(3, 4);
    SCREEN(" \xe6\xbc\xa2\n \xe5\xad\x97\n \xe6\xbc\xa2\n");
    logtty_size(2, 2);
    logtty_screen();
}

Test(logview, a_progress_bar_shows_its_last_state)
{
    logtty_line(0, "10%\r55%\r100% done\r");
    logtty_add(0, "stdout", 'P', "1%\r", 3);
    logtty_select(0);
    SCREEN(" 00:00:00 100% done\n 00:00:03 1%\n\n\n\n");
    logtty_add(0, "stdout", 'P', "2%\r3%\r", 6);
    logtty.view->ops->update(logtty.view);
    SCREEN(" 00:00:00 100% done\n 00:00:03 3%\n\n\n\n");
}

Test(logview, a_prompt_is_completed_where_it_stands)
{
    logtty_add(0, "stdout", 'P', "name? ", 6);
    logtty_select(0);
    logtty_add(0, "stderr", 'F', "meanwhile", 9);
    logtty.view->ops->update(logtty.view);
    logtty_add(0, "stdout", 'F', "mytop", 5);
    logtty.view->ops->update(logtty.view);
    SCREEN(" 00:00:00 name? mytop\n!00:00:03 meanwhile\n\n\n\n");
}

Test(logview, no_control_byte_gets_through)
{
    char text[2000];
    unsigned seed = 1;
    logtty_line(0, "\033]0;owned\a\033[2J\033[31mred\033[0m\x9b"
                   "6n");
    logtty_select(0);
    SCREEN(" 00:00:00 ^[]0;owned^G^[[2Jred?6n\n\n\n\n\n");
    for (int i = 0; i < 200; i++) {
        size_t len = (size_t)(rand_r(&seed) % (int)sizeof(text));
        for (size_t k = 0; k < len; k++)
            text[k] = (char)rand_r(&seed);
        for (char *nl = text; (nl = memchr(nl, '\n', len - (size_t)(nl - text)));)
            *nl = '\033';
        logtty_add(0, i % 3 ? "stdout" : "stderr", i % 5 ? 'F' : 'P', text, len);
        logtty.view->ops->update(logtty.view);
        if (i % 50 == 0)
            logtty_press(CMD_WRAP);
        logtty_screen(); /* it asserts */
        logtty_press(CMD_COPY);
        for (const char *p = logtty.copied; *p; p++)
            cr_assert((unsigned char)*p >= 0x20);
    }
}

Test(logview, every_size)
{
    logtty_numbered(0, 0, 100);
    logtty_line(
        0,
        "a line that is much longer than most of these screens are wide, \xe6\xbc\xa2\xe5\xad\x97");
    logtty_numbered(1, 0, 10);
    logtty_select(0);
    const struct mtd_summary *both[] = {&logtty.sums[0], &logtty.sums[1]};
    for (int round = 0; round < 3; round++) {
        for (int rows = 1; rows < 12; rows++)
            for (int cols = 1; cols < 60; cols++) {
                logtty_size(rows, cols);
                logtty_screen();
                logtty_press(rows % 2 ? CMD_UP : CMD_DOWN);
            }
        logtty_press(CMD_WRAP);
        if (round == 1)
            logview_merge(logtty.view, both, 2);
    }
    logtty_size(600, 500);
    logtty_screen();
}

/* ---- bounds ------------------------------------------------------------------------------ */

#ifdef __SANITIZE_ADDRESS__
#define FLAT_KIB 65536
#else
#define FLAT_KIB 2048
#endif

static long resident_kib(void)
{
    long all, resident = 0;
    auto_file FILE *f = fopen("/proc/self/statm", "re");
    cr_assert(f && fscanf(f, "%ld %ld", &all, &resident) == 2);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void endless(size_t bytes)
{
    auto_done(buf_done) struct buf b = {0};
    static char text[16000];
    memset(text, 'x', sizeof(text));
    for (size_t at = 0; at < bytes; at += sizeof(text)) {
        b.len = 0;
        logtty_record(&b, 0, "stdout", 'P', text, sizeof(text));
        logtty_bytes(0, b.data, b.len);
    }
}

Test(logview, a_hundred_megabytes_without_a_newline)
{
    logtty_select(0);
    logtty_screen();
    long before = resident_kib();
    endless(100u << 20);
    logtty.view->ops->update(logtty.view);
    logtty_screen();
    logtty_press(CMD_WRAP);
    for (int i = 0; i < 20; i++)
        logtty_press(CMD_PAGE_UP);
    logtty_press(CMD_TOP);
    logtty_press(CMD_SEARCH);
    logtty_answer("nowhere");
    cr_assert_str_eq(logtty.said, "\"nowhere\": no match below");
    logtty_press(CMD_BOTTOM);
    long grown = resident_kib() - before;
    cr_assert_lt(grown, FLAT_KIB, "%ld KiB", grown);
}

Test(logview, a_line_of_ninety_thousand_columns)
{
    char *text = malloc(90001);
    for (int i = 0; i < 90000; i++)
        text[i] = (char)('0' + i / 10 % 10);
    memcpy(text + 89990, "the end!!!", 10);
    for (int i = 0; i < 20; i++) {
        logtty_add(0, "stdout", 'P', text, 45000);
        logtty_add(0, "stdout", 'F', text + 45000, 45000);
    }
    free(text);
    logtty_select(0);
    logtty_press(CMD_WRAP);
    cr_assert(strstr(logtty_screen(), "the end!!!"));
    for (int i = 0; i < 50; i++)
        logtty_press(CMD_PAGE_UP);
    logtty_press(CMD_WRAP);
    logtty_screen();
    logtty_press(CMD_SEARCH);
    logtty_answer("the end");
    cr_assert_not(strstr(logtty.said, "no match"));
}
