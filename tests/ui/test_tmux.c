/* The main job in tmux on the real engine: run busybox through the form, see its log, exec and
 * leave, stop, commit, rm, quit; after each key the engine is asked too. Needs root and tmux. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "state.h"

static struct state box;

static const char *why_not(void)
{
    if (geteuid() != 0)
        return "needs root";
    return access("/usr/bin/tmux", X_OK) < 0 ? "needs tmux" : NULL;
}

static void make(void)
{
    if (why_not())
        cr_skip("%s", why_not());
    state_make(&box);
}

static void done(void)
{
    char cmd[256];
    if (why_not())
        return;
    snprintf(cmd, sizeof(cmd), "tmux -S %s/tmux kill-server 2>/dev/null", box.dir.path);
    if (system(cmd) < 0)
        perror("tmux");
    state_done(&box);
}

TestSuite(tmux, .init = make, .fini = done, .timeout = 120);

/* A shell command's output; the tests' own commands only. */
static char *shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *shell(const char *fmt, ...)
{
    char cmd[2048];
    struct buf out = {0};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cmd, sizeof(cmd), fmt, ap);
    va_end(ap);
    FILE *f = popen(cmd, "r");
    for (int c; f && (c = fgetc(f)) != EOF;)
        buf_putc(&out, (char)c);
    if (f)
        pclose(f);
    return buf_take(&out);
}

static char *capture(void)
{
    return shell("tmux -S %s/tmux capture-pane -p", box.dir.path);
}

static void keys(const char *names)
{
    free(shell("tmux -S %s/tmux send-keys %s", box.dir.path, names));
}

static void type(const char *text)
{
    free(shell("tmux -S %s/tmux send-keys -l \"%s\"", box.dir.path, text));
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 30 * NS_PER_MS}, NULL);
}

static bool wait_screen(const char *text, bool there)
{
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while (clock_mono_ns() < end) {
        auto_free char *screen = capture();
        if ((strstr(screen, text) != NULL) == there)
            return true;
        nap();
    }
    auto_free char *screen = capture();
    cr_log_error("%s \"%s\":\n%s", there ? "no" : "still", text, screen);
    return false;
}
#define SEE(text) cr_assert(wait_screen(text, true))
#define GONE(text) cr_assert(wait_screen(text, false))

static char *engine(const char *args)
{
    return shell("%s --root %s/root --run-root %s/run --batch %s 2>&1", MTD_PROGRAM,
                 box.dir.path, box.dir.path, args);
}

static bool wait_engine(const char *args, const char *text)
{
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while (clock_mono_ns() < end) {
        auto_free char *out = engine(args);
        if (strstr(out, text))
            return true;
        nap();
    }
    return false;
}

static void open_dashboard(void)
{
    free(shell(
        "env -u TMUX LC_ALL=C.UTF-8 tmux -u -f /dev/null -S %s/tmux new-session -d -x 100 "
        "-y 30 'PS1=ready: sh'",
        box.dir.path));
    SEE("ready:");
    auto_free char *cmd = NULL;
    cr_assert_gt(asprintf(&cmd, "%s --root %s/root --run-root %s/run; echo status=\\$?",
                          MTD_PROGRAM, box.dir.path, box.dir.path),
                 0);
    type(cmd);
    keys("Enter");
    SEE("no containers yet");
}

static void run_through_the_form(const char *command, const char *name)
{
    keys("n");
    SEE("run a container");
    type("busybox");
    keys("Tab");
    type(command);
    keys("Tab");
    type(name);
    SEE("= mytop-docker run -d --name");
    keys("Enter");
    GONE("run a container");
    SEE("1 up");
}

