/* As an ordinary user: in a user namespace that maps that user alone, as podman makes one, without
 * groups of its own. Needs root, to be somebody else, setpriv and unshare. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/ocibox.h"
#include "base/cleanup.h"

#define AS_USER                                                                           \
    "setpriv --reuid=61234 --regid=61234 --clear-groups unshare --map-root-user --mount " \
    "--user"

/* The program, the bundle and the state are the user's. */
static void set_up(void)
{
    char command[700];
    if (system(AS_USER " true 2>/dev/null") != 0)
        cr_skip("needs root, setpriv and user namespaces of ordinary users");
    ocibox_make();
    snprintf(
        command, sizeof(command),
        "cp %s %s/mytop-runc && mkdir %s && chown -R 61234:61234 %s %s && chmod 755 %s",
        MTD_PROGRAM, box.bundle, box.root, box.bundle, box.root, box.state.dir.path);
    cr_assert_eq(system(command), 0);
    json_t *mounts = json_object_get(box.config, "mounts");
    json_array_remove(mounts, json_array_size(mounts) - 1); /* the groups */
    json_t *pts = json_object_get(json_array_get(mounts, 2), "options");
    json_array_remove(pts, json_array_size(pts) - 1); /* gid=5 is nobody there */
    ocibox_save();
}

TestSuite(oci_rootless, .init = set_up, .fini = ocibox_done, .timeout = 60);

/* All in one user namespace, as podman keeps one. */
static char *run_as_user(const char *script)
{
    char command[900], text[2000] = "";
    ocibox_save();
    snprintf(command, sizeof(command),
             "cd %s; export R='./mytop-runc --root %s' ID=%s; " AS_USER
             " sh -c '%s' 2>&1 "
             "</dev/null",
             box.bundle, box.root, box.id, script);
    FILE *f = popen(command, "re");
    cr_assert_not_null(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    pclose(f);
    return strdup(text);
}

Test(oci_rootless, runs_without_groups_and_nodes)
{
    ocibox_script("id -u; echo $(cat /proc/self/uid_map); cat /proc/self/setgroups;"
                  "touch /made && stat -c %u /made; echo x >/dev/null && echo null;"
                  "stat -c %t:%T /dev/zero");
    auto_free char *said = run_as_user("$R run $ID");
    cr_expect_str_eq(said, "0\n0 61234 1\ndeny\n0\nnull\n1:5\n");
    ocibox_nothing_left("run");
}

Test(oci_rootless, goes_through_all_states)
{
    ocibox_script("sleep 1000");
    auto_free char *said = run_as_user(
        "is() { $R state $ID | grep -c \"status.*$1\"; }; $R create $ID >/dev/null 2>&1; is created; "
        "$R exec $ID id -u; $R start $ID; is running; $R exec $ID hostname; "
        "$R pause $ID; $R kill $ID KILL; until [ $(is stopped) = 1 ]; do :; done; "
        "$R delete $ID; echo deleted $?");
    cr_expect_str_eq(said, "1\n0\n1\nmytop-runc\nthe container has no control group\n"
                           "deleted 0\n");
    ocibox_nothing_left("delete");
}

Test(oci_rootless, a_limit_that_cannot_be_set_is_refused)
{
    ocibox_set("linux.resources.pids", "{\"limit\":5}");
    auto_free char *said = run_as_user("$R run $ID; echo $?");
    cr_expect(strstr(said, "cannot") && strstr(said, "\n1\n"), "%s", said);
    cr_expect_null(strstr(said, "No such file"), "%s", said);
    ocibox_nothing_left("run");
}

#ifdef MTD_FAULTS
/* Nobody there may look what its namespaces are: that is not what tells it. */
Test(oci_rootless, until_create_has_succeeded_it_is_creating)
{
    ocibox_script("sleep 1000");
    auto_free char *said = run_as_user(
        "is() { $R state $ID | grep -c \"status.*$1\"; }; "
        "MTD_FAULT=oci.release:stop $R create $ID >/dev/null 2>&1 & p=$!; "
        "until grep -q \"State:.T\" /proc/$p/status; do :; done; is creating; "
        "kill -KILL $p; until [ $(is stopped) = 1 ]; do :; done; $R delete $ID; echo $?; "
        "$R create $ID >/dev/null 2>&1; is created; $R delete $ID; echo $?");
    cr_expect_str_eq(said, "1\n0\n1\n0\n");
    ocibox_nothing_left("delete");
}
#endif

/* Its user is one of those that the namespace has, or nobody. */
Test(oci_rootless, another_user_is_refused)
{
    ocibox_set("process.user", "{\"uid\":5,\"gid\":5}");
    auto_free char *said = run_as_user("$R run $ID; echo $?");
    cr_expect_not_null(strstr(said, "is not among the ids that the container has"), "%s",
                       said);
    ocibox_nothing_left("run");
}
