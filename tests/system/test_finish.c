/* Killed at every step of stop, end, rm, rename, commit, exec and of the log: one ordinary
 * command later what is said is true, and after rm nothing is left. Needs root and a program
 * built with fault points. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#ifdef MTD_FAULTS

#define WORDS_MAX 12
#define LINES 3000

/* Which process of them the fault is set for. */
enum victim { MONITOR, FRONT_END };

struct finish_case {
    const char *point;
    enum victim victim;
    const char *run[WORDS_MAX]; /* how "x" is made; NULL = SLEEPER */
    const char *command[WORDS_MAX];
    const char
        *state; /* of x after one more command; NULL = it is gone, "" = either way */
};

#define COUNTER                                                                         \
    {                                                                                   \
        "run", "-d", "--name", "x", "--log-opt", "max-size=4k", "--log-opt",            \
            "max-file=100", "busybox", "sh", "-c",                                      \
            "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; exec sleep 1000" \
    }
#define RM                                                             \
    {                                                                  \
        "run", "-d", "--rm", "--name", "x", "busybox", "sleep", "1000" \
    }
#define EXEC                \
    {                       \
        "exec", "x", "true" \
    }
#define STOP                   \
    {                          \
        "stop", "-t", "0", "x" \
    }

static const struct finish_case CASES[] = {
    {"finish.release", MONITOR, {NULL}, STOP, "exited"},
    {"finish.record", MONITOR, {NULL}, STOP, "exited"},
    {"finish.run", MONITOR, {NULL}, STOP, "exited"},
    {"finish.release", MONITOR, RM, STOP, NULL},
    {"finish.record", MONITOR, RM, STOP, NULL},
    {"finish.run", MONITOR, RM, STOP, NULL},
    {"store.remove.rename", MONITOR, RM, STOP, NULL},
    {"store.remove.name", MONITOR, RM, STOP, NULL},
    {"store.remove.run", MONITOR, RM, STOP, NULL},
    {"store.remove.delete", MONITOR, RM, STOP, NULL},
    {"stop.told", FRONT_END, {NULL}, STOP, "running"},
    {"stop.signal", FRONT_END, {NULL}, STOP, ""},
    {"stop.kill", FRONT_END, {NULL}, STOP, "exited"},
    {"stop.told", FRONT_END, {NULL}, {"rm", "-f", "x"}, "running"},
    {"stop.kill", FRONT_END, {NULL}, {"rm", "-f", "x"}, "exited"},
    {"store.remove.rename", FRONT_END, {NULL}, {"rm", "-f", "x"}, "exited"},
    {"store.remove.name", FRONT_END, {NULL}, {"rm", "-f", "x"}, NULL},
    {"store.remove.run", FRONT_END, {NULL}, {"rm", "-f", "x"}, NULL},
    {"store.remove.delete", FRONT_END, {NULL}, {"rm", "-f", "x"}, NULL},
    {"store.rename.claim", FRONT_END, {NULL}, {"rename", "x", "y"}, "running"},
    {"store.rename.save", FRONT_END, {NULL}, {"rename", "x", "y"}, "running"},
    {"commit.freeze", FRONT_END, {NULL}, {"commit", "x", "img"}, "running"},
    {"commit.frozen", FRONT_END, {NULL}, {"commit", "x", "img"}, "running"},
    {"commit.thaw", FRONT_END, {NULL}, {"commit", "x", "img"}, "running"},
    {"image.layer", FRONT_END, {NULL}, {"commit", "x", "img"}, "running"},
    {"image.config", FRONT_END, {NULL}, {"commit", "x", "img"}, "running"},
    {"image.name", FRONT_END, {NULL}, {"commit", "x", "img"}, "running"},
    {"exec.inside", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.session", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.user", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.stdio", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.limits", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.cwd", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.identity", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.program", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.follow", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.list", FRONT_END, {NULL}, EXEC, "running"},
    {"exec.end", FRONT_END, {NULL}, EXEC, "running"},
    {"log.take", MONITOR, COUNTER, {"ps"}, "running"},
    {"log.taken", MONITOR, COUNTER, {"ps"}, "running"},
    {"log.write", MONITOR, COUNTER, {"ps"}, "running"},
    {"log.written", MONITOR, COUNTER, {"ps"}, "running"},
    {"log.empty", MONITOR, COUNTER, {"ps"}, "running"},
    {"log.rotate", MONITOR, COUNTER, {"ps"}, "running"},
    {"log.rotated", MONITOR, COUNTER, {"ps"}, "running"},
};
#define N_CASES (sizeof(CASES) / sizeof(CASES[0]))

static const char *const SLEEPER[] = {"run",     "-d",    "--name", "x",
                                      "busybox", "sleep", "1000",   NULL};

static struct criterion_test_params numbers(void)
{
    static size_t all[N_CASES];
    for (size_t i = 0; i < N_CASES; i++)
        all[i] = i;
    return cr_make_param_array(size_t, all, N_CASES);
}

static void expect_state(struct state *s, const struct finish_case *c)
{
    struct outcome o = RUN(s, "inspect", "--format", "{{.State.Status}}", "x");
    o.out[strcspn(o.out, "\n")] = '\0';
    if (!c->state)
        cr_expect_neq(o.status, 0, "%s: x is %s", c->point, o.out);
    else if (c->state[0])
        cr_expect_str_eq(o.out, c->state, "%s: x is %s: %s", c->point, o.out, o.err);
    outcome_done(&o);
}

struct wanted {
    struct state *s;
    char *log;
};

static bool has_all_lines(void *arg)
{
    struct wanted *w = arg;
    free(w->log);
    w->log = ASK(w->s, "logs", "x");
    size_t lines = w->log[0] != '\0';
    for (const char *p = w->log; *p; p++)
        lines += *p == '\n';
    return lines >= LINES;
}

static void expect_log(struct state *s, const char *point)
{
    struct wanted w = {s, NULL};
    cr_expect(state_until(has_all_lines, &w), "%s: lines are missing", point);
    long n = 0;
    for (const char *p = w.log; *p; n++) {
        char *end;
        cr_assert_eq(strtol(p, &end, 10), n + 1, "%s: line %ld", point, n + 1);
        p = *end == '\n' ? end + 1 : end;
    }
    free(w.log);
}

/* With its one layer, and no half of another. */
static void expect_one_image(struct state *s, const char *point)
{
    static const char *const DIRS[] = {"root/images/layers", "root/images/config",
                                       "root/images/tmp"};
    static const int WANT[] = {1, 1, 0};
    struct outcome o = RUN(s, "rmi", "-f", "img");
    outcome_done(&o);
    o = RUN(s, "image", "prune", "-f");
    outcome_done(&o);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(tempdir_count(s->dir.fd, DIRS[i]), WANT[i], "%s: %s holds %d", point,
                     DIRS[i], tempdir_count(s->dir.fd, DIRS[i]));
}

static size_t count(const char *text, const char *words)
{
    size_t n = 0;
    for (; (text = strstr(text, words)); text++)
        n++;
    return n;
}

/* It ran once, so it died once and went once, whoever has said so. */
static void expect_one_end(const struct state *s, const char *point)
{
    auto_done(buf_done) struct buf text = {0};
    cr_assert_eq(fs_read_at(s->dir.fd, "root/events.log", 1 << 20, &text), 0);
    cr_assert_eq(buf_putc(&text, '\0'), 0);
    cr_expect_eq(count(text.data, "\"action\":\"die\""), 1, "%s: %s", point, text.data);
    cr_expect_leq(count(text.data, "\"type\":\"container\",\"action\":\"destroy\""), 1,
                  "%s: %s", point, text.data);
}

/* The signal is the one it dies of, or the status of the exec'd process that did: the joiner
 * has said which process that is. */
static void expect_reached(const struct outcome *o, const char *point)
{
    cr_expect_eq(o->status, 137, "%s was not reached: %d, %s", point, o->status, o->err);
}

ParameterizedTestParameters(finish, killed_step_is_mended_by_the_next_command)
{
    return numbers();
}

ParameterizedTest(size_t *number, finish, killed_step_is_mended_by_the_next_command)
{
    struct state s;
    const struct finish_case *c = &CASES[*number];
    char fault[64];
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "images", "-q"));
    snprintf(fault, sizeof(fault), "%s:kill", c->point);
    s.fault = c->victim == MONITOR ? fault : NULL;
    struct outcome o = state_run_input(&s, NULL, 0, c->run[0] ? c->run : SLEEPER);
    outcome_done(&o);
    s.fault = c->victim == FRONT_END ? fault : NULL;
    o = state_run_input(&s, NULL, 0, c->command);
    if (c->victim == FRONT_END)
        expect_reached(&o, c->point);
    outcome_done(&o);
    s.fault = NULL;
    o = RUN(&s, "ps", "-a"); /* the one ordinary command */
    outcome_done(&o);
    expect_state(&s, c);
    if (strncmp(c->point, "log.", 4) == 0)
        expect_log(&s, c->point);
    o = RUN(&s, "rm", "-f", "x");
    outcome_done(&o);
    expect_one_end(&s, c->point);
    if (strcmp(c->command[0], "commit") == 0)
        expect_one_image(&s, c->point);
    cr_expect_str_empty(state_leftovers(&s, false), "%s left %s", c->point,
                        state_leftovers(&s, false));
    state_done(&s);
}

