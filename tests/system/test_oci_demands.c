/* What the runtime specification demands in a word, and no other suite comes across: each beside the
 * text that demands it in docs/oci.md. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/ocibox.h"
#include "base/cleanup.h"
#include "base/fs.h"

TestSuite(oci_demands, .init = ocibox_make, .fini = ocibox_done, .timeout = 60);

Test(oci_demands, a_relative_destination_is_below_the_root)
{
    ocibox_append("mounts", "{\"destination\":\"not/absolute\",\"type\":\"tmpfs\","
                            "\"source\":\"tmpfs\"}");
    ocibox_set("process.cwd", "\"/tmp\"");
    ocibox_script("stat -f -c %T /not/absolute");
    ocibox_says("tmpfs\n");
}

Test(oci_demands, a_score_that_is_not_given_is_the_callers)
{
    cr_assert_eq(fs_write_at(AT_FDCWD, "/proc/self/oom_score_adj", "321"), 0);
    ocibox_script("cat /proc/self/oom_score_adj");
    ocibox_says("321\n");
    ocibox_set("process.oomScoreAdj", "654");
    ocibox_says("654\n");
}

Test(oci_demands, annotations_are_kept_as_they_are)
{
    static const char TEXT[] =
        "{\"a=b\":\"c=d\",\"org.word/x\":\"\",\"umlaut\":\"\\u00e4\\n\"}";
    ocibox_set("annotations", TEXT);
    ocibox_create();
    json_t *state = ocibox_state(), *want = json_loads(TEXT, 0, NULL);
    cr_expect(json_equal(json_object_get(state, "annotations"), want));
    json_decref(state);
    json_decref(want);
}

Test(oci_demands, a_size_without_a_terminal_is_ignored)
{
    ocibox_set("process.consoleSize", "{\"height\":7,\"width\":9}");
    ocibox_script("tty || true");
    ocibox_says("not a tty\n");
}

Test(oci_demands, a_rule_about_no_call_has_no_effect)
{
    ocibox_set("linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{"
                                "\"names\":[],\"action\":\"SCMP_ACT_KILL\"}]}");
    ocibox_script("echo runs");
    ocibox_says("runs\n");
}

Test(oci_demands, an_errno_of_an_action_that_has_none_is_refused)
{
    static const char *const PROFILES[] = {
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"kill\"],"
        "\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":1}]}"};
    for (size_t i = 0; i < 2; i++) {
        ocibox_set("linux.seccomp", PROFILES[i]);
        ocibox_save();
        ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1, "has no errno");
        ocibox_nothing_left("create");
    }
}

/* ---- remount ---- */

static void remount(const char *destination, const char *options)
{
    char text[300];
    snprintf(text, sizeof(text), "{\"destination\":\"%s\",\"options\":[\"remount\"%s]}",
             destination, options);
    ocibox_append("mounts", text);
}

Test(oci_demands, remount_changes_what_is_mounted)
{
    ocibox_append("mounts", "{\"destination\":\"/data\",\"type\":\"tmpfs\",\"source\":"
                            "\"tmpfs\",\"options\":[\"nodev\"]}");
    remount("/data", ",\"ro\",\"noexec\"");
    ocibox_script(
        "touch /data/x 2>/dev/null || echo read-only;"
        "grep ' /data ' /proc/mounts | cut -d' ' -f4 | grep -o 'no[a-z]*' | sort");
    ocibox_says("read-only\nnodev\nnoexec\n");
}

Test(oci_demands, remount_needs_a_mount_and_changes_no_file_system)
{
    static const struct {
        const char *destination, *options, *text;
    } ROWS[] = {
        {"/etc", ",\"ro\"", "cannot remount /etc"},
        {"/tmp/not-there", ",\"ro\"", "cannot remount /tmp/not-there"},
        {"/dev", ",\"size=1m\"", "remount changes a mount's own"},
        {"/dev", ",\"sync\"", "remount changes a mount's own"},
        {"/", ",\"ro\"", "must not be the root"},
    };
    json_t *good = json_deep_copy(box.config);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        json_decref(box.config);
        box.config = json_deep_copy(good);
        remount(ROWS[i].destination, ROWS[i].options);
        ocibox_save();
        ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1, ROWS[i].text);
        ocibox_nothing_left(ROWS[i].destination);
    }
    json_decref(good);
}

/* ---- what features says ---- */

/* Each that a runtime MUST know. */
static const char *const DEMANDED[] = {
    "async",      "atime",      "bind",       "defaults",      "dev",
    "diratime",   "dirsync",    "exec",       "iversion",      "lazytime",
    "loud",       "noatime",    "nodev",      "nodiratime",    "noexec",
    "noiversion", "nolazytime", "norelatime", "nostrictatime", "nosuid",
    "private",    "rbind",      "relatime",   "remount",       "ro",
    "rprivate",   "rshared",    "rslave",     "runbindable",   "rw",
    "shared",     "silent",     "slave",      "strictatime",   "suid",
    "sync",       "unbindable"};

static bool has_word(json_t *list, const char *word)
{
    json_t *one;
    size_t i;
    json_array_foreach(list, i,
                       one) if (strcmp(json_string_value(one), word) == 0) return true;
    return false;
}

Test(oci_demands, its_features_have_each_option_that_is_demanded)
{
    char *text = OCI_ASK("features");
    json_t *o = json_loads(text, 0, NULL), *words = json_object_get(o, "mountOptions");
    for (size_t i = 0; i < sizeof(DEMANDED) / sizeof(DEMANDED[0]); i++)
        cr_expect(has_word(words, DEMANDED[i]), "%s", DEMANDED[i]);
    json_decref(o);
    free(text);
}
