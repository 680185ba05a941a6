/* cp: docker's rules about what goes where, both ways, on running and created containers, and
 * what a killed one leaves. Needs root. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/cpbox.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

TestSuite(cp, .init = cpbox_make, .fini = cpbox_delete, .timeout = 120);

/* ---- docker's table ---- */

static void make_target(const char *base)
{
    cpbox_shell(
        "cd %s; rm -rf * .m*; echo T >t; mkdir -p e g/d x/f y; echo O >g/d/old; echo Y >y/d;"
        "ln -s t lt; ln -s e le; ln -s newt dangling",
        base);
}

static const struct row {
    const char *option, *from, *to;
    const char *error;       /* NULL = it succeeds */
    const char *name, *text; /* a file at the target afterwards */
} ROWS[] = {
    /* a file */
    {NULL, "f", "new", NULL, "new", "F\n"},
    {NULL, "f", "new/", "no such directory", "new", "No such file or directory"},
    {NULL, "f", "new/.", "no such directory", "new", "No such file or directory"},
    {NULL, "f", "t", NULL, "t", "F\n"},
    {NULL, "f", "t/", "not a directory", "t", "T\n"},
    {NULL, "f", "e", NULL, "e/f", "F\n"},
    {NULL, "f", "e/", NULL, "e/f", "F\n"},
    {NULL, "f", "e/.", NULL, "e/f", "F\n"},
    {NULL, "f", "none/new", "does not exist", "none", "No such file or directory"},
    {NULL, "f/", "e", "not a directory", "e/f", "No such file or directory"},
    {NULL, "f/.", "e", "not a directory", "e/f", "No such file or directory"},
    {NULL, "f", "x", "cannot overwrite a directory with a file", "x/f", "Is a directory"},
    /* a directory */
    {NULL, "d", "new", NULL, "new/in", "I\n"},
    {NULL, "d", "new/", NULL, "new/sub/deep", "D\n"},
    {NULL, "d/", "new", NULL, "new/in", "I\n"},
    {NULL, "d/.", "new", NULL, "new/in", "I\n"},
    {NULL, "d", "t", "cannot copy a directory to a file", "t", "T\n"},
    {NULL, "d/.", "t", "cannot copy a directory to a file", "t", "T\n"},
    {NULL, "d", "e", NULL, "e/d/sub/deep", "D\n"},
    {NULL, "d", "e/", NULL, "e/d/in", "I\n"},
    {NULL, "d/", "e", NULL, "e/d/in", "I\n"},
    {NULL, "d/.", "e", NULL, "e/in", "I\n"},
    {NULL, "d/.", "e/", NULL, "e/sub/deep", "D\n"},
    {NULL, "d", "g", NULL, "g/d/in", "I\n"},
    {NULL, "d", "g", NULL, "g/d/old", "O\n"},
    {NULL, "d", "y", "cannot overwrite a file with a directory", "y/d", "Y\n"},
    {NULL, "d", "none/new", "does not exist", "none", "No such file or directory"},
    /* links */
    {NULL, "lf", "e", NULL, "e/lf", "No such file or directory"},
    {"-L", "lf", "e", NULL, "e/lf", "F\n"},
    {"-L", "lf", "new", NULL, "new", "F\n"},
    {NULL, "ld/", "e", NULL, "e/ld/in", "I\n"},
    {NULL, "ld/.", "e", NULL, "e/in", "I\n"},
    {"-L", "ld", "e", NULL, "e/ld/in", "I\n"},
    {NULL, "f", "lt", NULL, "t", "F\n"},
    {NULL, "f", "le", NULL, "e/f", "F\n"},
    {NULL, "f", "le/", NULL, "e/f", "F\n"},
    {NULL, "f", "dangling", NULL, "newt", "F\n"},
    /* what is not there */
    {NULL, "none", "e", "no such file or directory", "e/none",
     "No such file or directory"},
    {NULL, "d/none", "e", "no such file or directory", "e/none",
     "No such file or directory"},
};

/* container: NULL = the host. */
static void expect_row(const struct row *r, const char *from_name, const char *from_base,
                       const char *to_name, const char *to_base)
{
    char from[512], to[512];
    cpbox_source(from_base);
    make_target(to_base);
    snprintf(from, sizeof(from), "%s%s/%s", from_name ? from_name : cpbox_host,
             from_name ? ":/w" : "", r->from);
    snprintf(to, sizeof(to), "%s%s/%s", to_name ? to_name : cpbox_host,
             to_name ? ":/w" : "", r->to);
    auto_done(outcome_done) struct outcome o =
        r->option ? RUN(&cpbox, "cp", r->option, from, to) : RUN(&cpbox, "cp", from, to);
    cr_expect_eq(o.status, r->error ? 1 : 0, "%s %s: %d %s", from, to, o.status, o.err);
    if (r->error) {
        cr_expect(strstr(o.err, r->error), "%s %s: not \"%s\": %s", from, to, r->error,
                  o.err);
        char *end = strchr(o.err, '\n');
        cr_expect(end && end[1] == '\0', "not one line: %s", o.err);
    }
    cr_expect_str_empty(o.out);
    cr_expect_str_eq(cpbox_text(to_base, r->name), r->text, "%s %s: %s holds %s", from,
                     to, r->name, cpbox_text(to_base, r->name));
}

