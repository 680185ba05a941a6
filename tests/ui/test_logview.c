/* The log view, driven by commands, on made logs: what it shows, and that nothing but the
 * reader moves it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "tempdir.h"
#include "ui/logview.h"

/* ---- the screen around the view -------------------------------------------------------- */

#define NOW 1767323045000000000LL /* 2026-01-02T03:04:05Z */

static struct tempdir dir;
static struct mtd_engine *engine;
static struct view *view;
static struct canvas canvas;
static struct mtd_summary sums[3];
static char said[600], copied[70000], jumped[100];
static int64_t jumped_to;
static void (*ask_changed)(void *arg, const char *text);
static void (*ask_answer)(void *arg, const char *text);
static void *ask_arg;
static char asked[300];

static void say(void *app, enum say level, const char *text)
{
    snprintf(said, sizeof(said), "%s", text);
}

static void ask(void *app, const char *label, const char *initial,
                void (*changed)(void *arg, const char *text),
                void (*answer)(void *arg, const char *text), void *arg)
{
    snprintf(asked, sizeof(asked), "%s %s", label, initial);
    ask_changed = changed;
    ask_answer = answer;
    ask_arg = arg;
}

static void copy(void *app, const char *text)
{
    snprintf(copied, sizeof(copied), "%s", text);
}

static void changed(void *app)
{
}

static int64_t now(void *app)
{
    return NOW;
}

static void jump(void *app, const char *id, int64_t time_ns)
{
    snprintf(jumped, sizeof(jumped), "%s", id);
    jumped_to = time_ns;
}

static struct host host = {
    .say = say, .ask = ask, .copy = copy, .changed = changed, .now = now, .jump = jump};

static void size(int rows, int cols)
{
    canvas_done(&canvas);
    cr_assert_eq(canvas_init(&canvas, rows, cols), 0);
}

static void setup(void)
{
    static const char *const NAMES[] = {"api", "db", "job"};
    setenv("TZ", "UTC", 1);
    tempdir_make(&dir);
    char root[100], run[100];
    snprintf(root, sizeof(root), "%s/root", dir.path);
    snprintf(run, sizeof(run), "%s/run", dir.path);
    struct mtd_options o = {.root = root, .run_root = run};
    cr_assert_eq(mtd_open(&engine, &o, NULL), 0);
    host.engine = engine;
    for (int i = 0; i < 3; i++) {
        memset(sums[i].id, 'a' + i, MTD_ID_LEN);
        sums[i].name = strdup(NAMES[i]);
        char path[2000];
        snprintf(path, sizeof(path), "root/containers/%s/container.log", sums[i].id);
        tempdir_put(&dir, path, "");
    }
    size(5, 40);
    view = logview_new(&host);
    cr_assert_not_null(view);
    view->ops->show(view, true);
}

static void teardown(void)
{
    view_free(view);
    mtd_close(engine);
    canvas_done(&canvas);
    for (int i = 0; i < 3; i++)
        free(sums[i].name);
    tempdir_done(&dir);
}

TestSuite(logview, .init = setup, .fini = teardown);

/* ---- writing logs ---------------------------------------------------------------------- */

static unsigned seconds[3];

static char *log_path(int i)
{
    return mtd_path(engine, sums[i].id, "log");
}

static void add_bytes(int i, const char *data, size_t len)
{
    auto_free char *path = log_path(i);
    auto_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(fs_write_all(fd, data, len), 0);
}

static void put(struct buf *b, int i, const char *stream, char tag, const char *text,
                size_t len)
{
    unsigned s = seconds[i];
    seconds[i] += 3;
    buf_printf(b, "2026-01-02T%02u:%02u:%02u.123456789Z %s %c ", s / 3600 % 24,
               s / 60 % 60, s % 60, stream, tag);
    buf_add(b, text, len);
    buf_putc(b, '\n');
}

static void add(int i, const char *stream, char tag, const char *text, size_t len)
{
    auto_done(buf_done) struct buf b = {0};
    put(&b, i, stream, tag, text, len);
    add_bytes(i, b.data, b.len);
}

