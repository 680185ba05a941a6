/* ps: docker's words for states, its columns and its filters. */

#include "cli/ps.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NOW (1000000 * NS_PER_SEC)
#ifdef __x86_64__
#define MACHINE "amd64"
#else
#define MACHINE "arm64"
#endif
#define AGO(seconds) (NOW - (seconds)*NS_PER_SEC)

static struct mtd_summary s;
static struct buf out;
static struct mtd_error err;

static void make(void)
{
    s = (struct mtd_summary){
        .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = "web",
        .image = "busybox",
        .image_id = "sha256:beef0123",
        .command = "sh -c 'echo \"hello\" world'",
        .created_at = AGO(7200),
        .started_at = AGO(180),
        .state = MTD_STATE_RUNNING};
    setenv("TZ", "UTC", 1);
    out.len = 0;
}

static void forget(void)
{
    strv_done(&s.labels);
    strv_done(&s.mounts);
    strv_done(&s.ports);
    buf_done(&out);
}
TestSuite(ps_format, .init = make, .fini = forget);

static const char *status(void)
{
    out.len = 0;
    cr_assert_eq(ps_status(&s, NOW, &out), 0);
    return out.data;
}

Test(ps_format, running)
{
    cr_expect_str_eq(status(), "Up 3 minutes");
    s.health = "starting";
    cr_expect_str_eq(status(), "Up 3 minutes (health: starting)");
    s.health = "unhealthy";
    cr_expect_str_eq(status(), "Up 3 minutes (unhealthy)");
    s.state = MTD_STATE_PAUSED;
    cr_expect_str_eq(status(), "Up 3 minutes (Paused)");
}

Test(ps_format, ended)
{
    s.state = MTD_STATE_EXITED;
    s.started_at = AGO(9000);
    s.finished_at = AGO(7200);
    s.exit_code = 137;
    cr_expect_str_eq(status(), "Exited (137) 2 hours ago");
    s.state = MTD_STATE_RESTARTING;
    s.exit_code = 1;
    s.finished_at = AGO(5);
    cr_expect_str_eq(status(), "Restarting (1) 5 seconds ago");
}

Test(ps_format, an_unknown_end_is_not_invented)
{
    s.state = MTD_STATE_EXITED;
    s.exit_code = -1;
    s.finished_at = AGO(9000); /* of the run before */
    cr_expect_str_eq(status(), "Exited (unknown)");
}

Test(ps_format, other_states)
{
    s.state = MTD_STATE_CREATED;
    cr_expect_str_eq(status(), "Created");
    s.state = MTD_STATE_DEAD;
    cr_expect_str_eq(status(), "Dead");
    s.state = MTD_STATE_REMOVING;
    cr_expect_str_eq(status(), "Removal In Progress");
    s.state = MTD_STATE_BROKEN;
    s.error = "process.args: not a list";
    cr_expect_str_eq(status(), "Broken: process.args: not a list");
}

static const char *field(const char *template, bool no_trunc)
{
    struct format f;
    struct ps_row row = {&s, NOW, no_trunc};
    out.len = 0;
    cr_assert_eq(format_compile(&f, template, PS_FIELDS, PS_TABLE, &err), 0, "%s",
                 err.text);
    cr_assert_eq(format_row(&f, &row, &out, &err), 0);
    format_done(&f);
    return out.data ? out.data : "";
}

Test(ps_format, columns)
{
    cr_expect_str_eq(field("{{.ID}} {{.Names}} {{.Image}}", false),
                     "0123456789ab web busybox");
    cr_expect_str_eq(field("{{.RunningFor}}", false), "2 hours ago");
    strv_add(&s.networks, "none");
    cr_expect_str_eq(field("{{.State}} {{.Networks}}", false), "running none");
    cr_expect_str_eq(field("{{.CreatedAt}}", false), "1970-01-12 11:46:40 +0000 UTC");
    cr_expect_str_eq(field("{{.Size}}", false), "0B");
}

Test(ps_format, commands_are_cut_and_quoted)
{
    cr_expect_str_eq(field("{{.Command}}", false), "\"sh -c 'echo \\\"hello\\\"…\"");
    cr_expect_str_eq(field("{{.Command}}", true), "\"sh -c 'echo \\\"hello\\\" world'\"");
    s.command = "a\nb\033";
    cr_expect_str_eq(field("{{.Command}}", false), "\"a\\nb\\x1b\"");
}

