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

/* With status.endpoints: the container's own lines are in hosts, and its monitor answers its
 * questions. dir_fd: <root>/containers/ID. */
int hostfiles_write(int dir_fd, const struct mtd_record *r, struct mtd_error *err);
#define HOSTFILES_SERVER "127.0.0.11" /* where the monitor answers */
#define HOSTFILES_GATEWAY \
    "host-gateway" /* in place of IP: the host, as the container sees it */
/* entry: "NAME:IP", as in spec.add_hosts. -EINVAL = it is not. */
int hostfiles_check_host(const char *entry, struct mtd_error *err);

#endif
