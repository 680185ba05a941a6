/* The log view: search, hide, since, save, copy, merged logs and grep. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "logtty.h"

TestSuite(logview_find, .init = logtty_setup, .fini = logtty_teardown);

/* ---- search and hide --------------------------------------------------------------------- */

Test(logview_find, search_covers_the_whole_log)
{
    logtty_numbered(0, 0, 5000);
    logtty_select(0);
    logtty_press(CMD_SEARCH);
    cr_assert_eq(strncmp(logtty.asked, "search:", 7), 0);
    logtty_answer("needle");
    STATUS("paused");
    cr_assert(strstr(logtty_screen(), "line 4942 needle\n"));
    logtty_press(CMD_SEARCH_PREVIOUS);
    cr_assert(strstr(logtty_screen(), "line 4842 needle\n"));
    logtty_press(CMD_TOP);
    logtty_press(CMD_SEARCH);
    logtty_answer("^line 7 ?");
    logtty_press(CMD_SEARCH_NEXT);
    cr_assert(strstr(logtty.said, "no match below") || strstr(logtty_screen(), "line 7"),
              "%s", logtty.said);
}

Test(logview_find, next_and_previous_match)
{
    logtty_numbered(0, 0, 1000);
    logtty_select(0);
    logtty_press(CMD_TOP);
    logtty_press(CMD_SEARCH);
    logtty_answer("needle");
    cr_assert(strstr(logtty_screen(), "line 42 needle\n"));
    for (unsigned n = 142; n < 1000; n += 100) {
        char want[40];
        logtty_press(CMD_SEARCH_NEXT);
        snprintf(want, sizeof(want), "line %u needle\n", n);
        cr_assert(strstr(logtty_screen(), want), "%s", want);
    }
    logtty_press(CMD_SEARCH_NEXT);
    cr_assert_str_eq(logtty.said, "\"needle\": no match below");
    cr_assert(strstr(logtty_screen(), "line 942 needle\n"));
    logtty_press(CMD_SEARCH_PREVIOUS);
    cr_assert(strstr(logtty_screen(), "line 842 needle\n"));
}

/* From what is on the screen, and not from the hit of the pattern before. */
Test(logview_find, a_new_pattern_begins_at_the_edge_of_the_screen)
{
    logtty_numbered(0, 0, 1000);
    logtty_select(0);
    logtty_press(CMD_TOP);
    logtty_press(CMD_SEARCH);
    logtty_answer("needle");
    cr_assert(strstr(logtty_screen(), "line 41\n") &&
              strstr(logtty_screen(), "line 42 needle\n"));
    logtty.said[0] = '\0';
    logtty_press(CMD_SEARCH);
    logtty_answer("line 41$"); /* above the hit */
    cr_expect(strstr(logtty_screen(), "line 41\n"));
    cr_expect_str_empty(logtty.said);
}

/* Keys come faster than a long log can be searched. */
Test(logview_find, three_quick_keys_are_three_matches)
{
    static const enum command NEXT = CMD_SEARCH_NEXT;
    struct key k = {.command = NEXT};
    logtty_numbered(0, 0, 1000);
    logtty_select(0);
    logtty_press(CMD_TOP);
    logtty_press(CMD_SEARCH);
    logtty_answer("needle");
    for (int i = 0; i < 3; i++)
        logtty.view->ops->key(logtty.view, &k);
    cr_expect(strstr(logtty_screen(), "line 342 needle\n"), "%s", logtty_screen());
    k.command = CMD_SEARCH_PREVIOUS;
    logtty.view->ops->key(logtty.view, &k);
    logtty.view->ops->key(logtty.view, &k);
    cr_expect(strstr(logtty_screen(), "line 142 needle\n"), "%s", logtty_screen());
}

