/* Who is connected to a monitor, or has hold of a container's pipes, must not keep the others
 * from what they are told. Needs root. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define MANY 36 /* more than a monitor takes as clients */

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

TestSuite(clients, .init = set_up, .fini = tear_down, .timeout = 60);

/* A command whose input never ends and is never read. */
static struct running begin_flooded(const char *const args[])
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t writer = fork();
    cr_assert_geq(writer, 0);
    if (writer == 0) {
        static char block[4096];
        close(ends[0]);
        while (write(ends[1], block, sizeof(block)) > 0)
            ;
        _exit(0);
    }
    close(ends[1]);
    struct running r = state_begin_from(&s, ends[0], args);
    close(ends[0]);
    return r;
}

static bool is_flooded(void *name)
{
    auto_free char *pid = field(&s, name, "{{.State.Pid}}");
    char path[64];
    snprintf(path, sizeof(path), "/proc/%s/fd/0", pid);
    auto_fd int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && write(fd, path, 1) < 0;
}

Test(clients, output_goes_on_while_input_waits)
{
    struct running r = begin_flooded((const char *const[]){
        "run", "--name", "x", "-i", "busybox", "sh", "-c",
        "echo one; while [ ! -e /go ]; do usleep 1000; done; echo two; exec sleep 1000",
        NULL});
    cr_assert(running_says(r.out, "one"));
    cr_assert(state_until(is_flooded, (char *)"x"));
    state_let_go(&s, "x");
    cr_expect(running_says(r.out, "two"), "what it writes is shown");
    free(ASK(&s, "kill", "x"));
    struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 137);
    outcome_done(&o);
}

struct crowd {
    pid_t pids[MANY + 1]; /* the monitor last */
    unsigned long long used;
};

/* Nanoseconds on a processor: of the kernel's ticks a short command may have had none. */
static unsigned long long used_by(pid_t pid)
{
    char path[64], text[128] = "";
    snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    return strtoull(text, NULL, 10);
}

/* Nobody has used the processor for some moments. */
static bool is_quiet(void *arg)
{
    struct crowd *c = arg;
    unsigned long long before = c->used;
    usleep(300000);
    c->used = 0;
    for (size_t i = 0; i < ARRAY_SIZE(c->pids); i++)
        c->used += used_by(c->pids[i]);
    return c->used == before;
}

Test(clients, many_wait_without_turning)
{
    struct crowd c = {0};
    struct running r[MANY];
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    c.pids[MANY] = monitor_of(&s, "x");
    for (int i = 0; i < MANY; i++) {
        r[i] = BEGIN(&s, "wait", "x");
        c.pids[i] = r[i].pid;
    }
    cr_expect(state_until(is_quiet, &c), "%d wait and nothing happens", MANY);
    free(ASK(&s, "kill", "x"));
    for (int i = 0; i < MANY; i++) {
        struct outcome o = state_end(&r[i]);
        cr_expect_str_eq(o.out, "137\n", "%d: %s", i, o.err);
        outcome_done(&o);
    }
}

static bool is_full(void *arg)
{
    char path[64], target[64];
    int sockets = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", *(pid_t *)arg);
    auto_dir DIR *dir = opendir(path);
    cr_assert_not_null(dir);
    for (const struct dirent *d; (d = readdir(dir));) {
        ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target));
        sockets += n > 7 && strncmp(target, "socket:", 7) == 0;
    }
    return sockets > 32; /* one is not a client's */
}

Test(clients, one_too_many_is_told_why)
{
    struct running r[MANY];
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    pid_t monitor = monitor_of(&s, "x");
    for (int i = 0; i < MANY; i++)
        r[i] = BEGIN(&s, "wait", "x");
    cr_assert(state_until(is_full, &monitor));
    struct outcome o = RUN(&s, "attach", "--no-stdin", "x");
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.err, "32 clients"), "%s", o.err);
    outcome_done(&o);
    free(ASK(&s, "kill", "x"));
    for (int i = 0; i < MANY; i++) {
        o = state_end(&r[i]);
        outcome_done(&o);
    }
}

