/* Scripted runs of the real program: steps, waiting, what is said about wrong ones. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "state.h"

static struct state box;

static void make(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    state_make(&box);
}

static void done(void)
{
    if (geteuid() == 0)
        state_done(&box);
}

TestSuite(replay, .init = make, .fini = done, .timeout = 60);

/* "mytop-docker --root .. ARGS", both outputs in one; the input comes from the file "input". */
static char *screen(const char *args, int *ret_status)
{
    auto_free char *cmd = NULL;
    struct buf out = {0};
    const char *d = box.dir.path;
    cr_assert_gt(asprintf(&cmd, "%s --root %s/root --run-root %s/run %s 2>&1 <%s/input",
                          MTD_PROGRAM, d, d, args, d),
                 0);
    FILE *f = popen(cmd, "r");
    cr_assert_not_null(f);
    for (int c; (c = fgetc(f)) != EOF;)
        buf_putc(&out, (char)c);
    *ret_status = WEXITSTATUS(pclose(f));
    return buf_take(&out);
}

static void expect_with(const char *options, const char *text, int status,
                        const char *out)
{
    char args[256];
    int got;
    tempdir_put(&box.dir, "script", text);
    tempdir_put(&box.dir, "input", "");
    snprintf(args, sizeof(args), "%s --script %s/script", options, box.dir.path);
    auto_free char *said = screen(args, &got);
    cr_expect_eq(got, status, "%s: %s", text, said);
    cr_expect(strstr(said, out), "%s: %s", text, said);
}

static void expect(const char *text, int status, const char *out)
{
    expect_with("", text, status, out);
}

Test(replay, steps)
{
    expect("# nothing\n\ndump\n", 0, "no containers yet");
    expect("key ?\ndump\n", 0, "mytop-docker: keys");
    expect(
        "key n\ntype busybox\nwait = mytop-docker run -d busybox\ngone which image\ndump\n",
        0, "run a container");
    expect("svg\n", 0, ">no containers yet");
    expect("resize 5 30\ndump\nquit\nnonsense\n", 0, "quit");
}

Test(replay, wrong_steps_are_named)
{
    expect("dump\nfly\n", 1, "script line 2: unknown step: fly");
    expect("key nokey\n", 1, "script line 1: not a key: nokey");
    expect("resize 0 9\n", 1, "script line 1: not a size");
    expect("clock soon\n", 1, "script line 1: not a timestamp");
    expect("dump /proc/nonexistent/x\n", 1,
           "cannot write /proc/nonexistent/x: No such file");
}

Test(replay, a_container_through_the_form)
{
    expect("key n\ntype busybox\nkey Down\ntype sh -c 'echo inside; exit 3'\n"
           "key Down\ntype mine\nkey Enter\nwait exit 3 0s\nwait inside\nkey !\n"
           "wait Status 3\ndump\n",
           0, "why did mine end?");
}

/* Restarts follow each other within milliseconds: what the list shows last is how it is. */
Test(replay, a_crash_under_restart_ends_as_exited)
{
    expect(
        "key :\ntype run -d --name loop --restart on-failure:3 busybox false\nkey Enter\n"
        "wait run -d --name loop\nkey q\nwait exit 1 0s\ngone 1 up\ndump\n",
        0, "1 failed");
}

/* The reader of a log hears of it. */
Test(replay, a_death_is_told_over_the_log)
{
    expect(
        "key :\ntype run -d --name mortal busybox sh -c 'sleep 1.5; exit 4'\nkey Enter\n"
        "wait Esc closes\nkey Esc\nwait 1 up\nkey l\nwait mortal died: exit 4\ndump\n",
        0, "mortal died: exit 4  (! on its row says why)");
}

Test(replay, inspect_begins_with_a_summary)
{
    expect(
        "resize 40 120\nkey :\ntype create --name sum -m 64m -e COLOUR=blue -v /tmp:/mnt:ro "
        "--restart always busybox sleep 7\nkey Enter\nwait Esc closes\nkey Esc\n"
        "wait created\nkey i\nwait command\nwait limits    memory 64M, cpus none\n"
        "wait /tmp -> /mnt (read-only)\nwait COLOUR=blue\nwait restart   always\nkey /\n"
        "type Id\nkey Enter\ndump\n",
        0, "command   sleep 7");
}

/* Times and names: what a process costs, and whose it is. */
Test(replay, top_names_users_and_sorts)
{
    expect(
        "resize 40 120\nkey :\ntype run -d --name tops busybox sh -c 'sleep 1000 & exec sleep "
        "1001'\nkey Enter\nwait Esc closes\nkey Esc\nwait 1 up\nkey T\nwait 2 processes\n"
        "wait root\nwait 0:00.0\nkey M\nwait 2 processes, by memory\ndump\nkey Esc\nkey :\n"
        "type rm -f tops\nkey Enter\ngone sleep 1001\n",
        0, "USER     S   CPU%    RSS      TIME  COMMAND");
}

Test(replay, read_only)
{
    auto_done(outcome_done) struct outcome o =
        RUN(&box, "create", "--name", "one", "busybox");
    cr_assert_eq(o.status, 0, "%s", o.err);
    expect_with("--read-only", "wait one\nkey d\ndump\n", 0,
                "read-only: \"remove\" is locked");
    expect_with("--read-only", "resize 24 40\nwait one\ndump\n", 0, "[read-only]");
}

