/* What an attached client shows is all that the container wrote, however slow the client is and
 * however small the log. The clients are stopped (SIGSTOP) until there is nothing more to wait
 * for. Needs root, for the limit a program with fault
 * points too. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define LINES 200000 /* more than a pipe holds */
#define COUNT "200000"
#define SMALL "--log-opt", "max-size=200k", "--log-opt"
#define SMALL_LOG 200000
#define FULL "log.surplus:fail:*" /* three files are as many as may wait */

static struct state s;
static pid_t client; /* stopped; a test that fails does not leave it so */

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (client)
        kill(client, SIGKILL);
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(attached, .init = set_up, .fini = tear_down, .timeout = 60);

/* The command of every container here: says "go" when it is attached, then, told so, counts. */
#define COUNTER            \
    "busybox", "sh", "-c", \
        "echo go; while [ ! -e /go ]; do usleep 1000; done; seq " COUNT "; echo >/done"

static void expect_count(const struct outcome *o, const char *end_of_line)
{
    auto_done(buf_done) struct buf want = {0};
    buf_printf(&want, "go%s", end_of_line);
    for (int i = 1; i <= LINES; i++)
        buf_printf(&want, "%d%s", i, end_of_line);
    cr_expect_eq(o->out_len, want.len, "%zu bytes of %zu: %s", o->out_len, want.len,
                 o->err);
    cr_expect(o->out_len == want.len && memcmp(o->out, want.data, want.len) == 0);
}

/* It shows the first line, and nothing more from here on. */
static void stop_client(const struct running *r)
{
    cr_assert(running_says(r->out, "go"));
    client = r->pid;
    cr_assert_eq(kill(r->pid, SIGSTOP), 0);
}

static struct outcome end_client(struct running *r)
{
    struct outcome o = state_end(r);
    client = 0;
    return o;
}

static void begin_counting(const char *name)
{
    state_let_go(&s, name);
}

static bool has_died(void *arg)
{
    (void)arg;
    auto_done(buf_done) struct buf events = {0};
    return fs_read_at(s.dir.fd, "root/events.log", 1 << 20, &events) == 0 &&
           events.data && strstr(events.data, "\"die\"");
}

static void expect_resumed(struct running *r, int status, const char *end_of_line)
{
    cr_assert_eq(kill(r->pid, SIGCONT), 0);
    struct outcome o = end_client(r);
    cr_expect_eq(o.status, status, "status %d: %s", o.status, o.err);
    expect_count(&o, end_of_line);
    outcome_done(&o);
}

