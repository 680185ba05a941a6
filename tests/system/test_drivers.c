/* Where a container's output is kept: --log-driver. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

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

TestSuite(drivers, .init = set_up, .fini = tear_down, .timeout = 60);

static void read_path(const char *template, struct buf *ret)
{
    auto_free char *path = field(&s, "x", template);
    cr_assert_eq(fs_read_at(AT_FDCWD, path, 64u << 20, ret), 0, "%s", path);
}

Test(drivers, json_file_is_dockers)
{
    auto_done(buf_done) struct buf json = {0};
    struct outcome o = RUN(&s, "run", "--name", "x", "--log-driver", "json-file",
                           "busybox", "sh", "-c", "echo '<hi>'; echo err >&2");
    cr_expect_str_eq(o.out, "<hi>\n");
    outcome_done(&o);
    read_path("{{.LogPath}}", &json);
    char want[128];
    auto_free char *id = field(&s, "x", "{{.Id}}");
    auto_free char *path = field(&s, "x", "{{.LogPath}}");
    snprintf(want, sizeof(want), "/%s-json.log", id);
    cr_expect(strstr(path, want), "%s", path);
    cr_expect(
        strstr(json.data,
               "{\"log\":\"\\u003chi\\u003e\\n\",\"stream\":\"stdout\",\"time\":\"20"),
        "%s", json.data);
    cr_expect(
        strstr(json.data, "{\"log\":\"err\\n\",\"stream\":\"stderr\",\"time\":\"20"),
        "%s", json.data);
    expect_field(&s, "x", "{{.HostConfig.LogConfig.Type}}", "json-file");
    o = RUN(&s, "logs", "x");
    cr_expect_str_eq(o.out, "<hi>\n");
    outcome_done(&o);
}

/* And that is on disk: it is seen to have ended before its monitor has written the rest. */
static bool has_ended(void *arg)
{
    auto_free char *end =
        field(&s, "x", "{{.State.Status}} {{slice .State.FinishedAt 0 4}}");
    (void)arg;
    return strncmp(end, "exited ", 7) == 0 && strcmp(end + 7, "0001") != 0;
}

#define HEAD "{\"log\":\""

/* Numbers from 1 on, one a line; returns the first that is not as it should be, or the last.
 * A line whose monitor was killed in the middle of it may be in two pieces, as docker's long
 * ones are: the first has no newline. */
static int count_numbers(const char *json)
{
    int n = 0;
    char line[16] = "";
    for (const char *at = json, *end; at && *at; at = end ? end + 1 : NULL) {
        end = strchr(at, '\n'); /* NULL = it is being written */
        if (strncmp(at, HEAD, strlen(HEAD)) != 0)
            return n;
        const char *piece = at + strlen(HEAD);
        size_t len = strlen(line), more = strspn(piece, "0123456789");
        if ((more == 0 && len == 0) || len + more >= sizeof(line))
            return n;
        snprintf(line + len, sizeof(line) - len, "%.*s", (int)more, piece);
        if (strncmp(piece + more, "\\n\"", 3) != 0)
            continue;
        if (strtol(line, NULL, 10) != n + 1)
            return n;
        n++;
        line[0] = '\0';
    }
    return *line ? -1 : n;
}

/* It stays until all is read: what is in its pipes would be lost with it and its monitor. */
#define IN_TWO_HALVES                                                           \
    "seq 1 20000; until [ -e /more ]; do usleep 10000; done; seq 20001 40000; " \
    "until [ -e /end ]; do usleep 10000; done"

static int numbers_now(void)
{
    auto_done(buf_done) struct buf json = {0};
    read_path("{{.LogPath}}", &json); /* the command starts a monitor if there is none */
    return count_numbers(json.data);
}

static bool is_whole(void *arg)
{
    (void)arg;
    return numbers_now() == 40000;
}

