/* script - a command is read, split and run before the next line is read, so that
 * commands can be piped in one by one. */

#include "cli/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/report.h"

struct script {
    struct cli *cli;
    FILE *file;
    size_t line; /* lines read */
    struct buf command;
    char *text; /* getline's buffer */
    size_t text_size;
};

/* Appends the next line to the command. 1, 0 at the end, -errno. */
static int read_line(struct script *s)
{
    ssize_t n = getline(&s->text, &s->text_size, s->file);
    if (n < 0)
        return ferror(s->file) ? -EIO : 0;
    s->line++;
    if (strlen(s->text) != (size_t)n)
        return -EBADMSG;
    char *text = s->text;
    if (s->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3, n -= 3; /* a byte order mark */
    if (n >= 2 && strcmp(text + n - 2, "\r\n") == 0)
        text[n-- - 2] = '\n';
    int rc = buf_add(&s->command, text, (size_t)n);
    return rc < 0 ? rc : 1;
}

/* The words of the next command; an empty line has none. 1, 0 at the end, -errno. */
static int next_command(struct script *s, struct strv *ret)
{
    s->command.len = 0;
    int rc = read_line(s);
    s->cli->line = s->line;
    while (rc > 0) {
        rc = words_split_script(s->command.data, ret);
        if (rc != -EAGAIN)
            return rc < 0 ? rc : 1;
        rc = read_line(s);
        if (rc == 0)
            rc = -EAGAIN;
    }
    return rc;
}

static int fail_line(struct script *s, int code)
{
    s->cli->verb = NULL;
    const char *why = code == -EAGAIN    ? WORDS_OPEN
                      : code == -EBADMSG ? "the line contains a NUL byte"
                                         : strerror(-code);
    return report_fail(s->cli, STATUS_ENGINE, "%s", why);
}

static int run_commands(struct script *s, bool keep_going)
{
    int first = 0, rc = 1;
    while (rc > 0) {
        auto_done(strv_done) struct strv words = {0};
        rc = next_command(s, &words);
        if (rc < 0)
            return first ? first : fail_line(s, rc);
        if (rc == 0 || words.len == 0)
            continue;
        int status = command_run(s->cli, (int)words.len, words.items);
        if (first == 0)
            first = status;
        if (status != 0 && !keep_going)
            break;
    }
    return first;
}

/* Moves stdin to another descriptor: a command that read stdin would consume the
 * script. */
static FILE *open_stdin(void)
{
    int own = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (own < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0) {
        if (own >= 0)
            close(own);
        return NULL;
    }
    return fdopen(own, "r");
}

int script_run(struct cli *c, const char *path, bool keep_going)
{
    bool from_stdin = strcmp(path, "-") == 0;
    auto_file FILE *file = from_stdin ? open_stdin() : fopen(path, "re");
    if (!file)
        return report_fail(c, STATUS_ENGINE, "cannot read script %s: %s", path,
                           strerror(errno));
    struct stat st;
    if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode))
        return report_fail(c, STATUS_ENGINE, "cannot read script %s: %s", path,
                           strerror(EISDIR));
    struct script s = {.cli = c, .file = file};
    c->script = from_stdin ? "stdin" : path;
    int status = run_commands(&s, keep_going);
    c->script = NULL;
    buf_done(&s.command);
    free(s.text);
    return status;
}