/* Its output was passed on to somebody outside, who goes on writing. */
Test(clients, an_end_does_not_wait_for_strangers)
{
    char path[512];
    auto_free char *id = ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000");
    snprintf(path, sizeof(path), "%s/run/%s/stdout", s.dir.path, id);
    auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", path);
    pid_t stranger = fork();
    cr_assert_geq(stranger, 0);
    if (stranger == 0) {
        static char block[65536];
        memset(block, '\n', sizeof(block));
        signal(SIGPIPE, SIG_IGN);
        for (;;)
            (void)!write(fd, block, sizeof(block));
    }
    struct outcome o = RUN(&s, "kill", "x");
    cr_expect_eq(o.status, 0, "%s", o.err);
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
    cr_expect_eq(waitpid(stranger, NULL, WNOHANG), 0, "it goes on");
    kill(stranger, SIGKILL);
    state_reap(stranger);
    outcome_done(&o);
}

/* Waiting has an end, and what is said is the truth: the container is not to blame. */
Test(clients, a_stopped_monitor_is_named)
{
    char want[64];
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    pid_t monitor = monitor_of(&s, "x");
    snprintf(want, sizeof(want), "kill -CONT %d", (int)monitor);
    cr_assert_eq(kill(monitor, SIGSTOP), 0);
    struct running r[] = {BEGIN(&s, "attach", "--no-stdin", "x"), BEGIN(&s, "kill", "x")};
    for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
        struct outcome o = state_end(&r[i]);
        cr_expect_eq(o.status, 1, "%zu: %d", i, o.status);
        cr_expect(strstr(o.err, want), "%zu: %s", i, o.err);
        outcome_done(&o);
    }
    kill(monitor, SIGCONT);
    await_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
}

static bool is_running(void *name)
{
    auto_free char *state = field(&s, name, "{{.State.Status}}");
    return strcmp(state, "running") == 0;
}

static bool has_heard(void *name)
{
    auto_free char *text = ASK(&s, "logs", name);
    return strstr(text, "heard");
}

static bool has_ended(void *pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t) * (pid_t *)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
               0 &&
           info.si_pid != 0;
}

/* Two that are pending at once would be one. */
static bool has_taken_it(void *pid)
{
    char path[64], line[256];
    unsigned long long pending = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", *(pid_t *)pid);
    auto_file FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "ShdPnd: %llx", &pending) == 1)
            break;
    return !(pending >> (SIGINT - 1) & 1) || has_ended(pid);
}

/* Three within two seconds end it: a busy machine may need more of them. */
static bool insist(pid_t pid)
{
    int64_t sent[3] = {-3 * NS_PER_SEC, -3 * NS_PER_SEC};
    for (int i = 0; i < 100; i++) {
        sent[2] = clock_mono_ns();
        if (kill(pid, SIGINT) < 0 || !state_until(has_taken_it, &pid))
            return false;
        if (has_ended(&pid))
            return true;
        if (clock_mono_ns() - sent[0] < 2 * NS_PER_SEC)
            return state_until(has_ended, &pid);
        sent[0] = sent[1];
        sent[1] = sent[2];
    }
    return false;
}

/* A command of exec goes with its front end. */
Test(clients, three_interrupts_end_an_exec_that_ignores_them)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    struct running r =
        BEGIN(&s, "exec", "x", "sh", "-c",
              "trap 'echo heard' INT; echo ready; while :; do sleep 0.05; done");
    cr_assert(running_says(r.out, "ready"));
    cr_expect_eq(kill(r.pid, SIGINT), 0);
    cr_expect(running_says(r.out, "heard"), "they are passed on as well");
    cr_expect(insist(r.pid), "it does not end");
    struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 130, "%d", o.status);
    outcome_done(&o);
    free(ASK(&s, "rm", "-f", "x"));
}

/* docker's client: "got 3 SIGTERM/SIGINTs, forcefully exiting". */
Test(clients, three_interrupts_leave_a_command_that_ignores_them)
{
    struct running r =
        BEGIN(&s, "run", "--name", "x", "busybox", "sh", "-c",
              "trap 'echo heard' INT; echo ready; while :; do sleep 0.05; done");
    cr_assert(running_says(r.out, "ready"));
    cr_expect(insist(r.pid), "it does not end");
    struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 1, "%d", o.status);
    cr_expect(strstr(o.err, "got 3 SIGTERM/SIGINTs, forcefully exiting"), "%s", o.err);
    cr_expect(strstr(o.err, "stop"), "%s", o.err);
    outcome_done(&o);
    cr_expect(state_until(has_heard, (char *)"x"), "they are passed on as well");
    cr_expect(is_running((char *)"x"), "the container goes on");
    free(ASK(&s, "rm", "-f", "x"));
}
