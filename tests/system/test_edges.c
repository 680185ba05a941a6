/* The edges of what a log shows: to the nanosecond, at the longest record, and where a killed monitor
 * was between two streams. Needs root. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "../support/stopped.h"
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

TestSuite(edges, .init = set_up, .fini = tear_down, .timeout = 60);

/* A container that has ended, with this log. */
static void make_log(const char *text)
{
    char path[256];
    auto_free char *id = ASK(&s, "create", "--name", "c", "busybox");
    snprintf(path, sizeof(path), "root/containers/%s/container.log", id);
    tempdir_put(&s.dir, path, text);
}

#define AT(ns) "2026-03-04T05:06:07." ns "Z"
#define LINE(ns, stream, tag, text) AT(ns) " " stream " " tag " " text "\n"

static void expect_log(const char *want, const char *a, const char *b, const char *c,
                       const char *d)
{
    auto_done(outcome_done) struct outcome o = RUN(&s, "logs", "c", a, b, c, d);
    cr_expect_str_eq(o.out, want, "%s %s %s %s: %s%s", a, b ? b : "", c ? c : "",
                     d ? d : "", o.out, o.err);
}

/* As docker: both moments are within. */
Test(edges, since_and_until_to_the_nanosecond)
{
    make_log(LINE("000000001", "stdout", "F", "a") LINE("000000002", "stdout", "F", "b")
                 LINE("000000003", "stdout", "F", "c"));
    expect_log("b\nc\n", "--since", AT("000000002"), NULL, NULL);
    expect_log("a\nb\n", "--until", AT("000000002"), NULL, NULL);
    expect_log("b\n", "--since", AT("000000002"), "--until", AT("000000002"));
    expect_log("c\n", "--since", AT("000000003"), NULL, NULL);
    expect_log("", "--since", AT("000000004"), NULL, NULL);
    expect_log("", "--until", AT("000000000"), NULL, NULL);
    expect_log("a\nb\nc\n", "--since", AT("000000000"), "--until", AT("999999999"));
}

/* A line that is longer than a record has its time once, in front. */
Test(edges, one_time_for_a_line_of_several_records)
{
    make_log(LINE("000000001", "stdout", "P", "long ")
                 LINE("000000002", "stdout", "P", "er ")
                     LINE("000000003", "stdout", "F", "line")
                         LINE("000000004", "stdout", "F", "next"));
    expect_log(AT("000000001") " long er line\n" AT("000000004") " next\n", "-t", NULL,
               NULL, NULL);
}

/* Each stream has its own lines, whatever came between. */
Test(edges, parts_of_two_streams)
{
    make_log(LINE("000000001", "stdout", "P", "out ")
                 LINE("000000002", "stderr", "P", "err ")
                     LINE("000000003", "stdout", "F", "end")
                         LINE("000000004", "stderr", "F", "end")
                             LINE("000000005", "stderr", "F", "more"));
    auto_done(outcome_done) struct outcome o = RUN(&s, "logs", "-t", "c");
    cr_expect_str_eq(o.out, AT("000000001") " out end\n");
    cr_expect_str_eq(o.err, AT("000000002") " err end\n" AT("000000005") " more\n", "%s",
                     o.err);
}

/* The longest text of a record, and one more byte: what went in comes out. */
Test(edges, lines_about_as_long_as_a_record)
{
    static const char *const SCRIPT = "for n in 16383 16384 16385 32768 32769; do "
                                      "head -c $n /dev/zero | tr '\\0' x; echo; done";
    auto_done(outcome_done) struct outcome run =
        RUN(&s, "run", "--name", "c", "busybox", "sh", "-c", SCRIPT);
    auto_done(outcome_done) struct outcome log = RUN(&s, "logs", "c");
    cr_expect_eq(run.out_len, 16383 + 16384 + 16385 + 32768 + 32769 + 5);
    cr_expect_eq(log.out_len, run.out_len);
    cr_expect_eq(memcmp(log.out, run.out, run.out_len), 0);
    auto_done(outcome_done) struct outcome timed = RUN(&s, "logs", "-t", "c");
    cr_expect_eq(timed.out_len, run.out_len + 5 * 31, "a time per line");
}

#ifdef MTD_FAULTS
static bool has_logged(void *unused)
{
    (void)unused;
    auto_done(outcome_done) struct outcome o = RUN(&s, "logs", "c");
    return o.out_len + o.err_len > 0;
}

/* The monitor is killed with bytes of stderr in its hands; the next one knows whose they were. */
Test(edges, the_stream_of_what_a_killed_monitor_had)
{
    s.fault = "log.taken:stop";
    free(ASK(&s, "run", "-d", "--name", "c", "busybox", "sh", "-c",
             "echo to err >&2; sleep 1000"));
    s.fault = NULL;
    pid_t monitor = monitor_of(&s, "c");
    cr_assert_eq(stopped_await(monitor), monitor);
    kill_and_wait(monitor);
    expect_field(&s, "c", "{{.State.Status}}", "running"); /* and adopts it */
    cr_expect(state_until(has_logged, NULL));
    auto_done(outcome_done) struct outcome o = RUN(&s, "logs", "c");
    cr_expect_str_eq(o.err, "to err\n", "out: %s", o.out);
    cr_expect_str_empty(o.out);
}
#endif
