/* Progress as a person sees it: bars on a terminal, while a tar arrives slowly. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pty.h"
#include "tarfile.h"
#include "tempdir.h"

#define CONTENT (1u << 20)

static struct tempdir dir;
static char root[100], run[100], fifo[100];
static struct tarfile tar;

static void make(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    tempdir_make(&dir);
    snprintf(root, sizeof(root), "%s/root", dir.path);
    snprintf(run, sizeof(run), "%s/run", dir.path);
    snprintf(fifo, sizeof(fifo), "%s/tar", dir.path);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    char *content = calloc(1, CONTENT + 1);
    cr_assert_not_null(content);
    memset(content, 'x', CONTENT);
    const struct tar_item items[] = {{"big", S_IFREG | 0644, content}, {NULL}};
    tarfile_make(&tar, items, "", NULL);
    free(content);
}

static void done(void)
{
    if (geteuid() != 0)
        return;
    tarfile_done(&tar);
    tempdir_done(&dir);
}

TestSuite(progress_terminal, .init = make, .fini = done, .timeout = 60);

static void start(struct pty *p, const char *term, const char *mode)
{
    const char *const args[] = {"--root", root, "--run-root", run, "import",
                                mode,     fifo, "slow",       NULL};
    const char *const env[] = {term, "LC_ALL=C.UTF-8", NULL};
    pty_start(p, &(struct pty_setup){.args = args, .env = env});
}

/* Writes the tar bit by bit until the terminal shows `text`, and then the rest. */
static bool feed_until(struct pty *p, const char *text)
{
    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    size_t at = 0;
    for (; at + 4096 < tar.len && !(p->text && strstr(p->text, text)); at += 4096) {
        cr_assert_eq(fs_write_all(fd, tar.data + at, 4096), 0);
        pty_quiet(p, 10);
    }
    bool seen = p->text && strstr(p->text, text);
    cr_assert_eq(fs_write_all(fd, tar.data + at, tar.len - at), 0);
    close(fd);
    return seen;
}

Test(progress_terminal, bars_are_shown_while_a_tar_arrives)
{
    struct pty p;
    start(&p, "TERM=xterm", "--progress=auto");
    cr_expect(feed_until(&p, "Unpacking"), "%s", p.text);
    cr_expect(pty_expect(&p, 0, "sha256:"), "%s", p.text);
    cr_expect_eq(pty_status(&p), 0);
    const char *last = strstr(p.text, "sha256:");
    cr_expect_not_null(strstr(p.text, "slow:latest  Unpacking   "), "%s", p.text);
    cr_expect_null(strstr(last, "Unpacking"), "%s", p.text);
    cr_expect_not_null(strstr(p.text, "\x1b[1A"), "%s", p.text);
    pty_done(&p);
}

Test(progress_terminal, none_and_a_dumb_terminal_show_nothing)
{
    struct pty p;
    start(&p, "TERM=xterm", "--progress=none");
    cr_expect(!feed_until(&p, "Unpacking"), "%s", p.text);
    cr_expect_eq(pty_status(&p), 0);
    pty_done(&p);
    start(&p, "TERM=dumb", "--progress=auto");
    cr_expect(!feed_until(&p, "Unpacking"), "%s", p.text);
    cr_expect_eq(pty_status(&p), 0);
    pty_done(&p);
}
