/* A container that is hostile to those who enter it by exec: it stops them, replaces what they
 * open, or has moved to other namespaces. Needs root. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../support/state.h"
#include "../support/stopped.h"
#include "base/buf.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(entered, .init = set_up, .fini = tear_down, .timeout = 60);

#ifdef MTD_FAULTS

static void start_box(void)
{
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sleep", "100000"));
}

/* ---- stopped ----------------------------------------------------------------------------- */

static bool is_alone(void *unused)
{
    (void)unused;
    char *top = ASK(&s, "top", "box"); /* a title and the container's process */
    const char *first = strchr(top, '\n');
    bool alone = first && !strchr(first + 1, '\n');
    free(top);
    return alone;
}

/* Before it has said which process it is, and later. A process of the container can send
 * SIGSTOP at any time; the fault point sends it for sure. */
ParameterizedTestParameters(entered, a_stopped_command_is_given_up)
{
    static char faults[][32] = {"exec.inside:stop", "exec.user:stop", "exec.exec:stop"};
    return cr_make_param_array(char[32], faults, sizeof(faults) / sizeof(faults[0]));
}

ParameterizedTest(char fault[32], entered, a_stopped_command_is_given_up)
{
    start_box();
    s.fault = fault;
    struct outcome o = RUN(&s, "exec", "box", "touch", "/ran");
    s.fault = NULL;
    cr_expect_eq(o.status, 1, "%s: status %d", fault, o.status);
    cr_expect_not_null(strstr(o.err, "did not begin within 10 s"), "%s", o.err);
    cr_expect(state_until(is_alone, NULL), "%s: it is left", fault);
    free(ASK(&s, "exec", "box", "test", "!", "-e", "/ran"));
    outcome_done(&o);
}

static bool has_run(void *unused)
{
    (void)unused;
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "exec", "box", "test", "-e", "/ran");
    return o.status == 0;
}

/* What made the command is still there, so the front end does not know yet that it runs. Who has
 * read its output does, and means it with a signal. */
Test(entered, a_signal_after_the_first_output_is_the_commands)
{
    start_box();
    s.fault = "exec.made:stop";
    struct running r = BEGIN(&s, "exec", "box", "sh", "-c",
                             "trap 'echo heard; exit 3' INT; echo ready; touch /ran; "
                             "while :; do sleep 0.05; done");
    s.fault = NULL;
    pid_t maker = stopped_await(r.pid);
    cr_assert_gt(maker, 0, "nothing has stopped");
    cr_assert(state_until(has_run, NULL));
    cr_expect(!running_has_said(r.out, "ready"), "passed on too early");
    kill(maker, SIGCONT);
    cr_assert(running_says(r.out, "ready"));
    kill(r.pid, SIGINT);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 3, "%d", o.status);
    cr_expect_str_eq(o.out, "ready\nheard\n");
}

/* ---- traced ------------------------------------------------------------------------------ */

/* A line of /proc/PID/status of the process that stopped there; the caller frees it. */
static char *look_at_stopped(const char *fault, const char *what)
{
    char path[64], line[128];
    char *found = NULL;
    s.fault = fault;
    pid_t front = SPAWN(&s, "exec", "-u", "1000", "box", "true");
    s.fault = NULL;
    pid_t pid = stopped_await(front);
    cr_assert_gt(pid, 0, "%s: nothing has stopped", fault);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    auto_file FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof(line), f))
        if (strncmp(line, what, strlen(what)) == 0)
            found = strndup(line, strcspn(line, "\n"));
    kill(pid, SIGCONT);
    cr_expect_eq(state_reap(front), 0, "%s", fault);
    cr_assert_not_null(found, "%s", fault);
    return found;
}

/* It could trace whatever it sees. The kernel names a process by a number in each PID namespace
 * that sees it. */