static void line(int i, const char *text)
{
    add(i, "stdout", 'F', text, strlen(text));
}

static void numbered(int i, unsigned from, unsigned to)
{
    auto_done(buf_done) struct buf b = {0};
    char text[60];
    for (unsigned n = from; n < to; n++) {
        snprintf(text, sizeof(text), "line %u%s", n, n % 100 == 42 ? " needle" : "");
        put(&b, i, "stdout", 'F', text, strlen(text));
    }
    add_bytes(i, b.data, b.len);
}

/* ---- looking ---------------------------------------------------------------------------- */

static void settle(void)
{
    for (int i = 0; i < 100000 && view->ops->work(view); i++)
        ;
}

static const char *screen(void)
{
    static struct buf text;
    text.len = 0;
    canvas_clear(&canvas);
    view->ops->draw(view, &canvas, canvas_rect(&canvas), true);
    settle();
    canvas_clear(&canvas);
    view->ops->draw(view, &canvas, canvas_rect(&canvas), true);
    cr_assert_eq(canvas_dump(&canvas, &text), 0);
    for (size_t i = 0; i < text.len; i++)
        cr_assert((unsigned char)text.data[i] >= 0x20 || text.data[i] == '\n');
    return text.data;
}

static const char *state(void)
{
    static char text[200];
    screen();
    view->ops->status(view, text, sizeof(text));
    return text;
}

static void press(enum command cmd)
{
    struct key k = {.command = cmd};
    cr_assert(view->ops->key(view, &k), "command %d was not used", cmd);
    screen();
}

static void answer(const char *text)
{
    if (ask_changed)
        ask_changed(ask_arg, text);
    ask_answer(ask_arg, text);
    screen();
}

static void follow_on(int i)
{
    view->ops->select(view, &sums[i]);
    screen();
}

#define SCREEN(text) cr_assert_str_eq(screen(), text, "%s", screen())
#define STATUS(text) cr_assert_str_eq(state(), text, "%s", state())

/* ---- following and paused ---------------------------------------------------------------- */

Test(logview, nothing_selected_nothing_written)
{
    SCREEN(" no container is selected\n\n\n\n\n");
    follow_on(0);
    SCREEN(" nothing was written\n\n\n\n\n");
    STATUS("following");
}

Test(logview, the_last_lines_are_followed)
{
    numbered(0, 0, 3);
    follow_on(0);
    SCREEN(" 00:00:00 line 0\n 00:00:03 line 1\n 00:00:06 line 2\n\n\n");
    numbered(0, 3, 10);
    cr_assert(view->ops->update(view));
    SCREEN(" 00:00:15 line 5\n 00:00:18 line 6\n 00:00:21 line 7\n 00:00:24 line 8\n"
           " 00:00:27 line 9\n");
    cr_assert_not(view->ops->update(view));
}

Test(logview, the_readers_screen_never_moves_by_itself)
{
    numbered(0, 0, 2000);
    follow_on(0);
    press(CMD_PAGE_UP);
    STATUS("paused");
    auto_free char *before = strdup(screen());
    cr_assert(strstr(before, "line 1991\n"));
    numbered(0, 2000, 3204);
    view->ops->update(view);
    cr_assert_str_eq(screen(), before);
    STATUS("paused, 1,204 new");
    auto_free char *path = log_path(0);
    char old[300];
    snprintf(old, sizeof(old), "%s.1", path);
    cr_assert_eq(rename(path, old), 0);
    numbered(0, 3204, 3210);
    view->ops->update(view);
    cr_assert_str_eq(screen(), before);
    STATUS("paused, 1,210 new");
    press(CMD_BOTTOM);
    STATUS("following");
    cr_assert(strstr(screen(), "line 3209\n"));
}

Test(logview, down_at_the_end_goes_on_following)
{
    numbered(0, 0, 9);
    follow_on(0);
    press(CMD_DOWN);
    STATUS("following");
    press(CMD_FOLLOW);
    STATUS("paused");
    press(CMD_FOLLOW);
    STATUS("following");
}

