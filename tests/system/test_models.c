/* What commands answer to random questions, against models that are slow and plain: logs and events
 * between any two moments. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/log/log.h"
#include "engine/store/events.h"
#include "seed.h"

#define START 1767323045000000000LL
#define MOST 120

static struct state s;
static struct seed r;

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

TestSuite(models, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- moments ----------------------------------------------------------------------- */

static int64_t at[MOST]; /* of line or event i; never falls, often stays */

static size_t pick_moments(void)
{
    size_t n = seed_below(&r, MOST);
    int64_t now = START;
    for (size_t i = 0; i < n; i++)
        at[i] = now += (int64_t)seed_below(&r, seed_below(&r, 2) ? 2 : 3 * NS_PER_SEC);
    return n;
}

/* Around one that is there, or none at all: 0. */
static int64_t pick_bound(size_t n)
{
    if (n == 0 || seed_below(&r, 4) == 0)
        return 0;
    return at[seed_below(&r, n)] + (int64_t)seed_below(&r, 3) - 1;
}

/* In one of the forms that users type. */
static const char *moment(int64_t ns, char ret[64])
{
    if (seed_below(&r, 2))
        snprintf(ret, 64, "%lld.%09lld", (long long)(ns / NS_PER_SEC),
                 (long long)(ns % NS_PER_SEC));
    else
        time_format_rfc3339(ns, ret);
    return ret;
}

struct question {
    int64_t since, until; /* 0 = not asked */
    char texts[3][64];
    const char *args[8];
    size_t n;
};

static void add_bound(struct question *q, const char *option, int64_t bound,
                      char text[64])
{
    if (bound == 0)
        return;
    q->args[q->n++] = option;
    q->args[q->n++] = moment(bound, text);
}

static struct outcome ask(struct question *q, const char *verb, const char *name)
{
    const char *args[12] = {verb};
    size_t n = 1;
    for (size_t i = 0; i < q->n; i++)
        args[n++] = q->args[i];
    args[n] = name;
    return state_run_input(&s, NULL, 0, args);
}

static bool is_within(const struct question *q, int64_t when)
{
    return (!q->since || when >= q->since) && (!q->until || when <= q->until);
}

/* ---- logs -------------------------------------------------------------------------- */

static enum log_stream stream_of[MOST];
static struct buf line_of[MOST];

/* Over as many files as it takes, a line of several records now and then. */
static void write_log(const char *dir, size_t n)
{
    struct log_writer w;
    auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(
        log_open(&w, fd, seed_below(&r, 3) ? 500 + seed_below(&r, 4000) : 0, 1000, NULL),
        0);
    for (size_t i = 0; i < n; i++) {
        int pad =
            seed_below(&r, 30) ? (int)seed_below(&r, 60) : (int)seed_below(&r, 40000);
        line_of[i].len = 0;
        cr_assert_eq(buf_printf(&line_of[i], "%zu%*s|\n", i, pad, ""), 0);
        stream_of[i] = seed_below(&r, 2) ? LOG_STDOUT : LOG_STDERR;
        cr_assert_eq(log_write(&w, stream_of[i], line_of[i].data, line_of[i].len, at[i]),
                     0);
    }
    log_close(&w);
}

/* The last lines first, of these what is within. */
static void expect_log(const struct question *q, size_t n, size_t tail, bool times,
                       const struct outcome *o)
{
    struct buf want[3] = {{0}, {0}, {0}};
    cr_assert(buf_puts(&want[LOG_STDOUT], "") == 0 &&
              buf_puts(&want[LOG_STDERR], "") == 0);
    for (size_t i = tail < n ? n - tail : 0; i < n; i++) {
        char time[TIME_TEXT];
        struct buf *to = &want[stream_of[i]];
        if (!is_within(q, at[i]))
            continue;
        time_format_rfc3339(at[i], time);
        cr_assert_eq(buf_printf(to, "%s%s%s", times ? time : "", times ? " " : "",
                                line_of[i].data),
                     0);
    }
    cr_expect_str_eq(o->out, want[LOG_STDOUT].data,
                     "%zu lines, last %zu, since %" PRId64 " until %" PRId64, n, tail,
                     q->since - START, q->until - START);
    cr_expect_str_eq(o->err, want[LOG_STDERR].data,
                     "%zu lines, last %zu, since %" PRId64 " until %" PRId64, n, tail,
                     q->since - START, q->until - START);
    buf_done(&want[LOG_STDOUT]);
    buf_done(&want[LOG_STDERR]);
}