/* Each number once and in order, whichever moment its monitor is killed at. */
Test(drivers, json_file_is_whole_whoever_is_killed)
{
    static const char *const POINTS[] = {"log.mirror", "log.mirrored", "log.written",
                                         "log.empty"};
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill:3", POINTS[i]);
        s.fault = fault;
        struct outcome o = RUN(&s, "run", "-d", "--name", "x", "--log-driver",
                               "json-file", "busybox", "sh", "-c", IN_TWO_HALVES);
        s.fault = NULL;
        outcome_done(&o);
        free(ASK(&s, "exec", "x", "touch", "/more"));
        cr_expect(state_until(is_whole, NULL), "%s: it is right up to %d", POINTS[i],
                  numbers_now());
        o = RUN(&s, "exec", "x", "touch", "/end"); /* it may end with the container */
        outcome_done(&o);
        cr_assert(state_until(has_ended, NULL));
        cr_expect_eq(numbers_now(), 40000, "%s: %d at the end", POINTS[i], numbers_now());
        free(ASK(&s, "rm", "x"));
    }
}

Test(drivers, none_keeps_nothing)
{
    struct outcome o =
        RUN(&s, "run", "--name", "x", "--log-driver", "none", "busybox", "seq", "100000");
    cr_expect_eq(o.out_len, 588895);
    outcome_done(&o);
    o = RUN(&s, "logs", "x");
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.err, "x has the log driver none"), "%s", o.err);
    outcome_done(&o);
    expect_field(&s, "x", "{{json .HostConfig.LogConfig}} [{{.LogPath}}]",
                 "{\"Type\":\"none\",\"Config\":{}} []");
    auto_free char *id = field(&s, "x", "{{.Id}}");
    char path[256];
    snprintf(path, sizeof(path), "%s/root/containers/%s/container.log", s.dir.path, id);
    cr_expect_eq(access(path, F_OK), -1, "it is kept");
}

/* Whoever attaches sees what comes from then on, and nobody waits for anybody before. What the
 * pipe still holds when the first one attaches is his. */
Test(drivers, none_shows_what_is_attached)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--log-driver", "none", "busybox", "sh",
             "-c", "seq 300000; touch /done; while :; do echo tick; usleep 10000; done"));
    free(ASK(&s, "exec", "x", "sh", "-c", "while [ ! -e /done ]; do usleep 1000; done"));
    struct running first = BEGIN(&s, "attach", "--no-stdin", "x");
    cr_expect(running_says(first.out, "tick\ntick\n"));
    struct running r = BEGIN(&s, "attach", "--no-stdin", "x");
    cr_expect(running_says(r.out, "tick\ntick\n"));
    free(ASK(&s, "kill", "x"));
    struct outcome o1 = state_end(&first);
    cr_expect(o1.out_len < 2000000, "%zu bytes", o1.out_len);
    outcome_done(&o1);
    struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 137);
    cr_expect_eq(strspn(o.out, "tick\n"), o.out_len, "%.60s", o.out);
    outcome_done(&o);
}

Test(drivers, options_without_effect_are_named)
{
    struct outcome o =
        RUN(&s, "create", "--name", "x", "--log-opt", "mode=non-blocking", "--log-opt",
            "compress=false", "--log-opt", "tag=x", "busybox", "true");
    cr_expect_eq(o.status, 0);
    cr_expect(strstr(o.err, "--log-opt: without effect with the log driver k8s-file: "
                            "mode, tag\n"),
              "%s", o.err);
    outcome_done(&o);
    expect_field(&s, "x", "{{.HostConfig.LogConfig.Config.tag}}", "x");
}

