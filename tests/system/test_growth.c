/* Containers that are not asked about cost nothing: system calls are counted, with one running and
 * with many. And yet a killed monitor of any of them is noticed. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"
#include "base/proc.h"
#include "engine/store/alive.h"

#define MANY 40         /* more than from which lists use a cache */
#define CALLS_PER_ROW 8 /* of ps, for each running container */
#define FIRST_WORD 64
#define SETTLED_US 150000 /* records this old are cached */

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

TestSuite(growth, .init = set_up, .fini = tear_down, .timeout = 60);

static void start(int from, int to)
{
    for (int i = from; i <= to; i++) {
        char name[16];
        snprintf(name, sizeof(name), "c%d", i);
        free(ASK(&s, "run", "-d", "--name", name, "busybox", "sleep", "1000"));
    }
}

/* ---- counting ---- */

static _Noreturn void become_traced(const char *const args[])
{
    char root[128], run[128];
    const char *argv[16] = {MTD_PROGRAM, "--root", root, "--run-root", run};
    snprintf(root, sizeof(root), "%s/root", s.dir.path);
    snprintf(run, sizeof(run), "%s/run", s.dir.path);
    for (size_t i = 0; args[i] && i + 6 < ARRAY_SIZE(argv); i++)
        argv[5 + i] = args[i];
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* it cannot look under ptrace */
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    execv(MTD_PROGRAM, (char *const *)argv);
    _exit(99);
}

/* Of that process alone, after its exec. */
static int count_calls(const char *const args[])
{
    int status, stops = 0;
    pid_t pid = fork();
    if (pid == 0)
        become_traced(args);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    ptrace(PTRACE_SETOPTIONS, pid, NULL,
           (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC));
    for (int sig = 0; ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)sig) == 0;) {
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        if (!WIFSTOPPED(status))
            break;
        bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
        bool exec = status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
        stops = exec ? 0 : stops + call;
        sig = call || exec ? 0 : WSTOPSIG(status);
    }
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %x", args[0], status);
    return stops / 2;
}
#define CALLS(...) count_calls((const char *const[]){__VA_ARGS__, NULL})

struct calls {
    int inspect, logs, update, ps;
};

/* The first ps after a change writes the cache. */
static struct calls count_all(void)
{
    usleep(SETTLED_US);
    CALLS("ps", "-q");
    return (struct calls){.inspect = CALLS("inspect", "c1"),
                          .logs = CALLS("logs", "c1"),
                          .update = CALLS("update", "--memory", "64m", "c1"),
                          .ps = CALLS("ps", "-q")};
}

Test(growth, a_command_on_one_container_does_not_look_at_the_others)
{
    start(1, 1);
    struct calls one = count_all();
    start(2, MANY);
    struct calls many = count_all();
    cr_expect_eq(many.inspect, one.inspect, "inspect: %d, %d", one.inspect, many.inspect);
    cr_expect_eq(many.logs, one.logs, "logs: %d, %d", one.logs, many.logs);
    cr_expect_eq(many.update, one.update, "update: %d, %d", one.update, many.update);
    cr_expect_leq(many.ps - one.ps, (MANY - 1) * CALLS_PER_ROW, "ps: %d, %d", one.ps,
                  many.ps);
}

/* Several at once, and told as if one after the other. */
Test(growth, many_are_removed_together)
{
    char want[256] = "";
    const char *args[16] = {"rm", "-f", "gone"};
    char names[8][8];
    start(1, 8);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(names[i], sizeof(names[i]), "c%zu", i + 1);
        args[3 + i] = names[i];
        snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s\n", names[i]);
    }
    struct outcome o = state_run_input(&s, NULL, 0, args);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, want);
    cr_expect(strstr(o.err, "o such container: gone"), "%s", o.err);
    outcome_done(&o);
    cr_expect_str_empty(state_leftovers(&s, false));
    o = RUN(&s, "rm", "gone", "gone as well");
    cr_expect_eq(o.status, 1);
    cr_expect_str_empty(o.out);
    outcome_done(&o);
}

static double seconds(struct timespec from)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from.tv_sec) +
           (double)(now.tv_nsec - from.tv_nsec) / 1e9;
}

/* One figure for each, of an interval in which a busy one is seen to be busy. */
Test(growth, one_look_at_the_figures_of_all)
{
    struct timespec begin;
    start(1, 1);
    free(ASK(&s, "run", "-d", "--name", "busy", "busybox", "sh", "-c",
             "while :; do :; done"));
    clock_gettime(CLOCK_MONOTONIC, &begin);
    char *out = ASK(&s, "stats", "--no-stream", "--format", "{{.Name}} {{.CPUPerc}}");
    cr_expect_gt(seconds(begin), 0.5, "no interval to speak of");
    char *busy = strstr(out, "busy "), *idle = strstr(out, "c1 ");
    cr_assert(busy && idle, "%s", out);
    cr_expect_gt(strtod(busy + 5, NULL), 2.0, "%s", out);
    cr_expect_lt(strtod(idle + 3, NULL), 2.0, "%s", out);
    free(out);
}

/* ---- noticing ---- */

/* Words in use, dead ones too. */
static int count_words(void)
{
    uint32_t word;
    int n = 0;
    auto_fd int fd = openat(s.dir.fd, "run/alive", O_RDONLY | O_CLOEXEC);
    for (off_t at = FIRST_WORD; pread(fd, &word, sizeof(word), at) == sizeof(word);
         at += (off_t)sizeof(word))
        n += word != 0;
    return n;
}

static bool word_count_is(void *want)
{
    return count_words() == *(int *)want;
}

