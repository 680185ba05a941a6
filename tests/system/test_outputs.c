/* Where a command's output goes: a file the user names is written completely or not at all, what
 * is no file is left as it is, and what cannot be written is an error. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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

TestSuite(outputs, .init = set_up, .fini = tear_down, .timeout = 60);

static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", s.dir.path, name);
    return path;
}

static mode_t mode_of(const char *name)
{
    struct stat st = {0};
    cr_expect_eq(fstatat(s.dir.fd, name, &st, AT_SYMLINK_NOFOLLOW), 0, "%s", name);
    return st.st_mode;
}

static bool is_tar(const char *name)
{
    char block[512] = "";
    auto_file FILE *f = fopen(path_of(name), "re");
    return f && fread(block, sizeof(block), 1, f) == 1 &&
           memcmp(block + 257, "ustar", 5) == 0;
}

/* ---- files of the user's ----------------------------------------------------------------- */

/* docker: "failed to export container: cannot write to a character device file". The device is
 * the test's own. */
Test(outputs, export_leaves_devices_and_fifos_as_they_are)
{
    static const char *const NAMES[] = {"null", "fifo", "link"};
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    cr_assert_eq(mknodat(s.dir.fd, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
    cr_assert_eq(mkfifoat(s.dir.fd, "fifo", 0600), 0);
    cr_assert_eq(symlinkat("null", s.dir.fd, "link"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        mode_t before = mode_of(NAMES[i]);
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "export", "-o", path_of(NAMES[i]), "c");
        cr_expect_eq(o.status, 1);
        cr_expect(strstr(o.err, "not a regular file"), "%s", o.err);
        cr_expect_eq(mode_of(NAMES[i]), before, "%s was replaced", NAMES[i]);
    }
    cr_expect(S_ISCHR(mode_of("null")));
}

Test(outputs, export_follows_a_link_and_keeps_the_mode)
{
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    tempdir_put(&s.dir, "out.tar", "old");
    cr_assert_eq(fchmodat(s.dir.fd, "out.tar", 0640, 0), 0);
    cr_assert_eq(symlinkat("out.tar", s.dir.fd, "link"), 0);
    free(ASK(&s, "export", "-o", path_of("link"), "c"));
    cr_expect(S_ISLNK(mode_of("link")));
    cr_expect_eq(mode_of("out.tar"), S_IFREG | 0640);
    cr_expect(is_tar("out.tar"));
    free(ASK(&s, "export", "-o", path_of("new.tar"), "c"));
    cr_expect_eq(mode_of("new.tar"), S_IFREG | 0600);
    cr_expect_eq(tempdir_count(s.dir.fd, "."), 5, "root, run and three files");
}

Test(outputs, a_failed_export_leaves_what_was_there)
{
    tempdir_put(&s.dir, "out.tar", "old");
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "export", "-o", path_of("out.tar"), "nosuch");
    cr_expect_eq(o.status, 1);
    cr_expect_eq(tempdir_count(s.dir.fd, "."), 1, "the file; export makes no roots");
    cr_expect_not(is_tar("out.tar"));
}

#ifdef MTD_FAULTS
Test(outputs, a_killed_export_or_run_leaves_no_part_of_a_file)
{
    free(ASK(&s, "create", "--name", "c", "busybox", "true"));
    s.fault = "output.opened:kill";
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "export", "-o", path_of("out.tar"), "c");
    cr_expect_eq(o.status, 128 + SIGKILL);
    auto_done(outcome_done) struct outcome run =
        RUN(&s, "create", "--cidfile", path_of("cid"), "busybox", "true");
    cr_expect_eq(run.status, 128 + SIGKILL);
    s.fault = NULL;
    cr_expect_eq(tempdir_count(s.dir.fd, "."), 2, "root and run");
}
#endif

/* ---- what cannot be written ------------------------------------------------------------- */

/* The program's streams: stdout on /dev/full, stderr with the caller. */
static void expect_full(const char *command, int status)
{
    char line[512], said[512] = "";
    snprintf(line, sizeof(line),
             "%s --root %s/root --run-root %s/run %s 2>&1 >/dev/full </dev/null",
             MTD_PROGRAM, s.dir.path, s.dir.path, command);
    FILE *f = popen(line, "re");
    cr_assert_not_null(f);
    said[fread(said, 1, sizeof(said) - 1, f)] = '\0';
    cr_expect_eq(WEXITSTATUS(pclose(f)), status, "%s: %s", command, said);
    cr_expect(strstr(said, ": No space left on device\n"), "%s said: %s", command, said);
    cr_expect_eq(strchr(said, '\n'), strrchr(said, '\n'), "%s said: %s", command, said);
    cr_expect(strstr(said, "cannot write") || strstr(said, "cannot show"), "%s said: %s",
              command, said);
}

/* docker: "write /dev/stdout: no space left on device", status 1; 125 are the verbs of which it
 * may also be the command's. */
Test(outputs, output_that_cannot_be_written_is_an_error_of_every_verb)
{
    static const char *const FAIL[] = {"ps",
                                       "ps -q",
                                       "ps -a --format {{.ID}}",
                                       "ps --format json",
                                       "inspect c",
                                       "inspect -f {{.Id}} c",
                                       "logs c",
                                       "top c",
                                       "diff c",
                                       "stats --no-stream",
                                       "events --since 1h --until 0s",
                                       "export c",
                                       "images",
                                       "history busybox",
                                       "info",
                                       "version",
                                       "version --format {{.Client.Version}}",
                                       "system df",
                                       "commit c",
                                       "pause c",
                                       "unpause c",
                                       "exec c seq 1 3",
                                       "exec -t c seq 1 3",
                                       "exec c sh -c 'seq 1 99999; seq 1 99999'",
                                       "rm -f gone",
                                       "image prune -f"};
    free(ASK(&s, "run", "-d", "--name", "c", "busybox", "sh", "-c",
             "touch /new; echo hello; exec sleep 1000"));
    await_line(&s, "c", "hello");
    free(ASK(&s, "create", "--name", "gone", "busybox", "true"));
    for (size_t i = 0; i < ARRAY_SIZE(FAIL); i++)
        expect_full(FAIL[i], 1);
    expect_full("run --rm busybox seq 1 3", 125);
    expect_full("run --rm -t busybox seq 1 3", 125);
    expect_full("run -d busybox true", 125);
    expect_full("create busybox", 125);
    expect_full("--help", 125);
    free(ASK(&s, "exec", "c", "true"));
}

/* A reader that has enough is none: the command gets SIGPIPE, as on the host. */
Test(outputs, exec_into_a_pipe_that_closes_ends)
{
    static const char *const OPTIONS[] = {"", "-t"};
    free(ASK(&s, "run", "-d", "--name", "c", "busybox", "sleep", "1000"));
    for (size_t i = 0; i < ARRAY_SIZE(OPTIONS); i++) {
        char line[512], said[64] = "";
        snprintf(line, sizeof(line),
                 "{ { timeout -k 1 10 %s --root %s/root --run-root %s/run exec %s c yes; "
                 "[ $? != 124 ] || echo hung >&3; } </dev/null | head -n 1; } 3>&1",
                 MTD_PROGRAM, s.dir.path, s.dir.path, OPTIONS[i]);
        FILE *f = popen(line, "re");
        cr_assert_not_null(f);
        said[fread(said, 1, sizeof(said) - 1, f)] = '\0';
        cr_expect_eq(pclose(f), 0);
        cr_expect(said[0] == 'y' && !strstr(said, "hung"), "exec %s: %s", OPTIONS[i],
                  said);
    }
}
