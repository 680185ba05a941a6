/* `system check`: each kind of disagreement is made by hand, told, and repaired. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/cgroup/cgroup.h"

#define GONE "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdef0123"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(check, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_agreement(void)
{
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
}

static void expect_said(const struct outcome *o, const char *text, const char *end)
{
    const char *at = strstr(o->out, text);
    const char *line_end = at ? strchr(at, '\n') : NULL;
    cr_expect(at, "\"%s\" was not said, but: %s", text, o->out);
    cr_expect(!at || (line_end && (size_t)(line_end - at) >= strlen(end) &&
                      strncmp(line_end - strlen(end), end, strlen(end)) == 0),
              "the line does not end in \"%s\": %s", end, o->out);
}

/* Told and left alone; then told, repaired, and never told again. */
static void expect_repair(const char *text)
{
    for (int i = 0; i < 2; i++) {
        struct outcome o = RUN(&s, "system", "check");
        cr_expect_eq(o.status, 1, "status %d: %s", o.status, o.err);
        expect_said(&o, text, "");
        outcome_done(&o);
    }
    struct outcome o = RUN(&s, "system", "check", "--repair");
    cr_expect_eq(o.status, 0, "status %d: %s%s", o.status, o.out, o.err);
    expect_said(&o, text, ": repaired");
    outcome_done(&o);
    expect_agreement();
}

static void expect_no_repair(const char *text)
{
    struct outcome o = RUN(&s, "system", "check", "--repair");
    cr_expect_eq(o.status, 1, "status %d: %s", o.status, o.err);
    expect_said(&o, text, "");
    cr_expect_null(strstr(o.out, ": repaired"), "%s", o.out);
    outcome_done(&o);
}

static char *run_sleeper(const char *name)
{
    return ASK(&s, "run", "-d", "--name", name, "busybox", "sleep", "1000");
}

Test(check, all_states_agree)
{
    free(run_sleeper("running"));
    free(run_sleeper("paused"));
    free(ASK(&s, "pause", "paused"));
    free(run_sleeper("stopped"));
    free(ASK(&s, "stop", "-t", "0", "stopped"));
    free(ASK(&s, "create", "--name", "created", "busybox", "true"));
    free(ASK(&s, "run", "-d", "--name", "restarting", "--restart", "always", "busybox",
             "false"));
    expect_agreement();
    free(ASK(&s, "rename", "running", "renamed"));
    free(ASK(&s, "exec", "-d", "renamed", "sleep", "1000"));
    expect_agreement();
}

Test(check, a_monitor_that_was_killed)
{
    free(run_sleeper("x"));
    pid_t pid = pid_of(&s, "x");
    kill_and_wait(monitor_of(&s, "x"));
    expect_repair("without a monitor");
    cr_expect_eq(pid_of(&s, "x"), pid);
    expect_field(&s, "x", "{{.State.Status}}", "running");
}

Test(check, a_monitor_and_its_container_that_were_killed)
{
    free(run_sleeper("x"));
    pid_t pid = pid_of(&s, "x");
    kill_and_wait(monitor_of(&s, "x"));
    kill_and_wait(pid);
    expect_repair("the record says running, but its processes are gone");
    expect_field(&s, "x", "{{.State.Status}}", "exited");
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(check, an_earlier_boot)
{
    free(run_sleeper("x"));
    reboot_host(&s);
    expect_repair("the record says running, but the host was restarted");
    expect_field(&s, "x", "{{.State.Status}}", "exited");
}

static void make_groups(const char *id, struct cgroup *ret)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    struct mtd_error err = {0};
    cr_assert_eq(cgroup_discover(&host, "/proc", &err), 0, "%s", err.text);
    cr_assert_eq(cgroup_create(ret, &host, id, &err), 0, "%s", err.text);
}

