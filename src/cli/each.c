/* each - in child processes when that saves waiting: stopping takes seconds of waiting
 * for a process to exit, and an engine call blocks for as long. A call takes its own
 * locks, so the children share none. */

#include "cli/each.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/report.h"

/* 0, EACH_QUIET or STATUS_FAILED; err is set in the last case. */
static int do_one(struct cli *c, const char *ref, const void *values, each_fn fn,
                  bool echo, struct mtd_error *err)
{
    int rc = fn(c, ref, values, err);
    if (rc == 0 && echo)
        rc = print_line(ref, err);
    if (rc >= 0)
        return rc == EACH_QUIET ? EACH_QUIET : 0;
    mtd_fail_errno(err, -rc, "%.80s", ref);
    return STATUS_FAILED;
}

/* As docker: what was done first, then what went wrong, both in the order typed. */
static int report_all(struct cli *c, struct mtd_error *errors, size_t n)
{
    int status = 0;
    for (size_t i = 0; i < n; i++)
        if (errors[i].code)
            status = report_error(c, STATUS_FAILED, &errors[i]);
    free(errors);
    return status;
}

static int fail_memory(struct cli *c)
{
    return report_fail(c, STATUS_FAILED, "out of memory");
}

int each_in_turn(struct cli *c, const struct operands *o, const void *values, each_fn fn,
                 bool echo)
{
    struct mtd_error *errors = calloc(o->len + 1, sizeof(*errors));
    if (!errors)
        return fail_memory(c);
    for (size_t i = 0; i < o->len; i++)
        do_one(c, o->items[i], values, fn, echo, &errors[i]);
    return report_all(c, errors, o->len);
}

struct child {
    pid_t pid;
    int said; /* the child's error comes here; -1 = none */
};

static void begin(struct cli *c, const char *ref, const void *values, each_fn fn,
                  struct child *ret)
{
    int ends[2];
    *ret = (struct child){.said = -1};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    ret->pid = fork();
    if (ret->pid == 0) {
        struct mtd_error err = {0};
        int status = do_one(c, ref, values, fn, false, &err);
        if (err.code)
            (void)!write(ends[1], &err, sizeof(err));
        _exit(status);
    }
    close(ends[1]);
    if (ret->pid > 0)
        ret->said = ends[0];
    else
        close(ends[0]);
}

/* As do_one. */
static int result_of(const struct child *child, const char *ref, struct mtd_error *err)
{
    int status = 0;
    struct mtd_error said;
    auto_fd int from = child->said;
    if (read(from, &said, sizeof(said)) == sizeof(said))
        *err = said;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_FAILED;
    if (code == 0 || code == EACH_QUIET)
        return code;
    mtd_fail(err, ECHILD, "%.80s: the process that was at it has died", ref);
    return STATUS_FAILED;
}

/* Printed by the parent, so that the names come in the order they were typed. */
static void reap(const struct child *child, const char *ref, bool echo,
                 struct mtd_error *err)
{
    if (result_of(child, ref, err) == 0 && echo)
        print_line(ref, err);
}

int each_at_once(struct cli *c, const struct operands *o, const void *values, each_fn fn,
                 bool echo, size_t at_most)
{
    size_t begun = 0;
    if (o->len < 2)
        return each_in_turn(c, o, values, fn, echo);
    auto_free struct child *children = calloc(o->len, sizeof(*children));
    struct mtd_error *errors = calloc(o->len, sizeof(*errors));
    if (!children || !errors)
        return free(errors), fail_memory(c);
    for (size_t reaped = 0; reaped < o->len; reaped++) {
        for (; begun < o->len && begun - reaped < at_most; begun++)
            begin(c, o->items[begun], values, fn, &children[begun]);
        if (children[reaped].pid > 0)
            reap(&children[reaped], o->items[reaped], echo, &errors[reaped]);
        else
            do_one(c, o->items[reaped], values, fn, echo, &errors[reaped]);
    }
    return report_all(c, errors, o->len);
}
