/* init - what runs between clone3 and the command: PID 1 of the namespaces.
 * Order   into the cgroups first, so that everything is limited and accounted; mounts; then
 *         wait for go, the namespace of the groups, pivot, identity, command. fd 3 is the handshake (sync.h). Everything it needs is in memory
 *         inherited from the monitor, which did not exec in between.
 * Process the clone3 child; never returns.
 */
#ifndef ENGINE_INSIDE_INSIDE_H
#define ENGINE_INSIDE_INSIDE_H

#include "engine/cgroup/cgroup.h"
#include "engine/rootfs/rootfs.h"

struct init {
    struct rootfs rootfs;
    int sync_fd;
    int stdio
        [3]; /* without a tty: what becomes 0, 1, 2; [0] = -1: the container's null */
    unsigned short rows, cols;
    const struct cgroup
        *cgroup;         /* limited already; init moves itself in (no global lock) */
    bool placed;         /* the clone already stands in the v2 group */
    bool unshare_cgroup; /* the namespace is made after the monitor has placed it (v1) */
};
void init_run(const struct init *i) __attribute__((noreturn));

/* The reaping pid 1 of --init: main() of our executable when run as "/dev/init". */
#define INIT_REAPER_NAME "/dev/init"
int init_reaper_main(int argc, char **argv);

#endif
