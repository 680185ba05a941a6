/* A volume's file, and what its options mean. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "engine/volume/volume.h"
#include "tempdir.h"

static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(volume_files, .init = setup, .fini = teardown);

static void add(struct strv *v, const char *const words[])
{
    for (; *words; words++)
        cr_assert_eq(strv_add(v, *words), 0);
}
#define WORDS(v, ...) add(v, (const char *const[]){__VA_ARGS__, NULL})

Test(volume_files, what_is_written_is_read)
{
    auto_done(mtd_volume_done) struct mtd_volume v = {.created_at = 1767323045000000000},
                                                 got = {0};
    struct mtd_error err = {0};
    v.name = strdup("v");
    WORDS(&v.labels, "z=1", "a=\"x\\y\n", "empty=");
    WORDS(&v.options, "type=tmpfs", "device=tmpfs", "o=size=1m,mode=700");
    cr_assert_eq(volume_write(tmp.fd, &v, true), 0);
    cr_assert_eq(volume_read(tmp.fd, "v", &got, &err), 0, "%s", err.text);
    cr_expect_str_eq(got.name, "v");
    cr_expect_eq(got.created_at, v.created_at);
    cr_assert_eq(got.labels.len, 3);
    cr_expect_str_eq(got.labels.items[0], "a=\"x\\y\n");
    cr_expect_str_eq(got.labels.items[1], "empty=");
    cr_expect_str_eq(got.labels.items[2], "z=1");
    cr_assert_eq(got.options.len, 3);
    cr_expect_str_eq(got.options.items[1], "o=size=1m,mode=700");
    cr_expect_eq(got.anonymous, false);
    cr_expect_eq(got.size, MTD_VOLUME_NO_SIZE);
}

/* As version 0.1 left it, and as a power loss may leave it. */
Test(volume_files, without_a_file_there_is_nothing_but_a_time)
{
    static const char HEX[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (int empty = 0; empty < 2; empty++) {
        auto_done(mtd_volume_done) struct mtd_volume named = {0}, nameless = {0};
        cr_assert_eq(volume_read(tmp.fd, "old", &named, NULL), 0);
        cr_expect_gt(named.created_at, 0);
        cr_expect(named.labels.len == 0 && !named.anonymous);
        cr_assert_eq(volume_read(tmp.fd, HEX, &nameless, NULL), 0);
        cr_expect(nameless.anonymous);
        tempdir_put(&tmp, VOLUME_FILE, "");
    }
}

Test(volume_files, a_damaged_one_is_said)
{
    static const struct {
        const char *text, *says;
    } BAD[] = {
        {"{", "not JSON"},
        {"[]", "not a JSON object"},
        {"{}", "createdAt: not a timestamp"},
        {"{\"createdAt\": \"10m\"}", "createdAt: not a timestamp"},
        {"{\"createdAt\": \"2026-01-02T03:04:05Z\", \"labels\": 3}",
         "labels: not an object"},
        {"{\"createdAt\": \"2026-01-02T03:04:05Z\", \"options\": {\"o\": 3}}",
         "options: o is not a string"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        auto_done(mtd_volume_done) struct mtd_volume v = {0};
        struct mtd_error err = {0};
        tempdir_put(&tmp, VOLUME_FILE, BAD[i].text);
        cr_expect_eq(volume_read(tmp.fd, "v", &v, &err), -EBADMSG, "%s", BAD[i].text);
        cr_expect(strstr(err.text, BAD[i].says), "%s: %s", BAD[i].text, err.text);
        cr_expect(strstr(err.text, "volumes/v/volume.json"), "%s", err.text);
    }
    auto_done(mtd_volume_done) struct mtd_volume v = {0};
    cr_assert_eq(unlinkat(tmp.fd, VOLUME_FILE, 0), 0);
    cr_assert_eq(symlinkat("/etc/passwd", tmp.fd, VOLUME_FILE), 0);
    cr_expect_eq(volume_read(tmp.fd, "v", &v, NULL), -ELOOP);
}

static void expect_source(const struct strv *options, enum volume_kind kind,
                          const char *words, bool recursive)
{
    auto_done(volume_source_done) struct volume_source s = {0};
    struct mtd_error err = {0};
    cr_assert_eq(volume_source_parse(options, &s, &err), 0, "%s", err.text);
    cr_expect_eq(s.kind, kind);
    cr_expect_eq(s.recursive, recursive);
    cr_expect_str_eq(s.words ? s.words : "", words);
}

Test(volume_files, options_of_the_local_driver)
{
    auto_done(strv_done) struct strv none = {0}, bind = {0}, deep = {0}, tmpfs = {0};
    WORDS(&bind, "type=none", "o=bind,ro", "device=/srv");
    WORDS(&deep, "type=bind", "o=nosuid,rbind", "device=/srv");
    WORDS(&tmpfs, "type=tmpfs", "device=x", "o=size=1m,uid=5");
    expect_source(&none, VOLUME_PLAIN, "", false);
    expect_source(&bind, VOLUME_BIND, "ro", false);
    expect_source(&deep, VOLUME_BIND, "nosuid", true);
    expect_source(&tmpfs, VOLUME_FS, "size=1m,uid=5", false);
}

Test(volume_files, options_that_cannot_work)
{
    static const struct {
        const char *words[4], *says;
    } BAD[] = {
        {{"foo=1"}, "invalid option: \"foo\""},
        {{"types=1"}, "invalid option: \"types\""},
        {{"size=1g"}, "project quotas"},
        {{"type=tmpfs"}, "missing required option: \"device\""},
        {{"device=/x"}, "missing required option: \"type\""},
        {{"o=bind"}, "missing required option: \"device\""},
        {{"type=none", "device=/x"}, "needs o=bind"},
        {{"type=none", "device=x", "o=bind"}, "must be an absolute path"},
        {{"type=nfs", "device=:/x", "o=addr=10.0.0.1"}, "has to be mounted on the host"},
        {{"type=ext 4", "device=/x"}, "is no file system"},
        {{"type=", "device=/x"}, "is no file system"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        auto_done(strv_done) struct strv options = {0};
        auto_done(volume_source_done) struct volume_source s = {0};
        struct mtd_error err = {0};
        add(&options, BAD[i].words);
        cr_expect_eq(volume_source_parse(&options, &s, &err), -EINVAL);
        cr_expect(strstr(err.text, BAD[i].says), "%s: %s", BAD[i].words[0], err.text);
    }
}
