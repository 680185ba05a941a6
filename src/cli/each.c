/* each - in child processes when that saves waiting: stopping takes seconds of waiting
 * for a process to exit, and an engine call blocks for as long. A call takes its own
 * locks, so the children share none. */

#include "cli/each.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/report.h"

/* 0, EACH_QUIET or STATUS_FAILED. */
static int do_one(struct cli *c, const char *ref, const void *values, each_fn fn,
                  bool echo)
{
    struct mtd_error err = {0};
    int rc = fn(c, ref, values, &err);
    if (rc == 0 && echo)
        rc = print_line(ref, &err);
    if (rc >= 0)
        return rc == EACH_QUIET ? EACH_QUIET : 0;
    mtd_fail_errno(&err, -rc, "%.80s", ref);
    return report_error(c, STATUS_FAILED, &err);
}

int each_in_turn(struct cli *c, const struct operands *o, const void *values, each_fn fn,
                 bool echo)
{
    int status = 0;
    for (size_t i = 0; i < o->len; i++)
        if (do_one(c, o->items[i], values, fn, echo) == STATUS_FAILED)
            status = STATUS_FAILED;
    return status;
}

/* As do_one. */
static int result_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return STATUS_FAILED;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_FAILED;
    return code == 0 || code == EACH_QUIET ? code : STATUS_FAILED;
}

/* Printed by the parent, so that the names come in the order they were typed. */
static int reap(struct cli *c, pid_t pid, const char *ref, bool echo)
{
    struct mtd_error err = {0};
    int code = result_of(pid);
    if (code != 0 || !echo)
        return code;
    return print_line(ref, &err) < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

int each_at_once(struct cli *c, const struct operands *o, const void *values, each_fn fn,
                 bool echo, size_t at_most)
{
    int status = 0;
    size_t begun = 0;
    auto_free pid_t *pids = calloc(o->len + 1, sizeof(*pids));
    if (o->len < 2 || !pids)
        return each_in_turn(c, o, values, fn, echo);
    for (size_t reaped = 0; reaped < o->len; reaped++) {
        for (; begun < o->len && begun - reaped < at_most; begun++) {
            pids[begun] = fork();
            if (pids[begun] == 0)
                _exit(do_one(c, o->items[begun], values, fn, false));
        }
        int one = pids[reaped] > 0 ? reap(c, pids[reaped], o->items[reaped], echo)
                                   : do_one(c, o->items[reaped], values, fn, echo);
        status = one == STATUS_FAILED ? STATUS_FAILED : status;
    }
    return status;
}