Test(ps_format, json_has_dockers_fields_as_strings)
{
    s.command = "sleep 1";
    strv_add(&s.labels, "a=1");
    strv_add(&s.labels, "b=2");
    strv_add(&s.mounts, "/host:/c");
    strv_add(&s.mounts, "vol:/d");
    strv_add(&s.networks, "web");
    strv_add(&s.networks, "db");
    strv_add(&s.ports, "0.0.0.0:80->80/tcp");
    strv_add(&s.ports, "127.0.0.1:53->53/udp");
    cr_expect_str_eq(
        field("json", false),
        "{\"Command\":\"\\\"sleep 1\\\"\",\"CreatedAt\":\"1970-01-12 11:46:40 +0000 UTC\","
        "\"HealthStatus\":\"\",\"ID\":\"0123456789ab\",\"Image\":\"busybox\","
        "\"Labels\":\"a=1,b=2\",\"LocalVolumes\":\"1\",\"Mounts\":\"/host,vol\","
        "\"Names\":\"web\",\"Networks\":\"web,db\",\"Platform\":\"linux/" MACHINE
        "\",\"Ports\":\"127.0.0.1:53->53/udp, 0.0.0.0:80->80/tcp\","
        "\"PublicPorts\":\"0.0.0.0:80->80/tcp\","
        "\"RunningFor\":\"2 hours ago\","
        "\"Size\":\"0B\",\"State\":\"running\",\"Status\":\"Up 3 minutes\"}");
}

static bool matches(const char *a, const char *b)
{
    const char *items[] = {a, b};
    struct option_list list = {items, b ? 2 : 1};
    struct ps_filters f;
    err = (struct mtd_error){0};
    cr_assert_eq(ps_filters_parse(&list, &f, &err), 0, "%s", err.text);
    bool hit = ps_filters_match(&f, &s);
    ps_filters_done(&f);
    return hit;
}

Test(ps_format, filters)
{
    strv_add(&s.labels, "a=1");
    cr_expect(matches("name=we", NULL) && matches("name=^web$", NULL) &&
              matches("name=/web", NULL) && !matches("name=^eb", NULL));
    cr_expect(matches("name=^/web$", NULL));
    cr_expect(matches("name=[", NULL) == false);
    cr_expect(matches("id=0123", NULL) && !matches("id=123", NULL));
    cr_expect(matches("status=running", NULL) && !matches("status=exited", NULL));
    cr_expect(matches("label=a", NULL) && matches("label=a=1", NULL) &&
              !matches("label=a=2", NULL) && !matches("label=", "label=b"));
    cr_expect(matches("ancestor=busybox", NULL) &&
              matches("ancestor=busybox:latest", NULL) &&
              matches("ancestor=beef", NULL) && !matches("ancestor=busy", NULL));
    cr_expect(matches("is-task=false", NULL) && matches("is-task=0", NULL) &&
              !matches("is-task=true", NULL));
    cr_expect(!matches("exited=0", NULL));
    s.state = MTD_STATE_EXITED;
    cr_expect(matches("exited=0", NULL) && !matches("exited=1", NULL));
}

/* A word is compared whole. */
Test(ps_format, filters_take_no_beginnings)
{
    strv_add(&s.labels, "abc=1");
    strv_add(&s.mounts, "data:/var/data");
    cr_expect(matches("label=abc", NULL) && !matches("label=ab", NULL) &&
              !matches("label=abcd", NULL) && !matches("label=abc=", NULL));
    cr_expect(matches("volume=data", NULL) && matches("volume=/var/data", NULL));
    cr_expect(!matches("volume=dat", NULL) && !matches("volume=/var", NULL) &&
              !matches("volume=:/var/data", NULL));
}

Test(ps_format, ports_are_filtered_by)
{
    strv_add(&s.ports, "0.0.0.0:8080->80/tcp");
    strv_add(&s.ports, "127.0.0.1:53->53/udp");
    strv_add(&s.ports, "443/tcp");
    cr_expect(matches("publish=8080", NULL) && matches("publish=8080/tcp", NULL) &&
              matches("publish=53/udp", NULL) && matches("publish=8000-9000", NULL));
    cr_expect(!matches("publish=80", NULL) && !matches("publish=53", NULL) &&
              !matches("publish=443", NULL) && !matches("publish=8081-9000", NULL));
    cr_expect(matches("expose=443", NULL) && matches("expose=80/tcp", NULL) &&
              matches("expose=400-500/tcp", NULL) && !matches("expose=8080", NULL));
    cr_expect(matches("publish=1", "expose=443"), "as in docker either will do");
    cr_expect(matches("expose=443", "publish=1"));
    cr_expect(!matches("publish=1", "expose=2"));
    s.state = MTD_STATE_EXITED;
    cr_expect(!matches("publish=8080", NULL));
}

Test(ps_format, one_key_is_or_and_two_are_and)
{
    cr_expect(matches("name=web", "name=other"));
    cr_expect(!matches("name=web", "status=exited"));
}

Test(ps_format, bad_filters)
{
    static const char *const BAD[] = {
        "foo=1",     "status=nonsense", "exited=x",    "health=x",      "is-task=maybe",
        "publish=x", "publish=70000",   "publish=9-8", "expose=80/foo", "expose="};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct option_list list = {(const char **)&BAD[i], 1};
        struct ps_filters f = {0};
        err = (struct mtd_error){0};
        cr_expect_eq(ps_filters_parse(&list, &f, &err), -EINVAL, "%s", BAD[i]);
        cr_expect(err.code, "%s", BAD[i]);
    }
}
