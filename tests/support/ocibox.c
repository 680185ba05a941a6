#include "ocibox.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ocibox box;

/* crun knows that version, too. */
static void load_example(void)
{
    char path[200];
    free(ASK(&box.state, "oci", "spec", "--bundle", box.bundle));
    snprintf(path, sizeof(path), "%s/config.json", box.bundle);
    box.config = json_load_file(path, 0, NULL);
    cr_assert_not_null(box.config);
    ocibox_set("process.terminal", "false");
    ocibox_set("root.readonly", "false");
    ocibox_set("ociVersion", "\"1.0.2\"");
    snprintf(path, sizeof(path), "\"/oci-tests/%s\"", box.id);
    ocibox_set("linux.cgroupsPath", path);
}

void ocibox_make(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    char rootfs[200];
    state_make(&box.state);
    snprintf(box.bundle, sizeof(box.bundle), "%s/bundle", box.state.dir.path);
    snprintf(box.root, sizeof(box.root), "%s/oci", box.state.dir.path);
    snprintf(box.id, sizeof(box.id), "oci-%s", strrchr(box.state.dir.path, '/') + 1);
    snprintf(rootfs, sizeof(rootfs), "%s/rootfs", box.bundle);
    cr_assert_eq(mkdir(box.bundle, 0755), 0);
    cr_assert_eq(mkdir(rootfs, 0755), 0);
    free(ASK(&box.state, "create", "--name", "source", "busybox", "true"));
    free(ASK(&box.state, "cp", "source:/.", rootfs));
    load_example();
}

struct outcome ocibox_run(const char *const args[])
{
    struct running r = state_begin(&box.state, args);
    return state_end(&r);
}

void ocibox_done(void)
{
    if (!box.state.dir.path[0])
        return;
    struct outcome o = OCI("delete", "--force", box.id);
    outcome_done(&o);
    json_decref(box.config);
    state_done(&box.state);
}

/* ---- its config.json ---- */

void ocibox_save(void)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/config.json", box.bundle);
    cr_assert_eq(json_dump_file(box.config, path, 0), 0);
}

static json_t *parse(const char *value)
{
    json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(v, "%s", value);
    return v;
}

/* The object that holds the last word of path. */
static json_t *holder_of(char *path, char **ret_last)
{
    json_t *at = box.config;
    char *save = NULL, *word = strtok_r(path, ".", &save), *next;
    for (; (next = strtok_r(NULL, ".", &save)); word = next) {
        if (!json_object_get(at, word))
            json_object_set_new(at, word, json_object());
        at = json_object_get(at, word);
    }
    *ret_last = word;
    return at;
}

void ocibox_set(const char *path, const char *value)
{
    char copy[128], *last;
    snprintf(copy, sizeof(copy), "%s", path);
    json_t *at = holder_of(copy, &last);
    json_object_set_new(at, last, parse(value));
}

void ocibox_append(const char *path, const char *value)
{
    char copy[128], *last;
    snprintf(copy, sizeof(copy), "%s", path);
    json_t *at = holder_of(copy, &last);
    if (!json_object_get(at, last))
        json_object_set_new(at, last, json_array());
    cr_assert_eq(json_array_append_new(json_object_get(at, last), parse(value)), 0);
}

void ocibox_script(const char *script)
{
    json_t *args = json_pack("[s,s,s]", "/bin/sh", "-c", script);
    json_object_set_new(json_object_get(box.config, "process"), "args", args);
}

void ocibox_hook(const char *kind, const char *script)
{
    json_t *hooks = json_object_get(box.config, "hooks");
    if (!hooks) {
        hooks = json_object();
        json_object_set_new(box.config, "hooks", hooks);
    }
    json_object_set_new(
        hooks, kind,
        json_pack("[{s:s,s:[s,s,s]}]", "path", "/bin/sh", "args", "sh", "-c", script));
}

/* ---- what comes of it ---- */

void ocibox_ok(struct outcome o, const char *what)
{
    cr_expect_eq(o.status, 0, "%s: %d %s%s", what, o.status, o.out, o.err);
    outcome_done(&o);
}

void ocibox_refused(struct outcome o, int status, const char *text)
{
    cr_expect_eq(o.status, status, "%d, want %d: %s", o.status, status, o.err);
    cr_expect_not_null(strstr(o.err, text), "want \"%s\": %s", text, o.err);
    const char *line = strchr(o.err, '\n');
    cr_expect(line && !line[1], "not one line: %s", o.err);
    outcome_done(&o);
}

void ocibox_says(const char *want)
{
    ocibox_save();
    struct outcome o = OCI("run", "--bundle", box.bundle, box.id);
    cr_expect_str_eq(o.out, want, "%d: %s%s", o.status, o.out, o.err);
    cr_expect_eq(o.status, 0, "%s", o.err);
    outcome_done(&o);
    ocibox_nothing_left("run");
}

void ocibox_create(void)
{
    ocibox_save();
    EXPECT_OK("create", "--bundle", box.bundle, box.id);
}

json_t *ocibox_state(void)
{
    char *text = OCI_ASK("state", box.id);
    json_t *o = json_loads(text, 0, NULL);
    cr_assert_not_null(o, "%s", text);
    free(text);
    return o;
}

bool ocibox_is(const char *want)
{
    json_t *o = ocibox_state();
    bool same = strcmp(json_string_value(json_object_get(o, "status")), want) == 0;
    json_decref(o);
    return same;
}

bool ocibox_has_stopped(void *arg)
{
    (void)arg;
    return ocibox_is("stopped");
}

size_t ocibox_groups(void)
{
    static const char *const WHERE[] = {"memory", "devices", "unified", "pids", "."};
    size_t n = 0;
    for (size_t i = 0; i < sizeof(WHERE) / sizeof(WHERE[0]); i++) {
        char path[256];
        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/oci-tests/%s", WHERE[i], box.id);
        n += access(path, F_OK) == 0;
    }
    return n;
}

static bool has_state(void)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", box.root, box.id);
    return access(path, F_OK) == 0;
}

void ocibox_nothing_left(const char *when)
{
    cr_expect_eq(ocibox_groups(), 0, "%s: groups are left", when);
    cr_expect_not(has_state(), "%s: the state is left", when);
    cr_expect_eq(state_find(&box.state, box.id), 0, "%s: a process is left", when);
}

void ocibox_refuses_each(const struct ocibox_row *rows, size_t n)
{
    json_t *good = json_deep_copy(box.config);
    for (size_t i = 0; i < n; i++) {
        json_decref(box.config);
        box.config = json_deep_copy(good);
        ocibox_set(rows[i].path, rows[i].value);
        ocibox_save();
        ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1, rows[i].text);
        ocibox_nothing_left(rows[i].value);
    }
    json_decref(good);
}
