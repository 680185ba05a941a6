/* What the acting keys run: the command lines, and what is asked before. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/screen/dispatch.h"
#include "ui/screen/jobs.h"
#include "uibox.h"

static void expect(const char *keys, const char *line)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, keys);
    cr_expect_str_eq(b.started, line, "after %s", keys);
    uibox_done(&b);
}

Test(actions, one_key_one_command_line)
{
    expect("j j j j s", "mytop-docker --batch start @job\n");
    expect("j j j j r", "mytop-docker --batch restart @job\n");
    expect("p", "mytop-docker --batch pause @api\n");
    expect("j p", "mytop-docker --batch unpause @db\n");
    expect("a", "mytop-docker --batch attach @api\n");
    expect(
        "e",
        "mytop-docker --batch exec -it @api /bin/sh -c 'command -v bash >/dev/null 2>&1 "
        "&& exec bash || exec sh'\n");
}

static void expect_way_back(const char *keys, const char *line, const char *way_back)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, keys);
    cr_expect_str_eq(b.started, line, "after %s", keys);
    cr_expect_str_eq(b.way_back, way_back, "after %s", keys);
    uibox_done(&b);
}

/* PID 1 of a container without a terminal ignores ctrl-c, and it has no key to detach with. */
Test(actions, there_is_a_way_back_from_an_attached_container)
{
    expect_way_back("a", "mytop-docker --batch attach @api\n", "ctrl-p ctrl-q");
    expect_way_back("j j a",
                    "mytop-docker --batch attach --sig-proxy=false "
                    "@web-\xe6\xbc\xa2\xe5\xad\x97\n",
                    "ctrl-c");
}

Test(actions, losing_something_is_asked_first)
{
    expect("d", "");
    expect("d Enter", "");
    expect("d y", ""); /* it runs: only force */
    expect("d f", "mytop-docker --batch rm -f @api\n");
    expect("j j j j d y", "mytop-docker --batch rm @job\n");
    expect("j j j j d Tab Enter", "mytop-docker --batch rm @job\n");
    expect("j j j j d Esc", "");
    expect("K Enter", "");
    expect("K Enter y", "mytop-docker --batch kill --signal=SIGTERM @api\n");
    expect("K u y", "");
    expect("K j Enter y", "mytop-docker --batch kill --signal=SIGKILL @api\n");
    expect("j j j j K", "");
    expect("s", "");
    expect("s Enter", "");
    expect("s y", "mytop-docker --batch stop @api\n");
    expect("r", "");
    expect("r y", "mytop-docker --batch restart @api\n");
    expect("j j j s y", "mytop-docker --batch stop @loop\n"); /* restarting */
}

/* Fingers that know less: e, d, r, s, p mean something there. */
Test(actions, no_key_acts_while_the_log_fills_the_screen)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "l");
    for (size_t i = 0; i < b.ui.keys.len; i++) {
        const struct binding *k = &b.ui.keys.table[i];
        struct input_event ev = {.key = k->keys[0]};
        if (k->context != CONTEXT_CONTAINER || !k->acts || k->keys[0] == 'd')
            continue;
        ui_key(&b.ui, &ev);
        cr_expect_null(b.ui.modal, "%s", k->name);
        cr_expect(uibox_shows(&b, "is locked while the log fills the screen"), "%s",
                  k->name);
    }
    uibox_keys(&b, "d Space b u F < > Del");
    cr_expect_null(b.ui.modal);
    cr_expect_str_eq(b.started, "");
    uibox_keys(&b, "Esc s y");
    cr_expect_str_eq(b.started, "mytop-docker --batch stop @api\n");
    uibox_done(&b);
}

/* In Top the process under the cursor is meant, not the container. */
Test(actions, K_in_top_is_about_a_process)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "T K");
    cr_expect_null(b.ui.modal, "there is no process to signal");
    uibox_keys(&b, "Esc K");
    cr_expect(uibox_shows(&b, "kill api: which signal?"), "%s", uibox_text(&b));
    uibox_done(&b);
}

/* A mark that a filter hides is not acted on, and is not lost either. */
Test(actions, hidden_marks_do_not_act)
{
    struct uibox b;
    uibox_make(&b, 24, 100, false);
    uibox_fill(&b);
    uibox_keys(&b, "j j j j Space Space /");
    uibox_type(&b, "name:job");
    uibox_keys(&b, "Enter");
    cr_expect(uibox_shows(&b, "2 marked, 1 hidden"), "%s", uibox_text(&b));
    uibox_keys(&b, "d");
    cr_expect(uibox_shows(&b, "Not the 1 marked that the filter hides"), "%s",
              uibox_text(&b));
    uibox_keys(&b, "y");
    cr_expect_str_eq(b.started, "mytop-docker --batch rm @job\n");
    cr_expect_eq(model_marked(&b.ui.model), 1);
    uibox_keys(&b, "d");
    cr_expect_null(b.ui.modal);
    cr_expect(uibox_shows(&b, "the filter hides the 1 marked; U unmarks them"), "%s",
              uibox_text(&b));
    uibox_done(&b);
}

