/* cli: exit statuses, refusals in one line that leave no trace, docker's and mydocker's
 * spellings, on real containers. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "exec_box.h"
#include "tempdir.h"

#define WORDS 16

static struct result r;

static void forget(void)
{
    char *save = NULL;
    if (!box_home()[0])
        return;
    BOX(&r, "ps", "-aq", "--no-trunc");
    char *ids = strdup(r.out);
    for (char *id = strtok_r(ids, "\n", &save); id; id = strtok_r(NULL, "\n", &save))
        BOX(&r, "rm", "-f", "-v", id);
    free(ids);
    BOX(&r, "run", "-d", "--name", "box", "busybox", "sleep",
        "1000"); /* what box_delete removes */
    box_delete();
}
TestSuite(cli, .init = box_make, .fini = forget, .timeout = 60);

static int count_lines(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* Containers and names in the state directory. */
static int count_traces(void)
{
    int dir = open(box_home(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int containers = tempdir_count(dir, "root/containers");
    int names = tempdir_count(dir, "root/names"), runs = tempdir_count(dir, "run");
    close(dir);
    cr_expect_eq(containers, names);
    return containers * 1000 + runs;
}

static void check_refused(const char *const args[], int status, const char *text)
{
    int before = count_traces();
    box_run(&r, NULL, 0, args);
    cr_expect_eq(r.status, status, "%s %s: %d, not %d: %s", args[0], args[1], r.status,
                 status, r.err);
    cr_expect_eq(count_lines(r.err), 1, "%s %s: %s", args[0], args[1], r.err);
    cr_expect(strncmp(r.err, "mytop-docker: ", 14) == 0, "%s", r.err);
    cr_expect(strstr(r.err, text), "%s %s: \"%s\" is not in %s", args[0], args[1], text,
              r.err);
    cr_expect_eq(count_traces(), before, "%s %s leaves something", args[0], args[1]);
}

struct refusal {
    const char *args[WORDS];
    int status;
    const char *text;
};

static void check_all(const struct refusal *cases)
{
    for (; cases->args[0]; cases++)
        check_refused(cases->args, cases->status, cases->text);
}

Test(cli, bad_input_of_run_leaves_no_trace)
{
    static const struct refusal CASES[] = {
        {{"run", "--pull", "never", "nosuchimage", "true"},
         125,
         "image \"nosuchimage\" not found"},
        {{"run", "--name", "bad name", "busybox", "true"}, 125, "invalid container name"},
        {{"run", "--name", "box", "busybox", "true"}, 125, "box"},
        {{"run", "-v", "/nonexistent/x:/y", "busybox", "true"}, 125, "/nonexistent/x"},
        {{"run", "-m", "1k", "busybox", "true"}, 125, "minimum"},
        {{"run", "-m", "many", "busybox", "true"}, 125, "size"},
        {{"run", "--cpus", "9999", "busybox", "true"}, 125, "out of range"},
        {{"run", "--cpuset-cpus", "9999", "busybox", "true"}, 125, "CPUs"},
        {{"run", "--env-file", "/nonexistent", "busybox", "true"}, 125, "/nonexistent"},
        {{"run", "--nonsense", "busybox", "true"},
         125,
         "unknown option --nonsense; 'mytop-docker run --help' lists them"},
        {{"run", "-x", "busybox", "true"},
         125,
         "unknown option -x; 'mytop-docker run --help' lists them"},
        {{"run", "-itx", "busybox", "true"},
         125,
         "unknown option -x in -itx; 'mytop-docker run --help' lists them"},
        {{"run"}, 1, "at least 1 argument"},
        {{"run", ""}, 125, "empty"},
        {{"run", "--rm", "--restart", "always", "busybox", "true"}, 125, "onflicting"},
        {{"run", "-p", "80:80", "busybox", "true"},
         125,
         "needs a network; add --network"},
        {{"run", "--network", "nonsense", "busybox", "true"},
         125,
         "network nonsense not found; make it with: network create nonsense"},
        {{"run", "--detach-keys", "nonsense", "busybox", "true"}, 125, "--detach-keys"},
        {{"run", "-d", "-a", "stdout", "busybox", "true"}, 125, "onflicting"},
        {{"run", "--stop-signal", "NOPE", "busybox", "true"}, 125, "signal"},
        {{"run", "-it", "busybox", "true"}, 1, "the input device is not a TTY"},
        {{"create", "--name", "box", "busybox", "true"}, 1, "box"},
        {{"create", "--pull", "never", "nosuch:1"}, 1, "nosuch"},
        {{"create", "--env-file", "/nonexistent", "busybox", "true"},
         125,
         "/nonexistent"},
        {{NULL}},
    };
    check_all(CASES);
}

Test(cli, what_starts_and_fails_is_removed_with_rm)
{
    static const struct refusal CASES[] = {
        {{"run", "--rm", "busybox", "nonexistent"}, 127, "nonexistent"},
        {{"run", "--rm", "busybox", "/etc"}, 126, "/etc"},
        {{"run", "--rm", "busybox", "/etc/passwd"}, 126, "/etc/passwd"},
        {{"run", "--rm", "-d", "busybox", "nonexistent"}, 127, "nonexistent"},
        {{"run", "--rm", "-u", "nobodyknows", "busybox", "true"}, 125, "nobodyknows"},
        {{NULL}},
    };
    check_all(CASES);
}

Test(cli, bad_input_of_the_other_verbs)
{
    static const struct refusal CASES[] = {
        {{"frobnicate"}, 1, "unknown command"},
        {{"stop"}, 1, "at least 1 argument"},
        {{"stop", "nosuch"}, 1, "nosuch"},
        {{"stop", "-t", "soon", "box"}, 125, "soon"},
        {{"start", "nosuch"}, 1, "nosuch"},
        {{"restart", "nosuch"}, 1, "nosuch"},
        {{"kill", "nosuch"}, 1, "nosuch"},
        {{"kill", "-s", "NOPE", "box"}, 1, "NOPE"},
        {{"wait", "nosuch"}, 1, "nosuch"},
        {{"pause", "nosuch"}, 1, "nosuch"},
        {{"unpause", "box"}, 1, "box"},
        {{"rm", "nosuch"}, 1, "nosuch"},
        {{"rm", "box"}, 1, "stop it first or use -f"},
        {{"rename", "nosuch", "x"}, 1, "nosuch"},
        {{"rename", "box", "a b"}, 1, "invalid container name"},
        {{"rename", "box", "box"}, 1, "same name"},
        {{"rename", "box"}, 1, "needs 2 arguments"},
        {{"update", "box"}, 1, "nothing to change"},
        /* docker's client judges what a number is, its daemon what a limit may be */
        {{"update", "-m", "1k", "box"}, 1, "minimum"},
        {{"update", "-m", "many", "box"}, 125, "size"},
        {{"update", "--memory-reservation", "1k", "box"}, 1, "minimum"},
        {{"update", "--cpus", "9999", "box"}, 1, "out of range"},
        {{"update", "--cpus", "many", "box"}, 125, "number of CPUs"},
        {{"update", "--cpuset-cpus", "9999", "box"}, 1, "CPUs"},
        {{"update", "--cpu-quota", "5", "box"}, 1, "minimum"},
        {{"update", "--cpu-period", "5", "box"}, 1, "out of range"},
        {{"update", "--cpu-shares", "1", "box"}, 1, "out of range"},
        {{"update", "--blkio-weight", "5", "box"}, 1, "out of range"},
        {{"update", "--pids-limit", "-5", "box"}, 1, "out of range"},
        {{"update", "--pids-limit", "99999999999999999999", "box"}, 125, "number of"},
        {{"ps", "--filter", "name"}, 125, "KEY=VALUE"},
        {{"images", "--filter", "dangling"}, 125, "KEY=VALUE"},
        {{"volume", "ls", "--filter", "name"}, 125, "KEY=VALUE"},
        {{"network", "ls", "--filter", "name"}, 125, "KEY=VALUE"},
        {{"events", "--until", "1", "--filter", "type"}, 125, "KEY=VALUE"},
        {{"system", "prune", "-f", "--filter", "until"}, 125, "KEY=VALUE"},
        {{"container", "prune", "-f", "--filter", "until"}, 125, "KEY=VALUE"},
        {{"image", "prune", "-f", "--filter", "until"}, 125, "KEY=VALUE"},
        {{"volume", "prune", "-f", "--filter", "label"}, 125, "KEY=VALUE"},
        {{"network", "prune", "-f", "--filter", "until"}, 125, "KEY=VALUE"},
        {{"ps", "--filter", "nosuch=1"}, 1, "unknown key"},
        {{"network", "create", "bridge"},
         1,
         "not permitted on predefined bridge network"},
        {{"network", "create", "host"}, 1, "not permitted on predefined host network"},
        {{"network", "create", "none"}, 1, "not permitted on predefined none network"},
        {{"network", "create", "default"}, 1, "predefined default network"},
        {{"network", "rm", "bridge"}, 1, "is a pre-defined network"},
        {{"network", "rm", "host"}, 1, "is a pre-defined network"},
        {{"network", "rm", "none"}, 1, "is a pre-defined network"},
        {{"build", "-f", "nosuch", "/tmp"}, 1, "no Dockerfile"},
        {{"exec", "nosuch", "true"}, 1, "nosuch"},
        {{"exec", "box"}, 1, "at least 2 arguments"},
        {{"exec", "-it", "box", "true"}, 1, "the input device is not a TTY"},
        {{"exec", "-w", "relative", "box", "true"}, 126, "absolute"},
        {{"exec", "box", "nonexistent"}, 127, "nonexistent"},
        {{"exec", "box", "/etc"}, 126, "/etc"},
        {{"attach", "nosuch"}, 1, "nosuch"},
        {{"logs", "nosuch"}, 1, "nosuch"},
        {{"logs", "--since", "nonsense", "box"}, 1, "nonsense"},
        {{"logs", "--until", "1.2.3", "box"}, 1, "1.2.3"},
        {{"events", "--since", "nonsense"}, 1, "nonsense"},
        {{"stop", "-t", "-2", "box"}, 125, "-2"},
        {{"restart", "-t", "1s", "box"}, 125, "1s"},
        {{"kill", "-s", "0", "box"}, 1, "0"},
        {{"kill", "-s", "65", "box"}, 1, "65"},
        {{"update", "--restart", "on-failure:-1", "box"}, 1, "on-failure:-1"},
        {{"update", "--restart", "on-failure:x", "box"}, 1, "on-failure:x"},
        {{"attach", "--detach-keys", "ctrl-", "box"}, 1, "ctrl-"},
        {{"exec", "--detach-keys", "ctrl-1", "box", "true"}, 1, "ctrl-1"},
        {{"start", "--detach-keys", "ab", "box"}, 1, "ab"},
        {{"inspect", "nosuch"}, 1, "nosuch"},
        {{"inspect", "-f", "{{.Nope}}", "box"}, 1, ".Nope"},
        {{"inspect", "-f", "{{", "box"}, 1, "template: 1:3: unclosed action"},
        {{"ps", "--format", "{{.Nope}}"}, 1, ".Nope"},
        {{"ps", "--format", "{{range .ID}}"}, 1, "template: 1:3: {{range}}"},
        {{"ps", "--filter", "nope=1"}, 1, "nope"},
        {{"ps", "--filter", "status=nope"}, 1, "nope"},
        {{"ps", "operand"}, 1, "operand"},
        {{"images", "--format", "{{.Nope}}"}, 1, ".Nope"},
        {{"rmi", "nosuch"}, 1, "nosuch"},
        {{"tag", "nosuch", "x"}, 1, "nosuch"},
        {{"history", "nosuch"}, 1, "nosuch"},
        {{"commit", "nosuch"}, 1, "nosuch"},
        {{"export", "nosuch"}, 1, "nosuch"},
        {{"import", "/nonexistent"}, 1, "/nonexistent"},
        {{"import", "http://host/x.tar"}, 1, "downloaded"},
        {{"top", "nosuch"}, 1, "nosuch"},
        {{"diff", "nosuch"}, 1, "nosuch"},
        {{"stats", "--no-stream", "nosuch"}, 1, "nosuch"},
        {{"search", "busybox"}, 1, "not supported"},
        {{"cp", "a", "b"}, 1, "must specify at least one container"},
        {{"port", "box", "80"}, 1, "no public port '80' published"},
        {{"stop"}, 1, "needs at least 1 argument"},
        {{"logs", "a", "b"}, 1, "takes 1 argument"},
        {{"ps", "x"}, 1, "unexpected argument"},
        {{"top", "box", "-Z"}, 1, "not one of the options of ps"},
        {{NULL}},
    };
    check_all(CASES);
}

Test(cli, attach_needs_one_that_runs)
{
    static const struct refusal STOPPED[] = {
        {{"attach", "box"}, 1, "it is not running; start it first"},
        {{"attach", "--detach-keys", "ctrl-", "box"}, 1, "ctrl-"},
        {{NULL}},
    };
    static const struct refusal PAUSED[] = {
        {{"attach", "box"}, 1, "it is paused; unpause it first"},
        {{NULL}},
    };
    BOX(&r, "pause", "box");
    check_all(PAUSED);
    BOX(&r, "stop", "-t", "0", "box");
    check_all(STOPPED);
}

/* ---- exit statuses ---- */

struct outcome {
    const char *args[WORDS];
    int status;
    const char *out; /* NULL = whatever */
};

static void check_outcomes(const struct outcome *cases)
{
    for (; cases->args[0]; cases++) {
        box_run(&r, NULL, 0, cases->args);
        cr_expect_eq(r.status, cases->status, "%s %s: %d, not %d: %s", cases->args[0],
                     cases->args[1], r.status, cases->status, r.err);
        if (cases->out)
            cr_expect_str_eq(r.out, cases->out, "%s %s: \"%s\"", cases->args[0],
                             cases->args[1], r.out);
    }
}

Test(cli, statuses_and_output)
{
    static const struct outcome CASES[] = {
        {{"run", "--rm", "busybox", "true"}, 0, ""},
        {{"run", "--rm", "busybox", "false"}, 1, ""},
        {{"run", "--rm", "busybox", "sh", "-c", "exit 77"}, 77, ""},
        {{"run", "--rm", "busybox", "sh", "-c", "exit 125"}, 125, ""},
        {{"exec", "box", "sh", "-c", "kill -9 $$"}, 137, ""},
        {{"run", "--rm", "busybox", "sh", "-c", "kill -9 $$; echo alive"}, 0, "alive\n"},
        {{"run", "--rm", "busybox", "echo", "a b", "", "'c'"}, 0, "a b  'c'\n"},
        {{"run", "--rm", "busybox", "--", "echo", "x"}, 127, ""},
        {{"run", "--rm", "--", "busybox", "echo", "x"}, 0, "x\n"},
        {{"run", "--rm", "-w", "/a/b", "busybox", "pwd"}, 0, "/a/b\n"},
        {{"run", "--rm", "--entrypoint", "echo", "busybox", "x"}, 0, "x\n"},
        {{"run", "--rm", "-h", "host-name", "busybox", "hostname"}, 0, "host-name\n"},
        {{"run", "--rm", "-a", "stderr", "busybox", "echo", "x"}, 0, ""},
        {{"exec", "box", "echo", "a b"}, 0, "a b\n"},
        {{"exec", "box", "--", "echo", "x"}, 127, ""},
        {{"exec", "--", "box", "echo", "x"}, 0, "x\n"},
        {{"exec", "box", "sh", "-c", "exit 9"}, 9, ""},
        {{"exec", "-e", "COLOUR=red", "box", "sh", "-c", "echo $COLOUR"}, 0, "red\n"},
        {{"pause", "box"}, 0, "box\n"},
        {{"pause", "box"}, 1, ""},
        {{"exec", "box", "true"}, 1, ""},
        {{"ps", "--format", "{{.Names}} {{.State}}"}, 0, "box paused\n"},
        {{"unpause", "box"}, 0, "box\n"},
        {{"start", "box"}, 0, "box\n"},
        {{"rename", "box", "box2"}, 0, ""},
        {{"rename", "box2", "/box"}, 0, ""},
        {{"stop", "-t", "0", "box"}, 0, "box\n"},
        {{"stop", "box"}, 0, "box\n"},
        {{"wait", "box"}, 0, "137\n"},
        {{"kill", "box"}, 1, ""},
        {{"top", "box"}, 1, ""},
        {{"attach", "box"}, 1, ""},
        {{"exec", "box", "true"}, 1, ""},
        {{"restart", "-t", "0", "/box"}, 0, "/box\n"},
        {{"kill", "-s", "SIGKILL", "box"}, 0, "box\n"},
        {{"rm", "box"}, 0, "box\n"},
        {{"rm", "-f", "box"}, 0, ""},
        {{"ps", "-aq"}, 0, ""},
        {{"inspect", "nosuch"}, 1, "[]\n"},
        {{NULL}},
    };
    check_outcomes(CASES);
}

/* What is no option of the command line is one of the dashboard's, or of nobody. */
Test(cli, an_unknown_option_without_a_verb_is_named)
{
    static const char *const CASES[][2] = {
        {"--nonsense", "unknown option --nonsense; 'mytop-docker --help' lists them\n"},
        {"--ascii -x", "unknown option -x; 'mytop-docker --help' lists them\n"},
        {"--config", "option --config needs a value\n"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char command[256], got[256] = "", want[256];
        snprintf(command, sizeof(command), MTD_PROGRAM " %s 2>&1 </dev/null",
                 CASES[i][0]);
        snprintf(want, sizeof(want), "mytop-docker: %s", CASES[i][1]);
        FILE *f = popen(command, "r");
        cr_assert_not_null(f);
        size_t n = fread(got, 1, sizeof(got) - 1, f);
        cr_expect_eq(WEXITSTATUS(pclose(f)), 125);
        cr_expect(n == strlen(want) && strcmp(got, want) == 0, "%s", got);
    }
}

/* As docker's client 28: half a command shows its help on stderr and is no failure, what is not
 * known is one. */
Test(cli, half_a_command_is_told_apart_from_an_unknown_one)
{
    static const struct refusal CASES[] = {
        {{"system", "nope"}, 1, "unknown command \"system nope\""},
        {{"nope", "x"}, 1, "unknown command \"nope\""},
        {{"help", "nope"}, 1, "unknown command \"nope\""},
        {{"container", "images"}, 1, "unknown command \"container images\""},
        {{"swarm", "init"}, 1, "not supported"},
        {{"compose"}, 1, "not supported"},
        {{"help", "search"}, 1, "not supported"},
        {{NULL}},
    };
    check_all(CASES);
    box_run(&r, NULL, 0, (const char *const[]){"image", NULL});
    auto_free char *half = strdup(r.err);
    cr_expect_eq(r.status, 0);
    cr_expect_str_eq(r.out, "");
    cr_expect(strstr(half, "\n  ls               List images\n"), "%s", half);
    cr_expect(!strstr(half, "  rmi ") && !strstr(half, "  ps "), "%s", half);
    box_run(&r, NULL, 0, (const char *const[]){"image", "--help", NULL});
    cr_expect_eq(r.status, 0);
    cr_expect_str_eq(r.out, half);
}

static void expect_said(const char *command, int status, const char *text)
{
    char got[8192] = "";
    FILE *f = popen(command, "r");
    cr_assert_not_null(f);
    size_t n = fread(got, 1, sizeof(got) - 1, f);
    got[n] = '\0';
    cr_expect_eq(WEXITSTATUS(pclose(f)), status, "%s", command);
    cr_expect(strstr(got, text), "%s said: %s", command, got);
}

Test(cli, what_cannot_be_written_is_said)
{
    static const char FULL[] = "cannot write to stdout: No space left on device";
    expect_said(MTD_PROGRAM " --help 2>&1 >/dev/full", 125, FULL);
    expect_said(MTD_PROGRAM " --version 2>&1 >/dev/full", 125, FULL);
    expect_said(MTD_PROGRAM " ps --help 2>&1 >/dev/full", 125, FULL);
    expect_said(MTD_PROGRAM " help 2>&1 >/dev/full", 125, FULL);
    char run[512];
    snprintf(run, sizeof(run),
             MTD_PROGRAM " --root %s/root --run-root %s/run run --rm busybox echo hello "
                         "2>&1 >/dev/full",
             box_home(), box_home());
    expect_said(run, 125, "run: cannot write the output: No space left on device");
}

Test(cli, the_dashboard_without_a_terminal_says_why_not)
{
    expect_said(
        MTD_PROGRAM " 2>&1 </dev/null", 125,
        "mytop-docker: the dashboard needs a terminal; give a command, or use --plain");
}

Test(cli, each_failure_is_told_and_the_rest_goes_on)
{
    BOX(&r, "run", "-d", "--name", "two", "busybox", "sleep", "1000");
    BOX(&r, "stop", "-t", "0", "box", "nosuch", "two", "nosuch2");
    cr_expect_eq(r.status, 1);
    cr_expect_str_eq(r.out, "box\ntwo\n");
    cr_expect_eq(count_lines(r.err), 2, "%s", r.err);
    BOX(&r, "rm", "nosuch", "box", "two");
    cr_expect_eq(r.status, 1);
    cr_expect_str_eq(r.out, "box\ntwo\n");
}

Test(cli, oom_is_137)
{
    BOX(&r, "run", "--name", "big", "-m", "16m", "--memory-swap", "16m", "busybox", "sh",
        "-c", "x=0123456789; while :; do x=$x$x; done");
    cr_expect_eq(r.status, 137, "%s", r.err);
    BOX(&r, "inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "big");
    cr_expect_str_eq(r.out, "true 137\n");
}

Test(cli, a_failed_start_without_rm_stays_created)
{
    BOX(&r, "run", "--name", "never", "busybox", "nonexistent");
    cr_expect_eq(r.status, 127);
    BOX(&r, "ps", "-a", "--filter", "name=never", "--format", "{{.State}}");
    cr_expect_str_eq(r.out, "created\n");
    BOX(&r, "start", "never");
    cr_expect_eq(r.status, 1);
    BOX(&r, "rm", "never");
    cr_expect_eq(r.status, 0);
}

/* ---- spellings ---- */

Test(cli, mydockers_spellings)
{
    BOX(&r, "run", "-ti", "-d", "-name", "old", "-mem", "64m", "-cpushare", "512",
        "-cpuset", "0", "-net", "none", "-e", "A=b", "busybox", "sleep", "1000");
    cr_assert_eq(r.status, 0, "%s", r.err);
    BOX(&r, "inspect", "-f",
        "{{.HostConfig.Memory}} {{.HostConfig.CpuShares}} {{.HostConfig.CpusetCpus}} "
        "{{.Config.Tty}} {{.Config.OpenStdin}} {{.Name}}",
        "old");
    cr_expect_str_eq(r.out, "67108864 512 0 true true /old\n");
    static const struct outcome CASES[] = {
        {{"list", "-q", "--filter", "name=old", "--format", "{{.Names}}"}, 0, "old\n"},
        {{"exec", "-containerId", "old", "echo", "x"}, 0, "x\n"},
        {{"commit", "-imageName", "img1", "old"}, 0, NULL},
        {{"commit", "old", "img2"}, 0, NULL},
        {{"commit", "-containerId", "old", "-imageName", "img3"}, 0, NULL},
        {{"images", "--format", "{{.Repository}}", "--filter", "reference=img*"},
         0,
         NULL},
        {{"run", "--rm", "-imageName", "img1", "echo", "y"}, 0, "y\n"},
        {{"stop", "-t", "0", "-containerId", "old"}, 0, "old\n"},
        {{"rm", "-f", "old"}, 0, "old\n"},
        {{NULL}},
    };
    check_outcomes(CASES);
}

Test(cli, ids_and_prefixes)
{
    char id[16];
    BOX(&r, "ps", "-q");
    snprintf(id, sizeof(id), "%.12s", r.out);
    BOX(&r, "inspect", "-f", "{{.Name}}", id);
    cr_expect_str_eq(r.out, "/box\n");
    id[4] = '\0';
    BOX(&r, "exec", id, "echo", "x");
    cr_expect_str_eq(r.out, "x\n");
}

/* ---- names ---- */

Test(cli, twenty_at_once_and_one_wins)
{
    enum { N = 20 };
    pid_t pids[N];
    int won = 0, before = count_traces();
    for (int i = 0; i < N; i++)
        pids[i] = box_start((const char *const[]){"run", "-d", "--name", "only",
                                                  "busybox", "sleep", "1000", NULL});
    for (int i = 0; i < N; i++) {
        int status = box_wait(pids[i]);
        won += status == 0;
        cr_expect(status == 0 || status == 125, "%d", status);
    }
    cr_expect_eq(won, 1);
    cr_expect_eq(count_traces(), before + 1001);
    BOX(&r, "run", "--name", "only", "busybox", "true");
    cr_expect_eq(r.status, 125);
    cr_expect(strstr(r.err, "Conflict") && strstr(r.err, "\"/only\""), "%s", r.err);
}

/* ---- files ---- */

Test(cli, cidfile)
{
    char path[128], id[128] = "";
    snprintf(path, sizeof(path), "%s/cid", box_home());
    BOX(&r, "run", "-d", "--cidfile", path, "busybox", "sleep", "1000");
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect_eq(fs_read_small_at(AT_FDCWD, path, id, sizeof(id)), 64);
    cr_expect(strncmp(id, r.out, 64) == 0);
    check_refused(
        (const char *const[]){"run", "--cidfile", path, "busybox", "true", NULL}, 125,
        "exists");
    cr_assert_eq(unlink(path), 0);
    check_refused((const char *const[]){"run", "--cidfile", path, "--pull", "never",
                                        "nosuchimage", NULL},
                  125, "nosuchimage");
    cr_expect_neq(access(path, F_OK), 0, "a failed run leaves its cidfile");
}

static void put_file(char *path, size_t size, const char *name, const char *text)
{
    snprintf(path, size, "%s/%s", box_home(), name);
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs(text, f);
    fclose(f);
}

Test(cli, env_file)
{
    char path[128];
    setenv("FROM_CALLER", "caller", 1);
    put_file(path, sizeof(path), "env", "# c\nA=1\nB=x y\nFROM_CALLER\nNOT_SET_AT_ALL\n");
    BOX(&r, "run", "--rm", "--env-file", path, "-e", "A=2", "busybox", "sh", "-c",
        "echo \"$A,$B,$FROM_CALLER,${NOT_SET_AT_ALL-unset}\"");
    cr_expect_str_eq(r.out, "2,x y,caller,unset\n");
    put_file(path, sizeof(path), "env", "A=1\nbad name=1\n");
    check_refused(
        (const char *const[]){"run", "--env-file", path, "busybox", "true", NULL}, 125,
        ":2: ");
}

/* ---- ps, logs, inspect ---- */

Test(cli, ps)
{
    BOX(&r, "run", "--name", "done", "-l", "tier=db", "busybox", "sh", "-c", "exit 3");
    BOX(&r, "ps");
    cr_expect(strncmp(r.out, "CONTAINER ID   IMAGE     COMMAND", 32) == 0, "%s", r.out);
    cr_expect_eq(count_lines(r.out), 2);
    cr_expect(strstr(r.out, " box\n") && !strstr(r.out, "done"));
    static const struct outcome CASES[] = {
        {{"ps", "-a", "--format", "{{.Names}} {{.State}}"},
         0,
         "done exited\nbox running\n"},
        {{"ps", "-l", "--format", "{{.Names}}"}, 0, "done\n"},
        {{"ps", "-n", "1", "--format", "{{.Names}}"}, 0, "done\n"},
        {{"ps", "--filter", "status=exited", "--format", "{{.Names}}"}, 0, "done\n"},
        {{"ps", "-a", "--filter", "exited=3", "--format", "{{.Names}}"}, 0, "done\n"},
        {{"ps", "-a", "--filter", "label=tier=db", "--format", "{{.Names}}"},
         0,
         "done\n"},
        {{"ps", "-a", "--filter", "since=box", "--format", "{{.Names}}"}, 0, "done\n"},
        {{"ps", "-a", "--filter", "name=o", "--format", "{{json .Names}}"},
         0,
         "\"done\"\n\"box\"\n"},
        {{"ps", "--format", "table {{.Names}}\\t{{.Image}}"},
         0,
         "NAMES     IMAGE\nbox       busybox\n"},
        {{NULL}},
    };
    check_outcomes(CASES);
    BOX(&r, "ps", "-a", "--format", "{{.Status}}");
    cr_expect(strncmp(r.out, "Exited (3) ", 11) == 0, "%s", r.out);
    BOX(&r, "ps", "-q");
    cr_expect_eq(strlen(r.out), 13);
    BOX(&r, "ps", "-q", "--no-trunc");
    cr_expect_eq(strlen(r.out), 65);
    BOX(&r, "ps", "--format", "json");
    cr_expect(r.out[0] == '{' && strstr(r.out, "\"Names\":\"box\"") &&
              count_lines(r.out) == 1);
}

Test(cli, logs)
{
    BOX(&r, "run", "--name", "talk", "busybox", "sh", "-c",
        "echo one; sleep 0.1; echo two >&2; sleep 0.1; printf thr; printf 'ee\\n\\033[31m'");
    cr_expect_str_eq(r.out, "one\nthree\n\033[31m");
    cr_expect_str_eq(r.err, "two\n");
    BOX(&r, "logs", "talk");
    cr_expect(strncmp(r.out, "one\nthree\n\033[31m", 15) == 0, "%s", r.out);
    cr_expect_str_eq(r.err, "two\n");
    BOX(&r, "logs", "-n", "0", "talk");
    cr_expect_str_eq(r.out, "");
    BOX(&r, "logs", "-t", "-n", "3", "talk");
    cr_expect(strstr(r.out, "Z three\n"), "%s", r.out);
    BOX(&r, "logs", "--since", "1h", "--until", "2020-01-01", "talk");
    cr_expect_str_eq(r.out, "");
    BOX(&r, "logs", "--since", "1h", "talk");
    cr_expect(strncmp(r.out, "one\n", 4) == 0);
    BOX(&r, "create", "--name", "mute", "busybox", "true");
    BOX(&r, "logs", "mute");
    cr_expect(r.status == 0 && !r.out[0] && !r.err[0], "%s", r.err);
}

Test(cli, following_logs_ends_with_the_container)
{
    BOX(&r, "run", "-d", "--name", "count", "busybox", "sh", "-c",
        "for i in 1 2 3; do echo $i; sleep 0.2; done");
    BOX(&r, "logs", "-f", "count");
    cr_expect_eq(r.status, 0);
    cr_expect_str_eq(r.out, "1\n2\n3\n");
    BOX(&r, "run", "-d", "--name", "gone", "busybox", "sh", "-c", "echo x; sleep 1000");
    int master;
    pid_t pid = box_start_on_tty(&master, 24, 80,
                                 (const char *const[]){"logs", "-f", "gone", NULL});
    cr_expect(box_expect(master, "x"));
    BOX(&r, "rm", "-f", "gone");
    cr_expect_eq(box_wait(pid), 0);
    close(master);
}

Test(cli, inspect_finds_what_is_there)
{
    BOX(&r, "inspect", "nosuch", "box", "busybox");
    cr_expect_eq(r.status, 1);
    cr_expect(strncmp(r.out, "[\n    {\n        \"Id\": \"", 23) == 0, "%.60s", r.out);
    cr_expect(strstr(r.out, "\"Name\": \"/box\"") && strstr(r.out, "\"RepoTags\""));
    cr_expect_eq(count_lines(r.err), 1);
    BOX(&r, "inspect", "--type", "image", "box");
    cr_expect_eq(r.status, 1);
    BOX(&r, "network", "create", "--subnet", "10.213.7.0/24", "net");
    BOX(&r, "inspect", "-f", "{{.Driver}}", "net");
    cr_expect_str_eq(r.out, "bridge\n", "%s", r.err);
    BOX(&r, "inspect", "--type", "network", "-f", "{{.Name}}", "net", "box");
    cr_expect_eq(r.status, 1);
    cr_expect_str_eq(r.out, "net\n");
    BOX(&r, "inspect", "-f",
        "{{.State.Running}} {{json .Config.Cmd}} {{.HostConfig.Binds}}", "box");
    cr_expect(strncmp(r.out, "true [\"sleep\",\"100000\"] [", 25) == 0, "%s", r.out);
}

/* ---- scripts ---- */

static void run_script(const char *text, const char *option)
{
    char path[128];
    put_file(path, sizeof(path), "script", text);
    if (option)
        BOX(&r, option, path);
    else
        BOX(&r, path);
}

Test(cli, scripts)
{
    run_script("# first\nexec box echo 'a  b'   \"c\" # more\n\nexec box \\\n  echo d\n",
               NULL);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.out, "a  b c\nd\n");
    run_script("exec box sh -c 'exit 4'\nexec box echo never\n", NULL);
    cr_expect_eq(r.status, 4);
    cr_expect_str_eq(r.out, "");
    run_script("exec box sh -c 'exit 4'\nnonsense\nexec box echo then\n", "--keep-going");
    cr_expect_eq(r.status, 4);
    cr_expect_str_eq(r.out, "then\n");
    cr_expect(strstr(r.err, "/script:2: unknown command \"nonsense\""), "%s", r.err);
    run_script("exec box echo x\nexec box echo 'open\n", NULL);
    cr_expect_eq(r.status, 125);
    cr_expect(strstr(r.err, "/script:2: "), "%s", r.err);
}

Test(cli, a_script_on_stdin_is_not_eaten_by_its_commands)
{
    static const char TEXT[] = "exec -i box cat\nexec box echo second\n";
    box_run(&r, TEXT, sizeof(TEXT) - 1, (const char *const[]){"-", NULL});
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.out, "second\n");
}

/* ---- the state directory ---- */

Test(cli, a_broken_record_is_listed_and_hurts_nobody)
{
    char id[80], path[256];
    BOX(&r, "run", "--name", "bad", "busybox", "true");
    BOX(&r, "inspect", "-f", "{{.Id}}", "bad");
    snprintf(id, sizeof(id), "%.64s", r.out);
    snprintf(path, sizeof(path), "%s/root/containers/%s/config.json", box_home(), id);
    cr_assert_eq(truncate(path, 40), 0);
    BOX(&r, "ps", "-a", "--format", "{{.Names}} {{.Status}}");
    cr_expect_eq(r.status, 0);
    cr_expect(strstr(r.out, "Broken: ") && strstr(r.out, "box Up"), "%s", r.out);
    BOX(&r, "inspect", "bad");
    cr_expect_eq(r.status, 1);
    cr_expect_eq(count_lines(r.err), 1, "%s", r.err);
    BOX(&r, "exec", "box", "echo", "fine");
    cr_expect_str_eq(r.out, "fine\n");
    BOX(&r, "rm", "-f", "bad");
    cr_expect_eq(r.status, 0, "%s", r.err);
    BOX(&r, "ps", "-aq");
    cr_expect_eq(count_lines(r.out), 1);
}

static int run_program(const char *root, uid_t uid, const char *verb, struct result *ret)
{
    int out[2];
    ssize_t n = 0;
    memset(ret, 0, sizeof(*ret));
    cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        dup2(out[1], 2);
        if (uid && setuid(uid) < 0)
            _exit(99);
        execl(MTD_PROGRAM, MTD_PROGRAM, "--root", root, "--run-root", root, verb, NULL);
        _exit(98);
    }
    close(out[1]);
    while ((n = read(out[0], ret->out + ret->out_len,
                     sizeof(ret->out) - ret->out_len - 1)) > 0)
        ret->out_len += (size_t)n;
    close(out[0]);
    return ret->status = box_wait(pid);
}

Test(cli, state_that_cannot_be_written)
{
    char file[128], path[160];
    put_file(file, sizeof(file), "file", "");
    snprintf(path, sizeof(path), "%s/below", file);
    cr_expect_eq(run_program(path, 0, "images", &r), 125, "%s", r.out);
    cr_expect_eq(count_lines(r.out), 1, "%s", r.out);
    cr_expect(strstr(r.out, "below"), "%s", r.out);
}

/* The program may lie where another user cannot reach it: then there is nothing to see. */
Test(cli, who_is_not_root_is_told)
{
    int status = run_program("/tmp/mtd-nobody", 65534, "ps", &r);
    if (status == 98)
        cr_skip_test("another user cannot execute the program here");
    cr_expect_eq(status, 125);
    cr_expect_str_eq(r.out,
                     "mytop-docker: ps: this command must be run as root; use sudo\n");
    cr_expect_eq(run_program("/tmp/mtd-nobody", 65534, "version", &r), 0);
    cr_expect_eq(run_program("/tmp/mtd-nobody", 65534, "--help", &r), 0);
    cr_expect_neq(access("/tmp/mtd-nobody", F_OK), 0);
}

/* ---- signals ---- */

Test(cli, signals_reach_the_container)
{
    pid_t pid = box_start((const char *const[]){
        "run", "--name", "trap", "busybox", "sh", "-c",
        "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done", NULL});
    for (int i = 0; i < 2000 && strcmp(r.out, "ready\n") != 0; i++) {
        usleep(20000);
        BOX(&r, "logs", "trap");
    }
    kill(pid, SIGTERM);
    cr_expect_eq(box_wait(pid), 9);
}

/* ---- terminals ---- */

Test(cli, detaching_and_attaching)
{
    int master;
    pid_t pid = box_start_on_tty(
        &master, 33, 101,
        (const char *const[]){"run", "-it", "--name", "shell", "busybox", "sh", NULL});
    cr_assert(box_expect(master, "# "));
    cr_expect_eq(write(master, "stty size\n", 10), 10);
    cr_expect(box_expect(master, "33 101"));
    cr_expect_eq(write(master, "\x10\x11", 2), 2);
    cr_expect(box_expect(master, "read escape sequence"));
    cr_expect_eq(box_wait(pid), 0);
    close(master);
    BOX(&r, "ps", "--filter", "name=shell", "--format", "{{.State}}");
    cr_expect_str_eq(r.out, "running\n");
    pid =
        box_start_on_tty(&master, 24, 80, (const char *const[]){"attach", "shell", NULL});
    cr_expect_eq(write(master, "exit 6\n", 7), 7);
    cr_expect_eq(box_wait(pid), 6);
    close(master);
}

Test(cli, start_detaches_by_keys_of_its_own)
{
    int master;
    BOX(&r, "create", "-it", "--name", "shell", "busybox", "sh");
    pid_t pid = box_start_on_tty(&master, 24, 80,
                                 (const char *const[]){"start", "-ai", "--detach-keys",
                                                       "ctrl-a,x", "shell", NULL});
    cr_assert(box_expect(master, "# "));
    cr_assert(box_await_raw(master));
    cr_expect_eq(write(master, "\x01x", 2), 2);
    cr_expect(box_expect(master, "read escape sequence"));
    cr_expect_eq(box_wait(pid), 0);
    close(master);
    BOX(&r, "ps", "--filter", "name=shell", "--format", "{{.State}}");
    cr_expect_str_eq(r.out, "running\n");
}

Test(cli, logs_on_a_terminal_show_control_bytes)
{
    int master;
    BOX(&r, "run", "--name", "colour", "busybox", "printf", "\\033[31mred\\007\\n");
    pid_t pid =
        box_start_on_tty(&master, 24, 80, (const char *const[]){"logs", "colour", NULL});
    cr_expect(box_expect(master, "^[[31mred^G"));
    cr_expect_eq(box_wait(pid), 0);
    close(master);
}

/* A word about a container that is not there is no reason to make a state directory. */
Test(cli, what_needs_a_container_makes_no_roots)
{
    static const char *const VERBS[] = {"attach",  "export", "logs",    "top",    "wait",
                                        "diff",    "stop",   "restart", "kill",   "pause",
                                        "unpause", "rm",     "start",   "inspect"};
    for (size_t i = 0; i < sizeof(VERBS) / sizeof(VERBS[0]); i++) {
        char root[300], run[300];
        snprintf(root, sizeof(root), "%s/none/root", box_home());
        snprintf(run, sizeof(run), "%s/none/run", box_home());
        BOX(&r, "--root", root, "--run-root", run, VERBS[i], "nosuch");
        cr_expect_eq(r.status, 1, "%s: %d", VERBS[i], r.status);
        cr_expect_neq(access(root, F_OK), 0, "%s made %s", VERBS[i], root);
        cr_expect_neq(access(run, F_OK), 0, "%s made %s", VERBS[i], run);
    }
    static const char *const LONGER[][4] = {{"exec", "nosuch", "true"},
                                            {"rename", "nosuch", "x"},
                                            {"update", "-m", "1g", "nosuch"},
                                            {"cp", "nosuch:/x", "/tmp"},
                                            {"commit", "nosuch", "x"},
                                            {"container", "prune", "-f"},
                                            {"builder", "prune", "-f"},
                                            {"system", "stop-all"},
                                            {"system", "check"}};
    for (size_t i = 0; i < sizeof(LONGER) / sizeof(LONGER[0]); i++) {
        char root[300], run[300];
        const char *const *w = LONGER[i];
        snprintf(root, sizeof(root), "%s/none/root", box_home());
        snprintf(run, sizeof(run), "%s/none/run", box_home());
        BOX(&r, "--root", root, "--run-root", run, w[0], w[1], w[2], w[3]);
        cr_expect_leq(r.status, 1, "%s: %d: %s", w[0], r.status, r.err);
        cr_expect_neq(access(root, F_OK), 0, "%s made %s", w[0], root);
        cr_expect_neq(access(run, F_OK), 0, "%s made %s", w[0], run);
    }
}
