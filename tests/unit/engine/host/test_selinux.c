/* selinux: on a made machine; what the labels keep from a container is tried where there is
 * SELinux (scripts/guest selinux). */

#include "engine/host/selinux.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tempdir.h"

static struct tempdir tmp;
static char process[SELINUX_LABEL_SIZE], files[SELINUX_LABEL_SIZE];
static struct mtd_error err;

static void put(const char *name, const char *text)
{
    char path[256];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
        cr_assert(mkdirat(tmp.fd, path, 0700) == 0 || errno == EEXIST);
    }
    tempdir_put(&tmp, name, text);
}

static void make(const char *current)
{
    tempdir_make(&tmp);
    err = (struct mtd_error){0};
    put("sys/fs/selinux/enforce", "1");
    put("proc/self/attr/current", current);
}

#define CONTEXTS "etc/selinux/default/contexts/lxc_contexts"
static void make_policy(void)
{
    make("system_u:system_r:init_t:s0");
    put("etc/selinux/config", "# a comment\nSELINUX=enforcing\nSELINUXTYPE=default\n");
    put(CONTEXTS, "process = \"system_u:system_r:container_t:s0\"\n"
                  "file = \"system_u:object_r:container_file_t:s0\"\n"
                  "ro_file = \"system_u:object_r:container_ro_file_t:s0\"\n");
}

static int choose(const char *a, const char *b, const char *level)
{
    auto_done(strv_done) struct strv words = {0};
    if (a)
        strv_add(&words, a);
    if (b)
        strv_add(&words, b);
    return selinux_choose(tmp.fd, &words, level, process, files, &err);
}

TestSuite(selinux, .timeout = 30);

Test(selinux, is_there_once_a_policy_is_loaded)
{
    make("kernel");
    cr_expect_not(selinux_is_enabled(tmp.fd));
    tempdir_done(&tmp);
    make("system_u:system_r:init_t:s0");
    cr_expect(selinux_is_enabled(tmp.fd));
    cr_assert_eq(unlinkat(tmp.fd, "sys/fs/selinux/enforce", 0), 0);
    cr_expect_not(selinux_is_enabled(tmp.fd), "its file system is not mounted");
    tempdir_done(&tmp);
}

Test(selinux, labels_are_the_policys_with_a_level_of_ones_own)
{
    make_policy();
    cr_assert_eq(choose(NULL, NULL, "s0:c1,c2"), 0, "%s", err.text);
    cr_expect_str_eq(process, "system_u:system_r:container_t:s0:c1,c2");
    cr_expect_str_eq(files, "system_u:object_r:container_file_t:s0:c1,c2");
    selinux_of_layers(tmp.fd, files);
    cr_expect_str_eq(files, "system_u:object_r:container_ro_file_t:s0");
    tempdir_done(&tmp);
}

static const struct {
    const char *a, *b, *process, *files;
} WORDS[] = {
    {"type:x_t", NULL, "system_u:system_r:x_t:s0:c1",
     "system_u:object_r:container_file_t:s0:c1"},
    {"filetype:y_t", NULL, "system_u:system_r:container_t:s0:c1",
     "system_u:object_r:y_t:s0:c1"},
    {"user:u", "role:r", "u:r:container_t:s0:c1", "u:object_r:container_file_t:s0:c1"},
    {"level:s0:c7,c8", NULL, "system_u:system_r:container_t:s0:c7,c8",
     "system_u:object_r:container_file_t:s0:c7,c8"},
    {"type:x_t", "type:z_t", "system_u:system_r:z_t:s0:c1",
     "system_u:object_r:container_file_t:s0:c1"},
    {"disable", NULL, "", "system_u:object_r:container_file_t:s0:c1022,c1023"},
    {"nested", NULL, "system_u:system_r:container_t:s0:c1",
     "system_u:object_r:container_file_t:s0:c1"},
};