Test(logview, to_the_top_and_down_again)
{
    numbered(0, 0, 50);
    follow_on(0);
    press(CMD_TOP);
    cr_assert(strstr(screen(), "line 0\n"));
    press(CMD_UP);
    press(CMD_DOWN);
    press(CMD_DOWN);
    cr_assert_eq(strncmp(screen(), " 00:00:06 line 2\n", 17), 0);
    for (int i = 0; i < 30; i++)
        press(CMD_PAGE_DOWN);
    cr_assert(strstr(screen(), "line 45\n"));
    cr_assert(strstr(screen(), "line 49\n"));
}

/* Every line is passed, in order, whichever way: with and without wrapping, filtered or not. */
static void walk(bool wrap, bool hide)
{
    numbered(0, 0, 120);
    follow_on(0);
    if (wrap) {
        size(5, 14);
        press(CMD_WRAP);
    }
    if (hide) {
        press(CMD_HIDE);
        answer("line [0-9]*[02468]( |$)");
    }
    press(CMD_TOP);
    auto_free char *rows[2000] = {0};
    int n = 0;
    for (; n < 2000; n++) {
        rows[n] = strdup(screen());
        press(CMD_DOWN);
        if (strcmp(screen(), rows[n]) == 0)
            break;
    }
    cr_assert_gt(n, 50);
    for (int i = n; i >= 0; i--) {
        cr_assert_str_eq(screen(), rows[i], "row %d of %d", i, n);
        press(CMD_UP);
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
    line(0, "out");
    add(0, "stderr", 'F', "err", 3);
    add_bytes(0, "broken\n", 7);
    follow_on(0);
    SCREEN(" 00:00:00 out\n!00:00:03 err\n?         broken\n\n\n");
}

Test(logview, times_in_three_forms)
{
    line(0, "x");
    follow_on(0);
    press(CMD_TIMESTAMPS);
    SCREEN(" 2026-01-02 00:00:00.123 x\n\n\n\n\n");
    press(CMD_TIMESTAMPS);
    SCREEN(" x\n\n\n\n\n");
    press(CMD_TIMESTAMPS);
    SCREEN(" 00:00:00 x\n\n\n\n\n");
}

Test(logview, a_long_line_is_wrapped_or_shifted)
{
    line(0, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    follow_on(0);
    press(CMD_TIMESTAMPS);
    press(CMD_TIMESTAMPS);
    size(3, 21);
    SCREEN(" abcdefghijklmnopqrs\xe2\x80\xa6\n\n\n");
    press(CMD_RIGHT);
    SCREEN(" ijklmnopqrstuvwxyz0\xe2\x80\xa6\n\n\n");
    press(CMD_LEFT);
    press(CMD_WRAP);
    SCREEN(" uvwxyz0123456789ABCD\n EFGHIJKLMNOPQRSTUVWX\n YZ\n");
    press(CMD_UP);
    SCREEN(" abcdefghijklmnopqrst\n uvwxyz0123456789ABCD\n EFGHIJKLMNOPQRSTUVWX\n");
}

Test(logview, wide_glyphs_are_not_cut_in_two)
{
    line(0, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2");
    follow_on(0);
    press(CMD_WRAP);
    size(3, 4);
    SCREEN(" \xe6\xbc\xa2\n \xe5\xad\x97\n \xe6\xbc\xa2\n");
    size(2, 2);
    screen();
}

Test(logview, a_progress_bar_shows_its_last_state)
{
    line(0, "10%\r55%\r100% done\r");
    add(0, "stdout", 'P', "1%\r", 3);
    follow_on(0);
    SCREEN(" 00:00:00 100% done\n 00:00:03 1%\n\n\n\n");
    add(0, "stdout", 'P', "2%\r3%\r", 6);
    view->ops->update(view);
    SCREEN(" 00:00:00 100% done\n 00:00:03 3%\n\n\n\n");
}

Test(logview, a_prompt_is_completed_where_it_stands)
{
    add(0, "stdout", 'P', "name? ", 6);
    follow_on(0);
    add(0, "stderr", 'F', "meanwhile", 9);
    view->ops->update(view);
    add(0, "stdout", 'F', "mytop", 5);
    view->ops->update(view);
    SCREEN(" 00:00:00 name? mytop\n!00:00:03 meanwhile\n\n\n\n");
}

Test(logview, no_control_byte_gets_through)
{
    char text[2000];
    unsigned seed = 1;
    line(0, "\033]0;owned\a\033[2J\033[31mred\033[0m\x9b"
            "6n");
    follow_on(0);
    SCREEN(" 00:00:00 ^[]0;owned^G^[[2Jred?6n\n\n\n\n\n");
    for (int i = 0; i < 200; i++) {
        size_t len = (size_t)(rand_r(&seed) % (int)sizeof(text));
        for (size_t k = 0; k < len; k++)
            text[k] = (char)rand_r(&seed);
        for (char *nl = text; (nl = memchr(nl, '\n', len - (size_t)(nl - text)));)
            *nl = '\033';
        add(0, i % 3 ? "stdout" : "stderr", i % 5 ? 'F' : 'P', text, len);
        view->ops->update(view);
        if (i % 50 == 0)
            press(CMD_WRAP);
        screen(); /* it asserts */
        press(CMD_COPY);
        for (const char *p = copied; *p; p++)
            cr_assert((unsigned char)*p >= 0x20);
    }
}

Test(logview, every_size)
{
    numbered(0, 0, 100);
    line(
        0,
        "a line that is much longer than most of these screens are wide, \xe6\xbc\xa2\xe5\xad\x97");
    numbered(1, 0, 10);
    follow_on(0);
    const struct mtd_summary *both[] = {&sums[0], &sums[1]};
    for (int round = 0; round < 3; round++) {
        for (int rows = 1; rows < 12; rows++)
            for (int cols = 1; cols < 60; cols++) {
                size(rows, cols);
                screen();
                press(rows % 2 ? CMD_UP : CMD_DOWN);
            }
        press(CMD_WRAP);
        if (round == 1)
            logview_merge(view, both, 2);
    }
    size(600, 500);
    screen();
}

/* ---- search and hide --------------------------------------------------------------------- */

Test(logview, search_covers_the_whole_log)
{
    numbered(0, 0, 5000);
    follow_on(0);
    press(CMD_SEARCH);
    cr_assert_eq(strncmp(asked, "search:", 7), 0);
    answer("needle");
    STATUS("paused");
    cr_assert(strstr(screen(), "line 4942 needle\n"));
    press(CMD_SEARCH_PREVIOUS);
    cr_assert(strstr(screen(), "line 4842 needle\n"));
    press(CMD_TOP);
    press(CMD_SEARCH);
    answer("^line 7 ?");
    press(CMD_SEARCH_NEXT);
    cr_assert(strstr(said, "no match below") || strstr(screen(), "line 7"), "%s", said);
}

Test(logview, next_and_previous_match)
{
    numbered(0, 0, 1000);
    follow_on(0);
    press(CMD_TOP);
    press(CMD_SEARCH);
    answer("needle");
    cr_assert(strstr(screen(), "line 42 needle\n"));
    for (unsigned n = 142; n < 1000; n += 100) {
        char want[40];
        press(CMD_SEARCH_NEXT);
        snprintf(want, sizeof(want), "line %u needle\n", n);
        cr_assert(strstr(screen(), want), "%s", want);
    }
    press(CMD_SEARCH_NEXT);
    cr_assert_str_eq(said, "\"needle\": no match below");
    cr_assert(strstr(screen(), "line 942 needle\n"));
    press(CMD_SEARCH_PREVIOUS);
    cr_assert(strstr(screen(), "line 842 needle\n"));
}

Test(logview, a_bad_pattern_says_so_and_keeps_the_last)
{
    numbered(0, 0, 100);
    follow_on(0);
    press(CMD_SEARCH);
    answer("needle");
    press(CMD_SEARCH);
    answer("[");
    cr_assert(strstr(said, "bad pattern"), "%s", said);
    press(CMD_TOP);
    press(CMD_SEARCH_NEXT);
    press(CMD_HIDE);
    answer("(");
    cr_assert(strstr(said, "bad pattern"), "%s", said);
    cr_assert(strstr(screen(), "line 41\n"));
}

Test(logview, hide_shows_only_what_matches_in_the_whole_log)
{
    numbered(0, 0, 3000);
    follow_on(0);
    press(CMD_HIDE);
    answer("needle");
    SCREEN(" 02:07:06 line 2542 needle\n 02:12:06 line 2642 needle\n"
           " 02:17:06 line 2742 needle\n 02:22:06 line 2842 needle\n"
           " 02:27:06 line 2942 needle\n");
    STATUS("&needle, following");
    numbered(0, 3000, 3100);
    view->ops->update(view);
    cr_assert(strstr(screen(), "line 3042 needle\n"));
    press(CMD_UP);
    cr_assert_eq(strncmp(screen(), " 02:07:06 line 2542 needle\n", 27), 0);
    press(CMD_TOP);
    cr_assert_eq(strncmp(screen(), " 00:02:06 line 42 needle\n", 25), 0);
    press(CMD_HIDE);
    cr_assert_str_eq(asked, "only lines with: needle");
    answer("");
    cr_assert(strstr(screen(), "line 1\n"));
}

Test(logview, a_filter_without_a_match_says_so)
{
    numbered(0, 0, 100);
    follow_on(0);
    press(CMD_HIDE);
    answer("nowhere");
    SCREEN(" no line matches so far\n\n\n\n\n");
    line(0, "here is nowhere");
    view->ops->update(view);
    cr_assert(strstr(screen(), "here is nowhere\n"));
}

Test(logview, search_passes_over_hidden_lines)
{
    numbered(0, 0, 1000);
    follow_on(0);
    press(CMD_HIDE);
    answer("[05] needle|2 n");
    press(CMD_TOP);
    press(CMD_SEARCH);
    answer("line [13]42");
    cr_assert(strstr(screen(), "line 142 needle\n"));
}

Test(logview, since)
{
    seconds[0] = 3 * 3600 + 245 - 600; /* ends about when NOW is */
    numbered(0, 0, 200);
    follow_on(0);
    press(CMD_SINCE_0 + 1);
    STATUS("since 1m, following");
    press(CMD_TOP);
    cr_assert_eq(strncmp(screen(), " 03:03:05 line 180\n", 19), 0, "%s", screen());
    press(CMD_UP);
    cr_assert_eq(strncmp(screen(), " 03:03:05 line 180\n", 19), 0);
    press(CMD_SINCE_0);
    press(CMD_TOP);
    cr_assert(strstr(screen(), "line 0\n"));
}

Test(logview, goto_a_time)
{
    numbered(0, 0, 1000);
    follow_on(0);
    logview_goto(view, 1767312000000000000LL + 1500 * NS_PER_SEC);
    STATUS("paused");
    cr_assert(strstr(screen(), "line 500\n"));
}

/* ---- save, copy ------------------------------------------------------------------------- */

static void check_file(const char *path, const char *text)
{
    struct buf b = {0};
    cr_assert_eq(fs_read_at(AT_FDCWD, path, 1u << 20, &b), 0);
    cr_assert_str_eq(b.data, text);
    buf_done(&b);
}

Test(logview, save_writes_what_is_shown)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/saved", dir.path);
    numbered(0, 0, 300);
    follow_on(0);
    press(CMD_HIDE);
    answer("needle");
    press(CMD_SAVE);
    cr_assert_str_eq(asked, "save to: api.log");
    ask_changed = NULL;
    answer(path);
    cr_assert(strstr(said, "saved 3 lines to "), "%s", said);
    check_file(path, "2026-01-02T00:02:06.123456789Z line 42 needle\n"
                     "2026-01-02T00:07:06.123456789Z line 142 needle\n"
                     "2026-01-02T00:12:06.123456789Z line 242 needle\n");
    press(CMD_SAVE);
    ask_changed = NULL;
    answer(path);
    cr_assert(strstr(said, "File exists"), "%s", said);
}

Test(logview, copy_the_shown_line)
{
    numbered(0, 0, 10);
    line(0, "\033[31mred\033[0m");
    follow_on(0);
    press(CMD_COPY);
    cr_assert_str_eq(copied, "red");
    press(CMD_TOP);
    press(CMD_COPY);
    cr_assert_str_eq(copied, "line 0");
    struct key click = {.key = KEY_MOUSE, .row = 2, .button = MOUSE_LEFT};
    cr_assert(view->ops->key(view, &click));
    press(CMD_COPY);
    cr_assert_str_eq(copied, "line 2");
}

/* ---- several containers ------------------------------------------------------------------ */

Test(logview, marked_containers_are_merged_by_time)
{
    const struct mtd_summary *both[] = {&sums[0], &sums[1]};
    follow_on(0);
    line(0, "api 1");
    seconds[1] = 1;
    line(1, "db 1");
    add(1, "stderr", 'F', "db 2", 4);
    line(0, "api 2");
    logview_merge(view, both, 2);
    SCREEN("A api  B db\nA 00:00:00 api 1\nB 00:00:01 db 1\nA 00:00:03 api 2\n"
           "B!00:00:04 db 2\n");
    line(0, "api 3");
    view->ops->select(view, &sums[2]); /* the cursor moves: the merged log stays */
    view->ops->update(view);
    SCREEN("A api  B db\nB 00:00:01 db 1\nA 00:00:03 api 2\nB!00:00:04 db 2\n"
           "A 00:00:06 api 3\n");
    cr_assert_not_null(view->ops->watch(view, 1));
    const struct mtd_summary *turned[] = {&sums[1], &sums[0]};
    press(CMD_UP);
    logview_merge(view, turned, 2); /* sorted otherwise: nothing moves */
    STATUS("paused");
    line(2, "job 1");
    logview_goto(view, 0); /* a jump to one that is not among them */
    SCREEN(">00:00:00 job 1\n\n\n\n\n");
    logview_merge(view, turned, 2);
    SCREEN(">00:00:00 job 1\n\n\n\n\n");
    view->ops->select(view, &sums[0]);
    SCREEN(" 00:00:00 api 1\n 00:00:03 api 2\n 00:00:06 api 3\n\n\n");
    logview_merge(view, turned, 2);
    logview_merge(view, NULL, 0);
    SCREEN(" 00:00:00 api 1\n 00:00:03 api 2\n 00:00:06 api 3\n\n\n");
}

Test(logview, merged_logs_scroll_both_ways)
{
    const struct mtd_summary *all[] = {&sums[0], &sums[1], &sums[2]};
    for (int i = 0; i < 3; i++) {
        seconds[i] = (unsigned)i / 2; /* the first two at the same times */
        numbered(i, 0, 100);
    }
    logview_merge(view, all, 3);
    press(CMD_TOP);
    for (int k = 0; k < 280; k++) {
        char want[30];
        snprintf(want, sizeof(want), "line %d", k / 3);
        const char *second = strchr(screen(), '\n') + 1;
        cr_assert_eq(second[0], 'A' + k % 3, "%d: %s", k, second);
        cr_assert(strstr(second, want));
        press(CMD_DOWN);
    }
    for (int k = 280; k > 0; k--) {
        press(CMD_UP);
        cr_assert_eq(strchr(screen(), '\n')[1], 'A' + (k - 1) % 3);
    }
    press(CMD_SEARCH);
    answer("needle");
    cr_assert(strstr(screen(), "line 42 needle\n"));
}

Test(logview, grep_over_all_containers)
{
    const struct mtd_summary *all[] = {&sums[0], &sums[1], &sums[2]};
    numbered(0, 0, 300);
    line(2, "a \033[31mneedle\033[0m here");
    follow_on(0);
    size(8, 70);
    logview_grep(view, all, 3, "needle");
    SCREEN(" api  3 lines\n"
           "  2026-01-02 00:02:06 line 42 needle\n"
           "  2026-01-02 00:07:06 line 142 needle\n"
           "  2026-01-02 00:12:06 line 242 needle\n"
           " job  1 line\n"
           "  2026-01-02 00:00:00 a needle here\n\n\n");
    STATUS("grep needle: 4 in 2");
    press(CMD_DOWN);
    press(CMD_DOWN);
    press(CMD_OPEN);
    cr_assert_str_eq(jumped, sums[0].id);
    cr_assert_eq(jumped_to, 1767312000123456789LL + 426 * NS_PER_SEC);
    logview_goto(view, jumped_to);
    cr_assert(strstr(screen(), "line 142 needle\n"));
    STATUS("paused");
    press(CMD_BACK);
    STATUS("grep needle: 4 in 2");
    press(CMD_BACK);
    STATUS("paused");
    logview_grep(view, all, 3, "[");
    cr_assert(strstr(said, "bad pattern"));
}

Test(logview, a_hit_among_lines_of_one_time)
{
    const struct mtd_summary *all[] = {&sums[0]};
    for (int i = 0; i < 5; i++) {
        seconds[0] = 7; /* one read of the pipe */
        line(0, i % 2 ? "needle" : "10%\r100% hay");
    }
    follow_on(0);
    size(8, 70);
    logview_grep(view, all, 1, "needle");
    screen();
    press(CMD_BOTTOM);
    press(CMD_OPEN);
    logview_goto(view, jumped_to);
    SCREEN(" 00:00:07 100% hay\n 00:00:07 needle\n 00:00:07 100% hay\n>00:00:07 needle\n"
           " 00:00:07 100% hay\n\n\n\n");
    logview_grep(view, all, 1, "hay");
    cr_assert(strstr(screen(), " 00:00:07 100% hay\n"));
}

Test(logview, a_hit_far_to_the_right_is_shown)
{
    const struct mtd_summary *all[] = {&sums[0]};
    char *text = malloc(50000);
    memset(text, '-', 50000);
    memcpy(text + 40000, "needle", 6);
    add(0, "stdout", 'F', text, 50000);
    free(text);
    follow_on(0);
    size(4, 160);
    logview_grep(view, all, 1, "needle");
    cr_assert(strstr(screen(), "-needle-"));
}

Test(logview, grep_without_a_hit)
{
    const struct mtd_summary *all[] = {&sums[0], &sums[1], &sums[2]};
    follow_on(0);
    logview_grep(view, all, 3, "nowhere");
    cr_assert_eq(strncmp(screen(), " \"nowhere\" is in no log\n", 24), 0);
    struct key enter = {.command = CMD_OPEN};
    cr_assert(view->ops->key(view, &enter));
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
        put(&b, 0, "stdout", 'P', text, sizeof(text));
        add_bytes(0, b.data, b.len);
    }
}

Test(logview, a_hundred_megabytes_without_a_newline)
{
    follow_on(0);
    screen();
    long before = resident_kib();
    endless(100u << 20);
    view->ops->update(view);
    screen();
    press(CMD_WRAP);
    for (int i = 0; i < 20; i++)
        press(CMD_PAGE_UP);
    press(CMD_TOP);
    press(CMD_SEARCH);
    answer("nowhere");
    cr_assert_str_eq(said, "\"nowhere\": no match below");
    press(CMD_BOTTOM);
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
        add(0, "stdout", 'P', text, 45000);
        add(0, "stdout", 'F', text + 45000, 45000);
    }
    free(text);
    follow_on(0);
    press(CMD_WRAP);
    cr_assert(strstr(screen(), "the end!!!"));
    for (int i = 0; i < 50; i++)
        press(CMD_PAGE_UP);
    press(CMD_WRAP);
    screen();
    press(CMD_SEARCH);
    answer("the end");
    cr_assert_not(strstr(said, "no match"));
}