Test(logview_find, a_bad_pattern_says_so_and_keeps_the_last)
{
    logtty_numbered(0, 0, 100);
    logtty_select(0);
    logtty_press(CMD_SEARCH);
    logtty_answer("needle");
    logtty_press(CMD_SEARCH);
    logtty_answer("[");
    cr_assert(strstr(logtty.said, "bad pattern"), "%s", logtty.said);
    logtty_press(CMD_TOP);
    logtty_press(CMD_SEARCH_NEXT);
    logtty_press(CMD_HIDE);
    logtty_answer("(");
    cr_assert(strstr(logtty.said, "bad pattern"), "%s", logtty.said);
    cr_assert(strstr(logtty_screen(), "line 41\n"));
}

Test(logview_find, hide_shows_only_what_matches_in_the_whole_log)
{
    logtty_numbered(0, 0, 3000);
    logtty_select(0);
    logtty_press(CMD_HIDE);
    logtty_answer("needle");
    SCREEN(" 02:07:06 line 2542 needle\n 02:12:06 line 2642 needle\n"
           " 02:17:06 line 2742 needle\n 02:22:06 line 2842 needle\n"
           " 02:27:06 line 2942 needle\n");
    STATUS("&needle, following");
    logtty_numbered(0, 3000, 3100);
    logtty.view->ops->update(logtty.view);
    cr_assert(strstr(logtty_screen(), "line 3042 needle\n"));
    logtty_press(CMD_UP);
    cr_assert_eq(strncmp(logtty_screen(), " 02:07:06 line 2542 needle\n", 27), 0);
    logtty_press(CMD_TOP);
    cr_assert_eq(strncmp(logtty_screen(), " 00:02:06 line 42 needle\n", 25), 0);
    logtty_press(CMD_HIDE);
    cr_assert_str_eq(logtty.asked, "only lines with: needle");
    logtty_answer("");
    cr_assert(strstr(logtty_screen(), "line 1\n"));
}

/* Few lines match below where one stands: those above fill the screen. */
Test(logview_find, hide_near_the_end_leaves_no_empty_screen)
{
    logtty_numbered(0, 0, 3000);
    logtty_select(0);
    logtty_press(CMD_UP);
    STATUS("paused");
    logtty_press(CMD_HIDE);
    logtty_answer("needle");
    SCREEN(" 02:07:06 line 2542 needle\n 02:12:06 line 2642 needle\n"
           " 02:17:06 line 2742 needle\n 02:22:06 line 2842 needle\n"
           " 02:27:06 line 2942 needle\n");
    STATUS("&needle, paused");
    logtty_press(CMD_HIDE);
    logtty_answer("line 2.*needle"); /* and in the middle it stays where it is */
    logtty_press(CMD_TOP);
    logtty_press(CMD_HIDE);
    logtty_answer("needle");
    cr_assert_eq(strncmp(logtty_screen(), " 00:02:06", 9), 0, "%s", logtty_screen());
    logtty_press(CMD_HIDE);
    logtty_answer("line 42 ");
    SCREEN(" 00:02:06 line 42 needle\n\n\n\n\n");
}

Test(logview_find, a_filter_without_a_match_says_so)
{
    logtty_numbered(0, 0, 100);
    logtty_select(0);
    logtty_press(CMD_HIDE);
    logtty_answer("nowhere");
    SCREEN(" no line matches so far\n\n\n\n\n");
    logtty_line(0, "here is nowhere");
    logtty.view->ops->update(logtty.view);
    cr_assert(strstr(logtty_screen(), "here is nowhere\n"));
}

/* "ERROR" with a red R: found, and marked through the change of colour. */
Test(logview_find, a_match_goes_across_a_change_of_colour)
{
    logtty_line(0, "some E\033[1;31mRR\033[0mOR here");
    logtty_line(0, "other");
    logtty_select(0);
    logtty_press(CMD_SEARCH);
    logtty_answer("ERROR");
    STATUS("paused");
    logtty_screen();
    const struct cell *line = logtty.canvas.cells;
    int marked = 0;
    for (int col = 0; col < logtty.canvas.cols; col++)
        if (line[col].style.color == COLOR_MATCH)
            cr_assert_eq(line[col].text[0], "ERROR"[marked++]);
    cr_assert_eq(marked, 5);
    logtty_press(CMD_HIDE);
    logtty_answer("^some ERROR");
    SCREEN(">00:00:00 some ERROR here\n\n\n\n\n");
}

