/* The last steps: the program is looked up as the user it runs as, whatever survives
 * execve is reset to what a new process has, and the process becomes the command. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/confine/confine.h"
#include "engine/syscalls/syscalls.h"

int inside_program(struct inside *c, struct mtd_error *err)
{
    if (c->process->args.len == 0)
        return mtd_fail(err, EINVAL,
                        "no command; name one, or use an image that has one");
    return confine_find_program(c->process->args.items[0], &c->env, c->program,
                                sizeof(c->program), err);
}

int inside_signals(struct inside *c, struct mtd_error *err)
{
    int rc = confine_signals(c->ignored);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot reset the signals") : 0;
}

int inside_close(struct inside *c, struct mtd_error *err)
{
    if (fault_point("inside.leak") < 0)
        (void)!dup(STDIN_FILENO); /* so that a test sees this defence behind the others */
    int rc = confine_close(3 + c->process->preserve);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot close file descriptors") : 0;
}

/* Last, so that no profile need allow what the engine does before a command: what comes
 * after it are execve, the word that it comes, and the report of its failure; with a listener
 * its descriptor is handed over first, which stays open until then, as close may wait for the
 * listener. */
int inside_seccomp(struct inside *c, struct mtd_error *err)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    if (fault_point("inside.no-filter") < 0)
        return 0; /* so that tests see that they would notice */
    int rc = syscalls_filter_make(&f, c->seccomp, c->made, c->seccomp_caps, err);
    if (rc == 0 && inside_is_late(c))
        rc = inside_check_late(c, &f, err);
    if (rc == 0 && inside_late_caps(c))
        rc = confine_use_caps(inside_late_caps(c), err);
    int listener = rc < 0 ? rc : syscalls_filter_load(&f, err);
    if (listener <= 0)
        return listener;
    rc = c->ops->hand_listener(c, listener);
    return rc < 0 ? mtd_fail_errno(err, -rc, "nobody took the seccomp listener") : 0;
}

/* With --init the program is our reaper, which gets the path already looked up. */
static int put_reaper(struct inside *c, struct strv *argv)
{
    int rc = strv_add(argv, INSIDE_REAPER_NAME);
    if (rc == 0)
        rc = strv_add(argv, c->program);
    return rc == 0 ? strv_add_all(argv, &c->process->args) : rc;
}

int inside_command(struct inside *c, struct mtd_error *err)
{
    const struct mtd_process *p = c->process;
    struct strv argv = {0};
    if (p->init && put_reaper(c, &argv) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = c->ops->before_exec(c, err);
    if (rc < 0)
        return rc;
    execve(p->init ? INSIDE_REAPER_NAME : c->program,
           p->init ? argv.items : p->args.items, c->env.items);
    return mtd_fail_errno(err, errno, "exec: \"%s\"", p->args.items[0]);
}