Test(entered, a_tracer_sees_nothing_that_has_more_rights)
{
    static const char *const STEPS[] = {"exec.inside:stop", "exec.user:stop",
                                        "exec.identity:stop", "exec.seccomp:stop",
                                        "exec.exec:stop"};
    free(ASK(&s, "run", "-d", "--name", "box", "--cap-add", "SYS_PTRACE", "busybox",
             "sleep", "100000"));
    for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
        auto_free char *numbers = look_at_stopped(STEPS[i], "NSpid:");
        cr_expect(strchr(numbers, '\t') == strrchr(numbers, '\t'), "%s: %s", STEPS[i],
                  numbers);
    }
    static const char *const LAST[][2] = {{"NSpid:", NULL},
                                          {"CapPrm:", "CapPrm:\t0000000000000000"},
                                          {"CapEff:", "CapEff:\t0000000000000000"},
                                          {"CapBnd:", "CapBnd:\t00000000a80c25fb"},
                                          {"Uid:", "Uid:\t1000\t1000\t1000\t1000"},
                                          {"Seccomp:", "Seccomp:\t2"}};
    for (size_t i = 0; i < ARRAY_SIZE(LAST); i++) {
        auto_free char *line = look_at_stopped("exec.appeared:stop", LAST[i][0]);
        if (LAST[i][1])
            cr_expect_str_eq(line, LAST[i][1]);
        else
            cr_expect(strchr(line, '\t') != strrchr(line, '\t'), "%s", line);
    }
}

#else

Test(entered, a_stopped_command_is_given_up)
{
    cr_skip("this build has no fault points; the debug build runs these");
}

Test(entered, a_signal_after_the_first_output_is_the_commands)
{
    cr_skip("this build has no fault points; the debug build runs these");
}

Test(entered, a_tracer_sees_nothing_that_has_more_rights)
{
    cr_skip("this build has no fault points; the debug build runs these");
}

#endif

/* What is different for such a container must not be seen. */
Test(entered, exec_into_a_container_that_may_trace_is_as_any)
{
    free(ASK(&s, "run", "-d", "--name", "box", "--cap-add", "SYS_PTRACE",
             "--oom-score-adj", "7", "--security-opt", "no-new-privileges", "busybox",
             "sleep", "100000"));
    auto_free char *said =
        ASK(&s, "exec", "-w", "/tmp", "-e", "A=b", "box", "sh", "-c",
            "echo $A $PWD; cat /proc/self/oom_score_adj; "
            "grep -E 'CapEff|NoNewPrivs' /proc/self/status; "
            "set -- $(cat /proc/$$/stat); [ $5 = $$ ] && [ $6 = $$ ] && echo leads");
    cr_expect_str_eq(said, "b /tmp\n7\nCapEff:\t00000000a80c25fb\nNoNewPrivs:\t1\nleads");
    auto_done(outcome_done) struct outcome gone = RUN(&s, "exec", "box", "not-there"),
                                           kept = RUN(&s, "exec", "box", "sh", "-c",
                                                      "exit 7");
    cr_expect_eq(gone.status, 127);
    cr_expect_eq(kept.status, 7);
    auto_done(outcome_done) struct outcome tty =
        RUN(&s, "exec", "-t", "box", "sh", "-c", "tty; ps -o tty,args | grep -c 136,0");
    cr_expect(strstr(tty.out, "/dev/pts/0"), "%s%s", tty.out, tty.err);
}

/* Its calls are made under the container's own filter. */
Test(entered, a_profile_that_hinders_such_an_exec_is_named)
{
    tempdir_put(&s.dir, "profile",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": "
                "[\"setsid\"], \"action\": \"SCMP_ACT_KILL_PROCESS\"}]}");
    char option[300];
    snprintf(option, sizeof(option), "seccomp=%s/profile", s.dir.path);
    free(ASK(&s, "run", "-d", "--name", "box", "--cap-add", "SYS_PTRACE",
             "--security-opt", option, "busybox", "sleep", "100000"));
    auto_done(outcome_done) struct outcome o = RUN(&s, "exec", "box", "true");
    cr_expect_eq(o.status, 126, "%d", o.status);
    cr_expect_not_null(strstr(o.err, "the seccomp profile forbids setsid"), "%s", o.err);
}

static bool sleeps(void *unused)
{
    (void)unused;
    char *top = ASK(&s, "top", "box");
    bool found = strstr(top, " sleep 4731") && /* and not what becomes it */
                 !strstr(top, "exec sleep") && !strstr(top, "/probe unshare");
    free(top);
    return found;
}