Test(tmux, the_main_job)
{
    open_dashboard();
    run_through_the_form("sh -c 'echo hello from inside; sleep 1000'", "mybox");
    SEE("hello from inside");
    cr_expect(wait_engine("ps --format '{{.Names}} {{.State}}'", "mybox running"));

    keys("e");
    SEE("/ #");
    type("echo pid-\\$\\$-here; stty size");
    keys("Enter");
    SEE("-here");
    SEE("30 100");
    type("exit");
    keys("Enter");
    SEE("S NAME");
    SEE("hello from inside");

    keys("c");
    SEE("commit mybox");
    type("saved:1");
    keys("Enter");
    SEE("commit ");
    cr_expect(wait_engine("images", "saved"));

    keys("K");
    SEE("which signal");
    keys("K Enter");
    SEE("Its first process gets SIGKILL");
    keys("y");
    SEE("exit 137");
    cr_expect(wait_engine("ps -a --format '{{.Names}} {{.State}}'", "mybox exited"));

    keys("s");
    SEE("1 up");
    cr_expect(wait_engine("ps --format '{{.State}}'", "running"));

    keys("d");
    SEE("force kills it");
    keys("f");
    SEE("no containers yet");
    auto_free char *left = engine("ps -aq");
    cr_expect_str_empty(left);

    keys("q");
    SEE("status=0");
    GONE("no containers yet");
    type("echo back-to-'normal'");
    keys("Enter");
    SEE("back-to-normal");
}

Test(tmux, keys_typed_ahead_belong_to_the_shell)
{
    open_dashboard();
    run_through_the_form("sleep 1000", "mybox");
    type("eecho ahead-\\$((6*7))"); /* e opens the shell, the rest is its */
    keys("Enter");
    SEE("ahead-42");
    type("exit");
    keys("Enter");
    SEE("S NAME");
    keys("q");
    SEE("status=0");
}

static bool panes_are(const char *n)
{
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while (clock_mono_ns() < end) {
        auto_free char *out =
            shell("tmux -S %s/tmux display-message -p '#{window_panes}'", box.dir.path);
        if (strncmp(out, n, strlen(n)) == 0)
            return true;
        nap();
    }
    return false;
}

Test(tmux, a_shell_in_a_pane_beside_the_dashboard)
{
    open_dashboard();
    run_through_the_form("sleep 1000", "mybox");
    keys("C-e");
    cr_assert(panes_are("2"));
    SEE("/ #"); /* the new pane is the active one */
    type("echo in-pane-\\$((6*7)); hostname");
    keys("Enter");
    SEE("in-pane-42");
    free(shell("tmux -S %s/tmux select-pane -t 0", box.dir.path));
    SEE("a shell is open in a pane of tmux");
    keys("2"); /* it goes on beside the shell */
    SEE("[2 Stats]");
    free(shell("tmux -S %s/tmux select-pane -t 1", box.dir.path));
    type("exit");
    keys("Enter");
    cr_expect(panes_are("1"));
    SEE("S NAME");

    auto_free char *gone = engine("exec mybox rm /bin/sh");
    cr_assert_str_empty(gone);
    keys("C-e");
    cr_assert(panes_are("2"));
    SEE("no shell in mybox: tried bash and /bin/sh");
    keys("Enter");
    cr_expect(panes_are("1"));
    SEE("S NAME"); /* as large as before: tmux takes its time, and q goes back from half a screen */
    keys("e");
    SEE("no shell in mybox: tried bash and /bin/sh; E asks for a command");
    keys("q");
    SEE("status=0");
}

/* The shell's terminal has the size of the screen, also when that changes. */
Test(tmux, the_shell_follows_the_size)
{
    open_dashboard();
    run_through_the_form("sleep 1000", "mybox");
    keys("e");
    SEE("/ #");
    free(shell("tmux -S %s/tmux resize-window -x 61 -y 17", box.dir.path));
    type("until stty size | grep '17 61'; do sleep 0.1; done; echo grown-\\$((6*7))");
    keys("Enter");
    SEE("grown-42");
    type("exit");
    keys("Enter");
    SEE("S NAME");
    SEE("mybox");
    keys("q");
    SEE("status=0");
}