/* The kernel lets go of the claim when the monitor has died. */
static bool has_no_monitor(void *arg)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    auto_fd int fd = open(arg, O_RDWR | O_CLOEXEC);
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type == F_UNLCK;
}

struct sleeper {
    const struct state *s;
    pid_t pid; /* of a monitor under SIGSTOP */
};

static bool is_stopped(void *arg)
{
    struct sleeper *w = arg;
    char path[64], state = 0;
    w->pid = state_find(w->s, "mtd:monitor");
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)w->pid);
    auto_file FILE *f = fopen(path, "re");
    return f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state == 'T';
}

static bool is_told(void *arg)
{
    auto_done(buf_done) struct buf text = {0};
    return fs_read_at(AT_FDCWD, arg, 1 << 20, &text) == 0 &&
           strstr(text.data, "\"stoppedByUser\": true");
}

/* The monitor that takes over is told to stop before it has started anything itself. */
static void stop_between_runs(struct state *s, const char *id)
{
    char record[256];
    struct sleeper w = {.s = s};
    snprintf(record, sizeof(record), "%s/root/containers/%s/config.json", s->dir.path,
             id);
    s->fault = "restart.wait:stop";
    pid_t looker = SPAWN(s, "ps");
    cr_expect(state_until(is_stopped, &w), "nobody has taken over");
    s->fault = NULL;
    pid_t stop = SPAWN(s, "stop", "-t", "0", "x");
    cr_expect(state_until(is_told, record), "stop is not on disk");
    kill(w.pid, SIGCONT);
    cr_expect_eq(state_reap(stop), 0);
    state_reap(looker);
}

