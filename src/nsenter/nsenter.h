/* nsenter - joining a container's namespaces before main().
 * Shape   the engine (exec.c) builds a struct nsenter_request in a sealed memfd and runs our
 *         executable again: argv[0] = NSENTER_NAME, empty environment, the memfd on fd 3, a
 *         SOCK_SEQPACKET on fd 4 for results. The constructor acts only if all of that holds:
 *         argv[0], memfd seals, magic, version, sizes. No environment variable is ever read.
 * Order   cgroup first, then setns (pidfd with all namespaces at once; per-namespace fds with
 *         mount last on kernels < 5.8), then clone with CLONE_PARENT into the pid namespace, so
 *         the command is the front end's own child; the pid goes over fd 4.
 * Process the constructor of the re-executed program, single-threaded. It returns to main()
 *         only in the child that is inside the container; main() then runs exec_child_main()
 *         (engine/exec.h), which does terminal, user, capabilities, directory and execve.
 * Errors  struct mtd_error over fd 4, then _exit(125).
 */
#ifndef NSENTER_NSENTER_H
#define NSENTER_NSENTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

#define NSENTER_NAME "mtd:exec"
#define NSENTER_MAGIC 0x6d74642d65786563ULL /* "mtd-exec" */
#define NSENTER_VERSION 1u
#define NSENTER_MAX (4u << 20)

/* (header layout and encode/decode functions: see nsenter.c's author) */

#endif