/* ---- what is opened inside --------------------------------------------------------------- */

static void expect_null(const char *instead)
{
    auto_done(buf_done) struct buf script = {0};
    cr_assert_eq(
        buf_printf(&script, "rm /dev/null; %s; touch /ready; exec sleep 1000", instead),
        0);
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sh", "-c", script.data));
    free(ASK(&s, "exec", "box", "sh", "-c", "until test -e /ready; do :; done"));
    auto_free char *in =
        ASK(&s, "exec", "box", "stat", "-Lc", "%t:%T", "/proc/self/fd/0");
    cr_expect_str_eq(in, "1:3", "%s: %s", instead, in);
    free(ASK(&s, "exec", "-d", "box", "sh", "-c", "echo x; echo $? >/wrote"));
    auto_free char *out = ASK(&s, "exec", "box", "sh", "-c",
                              "until test -s /wrote; do :; done; cat /wrote");
    cr_expect_str_eq(out, "0", "%s: %s", instead, out);
    free(ASK(&s, "rm", "-f", "-v", "box"));
}

/* With all capabilities a link would open what only the host's root may read, a FIFO would
 * never be open. */
Test(entered, a_null_device_that_is_none_is_not_opened)
{
    expect_null("ln -s /proc/kallsyms /dev/null");
    expect_null("mkfifo /dev/null");
    expect_null("mknod /dev/null c 1 5");
    expect_null("echo x >/dev/null");
    expect_null(":");
}

/* Its root may make no node in a user namespace, nor has exec more rights there. */
Test(entered, a_missing_null_device_of_a_user_namespace_is_said)
{
    if (!state_maps_ids(&s))
        cr_skip("needs mapped mounts of this file system");
    free(ASK(&s, "run", "-d", "--name", "box", "--userns", "auto", "busybox", "sh", "-c",
             "rm /dev/null; exec sleep 4731"));
    cr_assert(state_until(sleeps, NULL));
    auto_done(outcome_done) struct outcome o = RUN(&s, "exec", "box", "true");
    cr_expect_eq(o.status, 126, "status %d", o.status);
    cr_expect_not_null(strstr(o.err, "is no null device any more"), "%s", o.err);
    free(ASK(&s, "restart", "-t", "0", "box"));
}

/* A container with all capabilities has put another in its place, with a file for the process
 * that will come: no process is made meanwhile that would take its number away. */
Test(entered, a_proc_that_is_none_is_not_written)
{
    free(ASK(&s, "run", "-d", "--name", "box", "--oom-score-adj", "100", "--privileged",
             "busybox", "sh", "-c",
             "mount -t tmpfs none /proc; cd /proc; mkdir $(seq 1 60); i=0; "
             "while [ $((i += 1)) -le 60 ]; do : >$i/oom_score_adj; done; "
             "exec sleep 4731"));
    cr_assert(state_until(sleeps, NULL));
    auto_done(outcome_done) struct outcome o = RUN(&s, "exec", "box", "true");
    cr_expect_eq(o.status, 126, "status %d", o.status);
    cr_expect_not_null(strstr(o.err, "OOM score"), "%s", o.err);
}

/* ---- other namespaces -------------------------------------------------------------------- */

static const struct {
    const char *kind;
    unsigned flags;
} MOVES[] = {
    {"mnt", CLONE_NEWNS},  {"uts", CLONE_NEWUTS},   {"ipc", CLONE_NEWIPC},
    {"net", CLONE_NEWNET}, {"user", CLONE_NEWUSER}, {"time", 0x80 /* CLONE_NEWTIME */},
};

/* Of the kinds that a container shares with its host. */
static bool is_the_hosts(const char *kind)
{
    char path[64], theirs[64] = "", ours[64] = "";
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "box");
    snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, kind);
    (void)!readlink(path, theirs, sizeof(theirs) - 1);
    snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
    (void)!readlink(path, ours, sizeof(ours) - 1);
    return strcmp(theirs, ours) == 0;
}