Test(logview_find, search_passes_over_hidden_lines)
{
    logtty_numbered(0, 0, 1000);
    logtty_select(0);
    logtty_press(CMD_HIDE);
    logtty_answer("[05] needle|2 n");
    logtty_press(CMD_TOP);
    logtty_press(CMD_SEARCH);
    logtty_answer("line [13]42");
    cr_assert(strstr(logtty_screen(), "line 142 needle\n"));
}

Test(logview_find, since)
{
    logtty.seconds[0] = 3 * 3600 + 245 - 600; /* ends about when LOGTTY_NOW is */
    logtty_numbered(0, 0, 200);
    logtty_select(0);
    logtty_press(CMD_SINCE_0 + 1);
    STATUS("since 1m, following");
    logtty_press(CMD_TOP);
    cr_assert_eq(strncmp(logtty_screen(), " 03:03:05 line 180\n", 19), 0, "%s",
                 logtty_screen());
    logtty_press(CMD_UP);
    cr_assert_eq(strncmp(logtty_screen(), " 03:03:05 line 180\n", 19), 0);
    logtty_press(CMD_SINCE_0);
    logtty_press(CMD_TOP);
    cr_assert(strstr(logtty_screen(), "line 0\n"));
}

Test(logview_find, since_presets)
{
    static const char *const NAMES[] = {"", "1m", "5m", "15m", "1h", "6h", "24h"};
    logtty_numbered(0, 0, 200);
    logtty_select(0);
    for (int i = 6; i >= 0; i--) {
        char want[60];
        logtty_press(CMD_SINCE_0 + i);
        snprintf(want, sizeof(want), i ? "since %s, following" : "following%s", NAMES[i]);
        STATUS(want);
    }
}

Test(logview_find, goto_a_time)
{
    logtty_numbered(0, 0, 1000);
    logtty_select(0);
    logview_goto(logtty.view, 1767312000000000000LL + 1500 * NS_PER_SEC);
    STATUS("paused");
    cr_assert(strstr(logtty_screen(), "line 500\n"));
}

/* ---- save, copy ------------------------------------------------------------------------- */

static void check_file(const char *path, const char *text)
{
    struct buf b = {0};
    cr_assert_eq(fs_read_at(AT_FDCWD, path, 1u << 20, &b), 0);
    cr_assert_str_eq(b.data, text);
    buf_done(&b);
}

Test(logview_find, save_writes_what_is_shown)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/saved", logtty.dir.path);
    logtty_numbered(0, 0, 300);
    logtty_select(0);
    logtty_press(CMD_HIDE);
    logtty_answer("needle");
    logtty_press(CMD_SAVE);
    cr_assert_str_eq(logtty.asked, "save to: api.log");
    logtty.ask_changed = NULL;
    logtty_answer(path);
    cr_assert(strstr(logtty.said, "saved 3 lines to "), "%s", logtty.said);
    check_file(path, "2026-01-02T00:02:06.123456789Z line 42 needle\n"
                     "2026-01-02T00:07:06.123456789Z line 142 needle\n"
                     "2026-01-02T00:12:06.123456789Z line 242 needle\n");
    logtty_press(CMD_SAVE);
    logtty.ask_changed = NULL;
    logtty_answer(path);
    cr_assert(strstr(logtty.said, "File exists"), "%s", logtty.said);
}

/* The container goes on writing meanwhile: a line that begins where the log ended is not of it. */
Test(logview_find, save_ends_where_the_log_did)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/saved", logtty.dir.path);
    logtty_line(0, "before");
    logtty_select(0);
    logtty_press(CMD_SAVE);
    logtty.ask_answer(logtty.ask_arg,
                      path); /* begins; what is done between keys comes later */
    logtty_line(0, "after");
    logtty_line(0, "later");
    logtty.view->ops->update(logtty.view);
    logtty_screen();
    cr_assert(strstr(logtty.said, "saved 1 lines to "), "%s", logtty.said);
    check_file(path, "2026-01-02T00:00:00.123456789Z before\n");
}

