/* The options of mounts: what `features` says is known must be. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/bundle/bundle.h"

/* A bundle with a tmpfs that has this option alone. */
static int parse(struct bundle *ret, const char *word, struct mtd_error *err)
{
    char text[400];
    snprintf(
        text, sizeof(text),
        "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"args\":[\"x\"],\"cwd\":\"/\"},\"linux\":{"
        "\"namespaces\":[{\"type\":\"mount\"}]},\"mounts\":[{\"destination\":\"/x\","
        "\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"%s\"]}]}",
        word);
    return bundle_parse(ret, text, strlen(text), err);
}

/* What no table has is the file system's. */
static bool is_known(const char *word)
{
    auto_done(bundle_done) struct bundle b = {0};
    struct mtd_error err = {0};
    if (parse(&b, word, &err) == 0)
        return !b.mounts[0].options;
    cr_expect_not_null(strstr(err.text, "only a bind can have its ids mapped"), "%s",
                       err.text);
    return true;
}

Test(bundle_mounts, each_option_that_is_told_is_known)
{
    auto_done(strv_done) struct strv words = {0};
    cr_assert_eq(bundle_mount_words(&words), 0);
    cr_assert_gt(words.len, 60);
    for (size_t i = 0; i < words.len; i++)
        cr_expect(is_known(words.items[i]), "%s", words.items[i]);
    cr_expect_not(is_known("size=1m"));
    cr_expect_not(is_known("rsize"));
}

Test(bundle_mounts, no_option_is_told_twice)
{
    auto_done(strv_done) struct strv words = {0};
    cr_assert_eq(bundle_mount_words(&words), 0);
    for (size_t i = 0; i < words.len; i++)
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(words.items[i], words.items[k]);
}
