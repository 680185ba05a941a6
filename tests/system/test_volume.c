/* What the image has at a volume's target comes into an empty volume. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/state.h"

static struct state s;

/* mine: /data with owners, modes and links of all kinds; /out and /data/out lead to the host's
 * /etc if anybody lets them. */
static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "run", "--name", "maker", "busybox", "sh", "-c",
             "mkdir -p /data/sub; echo one >/data/one; ln /data/one /data/two;"
             "ln -s ../../../../../../etc /data/out; ln -s /etc/passwd /data/passwd;"
             "ln -s ../../../../../../../data /out; mkfifo /data/pipe; echo f >/file;"
             "echo deep >/data/sub/deep; chown 5:6 /data/one /data; chmod 3770 /data;"
             "chmod 4711 /data/one; mkdir /none; chown 7:8 /none"));
    free(ASK(&s, "commit", "maker", "mine"));
    free(ASK(&s, "rm", "maker"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(volume, .init = set_up, .fini = tear_down, .timeout = 60);

#define LIST \
    "cd /v && stat -c '%n %a %u:%g %h %F' . $(find . ! -name . | sort) && cat sub/deep"
static const char DATA[] = ". 3770 5:6 3 directory\n"
                           "./one 4711 5:6 2 regular file\n"
                           "./out 777 0:0 1 symbolic link\n"
                           "./passwd 777 0:0 1 symbolic link\n"
                           "./pipe 644 0:0 1 fifo\n"
                           "./sub 755 0:0 2 directory\n"
                           "./sub/deep 644 0:0 1 regular file\n"
                           "./two 4711 5:6 2 regular file\n"
                           "deep";

/* What a volume holds, seen by another image's container. */
static void expect_volume(const char *name, const char *script, const char *want)
{
    char mount[64];
    snprintf(mount, sizeof(mount), "%s:/v", name);
    char *got = ASK(&s, "run", "--rm", "-v", mount, "busybox", "sh", "-c", script);
    cr_expect_str_eq(got, want, "%s holds: %s", name, got);
    free(got);
}

Test(volume, an_empty_one_gets_what_the_image_has)
{
    free(ASK(&s, "create", "-v", "vol:/data", "mine", "true"));
    expect_volume("vol", LIST, DATA);
    free(ASK(&s, "create", "-v", "led:/out", "mine", "true")); /* by a link */
    expect_volume("led", LIST, DATA);
    free(ASK(&s, "create", "-v", "etc:/data/out", "mine", "true"));
    expect_volume("etc", "ls /v/shadow 2>&1; head -n 1 /v/passwd",
                  "ls: /v/shadow: No such file or directory\n"
                  "root:x:0:0:root:/root:/bin/sh");
    free(ASK(&s, "create", "--mount", "type=volume,src=bare,dst=/none", "mine", "true"));
    expect_volume("bare", "stat -c '%u:%g' /v; ls -a /v | wc -l", "7:8\n2");
}

Test(volume, an_anonymous_one_too_and_one_that_is_in_use)
{
    char *said = ASK(&s, "run", "--rm", "-v", "/data", "mine", "cat", "/data/sub/deep");
    cr_expect_str_eq(said, "deep");
    free(said);
    free(ASK(&s, "run", "-d", "--name", "user", "-v", "vol:/v", "busybox", "sleep",
             "100"));
    free(ASK(&s, "create", "-v", "vol:/data", "mine", "true"));
    said = ASK(&s, "exec", "user", "cat", "/v/one");
    cr_expect_str_eq(said, "one");
    free(said);
}

Test(volume, nothing_comes_where_nothing_should)
{
    free(ASK(&s, "run", "--rm", "-v", "full:/v", "busybox", "touch", "/v/mine"));
    free(ASK(&s, "create", "-v", "full:/data", "mine", "true"));
    expect_volume("full", "ls /v", "mine");
    free(ASK(&s, "create", "-v", "no:/data:nocopy", "mine", "true"));
    expect_volume("no", "ls /v", "");
    free(ASK(&s, "create", "--mount", "type=volume,src=not,dst=/data,volume-nocopy",
             "mine", "true"));
    expect_volume("not", "ls /v", "");
    free(ASK(&s, "create", "-v", "new:/nothing/there", "mine", "true"));
    expect_volume("new", "ls /v", "");
}

Test(volume, a_refused_create_leaves_no_anonymous_one)
{
    free(ASK(&s, "create", "--name", "taken", "busybox", "true"));
    struct outcome o = RUN(&s, "create", "--name", "taken", "-v", "/data", "-v", "/none",
                           "mine", "true");
    cr_expect_eq(o.status, 1, "%s", o.err);
    outcome_done(&o);
    cr_expect_leq(tempdir_count(s.dir.fd, "root/volumes"), 0);
}

#ifdef MTD_FAULTS
/* A create killed before, and in the middle of, the last step: the next one finishes it. */
Test(volume, a_killed_copy_is_finished_by_the_next)
{
    static const char *const POINTS[] = {"volume.copied:kill", "volume.move:kill"};
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char mount[64], name[16];
        snprintf(name, sizeof(name), "vol%zu", i);
        snprintf(mount, sizeof(mount), "%s:/data", name);
        s.fault = POINTS[i];
        struct outcome o = RUN(&s, "create", "-v", mount, "mine", "true");
        cr_expect_eq(o.status, 128 + SIGKILL, "%s was not reached", POINTS[i]);
        outcome_done(&o);
        s.fault = NULL;
        free(ASK(&s, "create", "-v", mount, "mine", "true"));
        expect_volume(name, LIST, DATA);
        snprintf(mount, sizeof(mount), "root/volumes/%s", name);
        cr_expect_eq(tempdir_count(s.dir.fd, mount), 2, "%s", POINTS[i]); /* no copy */
    }
}
#endif
