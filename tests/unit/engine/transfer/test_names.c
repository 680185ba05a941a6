#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/transfer/skopeo.h"

/* The images that the text names, with blanks between. */
static void expect(const char *images, const char *arg, const char *text)
{
    auto_done(strv_done) struct strv args = {0}, found = {0};
    char got[512] = "";
    if (arg)
        strv_add(&args, arg);
    cr_assert_eq(dockerfile_images(text, &args, &found), 0);
    for (size_t i = 0; i < found.len; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
                 found.items[i]);
    cr_expect_str_eq(got, images, "%s", text);
}

Test(dockerfile_images, from_names_them_once_without_stages)
{
    expect("a b:1", NULL, "FROM a\nfrom b:1 AS x\nFROM x\nFROM A as y\nFROM a\n");
    expect("h:5/p", NULL,
           "# FROM c\n  FROM --platform=linux/amd64 h:5/p AS z\nFROM scratch");
    expect("", NULL, "");
    expect("", NULL, "RUN echo FROM a\nFROM UPPER\n");
    expect("a", NULL, "FROM \\\n  a \\\n AS x\nFROM X\n");
}

Test(dockerfile_images, arguments_before_the_first_from_are_expanded)
{
    expect("a:1", NULL, "ARG V=1\nFROM a:$V\n");
    expect("a:2", "V=2", "ARG V=1\nFROM a:${V}\n");
    expect("b:2", "V=2", "ARG V\nARG I=b:${V}\nFROM $I\n");
    expect("a:3", NULL, "FROM a:${V:-3}\n");
    expect("a:4", NULL, "ARG V=4\nFROM a:${V:-3}\n");
    expect("", NULL, "FROM $V\n");
    expect("", NULL, "ARG V=1\nFROM a:${V%x}\n");
    expect("", NULL, "FROM a:${V\n");
    expect("b", NULL, "ARG \"V=1\"\nFROM b\nARG V=2\nFROM c:$V");
}

Test(dockerfile_images, copies_and_mounts_name_them_too)
{
    expect("a b", NULL, "FROM a AS x\nCOPY --chown=1 --from=b /x /\nCOPY --from=x / /\n");
    expect("a c", NULL, "FROM a\nRUN --mount=type=bind,from=c,target=/x true\n");
    expect("a", NULL, "FROM a\nCOPY --from=0 / /\nRUN echo --from=d\n");
}
