/* kernel - what a kernel must have before a start makes anything.
 * Needed  the system calls of the table in kernel.c, all in Linux 5.10. What came later, or has a
 *         substitute, is not: mount_setattr (5.12, host/mount.c), cgroup.kill (5.14,
 *         cgroup/kill.c), lowerdir+ (6.7, rootfs/overlay.c), close_range (base/sys.c).
 * Errors  -ENOSYS, err names the call. A filter around this program that hides the call looks
 *         the same.
 */
#ifndef ENGINE_HOST_KERNEL_H
#define ENGINE_HOST_KERNEL_H

#include "base/error.h"

/* A few microseconds; nothing is opened or changed. */
int kernel_check(struct mtd_error *err);

#endif
