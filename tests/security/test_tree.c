/* A running container that changes its tree and its processes while its host looks at it: diff,
 * export, commit, cp, ps -s, top. Needs root. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define ROUNDS 10

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "run", "-d", "--name", "x", "-v", MTD_HOSTILE ":/hostile:ro", "busybox",
             "sleep", "100000"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(tree, .init = set_up, .fini = tear_down, .timeout = 120);

/* In the container, until the test ends. */
static struct running act(const char *const words[])
{
    const char *args[16] = {"exec", "x", "/hostile"};
    for (size_t i = 0; words[i]; i++)
        args[3 + i] = words[i];
    struct running r = state_begin(&s, args);
    cr_assert(running_says(r.out, "ready"), "%s", words[0]);
    return r;
}
#define ACT(...) act((const char *const[]){__VA_ARGS__, NULL})

static void end(struct running *r)
{
    kill(r->pid, SIGKILL);
    struct outcome o = state_end(r);
    outcome_done(&o);
}

static char *host_path(const char *name)
{
    static char path[300];
    snprintf(path, sizeof(path), "%s/%s", s.dir.path, name);
    return path;
}

/* ---- processes --------------------------------------------------------------------------- */

static unsigned count_lines(const char *text)
{
    unsigned n = 1; /* ASK takes the last newline away */
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

Test(tree, a_process_of_many_groups_is_listed)
{
    struct running r = ACT("groups");
    auto_free char *top = ASK(&s, "top", "x", "-o", "pid,args");
    cr_expect_not_null(strstr(top, "/hostile groups"), "%s", top);
    end(&r);
}

Test(tree, a_name_is_one_line)
{
    struct running r = ACT("name", "a\n\033[2J) Z 0 0");
    auto_free char *top = ASK(&s, "top", "x", "-o", "pid,comm");
    cr_expect_eq(count_lines(top), 3, "%s", top);
    cr_expect_null(strchr(top, '\033'), "%s", top);
    cr_expect_not_null(strstr(top, ") Z 0 0"), "%s", top);
    end(&r);
}

/* ---- depth ------------------------------------------------------------------------------- */

Test(tree, what_is_deep_is_counted_and_not_passed_over)
{
    struct running r = ACT("deep", "500");
    auto_free char *size = ASK(&s, "ps", "-s", "--format", "{{.Size}}");
    cr_expect(strncmp(size, "1kB", 3) == 0 || strncmp(size, "1.0", 3) == 0, "%s", size);
    static const char *const VERBS[] = {"diff", "export"};
    for (size_t i = 0; i < ARRAY_SIZE(VERBS); i++) {
        auto_done(outcome_done) struct outcome o = RUN(&s, VERBS[i], "x");
        cr_expect_eq(o.status, 1, "%s: %d", VERBS[i], o.status);
        cr_expect_not_null(strstr(o.err, " 256 "), "%s", o.err);
    }
    end(&r);
    free(ASK(&s, "rm", "-f", "x"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* ---- files ------------------------------------------------------------------------------- */

/* The kernel lets whoever opens such a file wait for 45 s, and would for each of them. */
Test(tree, leases_hold_nobody_up)
{
    struct running r = ACT("lease", "/etc/passwd", "/leased");
    auto_done(outcome_done) struct outcome e =
        RUN(&s, "exec", "-u", "nobody", "x", "true");
    cr_expect_eq(e.status, 126, "%d %s", e.status, e.err);
    auto_done(outcome_done) struct outcome c = RUN(&s, "cp", "x:/leased", "-");
    cr_expect_eq(c.status, 1, "%d %s", c.status, c.err);
    free(ASK(&s, "diff", "x"));
    end(&r);
}

/* Nothing but regular files is opened. */
Test(tree, pipes_and_devices_are_not_opened)
{
    free(ASK(&s, "exec", "x", "sh", "-c",
             "mkdir /t; cd /t; mkfifo fifo; mknod kmsg c 1 11; mknod tape b 9 0"));
    static const char *const VERBS[][4] = {
        {"export", "x"}, {"commit", "x", "c"}, {"cp", "x:/t", "-"}, {"diff", "x"}};
    for (size_t i = 0; i < ARRAY_SIZE(VERBS); i++) {
        auto_done(outcome_done) struct outcome o = state_run_input(
            &s, NULL, 0,
            (const char *const[]){VERBS[i][0], VERBS[i][1], VERBS[i][2], NULL});
        cr_expect_eq(o.status, 0, "%s: %s", VERBS[i][0], o.err);
    }
}

static void expect_no_secret(const char *verb, const struct outcome *o)
{
    cr_expect(!memmem(o->out, o->out_len, "SECRET", 6), "%s: content", verb);
    cr_expect(!memmem(o->out, o->out_len, "zq7name", 6), "%s: a name", verb);
}

/* A directory of its own and a link to one of the host's take turns. */
Test(tree, a_swapped_directory_shows_nothing_of_the_host)
{
    cr_assert_eq(mkdir(host_path("outside"), 0755), 0);
    cr_assert_eq(fs_replace_at(s.dir.fd, "outside/zq7name", "SECRET", 6, 0644, false), 0);
    free(ASK(&s, "exec", "x", "sh", "-c",
             "mkdir -p /w/d/sub; touch /w/d/f; ln -s $0 /w/link", host_path("outside")));
    struct running r = ACT("swap", "/w/d", "/w/link");
    for (int i = 0; i < ROUNDS; i++) {
        auto_done(outcome_done) struct outcome diff = RUN(&s, "diff", "x");
        auto_done(outcome_done) struct outcome tar = RUN(&s, "export", "x");
        auto_done(outcome_done) struct outcome size = RUN(&s, "ps", "-s");
        expect_no_secret("diff", &diff);
        expect_no_secret("export", &tar);
        cr_expect_eq(size.status, 0);
    }
    free(ASK(&s, "commit", "x", "c"));
    end(&r);
    auto_done(outcome_done) struct outcome made =
        RUN(&s, "run", "--rm", "c", "find", "/w", "-name", "zq7name");
    cr_expect_str_empty(made.out);
}
