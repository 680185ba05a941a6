/* The real program on a pseudo terminal: what the terminal is left in however it ends, what it
 * is told while nothing happens, and every kind of terminal. Needs root for the state. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "pty.h"
#include "state.h"

static struct tempdir dir;
static char root[128], run[128];

static void make(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    tempdir_make(&dir);
    tempdir_configure(dir.path, "");
    snprintf(root, sizeof(root), "%s/root", dir.path);
    snprintf(run, sizeof(run), "%s/run", dir.path);
}

static void done(void)
{
    if (geteuid() == 0)
        tempdir_done(&dir);
}

TestSuite(terminal, .init = make, .fini = done, .timeout = 60);

/* The sanitizer shall not turn a crash into an exit. */
#define NO_HANDLERS "ASAN_OPTIONS=handle_segv=0:handle_abort=0"

static const char *const UTF8_XTERM[] = {NO_HANDLERS, "TERM=xterm-256color",
                                         "LC_ALL=C.UTF-8", "NO_COLOR", NULL};

static void start_with(struct pty *p, struct pty_setup s)
{
    const char *const args[] = {"--root", root, "--run-root", run, NULL};
    s.args = args;
    pty_start(p, &s);
}

static void start_in(struct pty *p, const char *const *env, bool ignore_hup)
{
    start_with(p, (struct pty_setup){.env = env, .ignore_hup = ignore_hup});
}

static void start(struct pty *p)
{
    start_in(p, UTF8_XTERM, false);
    cr_assert(pty_expect(p, 0, "no containers yet"), "no screen: %s", p->text);
}

static void expect_given_back(struct pty *p, int status, const char *how)
{
    cr_expect_eq(pty_status(p), status, "%s", how);
    const char *left = pty_left_over(p);
    cr_expect_null(left, "%s leaves %s", how, left);
}

Test(terminal, quit_gives_it_back)
{
    struct pty p;
    start(&p);
    pty_send(&p, "q");
    expect_given_back(&p, 0, "q");
    pty_done(&p);
}

Test(terminal, signals_give_it_back)
{
    static const int SIGNALS[] = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT,
                                  SIGSEGV, SIGABRT, SIGKILL};
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++) {
        struct pty p;
        start(&p);
        pid_t dashboard = pty_child(&p);
        cr_assert_gt(dashboard, 0);
        kill(dashboard, SIGNALS[i]);
        expect_given_back(&p, 128 + SIGNALS[i], strsignal(SIGNALS[i]));
        pty_done(&p);
    }
}

Test(terminal, a_crash_is_told_in_one_line)
{
    struct pty p;
    start(&p);
    kill(pty_child(&p), SIGKILL);
    cr_expect(pty_expect(&p, 0,
                         "the dashboard was ended by SIGKILL; the terminal is restored"));
    pty_done(&p);
}

Test(terminal, signals_to_the_guard_are_handed_on)
{
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGABRT};
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++) {
        struct pty p;
        start(&p);
        kill(p.program, SIGNALS[i]);
        expect_given_back(&p, 128 + SIGNALS[i], strsignal(SIGNALS[i]));
        pty_done(&p);
    }
}

Test(terminal, without_its_guard_the_dashboard_gives_it_back)
{
    struct pty p;
    start(&p);
    size_t before = p.len;
    kill(p.program, SIGKILL);
    cr_expect(pty_expect(&p, before, "\033[?1049l"));
    const char *left = pty_left_over(&p);
    cr_expect_null(left, "%s", left);
    pty_done(&p);
}

Test(terminal, a_lost_terminal_ends_it)
{
    for (int ignore_hup = 0; ignore_hup < 2; ignore_hup++) {
        struct pty p;
        start_in(&p, UTF8_XTERM, ignore_hup);
        cr_assert(pty_expect(&p, 0, "no containers yet"));
        close(p.master);
        p.master = -1;
        kill(p.leader, SIGKILL);
        cr_expect(pty_wait_end(&p), "still there (hup ignored: %d)", ignore_hup);
        pty_done(&p);
    }
}

Test(terminal, the_mouse_is_given_back_and_taken)
{
    struct pty p;
    start(&p);
    cr_expect(strstr(p.text, "\033[?1000h"));
    size_t before = p.len;
    pty_send(&p, "m");
    cr_expect(pty_expect(&p, before, "\033[?1000l"));
    before = p.len;
    pty_send(&p, "m");
    cr_expect(pty_expect(&p, before, "\033[?1000h"));
    pty_send(&p, "q");
    expect_given_back(&p, 0, "q");
    pty_done(&p);
}

