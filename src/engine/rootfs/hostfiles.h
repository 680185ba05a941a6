/* hostfiles - /etc/hosts, /etc/hostname and /etc/resolv.conf as docker makes them.
 * Shape   written into the container's directory, from where rootfs/user.c binds
 *         them over the image's.
 * Errors  0 or -errno, err names the file.
 * Process the monitor, before init; the check also the front end.
 * Source  docker's --add-host, --dns and --hostname.
 */
#ifndef ENGINE_ROOTFS_HOSTFILES_H
#define ENGINE_ROOTFS_HOSTFILES_H

#include "engine/types.h"

int hostfiles_write(int dir_fd, const struct mtd_spec *spec, struct mtd_error *err);
/* entry: "NAME:IP", as in spec.add_hosts. -EINVAL = it is not. */
int hostfiles_check_host(const char *entry, struct mtd_error *err);

#endif