/* The second run of it is cut off, and nobody wants a third. */
Test(finish, killed_in_a_restart_and_then_stopped)
{
    static const char *const POINTS[] = {"hostfiles", "stdio",   "cgroup",
                                         "clone",     "publish", "exec"};
    struct state s;
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char fault[64], claim[256];
        snprintf(fault, sizeof(fault), "start.%s:kill:2", POINTS[i]);
        s.fault = fault;
        auto_free char *id = ASK(&s, "run", "-d", "--name", "x", "--restart", "always",
                                 "busybox", "false");
        snprintf(claim, sizeof(claim), "%s/run/%s/monitor", s.dir.path, id);
        cr_expect(state_until(has_no_monitor, claim), "%s was not reached", fault);
        stop_between_runs(&s, id);
        cr_expect_str_empty(state_leftovers(&s, true), "%s left %s", fault,
                            state_leftovers(&s, true));
        free(ASK(&s, "rm", "-f", "x"));
    }
    state_done(&s);
}

/* Inside, each step of exec says what failed; nothing of it stays. */
Test(finish, failed_step_of_exec_is_told)
{
    static const char *const POINTS[] = {"inside",   "session", "user",
                                         "stdio",    "limits",  "cwd",
                                         "identity", "program", "follow"};
    struct state s;
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(state_ask(&s, SLEEPER));
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char fault[64], want[128];
        snprintf(fault, sizeof(fault), "exec.%s:fail", POINTS[i]);
        snprintf(want, sizeof(want), "mytop-docker: exec: exec.%s: Input/output error\n",
                 POINTS[i]);
        s.fault = fault;
        struct outcome o = RUN(&s, "exec", "x", "echo", "ran");
        s.fault = NULL;
        cr_expect_eq(o.status, 126, "%s: status %d", fault, o.status);
        cr_expect_str_eq(o.err, want);
        cr_expect_str_empty(o.out, "%s: the command ran", fault);
        outcome_done(&o);
        char *ids = ASK(&s, "inspect", "--format", "{{json .ExecIDs}}", "x");
        cr_expect_str_eq(ids, "null");
        free(ids);
    }
    state_done(&s);
}

#else

Test(finish, killed_step_is_mended_by_the_next_command)
{
    cr_skip("this build has no fault points; the debug build runs these");
}

#endif
