/* inside - what a process in the container does between its clone and the command's
 * execve.
 * Shape   there are three such processes: init (pid 1, cloned by the monitor), that of an OCI
 *         bundle (cloned by `create`), and exec's child (cloned by the joiner, see
 *         nsenter.h). One table of steps (inside/steps.c) says which of them takes which
 *         step; whatever confines a command is one row for all.
 * Errors  a step that fails is reported, with its stage, to the process that started this
 *         one: by init over the handshake on fd 3 (wire/sync.h), by exec's child over the
 *         reply socket (nsenter.h). Then the process exits. Nothing of the command has
 *         run; init's mounts and namespaces are destroyed with it.
 * Owner   all of struct inside_init is borrowed.
 * Process only those, single-threaded. Any process may ask for the
 *         names of the steps.
 * Source  OCI runtime-spec runtime.md "Lifecycle"; capabilities(7), pivot_root(2).
 */
#ifndef ENGINE_INSIDE_INSIDE_H
#define ENGINE_INSIDE_INSIDE_H

#include <stddef.h>

#include "engine/cgroup/cgroup.h"
#include "engine/rootfs/rootfs.h"

#define INSIDE_INIT_NAME "mtd:init" /* its name in ps until it becomes the command */

/* Of the container whose IPC namespace is shared: this, and the mount namespace and root
 * that its /dev/shm is in. -1 each = of none. */
struct inside_share {
    int ipc, mounts, root;
};

/* Of a bundle's init: what its parent has opened for it, and where it waits for `start`. */
struct inside_bundle {
    struct rootfs_listed tree;
    int namespaces
        [BUNDLE_NS_COUNT]; /* to be joined; -1 = none. The PID one is for its parent */
    int n_trees;           /* in tree.trees */
    int gate;              /* a listening SOCK_SEQPACKET, see wire/sync.h for its words */
    const char *state;     /* for hooks: of their JSON what follows pid and status */
    bool
        crossed; /* it was cloned in its user namespace, by a process that had joined the others */
    bool
        moved; /* its parent has it moved into its groups, and says go when it is there */
    bool announce; /* its parent has hooks to run when the mounts are made */
    bool new_keyring;
};

/* What init has to do. It inherits this in memory: there is no exec after its clone. */
struct inside_init {
    struct rootfs rootfs;               /* of a record */
    const struct inside_bundle *bundle; /* or of a bundle; NULL = of a record */
    int sync_fd;
    int stdio[3]; /* become 0, 1, 2 without a tty; [0] = -1 = the container's /dev/null */
    unsigned short rows, cols;
    const struct cgroup *cgroup; /* limits are set; init moves itself in */
    struct inside_share share;
    const char *label;   /* for attr/exec (host/label.h); "" = none */
    bool placed;         /* the clone already is in the v2 group */
    bool unshare_cgroup; /* init makes the cgroup namespace, once in its groups */
    int userns_flags;    /* namespaces that init makes in the user namespace of rootfs */
};
/* It has not become the command yet, or the command has given itself init's name. */
bool inside_is_init(pid_t pid);
/* The same, and it is still in the host's tree: whoever joins it now would be there, too.
 * monitor: its parent, which is in that tree for certain. */
bool inside_is_outside(pid_t pid, pid_t monitor);
void inside_init(const struct inside_init *i) __attribute__((noreturn));

/* main() of exec's child: our executable, run as NSENTER_NAME, after its constructor has
 * joined the container. Returns only if it has not. */
int inside_exec_main(int argc, char **argv);

/* main() of the reaper, pid 1 with --init: our executable, run as "/dev/init". */
#define INSIDE_REAPER_NAME "/dev/init"
int inside_reaper_main(int argc, char **argv);

/* The steps in their order, for the tests, which make each fail, be killed and stop.
 * The fault points of a step are "init.NAME" and "exec.NAME", depending on the
 * processes that take it. */
enum inside_process {
    INSIDE_INIT = 1 << 0,
    INSIDE_EXEC = 1 << 1,
    INSIDE_BUNDLE = 1 << 2, /* init of a bundle */
    INSIDE_INITS = INSIDE_INIT | INSIDE_BUNDLE,
    INSIDE_ALL = INSIDE_INITS | INSIDE_EXEC,
};
const char *inside_step_name(size_t i);            /* NULL = there are no more */
enum inside_process inside_step_process(size_t i); /* 0 = there are no more */

#endif