Test(terminal, suspend_and_continue)
{
    struct pty p;
    start(&p);
    size_t before = p.len;
    pty_send(&p, "\x1a");
    cr_expect(pty_expect(&p, before, "\033[?1049l"));
    cr_expect(pty_wait_stopped(&p));
    cr_expect_null(pty_left_over(&p));
    before = p.len;
    kill(-p.program, SIGCONT);
    cr_expect(pty_expect(&p, before, "no containers yet"), "drawn again");
    pty_send(&p, "q");
    expect_given_back(&p, 0, "q");
    pty_done(&p);
}

/* From outside: to the dashboard or to its guard, and by the signal that cannot be handled. */
Test(terminal, stopped_by_a_signal_it_comes_back_whole)
{
    static const int SIGNALS[] = {SIGTSTP, SIGSTOP};
    for (size_t i = 0; i < 2; i++) {
        struct pty p;
        start(&p);
        size_t before = p.len;
        kill(i ? pty_child(&p) : p.program, SIGNALS[i]);
        cr_expect(pty_expect(&p, before, "\033[?1049l"), "%d", SIGNALS[i]);
        cr_expect(pty_wait_stopped(&p));
        cr_expect_null(pty_left_over(&p));
        before = p.len;
        kill(-p.program, SIGCONT);
        cr_expect(pty_expect(&p, before, "\033[?1049h"), "%d", SIGNALS[i]);
        cr_expect(pty_expect(&p, before, "no containers yet"), "drawn again");
        pty_send(&p, "q");
        expect_given_back(&p, 0, "q");
        pty_done(&p);
    }
}

Test(terminal, nothing_changed_is_not_a_byte)
{
    struct pty p;
    start(&p);
    /* The first figures come some time. */
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    size_t bytes;
    while ((bytes = pty_quiet(&p, 1500)) > 0 && clock_mono_ns() < end)
        ;
    cr_expect_eq(bytes, 0);
    pty_send(&p, "q");
    pty_status(&p);
    pty_done(&p);
}

/* The clipboard by OSC 52; the screen goes on afterwards. */
Test(terminal, copying)
{
    struct pty p;
    auto_done(outcome_done) struct outcome o = {0};
    struct state box = {.dir = dir};
    o = RUN(&box, "create", "--name", "one", "busybox");
    cr_assert_eq(o.status, 0, "%s", o.err);
    start_in(&p, UTF8_XTERM, false);
    cr_assert(pty_expect(&p, 0, "created"));
    pty_quiet(&p, 50);
    size_t before = p.len;
    pty_send(&p, "y");
    cr_expect(pty_expect(&p, before, "\033]52;c;"));
    cr_expect(pty_expect(&p, before, "copied: "), "the screen stands still");
    const char *sent = memmem(p.text + before, p.len - before, "\033]52;c;", 7);
    char id[70] = "";
    cr_assert(sent);
    for (size_t i = 0; i < 64 / 3 * 4; i += 4) { /* base64 */
        unsigned v = 0;
        for (size_t j = 0; j < 4; j++) {
            static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
                                         "tuvwxyz0123456789+/";
            v = v << 6 | (unsigned)(strchr(DIGITS, sent[7 + i + j]) - DIGITS);
        }
        snprintf(id + i / 4 * 3, 4, "%c%c%c", v >> 16 & 255, v >> 8 & 255, v & 255);
    }
    cr_expect_eq(strncmp(id, o.out, 63), 0, "%s is not %s", id, o.out);
    pty_send(&p, "yyq");
    expect_given_back(&p, 0, "q");
    pty_done(&p);
}

static void expect_screen_in(const char *const *env, const char *text, const char *quit)
{
    struct pty p;
    start_in(&p, env, false);
    cr_expect(pty_expect(&p, 0, text), "%s %s: no \"%s\"", env[0], env[1], text);
    pty_send(&p, quit);
    cr_expect_eq(pty_status(&p), 0, "%s", env[0]);
    const char *left = pty_left_over(&p);
    cr_expect_null(left, "%s leaves %s", env[0], left);
    pty_done(&p);
}

