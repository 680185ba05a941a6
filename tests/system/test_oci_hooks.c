/* Hooks of bundles: their order, their namespaces, what they are told, and what becomes of a container when
 * one fails. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/ocibox.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

TestSuite(oci_hooks, .init = ocibox_make, .fini = ocibox_done, .timeout = 60);

Test(oci_hooks, hooks_run_in_their_order_and_namespaces)
{
    static const char *const KINDS[] = {"prestart", "createRuntime", "createContainer",
                                        "poststart", "poststop"};
    char script[600], path[200], own[64] = "";
    snprintf(path, sizeof(path), "%s/hooks", box.state.dir.path);
    for (size_t i = 0; i < 5; i++) {
        snprintf(
            script, sizeof(script),
            "echo %s $(readlink /proc/self/ns/mnt) $(sed 's/.*\"status\":\"\\([a-z]*\\).*/"
            "\\1/') >>%s",
            KINDS[i], path);
        ocibox_hook(KINDS[i], script);
    }
    ocibox_hook("startContainer", "cat >/hooked");
    ocibox_script("cat /hooked");
    ocibox_save();
    struct outcome o = OCI("run", "--bundle", box.bundle, box.id);
    cr_expect_not_null(strstr(o.out, "\"status\":\"created\""), "%s%s", o.out, o.err);
    outcome_done(&o);
    cr_assert_gt(readlink("/proc/self/ns/mnt", own, sizeof(own) - 1), 0);
    char want[600], got[600] = "", inner[64] = "";
    fs_read_small_at(AT_FDCWD, path, got, sizeof(got));
    const char *at = strstr(got, "createContainer ");
    cr_assert(at && sscanf(at, "createContainer %63s", inner) == 1, "%s", got);
    cr_expect_str_neq(inner, own, "createContainer runs in the container's namespaces");
    snprintf(
        want, sizeof(want),
        "prestart %s creating\ncreateRuntime %s creating\ncreateContainer %s creating\n"
        "poststart %s running\npoststop %s stopped",
        own, own, inner, own, own);
    cr_expect_str_eq(got, want, "%s", got);
}

/* One without an environment in config.json has none: not the runtime's, which may hold secrets. */
Test(oci_hooks, a_hook_has_its_own_environment_alone)
{
    char script[300], path[200];
    auto_done(buf_done) struct buf got = {0};
    snprintf(path, sizeof(path), "%s/hooked", box.state.dir.path);
    snprintf(script, sizeof(script), "tr '\\0' '\\n' </proc/$$/environ >%s", path);
    ocibox_hook("prestart", script);
    ocibox_script("true");
    ocibox_save();
    cr_assert_eq(setenv("SECRET", "of-the-runtime", 1), 0);
    EXPECT_OK("run", "--bundle", box.bundle, box.id);
    cr_assert_eq(fs_read_at(AT_FDCWD, path, 1u << 16, &got), 0);
    cr_expect_eq(got.len, 0, "%.*s", (int)got.len, got.data);
}

Test(oci_hooks, a_hook_that_fails_undoes_all)
{
    static const char *const KINDS[] = {"prestart", "createRuntime", "createContainer"};
    for (size_t i = 0; i < 3; i++) {
        json_object_del(box.config, "hooks");
        ocibox_hook(KINDS[i], "exit 9");
        ocibox_save();
        ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1,
                       "failed: exit status 9");
        ocibox_nothing_left(KINDS[i]);
    }
}

Test(oci_hooks, a_poststart_hook_that_fails_ends_the_container)
{
    ocibox_hook("poststart", "exit 9");
    ocibox_script("sleep 1000");
    ocibox_create();
    ocibox_refused(OCI("start", box.id), 1, "failed: exit status 9");
    cr_expect(state_until(ocibox_has_stopped, NULL));
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("start");
}

/* ---- the last ones ---- */

static char marks[200];