static void end_job(struct uibox *b, int status, const char *output)
{
    struct job *j = job_new(&b->ui);
    job_arg(j, "stop");
    job_arg(j, model_selected(&b->ui.model)->s->id);
    j->started_mono = 1;
    b->keep = j;
    job_start(j, "stopping");
    buf_puts(&j->output, output);
    job_finish(j, status);
}

/* The end of the line is what is cut: the outcome is at its beginning. */
Test(actions, a_message_begins_with_the_outcome)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    end_job(&b, 0, "api\n");
    cr_expect(uibox_shows(&b, " done 0.0 s  stop api"), "%s", uibox_text(&b));
    end_job(&b, 125,
            "mytop-docker: it did not end within the ten seconds that it was given, and "
            "neither after SIGKILL\n");
    cr_expect(uibox_shows(&b, " FAILED 125  stop: it did not end within"), "%s",
              uibox_text(&b));
    end_job(&b, 1, "mytop-docker: stop: no such container: api\n");
    cr_expect(uibox_shows(&b, " FAILED 1  stop: no such container"), "the verb once: %s",
              uibox_text(&b));
    end_job(&b, 1,
            "mytop-docker: it did not end within the ten seconds that it was given, "
            "and neither after SIGKILL\n");
    cr_expect(uibox_shows(&b, "L: whole"));
    uibox_keys(&b, "j L");
    cr_expect(uibox_shows(&b, "neither after SIGKILL"), "%s", uibox_text(&b));
    uibox_done(&b);
}

Test(actions, marks_are_acted_on_together)
{
    expect("j j j j Space Space d y", "mytop-docker --batch rm @job @done\n");
    expect("Space Space s", "");
    expect("Space Space s y", "mytop-docker --batch stop @api @db\n");
}

Test(actions, exec_needs_a_running_one)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "j j j j e");
    cr_expect(uibox_shows(&b, "exec: job is exited; s starts it"));
    uibox_keys(&b, "k k k e");
    cr_expect(uibox_shows(&b, "exec: db is paused"));
    cr_expect_str_eq(b.started, "");
    uibox_done(&b);
}

Test(actions, run_form_builds_the_line)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_keys(&b, "n");
    uibox_type(&b, "busybox");
    uibox_keys(&b, "Down");
    uibox_type(&b, "echo 'a b'");
    uibox_keys(&b, "Up Up Space Enter");
    cr_expect_str_eq(b.started, "mytop-docker --batch run -d --rm busybox echo 'a b'\n");
    uibox_done(&b);
}

Test(actions, run_form_refuses)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "n Enter");
    cr_expect(uibox_shows(&b, "which image?"));
    uibox_type(&b, "busybox");
    uibox_keys(&b, "Down");
    uibox_type(&b, "echo 'open");
    uibox_keys(&b, "Enter");
    cr_expect(uibox_shows(&b, "a quote is never closed"));
    cr_expect_str_eq(b.started, "");
    uibox_done(&b);
}

Test(actions, rename_and_commit)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "R");
    uibox_type(&b, "2");
    uibox_keys(&b, "Enter c");
    uibox_type(&b, "mine:1");
    uibox_keys(&b, "Down");
    uibox_type(&b, "it works");
    uibox_keys(&b, "Enter");
    cr_expect_str_eq(b.started,
                     "mytop-docker --batch rename @api api2\n"
                     "mytop-docker --batch commit -m 'it works' @api mine:1\n");
    uibox_done(&b);
}

/* The list is read again while a dialog is open. */
static void replace_list(struct uibox *b, enum mtd_state state, bool gone)
{
    struct mtd_list l = {0};
    l.items = calloc(1, sizeof(*l.items));
    l.items[0] =
        uibox_summary(gone ? '9' : '3', gone ? "other" : "job", "busybox", state);
    l.len = 1;
    cr_assert_eq(model_take(&b->ui.model, &l), 0);
    ui_update_modals(&b->ui);
    dispatch_sync(&b->ui);
}

Test(actions, a_confirmation_closes_when_its_container_changes)
{
    for (int gone = 0; gone < 2; gone++) {
        struct uibox b;
        uibox_make(&b, 24, 80, false);
        uibox_fill(&b);
        uibox_keys(&b, "j j j j d");
        cr_expect_not_null(b.ui.modal);
        replace_list(&b, MTD_STATE_RUNNING, gone);
        cr_expect_null(b.ui.modal);
        cr_expect(uibox_shows(&b, gone ? "no longer exists" : "is now running"));
        uibox_keys(&b, "y");
        cr_expect_str_eq(b.started, "");
        uibox_done(&b);
    }
}

