/* inherit - what a process has from whoever started it and keeps over fork and execve.
 * Rule    a container must not depend on the shell it was started from, as docker's do not:
 *         the daemon has one set of values. What this program starts of itself (monitor,
 *         joiner, health checker) has these:
 *
 *           limits        nofile 1048576, memlock 8 MiB, stack 8 MiB soft, sigpending as
 *                         pid 1 of the host, the others unlimited
 *           scheduling    SCHED_OTHER, nice 0, no I/O priority, all CPUs, default memory
 *                         policy, 50 us timer slack
 *           killing       oom_score_adj 0
 *           personality   PER_LINUX
 *           SIGCHLD       not ignored
 *
 *         Environment, directory, descriptors, umask, session and terminal, keyring,
 *         signals are set where such a process begins or by the steps inside a container.
 *         An engine that lacks the privilege for one of them keeps what it was given.
 */
#ifndef BASE_INHERIT_H
#define BASE_INHERIT_H

#include <stdint.h>

/* System calls alone: safe after vfork(). */
void inherit_reset(void);
/* For a front end, which shares its caller's limits: what the engine writes is not cut off by
 * `ulimit -f`, and where the limit cannot be raised a write fails with EFBIG instead of
 * killing the process half way. SIGCHLD as above. Of its descriptors 0 to 2 those that are
 * closed become /dev/null, as in docker's client: otherwise the next file that the engine
 * opens would pass for the caller's stdin. */
void inherit_accept(void);
/* What only the host's root may do, for a process that is about to stop being it: a hard limit
 * (RLIM_INFINITY = UINT64_MAX) is raised, never lowered, and the soft one stays; a score set now
 * may be set again. No more than an attempt: whoever needs it says so. */
void inherit_raise_limit(int resource, uint64_t hard);
void inherit_set_oom_score(int score); /* by the host's /proc */
/* No limit on the size of files, where the privilege is there. */
void inherit_raise_file_size(void);

#endif
