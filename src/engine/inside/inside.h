/* inside - what runs between a process made in the container and the command it becomes.
 * Shape   two processes get that far: init (pid 1, cloned by the monitor) and exec's
 *         child (cloned by the joiner, see nsenter.h). One table of steps
 *         (inside/steps.c) says for each step which of the two takes it; whatever keeps a
 *         command confined is one row for both.
 * Errors  a step that fails is reported, with its stage, to the process's starter: by
 *         init over the handshake on fd 3 (wire/sync.h), by exec's child over the reply
 *         socket (nsenter.h). Then it exits. Nothing of the command has run; init's
 *         mounts and namespaces go with it.
 * Process only those two, single-threaded. The names of the steps are for all.
 */
#ifndef ENGINE_INSIDE_INSIDE_H
#define ENGINE_INSIDE_INSIDE_H

#include <stddef.h>

#include "engine/cgroup/cgroup.h"
#include "engine/rootfs/rootfs.h"

#define INSIDE_INIT_NAME "mtd:init" /* its name until it becomes the command */

/* Init's request is inherited memory: the monitor did not exec in between. */
struct inside_init {
    struct rootfs rootfs;
    int sync_fd;
    int stdio[3]; /* what becomes 0, 1, 2 without a tty; [0] = -1: the container's null */
    unsigned short rows, cols;
    const struct cgroup *cgroup; /* limited already; init moves itself in */
    bool placed;                 /* the clone already is in the v2 group */
    bool unshare_cgroup;         /* v1: init makes the namespace, once in its groups */
};
void inside_init(const struct inside_init *i) __attribute__((noreturn));

/* main() of exec's child: our executable run as NSENTER_NAME, when the constructor has
 * joined. */
int inside_exec_main(int argc, char **argv);

/* The reaping pid 1 of --init: main() of our executable when run as "/dev/init". */
#define INSIDE_REAPER_NAME "/dev/init"
int inside_reaper_main(int argc, char **argv);

/* The steps in their order, for the tests, which fail, kill and stop each. A step's fault
 * points are "init.NAME" and "exec.NAME", as far as it is taken by these. */
enum inside_process {
    INSIDE_INIT = 1 << 0,
    INSIDE_EXEC = 1 << 1,
    INSIDE_BOTH = INSIDE_INIT | INSIDE_EXEC,
};
const char *inside_step_name(size_t i);            /* NULL = there are no more */
enum inside_process inside_step_process(size_t i); /* 0 = there are no more */

#endif
