/* report - how a verb tells about failures, and verbs over several containers. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "cli/print.h"
#include "cli/verb.h"

#define PARALLEL_MAX 32

/* One write per line, so that parallel commands do not mix theirs. */
static void print_stderr_line(const struct cli *c, const char *kind, const char *text)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = buf_puts(&b, "mytop-docker: ");
    if (rc == 0 && c->script)
        rc = buf_printf(&b, "%s:%zu: ", c->script, c->line);
    /* "exec: exec: ..." would say it twice. */
    size_t len = c->verb ? strlen(c->verb->name) : 0;
    bool said = c->verb && strncmp(text, c->verb->name, len) == 0 && text[len] == ':';
    if (rc == 0 && c->verb && !said)
        rc = buf_printf(&b, "%s: ", c->verb->name);
    if (rc == 0)
        rc = buf_puts(&b, kind);
    if (rc == 0)
        rc = print_visible(&b, text, strlen(text), "");
    if (rc == 0)
        rc = buf_putc(&b, '\n');
    if (rc == 0)
        (void)fs_write_all(STDERR_FILENO, b.data, b.len);
}

int cli_error(const struct cli *c, int status, const struct mtd_error *err)
{
    print_stderr_line(c, "", err->code ? err->text : "failed for an unknown reason");
    return status;
}

int cli_fail(const struct cli *c, int status, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    print_stderr_line(c, "", text);
    return status;
}

int cli_printed(const struct cli *c, int rc)
{
    return rc < 0
               ? cli_fail(c, STATUS_ENGINE, "cannot write to stdout: %s", strerror(-rc))
               : 0;
}

void cli_warn(const struct cli *c, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    print_stderr_line(c, "warning: ", text);
}

static int do_one(struct cli *c, const char *ref, const void *values, cli_each_fn fn,
                  bool echo)
{
    struct mtd_error err = {0};
    int rc = fn(c, ref, values, &err);
    if (rc == 0 && echo)
        rc = print_line(ref);
    if (rc >= 0)
        return 0;
    mtd_fail_errno(&err, -rc, "%.80s", ref);
    return cli_error(c, STATUS_FAILED, &err);
}

int cli_each(struct cli *c, const struct operands *o, const void *values, cli_each_fn fn,
             bool echo)
{
    int status = 0;
    for (size_t i = 0; i < o->len; i++)
        if (do_one(c, o->items[i], values, fn, echo))
            status = STATUS_FAILED;
    return status;
}

/* The names come in the order they were typed, so children leave printing them to us. */
static int reap(pid_t pid, const char *ref, bool echo)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return STATUS_FAILED;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return STATUS_FAILED;
    return echo && print_line(ref) < 0 ? STATUS_FAILED : 0;
}

int cli_each_at_once(struct cli *c, const struct operands *o, const void *values,
                     cli_each_fn fn, bool echo)
{
    int status = 0;
    size_t begun = 0;
    auto_free pid_t *pids = calloc(o->len + 1, sizeof(*pids));
    if (o->len < 2 || !pids)
        return cli_each(c, o, values, fn, echo);
    for (size_t reaped = 0; reaped < o->len; reaped++) {
        for (; begun < o->len && begun - reaped < PARALLEL_MAX; begun++) {
            pids[begun] = fork();
            if (pids[begun] == 0)
                _exit(do_one(c, o->items[begun], values, fn, false));
        }
        int one = pids[reaped] > 0 ? reap(pids[reaped], o->items[reaped], echo)
                                   : do_one(c, o->items[reaped], values, fn, echo);
        status = one ? STATUS_FAILED : status;
    }
    return status;
}
