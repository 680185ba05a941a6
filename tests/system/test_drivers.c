/* Where a container's output is kept: --log-driver. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static bool has_ended(void *arg)
{
    auto_free char *status = field(&s, "x", "{{.State.Status}}");
    (void)arg;
    return strcmp(status, "exited") == 0;
}

/* Each number once and in order, whichever moment its monitor is killed at. */
Test(drivers, json_file_is_whole_whoever_is_killed)
{
    static const char *const POINTS[] = {"log.mirror", "log.mirrored", "log.written",
                                         "log.empty"};
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        char fault[64];
        auto_done(buf_done) struct buf json = {0};
        snprintf(fault, sizeof(fault), "%s:kill:3", POINTS[i]);
        s.fault = fault;
        struct outcome o =
            RUN(&s, "run", "-d", "--name", "x", "--log-driver", "json-file", "busybox",
                "sh", "-c", "seq 1 20000; usleep 100000; seq 20001 40000");
        s.fault = NULL;
        outcome_done(&o);
        cr_assert(state_until(has_ended, NULL));
        read_path("{{.LogPath}}", &json);
        int n = 0, number = 0;
        for (char *at = json.data;
             at && *at && sscanf(at, "{\"log\":\"%d\\n", &number) == 1;
             at = strchr(at, '\n') + 1)
            if (number != ++n)
                break;
        cr_expect_eq(n, 40000, "%s: %d is not %d", POINTS[i], number, n);
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

/* Whoever attaches sees what comes from then on, and nobody waits for anybody before. */
Test(drivers, none_shows_what_is_attached)
{
    free(ASK(&s, "run", "-d", "--name", "x", "--log-driver", "none", "busybox", "sh",
             "-c", "seq 300000; touch /done; while :; do echo tick; usleep 10000; done"));
    free(ASK(&s, "exec", "x", "sh", "-c", "while [ ! -e /done ]; do usleep 1000; done"));
    struct running r = BEGIN(&s, "attach", "--no-stdin", "x");
    cr_expect(running_says(r.out, "tick\ntick\n"));
    free(ASK(&s, "kill", "x"));
    struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 137);
    cr_expect_eq(strspn(o.out, "tick\n"), o.out_len, "%.60s", o.out);
    outcome_done(&o);
}

Test(drivers, options_without_effect_are_named)
{
    struct outcome o = RUN(&s, "create", "--name", "x", "--log-driver", "local",
                           "--log-opt", "mode=non-blocking", "--log-opt",
                           "compress=false", "--log-opt", "tag=x", "busybox", "true");
    cr_expect_eq(o.status, 0);
    cr_expect(strstr(o.err, "--log-opt: without effect here: mode, tag\n"), "%s", o.err);
    outcome_done(&o);
    expect_field(&s, "x", "{{.HostConfig.LogConfig.Type}}", "local");
}