Test(logview_find, copy_the_shown_line)
{
    logtty_numbered(0, 0, 10);
    logtty_line(0, "\033[31mred\033[0m");
    logtty_select(0);
    logtty_press(CMD_COPY);
    cr_assert_str_eq(logtty.copied, "red");
    logtty_press(CMD_TOP);
    logtty_press(CMD_COPY);
    cr_assert_str_eq(logtty.copied, "line 0");
    struct key click = {.key = KEY_MOUSE, .row = 2, .button = MOUSE_LEFT};
    cr_assert(logtty.view->ops->key(logtty.view, &click));
    logtty_press(CMD_COPY);
    cr_assert_str_eq(logtty.copied, "line 2");
}

/* ---- several containers ------------------------------------------------------------------ */

Test(logview_find, marked_containers_are_merged_by_time)
{
    const struct mtd_summary *both[] = {&logtty.sums[0], &logtty.sums[1]};
    logtty_select(0);
    logtty_line(0, "api 1");
    logtty.seconds[1] = 1;
    logtty_line(1, "db 1");
    logtty_add(1, "stderr", 'F', "db 2", 4);
    logtty_line(0, "api 2");
    logview_merge(logtty.view, both, 2);
    SCREEN("A api  B db\nA 00:00:00 api 1\nB 00:00:01 db 1\nA 00:00:03 api 2\n"
           "B!00:00:04 db 2\n");
    logtty_line(0, "api 3");
    logtty.view->ops->select(
        logtty.view, &logtty.sums[2]); /* the cursor moves: the merged log stays */
    logtty.view->ops->update(logtty.view);
    SCREEN("A api  B db\nB 00:00:01 db 1\nA 00:00:03 api 2\nB!00:00:04 db 2\n"
           "A 00:00:06 api 3\n");
    cr_assert_not_null(logtty.view->ops->watch(logtty.view, 1));
    const struct mtd_summary *turned[] = {&logtty.sums[1], &logtty.sums[0]};
    logtty_press(CMD_UP);
    logview_merge(logtty.view, turned, 2); /* sorted otherwise: nothing moves */
    STATUS("paused");
    logtty_line(2, "job 1");
    logview_goto(logtty.view, 0); /* a jump to one that is not among them */
    SCREEN(">00:00:00 job 1\n\n\n\n\n");
    logview_merge(logtty.view, turned, 2);
    SCREEN(">00:00:00 job 1\n\n\n\n\n");
    logtty.view->ops->select(logtty.view, &logtty.sums[0]);
    SCREEN(" 00:00:00 api 1\n 00:00:03 api 2\n 00:00:06 api 3\n\n\n");
    logview_merge(logtty.view, turned, 2);
    logview_merge(logtty.view, NULL, 0);
    SCREEN(" 00:00:00 api 1\n 00:00:03 api 2\n 00:00:06 api 3\n\n\n");
}

Test(logview_find, merged_logs_scroll_both_ways)
{
    const struct mtd_summary *all[] = {&logtty.sums[0], &logtty.sums[1], &logtty.sums[2]};
    for (int i = 0; i < 3; i++) {
        logtty.seconds[i] = (unsigned)i / 2; /* the first two at the same times */
        logtty_numbered(i, 0, 100);
    }
    logview_merge(logtty.view, all, 3);
    logtty_press(CMD_TOP);
    for (int k = 0; k < 280; k++) {
        char want[30];
        snprintf(want, sizeof(want), "line %d", k / 3);
        const char *second = strchr(logtty_screen(), '\n') + 1;
        cr_assert_eq(second[0], 'A' + k % 3, "%d: %s", k, second);
        cr_assert(strstr(second, want));
        logtty_press(CMD_DOWN);
    }
    for (int k = 280; k > 0; k--) {
        logtty_press(CMD_UP);
        cr_assert_eq(strchr(logtty_screen(), '\n')[1], 'A' + (k - 1) % 3);
    }
    logtty_press(CMD_SEARCH);
    logtty_answer("needle");
    cr_assert(strstr(logtty_screen(), "line 42 needle\n"));
}

