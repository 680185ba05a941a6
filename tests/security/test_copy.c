/* cp and a container that is hostile to it: links that lead to the host's files, put in the
 * place of directories while it copies. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/cpbox.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define RACE_NS (3 * NS_PER_SEC)
#define ROUNDS_MIN 20
#define TEMP_OF_F ".mytop-af63db4c8601ead9" /* copy/put.c: FNV-1a of "f" */

TestSuite(copy, .init = cpbox_make, .fini = cpbox_delete, .timeout = 120);

/* <state>/w/out has "secret", and nothing else may ever be in it. The container knows its
 * path. */
static void make_outside(char out[300])
{
    snprintf(out, 300, "%s/out", cpbox_host);
    cpbox_shell("mkdir %s; echo SECRET >%s/secret; echo new >%s/f", out, out, cpbox_host);
}

static void expect_outside(const char *out)
{
    char *list = NULL;
    cr_assert(asprintf(&list, "test \"$(ls -A %s)\" = secret; grep -q SECRET %s/secret",
                       out, out) > 0);
    cpbox_shell("%s", list);
    free(list);
}

Test(copy, links_lead_nowhere_but_below_the_root)
{
    char out[300], to[400];
    make_outside(out);
    cpbox_shell(
        "cd %s; mkdir d; ln -s %s abs; ln -s %s d/abs; ln -s /../../../../../..%s up;"
        "ln -s %s/secret file",
        cpbox_up, out, out, out, out);
    static const char *const LINKS[] = {"abs/", "d/abs/", "up/", "abs/x"};
    for (size_t i = 0; i < ARRAY_SIZE(LINKS); i++) {
        snprintf(to, sizeof(to), "up:/w/%s", LINKS[i]);
        auto_done(outcome_done) struct outcome in =
            RUN(&cpbox, "cp", cpbox_path(cpbox_host, "f"), to);
        cr_expect_eq(in.status, 1, "%s", to);
        auto_done(outcome_done) struct outcome back =
            RUN(&cpbox, "cp", to, cpbox_path(cpbox_host, "back"));
        cr_expect_eq(back.status, 1, "%s", to);
    }
    auto_done(outcome_done) struct outcome followed =
        RUN(&cpbox, "cp", "-L", "up:/w/file", cpbox_path(cpbox_host, "back"));
    cr_expect_eq(followed.status, 1);
    expect_outside(out);
}

/* What is copied has a directory where the container has a link to one. */
Test(copy, a_directory_is_not_merged_into_what_a_link_leads_to)
{
    char out[300];
    make_outside(out);
    cpbox_shell("cd %s; ln -s %s d; cd %s; mkdir -p tree/d; echo n >tree/d/new;"
                "tar cf tree.tar -C tree .",
                cpbox_up, out, cpbox_host);
    auto_done(outcome_done) struct outcome tree =
        RUN(&cpbox, "cp", cpbox_path(cpbox_host, "tree/."), "up:/w");
    cr_expect_eq(tree.status, 1, "%s", tree.err);
    auto_fd int fd = open(cpbox_path(cpbox_host, "tree.tar"), O_RDONLY | O_CLOEXEC);
    struct running r =
        state_begin_from(&cpbox, fd, (const char *const[]){"cp", "-", "up:/w", NULL});
    auto_done(outcome_done) struct outcome tar = state_end(&r);
    cr_expect_eq(tar.status, 1, "%s", tar.err);
    expect_outside(out);
}

static bool has_begun_swapping(void *arg)
{
    (void)arg;
    return faccessat(AT_FDCWD, cpbox_path(cpbox_up, "link"), F_OK, AT_SYMLINK_NOFOLLOW) ==
           0;
}