Test(cp, goes_where_docker_says_into_a_running_one)
{
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++)
        expect_row(&ROWS[i], NULL, cpbox_host, "up", cpbox_up);
}

Test(cp, goes_where_docker_says_out_of_a_running_one)
{
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++)
        expect_row(&ROWS[i], "up", cpbox_up, NULL, cpbox_host);
}

Test(cp, goes_where_docker_says_into_a_created_one)
{
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++)
        expect_row(&ROWS[i], NULL, cpbox_host, "new", cpbox_new);
}

Test(cp, goes_where_docker_says_out_of_a_created_one)
{
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++)
        expect_row(&ROWS[i], "new", cpbox_new, NULL, cpbox_host);
}

/* ---- killed ---- */

/* Whole files, old or new; nothing else once the next copy has run. */
static void expect_whole(const char *to, const char *base, const char *fault)
{
    cpbox_source(cpbox_host);
    cpbox_shell("cd %s; rm -rf * .m*; echo OLD >t; mkdir d; echo OLD >d/in", base);
    cpbox.fault = fault;
    auto_done(outcome_done) struct outcome file =
        RUN(&cpbox, "cp", cpbox_path(cpbox_host, "f"), to);
    char dir[64];
    snprintf(dir, sizeof(dir), "%.*s", (int)(strlen(to) - 2), to);
    auto_done(outcome_done) struct outcome tree =
        RUN(&cpbox, "cp", cpbox_path(cpbox_host, "d"), dir);
    cpbox.fault = NULL;
    cr_expect(file.status != 0 || tree.status != 0, "%s: not reached", fault);
    const char *text = cpbox_text(base, "t");
    cr_expect(strcmp(text, "OLD\n") == 0 || strcmp(text, "F\n") == 0, "%s: %s", fault,
              text);
    text = cpbox_text(base, "d/in");
    cr_expect(strcmp(text, "OLD\n") == 0 || strcmp(text, "I\n") == 0, "%s: %s", fault,
              text);
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), to));
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "d"), dir));
    cr_expect_str_eq(cpbox_text(base, "t"), "F\n");
    cpbox_shell("cd %s; test \"$(find . | sort | tr '\\n' ' ')\" = '. ./d ./d/in ./d/sub "
                "./d/sub/deep ./t '",
                base);
}

#ifdef MTD_FAULTS
/* Its files vanish one by one, which is no error of those that copy them. */
Test(cp, of_a_container_that_is_removed_meanwhile_nothing_is_promised)
{
    for (int into = 0; into < 2; into++) {
        free(ASK(&cpbox, "run", "-d", "--name", "g", "busybox", "sleep", "1000"));
        cpbox.fault = "cp.written:stop";
        struct running cp =
            into ? BEGIN(&cpbox, "cp", "/etc/passwd", "g:/file")
                 : BEGIN(&cpbox, "cp", "g:/etc/passwd", cpbox_path(cpbox_host, "file"));
        cpbox.fault = NULL;
        pid_t stopped = stopped_await(cp.pid);
        cr_assert_gt(stopped, 0);
        free(ASK(&cpbox, "rm", "-f", "g"));
        kill(stopped, SIGCONT);
        auto_done(outcome_done) struct outcome o = state_end(&cp);
        cr_expect_eq(o.status, 1);
        cr_expect(strstr(o.err, "container g was removed meanwhile"), "%s", o.err);
    }
}
#endif

Test(cp, a_killed_one_leaves_whole_files)
{
    static const char *const FAULTS[] = {"cp.enter:kill",   "cp.written:kill",
                                         "cp.linked:kill",  "cp.dir:kill",
                                         "cp.written:fail", "cp.linked:fail"};
    auto_done(outcome_done) struct outcome probe = {0};
    cpbox.fault = "cp.enter:fail";
    probe = RUN(&cpbox, "cp", "up:/etc/passwd", cpbox_path(cpbox_host, "p"));
    cpbox.fault = NULL;
    if (probe.status == 0)
        cr_skip("needs a program with fault points");
    for (size_t i = 0; i < ARRAY_SIZE(FAULTS); i++) {
        expect_whole("up:/w/t", cpbox_up, FAULTS[i]);
        expect_whole("new:/w/t", cpbox_new, FAULTS[i]);
    }
    expect_whole("new:/w/t", cpbox_new, "cp.volatile:kill");
    cpbox.fault = "cp.volatile:kill";
    auto_done(outcome_done) struct outcome o =
        RUN(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "new:/w/t");
    cr_expect_neq(o.status, 0);
    cpbox.fault = NULL;
    free(ASK(&cpbox, "start", "-a", "new"));
    free(ASK(&cpbox, "rm", "-f", "up", "new"));
    cr_expect_str_empty(state_leftovers(&cpbox, false));
}