Test(actions, read_only_locks_every_acting_key)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    b.ui.read_only = true;
    for (size_t i = 0; i < b.ui.keys.len; i++) {
        const struct binding *k = &b.ui.keys.table[i];
        struct input_event ev = {.key = k->keys[0]};
        if (!k->acts || k->context == CONTEXT_TOP || k->context == CONTEXT_IMAGES ||
            k->context == CONTEXT_VOLUMES)
            continue;
        ui_key(&b.ui, &ev);
        cr_expect_null(b.ui.modal, "%s", k->name);
        cr_expect(uibox_shows(&b, "read-only"), "%s", k->name);
    }
    uibox_keys(&b, ":");
    uibox_type(&b, "rm -f api");
    uibox_keys(&b, "Enter");
    cr_expect_str_eq(b.started, "");
    uibox_keys(&b, ":");
    uibox_type(&b, "ps -a");
    uibox_keys(&b, "Enter");
    cr_expect_str_eq(b.started, "mytop-docker --batch ps -a\n");
    uibox_done(&b);
}

Test(actions, palette_runs_as_typed)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, ":");
    uibox_type(&b, "tag busybox 'my box'");
    uibox_keys(&b, "Enter :");
    uibox_type(&b, "journal");
    uibox_keys(&b, "Enter");
    cr_expect_str_eq(b.started, "mytop-docker --batch tag busybox 'my box'\n");
    cr_expect(uibox_shows(&b, "journal"));
    uibox_done(&b);
}

static void mouse(struct uibox *b, enum mouse button, int row, int col)
{
    struct input_event ev = {.key = KEY_MOUSE, .button = button, .row = row, .col = col};
    ui_key(&b->ui, &ev);
}

Test(actions, the_mouse)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    mouse(&b, MOUSE_LEFT, 6, 10); /* the fifth row */
    cr_expect_str_eq(model_selected(&b.ui.model)->s->name, "job");
    mouse(&b, MOUSE_WHEEL_UP, 4, 10);
    cr_expect_str_eq(model_selected(&b.ui.model)->s->name, "db");
    mouse(&b, MOUSE_WHEEL_DOWN, 4, 10);
    cr_expect_str_eq(model_selected(&b.ui.model)->s->name, "job");
    mouse(&b, MOUSE_LEFT, 1, 4); /* the heading NAME */
    cr_expect_eq(b.ui.model.sort, SORT_NAME);
    mouse(&b, MOUSE_LEFT, 1, 4);
    cr_expect(b.ui.model.reverse);
    mouse(&b, MOUSE_LEFT, 10, 15); /* [2 Stats] */
    cr_expect_eq(b.ui.tab, TAB_STATS);
    mouse(&b, MOUSE_LEFT, 14, 15);
    cr_expect(b.ui.focus_detail);
    for (int row = -1; row < 26; row++) /* anywhere at all */
        for (int col = -1; col < 83; col += 7)
            for (int button = MOUSE_LEFT; button <= MOUSE_WHEEL_DOWN; button++)
                mouse(&b, (enum mouse)button, row, col);
    cr_expect_str_eq(b.started, "");
    uibox_done(&b);
}

Test(actions, quit_and_interrupt)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_keys(&b, "ctrl-c");
    cr_expect(!b.quit);
    cr_expect(uibox_shows(&b, "Containers keep running"));
    uibox_keys(&b, "Esc");
    cr_expect(!b.quit);
    uibox_keys(&b, "q");
    cr_expect(b.quit);
    uibox_done(&b);
}

/* Hands that know less and htop leave the log with q. */
Test(actions, q_on_the_whole_screen_goes_back)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "l");
    cr_expect(uibox_shows(&b, "q back"), "%s", uibox_text(&b));
    uibox_keys(&b, "q");
    cr_expect(!b.quit);
    cr_expect(uibox_shows(&b, "q quit"), "%s", uibox_text(&b));
    uibox_keys(&b, "q");
    cr_expect(b.quit);
    uibox_done(&b);
}

static void run_form_says(const char *downs, const char *text, const char *said)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "n");
    uibox_type(&b, "busybox");
    uibox_keys(&b, downs);
    uibox_type(&b, text);
    cr_expect(uibox_shows(&b, said), "%s", uibox_text(&b));
    uibox_done(&b);
}

/* What the form lets pass is what the command line takes, and vice versa. */
Test(actions, the_run_form_knows_the_command_lines_limits)
{
    run_form_says("Down Down Down Down Down", "512k", "run -d -m 512k busybox");
    run_form_says("Down Down Down Down Down", "511k", "below the minimum of 512KiB");
    run_form_says("Up Up Up", "0:80", "is not a port");
}