Test(drivers, options_are_those_of_the_driver)
{
    static const char *const CASES[][3] = {
        /* the last three are found by the engine */
        {"local", "tag=x", "unknown log opt 'tag' for local log driver"},
        {"journald", "max-size=1m", "unknown log opt 'max-size' for journald log driver"},
        {"json-file", "foo=1", "unknown log opt 'foo' for json-file log driver"},
        {"none", "tag=x", "invalid logging opts for driver none"},
        {"json-file", "tag={{.Nope}}", "Nope"},
        {"json-file", "tag={{.ID", "the log's tag: template: 1:"},
        {"json-file", "env-regex=(", "env-regex"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct outcome o = RUN(&s, "create", "--log-driver", CASES[i][0], "--log-opt",
                               CASES[i][1], "busybox", "true");
        cr_expect_eq(o.status, i < ARRAY_SIZE(CASES) - 3 ? 125 : 1, "%s", CASES[i][1]);
        cr_expect(strstr(o.err, CASES[i][2]), "%s: %s", CASES[i][1], o.err);
        outcome_done(&o);
    }
    auto_free char *all = ASK(&s, "ps", "-aq");
    cr_expect_str_empty(all);
}

/* ---- what a line says about its container --------------------------------------------------- */

#define LABELLED "-l", "x=y", "-l", "z=w", "-e", "A=1", "-e", "C1=q\"<"
#define CHOSEN                                                                 \
    "--log-opt", "tag={{.ImageName}}/{{.Name}}", "--log-opt", "labels=x,nope", \
        "--log-opt", "env=A,B", "--log-opt", "env-regex=^C"

Test(drivers, json_lines_have_the_attributes_chosen)
{
    auto_done(buf_done) struct buf json = {0};
    struct outcome o = RUN(&s, "run", "--name", "x", "--log-driver", "json-file", CHOSEN,
                           LABELLED, "busybox", "echo", "hi");
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_empty(o.err);
    outcome_done(&o);
    read_path("{{.LogPath}}", &json);
    cr_expect(strstr(json.data,
                     "{\"log\":\"hi\\n\",\"stream\":\"stdout\",\"attrs\":{\"A\":\"1\","
                     "\"C1\":\"q\\\"\\u003c\",\"tag\":\"busybox/x\",\"x\":\"y\"},"
                     "\"time\":\"20"),
              "%s", json.data);
    EXPECT_OUTPUT(&s, 0, "A=1,C1=q%22%3C,tag=busybox%2Fx,x=y hi\n", "logs", "--details",
                  "x");
    expect_field(
        &s, "x", "{{json .HostConfig.LogConfig.Config}}",
        "{\"max-size\":\"100m\",\"max-file\":\"5\",\"tag\":\"{{.ImageName}}/{{.Name}}\","
        "\"labels\":\"x,nope\",\"env\":\"A,B\",\"env-regex\":\"^C\"}");
}

/* ---- journald ------------------------------------------------------------------------------- */

/* A /run of this test's own, with a journal's socket in it if wanted. */
static int make_journal(bool there)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX,
                             .sun_path = "/run/systemd/journal/socket"};
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    cr_assert_eq(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
    if (!there)
        return -1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    cr_assert_eq(mkdir("/run/systemd", 0755), 0);
    cr_assert_eq(mkdir("/run/systemd/journal", 0755), 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* The next message, with a newline in front; "" = none is there. */
static const char *message(int journal)
{
    static char text[65536];
    ssize_t n = recv(journal, text + 1, sizeof(text) - 2, 0);
    text[0] = n < 0 ? '\0' : '\n';
    text[n < 0 ? 1 : n + 1] = '\0';
    for (ssize_t i = 1; i <= n; i++) /* of a length */
        if (!text[i])
            text[i] = '0';
    return text;
}

static void expect_fields(const char *text, const char *const fields[])
{
    for (; *fields; fields++) {
        char line[256];
        snprintf(line, sizeof(line), "\n%s\n", *fields);
        cr_expect(strstr(text, line), "no %s in %s", *fields, text);
    }
}
#define EXPECT_FIELDS(journal, ...) \
    expect_fields(message(journal), (const char *const[]){__VA_ARGS__, NULL})

Test(drivers, journald_gets_dockers_fields)
{
    auto_fd int journal = make_journal(true);
    struct outcome o =
        RUN(&s, "run", "--name", "x", "--log-driver", "journald", CHOSEN, "--log-opt",
            "labels-regex=^.org", LABELLED, "-l", "_org.x-y=two\nlines", "busybox", "sh",
            "-c", "echo hi; echo bad >&2; printf end");
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, "hi\nend");
    outcome_done(&o);
    auto_free char *id = field(&s, "x", "{{.Id}}");
    char full[128], cut[64];
    snprintf(full, sizeof(full), "CONTAINER_ID_FULL=%s", id);
    snprintf(cut, sizeof(cut), "CONTAINER_ID=%.12s", id);
    bool seen[3] = {false, false, false};
    for (int i = 0; i < 3; i++) {
        const char *text = message(journal);
        expect_fields(text,
                      (const char *const[]){
                          full, cut, "CONTAINER_NAME=x", "CONTAINER_TAG=busybox/x",
                          "SYSLOG_IDENTIFIER=busybox/x", "IMAGE_NAME=busybox", "X=y",
                          "A=1", "C1=q\"<", "ORG_X_Y\n\t0000000two\nlines", NULL});
        cr_expect_null(strstr(text, "PARTIAL"));
        seen[0] |= strstr(text, "\nPRIORITY=6\n") && strstr(text, "\nMESSAGE=hi\n");
        seen[1] |= strstr(text, "\nPRIORITY=3\n") && strstr(text, "\nMESSAGE=bad\n");
        seen[2] |= strstr(text, "\nPRIORITY=6\n") && strstr(text, "\nMESSAGE=end\n");
    }
    cr_expect(seen[0] && seen[1] && seen[2]);
    cr_expect_str_empty(message(journal));
    EXPECT_OUTPUT(&s, 0, "hi\nend", "logs", "x");
    expect_field(&s, "x", "{{.HostConfig.LogConfig.Type}} [{{.LogPath}}]", "journald []");
}

Test(drivers, journald_gets_long_lines_in_parts)
{
    auto_fd int journal = make_journal(true);
    free(ASK(&s, "run", "--name", "x", "--log-driver", "journald", "busybox", "sh", "-c",
             "head -c 20000 /dev/zero | tr '\\0' x; echo"));
    const char *text = message(journal);
    cr_expect(strstr(text, "\nCONTAINER_PARTIAL_MESSAGE=true\n"));
    cr_expect_eq(strspn(strstr(text, "MESSAGE=") + 8, "x"), 16384);
    text = message(journal);
    cr_expect_null(strstr(text, "PARTIAL"));
    cr_expect_eq(strspn(strstr(text, "MESSAGE=") + 8, "x"), 20000 - 16384);
}

Test(drivers, journald_that_is_not_there_refuses_the_start)
{
    make_journal(false);
    struct outcome o =
        RUN(&s, "run", "--name", "x", "--log-driver", "journald", "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "journald is not enabled on this host"), "%s", o.err);
    outcome_done(&o);
    expect_field(&s, "x", "{{.State.Status}}", "created");
}

/* What it missed it gets as soon as there is more to say: the log has it. */
Test(drivers, journald_that_comes_back_gets_what_it_missed)
{
    auto_fd int journal = make_journal(true);
    free(ASK(&s, "run", "-d", "-i", "--name", "x", "--log-driver", "journald", "busybox",
             "cat"));
    close(take_fd(&journal));
    cr_assert_eq(rename("/run/systemd/journal/socket", "/run/gone"), 0);
    struct outcome o = state_run_input(
        &s, "one\n", 4,
        (const char *const[]){"exec", "-i", "x", "sh", "-c", "cat >/proc/1/fd/1", NULL});
    outcome_done(&o);
    await_line(&s, "x", "one");
    struct sockaddr_un at = {.sun_family = AF_UNIX,
                             .sun_path = "/run/systemd/journal/socket"};
    journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(journal, (struct sockaddr *)&at, sizeof(at)), 0);
    free(ASK(&s, "exec", "x", "sh", "-c", "echo two >/proc/1/fd/1"));
    await_line(&s, "x", "two");
    free(ASK(&s, "kill", "x"));
    free(ASK(&s, "wait", "x"));
    EXPECT_FIELDS(journal, "MESSAGE=one");
    EXPECT_FIELDS(journal, "MESSAGE=two");
    cr_expect_str_empty(message(journal));
}
