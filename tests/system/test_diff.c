/* What a container changed, in diff and commit: judged as docker judges, and nothing that the
 * engine made itself. Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"

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

TestSuite(diff, .init = set_up, .fini = tear_down, .timeout = 60);

/* An image of busybox and what the script makes in /t: no /etc, /dev, /proc, /sys of its own. */
static void make_image(const char *name, const char *script)
{
    char command[1024];
    snprintf(
        command, sizeof(command),
        "mkdir -p /t/bin && cd /t && cp /bin/busybox bin/ && ln -s busybox bin/sh && "
        "ln -s busybox bin/rm && %s && tar -cf - .",
        script);
    auto_done(outcome_done) struct outcome tar =
        RUN(&s, "run", "--rm", "busybox", "sh", "-c", command);
    cr_assert_eq(tar.status, 0, "%s", tar.err);
    auto_done(outcome_done) struct outcome o = state_run_input(
        &s, tar.out, tar.out_len, (const char *const[]){"import", "-", name, NULL});
    cr_assert_eq(o.status, 0, "%s", o.err);
}

static void run(const char *name, const char *image, const char *script)
{
    EXPECT_OUTPUT(&s, 0, "", "run", "--name", name, image, "sh", "-c", script);
}

Test(diff, does_not_show_what_the_engine_mounts_on)
{
    make_image("bare", "mkdir root");
    run("idle", "bare", ":");
    EXPECT_OUTPUT(&s, 0, "", "diff", "idle");
    run("writes", "bare", "echo >/etc/mine");
    EXPECT_OUTPUT(&s, 0, "A /etc\nA /etc/mine\n", "diff", "writes");
    EXPECT_OUTPUT(&s, 0, "", "run", "--name", "places", "-v", "keep:/data", "-w", "/w/x",
                  "bare", "sh", "-c", ":");
    EXPECT_OUTPUT(&s, 0, "A /data\nA /w\nA /w/x\n", "diff", "places");
}

/* As in a distribution of systemd's: the link's target is not in the image. */
Test(diff, does_not_show_a_dead_link_that_was_mounted_on)
{
    make_image("linked", "mkdir -p etc run/resolve && echo a >etc/hosts && "
                         "ln -s ../run/resolve/stub etc/resolv.conf");
    run("idle", "linked", "test -s /etc/hosts && test ! -L /etc/resolv.conf");
    EXPECT_OUTPUT(&s, 0, "", "diff", "idle");
}

/* What is the image's, or was changed, is not ours; export has all, as docker's has. */
Test(diff, shows_of_dockers_mark_and_mtab_what_was_changed)
{
    make_image("owner", "mkdir etc && echo mine >.dockerenv && ln -s old etc/mtab");
    run("kept", "owner",
        "cd /; read a <.dockerenv; test $a = mine && test -L etc/mtab && "
        "test ! -e etc/mtab");
    EXPECT_OUTPUT(&s, 0, "", "diff", "kept");
    make_image("bare", "mkdir root");
    run("idle", "bare", ":");
    run("changed", "bare", "echo a >/.dockerenv; rm /etc/mtab; echo b >/etc/mtab");
    EXPECT_OUTPUT(&s, 0, "A /.dockerenv\nA /etc\nA /etc/mtab\n", "diff", "changed");
    make_image("linked", "mkdir -p usr/etc && ln -s usr/etc etc");
    run("led", "linked", "test -L /etc && test -e /usr/etc/mtab");
    auto_done(outcome_done) struct outcome tar = RUN(&s, "export", "idle");
    auto_done(outcome_done) struct outcome list = state_run_input(
        &s, tar.out, tar.out_len,
        (const char *const[]){"run", "--rm", "-i", "busybox", "tar", "-tf", "-", NULL});
    cr_expect(strstr(list.out, ".dockerenv\n") && strstr(list.out, "etc/mtab\n"), "%s",
              list.out);
}

Test(diff, commit_leaves_out_what_the_engine_mounts_on)
{
    make_image("bare", "mkdir root");
    run("one", "bare", "echo kept >/root/file");
    free(ASK(&s, "commit", "one", "second"));
    auto_free char *id = ASK(&s, "create", "--name", "two", "second");
    auto_done(outcome_done) struct outcome tar = RUN(&s, "export", "two");
    auto_done(outcome_done) struct outcome list = state_run_input(
        &s, tar.out, tar.out_len,
        (const char *const[]){"run", "--rm", "-i", "busybox", "tar", "-tf", "-", NULL});
    cr_expect(strstr(list.out, "root/file\n"), "%s", list.out);
    cr_expect_not(strstr(list.out, "etc") || strstr(list.out, "proc") ||
                      strstr(list.out, "dev") || strstr(list.out, ".dockerenv"),
                  "%s", list.out);
}

Test(diff, a_directory_changes_with_what_is_in_it_and_not_by_its_time)
{
    run("undone", "busybox", "touch /root/x && rm /root/x");
    EXPECT_OUTPUT(&s, 0, "", "diff", "undone");
    run("same", "busybox", "chmod 755 /etc && chmod 700 /etc && chmod 755 /etc");
    EXPECT_OUTPUT(&s, 0, "", "diff", "same");
    run("mode", "busybox", "chmod 711 /root");
    EXPECT_OUTPUT(&s, 0, "C /root\n", "diff", "mode");
    run("file", "busybox",
        "chmod 600 /etc/group && echo a >/root/x && rm /etc/nsswitch.conf");
    EXPECT_OUTPUT(&s, 0,
                  "C /etc\nC /etc/group\nD /etc/nsswitch.conf\nC /root\nA /root/x\n",
                  "diff", "file");
}

/* Layers hide what is below them, and a directory made again hides what it had. */
Test(diff, compares_with_what_the_layers_show_together)
{
    make_image("low", "mkdir -p a b && echo 1 >a/one && echo 1 >a/two && echo 1 >b/one");
    run("first", "low", "rm -r /b && rm /a/two");
    free(ASK(&s, "commit", "first", "high"));
    run("second", "high",
        "rm -r /a && busybox mkdir /a /b && echo 2 >/a/two && echo 2 >/b/one");
    EXPECT_OUTPUT(&s, 0, "C /a\nD /a/one\nA /a/two\nA /b\nA /b/one\n", "diff", "second");
}

/* A link of a layer where the container has a directory: whether the link leads anywhere on
 * the host is not to be learned from what diff says. */
Test(diff, asks_nothing_of_the_host)
{
    char script[256];
    tempdir_put(&s.dir, "there", "");
    snprintf(script, sizeof(script), "ln -s %s l; ln -s %s/there 1; ln -s %s/not 2",
             s.dir.path, s.dir.path, s.dir.path);
    make_image("linked", script);
    run("box", "linked",
        "rm l 1 2; mkdir l; echo >l/there; echo >l/not; echo >1; echo >2");
    EXPECT_OUTPUT(&s, 0, "C /1\nC /2\nC /l\nA /l/not\nA /l/there\n", "diff", "box");
}
