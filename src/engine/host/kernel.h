/* kernel - checks that the kernel has what a start needs, before anything is made.
 * Needed  the system calls of the table in kernel.c, all in Linux 5.10. Not needed is
 *         what came later or has a substitute: mount_setattr (5.12, host/mount.c),
 *         cgroup.kill (5.14, cgroup/kill.c), lowerdir+ (6.7, rootfs/overlay.c),
 *         close_range (base/sys.c).
 * Errors  -ENOSYS, err names the call. A seccomp filter that hides the call from this
 *         program looks the same.
 */
#ifndef ENGINE_HOST_KERNEL_H
#define ENGINE_HOST_KERNEL_H

#include "base/error.h"

/* Takes a few microseconds; opens and changes nothing. */
int kernel_check(struct mtd_error *err);

#endif
