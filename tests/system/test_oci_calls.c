/* Whatever the runtime is doing when it is killed, nobody is told what is not so, and a deletion by force
 * leaves nothing: tried at the system calls that change something, at some of them each time, at all
 * with MTD_KILLS=all. Needs root, and a kernel that lets processes be traced. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/killed.h"
#include "../support/ocibox.h"
#include "../support/seed.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define SAMPLE 8 /* of each verb */

/* Who loses its parent becomes this process's, which has to reap it as a caller does. */
static void set_up(void)
{
    ocibox_make();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    ocibox_script("sleep 1000");
    ocibox_save();
}

TestSuite(oci_calls, .init = set_up, .fini = ocibox_done, .timeout = 1800);

static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

enum phase { NONE, CREATED, RUNNING, STOPPED };

static bool has_stopped(void *arg)
{
    (void)arg;
    reap();
    return ocibox_is("stopped");
}

static void prepare(enum phase p)
{
    if (p >= CREATED)
        EXPECT_OK("create", "--bundle", box.bundle, box.id);
    if (p >= RUNNING)
        EXPECT_OK("start", box.id);
    if (p >= STOPPED) {
        EXPECT_OK("kill", box.id, "KILL");
        cr_assert(state_until(has_stopped, NULL));
    }
}

/* ---- what is said of it ---- */

static bool is_alive(pid_t pid)
{
    char path[64], text[600] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    const char *end = fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) > 0
                          ? strrchr(text, ')')
                          : NULL;
    return end && end[1] == ' ' && end[2] != 'Z' && end[2] != 'X';
}

/* The processes of its groups. */
static int count_members(void)
{
    int n = 0;
    char command[500], text[32] = "";
    snprintf(command, sizeof(command),
             "cat /sys/fs/cgroup/*/oci-tests/%s/cgroup.procs "
             "/sys/fs/cgroup/oci-tests/%s/cgroup.procs 2>/dev/null | sort -u | wc -l",
             box.id, box.id);
    FILE *f = popen(command, "r");
    if (f && fgets(text, sizeof(text), f))
        n = atoi(text);
    if (f)
        pclose(f);
    return n;
}

/* What is left may be about to end by itself: then it is asked again. */
static bool is_true(void *arg)
{
    const char **why = arg;
    reap();
    struct outcome o = OCI("state", box.id);
    json_t *state = json_loads(o.out, 0, NULL);
    const char *status = json_string_value(json_object_get(state, "status"));
    pid_t pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
    *why = NULL;
    if (o.status && !strstr(o.err, "container does not exist"))
        *why = "its state cannot be read";
    else if (o.status && (ocibox_groups() || count_members()))
        *why = "it does not exist, and has groups";
    else if (!o.status && !status)
        *why = "its state is nothing";
    else if (status && strcmp(status, "stopped") == 0 && count_members())
        *why = "it has stopped, and has processes";
    else if (status && strcmp(status, "stopped") != 0 &&
             strcmp(status, "creating") != 0 && !is_alive(pid))
        *why = "it is there, and its process is not";
    json_decref(state);
    outcome_done(&o);
    return !*why;
}

/* ---- each verb ---- */

struct verb {
    const char *name;
    enum phase before;
    const char *words[6]; /* NULL = the id */
    int n;
};

/* Before it is started its first process has yet to do what `start` is about. */
static pid_t pid_of_it(void)
{
    json_t *state = ocibox_state();
    pid_t pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
    json_decref(state);
    return pid;
}

static struct killed kill_at(const struct verb *v, int n)
{
    const char *argv[12] = {MTD_PROGRAM, "oci", "--root", box.root};
    for (int i = 0; i < v->n; i++)
        argv[4 + i] = v->words[i] ? v->words[i] : box.id;
    return killed_at(argv, v->before == CREATED ? pid_of_it() : 0, n);
}

struct tally {
    int points, leaks, lies, stuck;
};

static void tell(const char *verb, int n, const struct killed *k, const char *what)
{
    cr_expect(false, "%s, killed at %d (call %d of %s): %s", verb, n, k->call,
              k->process ? "a child" : "the runtime", what);
}

/* What is left would be in the way of all others. */
static void try_at(const struct verb *v, int n, struct tally *t)
{
    const char *why = NULL;
    prepare(v->before);
    struct killed k = kill_at(v, n);
    t->points++;
    if (!state_until(is_true, &why)) {
        t->lies++;
        tell(v->name, n, &k, why);
    }
    struct outcome o = OCI("delete", "--force", box.id);
    reap();
    if (o.status) {
        t->stuck++;
        tell(v->name, n, &k, o.err);
    }
    if (ocibox_groups() || count_members()) {
        t->leaks++;
        tell(v->name, n, &k, "groups are left");
    }
    outcome_done(&o);
    ocibox_nothing_left(v->name);
}

static void try(const struct verb *v)
{
    struct seed s = seed_of(v->name);
    const char *all = getenv("MTD_KILLS");
    bool each = all && strcmp(all, "all") == 0;
    struct tally t = {0};
    prepare(v->before);
    struct killed whole = kill_at(v, 0);
    cr_assert_eq(whole.status, 0, "%s: %d", v->name, whole.status);
    EXPECT_OK("delete", "--force", box.id);
    reap();
    cr_assert_gt(whole.count, 1, "%s: what is counted is not seen", v->name);
    each |= whole.count <= SAMPLE;
    for (int i = 1; i <= (each ? whole.count : SAMPLE) && !t.stuck; i++)
        try_at(v, each ? i : 1 + (int)seed_below(&s, (uint64_t)whole.count), &t);
    fprintf(stderr, "%s: %d of %d calls, %d leaks, %d lies, %d stuck\n", v->name,
            t.points, whole.count, t.leaks, t.lies, t.stuck);
}

Test(oci_calls, create)
{
    const struct verb v = {"create", NONE, {"create", "--bundle", box.bundle, NULL}, 4};
    try(&v);
}

/* With ids of its own: the bridge is one process more. */
Test(oci_calls, create_in_a_user_namespace_with_hooks)
{
    const struct verb v = {
        "create with ids", NONE, {"create", "--bundle", box.bundle, NULL}, 4};
    static const char MAP[] = "[{\"containerID\":0,\"hostID\":0,\"size\":65536}]";
    ocibox_append("linux.namespaces", "{\"type\":\"user\"}");
    ocibox_set("linux.uidMappings", MAP);
    ocibox_set("linux.gidMappings", MAP);
    ocibox_hook("createRuntime", "true");
    ocibox_hook("poststop", "true");
    ocibox_save();
    try(&v);
}

Test(oci_calls, start)
{
    const struct verb v = {"start", CREATED, {"start", NULL}, 2};
    ocibox_hook("startContainer", "true");
    ocibox_hook("poststart", "true");
    ocibox_save();
    try(&v);
}

Test(oci_calls, exec)
{
    const struct verb v = {"exec", RUNNING, {"exec", NULL, "true"}, 3};
    try(&v);
}

Test(oci_calls, kill)
{
    const struct verb v = {"kill", RUNNING, {"kill", NULL, "KILL"}, 3};
    try(&v);
}

Test(oci_calls, delete)
{
    const struct verb v = {"delete", STOPPED, {"delete", NULL}, 2};
    try(&v);
}

Test(oci_calls, delete_by_force)
{
    const struct verb v = {"delete --force", RUNNING, {"delete", "--force", NULL}, 3};
    try(&v);
}
