#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/image/name.h"

Test(image_name, every_spelling_has_one_short_form)
{
    static const char *const CASES[][2] = {
        {"busybox", "busybox:latest"},
        {"busybox:1.36", "busybox:1.36"},
        {"library/busybox", "busybox:latest"},
        {"docker.io/busybox", "busybox:latest"},
        {"docker.io/library/busybox:x", "busybox:x"},
        {"index.docker.io/library/busybox", "busybox:latest"},
        {"docker.io/me/app", "me/app:latest"},
        {"library/a/b", "library/a/b:latest"},
        {"localhost/app", "localhost/app:latest"},
        {"localhost:5000/app:v1.0-Rc_1", "localhost:5000/app:v1.0-Rc_1"},
        {"Reg.Example.com/a/b", "Reg.Example.com/a/b:latest"},
        {"quay.io/a__b/c-d--e/f.g_h", "quay.io/a__b/c-d--e/f.g_h:latest"},
        {"0", "0:latest"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct image_name name;
        struct mtd_error err = {0};
        cr_expect_eq(image_name_parse(CASES[i][0], &name, &err), 0, "%s: %s", CASES[i][0],
                     err.text);
        cr_expect_str_eq(name.text, CASES[i][1]);
    }
}

Test(image_name, what_is_not_a_reference_is_refused)
{
    static const char *const CASES[][2] = {
        {"", "empty"},
        {":x", "empty"},
        {"@sha256:00", "digest"},
        {"a@md5:00", "digest"},
        {"Busybox", "lower case"},
        {"docker.io/Busybox", "lower case"},
        {"a//b", "empty"},
        {"a/", "empty"},
        {"/a", "host"},
        {"a:", "a tag is"},
        {"a:.x", "a tag is"},
        {"a:x/y:z:w", "a tag is"},
        {"..", "use a-z"},
        {"a/../b", "use a-z"},
        {"a..b", "use a-z"},
        {"a___b", "use a-z"},
        {"-a", "use a-z"},
        {"a-", "use a-z"},
        {"a%b", "use a-z"},
        {"a b", "use a-z"},
        {"a\nb", "use a-z"},
        {"-x.com/a", "host"},
        {"x..com/a", "host"},
        {"x.com:port/a", "host"},
        {"x.com:1234567/a", "host"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "an id"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct image_name name;
        struct mtd_error err = {0};
        cr_expect_eq(image_name_parse(CASES[i][0], &name, &err), -EINVAL, "\"%s\"",
                     CASES[i][0]);
        cr_expect(strstr(err.text, CASES[i][1]), "\"%s\": %s", CASES[i][0], err.text);
    }
}

Test(image_name, lengths_are_bounded)
{
    char text[600];
    struct image_name name;
    memset(text, 'a', sizeof(text));
    text[249] = '\0';
    cr_expect_eq(image_name_parse(text, &name, NULL), -EINVAL, "no room for :latest");
    text[248] = '\0';
    cr_expect_eq(image_name_parse(text, &name, NULL), 0);
    cr_expect_eq(strlen(name.text), 255);
    memset(text, 'a', sizeof(text));
    text[1] = ':';
    text[2 + 129] = '\0';
    cr_expect_eq(image_name_parse(text, &name, NULL), -EINVAL, "tag of 129");
    text[2 + 128] = '\0';
    cr_expect_eq(image_name_parse(text, &name, NULL), 0);
}

Test(image_name, a_digest_is_for_looking_up_only)
{
    static const char REF[] =
        "a:t@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct image_name name;
    cr_expect_eq(image_name_parse(REF, &name, NULL), 0);
    cr_expect_str_eq(name.text, "a:t");
    cr_expect_str_eq(name.digest, REF + 11);
    cr_expect_eq(image_name_parse_new(REF, &name, NULL), -EINVAL);
}

Test(image_name, a_file_name_has_no_slash_and_goes_back)
{
    char file[IMAGE_NAME_SIZE], back[IMAGE_NAME_SIZE];
    image_name_to_file("h:5000/a/b:t", file);
    cr_expect_str_eq(file, "h:5000%a%b:t");
    image_name_from_file(file, back);
    cr_expect_str_eq(back, "h:5000/a/b:t");
}

Test(image_name, ids_are_hex_with_or_without_prefix)
{
    const char *hex;
    cr_expect(image_name_is_id("sha256:abc", &hex));
    cr_expect_str_eq(hex, "abc");
    cr_expect(image_name_is_id("0", &hex));
    cr_expect_not(image_name_is_id("", &hex));
    cr_expect_not(image_name_is_id("sha256:", &hex));
    cr_expect_not(image_name_is_id("xyz", &hex));
    cr_expect_not(image_name_is_id("ABC", &hex));
}

static void expect_whole(const char *ref, const char *whole, size_t host_len)
{
    struct image_name name;
    char out[IMAGE_WHOLE_SIZE], text[IMAGE_NAME_SIZE];
    cr_assert_eq(image_name_parse(ref, &name, NULL), 0, "%s", ref);
    image_name_to_whole(name.text, out);
    cr_expect_str_eq(out, whole);
    cr_expect_eq(image_name_host_len(out), host_len, "%s", whole);
    cr_assert_eq(image_name_parse(out, &name, NULL), 0, "%s", out);
    snprintf(text, sizeof(text), "%s", name.text);
    image_name_parse(ref, &name, NULL);
    cr_expect_str_eq(text, name.text, "it means the same image");
}

Test(image_name, a_registry_knows_the_whole_name)
{
    expect_whole("busybox", "docker.io/library/busybox:latest", 9);
    expect_whole("a/b:1", "docker.io/a/b:1", 9);
    expect_whole("docker.io/library/a", "docker.io/library/a:latest", 9);
    expect_whole("localhost:5000/a", "localhost:5000/a:latest", 14);
    expect_whole("localhost/a", "localhost/a:latest", 9);
    expect_whole("h.example/a/b/c:x", "h.example/a/b/c:x", 9);
}

Test(image_name, a_registry_on_this_machine_is_told_by_its_host)
{
    static const char *const LOCAL[] = {"localhost", "localhost:5000", "127.0.0.1:5000",
                                        "127.1.2.3"};
    static const char *const OTHERS[] = {"docker.io",      "localhost.example:5000",
                                         "127.example",    "127.",
                                         "128.0.0.1:5000", "127.0.0.1.example"};
    for (size_t i = 0; i < sizeof(LOCAL) / sizeof(*LOCAL); i++)
        cr_expect(image_name_is_loopback(LOCAL[i], strlen(LOCAL[i])), "%s", LOCAL[i]);
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(*OTHERS); i++)
        cr_expect_not(image_name_is_loopback(OTHERS[i], strlen(OTHERS[i])), "%s",
                      OTHERS[i]);
}