/* A poststop hook that fails, and one after it. */
static void fail_at_the_end(void)
{
    char script[300];
    snprintf(marks, sizeof(marks), "%s/marks", box.state.dir.path);
    snprintf(script, sizeof(script), "cat >>%s; echo >>%s", marks, marks);
    ocibox_hook("poststop", script);
    json_array_insert_new(
        json_object_get(json_object_get(box.config, "hooks"), "poststop"), 0,
        json_pack("{s:s,s:[s,s,s]}", "path", "/bin/sh", "args", "sh", "-c", "exit 9"));
}

static void expect_marks(int n)
{
    auto_done(buf_done) struct buf got = {0};
    int lines = 0;
    if (fs_read_path(marks, 1u << 16, &got) == 0)
        for (size_t i = 0; i < got.len; i++)
            lines += got.data[i] == '\n';
    cr_expect_eq(lines, n, "%d, not %d", lines, n);
    cr_expect(n == 0 || strstr(got.data, "\"stopped\""), "%s", got.data);
}

Test(oci_hooks, a_poststop_hook_that_fails_is_a_warning_and_the_others_run)
{
    char log[200];
    fail_at_the_end();
    ocibox_create();
    struct outcome o = OCI("delete", "--force", box.id);
    cr_expect(strstr(o.err, "level=warning") &&
                  strstr(o.err, "poststop hook /bin/sh failed"),
              "%s", o.err);
    ocibox_ok(o, "delete");
    expect_marks(1);
    snprintf(log, sizeof(log), "%s/log", box.state.dir.path);
    ocibox_create();
    o = OCI("--log", log, "--log-format", "json", "delete", box.id);
    cr_expect_str_empty(o.err);
    ocibox_ok(o, "delete");
    json_t *line = json_load_file(log, 0, NULL);
    cr_assert_not_null(line);
    cr_expect_str_eq(json_string_value(json_object_get(line, "level")), "warning");
    json_decref(line);
    expect_marks(2);
}

/* What createRuntime has begun they end, also when there will be no container. */
Test(oci_hooks, the_last_hooks_run_when_a_create_fails_after_the_first)
{
    static const struct {
        const char *kind, *script;
        int marks;
    } ROWS[] = {{"prestart", "exit 7", 1},
                {"createRuntime", "exit 7", 1},
                {"createContainer", "exit 7", 1},
                {"createRuntime", "true", 1}};
    fail_at_the_end();
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        unlink(marks);
        for (size_t k = 0; k < sizeof(ROWS) / sizeof(ROWS[0]); k++)
            json_object_del(json_object_get(box.config, "hooks"), ROWS[k].kind);
        ocibox_hook(ROWS[i].kind, ROWS[i].script);
        ocibox_set("process.args", "[\"/nope\"]");
        ocibox_save();
        struct outcome o = OCI("create", "--bundle", box.bundle, box.id);
        cr_expect_eq(o.status, 1);
        cr_expect_eq(strchr(o.err, '\n') - o.err + 1, (long)strlen(o.err), "%s", o.err);
        outcome_done(&o);
        expect_marks(ROWS[i].marks);
        ocibox_nothing_left(ROWS[i].kind);
    }
}

Test(oci_hooks, the_last_hooks_do_not_run_when_nothing_was_made)
{
    fail_at_the_end();
    ocibox_set("process.cwd", "\"relative\"");
    ocibox_save();
    ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1, "absolute");
    expect_marks(0);
}

/* Its deletion runs them, once. */
Test(oci_hooks, the_last_hooks_of_a_killed_create_run_in_its_deletion)
{
#ifndef MTD_FAULTS
    cr_skip("needs fault points");
#endif
    fail_at_the_end();
    ocibox_hook("createRuntime", "true");
    ocibox_save();
    box.state.fault = "oci.publish:kill";
    struct outcome o = OCI("create", "--bundle", box.bundle, box.id);
    box.state.fault = NULL;
    cr_expect_neq(o.status, 0);
    outcome_done(&o);
    EXPECT_OK("delete", "--force", box.id);
    expect_marks(1);
    ocibox_nothing_left("delete");
}