/* Its monitor as the process table has it: to ask a command would give it a new one. */
static pid_t monitor_by_id(const char *name)
{
    char *id = field(&s, name, "{{.Id}}");
    pid_t pid = state_find(&s, id);
    free(id);
    return pid;
}

Test(growth, a_monitor_that_was_killed_is_noticed_by_any_command)
{
    start(1, 3);
    char *first = field(&s, "c1", "{{.Id}}"), *second = field(&s, "c2", "{{.Id}}");
    pid_t monitors[] = {monitor_by_id("c1"), monitor_by_id("c2")};
    kill_and_wait(monitors[0]);
    cr_expect_eq(state_find(&s, first), 0);
    free(ASK(&s, "inspect", "c3"));
    cr_expect_neq(state_find(&s, first), 0);
    cr_expect_eq(state_find(&s, second), monitors[1], "that one lives");
    cr_expect_eq(count_words(), 3);
    pid_t pids[] = {pid_of(&s, "c1"), pid_of(&s, "c2"), pid_of(&s, "c3")};
    for (int i = 1; i <= 3; i++) {
        char name[8];
        snprintf(name, sizeof(name), "c%d", i);
        kill_and_wait(monitor_by_id(name));
    }
    kill_and_wait(pids[0]);
    free(ASK(&s, "images"));
    cr_expect_neq(state_find(&s, second), 0, "all were killed");
    expect_field(&s, "c1", "{{.State.Running}}", "false");
    cr_expect(state_until(word_count_is, &(int){2}));
    free(first);
    free(second);
}

Test(growth, words_go_with_their_containers)
{
    free(ASK(&s, "run", "--rm", "busybox", "true"));
    cr_expect(state_until(word_count_is, &(int){0}));
    struct outcome o = RUN(&s, "run", "--rm", "busybox", "no-such-program");
    cr_expect_eq(o.status, 127);
    outcome_done(&o);
    cr_expect(state_until(word_count_is, &(int){0}));
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    cr_expect_eq(count_words(), 1);
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect(state_until(word_count_is, &(int){0}));
}

#ifdef MTD_FAULTS

/* Has its word, and nothing yet of what a sweep could find. */
Test(growth, killed_between_its_word_and_its_claim)
{
    start(1, 1);
    s.fault = "claim.entered:kill";
    struct outcome o = RUN(&s, "run", "--name", "x", "busybox", "true");
    s.fault = NULL;
    cr_expect_neq(o.status, 0);
    outcome_done(&o);
    cr_expect_eq(count_words(), 2);
    free(ASK(&s, "inspect", "c1"));
    cr_expect_eq(count_words(), 1);
    free(ASK(&s, "start", "-a", "x"));
}

/* Its run directory is gone, its container, which it was about to remove, is not. */
Test(growth, killed_with_nothing_in_the_run_root)
{
    start(1, 1);
    s.fault = "store.remove.rename:kill";
    struct outcome o = RUN(&s, "run", "--rm", "--name", "x", "busybox", "true");
    s.fault = NULL;
    outcome_done(&o);
    free(ASK(&s, "inspect", "c1"));
    char *left = ASK(&s, "ps", "-aq", "--filter", "name=x");
    cr_expect_str_empty(left);
    free(left);
    cr_expect(state_until(word_count_is, &(int){1}));
}

#endif

/* ---- where it works ---- */

static void enter_and_wait(struct store *store, int ready)
{
    struct alive a = {0};
    char byte = alive_enter(store, &a, NULL) == 0;
    if (write(ready, &byte, 1) == 1)
        pause();
    _exit(0);
}

/* Everything but the look goes on in a new pid namespace, where it has a small number. */
static void die_elsewhere(struct store *store)
{
    int ready[2];
    char byte = 0;
    pid_t pid;
    if (pipe2(ready, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        _exit(1);
    if (pid == 0)
        enter_and_wait(store, ready[1]);
    if (read(ready[0], &byte, 1) != 1 || !byte)
        _exit(2);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    _exit(0);
}

static void expect_noticed(const char *where)
{
    char boot_id[BOOT_ID_LEN + 1], root[128], run[128];
    struct store store;
    struct mtd_error err = {0};
    int status = -1;
    snprintf(root, sizeof(root), "%s/root", s.dir.path);
    snprintf(run, sizeof(run), "%s/%s", s.dir.path, where);
    cr_assert_eq(proc_boot_id(boot_id), 0);
    cr_assert_eq(store_open(&store, root, run, STORE_MAKE, &err), 0, "%s", err.text);
    pid_t pid = fork();
    if (pid == 0)
        die_elsewhere(&store);
    waitpid(pid, &status, 0);
    cr_expect_eq(status, 0);
    struct alive_dead d;
    cr_expect_not(alive_all(&store, boot_id), "%s", where);
    alive_find_dead(&store, boot_id, &d);
    cr_expect_eq(d.n, 1, "%s", where);
    alive_forget_dead(&d, true);
    cr_expect(alive_all(&store, boot_id), "%s", where);
    store_done(&store);
}

Test(growth, a_death_is_noticed_across_pid_namespaces_and_on_any_file_system)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/memory", s.dir.path);
    auto_fd int mnt = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    auto_fd int pid = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(unshare(CLONE_NEWNS | CLONE_NEWPID), 0);
    cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_eq(mount("memory", path, "tmpfs", 0, "size=64k,mode=0700"), 0);
    expect_noticed("memory");
    cr_assert_eq(umount(path), 0);
    cr_assert(setns(pid, CLONE_NEWPID) == 0 && setns(mnt, CLONE_NEWNS) == 0);
}
