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

struct result {
    int status; /* 0, EACH_QUIET or STATUS_FAILED; in the last two cases err is told */
    struct mtd_error err;
};

static void do_one(struct cli *c, const char *ref, const void *values, each_fn fn,
                   bool echo, struct result *ret)
{
    int rc = fn(c, ref, values, &ret->err);
    if (rc == 0 && echo)
        rc = print_line(ref, &ret->err);
    ret->status = rc == EACH_QUIET ? EACH_QUIET : rc < 0 ? STATUS_FAILED : 0;
    mtd_fail_errno(rc < 0 ? &ret->err : NULL, -rc, "%.80s", ref);
}

/* As docker: what was done first, then what went wrong, both in the order typed. */
static int report_all(struct cli *c, struct result *results, size_t n)
{
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        if (results[i].status != 0)
            report_error(c, STATUS_FAILED, &results[i].err);
        if (results[i].status == STATUS_FAILED)
            status = STATUS_FAILED;
    }
    free(results);
    return status;
}

static int fail_memory(struct cli *c)
{
    return report_fail(c, STATUS_FAILED, "out of memory");
}

int each_in_turn(struct cli *c, const struct operands *o, const void *values, each_fn fn,
                 bool echo)
{
    struct result *results = calloc(o->len + 1, sizeof(*results));
    if (!results)
        return fail_memory(c);
    for (size_t i = 0; i < o->len; i++)
        do_one(c, o->items[i], values, fn, echo, &results[i]);
    return report_all(c, results, o->len);
}

struct child {
    pid_t pid;
    int said; /* its struct result comes here; -1 = it has none */
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
        struct result own = {0};
        do_one(c, ref, values, fn, false, &own);
        (void)!write(ends[1], &own, sizeof(own));
        _exit(0);
    }
    close(ends[1]);
    if (ret->pid > 0)
        ret->said = ends[0];
    else
        close(ends[0]);
}

/* The name is printed by the parent, so that names come in the order they were typed. */
static void reap(const struct child *child, const char *ref, bool echo,
                 struct result *ret)
{
    auto_fd int from = child->said;
    if (read(from, ret, sizeof(*ret)) != sizeof(*ret)) {
        *ret = (struct result){.status = STATUS_FAILED};
        mtd_fail(&ret->err, ECHILD, "%.80s: the process that was at it has died", ref);
    }
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (ret->status == 0 && echo && print_line(ref, &ret->err) < 0)
        ret->status = STATUS_FAILED;
}

int each_at_once(struct cli *c, const struct operands *o, const void *values, each_fn fn,
                 bool echo, size_t at_most)
{
    size_t begun = 0;
    if (o->len < 2)
        return each_in_turn(c, o, values, fn, echo);
    auto_free struct child *children = calloc(o->len, sizeof(*children));
    struct result *results = calloc(o->len, sizeof(*results));
    if (!children || !results)
        return free(results), fail_memory(c);
    for (size_t reaped = 0; reaped < o->len; reaped++) {
        for (; begun < o->len && begun - reaped < at_most; begun++)
            begin(c, o->items[begun], values, fn, &children[begun]);
        if (children[reaped].pid > 0)
            reap(&children[reaped], o->items[reaped], echo, &results[reaped]);
        else
            do_one(c, o->items[reaped], values, fn, echo, &results[reaped]);
    }
    return report_all(c, results, o->len);
}