static void move(unsigned flags, const char *kind)
{
    char number[16], text[64];
    snprintf(number, sizeof(number), "%u", flags);
    snprintf(text, sizeof(text), "has left the %s namespace", kind);
    free(ASK(&s, "run", "-d", "--name", "box", "--privileged", "-v",
             MTD_PROBE ":/probe:ro", "--health-cmd", "touch /checked",
             "--health-interval", "50ms", "busybox", "/probe", "unshare", number, "sleep",
             "4731"));
    cr_assert(state_until(sleeps, NULL), "%s", kind);
    if (is_the_hosts(kind))
        cr_skip("before Linux 6.3 execve enters no time namespace");
    auto_done(outcome_done) struct outcome o = RUN(&s, "exec", "box", "touch", "/ran");
    cr_expect_eq(o.status, 1, "%s: status %d", kind, o.status);
    cr_expect_not_null(strstr(o.err, text), "%s: %s", kind, o.err);
    free(ASK(&s, "rm", "-f", "-v", "box"));
}

Test(entered, pid_1_that_left_its_namespaces_is_not_followed)
{
    for (size_t i = 0; i < ARRAY_SIZE(MOVES); i++)
        move(MOVES[i].flags, MOVES[i].kind);
}

/* Shared ones, and those of the next run, are the container's own. */
Test(entered, namespaces_it_was_started_in_are_entered)
{
    free(ASK(&s, "run", "-d", "--name", "a", "--ipc", "shareable", "busybox", "sleep",
             "1000"));
    free(ASK(&s, "run", "-d", "--name", "b", "--ipc", "container:a", "--pid",
             "container:a", "--uts", "host", "--network", "host", "busybox", "sleep",
             "1000"));
    free(ASK(&s, "exec", "b", "true"));
    free(ASK(&s, "restart", "-t", "0", "b"));
    free(ASK(&s, "exec", "b", "true"));
    free(ASK(&s, "run", "-d", "--name", "c", "--pid", "host", "--ipc", "host", "busybox",
             "sleep", "1000"));
    free(ASK(&s, "exec", "c", "true"));
}

Test(entered, a_user_namespace_it_was_started_in_is_entered)
{
    if (!state_maps_ids(&s))
        cr_skip("needs mapped mounts of this file system");
    free(ASK(&s, "run", "-d", "--name", "a", "--userns", "auto", "busybox", "sleep",
             "1000"));
    auto_free char *own = ASK(&s, "exec", "a", "readlink", "/proc/1/ns/user");
    auto_free char *root = ASK(&s, "exec", "a", "readlink", "/proc/self/ns/user");
    auto_free char *user =
        ASK(&s, "exec", "-u", "1000", "a", "readlink", "/proc/self/ns/user");
    cr_expect_str_eq(root, own);
    cr_expect_str_eq(user, own);
}

/* ---- keys -------------------------------------------------------------------------------- */

/* A session keyring links to the user's keyring, so whoever has the caller's has its keys.
 * Without the filter, which refuses the calls. */
Test(entered, the_session_keyring_is_the_containers_own)
{
#define OPEN_DOOR "--security-opt", "seccomp=unconfined", "-v", MTD_PROBE ":/probe:ro"
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
        syscall(SYS_add_key, "user", "mtd-secret", "x", (size_t)1,
                KEY_SPEC_SESSION_KEYRING) < 0)
        cr_skip("this kernel has no keyrings, or this process may not use them");
    cr_expect_geq(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user",
                          "mtd-secret", 0),
                  0, "the caller has it");
    free(ASK(&s, "run", "-d", "--name", "box", OPEN_DOOR, "busybox", "sleep", "1000"));
    auto_done(outcome_done) struct outcome exec = RUN(&s, "exec", "box", "/probe", "key",
                                                      "mtd-secret"),
                                           run = RUN(&s, "run", "--rm", OPEN_DOOR,
                                                     "busybox", "/probe", "key",
                                                     "mtd-secret");
    cr_expect_str_eq(exec.out, "ENOKEY\n", "exec: %s%s", exec.out, exec.err);
    cr_expect_str_eq(run.out, "ENOKEY\n", "run: %s%s", run.out, run.err);
}
