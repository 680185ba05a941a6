/* glibc's fork() knows no groups, so a child that is born in one is made by the system
 * call; the caller has one thread, and nothing is registered to be run at a fork. */

#include "engine/host/place.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

pid_t place_fork(const struct group_place *p, uint64_t flags)
{
    if (p->into < 0 && flags == 0)
        return fork();
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    if (p->into >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)p->into;
    }
    return sys_clone3(&args, sizeof(args));
}

int place_join(const struct group_place *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (write(p->join[i], "0", 1) < 0)
            return -errno;
    return 0;
}

void place_done(struct group_place *p)
{
    int saved = errno;
    if (p->into >= 0)
        close(take_fd(&p->into));
    for (size_t i = 0; i < p->n; i++)
        close(p->join[i]);
    p->n = 0;
    errno = saved;
}