Test(logview_find, grep_over_all_containers)
{
    const struct mtd_summary *all[] = {&logtty.sums[0], &logtty.sums[1], &logtty.sums[2]};
    logtty_numbered(0, 0, 300);
    logtty_line(2, "a \033[31mneedle\033[0m here");
    logtty_select(0);
    logtty_size(8, 70);
    logview_grep(logtty.view, all, 3, "needle");
    SCREEN(" api  3 lines\n"
           "  2026-01-02 00:02:06 line 42 needle\n"
           "  2026-01-02 00:07:06 line 142 needle\n"
           "  2026-01-02 00:12:06 line 242 needle\n"
           " job  1 line\n"
           "  2026-01-02 00:00:00 a needle here\n\n\n");
    STATUS("grep needle: 4 in 2");
    logtty_press(CMD_DOWN);
    logtty_press(CMD_DOWN);
    logtty_press(CMD_OPEN);
    cr_assert_str_eq(logtty.jumped, logtty.sums[0].id);
    cr_assert_eq(logtty.jumped_to, 1767312000123456789LL + 426 * NS_PER_SEC);
    logview_goto(logtty.view, logtty.jumped_to);
    cr_assert(strstr(logtty_screen(), "line 142 needle\n"));
    STATUS("paused");
    logtty_press(CMD_BACK);
    STATUS("grep needle: 4 in 2");
    logtty_press(CMD_BACK);
    STATUS("paused");
    logview_grep(logtty.view, all, 3, "[");
    cr_assert(strstr(logtty.said, "bad pattern"));
}

Test(logview_find, a_hit_among_lines_of_one_time)
{
    const struct mtd_summary *all[] = {&logtty.sums[0]};
    for (int i = 0; i < 5; i++) {
        logtty.seconds[0] = 7; /* one read of the pipe */
        logtty_line(0, i % 2 ? "needle" : "10%\r100% hay");
    }
    logtty_select(0);
    logtty_size(8, 70);
    logview_grep(logtty.view, all, 1, "needle");
    logtty_screen();
    logtty_press(CMD_BOTTOM);
    logtty_press(CMD_OPEN);
    logview_goto(logtty.view, logtty.jumped_to);
    SCREEN(" 00:00:07 100% hay\n 00:00:07 needle\n 00:00:07 100% hay\n>00:00:07 needle\n"
           " 00:00:07 100% hay\n\n\n\n");
    logview_grep(logtty.view, all, 1, "hay");
    cr_assert(strstr(logtty_screen(), " 00:00:07 100% hay\n"));
}

Test(logview_find, a_hit_far_to_the_right_is_shown)
{
    const struct mtd_summary *all[] = {&logtty.sums[0]};
    char *text = malloc(50000);
    memset(text, '-', 50000);
    memcpy(text + 40000, "needle", 6);
    logtty_add(0, "stdout", 'F', text, 50000);
    free(text);
    logtty_select(0);
    logtty_size(4, 160);
    logview_grep(logtty.view, all, 1, "needle");
    cr_assert(strstr(logtty_screen(), "-needle-"));
}

Test(logview_find, grep_without_a_hit)
{
    const struct mtd_summary *all[] = {&logtty.sums[0], &logtty.sums[1], &logtty.sums[2]};
    logtty_select(0);
    logview_grep(logtty.view, all, 3, "nowhere");
    cr_assert_eq(strncmp(logtty_screen(), " \"nowhere\" is in no log\n", 24), 0);
    struct key enter = {.command = CMD_OPEN};
    cr_assert(logtty.view->ops->key(logtty.view, &enter));
}
