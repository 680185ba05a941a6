/* hostfiles - /etc/hosts, /etc/hostname and /etc/resolv.conf as docker makes them, written into
 * the container's directory and bound over the image's by rootfs.c.
 * Errors  -errno, err names the file.
 */
#ifndef ENGINE_ROOTFS_HOSTFILES_H
#define ENGINE_ROOTFS_HOSTFILES_H

#include "engine/types.h"

int hostfiles_write(int dir_fd, const struct mtd_spec *spec, struct mtd_error *err);
/* "name:ip" of --add-host: -EINVAL. */
int hostfiles_check_host(const char *entry, struct mtd_error *err);

#endif
