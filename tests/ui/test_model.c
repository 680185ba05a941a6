/* The list by identity: filter, sort, selection, marks, samples. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/model/model.h"
#include "ui/model/news.h"
#include "uibox.h"

static struct mtd_list make_list(const char *digits)
{
    struct mtd_list l = {0};
    l.items = calloc(strlen(digits) + 1, sizeof(*l.items));
    for (; digits[l.len]; l.len++) {
        char name[] = {'n', digits[l.len], '\0'};
        l.items[l.len] = uibox_summary(digits[l.len], name, "img", MTD_STATE_RUNNING);
        l.items[l.len].created_at -= (int64_t)l.len;
    }
    return l;
}

static void take(struct model *m, const char *digits)
{
    struct mtd_list l = make_list(digits);
    cr_assert_eq(model_take(m, &l), 0);
}

static const char *shown(const struct model *m)
{
    static char out[64];
    size_t i;
    for (i = 0; i < m->n_shown; i++)
        out[i] = m->shown[i]->s->id[0];
    out[i] = '\0';
    return out;
}

Test(model, the_selection_belongs_to_an_id)
{
    struct model m;
    model_init(&m);
    take(&m, "12345");
    model_select(&m, 2);
    take(&m, "9812345");
    cr_expect_eq(model_selected(&m)->s->id[0], '3');
    take(&m, "981245"); /* gone: the row at its place */
    cr_expect_eq(model_selected(&m)->s->id[0], '4');
    take(&m, "");
    cr_expect_null(model_selected(&m));
    model_move(&m, 1);
    take(&m, "7");
    cr_expect_eq(model_selected(&m)->s->id[0], '7');
    model_done(&m);
}

Test(model, a_wanted_row_is_selected_when_it_comes)
{
    struct model m;
    model_init(&m);
    take(&m, "12");
    memset(m.wanted, '5', MTD_ID_LEN);
    model_arrange(&m);
    cr_expect_eq(model_selected(&m)->s->id[0], '1');
    take(&m, "125");
    cr_expect_eq(model_selected(&m)->s->id[0], '5');
    model_done(&m);
}

Test(model, tracks_outlive_a_reading)
{
    struct model m;
    model_init(&m);
    take(&m, "123");
    model_find(&m, m.shown[1]->s->id)->t->marked = true;
    take(&m, "3241");
    cr_expect_eq(model_marked(&m), 1);
    const struct row *rows[4];
    cr_expect_eq(model_targets(&m, rows, 4), 1);
    cr_expect_eq(rows[0]->s->id[0], '2');
    take(&m, "314");
    cr_expect_eq(model_marked(&m), 0);
    cr_expect_eq(model_targets(&m, rows, 4), 1, "the selected one");
    model_done(&m);
}

Test(model, sorting_is_stable_and_reverses)
{
    struct model m;
    model_init(&m);
    take(&m, "31542");
    cr_expect_str_eq(shown(&m), "31542", "newest first");
    model_sort(&m, SORT_NAME);
    cr_expect_str_eq(shown(&m), "12345");
    model_sort(&m, SORT_NAME);
    cr_expect_str_eq(shown(&m), "54321");
    model_sort(&m, SORT_IMAGE);
    cr_expect_str_eq(shown(&m), "31542", "all equal: the list's own order");
    model_sort(&m, SORT_CPU);
    cr_expect_str_eq(shown(&m), "31542");
    m.shown[3]->t->last.taken_at = 1;
    m.shown[3]->t->now.value[SERIES_CPU] = 50;
    model_arrange(&m);
    cr_expect_str_eq(shown(&m), "43152");
    model_done(&m);
}

static size_t count(struct model *m, const char *filter)
{
    struct mtd_error err = {0};
    int rc = model_filter(m, filter, &err);
    return rc < 0 ? 999 : m->n_shown;
}

Test(model, filters_find_by_anything)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    struct model *m = &b.ui.model;
    static const struct {
        const char *text;
        size_t n;
    } CASES[] = {
        {"", 8},
        {"api", 1},
        {"API", 1},
        {"^(api|db)$", 2},
        {"postgres", 1},
        {"state:exited", 2},
        {"!state:exited", 6},
        {"img:busybox", 3},
        {"img:busybox state:exited", 2},
        {"8080", 1},
        {"paused", 1},
        {"id:3333", 1},
        {"pid:4049", 1},
        {"pid:", 8},
        {"nothing like this", 0},
        {"name:web", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        cr_expect_eq(count(m, CASES[i].text), CASES[i].n, "\"%s\": %zu", CASES[i].text,
                     m->n_shown);
    uibox_done(&b);
}

/* Ids as the program draws them have any three digits somewhere. */
Test(model, a_bare_word_is_the_beginning_of_an_id)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill_many(&b, 500); /* ids: 0...0001 to 0...01f4 */
    cr_expect_eq(count(&b.ui.model, "000001f4"), 0);
    cr_expect_eq(count(&b.ui.model, "000000"), 500);
    cr_expect_eq(count(&b.ui.model, "box-01f4|1f4"), 0);
    uibox_done(&b);
}