Test(selinux, words_change_one_part_each)
{
    make_policy();
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++) {
        cr_assert_eq(choose(WORDS[i].a, WORDS[i].b, "s0:c1"), 0, "%s", err.text);
        cr_expect_str_eq(process, WORDS[i].process);
        cr_expect_str_eq(files, WORDS[i].files);
    }
    tempdir_done(&tmp);
}

Test(selinux, a_policy_without_levels_gets_none)
{
    make_policy();
    put(CONTEXTS,
        "process = \"u:r:container_t\"\nfile = \"u:object_r:container_file_t\"\n");
    cr_assert_eq(choose(NULL, NULL, "s0:c1"), 0);
    cr_expect_str_eq(process, "u:r:container_t");
    cr_expect_str_eq(files, "u:object_r:container_file_t");
    tempdir_done(&tmp);
}

Test(selinux, a_policy_without_containers_is_refused)
{
    static const char *const TEXTS[] = {"", "process = \"u:r:t\"\n",
                                        "process =\nfile =\n",
                                        "process = \"u\"\nfile = \"v\"\n"};
    make_policy();
    for (size_t i = 0; i < ARRAY_SIZE(TEXTS); i++) {
        err = (struct mtd_error){0};
        put(CONTEXTS, TEXTS[i]);
        cr_expect_lt(choose(NULL, NULL, "s0:c1"), 0, "%s", TEXTS[i]);
        cr_expect(err.text[0] && !strchr(err.text, '\n'));
    }
    put("etc/selinux/config", "SELINUXTYPE=../../x\n");
    err = (struct mtd_error){0};
    cr_expect_lt(choose(NULL, NULL, "s0:c1"), 0);
    cr_expect(strstr(err.text, "/etc/selinux/targeted/"), "%s", err.text);
    tempdir_done(&tmp);
}

Test(selinux, words_that_are_none)
{
    static const char *const BAD[] = {
        "",         "type",   "type:",      "typ:x_t",  "type:a:b", "type:a b",
        "user:a,b", "level:", "level:s0/c", "disabled", "type:x\n", "level:s0\"c"};
    static const char *const GOOD[] = {
        "disable",  "nested",       "level:s0:c1,c2", "level:s0-s0:c0.c9",
        "type:a_t", "filetype:a_t", "user:u",         "role:r"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        cr_expect_eq(selinux_word_check(BAD[i], &err), -EINVAL, "%s", BAD[i]);
    for (size_t i = 0; i < ARRAY_SIZE(GOOD); i++)
        cr_expect_eq(selinux_word_check(GOOD[i], &err), 0, "%s", GOOD[i]);
}

/* All different, and the last one is the last. */
Test(selinux, pairs_of_categories)
{
    static bool seen[SELINUX_CATEGORIES][SELINUX_CATEGORIES];
    for (unsigned i = 0; i < SELINUX_PAIRS; i++) {
        char level[SELINUX_LEVEL_SIZE];
        unsigned a, b;
        selinux_pair(i, level);
        cr_assert_eq(sscanf(level, "s0:c%u,c%u", &a, &b), 2);
        cr_assert(a < b && b < SELINUX_CATEGORIES && !seen[a][b], "%s", level);
        seen[a][b] = true;
    }
}

Test(selinux, words_of_another_containers_label)
{
    auto_done(strv_done) struct strv words = {0};
    make_policy();
    cr_assert_eq(selinux_words_of("u:r:t_t:s0:c5,c6", &words), 0);
    cr_assert_eq(selinux_choose(tmp.fd, &words, "s0:c1", process, files, &err), 0);
    cr_expect_str_eq(process, "u:r:t_t:s0:c5,c6");
    strv_done(&words);
    words = (struct strv){0};
    cr_assert_eq(selinux_words_of("", &words), 0);
    cr_expect(selinux_has_word(&words, "disable"));
    tempdir_done(&tmp);
}