static void ask_for_log(size_t n)
{
    struct question q = {.since = pick_bound(n), .until = pick_bound(n)};
    size_t tail = seed_below(&r, 3) ? MOST : seed_below(&r, n + 2);
    bool times = seed_below(&r, 2);
    add_bound(&q, "--since", q.since, q.texts[0]);
    add_bound(&q, "--until", q.until, q.texts[1]);
    if (tail < MOST) {
        snprintf(q.texts[2], sizeof(q.texts[2]), "%zu", tail);
        q.args[q.n++] = "--tail";
        q.args[q.n++] = q.texts[2];
    }
    if (times)
        q.args[q.n++] = "-t";
    auto_done(outcome_done) struct outcome o = ask(&q, "logs", "c");
    expect_log(&q, n, tail, times, &o);
}

Test(models, logs_between_any_two_moments)
{
    r = seed_of("logs_between_any_two_moments");
    for (int i = 0; i < 6; i++) {
        char dir[192];
        auto_free char *id = ASK(&s, "create", "--name", "c", "busybox");
        snprintf(dir, sizeof(dir), "%s/root/containers/%s", s.dir.path, id);
        size_t n = pick_moments();
        write_log(dir, n);
        for (int k = 0; k < 12; k++)
            ask_for_log(n);
        free(ASK(&s, "rm", "c"));
    }
    for (size_t i = 0; i < MOST; i++)
        buf_done(&line_of[i]);
}

/* ---- events ------------------------------------------------------------------------ */

static const char *const ACTIONS[] = {"create", "start", "health_status: healthy", "die"};
static size_t action_of[MOST];

static void write_events(size_t n)
{
    auto_fd int root = openat(s.dir.fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)unlinkat(root, "events.log", 0);
    (void)unlinkat(root, "events.log.1", 0);
    size_t cut = seed_below(&r, n + 1); /* the older ones are in the older file */
    for (size_t i = 0; i < n; i++) {
        char name[24];
        action_of[i] = seed_below(&r, 4);
        snprintf(name, sizeof(name), "n%zu", i);
        struct event e = {.time_ns = at[i],
                          .type = "container",
                          .action = ACTIONS[action_of[i]],
                          .id = "0123",
                          .name = name,
                          .exit_code = -1};
        if (i == cut)
            (void)renameat(root, "events.log", root, "events.log.1");
        cr_assert_eq(events_append(root, &e), 0);
    }
}

static void ask_for_events(size_t n)
{
    struct question q = {.since = pick_bound(n), .until = pick_bound(n)};
    size_t wanted = seed_below(&r, 8);
    auto_done(buf_done) struct buf want = {0};
    q.since = q.since ? q.since : START; /* without it only new ones are shown, */
    q.until = q.until ? q.until : START + 3600 * NS_PER_SEC; /* and for ever */
    add_bound(&q, "--since", q.since, q.texts[0]);
    add_bound(&q, "--until", q.until, q.texts[1]);
    q.args[q.n++] = "--format={{.Actor.Attributes.name}}";
    if (wanted < 4) {
        snprintf(q.texts[2], sizeof(q.texts[2]), "--filter=event=%.*s",
                 (int)strcspn(ACTIONS[wanted], ":"), ACTIONS[wanted]);
        q.args[q.n++] = q.texts[2];
    }
    cr_assert_eq(buf_puts(&want, ""), 0);
    for (size_t i = 0; i < n; i++)
        if (is_within(&q, at[i]) && (wanted >= 4 || action_of[i] == wanted))
            cr_assert_eq(buf_printf(&want, "n%zu\n", i), 0);
    auto_done(outcome_done) struct outcome o = ask(&q, "events", NULL);
    cr_expect_str_eq(o.out, want.data,
                     "%zu events, since %" PRId64 " until %" PRId64 " %s", n,
                     q.since - START, q.until - START, q.texts[2]);
    cr_expect_str_eq(o.err, "");
}

Test(models, events_between_any_two_moments)
{
    r = seed_of("events_between_any_two_moments");
    free(ASK(&s, "create", "--name", "c", "busybox"));
    for (int i = 0; i < 6; i++) {
        size_t n = pick_moments();
        write_events(n);
        for (int k = 0; k < 10; k++)
            ask_for_events(n);
    }
}