Test(model, a_bad_filter_keeps_the_last)
{
    struct model m;
    struct mtd_error err = {0};
    model_init(&m);
    take(&m, "123");
    cr_expect_eq(model_filter(&m, "n1", &err), 0);
    cr_expect_lt(model_filter(&m, "[", &err), 0);
    cr_expect(strstr(err.text, "["), "%s", err.text);
    cr_expect_eq(m.n_shown, 1);
    cr_expect_str_eq(m.filter.text, "n1");
    mtd_error_clear(&err);
    cr_expect_lt(model_filter(&m, "pid:x", &err), 0);
    model_done(&m);
}

Test(model, running_only)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "A");
    cr_expect_eq(b.ui.model.n_shown, 4);
    uibox_keys(&b, "A");
    cr_expect_eq(b.ui.model.n_shown, 8);
    uibox_done(&b);
}

Test(model, figures_are_differences)
{
    struct track t = {0};
    struct mtd_stats s = {.taken_at = 10 * NS_PER_SEC,
                          .cpu_ns = 5 * NS_PER_SEC,
                          .memory = 100,
                          .pids = MTD_STAT_NONE,
                          .net_rx = 1000,
                          .periods = MTD_STAT_NONE};
    track_feed(&t, &s);
    cr_expect(t.now.value[SERIES_CPU] < 0, "the first one is not known");
    cr_expect_null(track_sample(&t, 0));
    s.taken_at += 2 * NS_PER_SEC;
    s.cpu_ns += 3 * NS_PER_SEC;
    s.net_rx += 500;
    track_feed(&t, &s);
    cr_expect_float_eq(t.now.value[SERIES_CPU], 150, 0.1);
    cr_expect_float_eq(t.now.value[SERIES_NET_RX], 250, 0.1);
    cr_expect(t.now.value[SERIES_PIDS] < 0 && t.now.value[SERIES_THROTTLED] < 0);
    s.taken_at += NS_PER_SEC;
    s.cpu_ns = 1; /* restarted: the counters begin anew */
    track_feed(&t, &s);
    cr_expect(t.now.value[SERIES_CPU] < 0);
    free(t.history);
}

Test(model, history_is_a_ring)
{
    struct track t = {0};
    struct mtd_stats s = {.taken_at = NS_PER_SEC};
    for (int i = 0; i < MODEL_HISTORY * 2 + 3; i++) {
        s.taken_at += NS_PER_SEC;
        s.cpu_ns += (uint64_t)i * 10000000;
        track_feed(&t, &s);
    }
    cr_expect_float_eq(track_sample(&t, 0)->value[SERIES_CPU], MODEL_HISTORY * 2 + 2,
                       0.5);
    cr_expect_float_eq(track_sample(&t, 5)->value[SERIES_CPU], MODEL_HISTORY * 2 - 3,
                       0.5);
    cr_expect_not_null(track_sample(&t, MODEL_HISTORY - 1));
    cr_expect_null(track_sample(&t, MODEL_HISTORY));
    free(t.history);
}

static size_t passing(struct model *m, const char *filter)
{
    struct mtd_error err = {0};
    cr_assert_eq(model_filter(m, filter, &err), 0, "%s", err.text);
    return m->n_shown;
}

/* "unhealthy" holds "healthy". */
Test(filter, health_is_exact)
{
    struct model m;
    struct mtd_list l = make_list("123");
    l.items[0].health = strdup("healthy");
    l.items[1].health = strdup("unhealthy");
    model_init(&m);
    cr_assert_eq(model_take(&m, &l), 0);
    cr_expect_eq(passing(&m, "health:healthy"), 1);
    cr_expect_str_eq(shown(&m), "1");
    cr_expect_eq(passing(&m, "health:unhealthy"), 1);
    cr_expect_eq(passing(&m, "health:none"), 1);
    cr_expect_eq(passing(&m, "!health:healthy"), 2);
    model_done(&m);
}

