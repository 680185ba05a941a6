/* The lines typed at the bottom: history, completion, what they say, whom they are about. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/words.h"
#include "ui/model/batch.h"
#include "ui/model/history.h"
#include "ui/screen/dispatch.h"
#include "uibox.h"

static void expect_recall(const struct line_history *h, struct line_recall *r,
                          struct line *l, bool older, const char *want)
{
    bool moved = line_recall(h, r, l, older);
    cr_expect_eq(moved, want != NULL);
    if (want)
        cr_expect_str_eq(l->text, want);
}

Test(line_history, goes_both_ways_and_keeps_what_was_typed)
{
    struct line_history h = {0};
    struct line_recall r = {0};
    struct line l;
    line_set(&l, "half a li");
    expect_recall(&h, &r, &l, true, NULL);
    line_history_add(&h, "ps");
    line_history_add(&h, "   ");
    line_history_add(&h, "ps -a");
    line_history_add(&h, "stop api");
    line_history_add(&h, "ps -a"); /* again: the newest, and only once */
    cr_expect_eq(h.len, 3);
    expect_recall(&h, &r, &l, false, NULL);
    expect_recall(&h, &r, &l, true, "ps -a");
    expect_recall(&h, &r, &l, true, "stop api");
    expect_recall(&h, &r, &l, true, "ps");
    expect_recall(&h, &r, &l, true, NULL);
    cr_expect_str_eq(l.text, "ps");
    expect_recall(&h, &r, &l, false, "stop api");
    expect_recall(&h, &r, &l, false, "ps -a");
    expect_recall(&h, &r, &l, false, "half a li");
    expect_recall(&h, &r, &l, false, NULL);
    line_history_done(&h);
}

Test(line_history, is_bounded)
{
    struct line_history h = {0};
    struct line_recall r = {0};
    struct line l;
    char text[16];
    for (int i = 0; i < 3 * LINE_HISTORY_MAX; i++) {
        snprintf(text, sizeof(text), "line %d", i);
        line_history_add(&h, text);
    }
    cr_expect_eq(h.len, LINE_HISTORY_MAX);
    line_set(&l, "");
    while (line_recall(&h, &r, &l, true))
        ;
    snprintf(text, sizeof(text), "line %d", 2 * LINE_HISTORY_MAX);
    cr_expect_str_eq(l.text, text, "the oldest that is kept");
    line_history_done(&h);
}

static void run(struct uibox *b, const char *line)
{
    uibox_keys(b, ":");
    uibox_type(b, line);
    uibox_keys(b, "Enter");
}

Test(palette, recalls_what_was_typed_before)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    run(&b, "ps -a");
    run(&b, "tag a b");
    uibox_keys(&b, ": Up");
    cr_expect(uibox_shows(&b, " : tag a b"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-p");
    cr_expect(uibox_shows(&b, " : ps -a"), "%s", uibox_text(&b));
    uibox_keys(&b, "Down");
    cr_expect(uibox_shows(&b, " : tag a b"));
    uibox_keys(&b, "Backspace c"); /* changed, then run; both are kept */
    uibox_keys(&b, "Enter : Up Up");
    cr_expect(uibox_shows(&b, " : tag a b"));
    uibox_keys(&b, "Esc");
    cr_expect_str_eq(b.started, "mytop-docker --batch ps -a\n"
                                "mytop-docker --batch tag a b\n"
                                "mytop-docker --batch tag a c\n");
    uibox_keys(&b, "/ Up"); /* each question has its own */
    cr_expect(!uibox_shows(&b, "tag a"), "%s", uibox_text(&b));
    uibox_type(&b, "busybox");
    uibox_keys(&b, "Enter Esc / Up");
    cr_expect(uibox_shows(&b, "filter: busybox"), "%s", uibox_text(&b));
    uibox_done(&b);
}

Test(palette, tab_completes_verbs_names_and_images)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, ":");
    uibox_type(&b, "rena");
    uibox_keys(&b, "Tab");
    cr_expect(uibox_shows(&b, " : rename \n") || uibox_shows(&b, " : rename\n"));
    uibox_type(&b, "do");
    uibox_keys(&b, "Tab");
    uibox_type(&b, "x");
    cr_expect(uibox_shows(&b, " : rename done x"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, "re");
    uibox_keys(&b, "Tab"); /* restart, rename: nothing more in common, both are shown */
    cr_expect(uibox_shows(&b, " restart  rename\n : re\n"), "%s", uibox_text(&b));
    uibox_type(&b, "s");
    cr_expect(!uibox_shows(&b, "restart  rename"), "gone with the next key");
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, "run busy");
    uibox_keys(&b, "Tab");
    cr_expect(uibox_shows(&b, " : run busybox:latest"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, "ps nothing");
    uibox_keys(&b, "Tab");
    cr_expect(uibox_shows(&b, " : ps nothing\n"));
    uibox_done(&b);
}

Test(palette, what_is_wrong_is_said_while_typing)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "/");
    uibox_type(&b, "ap[");
    cr_expect(uibox_shows(&b, "the previous one stays\n filter: ap[\n"), "%s",
              uibox_text(&b));
    uibox_type(&b, "i]");
    cr_expect(!uibox_shows(&b, "the previous one stays"));
    cr_expect(uibox_shows(&b, "[/ap[i]: 1 of 8]"), "%s", uibox_text(&b));
    uibox_done(&b);
}