/* Swaps d and a link to the host's directory as quickly as it can. */
static pid_t start_swapping(const char *out)
{
    char loop[600];
    snprintf(loop, sizeof(loop),
             "cd /w; mkdir -p d/sub d/f; echo x >d/secret; ln -s %s link;"
             "while :; do mv d real; mv link d; mv d link; mv real d; done",
             out);
    pid_t pid = SPAWN(&cpbox, "exec", "up", "sh", "-c", loop);
    cr_assert(state_until(has_begun_swapping, NULL));
    return pid;
}

static void end_swapping(pid_t pid)
{
    kill(pid, SIGKILL);
    state_reap(pid);
}

Test(copy, a_swapped_directory_lets_nothing_out_when_copying_in)
{
    char out[300];
    make_outside(out);
    cpbox_shell("cd %s; mkdir -p tree/d/sub; echo n >tree/d/new; echo n >tree/d/sub/new;"
                "tar cf tree.tar -C tree .",
                cpbox_host);
    pid_t pid = start_swapping(out);
    int done = 0, rounds = 0;
    for (int64_t end = clock_mono_ns() + RACE_NS;
         clock_mono_ns() < end || rounds < ROUNDS_MIN; rounds++) {
        auto_done(outcome_done) struct outcome file =
            RUN(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "up:/w/d/");
        auto_done(outcome_done) struct outcome tree =
            RUN(&cpbox, "cp", cpbox_path(cpbox_host, "tree/."), "up:/w");
        auto_fd int fd = open(cpbox_path(cpbox_host, "tree.tar"), O_RDONLY | O_CLOEXEC);
        struct running r =
            state_begin_from(&cpbox, fd, (const char *const[]){"cp", "-", "up:/w", NULL});
        auto_done(outcome_done) struct outcome tar = state_end(&r);
        done += (file.status == 0) + (tree.status == 0) + (tar.status == 0);
    }
    end_swapping(pid);
    cr_expect_gt(done, 0, "nothing was ever copied");
    expect_outside(out);
}

Test(copy, a_swapped_directory_lets_nothing_in_when_copying_out)
{
    char out[300];
    make_outside(out);
    pid_t pid = start_swapping(out);
    int done = 0, rounds = 0;
    for (int64_t end = clock_mono_ns() + RACE_NS;
         clock_mono_ns() < end || rounds < ROUNDS_MIN; rounds++) {
        cpbox_shell("rm -rf %s/got", cpbox_host);
        auto_done(outcome_done) struct outcome tree =
            RUN(&cpbox, "cp", "up:/w", cpbox_path(cpbox_host, "got"));
        auto_done(outcome_done) struct outcome file =
            RUN(&cpbox, "cp", "up:/w/d/secret", cpbox_path(cpbox_host, "got/one"));
        auto_done(outcome_done) struct outcome tar = RUN(&cpbox, "cp", "up:/w/d", "-");
        done += (tree.status == 0) + (file.status == 0) + (tar.status == 0);
        cr_expect(!memmem(tar.out, tar.out_len, "SECRET", 6));
        cpbox_shell("! grep -rqs SECRET %s/got", cpbox_host);
    }
    end_swapping(pid);
    cr_expect_gt(done, 0, "nothing was ever copied");
    expect_outside(out);
}

/* The name that an old file is replaced by is known to the container: what it has put there is
 * neither opened nor followed. */
Test(copy, a_temporary_name_that_is_a_trap_is_not_opened)
{
    static const char *const TRAPS[] = {"mkfifo", "ln -s $OUT/secret", "ln -s $OUT",
                                        "mknod -m 600 tape c 9 0; mv tape"};
    char out[300];
    make_outside(out);
    for (size_t i = 0; i < ARRAY_SIZE(TRAPS); i++) {
        cpbox_shell("OUT=%s; cd %s; rm -rf * .m*; echo old >f; %s " TEMP_OF_F, out,
                    cpbox_up, TRAPS[i]);
        free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "up:/w/f"));
        cr_expect_str_eq(cpbox_text(cpbox_up, "f"), "new\n", "%s", TRAPS[i]);
        expect_outside(out);
    }
}
