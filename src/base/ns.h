/* ns - the namespaces of a process, by the names that /proc gives them: "mnt:[4026531841]".
 * Errors  0 or -errno. A process that is gone has none: -EACCES, -ENOENT or -ESRCH.
 *         -EACCES also for another's process without CAP_SYS_PTRACE.
 * Owner   returned descriptors belong to the caller.
 * Source  namespaces(7); the number is that of an inode, unique until the next boot.
 */
#ifndef BASE_NS_H
#define BASE_NS_H

#include <sys/types.h>

#include "base/strv.h"

#define NS_ID_SIZE 48

int ns_open(pid_t pid); /* /proc/PID/ns, with O_PATH; 0 = of this process */
/* name: "mnt", "pid_for_children" ... */
int ns_id(int dir, const char *name, char ret[NS_ID_SIZE]);
/* The same of a namespace that is open. */
int ns_id_of(int fd, const char *name, char ret[NS_ID_SIZE]);
/* Adds the id of each namespace this kernel has; without: kinds left out, "mnt cgroup". */
int ns_ids(pid_t pid, const char *without, struct strv *ret);
/* Brings up the loopback interface of the network namespace that this process is in. */
int ns_loopback_up(void);

#endif