static pid_t put_process(struct cgroup *group)
{
    struct mtd_error err = {0};
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    cr_assert_eq(cgroup_attach(group, pid, true, &err), 0, "%s", err.text);
    return pid;
}

Test(check, a_group_of_a_container_that_ended)
{
    auto_done(cgroup_done) struct cgroup group = {0};
    auto_free char *id = ASK(&s, "run", "-d", "--name", "x", "busybox", "true");
    await_field(&s, "x", "{{.State.Status}}", "exited");
    expect_agreement();
    make_groups(id, &group);
    expect_repair("is exited, but has the control group");
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(check, a_group_with_a_process_of_a_container_that_is_gone)
{
    auto_done(cgroup_done) struct cgroup group = {0};
    auto_free char *id = run_sleeper("x");
    free(ASK(&s, "rm", "-f", "x"));
    make_groups(id, &group);
    pid_t pid = put_process(&group);
    expect_repair("is gone, but its control group is left");
    int status = 0;
    cr_expect_eq(waitpid(pid, &status, WNOHANG), pid, "its process lives");
    cr_expect_str_empty(state_leftovers(&s, true));
}

Test(check, groups_of_other_roots_are_not_ours)
{
    auto_done(cgroup_done) struct cgroup group = {0};
    free(run_sleeper("x"));
    make_groups(GONE, &group);
    expect_agreement();
    EXPECT_OUTPUT(&s, 0, "", "system", "check", "--repair");
    for (size_t i = 0; i < group.n; i++)
        cr_expect(group.dirs[i].fd < 0 || access(group.dirs[i].path, F_OK) == 0);
    cgroup_destroy(&group, NULL);
}

Test(check, a_run_directory_of_nobody)
{
    free(run_sleeper("x"));
    cr_assert_eq(mkdirat(s.dir.fd, "run/" GONE, 0700), 0);
    expect_repair("is gone, but its run directory is left");
    cr_expect_lt(faccessat(s.dir.fd, "run/" GONE, F_OK, 0), 0);
}

Test(check, a_run_directory_of_a_container_that_ended)
{
    char path[128];
    auto_free char *id = ASK(&s, "run", "-d", "--name", "x", "busybox", "true");
    await_field(&s, "x", "{{.State.Status}}", "exited");
    cr_expect_str_empty(state_leftovers(&s, true));
    snprintf(path, sizeof(path), "run/%s", id);
    cr_assert_eq(mkdirat(s.dir.fd, path, 0700), 0);
    expect_repair("is exited, but has a run directory");
}

Test(check, a_name_that_is_lost)
{
    free(run_sleeper("x"));
    cr_assert_eq(unlinkat(s.dir.fd, "root/names/x", 0), 0);
    expect_repair("its name is not reserved: names/x");
    expect_field(&s, "x", "{{.State.Status}}", "running");
}

Test(check, names_that_lead_astray)
{
    auto_free char *id = run_sleeper("x");
    cr_assert_eq(symlinkat(id, s.dir.fd, "root/names/second"), 0);
    cr_assert_eq(symlinkat(GONE, s.dir.fd, "root/names/third"), 0);
    struct outcome o = RUN(&s, "system", "check");
    expect_said(&o, "names/third", "");
    outcome_done(&o);
    expect_repair("a name that is not its own is reserved for it: names/second");
    cr_expect_eq(tempdir_count(s.dir.fd, "root/names"), 1);
}

Test(check, a_name_of_another_container)
{
    auto_free char *x = run_sleeper("x");
    auto_free char *y = run_sleeper("y");
    cr_assert_eq(unlinkat(s.dir.fd, "root/names/x", 0), 0);
    cr_assert_eq(symlinkat(y, s.dir.fd, "root/names/x"), 0);
    expect_repair("its name is reserved for another container: names/x");
    expect_field(&s, "x", "{{.Id}}", x);
}

Test(check, a_file_that_is_no_name)
{
    tempdir_put(&s.dir, "root/names/file", "text");
    expect_no_repair("not a link to a container: names/file");
    cr_assert_eq(unlinkat(s.dir.fd, "root/names/file", 0), 0);
    expect_agreement();
}

Test(check, an_unfinished_removal)
{
    free(ASK(&s, "images", "-q"));
    tempdir_put(&s.dir, "root/trash/" GONE "/config.json", "{}");
    expect_repair("is only half created or half removed: trash/" GONE);
    cr_expect_eq(tempdir_count(s.dir.fd, "root/trash"), 0);
}

Test(check, a_record_that_cannot_be_read)
{
    char path[128];
    auto_free char *id = ASK(&s, "create", "--name", "x", "busybox", "true");
    snprintf(path, sizeof(path), "root/containers/%s/config.json", id);
    tempdir_put(&s.dir, path, "{\"id\":");
    expect_no_repair("is broken");
    free(ASK(&s, "rm", "-f", id));
    expect_agreement();
}

/* In a mount namespace of its own. */
Test(check, a_mount_that_is_left)
{
    char path[192];
    auto_free char *id = ASK(&s, "create", "--name", "x", "busybox", "true");
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    snprintf(path, sizeof(path), "%s/root/containers/%s/rootfs", s.dir.path, id);
    cr_assert_eq(mount("tmpfs", path, "tmpfs", 0, NULL), 0);
    expect_repair("a mount that belongs in its mount namespace is on the host");
}

/* Its state was deleted by hand: all that runs of it goes. */
Test(check, a_monitor_of_a_container_that_is_gone)
{
    char path[128];
    auto_free char *id = run_sleeper("x");
    snprintf(path, sizeof(path), "root/containers/%s", id);
    cr_assert_eq(fs_remove_tree_at(s.dir.fd, path), 0);
    expect_repair("is still running, but the container is gone");
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(check, claims_of_ids)
{
    char path[128], claim[512], before[64] = "", after[64] = "";
    auto_free char *gone = ASK(&s, "create", "--userns", "auto", "busybox", "true");
    snprintf(path, sizeof(path), "root/containers/%s", gone);
    cr_assert_eq(fs_remove_tree_at(s.dir.fd, path), 0);
    expect_repair("ids of the host are claimed for it");
    cr_expect_str_empty(state_leftovers(&s, false));

    auto_free char *id = ASK(&s, "create", "--userns", "auto", "busybox", "true");
    snprintf(claim, sizeof(claim), "root/userns/%s", id);
    cr_assert_gt(readlinkat(s.dir.fd, claim, before, sizeof(before) - 1), 0);
    cr_assert_eq(unlinkat(s.dir.fd, claim, 0), 0);
    expect_repair("its ids of the host are not claimed");
    cr_assert_gt(readlinkat(s.dir.fd, claim, after, sizeof(after) - 1), 0);
    cr_expect_str_eq(after, before);

    /* Given to another one meanwhile: one of the two has to go. */
    cr_assert_eq(unlinkat(s.dir.fd, claim, 0), 0);
    free(ASK(&s, "create", "--userns", "auto", "busybox", "true"));
    expect_no_repair("its ids of the host are not claimed");
}

Test(check, while_containers_come_and_go)
{
    pid_t pids[4];
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
        pids[i] = SPAWN(&s, "run", "--rm", "busybox", "true");
    for (int i = 0; i < 5; i++)
        expect_agreement();
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
        cr_expect_eq(state_reap(pids[i]), 0);
    expect_agreement();
}

/* ---- images ---- */

static char *shell(const char *script)
{
    char command[2048], out[4096] = "";
    snprintf(command, sizeof(command), "cd %s/root/images; { %s; } 2>&1", s.dir.path,
             script);
    FILE *f = popen(command, "re");
    cr_assert(f);
    size_t n = fread(out, 1, sizeof(out) - 1, f);
    out[n] = '\0';
    pclose(f);
    return strdup(out);
}

/* Container c, and mine:1 above busybox. */
static void make_image(void)
{
    free(ASK(&s, "run", "--name", "c", "busybox", "sh", "-c", "echo hey >/f"));
    free(ASK(&s, "commit", "c", "mine:1"));
    free(ASK(&s, "rm", "c"));
    free(ASK(&s, "run", "--name", "c", "mine:1", "cat", "/f"));
}

#define MINE "h=$(readlink refs/mine:1 | sed s/sha256://)"

Test(check, what_no_image_has)
{
    make_image();
    free(shell("mkdir -p layers/" GONE "/etc; touch layers/" GONE "/etc/x"));
    expect_repair("of no image and no container: images/layers/" GONE);
    free(shell("echo x >blobs/sha256/" GONE));
    expect_repair("of no image and no container: images/blobs/sha256/" GONE);
    free(shell("echo x >info/" GONE ".recipe"));
    expect_repair("of no image and no container: images/info/" GONE ".recipe");
    free(shell("ln -s sha256:" GONE " digests/" GONE));
    expect_repair("of no image and no container: images/digests/" GONE);
    free(shell("ln -s sha256:" GONE " ids/" GONE));
    expect_repair("of no image and no container: images/ids/" GONE);
    free(shell("ln -s sha256:" GONE " refs/lost:1"));
    expect_repair("the name of an image that is not there: lost:1");
    free(ASK(&s, "start", "-a", "c"));
}

Test(check, an_images_own_file_is_made_again)
{
    make_image();
    auto_free char *before = ASK(&s, "inspect", "mine:1");
    free(shell(MINE "; : >config/$h.json"));
    expect_repair(".json is damaged");
    auto_free char *after = ASK(&s, "inspect", "mine:1");
    cr_expect_str_eq(after, before);
}

Test(check, an_image_that_cannot_be_made_again_is_named)
{
    make_image();
    free(shell(MINE "; : >config/$h.json; rm blobs/sha256/$h"));
    expect_no_repair(".json is damaged");
    free(ASK(&s, "rm", "c"));
    free(ASK(&s, "rmi", "mine:1"));
    expect_agreement();
    auto_free char *layers = shell("ls layers | wc -l");
    cr_expect_str_eq(layers, "1\n", "busybox's");
}

Test(check, a_layer_that_is_gone_is_named)
{
    make_image();
    free(shell("rm -r layers/*"));
    expect_no_repair("a layer is gone; remove the image and get it again: image ");
}

Test(check, a_blob_that_can_be_made_again_is)
{
    make_image();
    free(shell("for b in blobs/sha256/*; do tar tf $b 2>/dev/null | grep -q '^f$' && "
               "truncate -s -100 $b; done"));
    expect_repair("a damaged blob: images/blobs/sha256/");
    char tar[128];
    snprintf(tar, sizeof(tar), "%s/saved.tar", s.dir.path);
    free(ASK(&s, "save", "-o", tar, "mine:1"));
    expect_agreement();
}

/* Whatever became of its image: also of one that a power loss took. */
Test(check, a_containers_layers_are_its_own)
{
    make_image();
    free(shell(MINE "; rm config/$h.json refs/mine:1"));
    struct outcome o = RUN(&s, "system", "check", "--repair");
    outcome_done(&o);
    free(shell("echo >tmp/publish-0123456789abcdef")); /* what a killed one leaves */
    free(ASK(&s, "image", "prune", "-af"));
    EXPECT_OUTPUT(&s, 0, "hey\n", "start", "-a", "c");
    free(ASK(&s, "rm", "c"));
    free(ASK(&s, "run", "--rm", "busybox", "true"));
    o = RUN(&s, "system", "check", "--repair");
    outcome_done(&o);
    expect_agreement();
    auto_free char *layers = shell("ls layers | wc -l");
    cr_expect_str_eq(layers, "1\n", "busybox's");
}
