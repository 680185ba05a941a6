/* apparmor: on a made machine; what the profile keeps from a container is tried where there
 * is AppArmor (scripts/guest). */

#include "engine/host/apparmor.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tempdir.h"

static struct tempdir tmp;
static char parser[256];
static char label[APPARMOR_NAME_MAX + 8];
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

/* A machine with AppArmor and these profiles; its parser runs the script. */
static struct apparmor_host make(const char *profiles, const char *script)
{
    tempdir_make(&tmp);
    put("sys/module/apparmor/parameters/enabled", "Y\n");
    put("sys/kernel/security/apparmor/profiles", profiles);
    snprintf(parser, sizeof(parser), "%s/parser", tmp.path);
    put("parser", script);
    cr_assert_eq(fchmodat(tmp.fd, "parser", 0755, 0), 0);
    err = (struct mtd_error){0};
    return (struct apparmor_host){tmp.fd, parser};
}

/* The parser is looked for below the made root too. */
static void link_parser(void)
{
    char path[512];
    snprintf(path, sizeof(path), "%s", parser + 1);
    put(path, "#!/bin/sh\n");
    cr_assert_eq(fchmodat(tmp.fd, path, 0755, 0), 0);
}

TestSuite(apparmor, .timeout = 30);

Test(apparmor, a_host_without_it)
{
    struct apparmor_host h = make("", "#!/bin/sh\n");
    cr_expect_not(apparmor_is_enabled(&h), "there is no parser");
    link_parser();
    cr_expect(apparmor_is_enabled(&h));
    put("sys/module/apparmor/parameters/enabled", "N\n");
    cr_expect_not(apparmor_is_enabled(&h));
    cr_expect_eq(apparmor_prepare(&h, NULL, false, label, &err), 0);
    cr_expect_str_eq(label, "");
    cr_expect_eq(apparmor_prepare(&h, "mine", false, label, &err), -EOPNOTSUPP);
    cr_expect_str_eq(err.text,
                     "AppArmor profile \"mine\": AppArmor is not enabled on this host");
    tempdir_done(&tmp);
}

Test(apparmor, the_default_is_loaded_when_it_is_missing)
{
    char script[512], text[4096] = "";
    struct apparmor_host h = make("mytop-docker-default-not (enforce)\n", "");
    link_parser();
    snprintf(script, sizeof(script), "#!/bin/sh\n[ \"$*\" = -Kr ] && cat >%s/loaded\n",
             tmp.path);
    put("parser", script);
    cr_assert_eq(fchmodat(tmp.fd, "parser", 0755, 0), 0);
    cr_assert_eq(apparmor_prepare(&h, NULL, false, label, &err), 0, "%s", err.text);
    cr_expect_str_eq(label, "exec mytop-docker-default");
    int fd = openat(tmp.fd, "loaded", O_RDONLY);
    cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
    close(fd);
    cr_expect_str_eq(text, apparmor_default_profile);
    cr_assert_eq(unlinkat(tmp.fd, "loaded", 0), 0);
    put("sys/kernel/security/apparmor/profiles",
        "other (complain)\nmytop-docker-default (enforce)\n");
    cr_assert_eq(apparmor_prepare(&h, NULL, false, label, &err), 0);
    cr_expect_str_eq(label, "exec mytop-docker-default");
    cr_expect_eq(faccessat(tmp.fd, "loaded", F_OK, 0), -1, "it was there");
    tempdir_done(&tmp);
}

Test(apparmor, what_cannot_be_loaded_is_an_error)
{
    struct apparmor_host h = make("", "#!/bin/sh\necho syntax error; exit 1\n");
    link_parser();
    cr_expect_eq(apparmor_prepare(&h, NULL, false, label, &err), -EACCES);
    cr_expect_not_null(strstr(err.text, "did not load"), "%s", err.text);
    cr_expect_not_null(strstr(err.text, ": syntax error"), "%s", err.text);
    err = (struct mtd_error){0};
    cr_expect_eq(apparmor_prepare(&h, "mine", false, label, &err), -ENOENT);
    cr_expect_str_eq(err.text, "AppArmor profile \"mine\" is not loaded; load it with "
                               "apparmor_parser");
    tempdir_done(&tmp);
}

Test(apparmor, the_user_decides)
{
    struct apparmor_host h = make("mine (enforce)\n", "#!/bin/sh\nexit 1\n");
    link_parser();
    cr_assert_eq(apparmor_prepare(&h, "mine", true, label, &err), 0);
    cr_expect_str_eq(label, "exec mine", "also of a privileged one");
    cr_assert_eq(apparmor_prepare(&h, "unconfined", false, label, &err), 0);
    cr_expect_str_eq(label, "");
    cr_assert_eq(apparmor_prepare(&h, NULL, true, label, &err), 0);
    cr_expect_str_eq(label, "", "a privileged one has no profile unless asked");
    tempdir_done(&tmp);
}

Test(apparmor, names)
{
    cr_expect_eq(apparmor_name_check("my-profile//child", &err), 0);
    cr_expect_eq(apparmor_name_check("", &err), -EINVAL);
    cr_expect_eq(apparmor_name_check("a b", &err), -EINVAL);
    cr_expect_eq(apparmor_name_check("a\nexec b", &err), -EINVAL);
}
