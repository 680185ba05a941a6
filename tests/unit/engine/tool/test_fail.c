/* What skopeo 1.9.3 and buildah 1.28.2 and 1.39.3 say, as they said it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/tool/tool.h"

static struct mtd_error fail(const char *said, int status, unsigned silent)
{
    struct mtd_error err = {0};
    struct tool_result r = {.status = status, .silent = silent};
    buf_puts(&r.said, said);
    int rc = tool_fail(&r, "h:5000", &err);
    cr_expect_eq(rc, -err.code);
    tool_result_done(&r);
    return err;
}

#define FATAL(msg) "time=\"2026-11-28T00:44:18Z\" level=fatal msg=\"" msg "\"\n"

Test(tool_fail, what_users_meet_has_one_sentence)
{
    static const struct {
        const char *said;
        int code;
        const char *text;
    } CASES[] = {
        {FATAL(
             "Error parsing image name \\\"docker://h:5000/a:1\\\": reading manifest 1 in "
             "h:5000/a: manifest unknown: manifest unknown"),
         ENOENT, "no such image in the registry at h:5000"},
        {FATAL(
             "pinging container registry h:5000: Get \\\"http://h:5000/v2/\\\": dial tcp "
             "127.0.0.1:5999: connect: connection refused"),
         ECONNREFUSED, "the registry at h:5000 is not there: connection refused"},
        {FATAL("pinging container registry h:5000: Get \\\"https://h:5000/v2/\\\": http: "
               "server gave HTTP response to HTTPS client"),
         EPROTO, "the registry at h:5000 speaks plain http; give it a certificate"},
        {FATAL(
             "Get \\\"https://h:5000/v2/\\\": dial tcp: lookup h on 10.0.0.1:53: no such "
             "host"),
         EHOSTUNREACH, "the registry at h:5000 is not there: no host has this name"},
        {FATAL("logging into \\\"h:5000\\\": invalid username/password"), EACCES,
         "the registry at h:5000 refuses the user or the password"},
        {FATAL("writing blob: storing blob to file \\\"/x/oci-put-blob1\\\": write "
               "/x/oci-put-blob1: no space left on device"),
         ENOSPC, "the disk is full"},
        {"Error: creating build container: could not find \"netavark\" in one of "
         "[/usr/libexec/podman /usr/lib/podman].  To resolve this error, set the "
         "helper_binaries_dir key in the `[engine]` section of containers.conf to the "
         "directory containing your helper binaries.\n",
         ENOENT, "buildah needs the program netavark; apt install netavark"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct mtd_error err = fail(CASES[i].said, 1, 0);
        cr_expect_eq(err.code, CASES[i].code, "%s", CASES[i].said);
        cr_expect_str_eq(err.text, CASES[i].text);
    }
}

Test(tool_fail, what_is_not_known_is_said_in_its_own_words)
{
    struct mtd_error err =
        fail("a line\n" FATAL("first") "more\n" FATAL("the \\\"last\\\" is told"), 1, 0);
    cr_expect_str_eq(err.text, "the \"last\" is told");
    cr_expect_eq(err.code, EIO);
    cr_expect_str_eq(fail("one\nError: two\n\n", 125, 0).text, "Error: two");
    cr_expect_str_eq(fail("", 1, 0).text, "failed without a word, status 1");
    cr_expect_str_eq(fail("", 128 + 11, 0).text, "killed by signal 11");
}

Test(tool_fail, of_long_words_the_end_is_told)
{
    char said[1000];
    memset(said, 'x', sizeof(said));
    snprintf(said + 600, 100, "yy: the cause");
    cr_expect_str_eq(fail(said, 1, 0).text, "the cause");
    memset(said, 'x', sizeof(said));
    said[999] = '\0';
    cr_expect_eq(strlen(fail(said, 1, 0).text), 150);
}

Test(tool_fail, silence_is_told_with_its_length)
{
    cr_expect_str_eq(fail("whatever", 137, 30).text,
                     "no answer from the registry at h:5000 within 30 s");
}
