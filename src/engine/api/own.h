/* api/own.h - the mount points, and the files of rootfs/marks.c, that the engine made in a
 * container's upper directory because the image does not have them. The container did not write them, so
 * they are neither changes nor part of an image.
 * Errors  0 or -errno.
 */
#ifndef ENGINE_API_OWN_H
#define ENGINE_API_OWN_H

#include "engine/api/lower.h"

/* Paths like "etc/hosts"; a directory that has only such entries is one itself.
 * root: the image's. */
int container_own_paths(int upper_fd, const struct lower *root, struct strv *ret);

#endif