Test(filter, by_figures)
{
    struct model m;
    struct mtd_error err = {0};
    struct mtd_list l = make_list("1234");
    l.items[0].memory_limit = 100 << 20;
    l.items[1].restart_count = 3;
    l.items[2].created_at = UIBOX_NOW - 60 * NS_PER_SEC;
    l.items[3].state = MTD_STATE_EXITED;
    l.items[3].exit_code = 137;
    model_init(&m);
    m.now_ns = UIBOX_NOW;
    cr_assert_eq(model_take(&m, &l), 0);
    struct mtd_stats s = {.taken_at = 1, .memory = 90 << 20, .pids = 5};
    track_feed(model_find(&m, m.list.items[0].id)->t, &s);
    s.taken_at += NS_PER_SEC;
    s.cpu_ns = NS_PER_SEC / 2;
    track_feed(model_find(&m, m.list.items[0].id)->t, &s);
    static const struct {
        const char *filter, *shown;
    } WANT[] = {{"cpu>10", "1"},   {"cpu>49 cpu<51", "1"}, {"cpu>60", ""},
                {"mem>80%", "1"},  {"mem>95%", ""},        {"mem>=90m", "1"},
                {"mem<90m", ""},   {"restarts>2", "2"},    {"age<5m", "3"},
                {"exit=137", "4"}, {"pids>4 n1", "1"},     {"!cpu>10 state:run", "23"},
                {"cpu>", "1234"}};
    for (size_t i = 0; i < sizeof(WANT) / sizeof(WANT[0]); i++) {
        passing(&m, WANT[i].filter);
        model_sort(&m, SORT_NAME);
        m.reverse = false;
        model_arrange(&m);
        cr_expect_str_eq(shown(&m), WANT[i].shown, "%s: %s", WANT[i].filter, shown(&m));
    }
    cr_expect_lt(model_filter(&m, "cpu>x", &err), 0);
    cr_expect_lt(model_filter(&m, "age<5", &err), 0, "which unit?");
    model_done(&m);
}

Test(sort, what_runs_comes_first_and_a_sort_shows_its_top)
{
    struct model m;
    struct mtd_list l = make_list("1234");
    l.items[0].state = l.items[2].state = MTD_STATE_EXITED;
    model_init(&m);
    cr_assert_eq(model_take(&m, &l), 0);
    cr_expect_str_eq(shown(&m), "2413");
    model_select(&m, 3);
    model_sort(&m, SORT_CPU);
    cr_expect_eq(m.cursor, 0);
    struct mtd_stats s = {.taken_at = 1};
    struct track *t = model_find(&m, m.list.items[3].id)->t; /* its figures come later */
    track_feed(t, &s);
    s.taken_at += NS_PER_SEC;
    s.cpu_ns = NS_PER_SEC;
    track_feed(t, &s);
    model_arrange(&m);
    cr_expect_str_eq(model_selected(&m)->s->id, m.list.items[3].id, "%s", shown(&m));
    model_move(&m, 1);
    const char *id = model_selected(&m)->s->id;
    t->now.value[SERIES_CPU] = -1;
    model_arrange(&m);
    cr_expect_str_eq(model_selected(&m)->s->id, id, "once moved it stays with its row");
    model_done(&m);
}

static const char *news_of(struct model *m, enum mtd_state state, int exit_code,
                           const char *health, const char *busy)
{
    static char text[200];
    struct mtd_list l = make_list("12");
    struct mtd_summary *s = &l.items[0];
    s->state = state;
    s->exit_code = exit_code;
    s->oom_killed = exit_code == 137;
    s->health = health ? strdup(health) : NULL;
    cr_assert_eq(model_take(m, &l), 0);
    snprintf(m->rows[0].t->busy, sizeof(m->rows[0].t->busy), "%s", busy);
    news_read(m, text, sizeof(text));
    return text;
}

/* Once each; not what was asked for, not an end that went well. */
Test(news, what_happens_while_one_reads_something_else)
{
    struct model m;
    model_init(&m);
    cr_expect_str_eq(news_of(&m, MTD_STATE_EXITED, 3, NULL, ""), "", "it was so before");
    cr_expect_str_eq(news_of(&m, MTD_STATE_RUNNING, 0, "healthy", ""), "");
    cr_expect_str_eq(news_of(&m, MTD_STATE_RUNNING, 0, "unhealthy", ""),
                     "n1 is unhealthy");
    cr_expect_str_eq(news_of(&m, MTD_STATE_RUNNING, 0, "unhealthy", ""), "");
    cr_expect_str_eq(news_of(&m, MTD_STATE_EXITED, 137, NULL, ""),
                     "n1 died: exit 137, out of memory");
    cr_expect_str_eq(news_of(&m, MTD_STATE_RUNNING, 0, NULL, ""), "");
    cr_expect_str_eq(news_of(&m, MTD_STATE_EXITED, 143, NULL, "stopping"), "");
    news_of(&m, MTD_STATE_RUNNING, 0, NULL, "");
    cr_expect_str_eq(news_of(&m, MTD_STATE_EXITED, 0, NULL, ""), "");
    news_of(&m, MTD_STATE_RUNNING, 0, NULL, "");
    cr_expect_str_eq(news_of(&m, MTD_STATE_RESTARTING, 1, NULL, ""),
                     "n1 died: exit 1; it is started again");
    cr_expect_str_eq(news_of(&m, MTD_STATE_RESTARTING, 1, NULL, ""), "");
    news_of(&m, MTD_STATE_RUNNING, 0, NULL, "");
    cr_expect_str_eq(news_of(&m, MTD_STATE_RESTARTING, 1, NULL, ""), "", "the same loop");
    m.now_ns = UIBOX_NOW; /* it was up for hours */
    news_of(&m, MTD_STATE_RUNNING, 0, NULL, "");
    cr_expect_neq(news_of(&m, MTD_STATE_RESTARTING, 1, NULL, "")[0], '\0');
    model_done(&m);
}
