/* progress: what stderr shows of the steps that the engine reports. */

#include "cli/progress.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress_bars.h"

static char text[8192];

/* What is written to stderr while steps are reported with this mode. */
static const char *reported(enum progress_mode mode, const struct mtd_progress_step *s,
                            size_t n)
{
    int pipe_fds[2], before = dup(STDERR_FILENO);
    cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
    dup2(pipe_fds[1], STDERR_FILENO);
    struct progress *p = progress_new(mode);
    for (size_t i = 0; i < n; i++)
        mtd_progress_report(progress_of(p), &s[i]);
    progress_free(p);
    dup2(before, STDERR_FILENO);
    ssize_t len = read(pipe_fds[0], text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    close(before);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return text;
}

static const struct mtd_progress_step STEPS[] = {
    {"0123456789ab", "Unpacking", 1, 100, false},
    {"0123456789ab", "Unpacking", 50, 100, false},
    {"0123456789ab", "Unpacking", 100, 100, true},
};

Test(progress, shows_nothing_where_stderr_is_no_terminal)
{
    cr_expect_str_eq(reported(PROGRESS_AUTO, STEPS, 3), "");
    cr_expect_str_eq(reported(PROGRESS_NONE, STEPS, 3), "");
}

Test(progress, is_one_line_of_json_per_step)
{
    const char *out = reported(PROGRESS_JSON, STEPS, 3);
    const char *second = strchr(out, '\n');
    cr_assert_not_null(second);
    json_t *first = json_loadb(out, (size_t)(second - out), 0, NULL);
    json_t *last = json_loads(second + 1, 0, NULL);
    cr_assert(first && last, "%s", out);
    cr_expect_str_eq(json_string_value(json_object_get(first, "id")), "0123456789ab");
    cr_expect_str_eq(json_string_value(json_object_get(first, "what")), "Unpacking");
    cr_expect_eq(json_integer_value(json_object_get(first, "done")), 1);
    cr_expect_eq(json_integer_value(json_object_get(first, "total")), 100);
    cr_expect(json_is_false(json_object_get(first, "finished")));
    cr_expect_eq(json_integer_value(json_object_get(last, "done")), 100);
    cr_expect(json_is_true(json_object_get(last, "finished")));
    json_decref(first);
    json_decref(last);
}

/* The second step came at once after the first, so only the last followed. */
Test(progress, json_is_throttled)
{
    static struct mtd_progress_step many[10000];
    for (size_t i = 0; i < 10000; i++)
        many[i] = (struct mtd_progress_step){"a", "Writing", i, 0, false};
    size_t lines = 0;
    for (const char *c = reported(PROGRESS_JSON, many, 10000); *c; c++)
        lines += *c == '\n';
    cr_expect_geq(lines, 1);
    cr_expect_leq(lines, 100, "%zu", lines);
}

Test(progress, json_holds_any_name)
{
    const struct mtd_progress_step s = {"a\xff\x1b[2J\"", "Writing", 1, 1, true};
    const char *out = reported(PROGRESS_JSON, &s, 1);
    json_t *o = json_loads(out, 0, NULL);
    cr_assert_not_null(o, "%s", out);
    cr_expect_null(strchr(out, '\x1b'));
    json_decref(o);
}

Test(progress, plain_is_one_line_per_finished_step)
{
    static const char LINE[] =
        "0123456789ab Unpacking   100B"; /* and how fast, if it took time */
    const char *out = reported(PROGRESS_PLAIN, STEPS, 3);
    cr_expect(strncmp(out, LINE, strlen(LINE)) == 0, "%s", out);
    cr_expect_eq(strchr(out, '\n'), out + strlen(out) - 1, "%s", out);
}

Test(progress, modes_are_words)
{
    enum progress_mode mode = PROGRESS_AUTO;
    struct mtd_error err = {0};
    cr_expect_eq(progress_set_mode(&mode, "json", &err), 0);
    cr_expect_eq(mode, PROGRESS_JSON);
    cr_expect_eq(progress_set_mode(&mode, "jsonl", &err), -EINVAL);
    cr_expect_str_eq(err.text, "\"jsonl\" is not one of auto, tty, plain, json, none");
}

/* ---- bars ---- */

static const char *line(const struct progress_bar *bar, unsigned cols)
{
    struct buf b = {0};
    cr_assert_eq(progress_bar_line(bar, cols, &b), 0);
    snprintf(text, sizeof(text), "%s", b.data);
    buf_done(&b);
    return text;
}

Test(progress, a_bar_has_id_word_gauge_bytes_and_rate)
{
    struct progress_bar bar = {.id = (char[]){"0123456789ab"},
                               .what = (char[]){"Writing"},
                               .done = 30000000,
                               .total = 60000000,
                               .rate = 2000000};
    cr_expect_str_eq(line(&bar, 70),
                     "0123456789ab Writing     [=============>            ] "
                     "30MB/60MB  2MB/s");
    bar.total = 0;
    cr_expect_str_eq(line(&bar, 70), "0123456789ab Writing     30MB  2MB/s");
}

Test(progress, a_bar_fits_every_width)
{
    struct progress_bar bar = {.id = (char[]){"a-long-name-of-an-image:with-a-tag"},
                               .what = (char[]){"Downloading"},
                               .done = 1,
                               .total = 3};
    for (unsigned cols = 1; cols < 200; cols++)
        cr_expect_leq(strlen(line(&bar, cols)), cols + 2, "%u: %s", cols, text);
}

Test(progress, a_name_cannot_move_the_cursor)
{
    struct progress_bar bar = {.id = (char[]){"\x1b[2Jx"}, .what = (char[]){"Writing"}};
    cr_expect_null(strchr(line(&bar, 80), '\x1b'));
}

Test(progress, bars_are_redrawn_in_place_and_finished_ones_stay_above)
{
    struct progress_bars bars = {0};
    struct buf out = {0};
    progress_bars_find(&bars, "a", "Writing");
    progress_bars_find(&bars, "b", "Writing");
    cr_assert_eq(progress_bars_draw(&bars, 24, 80, &out), 0);
    cr_expect_null(strstr(out.data, "\x1b[2A"));
    cr_expect_eq(bars.drawn, 2);
    out.len = 0;
    progress_bars_find(&bars, "b", "Writing")->finished = true;
    cr_assert_eq(progress_bars_draw(&bars, 24, 80, &out), 0);
    cr_expect_eq(strncmp(out.data, "\x1b[2Ab ", strlen("\x1b[2Ab ")), 0, "%s", out.data);
    cr_expect_eq(bars.drawn, 1);
    cr_expect_eq(bars.len, 1);
    progress_bars_done(&bars);
    buf_done(&out);
}

Test(progress, more_bars_than_lines_do_not_scroll)
{
    struct progress_bars bars = {0};
    struct buf out = {0};
    for (char id[] = "a"; *id <= 'z'; (*id)++)
        cr_assert_not_null(progress_bars_find(&bars, id, "Writing"));
    cr_assert_eq(progress_bars_draw(&bars, 10, 80, &out), 0);
    cr_expect_eq(bars.drawn, 9);
    progress_bars_done(&bars);
    buf_done(&out);
}
