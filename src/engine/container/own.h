/* container/own.h - what the engine made in a container's upper directory: places to mount on
 * that its image does not have. Nobody wrote it, so it is no change and no part of an image.
 * Errors  0 or -errno.
 */
#ifndef ENGINE_CONTAINER_OWN_H
#define ENGINE_CONTAINER_OWN_H

#include "engine/container/lower.h"

/* Paths like "etc/hosts"; a directory of nothing but these is one itself. root: the image's. */
int container_own_paths(int upper_fd, const struct lower *root, struct strv *ret);

#endif