/* What goes on until ctrl-c has the terminal for itself; ctrl-c ends it, not the dashboard. */
Test(tmux, a_command_without_end_gets_the_terminal)
{
    open_dashboard();
    run_through_the_form("sh -c 'while :; do echo tick; sleep 0.1; done'", "mybox");
    keys(":");
    type("logs -f mybox");
    keys("Enter");
    GONE("S NAME");
    SEE("tick");
    keys("C-c");
    SEE("Enter returns to the dashboard");
    keys("Enter");
    SEE("S NAME");
    keys("q");
    SEE("status=0");
}

/* top tells "PID CMD" and the command, or that the container has none of these. */
static bool await_sleeper(bool there)
{
    return wait_engine("top mybox -o pid,args | grep -c 'sleep [8]7654321'",
                       there ? "1" : "0");
}

Test(tmux, no_shell_stays_behind_a_killed_dashboard)
{
    open_dashboard();
    run_through_the_form("sleep 1000", "mybox");
    keys("e");
    SEE("/ #");
    type("sleep 87654321");
    keys("Enter");
    cr_assert(await_sleeper(true));
    pid_t guard = state_find(&box, "--run-root"), dashboard = state_child(guard);
    cr_assert(guard > 0 && dashboard > 0);
    kill(dashboard, SIGKILL);
    SEE("the terminal is restored");
    cr_expect(await_sleeper(false), "the shell in the container lives on");
    type("echo back-to-'normal'");
    keys("Enter");
    SEE("back-to-normal");
}

Test(tmux, an_action_that_fails_says_why)
{
    open_dashboard();
    keys("n");
    SEE("run a container");
    type("localhost:1/nosuchimage");
    keys("Enter");
    SEE("nosuchimage");
    SEE("FAILED 125");
    keys(":");
    type("journal");
    keys("Enter");
    SEE("FAILED with status 125");
    keys("q");
    GONE("journal: what");
    keys("q");
    SEE("status=0");
}

/* A process above the one at the cursor ends: its row is another's, and the signal is not. */
Test(tmux, the_cursor_of_top_stays_at_its_process)
{
    open_dashboard();
    run_through_the_form(
        "sh -c 'trap : USR1; sleep 1111 & a=\\$!; sleep 2222 & sleep 3333 & "
        "while :; do wait; kill \\$a; done'",
        "mybox");
    keys("T");
    SEE("4 processes");
    keys("Enter j j"); /* the whole screen; pid 1 and the first sleep are above */
    free(engine("kill -s USR1 mybox")); /* which ends the first sleep */
    SEE("3 processes");
    keys("K");
    SEE("signal process");
    SEE("(sleep 2222)");
    keys("Escape q");
}

static pid_t stopping;
static bool stops(void *arg)
{
    (void)arg;
    stopping = state_find(&box, "stop");
    return stopping > 0;
}

/* Whoever was killed has done nothing, whatever its exit status would be. */
Test(tmux, an_action_whose_process_is_killed_has_failed)
{
    open_dashboard();
    run_through_the_form("sh -c 'trap : TERM; while :; do sleep 0.1; done'", "mybox");
    keys("s y");
    cr_assert(state_until(stops, NULL));
    kill(stopping, SIGKILL);
    SEE("FAILED 137");
    keys("q");
    SEE("status=0");
}

static bool shell_is_gone(void *arg)
{
    (void)arg;
    return state_find(&box, "exec") == 0;
}

/* In a window of its own the dashboard's guard leads the session, and is the only one whom the kernel
 * tells that the window was closed; the dashboard is not reading, as a shell has the terminal. */
Test(tmux, a_window_that_is_closed_ends_the_shell_in_it)
{
    free(engine("run -d --name mybox busybox sleep 1000"));
    free(
        shell("env -u TMUX LC_ALL=C.UTF-8 tmux -u -f /dev/null -S %s/tmux new-session -d "
              "-x 100 -y 30 '%s --root %s/root --run-root %s/run'",
              box.dir.path, MTD_PROGRAM, box.dir.path, box.dir.path));
    SEE("1 up");
    keys("e");
    SEE("/ #");
    cr_assert(!shell_is_gone(NULL));
    free(shell("tmux -S %s/tmux kill-session", box.dir.path));
    cr_expect(state_until(shell_is_gone, NULL), "it goes on without a terminal");
}