Test(terminal, every_kind)
{
    static const char *const NAMES[] = {"xterm-256color", "xterm",         "screen",
                                        "tmux-256color",  "linux",         "vt100",
                                        "rxvt",           "never-heard-of"};
    static const char *const LANGS[] = {"LC_ALL=C", "LC_ALL=C.UTF-8",
                                        "LC_ALL=en_US.UTF-8"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        for (size_t j = 0; j < sizeof(LANGS) / sizeof(LANGS[0]); j++) {
            char term[64];
            snprintf(term, sizeof(term), "TERM=%s", NAMES[i]);
            const char *const env[] = {term, LANGS[j], NULL};
            expect_screen_in(env, j ? "\xe2\x94\x80" : "no containers yet", "q");
        }
}

Test(terminal, no_terminfo_and_no_locale_files)
{
    static const struct {
        const char *term, *notice;
    } CASES[] = {{"TERM=xterm-256color", "no terminfo entry for $TERM"},
                 {"TERM=linux", "no terminfo entry for $TERM"},
                 {"TERM=vt100", "unknown terminal $TERM"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const char *const env[] = {CASES[i].term, "LC_ALL=en_US.UTF-8", NULL};
        struct pty p;
        start_with(&p, (struct pty_setup){.env = env, .no_files = true});
        cr_expect(pty_expect(&p, 0, CASES[i].notice), "%s: %s", CASES[i].term, p.text);
        cr_expect(pty_expect(&p, 0, "\xe2\x94\x80"), "%s: UTF-8 all the same",
                  CASES[i].term);
        pty_send(&p, "q");
        expect_given_back(&p, 0, CASES[i].term);
        pty_done(&p);
    }
}

Test(terminal, dumb_gets_a_plain_list)
{
    static const char *const NAMES[] = {"TERM=dumb", "TERM=", "TERM"};
    static const char *const LANGS[] = {"LC_ALL=C", "LC_ALL=C.UTF-8"};
    for (size_t i = 0; i < 6; i++) {
        const char *const env[] = {NAMES[i / 2], LANGS[i % 2], NULL};
        expect_screen_in(env, "q = quit:", "q\n");
    }
}

Test(terminal, no_color_means_none)
{
    static const char *const ENV[] = {"TERM=xterm-256color", "LC_ALL=C.UTF-8",
                                      "NO_COLOR=1", NULL};
    struct pty p;
    start_in(&p, ENV, false);
    cr_assert(pty_expect(&p, 0, "no containers yet"));
    pty_send(&p, "?");
    pty_expect(&p, 0, "keys");
    cr_expect_null(strstr(p.text, "\033[38;5;"));
    cr_expect_null(strstr(p.text, "\033[48;5;"));
    pty_send(&p, "qq");
    pty_status(&p);
    pty_done(&p);
}

Test(terminal, every_size)
{
    static const unsigned short SIZES[][2] = {{1, 1},   {1, 80}, {80, 1},    {2, 2},
                                              {24, 80}, {5, 20}, {200, 500}, {1, 1}};
    struct pty p;
    start(&p);
    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
            struct winsize w = {.ws_row = SIZES[i][0], .ws_col = SIZES[i][1]};
            ioctl(p.master, TIOCSWINSZ, &w);
            pty_quiet(&p, 20);
        }
    struct winsize w = {.ws_row = 25,
                        .ws_col = 81}; /* none of those that may wait still */
    size_t before = p.len;
    ioctl(p.master, TIOCSWINSZ, &w);
    cr_expect(pty_expect(&p, before, "no containers yet"));
    pty_send(&p, "q");
    expect_given_back(&p, 0, "q");
    pty_done(&p);
}

static void expect_root(struct pty *p, const char *text)
{
    cr_expect(pty_expect(p, p->len, text), "no \"%s\"", text);
}

/* Something else in the place of what is read: told, and over when it is right again. */
Test(terminal, a_state_directory_that_cannot_be_read_is_told_and_comes_back)
{
    struct pty p;
    char records[160], away[160];
    snprintf(records, sizeof(records), "%s/containers", root);
    snprintf(away, sizeof(away), "%s/away", dir.path);
    struct state box = {.dir = dir};
    auto_done(outcome_done) struct outcome o =
        RUN(&box, "create", "--name", "one", "busybox");
    cr_assert_eq(o.status, 0, "%s", o.err);
    start_in(&p, UTF8_XTERM, false);
    cr_assert(pty_expect(&p, 0, "created"));
    cr_assert_eq(rename(records, away), 0);
    tempdir_put(&dir, "root/containers", "no directory");
    expect_root(&p, "Not a directory");
    cr_assert_eq(unlink(records), 0);
    cr_assert_eq(rename(away, records), 0);
    expect_root(&p, "0 up");
    pty_send(&p, "q");
    expect_given_back(&p, 0, "q");
    pty_done(&p);
}

/* Leaves whatever is open and has everything drawn again until the text is there. */
static bool comes_back(struct pty *p, const char *text)
{
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while (clock_mono_ns() < end) {
        pty_send(p, "\033");
        pty_quiet(p, 200);
        size_t before = p->len;
        pty_send(p, "\014");
        pty_quiet(p, 200);
        if (memmem(p->text + before, p->len - before, text, strlen(text)))
            return true;
    }
    return false;
}

/* A log streams, the window is torn about, keys are typed; then all is as ever. */
Test(terminal, resize_storm_while_a_log_streams)
{
    struct pty p;
    struct state box = {.dir = dir};
    unsigned seed = 5;
    static const char *const KEYS[] = {"l", "w", "2", "\033", "/x\r",
                                       "1", "G", "+", "?q"};
    auto_done(outcome_done) struct outcome o =
        RUN(&box, "run", "-d", "--name", "noisy", "busybox", "sh", "-c",
            "while :; do echo \"a line of some length with numbers 1234567890\"; "
            "usleep 2000; done");
    cr_assert_eq(o.status, 0, "%s", o.err);
    start_in(&p, UTF8_XTERM, false);
    cr_assert(pty_expect(&p, 0, "noisy"));
    for (int i = 0; i < 200; i++) {
        struct winsize w = {.ws_row = (unsigned short)(1 + rand_r(&seed) % 200),
                            .ws_col = (unsigned short)(1 + rand_r(&seed) % 500)};
        if (i % 4 == 0)
            w = (struct winsize){.ws_row = 1 + i / 4 % 2, .ws_col = 1 + i / 8 % 2};
        ioctl(p.master, TIOCSWINSZ, &w);
        pty_send(&p, KEYS[i % (int)(sizeof(KEYS) / sizeof(KEYS[0]))]);
        pty_quiet(&p, 10);
    }
    struct winsize w = {.ws_row = 24, .ws_col = 80};
    ioctl(p.master, TIOCSWINSZ, &w);
    cr_expect(comes_back(&p, "numbers 1234567890"), "the log goes on");
    cr_expect(comes_back(&p, "noisy"));
    pty_send(&p, "q");
    expect_given_back(&p, 0, "q");
    pty_done(&p);
    auto_done(outcome_done) struct outcome gone = RUN(&box, "rm", "-f", "noisy");
    cr_expect_eq(gone.status, 0, "%s", gone.err);
}

Test(terminal, a_state_directory_that_vanishes_is_told_and_comes_back)
{
    struct pty p;
    char away[160];
    snprintf(away, sizeof(away), "%s/away", dir.path);
    start(&p);
    cr_assert_eq(rename(root, away), 0);
    cr_expect(pty_expect(&p, 0, "state directory"), "%s", p.text);
    size_t before = p.len;
    cr_assert_eq(rename(away, root), 0);
    cr_expect(pty_expect(&p, before, "0 up"), "%s", p.text + before);
    pty_send(&p, "q");
    expect_given_back(&p, 0, "q");
    pty_done(&p);
}

static bool grows(struct pty *p)
{
    size_t before = p->len;
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while (p->len == before && clock_mono_ns() < end)
        pty_quiet(p, 50);
    return p->len > before;
}

/* However fast a log grows: a key's answer must not wait for seconds of it on the way. */
Test(terminal, a_flood_leaves_room_on_a_slow_line)
{
    struct pty p;
    struct state box = {.dir = dir};
    auto_done(outcome_done) struct outcome o =
        RUN(&box, "run", "-d", "--name", "flood", "busybox", "sh", "-c",
            "while :; do head -c 12000 /dev/urandom | base64; usleep 5000; done");
    cr_assert_eq(o.status, 0, "%s", o.err);
    start_with(&p, (struct pty_setup){.env = UTF8_XTERM, .rows = 50, .cols = 200});
    cr_assert(pty_expect(&p, 0, "flood"));
    size_t before = p.len;
    pty_send(&p, "l"); /* "following" is where it was and is not painted again */
    cr_assert(pty_expect(&p, before, "back"));
    cr_expect(grows(&p), "it follows");
    size_t bytes = pty_quiet(&p, 3000);
    cr_expect_lt(bytes, 100000, "%zu bytes in 3 s", bytes);
    pty_send(&p, "qq"); /* the full-screen log, then the list */
    expect_given_back(&p, 0, "q");
    pty_done(&p);
    auto_done(outcome_done) struct outcome gone = RUN(&box, "rm", "-f", "flood");
    cr_expect_eq(gone.status, 0, "%s", gone.err);
}