static void work(struct uibox *b)
{
    while (ui_work(&b->ui))
        ;
}

/* Hits are found where the list does not look, and lead there. */
Test(palette, grep_looks_into_all_logs)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "/");
    uibox_type(&b, "api");
    uibox_keys(&b, "Enter A");
    run(&b, "grep eating$|disk");
    work(&b);
    cr_expect(uibox_shows(&b, "grep eating$|disk: 2 in 2"), "%s", uibox_text(&b));
    cr_expect(!uibox_shows(&b, "api \xe2\x94\x80"), "whose hits they are, they say");
    uibox_keys(&b, "G Enter");
    work(&b);
    cr_expect(uibox_shows(&b, ">03:00:01 eating"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, " job "), "%s", uibox_text(&b));
    cr_expect_str_eq(b.ui.model.filter.text, "");
    run(&b, "grep");
    cr_expect(uibox_shows(&b, "grep: what? :grep REGEX"));
    uibox_done(&b);
}

/* ---- which commands get the terminal, which are allowed when nothing may be changed ------- */

static bool wants(const char *line)
{
    auto_done(strv_done) struct strv v = {0};
    cr_assert_eq(words_split(line, &v, NULL), 0);
    return batch_wants_terminal(&v);
}

Test(batch, who_gets_the_terminal)
{
    static const char *const YES[] = {
        "run -it busybox", "run -e A=b -it busybox",
        "exec -ti api sh", "attach api",
        "start -ai api",   "logs -f api",
        "logs api -f",     "logs --follow api",
        "stats",           "run --interactive=true x",
        "events",          "events -f --since 1h",
    };
    static const char *const NO[] = {
        "run -d busybox",
        "run -dit busybox",
        "run -d -it busybox",
        "run busybox echo x",
        "exec api ls",
        "start api",
        "logs api",
        "stats --no-stream",
        "events --until 0s",
        "ps -a",
        "run --tty=false img",
        "run --detach -it busybox",
        "",
        "run -- busybox ls -it",
        "rm -f api",
    };
    for (size_t i = 0; i < ARRAY_SIZE(YES); i++)
        cr_expect(wants(YES[i]), "%s", YES[i]);
    for (size_t i = 0; i < ARRAY_SIZE(NO); i++)
        cr_expect(!wants(NO[i]), "%s", NO[i]);
}

Test(batch, who_only_looks)
{
    cr_expect(batch_only_looks("ps -a"));
    cr_expect(batch_only_looks("  logs api"));
    cr_expect(!batch_only_looks("rm -f api"));
    cr_expect(!batch_only_looks("psx"));
    cr_expect(!batch_only_looks("system check --repair"));
    cr_expect(batch_only_looks("system df"));
    cr_expect(!batch_only_looks(""));
}

/* ---- dialogs about somebody ----------------------------------------------------------------- */

static void take_without(struct uibox *b, char digit)
{
    struct mtd_list l = {0};
    l.items = calloc(2, sizeof(*l.items));
    for (const char *d = "12"; *d; d++)
        if (*d != digit)
            l.items[l.len++] =
                uibox_summary(*d, *d == '1' ? "api" : "db", "busybox", MTD_STATE_RUNNING);
    cr_assert_eq(model_take(&b->ui.model, &l), 0);
    ui_update_modals(&b->ui);
    dispatch_sync(&b->ui);
}

Test(dialogs, close_with_a_word_when_their_container_vanishes)
{
    static const char *const OPEN[] = {"d",       "K",       "E",   "R",       "c",
                                       "K Enter", "Enter /", "l &", "l ctrl-s"};
    for (size_t i = 0; i < ARRAY_SIZE(OPEN); i++) {
        struct uibox b;
        uibox_make(&b, 24, 80, false);
        uibox_fill(&b);
        take_without(&b, '0');
        uibox_keys(&b, OPEN[i]);
        cr_assert_not_null(b.ui.modal, "%s", OPEN[i]);
        take_without(&b, '2');
        cr_expect_not_null(b.ui.modal, "%s: it is about another one", OPEN[i]);
        take_without(&b, '1');
        cr_expect_null(b.ui.modal, "%s", OPEN[i]);
        cr_expect(uibox_shows(&b, "no longer exists"), "%s: %s", OPEN[i], uibox_text(&b));
        cr_expect_str_eq(b.started, "");
        uibox_done(&b);
    }
}

Test(dialogs, a_frozen_list_is_not_acted_on)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "Z s d");
    cr_expect(uibox_shows(&b, "[frozen: Z]"));
    cr_expect(uibox_shows(&b, "press Z first"));
    cr_expect_null(b.ui.modal);
    cr_expect_str_eq(b.started, "");
    uibox_keys(&b, "Z s y");
    cr_expect(!uibox_shows(&b, "[frozen"));
    cr_expect_str_eq(b.started, "mytop-docker --batch stop @api\n");
    uibox_done(&b);
}
