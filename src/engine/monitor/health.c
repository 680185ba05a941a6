/* The process started here forks and exits, so that the health process is not the
 * caller's child and need not be reaped later. */

#include "engine/monitor/monitor.h"

#include <errno.h>
#include <stddef.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "engine/cgroup/cgroup.h"
#include "engine/host/self.h"

int monitor_start_health(const char *root, const char *run_root, const char *id,
                         struct mtd_error *err)
{
    static char name[] = HEALTH_NAME;
    char *const argv[] = {name, (char *)root, (char *)run_root, (char *)id, NULL};
    auto_done(place_done) struct group_place outside = PLACE_HERE;
    auto_fd int self = self_open(err);
    int rc = self < 0 ? self : cgroup_leave(&outside, "/proc", err);
    if (rc < 0)
        return rc;
    pid_t pid = self_spawn(self, argv, -1, NULL, &outside, err);
    if (pid < 0)
        return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}