Test(actions, copy)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "y");
    cr_expect_eq(strspn(b.copied, "1"), 64);
    uibox_done(&b);
}

/* Between the brackets of a paste nothing acts; a line gets it as one line. */
Test(actions, pasted_text_does_not_act)
{
    struct uibox b;
    struct input_event begin = {.key = KEY_PASTE_BEGIN}, end = {.key = KEY_PASTE_END};
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    ui_key(&b.ui, &begin);
    uibox_type(&b, "sdq");
    ui_key(&b.ui, &end);
    cr_expect_null(b.ui.modal);
    cr_expect_str_eq(b.started, "");
    cr_expect(!b.quit);
    uibox_keys(&b, ":");
    ui_key(&b.ui, &begin);
    uibox_type(&b, "ps");
    uibox_keys(&b, "Enter");
    uibox_type(&b, "-a");
    ui_key(&b.ui, &end);
    cr_expect_not_null(b.ui.modal);
    uibox_keys(&b, "Enter");
    cr_expect_str_eq(b.started, "mytop-docker --batch ps -a\n");
    uibox_done(&b);
}

/* What was asked about one container is never done to another one. */
Test(actions, a_question_is_about_the_container_it_was_asked_for)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "K"); /* api */
    model_move(&b.ui.model, 2);
    uibox_keys(&b, "Enter y E");
    model_move(&b.ui.model, -2);
    uibox_type(&b, "ls -l");
    uibox_keys(&b, "Enter");
    cr_expect(strstr(b.started, "kill --signal=SIGTERM @api\n"), "%s", b.started);
    cr_expect(strstr(b.started, "exec -it @web-"), "%s", b.started);
    uibox_done(&b);
}

/* What was typed is not typed again because the engine said no. */
Test(actions, a_run_that_failed_comes_back_as_it_was_filled_in)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    uibox_keys(&b, "n");
    uibox_type(&b, "nosuch");
    uibox_keys(&b, "Down");
    uibox_type(&b, "sleep 7");
    uibox_keys(&b, "Down Down Down Down");
    uibox_type(&b, "600k");
    uibox_keys(&b, "Enter");
    cr_expect_str_eq(b.started, "mytop-docker --batch run -d -m 600k nosuch sleep 7\n");
    uibox_keys(&b, "n");
    cr_expect(uibox_shows(&b, "= mytop-docker run -d -m 600k nosuch sleep 7"));
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, "busybox");
    cr_expect(uibox_shows(&b, "= mytop-docker run -d -m 600k busybox sleep 7"));
    uibox_keys(&b, "Esc");
    uibox_done(&b);
}

/* The last line tells the keys of what they are for. */
Test(actions, a_dialog_tells_its_keys)
{
    static const struct {
        const char *keys, *shows;
    } WANT[] = {{"n", "Enter go  Tab complete, next field"},
                {"R", "Enter go"},
                {"K", "Enter choose"},
                {"o", "Esc cancel"}};
    for (size_t i = 0; i < sizeof(WANT) / sizeof(WANT[0]); i++) {
        struct uibox b;
        uibox_make(&b, 24, 80, false);
        uibox_fill(&b);
        uibox_keys(&b, WANT[i].keys);
        cr_expect(uibox_shows(&b, WANT[i].shows), "%s: %s", WANT[i].keys, uibox_text(&b));
        cr_expect_not(uibox_shows(&b, "s stop/start"), "%s", WANT[i].keys);
        uibox_keys(&b, "Esc");
        cr_expect(uibox_shows(&b, "s stop/start"), "%s", WANT[i].keys);
        uibox_done(&b);
    }
}

/* With other keys the old advice would be about something else. */
Test(actions, advice_names_the_keys_as_they_are)
{
    struct uibox b;
    uibox_make(&b, 24, 100, false);
    uibox_fill(&b);
    cr_assert_eq(keys_remap(&b.ui.keys, "stop-start", "ctrl-x", NULL), 0);
    cr_assert_eq(keys_remap(&b.ui.keys, "show-all", "ctrl-a", NULL), 0);
    uibox_keys(&b, "j j j j e");
    cr_expect(uibox_shows(&b, "job is exited; ctrl-x starts it"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-a /");
    uibox_type(&b, "name:job");
    uibox_keys(&b, "Enter");
    cr_expect(uibox_shows(&b, "nothing that runs matches: ctrl-a looks at all"), "%s",
              uibox_text(&b));
    uibox_keys(&b, "ctrl-a");
    cr_expect_eq(b.ui.model.n_shown, 1, "the advice was true");
    uibox_done(&b);
}