/* Files of the log that are left, of all containers. */
static int log_files(const char *where)
{
    int n = 0;
    auto_fd int top = openat(s.dir.fd, where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = top < 0 ? NULL : fdopendir(dup(top));
    for (const struct dirent *d; dir && (d = readdir(dir));) {
        auto_fd int one = openat(top, d->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_dir DIR *files = one < 0 || d->d_name[0] == '.' ? NULL : fdopendir(dup(one));
        for (const struct dirent *f; files && (f = readdir(files));)
            n += strncmp(f->d_name, "container.log", 13) == 0 &&
                 strcmp(f->d_name, "container.log.dropped") != 0;
    }
    return n;
}

/* ---- every byte ----------------------------------------------------------------------------- */

Test(attached, run_shows_all_of_a_log_that_rotates)
{
    struct running r = BEGIN(&s, "run", "--name", "x", SMALL, "max-file=3", COUNTER);
    stop_client(&r);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    cr_expect_gt(log_files("root/containers"), 20, "they wait for the client");
    expect_resumed(&r, 0, "\n");
    cr_expect_eq(log_files("root/containers"), 3, "and go with it");
}

Test(attached, one_file_is_enough)
{
    struct running r = BEGIN(&s, "run", "--name", "x", SMALL, "max-file=1", COUNTER);
    stop_client(&r);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    expect_resumed(&r, 0, "\n");
    cr_expect_eq(log_files("root/containers"), 1);
}

Test(attached, a_removed_container_too)
{
    struct running r =
        BEGIN(&s, "run", "--rm", "--name", "x", SMALL, "max-file=2", COUNTER);
    stop_client(&r);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    EXPECT_OUTPUT(&s, 0, "", "ps", "-aq");
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    expect_resumed(&r, 0, "\n");
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(attached, one_removed_by_force)
{
    struct running r = BEGIN(&s, "run", "--name", "x", SMALL, "max-file=2", COUNTER);
    stop_client(&r);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_gt(log_files("root/trash"), 20);
    expect_resumed(&r, 0, "\n");
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(attached, with_a_terminal)
{
    struct running r =
        BEGIN(&s, "run", "-t", "--name", "x", SMALL, "max-file=2", COUNTER);
    stop_client(&r);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    expect_resumed(&r, 0, "\r\n");
}

Test(attached, start_a)
{
    free(ASK(&s, "create", "--name", "x", SMALL, "max-file=2", COUNTER));
    struct running r = BEGIN(&s, "start", "-a", "x");
    stop_client(&r);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    expect_resumed(&r, 0, "\n");
}

/* The first line is another client's, so that this one is known to be attached. */
Test(attached, attach)
{
    free(ASK(&s, "run", "-d", "--name", "x", SMALL, "max-file=2", "busybox", "sh", "-c",
             "while [ ! -e /said ]; do echo go; usleep 10000; done; touch /quiet; "
             "while [ ! -e /go ]; do usleep 1000; done; seq " COUNT));
    struct running r = BEGIN(&s, "attach", "--no-stdin", "x");
    stop_client(&r);
    free(ASK(&s, "exec", "x", "sh", "-c",
             "touch /said; while [ ! -e /quiet ]; do usleep 1000; done"));
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    cr_assert_eq(kill(r.pid, SIGCONT), 0);
    struct outcome o = end_client(&r);
    char *after = o.out;
    while (after && strncmp(after, "go\n", 3) == 0 && strncmp(after + 3, "go\n", 3) == 0)
        after += 3;
    o.out_len -= (size_t)(after - o.out);
    memmove(o.out, after, o.out_len);
    expect_count(&o, "\n");
    outcome_done(&o);
}

/* By somebody's hand; nothing else can take it away. */
Test(attached, what_is_missing_is_told)
{
    char path[192];
    struct running r = BEGIN(&s, "run", "--name", "x", "busybox", "sh", "-c",
                             "echo a line that is longer than the next: go; "
                             "while [ ! -e /go ]; do usleep 1000; done; echo end");
    stop_client(&r);
    auto_free char *id = field(&s, "x", "{{.Id}}");
    snprintf(path, sizeof(path), "%s/root/containers/%s/container.log", s.dir.path, id);
    cr_assert_eq(truncate(path, 0), 0);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    cr_assert_eq(kill(r.pid, SIGCONT), 0);
    struct outcome o = end_client(&r);
    cr_expect_eq(o.status, 0);
    cr_expect(strstr(o.err, "some of the output is missing: the log was emptied"), "%s",
              o.err);
    cr_expect(strstr(o.out, "\nend\n"), "%s", o.out);
    outcome_done(&o);
}

/* ---- who is not attached -------------------------------------------------------------------- */

/* It holds nothing up, so it may miss something: then it says how much. */
Test(attached, logs_f_says_what_it_missed)
{
    free(ASK(&s, "run", "-d", "--name", "x", SMALL, "max-file=2", COUNTER));
    struct running r = BEGIN(&s, "logs", "-f", "x");
    stop_client(&r);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    cr_expect_eq(log_files("root/containers"), 2);
    cr_assert_eq(kill(r.pid, SIGCONT), 0);
    struct outcome o = end_client(&r);
    const char *said = strstr(o.err, " bytes of the log were rotated away before");
    cr_expect_eq(o.status, 1);
    cr_expect_not_null(said, "%s", o.err);
    while (said && said > o.err && said[-1] != ' ')
        said--;
    cr_expect(said && strtoull(said, NULL, 10) > 40 * SMALL_LOG, "%s", o.err);
    cr_expect_not_null(strstr(o.out, "\n200000\n"));
    outcome_done(&o);
}

Test(attached, logs_says_that_the_beginning_is_gone)
{
    struct outcome o =
        RUN(&s, "run", "--name", "x", SMALL, "max-file=2", "busybox", "seq", COUNT);
    outcome_done(&o);
    o = RUN(&s, "logs", "x");
    cr_expect_eq(o.status, 0);
    cr_expect_not_null(strstr(o.err, " bytes of the log were rotated away\n"), "%s",
                       o.err);
    outcome_done(&o);
    o = RUN(&s, "logs", "--tail", "1", "x");
    cr_expect_str_empty(o.err);
    cr_expect_str_eq(o.out, COUNT "\n");
    outcome_done(&o);
}

/* ---- the limit ------------------------------------------------------------------------------ */

#ifdef MTD_FAULTS

static bool is_waiting(void *arg)
{
    static unsigned long long before;
    unsigned long long now = 0;
    char path[192];
    struct stat st;
    for (unsigned i = 0; i < 50; i++) {
        snprintf(path, sizeof(path), i ? "%s/container.log.%u" : "%s/container.log",
                 (const char *)arg, i);
        now += stat(path, &st) == 0 ? (unsigned long long)st.st_size : 0;
    }
    bool same = now == before && now > 4 * SMALL_LOG;
    before = now;
    usleep(50000);
    return same;
}

/* A container whose client is stopped and whose log has grown as far as it may. */
static struct running begin_full(char dir[160])
{
    s.fault = FULL;
    struct running r = BEGIN(&s, "run", "--name", "x", SMALL, "max-file=2", COUNTER);
    s.fault = NULL;
    stop_client(&r);
    begin_counting("x");
    char *id = field(&s, "x", "{{.Id}}");
    snprintf(dir, 160, "%s/root/containers/%s", s.dir.path, id);
    free(id);
    cr_assert(state_until(is_waiting, dir));
    int files = log_files("root/containers"); /* what was taken at once is written */
    cr_expect(files >= 5 && files < 15, "%d", files);
    expect_field(&s, "x", "{{.State.Status}}", "running");
    return r;
}

Test(attached, the_container_waits_and_goes_on)
{
    char dir[160];
    struct running r = begin_full(dir);
    expect_resumed(&r, 0, "\n");
    cr_expect_eq(log_files("root/containers"), 2);
}

Test(attached, the_container_goes_on_without_a_client_that_was_killed)
{
    char dir[160];
    struct running r = begin_full(dir);
    cr_assert_eq(kill(r.pid, SIGKILL), 0);
    struct outcome o = end_client(&r);
    outcome_done(&o);
    await_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 0");
    cr_expect_eq(log_files("root/containers"), 2);
}

/* What it had written until then is shown; the last pipeful may be cut anywhere. */
static void expect_part(struct running *r, int status)
{
    cr_assert_eq(kill(r->pid, SIGCONT), 0);
    struct outcome o = end_client(r);
    cr_expect_eq(o.status, status, "%s", o.err);
    int n = 0, at = 3;
    for (int read = 0; n < LINES && sscanf(o.out + at, "%*d\n%n", &read) == 0 && read;
         n++) {
        int number = atoi(o.out + at);
        if (number != n + 1 && o.out[at + read] == '\0')
            break;
        cr_assert_eq(number, n + 1);
        at += read;
        read = 0;
    }
    cr_expect_gt(n, 4 * SMALL_LOG / 60, "%d lines", n);
    outcome_done(&o);
}

Test(attached, a_stopped_client_does_not_keep_it_from_being_stopped)
{
    char dir[160];
    struct running r = begin_full(dir);
    free(ASK(&s, "stop", "-t", "0", "x"));
    expect_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 137");
    expect_part(&r, 137);
    cr_expect_eq(log_files("root/containers"), 2);
}

Test(attached, nor_from_being_removed)
{
    char dir[160];
    struct running r = begin_full(dir);
    free(ASK(&s, "rm", "-f", "x"));
    expect_part(&r, 137);
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* The next one reads the same files' locks. The old one's client has no container any more. */
Test(attached, a_killed_monitor_is_followed_by_one_that_knows)
{
    char dir[160];
    struct running r = begin_full(dir);
    kill_and_wait(monitor_of(&s, "x"));
    s.fault = FULL;
    free(ASK(&s, "ps", "-q"));
    s.fault = NULL;
    expect_field(&s, "x", "{{.State.Status}}", "running");
    cr_expect_geq(log_files("root/containers"), 5);
    expect_part(&r, 125);
    await_field(&s, "x", "{{.State.Status}} {{.State.ExitCode}}", "exited 0");
    cr_expect_eq(log_files("root/containers"), 2);
}

Test(attached, a_killed_client_of_a_removed_container_leaves_nothing)
{
    char dir[160];
    struct running r = begin_full(dir);
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_gt(log_files("root/trash"), 2);
    cr_assert_eq(kill(r.pid, SIGKILL), 0);
    struct outcome o = end_client(&r);
    outcome_done(&o);
    o = RUN(&s, "rm", "-f", "nobody");
    outcome_done(&o);
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* Neither shows output, so neither holds up anybody. */
Test(attached, a_client_without_output_holds_nothing)
{
    s.fault = FULL;
    struct running r = BEGIN(&s, "run", "-i", "-a", "stdin", "--name", "x", SMALL,
                             "max-file=1", COUNTER);
    s.fault = NULL;
    await_line(&s, "x", "go");
    client = r.pid;
    cr_assert_eq(kill(r.pid, SIGSTOP), 0);
    begin_counting("x");
    cr_assert(state_until(has_died, NULL));
    cr_assert_eq(kill(r.pid, SIGCONT), 0);
    struct outcome o = end_client(&r);
    cr_expect_eq(o.status, 0);
    outcome_done(&o);
    cr_expect_eq(log_files("root/containers"), 1);
}

#else
Test(attached, the_limit)
{
    cr_skip("this build has no fault points; the debug build runs these");
}
#endif