/* A port of this moment that nobody listens on. */
static unsigned free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

/* In the host's network all see the socket; one container holds it. */
Test(replay, a_port_finds_who_listens_on_it)
{
    static const char *const NETWORKS[] = {"host", "none"};
    for (size_t i = 0; i < 2; i++) {
        char text[512];
        unsigned port = free_port();
        snprintf(text, sizeof(text),
                 "key :\ntype run -d --name web%zu --network %s busybox httpd -f -p %u\n"
                 "key Enter\nwait run -d --name web\nkey q\nwait ● web%zu\nkey :\n"
                 "type run -d --name other%zu --network %s busybox sleep 1000\n"
                 "key Enter\nwait run -d --name other\nkey q\nwait ● other%zu\n"
                 "key /\ntype port:%u\nwait 1 of %zu\ngone other%zu\ndump\n",
                 i, NETWORKS[i], port, i, i, NETWORKS[i], i, port, 2 * i + 2, i);
        expect(text, 0, i ? "● web1" : "● web0");
    }
    auto_done(outcome_done) struct outcome o =
        RUN(&box, "rm", "-f", "web0", "web1", "other0", "other1");
    cr_expect_eq(o.status, 0, "%s", o.err);
}

Test(replay, plain_list)
{
    int status;
    tempdir_put(&box.dir, "input",
                "create --name two busybox\n\n1\nrm 1\nnonsense\n\nq\n");
    auto_free char *out = screen("--plain", &status);
    cr_expect_eq(status, 0, "%s", out);
    cr_expect(strstr(out, "no containers"), "%s", out);
    cr_expect(strstr(out, "1. two, created, image busybox"), "%s", out);
    cr_expect(strstr(out, "state created"), "%s", out);
    cr_expect(strstr(out, "failed with status"), "%s", out);
}

/* Z: nothing moves; what happened meanwhile comes when it is over. */
Test(replay, freeze)
{
    expect("key Z\nkey :\ntype create --name late busybox\nkey Enter\n"
           "wait create --name late\nkey q\ngone created\nwait [frozen: Z]\nkey s\n"
           "wait press Z first\nkey Z\nwait created\ngone frozen\ndump\n",
           0, "late");
}

Test(replay, the_journal_tells_line_result_and_duration)
{
    expect("resize 24 60\nkey :\ntype create --name 'one two' busybox\nkey Enter\n"
           "wait at most 255 characters\nkey Esc\n" /* a line wider than the screen */
           "key :\ntype rm nosuch\nkey Enter\nwait No such container\nkey q\n"
           "resize 24 100\nkey :\ntype journal\nkey Enter\n"
           "wait mytop-docker --batch create --name 'one two' busybox\n"
           "wait FAILED with status 1 after \n"
           "wait | mytop-docker: rm: No such container: nosuch\ndump\n",
           0, " ms");
}

Test(replay, a_broken_record_is_a_row_with_its_reason)
{
    tempdir_put(
        &box.dir,
        "root/containers/"
        "00000000000000000000000000000000000000000000000000000000000000ee/config.json",
        "{\"pid\": 1, \"id\": [");
    expect("wait broken record\ndump\nkey !\nwait config.json\nkey Esc\nkey 4\n"
           "wait is broken: config\ndump\n",
           0, "1 broken");
}

/* A wrong line of the config is named with file and line, and ignored; the others hold. */
Test(replay, a_wrong_config_line_is_named)
{
    char options[200], want[200];
    tempdir_put(&box.dir, "cfg", "refresh = 1\nsort = beauty\nsort = name\n");
    snprintf(options, sizeof(options), "--config %s/cfg", box.dir.path);
    snprintf(want, sizeof(want), "%s/cfg line 2: sort: \"beauty\" is not", box.dir.path);
    expect_with(options, "dump\n", 0, want);
    expect_with(options, "dump\n", 0, "[by name]");
}

/* A signal to one process, chosen in its tab; with --read-only that key is locked as well. */
Test(replay, a_process_is_signalled)
{
    auto_done(outcome_done) struct outcome o =
        RUN(&box, "run", "-d", "--name", "one", "busybox", "sh", "-c",
            "trap 'echo got it; exit 5' TERM; while :; do sleep 0.1; done");
    cr_assert_eq(o.status, 0, "%s", o.err);
    expect_with("--read-only", "wait one\nkey 3 Tab\nwait trap\nkey x\ndump\n", 0,
                "read-only: \"signal\" is locked");
    expect("wait one\nkey 3 Tab\nwait trap\nkey x\nwait SIGTERM\ndump\nkey Enter\n"
           "wait SIGTERM to process\nkey 1\nwait got it\nwait exit 5\ndump\n",
           0, "signal process");
}

Test(replay, key_table_is_printed)
{
    int status;
    tempdir_put(&box.dir, "input", "");
    auto_free char *out = screen("--print-keys markdown", &status);
    cr_expect_eq(status, 0);
    cr_expect(strstr(out, "| `s` | stop it if it is running"), "%s", out);
}
